"""The same variables have been selected for some rounds."""

from __future__ import annotations

from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side, rounds


def _stability_criterion(stable_for: int, wanted: int, swapped: bool) -> Criterion:
    holds = stable_for >= wanted
    what = "the same variables, or interchangeable ones," if swapped else "the same variables"
    if not stable_for:
        text = "no variables selected"
    elif holds:
        text = f"{what} selected in {rounds(stable_for)} in a row"
    else:
        text = f"{what} selected in {stable_for} of {rounds(wanted)}"
    return Criterion("stable variables", float(stable_for), float(wanted), holds, text)


def _judge(evidence: Evidence, bound: float) -> Criterion | None:
    return _stability_criterion(evidence.stable_for, int(bound), evidence.swapped)


CRITERION = ConvergenceCriterion(
    name="stable variables",
    label="rounds with the same variables",
    judge=_judge,
    measures=(
        Measure(
            id="stable_for",
            label="rounds with the same variables",
            meaning="Rounds in a row that selected the same variables, or interchangeable ones.",
            side=Side.AT_LEAST,
            value="stable_for",
            axis_begins=0.0,
        ),
    ),
    setting="stable_rounds",
    order=50,
)
