"""The length of a bond, or of any pair of atoms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from separatrix.cvs.kinds.kind import (
    ANGSTROM_FACTOR,
    Kind,
    Recipe,
    Scalar,
    either_way,
)
from separatrix.cvs.scalars import distance_of
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    Array,
    differences,
    dot,
    unit_vector,
)


def _distance(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    (r,) = differences(points, [(0, 1)])
    if motion is None:
        return ANGSTROM_PER_NM * np.sqrt(dot(r, r)), None
    unit, _, length = unit_vector(r, None)
    (r_dot,) = differences(motion, [(0, 1)])
    return ANGSTROM_PER_NM * length, ANGSTROM_PER_NM * dot(unit, r_dot)


def _scalar(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    i, j = atoms
    return lambda x: distance_of(x, i, j)


DISTANCE = Kind(
    "distance",
    2,
    "angstrom",
    _distance,
    "distance",
    "distance of atoms {0} and {1}",
    canonical=either_way,
    scalar=_scalar,
    export=Recipe(f"{ANGSTROM_FACTOR}*q", "distance"),
)

ENTRIES = (DISTANCE,)
