"""The system, the method and its engine, of a stage's settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from separatrix import potentials
from separatrix.config.methods import Method
from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System
from separatrix.core.errors import PotentialError
from separatrix.dynamics import stationary
from separatrix.potentials import Potential
from separatrix.results.stationary_files import read_stationary

if TYPE_CHECKING:
    from separatrix.dynamics.md_engine import MDEngine

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]


def open_method(given: StageSettings) -> tuple[System, Method, Potential]:
    """The system, the method and its potential, of a stage's settings."""
    system, method = given.system, given.method
    potential = potentials.build(method.potential, system.molecule, method.options)
    log.info("%s: %s", method.label, potential.description)
    return system, method, potential


def anchor(potential: Potential, points: Sequence[stationary.StationaryPoint]) -> None:
    """Walk the engine through known stationary points and make the last one the start of every shot.

    Raises
    ------
    PotentialError
        When an energy differs from the recorded one: the field has converged to another state.
    """
    for point in points:
        potential.remember(point.positions)
        energy, _ = potential.energy_and_gradient(point.positions)
        if abs(energy - point.energy) > 0.5:
            raise PotentialError(
                f"energy of {point.name} is {energy - point.energy:+.2f} kJ/mol off the recorded one: the "
                "self-consistent field has converged to another state"
            )
    potential.restart()


def open_engine(given: StageSettings, minimum: Path | str, saddle: Path | str) -> tuple[System, Method, MDEngine]:
    """The same with an engine for dynamics, its electronic state anchored at the stationary points."""
    from separatrix.dynamics.md_engine import MDEngine

    system, method, potential = open_method(given)
    anchor(potential, [read_stationary(minimum), read_stationary(saddle)])
    return system, method, MDEngine(system.molecule, potential, method.dynamics)
