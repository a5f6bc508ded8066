"""The shares of the mechanisms do not depend on where the chains were started."""

from __future__ import annotations

import math

from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence
from separatrix.sampling.mechanism_shares import Agreement


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    agreement = evidence.mechanisms
    # Of one start there is nothing to compare; of several, what is undecided may still depend on them.
    holds = agreement.outcome == Agreement.AGREE or evidence.one_start
    return Criterion("mechanisms", math.nan, math.nan, holds, agreement.verdict)


CRITERION = ConvergenceCriterion(
    name="mechanisms",
    label="mechanisms and starts",
    judge=_judge,
    order=60,
)
