"""Distance, angle and dihedral and their rates, vectorised over frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from separatrix.cvs.kinds import KINDS
from separatrix.cvs.kinds.kind import Kind
from separatrix.cvs.vectors import (
    Array,
)


def as_frames(array: ArrayLike, what: str) -> Array:
    frames = np.asarray(array, dtype=np.float64)
    if frames.ndim != 3 or frames.shape[2] != 3:
        raise ValueError(f"{what} must have the shape (frames, atoms, 3), not {frames.shape}")
    return frames


def as_frames_and_velocities(positions: ArrayLike, velocities: ArrayLike) -> tuple[Array, Array]:
    x, v = as_frames(positions, "positions"), as_frames(velocities, "velocities")
    if x.shape != v.shape:
        raise ValueError(f"velocities must have the shape of the positions, {x.shape}, not {v.shape}")
    return x, v


def _value(kind: Kind, positions: ArrayLike, atoms: Sequence[int]) -> Array:
    x = as_frames(positions, "positions")
    return kind.finish(kind.kernel(x[:, list(atoms)].transpose(1, 2, 0), None))[0]


def _rate(kind: Kind, positions: ArrayLike, velocities: ArrayLike, atoms: Sequence[int]) -> Array:
    x, v = as_frames_and_velocities(positions, velocities)
    picked = list(atoms)
    rate = kind.finish(kind.kernel(x[:, picked].transpose(1, 2, 0), v[:, picked].transpose(1, 2, 0)))[1]
    assert rate is not None
    return rate


def distance(positions: ArrayLike, i: int, j: int) -> Array:
    """Distance i-j in angstrom, shape (n,), of positions (n, N, 3) in nm.

    Raises ValueError for another shape.
    """
    return _value(KINDS["distance"], positions, (i, j))


def angle(positions: ArrayLike, i: int, j: int, k: int) -> Array:
    """Angle i-j-k in degrees, 0 to 180, shape (n,), of positions (n, N, 3) in nm.

    Accurate near 0 and 180 degrees. Raises ValueError for another shape.
    """
    return _value(KINDS["angle"], positions, (i, j, k))


def dihedral(positions: ArrayLike, i: int, j: int, k: int, l: int) -> Array:  # noqa: E741
    """Dihedral i-j-k-l in degrees, in (-180, 180], IUPAC sign, shape (n,), of positions (n, N, 3) in nm.

    0 where the angle i-j-k or j-k-l is exactly linear. Raises ValueError for another shape.
    """
    return _value(KINDS["dihedral"], positions, (i, j, k, l))


def distance_rate(positions: ArrayLike, velocities: ArrayLike, i: int, j: int) -> Array:
    """Time derivative of `distance` in angstrom/ps, shape (n,).

    `positions` in nm and `velocities` in nm/ps, both (n, N, 3). 0 for coincident atoms. Raises ValueError for
    other shapes.
    """
    return _rate(KINDS["distance"], positions, velocities, (i, j))


def angle_rate(positions: ArrayLike, velocities: ArrayLike, i: int, j: int, k: int) -> Array:
    """Time derivative of `angle` in degree/ps, shape (n,).

    `positions` in nm and `velocities` in nm/ps, both (n, N, 3). 0 at an exactly linear angle, where the two
    one-sided derivatives are opposite. Raises ValueError for other shapes.
    """
    return _rate(KINDS["angle"], positions, velocities, (i, j, k))


def dihedral_rate(
    positions: ArrayLike,
    velocities: ArrayLike,
    i: int,
    j: int,
    k: int,
    l: int,  # noqa: E741
) -> Array:
    """Time derivative of `dihedral` in degree/ps, shape (n,); it does not see the jump at +-180 degrees.

    `positions` in nm and `velocities` in nm/ps, both (n, N, 3). 0 where the angle i-j-k or j-k-l is exactly
    linear. Raises ValueError for other shapes.
    """
    return _rate(KINDS["dihedral"], positions, velocities, (i, j, k, l))
