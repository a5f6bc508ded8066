"""A criterion of convergence: enough shots of every chain."""

from __future__ import annotations

import numpy as np

from exampleplugin.section import LateChainsSection
from separatrix.core.section import section_in
from separatrix.sampling.criterion import ConvergenceCriterion, Criterion, Evidence, Measure, Side


def judge(evidence: Evidence, bound: float) -> Criterion:
    """Shots of the shortest chain that count, at least `bound`."""
    shots = int(np.unique(evidence.chain, return_counts=True)[1].min())
    if evidence.keys is not None:
        shots -= section_in(evidence.keys, "shots_per_chain", LateChainsSection).left_out
    word = "enough" if shots >= bound else "too few"
    return Criterion("shots per chain", shots, bound, shots >= bound, f"{word} shots in the shortest chain: {shots}")


CRITERION = ConvergenceCriterion(
    name="shots per chain",
    label="shots in the shortest chain",
    judge=judge,
    measures=(
        Measure(
            id="shortest_chain",
            label="shots in the shortest chain",
            meaning="Shots after the burn-in in the chain that has fewest.",
            side=Side.AT_LEAST,
            axis_begins=0.0,
        ),
    ),
)
