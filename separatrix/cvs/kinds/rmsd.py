"""Root mean square displacement from a reference geometry after the best superposition.

The superposition is that of W. Kabsch, Acta Cryst. A 34, 827 (1978).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from separatrix.cvs.kinds.kind import (
    ANGSTROM_FACTOR,
    Action,
    Form,
    Kind,
    Lookup,
    Scalar,
    check_distinct,
    write_atoms,
)
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    COINCIDENT,
    Array,
    divide,
)


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
    rate = divide((off * motion).sum(axis=1).mean(axis=0), value, ~(value <= COINCIDENT))
    return ANGSTROM_PER_NM * value, ANGSTROM_PER_NM * rate


def _in_one_frame(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    reference = np.array(options["reference_nm"])
    reference = reference - reference.mean(axis=0)
    picked, scale = list(atoms), ANGSTROM_PER_NM / math.sqrt(len(atoms))
    weights = np.full(len(atoms), 1.0 / len(atoms))
    svd = np.linalg.svd

    def value(x: NDArray[np.floating]) -> float:
        points = np.asarray(x[picked], dtype=np.float64)
        centred = points - weights @ points
        u, _, w = svd(centred.T @ reference)
        turn = u @ w
        (a, b, c), (d, e, f), (g, h, i) = turn.tolist()
        if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0.0:  # a mirror image
            u[:, 2] *= -1.0
            turn = u @ w
        off = (centred - reference @ turn.T).ravel()
        return scale * math.sqrt(off @ off)

    return value


if TYPE_CHECKING:
    import openmm


def _read_rmsd(kind: Kind, spec: Mapping[str, Any], lookup: Lookup) -> tuple[list[int], dict[str, Any], str]:
    atoms = lookup.atoms(spec["atoms"], "atoms") if "atoms" in spec else lookup.all_atoms()
    if ("reference" in spec) == ("reference_nm" in spec):
        raise ValueError(f"reference: a {kind.name!r} takes either 'reference', a basin or a file, or 'reference_nm'")
    if "reference_nm" in spec:
        return atoms, {"reference_nm": spec["reference_nm"]}, "reference"
    positions = lookup.reference(spec["reference"])
    if max(atoms, default=0) >= len(positions):
        raise ValueError(f"reference: {spec['reference']!r} has {len(positions)} atoms; atom {max(atoms)} is not one")
    return atoms, {"reference_nm": positions[atoms].tolist()}, Path(spec["reference"]).name


def _check_rmsd(kind: Kind, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    if len(atoms) < 3:
        raise ValueError(f"atoms: {kind.name!r} takes 3 atoms or more, not {len(atoms)}")
    check_distinct(atoms)
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
    return write_atoms(atoms, {}, label) | {"reference_nm": [list(row) for row in options["reference_nm"]]}


def _plumed(atoms: tuple[int, ...], options: Mapping[str, Any], file: str) -> str:
    return f"RMSD REFERENCE={file} TYPE=OPTIMAL NOPBC"


def _openmm(atoms: tuple[int, ...], options: Mapping[str, Any], n_particles: int) -> openmm.Force:
    import openmm

    reference = np.zeros((n_particles, 3))
    reference[list(atoms)] = options["reference_nm"]
    return openmm.RMSDForce([openmm.Vec3(*row) for row in reference], list(atoms))


RMSD = Kind(
    "rmsd",
    None,
    "angstrom",
    _rmsd,
    "rmsd",
    "root mean square displacement of atoms {atoms} from reference_nm after the best superposition",
    takes="any, default all",
    guide="displacement from `reference` (a basin's geometry by the basin's name, or a geometry file) after the best "
    "superposition of these atoms",
    form=Form(("atoms", "reference", "reference_nm"), _read_rmsd, _check_rmsd, _write_rmsd),
    scalar=_in_one_frame,
    export=Action(_plumed, _openmm, ANGSTROM_FACTOR, lambda options: np.array(options["reference_nm"])),
)

ENTRIES = (RMSD,)
