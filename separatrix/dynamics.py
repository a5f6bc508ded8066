"""Dynamics: OpenPathSampling's OpenMM engine, made reversible, over any potential; velocities; half-trajectories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
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
from .states import BasinVolume, outside_of
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


def kinetic_energy(velocities: np.ndarray, masses: np.ndarray) -> float:
    """Kinetic energy in kJ/mol of velocities in nm/ps and masses in dalton."""
    return 0.5 * float((masses[:, None] * velocities**2).sum())


class Engine(OpenMMEngine):
    """OpenPathSampling's OpenMM engine with a reversible integrator, for any :class:`Potential`.

    It differs from the stock engine in what a frame costs. The stock engine asks for the energy of each frame, which is
    a second evaluation of the potential, and throws it away; and its loop takes several times as long as the few
    force-field steps between two frames. Here a frame is positions, velocities, one snapshot and the stop condition.
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

    def generate(
        self,
        snapshot: Snapshot,
        running: Sequence[Callable[[Sequence[Snapshot]], bool]] = (),
        direction: int = +1,
    ) -> paths.Trajectory:
        """Run forward from a snapshot while all conditions hold.

        Parameters
        ----------
        snapshot
            Where to start; the first frame of the trajectory.
        running
            Functions of the frames so far; the run ends at the first frame where one gives False.
        direction
            Only +1: a backward half starts from the reversed snapshot.

        Raises
        ------
        EngineMaxLengthError
            When `n_frames_max` frames have been made; it carries the trajectory.
        EngineNaNError
            When a position stops being finite.
        """
        if direction != 1:
            raise ValueError("only forward runs; give the reversed snapshot for a backward one")
        self.current_snapshot = snapshot
        context, integrator = self.simulation.context, self.simulation.integrator
        n_steps, longest = self.n_steps_per_frame, self.n_frames_max
        frames: list[Snapshot] = [snapshot]
        conditions = list(running)
        while all(condition(frames) for condition in conditions):
            if len(frames) == longest:
                raise paths.engines.EngineMaxLengthError(f"no end within {longest} frames", paths.Trajectory(frames))
            self.steps += n_steps
            integrator.step(n_steps)
            state = context.getState(positions=True, velocities=True)
            positions = state.getPositions(asNumpy=True)
            if not math.isfinite(positions._value.sum()):
                raise paths.engines.EngineNaNError("positions are not finite", paths.Trajectory(frames))
            frames.append(
                Snapshot.construct(
                    coordinates=positions,
                    box_vectors=None,
                    velocities=state.getVelocities(asNumpy=True),
                    engine=self,
                )
            )
        self._current_snapshot = frames[-1]
        return paths.Trajectory(frames)

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
        context = self.simulation.context
        context.setPositions(positions)
        self._current_snapshot = None  # the context no longer stands where the last run ended
        energy = context.getState(energy=True).getPotentialEnergy()
        return energy.value_in_unit(unit.kilojoule_per_mole)

    @property
    def evaluations(self) -> int:
        """Force evaluations so far: counted at the seam, or one per step and half where OpenMM has the forces."""
        seam = self.potential.seam
        return seam.evaluations if seam is not None else self.steps + self.legs


def raw_positions(snapshot: Snapshot) -> np.ndarray:
    """Positions of a snapshot of this engine in nm, shape (n_atoms, 3); not a copy.

    `snapshot.coordinates` copies, and asks units what they are; that is ten times the cost of a basin check.
    """
    return snapshot.statics.coordinates._value


def raw_velocities(snapshot: Snapshot) -> np.ndarray:
    """Velocities of a snapshot of this engine in nm/ps, shape (n_atoms, 3), as it moves (reversed or not)."""
    velocities = snapshot.kinetics.velocities._value
    return -velocities if snapshot.is_reversed else velocities


def positions_of(trajectory: Iterable[Snapshot]) -> np.ndarray:
    """Positions in nm, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([raw_positions(s) for s in trajectory])


def velocities_of(trajectory: Iterable[Snapshot]) -> np.ndarray:
    """Velocities in nm/ps, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([raw_velocities(s) for s in trajectory])


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


def run_half(engine: Engine, start: Snapshot, volumes: Sequence[BasinVolume]) -> Half:
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
    outside = outside_of(volume.basin for volume in volumes)

    # What AllOutXEnsemble(union of the basins).can_append says, for a run whose earlier frames are known to be out.
    def going(frames: Sequence[Snapshot]) -> bool:
        return outside(raw_positions(frames[-1]))

    engine.legs += 1
    try:
        try:
            trajectory, out_of_length = engine.generate(start, running=[going]), False
        except paths.engines.EngineMaxLengthError as error:
            trajectory, out_of_length = error.last_trajectory, True
        jump = abs(_total_energy(engine, trajectory[-1]) - _total_energy(engine, trajectory[0]))
    except (paths.engines.EngineNaNError, paths.engines.EngineError) as error:
        return Half(error.last_trajectory, "failed", str(engine.potential.reason(error)))
    except (openmm.OpenMMException, PotentialError) as error:
        return Half(paths.Trajectory([start]), "failed", str(engine.potential.reason(error)))
    # Not "jump > bound": a jump that is not a number is one.
    if not jump <= engine.potential.energy_jump:
        return Half(trajectory, "failed", f"total energy changed by {jump:.1f} kJ/mol")
    end = "none" if out_of_length else next((v.name for v in volumes if v(trajectory[-1])), "none")
    return Half(trajectory, end)


def _total_energy(engine: Engine, snapshot: Snapshot) -> float:
    return engine.potential_energy(raw_positions(snapshot)) + kinetic_energy(
        raw_velocities(snapshot), engine.potential.masses
    )
