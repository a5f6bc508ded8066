"""Keys of `committor`: committor shots, on the predicted separatrix and off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from separatrix.config.listed_names import CandidateNames
from separatrix.core.section import Number, Section, key, subsection


class AdaptiveSection(Section):
    """Further shots from configurations whose committor is not yet known well enough; absent, none."""

    stages: ClassVar[tuple[str, ...]] = ("committor_shots",)

    half_width: Number = key(
        ...,
        "half the 95 % interval of a committor that is narrow enough",
        guide=("configurations whose committor has a wider interval (half of 95 %) than this get further shots"),
        gt=0,
        le=0.5,
    )
    most_shots: int = key(
        ...,
        "most shots from one configuration",
        guide=(
            "with it: most shots from one configuration. The histogram test counts the first "
            "`shots_per_configuration` alone"
        ),
        ge=2,
        le=1_000_000,
    )


class CalibrationSection(Section):
    """Configurations spread over all predicted committors."""

    configurations: int = key(
        10,
        "how many; 0, none",
        guide="configurations spread over all predicted committors, 0: none",
        stages=("draw", "committor", "compare"),
        ge=0,
        le=1_000_000,
    )
    shots_per_configuration: int = key(
        6, "shots from each", stages=("committor_shots", "committor"), ge=2, le=1_000_000
    )


class BaselineSection(Section):
    """The coordinate that tells the basins apart, as a rival of the one found."""

    configurations: int = key(
        0,
        "configurations on its separatrix; 0, none (it is ranked all the same)",
        guide="configurations on the separatrix of the baseline coordinate, 0: none (it is ranked all the same)",
        stages=("draw", "committor", "compare"),
        ge=0,
        le=1_000_000,
    )
    shots_per_configuration: int = key(
        8, "shots from each", stages=("committor_shots", "committor"), ge=2, le=1_000_000
    )
    variables: CandidateNames = key(
        [],
        "its variables; empty, those of the atoms of the first coordinate that both basins name",
        guide=(
            "variables of the baseline coordinate; empty: those of the atoms of the first coordinate that both "
            "basins name (cos and sin of a dihedral)"
        ),
        stages=("draw", "committor"),
    )


class AlongPathSection(Section):
    """Configurations along one reactive path."""

    configurations: int = key(
        0,
        "how many; 0, none",
        guide="configurations along one reactive path, 0: none",
        stages=("draw", "committor", "compare"),
        ge=0,
        le=1_000_000,
    )
    shots_per_configuration: int = key(
        8, "shots from each", stages=("committor_shots", "committor"), ge=2, le=1_000_000
    )


class MapSection(Section):
    """A map of the committor in two variables; absent, none."""

    variables: CandidateNames = key(
        ...,
        "names of two candidate variables",
        guide="two candidate variables",
        stages=("draw", "committor"),
        min_length=2,
        max_length=2,
    )
    bins: int = key(
        6,
        "cells along each",
        guide="cells along each; every cell that paths visit gives a configuration",
        stages=("draw",),
        ge=2,
        le=1000,
    )
    shots_per_configuration: int = key(
        4,
        "shots from the configuration of each cell that paths visit",
        guide="shots from each",
        stages=("committor_shots", "committor"),
        ge=2,
        le=1_000_000,
    )


class RestraintSection(Section):
    """The ensemble held at r = 0, for `source` restrained."""

    stages: ClassVar[tuple[str, ...]] = ("restrained",)

    walkers: int = key(
        4,
        "independent runs, each from a path of its own",
        guide="for `restrained`: independent runs, each from a path of its own",
        ge=1,
        le=10000,
    )
    equilibration_fs: Number = key(100, "left out at the start of each", unit="fs", ge=0, le=1_000_000_000)
    length_fs: Number = key(500, "length of each after that", unit="fs", gt=0, le=1_000_000_000)
    frame_fs: Number = key(5, "time between configurations", unit="fs", gt=0, le=1_000_000)
    friction_per_ps: Number = key(
        10, "friction of its Langevin dynamics", unit="1/ps", guide="of its Langevin dynamics", gt=0, le=1_000_000
    )


class CommittorSection(Section):
    """Committor shots, on the predicted separatrix and off it."""

    renamed: ClassVar[Mapping[str, str]] = {"naive": "baseline"}

    source: Literal["paths", "shooting points", "restrained"] = key(
        "paths",
        "where configurations on the separatrix come from",
        guide=(
            "where configurations on the separatrix come from: `paths` (frames of reactive paths, by the weight "
            "of their path), `shooting points`, or `restrained` (the equilibrium ensemble, held at r = 0 by a "
            "spring whose effect the weights take away)"
        ),
        stages=("draw", "compare"),
    )
    configurations: int = key(
        15,
        "configurations on the separatrix",
        guide="configurations on the predicted separatrix",
        stages=("draw", "committor", "compare"),
        ge=2,
        le=1_000_000,
    )
    shots_per_configuration: int = key(
        8, "shots from each", stages=("committor_shots", "committor"), ge=2, le=1_000_000
    )
    tolerance: Number = key(
        0.2,
        (
            "largest root mean square of the coordinate r, its own error included, that counts as on the "
            "separatrix (r is dimensionless)"
        ),
        guide=(
            "largest sqrt(r² + error²) (dimensionless) that counts as on the separatrix; the error is that of the fit"
        ),
        stages=("restrained", "draw"),
        gt=0,
        le=1000,
    )
    batches: int = key(
        2,
        "jobs that the configurations of a set are divided over",
        stages=("committor_shots", "compare"),
        ge=1,
        le=10000,
    )
    adaptive: AdaptiveSection | None = key(
        None, "further shots from configurations whose committor is not yet known well enough; absent, none"
    )
    calibration: CalibrationSection = subsection(
        CalibrationSection, "configurations spread over all predicted committors"
    )
    baseline: BaselineSection = subsection(
        BaselineSection, "the coordinate that tells the basins apart, as a rival of the one found"
    )
    path: AlongPathSection = subsection(AlongPathSection, "configurations along one reactive path")
    map: MapSection | None = key(None, "a map of the committor in two variables; absent, none")
    restraint: RestraintSection = subsection(RestraintSection, "the ensemble held at r = 0, for `source` restrained")


# --- what stages are given of it --------------------------------------------------------------------------------------


class RestrainedSettings(Section):
    """What the ensemble held at r = 0 depends on."""

    stages: ClassVar[tuple[str, ...]] = ("restrained",)

    tolerance: Number = key(..., "largest coordinate r that counts as on the separatrix")
    restraint: RestraintSection = key(..., "how its walkers are run")


class DrawSettings(Section):
    """What the configurations of one committor-test set depend on."""

    stages: ClassVar[tuple[str, ...]] = ("draw",)

    source: str = key(..., "where the configurations come from: `paths`, `shooting points` or `restrained`")
    n: int = key(..., "at most how many configurations")
    tolerance: Number | None = key(None, "largest coordinate r that counts as on the separatrix")
    baseline: list[str] | None = key(None, "variables of the baseline coordinate")
    map: list[str] | None = key(None, "variables of the map")
    bins: int | None = key(None, "cells of the map along each")


class CommittorShotsSettings(Section):
    """What the shots from the configurations of one committor-test set depend on."""

    stages: ClassVar[tuple[str, ...]] = ("committor_shots",)

    shots: int = key(..., "shots from each configuration")
    batches: int = key(..., "jobs that the configurations are divided over")
    adaptive: AdaptiveSection | None = key(None, "further shots")


class CommittorTestSettings(Section):
    """What the analysis of all committor-test sets depends on."""

    stages: ClassVar[tuple[str, ...]] = ("committor",)

    shots: dict[str, int] = key(..., "shots from each configuration of each set")
    baseline: list[str] = key(..., "variables of the baseline coordinate")
    map: list[str] = key(..., "variables of the map; empty, none")


class ComparisonSettings(Section):
    """What the comparison of the methods depends on."""

    stages: ClassVar[tuple[str, ...]] = ("compare",)

    draws: list[str] = key(..., "names of the committor-test sets")
    batches: int = key(..., "jobs that the configurations of a set are divided over")
    source: str = key(..., "where configurations on the separatrix come from")


SETS = ("separatrix", "baseline", "calibration", "path", "map")
"""Committor-test sets, in the order in which they are made; `map` where the config has one."""


def random_key(name: str) -> str:
    """Name of a committor-test set among the keys of its random numbers.

    That of the baseline coordinate is its former name, so that the same seed still draws the same configurations.
    """
    return "naive" if name == "baseline" else name


def sets_of(rules: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Keys of each committor-test set in those of `committor`."""
    return {name: rules if name == "separatrix" else rules[name] for name in SETS if name in ("separatrix", *rules)}


def sizes(rules: CommittorSection) -> dict[str, tuple[int, int]]:
    """Committor-test sets to make: at most how many configurations, and shots from each."""
    parts = {
        "separatrix": rules,
        "baseline": rules.baseline,
        "calibration": rules.calibration,
        "path": rules.path,
    }
    numbers = {name: (part.configurations, part.shots_per_configuration) for name, part in parts.items()}
    if rules.map is not None:
        numbers["map"] = rules.map.bins**2, rules.map.shots_per_configuration
    return {name: size for name, size in numbers.items() if size[0]}


def of_comparison(part: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """What the comparison is given, as :class:`ComparisonSettings` reads it."""
    return {"draws": [*names], "batches": part["batches"], "source": part["source"]}


def of_stage(part: Mapping[str, Any], stage: str, draw: str | None, source: str | None) -> dict[str, Any]:
    """What a stage of the committor test is given, as its class above reads it.

    Parameters
    ----------
    part
        What the stage depends on, of all sets.
    stage
        Name of the stage.
    draw
        Committor-test set, for ``draw`` and ``committor_shots``.
    source
        Where that set has its configurations from.
    """
    own = sets_of(part).get(draw or "", {})
    given: dict[str, Any]
    if stage == "restrained":
        given = {"tolerance": part["tolerance"], "restraint": part["restraint"]}
    elif stage == "committor_shots":
        shots = own["shots_per_configuration"]
        given = {"shots": shots, "batches": part["batches"], "adaptive": part.get("adaptive")}
    elif stage == "draw":
        given = {"source": source, "n": own["bins"] ** 2 if draw == "map" else own["configurations"]}
        if draw in ("separatrix", "baseline"):
            given["tolerance"] = part["tolerance"]
        if draw == "baseline":
            given["baseline"] = own["variables"]
        if draw == "map":
            given |= {"map": own["variables"], "bins": own["bins"]}
    else:
        # The map has no number of its own: one configuration of each cell.
        made = {name: each for name, each in sets_of(part).items() if each.get("configurations", True)}
        given = {
            "shots": {name: each["shots_per_configuration"] for name, each in made.items()},
            "baseline": part["baseline"]["variables"],
            "map": part["map"]["variables"] if "map" in part else [],
        }
    return given | {key: value for key, value in part.items() if key not in CommittorSection.model_fields}
