"""One set of variables as a coordinate, with its errors, intervals and held-out likelihood."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from separatrix.coordinate import committor_model
from separatrix.coordinate.committor_model import Coordinate, coefficient_intervals
from separatrix.coordinate.fit_options import Options, Progress
from separatrix.coordinate.held_out import HeldOut, fold_labels, held_out_log_likelihood
from separatrix.coordinate.observations import Observations
from separatrix.coordinate.resampling import BootstrapCoefficients, bootstrap_coefficients
from separatrix.core.plain import json_safe
from separatrix.statistics.blocks import Blocks

COEFFICIENT_RESAMPLES = 4
"""Resamples of the coefficients per resample of the selection, which costs more."""


@dataclass(frozen=True, eq=False)
class JudgedSet:
    """One set of variables as a coordinate, with what is to be known of its coefficients.

    Attributes
    ----------
    coordinate
        The fit, with its blocks.
    lower, upper
        Intervals of intercept and coefficients, shape (k + 1,): from the errors between blocks where there are such.
    confidence
        Of each interval.
    resampled
        The same from a bootstrap over the blocks; None without, and for separable data, which have no maximum.
    fold
        Number of the fold of each observation; None where nothing is held out.
    held_out
        Its held-out likelihood over these folds; None where nothing could be left out.
    """

    coordinate: Coordinate
    lower: np.ndarray
    upper: np.ndarray
    confidence: float
    resampled: BootstrapCoefficients | None
    fold: np.ndarray | None
    held_out: HeldOut | None

    def intervals(self) -> dict[str, Any]:
        """Intervals, blocks and bootstrap in JSON types, the intercept first; NaN becomes None."""
        best = self.coordinate
        return json_safe(
            {
                "interval": {
                    "confidence": self.confidence,
                    "errors": best.error_kind,
                    "lower": self.lower,
                    "upper": self.upper,
                },
                "blocks": {"count": best.block_count, "what": best.block_description, "memory": best.memory},
                "bootstrap": None if self.resampled is None else self.resampled.to_dict(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON types, the intercept first wherever there is one; NaN becomes None."""
        best = self.coordinate
        return json_safe(
            {
                "variables": list(best.names),
                "coefficients": [best.intercept, *best.coefficients],
                "errors": best.errors,
                "standard_errors": best.standard_errors,
                "clustered_standard_errors": best.clustered_errors,
                **self.intervals(),
                "log_likelihood": best.log_likelihood,
                "log_likelihood_per_observation": best.log_likelihood / best.n_observations,
                "information_error": best.information_error,
                "clustered_information_error": best.clustered_information_error,
                "information_error_limit": best.information_error_limit,
                "separable": best.separable,
                "converged": best.converged,
                "held_out": None if self.held_out is None else self.held_out.to_dict(),
            }
        )


def judge_set(
    seen: Observations,
    names: Sequence[str],
    options: Options,
    *,
    coordinate: Coordinate | None = None,
    progress: Progress | None = None,
) -> JudgedSet:
    """Intervals and held-out likelihood of one set of variables.

    The same set of the same observations has the same numbers, whichever others are looked at beside it.

    Parameters
    ----------
    seen
        The observations.
    names
        Of the variables.
    options
        `model`, `blocks`, `bootstrap`, `folds`, `confidence` and `seed` count.
    coordinate
        The fit of these variables, where it is there already.
    progress
        Called before every resample.

    Raises
    ------
    ValueError
        As :func:`separatrix.coordinate.committor_model.fit`.
    """
    q = seen.values[:, [seen.names.index(name) for name in names]]
    if coordinate is None:
        dependence = seen.dependence(options.blocks)
        coordinate = committor_model.fit(q, seen.outcome, names, model=options.model, dependence=dependence)
    lower, upper = coefficient_intervals(coordinate, options.confidence)
    blocks = Blocks.single(len(q)) if coordinate.blocks is None else coordinate.blocks
    resampled = None
    if options.bootstrap and not coordinate.separable:
        resampled = bootstrap_coefficients(
            q,
            seen.outcome,
            names,
            np.random.default_rng([options.seed, 1]),
            blocks,
            model=options.model,
            n_boot=COEFFICIENT_RESAMPLES * options.bootstrap,
            confidence=options.confidence,
            progress=None if progress is None else lambda done, total: progress("resampled coefficients", done, total),
        )
    fold = held_out = None
    if options.folds:
        fold = fold_labels(blocks.label.tolist(), options.folds)
        # Where every fold leaves one outcome only, there is nothing to fit to.
        with contextlib.suppress(ValueError):
            held_out = held_out_log_likelihood(q, seen.outcome, names, fold.tolist(), model=options.model)
    return JudgedSet(coordinate, lower, upper, options.confidence, resampled, fold, held_out)
