"""The judgement after the last round of sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from separatrix.core.labelled import Answer, Labelled
from separatrix.report.quantities.estimate import Estimate, MethodResults, finite
from separatrix.report.quantity_catalogue import Group, Quantity
from separatrix.sampling.criterion import judged_measures


class StopReason(Labelled):
    """Why sampling stopped."""

    CONVERGED = "converged", "it converged"
    MAX_ROUNDS = "max_rounds", "max_rounds was reached"

    @classmethod
    def of(cls, assessments: Sequence[Mapping[str, Any]]) -> StopReason:
        """Why sampling stopped after the last of some assessments."""
        return cls.CONVERGED if assessments[-1]["converged"] else cls.MAX_ROUNDS


def convergence_quantities(results: MethodResults) -> list[Estimate]:
    """Why sampling stopped, and the measures that it was judged by in its last round."""
    assessments = results.data.assessments
    last = assessments[-1]
    agreement, converged = last["mechanisms"], Answer.of(last["converged"])
    estimates = [
        Estimate("converged", verdict=converged, text=converged.label),
        Estimate("stop_reason", verdict=StopReason.of(assessments), text=why_stopped(assessments)),
        Estimate("rounds", len(assessments)),
        Estimate("last_assessment", text=last["verdict"]),
    ]
    for judged in judged_measures(last):
        measure, value = judged.measure, finite(judged.value)
        estimates.append(
            Estimate(
                "convergence_measure",
                value,
                {"measure": measure.id},
                text="" if value is None else f"wanted: {measure.side.label} {judged.bound:g}",
                note=judged.text,
                unit_given=measure.unit,
                names={"measure": measure.label},
            )
        )
    estimates.append(Estimate("start_dependence", verdict=agreement["outcome"], text=agreement["verdict"]))
    estimates += [
        Estimate("start_mechanisms", of={"start": row["start"]}, text=_shares_of_start(row))
        for row in agreement["per_start"]
    ]
    return estimates


def why_stopped(assessments: Sequence[Mapping[str, Any]]) -> str:
    """Why sampling stopped after the last of some assessments, in words."""
    rounds = f"{len(assessments)} round{'' if len(assessments) == 1 else 's'}"
    reason = StopReason.of(assessments)
    more = "" if reason == StopReason.CONVERGED else ", without convergence"
    return f"because {reason.label}, after {rounds}{more}"


def _shares_of_start(row: Mapping[str, Any]) -> str:
    """Shares of the mechanisms in the chains of one start."""
    seen = {name: share for name, share in row["shares"].items() if share > 0}
    # Where no chain ever switched, shares are those of the starts.
    shares = ", ".join(f"{name} {share:.0%}" if row["switches"] else name for name, share in seen.items())
    worth = "" if row["effective_moves"] is None else f" (worth {row['effective_moves']:.1f})"
    chains = ", ".join(map(str, row["chains"]))
    return f"{shares}; moves: {row['moves']}{worth}, switches: {row['switches']}, chains: {chains}"


_quantity = partial(Quantity, group=Group.CONVERGENCE, estimates=convergence_quantities)

QUANTITIES = (
    _quantity(id="converged", label="converged", description="Whether all criteria of convergence hold."),
    _quantity(id="stop_reason", label="sampling stopped", description="Why sampling stopped."),
    _quantity(id="rounds", label="rounds", description="Rounds of sampling."),
    _quantity(
        id="last_assessment", label="verdict of the last round", description="The criteria that do not hold, in words."
    ),
    _quantity(
        id="convergence_measure",
        label="{measure}",
        unit="",
        description="A number that a criterion of convergence judges; the registry of criteria says which there are.",
    ),
    _quantity(
        id="start_dependence",
        label="mechanisms and starts",
        description="Whether shares of mechanisms depend on where the chains were started.",
    ),
    _quantity(
        id="start_mechanisms",
        label="mechanisms of chains started from: {start}",
        description="Shares of the mechanisms in the chains of one start.",
    ),
)
