"""Predicted against observed committors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from separatrix.core.plain import Plain
from separatrix.statistics.intervals import wilson_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CalibrationTable(Plain):
    """Predicted against observed committors in bins of the prediction; every array has one entry per bin.

    Attributes:
        edges: (bins + 1,). count: observations. successes: those that went to B.
        predicted: mean prediction. observed: successes/count. lower, upper: Wilson interval of the observed
            fraction at `confidence`. Empty bins have NaN in the last four.
        confidence: of the interval, which takes observations as independent.
    """

    edges: FloatArray
    count: IntArray
    successes: IntArray
    predicted: FloatArray
    observed: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float


def calibration_table(
    p_predicted: ArrayLike, outcome: ArrayLike, bins: int | ArrayLike = 10, confidence: float = 0.95
) -> CalibrationTable:
    """Observed fraction to B in bins of the predicted committor, with Wilson intervals.

    Args:
        p_predicted: shape (n,), within [0, 1]. outcome: shape (n,), True for B.
        bins: number of equal bins on [0, 1], or increasing edges that cover all predictions. Bins are
            half-open, the last one closed.

    Raises:
        ValueError: shapes that do not fit, predictions outside [0, 1] or outside the edges, edges
            not increasing.
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
    lower, upper = wilson_interval(successes, count, confidence)

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
    )
