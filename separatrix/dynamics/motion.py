"""What dynamics needs to know beforehand: settings and velocities. OpenPathSampling, slow to import, is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from separatrix.core.units import BOLTZMANN

if TYPE_CHECKING:
    from separatrix.potentials import Potential


@dataclass(frozen=True)
class DynamicsSettings:
    """How trajectories are run.

    Attributes
    ----------
    temperature
        K, of the velocities that are drawn.
    time_step
        fs.
    steps_per_frame
        Integration steps between frames; basins are checked, and shooting points chosen, at frames.
    longest_half
        fs; a half-trajectory that has reached no basin by then is given up.
    friction
        1/ps, of Langevin dynamics; 0: constant energy.
    """

    temperature: float
    time_step: float
    steps_per_frame: int
    longest_half: float
    friction: float = 0.0

    @property
    def frame(self) -> float:
        """Time between frames in fs."""
        return self.time_step * self.steps_per_frame

    @property
    def longest_half_frames(self) -> int:
        """Most frames of a half-trajectory, its start included."""
        return round(self.longest_half / self.frame) + 1


def maxwell_boltzmann(
    positions: np.ndarray,
    masses: np.ndarray,
    temperature: float,
    rng: np.random.Generator,
    *,
    isolated: bool = True,
    active: np.ndarray | None = None,
) -> np.ndarray:
    """Velocities at a temperature, conditional on zero total linear and angular momentum where they are conserved.

    The draw is projected, in mass-weighted space, on the complement of the motions that are left out; the
    projection of an isotropic normal distribution is the conditional distribution itself, so nothing is rescaled.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), nm.
    masses
        Shape (n_atoms,), dalton.
    temperature
        K.
    isolated, active
        Of the :class:`Potential`.

    Returns
    -------
    Velocities in nm/ps, shape (n_atoms, 3).
    """
    root = np.sqrt(masses)[:, None]
    weighted = rng.standard_normal(positions.shape) * np.sqrt(BOLTZMANN * temperature)
    basis = motions_left_out(positions, masses, isolated=isolated, active=active)
    flat = weighted.ravel()
    flat = flat - basis.T @ (basis @ flat)
    return flat.reshape(positions.shape) / root


def thermal_velocities(
    potential: Potential, positions: np.ndarray, temperature: float, rng: np.random.Generator
) -> np.ndarray:
    """Maxwell-Boltzmann velocities (nm/ps) as a potential wants them; see :func:`maxwell_boltzmann`."""
    return maxwell_boltzmann(
        positions,
        potential.masses,
        temperature,
        rng,
        isolated=potential.isolated,
        active=potential.active,
    )


def motions_left_out(
    positions: np.ndarray, masses: np.ndarray, *, isolated: bool = True, active: np.ndarray | None = None
) -> np.ndarray:
    """Orthonormal mass-weighted motions that are no degrees of freedom of a potential.

    Parameters
    ----------
    positions, masses
        Shape (n_atoms, 3) and (n_atoms,).
    isolated, active
        Of the :class:`Potential`.

    Returns
    -------
    The rigid motions of an isolated molecule; else one row per Cartesian coordinate that does not move. Shape
    (n, 3 n_atoms).
    """
    if isolated:
        return rigid_motions(positions, masses)
    still = np.zeros(positions.size, dtype=bool) if active is None else ~active.ravel()
    return np.eye(positions.size)[still]


def rigid_motions(positions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Orthonormal mass-weighted rigid-body motions.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), any length unit.
    masses
        Shape (n_atoms,).

    Returns
    -------
    Shape (6, 3 n_atoms), or (5, 3 n_atoms) for a linear molecule, (3, 3) for an atom.
    """
    root = np.sqrt(masses)
    centred = positions - (masses[:, None] * positions).sum(axis=0) / masses.sum()
    motions = []
    for axis in np.eye(3):
        motions.append((root[:, None] * axis).ravel())
    for axis in np.eye(3):
        motions.append((root[:, None] * np.cross(axis, centred)).ravel())
    _, values, basis = np.linalg.svd(np.array(motions), full_matrices=False)
    return basis[values > 1e-8 * values[0]]


#: A molecule counts as linear where no atom lies further (nm) from the line through it. Searches for stationary points
#: stop at a largest force, which leaves hydrogens a thousandth of an angstrom off the line; zero-point motion takes
#: them much further than this bound.
LINEAR = 0.002


def is_linear(positions: np.ndarray, masses: np.ndarray) -> bool:
    """Whether all atoms lie within `LINEAR` of one line: two atoms always do, and one does not count.

    Parameters
    ----------
    positions, masses
        nm, shape (n_atoms, 3), and dalton.
    """
    if len(positions) < 2:
        return False
    return bool(np.linalg.norm(positions - straightened(positions, masses), axis=1).max() < LINEAR)


def straightened(positions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Atoms moved onto the axis of the least moment of inertia, by the shortest way."""
    centre = np.average(positions, axis=0, weights=masses)
    centred = positions - centre
    _, _, axes = np.linalg.svd(np.sqrt(masses)[:, None] * centred)
    return centre + np.outer(centred @ axes[0], axes[0])


def kinetic_energy(velocities: np.ndarray, masses: np.ndarray) -> float:
    """Kinetic energy in kJ/mol of velocities in nm/ps and masses in dalton."""
    return 0.5 * float((masses[:, None] * velocities**2).sum())
