"""A dihedral, its cosine and its sine (IUPAC sign, as MDTraj's).

They share a kernel. The derivative follows A. Blondel and M. Karplus, J. Comput. Chem. 17, 1132 (1996), written with
unit vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from separatrix.cvs.kinds.kind import (
    DEGREE_FACTOR,
    STRAIGHT,
    Kind,
    Recipe,
    Scalar,
    either_way,
    function_of_degrees,
)
from separatrix.cvs.scalars import dihedral_of
from separatrix.cvs.vectors import (
    DEGREE_PER_RADIAN,
    LINEAR,
    Array,
    cross,
    divide,
    dot,
    unit_vectors,
)


def torsion(points: Array, motion: Array | None) -> tuple[Array, Array, Array | None]:
    """Cosine and sine of a dihedral, and its rate in radian/ps; all 0 where an angle is exactly linear."""
    # f: j -> i, g: j -> k (the axis), h: k -> l.
    (f, g, h), dots = unit_vectors(points, motion, [(1, 0), (1, 2), (2, 3)])
    # Normals of the planes i-j-k and j-k-l; their lengths are the sines of those angles.
    a, b = cross(f, g), cross(h, g)
    a2, b2 = dot(a, a), dot(b, b)
    defined = ~((a2 <= LINEAR**2) | (b2 <= LINEAR**2))
    norm = np.sqrt(a2 * b2)
    cosine = divide(dot(a, b), norm, defined)
    sine = divide(dot(f, b), norm, defined)
    if dots is None:
        return cosine, sine, None
    f_dot, g_dot, h_dot = dots
    rate = divide(dot(a, f_dot - dot(f, g) * g_dot), a2, defined)
    rate -= divide(dot(b, h_dot - dot(h, g) * g_dot), b2, defined)
    return cosine, sine, rate


def _cos_of_torsion(torsion: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = torsion
    return cosine, None if rate is None else -sine * rate


def _sin_of_torsion(torsion: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = torsion
    return sine, None if rate is None else cosine * rate


def _degrees_of_torsion(torsion: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = torsion
    value = DEGREE_PER_RADIAN * np.arctan2(sine, cosine)
    value[value <= -180.0] = 180.0  # the range is (-180, 180]; atan2 gives -180 for a sine of -0.0
    return value, None if rate is None else DEGREE_PER_RADIAN * rate


def _dihedral_of(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    i, j, k, l = atoms  # noqa: E741
    return lambda x: dihedral_of(x, i, j, k, l)


_STRAIGHT_SINE = math.sin(math.radians(STRAIGHT))


def _defined_dihedral_of(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    i, j, k, l = atoms  # noqa: E741
    return lambda x: dihedral_of(x, i, j, k, l, linear=_STRAIGHT_SINE, undefined=math.nan)


DIHEDRAL = Kind(
    "dihedral",
    4,
    "degree",
    torsion,
    "dihedral",
    "dihedral {0}-{1}-{2}-{3}",
    _degrees_of_torsion,
    guide="dihedral a-b-c-d, for basins, crossings and pulls; candidates are its cosine and its sine",
    period=360.0,
    canonical=either_way,
    scalar=_dihedral_of,
    deciding=_defined_dihedral_of,
    export=Recipe(f"{DEGREE_FACTOR}*q", "torsion"),
)
COS_DIHEDRAL = Kind(
    "cos_dihedral",
    4,
    "1",
    torsion,
    "cos",
    "cosine of the dihedral {0}-{1}-{2}-{3}",
    _cos_of_torsion,
    canonical=either_way,
    deciding=function_of_degrees(math.cos, _defined_dihedral_of),
    export=Recipe("cos(q)", "torsion"),
)
SIN_DIHEDRAL = Kind(
    "sin_dihedral",
    4,
    "1",
    torsion,
    "sin",
    "sine of the dihedral {0}-{1}-{2}-{3}",
    _sin_of_torsion,
    canonical=either_way,
    deciding=function_of_degrees(math.sin, _defined_dihedral_of),
    export=Recipe("sin(q)", "torsion"),
)

ENTRIES = (DIHEDRAL, COS_DIHEDRAL, SIN_DIHEDRAL)
