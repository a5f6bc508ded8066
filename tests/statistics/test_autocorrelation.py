"""The statistical inefficiency of series whose correlation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats

from separatrix.rates.mbar import pymbar_class
from separatrix.statistics.autocorrelation import statistical_inefficiency


def ar1(n: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    """A stationary autoregressive process of unit variance: g = (1 + memory) / (1 - memory)."""
    values = np.empty(n)
    values[0] = rng.normal()
    for i in range(1, n):
        values[i] = memory * values[i - 1] + math.sqrt(1.0 - memory**2) * rng.normal()
    return values


@pytest.mark.parametrize("memory", [0.6, 0.8])
def test_long_series_have_the_exact_value(memory: float) -> None:
    rng = np.random.default_rng(0)
    g = (1.0 + memory) / (1.0 - memory)
    assert statistical_inefficiency([ar1(4000, memory, rng) for _ in range(4)]) == pytest.approx(g, rel=0.2)
    assert statistical_inefficiency([rng.normal(size=4000)]) < 1.2


def test_two_short_chains_are_within_a_quarter_of_the_exact_value_in_the_mean() -> None:
    """Deviations from the mean of each chain by itself would give half of it."""
    rng = np.random.default_rng(1)
    estimates = [statistical_inefficiency([ar1(60, 0.8, rng) for _ in range(2)]) for _ in range(200)]
    assert np.mean(estimates) == pytest.approx(9.0, rel=0.25)


def test_what_never_varies_has_none() -> None:
    assert statistical_inefficiency([np.ones(10), np.ones(5)]) is None
    assert statistical_inefficiency([]) is None


def test_the_libraries_give_the_same() -> None:
    """pymbar the same number where its least lag of 10 is no matter; arviz, by another estimator, in the mean."""
    pymbar_class()  # imported without JAX
    from pymbar.timeseries import statistical_inefficiency_multiple

    rng = np.random.default_rng(2)
    ours, others = [], []
    for _ in range(30):
        series = [ar1(500, 0.8, rng) for _ in range(2)]
        g = statistical_inefficiency(series)
        assert g == pytest.approx(statistical_inefficiency_multiple(series), rel=0.03)
        ours.append(g)
        others.append(1000 / float(array_stats.ess(np.array(series), chain_axis=0, draw_axis=1, method="mean")))
    assert np.mean(ours) == pytest.approx(np.mean(others), rel=0.1)


def test_chains_may_differ_in_length() -> None:
    rng = np.random.default_rng(3)
    estimates = [statistical_inefficiency([ar1(n, 0.8, rng) for n in (40, 160, 3)]) for _ in range(200)]
    assert np.mean(estimates) == pytest.approx(9.0, rel=0.25)
