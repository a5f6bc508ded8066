"""An angle, its cosine and its sine.

They share a kernel, which gives the cosine, the sine and the rate of the cosine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.cvs.kinds.kind import (
    DEGREE_FACTOR,
    Kind,
    Recipe,
    Scalar,
    dot_product,
    either_way,
    function_of_degrees,
)
from separatrix.cvs.scalars import angle_of, distance_of
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    COINCIDENT,
    DEGREE_PER_RADIAN,
    LINEAR,
    Array,
    cross,
    divide,
    dot,
    unit_vectors,
)


def bend(points: Array, motion: Array | None) -> tuple[Array, Array, Array | None]:
    """Cosine and sine of an angle, and the rate of the cosine, 1/ps."""
    (u, w), dots = unit_vectors(points, motion, [(1, 0), (1, 2)])
    normal = cross(u, w)
    sine = np.sqrt(dot(normal, normal))
    return dot(u, w), sine, None if dots is None else dot(dots[0], w) + dot(u, dots[1])


def _cos_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    return bend[0], bend[2]


def _sin_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = bend
    return sine, None if rate is None else divide(-cosine * rate, sine, ~(sine <= LINEAR))


def _degrees_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = bend
    value = DEGREE_PER_RADIAN * np.arctan2(sine, cosine)
    return value, None if rate is None else divide(-DEGREE_PER_RADIAN * rate, sine, ~(sine <= LINEAR))


def _angle_of(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    i, j, k = atoms
    return lambda x: angle_of(x, i, j, k)


def _defined_angle_of(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    i, j, k = atoms
    closest = ANGSTROM_PER_NM * COINCIDENT

    def value(x: NDArray[np.floating]) -> float:
        degrees = angle_of(x, i, j, k)
        # Coincident atoms give it the value 0, which is otherwise as good as never met.
        if degrees == 0.0 and min(distance_of(x, i, j), distance_of(x, k, j)) < closest:
            return math.nan
        return degrees

    return value


_VECTORS = {"u": (1, 0), "w": (1, 2)}

ANGLE = Kind(
    "angle",
    3,
    "degree",
    bend,
    "angle",
    "angle {0}-{1}-{2}",
    _degrees_of_bend,
    canonical=either_way,
    scalar=_angle_of,
    deciding=_defined_angle_of,
    export=Recipe(f"{DEGREE_FACTOR}*q", "angle"),
)
COS_ANGLE = Kind(
    "cos_angle",
    3,
    "1",
    bend,
    "cos_angle",
    "cosine of the angle {0}-{1}-{2}",
    _cos_of_bend,
    canonical=either_way,
    deciding=function_of_degrees(math.cos, _defined_angle_of),
    export=Recipe(f"{dot_product('u', 'w')}/sqrt({dot_product('u', 'u')}*{dot_product('w', 'w')})", vectors=_VECTORS),
)
SIN_ANGLE = Kind(
    "sin_angle",
    3,
    "1",
    bend,
    "sin_angle",
    "sine of the angle {0}-{1}-{2}",
    _sin_of_bend,
    guide="sine of the angle a-b-c; it has a cusp where the angle is linear",
    canonical=either_way,
    deciding=function_of_degrees(math.sin, _defined_angle_of),
    export=Recipe("sin(q)", "angle"),
)

ENTRIES = (ANGLE, COS_ANGLE, SIN_ANGLE)
