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

from separatrix.core import geometry_file
from separatrix.core.errors import ConfigError
from separatrix.core.text import is_file
from separatrix.core.units import ANGSTROM

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


#: No two atoms of a molecule come nearer than this, in angstrom: H-H has 0.74.
NEAREST = 0.5


def read_geometry(
    path: Path | str, *, anywhere: bool = False, first: bool = False
) -> tuple[tuple[str, ...], np.ndarray]:
    """Element symbols and positions in nm, shape (n_atoms, 3), of one geometry file
    (:mod:`separatrix.core.geometry_file`).

    Parameters
    ----------
    path
        XYZ, or another format that says what its atoms are.
    anywhere
        Whether atoms may stand on each other: where an external field acts on each atom alone, they are no molecule.
    first
        Whether an XYZ file may hold further frames, of which the first is read.

    Raises
    ------
    ConfigError
        When the file is missing, unreadable, or holds anything but one molecule of known elements.
    """
    path = Path(path)
    if not is_file(path):
        raise ConfigError(f"{str(path)[:300]}: no such geometry file")
    symbols, positions = geometry_file.read(path, first=first)
    if not np.isfinite(positions).all():
        raise ConfigError(f"{path}: a coordinate is not a finite number")
    if not anywhere and len(symbols) > 1:
        i, j, nearest = closest(positions)
        if nearest < NEAREST:
            raise ConfigError(
                f"{path}: atoms {i} ({symbols[i]}) and {j} ({symbols[j]}) are {nearest:.3g} angstrom apart; is the "
                "unit nm, or does it give one atom twice?"
            )
    return symbols, positions * ANGSTROM


def closest(positions: np.ndarray) -> tuple[int, int, float]:
    """The two atoms that are nearest to each other, and how near, in the unit of the positions, shape (n_atoms, 3)."""
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    i, j = np.unravel_index(int(apart.argmin()), apart.shape)
    return int(i), int(j), float(apart[i, j])


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
