"""Cartesian coordinates of one atom.

They mean something only where an external field says where an atom is. They change when the molecule as a whole is
shifted or turned; no other kind does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from separatrix.core.units import ANGSTROM
from separatrix.cvs.kinds.kind import (
    ANGSTROM_FACTOR,
    Kernel,
    Kind,
    Recipe,
    Scalar,
)
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    Array,
)


def _along(axis: int) -> Kernel:
    def kernel(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
        return ANGSTROM_PER_NM * points[0, axis], None if motion is None else ANGSTROM_PER_NM * motion[0, axis]

    return kernel


def _cartesian(axis: int) -> Kind:
    def scalar(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        (atom,) = atoms
        return lambda x: float(x[atom, axis]) / ANGSTROM

    name = "xyz"[axis]
    recipe = Recipe(f"{ANGSTROM_FACTOR}*q", name)
    return Kind(
        name,
        1,
        "angstrom",
        _along(axis),
        name,
        f"{name} of atom {{0}}",
        guide="Cartesian coordinate; only for potentials in an external field, like `model`",
        scalar=scalar,
        export=recipe,
    )


ENTRIES = tuple(_cartesian(axis) for axis in range(3))
