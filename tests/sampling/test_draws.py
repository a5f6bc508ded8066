"""Draws of configurations for committor shots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separatrix.core.errors import SamplingError
from separatrix.sampling import draws


def pool(m: int = 400, groups: int = 8, seed: int = 0, weight=None) -> draws.Pool:
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, groups, m))
    frame = np.concatenate([np.arange(n) for n in np.bincount(group, minlength=groups)])
    weight = np.ones(m) if weight is None else weight
    return draws.Pool(rng.normal(size=(m, 2, 3)), weight, group, group % 2 + 1, frame, "paths")


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 30), st.floats(0.01, 1.0))
def test_on_the_separatrix_what_is_marked_is_within_and_nothing_nearer_is_left(seed: int, n: int, tolerance: float):
    rng = np.random.default_rng(seed)
    r, error = rng.normal(size=400), rng.exponential(0.2, 400)
    drawn = draws.on_separatrix(pool(), r, error, n=n, tolerance=tolerance, rng=np.random.default_rng(1))
    assert len(set(drawn.index)) == n
    distance = np.sqrt(r**2 + error**2)
    np.testing.assert_array_equal(drawn.within, distance[drawn.index] <= tolerance)
    # Others come in only where those within are too few, and then the nearest first.
    assert drawn.within.sum() == min(n, (distance <= tolerance).sum())
    beyond = drawn.index[~drawn.within]
    if len(beyond):
        left = np.setdiff1d(np.arange(400), drawn.index)
        assert distance[beyond].max() <= distance[left].min()


def test_paths_take_turns():
    chosen = draws.on_separatrix(
        pool(groups=8), np.zeros(400), np.zeros(400), n=20, tolerance=0.1, rng=np.random.default_rng(3)
    )
    counts = np.bincount(pool(groups=8).group[chosen.index], minlength=8)
    assert counts.max() - counts.min() <= 1


def test_an_uncertain_coordinate_is_as_far_from_zero_as_its_error():
    error = np.where(np.arange(400) < 200, 0.0, 0.5)
    chosen = draws.on_separatrix(pool(), np.zeros(400), error, n=50, tolerance=0.2, rng=np.random.default_rng(3))
    assert chosen.within.all() and (chosen.index < 200).all()


def test_the_draw_follows_the_weights():
    """Without turns (one group), the chance of a first draw is the weight."""
    weight = np.array([1.0, 2.0, 5.0])
    few = draws.Pool(np.zeros((3, 1, 3)), weight, np.zeros(3, int), np.ones(3, int), np.arange(3), "restrained")
    rng = np.random.default_rng(5)
    first = [
        draws.on_separatrix(few, np.zeros(3), np.zeros(3), n=1, tolerance=1.0, rng=rng).index[0] for _ in range(4000)
    ]
    shares = np.bincount(first, minlength=3) / 4000
    np.testing.assert_allclose(shares, weight / 8.0, atol=0.03)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_spread_gives_each_interval_one_where_it_can(seed: int, n: int):
    p = np.random.default_rng(seed).beta(0.6, 0.9, 400)
    drawn = draws.spread(pool(), p, n=n, rng=np.random.default_rng(2))
    visited = set(np.minimum((p * n).astype(int), n - 1))
    chosen = np.minimum((p[drawn.index] * n).astype(int), n - 1)
    assert len(set(drawn.index)) == n and set(chosen) == visited
    assert (np.diff(p[drawn.index]) >= 0).all()


def test_along_a_path_frames_are_of_one_path_and_evenly_apart():
    mine = pool(groups=5)
    drawn = draws.along_path(mine, n=7, rng=np.random.default_rng(4))
    assert len(set(mine.group[drawn.index])) == 1
    frames = mine.frame[drawn.index]
    assert frames[0] == 0 and frames[-1] == (mine.group == mine.group[drawn.index[0]]).sum() - 1
    assert np.ptp(np.diff(frames)) <= 1
    # A short path gives all it has.
    assert len(draws.along_path(pool(groups=100), n=50, rng=np.random.default_rng(4)).index) < 50


def test_a_grid_takes_one_of_each_cell():
    mine, values = pool(), np.random.default_rng(8).normal(size=(400, 2))
    drawn = draws.grid(mine, values, ["a", "b"], bins=5, rng=np.random.default_rng(4))
    low, high = values.min(axis=0), values.max(axis=0)
    cells = {tuple(c) for c in np.minimum(((values - low) / (high - low) * 5).astype(int), 4)}
    chosen = [tuple(c) for c in np.minimum(((values[drawn.index] - low) / (high - low) * 5).astype(int), 4)]
    assert len(chosen) == len(set(chosen)) and set(chosen) == cells


def test_too_small_a_pool_is_said():
    with pytest.raises(SamplingError, match="400 configurations to draw 500 from; run more shots"):
        draws.on_separatrix(pool(), np.zeros(400), np.zeros(400), n=500, tolerance=1.0, rng=np.random.default_rng(1))
