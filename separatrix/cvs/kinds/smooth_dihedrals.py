"""Products of the sine of an angle and a function of a dihedral, smooth where that angle is linear."""

from __future__ import annotations

from separatrix.cvs.kinds.kind import (
    Kind,
    Recipe,
    cross_product,
    dot_product,
    unlike_a_line,
)
from separatrix.cvs.vectors import (
    Array,
    cross,
    dot,
    reference_direction,
    unit_vectors,
)


def _sin_angle_cos_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # With e the unit vector perpendicular to the axis j-k towards i, and h the unit vector k -> l, the length
    # of h's part perpendicular to the axis is sin(angle j-k-l), and its component along e is sin(angle)
    # cos(dihedral): no division by the sine of j-k-l, hence smooth through its linearity.
    (f, g, h), dots = unit_vectors(points, motion, [(1, 0), (1, 2), (2, 3)])
    if dots is None:
        return dot(reference_direction(f, None, g, None)[0], h), None
    e, e_dot = reference_direction(f, dots[0], g, dots[1])
    assert e_dot is not None
    return dot(e, h), dot(e_dot, h) + dot(e, dots[2])


def _sin_angle_sin_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # As above, with the component of h along g x e, the normal of the plane i-j-k (right-handed about the
    # axis j -> k).
    (f, g, h), dots = unit_vectors(points, motion, [(1, 0), (1, 2), (2, 3)])
    if dots is None:
        e, _ = reference_direction(f, None, g, None)
        return dot(cross(g, e), h), None
    e, e_dot = reference_direction(f, dots[0], g, dots[1])
    assert e_dot is not None
    normal = cross(g, e)
    normal_dot = cross(dots[1], e) + cross(g, e_dot)
    return dot(normal, h), dot(normal_dot, h) + dot(normal, dots[2])


# As in the kernel of a dihedral: f: j -> i, g: j -> k, h: k -> l, with the normals a of i-j-k and b of j-k-l.
_VECTORS = {"f": (1, 0), "g": (1, 2), "h": (2, 3)}
_NORMALS = {**cross_product("a", "f", "g"), **cross_product("b", "h", "g")}

SIN_ANGLE_COS_DIHEDRAL = unlike_a_line(
    Kind(
        "sin_angle_cos_dihedral",
        4,
        "1",
        _sin_angle_cos_dihedral,
        "sin_angle_cos",
        "sine of the angle {1}-{2}-{3} times cosine of the dihedral {0}-{1}-{2}-{3}",
        guide="sine of the angle b-c-d times cosine of the dihedral a-b-c-d: smooth where that angle is linear",
        export=Recipe(
            f"{dot_product('a', 'b')}/sqrt({dot_product('a', 'a')}*{dot_product('g', 'g')}*{dot_product('h', 'h')})",
            vectors=_VECTORS,
            steps=_NORMALS,
        ),
    ),
    (0, 1, 2),
)
SIN_ANGLE_SIN_DIHEDRAL = unlike_a_line(
    Kind(
        "sin_angle_sin_dihedral",
        4,
        "1",
        _sin_angle_sin_dihedral,
        "sin_angle_sin",
        "sine of the angle {1}-{2}-{3} times sine of the dihedral {0}-{1}-{2}-{3}",
        guide="sine of the angle b-c-d times sine of the dihedral a-b-c-d: smooth where that angle is linear",
        export=Recipe(
            f"{dot_product('f', 'b')}/sqrt({dot_product('a', 'a')}*{dot_product('h', 'h')})",
            vectors=_VECTORS,
            steps=_NORMALS,
        ),
    ),
    (0, 1, 2),
)

ENTRIES = (SIN_ANGLE_COS_DIHEDRAL, SIN_ANGLE_SIN_DIHEDRAL)
