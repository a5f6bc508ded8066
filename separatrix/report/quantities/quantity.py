"""A number, or a word, of one method, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from separatrix.statistics.correlated_series import CONFIDENCE, fraction_interval

Z = float(scipy.special.ndtri(0.5 + 0.5 * CONFIDENCE))


MIN_TRIALS = 5  # effective trials below which a share gets no interval


@dataclass(frozen=True)
class Quantity:
    """One number, or one word, of one method.

    Attributes
    ----------
    group, name
        Where it stands in the tables.
    value
        In `unit`; None for words and for what the data cannot give.
    error
        Standard error, or None.
    low, high
        Interval of confidence 0.95, or None.
    text
        The word or sentence, for a quantity that is no number; else what is to stand beside the number.
    note
        How the uncertainty was found, or why there is none.
    """

    group: str
    name: str
    value: float | None = None
    unit: str = "1"
    error: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    note: str = ""


POINTS, GEOMETRY, SAMPLING, CHAINS, CONVERGENCE, COORDINATE, COMMITTOR, RATES, COST = (
    "Stationary points",
    "Geometry",
    "Sampling",
    "Chain by chain",
    "Convergence",
    "Reaction coordinate",
    "Committor",
    "Rates",
    "Cost",
)


def with_width(q: Quantity) -> Quantity:
    """The same quantity, whose interval holds its value and has a width; else it has none, and the note says so.

    Value and interval may come from two statistics, as moment and likelihood of the committors' spread do.
    """
    if q.low is None or q.high is None or q.value is None:
        return replace(q, low=None, high=None)
    low, high = min(q.low, q.value), max(q.high, q.value)
    if not (math.isfinite(low) and math.isfinite(high)):
        return replace(q, low=None, high=None)
    if high <= low:
        return replace(q, low=None, high=None, note=f"no interval: the resamples do not vary; {q.note}")
    return replace(q, low=low, high=high)


def finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def rounded(value: float, error: float) -> tuple[str, str]:
    """A number and its error, both to the place of the error's second significant digit."""
    if not (math.isfinite(error) and error > 0.0):
        return f"{value:.4g}", f"{error:.2g}"
    place = 1 - math.floor(math.log10(error))
    if math.floor(math.log10(round(error, place))) > math.floor(math.log10(error)):
        place -= 1  # 0.0996 rounds up to 0.10
    digits = max(place, 0)
    return f"{round(value, place):.{digits}f}", f"{round(error, place):.{digits}f}"


def fraction(group: str, name: str, series: Sequence[np.ndarray], most: float = math.inf) -> Quantity:
    values = np.concatenate(series) if len(series) else np.empty(0)
    if values.size == 0:
        return Quantity(group, name, note="no data")
    value = float(values.mean())
    low, high, trials = fraction_interval(series, most) or (math.nan, math.nan, 0.0)
    if trials < MIN_TRIALS:
        note = f"no interval: worth {trials:.1f} independent trials, fewer than {MIN_TRIALS}"
        return Quantity(group, name, value, note=note)
    note = f"Wilson interval of {trials:.1f} effective trials ({values.size} counted)"
    return Quantity(group, name, value, low=low, high=high, note=note)


def named(summary: Sequence[Quantity], group: str, name: str) -> Quantity:
    return next(q for q in summary if q.group == group and q.name == name)
