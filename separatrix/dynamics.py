"""Dynamics: OpenPathSampling's OpenMM engine, made reversible, over any potential; velocities; half-trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openmm
import openpathsampling as paths
from openmm import unit
from openpathsampling.engines.openmm import Engine as OpenMMEngine
from openpathsampling.engines.openmm import Snapshot
from openpathsampling.engines.topology import MDTrajTopology

from .errors import PotentialError
from .molecule import Molecule
from .potentials import Potential
from .units import BOLTZMANN, FEMTOSECOND

_VELOCITY = unit.nanometer / unit.picosecond


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
    """

    temperature: float
    time_step: float
    steps_per_frame: int
    longest_half: float

    @property
    def frame(self) -> float:
        """Time between frames in fs."""
        return self.time_step * self.steps_per_frame

    @property
    def longest_half_frames(self) -> int:
        """Most frames of a half-trajectory, its start included."""
        return round(self.longest_half / self.frame) + 1


def velocity_verlet(time_step: float) -> openmm.CustomIntegrator:
    """Velocity Verlet with positions and velocities at the same time.

    OpenMM's own Verlet and Langevin integrators keep velocities half a step off, so reversing them does not
    retrace the path; this one retraces it to rounding, which two-way shooting needs.

    Parameters
    ----------
    time_step
        fs.
    """
    integrator = openmm.CustomIntegrator(time_step * FEMTOSECOND)
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    integrator.addComputePerDof("x", "x + dt*v")
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    return integrator


def maxwell_boltzmann(
    positions: np.ndarray, masses: np.ndarray, temperature: float, rng: np.random.Generator
) -> np.ndarray:
    """Velocities at a temperature, conditional on zero total linear and angular momentum.

    The draw is projected, in mass-weighted space, on the complement of the rigid-body motions; the projection of
    an isotropic normal distribution is the conditional distribution itself, so nothing is rescaled.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), nm.
    masses
        Shape (n_atoms,), dalton.
    temperature
        K.

    Returns
    -------
    Velocities in nm/ps, shape (n_atoms, 3).
    """
    root = np.sqrt(masses)[:, None]
    weighted = rng.standard_normal(positions.shape) * np.sqrt(BOLTZMANN * temperature)
    basis = rigid_motions(positions, masses)
    flat = weighted.ravel()
    flat = flat - basis.T @ (basis @ flat)
    return flat.reshape(positions.shape) / root


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


def kinetic_energy(velocities: np.ndarray, masses: np.ndarray) -> float:
    """Kinetic energy in kJ/mol of velocities in nm/ps and masses in dalton."""
    return 0.5 * float((masses[:, None] * velocities**2).sum())


class Engine(OpenMMEngine):
    """OpenPathSampling's OpenMM engine with a reversible integrator, for any :class:`Potential`.

    It differs from the stock engine in one thing: a frame takes positions and velocities only. The stock engine
    asks for the energy of each frame, which is a second evaluation of the potential, and throws it away.
    """

    def __init__(self, molecule: Molecule, potential: Potential, settings: DynamicsSettings) -> None:
        super().__init__(
            topology=MDTrajTopology(molecule.mdtraj_topology()),
            system=potential.system,
            integrator=velocity_verlet(settings.time_step),
            options={
                "n_steps_per_frame": settings.steps_per_frame,
                "n_frames_max": settings.longest_half_frames,
            },
        )
        # One attempt: a retry would repeat the same deterministic trajectory.
        self.on_max_length, self.on_nan, self.on_error = "fail", "fail", "fail"
        self.potential = potential
        self.settings = settings
        self.steps = 0
        self.legs = 0
        self.initialize(potential.platform)

    def _build_current_snapshot(self) -> Snapshot:
        state = self.simulation.context.getState(getPositions=True, getVelocities=True)
        return Snapshot.construct(
            coordinates=state.getPositions(asNumpy=True),
            box_vectors=state.getPeriodicBoxVectors(asNumpy=True),
            velocities=state.getVelocities(asNumpy=True),
            engine=self,
        )

    def generate_next_frame(self) -> Snapshot:
        """Advance one frame, counting integration steps."""
        self.steps += self.n_steps_per_frame
        return super().generate_next_frame()

    def snapshot(self, positions: np.ndarray, velocities: np.ndarray) -> Snapshot:
        """Snapshot of positions in nm and velocities in nm/ps, both of shape (n_atoms, 3)."""
        return Snapshot.construct(
            coordinates=unit.Quantity(np.array(positions, dtype=float), unit.nanometer),
            box_vectors=None,
            velocities=unit.Quantity(np.array(velocities, dtype=float), _VELOCITY),
            engine=self,
        )

    def trajectory(self, positions: np.ndarray, velocities: np.ndarray) -> paths.Trajectory:
        """Trajectory of arrays in nm and nm/ps, both of shape (n_frames, n_atoms, 3)."""
        return paths.Trajectory([self.snapshot(x, v) for x, v in zip(positions, velocities, strict=True)])

    def potential_energy(self, positions: np.ndarray) -> float:
        """Potential energy in kJ/mol; free where the potential has just been evaluated there."""
        if self.potential.seam is not None:
            return self.potential.seam.at(positions)[0]
        return self.potential.energy_and_gradient(positions)[0]

    @property
    def evaluations(self) -> int:
        """Force evaluations so far: counted at the seam, or one per step and half where OpenMM has the forces."""
        seam = self.potential.seam
        return seam.evaluations if seam is not None else self.steps + self.legs


def positions_of(trajectory: paths.Trajectory) -> np.ndarray:
    """Positions in nm, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([s.coordinates.value_in_unit(unit.nanometer) for s in trajectory])


def velocities_of(trajectory: paths.Trajectory) -> np.ndarray:
    """Velocities in nm/ps, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([s.velocities.value_in_unit(_VELOCITY) for s in trajectory])


@dataclass(frozen=True)
class Half:
    """One half-trajectory.

    Attributes
    ----------
    trajectory
        From the start to the first frame in a basin, or as far as it came.
    end
        Name of the basin reached, ``"none"`` (out of length) or ``"failed"``.
    reason
        Why it failed; empty otherwise.
    """

    trajectory: paths.Trajectory
    end: str
    reason: str = ""


def run_half(engine: Engine, start: Snapshot, volumes: list[paths.Volume]) -> Half:
    """Run from a snapshot until any basin is reached.

    Running out of length and a failing engine are outcomes, not errors: both are always recorded.

    Parameters
    ----------
    engine
        The engine.
    start
        Where to start, velocities included.
    volumes
        The basins; their `name` is the outcome.
    """
    anywhere = volumes[0]
    for volume in volumes[1:]:
        anywhere = anywhere | volume
    going = paths.AllOutXEnsemble(anywhere).can_append
    engine.legs += 1
    try:
        trajectory = engine.generate(start, running=[going])
        first, last = trajectory[0], trajectory[-1]
        jump = abs(_total_energy(engine, last) - _total_energy(engine, first))
    except paths.engines.EngineMaxLengthError as error:
        return Half(error.last_trajectory, "none")
    except (paths.engines.EngineNaNError, paths.engines.EngineError) as error:
        return Half(error.last_trajectory, "failed", str(engine.potential.reason(error)))
    except (openmm.OpenMMException, PotentialError) as error:
        return Half(paths.Trajectory([start]), "failed", str(engine.potential.reason(error)))
    if jump > engine.potential.energy_jump:
        return Half(trajectory, "failed", f"total energy changed by {jump:.1f} kJ/mol")
    end = next((v.name for v in volumes if v(trajectory[-1])), "none")
    return Half(trajectory, end)


def _total_energy(engine: Engine, snapshot: Snapshot) -> float:
    positions = snapshot.coordinates.value_in_unit(unit.nanometer)
    velocities = snapshot.velocities.value_in_unit(_VELOCITY)
    return engine.potential_energy(positions) + kinetic_energy(velocities, engine.potential.masses)
