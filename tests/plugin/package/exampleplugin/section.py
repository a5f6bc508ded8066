"""Keys of the config for the package's route and its criterion: types, bounds, units, descriptions, defaults."""

from __future__ import annotations

from typing import ClassVar

from separatrix.config.listed_names import MethodNames
from separatrix.config.package_sections import PackageSection
from separatrix.core.section import Number, Section, key


class ExampleRateSection(Section):
    """A rate that people are asked for."""

    stages: ClassVar[tuple[str, ...]] = ("example_rate",)

    methods: MethodNames = key([], "methods whose rate people are asked for", stages=())
    people: int = key(9, "people who are asked", ge=1, le=1000)
    patience_fs: Number = key(20, "time that each is given", unit="fs", guide="time for an answer", gt=0, le=1000)


class LateChainsSection(Section):
    """What the criterion of shots per chain leaves out."""

    stages: ClassVar[tuple[str, ...]] = ("assess",)

    left_out: int = key(0, "shots of each chain that do not count", ge=0, le=1000)


SECTION = (
    PackageSection("rates.example", ExampleRateSection, "a rate that people are asked for"),
    PackageSection("sampling.shots_per_chain", LateChainsSection, "what does not count for shots per chain"),
)
