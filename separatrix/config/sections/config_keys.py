"""Keys of a config file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from separatrix.config.sections.committor_keys import CommittorSection
from separatrix.config.sections.coordinate_keys import CoordinateSection
from separatrix.config.sections.export_keys import ExportSection
from separatrix.config.sections.method_keys import MethodSection
from separatrix.config.sections.rates_keys import RatesSection
from separatrix.config.sections.report_keys import ReportSection
from separatrix.config.sections.sampling_keys import SamplingSection
from separatrix.config.sections.scan_keys import ScanSection
from separatrix.config.sections.stationary_keys import StationarySection
from separatrix.core.section import EVERY_STAGE, Number, Section, key, subsection


class ConfigSection(Section):
    """What to run. Every quantity carries its unit in its key."""

    system: str = key(
        ...,
        "path of the file that describes the molecule, its basins and variables",
        guide="path of the system file (below)",
    )
    results_directory: str = key(
        "results",
        "folder that everything is written to",
        guide=(
            "folder that everything is written to: new, empty, or one of earlier results "
            "([docs/files.md](../docs/files.md#the-folder-of-results)); `~` and `$VARIABLES` are not expanded"
        ),
        min_length=1,
    )
    seed: int = key(
        1,
        "root of all random numbers; same seed and config, same results",
        guide="root of all random numbers; same seed and config, same results, whatever the number of cores",
        stages=EVERY_STAGE,
        ge=0,
        le=9_223_372_036_854_775_807,
    )
    temperature_K: Number = key(
        300,
        "temperature of the velocities that are drawn, in kelvin",
        unit="K",
        guide="temperature of the velocities that are drawn",
        stages=EVERY_STAGE,
        gt=0.001,
        le=100000,
    )
    failures_in_a_row: int = key(
        10,
        "failed shots in a row before a job stops; what it has done stays on record",
        guide="failed shots in a row before a job stops with a clear message; what it has done stays on record",
        stages=("sample", "committor_shots", "transmission", "interface_pilot", "interface_chain"),
        ge=1,
        le=1_000_000,
    )
    methods: dict[
        Annotated[
            str,
            Field(
                pattern=r"^(?!(comparison|export)$)[A-Za-z][A-Za-z0-9.-]*$(?!\n)",
                max_length=100,
                description=(
                    "a letter, then letters, digits, points or hyphens (it becomes a folder's name), but not "
                    "`comparison` or `export`"
                ),
            ),
        ],
        MethodSection,
    ] = key(
        ...,
        "levels of theory to compare, by a name of your choice",
        guide=(
            "levels of theory, by a name of your choice (letters, digits, points, hyphens; not `comparison` or "
            "`export`)"
        ),
        stages=(),
        min_length=1,
    )
    scans: dict[
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z][A-Za-z0-9-]*$(?!\n)",
                max_length=100,
                description="a letter, then letters, digits or hyphens (it becomes part of a folder's name)",
            ),
        ],
        ScanSection,
    ] = key({}, "settings of methods that are varied, by a name of your choice", stages=())
    report: ReportSection = subsection(ReportSection, "the report")
    export: ExportSection = subsection(ExportSection, "the research object under results/export")
    theory: list[Annotated[str, Field(description="path of a MODEL.yaml")]] = key(
        [],
        "surfaces of two variables whose diffusive rates and separatrices the report shows",
        guide=(
            "paths of surfaces (MODEL.yaml, below) whose diffusive rates and separatrices the report shows; needs"
            " no sampling"
        ),
    )
    stationary: StationarySection = subsection(StationarySection, "how minima and saddles are found")
    sampling: SamplingSection = subsection(SamplingSection, "aimless shooting")
    coordinate: CoordinateSection = subsection(CoordinateSection, "likelihood maximisation of the reaction coordinate")
    committor: CommittorSection = subsection(
        CommittorSection, "committor shots, on the predicted separatrix and off it"
    )
    rates: RatesSection = subsection(RatesSection, "rate constants")
