"""Has the sampling converged? The judgement after a round of aimless shooting, from all shots so far.

Criteria that must all hold:

* The coordinate is one: it beats a constant committor, and its likelihood has a maximum that was found.
* The information error (ATESA's: mean standard error of the coefficients, variables scaled to [0, 1]) is small enough.
  The larger of the plain and the chain-clustered one counts. With a few chains the clustered one alone is far too
  small (:class:`separatrix.coordinate.committor_model.Coordinate`), so neither may stop a run without the other.
* The rank-normalised split R-hat of each selected variable, and of r itself, at the shooting points is close to 1, and
  their bulk effective sample sizes are large enough (Vehtari, Gelman, Simpson, Carpenter and Bürkner, Bayesian Anal.
  2021, 16, 667).
* The same variables have been selected for some rounds. A variable that the data do not tell from the one selected
  before (:func:`separatrix.coordinate.interchangeable.interchangeable`) is the same: which of two that correlate at
  0.9999 comes out ahead is decided by the last few shots.
* The shares of the mechanisms do not depend on where the chains were started, or all were started from one place.
* Half-trajectories that reached no basin are too few to change the result (:mod:`separatrix.statistics.no_basin`).

A number that the data cannot give does not hold its criterion. In particular a single chain never converges: nothing
shows that another would agree with it.

All functions are pure: no files, no global random state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.interchangeable import Interchangeable
from separatrix.core.plain import json_safe
from separatrix.report.comparison import statistical_inefficiency
from separatrix.statistics.committor_statistics import ALPHA
from separatrix.statistics.no_basin import MANY, Lost

MIN_DRAWS = 8
"""Draws per chain below which mixing is not judged: each half would hold fewer than 4."""

MIN_TRIALS = 10
"""Effective moves of each start below which shares of mechanisms are not said to agree."""

STUCK = 2
"""Switches of mechanism per chain below which chains have not gone and come back."""

STUCK_GAP = 0.5
"""Difference between starts in a share above which stuck chains depend on their start."""

REACTION_COORDINATE = "r"
"""Name under which the coordinate itself is judged."""

_TABLES = 9999
_SEED = 2021


# --- mixing ---------------------------------------------------------------------------------------------------------


class Mixing(NamedTuple):
    """How well chains agree on one variable.

    Attributes
    ----------
    r_hat
        Rank-normalised split R-hat. Infinite where chains (or their halves) are constant at different values; NaN for a
        single chain, chains that are too short, and a variable that never varies.
    effective_samples
        Bulk effective sample size of all chains together; NaN where chains are constant or too short.
    note
        Why a number is missing; else empty.
    """

    r_hat: float
    effective_samples: float
    note: str = ""


def mixing(values: Sequence[np.ndarray]) -> Mixing:
    """R-hat and bulk effective sample size of one variable.

    Parameters
    ----------
    values
        One array per chain, shape (n_draws,), in the order of the shots, any unit. Of longer chains the last draws
        are used, as many as the shortest has.

    Raises
    ------
    ValueError
        When a value is not finite.
    """
    series = [np.asarray(v, dtype=float) for v in values]
    draws = min((len(s) for s in series), default=0)
    if draws < MIN_DRAWS:
        return Mixing(math.nan, math.nan, f"{draws} shots in the shortest chain, fewer than {MIN_DRAWS}")
    x = np.array([s[-draws:] for s in series])
    if not np.isfinite(x).all():
        raise ValueError("values must be finite")
    # Ranks would blow up rounding noise to full-size variation.
    noise = 1e-12 * np.abs(x).max()
    if np.ptp(x) <= noise:
        return Mixing(math.nan, math.nan, "constant, the same in all chains")
    if (np.ptp(x, axis=1) <= noise).all():
        return Mixing(math.inf, math.nan, "each chain constant, at a value of its own")
    # Slow to import, and needed for nothing else.
    from arviz_stats.base import array_stats

    effective = float(array_stats.ess(x, chain_axis=0, draw_axis=1, method="bulk"))
    if len(x) < 2:
        return Mixing(math.nan, effective, "R-hat needs two chains")
    with np.errstate(divide="ignore", invalid="ignore"):
        r_hat = float(array_stats.rhat(x, chain_axis=0, draw_axis=1, method="rank"))
    return Mixing(r_hat, effective, "" if math.isfinite(r_hat) else "each half of every chain constant")


# --- mechanisms -----------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class MechanismAgreement:
    """Whether the shares of the mechanisms depend on where the chains were started.

    Attributes
    ----------
    outcome
        ``agree``, ``depend on the start`` or ``cannot be told``.
    verdict
        The same in a sentence.
    p_value
        Of the test for equal shares; NaN where none was made.
    statistical_inefficiency
        Moves that carry as much as one independent move; NaN when no chain ever switched.
    per_start, per_chain
        Shares, in the order of starts and chains.
    """

    outcome: str
    verdict: str
    p_value: float
    statistical_inefficiency: float
    per_start: tuple[Shares, ...]
    per_chain: tuple[Shares, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON types; NaN becomes None."""
        return json_safe(asdict(self))


AGREE, DEPEND, UNTOLD = "agree", "depend on the start", "cannot be told"


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
        outcome, verdict = UNTOLD, _one_start(per_start, names, switches)
    elif len(names) == 1:
        outcome, verdict = AGREE, f"every chain keeps {names[0]}, whatever its start"
    elif switches == 0:
        outcome, verdict = DEPEND, f"shares depend on the start: no chain ever switched; {_stays(per_start)}"
    else:
        p_value = _homogeneity(per_start, names)
        gap = max(np.ptp([s.shares[name] for s in per_start]) for name in names)
        least = min(s.effective_moves for s in per_start)
        seen = f"{switches} switch{'' if switches == 1 else 'es'}"
        if p_value < ALPHA:
            outcome, verdict = DEPEND, f"shares depend on the start (p = {p_value:.2g}): {_compared(per_start, names)}"
        elif switches < STUCK * len(counted) and gap > STUCK_GAP:
            outcome = DEPEND
            verdict = f"shares depend on the start: {seen} in {len(counted)} chains; {_compared(per_start, names)}"
        elif least < MIN_TRIALS:
            outcome = UNTOLD
            verdict = (
                f"cannot be told whether shares depend on the start: {seen} in {len(counted)} chains, a start is worth "
                f"{least:.1f} effective moves, fewer than {MIN_TRIALS}"
            )
        else:
            outcome, verdict = AGREE, f"shares agree within error: {_compared(per_start, names)}"
    silent = sorted({c.start for c in ordered} - groups.keys())
    if silent and outcome == AGREE:
        outcome, verdict = UNTOLD, f"cannot be told whether shares depend on the start: of the others, {verdict}"
    if silent:
        verdict += f"; no moves from {', '.join(silent)}"
    return MechanismAgreement(outcome, verdict, p_value, g, per_start, per_chain)


def _indicator(chain: ChainMechanisms, name: str) -> np.ndarray:
    return np.array([m == name for m in chain.sequence], dtype=float)


def _inefficiency(groups: Sequence[Sequence[ChainMechanisms]], names: Sequence[str]) -> float:
    """Largest statistical inefficiency of the mechanisms, deviations from each group's mean; NaN if none varies."""
    found = []
    for name in names:
        deviations = []
        for group in groups:
            series = [_indicator(c, name) for c in group]
            mean = np.concatenate(series).mean()
            deviations += [s - mean for s in series]
        found.append(statistical_inefficiency(deviations))
    return max((g for g in found if g is not None), default=math.nan)


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
    kept = [(s.start, " or ".join(name for name, share in s.shares.items() if share > 0)) for s in rows]
    return ", ".join(f"chains from {start} stay with {names}" for start, names in kept)


def _compared(rows: Sequence[Shares], names: Sequence[str]) -> str:
    """The share that differs most between starts, with its standard errors."""
    name = max(names, key=lambda n: np.ptp([s.shares[n] for s in rows]))
    trials = np.array([s.effective_moves for s in rows])
    pooled = float(np.average([s.shares[name] for s in rows], weights=trials))
    errors = np.sqrt(pooled * (1.0 - pooled) / trials)
    each = [f"{s.shares[name]:.2f} ± {error:.2f} from {s.start}" for s, error in zip(rows, errors, strict=True)]
    return f"{name} {', '.join(each)}"


# --- judgement ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Criteria:
    """What must hold for sampling to stop.

    Attributes
    ----------
    information_error
        Upper bound on the information error, plain and clustered by chain; on the scale of the coordinate's own model.
    r_hat
        Upper bound on R-hat of every judged variable.
    effective_samples
        Lower bound on the bulk effective sample size of every judged variable, all chains together.
    stable_rounds
        Rounds in a row, the present one included, that must have selected the same variables; 1 asks for nothing.
    """

    information_error: float
    r_hat: float
    effective_samples: float
    stable_rounds: int


@dataclass(frozen=True)
class Criterion:
    """One criterion, judged.

    Attributes
    ----------
    name
        ``coordinate``, ``information error``, ``R-hat``, ``effective samples``, ``stable variables``, ``mechanisms``
        or ``halves in no basin``.
    value, bound
        The worst value and its bound; NaN where there is none.
    holds
        Whether it does.
    text
        The same in words.
    """

    name: str
    value: float
    bound: float
    holds: bool
    text: str


@dataclass(frozen=True)
class Assessment:
    """Judgement after a round. NaN marks a number that the data cannot give.

    Attributes
    ----------
    round
        From 1.
    n_shots
        Shots so far, all chains together.
    variables, coefficients
        Of the coordinate, coefficients in inverse units of the variables; empty where none could be fitted.
    information_error, clustered_information_error
        As in :class:`separatrix.coordinate.committor_model.Coordinate`.
    interchangeable
        For each selected variable that has such, those that the data do not tell from it.
    stable_for
        Rounds in a row, this one included, that selected the same variables in whatever order, interchangeable ones
        taken as the same; 0 without a coordinate.
    r_hat, effective_samples
        Of each selected variable and of the coordinate itself (:data:`REACTION_COORDINATE`).
    notes
        Of the same variables: why a number is missing; else empty.
    worst_r_hat, worst_effective_samples
        The largest R-hat and the smallest effective sample size; NaN where any is missing.
    mechanisms
        Whether the shares of the mechanisms depend on the start.
    criteria
        Each criterion.
    converged
        Whether all hold.
    stop
        Whether this was the last round.
    verdict
        The judgement in one line.
    """

    round: int
    n_shots: int
    variables: tuple[str, ...]
    coefficients: tuple[float, ...]
    information_error: float
    clustered_information_error: float
    interchangeable: dict[str, tuple[str, ...]]
    stable_for: int
    r_hat: dict[str, float]
    effective_samples: dict[str, float]
    notes: dict[str, str]
    worst_r_hat: float
    worst_effective_samples: float
    mechanisms: MechanismAgreement
    criteria: tuple[Criterion, ...]
    converged: bool
    stop: bool
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """JSON types; NaN and infinities become None."""
        return json_safe(asdict(self))


def judge(
    *,
    round: int,
    coordinate: Coordinate | None,
    beats_null: bool,
    values: ArrayLike,
    names: Sequence[str],
    chain: ArrayLike,
    mechanisms: Sequence[ChainMechanisms],
    previous: Sequence[Mapping[str, Any]],
    criteria: Criteria,
    min_rounds: int,
    max_rounds: int,
    groups: Sequence[Interchangeable] = (),
    halves: Lost | None = None,
    longest_half_fs: float | None = None,
) -> Assessment:
    """Judge all shots so far.

    Parameters
    ----------
    round
        Number of the round, from 1.
    coordinate
        Fitted to all shots so far; None where none could be fitted (all outcomes the same).
    beats_null
        Whether it is better than a constant committor.
    values
        Variables at the shooting points, shape (n_shots, n_variables), any units; the rows of each chain in the order
        of its shots.
    names
        Of the variables, shape (n_variables,).
    chain
        Number of the chain of each shot, shape (n_shots,).
    mechanisms
        Of each chain, in any order.
    previous
        Assessments of all earlier rounds as :meth:`Assessment.to_dict` gives them, in order.
    criteria
        What must hold.
    min_rounds, max_rounds
        Sampling stops after no fewer and no more rounds than these.
    groups
        Variables that all shots so far do not tell from those of the coordinate.
    halves
        What the halves that reached no basin can change; None: not judged.
    longest_half_fs
        How long a half is followed, fs; for the words.

    Raises
    ------
    ValueError
        When shapes do not fit, a variable of the coordinate is missing, a value is not finite, `mechanisms` are not of
        the chains that have shots, or `previous` are not the assessments of rounds 1 to `round` - 1 in order.
    """
    table, of = np.asarray(values, dtype=float), np.asarray(chain)
    if table.ndim != 2 or table.shape[1] != len(names) or of.shape != (table.shape[0],):
        raise ValueError(f"shapes do not fit: values {table.shape}, {len(names)} names, chain {of.shape}")
    numbers = np.unique(of).tolist()
    if sorted(m.chain for m in mechanisms) != numbers:
        raise ValueError(f"shots of chains {numbers}, but mechanisms of {sorted(m.chain for m in mechanisms)}")
    rounds = [p["round"] for p in previous]
    if rounds != list(range(1, round)):
        raise ValueError(f"round {round} needs the assessments of all earlier rounds in order, got {rounds}")
    judged = {} if coordinate is None else _judged(coordinate, table, names, of)
    variables = () if coordinate is None else coordinate.names
    same = {group.variable: tuple(other.name for other in group.alternatives) for group in groups}
    if not same.keys() <= set(variables):
        raise ValueError(
            f"groups of {', '.join(same)}, but the coordinate has {', '.join(variables) or 'no variables'}"
        )
    stable_for = _stable_for(variables, previous, same)
    swapped = any(set(p["variables"]) != set(variables) for p in previous[len(previous) - max(stable_for - 1, 0) :])
    agreement = mechanism_agreement(mechanisms)
    # Of one start there is nothing to compare; of several, what cannot be told may still depend on them.
    told = agreement.outcome == AGREE or len({m.start for m in mechanisms}) == 1
    checks = (
        _coordinate_criterion(coordinate, beats_null),
        _information_criterion(coordinate, criteria.information_error),
        _r_hat_criterion(judged, criteria.r_hat),
        _samples_criterion(judged, criteria.effective_samples),
        _stability_criterion(stable_for, criteria.stable_rounds, swapped),
        Criterion("mechanisms", math.nan, math.nan, told, agreement.verdict),
        *(() if halves is None else (_halves_criterion(halves, longest_half_fs),)),
    )
    converged = all(c.holds for c in checks)
    stop = round >= max_rounds or (converged and round >= min_rounds)
    return Assessment(
        round=round,
        n_shots=len(table),
        variables=variables,
        coefficients=() if coordinate is None else tuple(float(c) for c in coordinate.coefficients),
        information_error=math.nan if coordinate is None else coordinate.information_error,
        clustered_information_error=math.nan if coordinate is None else coordinate.clustered_information_error,
        interchangeable=same,
        stable_for=stable_for,
        r_hat={name: m.r_hat for name, m in judged.items()},
        effective_samples={name: m.effective_samples for name, m in judged.items()},
        notes={name: m.note for name, m in judged.items()},
        worst_r_hat=checks[2].value,
        worst_effective_samples=checks[3].value,
        mechanisms=agreement,
        criteria=checks,
        converged=converged,
        stop=stop,
        verdict=_verdict(checks, round, min_rounds, stop),
    )


def _judged(coordinate: Coordinate, table: np.ndarray, names: Sequence[str], of: np.ndarray) -> dict[str, Mixing]:
    missing = [name for name in coordinate.names if name not in names]
    if missing:
        raise ValueError(f"no values of {', '.join(missing)}")
    columns = table[:, [list(names).index(name) for name in coordinate.names]]
    series = dict(zip(coordinate.names, columns.T, strict=True))
    series[REACTION_COORDINATE] = coordinate.r(columns)
    numbers = np.unique(of)
    return {name: mixing([x[of == k] for k in numbers]) for name, x in series.items()}


def _stable_for(
    variables: Sequence[str], previous: Sequence[Mapping[str, Any]], same: Mapping[str, Sequence[str]]
) -> int:
    count = 1 if variables else 0
    for earlier in reversed(previous):
        if not variables or not _same_choice(variables, earlier["variables"], same):
            break
        count += 1
    return count


def _same_choice(variables: Sequence[str], earlier: Sequence[str], same: Mapping[str, Sequence[str]]) -> bool:
    """Whether each variable can be paired with an earlier one that is itself or interchangeable with it."""
    return len(earlier) == len(variables) and any(
        all(then == now or then in same.get(now, ()) for now, then in zip(variables, order, strict=True))
        for order in permutations(earlier)
    )


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


def _information_criterion(coordinate: Coordinate | None, bound: float) -> Criterion:
    plain = math.nan if coordinate is None else coordinate.information_error
    clustered = math.nan if coordinate is None else coordinate.clustered_information_error
    if not math.isfinite(plain):
        value, text = math.nan, "no information error"
    elif not math.isfinite(clustered):
        value, text = math.nan, "no information error clustered by chain, which needs two chains"
    else:
        value = max(plain, clustered)
        text = f"information error {_beside(value, bound)}"
        text += ", clustered by chain" if clustered > plain else ""
    return Criterion("information error", value, bound, value <= bound, text)


def _r_hat_criterion(judged: Mapping[str, Mixing], bound: float) -> Criterion:
    if not judged:
        return Criterion("R-hat", math.nan, bound, False, "no R-hat")
    name = max(judged, key=lambda n: (math.isnan(judged[n].r_hat), judged[n].r_hat))
    value = judged[name].r_hat
    text = f"R-hat {_beside(value, bound)} ({name})" if math.isfinite(value) else f"no R-hat ({_why(judged, name)})"
    return Criterion("R-hat", value, bound, value <= bound, text)


def _samples_criterion(judged: Mapping[str, Mixing], bound: float) -> Criterion:
    if not judged:
        return Criterion("effective samples", math.nan, bound, False, "no effective sample size")
    name = max(judged, key=lambda n: (math.isnan(judged[n].effective_samples), -judged[n].effective_samples))
    value = judged[name].effective_samples
    text = f"no effective sample size ({_why(judged, name)})"
    if math.isfinite(value):
        text = f"effective samples {_beside(value, bound)} ({name})"
    return Criterion("effective samples", value, bound, value >= bound, text)


def _halves_criterion(halves: Lost, limit: float | None) -> Criterion:
    text = halves.words(limit=limit) if halves.matters else "few enough halves reached no basin"
    return Criterion("halves in no basin", halves.share, MANY, not halves.matters, text)


def _why(judged: Mapping[str, Mixing], name: str) -> str:
    return f"{name}: {judged[name].note}"


def _stability_criterion(stable_for: int, wanted: int, swapped: bool) -> Criterion:
    holds = stable_for >= wanted
    what = "the same variables, or interchangeable ones," if swapped else "the same variables"
    if not stable_for:
        text = "no variables selected"
    elif holds:
        text = f"{what} selected in {_rounds(stable_for)} in a row"
    else:
        text = f"{what} selected in {stable_for} of {_rounds(wanted)}"
    return Criterion("stable variables", float(stable_for), float(wanted), holds, text)


def _verdict(checks: Sequence[Criterion], done: int, min_rounds: int, stop: bool) -> str:
    failed = "; ".join(c.text for c in checks if not c.holds)
    if stop:
        return (
            f"stopped after {_rounds(done)} without convergence: {failed}"
            if failed
            else f"converged after {_rounds(done)}"
        )
    return f"goes on: {failed or f'converged after {_rounds(done)}, but at least {min_rounds} are wanted'}"


def _rounds(n: int) -> str:
    return f"{n} round" if n == 1 else f"{n} rounds"


def _beside(value: float, bound: float) -> str:
    """A value and its bound, with digits enough to tell them apart."""
    word = "above" if value > bound else "below" if value < bound else "at"
    shown = ("", "")
    for digits in range(3, 17):
        shown = _digits(value, digits), _digits(bound, digits)
        if shown[0] != shown[1]:
            break
    return f"{shown[0]} {word} {shown[1]}"


def _digits(x: float, digits: int) -> str:
    if math.isinf(x):
        return "infinity"
    # Whole numbers keep all their digits: no exponents for sample sizes.
    return f"{x:.{max(digits, len(str(int(abs(x)))))}g}"
