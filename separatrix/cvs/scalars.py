"""Distance, angle and dihedral of one frame, in plain floats.

NumPy's cost per call on three numbers is tens of times the arithmetic, and these run for every frame of molecular
dynamics.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    DEGREE_PER_RADIAN,
    LINEAR,
)


def distance_of(x: NDArray[np.floating], i: int, j: int) -> float:
    """Distance i-j in angstrom of one frame, an array (N, 3) in nm; equal to `distance`."""
    ix, iy, iz = x[i].tolist()
    jx, jy, jz = x[j].tolist()
    dx, dy, dz = ix - jx, iy - jy, iz - jz
    return ANGSTROM_PER_NM * math.sqrt(dx * dx + dy * dy + dz * dz)


def angle_of(x: NDArray[np.floating], i: int, j: int, k: int) -> float:
    """Angle i-j-k in degrees of one frame, an array (N, 3) in nm; equal to `angle`."""
    ix, iy, iz = x[i].tolist()
    jx, jy, jz = x[j].tolist()
    kx, ky, kz = x[k].tolist()
    ux, uy, uz = ix - jx, iy - jy, iz - jz
    wx, wy, wz = kx - jx, ky - jy, kz - jz
    nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
    sine = math.sqrt(nx * nx + ny * ny + nz * nz)
    return DEGREE_PER_RADIAN * math.atan2(sine, ux * wx + uy * wy + uz * wz)


def dihedral_of(
    x: NDArray[np.floating],
    i: int,
    j: int,
    k: int,
    l: int,  # noqa: E741
    *,
    linear: float = LINEAR,
    undefined: float = 0.0,
) -> float:
    """Dihedral i-j-k-l in degrees, in (-180, 180], of one frame (N, 3) in nm; equal to `dihedral`.

    Where the sine of one of its angles is no larger than `linear`, the answer is `undefined`.
    """
    ix, iy, iz = x[i].tolist()
    jx, jy, jz = x[j].tolist()
    kx, ky, kz = x[k].tolist()
    lx, ly, lz = x[l].tolist()
    fx, fy, fz = ix - jx, iy - jy, iz - jz
    gx, gy, gz = kx - jx, ky - jy, kz - jz
    hx, hy, hz = lx - kx, ly - ky, lz - kz
    ax, ay, az = fy * gz - fz * gy, fz * gx - fx * gz, fx * gy - fy * gx
    bx, by, bz = hy * gz - hz * gy, hz * gx - hx * gz, hx * gy - hy * gx
    g2 = gx * gx + gy * gy + gz * gz
    limit = linear**2 * g2
    a2, b2 = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz
    if a2 <= limit * (fx * fx + fy * fy + fz * fz) or b2 <= limit * (hx * hx + hy * hy + hz * hz):
        return undefined
    sine = math.sqrt(g2) * (fx * bx + fy * by + fz * bz)
    value = DEGREE_PER_RADIAN * math.atan2(sine, ax * bx + ay * by + az * bz)
    return 180.0 if value <= -180.0 else value
