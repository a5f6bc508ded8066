"""Keys of `stationary`: how minima and saddles are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from separatrix.config.stage_names import GEOMETRY
from separatrix.core.section import Number, Section, key


class StationarySection(Section):
    """How minima and saddles are found."""

    stages: ClassVar[tuple[str, ...]] = ("minimum", "guess", "saddle_search")
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {GEOMETRY: ("minimum", "guess", "saddle_search", "saddle")}

    largest_force_kcal_mol_A: Number = key(
        0.05,
        "largest force on an atom at a stationary point, in kcal/mol/angstrom",
        unit="kcal/mol/Å",
        guide="largest force on an atom at a minimum or saddle",
        gt=0,
        le=100,
    )
    quenches: int = key(
        3,
        "how many times a minimum is heated and relaxed again in search of a lower one",
        guide="times a minimum is heated and relaxed again in search of a lower one",
        ge=0,
        le=10000,
    )
    quench_temperature_K: Number = key(
        600,
        "temperature of the quenches in kelvin",
        unit="K",
        guide="temperature of these quenches",
        gt=0.001,
        le=100000,
    )
