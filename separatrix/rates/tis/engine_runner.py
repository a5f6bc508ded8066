"""An engine's dynamics for interface sampling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import openmm
from numpy.typing import NDArray

from separatrix.core.errors import PotentialError
from separatrix.cvs.states import Basin
from separatrix.dynamics.md_engine import MDEngine
from separatrix.dynamics.motion import kinetic_energy
from separatrix.rates.tis.transition_paths import NEITHER, PRODUCT, REACTANT, FloatArray, TrajectorySegment


class EngineRunner:
    """An engine's dynamics with two states: a basin up to a ceiling of the order parameter, and the other basin.

    Parameters
    ----------
    engine
        The engine.
    reactant, product
        The basins. Others count as neither.
    order
        Order parameter of positions, shape (n, n_atoms, 3); larger towards the product.
    gradient
        Its gradient, 1/nm, at positions of shape (n_atoms, 3); the same shape.
    ceiling
        The reactant's state is where the order parameter does not exceed it, in its basin.
    """

    def __init__(
        self,
        engine: MDEngine,
        reactant: Basin,
        product: Basin,
        order: Callable[[FloatArray], FloatArray],
        gradient: Callable[[FloatArray], FloatArray],
        ceiling: float = math.inf,
    ) -> None:
        self.engine = engine
        self.order = order
        self._gradient = gradient
        self.stochastic = bool(engine.settings.friction)
        self.ceiling = ceiling
        self._reactant, self._product = reactant, product

    def draw(self, positions: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Thermal velocities, nm/ps."""
        return self.engine.thermal_velocities(positions, rng)

    def along(self, positions: FloatArray, velocities: FloatArray) -> FloatArray:
        """Part of velocities along the order parameter's mass-weighted gradient, nm/ps; atoms that are held have none.

        With q = M^(1/2) x the gradient is g = M^(-1/2) dr/dx, and the part of dq/dt along it (g . dq/dt) g / (g . g).
        """
        potential = self.engine.potential
        gradient = self._gradient(positions)
        if potential.active is not None:
            gradient = gradient * potential.active
        uphill = gradient / potential.masses[:, None]
        square = float((gradient * uphill).sum())
        return uphill * (float((gradient * velocities).sum()) / square) if square > 0.0 else np.zeros_like(uphill)

    def sides(self, positions: FloatArray, velocities: FloatArray) -> NDArray[np.int64]:
        """Side of frames, shape (n,)."""
        return np.array([self._side(x) for x in positions], dtype=int)

    def run_to_state(
        self, positions: FloatArray, velocities: FloatArray, rng: np.random.Generator
    ) -> TrajectorySegment:
        """Run to the first frame in either state."""
        return self._run(positions, velocities, self.engine.n_frames_max, rng, (REACTANT, PRODUCT))

    def run_frames(
        self, positions: FloatArray, velocities: FloatArray, frames: int, rng: np.random.Generator
    ) -> TrajectorySegment:
        """Run a number of frames, in and out of either state."""
        return self._run(positions, velocities, frames, rng, ())

    def _side(self, x: FloatArray) -> int:
        if self._product.contains(x):
            return PRODUCT
        if self._reactant.contains(x) and (math.isinf(self.ceiling) or float(self.order(x[None])[0]) <= self.ceiling):
            return REACTANT
        return NEITHER

    def _run(
        self,
        positions: FloatArray,
        velocities: FloatArray,
        frames: int,
        rng: np.random.Generator,
        stop: tuple[int, ...],
    ) -> TrajectorySegment:
        engine = self.engine
        engine.legs += 1
        track: list[tuple[FloatArray, FloatArray]] = [(np.asarray(positions), np.asarray(velocities))]
        side, reason = NEITHER, ""
        try:
            run = engine.run(engine.snapshot(positions, velocities), lambda _: True, rng)
            for state in itertools.islice(run, frames):
                x = state.getPositions(asNumpy=True)._value
                track.append((x, state.getVelocities(asNumpy=True)._value))
                if stop and (side := self._side(x)) in stop:
                    break
            jump = abs(self._total_energy(*track[-1]) - self._total_energy(*track[0]) - engine.heat)
            # Not "jump > bound": a jump that is not a number is one.
            if not jump <= engine.potential.energy_jump:
                reason = f"total energy changed by {jump:.1f} kJ/mol"
        except (openmm.OpenMMException, PotentialError) as error:
            reason = str(engine.potential.reason(error))
        ran = track[1:]
        shape = (len(ran), *np.shape(positions))
        return TrajectorySegment(
            np.array([x for x, _ in ran]).reshape(shape), np.array([v for _, v in ran]).reshape(shape), side, reason
        )

    def _total_energy(self, positions: FloatArray, velocities: FloatArray) -> float:
        return self.engine.potential_energy(positions) + kinetic_energy(velocities, self.engine.potential.masses)
