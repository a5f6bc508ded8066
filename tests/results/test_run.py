"""A method's results as they are read from its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from toy_method import (
    assessment,
    cost_of,
    four_atoms,
)

from separatrix.core.errors import StoreError
from separatrix.core.files import write_json
from separatrix.results import run
from separatrix.results.moves import Move
from separatrix.results.path_files import write_paths, write_shots


def test_assessments_are_read_up_to_the_last(tmp_path: Path):
    """A longer run before this one may have left files behind; a file that is missing is an error."""
    for number in range(1, 6):
        write_json(assessment(number, stop=number == 3), tmp_path / "rounds" / f"{number}.json")
    found = run.read_assessments(tmp_path)
    assert [a["round"] for a in found] == [0, 1, 2] and found[-1]["stop"]
    (tmp_path / "rounds/2.json").unlink()
    with pytest.raises(StoreError, match=r"2\.json"):
        run.read_assessments(tmp_path)


def test_a_chain_is_read_from_its_files(tmp_path: Path):
    """Two burn-in moves, then three; the tables are those that the stages write."""
    track = np.zeros((2, 6, 4, 3))
    words = ["accepted", "failed", "off path", "accepted", "same basin"]
    geometry = four_atoms(120.0, 90.0)
    moves = [
        Move(i, word, forward="B", positions=geometry, velocities=geometry, evaluations=10, steps=9, shift=4 - (i > 1))
        for i, word in enumerate(words)
    ]
    symbols, common = ("C", "N", "N", "C"), {"chain": 7, "frame": 2.0, "source": "toy"}
    burning = [True, True, False, False, False]
    write_shots(
        moves, symbols, tmp_path / "shots.nc", number=1, burn_in=burning, place=(1, ("m", "chain", 7)), **common
    )
    made = {"mechanisms": ["rotation"] * 3, "labels": [3, 3, 3], "start": "saddle"}
    paths = [track, track, track[:, :4]]
    write_paths(paths, symbols, tmp_path / "paths.nc", moves=[-1, 0, 3], multiplicity=[0, 1, 2], **made, **common)
    (tmp_path / "cost.json").write_text(json.dumps(cost_of(5, 4)))
    alone = {"mechanisms": ["rotation"], "labels": [3], "start": "saddle", "moves": [-1], "multiplicity": [1]}
    spent = {"evaluations": 123, "core_seconds": 4.5}
    for cost, known, wanted in ((None, {}, None), (spent, spent, "a guess")):
        write_paths([track], symbols, tmp_path / "first_path.nc", **alone, **common, cost=cost, wanted=wanted)
        found = run.read_chain(tmp_path)
        assert found.first_path_cost == known
        assert (found.start, found.wanted) == ("saddle", wanted or "saddle")
    assert found.shift.tolist() == [4, 4, 3, 3, 3]
    assert found.number == 7 and found.cost["core_seconds"] == 2.0
    assert found.burn_in.tolist() == burning and found.burn_in_shots == 2
    assert found.shots.tolist() == [False, False, False, True, True]
    assert found.accepted.tolist() == [1.0, 0.0]
    assert found.series(found.duration).tolist() == [10.0, 6.0, 6.0]
