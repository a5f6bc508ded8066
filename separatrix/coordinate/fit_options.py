"""How a coordinate is fitted: the options of :func:`separatrix.coordinate.fitting.fit`, and what they may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from separatrix.core.errors import SeparatrixError

Progress = Callable[[str, int, int], None]
"""Progress callback: (what is done, how much of it is done, how much there is)."""

MODELS = ("logistic", "erf")
SEARCHES = ("auto", "exhaustive", "greedy", "exchange")
CRITERIA = ("ebic", "bic", "aic", "two-line")
BEYOND = ("boosting", "network")

FOLDS = 10
"""Folds of whole blocks for the held-out likelihood, unless another number is asked for."""


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
        What may be correlated: ``chain`` (the shots of a chain, over their measured memory), ``none`` (observations are
        independent), or runs of this number of consecutive observations; see :mod:`separatrix.statistics.blocks`.
    bootstrap
        Resamples for the frequency of selection; four times as many for the coefficients. 0: no bootstrap.
    folds
        For the held-out likelihood, of whole blocks; 0: none.
    nonlinear_models
        Of ``boosting`` and ``network``: committor models beyond the linear one, for comparison.
    each_size
        Give the best set of every size its intervals and held-out likelihood, not the chosen one alone.
    compared
        Further sets of variables that are to have the same.
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
    folds: int = FOLDS
    nonlinear_models: tuple[str, ...] = ()
    each_size: bool = False
    compared: tuple[tuple[str, ...], ...] = ()
    confidence: float = 0.95
    seed: int = 1


def check(options: Options) -> None:
    """Refuse options that nothing can be made of, by :class:`FitError`."""
    for what, given, choices in (
        ("model", options.model, MODELS),
        ("search", options.search, SEARCHES),
        ("criterion", options.criterion, CRITERIA),
        *(("nonlinear_models", name, BEYOND) for name in options.nonlinear_models),
    ):
        if given not in choices:
            raise FitError(f"{what} must be one of {', '.join(choices)}, not {given!r}")
    if not (options.blocks in ("chain", "none") or (options.blocks.isdecimal() and int(options.blocks) >= 1)):
        raise FitError(f"blocks must be chain, none or a number of observations, not {options.blocks!r}")
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
    if options.nonlinear_models and not options.folds:
        raise FitError("models beyond the linear one are compared on held-out observations; set folds")
    if not 0.0 < options.confidence < 1.0:
        raise FitError(f"confidence must lie between 0 and 1, not {options.confidence}")
