"""Basins: the stable states between which a molecule crosses, as intervals of distances, angles and dihedrals.

The Cartesian coordinates of one atom serve where an external field, not other atoms, says where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from separatrix.core.units import ANGSTROM
from separatrix.cvs.scalars import angle_of, dihedral_of, distance_of
from separatrix.cvs.vectors import COINCIDENT

Kind = Literal["distance", "angle", "dihedral", "x", "y", "z"]

#: kind -> number of atoms, unit
GEOMETRIES: dict[str, tuple[int, str]] = {
    "distance": (2, "angstrom"),
    "angle": (3, "degree"),
    "dihedral": (4, "degree"),
    "x": (1, "angstrom"),
    "y": (1, "angstrom"),
    "z": (1, "angstrom"),
}


def _along(axis: int) -> Callable[[np.ndarray, int], float]:
    return lambda positions, atom: float(positions[atom, axis]) / ANGSTROM


#: Angles this near to 0 or 180 degrees leave a dihedral undefined: atoms written to 0.001 angstrom, as in a PDB file,
#: turn a dihedral at such an angle by 3 degrees, and at exactly 180 degrees by anything.
STRAIGHT = 1.0

_STRAIGHT_SINE = math.sin(math.radians(STRAIGHT))


def _defined_angle(positions: np.ndarray, i: int, j: int, k: int) -> float:
    value = angle_of(positions, i, j, k)
    # Coincident atoms give it the value 0, which is otherwise as good as never met.
    if value == 0.0 and min(distance_of(positions, i, j), distance_of(positions, k, j)) * ANGSTROM < COINCIDENT:
        return math.nan
    return value


def _defined_dihedral(positions: np.ndarray, *atoms: int) -> float:
    return dihedral_of(positions, *atoms, linear=_STRAIGHT_SINE, undefined=math.nan)


_FUNCTIONS = {
    "distance": distance_of,
    "angle": angle_of,
    "dihedral": dihedral_of,
    "x": _along(0),
    "y": _along(1),
    "z": _along(2),
}


@dataclass(frozen=True)
class Coordinate:
    """A named coordinate: a distance or a Cartesian coordinate in angstrom, an angle or a dihedral in degrees."""

    name: str
    kind: Kind
    atoms: tuple[int, ...]

    @property
    def unit(self) -> str:
        """angstrom or degree"""
        return GEOMETRIES[self.kind][1]

    def value(self, positions: np.ndarray) -> float:
        """Value at positions in nm, shape (n_atoms, 3)."""
        return _FUNCTIONS[self.kind](positions, *self.atoms)

    def unsigned(self, positions: np.ndarray) -> float:
        """The value, but of a dihedral the absolute one: mirror images are the same crossing."""
        value = self.value(positions)
        return abs(value) if self.kind == "dihedral" else value

    def deciding(self, positions: np.ndarray) -> float:
        """The value as far as it means something, NaN where it does not: for whatever decides by it.

        An angle with coincident atoms means nothing, nor does a dihedral with an angle within `STRAIGHT` degrees of a
        straight line. `value` gives a number there, too, for pictures.
        """
        if self.kind == "dihedral":
            return _defined_dihedral(positions, *self.atoms)
        if self.kind == "angle":
            return _defined_angle(positions, *self.atoms)
        return self.value(positions)


@dataclass(frozen=True)
class Interval:
    """A coordinate between two bounds.

    Attributes
    ----------
    coordinate
        What is bounded.
    low, high
        Bounds, inclusive, in the coordinate's unit. For a dihedral the interval runs from `low` upwards to
        `high` around the circle, so 140 to 220 contains 180 and -150.
    """

    coordinate: Coordinate
    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether a value of the coordinate lies inside; NaN, which is no value, lies in the whole circle alone."""
        if self.coordinate.kind != "dihedral":
            return self.low <= value <= self.high
        width = self.high - self.low
        return width >= 360.0 or (value - self.low) % 360.0 <= width

    def overlaps(self, other: Interval) -> bool:
        """Whether two intervals of the same coordinate share a value."""
        if self.coordinate.kind != "dihedral":
            return self.low <= other.high and other.low <= self.high
        return self.contains(other.low) or other.contains(self.low)


@dataclass(frozen=True)
class Basin:
    """A stable state: all of its intervals hold."""

    name: str
    intervals: tuple[Interval, ...]

    def contains(self, positions: np.ndarray) -> bool:
        """Whether a geometry (nm, shape (n_atoms, 3)) lies in the basin; not where a bounded value is undefined."""
        return all(i.contains(i.coordinate.deciding(positions)) for i in self.intervals)

    def missed(self, positions: np.ndarray) -> list[str]:
        """Coordinates that are outside their bounds at a geometry: name, value, unit, bounds."""
        values = [(i, i.coordinate.deciding(positions)) for i in self.intervals]
        return [
            f"{i.coordinate.name} {value:.4g} {i.coordinate.unit} ({i.low:g} to {i.high:g})"
            for i, value in values
            if not i.contains(value)
        ]

    def undefined(self, positions: np.ndarray) -> list[str]:
        """Names of the coordinates that bound the basin and mean nothing at a geometry."""
        return [i.coordinate.name for i in self.intervals if math.isnan(i.coordinate.deciding(positions))]

    def disjoint(self, other: Basin) -> bool:
        """Whether some coordinate keeps the two basins apart."""
        return any(a.coordinate == b.coordinate and not a.overlaps(b) for a in self.intervals for b in other.intervals)


def basin_of(positions: np.ndarray, basins: Iterable[Basin]) -> str | None:
    """Name of the basin that a geometry lies in, or None."""
    for basin in basins:
        if basin.contains(positions):
            return basin.name
    return None


def outside_of(basins: Iterable[Basin]) -> Callable[[np.ndarray], bool]:
    """Function of positions (nm) that says whether they lie in none of the basins.

    It evaluates each coordinate once at most, and only as far as the question is open: this is asked at every frame.
    """
    plan = [[(i.coordinate, i.contains) for i in basin.intervals] for basin in basins]

    def outside(positions: np.ndarray) -> bool:
        values: dict[str, float] = {}
        for intervals in plan:
            for coordinate, contains in intervals:
                value = values.get(coordinate.name)
                if value is None:
                    value = values[coordinate.name] = coordinate.deciding(positions)
                if not contains(value):
                    break
            else:
                return False
        return True

    return outside


@dataclass(frozen=True)
class MechanismClass:
    """A mechanism that is recognised by a coordinate above a bound (of a dihedral: absolutely) where a path crosses."""

    name: str
    coordinate: Coordinate
    above: float


@dataclass(frozen=True)
class MechanismRule:
    """How to tell by which mechanism a path crosses.

    A path crosses where a coordinate passes a boundary. Of the classes whose coordinate exceeds its bound there, the
    one that exceeds it most wins; if none does, it is `otherwise`. Without a crossing every path is `otherwise`. What
    is undefined decides nothing: frames without a side are passed over, and a class whose coordinate has no value there
    does not win.

    Attributes
    ----------
    crossing
        Coordinate that tells the two sides apart, or None.
    boundary
        Its value between them, in its unit; of a dihedral the absolute value.
    classes, otherwise
        The mechanisms.
    """

    crossing: Coordinate | None = None
    boundary: float = 0.0
    classes: tuple[MechanismClass, ...] = ()
    otherwise: str = "direct"

    @property
    def names(self) -> tuple[str, ...]:
        """All mechanism names that can come out."""
        return (*(c.name for c in self.classes), self.otherwise)

    def side(self, positions: np.ndarray) -> float:
        """Signed measure of the side of the crossing, which there must be: positive below it, NaN if undefined."""
        value = self.crossing.deciding(positions)
        if self.crossing.kind == "dihedral":
            return math.cos(math.radians(value)) - math.cos(math.radians(self.boundary))
        return self.boundary - value

    def at(self, positions: np.ndarray) -> str:
        """Mechanism of one geometry taken as the crossing."""
        return self._decide([positions])

    def classify(self, path: np.ndarray) -> tuple[str, int]:
        """Mechanism of a path and the frame before its last crossing.

        Parameters
        ----------
        path
            Positions in nm, shape (n_frames, n_atoms, 3), from one basin to the other.

        Returns
        -------
        The mechanism's name and the index of the crossing frame, -1 where the rule has no crossing. A path that never
        changes side (which a path between basins on both sides cannot do) gives ``("none", -1)``.
        """
        if self.crossing is None:
            return self.otherwise, -1
        measures = np.array([self.side(x) for x in path])
        known = np.flatnonzero(~np.isnan(measures))
        sides = measures[known] > 0
        changes = np.flatnonzero(sides[1:] != sides[:-1])
        if changes.size == 0:
            return "none", -1
        # The dihedral means nothing where an angle is linear, and that is where an inverting path crosses: the
        # frames on either side of the sign change, and those without a side between them, are read together.
        before, after = (int(f) for f in known[changes[-1] : changes[-1] + 2])
        return self._decide(path[before : after + 1]), (before + after) // 2

    def _decide(self, near: Sequence[np.ndarray]) -> str:
        best, most = self.otherwise, 0.0
        for c in self.classes:
            values = [abs(v) if c.coordinate.kind == "dihedral" else v for v in map(c.coordinate.deciding, near)]
            # A comparison with NaN is false, so that it never wins.
            excess = max((v for v in values if v > c.above), default=c.above) - c.above
            if excess > most:
                best, most = c.name, excess
        return best
