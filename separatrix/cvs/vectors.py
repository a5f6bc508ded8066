"""Vector algebra of the collective variables.

Vectors carry their three components on the *first* axis, so that every operation below is a plain expression on long
contiguous arrays; the other axes (variables, frames) are whatever the caller has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ANGSTROM_PER_NM = 10.0
DEGREE_PER_RADIAN = 180.0 / math.pi
#: Sine of an angle below which it counts as exactly linear: the direction of bending is then rounding error.
LINEAR = 1e-12
#: Distance (nm) below which two atoms count as coincident: the direction between them is then rounding error.
COINCIDENT = 1e-12


def dot(u: Array, w: Array) -> Array:
    total = u[0] * w[0]
    total += u[1] * w[1]
    total += u[2] * w[2]
    return total


def cross(u: Array, w: Array) -> Array:
    result = np.empty(np.broadcast_shapes(u.shape, w.shape))
    for n, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        np.multiply(u[i], w[j], out=result[n, ...])
        result[n, ...] -= u[j] * w[i]
    return result


def divide(numerator: ArrayLike, denominator: Array, defined: NDArray[np.bool_]) -> Array:
    """numerator / denominator where `defined`, 0 elsewhere (without a floating-point warning)."""
    if defined.all():  # nearly always; a division under a mask takes several times as long
        return np.divide(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=defined)


def unit_vector(r: Array, r_dot: Array | None) -> tuple[Array, Array | None, Array]:
    """Unit vector along r, its time derivative, and the length of r; zero vectors for coincident atoms."""
    length = np.sqrt(dot(r, r))
    # "not <=" rather than ">": a NaN must come out as NaN, not as the answer for coincident atoms.
    inverse = divide(1.0, length, ~(length <= COINCIDENT))
    unit = r * inverse
    if r_dot is None:
        return unit, None, length
    unit_dot = unit * dot(unit, r_dot)
    np.subtract(r_dot, unit_dot, out=unit_dot)
    unit_dot *= inverse
    return unit, unit_dot, length


def differences(points: Array, pairs: Sequence[tuple[int, int]]) -> list[Array]:
    """The vectors from the first to the second point of each pair."""
    return [points[end] - points[start] for start, end in pairs]


def unit_vectors(
    points: Array, motion: Array | None, pairs: Sequence[tuple[int, int]]
) -> tuple[list[Array], list[Array] | None]:
    """Unit vectors between pairs of points, and their time derivatives."""
    vectors = differences(points, pairs)
    if motion is None:
        return [unit_vector(r, None)[0] for r in vectors], None
    both = [unit_vector(r, r_dot)[:2] for r, r_dot in zip(vectors, differences(motion, pairs), strict=True)]
    return [unit for unit, _ in both], [dot for _, dot in both if dot is not None]


def reference_direction(r: Array, r_dot: Array | None, g: Array, g_dot: Array | None) -> tuple[Array, Array | None]:
    """Unit vector along the part of r perpendicular to g (both unit vectors), and its time derivative.

    Zero vectors where r and g are exactly parallel.
    """
    along = dot(r, g)
    part = r - along * g
    length = np.sqrt(dot(part, part))
    inverse = divide(1.0, length, ~(length <= LINEAR))
    e = part * inverse
    if r_dot is None or g_dot is None:
        return e, None
    part_dot = r_dot - along * g_dot - (dot(r_dot, g) + dot(r, g_dot)) * g
    return e, (part_dot - e * dot(e, part_dot)) * inverse
