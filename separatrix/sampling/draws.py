"""Which configurations committor shots start from, and how they were drawn.

A draw takes rows of a pool: the frames of reactive paths, shooting points, or an ensemble held at the coordinate. The
words of every draw go to the report, since a committor distribution means nothing without the ensemble it is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.errors import SamplingError

FloatArray = NDArray[np.float64]

#: What a user may name as `committor.source`, and what the weights of its configurations stand for.
SOURCES = {
    "paths": "frames of reactive paths, by the weight of their path (the ensemble of transition paths)",
    "shooting points": "points that the chains shot from, accepted or not (no ensemble of its own)",
    "restrained": "the equilibrium ensemble near r = 0 (held there by a spring, and weighted so as to take it away)",
}


@dataclass(frozen=True)
class Pool:
    """Configurations to draw from.

    Attributes
    ----------
    positions
        nm, shape (m, n_atoms, 3).
    weight
        Each one's weight in the ensemble that the pool stands for, shape (m,).
    group
        Path, chain or walker that each one comes from, shape (m,): neighbours within a group are alike.
    chain, frame
        Where each was found, shape (m,); for the record.
    what
        A word of `SOURCES`.
    """

    positions: FloatArray
    weight: FloatArray
    group: NDArray[np.int64]
    chain: NDArray[np.int64]
    frame: NDArray[np.int64]
    what: str

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Draw:
    """Rows of a pool.

    Attributes
    ----------
    index
        Rows, shape (n,).
    within
        Whether each meets what the draw asked for, shape (n,).
    how
        In words, for the report.
    """

    index: NDArray[np.int64]
    within: NDArray[np.bool_]
    how: str


def _keys(weight: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Exponential keys: the smallest come from a weighted draw without replacement (Efraimidis and Spirakis 2006)."""
    return rng.exponential(size=len(weight)) / np.maximum(weight, 1e-12)


def _in_turn(rows: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same rows, reordered: no group gives a second one before each has given one."""
    turn = np.zeros(len(rows), dtype=int)
    of = group[rows]
    for name in np.unique(of):
        of_group = of == name
        turn[of_group] = np.arange(of_group.sum())
    return rows[np.argsort(turn, kind="stable")]


def on_separatrix(
    pool: Pool, r: FloatArray, error: FloatArray, *, n: int, tolerance: float, rng: np.random.Generator
) -> Draw:
    """Draw configurations where the predicted coordinate is zero.

    The prediction has an error of its own: a configuration whose r is 0.0 +- 0.3 is no better known to lie on the
    separatrix than one whose r is 0.3 +- 0.0. So the root mean square of r that the fit leaves possible,
    sqrt(r^2 + error^2), must be within the tolerance. Those that are within are drawn without replacement, by weight;
    groups take turns. Where too few are, the nearest ones fill up and are marked.

    Parameters
    ----------
    pool
        What to draw from.
    r
        Predicted reaction coordinate, shape (m,).
    error
        Its standard error, shape (m,); zero where it is not known.
    n
        How many to draw.
    tolerance
        Largest root mean square of r.
    rng
        Random stream.

    Raises
    ------
    SamplingError
        When the pool has fewer than `n` configurations.
    """
    _require(pool, n)
    distance = np.hypot(r, error)
    near = np.flatnonzero(distance <= tolerance)
    order = near[np.argsort(_keys(pool.weight[near], rng), kind="stable")]
    chosen = _in_turn(order, pool.group)[:n]
    missing = n - len(chosen)
    if missing:
        others = np.setdiff1d(np.arange(len(pool)), chosen)
        nearest = others[np.argsort(distance[others], kind="stable")][:missing]
        chosen = np.concatenate([chosen, nearest])
    how = (
        f"{SOURCES[pool.what]}: {len(near)} of {len(pool)} lie on the predicted separatrix (sqrt(r^2 + error^2) <= "
        f"{tolerance:g}); {n - missing} of them drawn by weight"
    )
    if missing:
        how += f", the nearest {missing} others added (largest |r| {np.abs(r[chosen]).max():.2f})"
    return Draw(chosen, distance[chosen] <= tolerance, how)


def spread(pool: Pool, p: FloatArray, *, n: int, rng: np.random.Generator) -> Draw:
    """Draw configurations whose predicted committors are spread evenly over [0, 1].

    One comes from each of `n` equal intervals of the predicted committor, by weight within the interval; intervals
    where the pool has none give none, and the others give more. What is drawn depends on the predicted committor
    alone, so measured against predicted is unbiased at every value of the latter.

    Parameters
    ----------
    pool
        What to draw from.
    p
        Predicted committor, shape (m,).
    n
        How many to draw.
    rng
        Random stream.

    Raises
    ------
    SamplingError
        When the pool has fewer than `n` configurations.
    """
    _require(pool, n)
    interval = np.minimum((p * n).astype(int), n - 1)
    order = np.argsort(_keys(pool.weight, rng), kind="stable")
    chosen = _in_turn(order, interval)[:n]
    chosen = chosen[np.argsort(p[chosen], kind="stable")]
    full = len(np.unique(interval[chosen]))
    how = f"{SOURCES[pool.what]}: one of each of {n} equal intervals of the predicted committor, by weight"
    if full < n:
        how += f"; {n - full} intervals had none, and others gave more"
    return Draw(chosen, np.ones(n, dtype=bool), how)


def along_path(pool: Pool, *, n: int, rng: np.random.Generator) -> Draw:
    """Draw one group of the pool, a path, by weight, and take `n` of its frames at even distances.

    A path of fewer frames gives all it has.

    Raises
    ------
    SamplingError
        When the pool is empty.
    """
    _require(pool, 1)
    groups, first = np.unique(pool.group, return_index=True)
    chances = pool.weight[first]
    group = groups[int(rng.choice(len(groups), p=chances / chances.sum()))]
    rows = np.flatnonzero(pool.group == group)
    rows = rows[np.argsort(pool.frame[rows], kind="stable")]
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int))]
    how = f"{len(chosen)} of the {len(rows)} frames of one reactive path of chain {pool.chain[chosen[0]]}, in order"
    return Draw(chosen, np.ones(len(chosen), dtype=bool), how)


def grid(pool: Pool, values: FloatArray, names: Sequence[str], *, bins: int, rng: np.random.Generator) -> Draw:
    """Draw one configuration of each cell, of a grid in two variables, that the pool visits.

    Parameters
    ----------
    pool
        What to draw from.
    values
        The two variables, shape (m, 2).
    names
        Their names.
    bins
        Cells along each, between its extremes in the pool.
    rng
        Random stream.

    Raises
    ------
    SamplingError
        When the pool is empty.
    """
    _require(pool, 1)
    low, high = values.min(axis=0), values.max(axis=0)
    cell = np.minimum(((values - low) / np.where(high > low, high - low, 1.0) * bins).astype(int), bins - 1)
    number = cell[:, 0] * bins + cell[:, 1]
    order = np.argsort(_keys(pool.weight, rng), kind="stable")
    _, first = np.unique(number[order], return_index=True)
    chosen = order[first]
    how = (
        f"{SOURCES[pool.what]}: one of each of the {len(chosen)} cells visited of {bins} x {bins} in {names[0]} "
        f"and {names[1]}, by weight"
    )
    return Draw(chosen, np.ones(len(chosen), dtype=bool), how)


def _require(pool: Pool, n: int) -> None:
    if len(pool) < n:
        raise SamplingError(f"{len(pool)} configurations to draw {n} from; run more shots per chain")
