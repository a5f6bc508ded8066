"""Whether the shares of the mechanisms depend on where the chains were started."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy

from separatrix.core.labelled import Labelled
from separatrix.core.plain import json_safe
from separatrix.statistics.autocorrelation import statistical_inefficiency
from separatrix.statistics.committor_statistics import ALPHA

MIN_TRIALS = 10
"""Effective moves of each start below which shares of mechanisms are not said to agree."""

STUCK = 2
"""Switches of mechanism per chain below which chains have not gone and come back."""

STUCK_GAP = 0.5
"""Difference between starts in a share above which stuck chains depend on their start."""

_TABLES = 9999
_SEED = 2021


@dataclass(frozen=True)
class ChainMechanisms:
    """Mechanisms that a chain has gone through.

    Attributes
    ----------
    chain
        Number of the chain.
    start
        Name of what the chain was started from; chains may share it.
    sequence
        Mechanism of the present path after each move. Moves before the first accepted path say nothing about the
        ensemble and are better left out.
    """

    chain: int
    start: str
    sequence: Sequence[str]


@dataclass(frozen=True)
class Shares:
    """Shares of the mechanisms in one chain, or in all chains of one start.

    Attributes
    ----------
    start
        Name of the start.
    chains
        Numbers of the chains.
    moves
        Counted.
    effective_moves
        Independent moves that they are worth; NaN when no chain ever switched, which tells no correlation time.
    switches
        Moves that changed the mechanism.
    shares
        By mechanism; empty without moves.
    """

    start: str
    chains: tuple[int, ...]
    moves: int
    effective_moves: float
    switches: int
    shares: dict[str, float]


class Agreement(Labelled):
    """Whether shares of mechanisms depend on where chains were started."""

    AGREE = "agree", "agree"
    DEPEND = "depend on the start", "depend on the start"
    UNDETERMINED = "cannot be told", "cannot be told"


@dataclass(frozen=True)
class MechanismAgreement:
    """Whether the shares of the mechanisms depend on where the chains were started.

    Attributes
    ----------
    outcome
        The decision.
    verdict
        The same in a sentence.
    p_value
        Of the test for equal shares; NaN where none was made.
    statistical_inefficiency
        Moves that carry as much as one independent move; NaN when no chain ever switched.
    per_start, per_chain
        Shares, in the order of starts and chains.
    """

    outcome: Agreement
    verdict: str
    p_value: float
    statistical_inefficiency: float
    per_start: tuple[Shares, ...]
    per_chain: tuple[Shares, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON types; NaN becomes None."""
        return json_safe(asdict(self))


def mechanism_agreement(chains: Sequence[ChainMechanisms]) -> MechanismAgreement:
    """Compare the shares of the mechanisms between chains that were started from different places.

    Successive moves are correlated, so moves are not counted but effective moves: moves divided by the statistical
    inefficiency g, the largest over the mechanisms. g is one number for all chains, for if the start does not matter
    all chains have the same dynamics. Deviations are taken from the mean of the chains *of the same start*: chains of
    one start that disagree make g larger, and a difference between starts does not, which it is to be tested against.

    The test is that of homogeneity: chi-square of the table of effective moves (rounded; starts by mechanisms) against
    random tables with the same margins. Decision, in this order:

    1. Only one start has moves: it cannot be told.
    2. All paths have the same mechanism: agree.
    3. No chain ever switched: depend on the start.
    4. The test rejects at the level 0.05: depend on the start.
    5. There are fewer than :data:`STUCK` switches per chain and some share differs by more than :data:`STUCK_GAP`
       between starts: depend on the start. Such chains are worth so few effective moves that no test can reject.
    6. Some start is worth fewer than :data:`MIN_TRIALS` effective moves: it cannot be told.
    7. Else agree.

    Where starts would be said to agree but one more has no moves, it cannot be told.

    Parameters
    ----------
    chains
        In any order; chains without moves are listed but not counted.
    """
    ordered = sorted(chains, key=lambda c: (c.start, c.chain))
    counted = [c for c in ordered if len(c.sequence)]
    names = sorted({m for c in counted for m in c.sequence})
    groups = {start: [c for c in counted if c.start == start] for start in dict.fromkeys(c.start for c in counted)}
    g = _inefficiency(list(groups.values()), names)
    per_chain = tuple(_shares([c], names, g) for c in ordered)
    per_start = tuple(_shares(group, names, g) for group in groups.values())
    switches = sum(s.switches for s in per_start)

    p_value = math.nan
    if len(per_start) < 2:
        outcome, verdict = Agreement.UNDETERMINED, _one_start(per_start, names, switches)
    elif len(names) == 1:
        outcome, verdict = Agreement.AGREE, f"every chain keeps {names[0]}, whatever its start"
    elif switches == 0:
        outcome, verdict = Agreement.DEPEND, f"shares depend on the start: no chain ever switched; {_stays(per_start)}"
    else:
        p_value = _homogeneity(per_start, names)
        gap = max(np.ptp([s.shares[name] for s in per_start]) for name in names)
        least = min(s.effective_moves for s in per_start)
        seen = f"{switches} switch{'' if switches == 1 else 'es'}"
        if p_value < ALPHA:
            outcome, verdict = (
                Agreement.DEPEND,
                f"shares depend on the start (p = {p_value:.2g}): {_compared(per_start, names)}",
            )
        elif switches < STUCK * len(counted) and gap > STUCK_GAP:
            outcome = Agreement.DEPEND
            verdict = f"shares depend on the start: {seen} in {len(counted)} chains; {_compared(per_start, names)}"
        elif least < MIN_TRIALS:
            outcome = Agreement.UNDETERMINED
            verdict = (
                f"cannot be told whether shares depend on the start: {seen} in {len(counted)} chains, a start is worth "
                f"{least:.1f} effective moves, fewer than {MIN_TRIALS}"
            )
        else:
            outcome, verdict = Agreement.AGREE, f"shares agree within error: {_compared(per_start, names)}"
    silent = sorted({c.start for c in ordered} - groups.keys())
    if silent and outcome == Agreement.AGREE:
        outcome, verdict = (
            Agreement.UNDETERMINED,
            f"cannot be told whether shares depend on the start: of the others, {verdict}",
        )
    if silent:
        verdict += f"; no moves from {', '.join(silent)}"
    return MechanismAgreement(outcome, verdict, p_value, g, per_start, per_chain)


def _indicator(chain: ChainMechanisms, name: str) -> np.ndarray:
    return np.array([m == name for m in chain.sequence], dtype=float)


def _inefficiency(groups: Sequence[Sequence[ChainMechanisms]], names: Sequence[str]) -> float:
    """Largest statistical inefficiency of the mechanisms, deviations from each group's mean; NaN if none varies."""
    inefficiencies = []
    for name in names:
        deviations = []
        for group in groups:
            series = [_indicator(c, name) for c in group]
            mean = np.concatenate(series).mean()
            deviations += [s - mean for s in series]
        inefficiencies.append(statistical_inefficiency(deviations))
    return max((g for g in inefficiencies if g is not None), default=math.nan)


def _shares(chains: Sequence[ChainMechanisms], names: Sequence[str], g: float) -> Shares:
    every = [m for c in chains for m in c.sequence]
    return Shares(
        start=chains[0].start,
        chains=tuple(c.chain for c in chains),
        moves=len(every),
        effective_moves=len(every) / g,
        switches=sum(a != b for c in chains for a, b in pairwise(c.sequence)),
        shares={name: every.count(name) / len(every) for name in names} if every else {},
    )


def _homogeneity(rows: Sequence[Shares], names: Sequence[str]) -> float:
    """p-value of equal shares; NaN when a row is worth less than one move."""
    counts = [[round(s.shares[name] * s.effective_moves) for name in names] for s in rows]
    table = np.array(counts, dtype=np.int64)
    table = table[:, table.any(axis=0)]
    if not table.any(axis=1).all():
        return math.nan
    # Random tables of one column come out with negative counts (SciPy 1.17, Patefield's algorithm).
    if table.shape[1] < 2:
        return 1.0
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    random = scipy.stats.random_table(table.sum(axis=1), table.sum(axis=0), seed=_SEED).rvs(_TABLES)
    # What differs by rounding only is as far from homogeneous.
    far = ((random - expected) ** 2 / expected).sum(axis=(1, 2)) >= ((table - expected) ** 2 / expected).sum() - 1e-9
    return (1 + int(far.sum())) / (1 + _TABLES)


def _one_start(rows: Sequence[Shares], names: Sequence[str], switches: int) -> str:
    if not rows:
        return "cannot be told whether shares depend on the start: no moves"
    more = ""
    if len(names) == 1:
        more = f"; every chain keeps {names[0]}"
    elif switches == 0:
        more = "; no chain ever switched, and they keep different mechanisms"
    return f"cannot be told whether shares depend on the start: one start ({rows[0].start}){more}"


def _stays(rows: Sequence[Shares]) -> str:
    mechanisms = [(s.start, " or ".join(name for name, share in s.shares.items() if share > 0)) for s in rows]
    return ", ".join(f"chains from {start} stay with {names}" for start, names in mechanisms)


def _compared(rows: Sequence[Shares], names: Sequence[str]) -> str:
    """The share that differs most between starts, with its standard errors."""
    name = max(names, key=lambda n: np.ptp([s.shares[n] for s in rows]))
    trials = np.array([s.effective_moves for s in rows])
    pooled = float(np.average([s.shares[name] for s in rows], weights=trials))
    errors = np.sqrt(pooled * (1.0 - pooled) / trials)
    each = [f"{s.shares[name]:.2f} ± {error:.2f} from {s.start}" for s, error in zip(rows, errors, strict=True)]
    return f"{name} {', '.join(each)}"
