"""Collective variables (CVs) of molecular geometries, vectorised over frames.

Units throughout: positions in nm, velocities in nm/ps (OpenMM's). Distances come out in angstrom, angles in
degree, functions of dihedrals without a unit; a rate is the time derivative of a value along the velocities,
in that unit per ps. Arithmetic is in double precision whatever the precision of the input.

=========================== ============ ======== ============================================================
kind                        atoms        unit     value
=========================== ============ ======== ============================================================
``distance``                i, j         angstrom length of i-j
``angle``                   i, j, k      degree   angle at j, 0 to 180
``cos_angle``               i, j, k      1        its cosine (smooth through a linear angle)
``cos_dihedral``            i, j, k, l   1        cosine of the dihedral i-j-k-l (IUPAC sign, as MDTraj's)
``sin_dihedral``            i, j, k, l   1        its sine
``sin_angle_cos_dihedral``  i, j, k, l   1        sin(angle j-k-l) cos(dihedral i-j-k-l)
``sin_angle_sin_dihedral``  i, j, k, l   1        sin(angle j-k-l) sin(dihedral i-j-k-l)
``in_plane_displacement``   a, b, c, d   angstrom displacement of b from the axis a...c, in the plane of
                                                  a, c and d, positive on the side of d
``x``, ``y``, ``z``         i            angstrom Cartesian coordinate
``difference``              (terms)      theirs   sum of weight times another variable
=========================== ============ ======== ============================================================

A Cartesian coordinate means something only where an external field says where an atom is. It changes when the
molecule as a whole is shifted or turned; no other kind does.

A raw dihedral is deliberately no kind: it jumps by 360 degrees, and a reaction coordinate is linear in its
variables. The function `dihedral` gives it where it is wanted (definitions of basins, figures).

Degenerate geometries give a documented finite answer, never NaN ("linear" means a sine below 1e-12,
"coincident" means closer than 1e-12 nm):

* a distance between coincident atoms has the rate 0, and an angle with coincident atoms the value 0 and the
  rate 0 (its cosine then is 0);
* at an exactly linear angle (0 or 180 degrees) the angle has a cone's tip: it changes at the same speed
  whichever way the atoms move. Its rate is defined as 0, the mean of the two one-sided derivatives;
* a dihedral with an exactly linear angle i-j-k or j-k-l means nothing; its cosine, its sine, and their rates
  are defined as 0 (the mean over all the dihedrals next to it), and the dihedral itself as 0 degrees. Close
  to linearity the rates are the true ones and grow as 1/sin(angle): prefer the products, which stay smooth;
* the products and the in-plane displacement are smooth where the angle j-k-l, or a-b-c, is linear. Only where
  their plane of reference is undefined (i, j, k linear; a, c, d linear) are value and rate defined as 0.

Formulas: the dihedral and its derivative follow A. Blondel and M. Karplus, J. Comput. Chem. 17, 1132 (1996),
written with unit vectors; the angle is atan2(|u x v|, u . v), accurate near 0 and 180 degrees where arccos is
not.

To add a kind, write one kernel (see `Kernel`) and one line in `KINDS`.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "DIFFERENCE",
    "KINDS",
    "Kind",
    "Variable",
    "angle",
    "angle_of",
    "angle_rate",
    "dihedral",
    "dihedral_of",
    "dihedral_rate",
    "distance",
    "distance_of",
    "distance_rate",
    "enumerate_around",
    "evaluate",
    "from_spec",
]

Array = NDArray[np.float64]

ANGSTROM_PER_NM = 10.0
DEGREE_PER_RADIAN = 180.0 / math.pi
#: Sine of an angle below which it counts as exactly linear: the direction of bending is then rounding error.
LINEAR = 1e-12
#: Distance (nm) below which two atoms count as coincident: the direction between them is then rounding error.
COINCIDENT = 1e-12
#: Frames are worked through in blocks of about this many values, so that the temporaries stay in the cache.
BLOCK = 8192

# -----------------------------------------------------------------------------------------------------------
# Vector algebra. Vectors carry their three components on the *first* axis, so that every operation below is a
# plain expression on long contiguous arrays; the other axes (variables, frames) are whatever the caller has.
# -----------------------------------------------------------------------------------------------------------


def _dot(u: Array, w: Array) -> Array:
    return u[0] * w[0] + u[1] * w[1] + u[2] * w[2]


def _cross(u: Array, w: Array) -> Array:
    result = np.empty(np.broadcast_shapes(u.shape, w.shape))
    result[0] = u[1] * w[2] - u[2] * w[1]
    result[1] = u[2] * w[0] - u[0] * w[2]
    result[2] = u[0] * w[1] - u[1] * w[0]
    return result


def _divide(numerator: ArrayLike, denominator: Array, defined: NDArray[np.bool_]) -> Array:
    """numerator / denominator where `defined`, 0 elsewhere (without a floating-point warning)."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=defined)


def _unit(r: Array, r_dot: Array | None) -> tuple[Array, Array | None, Array]:
    """Unit vector along r, its time derivative, and the length of r; zero vectors for coincident atoms."""
    length = np.sqrt(_dot(r, r))
    # "not <=" rather than ">": a NaN must come out as NaN, not as the answer for coincident atoms.
    inverse = _divide(1.0, length, ~(length <= COINCIDENT))
    unit = r * inverse
    if r_dot is None:
        return unit, None, length
    return unit, (r_dot - unit * _dot(unit, r_dot)) * inverse, length


def _differences(points: Array, pairs: Sequence[tuple[int, int]]) -> list[Array]:
    """The vectors from the first to the second point of each pair."""
    return [points[end] - points[start] for start, end in pairs]


def _units(
    points: Array, motion: Array | None, pairs: Sequence[tuple[int, int]]
) -> tuple[list[Array], list[Array] | None]:
    """Unit vectors between pairs of points, and their time derivatives."""
    vectors = _differences(points, pairs)
    if motion is None:
        return [_unit(r, None)[0] for r in vectors], None
    both = [_unit(r, r_dot)[:2] for r, r_dot in zip(vectors, _differences(motion, pairs), strict=True)]
    return [unit for unit, _ in both], [dot for _, dot in both if dot is not None]


# -----------------------------------------------------------------------------------------------------------
# Kernels: one per kind.
# -----------------------------------------------------------------------------------------------------------

Kernel = Callable[[Array, Array | None], tuple[Array, Array | None]]
"""kernel(points, motion) -> (value, rate).

`points`: positions of the kind's atoms, shape (atoms, 3, ...), nm. `motion`: their velocities, same shape,
nm/ps, or None, and then the rate is None. Value and rate have the shape (...). The rate is linear in the
velocities.
"""


def _distance(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    (r,) = _differences(points, [(0, 1)])
    if motion is None:
        return ANGSTROM_PER_NM * np.sqrt(_dot(r, r)), None
    unit, _, length = _unit(r, None)
    (r_dot,) = _differences(motion, [(0, 1)])
    return ANGSTROM_PER_NM * length, ANGSTROM_PER_NM * _dot(unit, r_dot)


def _cos_angle(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    (u, w), dots = _units(points, motion, [(1, 0), (1, 2)])
    return _dot(u, w), None if dots is None else _dot(dots[0], w) + _dot(u, dots[1])


def _angle(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    (u, w), dots = _units(points, motion, [(1, 0), (1, 2)])
    normal = _cross(u, w)
    sine = np.sqrt(_dot(normal, normal))
    value = DEGREE_PER_RADIAN * np.arctan2(sine, _dot(u, w))
    if dots is None:
        return value, None
    cosine_rate = _dot(dots[0], w) + _dot(u, dots[1])
    return value, _divide(-DEGREE_PER_RADIAN * cosine_rate, sine, ~(sine <= LINEAR))


def _torsion(points: Array, motion: Array | None) -> tuple[Array, Array, Array | None]:
    """Cosine and sine of a dihedral, and its rate in radian/ps; all 0 where an angle is exactly linear."""
    # f: j -> i, g: j -> k (the axis), h: k -> l.
    (f, g, h), dots = _units(points, motion, [(1, 0), (1, 2), (2, 3)])
    # Normals of the planes i-j-k and j-k-l; their lengths are the sines of those angles.
    a, b = _cross(f, g), _cross(h, g)
    a2, b2 = _dot(a, a), _dot(b, b)
    defined = ~((a2 <= LINEAR**2) | (b2 <= LINEAR**2))
    norm = np.sqrt(a2 * b2)
    cosine = _divide(_dot(a, b), norm, defined)
    sine = _divide(_dot(f, b), norm, defined)
    if dots is None:
        return cosine, sine, None
    f_dot, g_dot, h_dot = dots
    rate = _divide(_dot(a, f_dot - _dot(f, g) * g_dot), a2, defined)
    rate -= _divide(_dot(b, h_dot - _dot(h, g) * g_dot), b2, defined)
    return cosine, sine, rate


def _cos_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    cosine, sine, rate = _torsion(points, motion)
    return cosine, None if rate is None else -sine * rate


def _sin_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    cosine, sine, rate = _torsion(points, motion)
    return sine, None if rate is None else cosine * rate


def _dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    cosine, sine, rate = _torsion(points, motion)
    value = DEGREE_PER_RADIAN * np.arctan2(sine, cosine)
    value[value <= -180.0] = 180.0  # the range is (-180, 180]; atan2 gives -180 for a sine of -0.0
    return value, None if rate is None else DEGREE_PER_RADIAN * rate


def _reference_direction(r: Array, r_dot: Array | None, g: Array, g_dot: Array | None) -> tuple[Array, Array | None]:
    """Unit vector along the part of r perpendicular to g (both unit vectors), and its time derivative.

    Zero vectors where r and g are exactly parallel.
    """
    along = _dot(r, g)
    part = r - along * g
    length = np.sqrt(_dot(part, part))
    inverse = _divide(1.0, length, ~(length <= LINEAR))
    e = part * inverse
    if r_dot is None or g_dot is None:
        return e, None
    part_dot = r_dot - along * g_dot - (_dot(r_dot, g) + _dot(r, g_dot)) * g
    return e, (part_dot - e * _dot(e, part_dot)) * inverse


def _sin_angle_cos_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # With e the unit vector perpendicular to the axis j-k towards i, and h the unit vector k -> l, the length
    # of h's part perpendicular to the axis is sin(angle j-k-l), and its component along e is sin(angle)
    # cos(dihedral): no division by the sine of j-k-l, hence smooth through its linearity.
    (f, g, h), dots = _units(points, motion, [(1, 0), (1, 2), (2, 3)])
    if dots is None:
        return _dot(_reference_direction(f, None, g, None)[0], h), None
    e, e_dot = _reference_direction(f, dots[0], g, dots[1])
    assert e_dot is not None
    return _dot(e, h), _dot(e_dot, h) + _dot(e, dots[2])


def _sin_angle_sin_dihedral(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # As above, with the component of h along g x e, the normal of the plane i-j-k (right-handed about the
    # axis j -> k).
    (f, g, h), dots = _units(points, motion, [(1, 0), (1, 2), (2, 3)])
    if dots is None:
        e, _ = _reference_direction(f, None, g, None)
        return _dot(_cross(g, e), h), None
    e, e_dot = _reference_direction(f, dots[0], g, dots[1])
    assert e_dot is not None
    normal = _cross(g, e)
    normal_dot = _cross(dots[1], e) + _cross(g, e_dot)
    return _dot(normal, h), _dot(normal_dot, h) + _dot(normal, dots[2])


def _in_plane_displacement(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # Atoms a, b, c, d. e is perpendicular to the axis a...c, so (b - foot) . e = (b - a) . e: no foot is
    # needed.
    (g, r), dots = _units(points, motion, [(0, 2), (0, 3)])
    (arm,) = _differences(points, [(0, 1)])
    if dots is None or motion is None:
        return ANGSTROM_PER_NM * _dot(_reference_direction(r, None, g, None)[0], arm), None
    e, e_dot = _reference_direction(r, dots[1], g, dots[0])
    assert e_dot is not None
    (arm_dot,) = _differences(motion, [(0, 1)])
    return ANGSTROM_PER_NM * _dot(e, arm), ANGSTROM_PER_NM * (_dot(e_dot, arm) + _dot(e, arm_dot))


def _along(axis: int) -> Kernel:
    def kernel(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
        return ANGSTROM_PER_NM * points[0, axis], None if motion is None else ANGSTROM_PER_NM * motion[0, axis]

    return kernel


class Kind(NamedTuple):
    """A kind of variable: its number of atoms, its unit, its kernel, and the word in its default names."""

    n_atoms: int
    unit: str
    kernel: Kernel
    label: str


#: Every kind of variable that is a function of atoms. The word is the one written in the config.
KINDS: dict[str, Kind] = {
    "distance": Kind(2, "angstrom", _distance, "distance"),
    "angle": Kind(3, "degree", _angle, "angle"),
    "cos_angle": Kind(3, "1", _cos_angle, "cos_angle"),
    "cos_dihedral": Kind(4, "1", _cos_dihedral, "cos"),
    "sin_dihedral": Kind(4, "1", _sin_dihedral, "sin"),
    "sin_angle_cos_dihedral": Kind(4, "1", _sin_angle_cos_dihedral, "sin_angle_cos"),
    "sin_angle_sin_dihedral": Kind(4, "1", _sin_angle_sin_dihedral, "sin_angle_sin"),
    "in_plane_displacement": Kind(4, "angstrom", _in_plane_displacement, "in_plane"),
    "x": Kind(1, "angstrom", _along(0), "x"),
    "y": Kind(1, "angstrom", _along(1), "y"),
    "z": Kind(1, "angstrom", _along(2), "z"),
}

#: The kind that is composed of other variables: a sum of weight times variable, all of one unit.
DIFFERENCE = "difference"


# -----------------------------------------------------------------------------------------------------------
# Plain functions: vectorised over frames ...
# -----------------------------------------------------------------------------------------------------------


def _frames(array: ArrayLike, what: str) -> Array:
    frames = np.asarray(array, dtype=np.float64)
    if frames.ndim != 3 or frames.shape[2] != 3:
        raise ValueError(f"{what} must have the shape (frames, atoms, 3), not {frames.shape}")
    return frames


def _frames_and_velocities(positions: ArrayLike, velocities: ArrayLike) -> tuple[Array, Array]:
    x, v = _frames(positions, "positions"), _frames(velocities, "velocities")
    if x.shape != v.shape:
        raise ValueError(f"velocities must have the shape of the positions, {x.shape}, not {v.shape}")
    return x, v


def _value(kernel: Kernel, positions: ArrayLike, atoms: Sequence[int]) -> Array:
    x = _frames(positions, "positions")
    return kernel(x[:, list(atoms)].transpose(1, 2, 0), None)[0]


def _rate(kernel: Kernel, positions: ArrayLike, velocities: ArrayLike, atoms: Sequence[int]) -> Array:
    x, v = _frames_and_velocities(positions, velocities)
    picked = list(atoms)
    rate = kernel(x[:, picked].transpose(1, 2, 0), v[:, picked].transpose(1, 2, 0))[1]
    assert rate is not None
    return rate


def distance(positions: ArrayLike, i: int, j: int) -> Array:
    """Distance i-j in angstrom, shape (n,), of positions (n, N, 3) in nm.

    Raises ValueError for another shape.
    """
    return _value(_distance, positions, (i, j))


def angle(positions: ArrayLike, i: int, j: int, k: int) -> Array:
    """Angle i-j-k in degrees, 0 to 180, shape (n,), of positions (n, N, 3) in nm.

    Accurate near 0 and 180 degrees. Raises ValueError for another shape.
    """
    return _value(_angle, positions, (i, j, k))


def dihedral(positions: ArrayLike, i: int, j: int, k: int, l: int) -> Array:  # noqa: E741
    """Dihedral i-j-k-l in degrees, in (-180, 180], IUPAC sign, shape (n,), of positions (n, N, 3) in nm.

    0 where the angle i-j-k or j-k-l is exactly linear. Raises ValueError for another shape.
    """
    return _value(_dihedral, positions, (i, j, k, l))


def distance_rate(positions: ArrayLike, velocities: ArrayLike, i: int, j: int) -> Array:
    """Time derivative of `distance` in angstrom/ps, shape (n,).

    `positions` in nm and `velocities` in nm/ps, both (n, N, 3). 0 for coincident atoms. Raises ValueError for
    other shapes.
    """
    return _rate(_distance, positions, velocities, (i, j))


def angle_rate(positions: ArrayLike, velocities: ArrayLike, i: int, j: int, k: int) -> Array:
    """Time derivative of `angle` in degree/ps, shape (n,).

    `positions` in nm and `velocities` in nm/ps, both (n, N, 3). 0 at an exactly linear angle, where the two
    one-sided derivatives are opposite. Raises ValueError for other shapes.
    """
    return _rate(_angle, positions, velocities, (i, j, k))


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
    return _rate(_dihedral, positions, velocities, (i, j, k, l))


# -----------------------------------------------------------------------------------------------------------
# ... and for one frame, in plain floats: NumPy's cost per call on three numbers is tens of times the
# arithmetic, and these run for every frame of molecular dynamics (is the molecule in a basin yet?).
# -----------------------------------------------------------------------------------------------------------


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


def dihedral_of(x: NDArray[np.floating], i: int, j: int, k: int, l: int) -> float:  # noqa: E741
    """Dihedral i-j-k-l in degrees, in (-180, 180], of one frame (N, 3) in nm; equal to `dihedral`."""
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
    limit = LINEAR**2 * g2
    a2, b2 = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz
    if a2 <= limit * (fx * fx + fy * fy + fz * fz) or b2 <= limit * (hx * hx + hy * hy + hz * hz):
        return 0.0
    sine = math.sqrt(g2) * (fx * bx + fy * by + fz * bz)
    value = DEGREE_PER_RADIAN * math.atan2(sine, ax * bx + ay * by + az * bz)
    return 180.0 if value <= -180.0 else value


# -----------------------------------------------------------------------------------------------------------
# Variables
# -----------------------------------------------------------------------------------------------------------


def _did_you_mean(word: object, known: Collection[str]) -> str:
    """`; did you mean 'x'? The known ones are ...`, the first half only where something is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} Known: {', '.join(sorted(known))}"


def _kind_problem(kind: object) -> str | None:
    """What is wrong with a kind, in one line that starts with the key, or None."""
    if isinstance(kind, str) and (kind in KINDS or kind == DIFFERENCE):
        return None
    if kind == "dihedral":
        return "kind: a raw 'dihedral' jumps at +-180 degrees; use 'cos_dihedral' and 'sin_dihedral'"
    return f"kind: {kind!r} is not a kind of variable{_did_you_mean(kind, [*KINDS, DIFFERENCE])}"


def _atoms_problem(kind: str, atoms: Sequence[object]) -> str | None:
    """What is wrong with the atoms of a variable of a kind in `KINDS`, in one line, or None."""
    n_atoms = KINDS[kind].n_atoms
    if len(atoms) != n_atoms:
        return f"atoms: {kind!r} takes {n_atoms} atoms, not {len(atoms)}"
    repeated = [atom for n, atom in enumerate(atoms) if atom in atoms[:n]]
    return f"atoms: {repeated[0]!r} is given more than once" if repeated else None


@dataclass(frozen=True)
class Variable:
    """A collective variable: a named function of the geometry.

    `kind` is a word of `KINDS`, with `atoms` its atom indices (from 0) in the order of the table at the top
    of this module; or it is ``"difference"``, with `terms` two or more (weight, Variable) pairs of one unit.
    Hashable, and cheap to make. Raises ValueError, in one line, where that is not so.
    """

    name: str
    kind: str
    atoms: tuple[int, ...] = ()
    terms: tuple[tuple[float, Variable], ...] = ()

    def __post_init__(self) -> None:
        problem = self._normalise()
        if problem is not None:
            raise ValueError(f"variable {self.name!r}: {problem}")

    def _normalise(self) -> str | None:
        """Turn the fields into plain tuples of plain numbers; what is wrong with them, or None."""
        if not isinstance(self.name, str) or not self.name.strip():
            return "name: must be a word, not empty"
        problem = _kind_problem(self.kind)
        if problem is not None:
            return problem
        if self.kind == DIFFERENCE:
            if self.atoms:
                return f"atoms: a {DIFFERENCE!r} takes 'terms', not atoms of its own"
            try:
                object.__setattr__(self, "terms", tuple((float(w), term) for w, term in self.terms))
            except (TypeError, ValueError):
                return f"terms: must be (weight, Variable) pairs, not {self.terms!r}"
            if not all(isinstance(term, Variable) for _, term in self.terms):
                return f"terms: must be (weight, Variable) pairs, not {self.terms!r}"
            if len(self.terms) < 2:
                return f"terms: a {DIFFERENCE!r} takes two or more, not {len(self.terms)}"
            for n, (weight, _) in enumerate(self.terms):
                if not math.isfinite(weight) or weight == 0.0:
                    return f"terms[{n}].weight: must be a finite number other than 0, not {weight}"
            units = [term.unit for _, term in self.terms]
            if len(set(units)) > 1:
                return f"terms: must all have the same unit, not {', '.join(units)}"
            return None
        if self.terms:
            return f"terms: only a {DIFFERENCE!r} has them, not {self.kind!r}"
        try:
            object.__setattr__(self, "atoms", tuple(operator.index(atom) for atom in self.atoms))
        except TypeError:
            return f"atoms: must be indices (whole numbers from 0), not {self.atoms!r}"
        if any(atom < 0 for atom in self.atoms):
            return f"atoms: must be indices from 0, not {min(self.atoms)}"
        return _atoms_problem(self.kind, self.atoms)

    @property
    def unit(self) -> str:
        """Unit of the value: ``angstrom``, ``degree`` or ``1``. A rate is in this unit per ps."""
        return self.terms[0][1].unit if self.terms else KINDS[self.kind].unit


_Leaf = tuple[str, tuple[int, ...]]


def _expand(variable: Variable) -> list[tuple[float, _Leaf]]:
    """The variable as a sum of weight times (kind, atoms)."""
    if variable.kind != DIFFERENCE:
        return [(1.0, (variable.kind, variable.atoms))]
    return [(w * inner, leaf) for w, term in variable.terms for inner, leaf in _expand(term)]


def _require_finite(frames: Array, what: str) -> None:
    bad = ~np.isfinite(frames).all(axis=(1, 2))
    if bad.any():
        raise ValueError(f"{what}: frame {int(np.argmax(bad))} holds a number that is not finite")


def evaluate(
    variables: Sequence[Variable], positions: ArrayLike, velocities: ArrayLike | None = None
) -> tuple[Array, Array | None]:
    """Values, and with velocities the rates, of m variables in n frames.

    `positions`: (n, N, 3) in nm. `velocities`: the same shape in nm/ps, or None. Returns the values (n, m),
    each in its variable's unit, and the rates (n, m) in that unit per ps, or None without velocities.
    Degenerate geometries give the finite answers listed at the top of this module.

    Each frame is worked out by itself: the answer does not depend on which other frames are given. All
    variables of a kind are worked out together, and one that occurs several times (in differences, say) once.

    Raises ValueError for other shapes, for numbers that are not finite, and for an atom index beyond N - 1.
    """
    if velocities is None:
        x, v = _frames(positions, "positions"), None
    else:
        x, v = _frames_and_velocities(positions, velocities)
    _require_finite(x, "positions")
    if v is not None:
        _require_finite(v, "velocities")
    n_frames, n_atoms = x.shape[:2]

    sums = [_expand(variable) for variable in variables]
    by_kind: dict[str, dict[tuple[int, ...], None]] = {}
    for variable, terms in zip(variables, sums, strict=True):
        for _, (kind, atoms) in terms:
            if max(atoms) >= n_atoms:
                beyond = f"atom {max(atoms)} is not among the {n_atoms} given"
                raise ValueError(f"variable {variable.name!r}: {beyond}")
            by_kind.setdefault(kind, {})[atoms] = None
    # One row for each distinct function of atoms; those of a kind stand together.
    leaves: list[_Leaf] = [(kind, atoms) for kind, group in by_kind.items() for atoms in group]
    row_of = {leaf: row for row, leaf in enumerate(leaves)}
    groups = []
    for kind, group in by_kind.items():
        first = row_of[kind, next(iter(group))]
        # (kernel, its rows, atom indices (atoms of the kind, rows))
        groups.append((KINDS[kind].kernel, slice(first, first + len(group)), np.array(list(group)).T))
    leaf_values = np.empty((len(leaves), n_frames))
    leaf_rates = None if v is None else np.empty_like(leaf_values)

    # Kinds with few variables would do with longer blocks; the widest kind sets the length for all.
    step = max(1, BLOCK // max((len(group) for group in by_kind.values()), default=1))
    for start in range(0, n_frames, step):
        block = slice(start, start + step)
        # Frames last: the kernels then run along contiguous memory.
        x_block = np.ascontiguousarray(x[block].transpose(1, 2, 0))
        v_block = None if v is None else np.ascontiguousarray(v[block].transpose(1, 2, 0))
        for kernel, rows, index in groups:
            points = x_block[index].swapaxes(1, 2)
            motion = None if v_block is None else v_block[index].swapaxes(1, 2)
            value, rate = kernel(points, motion)
            leaf_values[rows, block] = value
            if leaf_rates is not None and rate is not None:
                leaf_rates[rows, block] = rate

    def combine(leaf: Array) -> Array:
        result = np.empty((n_frames, len(sums)))
        plain = [column for column, terms in enumerate(sums) if len(terms) == 1]
        result[:, plain] = leaf[[row_of[sums[column][0][1]] for column in plain]].T
        for column, terms in enumerate(sums):
            if len(terms) > 1:
                result[:, column] = sum(weight * leaf[row_of[inner]] for weight, inner in terms)
        return result

    return combine(leaf_values), None if leaf_rates is None else combine(leaf_rates)


# -----------------------------------------------------------------------------------------------------------
# Making variables: from the bond graph, and from a config
# -----------------------------------------------------------------------------------------------------------


def _default_name(kind: str, atom_names: Sequence[str]) -> str:
    return f"{KINDS[kind].label}({','.join(atom_names)})"


def enumerate_around(
    bonds: Sequence[tuple[int, int]],
    symbols: Sequence[str],
    centre_atoms: Sequence[int],
    n_bonds: int = 2,
    hydrogens: bool = False,
    names: Sequence[str] | None = None,
    *,
    one_three: bool = False,
) -> list[Variable]:
    """Every distance, angle and proper dihedral near some atoms, from the bond graph.

    Taken are the internal coordinates all of whose atoms lie within `n_bonds` bonds of a centre atom: the
    distances of bonded pairs (with `one_three` also those of pairs bonded to a common atom), the angles i-j-k
    of two bonds, and the dihedrals i-j-k-l of three, each dihedral as its cosine and its sine. Each
    coordinate occurs once (i-j is j-i, i-j-k-l is l-k-j-i), written from the end with the lower index.

    `bonds`: pairs of atom indices, in any order and direction. `symbols`: one element symbol per atom.
    `hydrogens`: whether hydrogens take part (a centre atom always does). `names`: one name per atom, by
    default symbol and index (``N9``).

    The order is fixed by the graph alone: distances of bonds, 1-3 distances, angles, dihedrals (cosine, then
    sine), each sorted by atom indices. Names read ``distance(N9,N10)``, ``angle(N9,N10,C11)``,
    ``cos(C6,N9,N10,C11)``, ``sin(C6,N9,N10,C11)``. Near an exactly linear angle every one has a finite value
    and rate (see the module).

    Raises ValueError for a negative `n_bonds`, no centre atom, an index that is not an atom, an atom bonded
    to itself, and names that are too few, too many, or not distinct.
    """
    n_atoms = len(symbols)
    labels = [f"{symbol}{n}" for n, symbol in enumerate(symbols)] if names is None else list(names)
    if len(labels) != n_atoms:
        raise ValueError(f"names: {len(labels)} for {n_atoms} atoms; give one for each")
    if len(set(labels)) != n_atoms:
        twice = next(label for n, label in enumerate(labels) if label in labels[:n])
        raise ValueError(f"names: {twice!r} names more than one atom; give each its own")
    if n_bonds < 0:
        raise ValueError(f"n_bonds: must be 0 or more, not {n_bonds}")
    if len(centre_atoms) == 0:
        raise ValueError("centre_atoms: give at least one")
    bond_ends = [atom for pair in bonds for atom in pair]
    for what, atoms in (("centre_atoms", centre_atoms), ("bonds", bond_ends)):
        for atom in atoms:
            if not 0 <= atom < n_atoms:
                raise ValueError(f"{what}: {atom} is not an atom; there are {n_atoms}, counted from 0")
    neighbours: list[set[int]] = [set() for _ in range(n_atoms)]
    for i, j in bonds:
        if i == j:
            raise ValueError(f"bonds: atom {i} is bonded to itself")
        neighbours[i].add(int(j))
        neighbours[j].add(int(i))

    centre = {int(atom) for atom in centre_atoms}
    near, shell = set(centre), set(centre)
    for _ in range(n_bonds):
        shell = {other for atom in shell for other in neighbours[atom]} - near
        near |= shell
    if not hydrogens:
        near = {atom for atom in near if symbols[atom] not in ("H", "D", "T") or atom in centre}
    bonded = {atom: sorted(neighbours[atom] & near) for atom in near}

    pairs = [(i, j) for i in sorted(near) for j in bonded[i] if i < j]
    angles = sorted((i, j, k) for j in near for i, k in combinations(bonded[j], 2))
    # A pair with a bond of its own (a three-membered ring) or with two common neighbours (a four-membered
    # one) is one distance all the same.
    across = sorted({(i, k) for i, _, k in angles} - set(pairs))
    # l != i leaves out three-membered rings, where i-j-k-i is no dihedral.
    torsions = sorted(
        min((i, j, k, l), (l, k, j, i))
        for j, k in pairs
        for i in bonded[j]
        for l in bonded[k]  # noqa: E741
        if i != k and l not in (i, j)
    )
    wanted: list[_Leaf] = [("distance", pair) for pair in pairs]
    wanted += [("distance", pair) for pair in across if one_three]
    wanted += [("angle", triple) for triple in angles]
    wanted += [(kind, four) for four in torsions for kind in ("cos_dihedral", "sin_dihedral")]
    return [Variable(_default_name(kind, [labels[a] for a in atoms]), kind, atoms) for kind, atoms in wanted]


def from_spec(spec: Mapping[str, object], atom_index: Mapping[str, int]) -> Variable:
    """Build a variable from its description in a config.

    `spec`: ``kind`` (a word of `KINDS`) and ``atoms`` (names, in the order of the table at the top of this
    module), or kind ``difference`` and ``terms`` (two or more such descriptions, each with a ``weight``, by
    default 1); and a ``name``, by default made of kind and atoms as in ``distance(N9,N10)`` or
    ``d(N9,N10)-d(N10,C11)``. `atom_index`: the index of each atom name.

    Raises ValueError with one line that names the key, what is wrong with it, and what would be right.
    """
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError(f"variable: name: must be a word, not {name!r}")
    who = "variable" if name is None else f"variable {name!r}"
    return _build(spec, atom_index, who, "")[0]


def _build(spec: object, atom_index: Mapping[str, int], who: str, path: str) -> tuple[Variable, str]:
    """The variable that `spec` describes, and the short name it bears within a difference."""

    def fail(problem: str) -> ValueError:
        return ValueError(f"{who}: {path}{problem}")

    if not isinstance(spec, Mapping):
        key = path.rstrip(".") or "spec"
        raise ValueError(f"{who}: {key}: must be a mapping with a 'kind', not {spec!r}")
    if "kind" not in spec:
        raise fail(f"kind: is missing. Known: {', '.join(sorted([*KINDS, DIFFERENCE]))}")
    kind = spec["kind"]
    problem = _kind_problem(kind)
    if problem is not None:
        raise fail(problem)
    assert isinstance(kind, str)
    content = "terms" if kind == DIFFERENCE else "atoms"
    allowed = {"name", "kind", content} | ({"weight"} if path else set())
    for key in spec:
        if key not in allowed:
            raise fail(f"{key}: is not a key of a {kind!r}{_did_you_mean(key, allowed)}")
    items = spec.get(content)
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise fail(f"{content}: must be a list, not {items!r}")
    given = spec.get("name")
    if given is not None and (not isinstance(given, str) or not given.strip()):
        raise fail(f"name: must be a word, not {given!r}")

    if kind != DIFFERENCE:
        for n, atom in enumerate(items):
            if not isinstance(atom, str) or atom not in atom_index:
                hint = _did_you_mean(atom, atom_index)
                raise fail(f"atoms[{n}]: {atom!r} is not the name of an atom{hint}")
        problem = _atoms_problem(kind, items)
        if problem is not None:
            raise fail(problem)
        indices = tuple(atom_index[atom] for atom in items)
        default = _default_name(kind, items)
        short = given or (f"d({','.join(items)})" if kind == "distance" else default)
        return Variable(given or default, kind, indices), short

    terms: list[tuple[float, Variable]] = []
    parts: list[str] = []
    for n, item in enumerate(items):
        term, short = _build(item, atom_index, who, f"{path}terms[{n}].")
        assert isinstance(item, Mapping)
        weight = item.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise fail(f"terms[{n}].weight: must be a number, not {weight!r}")
        terms.append((float(weight), term))
        sign = "-" if weight < 0 else "+" if parts else ""
        factor = "" if abs(weight) == 1 else f"{abs(weight):g}*"
        parts.append(f"{sign}{factor}{short}")
    default = "".join(parts) or DIFFERENCE
    # The class checks the rest (how many, units, weights), and says which variable; only the path is missing.
    name = given or default
    try:
        variable = Variable(name, kind, terms=tuple(terms))
    except ValueError as error:
        raise fail(str(error).removeprefix(f"variable {name!r}: ")) from None
    return variable, given or f"({default})"
