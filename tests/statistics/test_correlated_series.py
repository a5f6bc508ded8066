"""Intervals of fractions and quantiles of correlated series."""

from __future__ import annotations

import math

import numpy as np

from separatrix.statistics import correlated_series
from separatrix.statistics.intervals import wilson_interval


def test_chains_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    agree = [rng.random(100) < 0.5, rng.random(100) < 0.5]
    apart = [rng.random(100) < 0.2, rng.random(100) < 0.8]
    width = [np.diff(correlated_series.fraction_interval([x.astype(float) for x in s])[:2])[0] for s in (agree, apart)]
    assert width[1] > 2 * width[0]


def test_fraction_interval_covers() -> None:
    """Two-state Markov chains with share 0.3 and long memory: the interval covers far more often than a naive one."""
    rng = np.random.default_rng(5)
    hits = naive_hits = 0
    for _ in range(150):
        series = []
        for _ in range(4):
            state, values = rng.random() < 0.3, []
            for _ in range(100):
                if rng.random() < 0.25:
                    state = rng.random() < 0.3
                values.append(float(state))
            series.append(np.array(values))
        low, high, _ = correlated_series.fraction_interval(series)
        hits += low <= 0.3 <= high
        k = sum(s.sum() for s in series)
        naive = wilson_interval(k, 400)
        naive_hits += naive[0] <= 0.3 <= naive[1]
    assert hits / 150 > 0.85 > naive_hits / 150


def test_quantile_intervals_cover() -> None:
    """Log-normal values in runs (a path stays for several moves): the interval of the median covers its value."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(60):
        series = [np.repeat(np.exp(4 + 0.4 * rng.normal(size=30)), 3) for _ in range(2)]
        found = correlated_series.quantiles(series, (0.5,), rng)[0]
        hits += found.low <= math.exp(4) <= found.high
    assert hits / 60 > 0.85


def test_few_blocks_give_no_interval() -> None:
    found = correlated_series.quantiles([np.arange(1.0, 6.0)], (0.5,), np.random.default_rng(0))[0]
    assert found.value == 3.0
    assert found.low is None and found.high is None and "no interval" in found.note


def test_no_interval_is_narrower_than_the_resolution_of_its_quantity() -> None:
    """Path lengths come in frames: nearly all resamples have the same median, which is known to a frame at best."""
    alike = [np.array([100.0] * 100 + [104.0] * 3)]
    found = correlated_series.quantiles(alike, (0.5,), np.random.default_rng(0), 4.0)[0]
    assert found.low is None and "do not vary" in found.note, "not 100 within rounding"
    # Hardly a resample has its median elsewhere.
    nearly = [np.where(np.random.default_rng(5).random(200) < 0.40, 104.0, 100.0)]
    narrow, wide = (
        correlated_series.quantiles(nearly, (0.5,), np.random.default_rng(0), step)[0] for step in (0.0, 4.0)
    )
    assert 99.8 < narrow.low < narrow.high < 100.2
    assert "pieces of 1 chain, of 4 moves" in narrow.note
    assert (wide.value, wide.low, wide.high) == (100.0, 98.0, 102.0)
