"""A kind of collective variable: the distance of an atom from the middle of two others."""

from __future__ import annotations

import numpy as np

from separatrix.cvs.kinds.kind import Kind, Recipe
from separatrix.cvs.vectors import ANGSTROM_PER_NM, Array


def midpoint_distance(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    """Value in angstrom, and its velocity in angstrom/ps."""
    arm = points[0] - 0.5 * (points[1] + points[2])
    length = np.sqrt((arm**2).sum(axis=0))
    if motion is None:
        return ANGSTROM_PER_NM * length, None
    velocity = motion[0] - 0.5 * (motion[1] + motion[2])
    return ANGSTROM_PER_NM * length, ANGSTROM_PER_NM * (arm * velocity).sum(axis=0) / length


def _ends_in_order(atoms: tuple[int, ...]) -> tuple[int, ...]:
    return (atoms[0], *sorted(atoms[1:]))


ENTRIES = (
    Kind(
        "midpoint_distance",
        3,
        "angstrom",
        midpoint_distance,
        "distance",
        "distance of atom {0} from the middle of {1} and {2}",
        canonical=_ends_in_order,
        # Halves of the sum of the vectors to the two ends; nm.
        export=Recipe(
            "5*sqrt(sx*sx+sy*sy+sz*sz)",
            vectors={"u": (0, 1), "w": (0, 2)},
            steps={"sx": "ux+wx", "sy": "uy+wy", "sz": "uz+wz"},
        ),
    ),
)
