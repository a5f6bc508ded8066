"""Semiempirical Hamiltonians of MOPAC, in-process through its shared library (package `mopactools`)."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential

OPTIONS: dict[str, Option] = {
    "hamiltonian": Option(
        str,
        "semiempirical Hamiltonian",
        choices=("PM6", "PM6-D3H4", "PM6-ORG", "PM7", "AM1", "RM1"),
        required=True,
    ),
    "dielectric_constant": Option(
        (int, float),
        "of the COSMO solvent; 1 is the gas phase",
        minimum=1.0,
        default=1.0,
        guide=(
            "of the COSMO solvent; 1 is the gas phase. Its gradient is not the derivative of its energy, and `check` "
            "refuses it ([docs/engines.md](../docs/engines.md))"
        ),
    ),
    "scf_tolerance": Option((int, float), "relative to MOPAC's own criterion", minimum=1e-6, default=1.0),
}


# Hamiltonians whose energy holds the planarity term of nitrogen below, but whose gradient lacks it.
_PLANAR_NITROGEN = ("PM6", "PM6-D3H4")


def planar_nitrogen(positions: np.ndarray, centre: int, ligands: tuple[int, int, int]) -> tuple[float, np.ndarray]:
    """PM6's molecular-mechanics term for a nitrogen with three ligands, and its gradient.

    E = -0.5 kcal/mol exp(-10 (2 pi - sum of the three angles at the nitrogen)).

    The term is part of the energy that MOPAC 23 returns, but its gradient is not: the loop that would add it in
    MOPAC looks for nitrogens with four ligands. Without it the PM6 forces on an aniline nitrogen are wrong by up
    to 1.4 kcal/mol/angstrom and total energy is not conserved.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), nm.
    centre, ligands
        Zero-based atom indices.

    Returns
    -------
    Energy in kJ/mol and gradient in kJ/mol/nm, shape (n_atoms, 3).
    """
    # Plain floats: on three vectors NumPy's calls cost ten times the arithmetic, and this runs at every step.
    arms = (positions[list(ligands)] - positions[centre]).tolist()
    lengths = [math.hypot(*arm) for arm in arms]
    units = [[component / length for component in arm] for arm, length in zip(arms, lengths, strict=True)]
    total = 0.0
    slopes = [[0.0, 0.0, 0.0] for _ in arms]  # gradient of the sum of angles with respect to each ligand
    for i, j in ((0, 1), (0, 2), (1, 2)):
        cosine = min(max(sum(map(operator.mul, units[i], units[j])), -1.0), 1.0)
        sine = max(math.sqrt(1.0 - cosine * cosine), 1e-12)
        total += math.acos(cosine)
        for this, other in ((i, j), (j, i)):
            scale = 1.0 / (sine * lengths[this])
            for axis in range(3):
                slopes[this][axis] -= scale * (units[other][axis] - cosine * units[this][axis])
    energy = -0.5 * KCAL * math.exp(-10.0 * (2.0 * math.pi - total))
    gradient = np.zeros_like(positions)
    gradient[list(ligands)] = 10.0 * energy * np.array(slopes)
    gradient[centre] = -gradient[list(ligands)].sum(axis=0)
    return energy, gradient


# Hamiltonians to which MOPAC adds 12 kcal/mol per C-C triple bond.
_TRIPLE_BOND = ("PM6", "PM6-D3H4", "PM6-ORG", "PM7")
_TRIPLE_BOND_ENERGY = 12.0 * KCAL
_TRIPLE_BOND_SWITCH = (1.21 * ANGSTROM, 1.33 * ANGSTROM)


def short_carbon_bonds(positions: np.ndarray, pairs: np.ndarray) -> tuple[float, np.ndarray | None]:
    """What MOPAC 23.2 adds to the energy of every pair of carbons that are near, and its gradient.

    12 kcal/mol below 1.21 angstrom, nothing above 1.33, and in between, of u from 0 to 1,

    1 - 10 u^3 + 15 u^4 - 6 u^5 + (25 u - 5) u^3 (1 - u)^3.

    It models the excess stability of triple bonds that PM6 and PM7 were fitted with. Until MOPAC 23.1 it was a
    number that depended on the first geometry alone and had no gradient. As a function of the distance it is a wall for
    double and aromatic bonds, which vibrate below 1.33 angstrom: 7 kcal/mol at 1.28, with slopes of 150
    kcal/mol/angstrom; and a triple bond, which vibrates beyond 1.21, loses most of its force constant.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), nm.
    pairs
        Zero-based indices of pairs of carbons, shape (n_pairs, 2).

    Returns
    -------
    Energy in kJ/mol and gradient in kJ/mol/nm, shape (n_atoms, 3); None where it is zero.
    """
    arms = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    squares = np.einsum("ij,ij->i", arms, arms)
    full, none = _TRIPLE_BOND_SWITCH
    near = squares < none * none
    if not near.any():
        return 0.0, None
    lengths = np.sqrt(squares[near])
    u = np.clip((lengths - full) / (none - full), 0.0, 1.0)
    v = u * (1.0 - u)
    energy = _TRIPLE_BOND_ENERGY * (1.0 - u**3 * (10.0 - 15.0 * u + 6.0 * u * u) + (25.0 * u - 5.0) * v**3)
    slope = -30.0 * v * v + 25.0 * v**3 + (25.0 * u - 5.0) * 3.0 * v * v * (1.0 - 2.0 * u)
    pull = (_TRIPLE_BOND_ENERGY / (none - full) * slope / lengths)[:, None] * arms[near]
    gradient = np.zeros_like(positions)
    np.add.at(gradient, pairs[near, 0], pull)
    np.add.at(gradient, pairs[near, 1], -pull)
    return float(energy.sum()), gradient


# Covalent radii from hydrogen to bismuth by which MOPAC tells bonds, angstrom.
_TABLE = """
0.37 0.32 1.34 0.90 0.82 0.77 0.75 0.73 0.71 0.69 1.54 1.30 1.18 1.11 1.06 1.02 0.99 0.97
1.96 1.74 1.44 1.36 1.25 1.27 1.39 1.25 1.26 1.21 1.38 1.31 1.26 1.22 1.19 1.16 1.14 1.10
2.11 1.92 1.62 1.48 1.37 1.45 1.56 1.26 1.35 1.31 1.53 1.48 1.44 1.41 1.38 1.35 1.33 1.30
2.25 1.98 1.69 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00
1.60 1.50 1.38 1.46 1.59 1.28 1.37 1.28 1.44 1.49 1.48 1.47 1.46
"""
_RADII = np.array([float(radius) for radius in _TABLE.split()])


def _three(indices: np.ndarray) -> tuple[int, int, int]:
    i, j, k = indices.tolist()
    return i, j, k


class NitrogenLigands:
    """Finds the nitrogens that have exactly three ligands, at most one of them hydrogen, as MOPAC does at each call.

    Ligands are nearer than 1.1 times the sum of covalent radii (carbon 1.2, boron 1.0). Not the bonds of a reference
    geometry: the azo nitrogen of one tautomer is the planar one of the other.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        numbers = np.array([atomic_numbers[s] for s in symbols], dtype=int)
        self._hydrogen = numbers == 1
        self._centres = np.flatnonzero(numbers == 7)
        radii = _RADII[np.minimum(numbers, len(_RADII)) - 1]
        slack = np.select([numbers == 6, numbers == 5], [1.2, 1.0], 1.1)
        longest = slack * (_RADII[6] + radii) * ANGSTROM
        self._limits = np.tile(longest**2, (len(self._centres), 1))
        self._limits[np.arange(len(self._centres)), self._centres] = 0.0

    def __call__(self, positions: np.ndarray) -> list[tuple[int, tuple[int, int, int]]]:
        """Centres and their ligands, zero-based, at positions in nm."""
        if not len(self._centres):
            return []
        arms = positions[self._centres, None] - positions[None]
        bound = np.einsum("ijk,ijk->ij", arms, arms) < self._limits
        wanted = (bound.sum(axis=1) == 3) & ((bound & self._hydrogen).sum(axis=1) < 2)
        return [
            (int(centre), _three(np.flatnonzero(row)))
            for centre, row in zip(self._centres[wanted], bound[wanted], strict=True)
        ]


class MopacEngine:
    """One warm libmopac state. MOPAC's first call from nothing may converge to a wrong state (see `gradient`)."""

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        from mopactools import api

        self._api = api
        self._system = api.MopacSystem()
        self._system.natom = self._system.natom_move = molecule.n_atoms
        self._system.charge = molecule.charge
        # Excess spin: pairs of electrons that a field of lowest spin would have and this one has not.
        self._system.spin = (molecule.multiplicity - 1) // 2
        self._system.model = options["hamiltonian"]
        self._system.epsilon = float(options.get("dielectric_constant", OPTIONS["dielectric_constant"].default))
        self._system.tolerance = float(options.get("scf_tolerance", OPTIONS["scf_tolerance"].default))
        self._system.atom = list(molecule.symbols)
        self._system.coord = np.zeros(3 * molecule.n_atoms)
        self._state = api.MopacState()
        self._density: tuple[np.ndarray, np.ndarray] | None = None
        carbons = [i for i, symbol in enumerate(molecule.symbols) if symbol == "C"]
        self._carbon_pairs = np.array(list(itertools.combinations(carbons, 2)), dtype=int).reshape(-1, 2)
        self._triple_bonds = _triple_bonds(molecule) * _TRIPLE_BOND_ENERGY
        if options["hamiltonian"] not in _TRIPLE_BOND:
            self._carbon_pairs, self._triple_bonds = self._carbon_pairs[:0], 0.0
        planar = options["hamiltonian"] in _PLANAR_NITROGEN
        self.nitrogens = NitrogenLigands(molecule.symbols if planar else ())

    def _run(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        self._system.coord[:] = positions.ravel() / ANGSTROM
        answer = self._api.from_data(self._system, self._state)
        # A failed self-consistent field raises nothing: it leaves messages and empty arrays.
        if answer.error_msg or answer.coord_deriv.size != positions.size:
            # The state is of no use any more; the next call must not start from it.
            self._state = self._api.MopacState()
            message = "; ".join(" ".join(m.split()) for m in answer.error_msg) or "no gradient returned"
            raise PotentialError(f"MOPAC: {message}")
        return answer.heat, answer.coord_deriv.reshape(-1, 3).copy()

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Heat of formation in kJ/mol and its gradient in kJ/mol/nm."""
        if self._state.mpack == 0:
            # From nothing the first field of a conjugated molecule can converge to an excited state (240
            # instead of 101 kcal/mol was seen for DNAB); a second one that starts from its density does not.
            self._run(positions)
        heat, slope = self._run(positions)
        energy, gradient = heat * KCAL, slope * KCAL / ANGSTROM
        for centre, ligands in self.nitrogens(positions):
            gradient += planar_nitrogen(positions, centre, ligands)[1]
        wall, push = short_carbon_bonds(positions, self._carbon_pairs)
        if push is not None:
            energy, gradient = energy - wall, gradient - push
        return energy + self._triple_bonds, gradient

    def remember(self) -> None:
        """Keep the present density matrices."""
        self._density = (np.array(self._state.pa), np.array(self._state.pb))

    def restore(self) -> None:
        """Put the remembered density matrices back."""
        if self._density is None:
            self._state = self._api.MopacState()
            return
        self._state = _state_of(*self._density)


def _state_of(alpha: np.ndarray, beta: np.ndarray) -> Any:
    """A MOPAC state of given density matrices; `beta` is empty where the field is restricted.

    `MopacState.attach` allocates before it sets `uhf`, so that the beta matrix of an open shell would be a null
    pointer; here both are set first.
    """
    from mopactools import api, binding

    held = binding.c_mopac_state()
    held.mpack, held.uhf = alpha.size, int(beta.size > 0)
    binding.libmopac.create_mopac_state(held)
    state = api.MopacState(held)
    state.pa[:] = alpha
    if beta.size:
        state.pb[:] = beta
    return state


def _triple_bonds(molecule: Molecule) -> int:
    """Number of C-C triple bonds: every other bond of a chain of an even number of carbons with two neighbours each."""
    neighbours: dict[int, list[int]] = {i: [] for i in range(molecule.n_atoms)}
    for a, b in molecule.bonds:
        neighbours[a].append(b)
        neighbours[b].append(a)
    sp = {i for i, symbol in enumerate(molecule.symbols) if symbol == "C" and len(neighbours[i]) == 2}
    number, seen = 0, set()
    for first in sorted(sp):
        chain, edge = set(), [first] if first not in seen else []
        while edge:
            chain.add(atom := edge.pop())
            edge += [n for n in neighbours[atom] if n in sp and n not in chain]
        seen |= chain
        number += len(chain) // 2 if len(chain) % 2 == 0 else 0
    return number


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """MOPAC as a Potential.

    Raises
    ------
    ConfigError
        When `mopactools` is not installed.
    """
    try:
        engine = MopacEngine(molecule, options)
    except ImportError as error:
        raise ConfigError("potential 'mopac' needs the package mopactools: pip install mopactools") from error
    solvent = options.get("dielectric_constant", OPTIONS["dielectric_constant"].default)
    medium = f", COSMO {solvent:g}" if solvent != 1.0 else ""
    name = f"{options['hamiltonian']}{medium} (MOPAC through mopactools {version('mopactools')})"
    return python_potential(molecule, engine, name, force_tolerance=0.2, drift_tolerance=2.0)


_PAPERS = {
    "AM1": ("dewar1985",),
    "PM6": ("stewart2007",),
    "PM6-D3H4": ("stewart2007", "rezac2012"),
    "PM6-ORG": ("stewart2023",),
    "PM7": ("stewart2013",),
    "RM1": ("rocha2006",),
}


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """MOPAC, the Hamiltonian, and COSMO where there is a solvent."""
    solvent = ("klamt1993",) if options.get("dielectric_constant", 1) > 1 else ()
    return ("moussa2026", *_PAPERS[options["hamiltonian"]], *solvent)


def needs_worker(options: Mapping[str, Any]) -> bool:
    """Whether the Hamiltonian is right in a process of its own only.

    MOPAC sets the parameters that a Hamiltonian has and leaves the others as the one before has set them. After any of
    the PM6 and PM7 kind RM1 is wrong by 50 kcal/mol and more; no other order of two changes a number.
    """
    return bool(options["hamiltonian"] == "RM1")


ENGINE = Engine(
    name="mopac",
    build=build,
    options=OPTIONS,
    summary="semiempirical Hamiltonians by libmopac",
    code="MOPAC",
    url="https://openmopac.net",
    licence="Apache-2.0",
    papers=papers,
    seconds_per_gradient=0.1,
    needs_worker=needs_worker,
)
