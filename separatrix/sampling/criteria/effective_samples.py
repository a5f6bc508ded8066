"""The effective sample size of every selected variable, and of r, is large enough."""

from __future__ import annotations

import math
from collections.abc import Mapping

from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side, value_and_bound
from separatrix.sampling.mixing import Mixing


def _samples_criterion(judged: Mapping[str, Mixing], bound: float) -> Criterion:
    if not judged:
        return Criterion("effective samples", math.nan, bound, False, "no effective sample size")
    name = max(judged, key=lambda n: (math.isnan(judged[n].effective_samples), -judged[n].effective_samples))
    value = judged[name].effective_samples
    text = f"no effective sample size ({_why(judged, name)})"
    if math.isfinite(value):
        text = f"effective samples {value_and_bound(value, bound)} ({name})"
    return Criterion("effective samples", value, bound, value >= bound, text)


def _why(judged: Mapping[str, Mixing], name: str) -> str:
    return f"{name}: {judged[name].note}"


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _samples_criterion(evidence.mixing, bound)


CRITERION = ConvergenceCriterion(
    name="effective samples",
    label="effective sample size",
    judge=_judge,
    measures=(
        Measure(
            id="worst_effective_samples",
            label="smallest effective sample size",
            meaning="Smallest bulk effective sample size of the selected variables and of r, all chains together.",
            side=Side.AT_LEAST,
            value="worst_effective_samples",
        ),
    ),
    setting="effective_samples",
    order=40,
)
