"""Fractions and quantiles of correlated series, with intervals.

Intervals have confidence 0.95. Successive moves of a chain are correlated.

* A fraction (acceptance, share of a mechanism) has the Wilson interval of N / g trials instead of N (N where nothing
  varied), with the statistical inefficiency g (:mod:`separatrix.statistics.autocorrelation`). Deviations are taken from
  the mean of all chains, so chains that disagree make g, and the interval, larger.
* A quantile has an interval from a bootstrap over blocks (Carlstein, Ann. Stat. 1986, 14, 1171; which, says
  :mod:`separatrix.statistics.blocks`), with Student's t for their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from separatrix.statistics.autocorrelation import statistical_inefficiency
from separatrix.statistics.blocks import Dependence, bootstrap_rows, student_factor
from separatrix.statistics.intervals import wilson_interval

CONFIDENCE = 0.95


MIN_BLOCKS = 6
"""Blocks of fewer give no interval of a quantile."""


_RESAMPLES = 1000


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
    """Quantiles of a positive quantity over the moves of all chains, with intervals from a block bootstrap.

    The standard error of the logarithm comes from resampled blocks, is corrected by sqrt(B / (B - 1)), and is
    multiplied by Student's t for B - 1 degrees of freedom (B blocks).

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
    values_at = np.quantile(values, at)
    chain = np.repeat(np.arange(len(series)), [len(x) for x in series])
    blocks = replace(Dependence.of(chain, values.size), unit="moves").blocks(np.log(values) - np.log(values).mean())
    count = 0 if blocks is None else blocks.count
    if blocks is None or count < MIN_BLOCKS:
        note = f"no interval: {count} blocks of moves, fewer than {MIN_BLOCKS}"
        return [QuantileEstimate(float(v), None, None, note) for v in values_at]
    rows = blocks.rows()
    draws = np.array([np.quantile(values[bootstrap_rows(blocks, rng, rows)], at) for _ in range(_RESAMPLES)])
    error = np.log(draws).std(axis=0) * math.sqrt(count / (count - 1))
    # Resamples that are all alike have an error of rounding.
    if not (error > 1e-12).all():
        note = "no interval: the resamples do not vary"
        return [QuantileEstimate(float(v), None, None, note) for v in values_at]
    factor = np.exp(student_factor(count, CONFIDENCE) * error)
    note = f"interval: bootstrap over {blocks.description}"
    # Of a discrete quantity nearly all resamples may have the same quantile.
    half = 0.5 * resolution
    return [
        QuantileEstimate(float(v), float(min(v / f, v - half)), float(max(v * f, v + half)), note)
        for v, f in zip(values_at, factor, strict=True)
    ]
