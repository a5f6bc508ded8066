"""The judgement after the last round of sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from separatrix.report.quantities.quantity import CONVERGENCE, Quantity, finite


class Measure(NamedTuple):
    """One number by which the convergence is judged.

    Attributes
    ----------
    name
        In an assessment.
    title
        For readers.
    criterion
        Name of the criterion that it is judged by.
    side
        ``at most`` or ``at least`` the bound.
    """

    name: str
    title: str
    criterion: str
    side: str


MEASURES = (
    Measure("information_error", "information error", "information error", "at most"),
    Measure("clustered_information_error", "information error, clustered by chain", "information error", "at most"),
    Measure("worst_r_hat", "worst R-hat", "R-hat", "at most"),
    Measure("worst_effective_samples", "smallest effective sample size", "effective samples", "at least"),
    Measure("stable_for", "rounds with the same variables", "stable variables", "at least"),
)
"""Numbers of :class:`separatrix.sampling.convergence.Assessment` that are shown."""


def convergence_quantities(assessments: Sequence[Mapping[str, Any]]) -> list[Quantity]:
    """Why sampling stopped, and the measures that it was judged by in its last round."""
    last = assessments[-1]
    agreement = last["mechanisms"]
    found = [
        Quantity(CONVERGENCE, "converged", text="yes" if last["converged"] else "no"),
        Quantity(CONVERGENCE, "sampling stopped", text=why_stopped(assessments)),
        Quantity(CONVERGENCE, "rounds", len(assessments)),
        Quantity(CONVERGENCE, "verdict of the last round", text=last["verdict"]),
    ]
    for measure in MEASURES:
        judged = criterion(last, measure.criterion)
        wanted = f"wanted: {measure.side} {judged['bound']:g}"
        value = finite(last[measure.name])
        text = "" if value is None else wanted
        found.append(Quantity(CONVERGENCE, measure.title, value, text=text, note=judged["text"]))
    found.append(Quantity(CONVERGENCE, "mechanisms and starts", text=agreement["verdict"]))
    found += [
        Quantity(CONVERGENCE, f"mechanisms of chains started from: {row['start']}", text=_shares_of_start(row))
        for row in agreement["per_start"]
    ]
    return found


def why_stopped(assessments: Sequence[Mapping[str, Any]]) -> str:
    """Why sampling stopped after the last of some assessments."""
    rounds = f"{len(assessments)} round{'' if len(assessments) == 1 else 's'}"
    if assessments[-1]["converged"]:
        return f"because it converged, after {rounds}"
    return f"because max_rounds was reached, after {rounds}, without convergence"


def criterion(assessment: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(c for c in assessment["criteria"] if c["name"] == name)


def _shares_of_start(row: Mapping[str, Any]) -> str:
    """Shares of the mechanisms in the chains of one start."""
    seen = {name: share for name, share in row["shares"].items() if share > 0}
    # Where no chain ever switched, shares are those of the starts.
    shares = ", ".join(f"{name} {share:.0%}" if row["switches"] else name for name, share in seen.items())
    worth = "" if row["effective_moves"] is None else f" (worth {row['effective_moves']:.1f})"
    chains = ", ".join(map(str, row["chains"]))
    return f"{shares}; moves: {row['moves']}{worth}, switches: {row['switches']}, chains: {chains}"
