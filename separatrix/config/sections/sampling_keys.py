"""Keys of `sampling`: aimless shooting, and when it ends."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from separatrix.core.section import Number, Section, key, subsection


class BurnInSection(Section):
    """First shots of a chain, left out of all statistics."""

    shots: int = key(
        0,
        "number of these shots, ahead of the first round",
        guide="shots ahead of the first round that are left out of all statistics",
        stages=("sample",),
        ge=0,
        le=1_000_000,
    )
    target_acceptance: Number | None = key(
        None,
        "acceptance that the shift is tuned to in the burn-in; the shift stays as configured if absent",
        guide=(
            "acceptance per move that the shift is tuned to in the burn-in, and then frozen; absent: the shift "
            "stays as configured"
        ),
        stages=("sample",),
        gt=0,
        lt=1,
    )


class ConvergenceSection(Section):
    """What must hold for sampling to end before the last round."""

    stages: ClassVar[tuple[str, ...]] = ("assess",)

    information_error: Number = key(
        0.1,
        "largest information error of the coordinate, between blocks of correlated shots, at its upper limit",
        guide=(
            "sampling ends when the coordinate's information error, between blocks of correlated shots and at its "
            "upper confidence limit (0.95), is no larger"
        ),
        gt=0,
    )
    r_hat: Number = key(
        1.05,
        "largest rank-normalised R-hat of the variables in the coordinate, between and within chains",
        guide="and R-hat of its variables is no larger",
        gt=1,
    )
    effective_samples: Number = key(
        100,
        "fewest effectively independent shooting points, all chains together",
        guide="and shooting points are worth so many independent ones, all chains together",
        gt=0,
        le=1_000_000_000,
    )
    stable_rounds: int = key(
        2,
        "rounds in a row that have chosen the same variables, or interchangeable ones",
        guide="and so many rounds in a row have chosen the same variables, or interchangeable ones",
        ge=1,
        le=10000,
    )
    further: dict[str, Number] = key(
        {},
        "criteria of installed packages that must hold as well, by name, each with its bound",
        guide="and each of these criteria of installed packages holds: its name, and its bound",
    )


class SamplingSection(Section):
    """Aimless shooting."""

    rule: Literal["three-point", "two-point", "uniform"] = key(
        "three-point",
        "how the next shooting point is chosen (docs/method.md says when to use which)",
        guide=(
            "how the next shooting point is chosen: `three-point`, `two-point` or `uniform` "
            "([docs/method.md](../docs/method.md) says when to use which)"
        ),
        stages=("sample",),
    )
    chains: int = key(
        2,
        "number of independent chains per method",
        guide="independent chains per method; one alone can never be called converged",
        ge=1,
        le=10000,
    )
    starts: list[Annotated[str, Field(description="`saddle`, or the name of one of the system's saddle guesses")]] = (
        key(
            ["saddle"],
            "geometries that first paths are shot from; chains take them in turn",
            guide=(
                "geometries that first paths are shot from: `saddle`, or names of the system's saddle guesses; chains"
                " take them in turn. From a guess, shots go on until a path crosses by that guess's mechanism; a "
                "method that has none starts from its saddle and says so"
            ),
            stages=("first_path", "assess"),
            min_length=1,
        )
    )
    shots_per_round: int = key(
        20,
        "shots of a chain between two looks at the convergence",
        guide="shots of a chain between two looks at the convergence, at least 5",
        stages=("sample",),
        ge=5,
        le=1_000_000,
    )
    min_rounds: int = key(1, "rounds that are always run", stages=("assess",), ge=1, le=10000)
    max_rounds: int = key(3, "rounds after which sampling ends, converged or not", stages=("assess",), ge=1, le=10000)
    burn_in: BurnInSection = subsection(BurnInSection, "first shots of a chain, left out of all statistics")
    convergence: ConvergenceSection = subsection(
        ConvergenceSection, "what must hold for sampling to end before the last round"
    )
    first_path_attempts: int = key(
        200,
        "shots from the saddle before the search for a first reactive path is given up",
        guide="shots before the search for a first path is given up",
        stages=("first_path",),
        ge=1,
        le=1_000_000,
    )
