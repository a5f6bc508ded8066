"""R-hat of every selected variable, and of r, is close to 1."""

from __future__ import annotations

import math
from collections.abc import Mapping

from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side, value_and_bound
from separatrix.sampling.mixing import Mixing


def _r_hat_criterion(judged: Mapping[str, Mixing], bound: float) -> Criterion:
    if not judged:
        return Criterion("R-hat", math.nan, bound, False, "no R-hat")
    name = max(judged, key=lambda n: (math.isnan(judged[n].r_hat), judged[n].r_hat))
    value = judged[name].r_hat
    text = (
        f"R-hat {value_and_bound(value, bound)} ({name})"
        if math.isfinite(value)
        else f"no R-hat ({_why(judged, name)})"
    )
    return Criterion("R-hat", value, bound, value <= bound, text)


def _why(judged: Mapping[str, Mixing], name: str) -> str:
    return f"{name}: {judged[name].note}"


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _r_hat_criterion(evidence.mixing, bound)


CRITERION = ConvergenceCriterion(
    name="R-hat",
    label="R-hat",
    judge=_judge,
    measures=(
        Measure(
            id="worst_r_hat",
            label="worst R-hat",
            meaning="Largest rank-normalised split R-hat of the selected variables and of r at the shooting points.",
            side=Side.AT_MOST,
            value="worst_r_hat",
            axis_begins=1.0,
        ),
    ),
    setting="r_hat",
    order=30,
)
