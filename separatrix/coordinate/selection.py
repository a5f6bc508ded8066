"""Which collective variables make the reaction coordinate: the best set of each size, and the best size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from separatrix.coordinate.committor_model import Coordinate, check_dependence, from_maximum, signed_rows
from separatrix.coordinate.likelihood import (
    Maximum,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    maximise,
)
from separatrix.coordinate.search import (
    CRITERIA,
    MAX_SUBSETS,
    REFITTED,
    Progress,
    Task,
    charge,
    check_criterion,
    check_search,
    checked_rates,
    null_log_likelihood,
    search_sizes,
    standardised,
)
from separatrix.core.plain import json_safe
from separatrix.statistics.blocks import Dependence

TABLE_LENGTH = 10
"""Subsets per size listed in `Selection.top`."""

_TWO_LINES = 5  # sizes from which the two-line test gives an answer


def two_line_test(log_likelihoods: Sequence[float], threshold: float = 0.5) -> int | None:
    """Number of variables by ATESA's two-line test, for comparison with lmax.py (GitHub team-mayes/atesa).

    ln L against the number of variables, 1 to N, is fitted by two straight lines that share the point M, one
    through 1..M and one through M..N. M is chosen if the lines cross nearer to its point than to any other and
    the slope of the second is at most `threshold` of the first; of several such M, the one nearest to the
    crossing. N grows from 5 until an M is found. ATESA takes ln L from greedy addition.

    Parameters
    ----------
    log_likelihoods
        ln L of the best coordinate with 1, 2, ... variables.
    threshold
        ATESA's default, 0.5.

    Returns
    -------
    M, at least 2; None where no N up to the length given has one.
    """
    score = np.asarray(log_likelihoods, dtype=float)
    for n in range(_TWO_LINES, score.size + 1):
        x, y = np.arange(1.0, n + 1.0), score[:n]
        nearest = math.inf
        chosen: tuple[int, float] | None = None
        for shared in range(2, n):
            first = np.polynomial.polynomial.polyfit(x[:shared], y[:shared], 1)
            second = np.polynomial.polynomial.polyfit(x[shared - 1 :], y[shared - 1 :], 1)
            if first[1] == second[1]:
                continue
            crossing = (first[0] - second[0]) / (second[1] - first[1])
            distance = np.hypot(x - crossing, y - (first[0] + first[1] * crossing))
            if int(np.argmin(distance)) == shared - 1 and distance[shared - 1] < nearest:
                nearest = float(distance[shared - 1])
                chosen = shared, float(second[1] / first[1]) if first[1] else math.inf
        if chosen is not None and chosen[1] <= threshold:
            return chosen[0]
    return None


@dataclass(frozen=True)
class RankedSubset:
    """One line of `Selection.top`."""

    names: tuple[str, ...]
    log_likelihood: float
    separable: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "names": list(self.names),
            "log_likelihood": json_safe(self.log_likelihood),
            "separable": self.separable,
        }


@dataclass(frozen=True, eq=False)
class Selection:
    """Result of `select`.

    Attributes
    ----------
    best
        The coordinate with the smallest cost among those with at least one variable.
    best_beats_null
        Whether its cost is below that of a constant committor; if not, no variable is worth its parameter.
    per_size
        Best coordinate with 1, 2, ... variables.
    top
        For each size the best subsets (up to 10), best first.
    null_log_likelihood
        ln L of a constant committor.
    criterion
        ``ebic``, ``bic`` or ``aic``.
    cost
        For each size k, and 0 for the constant, (k + 1) ln N - 2 ln L, and 2 ln C(m, k) for ``ebic``; smaller is
        better. With velocities a set pays for 2 k + 1 parameters.
    excluded
        Variables left out because they are constant.
    search
        What was searched, for readers.
    costs
        `cost` by all criteria; that of ``aic`` has 2 in place of ln N.
    two_line
        Number of variables by `two_line_test` of the sizes searched; None for fewer than 5 or no answer.
    greedy
        For each size searched exhaustively the set that greedy addition ends with, from the same fits: what it falls
        short by, `greedy_gap`, is the price of not searching. Missing where the search kept to a pool that lacks one
        of its variables.
    inertial
        With velocities, the fit that ranked the set of each size, velocities included (names of the variables, then
        `rate_name` of each); `per_size` then holds the fits of the same variables without velocities, and `top`,
        `greedy` and the costs have ln L with them. Else None.
    n_fits, n_refits
        Subsets fitted in the search, over all sizes; fits repeated exactly.
    """

    best: Coordinate
    best_beats_null: bool
    per_size: dict[int, Coordinate]
    top: dict[int, tuple[RankedSubset, ...]]
    null_log_likelihood: float
    criterion: str
    cost: dict[int, float]
    excluded: tuple[str, ...]
    search: str
    costs: dict[str, dict[int, float]]
    two_line: int | None
    greedy: dict[int, RankedSubset]
    inertial: dict[int, Coordinate] | None
    n_fits: int
    n_refits: int

    @property
    def greedy_gap(self) -> dict[int, float]:
        """ln L of the best set of each size less that of greedy addition."""
        return {k: self.top[k][0].log_likelihood - line.log_likelihood for k, line in self.greedy.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; sizes become string keys."""
        return {
            "best": self.best.to_dict(),
            "best_beats_null": self.best_beats_null,
            "per_size": {str(size): coordinate.to_dict() for size, coordinate in self.per_size.items()},
            "top": {str(size): [line.to_dict() for line in lines] for size, lines in self.top.items()},
            "null_log_likelihood": json_safe(self.null_log_likelihood),
            "criterion": self.criterion,
            "cost": json_safe(self.cost),
            "excluded": list(self.excluded),
            "search": self.search,
            "costs": json_safe(self.costs),
            "two_line": self.two_line,
            "greedy": {str(size): line.to_dict() for size, line in self.greedy.items()},
            "greedy_gap": json_safe(self.greedy_gap),
            "inertial": None if self.inertial is None else {str(k): c.to_dict() for k, c in self.inertial.items()},
            "n_fits": self.n_fits,
            "n_refits": self.n_refits,
        }


def select(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    dependence: Dependence | None = None,
    max_variables: int = 3,
    search: str = "auto",
    model: str = "logistic",
    max_subsets: int = MAX_SUBSETS,
    criterion: str = "ebic",
    rates: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Selection:
    """The best coordinate with 1, 2, ..., max_variables of the given variables, and the best size.

    BIC charges for parameters, not for the number of subsets tried: of 80 variables that mean nothing, some
    subset beat the constant committor in 20 of 20 simulated data sets with N = 120 and in 13 of 20 with
    N = 500. The extended criterion adds 2 ln C(m, k), the price of having searched all subsets of k of m
    variables (Chen and Chen, Biometrika 2008, 95, 759, with gamma = 1). Judge a choice by
    `bootstrap_selection` and by committor shots all the same.

    Parameters
    ----------
    q
        Shape (n, m).
    outcome
        Shape (n,), True for B.
    names
        m unique names.
    dependence
        As in :func:`separatrix.coordinate.committor_model.fit`; it changes errors, never the choice.
    max_variables
        Largest size tried (at most m, and no more parameters than observations).
    search
        ``exhaustive``: every subset of every size; ``greedy``: all single variables, then the best addition to the
        best set one smaller (ATESA's lmax.py -r); ``exchange``: the same, each addition followed by exchanges of one
        variable for another until none helps; ``auto``: exhaustive up to three variables, exchange beyond.
    model
        ``logistic`` or ``erf``.
    max_subsets
        Where a size has more subsets than this, the exhaustive search keeps to the variables that did best in subsets
        one smaller (ties: first columns), as many as fit; `Selection.search` says so.
    criterion
        ``ebic``: the size with the smallest extended BIC; ``bic``: with the smallest plain one; ``aic``: with the
        smallest Akaike criterion, which lets useless variables in.
    rates
        Time derivatives of q, shape (n, m), for inertial likelihood maximisation; None for the plain one.
    progress
        Progress callback: (size, subsets done, subsets in all).

    Returns
    -------
    Constant variables are left out and listed; linearly dependent subsets are passed over (their ln L is that of a
    smaller one). Ties in ln L (to 1e-6) go to the subset that comes first in `names`.

    Raises
    ------
    ValueError
        As `fit`; no variable that varies; a rate that does not; unknown search or criterion; max_variables < 1.
    """
    scale = eta_per_r(model)
    check_search(search, max_variables)
    check_criterion(criterion)
    values, sign, labels, _, _ = checked_data(q, outcome, names, None)
    speed = checked_rates(rates, values, labels)
    n = values.shape[0]
    check_dependence(dependence, n)
    constant = constant_columns(values)
    if bool(constant.all()):
        raise ValueError("no variable varies: nothing to select from")
    columns = standardised(values, speed, np.flatnonzero(~constant), labels)
    m, width = columns.m, columns.width
    task = Task(columns, sign, model, max_subsets, progress)
    sizes = search_sizes(task, min(max_variables, max((n - 1) // width, 1)), search)

    def exact(subset: tuple[int, ...], with_rates: bool = True) -> Maximum | None:
        """The fit of a set of variables; None where these are linearly dependent."""
        taken = columns.of(np.array([subset]))[0] if with_rates else np.array(subset)
        if bool(collinear_columns(columns.z[:, taken]).any()):
            return None
        return maximise(signed_rows(columns.z[:, taken], sign), model)

    def coordinate(subset: tuple[int, ...], maximum: Maximum, with_rates: bool) -> Coordinate:
        taken = columns.of(np.array([subset]))[0] if with_rates else np.array(subset)
        return from_maximum(
            maximum,
            signed_rows(columns.z[:, taken], sign),
            columns.raw[:, taken],
            columns.mean[taken],
            columns.spread[taken],
            sign,
            tuple(columns.names[column] for column in taken),
            dependence,
            model,
            scale,
        )

    def ranked(subset: tuple[int, ...], maximum: Maximum) -> RankedSubset:
        return RankedSubset(tuple(columns.names[column] for column in subset), maximum.newton.value, maximum.separable)

    null = null_log_likelihood(sign)
    per_size: dict[int, Coordinate] = {}
    inertial: dict[int, Coordinate] = {}
    top: dict[int, tuple[RankedSubset, ...]] = {}
    greedy: dict[int, RankedSubset] = {}
    n_refits = 0
    for size, searched in sizes.items():
        refitted: dict[tuple[int, ...], Maximum] = {}
        for subset in map(tuple, searched.subsets.tolist()):
            maximum = exact(subset)
            n_refits += 1
            if maximum is not None:
                refitted[subset] = maximum
        if not refitted:
            break  # every leading subset is linearly dependent: larger sizes add nothing
        order = sorted(refitted, key=lambda subset: (-round(refitted[subset].newton.value, 6), subset))
        winner = order[0]
        if width == 1:
            per_size[size] = coordinate(winner, refitted[winner], False)
        else:
            inertial[size] = coordinate(winner, refitted[winner], True)
            plain = exact(winner, with_rates=False)
            n_refits += 1
            assert plain is not None  # part of columns that are independent
            per_size[size] = coordinate(winner, plain, False)
        top[size] = tuple(ranked(subset, refitted[subset]) for subset in order[:TABLE_LENGTH])
        if searched.greedy is not None:
            subset, _ = searched.greedy
            if subset not in refitted:
                n_refits += 1
            maximum = refitted.get(subset) or exact(subset)
            if maximum is not None:
                greedy[size] = ranked(subset, maximum)
    if not per_size:
        raise ValueError(f"{n} observations cannot determine {width + 1} parameters")
    costs = {
        name: {0: charge(0, m, n, name) - 2.0 * null}
        | {size: charge(size, m, n, name, width) - 2.0 * lines[0].log_likelihood for size, lines in top.items()}
        for name in CRITERIA
    }
    cost = costs[criterion]
    chosen = min(per_size, key=lambda size: (cost[size], size))
    note = "; ".join(searched.note for searched in sizes.values())
    name = {"bic": "BIC", "ebic": f"extended BIC for {m} variables", "aic": "AIC"}[criterion]
    note += f"; the leading {REFITTED} of each size refitted exactly; size chosen by {name} with N = {n}"
    return Selection(
        best=per_size[chosen],
        best_beats_null=cost[chosen] < cost[0],
        per_size=per_size,
        top=top,
        null_log_likelihood=null,
        criterion=criterion,
        cost=cost,
        excluded=tuple(labels[column] for column in np.flatnonzero(constant)),
        search=note,
        costs=costs,
        two_line=two_line_test([lines[0].log_likelihood for lines in top.values()]),
        greedy=greedy,
        inertial=inertial if width > 1 else None,
        n_fits=sum(searched.examined for searched in sizes.values()),
        n_refits=n_refits,
    )
