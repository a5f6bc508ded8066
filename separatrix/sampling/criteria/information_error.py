"""The information error is small enough, even at its upper confidence limit."""

from __future__ import annotations

import math

from separatrix.coordinate.committor_model import Coordinate
from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side, value_and_bound


def _information_criterion(coordinate: Coordinate | None, bound: float) -> Criterion:
    value = math.nan if coordinate is None else coordinate.information_error_limit
    text = "no information error"
    if math.isfinite(value) and coordinate is not None:
        estimate = coordinate.clustered_information_error
        text = f"upper limit of the information error {value_and_bound(value, bound)} (estimate {estimate:.3g})"
    elif coordinate is not None and coordinate.converged and not coordinate.separable:
        text = f"no information error ({_why(coordinate)})"
    return Criterion("information error", value, bound, value <= bound, text)


def _why(coordinate: Coordinate) -> str:
    if not coordinate.block_count:
        return coordinate.block_description
    return "one block of shots alone determines a coefficient"


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _information_criterion(evidence.coordinate, bound)


CRITERION = ConvergenceCriterion(
    name="information error",
    label="information error",
    judge=_judge,
    measures=(
        Measure(
            id="clustered_information_error",
            label="information error",
            meaning="Mean standard error of the coefficients between blocks of shots, variables scaled to [0, 1].",
            side=Side.AT_MOST,
            value="clustered_information_error",
        ),
        Measure(
            id="information_error_limit",
            label="information error, upper limit",
            meaning="Upper confidence limit (0.95) of the information error.",
            side=Side.AT_MOST,
            value="information_error_limit",
        ),
    ),
    setting="information_error",
    order=20,
)
