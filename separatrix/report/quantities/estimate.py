"""The value of a quantity for one method, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy

from separatrix.config.system import System
from separatrix.core.errors import ConfigError
from separatrix.report.quantity_catalogue import CATALOGUE, Group, Qualifiers, Quantity, key_of
from separatrix.results.run import MethodData
from separatrix.statistics.correlated_series import CONFIDENCE, fraction_interval

Z = float(scipy.special.ndtri(0.5 + 0.5 * CONFIDENCE))


MIN_TRIALS = 5  # effective trials below which a share gets no interval


@dataclass(frozen=True, eq=False)
class MethodResults:
    """What the quantities of a method are computed from.

    Attributes
    ----------
    data
        Results of the method.
    system
        The system.
    rng
        Source of random numbers.
    rates
        Content of ``rates.json``; None: rates are left out.
    """

    data: MethodData
    system: System
    rng: np.random.Generator
    rates: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Estimate:
    """A number, or a verdict, of one method.

    Attributes
    ----------
    id, of
        Quantity, and what tells its numbers apart.
    value
        In `unit`; None for words and for what the data cannot give.
    error
        Standard error, or None.
    low, high
        Interval of confidence 0.95, or None.
    interval_missing
        Whether there ought to be an interval; the note says why there is none.
    verdict
        What is decided, a :class:`separatrix.core.labelled.Labelled`, or a name; empty: none.
    text
        The same for readers, for a quantity that is no number; else what is to stand beside the number.
    note
        How the uncertainty was found, or why there is none.
    unit_given
        Unit, for a quantity each of whose numbers has its own.
    names
        What fills the blanks of the label besides `of`, or in its place.
    """

    id: str
    value: float | None = None
    of: Qualifiers = field(default_factory=dict)
    error: float | None = None
    low: float | None = None
    high: float | None = None
    interval_missing: bool = False
    verdict: str = ""
    text: str = ""
    note: str = ""
    unit_given: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def quantity(self) -> Quantity:
        """Entry of the catalogue."""
        return CATALOGUE[self.id]

    @property
    def key(self) -> str:
        """What the number is addressed by within its method."""
        return key_of(self.id, self.of)

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return self.unit_given or self.quantity.unit or "1"

    @property
    def label(self) -> str:
        """For readers."""
        return self.quantity.label.format(**{**self.of, **self.names})

    @property
    def group(self) -> str:
        """Group of the quantity."""
        return self.quantity.group


def estimates_of(results: MethodResults) -> list[Estimate]:
    """All quantities of a method: those of the library group by group, then those of packages.

    Raises
    ------
    ConfigError
        When a package gives a number of a quantity that is not its own.
    """
    entries = CATALOGUE.entries()
    foreign, order = set(CATALOGUE.plugins()), list(Group)
    ordered = sorted(entries.values(), key=lambda q: (q.id in foreign, order.index(q.group)))
    estimates = []
    for make in dict.fromkeys(quantity.estimates for quantity in ordered):
        for estimate in make(results):
            if estimate.id not in entries or entries[estimate.id].estimates is not make:
                raise ConfigError(
                    f"{make.__module__}.{make.__qualname__} gives a number of {estimate.id!r}, "
                    "which is not a quantity that names this function; give it an entry in QUANTITIES"
                )
            estimates.append(with_width(estimate))
    return estimates


def with_width(q: Estimate) -> Estimate:
    """The same estimate, whose interval holds its value and has a width; else it has none, and the note says so.

    Value and interval may come from two statistics, as moment and likelihood of the committors' spread do.
    """
    if q.low is None or q.high is None or q.value is None:
        return replace(q, low=None, high=None)
    low, high = min(q.low, q.value), max(q.high, q.value)
    if not (math.isfinite(low) and math.isfinite(high)):
        return replace(q, low=None, high=None)
    if high <= low:
        note = f"no interval: the resamples do not vary; {q.note}"
        return replace(q, low=None, high=None, interval_missing=True, note=note)
    return replace(q, low=low, high=high)


def finite(value: float | None) -> float | None:
    """A number, or None where it is missing, NaN or infinite."""
    return None if value is None or not math.isfinite(value) else float(value)


def fraction(id: str, series: Sequence[np.ndarray], most: float = math.inf, of: Qualifiers | None = None) -> Estimate:
    """Fraction of ones in series of zeros and ones, with its interval; `most` independent trials are counted."""
    about = of or {}
    values = np.concatenate(series) if len(series) else np.empty(0)
    if values.size == 0:
        return Estimate(id, of=about, note="no data")
    value = float(values.mean())
    low, high, trials = fraction_interval(series, most) or (math.nan, math.nan, 0.0)
    if trials < MIN_TRIALS:
        note = f"no interval: worth {trials:.1f} independent trials, fewer than {MIN_TRIALS}"
        return Estimate(id, value, about, interval_missing=True, note=note)
    note = f"Wilson interval of {trials:.1f} effective trials ({values.size} counted)"
    return Estimate(id, value, about, low=low, high=high, note=note)


def pick(summary: Iterable[Estimate], id: str, **of: str | int | float) -> Estimate:
    """The estimate of a quantity in the summary of a method."""
    return next(q for q in summary if q.id == id and q.of == of)
