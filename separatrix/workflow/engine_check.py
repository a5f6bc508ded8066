"""Is a method fit to be used: available, consistent, stable, and how fast. What `separatrix check` measures."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from separatrix import potentials
from separatrix.config.configuration import Config
from separatrix.config.methods import Method
from separatrix.config.package_sections import SECTIONS
from separatrix.config.system import System
from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import read_geometry
from separatrix.core.seeds import stream
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.cvs.states import basin_of
from separatrix.dynamics.motion import kinetic_energy, thermal_velocities
from separatrix.dynamics.stationary import relax
from separatrix.potentials import Potential

log = logging.getLogger(__name__)

_STEP = 2e-4  # nm, of the numerical derivative
_OFF = 0.002  # nm, how far a coordinate of a geometry file is moved before it is relaxed
_FLAT = 0.5  # kcal/mol/angstrom, the largest force on an atom of a relaxed geometry


@dataclass(frozen=True)
class Health:
    """What was measured of one method.

    Attributes
    ----------
    method
        Its name in the config.
    available
        Whether it could be built and gave an energy.
    version
        What computes it, with versions.
    energy
        At the reactant's geometry file, kcal/mol, the engine's own zero.
    max_force_error
        Largest difference of a component between the force and a numerical derivative of the energy,
        kcal/mol/angstrom, over all components at a loosely relaxed geometry.
    force_tolerance
        What the engine declares for it.
    nve_drift
        Change of the total energy per time along a trajectory at the config's step and temperature, kcal/mol/ps.
    drift_tolerance
        What the engine declares for it.
    ms_per_gradient
        Milliseconds per energy and gradient.
    calls_per_step
        Evaluations of the engine per integration step.
    reason
        Why it is not usable, or what to know; empty otherwise.
    acts
        What its options start or run that a person had to allow; empty otherwise.
    """

    method: str
    available: bool
    version: str = ""
    energy: float | None = None
    max_force_error: float | None = None
    force_tolerance: float | None = None
    nve_drift: float | None = None
    drift_tolerance: float | None = None
    ms_per_gradient: float | None = None
    calls_per_step: float | None = None
    minima: Mapping[str, bool] = field(default_factory=dict)
    reason: str = ""
    acts: str = ""

    @property
    def usable(self) -> bool:
        """Whether the method is available, within its declared tolerances, and has the minima that were looked for."""
        return (
            self.available
            and self.max_force_error is not None
            and self.nve_drift is not None
            and self.force_tolerance is not None
            and self.drift_tolerance is not None
            and self.max_force_error <= self.force_tolerance
            and abs(self.nve_drift) <= self.drift_tolerance
            and all(self.minima.values())
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self) | {"usable": self.usable}


def check_method(system: System, method: Method, *, steps: int = 400, minima: bool = False) -> Health:
    """Build a method and measure it.

    Parameters
    ----------
    steps
        Integration steps of the trajectory that the drift is read from.
    minima
        Whether to relax every basin's geometry, too. The workflow does that in stages of its own, to a smaller force.
    """
    _, start = read_geometry(system.geometries[system.reactant], anywhere=True)
    version = ""
    foreign = potentials.foreign(method.potential, method.options)
    acts = foreign.does if foreign else ""
    try:
        potential = potentials.build(method.potential, system.molecule, method.options)
        version = potential.description
        energy, _ = potential.energy_and_gradient(start)
        x = relax(system.molecule, potential.energy_and_gradient, start, fmax=2.0, steps=100)
        potential.remember(x)
        potential.restart()
        error = force_error(potential, x)
        drift, calls = _drift(system, method, potential, x, steps)
        milliseconds = _time(potential, x)
        lost = _lost_basins(system, potential) if minima else {}
    except (ConfigError, PotentialError) as problem:
        return Health(method.name, available=False, version=version, reason=str(problem), acts=acts)
    notes = [potential.caution] if potential.caution else []
    if error > potential.force_tolerance:
        notes.append(f"forces are off by more than the declared {potential.force_tolerance:g} kcal/mol/angstrom")
    if abs(drift) > potential.drift_tolerance:
        notes.append(f"energy drifts by more than the declared {potential.drift_tolerance:g} kcal/mol/ps")
    notes += [why for why in lost.values() if why]
    return Health(
        method=method.name,
        available=True,
        version=version,
        energy=energy / KCAL,
        max_force_error=error,
        force_tolerance=potential.force_tolerance,
        nve_drift=drift,
        drift_tolerance=potential.drift_tolerance,
        ms_per_gradient=milliseconds,
        calls_per_step=calls,
        minima={name: not why for name, why in lost.items()},
        reason="; ".join(notes),
        acts=acts,
    )


def _lost_basins(system: System, potential: Potential) -> dict[str, str]:
    """Basin -> why the engine has no minimum in it; empty where it has one.

    The walk starts a little off the geometry file, whose symmetry would keep it on a ridge.
    """
    lost = {}
    for basin in system.basins:
        _, start = read_geometry(system.geometries[basin.name], anywhere=not potential.isolated)
        off = _OFF * np.random.default_rng(0).standard_normal(start.shape)
        start = start + (off if potential.active is None else np.where(potential.active, off, 0.0))
        x = relax(system.molecule, potential.energy_and_gradient, start, fmax=_FLAT, steps=1000)
        force = np.linalg.norm(potential.energy_and_gradient(x)[1], axis=1).max() / (KCAL / ANGSTROM)
        missed = basin.missed(x)
        file = system.geometries[basin.name]
        if missed:
            where = basin_of(x, system.basins)
            lost[basin.name] = (
                f"no minimum in basin {basin.name}: downhill from {file} the engine reaches "
                f"{'no basin' if where is None else f'basin {where}'}, {', '.join(missed)}"
            )
        elif force > 2.0 * _FLAT:
            lost[basin.name] = (
                f"no minimum in basin {basin.name}: after 1000 steps from {file} the largest force is still "
                f"{force:.2g} kcal/mol/angstrom"
            )
        else:
            lost[basin.name] = ""
    return lost


def time_per_gradient(system: System, method: Method) -> float:
    """Milliseconds of an energy and gradient near the reactant's geometry.

    Raises
    ------
    ConfigError, PotentialError
        When the engine cannot be used.
    """
    _, start = read_geometry(system.geometries[system.reactant], anywhere=True)
    potential = potentials.build(method.potential, system.molecule, method.options)
    potential.remember(start)
    potential.restart()
    return _time(potential, start)


def force_error(potential: Potential, positions: np.ndarray) -> float:
    """Largest component of analytic minus numerical gradient, kcal/mol/angstrom."""
    _, gradient = potential.energy_and_gradient(positions)
    worst = 0.0
    for index in np.ndindex(positions.shape):
        shift = np.zeros_like(positions)
        shift[index] = _STEP
        near = potential.energy_and_gradient(positions + shift)[0] - potential.energy_and_gradient(positions - shift)[0]
        worst = max(worst, abs(near / (2.0 * _STEP) - gradient[index]))
    return worst / (KCAL / ANGSTROM)


def _drift(
    system: System, method: Method, potential: Potential, positions: np.ndarray, steps: int
) -> tuple[float, float]:
    """Slope of the total energy in kcal/mol/ps, and engine evaluations per step."""
    # At constant energy: with friction there would be nothing that stays.
    from separatrix.dynamics.md_engine import MDEngine

    engine = MDEngine(system.molecule, potential, replace(method.dynamics, friction=0.0))
    rng = stream(method.seed, method.name, "check")
    velocities = thermal_velocities(potential, positions, method.dynamics.temperature, rng)
    engine.current_snapshot = engine.snapshot(positions, velocities)
    energies = []
    before, seam = engine.evaluations, potential.seam
    frames = max(steps // method.dynamics.steps_per_frame, 8)
    for _ in range(frames):
        snapshot = engine.generate_next_frame()
        x, v = snapshot.coordinates._value, snapshot.velocities._value
        energies.append(engine.potential_energy(x) + kinetic_energy(v, potential.masses))
    # Where OpenMM has the forces it evaluates them once a step, by the way its integrators work.
    calls = (engine.evaluations - before) / engine.steps if seam is not None else 1.0
    times = np.arange(frames) * method.dynamics.frame / 1000.0
    if not np.isfinite(energies).all():
        raise PotentialError("the total energy stopped being finite along the trajectory")
    return float(np.polyfit(times, energies, 1)[0]) / KCAL, calls


def _time(potential: Potential, positions: np.ndarray, repeats: int = 20) -> float:
    """Median milliseconds of an evaluation at fresh positions close to one another, as dynamics asks for them."""
    spent = []
    for i in range(repeats):
        x = positions * (1.0 + 1e-5 * (i + 1))
        start = time.perf_counter()
        potential.energy_and_gradient(x)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent)) * 1000.0


def package_notes(config: Config) -> list[str]:
    """What a configuration uses of installed packages, a line each: engines, with what they leave out, and keys."""
    packages = potentials.ENGINES.plugins()
    lines = []
    for word in sorted({method.potential for method in config.methods.values()} & set(packages)):
        missing = potentials.ENGINES[word].missing()
        without = f"; it gives no {', '.join(missing)}" if missing else ""
        lines.append(f"engine {word!r} comes from the package {packages[word]}{without}")
    for name, package in SECTIONS.plugins().items():
        section = reduce(getattr, name.split("."), config.sections)
        if section != SECTIONS[name].section():
            lines.append(f"the keys {name} come from the package {package}")
    return lines
