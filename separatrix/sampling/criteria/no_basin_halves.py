"""Half-trajectories that reached no basin are too few to change the result."""

from __future__ import annotations

from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence
from separatrix.statistics.no_basin import CRITERION as NAME
from separatrix.statistics.no_basin import MANY, Lost


def _halves_criterion(halves: Lost, limit: float | None) -> Criterion:
    text = halves.sentence(limit=limit) if halves.matters else "few enough halves reached no basin"
    return Criterion(NAME, halves.share, MANY, not halves.matters, text)


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    if evidence.halves is None:
        return None
    return _halves_criterion(evidence.halves, evidence.longest_half_fs)


CRITERION = ConvergenceCriterion(
    name=NAME,
    label="half-trajectories in no basin",
    judge=_judge,
    order=70,
)
