"""Random streams: fixed by their place alone, the same in every process, never shared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separatrix.core.seeds import stream

ROOT = Path(__file__).parents[2]

# What stream(2024, "pm6", "chain", 1, "move", 17) gave when this test was written (numpy 1.26). A change here
# means that every stored chain would continue to other numbers than it began with.
FIRST = [301852, 891425, 804295, 435631]
FIRST_NORMAL = -0.5775000630656033

words = st.one_of(st.text(min_size=1, max_size=8), st.integers(min_value=0, max_value=2**20))


def test_numbers_do_not_change_between_versions():
    rng = stream(2024, "pm6", "chain", 1, "move", 17)
    assert rng.integers(0, 1_000_000, size=4).tolist() == FIRST
    assert rng.standard_normal() == pytest.approx(FIRST_NORMAL, abs=1e-12)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_numbers_do_not_change_between_processes(hash_seed):
    """Python's own hash of a string is salted per process; the streams must not depend on it."""
    code = (
        "from separatrix.core.seeds import stream;"
        "print(*stream(2024, 'pm6', 'chain', 1, 'move', 17).integers(0, 1_000_000, size=4))"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert [int(word) for word in out.stdout.split()] == FIRST


def test_a_stream_is_new_each_time():
    """Drawing from a place does not move the place on: a resumed run sees the numbers again."""
    first = stream(7, "chain", 3)
    first.random(1000)
    assert stream(7, "chain", 3).random() == stream(7, "chain", 3).random()


@given(seed=st.integers(0, 2**32 - 1), one=st.lists(words, max_size=5), other=st.lists(words, max_size=5))
def test_places_do_not_share_numbers(seed, one, other):
    same = one == other
    a = stream(seed, *one).integers(0, 2**63, size=2).tolist()
    b = stream(seed, *other).integers(0, 2**63, size=2).tolist()
    assert (a == b) == same


def test_a_trailing_zero_is_another_place():
    """NumPy's SeedSequence pads short keys with zeros, so that [5, 3] and [5, 3, 0] would be one stream."""
    numbers = {int(stream(5, 3, *(0,) * n).integers(0, 2**63)) for n in range(5)}
    assert len(numbers) == 5


def test_no_collisions_in_a_run():
    """Every method, chain and move of a run of ordinary size, and the other uses of the same root seed."""
    seen = set()
    places = [
        (seed, method, "chain", chain, "move", move)
        for seed in (0, 1)
        for method in ("gaff2", "pm6", "dftb2")
        for chain in range(6)
        for move in range(60)
    ]
    places += [(0, "pm6", "first path", chain, "attempt", k) for chain in range(6) for k in range(60)]
    for place in places:
        seen.add(int(stream(*place).integers(0, 2**63)))
    assert len(seen) == len(places)


def test_neighbouring_streams_are_uncorrelated():
    draws = np.array([stream(5, "chain", 0, "move", k).standard_normal(400) for k in range(200)])
    correlation = np.corrcoef(draws)[np.triu_indices(200, 1)]
    assert np.abs(correlation).max() < 5.5 / np.sqrt(400)
    assert abs(correlation.mean()) < 5.0 / np.sqrt(400 * len(correlation))
    # Across the streams, the first numbers of each are normal as well.
    assert abs(draws[:, 0].mean()) < 4.0 / np.sqrt(200)
    assert abs(draws[:, 0].var() - 1.0) < 4.0 * np.sqrt(2.0 / 200)
