"""What ``separatrix fit`` computes: a coordinate from a file of observations, with all that is needed to judge it.

:func:`fit` takes :class:`~separatrix.coordinate.observations.Observations` and gives a :class:`Report`, plain data that
the command prints as tables or as JSON. The statistics are those of :mod:`separatrix.coordinate.selection`; here it is
decided what is resampled and left out together (the blocks), and the linear coordinate is held against models that are
not linear.

The keys of :meth:`Report.to_dict`, which ``separatrix fit --json`` prints, with the intercept first wherever there is
one: `variables`, `coefficients`, `standard_errors` (from the Hessian, for independent observations),
`clustered_standard_errors` (null without blocks), `interval`, `log_likelihood`, `information_error` and
`clustered_information_error` of the chosen coordinate; `converged` and `separable`; `n_fits`, `n_refits` and
`cpu_seconds` of the search; `sizes`, the best set of each size with its criteria and what greedy addition would have
missed; `rivals`, `interchangeable`, `selection_frequency`, `bootstrap`, `held_out`, `beyond_linear`, `two_line`;
`inertial`, the fit with rates; and `notes`, what must be known before the coordinate is believed.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from separatrix.coordinate import committor_model
from separatrix.coordinate.committor_model import Coordinate, coefficient_intervals
from separatrix.coordinate.held_out import HeldOut, fold_labels, held_out_log_likelihood
from separatrix.coordinate.interchangeable import Interchangeable, interchangeable
from separatrix.coordinate.observations import Observations
from separatrix.coordinate.resampling import (
    BootstrapCoefficients,
    SelectionFrequency,
    bootstrap_coefficients,
    bootstrap_selection,
)
from separatrix.coordinate.search import MAX_SUBSETS
from separatrix.coordinate.selection import RankedSubset, Selection, select
from separatrix.core.errors import SeparatrixError
from separatrix.core.plain import Plain, json_safe

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

MODELS = ("logistic", "erf")
SEARCHES = ("auto", "exhaustive", "greedy", "exchange")
CRITERIA = ("ebic", "bic", "aic", "two-line")
BEYOND = ("boosting", "network")

MANY_CHAINS = 10
"""Chains from which these are the blocks; errors between fewer are too small, so chains are then cut into pieces."""

MOST_FOLDS = 10
"""Folds, of whole chains, on which the workflow compares models beyond the linear one: they are fitted to each."""

PIECES = 20
"""Blocks that fewer chains are cut into, all together."""

MOST_SUBSETS = 5_000_000
"""Subsets of one size that ``exhaustive`` fits at most: hours, and gigabytes for the list of them."""

COEFFICIENT_RESAMPLES = 4
"""Resamples of the coefficients per resample of the selection, which costs more."""

_CANDIDATES = 15  # variables that take part in the bootstrap of the selection
_SMALLEST = 1e-12  # probability that a tree or a network may give to what happens


class FitError(SeparatrixError):
    """No coordinate can be fitted to the observations as asked."""


@dataclass(frozen=True)
class Options:
    """How to fit.

    Attributes
    ----------
    model
        ``logistic`` or ``erf``.
    max_variables
        Largest number of variables tried.
    search
        ``auto`` (exhaustive up to three variables, exchange beyond), ``exhaustive``, ``greedy`` or ``exchange``; see
        :func:`separatrix.coordinate.selection.select`.
    criterion
        What chooses the number of variables: ``ebic``, ``bic``, ``aic`` or ``two-line``, ATESA's test.
    size
        Number of variables, whatever the criterion says; None lets it choose.
    normalise
        Fit variables scaled to [0, 1], as ATESA does: its coefficients are then those of ATESA.
    blocks
        What may be correlated within: ``chain``, ``none`` (observations are independent), or a number of consecutive
        observations.
    bootstrap
        Resamples for the frequency of selection; four times as many for the coefficients. 0: no bootstrap.
    folds
        For the held-out likelihood; 0: none.
    beyond
        Of ``boosting`` and ``network``: committor models beyond the linear one, for comparison.
    confidence
        Of all intervals.
    seed
        Of bootstrap and models beyond; equal seeds give equal numbers.
    """

    model: str = "logistic"
    max_variables: int = 3
    search: str = "auto"
    criterion: str = "ebic"
    size: int | None = None
    normalise: bool = False
    blocks: str = "chain"
    bootstrap: int = 50
    folds: int = 5
    beyond: tuple[str, ...] = ()
    confidence: float = 0.95
    seed: int = 1


@dataclass(frozen=True)
class Beyond(Plain):
    """A committor model that is not linear, against the linear coordinate on observations neither was fitted to.

    Attributes
    ----------
    name
        ``boosting`` or ``network``.
    variables
        ``chosen``: those of the coordinate, so that only the form differs; ``all``: all candidates.
    mean
        Held-out ln L per observation.
    gain, standard_error
        By how much the mean exceeds that of the coordinate, and the error of that between folds.
    """

    name: str
    variables: str
    mean: float
    gain: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class JudgedSet:
    """One set of variables as a coordinate, with what is to be known of its coefficients.

    Attributes
    ----------
    coordinate
        The fit; its clustered covariance is that of the blocks.
    block_count, block_words
        Number of blocks (0: observations taken as independent), and what they are.
    lower, upper
        Intervals of intercept and coefficients, shape (k + 1,): from the clustered errors where there are blocks.
    confidence
        Of each interval.
    resampled
        The same from a bootstrap over the blocks; None without.
    held_out
        Its held-out likelihood; None where nothing could be left out.
    """

    coordinate: Coordinate
    block_count: int
    block_words: str
    lower: np.ndarray
    upper: np.ndarray
    confidence: float
    resampled: BootstrapCoefficients | None
    held_out: HeldOut | None

    @property
    def clustered_errors(self) -> np.ndarray | None:
        """Errors of intercept and coefficients from the spread between blocks; None without blocks."""
        covariance = self.coordinate.clustered_covariance
        return None if covariance is None else np.sqrt(np.diag(covariance))

    def to_dict(self) -> dict[str, Any]:
        """JSON types, the intercept first wherever there is one; NaN becomes None."""
        best = self.coordinate
        return json_safe(
            {
                "variables": list(best.names),
                "coefficients": [best.intercept, *best.coefficients],
                "standard_errors": best.standard_errors,
                "clustered_standard_errors": self.clustered_errors,
                "interval": {
                    "confidence": self.confidence,
                    "errors": "independent" if self.clustered_errors is None else "clustered",
                    "lower": self.lower,
                    "upper": self.upper,
                },
                "blocks": {"count": self.block_count, "what": self.block_words},
                "bootstrap": None if self.resampled is None else self.resampled.to_dict(),
                "log_likelihood": best.log_likelihood,
                "log_likelihood_per_observation": best.log_likelihood / best.n_observations,
                "information_error": best.information_error,
                "clustered_information_error": best.clustered_information_error,
                "separable": best.separable,
                "converged": best.converged,
                "held_out": None if self.held_out is None else self.held_out.to_dict(),
            }
        )


def judge_set(
    q: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    chain: Sequence[object],
    rng: np.random.Generator,
    *,
    model: str = "logistic",
    bootstrap: int = 0,
    confidence: float = 0.95,
) -> JudgedSet:
    """Fit one set of variables, with intervals clustered by blocks of the chains and likelihood held out by chain.

    Parameters
    ----------
    q
        Values of the set's variables, shape (observations, k), in any units.
    outcome
        Whether the product was reached, shape (observations,).
    names
        Of the variables.
    chain
        Chain of each observation, in the order of sampling. Fewer than `MANY_CHAINS` are cut into pieces for the
        intervals (:func:`blocks`); one is held out at a time whatever their number.
    rng
        Of the bootstrap.
    model
        ``logistic`` or ``erf``.
    bootstrap
        Resamples; 0 for none. Separable data are not resampled: there is no maximum to be had.
    confidence
        Of the intervals.

    Raises
    ------
    ValueError
        As :func:`separatrix.coordinate.committor_model.fit`.
    """
    labels, words = blocks([str(label) for label in chain], len(outcome), "chain")
    count = 0 if labels is None else len(set(labels))
    best = committor_model.fit(q, outcome, names, model=model, groups=labels)
    lower, upper = coefficient_intervals(best, confidence, count if labels else None)
    resampled = held_out = None
    if bootstrap and not best.separable:
        resampled = bootstrap_coefficients(
            q,
            outcome,
            names,
            rng,
            groups=labels,
            model=model,
            n_boot=COEFFICIENT_RESAMPLES * bootstrap,
            confidence=confidence,
        )
    if len(set(chain)) > 1:
        # Where every chain but one has the same outcome there is nothing to fit to.
        with contextlib.suppress(ValueError):
            held_out = held_out_log_likelihood(q, outcome, names, chain, model=model)
    return JudgedSet(best, count, words, lower, upper, confidence, resampled, held_out)


@dataclass(frozen=True, eq=False)
class Report:
    """Result of :func:`fit`.

    Attributes
    ----------
    observations, options
        What was asked.
    selection
        The search, with the best coordinate of every size.
    best
        The coordinate of the chosen size, fitted to the variables alone.
    inertial
        The fit of the same variables with their rates; None without rates.
    rivals
        Sets of the same size, best first, the chosen one included.
    block_count, block_words
        Number of blocks (0: observations taken as independent), and what they are.
    lower, upper
        Intervals of intercept and coefficients: from the clustered errors where there are blocks.
    coefficients_resampled, frequency
        Of the block bootstrap; None without.
    groups
        Variables that the data do not tell from those of the coordinate.
    held_out, beyond
        Held-out likelihood of the coordinate, and of other models; None and empty without folds.
    notes
        What must be known before the coordinate is believed; one sentence each.
    cpu_seconds
        Processor time of the search, exact fits included: of what `Selection.n_fits` counts.
    total_cpu_seconds
        Processor time of everything.
    """

    observations: Observations
    options: Options
    selection: Selection
    best: Coordinate
    inertial: Coordinate | None
    rivals: tuple[RankedSubset, ...]
    block_count: int
    block_words: str
    lower: np.ndarray
    upper: np.ndarray
    coefficients_resampled: BootstrapCoefficients | None
    frequency: SelectionFrequency | None
    groups: tuple[Interchangeable, ...]
    held_out: HeldOut | None
    beyond: tuple[Beyond, ...]
    notes: tuple[str, ...]
    cpu_seconds: float
    total_cpu_seconds: float

    @property
    def clustered_errors(self) -> np.ndarray | None:
        """Errors of intercept and coefficients from the spread between blocks; None without blocks."""
        covariance = self.best.clustered_covariance
        return None if covariance is None else np.sqrt(np.diag(covariance))

    def frequency_of(self, names: Sequence[str]) -> float | None:
        """Fraction of the resamples whose coordinate held at least one of these variables; None without bootstrap."""
        if self.frequency is None or not self.frequency.n_boot:
            return None
        wanted = set(names)
        return sum(count for held, count in self.frequency.sets if wanted & set(held)) / self.frequency.n_boot

    def to_dict(self) -> dict[str, Any]:
        """JSON types, keys as the module lists them; NaN and infinities become None."""
        seen, chosen, best = self.observations, self.selection, self.best
        size = len(best.names)
        return json_safe(
            {
                "file": str(seen.path),
                "kind": seen.kind,
                "n_observations": best.n_observations,
                "n_success": best.n_success,
                "n_left_out": seen.left_out,
                "n_candidates": len(seen.names) - len(chosen.excluded),
                "reactant": seen.reactant,
                "product": seen.product,
                "options": {field.name: getattr(self.options, field.name) for field in fields(self.options)},
                "model": best.model,
                "variables": list(best.names),
                "units": [seen.units[seen.names.index(name)] for name in best.names],
                "coefficients": [best.intercept, *best.coefficients],
                "standard_errors": best.standard_errors,
                "clustered_standard_errors": self.clustered_errors,
                "interval": {
                    "confidence": self.options.confidence,
                    "errors": "independent" if self.clustered_errors is None else "clustered",
                    "lower": self.lower,
                    "upper": self.upper,
                },
                "log_likelihood": best.log_likelihood,
                "null_log_likelihood": chosen.null_log_likelihood,
                "aic": best.aic,
                "bic": best.bic,
                "information_error": best.information_error,
                "clustered_information_error": best.clustered_information_error,
                "converged": best.converged,
                "separable": best.separable,
                "beats_null": chosen.cost[size] < chosen.cost[0],
                "n_fits": chosen.n_fits,
                "n_refits": chosen.n_refits,
                "cpu_seconds": self.cpu_seconds,
                "total_cpu_seconds": self.total_cpu_seconds,
                "search": chosen.search,
                "excluded": list(chosen.excluded),
                "sizes": [
                    {
                        "size": k,
                        "variables": list(lines[0].names),
                        "log_likelihood": lines[0].log_likelihood,
                        **{name: cost[k] for name, cost in chosen.costs.items()},
                        "greedy_variables": list(chosen.greedy[k].names) if k in chosen.greedy else None,
                        "greedy_gap": chosen.greedy_gap.get(k),
                        "coefficients": [chosen.per_size[k].intercept, *chosen.per_size[k].coefficients],
                        "information_error": chosen.per_size[k].information_error,
                        "separable": lines[0].separable,
                    }
                    for k, lines in chosen.top.items()
                ],
                "null_costs": {name: cost[0] for name, cost in chosen.costs.items()},
                "two_line": chosen.two_line,
                "rivals": [line.to_dict() for line in self.rivals],
                "interchangeable": [
                    group.to_dict() | {"frequency": self.frequency_of(group.names)} for group in self.groups
                ],
                "blocks": {"count": self.block_count, "what": self.block_words},
                "bootstrap": None
                if self.frequency is None or self.coefficients_resampled is None
                else {
                    "selection": self.frequency.to_dict(),
                    "coefficients": self.coefficients_resampled.to_dict(),
                },
                "selection_frequency": None
                if self.frequency is None
                else {
                    name: self.frequency.frequency[self.frequency.names.index(name)]
                    for name in self.frequency.candidates
                },
                "held_out": None if self.held_out is None else self.held_out.to_dict(),
                "beyond_linear": [model.to_dict() for model in self.beyond],
                "inertial": None if self.inertial is None else _inertial_dict(self.inertial, size),
                "notes": list(self.notes),
            }
        )


def _inertial_dict(found: Coordinate, size: int) -> dict[str, Any]:
    errors = found.standard_errors
    return {
        "log_likelihood": found.log_likelihood,
        "variables": list(found.names[:size]),
        "coefficients": [found.intercept, *found.coefficients[:size]],
        "standard_errors": errors[: size + 1],
        "rate_coefficients": found.coefficients[size:],
        "rate_standard_errors": errors[size + 1 :],
        "information_error": found.information_error,
        "converged": found.converged,
        "separable": found.separable,
    }


# --- blocks -----------------------------------------------------------------------------------------------------


def blocks(chain: Sequence[str] | None, n: int, how: str) -> tuple[list[str] | None, str]:
    """Label of the block of each observation, and what the blocks are.

    Observations of a chain are correlated, those of different chains are not. Between fewer than `MANY_CHAINS` chains
    errors cannot be judged, so chains are then cut into consecutive pieces, `PIECES` in all: right as long as a piece
    is longer than the memory of the chain.

    Parameters
    ----------
    chain
        Chain of each observation, in the order of sampling; None where not known.
    n
        Number of observations.
    how
        ``chain``, ``none``, or the length of runs of consecutive observations as a number.

    Returns
    -------
    None in place of labels when observations are taken as independent.

    Raises
    ------
    FitError
        When `how` is none of these.
    """
    labels = ["all"] * n if chain is None else [str(label) for label in chain]
    count = len(set(labels))
    if how == "none":
        return None, "observations taken as independent, as asked"
    if how == "chain":
        if chain is None:
            return None, "no chains in the file: observations taken as independent; --blocks N takes runs of N together"
        if count >= MANY_CHAINS:
            return labels, f"{count} chains"
        pieces = math.ceil(PIECES / count)
        sizes = {label: labels.count(label) for label in dict.fromkeys(labels)}
        # Even, so that the two halves of a shot, which are neighbours, stay together.
        length = {label: max(2, 2 * math.ceil(size / pieces / 2)) for label, size in sizes.items()}
        what = f"pieces of {count} chain{'s' * (count > 1)}, which are too few to be blocks themselves"
    elif how.isdecimal() and int(how) >= 1:
        length = dict.fromkeys(labels, int(how))
        what = f"runs of {int(how)} consecutive observations"
    else:
        raise FitError(f"blocks must be chain, none or a number of observations, not {how!r}")
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        position = seen[label] = seen.get(label, -1) + 1
        found.append(f"{label}:{position // length[label]}")
    total = len(set(found))
    if total < 2:
        return None, f"one block of {n} observations says nothing of errors: observations taken as independent"
    return found, f"{total} {what}"


# --- the fit ----------------------------------------------------------------------------------------------------


def fit(observations: Observations, options: Options | None = None, progress: Progress | None = None) -> Report:
    """Find the coordinate that observations speak for, and how far it can be relied on.

    Parameters
    ----------
    observations
        With rates the search is inertial: a variable brings its rate along, and the coordinate is then fitted to the
        chosen variables alone.
    options
        See :class:`Options`.
    progress
        Told of every step.

    Raises
    ------
    FitError
        When the observations allow no fit (all outcomes equal, nothing that varies, ...), or an option does not fit
        them.
    """
    options = options or Options()
    _check(options)
    started = time.process_time()
    if options.normalise:
        observations = observations.normalised()
    try:
        # Absurd values overflow in the errors; what is not finite is reported as missing.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return _fit(observations, options, progress, started)
    except (ValueError, ArithmeticError) as error:
        raise FitError(f"{observations.path}: {error}") from error


def _check(options: Options) -> None:
    """Refuse options that nothing can be made of."""
    for what, given, known in (
        ("model", options.model, MODELS),
        ("search", options.search, SEARCHES),
        ("criterion", options.criterion, CRITERIA),
        *(("beyond", name, BEYOND) for name in options.beyond),
    ):
        if given not in known:
            raise FitError(f"{what} must be one of {', '.join(known)}, not {given!r}")
    if options.max_variables < 1:
        raise FitError(f"max_variables must be at least 1, not {options.max_variables}")
    if options.size is not None and not 1 <= options.size <= options.max_variables:
        raise FitError(f"size must lie between 1 and max_variables ({options.max_variables}), not {options.size}")
    if options.criterion == "two-line" and options.max_variables < 5:
        raise FitError(
            "the two-line test needs coordinates of 1 to 5 variables at least; set max_variables to 5 or more"
        )
    if options.bootstrap < 0 or options.folds < 0 or options.folds == 1:
        raise FitError("bootstrap must not be negative; folds must be 0 or at least 2")
    if options.beyond and not options.folds:
        raise FitError("models beyond the linear one are compared on held-out observations; set folds")
    if not 0.0 < options.confidence < 1.0:
        raise FitError(f"confidence must lie between 0 and 1, not {options.confidence}")


def _fit(seen: Observations, options: Options, progress: Progress | None, started: float) -> Report:
    names = list(seen.names)
    labels, words = blocks(seen.chain, len(seen.outcome), options.blocks)
    count = 0 if labels is None else len(set(labels))
    selection, cpu_seconds = _select(seen, options, labels, progress)
    best = _of_size(selection, options)
    size = len(best.names)
    groups = interchangeable(
        seen.values, seen.outcome, names, best.names, model=options.model, groups=labels, rates=seen.rates
    )
    resampled = frequency = None
    if options.bootstrap:
        resampled, frequency = _bootstrap(seen, options, labels, selection, best, groups, progress)
    held_out, beyond = _held_out(seen, options, labels, best, progress)
    # One block or separable data leave the clustered covariance empty.
    clustered = count if best.clustered_covariance is not None else None
    lower, upper = coefficient_intervals(best, options.confidence, clustered)
    return Report(
        observations=seen,
        options=options,
        selection=selection,
        best=best,
        inertial=None if selection.inertial is None else selection.inertial[size],
        rivals=selection.top[size],
        block_count=count,
        block_words=words,
        lower=lower,
        upper=upper,
        coefficients_resampled=resampled,
        frequency=frequency,
        groups=groups,
        held_out=held_out,
        beyond=beyond,
        notes=_notes(seen, selection, best, count, words, resampled),
        cpu_seconds=cpu_seconds,
        total_cpu_seconds=time.process_time() - started,
    )


def _select(
    seen: Observations, options: Options, labels: list[str] | None, progress: Progress | None
) -> tuple[Selection, float]:
    """The search, and its processor time."""
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

    begun = time.process_time()
    selection = select(
        seen.values,
        seen.outcome,
        seen.names,
        groups=labels,
        max_variables=options.max_variables,
        search=options.search,
        model=options.model,
        max_subsets=most,
        criterion="ebic" if options.criterion == "two-line" else options.criterion,
        rates=seen.rates,
        progress=tell,
    )
    return selection, time.process_time() - begun


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


def _bootstrap(
    seen: Observations,
    options: Options,
    labels: list[str] | None,
    selection: Selection,
    best: Coordinate,
    groups: Sequence[Interchangeable],
    progress: Progress | None,
) -> tuple[BootstrapCoefficients, SelectionFrequency]:
    """Block bootstrap of the coefficients and of the choice of variables."""
    names = list(seen.names)
    # Without blocks every observation is one.
    blocked = list(range(len(seen.outcome))) if labels is None else labels

    def tell(what: str) -> Callable[[int, int], None]:
        return lambda done, total: None if progress is None else progress(what, done, total)

    resampled = bootstrap_coefficients(
        seen.values[:, [names.index(name) for name in best.names]],
        seen.outcome,
        best.names,
        np.random.default_rng([options.seed, 1]),
        groups=blocked,
        model=options.model,
        n_boot=COEFFICIENT_RESAMPLES * options.bootstrap,
        confidence=options.confidence,
        progress=tell("resampled coefficients"),
    )
    # The variables of the leading sets are those that a resample could choose instead.
    interesting = [*best.names, *(name for group in groups for name in group.names)]
    interesting += [name for lines in zip(*_padded(selection), strict=True) for line in lines for name in line]
    fixed = None
    if options.size is not None or options.criterion == "two-line":
        fixed = len(best.names)
    frequency = bootstrap_selection(
        seen.values,
        seen.outcome,
        names,
        np.random.default_rng([options.seed, 2]),
        groups=blocked,
        max_variables=max(selection.per_size),
        n_boot=options.bootstrap,
        model=options.model,
        criterion="ebic" if options.criterion == "two-line" else options.criterion,
        rates=seen.rates,
        candidates=list(dict.fromkeys(interesting))[: max(_CANDIDATES, len(best.names))],
        size=fixed,
        progress=tell("resampled searches"),
    )
    return resampled, frequency


def _padded(selection: Selection) -> list[list[tuple[str, ...]]]:
    """Leading sets of each size, all lists of one length: taken in turns, no size crowds out the others."""
    length = max(len(lines) for lines in selection.top.values())
    return [[line.names for line in lines] + [()] * (length - len(lines)) for lines in selection.top.values()]


def _notes(
    seen: Observations,
    selection: Selection,
    best: Coordinate,
    blocks_found: int,
    block_words: str,
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
            "the coordinate is no better than a constant committor by the criterion: no variable earns its keep"
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
    if not blocks_found:
        notes.append(f"errors hold for independent observations only ({block_words})")
    elif blocks_found <= 2 * (size + 1):
        notes.append(f"errors between {blocks_found} blocks are too small for {size + 1} parameters; run more chains")
    drawn = 0 if resampled is None else resampled.n_boot + resampled.n_skipped
    if resampled is not None and not best.separable and resampled.n_skipped > 0.05 * drawn:
        notes.append(
            f"{resampled.n_skipped} of {drawn} resamples are separable or have one "
            "outcome: the bootstrap's intervals are too narrow"
        )
    return tuple(notes)


# --- held-out likelihood, and models beyond the linear one ------------------------------------------------------


def _held_out(
    seen: Observations, options: Options, labels: list[str] | None, best: Coordinate, progress: Progress | None
) -> tuple[HeldOut | None, tuple[Beyond, ...]]:
    if not options.folds:
        return None, ()
    fold = fold_labels(range(len(seen.outcome)) if labels is None else labels, options.folds)
    if len(set(fold.tolist())) < 2:
        return None, ()
    try:
        return held_out_beside(
            seen.values,
            seen.outcome,
            seen.names,
            best.names,
            fold,
            options.beyond,
            model=options.model,
            seed=options.seed,
            progress=progress,
        )
    except ValueError:
        return None, ()  # every fold leaves one outcome only


def held_out_beside(
    values: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
    fold: np.ndarray,
    beyond: Sequence[str],
    *,
    model: str = "logistic",
    seed: int = 1,
    progress: Progress | None = None,
) -> tuple[HeldOut, tuple[Beyond, ...]]:
    """Held-out ln L of a linear coordinate and, on the same folds, of models beyond it.

    Parameters
    ----------
    values
        All candidates, shape (observations, variables).
    outcome
        Whether the product was reached, shape (observations,).
    names, chosen
        Of the candidates; of the coordinate's variables among them.
    fold
        Number of the fold of each observation, from 0 (:func:`separatrix.coordinate.held_out.fold_labels`).
    beyond
        Of :data:`BEYOND`; each is fitted to the coordinate's variables and to all of them.
    model, seed
        Of the linear coordinate; of the others.
    progress
        Told of every model.

    Raises
    ------
    ValueError
        When no fold can be left out.
    """
    places = [list(names).index(name) for name in chosen]
    linear = held_out_log_likelihood(values[:, places], outcome, chosen, fold.tolist(), model=model)
    found = []
    for number, (name, variables) in enumerate((n, v) for n in beyond for v in ("chosen", "all")):
        if progress is not None:
            progress("models beyond the linear one", number, 2 * len(beyond))
        q = values[:, places] if variables == "chosen" else values
        found.append(_beyond(name, variables, q, outcome, fold, linear, seed))
    return linear, tuple(found)


def _beyond(
    name: str, variables: str, q: np.ndarray, outcome: np.ndarray, fold: np.ndarray, linear: HeldOut, seed: int
) -> Beyond:
    """Held-out ln L of one model on the folds that the coordinate was scored on."""
    totals = []
    for label in linear.groups:
        inside = fold == int(label)
        model = _model(name, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a network that stops early is judged by its likelihood all the same
            model.fit(q[~inside], outcome[~inside])
        p = model.predict_proba(q[inside])[:, 1]
        totals.append(float(np.log(np.clip(np.where(outcome[inside], p, 1.0 - p), _SMALLEST, 1.0)).sum()))
    gains = np.array(totals) - linear.per_group * linear.sizes
    n, k = int(linear.sizes.sum()), len(totals)
    gain = float(gains.sum() / n)
    error = math.nan
    if k > 1:
        error = math.sqrt(float(np.sum((gains - gain * linear.sizes) ** 2)) * k / (k - 1)) / n
    return Beyond(name, variables, float(np.sum(totals) / n), gain, error)


def _model(name: str, seed: int) -> Any:
    """A classifier of moderate capacity, fitted by the same Bernoulli likelihood as the coordinate."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "boosting":
        # Shallow trees and slow learning: interactions of up to three variables, little to overfit with.
        return HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=100,
            max_depth=3,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
    network = MLPClassifier((12,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=500, random_state=seed)
    return make_pipeline(StandardScaler(), network)


def beats_linear(model: Beyond) -> bool:
    """Whether a model beyond the linear one does better by more than two standard errors."""
    return model.gain > 2.0 * model.standard_error


def committor_text(model: str) -> str:
    """The committor model as a formula."""
    return "(1 + tanh r)/2" if model == "logistic" else "(1 + erf r)/2"
