"""Basins: the stable states between which a molecule crosses, as intervals of collective variables; mechanisms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from separatrix.cvs.variable import Variable


@dataclass(frozen=True)
class Interval:
    """A collective variable between two bounds.

    Attributes
    ----------
    coordinate
        What is bounded.
    low, high
        Bounds, inclusive, in the coordinate's unit. Of a periodic one (a dihedral) the interval runs from `low`
        upwards to `high` around the circle, so 140 to 220 contains 180 and -150.
    """

    coordinate: Variable
    low: float
    high: float

    @cached_property
    def contains(self) -> Callable[[float], bool]:
        """Whether a value of the coordinate lies inside; NaN, which is no value, lies in the whole circle alone."""
        low, high, period = self.low, self.high, self.coordinate.period
        if period is None:
            return lambda value: low <= value <= high
        width = high - low
        if width >= period:
            return lambda value: True
        return lambda value: (value - low) % period <= width

    def overlaps(self, other: Interval) -> bool:
        """Whether two intervals of the same coordinate share a value."""
        if self.coordinate.period is None:
            return self.low <= other.high and other.low <= self.high
        return self.contains(other.low) or other.contains(self.low)

    def permuted(self, images: Mapping[int, int]) -> Interval:
        """The same interval of the same variable of other atoms, see :meth:`Variable.permuted`."""
        return replace(self, coordinate=self.coordinate.permuted(images))

    @cached_property
    def oriented(self) -> tuple[tuple[Any, ...], Interval]:
        """What is bounded, and the bounds: alike for d1 - d2 from 1 to 2 and for d2 - d1 from -2 to -1."""
        kind, *rest = self.coordinate.function
        if kind == "sum" and rest[0][0][1] < 0:
            mirrored = (kind, tuple((part, -weight) for part, weight in rest[0]))
            return mirrored, replace(self, low=-self.high, high=-self.low)
        return self.coordinate.function, self

    def apart(self, other: Interval) -> bool:
        """Whether no geometry lies in both, as far as the bounds alone show it."""
        (what, bounds), (other_what, other_bounds) = self.oriented, other.oriented
        return what == other_what and not bounds.overlaps(other_bounds)


Box = tuple[Interval, ...]
"""Intervals that all hold."""


@dataclass(frozen=True)
class Basin:
    """A stable state: all of its intervals hold, and where it has boxes, one of these, too.

    Attributes
    ----------
    name
        Of the basin.
    intervals
        They all hold.
    boxes
        At least one of them holds; empty where nothing more is asked.
    permutations
        Renumberings of atoms that count as the same geometry: index of an atom -> index of the one in its place. The
        basin holds what lies in it after one of them, or as it is.
    """

    name: str
    intervals: Box
    boxes: tuple[Box, ...] = ()
    permutations: tuple[tuple[tuple[int, int], ...], ...] = ()

    @property
    def bounded(self) -> Box:
        """All intervals, those of the boxes last."""
        return (*self.intervals, *(interval for box in self.boxes for interval in box))

    @cached_property
    def alternatives(self) -> tuple[Box, ...]:
        """Boxes of which one holds exactly where the basin does."""
        boxes = [(*self.intervals, *box) for box in self.boxes or ((),)]
        by_bounds: dict[frozenset[Any], Box] = {}
        for images in ((), *self.permutations):
            for box in boxes:
                image = tuple(interval.permuted(dict(images)) for interval in box)
                bounds = ((i.oriented[0], i.oriented[1].low, i.oriented[1].high) for i in image)
                by_bounds.setdefault(frozenset(bounds), image)
        return tuple(by_bounds.values())

    @cached_property
    def contains(self) -> Callable[[np.ndarray], bool]:
        """Whether a geometry (nm, shape (n_atoms, 3)) lies in the basin; not where a bounded value is undefined."""
        if len(self.alternatives) > 1:
            outside = outside_of((self,))
            return lambda positions: not outside(positions)
        plan = [(i.coordinate.deciding, i.contains) for i in self.alternatives[0]]

        def inside(positions: np.ndarray) -> bool:
            for value, holds in plan:  # noqa: SIM110 (a generator takes longer than the question)
                if not holds(value(positions)):
                    return False
            return True

        return inside

    def missed(self, positions: np.ndarray) -> list[str]:
        """Coordinates that are outside their bounds at a geometry: name, value, unit, bounds.

        Of several boxes those of the one that misses least.
        """
        missed = []
        for box in self.alternatives:
            values = [(i, i.coordinate.deciding(positions)) for i in box]
            missed.append(
                [
                    f"{i.coordinate.name} {value:.4g} {i.coordinate.unit} ({i.low:g} to {i.high:g})"
                    for i, value in values
                    if not i.contains(value)
                ]
            )
        return min(missed, key=len)

    def undefined(self, positions: np.ndarray) -> list[str]:
        """Names of the coordinates that bound the basin and mean nothing at a geometry."""
        names = [
            i.coordinate.name for box in self.alternatives for i in box if math.isnan(i.coordinate.deciding(positions))
        ]
        return list(dict.fromkeys(names))

    def disjoint(self, other: Basin) -> bool:
        """Whether some coordinate keeps each box of one basin apart from each of the other."""
        return all(
            any(a.apart(b) for a in box for b in other_box)
            for box in self.alternatives
            for other_box in other.alternatives
        )


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
    places: dict[tuple[Any, ...], int] = {}
    plan = [
        [(places.setdefault(i.coordinate.function, len(places)), i.coordinate.deciding, i.contains) for i in box]
        for basin in basins
        for box in basin.alternatives
    ]

    def outside(positions: np.ndarray) -> bool:
        values: dict[int, float] = {}
        for intervals in plan:
            for place, deciding, contains in intervals:
                value = values.get(place)
                if value is None:
                    value = values[place] = deciding(positions)
                if not contains(value):
                    break
            else:
                return False
        return True

    return outside


@dataclass(frozen=True)
class MechanismClass:
    """A mechanism that is recognised by the value of a coordinate where a path crosses.

    Attributes
    ----------
    name
        Of the mechanism.
    coordinate
        What is looked at.
    above, below
        The value lies between them, of a periodic coordinate around the circle from `above` upwards to `below`; without
        `below` the value exceeds `above`.
    signed
        Whether a periodic coordinate counts with its sign; otherwise by its absolute value.
    """

    name: str
    coordinate: Variable
    above: float
    below: float = math.inf
    signed: bool = False

    def excess(self, value: float) -> float:
        """By how much a value lies within the bounds, in the coordinate's unit; not above 0, or NaN, where not."""
        period = self.coordinate.period
        if period is not None and self.signed:
            inside, width = (value - self.above) % period, self.below - self.above
            return min(inside, width - inside)
        if period is not None:
            value = abs(value)
        return min(value - self.above, self.below - value)


@dataclass(frozen=True)
class MechanismRule:
    """How to tell by which mechanism a path crosses.

    A path crosses where a coordinate passes a boundary. Of the classes whose coordinate lies within its bounds there,
    the one that does by most wins, or the first where their units differ; if none does, the mechanism is that of the
    boundary which is passed, where these have names, and else `otherwise`. Without a crossing every path is
    `otherwise`. What is undefined decides nothing: frames without a side are passed over, and a class whose coordinate
    has no value there does not win.

    Attributes
    ----------
    crossing
        Coordinate that tells the two sides apart, or None.
    boundary
        Its value between them, in its unit. Of a periodic coordinate a pair: one side goes around the circle from the
        first upwards to the second; or one number, the absolute value, which stands for (-boundary, boundary).
    classes, otherwise
        The mechanisms.
    ways
        Mechanisms of the paths that pass the first and the second boundary of a periodic crossing: which way round it
        goes. Empty where the sides of the circle count as the same.
    """

    crossing: Variable | None = None
    boundary: float | tuple[float, float] = 0.0
    classes: tuple[MechanismClass, ...] = ()
    otherwise: str = "direct"
    ways: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All mechanism names that can come out."""
        return (*(c.name for c in self.classes), *self.ways, self.otherwise)

    @cached_property
    def boundaries(self) -> tuple[float, ...]:
        """Values of the crossing at which a path changes side."""
        if isinstance(self.boundary, tuple):
            return self.boundary
        if self.crossing is None or self.crossing.period is None:
            return (self.boundary,)
        return (-self.boundary, self.boundary)

    @cached_property
    def _comparable(self) -> bool:
        """Whether the excesses of the classes are in one unit."""
        return len({c.coordinate.unit for c in self.classes}) < 2

    @cached_property
    def _measure(self) -> Callable[[float], float]:
        """Signed measure of the side as a function of the value of the crossing: positive below, or between the two."""
        period = None if self.crossing is None else self.crossing.period
        if period is None:
            (boundary,) = self.boundaries
            return lambda value: boundary - value
        low, high = self.boundaries
        turn, width = 2.0 * math.pi / period, (high - low) % period
        middle, edge = low + 0.5 * width, math.cos(0.5 * width * turn)
        return lambda value: math.cos((value - middle) * turn) - edge

    def side(self, positions: np.ndarray) -> float:
        """Signed measure of the side of the crossing, which there must be: positive below it, NaN if undefined."""
        assert self.crossing is not None
        return self._measure(self.crossing.deciding(positions))

    def at(self, positions: np.ndarray) -> str:
        """Mechanism of one geometry taken as the crossing."""
        return self._decide(positions[None])

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
        defined = np.flatnonzero(~np.isnan(measures))
        sides = measures[defined] > 0
        changes = np.flatnonzero(sides[1:] != sides[:-1])
        if changes.size == 0:
            return "none", -1
        # The dihedral means nothing where an angle is linear, and that is where an inverting path crosses: the
        # frames on either side of the sign change, and those without a side between them, are read together.
        before, after = (int(f) for f in defined[changes[-1] : changes[-1] + 2])
        return self._decide(path[before : after + 1]), (before + after) // 2

    def _decide(self, near: np.ndarray) -> str:
        best, most = "", 0.0
        for c in self.classes:
            # A comparison with NaN is false, so that it never wins.
            excess = max((e for x in near if (e := c.excess(c.coordinate.deciding(x))) > 0.0), default=0.0)
            if excess > most:
                best, most = c.name, excess
                if not self._comparable:
                    break
        return best or (self._way(near) if self.ways else self.otherwise)

    def _way(self, near: Sequence[np.ndarray] | np.ndarray) -> str:
        """Mechanism of the boundary that is passed between the first and the last of some frames."""
        assert self.crossing is not None and self.crossing.period is not None
        period = self.crossing.period
        first, last = self.crossing.deciding(near[0]), self.crossing.deciding(near[-1])
        if math.isnan(first) or math.isnan(last):
            return self.otherwise
        # By the short way round there is one boundary between two frames on different sides; of a single frame, or two
        # on one side, the boundary next to the middle counts.
        half = 0.5 * ((last - first + 0.5 * period) % period - 0.5 * period)

        def distance(boundary: float) -> float:
            return abs((first + half - boundary + 0.5 * period) % period - 0.5 * period)

        between = [distance(b) - abs(half) for b in self.boundaries]
        return self.ways[0] if between[0] <= between[1] else self.ways[1]
