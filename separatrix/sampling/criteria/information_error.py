"""The information error, plain and clustered by chain, is small enough."""

from __future__ import annotations

import math

from separatrix.coordinate.committor_model import Coordinate
from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side, value_and_bound


def _information_criterion(coordinate: Coordinate | None, bound: float) -> Criterion:
    plain = math.nan if coordinate is None else coordinate.information_error
    clustered = math.nan if coordinate is None else coordinate.clustered_information_error
    if not math.isfinite(plain):
        value, text = math.nan, "no information error"
    elif not math.isfinite(clustered):
        value, text = math.nan, "no information error clustered by chain, which needs two chains"
    else:
        value = max(plain, clustered)
        text = f"information error {value_and_bound(value, bound)}"
        text += ", clustered by chain" if clustered > plain else ""
    return Criterion("information error", value, bound, value <= bound, text)


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _information_criterion(evidence.coordinate, bound)


CRITERION = ConvergenceCriterion(
    name="information error",
    label="information error",
    judge=_judge,
    measures=(
        Measure(
            id="information_error",
            label="information error",
            meaning="Mean standard error of the coefficients, variables scaled to [0, 1]; observations independent.",
            side=Side.AT_MOST,
            value="information_error",
        ),
        Measure(
            id="clustered_information_error",
            label="information error, clustered by chain",
            meaning="The same, observations of one chain correlated.",
            side=Side.AT_MOST,
            value="clustered_information_error",
        ),
    ),
    setting="information_error",
    order=20,
)
