"""What is correlated with what: lengths of blocks, and errors between blocks where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import slow_shots
from scipy import stats

from separatrix.coordinate import committor_model
from separatrix.statistics import blocks
from separatrix.statistics.blocks import Blocks, Dependence, student_factor, upper_limit


def test_many_chains_are_the_blocks_whatever_their_memory() -> None:
    chain = [str(k % 12) for k in range(120)]
    found = Dependence.of(chain, 120).blocks(np.cumsum(np.ones(120)))
    assert found is not None and found.description == "12 chains" and math.isnan(found.memory)
    assert found.label.tolist() == [k % 12 for k in range(120)]


def test_fewer_chains_are_cut_by_their_memory() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=400)
    free = Dependence.of(np.arange(400) // 200, 400).blocks(scores)
    assert free is not None and 1.0 <= free.memory < 1.5 and 60 <= free.count <= 100
    # eight times the same score: a memory of about eight
    slow = Dependence.of(np.arange(3200) // 1600, 3200).blocks(np.repeat(scores, 8))
    assert slow is not None and slow.memory == pytest.approx(8.0 * free.memory, rel=0.25)
    assert slow.count == pytest.approx(free.count, rel=0.3) and "4 times their memory" in slow.description
    # of several parameters the one with the longest memory decides
    both = Dependence.of(np.arange(3200) // 1600, 3200).blocks(
        np.column_stack([rng.normal(size=3200), np.repeat(scores, 8)])
    )
    assert both is not None and both.memory == slow.memory
    short = Dependence.of(np.zeros(60), 60).blocks(np.cumsum(rng.normal(size=60)))
    assert short is not None and short.count == blocks.FEWEST and "shorter than 4 times" in short.description


def test_the_halves_of_a_shot_stay_together_and_their_memory_is_that_of_shots() -> None:
    rng = np.random.default_rng(2)
    q = np.repeat(rng.normal(size=90), 2)
    chain = np.repeat([0, 1, 2], 60)
    hidden = np.repeat(np.repeat(rng.normal(size=15), 6), 2)
    # Two halves of a shot that go to different sides: from one to the next the score changes sign.
    scores = hidden + np.tile([3.0, -3.0], 90)
    halves = Dependence.of(chain, 180).blocks(scores)
    shots = Dependence.of(chain, 180, configurations=q).blocks(scores)
    assert halves is not None and halves.memory == 1.0
    assert shots is not None and shots.memory > 3.0
    for first in range(0, 180, 2):
        assert shots.label[first] == shots.label[first + 1]


@given(st.integers(1, 9), st.integers(1, 40), st.floats(0.0, 0.99), st.integers(0, 5))
def test_blocks_are_runs_of_one_chain(chains: int, length: int, keep: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain = rng.permutation(np.repeat(np.arange(chains), length))  # interleaved, as they are recorded
    noise = rng.normal(size=chain.size)
    scores = np.convolve(noise, keep ** np.arange(10))[: chain.size]
    found = Dependence.of(chain, chain.size).blocks(scores)
    if chain.size == 1:
        assert found is None
        return
    assert found is not None and found.count == len(set(found.label.tolist())) >= min(blocks.FEWEST, chain.size)
    assert sorted(np.concatenate(found.rows()).tolist()) == list(range(chain.size))
    for rows in found.rows():
        members = np.flatnonzero(chain == chain[rows[0]])
        first = int(np.searchsorted(members, rows[0]))
        np.testing.assert_array_equal(rows, members[first : first + rows.size])


def test_what_is_asked_for_and_what_is_not_known() -> None:
    runs = Dependence.of(None, 25, "10").blocks()
    assert runs is not None and np.bincount(runs.label).tolist() == [10, 10, 5]
    assert runs.description == "3 runs of 10 consecutive observations"
    for chain, how, why in (
        (None, "chain", "no chains in the file"),
        (["x"] * 9, "none", "as asked"),
        (None, "100", "one block of 9 observations"),
    ):
        known = Dependence.of(chain, 9, how)
        assert known.blocks(np.ones(9)) is None and why in known.why_independent()
    for how in ("weekly", "0", "-3", "1.5"):
        with pytest.raises(ValueError, match="blocks must be chain, none or a number"):
            Dependence.of(None, 9, how)
    with pytest.raises(ValueError, match="one chain per observation"):
        Dependence.of([1, 2], 9)


def test_sums_are_those_of_each_block() -> None:
    found = Blocks.of_labels(["b", "a", "b", "c"])
    assert found.label.tolist() == [0, 1, 0, 2] and found.count == 3
    np.testing.assert_array_equal(found.sums(np.array([1.0, 2.0, 4.0, 8.0])), [5.0, 2.0, 8.0])
    np.testing.assert_array_equal(found.sums(np.ones((4, 2))), [[2.0, 2.0], [1.0, 1.0], [1.0, 1.0]])
    assert Blocks.single(5).count == 5


def test_limits_are_those_of_their_laws() -> None:
    assert student_factor(9, 0.9) == pytest.approx(stats.t.ppf(0.95, 8), rel=1e-12)
    assert upper_limit(2.0, 9) == pytest.approx(2.0 * math.sqrt(8 / stats.chi2.ppf(0.05, 8)), rel=1e-9)
    assert math.isnan(upper_limit(2.0, 1))
    # a standard error from nine normal values exceeds its limit in one of twenty samples
    rng = np.random.default_rng(3)
    limits = [upper_limit(x.std(ddof=1), 9) for x in rng.normal(size=(4000, 9))]
    assert np.mean(np.array(limits) < 1.0) == pytest.approx(0.05, abs=0.012)


# What sampling stops by --------------------------------------------------------------------------------------------

TRUTH = 0.214
"""Standard deviation of the slope between 3000 samples of `slow_shots` (2 chains of 150 shots, 20 shots of memory)."""


def _limits(repeats: int, seed: int) -> np.ndarray:
    """Of each sample the upper limit of the slope's error, and the error from 20 pieces, over the true one."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(repeats):
        q, outcome, chain = slow_shots(rng, 2, 150, 20.0)
        fit = committor_model.fit(q[:, None], outcome, ["q"], dependence=Dependence.of(chain, len(q), configurations=q))
        twenty = committor_model.fit(q[:, None], outcome, ["q"], dependence=Dependence.of(None, len(q), "30"))
        assert fit.clustered_errors is not None and twenty.clustered_errors is not None
        limit = fit.information_error_limit / fit.clustered_information_error * fit.clustered_errors[1]
        found.append([limit, fit.clustered_errors[1], twenty.clustered_errors[1]])
    return np.array(found) / TRUTH


def test_the_information_error_is_rarely_far_too_small() -> None:
    limit, error, twenty = _limits(60, 5).T
    assert np.mean(limit < 0.7) < 0.1
    assert np.median(error) > np.median(twenty) + 0.05


@pytest.mark.slow
def test_the_information_error_is_below_seven_tenths_of_the_truth_in_less_than_one_of_twenty() -> None:
    limit, error, twenty = _limits(300, 6).T
    assert np.mean(limit < 0.7) < 0.05
    assert np.mean(twenty < 0.7) > 0.4, "fixed blocks are too short"
    assert np.median(error) > 0.78
