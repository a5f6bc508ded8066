"""Predicted against observed committors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from separatrix.core.plain import Plain
from separatrix.statistics.blocks import Blocks
from separatrix.statistics.intervals import wilson_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CalibrationTable(Plain):
    """Predicted against observed committors in bins of the prediction; every array has one entry per bin.

    Attributes
    ----------
    edges
        Shape (bins + 1,).
    count, successes
        Observations; those that went to B.
    predicted, observed
        Mean prediction; successes/count. NaN in empty bins.
    lower, upper
        Wilson interval of the observed fraction at `confidence`, for count/design_effect trials. NaN in empty bins.
    confidence
        Of the interval.
    design_effect
        By how much correlation among observations raises the variance of the observed fractions; at least 1, and 1
        where they are independent.
    """

    edges: FloatArray
    count: IntArray
    successes: IntArray
    predicted: FloatArray
    observed: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float
    design_effect: float


def equal_count_edges(p_predicted: ArrayLike, most: int = 8, fewest_each: int = 12) -> FloatArray:
    """Edges of bins on [0, 1] that hold about equally many predictions: at most `most`, with `fewest_each` in each.

    Equal predictions (a separable coordinate knows only 0 and 1) merge bins.
    """
    p = np.asarray(p_predicted, dtype=float)
    bins = int(np.clip(p.size // fewest_each, 2, most))
    return np.unique([0.0, *np.quantile(p, np.arange(1, bins) / bins), 1.0])


def calibration_table(
    p_predicted: ArrayLike,
    outcome: ArrayLike,
    bins: int | ArrayLike = 10,
    confidence: float = 0.95,
    blocks: Blocks | None = None,
) -> CalibrationTable:
    """Observed fraction to B in bins of the predicted committor, with Wilson intervals.

    Correlated observations count for fewer: trials are divided by the design effect (Rao and Scott, Ann. Stat. 1984,
    12, 46), the variance of the block sums of the residuals (outcome less prediction) over that of independent
    outcomes, over all bins together.

    Parameters
    ----------
    p_predicted
        Shape (n,), within [0, 1].
    outcome
        Shape (n,), True for B.
    bins
        Number of equal bins on [0, 1], or increasing edges that cover all predictions. Bins are half-open, the last
        one closed.
    confidence
        Of the intervals.
    blocks
        Of the observations, those of the coordinate; None: independent.

    Raises
    ------
    ValueError
        Shapes that do not fit, predictions outside [0, 1] or outside the edges, edges not increasing.
    """
    p = np.asarray(p_predicted, dtype=float)
    went = np.asarray(outcome).astype(bool)
    if p.ndim != 1 or went.shape != p.shape:
        raise ValueError(f"p_predicted and outcome must be of one length, got {p.shape} and {went.shape}")
    if not bool(np.all((p >= 0.0) & (p <= 1.0))):
        raise ValueError("predicted committors must lie within [0, 1]")
    edges = np.linspace(0.0, 1.0, int(np.asarray(bins)) + 1) if np.ndim(bins) == 0 else np.asarray(bins, dtype=float)
    if edges.ndim != 1 or edges.size < 2 or not bool(np.all(np.diff(edges) > 0.0)):
        raise ValueError("bins must be a positive number or increasing edges")
    if p.size and (p.min() < edges[0] or p.max() > edges[-1]):
        raise ValueError("some predictions lie outside the given bins")
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, edges.size - 2)
    count = np.bincount(place, minlength=edges.size - 1)
    successes = np.bincount(place[went], minlength=edges.size - 1)
    empty = count == 0
    divisor = np.where(empty, 1, count)
    effect = _design_effect(went - p, p, place, blocks)
    lower, upper = wilson_interval(successes / effect, count / effect, confidence)

    def blank(values: FloatArray) -> FloatArray:
        return np.where(empty, math.nan, values)

    return CalibrationTable(
        edges=edges,
        count=count,
        successes=successes,
        predicted=blank(np.bincount(place, weights=p, minlength=edges.size - 1) / divisor),
        observed=blank(successes / divisor),
        lower=blank(lower),
        upper=blank(upper),
        confidence=confidence,
        design_effect=effect,
    )


def _design_effect(residual: FloatArray, p: FloatArray, place: IntArray, blocks: Blocks | None) -> float:
    """Variance of the sums of the residuals in the bins, over that of independent outcomes; at least 1."""
    independent = float(np.sum(p * (1.0 - p)))
    if blocks is None or blocks.count < 2 or independent <= 0.0:
        return 1.0
    sums = np.zeros((blocks.count, int(place.max()) + 1))
    np.add.at(sums, (blocks.label, place), residual)
    return max(blocks.count / (blocks.count - 1) * float(np.sum(sums**2)) / independent, 1.0)
