"""The coordinate is one: it beats a constant committor, and the maximum of its likelihood was found."""

from __future__ import annotations

import math

from separatrix.coordinate.committor_model import Coordinate
from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence


def _coordinate_criterion(coordinate: Coordinate | None, beats_null: bool) -> Criterion:
    holds = False
    if coordinate is None:
        text = "no coordinate could be fitted"
    elif coordinate.separable:
        text = "the coordinate separates the outcomes without a mistake, so that its size is unknown"
    elif not coordinate.converged:
        text = "the maximum of the likelihood was not verified"
    elif not beats_null:
        text = "no variable beats a constant committor"
    else:
        holds, text = True, "the coordinate beats a constant committor"
    return Criterion("coordinate", math.nan, math.nan, holds, text)


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _coordinate_criterion(evidence.coordinate, evidence.beats_null)


CRITERION = ConvergenceCriterion(
    name="coordinate",
    label="coordinate",
    judge=_judge,
    order=10,
)
