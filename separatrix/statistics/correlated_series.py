"""Fractions and quantiles of correlated series, with intervals.

Intervals have confidence 0.95. Successive moves of a chain are correlated.

* A fraction (acceptance, share of a mechanism) has the Wilson interval of N / g trials instead of N (N where nothing
  varied). The statistical inefficiency g = 1 + 2 sum_t (1 - t/N) rho(t) is summed up to the first lag at which the
  autocorrelation rho is not positive (Chodera, Swope, Pitera, Seok and Dill, J. Chem. Theory Comput. 2007, 3, 26).
  Deviations are taken from the mean of all chains, so chains that disagree make g, and the interval, larger.
* A quantile has an interval from a bootstrap over consecutive segments of the chains (Carlstein, Ann. Stat. 1986, 14,
  1171), with Student's t for the number of segments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from separatrix.statistics.intervals import wilson_interval

CONFIDENCE = 0.95


SEGMENT_MOVES = 10  # moves in a bootstrap segment, or twice the statistical inefficiency if that is more


MIN_SEGMENTS = 6


_RESAMPLES = 1000


def statistical_inefficiency(series: Sequence[np.ndarray]) -> float | None:
    """Number of successive values that carry as much as one independent value, at least 1.

    Parameters
    ----------
    series
        One array per chain. Deviations are taken from the mean of all chains.

    Returns
    -------
    g of the module's head, or None when nothing varies.
    """
    values = [np.asarray(s, dtype=float) for s in series if len(s)]
    if not values:
        return None
    mean = np.concatenate(values).mean()
    deviations = [v - mean for v in values]
    total = sum(len(d) for d in deviations)
    variance = sum(float(d @ d) for d in deviations) / total
    if variance <= 1e-12 * max(mean * mean, 1e-300):
        return None
    longest = max(len(d) for d in deviations)
    g = 1.0
    for lag in range(1, longest):
        pairs = sum(max(len(d) - lag, 0) for d in deviations)
        rho = sum(float(d[:-lag] @ d[lag:]) for d in deviations) / (pairs * variance)
        if rho <= 0.0:
            break
        g += 2.0 * (1.0 - lag / longest) * rho
    return g


def fraction_interval(series: Sequence[np.ndarray], most: float = math.inf) -> tuple[float, float, float] | None:
    """Interval of the fraction of ones in correlated series of zeros and ones.

    Parameters
    ----------
    series
        One array per chain.
    most
        Largest number of independent trials that may be counted.

    Returns
    -------
    Lower end, upper end and effective number of trials; None without values. Where nothing varies no correlation is
    to be seen, and each value counts.
    """
    values = np.concatenate(series) if len(series) else np.empty(0)
    if not values.size:
        return None
    trials = min(len(values) / (statistical_inefficiency(series) or 1.0), most)
    low, high = wilson_interval(values.mean() * trials, trials, CONFIDENCE)
    return float(low), float(high), trials


def segments(series: Sequence[np.ndarray], length: int) -> list[np.ndarray]:
    """Each chain cut into consecutive pieces of `length` moves or slightly more; chains are never joined."""
    return [part for s in series if len(s) for part in np.array_split(s, max(len(s) // length, 1))]


@dataclass(frozen=True)
class QuantileEstimate:
    """A weighted quantile with its interval, where there is one (else None), and how it was found."""

    value: float
    low: float | None
    high: float | None
    note: str


def quantiles(
    series: Sequence[np.ndarray], at: Sequence[float], rng: np.random.Generator, resolution: float = 0.0
) -> list[QuantileEstimate]:
    """Quantiles of a positive quantity over the moves of all chains, with intervals from a segment bootstrap.

    The standard error of the logarithm comes from resampled segments, is corrected by sqrt(B / (B - 1)), and is
    multiplied by Student's t for B - 1 degrees of freedom (B segments).

    Parameters
    ----------
    series
        One array per chain, shape (n_moves,), values above 0.
    at
        Probabilities.
    rng
        Source of random numbers.
    resolution
        Step in which the quantity comes: no interval is narrower.
    """
    values = np.concatenate([np.asarray(s, dtype=float) for s in series]) if len(series) else np.empty(0)
    if values.size == 0:
        return [QuantileEstimate(math.nan, None, None, "no path was accepted") for _ in at]
    found = np.quantile(values, at)
    g = statistical_inefficiency(series) or 1.0
    length = max(SEGMENT_MOVES, math.ceil(2.0 * g))
    parts = segments(series, length)
    if len(parts) < MIN_SEGMENTS:
        note = f"no interval: {len(parts)} segments of {length} moves, fewer than {MIN_SEGMENTS}"
        return [QuantileEstimate(float(v), None, None, note) for v in found]
    count = len(parts)
    draws = np.array(
        [np.quantile(np.concatenate([parts[i] for i in rng.integers(0, count, count)]), at) for _ in range(_RESAMPLES)]
    )
    error = np.log(draws).std(axis=0) * math.sqrt(count / (count - 1))
    # Resamples that are all alike have an error of rounding.
    if not (error > 1e-12).all():
        note = "no interval: the resamples do not vary"
        return [QuantileEstimate(float(v), None, None, note) for v in found]
    factor = np.exp(float(scipy.stats.t.ppf(0.5 + 0.5 * CONFIDENCE, count - 1)) * error)
    note = f"interval: bootstrap over {count} segments of about {length} moves"
    # Of a discrete quantity nearly all resamples may have the same quantile.
    half = 0.5 * resolution
    return [
        QuantileEstimate(float(v), float(min(v / f, v - half)), float(max(v * f, v + half)), note)
        for v, f in zip(found, factor, strict=True)
    ]
