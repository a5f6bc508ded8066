"""Block bootstrap of the choice of variables and of the coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from separatrix.coordinate.committor_model import original_units, signed_rows
from separatrix.coordinate.likelihood import (
    FloatArray,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    maximise,
)
from separatrix.coordinate.search import (
    MAX_SUBSETS,
    Task,
    charge,
    check_criterion,
    check_search,
    checked_rates,
    exhaustive,
    null_log_likelihood,
    search_sizes,
    standardised,
)
from separatrix.core.plain import Plain
from separatrix.statistics.blocks import Blocks, bootstrap_rows


@dataclass(frozen=True, eq=False)
class SelectionFrequency(Plain):
    """Result of `bootstrap_selection`.

    Attributes
    ----------
    names
        All variables.
    frequency
        Shape (m,), the fraction of resamples whose best coordinate held each.
    candidates
        The variables that took part; the others have frequency 0 by construction.
    sets
        Every set chosen, with the number of resamples that chose it, most frequent first; () for none.
    sizes
        Number of variables -> number of resamples.
    n_boot, n_skipped
        Resamples evaluated; resamples with only one outcome, left out.
    blocks
        What was resampled, for readers.
    """

    names: tuple[str, ...]
    frequency: FloatArray
    candidates: tuple[str, ...]
    sets: tuple[tuple[tuple[str, ...], int], ...]
    sizes: dict[int, int]
    n_boot: int
    n_skipped: int
    blocks: str


def bootstrap_selection(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    rng: np.random.Generator,
    blocks: Blocks | None = None,
    max_variables: int = 3,
    n_boot: int = 50,
    prescreen: int = 15,
    include: Sequence[str] = (),
    model: str = "logistic",
    criterion: str = "ebic",
    rates: ArrayLike | None = None,
    candidates: Sequence[str] | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SelectionFrequency:
    """How often each variable is chosen in a block bootstrap (Carlstein, Ann. Stat. 1986, 14, 1171).

    Each resample draws as many blocks as there are, with replacement, and repeats the exhaustive search with the choice
    of size by the criterion (size 0, a constant, included). To stay affordable only the `prescreen` candidates take
    part: the variables named in `include` (for example those of `select(...).best`), those of a greedy search of the
    whole data set, then those of the best pairs. Frequencies are therefore conditional on that list. Repeated rows make
    every effect look more certain than it is, so the sizes chosen tend to be larger than those of the full data.

    Parameters
    ----------
    q, outcome, names, max_variables, model, criterion, rates
        As in :func:`separatrix.coordinate.selection.select`.
    rng
        Source of random numbers.
    blocks
        What is drawn; None: single observations.
    n_boot
        Resamples.
    prescreen, include
        See above.
    candidates
        The variables that take part, in place of the prescreening.
    size
        Choose among sets of this number of variables only, whatever the criterion says.
    progress
        Progress callback: (resamples done, resamples in all).

    Raises
    ------
    ValueError
        As `select`; n_boot or prescreen below 1; unknown names in `include` or `candidates`, or none of these that
        varies; size outside 1 to max_variables.
    """
    eta_per_r(model)
    check_search("auto", max_variables)
    check_criterion(criterion)
    if min(n_boot, prescreen) < 1:
        raise ValueError("n_boot and prescreen must be at least 1")
    if size is not None and not 1 <= size <= max_variables:
        raise ValueError(f"size must lie between 1 and max_variables, got {size}")
    values, sign, labels, _, _ = checked_data(q, outcome, names, None)
    speed = checked_rates(rates, values, labels)
    for what, given in (("include", include), ("candidates", candidates or ())):
        unknown = [name for name in given if name not in labels]
        if unknown:
            raise ValueError(f"unknown variables in {what}: {', '.join(unknown)}")
    n, m = values.shape
    varying = np.flatnonzero(~constant_columns(values))
    if varying.size == 0:
        raise ValueError("no variable varies: nothing to select from")
    if candidates is None:
        best_first = varying[_prescreen(values[:, varying], sign, max_variables, prescreen, model)].tolist()
        wanted = [labels.index(name) for name in include]
        ordered = [column for column in dict.fromkeys([*wanted, *best_first]) if column in varying]
        pool = np.sort(np.array(ordered[: max(prescreen, len(wanted))], dtype=np.int64))
    else:
        taken = {labels.index(name) for name in (*include, *candidates)}
        pool = np.array(sorted(taken & set(varying.tolist())), dtype=np.int64)
        if pool.size == 0:
            raise ValueError("no candidate varies: nothing to select from")
    width = 1 if speed is None else 2

    resampled = Blocks.single(n) if blocks is None else blocks
    members = resampled.rows()
    chosen = np.zeros(m)
    sets: dict[tuple[int, ...], int] = {}
    skipped = 0
    for resample in range(n_boot):
        if progress is not None:
            progress(resample, n_boot)
        rows = bootstrap_rows(resampled, rng, members)
        drawn_sign = sign[rows]
        if bool(np.all(drawn_sign == drawn_sign[0])):
            skipped += 1
            continue
        sample = values[np.ix_(rows, pool)]
        usable = ~constant_columns(sample)
        if speed is not None:
            drawn_speed = speed[np.ix_(rows, pool)]
            usable &= ~constant_columns(drawn_speed)
        in_use = np.flatnonzero(usable)
        subset: tuple[int, ...] = ()
        # The price of the search is that of all variables that were searched, not of the prescreened ones.
        best = math.inf
        if size is None:
            best = charge(0, varying.size, rows.size, criterion) - 2.0 * null_log_likelihood(drawn_sign)
        if in_use.size:
            drawn = standardised(sample, None if speed is None else drawn_speed, in_use, tuple(map(str, pool)))
            limit = min(max_variables, max((rows.size - 1) // width, 1))
            task = Task(drawn, drawn_sign, model, MAX_SUBSETS)
            for number, searched in search_sizes(task, limit, "auto").items():
                cost = charge(number, varying.size, rows.size, criterion, width) - 2.0 * float(searched.values[0])
                if cost < best and size in (None, number):
                    best, subset = cost, tuple(pool[in_use[searched.subsets[0]]].tolist())
        sets[subset] = sets.get(subset, 0) + 1
        chosen[list(subset)] += 1.0
    done = n_boot - skipped
    ranked = sorted(sets.items(), key=lambda item: (-item[1], item[0]))
    sizes: dict[int, int] = {}
    for subset, count in sorted(sets.items(), key=lambda item: len(item[0])):
        sizes[len(subset)] = sizes.get(len(subset), 0) + count
    return SelectionFrequency(
        names=labels,
        frequency=chosen / done if done else np.full(m, math.nan),
        candidates=tuple(labels[column] for column in pool),
        sets=tuple((tuple(labels[column] for column in subset), count) for subset, count in ranked),
        sizes=sizes,
        n_boot=done,
        n_skipped=skipped,
        blocks=resampled.description,
    )


def _prescreen(q: FloatArray, sign: FloatArray, max_variables: int, count: int, model: str) -> list[int]:
    """Columns worth resampling, best first: those of a greedy search, then by the best pair they are in."""
    m = q.shape[1]
    if m <= count:
        return list(range(m))
    columns = standardised(q, None, np.arange(m), tuple(map(str, range(m))))
    task = Task(columns, sign, model, MAX_SUBSETS)
    singles, score = exhaustive(task, 1, np.zeros(m), None)
    _, pair_score = exhaustive(task, 2, score, None)
    greedy: list[int] = singles.subsets[0].tolist()
    for searched in search_sizes(task, max_variables, "exchange").values():
        greedy.extend(searched.subsets[0].tolist())
    by_pair = np.lexsort([np.arange(m), -np.round(pair_score, 6)]).tolist()
    return list(dict.fromkeys([*greedy, *by_pair]))[:count]


@dataclass(frozen=True, eq=False)
class BootstrapCoefficients(Plain):
    """Result of `bootstrap_coefficients`; arrays have the intercept first.

    Attributes
    ----------
    names
        The coordinate's variables.
    lower, upper
        Shape (k + 1,): percentile interval at `confidence`.
    standard_errors
        Shape (k + 1,): standard deviation between resamples.
    confidence
        Of the intervals.
    n_boot, n_skipped
        Resamples that have a maximum; resamples without: one outcome, separable, or with linearly dependent variables.
        Many of them mean that the intervals are too narrow.
    blocks
        What was resampled, for readers.
    """

    names: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray
    standard_errors: FloatArray
    confidence: float
    n_boot: int
    n_skipped: int
    blocks: str


def bootstrap_coefficients(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    rng: np.random.Generator,
    blocks: Blocks | None = None,
    model: str = "logistic",
    n_boot: int = 200,
    confidence: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> BootstrapCoefficients:
    """Intervals of the coefficients of a coordinate in exactly these variables, by a block bootstrap.

    The choice of the variables is not repeated: see `bootstrap_selection` for that.

    Parameters
    ----------
    q
        Shape (n, k), the coordinate's variables.
    outcome, names, model
        As in :func:`separatrix.coordinate.committor_model.fit`.
    rng
        Source of random numbers.
    blocks
        What is drawn, the blocks of the coordinate; None: single observations.
    n_boot
        Resamples.
    confidence
        Of the intervals.
    progress
        Progress callback: (resamples done, resamples in all).

    Raises
    ------
    ValueError
        As `fit`; n_boot below 1; confidence not between 0 and 1.
    """
    scale = eta_per_r(model)
    if n_boot < 1:
        raise ValueError("n_boot must be at least 1")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    values, sign, labels, _, _ = checked_data(q, outcome, names, None)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    constant = constant_columns(values, spread)
    if bool(constant.any()):
        raise ValueError(f"constant variables cannot be fitted: {', '.join(np.array(labels)[constant])}")
    # One standardisation for all resamples: the maximum does not depend on it.
    z = (values - mean) / spread
    transform = original_units(mean, spread, scale)
    resampled = Blocks.single(len(values)) if blocks is None else blocks
    members = resampled.rows()
    drawn: list[FloatArray] = []
    for resample in range(n_boot):
        if progress is not None:
            progress(resample, n_boot)
        rows = bootstrap_rows(resampled, rng, members)
        one_sided = bool(np.all(sign[rows] == sign[rows[0]]))
        if one_sided or rows.size <= z.shape[1] or bool(constant_columns(values[rows]).any()):
            continue
        if bool(collinear_columns(z[rows]).any()):
            continue
        maximum = maximise(signed_rows(z[rows], sign[rows]), model)
        if not maximum.separable and maximum.converged:
            drawn.append(transform @ maximum.newton.b)
    lower = upper = error = np.full(z.shape[1] + 1, math.nan)
    if len(drawn) > 1:
        sample = np.array(drawn)
        lower, upper = np.quantile(sample, [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence], axis=0)
        error = sample.std(axis=0, ddof=1)
    skipped = n_boot - len(drawn)
    return BootstrapCoefficients(labels, lower, upper, error, confidence, len(drawn), skipped, resampled.description)
