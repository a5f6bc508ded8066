"""The seam between an engine and OpenMM: what every potential must be, and what every number is checked for."""

from __future__ import annotations

import difflib
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import openmm
from openmm import unit

from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.plain import one_line
from separatrix.core.text import is_file
from separatrix.core.units import FEMTOSECOND, KCAL
from separatrix.potentials.containment import checked, inside, standing_still


@dataclass(frozen=True)
class Option:
    """One keyword of an engine: its type, meaning, what it accepts, and what holds where it is absent.

    `default` is None where the engine, or another option, decides; tables show `shown_default` in its place, and
    `guide` in place of the meaning.
    """

    kind: type | tuple[type, ...]
    meaning: str
    choices: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    is_file: bool = False
    default: Any = None
    shown_default: str = ""
    guide: str = ""

    def check(self, key: str, value: Any) -> None:
        """Raise ConfigError unless `value` is of the right type and allowed."""
        wanted: tuple[Any, ...] = self.kind if isinstance(self.kind, tuple) else (self.kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            names = " or ".join(k.__name__ for k in wanted)
            raise ConfigError(f"{key}: {value!r} is not a {names} ({self.meaning})")
        if self.choices and value not in self.choices:
            near = difflib.get_close_matches(str(value), self.choices, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{key}: {value!r} is not one of {', '.join(self.choices)}{hint}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{key}: {value!r} is not a finite number ({self.meaning})")
        if self.minimum is not None and value < self.minimum:
            raise ConfigError(f"{key}: {value!r} is below {self.minimum:g} ({self.meaning})")
        if self.is_file and not is_file(value):
            raise ConfigError(f"{key}: {str(value)[:300]} does not exist; give the {self.meaning}")


class GradientEngine(Protocol):
    """Electronic structure as the seam sees it."""

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and its gradient in kJ/mol/nm, shape (n_atoms, 3), at positions in nm.

        Raises PotentialError when the self-consistent field does not converge.
        """
        ...

    def remember(self) -> None:
        """Keep the present electronic state as the one to start from."""
        ...

    def restore(self) -> None:
        """Go back to the state kept by :meth:`remember` (or to a cold start where there is none)."""
        ...


class Seam:
    """The function inside a `PythonForce`: calls an engine, checks its answer, counts, times, and remembers.

    A dictionary of recent configurations (keyed by the exact positions) serves three repeated questions at no
    cost: OpenMM asking for the energy of a configuration whose forces it has, the two halves of a shot starting
    from one point, and several shots from one configuration.

    Attributes
    ----------
    calls
        Number of times OpenMM asked.
    evaluations
        Number of times the engine was run.
    seconds
        Wall time inside the engine's own gradient call.
    error
        The last error, or None; OpenMM passes an exception on as one of its own, so the original is kept here.
    interrupt
        A keyboard interrupt that came while the engine ran, or None: OpenMM would pass it on as a failure.
    name
        The config's word for the engine, for those who read that it has ended its process.
    """

    def __init__(self, engine: GradientEngine, n_atoms: int, capacity: int = 1024) -> None:
        self.engine = engine
        self.n_atoms = n_atoms
        self.capacity = capacity
        self.calls = 0
        self.evaluations = 0
        self.seconds = 0.0
        self.error: PotentialError | None = None
        self.interrupt: KeyboardInterrupt | None = None
        self.name = "of this method"
        # One that runs in a process of its own can neither end nor move this one.
        self._elsewhere = getattr(engine, "in_own_process", False)
        self._recent: OrderedDict[bytes, tuple[float, np.ndarray]] = OrderedDict()
        # An engine that could not go back to its remembered state fails what comes after, and not the job.
        self._not_restored: PotentialError | None = None

    def __call__(self, state: openmm.State) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and forces in kJ/mol/nm of an OpenMM state."""
        # OpenMM's states are in nm; asking the quantity to convert itself takes longer than all that `at` does.
        return self.at(state.getPositions(asNumpy=True)._value)

    def at(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and forces in kJ/mol/nm at positions in nm.

        Raises
        ------
        PotentialError
            When the positions or the engine's answer are not finite, or the engine gave up.
        """
        self.calls += 1
        positions = np.ascontiguousarray(positions, dtype=float)
        key = positions.tobytes()
        recent = self._recent.get(key)
        if recent is not None:
            return recent
        try:
            # OpenMM passes NaN on without a word; here is where it would enter or leave.
            if not math.isfinite(positions.sum()):
                raise PotentialError("positions are not finite")
            if self._not_restored is not None:
                raise self._not_restored
            start = time.perf_counter()
            answer = self._ask(positions)
            self.seconds += time.perf_counter() - start
            self.evaluations += 1
            energy, gradient = checked(answer, self.n_atoms)
        except PotentialError as error:
            self.error = error
            raise
        except KeyboardInterrupt as error:
            self.interrupt = error
            raise
        except BaseException as error:  # whatever a library raises is a failure of this one evaluation
            self.error = PotentialError(one_line(error))
            raise self.error from error
        answer = (energy, -gradient)
        self._recent[key] = answer
        if len(self._recent) > self.capacity:
            self._recent.popitem(last=False)
        return answer

    def _ask(self, positions: np.ndarray) -> Any:
        if self._elsewhere:
            return self.engine.gradient(positions)
        with standing_still(), inside(self.name):
            return self.engine.gradient(positions)

    def forget(self) -> None:
        """Forget recent configurations."""
        self._recent.clear()

    def restart(self) -> None:
        """Forget recent configurations and put the engine back to its remembered electronic state.

        Called at the start of every shot, so that a shot's numbers depend on its own start and nothing else:
        a chain that was killed continues to the same numbers.
        """
        self.forget()
        self.error = None
        self._not_restored = None
        try:
            with standing_still():
                self.engine.restore()
        except PotentialError as error:
            self._not_restored = error
        except (Exception, SystemExit) as error:  # an engine may raise what it likes
            self._not_restored = PotentialError(one_line(error))

    def remember(self) -> None:
        """Keep the engine's present electronic state.

        Raises
        ------
        PotentialError
            When the engine cannot.
        """
        try:
            with standing_still():
                self.engine.remember()
        except PotentialError:
            raise
        except (Exception, SystemExit) as error:  # an engine may raise what it likes
            raise PotentialError(one_line(error)) from error


@dataclass
class Potential:
    """A level of theory for one molecule.

    Attributes
    ----------
    system
        OpenMM System without constraints, barostats, or centre-of-mass removers.
    seam
        The Python side of the force, or None where OpenMM computes the forces itself.
    platform
        Name of the OpenMM platform to run on.
    description
        One line for the report: what was computed by which program and version.
    energy_jump
        Largest change of the total energy along one half-trajectory, kJ/mol, before the half counts as failed:
        a self-consistent field that fell into another state shows as a jump of tens of kJ/mol.
    force_tolerance
        Declared: how far a force may be from the numerical derivative of the energy, kcal/mol/angstrom.
    drift_tolerance
        Declared: how much the total energy may change per time, kcal/mol/ps.
    caution
        What a user should know before trusting it; empty otherwise.
    isolated
        Whether linear and angular momentum are conserved, so velocities are drawn without them.
    active
        Where not isolated: which Cartesian coordinates move, shape (n_atoms, 3); None: all. The potential does not
        depend on the others; velocities, vibrations and steps to a saddle leave them out.
    """

    system: openmm.System
    description: str
    seam: Seam | None = None
    platform: str = "Reference"
    energy_jump: float = 5.0 * KCAL
    force_tolerance: float = 0.05
    drift_tolerance: float = 0.5
    caution: str = ""
    isolated: bool = True
    active: np.ndarray | None = None
    _context: openmm.Context | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.isolated and self.active is not None:
            raise ValueError("an isolated molecule moves along all coordinates")

    @cached_property
    def masses(self) -> np.ndarray:
        """Masses in dalton, shape (n_atoms,)."""
        return np.array(
            [self.system.getParticleMass(i).value_in_unit(unit.dalton) for i in range(self.system.getNumParticles())]
        )

    def energy_and_gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm, shape (n_atoms, 3), at positions in nm.

        Asks the System through an OpenMM context, so what is tested is what the dynamics sees.

        Raises
        ------
        PotentialError
            When the engine gives up or the answer is not finite.
        """
        context = self._open()
        try:
            context.setPositions(positions)
            state = context.getState(getEnergy=True, getForces=True)
        except (openmm.OpenMMException, PotentialError) as error:
            raise self.reason(error) from error
        energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise PotentialError("energy or forces are not finite")
        return energy, -forces

    def run(self, positions: np.ndarray, velocities: np.ndarray, *, time_step: float, steps: int) -> np.ndarray:
        """Plain constant-energy dynamics; positions at the end, nm.

        Parameters
        ----------
        positions, velocities
            nm and nm/ps, shape (n_atoms, 3).
        time_step
            fs.

        Raises
        ------
        PotentialError
            When the engine gives up or the positions stop being finite.
        """
        context = self._open()
        try:
            context.getIntegrator().setStepSize(time_step * FEMTOSECOND)
            context.setPositions(positions)
            context.setVelocities(velocities)
            context.getIntegrator().step(steps)
            state = context.getState(getPositions=True)
        except (openmm.OpenMMException, PotentialError) as error:
            raise self.reason(error) from error
        end = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        if not np.isfinite(end).all():
            raise PotentialError("positions are not finite")
        return end

    def _open(self) -> openmm.Context:
        if self._context is None:
            platform = registered_platform(self.platform)
            try:
                self._context = openmm.Context(self.system, openmm.VerletIntegrator(0.001), platform)
            except openmm.OpenMMException as error:
                raise PotentialError(
                    f"platform: OpenMM cannot use {self.platform} on this machine ({' '.join(str(error).split())}); "
                    "run where there is such a device, or set another platform"
                ) from error
        return self._context

    def reason(self, error: Exception) -> PotentialError:
        """The engine's own error behind one that came through OpenMM.

        Raises
        ------
        KeyboardInterrupt
            When that is what came through.
        """
        if self.seam is not None and self.seam.interrupt is not None:
            interrupt, self.seam.interrupt = self.seam.interrupt, None
            raise interrupt from None
        if self.seam is not None and self.seam.error is not None:
            return self.seam.error
        return error if isinstance(error, PotentialError) else PotentialError(str(error) or one_line(error))

    def remember(self, positions: np.ndarray) -> None:
        """Converge the engine at `positions` (nm) and keep that electronic state as every shot's start."""
        if self.seam is not None:
            self.seam.forget()
        self.energy_and_gradient(positions)
        if self.seam is not None:
            self.seam.remember()

    def restart(self) -> None:
        """Make the next evaluation independent of all earlier ones."""
        if self.seam is not None:
            self.seam.restart()


def registered_platform(name: str) -> openmm.Platform:
    """OpenMM's platform of a name.

    Not a matter of loading a config: a login node need not have what a compute node has.

    Raises
    ------
    ConfigError
        When OpenMM has none of that name on this machine.
    """
    here = [openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())]
    if name not in here:
        # A plugin that is installed and lacks a library of the driver says so; one that is not there says nothing.
        failures = [
            line for line in openmm.Platform.getPluginLoadFailures() if f"OpenMM{name}." in line.partition(": ")[0]
        ]
        why = failures[0].partition(": ")[2] if failures else f"the plugin of {name} is not installed"
        raise ConfigError(
            f"platform: OpenMM has no {name!r} on this machine ({why}); it has {', '.join(here)}: set one of these, or "
            "run where there is such a device"
        )
    return openmm.Platform.getPlatformByName(name)


def python_potential(molecule: Molecule, engine: GradientEngine, description: str, **settings: Any) -> Potential:
    """A Potential whose only force is a `PythonForce` around `engine`."""
    system = openmm.System()
    for mass in molecule.masses:
        system.addParticle(mass)
    seam = Seam(engine, molecule.n_atoms)
    force = openmm.PythonForce(seam)
    force.setUsesPeriodicBoundaryConditions(False)
    system.addForce(force)
    return Potential(system, description, seam, **settings)
