"""Dynamics: OpenPathSampling's OpenMM engine, made reversible, over any potential; velocities; half-trajectories."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import openmm
import openpathsampling as paths
from openmm import unit
from openpathsampling.engines.openmm import Engine as OpenMMEngine
from openpathsampling.engines.openmm import Snapshot
from openpathsampling.engines.topology import MDTrajTopology

from separatrix.core.errors import PotentialError, Stopped
from separatrix.core.molecule import Molecule
from separatrix.cvs.states import Basin, basin_of, outside_of
from separatrix.dynamics.integrators import langevin, velocity_verlet
from separatrix.dynamics.motion import DynamicsSettings, kinetic_energy, maxwell_boltzmann
from separatrix.potentials import Potential

_VELOCITY = unit.nanometer / unit.picosecond


class MDEngine(OpenMMEngine):
    """OpenPathSampling's OpenMM engine with a reversible integrator, for any :class:`Potential`.

    It differs from the stock engine in what a frame costs. The stock engine asks for the energy of each frame, which is
    a second evaluation of the potential, and throws it away; and its loop takes several times as long as the few
    force-field steps between two frames. Here a frame is positions, velocities and the stop condition.
    """

    def __init__(self, molecule: Molecule, potential: Potential, settings: DynamicsSettings) -> None:
        super().__init__(
            topology=MDTrajTopology(molecule.mdtraj_topology()),
            system=potential.system,
            integrator=(
                langevin(settings.time_step, settings.friction, settings.temperature)
                if settings.friction
                else velocity_verlet(settings.time_step)
            ),
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
        #: Name of the signal that asked to stop; looked at between frames.
        self.stop = ""
        shape = (molecule.n_atoms, 3)
        self._moves = np.ones(shape) if potential.active is None else potential.active.astype(float)
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

    def run(
        self, start: Snapshot, outside: Callable[[np.ndarray], bool], noise: np.random.Generator | None = None
    ) -> Iterator[openmm.State]:
        """Run forward from a snapshot to the first frame that is not outside.

        It takes the place of the stock `generate`, whose loop costs more than the few force-field steps of a frame.

        Parameters
        ----------
        start
            Where to start; it is not among the frames that come.
        outside
            Function of the positions (nm) that says whether to go on.
        noise
            Random stream of Langevin dynamics, which needs one.

        Yields
        ------
        The frames as OpenMM has them. They end early, still outside, where a half has its greatest length.

        Raises
        ------
        PotentialError
            When the potential fails or a position stops being finite.
        Stopped
            When the job has been asked to stop.
        """
        positions = raw_positions(start)
        context, integrator = self.simulation.context, self.simulation.integrator
        context.setPositions(positions)
        context.setVelocities(raw_velocities(start))
        self._current_snapshot = None  # the context is no longer where it was
        n_steps = self.n_steps_per_frame
        step = integrator.step
        if self.settings.friction:
            if noise is None:
                raise ValueError("Langevin dynamics needs a random stream")
            integrator.setGlobalVariableByName("heat", 0.0)
            step = functools.partial(self._step_with_noise, noise)
        for _ in range(self.n_frames_max - 1):
            if not outside(positions):
                return
            if self.stop:
                raise Stopped(f"asked to stop ({self.stop})")
            self.steps += n_steps
            try:
                step(n_steps)
                frame = context.getState(positions=True, velocities=True)
            except (openmm.OpenMMException, PotentialError) as error:
                raise self.potential.reason(error) from error
            positions = _positions(frame)
            if not math.isfinite(positions.sum()):
                raise PotentialError("positions are not finite")
            yield frame

    def _step_with_noise(self, noise: np.random.Generator, n_steps: int) -> None:
        integrator = self.simulation.integrator
        for draw in noise.standard_normal((n_steps, *self._moves.shape)) * self._moves:
            integrator.setPerDofVariableByName("noise", draw)
            integrator.step(1)

    @property
    def heat(self) -> float:
        """Energy taken from the bath in the last run, kJ/mol."""
        return self.simulation.integrator.getGlobalVariableByName("heat") if self.settings.friction else 0.0

    def thermal_velocities(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Maxwell-Boltzmann velocities (nm/ps) at positions (nm); see :func:`maxwell_boltzmann`.

        With friction the bath turns and moves an isolated molecule too, so its velocities are drawn in full.
        """
        potential = self.potential
        return maxwell_boltzmann(
            positions,
            potential.masses,
            self.settings.temperature,
            rng,
            isolated=potential.isolated and not self.settings.friction,
            active=potential.active,
        )

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
        self._current_snapshot = None  # the context is no longer where the last run ended
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


class Half:
    """One half-trajectory: from the start to the first frame in a basin, or as far as it came.

    It keeps frames as OpenMM gave them. A snapshot costs as much as several force-field steps, and of most halves only
    the length and the end are asked for.

    Attributes
    ----------
    start
        Its first frame.
    frames
        The others.
    end
        Name of the basin reached, ``"none"`` (out of length) or ``"failed"``.
    reason
        Why it failed; empty otherwise.
    """

    def __init__(self, start: Snapshot, frames: Sequence[openmm.State], end: str, reason: str = "") -> None:
        self.start = start
        self.frames = frames
        self.end = end
        self.reason = reason

    def __len__(self) -> int:
        return 1 + len(self.frames)

    @functools.cached_property
    def positions(self) -> np.ndarray:
        """Positions in nm, shape (n_frames, n_atoms, 3)."""
        return np.array([raw_positions(self.start), *(_positions(f) for f in self.frames)])

    @functools.cached_property
    def velocities(self) -> np.ndarray:
        """Velocities in nm/ps, shape (n_frames, n_atoms, 3)."""
        return np.array([raw_velocities(self.start), *(_velocities(f) for f in self.frames)])


def _positions(frame: openmm.State) -> np.ndarray:
    return frame.getPositions(asNumpy=True)._value


def _velocities(frame: openmm.State) -> np.ndarray:
    return frame.getVelocities(asNumpy=True)._value


def joined(backward: Half, forward: Half) -> np.ndarray:
    """The path of two halves that start from one point with opposite velocities.

    Returns
    -------
    Positions (nm) and velocities (nm/ps), shape (2, n_frames, n_atoms, 3), as time runs in the forward half.
    """
    positions = np.concatenate([backward.positions[::-1], forward.positions[1:]])
    velocities = np.concatenate([-backward.velocities[::-1], forward.velocities[1:]])
    return np.array([positions, velocities])


def run_half(
    engine: MDEngine, start: Snapshot, basins: Sequence[Basin], noise: np.random.Generator | None = None
) -> Half:
    """Run from a snapshot until any basin is reached.

    Running out of length and a failing engine are outcomes, not errors: both are always recorded.

    Parameters
    ----------
    engine
        The engine.
    start
        Where to start, velocities included.
    basins
        Their `name` is the outcome.
    noise
        Random stream of Langevin dynamics.
    """
    engine.legs += 1
    frames: list[openmm.State] = []
    first = (raw_positions(start), raw_velocities(start))
    try:
        # What AllOutXEnsemble(union of the basins).can_append says, for a run whose earlier frames are known to be out.
        for frame in engine.run(start, outside_of(basins), noise):
            frames.append(frame)
        last = (_positions(frames[-1]), _velocities(frames[-1])) if frames else first
        jump = abs(_total_energy(engine, *last) - _total_energy(engine, *first) - engine.heat)
    except (openmm.OpenMMException, PotentialError) as error:
        return Half(start, frames, "failed", str(engine.potential.reason(error)))
    # Not "jump > bound": a jump that is not a number is one.
    if not jump <= engine.potential.energy_jump:
        return Half(start, frames, "failed", f"total energy changed by {jump:.1f} kJ/mol")
    return Half(start, frames, basin_of(last[0], basins) or "none")


def _total_energy(engine: MDEngine, positions: np.ndarray, velocities: np.ndarray) -> float:
    return engine.potential_energy(positions) + kinetic_energy(velocities, engine.potential.masses)
