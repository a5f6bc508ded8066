"""Displacements of an atom from an axis, in a plane, or out of a plane."""

from __future__ import annotations

from separatrix.cvs.kinds.kind import (
    ANGSTROM_FACTOR,
    Kind,
    Recipe,
    cross_product,
    dot_product,
    unlike_a_line,
)
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    Array,
    cross,
    differences,
    dot,
    reference_direction,
    unit_vector,
    unit_vectors,
)


def _in_plane_displacement(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # Atoms a, b, c, d. e is perpendicular to the axis a...c, so (b - foot) . e = (b - a) . e: no foot is
    # needed.
    (g, r), dots = unit_vectors(points, motion, [(0, 2), (0, 3)])
    (arm,) = differences(points, [(0, 1)])
    if dots is None or motion is None:
        return ANGSTROM_PER_NM * dot(reference_direction(r, None, g, None)[0], arm), None
    e, e_dot = reference_direction(r, dots[1], g, dots[0])
    assert e_dot is not None
    (arm_dot,) = differences(motion, [(0, 1)])
    return ANGSTROM_PER_NM * dot(e, arm), ANGSTROM_PER_NM * (dot(e_dot, arm) + dot(e, arm_dot))


def _improper(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # Atoms o, a, b, c. Made of unit vectors, the normal of a, b, c is as long as the sine of the angle b-a-c.
    (u, w), dots = unit_vectors(points, motion, [(1, 2), (1, 3)])
    (arm,) = differences(points, [(1, 0)])
    normal = cross(u, w)
    if dots is None or motion is None:
        return ANGSTROM_PER_NM * dot(unit_vector(normal, None)[0], arm), None
    n, n_dot, _ = unit_vector(normal, cross(dots[0], w) + cross(u, dots[1]))
    assert n_dot is not None
    (arm_dot,) = differences(motion, [(1, 0)])
    return ANGSTROM_PER_NM * dot(n, arm), ANGSTROM_PER_NM * (dot(n_dot, arm) + dot(n, arm_dot))


def _turned(atoms: tuple[int, ...]) -> tuple[int, ...]:
    """The three atoms of the plane from their least on, in the same sense of turning."""
    first, *plane = atoms
    start = plane.index(min(plane))
    return (first, *plane[start:], *plane[:start])


IN_PLANE_DISPLACEMENT = unlike_a_line(
    Kind(
        "in_plane_displacement",
        4,
        "angstrom",
        _in_plane_displacement,
        "in_plane",
        "displacement of atom {1} from the axis {0}...{2} in the plane of {0}, {2}, {3}, positive towards {3}",
        guide="displacement of b from the axis a…c, positive on the side of d: smooth where a, b, c are in line",
        # s: a -> b, t: a -> d, g: a -> c. The part of t perpendicular to g is along g x (t x g).
        export=Recipe(
            f"{ANGSTROM_FACTOR}*{dot_product('a', 'b')}/sqrt({dot_product('a', 'a')}*{dot_product('g', 'g')})",
            vectors={"g": (0, 2), "t": (0, 3), "s": (0, 1)},
            steps={**cross_product("a", "t", "g"), **cross_product("b", "s", "g")},
        ),
    ),
    (2, 0, 3),
)
IMPROPER = unlike_a_line(
    Kind(
        "improper",
        4,
        "angstrom",
        _improper,
        "improper",
        "displacement of atom {0} out of the plane of {1}, {2}, {3}, positive where these turn counter-clockwise",
        guide="displacement of a out of the plane of b, c, d; positive on the side from which these turn "
        "counter-clockwise",
        canonical=_turned,
        export=Recipe(
            f"{ANGSTROM_FACTOR}*{dot_product('n', 's')}/sqrt({dot_product('n', 'n')})",
            vectors={"u": (1, 2), "w": (1, 3), "s": (1, 0)},
            steps=cross_product("n", "u", "w"),
        ),
    ),
    (2, 1, 3),
)

ENTRIES = (IN_PLANE_DISPLACEMENT, IMPROPER)
