"""Keys of `coordinate`: likelihood maximisation of the reaction coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from separatrix.config.listed_names import CandidateSets
from separatrix.config.stage_names import ALONG_COORDINATE
from separatrix.core.section import Distinct, Section, key


class CoordinateSection(Section):
    """Likelihood maximisation of the reaction coordinate."""

    stages: ClassVar[tuple[str, ...]] = ("coordinate",)
    renamed: ClassVar[Mapping[str, str]] = {"beside": "compare_with", "beyond": "nonlinear_models"}

    model: Literal["logistic", "erf"] = key(
        "logistic",
        "committor as a function of the coordinate r, (1 + tanh r)/2 or (1 + erf r)/2",
        guide="committor as a function of r: `logistic` is (1 + tanh r)/2, `erf` is (1 + erf r)/2",
        stages=("coordinate", "assess", "draw", "committor", ALONG_COORDINATE),
    )
    observations: Literal["both halves", "forward half"] = key(
        "both halves",
        "which halves of a shot are taken as observations of the committor",
        guide=(
            "which halves of a shot are observations of the committor at its shooting point: `both halves` or "
            "`forward half`"
        ),
        stages=("coordinate", "assess", "draw", "committor", ALONG_COORDINATE),
    )
    max_variables: int = key(
        3,
        "most variables in the coordinate",
        guide="most variables in the coordinate, 1 to 4",
        stages=("coordinate", "assess"),
        ge=1,
        le=4,
    )
    search: Literal["auto", "exhaustive", "greedy", "exchange"] = key(
        "auto",
        "how sets of variables are searched",
        guide=(
            "how sets of variables are searched: `exhaustive`, `greedy` (addition alone), `exchange` (addition "
            "and exchanges), or `auto`: exhaustive up to three variables, exchange beyond"
        ),
        stages=("coordinate", "assess"),
    )
    criterion: Literal["ebic", "bic", "aic"] = key(
        "ebic",
        "what chooses the number of variables",
        guide=(
            "what chooses the number of variables: `ebic` (extended BIC, which charges for the search), `bic` or `aic`"
        ),
        stages=("coordinate", "assess"),
    )
    inertial: bool = key(
        False,
        "whether each variable brings its rate along when sets are ranked (inertial likelihood maximisation)",
        guide=(
            "whether each variable brings its rate along when sets are ranked (inertial likelihood maximisation);"
            " the coordinate itself is fitted to the chosen variables without their rates"
        ),
        stages=("coordinate", "assess"),
    )
    bootstrap: int = key(
        50,
        (
            "resamples that tell how often each variable is chosen; four times as many give the intervals of the "
            "coefficients"
        ),
        guide=(
            "resamples that tell how often each variable is chosen; four times as many give the intervals of the "
            "coefficients; 0: none"
        ),
        ge=0,
        le=100000,
    )
    compare_with: CandidateSets = key(
        [],
        "sets of candidate variables that are fitted and shown with the best ones",
        guide="sets of candidate variables, by name, that are fitted and shown with the best ones",
    )
    nonlinear_models: Annotated[
        list[Annotated[Literal["boosting", "network"], Field(description="committor model that is not linear")]],
        Distinct,
    ] = key(
        [],
        (
            "committor models that are not linear, held against the coordinate on observations that neither was "
            "fitted to"
        ),
        guide=(
            "committor models that are not linear, `boosting` (gradient boosting) and `network` (a small neural "
            "network), held against the coordinate on observations that neither was fitted to"
        ),
    )
