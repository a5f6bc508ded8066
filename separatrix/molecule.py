"""Molecules: atoms, names, bonds and geometries; the OpenMM and MDTraj topologies made of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, atomic_numbers, covalent_radii
from openmm import app

from .errors import ConfigError
from .units import ANGSTROM

if TYPE_CHECKING:
    import mdtraj


@dataclass(frozen=True)
class Molecule:
    """An isolated molecule.

    Attributes
    ----------
    symbols
        Element symbols, in the order of the geometry files.
    bonds
        Pairs of zero-based atom indices, each ordered, the list sorted.
    names
        The user's names of atoms -> zero-based index.
    charge, multiplicity
        Total charge in e and spin multiplicity.
    residue
        Three-letter residue name in topologies (force-field templates are looked up by bonds, not by it).
    """

    symbols: tuple[str, ...]
    bonds: tuple[tuple[int, int], ...]
    names: Mapping[str, int] = field(default_factory=dict)
    charge: int = 0
    multiplicity: int = 1
    residue: str = "MOL"

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.symbols)

    @property
    def masses(self) -> np.ndarray:
        """Atomic masses in dalton, shape (n_atoms,)."""
        return np.array([atomic_masses[atomic_numbers[s]] for s in self.symbols])

    @property
    def labels(self) -> tuple[str, ...]:
        """One readable name per atom: the user's where there is one, else element and index."""
        own = {index: name for name, index in self.names.items()}
        return tuple(own.get(i, f"{s}{i}") for i, s in enumerate(self.symbols))

    def topology(self) -> app.Topology:
        """OpenMM topology: one chain, one residue, atoms named element + index."""
        top = app.Topology()
        residue = top.addResidue(self.residue, top.addChain())
        atoms = [top.addAtom(f"{s}{i}", app.Element.getBySymbol(s), residue) for i, s in enumerate(self.symbols)]
        for i, j in self.bonds:
            top.addBond(atoms[i], atoms[j])
        return top

    def mdtraj_topology(self) -> mdtraj.Topology:
        """The same topology for MDTraj."""
        import mdtraj

        return mdtraj.Topology.from_openmm(self.topology())


def superposed(x: np.ndarray, target: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Positions turned onto a target, so that the mass-weighted squared distance is least.

    Parameters
    ----------
    x, target
        Shape (n_atoms, 3), both about their centres of mass.
    masses
        Shape (n_atoms,).
    """
    from scipy.spatial.transform import Rotation  # which Snakemake itself can do without

    with warnings.catch_warnings():
        # Of atoms in a line any turn about it will do.
        warnings.filterwarnings("ignore", message="Optimal rotation is not uniquely", category=UserWarning)
        turn, _ = Rotation.align_vectors(target, x, weights=masses)
    return turn.apply(x)


def read_geometry(path: Path | str) -> tuple[tuple[str, ...], np.ndarray]:
    """Element symbols and positions in nm, shape (n_atoms, 3), of one geometry file (any format ASE reads).

    Raises
    ------
    ConfigError
        When the file is missing, unreadable, or holds anything but one finite geometry.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such geometry file")
    symbols, positions = _plain_xyz(path) or _by_ase(path)
    if not np.isfinite(positions).all():
        raise ConfigError(f"{path}: a coordinate is not a finite number")
    return symbols, positions * ANGSTROM


def _plain_xyz(path: Path) -> tuple[tuple[str, ...], np.ndarray] | None:
    """Symbols and positions in angstrom of an XYZ file of one frame and four columns; None of any other file.

    Every job and every start of Snakemake reads geometries, and nearly all are of this kind; to import ASE's readers
    takes as long as to import all of :mod:`separatrix.config`.
    """
    try:
        count, comment, *rows = path.read_text().rstrip().splitlines()
        table = [row.split() for row in rows]
        if "properties=" in comment.lower() or not 0 < int(count) == len(table):
            return None
        if not all(len(row) == 4 and row[0] in atomic_numbers for row in table):
            return None
        return tuple(row[0] for row in table), np.array([[float(value) for value in row[1:]] for row in table])
    except (ValueError, OSError):
        return None


def _by_ase(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    import ase.io

    try:
        atoms = ase.io.read(path)
    except (ValueError, KeyError, IndexError, OSError, ase.io.formats.UnknownFileTypeError) as error:
        raise ConfigError(f"{path}: not a readable geometry ({error}); an XYZ file is expected") from error
    return tuple(atoms.get_chemical_symbols()), atoms.get_positions()


def bonds_from_distances(
    symbols: tuple[str, ...], positions: np.ndarray, tolerance: float = 1.25
) -> tuple[tuple[int, int], ...]:
    """Pairs of atoms closer than `tolerance` times the sum of their covalent radii (Cordero et al. 2008).

    Parameters
    ----------
    symbols
        Element symbols.
    positions
        Shape (n_atoms, 3), nm.
    """
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in symbols]) * ANGSTROM
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    close = distance < tolerance * (radii[:, None] + radii[None])
    return tuple((int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(close, k=1)), strict=True))
