"""The fit of a reaction coordinate to observations, with all that is needed to judge it.

:func:`fit` is what the rule `coordinate` and ``separatrix fit`` both call: it takes
:class:`~separatrix.coordinate.observations.Observations` and gives a
:class:`~separatrix.coordinate.fit_report.Report`. What is correlated with what is decided by
:mod:`separatrix.statistics.blocks`, from the scores of the chosen coordinate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.fit_options import FitError, Options, Progress, check
from separatrix.coordinate.fit_report import Report, ReportedSet
from separatrix.coordinate.interchangeable import Interchangeable, interchangeable
from separatrix.coordinate.judged_set import JudgedSet, judge_set
from separatrix.coordinate.nonlinear_models import NonlinearModel, nonlinear_models
from separatrix.coordinate.observations import Observations
from separatrix.coordinate.resampling import BootstrapCoefficients, SelectionFrequency, bootstrap_selection
from separatrix.coordinate.search import MAX_SUBSETS
from separatrix.coordinate.selection import Selection, select
from separatrix.statistics.blocks import Dependence
from separatrix.statistics.calibration import CalibrationTable, calibration_table, equal_count_edges

MOST_SUBSETS = 5_000_000
"""Subsets of one size that ``exhaustive`` fits at most: hours, and gigabytes for the list of them."""

_CANDIDATES = 15  # variables that take part in the bootstrap of the selection


def fit(observations: Observations, options: Options | None = None, progress: Progress | None = None) -> Report:
    """Find the coordinate that observations speak for, and how far it can be relied on.

    Parameters
    ----------
    observations
        With velocities the search is inertial: a variable brings its velocity along, and the coordinate is then fitted
        to the chosen variables alone.
    options
        See :class:`separatrix.coordinate.fit_options.Options`.
    progress
        Called before every step.

    Raises
    ------
    FitError
        When the observations allow no fit (all outcomes equal, nothing that varies, ...), or an option does not fit
        them.
    """
    options = options or Options()
    check(options)
    started = time.process_time()
    if options.normalise:
        observations = observations.normalised()
    try:
        # Absurd values overflow in the errors; what is not finite is reported as missing.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return _fit(observations, options, progress, started)
    except (ValueError, ArithmeticError) as error:
        raise FitError(f"{observations.path}: {error}") from error


def choose(seen: Observations, options: Options, progress: Progress | None = None) -> tuple[Selection, Coordinate]:
    """The search alone, and the coordinate that it ends with: what the rounds of sampling are judged by.

    Raises
    ------
    FitError
        When an exhaustive search would never end.
    ValueError
        When the observations allow no fit.
    """
    selection = _select(seen, options, seen.dependence(options.blocks), progress)
    return selection, _of_size(selection, options)


def indistinguishable(seen: Observations, best: Coordinate) -> tuple[Interchangeable, ...]:
    """Variables that the data do not tell from those of the coordinate, judged between its blocks."""
    return interchangeable(
        seen.values, seen.outcome, seen.names, best.names, best.model, blocks=best.blocks, rates=seen.rates
    )


def _fit(seen: Observations, options: Options, progress: Progress | None, started: float) -> Report:
    begun = time.process_time()
    selection, best = choose(seen, options, progress)
    cpu_seconds = time.process_time() - begun
    size = len(best.names)
    groups = indistinguishable(seen, best)
    chosen = judge_set(seen, best.names, options, coordinate=best, progress=progress)
    frequency = _frequency(seen, options, selection, best, groups, progress) if options.bootstrap else None
    return Report(
        observations=seen,
        options=options,
        selection=selection,
        chosen=chosen,
        sets=_sets(seen, options, selection, chosen, progress),
        rivals=selection.top[size],
        calibration=_calibrated(seen, options, best),
        frequency=frequency,
        groups=groups,
        nonlinear_models=_beyond(seen, options, chosen, progress),
        notes=_notes(seen, selection, best, chosen.resampled),
        cpu_seconds=cpu_seconds,
        total_cpu_seconds=time.process_time() - started,
    )


def _calibrated(seen: Observations, options: Options, best: Coordinate) -> CalibrationTable:
    """Observed fractions against the coordinate's committors, in bins of about equally many observations."""
    p = best.committor(seen.values[:, [seen.names.index(name) for name in best.names]])
    return calibration_table(p, seen.outcome, equal_count_edges(p), options.confidence, best.blocks)


def _sets(
    seen: Observations, options: Options, selection: Selection, chosen: JudgedSet, progress: Progress | None
) -> tuple[ReportedSet, ...]:
    """The chosen set, with `each_size` the best of every size, and those that are compared by name."""

    def units(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(seen.units[seen.names.index(name)] for name in names)

    sets = []
    for coordinate in selection.per_size.values() if options.each_size else [chosen.coordinate]:
        is_chosen = coordinate.names == chosen.coordinate.names
        judged = (
            chosen
            if is_chosen
            else judge_set(seen, coordinate.names, options, coordinate=coordinate, progress=progress)
        )
        sets.append(ReportedSet("best", is_chosen, coordinate.names, units(coordinate.names), judged))
    for names in options.compared:
        try:
            judged = judge_set(seen, names, options, progress=progress)
        except ValueError as error:
            # A set for comparison, constant with this method perhaps, must not stop the run.
            sets.append(ReportedSet("beside", False, names, units(names), None, str(error)))
            continue
        sets.append(ReportedSet("beside", False, names, units(names), judged))
    return tuple(sets)


def _beyond(
    seen: Observations, options: Options, chosen: JudgedSet, progress: Progress | None
) -> tuple[NonlinearModel, ...]:
    if not options.nonlinear_models or chosen.fold is None or chosen.held_out is None:
        return ()
    return nonlinear_models(
        seen.values,
        seen.outcome,
        seen.names,
        chosen.coordinate.names,
        chosen.fold,
        chosen.held_out,
        options.nonlinear_models,
        seed=options.seed,
        progress=progress,
    )


def _select(seen: Observations, options: Options, dependence: Dependence, progress: Progress | None) -> Selection:
    """The search."""
    largest = min(options.max_variables, len(seen.names))
    most = MAX_SUBSETS
    if options.search == "exhaustive":
        most = MOST_SUBSETS
        for size in range(1, largest + 1):
            sets = math.comb(len(seen.names), size)
            if sets > most:
                raise FitError(
                    f"{size} of {len(seen.names)} variables are {sets:,} sets, more than the {most:,} that an "
                    "exhaustive search fits; ask for fewer variables, or for an exchange search"
                )

    def tell(size: int, done: int, total: int) -> None:
        if progress is not None:
            progress(f"sets of {size}", done, total)

    return select(
        seen.values,
        seen.outcome,
        seen.names,
        dependence=dependence,
        max_variables=options.max_variables,
        search=options.search,
        model=options.model,
        max_subsets=most,
        criterion="ebic" if options.criterion == "two-line" else options.criterion,
        rates=seen.rates,
        progress=tell,
    )


def _of_size(selection: Selection, options: Options) -> Coordinate:
    """The coordinate of the size that the options ask for."""
    if options.size is not None:
        if options.size not in selection.per_size:
            raise ValueError(
                f"no coordinate of {options.size} variables: there are "
                f"{max(selection.per_size)} that vary independently, at most"
            )
        return selection.per_size[options.size]
    if options.criterion == "two-line":
        if selection.two_line is None:
            raise ValueError(
                f"the two-line test finds no number of variables up to {max(selection.per_size)}; "
                "allow more variables, or use another criterion"
            )
        return selection.per_size[selection.two_line]
    return selection.best


def _frequency(
    seen: Observations,
    options: Options,
    selection: Selection,
    best: Coordinate,
    groups: Sequence[Interchangeable],
    progress: Progress | None,
) -> SelectionFrequency:
    """How often variables are chosen in a bootstrap over the blocks of the coordinate."""

    def tell(what: str) -> Callable[[int, int], None]:
        return lambda done, total: None if progress is None else progress(what, done, total)

    # The variables of the leading sets are those that a resample could choose instead.
    interesting = [*best.names, *(name for group in groups for name in group.names)]
    interesting += [name for lines in zip(*_padded(selection), strict=True) for line in lines for name in line]
    fixed = None
    if options.size is not None or options.criterion == "two-line":
        fixed = len(best.names)
    return bootstrap_selection(
        seen.values,
        seen.outcome,
        seen.names,
        np.random.default_rng([options.seed, 2]),
        blocks=best.blocks,
        max_variables=max(selection.per_size),
        n_boot=options.bootstrap,
        model=options.model,
        criterion="ebic" if options.criterion == "two-line" else options.criterion,
        rates=seen.rates,
        candidates=list(dict.fromkeys(interesting))[: max(_CANDIDATES, len(best.names))],
        size=fixed,
        progress=tell("resampled searches"),
    )


def _padded(selection: Selection) -> list[list[tuple[str, ...]]]:
    """Leading sets of each size, all lists of one length: taken in turns, no size crowds out the others."""
    length = max(len(lines) for lines in selection.top.values())
    return [[line.names for line in lines] + [()] * (length - len(lines)) for lines in selection.top.values()]


def _notes(
    seen: Observations,
    selection: Selection,
    best: Coordinate,
    resampled: BootstrapCoefficients | None,
) -> tuple[str, ...]:
    """What must be known before the coordinate is believed."""
    notes = []
    size = len(best.names)
    if best.separable:
        notes.append(
            "the outcomes are separable: these variables tell them apart without error, so ln L has no maximum and "
            "the coefficients have no errors, only their ratios mean something; ask for fewer variables, or add "
            "observations"
        )
    elif not best.converged:
        notes.append("the maximum was not reached: do not use these coefficients")
    if not selection.cost[size] < selection.cost[0]:
        notes.append(
            "the coordinate is no better than a constant committor by the criterion: no variable is worth its parameter"
        )
    if seen.left_out:
        notes.append(
            f"{seen.left_out} observations reached neither {seen.reactant} nor {seen.product} and are left out"
        )
    if selection.excluded:
        notes.append(f"constant, and so left out: {', '.join(selection.excluded)}")
    gap = selection.greedy_gap.get(size, 0.0)
    if gap > 0.5 * math.log(best.n_observations):
        notes.append(
            f"greedy addition would end with {', '.join(selection.greedy[size].names)}, {gap:.1f} lower in ln L"
        )
    if not best.block_count:
        notes.append(f"errors hold for independent observations only ({best.block_description})")
    elif best.block_count <= 2 * (size + 1):
        notes.append(
            f"errors between {best.block_count} blocks are uncertain for {size + 1} parameters; run more chains"
        )
    if best.clustered_errors is not None and best.converged and not np.isfinite(best.clustered_errors).all():
        notes.append("one block alone determines a coefficient, so that it has no error; run more chains")
    drawn = 0 if resampled is None else resampled.n_boot + resampled.n_skipped
    if resampled is not None and not best.separable and resampled.n_skipped > 0.05 * drawn:
        notes.append(
            f"{resampled.n_skipped} of {drawn} resamples are separable or have one "
            "outcome: the bootstrap's intervals are too narrow"
        )
    return tuple(notes)


def committor_text(model: str) -> str:
    """The committor model as a formula."""
    return "(1 + tanh r)/2" if model == "logistic" else "(1 + erf r)/2"
