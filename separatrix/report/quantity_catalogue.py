"""The catalogue of quantities: what a number of the comparison is, what it is called, its unit, how it is written.

A quantity is an entry of the sequence ``QUANTITIES`` of a module of :mod:`separatrix.report.quantities`. An installed
package adds one by the entry-point group ``separatrix.quantities`` (name = the quantity's id, object = a module with
``QUANTITIES`` or the :class:`Quantity` itself). Files and code address a number by its id; labels are for readers, and
nothing depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from separatrix.core import digits
from separatrix.core.labelled import Labelled
from separatrix.core.registry import Registry

if TYPE_CHECKING:
    from separatrix.report.quantities.estimate import Estimate, MethodResults

COMPARISON_COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(("method", "label", "group", "id", "of", "quantity"), str),
    **dict.fromkeys(("value", "error", "low", "high"), float),
    **dict.fromkeys(("interval_missing", "unit", "verdict", "text", "note"), str),
}
"""Type of each column of ``comparison.csv``."""

#: What tells numbers of one quantity apart: a chain, a mechanism, a direction, a temperature (K).
Qualifiers = Mapping[str, str | int | float]


class Group(Labelled):
    """Place of a quantity in the tables; in the order in which the quantities of a method are listed."""

    POINTS = "stationary_points", "Stationary points"
    GEOMETRY = "geometry", "Geometry"
    SAMPLING = "sampling", "Sampling"
    CHAINS = "chains", "Chain by chain"
    CONVERGENCE = "convergence", "Convergence"
    COORDINATE = "coordinate", "Reaction coordinate"
    COMMITTOR = "committor", "Committor"
    COST = "cost", "Cost"
    RATES = "rates", "Rates"


_PLACES = {"kcal/mol": 1, "degree": 1, "angstrom": 3, "cm-1": 0, "fs": 0, "kJ/mol": 1, "J/mol/K": 0}


def by_unit(value: float, unit: str) -> str:
    """A number without an interval, with the decimals that are usual for its unit."""
    if unit in _PLACES:
        places = _PLACES[unit]
        return f"{round(value, places) + 0.0:.{places}f}"  # the sum turns -0.0 into 0.0
    if unit in ("s", "ms") and value >= 100:
        return f"{value:.0f}"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e12 else digits.plain(value, 3)


def estimated(value: float, unit: str) -> str:
    """A number without an interval that is known to its order of magnitude."""
    return digits.plain(value)


def estimated_times(value: float, unit: str) -> str:
    """Rates and times to their order of magnitude, other numbers by their unit."""
    return estimated(value, unit) if unit in ("1/s", "s") else by_unit(value, unit)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity.

    Attributes
    ----------
    id
        Its name in files and code.
    label
        For readers, with properties of a number in braces: ``share: {mechanism}``.
    group
        Its place in the tables.
    description
        What it is, in a sentence.
    estimates
        The numbers of one method. Quantities that are computed together share one function, which is called once and
        gives numbers of no other quantities.
    unit
        Of the value; empty where it is that of each number.
    format
        (value, unit) -> text, where no error or interval says how many digits are known.
    logarithmic
        Whether two values are compared by their ratio, as rates and times are in any case.
    sampled
        Whether a word is that of a sample. Two samples seldom have the same words; else another word is another
        result.
    detail
        Whether it is left out of the table of all methods.
    """

    id: str
    label: str
    group: Group
    description: str
    estimates: Callable[[MethodResults], Iterable[Estimate]]
    unit: str = "1"
    format: Callable[[float, str], str] = by_unit
    logarithmic: bool = False
    sampled: bool = True
    detail: bool = False


CATALOGUE: Registry[Quantity] = Registry(
    "a quantity", "separatrix.quantities", "separatrix.report.quantities", Quantity, "QUANTITIES", key="id"
)


def key_of(id: str, of: Qualifiers) -> str:
    """What one number of a method is addressed by: ``mechanism_share[mechanism=rotation, chain=1]``."""
    named = qualifiers_text(of)
    return f"{id}[{named}]" if named else id


def qualifiers_text(of: Qualifiers) -> str:
    """Qualifiers as ``name=value, name=value``."""
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in of.items()
    )


def format_of(id: str) -> Callable[[float, str], str]:
    """How a number of a quantity is written; that of a package which is not installed, by its unit."""
    return CATALOGUE[id].format if id in CATALOGUE else by_unit


def group_label(group: str) -> str:
    """Heading of a group of quantities."""
    return Group(group).label if group in set(Group) else group


def details() -> set[str]:
    """Ids of the quantities that the table of all methods leaves out."""
    return {id for id, quantity in CATALOGUE.entries().items() if quantity.detail}
