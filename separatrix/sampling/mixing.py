"""How well chains agree on a variable: rank-normalised split R-hat and bulk effective sample size.

Vehtari, Gelman, Simpson, Carpenter and Bürkner, Bayesian Anal. 2021, 16, 667.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIN_DRAWS = 8
"""Draws per chain below which mixing is not judged: each half would hold fewer than 4."""


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
