"""What a look at a run tells of halves that reached no basin, from journals and from finished rounds alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from separatrix.core.files import write_json
from separatrix.core.journal import Journal
from separatrix.results import status
from separatrix.results.moves import Move, move_record
from separatrix.results.path_files import write_shots

ENDS = [("A", "B"), ("none", "B"), ("none", "none"), ("A", "A"), ("failed", ""), ("none", "A"), ("", "")]
OUTCOMES = ["accepted", "no basin", "no basin", "same basin", "failed", "no basin", "off path"]


def moves() -> list[Move]:
    geometry = np.zeros((2, 3))
    return [
        Move(i, outcome, forward=forward, backward=backward, positions=geometry, velocities=geometry)
        for i, (outcome, (forward, backward)) in enumerate(zip(OUTCOMES, ENDS, strict=True))
    ]


@pytest.fixture(params=["journal", "finished"])
def results(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """One chain of one method, its moves in a journal or in a finished round, and a committor's shots."""
    folder = tmp_path / "pm6"
    chain = folder / "chain_1"
    chain.mkdir(parents=True)
    (folder / "check.json").write_text("{}")
    made = moves()
    if request.param == "journal":
        with Journal(chain / "journal/key") as record:
            record.about({"method": "pm6", "chain": 1, "round": 1, "first_move": 0, "shots": 6})
            for move in made:
                record.write(move.index, move_record(move) | {"seconds": 0.1})
        with Journal(folder / "committor/separatrix/journal_0/key") as record:
            record.about({"method": "pm6", "batch": 0, "shots": 10})
            for i, end in enumerate(["A", "B", *["none"] * 7]):
                record.write(i, {"end": end, "reason": "", "frames": 1, "evaluations": 1, "steps": 1})
    else:
        (chain / "round_1").mkdir()
        common = {"chain": 1, "frame": 1.0, "source": "toy"}
        place = (1, ("pm6", "chain", 1))
        file = chain / "round_1/shots.nc"
        write_shots(made, ("X", "Y"), file, number=1, burn_in=[False] * len(made), place=place, **common)
        counts = {"moves": 7, "shots": 6, "accepted": 1, "failed": 1, "evaluations": 1, "steps": 1, "core_seconds": 1.0}
        write_json(counts, chain / "round_1/cost.json")
        entries = [{"to_product": 1, "to_reactant": 1, "no_basin": 7}]
        write_json({"draws": {"separatrix": {"configurations": entries}}}, folder / "committor.json")
    return tmp_path


def test_lost_halves_are_counted_and_told(results: Path) -> None:
    (found,) = status.of_results(results)
    (chain,) = found.chains
    assert (chain.halves, chain.no_basin) == (10, 4)
    halves, shots = found.warnings
    assert halves.startswith("4 of 10 half-trajectories (40%, 17% to 69%) reached no basin within longest_half_fs")
    assert shots.startswith("7 of 9 committor shots (78%,") and "give a larger longest_half_fs" in shots
    assert json.loads(json.dumps(found.to_dict()))["warnings"] == found.warnings
    run = subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "status", str(results)],
        capture_output=True,
        text=True,
        check=True,
    )
    words = " ".join(run.stdout.split())
    assert "pm6: 4 of 10 half-trajectories" in words and "pm6: 7 of 9 committor shots" in words
    # A verdict that says it has said it.
    (results / "pm6/rounds").mkdir()
    criterion = {"name": "halves in no basin", "holds": False}
    verdict = {"converged": False, "verdict": f"stopped without convergence: {halves}", "criteria": [criterion]}
    write_json(verdict, results / "pm6/rounds/1.json")
    (found,) = status.of_results(results)
    assert found.warnings == [shots]
