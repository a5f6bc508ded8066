"""Has the sampling converged? The judgement after a round of aimless shooting, from all shots so far.

Criteria that must all hold:

* The coordinate is one: it beats a constant committor, and its likelihood has a maximum that was found.
* The information error (as ATESA's: mean standard error of the coefficients, variables scaled to [0, 1]), taken between
  blocks of correlated shots (:mod:`separatrix.statistics.blocks`), is small enough even at its upper confidence limit:
  a standard error from a few blocks may by chance be far too small.
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
from dataclasses import asdict, dataclass, field, fields
from itertools import permutations
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from separatrix.config.sections.sampling_keys import SamplingSection
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.interchangeable import Interchangeable
from separatrix.core.plain import json_safe
from separatrix.sampling.criteria import effective_samples, r_hat
from separatrix.sampling.criterion import CRITERIA, ConvergenceCriterion, Criterion, Evidence, in_order, rounds
from separatrix.sampling.mechanism_shares import ChainMechanisms, MechanismAgreement, mechanism_agreement
from separatrix.sampling.mixing import Mixing, mixing
from separatrix.statistics.no_basin import Lost

REACTION_COORDINATE = "r"
"""Name under which the coordinate itself is judged."""


@dataclass(frozen=True)
class Criteria:
    """What must hold for sampling to stop.

    Attributes
    ----------
    information_error
        Upper bound on the upper confidence limit of the information error, on the scale of the coordinate's own model.
    r_hat
        Upper bound on R-hat of every judged variable.
    effective_samples
        Lower bound on the bulk effective sample size of every judged variable, all chains together.
    stable_rounds
        Rounds in a row, the present one included, that must have selected the same variables; 1 asks for nothing.
    further
        Criteria of packages by name, with their bounds.
    keys
        The section `sampling` of the config, where these find keys of their own, and further criteria of this library
        their bounds.
    """

    information_error: float
    r_hat: float
    effective_samples: float
    stable_rounds: int
    further: Mapping[str, float] = field(default_factory=dict)
    keys: SamplingSection | None = None

    @classmethod
    def of(cls, keys: SamplingSection) -> Self:
        """The criteria that a config asks for."""
        own = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in dict(keys.convergence).items() if name in own}, keys=keys)

    def bound(self, setting: str) -> float:
        """The bound that a key of ``sampling.convergence`` sets; NaN of none."""
        if not setting:
            return math.nan
        return float(getattr(self if self.keys is None or hasattr(self, setting) else self.keys.convergence, setting))


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
    information_error, clustered_information_error, information_error_limit
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
    information_error_limit: float
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
    earlier = [p["round"] for p in previous]
    if earlier != list(range(1, round)):
        raise ValueError(f"round {round} needs the assessments of all earlier rounds in order, got {earlier}")
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
    evidence = Evidence(
        round=round,
        coordinate=coordinate,
        beats_null=beats_null,
        values=table,
        names=tuple(names),
        chain=of,
        mixing=judged,
        mechanisms=agreement,
        one_start=len({m.start for m in mechanisms}) == 1,
        previous=previous,
        stable_for=stable_for,
        swapped=swapped,
        halves=halves,
        longest_half_fs=longest_half_fs,
        keys=criteria.keys,
    )
    checks = _checks(evidence, criteria)
    converged = all(c.holds for c in checks)
    stop = round >= max_rounds or (converged and round >= min_rounds)
    return Assessment(
        round=round,
        n_shots=len(table),
        variables=variables,
        coefficients=() if coordinate is None else tuple(float(c) for c in coordinate.coefficients),
        information_error=math.nan if coordinate is None else coordinate.information_error,
        clustered_information_error=math.nan if coordinate is None else coordinate.clustered_information_error,
        information_error_limit=math.nan if coordinate is None else coordinate.information_error_limit,
        interchangeable=same,
        stable_for=stable_for,
        r_hat={name: m.r_hat for name, m in judged.items()},
        effective_samples={name: m.effective_samples for name, m in judged.items()},
        notes={name: m.note for name, m in judged.items()},
        worst_r_hat=_worst(checks, r_hat.CRITERION),
        worst_effective_samples=_worst(checks, effective_samples.CRITERION),
        mechanisms=agreement,
        criteria=checks,
        converged=converged,
        stop=stop,
        verdict=_verdict(checks, round, min_rounds, stop),
    )


def _checks(evidence: Evidence, criteria: Criteria) -> tuple[Criterion, ...]:
    """Every criterion of this library, then those of packages that the config asks for."""
    judged = []
    for criterion in in_order():
        judged.append(criterion.judge(evidence, criteria.bound(criterion.setting)))
    judged += [CRITERIA[name].judge(evidence, bound) for name, bound in criteria.further.items()]
    return tuple(result for result in judged if result is not None)


def _worst(checks: Sequence[Criterion], criterion: ConvergenceCriterion) -> float:
    return next(check.value for check in checks if check.name == criterion.name)


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


def _verdict(checks: Sequence[Criterion], done: int, min_rounds: int, stop: bool) -> str:
    failed = "; ".join(c.text for c in checks if not c.holds)
    if stop:
        return (
            f"stopped after {rounds(done)} without convergence: {failed}"
            if failed
            else f"converged after {rounds(done)}"
        )
    return f"goes on: {failed or f'converged after {rounds(done)}, but at least {min_rounds} are wanted'}"
