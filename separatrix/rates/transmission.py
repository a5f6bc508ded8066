"""How often a crossing of the dividing surface counts: the transmission coefficient from shots off it.

Pairs of halves start from one configuration of the ensemble on the surface, with opposite thermal velocities. All
functions are pure. r has no unit, times are in fs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.plain import Plain
from separatrix.statistics.intervals import Z, wilson_interval

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """One shot off the surface.

    Attributes
    ----------
    configuration
        Number of the configuration.
    flow
        |dr/dt| at the start: how much of the flux through the surface it stands for.
    up, down
        r of the half that starts towards the product (dr/dt > 0), and of the other, the first frame being the start.
    up_end, down_end
        1 for the product, 0 for the reactant, -1 for neither.
    """

    configuration: int
    flow: float
    up: FloatArray
    down: FloatArray
    up_end: int
    down_end: int

    @property
    def lost(self) -> bool:
        """Whether a half ended in neither basin."""
        return self.up_end < 0 or self.down_end < 0


@dataclass(frozen=True)
class Transmission(Plain):
    """Transmission coefficient.

    Attributes
    ----------
    kappa, error
        Bennett-Chandler: the flux-weighted mean of h(up) - h(down), h = 1 in the product; from halves followed into the
        basins, so it is the plateau itself. Standard error from a bootstrap over configurations, or where all pairs did
        the same from Wilson's interval for their number.
    positive, positive_error
        Effective positive flux (van Erp, Moroni and Bolhuis, J. Chem. Phys. 2003, 118, 7762): crossings upwards that
        come straight from the reactant, by way of no other crossing, and end in the product.
    time, kappa_of_time, kappa_of_time_error
        The decay from 1 to the plateau, fs; r alone decides until a basin is reached.
    plateau_from
        fs; from here on kappa(t) stays within two standard errors of the plateau, or None.
    n_pairs, n_configurations
        Pairs that count, and configurations behind them.
    n_lost
        Pairs left out: a half ended in no basin, or failed.
    to_product
        Share of the halves that end in the product; far from 1/2 on a surface that divides nothing.
    """

    kappa: float
    error: float
    positive: float
    positive_error: float
    time: tuple[float, ...]
    kappa_of_time: tuple[float, ...]
    kappa_of_time_error: tuple[float, ...]
    plateau_from: float | None
    n_pairs: int
    n_configurations: int
    n_lost: int
    to_product: float


def _sides(track: FloatArray, end: int, start: float, frames: int) -> FloatArray:
    """1 where a half is on the product's side; its end for all time after it."""
    sides = np.full(frames, float(end))
    n_recorded = min(len(track), frames)
    sides[:n_recorded] = track[:n_recorded] > start
    return sides


def _straight(pair: Pair) -> bool:
    """Whether the half downwards goes to the reactant without another crossing."""
    return pair.down_end == 0 and bool(np.all(pair.down[1:] <= pair.down[0]))


def transmission(
    pairs: Sequence[Pair], frame: float, *, rng: np.random.Generator, n_bootstrap: int = 500
) -> Transmission:
    """Transmission coefficient of pairs drawn from the ensemble on the surface.

    Parameters
    ----------
    pairs
        All pairs, those with a lost half included.
    frame
        fs between frames.
    rng
        Random stream of the bootstrap.
    n_bootstrap
        Resamples.

    Raises
    ------
    ValueError
        When no pair has both halves in basins.
    """
    complete = [p for p in pairs if not p.lost]
    if not complete:
        raise ValueError("no pair of halves off the dividing surface reached basins on both sides")
    frames = max(max(len(p.up), len(p.down)) for p in complete)
    flow = np.array([p.flow for p in complete])
    end = np.array([p.up_end - p.down_end for p in complete], dtype=float)
    straight = np.array([p.up_end == 1 and _straight(p) for p in complete], dtype=float)
    sides = np.array(
        [_sides(p.up, p.up_end, p.up[0], frames) - _sides(p.down, p.down_end, p.down[0], frames) for p in complete]
    )
    # At the start the two halves stand on the surface and part at once.
    sides[:, 0] = 1.0
    columns = np.column_stack([end, straight, sides]) * flow[:, None]
    names, of = np.unique([p.configuration for p in complete], return_inverse=True)
    total = np.zeros((len(names), columns.shape[1]))
    np.add.at(total, of, columns)
    weight = np.bincount(of, weights=flow, minlength=len(names))
    mean = total.sum(axis=0) / weight.sum()
    if len(names) > 1:
        times = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=n_bootstrap)
        error = ((times @ total) / (times @ weight)[:, None]).std(axis=0, ddof=1)
        # Where all pairs did the same the bootstrap says 0, which so few do not: an end of Wilson's interval instead,
        # of a share for the positive flux and of a range twice as wide for the other.
        bound = float(wilson_interval(0, len(names))[1]) / Z
        for column, width in ((0, 2.0 * bound), (1, bound)):
            if error[column] < 1e-12:
                error[column] = width
    else:
        error = np.full(len(mean), math.nan)
    decay, decay_error = mean[2:], error[2:]
    off = np.abs(decay - mean[0]) > 2.0 * np.maximum(decay_error, error[0])
    last = np.flatnonzero(off)
    plateau_start = 0 if not len(last) else int(last[-1]) + 1
    return Transmission(
        kappa=float(mean[0]),
        error=float(error[0]),
        positive=float(mean[1]),
        positive_error=float(error[1]),
        time=tuple(frame * np.arange(frames)),
        kappa_of_time=tuple(decay),
        kappa_of_time_error=tuple(decay_error),
        plateau_from=float(frame * plateau_start) if plateau_start < frames else None,
        n_pairs=len(complete),
        n_configurations=len(names),
        n_lost=len(pairs) - len(complete),
        to_product=float(np.mean([[p.up_end, p.down_end] for p in complete])),
    )
