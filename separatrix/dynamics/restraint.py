"""Dynamics with a spring on the reaction coordinate, on top of any potential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import openmm
from openmm import unit

from separatrix.coordinate.openmm_force import openmm_force
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.units import BOLTZMANN
from separatrix.dynamics.integrators import langevin
from separatrix.dynamics.motion import maxwell_boltzmann
from separatrix.potentials import Potential

#: OpenMM's force group of the spring, the last one: energies are asked for without it.
_SPRING = 31


class Frame(NamedTuple):
    """What a biased run gives: positions (nm, shape (n_atoms, 3)), the reaction coordinate there, and the potential.

    The last is the potential energy without the spring, kJ/mol.
    """

    positions: np.ndarray
    r: float
    energy: float


class HarmonicRestraint:
    """Langevin dynamics under U + (stiffness / 2) (r - centre)^2.

    Parameters
    ----------
    potential
        The level of theory. Its System gets the spring, so it must not be used for anything else.
    coordinate
        The reaction coordinate.
    time_step
        fs.
    friction
        1/ps.
    temperature
        K.
    lightest
        Dalton; lighter atoms move as if they weighed this. Averages over positions do not depend on masses, and
        without the fast motion of hydrogens the time step can be longer (Feenstra, Hess and Berendsen, J. Comput.
        Chem. 1999, 20, 786). None: atoms have their masses.

    Raises
    ------
    SamplingError
        When a variable of the coordinate has no counterpart in OpenMM.
    """

    def __init__(
        self,
        potential: Potential,
        coordinate: ReactionCoordinate,
        *,
        time_step: float,
        friction: float,
        temperature: float,
        lightest: float | None = None,
    ) -> None:
        self.potential = potential
        self.coordinate = coordinate
        self.temperature = temperature
        self.masses = potential.masses if lightest is None else np.maximum(potential.masses, lightest)
        system = potential.system
        for atom, mass in enumerate(self.masses):
            # Atoms that are held still have no mass in the System, and keep none.
            if lightest is not None and system.getParticleMass(atom) > 0.0 * unit.dalton:
                system.setParticleMass(atom, mass)
        try:
            force = openmm_force(
                coordinate,
                "0.5*spring_stiffness*(r-spring_centre)^2",
                {"spring_stiffness": 0.0, "spring_centre": 0.0},
                system.getNumParticles(),
            )
        except ValueError as error:
            raise SamplingError(f"the coordinate cannot be held by a spring: {error}") from error
        force.setForceGroup(_SPRING)
        system.addForce(force)
        integrator = langevin(time_step, friction, temperature)
        platform = openmm.Platform.getPlatformByName(potential.platform)
        self._context = openmm.Context(system, integrator, platform)
        shape = (system.getNumParticles(), 3)
        self._step = 1e-3 * time_step
        # Of a run, and per ps of longer ones. A long time step has an error that goes with the kinetic energy:
        # 1 to 3 % of it, as a standard deviation, where the lightest atoms weigh 12 Da and steps are of 2 fs.
        self._jump = potential.energy_jump + 0.1 * 1.5 * shape[0] * BOLTZMANN * temperature
        self._moves = np.ones(shape) if potential.active is None else potential.active.astype(float)

    def run(
        self,
        start: np.ndarray,
        *,
        centre: float,
        stiffness: float,
        steps: int,
        every: int,
        rng: np.random.Generator,
        velocities: np.ndarray | None = None,
        through: Sequence[np.ndarray] = (),
    ) -> Iterator[Frame]:
        """Run from positions.

        Parameters
        ----------
        start
            Positions, nm, shape (n_atoms, 3).
        centre
            Of the spring, in units of r.
        stiffness
            kJ/mol per unit of r squared.
        steps, every
            Integration steps, and steps between frames.
        rng
            Random stream of fresh velocities and noise; the run depends on nothing else.
        velocities
            nm/ps, shape (n_atoms, 3), where a run goes on; None: fresh ones.
        through
            Configurations, nm, that the engine's electronic state is led through from where it starts anew.

        Yields
        ------
        A frame each `every` steps.

        Raises
        ------
        PotentialError
            When the potential fails, positions stop being finite, or the energy changes by other than what the bath has
            given: a field that has converged to another state, or a time step that is too long.
        """
        self.potential.restart()
        for positions in through:
            self.potential.energy_and_gradient(positions)
        context = self._context
        integrator = context.getIntegrator()
        context.setParameter("spring_centre", centre)
        context.setParameter("spring_stiffness", stiffness)
        context.setPositions(start)
        # With friction the bath turns and moves an isolated molecule too.
        if velocities is None:
            velocities = maxwell_boltzmann(
                start, self.masses, self.temperature, rng, isolated=False, active=self.potential.active
            )
        context.setVelocities(velocities)
        try:
            first = self._conserved()
        except (openmm.OpenMMException, PotentialError) as error:
            raise self.potential.reason(error) from error
        elapsed = 0.0
        for _ in range(steps // every):
            try:
                for draw in rng.standard_normal((every, *self._moves.shape)) * self._moves:
                    integrator.setPerDofVariableByName("noise", draw)
                    integrator.step(1)
                state = context.getState(positions=True)
                # An engine behind the seam has this configuration at hand.
                energy = context.getState(energy=True, groups=set(range(_SPRING))).getPotentialEnergy()
                total = self._conserved()
            except (openmm.OpenMMException, PotentialError) as error:
                raise self.potential.reason(error) from error
            positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
            if not np.isfinite(positions).all():
                raise PotentialError("positions are not finite")
            elapsed += every * self._step
            # Not "> bound": a change that is not a number is one.
            if not abs(total - first) <= self._jump * max(1.0, elapsed):
                raise PotentialError(f"total energy changed by {total - first:+.1f} kJ/mol in {elapsed:.2g} ps")
            r = float(self.coordinate.evaluate(positions[None]).r[0])
            yield Frame(positions, r, energy.value_in_unit(unit.kilojoule_per_mole))

    def _conserved(self) -> float:
        """Energy without what the bath has given, kJ/mol: the same at all times but for the time step's error."""
        state = self._context.getState(energy=True)
        energy = state.getPotentialEnergy() + state.getKineticEnergy()
        return energy.value_in_unit(unit.kilojoule_per_mole) - self._context.getIntegrator().getGlobalVariableByName(
            "heat"
        )

    def velocities(self) -> np.ndarray:
        """Velocities now, nm/ps, shape (n_atoms, 3): with the last frame's positions, what a run goes on from."""
        state = self._context.getState(velocities=True)
        return state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)


def stiffness_for(width: float, temperature: float) -> float:
    """Stiffness (kJ/mol per unit of r squared) of a spring under which r alone would spread by `width`."""
    return BOLTZMANN * temperature / width**2


def unbiased_weight(r: np.ndarray, centre: float, stiffness: float, temperature: float) -> np.ndarray:
    """Weights that take the spring's pull out of an average, exp(stiffness (r - centre)^2 / 2 kT), largest 1."""
    exponent = 0.5 * stiffness * (np.asarray(r) - centre) ** 2 / (BOLTZMANN * temperature)
    return np.exp(exponent - exponent.max())


def speed_of(coordinate: ReactionCoordinate, positions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Length of the mass-weighted gradient of r, sqrt(sum |dr/dx_i|^2 / m_i).

    Thermal velocities give dr/dt a normal distribution of standard deviation sqrt(kT) times this.

    Parameters
    ----------
    coordinate
        The reaction coordinate.
    positions
        nm, shape (n, n_atoms, 3).
    masses
        Dalton, shape (n_atoms,).

    Returns
    -------
    1/(nm dalton^(1/2)), shape (n,).
    """
    atoms = sorted({a for v in coordinate.variables for leaf in v.leaves for a in leaf.atoms})
    total = np.zeros(len(positions))
    for atom in atoms:
        for axis in range(3):
            # dr/dt is linear in the velocities, so a unit velocity picks out one component of the gradient.
            unit_velocity = np.zeros_like(positions)
            unit_velocity[:, atom, axis] = 1.0
            velocity = coordinate.evaluate(positions, unit_velocity).r_rate
            assert velocity is not None  # velocities were given
            total += velocity**2 / masses[atom]
    return np.sqrt(total)
