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
``sin_angle``               i, j, k      1        its sine, 0 to 1 (with a cusp at a linear angle)
``cos_dihedral``            i, j, k, l   1        cosine of the dihedral i-j-k-l (IUPAC sign, as MDTraj's)
``sin_dihedral``            i, j, k, l   1        its sine
``sin_angle_cos_dihedral``  i, j, k, l   1        sin(angle j-k-l) cos(dihedral i-j-k-l)
``sin_angle_sin_dihedral``  i, j, k, l   1        sin(angle j-k-l) sin(dihedral i-j-k-l)
``in_plane_displacement``   a, b, c, d   angstrom displacement of b from the axis a...c, in the plane of
                                                  a, c and d, positive on the side of d
``improper``                o, a, b, c   angstrom displacement of o out of the plane of a, b and c, positive on
                                                  the side from which a, b, c turn counter-clockwise
``x``, ``y``, ``z``         i            angstrom Cartesian coordinate
``coordination``            pairs        1        sum over pairs of (1 - (r/r0)^n)/(1 - (r/r0)^m)
``rmsd``                    any number   angstrom root mean square displacement from a reference geometry, over
                                                  these atoms, after the best superposition of the same atoms
``mdtraj``                  any number   its own  a function of MDTraj on the list `MDTRAJ`
``difference``,             (terms)      theirs   sum of weight times another variable
``linear_combination``
``product``                 (terms)      product  product of other variables
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
  whichever way the atoms move. Its rate is defined as 0, the mean of the two one-sided derivatives; so are that
  of its sine, and that of an RMSD at its reference;
* a dihedral with an exactly linear angle i-j-k or j-k-l means nothing; its cosine, its sine, and their rates
  are defined as 0 (the mean over all the dihedrals next to it), and the dihedral itself as 0 degrees. Close
  to linearity the rates are the true ones and grow as 1/sin(angle): prefer the kinds that hold sin(angle)
  cos(dihedral) as one function, which stay smooth, to a `product` of the two;
* these and the in-plane displacement are smooth where the angle j-k-l, or a-b-c, is linear. Only where
  their plane of reference is undefined (i, j, k linear; a, c, d linear) are value and rate defined as 0; so are
  those of an improper whose a, b, c are linear;
* where two superpositions fit equally well, the rate of an RMSD is that along one of them;
* where MDTraj gives no number (angles of coincident atoms), value and rate are 0.

`mdtraj` works in single precision, as MDTraj does: values to about 1e-6 of their size (an angle next to 180 degrees
to 0.03 degree only), rates by central differences along the velocities over `step_fs` either way, to about 1e-3.

Formulas: the dihedral and its derivative follow A. Blondel and M. Karplus, J. Comput. Chem. 17, 1132 (1996),
written with unit vectors; the angle is atan2(|u x v|, u . v), accurate near 0 and 180 degrees where arccos is
not; the superposition is that of W. Kabsch, Acta Cryst. A 34, 827 (1978).

To add a kind, write one kernel (see `Kernel`) and one line in `KINDS` or `COMPOUNDS`.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from itertools import product as pairs_of
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from separatrix.core.text import is_file

__all__ = [
    "COMPOUNDS",
    "DIFFERENCE",
    "KINDS",
    "MDTRAJ",
    "Compound",
    "Kind",
    "Variable",
    "angle",
    "angle_of",
    "angle_rate",
    "describe",
    "dihedral",
    "dihedral_of",
    "dihedral_rate",
    "distance",
    "distance_of",
    "distance_rate",
    "enumerate_around",
    "evaluate",
    "from_spec",
    "to_spec",
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
    total = u[0] * w[0]
    total += u[1] * w[1]
    total += u[2] * w[2]
    return total


def _cross(u: Array, w: Array) -> Array:
    result = np.empty(np.broadcast_shapes(u.shape, w.shape))
    for n, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        np.multiply(u[i], w[j], out=result[n, ...])
        result[n, ...] -= u[j] * w[i]
    return result


def _divide(numerator: ArrayLike, denominator: Array, defined: NDArray[np.bool_]) -> Array:
    """numerator / denominator where `defined`, 0 elsewhere (without a floating-point warning)."""
    if defined.all():  # nearly always; a division under a mask takes several times as long
        return np.divide(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=defined)


def _unit(r: Array, r_dot: Array | None) -> tuple[Array, Array | None, Array]:
    """Unit vector along r, its time derivative, and the length of r; zero vectors for coincident atoms."""
    length = np.sqrt(_dot(r, r))
    # "not <=" rather than ">": a NaN must come out as NaN, not as the answer for coincident atoms.
    inverse = _divide(1.0, length, ~(length <= COINCIDENT))
    unit = r * inverse
    if r_dot is None:
        return unit, None, length
    unit_dot = unit * _dot(unit, r_dot)
    np.subtract(r_dot, unit_dot, out=unit_dot)
    unit_dot *= inverse
    return unit, unit_dot, length


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

Kernel = Callable[..., tuple[Array, Array | None]]
"""kernel(points, motion) -> (value, rate).

`points`: positions of the kind's atoms, shape (atoms, 3, ...), nm. `motion`: their velocities, same shape,
nm/ps, or None, and then the rate is None. Value and rate have the shape (...). The rate is linear in the
velocities. A kind with options takes them as keyword arguments.

Kinds that are functions of one thing (cosine and sine of a dihedral) share a kernel that gives that thing, and each
has a last step of its own, `Kind.finish`; `evaluate` then works the thing out once for all of them.
"""


def _distance(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    (r,) = _differences(points, [(0, 1)])
    if motion is None:
        return ANGSTROM_PER_NM * np.sqrt(_dot(r, r)), None
    unit, _, length = _unit(r, None)
    (r_dot,) = _differences(motion, [(0, 1)])
    return ANGSTROM_PER_NM * length, ANGSTROM_PER_NM * _dot(unit, r_dot)


def _bend(points: Array, motion: Array | None) -> tuple[Array, Array, Array | None]:
    """Cosine and sine of an angle, and the rate of the cosine, 1/ps."""
    (u, w), dots = _units(points, motion, [(1, 0), (1, 2)])
    normal = _cross(u, w)
    sine = np.sqrt(_dot(normal, normal))
    return _dot(u, w), sine, None if dots is None else _dot(dots[0], w) + _dot(u, dots[1])


def _cos_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    return bend[0], bend[2]


def _sin_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = bend
    return sine, None if rate is None else _divide(-cosine * rate, sine, ~(sine <= LINEAR))


def _degrees_of_bend(bend: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = bend
    value = DEGREE_PER_RADIAN * np.arctan2(sine, cosine)
    return value, None if rate is None else _divide(-DEGREE_PER_RADIAN * rate, sine, ~(sine <= LINEAR))


def _angle(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    return _degrees_of_bend(_bend(points, motion))


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


def _cos_of_torsion(torsion: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = torsion
    return cosine, None if rate is None else -sine * rate


def _sin_of_torsion(torsion: tuple[Array, Array, Array | None]) -> tuple[Array, Array | None]:
    cosine, sine, rate = torsion
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


def _improper(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
    # Atoms o, a, b, c. Made of unit vectors, the normal of a, b, c is as long as the sine of the angle b-a-c.
    (u, w), dots = _units(points, motion, [(1, 2), (1, 3)])
    (arm,) = _differences(points, [(1, 0)])
    normal = _cross(u, w)
    if dots is None or motion is None:
        return ANGSTROM_PER_NM * _dot(_unit(normal, None)[0], arm), None
    n, n_dot, _ = _unit(normal, _cross(dots[0], w) + _cross(u, dots[1]))
    assert n_dot is not None
    (arm_dot,) = _differences(motion, [(1, 0)])
    return ANGSTROM_PER_NM * _dot(n, arm), ANGSTROM_PER_NM * (_dot(n_dot, arm) + _dot(n, arm_dot))


def _along(axis: int) -> Kernel:
    def kernel(points: Array, motion: Array | None) -> tuple[Array, Array | None]:
        return ANGSTROM_PER_NM * points[0, axis], None if motion is None else ANGSTROM_PER_NM * motion[0, axis]

    return kernel


def _powers(y: Array, count: int) -> tuple[Array, Array]:
    """1 + y + ... + y^(count - 1), and its derivative."""
    total, slope = np.ones_like(y), np.zeros_like(y)
    for _ in range(count - 1):
        slope = slope * y + total
        total = total * y + 1.0
    return total, slope


def _coordination(points: Array, motion: Array | None, *, r0_A: float, n: int, m: int) -> tuple[Array, Array | None]:
    # Atoms a, b, a, b, ... of the pairs. (1 - x^n)/(1 - x^m) is the ratio of two geometric sums, which are smooth
    # at x = 1; beyond it they are written in 1/x, so that no power overflows.
    r = np.moveaxis(points[1::2] - points[::2], 1, 0)
    length = np.sqrt(_dot(r, r))
    x = length * (ANGSTROM_PER_NM / r0_A)
    far = x > 1.0
    y = np.where(far, 1.0 / np.maximum(x, 1.0), x)
    over, over_slope = _powers(y, n)
    under, under_slope = _powers(y, m)
    factor = np.where(far, y ** (m - n), 1.0)
    ratio = over / under
    value = (ratio * factor).sum(axis=0)
    if motion is None:
        return value, None
    slope = (over_slope - ratio * under_slope) / under
    # d(ratio y^(m - n))/dx with dy/dx = -y^2.
    slope = np.where(far, -(slope * y + (m - n) * ratio) * y * factor, slope)
    r_dot = np.moveaxis(motion[1::2] - motion[::2], 1, 0)
    x_dot = _divide(_dot(r, r_dot) * (ANGSTROM_PER_NM / r0_A), length, ~(length <= COINCIDENT))
    return value, (slope * x_dot).sum(axis=0)


def _rmsd(
    points: Array, motion: Array | None, *, reference_nm: Sequence[Sequence[float]]
) -> tuple[Array, Array | None]:
    reference = np.array(reference_nm)
    reference = reference - reference.mean(axis=0)
    centred = points - points.mean(axis=0)
    u, _, w = np.linalg.svd(np.einsum("ai...,aj->...ij", centred, reference))
    # A reflection would fit a mirror image.
    u[..., :, 2] *= np.where(np.linalg.det(u @ w) < 0.0, -1.0, 1.0)[..., None]
    # The difference, not the singular values, gives the length: no digits are lost near the reference.
    off = centred - np.einsum("...ij,aj->ai...", u @ w, reference)
    value = np.sqrt((off * off).sum(axis=1).mean(axis=0))
    if motion is None:
        return ANGSTROM_PER_NM * value, None
    # The superposition is the best one, so its own motion does not count; nor does that of the centre.
    rate = _divide((off * motion).sum(axis=1).mean(axis=0), value, ~(value <= COINCIDENT))
    return ANGSTROM_PER_NM * value, ANGSTROM_PER_NM * rate


# -----------------------------------------------------------------------------------------------------------
# Functions of MDTraj
# -----------------------------------------------------------------------------------------------------------


class MDTrajFunction(NamedTuple):
    """A function of MDTraj that a variable may be made of: one number, or a few, per frame and set of atoms.

    Attributes
    ----------
    unit
        Of the value after multiplication by `factor`.
    factor
        From MDTraj's unit (nm, radian) to ours.
    index, n_atoms
        Name of the argument that holds the set of atoms, and their number; None for a function of all atoms.
    arguments
        Its other arguments that may be given, and their type; ``list`` stands for one number per atom.
    parts
        Which numbers may be made of the result: a function of the angle, or a place in the list.
    """

    unit: str
    factor: float
    index: str | None = None
    n_atoms: int | None = None
    arguments: Mapping[str, type] = {}
    parts: tuple[str | int, ...] = ()


_PERIODIC: Mapping[str, type] = {"periodic": bool, "opt": bool}

#: The functions of MDTraj that a variable of the kind ``mdtraj`` may name. All of them depend on the shape alone, not
#: on elements, bonds or a unit cell (what is evaluated here has none), and are smooth enough to have rates.
MDTRAJ: dict[str, MDTrajFunction] = {
    "compute_distances": MDTrajFunction("angstrom", ANGSTROM_PER_NM, "atom_pairs", 2, _PERIODIC),
    "compute_angles": MDTrajFunction("degree", DEGREE_PER_RADIAN, "angle_indices", 3, _PERIODIC),
    "compute_dihedrals": MDTrajFunction("1", 1.0, "indices", 4, _PERIODIC, ("cos", "sin")),
    "compute_rg": MDTrajFunction("angstrom", ANGSTROM_PER_NM, arguments={"masses": list}),
    "principal_moments": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2, parts=(0, 1, 2)),
    "asphericity": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2),
    "acylindricity": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2),
    "relative_shape_antisotropy": MDTrajFunction("1", 1.0),
}


def _mdtraj(
    points: Array,
    motion: Array | None,
    *,
    function: str,
    arguments: Sequence[tuple[str, Any]],
    part: str | int | None,
    step_fs: float,
) -> tuple[Array, Array | None]:
    import mdtraj  # only here: it takes a second to load

    entry = MDTRAJ[function]
    n_atoms, _, *shape = points.shape
    topology = mdtraj.Topology()
    residue = topology.add_residue("MOL", topology.add_chain())
    for _ in range(n_atoms):
        topology.add_atom("C", mdtraj.element.carbon, residue)
    keywords = {key: np.array(value) if isinstance(value, tuple) else value for key, value in arguments}
    if entry.index is not None:
        keywords[entry.index] = np.arange(n_atoms)[None]

    def value(x: Array) -> Array:
        # Single precision: the digits must not be spent on where the molecule is.
        frames = (x - x.mean(axis=0)).reshape(n_atoms, 3, -1).transpose(2, 0, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            result = getattr(mdtraj, function)(mdtraj.Trajectory(frames, topology), **keywords)
        result = np.asarray(result, dtype=np.float64).reshape(frames.shape[0], -1)
        if part in ("cos", "sin"):
            result = np.cos(result) if part == "cos" else np.sin(result)
        column = result[:, part if isinstance(part, int) else 0] * entry.factor
        return np.where(np.isfinite(column), column, 0.0).reshape(shape)

    if motion is None:
        return value(points), None
    step = step_fs / 1000.0
    return value(points), (value(points + step * motion) - value(points - step * motion)) / (2.0 * step)


# -----------------------------------------------------------------------------------------------------------
# How a kind is described: what is in a description besides the kernel's atoms, in words and as data
# -----------------------------------------------------------------------------------------------------------

Options = tuple[tuple[str, Any], ...]


class _Lookup:
    """What the atoms and the reference geometries in a description refer to.

    `atom_index`: the index of each name of an atom; None where a description gives indices.
    """

    def __init__(
        self,
        atom_index: Mapping[str, int] | None,
        references: Mapping[str, ArrayLike] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        self.atom_index = atom_index
        self.references = references or {}
        self.symbols = symbols

    def atoms(self, items: object, key: str) -> list[int]:
        """Indices of the atoms in a list; ValueError in one line that starts with the key."""
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise ValueError(f"{key}: must be a list, not {items!r}")
        return [self._atom(atom, f"{key}[{n}]") for n, atom in enumerate(items)]

    def _atom(self, atom: object, key: str) -> int:
        if self.atom_index is None:
            if isinstance(atom, bool) or not isinstance(atom, int) or atom < 0:
                raise ValueError(f"{key}: {atom!r} is not the index of an atom (a whole number from 0)")
            return atom
        if not isinstance(atom, str) or atom not in self.atom_index:
            raise ValueError(f"{key}: {atom!r} is not the name of an atom{_did_you_mean(atom, self.atom_index)}")
        return self.atom_index[atom]

    def all_atoms(self) -> list[int]:
        """All atoms, which is what a kind of any number of atoms takes when none are given."""
        if self.atom_index is None:
            raise ValueError("atoms: is missing")
        return sorted(set(self.atom_index.values()))

    def reference(self, name: object) -> Array:
        """Positions (N, 3) in nm of a named geometry or of a geometry file."""
        if not isinstance(name, str):
            raise ValueError(f"reference: must be the name of a basin or the path of a geometry file, not {name!r}")
        if name in self.references:
            return np.asarray(self.references[name], dtype=np.float64)
        if not is_file(name):
            known = f" (basins: {', '.join(self.references)})" if self.references else ""
            raise ValueError(f"reference: {name!r} is neither a basin{known} nor a file")
        from separatrix.core.errors import ConfigError
        from separatrix.core.molecule import read_geometry  # which loads OpenMM

        try:
            symbols, positions = read_geometry(name)
        except ConfigError as error:
            raise ValueError(f"reference: {error}") from error
        if self.symbols is not None and tuple(symbols) != tuple(self.symbols):
            raise ValueError(f"reference: the atoms of {name} are not those of the system, in the same order")
        return positions


class Form(NamedTuple):
    """How the description of a kind is read, checked and written.

    Attributes
    ----------
    keys
        Its keys, besides ``name`` and ``kind``.
    read
        (kind, description, lookup) -> atoms, options, and what stands in brackets in the default name.
    check
        (kind, atoms, options) -> options, checked and with their defaults; ValueError in one line that starts with
        the key.
    write
        (atoms, options, atom -> what to write for it) -> the description.
    """

    keys: tuple[str, ...]
    read: Callable[[str, Mapping[str, Any], _Lookup], tuple[list[int], dict[str, Any], str]]
    check: Callable[[str, tuple[int, ...], dict[str, Any]], dict[str, Any]]
    write: Callable[[tuple[int, ...], dict[str, Any], Callable[[int], Any]], dict[str, Any]]


def _number(options: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = options.get(key, default)
    if value is None:
        raise ValueError(f"{key}: is missing")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{key}: must be a number above 0, not {value!r}")
    return float(value)


def _distinct(atoms: Sequence[object]) -> None:
    repeated = [atom for n, atom in enumerate(atoms) if atom in atoms[:n]]
    if repeated:
        raise ValueError(f"atoms: {repeated[0]!r} is given more than once")


def _count(kind: str, n_atoms: int, given: int) -> None:
    if given != n_atoms:
        raise ValueError(f"atoms: {kind!r} takes {n_atoms} atoms, not {given}")


def _read_plain(kind: str, spec: Mapping[str, Any], lookup: _Lookup) -> tuple[list[int], dict[str, Any], str]:
    atoms = lookup.atoms(spec.get("atoms"), "atoms")
    _count(kind, KINDS[kind].n_atoms or 0, len(atoms))
    _distinct(spec["atoms"])
    return atoms, {}, ",".join(str(atom) for atom in spec["atoms"])


def _check_plain(kind: str, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    _count(kind, KINDS[kind].n_atoms or 0, len(atoms))
    _distinct(atoms)
    return {}


def _write_plain(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    return {"atoms": [label(atom) for atom in atoms]}


def _read_coordination(kind: str, spec: Mapping[str, Any], lookup: _Lookup) -> tuple[list[int], dict[str, Any], str]:
    if ("pairs" in spec) == ("groups" in spec):
        raise ValueError(f"pairs: a {kind!r} takes either 'pairs' or 'groups'")
    key = "pairs" if "pairs" in spec else "groups"
    items = spec[key]
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ValueError(f"{key}: must be a list of lists of atoms, not {items!r}")
    lists = [lookup.atoms(item, f"{key}[{n}]") for n, item in enumerate(items)]
    if key == "pairs":
        for n, pair in enumerate(lists):
            if len(pair) != 2:
                raise ValueError(f"pairs[{n}]: takes 2 atoms, not {len(pair)}")
        pairs = lists
        words = ",".join("-".join(str(atom) for atom in item) for item in items)
    else:
        if len(lists) != 2:
            raise ValueError(f"groups: takes two lists of atoms, not {len(lists)}")
        # Atoms in both groups: each pair counts once, and no atom is its own neighbour.
        pairs = [list(pair) for pair in dict.fromkeys((min(a, b), max(a, b)) for a in lists[0] for b in lists[1])]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        words = ";".join(",".join(str(atom) for atom in item) for item in items)
    return [atom for pair in pairs for atom in pair], {k: spec[k] for k in ("r0_A", "n", "m") if k in spec}, words


def _check_coordination(kind: str, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    pairs = [tuple(sorted(atoms[n : n + 2])) for n in range(0, len(atoms), 2)]
    if not pairs or len(atoms) % 2:
        raise ValueError("pairs: there must be at least one, of two atoms each")
    for n, pair in enumerate(pairs):
        if pair[0] == pair[1]:
            raise ValueError(f"pairs[{n}]: an atom is paired with itself")
        if pair in pairs[:n]:
            raise ValueError(f"pairs[{n}]: is given more than once")
    checked: dict[str, Any] = {"r0_A": _number(options, "r0_A")}
    n, m = options.get("n", 6), options.get("m")
    m = 2 * n if m is None and type(n) is int else m
    for key, power in (("n", n), ("m", m)):
        if type(power) is not int or not 1 <= power <= 100:
            raise ValueError(f"{key}: must be a whole number from 1 to 100, not {power!r}")
    if n >= m:
        raise ValueError(f"n: must be below m, {m}, so that far atoms do not count; not {n}")
    return checked | {"n": n, "m": m}


def _write_coordination(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    return {"pairs": [[label(a), label(b)] for a, b in zip(atoms[::2], atoms[1::2], strict=True)], **options}


def _read_rmsd(kind: str, spec: Mapping[str, Any], lookup: _Lookup) -> tuple[list[int], dict[str, Any], str]:
    atoms = lookup.atoms(spec["atoms"], "atoms") if "atoms" in spec else lookup.all_atoms()
    if ("reference" in spec) == ("reference_nm" in spec):
        raise ValueError(f"reference: a {kind!r} takes either 'reference', a basin or a file, or 'reference_nm'")
    if "reference_nm" in spec:
        return atoms, {"reference_nm": spec["reference_nm"]}, "reference"
    positions = lookup.reference(spec["reference"])
    if max(atoms, default=0) >= len(positions):
        raise ValueError(f"reference: {spec['reference']!r} has {len(positions)} atoms; atom {max(atoms)} is not one")
    return atoms, {"reference_nm": positions[atoms].tolist()}, Path(spec["reference"]).name


def _check_rmsd(kind: str, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    if len(atoms) < 3:
        raise ValueError(f"atoms: {kind!r} takes 3 atoms or more, not {len(atoms)}")
    _distinct(atoms)
    if "reference_nm" not in options:
        raise ValueError("reference_nm: is missing")
    try:
        reference = np.array(options["reference_nm"], dtype=np.float64)
    except (TypeError, ValueError):
        reference = np.empty(0)
    if reference.shape != (len(atoms), 3) or not np.isfinite(reference).all():
        raise ValueError(f"reference_nm: must be {len(atoms)} lists of 3 numbers, one for each atom")
    return {"reference_nm": tuple(tuple(row) for row in reference.tolist())}


def _write_rmsd(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    return _write_plain(atoms, {}, label) | {"reference_nm": [list(row) for row in options["reference_nm"]]}


def _mdtraj_function(function: object) -> MDTrajFunction:
    if not isinstance(function, str) or function not in MDTRAJ:
        raise ValueError(f"function: {function!r} is not on the list{_did_you_mean(function, MDTRAJ)}")
    return MDTRAJ[function]


def _read_mdtraj(kind: str, spec: Mapping[str, Any], lookup: _Lookup) -> tuple[list[int], dict[str, Any], str]:
    entry = _mdtraj_function(spec.get("function"))
    arguments = spec.get("arguments", {})
    if not isinstance(arguments, Mapping):
        raise ValueError(f"arguments: must be a mapping of keywords to values, not {arguments!r}")
    options = {key: spec[key] for key in ("function", "part", "step_fs") if key in spec}
    options["arguments"] = {key: value for key, value in arguments.items() if key != entry.index}
    part = f"{spec['part']} " if "part" in spec else ""
    if entry.index is None:
        atoms = lookup.atoms(spec["atoms"], "atoms") if "atoms" in spec else lookup.all_atoms()
        words = f"{part}{spec['function']}" + (f" {','.join(map(str, spec['atoms']))}" if "atoms" in spec else "")
        return atoms, options, words
    if "atoms" in spec:
        raise ValueError(f"atoms: {spec['function']} takes its atoms as arguments.{entry.index}")
    sets = arguments.get(entry.index)
    if isinstance(sets, str) or not isinstance(sets, Sequence) or len(sets) != 1:
        raise ValueError(f"arguments.{entry.index}: must be a list that holds one list of {entry.n_atoms} atoms")
    atoms = lookup.atoms(sets[0], f"arguments.{entry.index}[0]")
    return atoms, options, f"{part}{spec['function']} {','.join(map(str, sets[0]))}"


def _check_mdtraj(kind: str, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    entry = _mdtraj_function(options.get("function"))
    _distinct(atoms)
    if entry.n_atoms is not None and len(atoms) != entry.n_atoms:
        raise ValueError(f"arguments.{entry.index}: takes {entry.n_atoms} atoms, not {len(atoms)}")
    if len(atoms) < 2:
        raise ValueError(f"atoms: takes 2 or more, not {len(atoms)}")
    given: dict[str, Any] = dict(options.get("arguments", {}))
    for key, value in given.items():
        if key not in entry.arguments:
            known = [*entry.arguments, *([entry.index] if entry.index else [])]
            raise ValueError(f"arguments.{key}: is not taken{_did_you_mean(key, known)}")
        if entry.arguments[key] is bool:
            if not isinstance(value, bool):
                raise ValueError(f"arguments.{key}: must be true or false, not {value!r}")
            continue
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(atoms):
            raise ValueError(f"arguments.{key}: must be a list of {len(atoms)} numbers, one for each atom")
        given[key] = tuple(_number({f"arguments.{key}": item}, f"arguments.{key}") for item in value)
    part = options.get("part")
    if entry.parts and not any(part == known and type(part) is type(known) for known in entry.parts):
        raise ValueError(f"part: must be one of {', '.join(map(str, entry.parts))}, not {part!r}")
    if not entry.parts and part is not None:
        raise ValueError(f"part: {options['function']} gives one number; leave this key out")
    step = _number(options, "step_fs", 0.5)
    return {"function": options["function"], "arguments": tuple(sorted(given.items())), "part": part, "step_fs": step}


def _write_mdtraj(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    entry = MDTRAJ[options["function"]]
    labels = [label(atom) for atom in atoms]
    arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in options["arguments"]}
    spec: dict[str, Any] = {"function": options["function"]}
    spec |= {"atoms": labels} if entry.index is None else {}
    spec["arguments"] = arguments if entry.index is None else {entry.index: [labels], **arguments}
    return spec | ({} if options["part"] is None else {"part": options["part"]}) | {"step_fs": options["step_fs"]}


_PLAIN = Form(("atoms",), _read_plain, _check_plain, _write_plain)
_PAIRS = Form(("pairs", "groups", "r0_A", "n", "m"), _read_coordination, _check_coordination, _write_coordination)
_REFERENCE = Form(("atoms", "reference", "reference_nm"), _read_rmsd, _check_rmsd, _write_rmsd)
_FUNCTION = Form(("function", "atoms", "arguments", "part", "step_fs"), _read_mdtraj, _check_mdtraj, _write_mdtraj)


def _as_it_is(result: Any) -> tuple[Array, Array | None]:
    return result


class Kind(NamedTuple):
    """A kind of variable.

    Attributes
    ----------
    n_atoms
        Its number of atoms; None for any.
    unit
        Of its value, or how it follows from the options.
    kernel
        See `Kernel`.
    label
        The word in its default names.
    meaning
        In words; ``{0}`` stands for the first atom, ``{atoms}`` for all, ``{r0_A}`` for an option.
    finish
        What makes value and rate of the kernel's result.
    form
        How its description is read.
    """

    n_atoms: int | None
    unit: str | Callable[[Mapping[str, Any]], str]
    kernel: Callable[..., Any]
    label: str
    meaning: str
    finish: Callable[[Any], tuple[Array, Array | None]] = _as_it_is
    form: Form = _PLAIN


_RATIONAL = "sum of (1 - (d/r0)^{n})/(1 - (d/r0)^{m}) over the distances d of the pairs of atoms {pairs}, r0 = {r0_A} A"
_FIT = "root mean square displacement of atoms {atoms} from reference_nm after the best superposition"

#: Every kind of variable that is a function of atoms. The word is the one written in the config.
KINDS: dict[str, Kind] = {
    "distance": Kind(2, "angstrom", _distance, "distance", "distance of atoms {0} and {1}"),
    "angle": Kind(3, "degree", _bend, "angle", "angle {0}-{1}-{2}", _degrees_of_bend),
    "cos_angle": Kind(3, "1", _bend, "cos_angle", "cosine of the angle {0}-{1}-{2}", _cos_of_bend),
    "sin_angle": Kind(3, "1", _bend, "sin_angle", "sine of the angle {0}-{1}-{2}", _sin_of_bend),
    "cos_dihedral": Kind(4, "1", _torsion, "cos", "cosine of the dihedral {0}-{1}-{2}-{3}", _cos_of_torsion),
    "sin_dihedral": Kind(4, "1", _torsion, "sin", "sine of the dihedral {0}-{1}-{2}-{3}", _sin_of_torsion),
    "sin_angle_cos_dihedral": Kind(
        4,
        "1",
        _sin_angle_cos_dihedral,
        "sin_angle_cos",
        "sine of the angle {1}-{2}-{3} times cosine of the dihedral {0}-{1}-{2}-{3}",
    ),
    "sin_angle_sin_dihedral": Kind(
        4,
        "1",
        _sin_angle_sin_dihedral,
        "sin_angle_sin",
        "sine of the angle {1}-{2}-{3} times sine of the dihedral {0}-{1}-{2}-{3}",
    ),
    "in_plane_displacement": Kind(
        4,
        "angstrom",
        _in_plane_displacement,
        "in_plane",
        "displacement of atom {1} from the axis {0}...{2} in the plane of {0}, {2}, {3}, positive towards {3}",
    ),
    "improper": Kind(
        4,
        "angstrom",
        _improper,
        "improper",
        "displacement of atom {0} out of the plane of {1}, {2}, {3}, positive where these turn counter-clockwise",
    ),
    "x": Kind(1, "angstrom", _along(0), "x", "x of atom {0}"),
    "y": Kind(1, "angstrom", _along(1), "y", "y of atom {0}"),
    "z": Kind(1, "angstrom", _along(2), "z", "z of atom {0}"),
    "coordination": Kind(None, "1", _coordination, "coordination", _RATIONAL, form=_PAIRS),
    "rmsd": Kind(None, "angstrom", _rmsd, "rmsd", _FIT, form=_REFERENCE),
    "mdtraj": Kind(
        None,
        lambda options: MDTRAJ[options["function"]].unit,
        _mdtraj,
        "mdtraj",
        "MDTraj's {function} of atoms {atoms}",
        form=_FUNCTION,
    ),
}


# -----------------------------------------------------------------------------------------------------------
# Kinds that are composed of other variables
# -----------------------------------------------------------------------------------------------------------


def _sum(weights: Sequence[float], values: Sequence[Array], rates: Sequence[Array] | None) -> tuple[Any, Any]:
    def total(parts: Sequence[Array]) -> Any:
        return sum(weight * part for weight, part in zip(weights, parts, strict=True))

    return total(values), None if rates is None else total(rates)


def _product(weights: Sequence[float], values: Sequence[Array], rates: Sequence[Array] | None) -> tuple[Any, Any]:
    value = math.prod(values)
    if rates is None:
        return value, None
    # Not value/factor: a factor may be 0.
    others = [math.prod((*values[:n], *values[n + 1 :])) for n in range(len(values))]
    return value, sum(rate * other for rate, other in zip(rates, others, strict=True))


def _common_unit(units: Sequence[str]) -> str:
    if len(set(units)) > 1:
        raise ValueError(f"terms: must all have the same unit, not {', '.join(units)}")
    return units[0]


def _product_of_units(units: Sequence[str]) -> str:
    powers: Counter[str] = Counter()
    for part in (part for unit in units for part in unit.split("*") if part != "1"):
        word, _, power = part.partition("^")
        powers[word] += int(power or 1)
    return "*".join(word if power == 1 else f"{word}^{power}" for word, power in sorted(powers.items())) or "1"


class Compound(NamedTuple):
    """A kind that is composed of others: (weights, values, rates) -> value and rate, how its unit follows from theirs,
    how many terms it takes at least, whether they have weights."""

    combine: Callable[[Sequence[float], Sequence[Array], Sequence[Array] | None], tuple[Array, Array | None]]
    unit: Callable[[Sequence[str]], str]
    at_least: int
    weighted: bool


#: The kinds that are composed of other variables.
COMPOUNDS: dict[str, Compound] = {
    "difference": Compound(_sum, _common_unit, 2, True),
    "linear_combination": Compound(_sum, _common_unit, 1, True),
    "product": Compound(_product, _product_of_units, 2, False),
}

#: The oldest of them: a sum of weight times variable, all of one unit.
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
    if isinstance(kind, str) and (kind in KINDS or kind in COMPOUNDS):
        return None
    if kind == "dihedral":
        return "kind: a raw 'dihedral' jumps at +-180 degrees; use 'cos_dihedral' and 'sin_dihedral'"
    return f"kind: {kind!r} is not a kind of variable{_did_you_mean(kind, [*KINDS, *COMPOUNDS])}"


@dataclass(frozen=True)
class Variable:
    """A collective variable: a named function of the geometry. Hashable, and cheap to make.

    Attributes
    ----------
    name
        What it is called in tables and files.
    kind
        A word of `KINDS` or `COMPOUNDS`.
    atoms
        Atom indices (from 0), in the order of the table at the top of this module; those of a ``coordination`` are
        the pairs one after another. Of a kind in `KINDS` only.
    terms
        (weight, Variable) pairs, of a kind in `COMPOUNDS` only. The terms may be compounds of plain kinds, no deeper.
    options
        What else a kind needs, as a mapping or as its items: ``r0_A``, ``n``, ``m`` of a ``coordination``;
        ``reference_nm`` of an ``rmsd``; ``function``, ``arguments``, ``part``, ``step_fs`` of an ``mdtraj``.

    Raises
    ------
    ValueError
        In one line, where that is not so.
    """

    name: str
    kind: str
    atoms: tuple[int, ...] = ()
    terms: tuple[tuple[float, Variable], ...] = ()
    options: Options = ()

    def __post_init__(self) -> None:
        try:
            self._normalise()
        except ValueError as error:
            raise ValueError(f"variable {self.name!r}: {error}") from None

    def _normalise(self) -> None:
        """Turn the fields into plain tuples of plain numbers; ValueError in a line that starts with the key."""
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError("name: must be a word, not empty")
        problem = _kind_problem(self.kind)
        if problem is not None:
            raise ValueError(problem)
        if self.kind in COMPOUNDS:
            self._normalise_terms(COMPOUNDS[self.kind])
            return
        if self.terms:
            raise ValueError(f"terms: only {', '.join(COMPOUNDS)} have them, not {self.kind!r}")
        try:
            object.__setattr__(self, "atoms", tuple(operator.index(atom) for atom in self.atoms))
        except TypeError:
            raise ValueError(f"atoms: must be indices (whole numbers from 0), not {self.atoms!r}") from None
        if any(atom < 0 for atom in self.atoms):
            raise ValueError(f"atoms: must be indices from 0, not {min(self.atoms)}")
        form, options = KINDS[self.kind].form, dict(self.options)
        checked = form.check(self.kind, self.atoms, options)
        for key in options:
            if key not in checked:
                raise ValueError(f"{key}: is not an option of a {self.kind!r}")
        object.__setattr__(self, "options", tuple(checked.items()))

    def _normalise_terms(self, compound: Compound) -> None:
        if self.atoms or self.options:
            raise ValueError(f"atoms: a {self.kind!r} takes 'terms', not atoms of its own")
        try:
            object.__setattr__(self, "terms", tuple((float(w), term) for w, term in self.terms))
        except (TypeError, ValueError):
            raise ValueError(f"terms: must be (weight, Variable) pairs, not {self.terms!r}") from None
        if not all(isinstance(term, Variable) for _, term in self.terms):
            raise ValueError(f"terms: must be (weight, Variable) pairs, not {self.terms!r}")
        if len(self.terms) < compound.at_least:
            number = "one" if compound.at_least == 1 else "two"
            raise ValueError(f"terms: a {self.kind!r} takes {number} or more, not {len(self.terms)}")
        for n, (weight, term) in enumerate(self.terms):
            if not math.isfinite(weight) or weight == 0.0:
                raise ValueError(f"terms[{n}].weight: must be a finite number other than 0, not {weight}")
            if not compound.weighted and weight != 1.0:
                raise ValueError(f"terms[{n}].weight: a {self.kind!r} takes none; weigh it in a 'linear_combination'")
            if any(inner.terms for _, inner in term.terms):
                raise ValueError(f"terms[{n}]: its terms have terms again; write it with one level less")
        compound.unit([term.unit for _, term in self.terms])

    @property
    def unit(self) -> str:
        """Unit of the value, such as ``angstrom``, ``degree``, ``1``, ``angstrom*degree``; a rate is per ps of it."""
        if self.terms:
            return COMPOUNDS[self.kind].unit([term.unit for _, term in self.terms])
        unit = KINDS[self.kind].unit
        return unit if isinstance(unit, str) else unit(dict(self.options))

    @property
    def leaves(self) -> Iterator[Variable]:
        """The variables of kinds in `KINDS` that it is made of: its terms, or itself."""
        if not self.terms:
            yield self
        for _, term in self.terms:
            yield from term.leaves


_Leaf = tuple[str, tuple[int, ...], Options]


def _leaf(variable: Variable) -> _Leaf:
    return variable.kind, variable.atoms, variable.options


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
    variables of a kind are worked out together, one that occurs several times (in compounds, say) once, and so is what
    several kinds have in common (a dihedral, for its cosine and its sine).

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

    # What one kernel works out in one go: kernel, number of atoms, options -> kind -> atoms.
    by_kernel: dict[tuple[Callable[..., Any], int, Options], dict[str, dict[tuple[int, ...], None]]] = {}
    for variable in variables:
        for leaf in variable.leaves:
            if max(leaf.atoms) >= n_atoms:
                beyond = f"atom {max(leaf.atoms)} is not among the {n_atoms} given"
                raise ValueError(f"variable {variable.name!r}: {beyond}")
            key = (KINDS[leaf.kind].kernel, len(leaf.atoms), leaf.options)
            by_kernel.setdefault(key, {}).setdefault(leaf.kind, {})[leaf.atoms] = None
    # One row for each distinct function of atoms; those of a kind stand together.
    row_of: dict[_Leaf, int] = {}
    jobs = []
    width = 1
    for (kernel, size, options), kinds in by_kernel.items():
        union = list(dict.fromkeys(atoms for group in kinds.values() for atoms in group))
        column = {atoms: n for n, atoms in enumerate(union)}
        outputs = []
        for kind, group in kinds.items():
            rows = slice(len(row_of), len(row_of) + len(group))
            row_of.update({(kind, atoms, options): rows.start + n for n, atoms in enumerate(group)})
            same = list(group) == union
            outputs.append((KINDS[kind].finish, rows, slice(None) if same else [column[atoms] for atoms in group]))
        jobs.append((partial(kernel, **dict(options)), np.array(union).T, outputs))
        # The widest job sets the length of the blocks for all; a dihedral's four atoms are what it counts in.
        width = max(width, len(union) * max(1, size // 4))
    leaf_values = np.empty((len(row_of), n_frames))
    leaf_rates = None if v is None else np.empty_like(leaf_values)

    step = max(1, BLOCK // width)
    for start in range(0, n_frames, step):
        block = slice(start, start + step)
        # Frames last: the kernels then run along contiguous memory.
        x_block = np.ascontiguousarray(x[block].transpose(1, 2, 0))
        v_block = None if v is None else np.ascontiguousarray(v[block].transpose(1, 2, 0))
        for kernel, index, outputs in jobs:
            points = x_block[index].swapaxes(1, 2)
            motion = None if v_block is None else v_block[index].swapaxes(1, 2)
            result = kernel(points, motion)
            for finish, rows, picked in outputs:
                value, rate = finish(result)
                leaf_values[rows, block] = value[picked]
                if leaf_rates is not None and rate is not None:
                    leaf_rates[rows, block] = rate[picked]

    def assemble(variable: Variable) -> tuple[Array, Array | None]:
        if not variable.terms:
            row = row_of[_leaf(variable)]
            return leaf_values[row], None if leaf_rates is None else leaf_rates[row]
        parts = [assemble(term) for _, term in variable.terms]
        rates = None if leaf_rates is None else [rate for _, rate in parts if rate is not None]
        weights = [weight for weight, _ in variable.terms]
        return COMPOUNDS[variable.kind].combine(weights, [value for value, _ in parts], rates)

    values = np.empty((n_frames, len(variables)))
    rates = None if leaf_rates is None else np.empty_like(values)
    plain = [column for column, variable in enumerate(variables) if not variable.terms]
    rows_of_plain = [row_of[_leaf(variables[column])] for column in plain]
    values[:, plain] = leaf_values[rows_of_plain].T
    if rates is not None and leaf_rates is not None:
        rates[:, plain] = leaf_rates[rows_of_plain].T
    for column, variable in enumerate(variables):
        if variable.terms:
            value, rate = assemble(variable)
            values[:, column] = value
            if rates is not None and rate is not None:
                rates[:, column] = rate
    return values, rates


# -----------------------------------------------------------------------------------------------------------
# Making variables: from the bond graph, and from a config
# -----------------------------------------------------------------------------------------------------------


def _default_name(kind: str, content: str) -> str:
    return f"{KINDS[kind].label}({content})"


def enumerate_around(
    bonds: Sequence[tuple[int, int]],
    symbols: Sequence[str],
    centre_atoms: Sequence[int],
    n_bonds: int = 2,
    hydrogens: bool = False,
    names: Sequence[str] | None = None,
    *,
    one_three: bool = False,
    impropers: bool = False,
) -> list[Variable]:
    """Every distance, angle and dihedral near some atoms, from the bond graph.

    Taken are the internal coordinates all of whose atoms lie within `n_bonds` bonds of a centre atom: the
    distances of bonded pairs (with `one_three` also those of pairs bonded to a common atom), the angles i-j-k
    of two bonds, and the dihedrals i-j-k-l of three, each dihedral as its cosine and its sine; with `impropers`
    also the displacement of each atom of exactly three bonds out of the plane of its neighbours. Each coordinate
    occurs once (i-j is j-i, i-j-k-l is l-k-j-i, an improper is its centre and its neighbours in any order), written
    from the end with the lower index.

    `bonds`: pairs of atom indices, in any order and direction. `symbols`: one element symbol per atom.
    `hydrogens`: whether hydrogens take part (a centre atom always does). `names`: one name per atom, by
    default symbol and index (``N9``).

    The order is fixed by the graph alone: distances of bonds, 1-3 distances, angles, dihedrals (cosine, then
    sine), impropers, each sorted by atom indices. Names read ``distance(N9,N10)``, ``angle(N9,N10,C11)``,
    ``cos(C6,N9,N10,C11)``, ``sin(C6,N9,N10,C11)``, ``improper(C11,N10,C12,C16)`` (the centre first). Near an exactly
    linear angle every one has a finite value and rate (see the module).

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
    # The number of bonds is that in the molecule: an atom of four has no plane of neighbours, whichever take part.
    trigonal = [(i, *bonded[i]) for i in sorted(near) if len(neighbours[i]) == len(bonded[i]) == 3]
    wanted: list[tuple[str, tuple[int, ...]]] = [("distance", pair) for pair in pairs]
    wanted += [("distance", pair) for pair in across if one_three]
    wanted += [("angle", triple) for triple in angles]
    wanted += [(kind, four) for four in torsions for kind in ("cos_dihedral", "sin_dihedral")]
    wanted += [("improper", four) for four in trigonal if impropers]
    return [Variable(_default_name(kind, ",".join(labels[a] for a in atoms)), kind, atoms) for kind, atoms in wanted]


def of_changed_bonds(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], names: Sequence[str]
) -> list[Variable]:
    """What a reaction changes most: the distances of the bonds that it breaks and forms, and their differences.

    Parameters
    ----------
    before, after
        Bonds of reactant and product, each the lower index first.
    names
        One name per atom, all distinct.

    Returns
    -------
    Distances, named as by :func:`enumerate_around`. Of a broken and a formed bond with an atom in common, or where
    there is one of each, also broken less formed, which goes from negative to positive in a transfer or substitution.
    """
    broken, formed = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    index = {name: i for i, name in enumerate(names)}

    def distance_between(pair: tuple[int, int]) -> dict[str, Any]:
        return {"kind": "distance", "atoms": [names[i] for i in pair]}

    found = [from_spec(distance_between(pair), index) for pair in sorted({*broken, *formed})]
    for one, other in pairs_of(broken, formed):
        if set(one) & set(other) or len(broken) == len(formed) == 1:
            terms = [distance_between(one), distance_between(other) | {"weight": -1}]
            found.append(from_spec({"kind": "difference", "terms": terms}, index))
    return found


def from_spec(
    spec: Mapping[str, Any],
    atom_index: Mapping[str, int] | None = None,
    *,
    references: Mapping[str, ArrayLike] | None = None,
    symbols: Sequence[str] | None = None,
) -> Variable:
    """Build a variable from its description in a config or a coordinate file.

    Parameters
    ----------
    spec
        ``kind`` (a word of `KINDS`) and ``atoms`` (in the order of the table at the top of this module) or what else
        the kind takes (below); or a kind of `COMPOUNDS` and ``terms`` (such descriptions, in a sum each with a
        ``weight``, by default 1); and a ``name``, by default made of kind and atoms as in ``distance(N9,N10)`` or
        ``d(N9,N10)-d(N10,C11)``.

        * ``coordination``: ``pairs`` (a list of lists of two atoms) or ``groups`` (two lists of atoms, all of whose
          pairs count), ``r0_A`` in angstrom, ``n`` (default 6) and ``m`` (default 2 n);
        * ``rmsd``: ``reference`` (a name in `references`, or the path of a geometry file) or ``reference_nm`` (one
          position for each of the atoms, nm), and ``atoms``, by default all;
        * ``mdtraj``: ``function`` (a word of `MDTRAJ`), ``arguments`` (its keyword arguments, in which atoms stand
          for their indices), ``part`` where it gives more than one number, ``step_fs`` of the rate, fs (default 0.5);
          and for functions of all atoms ``atoms``, by default all.
    atom_index
        The index of each atom name; None where the description holds indices, from 0.
    references
        Positions (N, 3) in nm of the geometries that have names.
    symbols
        Element symbols that a geometry file must have.

    Raises
    ------
    ValueError
        In one line that names the key, what is wrong with it, and what would be right.
    """
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError(f"variable: name: must be a word, not {name!r}")
    who = "variable" if name is None else f"variable {name!r}"
    return _build(spec, _Lookup(atom_index, references, symbols), who, "")[0]


def _build(spec: object, lookup: _Lookup, who: str, path: str, weighted: bool = False) -> tuple[Variable, str]:
    """The variable that `spec` describes, and the short name it bears within a compound."""

    def fail(problem: str) -> ValueError:
        return ValueError(f"{who}: {path}{problem}")

    if not isinstance(spec, Mapping):
        key = path.rstrip(".") or "spec"
        raise ValueError(f"{who}: {key}: must be a mapping with a 'kind', not {spec!r}")
    if "kind" not in spec:
        raise fail(f"kind: is missing. Known: {', '.join(sorted([*KINDS, *COMPOUNDS]))}")
    kind = spec["kind"]
    problem = _kind_problem(kind)
    if problem is not None:
        raise fail(problem)
    assert isinstance(kind, str)
    allowed = {"name", "kind", *(("terms",) if kind in COMPOUNDS else KINDS[kind].form.keys)}
    allowed |= {"weight"} if weighted else set()
    for key in spec:
        if key not in allowed:
            raise fail(f"{key}: is not a key of a {kind!r}{_did_you_mean(key, allowed)}")
    given = spec.get("name")
    if given is not None and (not isinstance(given, str) or not given.strip()):
        raise fail(f"name: must be a word, not {given!r}")

    if kind in COMPOUNDS:
        return _build_compound(kind, spec, lookup, who, path)
    try:
        atoms, options, content = KINDS[kind].form.read(kind, spec, lookup)
    except ValueError as error:
        raise fail(str(error)) from None
    default = _default_name(kind, content)
    name = given or default
    # The class checks the rest, and says which variable; only the path is missing.
    try:
        variable = Variable(name, kind, tuple(atoms), options=tuple(options.items()))
    except ValueError as error:
        raise fail(str(error).removeprefix(f"variable {name!r}: ")) from None
    return variable, given or (f"d({content})" if kind == "distance" else default)


def _build_compound(kind: str, spec: Mapping[str, Any], lookup: _Lookup, who: str, path: str) -> tuple[Variable, str]:
    compound, given, items = COMPOUNDS[kind], spec.get("name"), spec.get("terms")
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ValueError(f"{who}: {path}terms: must be a list, not {items!r}")
    if path.count("terms[") > 1:
        raise ValueError(f"{who}: {path}kind: a {kind!r} in a compound in a compound; write it with one level less")
    terms: list[tuple[float, Variable]] = []
    parts: list[str] = []
    for n, item in enumerate(items):
        term, short = _build(item, lookup, who, f"{path}terms[{n}].", compound.weighted)
        weight = item.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ValueError(f"{who}: {path}terms[{n}].weight: must be a number, not {weight!r}")
        terms.append((float(weight), term))
        if compound.weighted:
            sign = "-" if weight < 0 else "+" if parts else ""
            factor = "" if abs(weight) == 1 else f"{abs(weight):g}*"
        else:
            sign, factor = "*" if parts else "", ""
        parts.append(f"{sign}{factor}{short}")
    default = "".join(parts) or kind
    # The class checks the rest (how many, units, weights), and says which variable; only the path is missing.
    name = given or default
    try:
        variable = Variable(name, kind, terms=tuple(terms))
    except ValueError as error:
        raise ValueError(f"{who}: {path}{str(error).removeprefix(f'variable {name!r}: ')}") from None
    if kind == DIFFERENCE and len({weight < 0 for weight, _ in terms}) == 1:
        raise ValueError(f"{who}: {path}terms: a difference needs weights of both signs; a sum is a linear_combination")
    return variable, given or f"({default})"


def to_spec(variable: Variable, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Description of a variable as plain data, which `from_spec` reads back.

    Parameters
    ----------
    names
        One name per atom; by default atoms are written as indices from 0, and the description needs nothing else.
    """
    head: dict[str, Any] = {"name": variable.name, "kind": variable.kind}
    if not variable.terms:
        label: Callable[[int], Any] = int if names is None else lambda atom: names[atom]
        return head | KINDS[variable.kind].form.write(variable.atoms, dict(variable.options), label)
    weighted = COMPOUNDS[variable.kind].weighted
    terms = [({"weight": weight} if weighted else {}) | to_spec(term, names) for weight, term in variable.terms]
    return head | {"terms": terms}


def describe(variable: Variable, names: Sequence[str] | None = None) -> str:
    """What a variable is, in words and with its unit.

    Parameters
    ----------
    names
        One name per atom; by default atoms are called by their indices from 0.
    """
    words = _words(variable, names)
    return words if variable.unit == "1" else f"{words}, in {variable.unit}"


def _words(variable: Variable, names: Sequence[str] | None) -> str:
    if not variable.terms:
        labels = [str(atom) if names is None else names[atom] for atom in variable.atoms]
        options = dict(variable.options)
        pairs = ", ".join("-".join(labels[n : n + 2]) for n in range(0, len(labels), 2))
        words = KINDS[variable.kind].meaning.format(*labels, atoms=", ".join(labels), pairs=pairs, **options)
        part = options.get("part")
        return words if part is None else f"{part} of {words}" if isinstance(part, str) else f"number {part} of {words}"
    inner = [_words(term, names) for _, term in variable.terms]
    if not COMPOUNDS[variable.kind].weighted:
        return " times ".join(f"({text})" for text in inner)
    weights = [weight for weight, _ in variable.terms]
    return " ".join(f"{weight:+g} times ({text})" for weight, text in zip(weights, inner, strict=True))
