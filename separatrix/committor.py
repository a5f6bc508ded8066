"""Committor shots: from a set of configurations, and which configurations to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .dynamics import Engine, run_half
from .errors import SamplingError
from .seeds import stream
from .states import Basin


@dataclass(frozen=True)
class Shot:
    """One committor shot: where it ended, and what it cost."""

    end: str
    reason: str
    frames: int
    evaluations: int
    steps: int


def shoot(
    engine: Engine,
    basins: Sequence[Basin],
    positions: np.ndarray,
    *,
    place: tuple[int, tuple[str | int, ...]],
) -> Shot:
    """One shot from a configuration with fresh Maxwell-Boltzmann velocities.

    Parameters
    ----------
    positions
        nm, shape (n_atoms, 3).
    place
        Root seed and the words that name this shot; its outcome depends on nothing else.
    """
    seed, words = place
    engine.potential.restart()
    steps, evaluations = engine.steps, engine.evaluations
    rng = stream(seed, *words)
    half = run_half(engine, engine.snapshot(positions, engine.thermal_velocities(positions, rng)), basins, rng)
    return Shot(
        end=half.end,
        reason=half.reason,
        frames=len(half),
        evaluations=engine.evaluations - evaluations,
        steps=engine.steps - steps,
    )


@dataclass(frozen=True)
class Choice:
    """Configurations chosen on a predicted separatrix.

    Attributes
    ----------
    index
        Rows of the pool, shape (n,).
    within
        Whether each is within the tolerance, shape (n,).
    how
        In words, for the report.
    """

    index: np.ndarray
    within: np.ndarray
    how: str


def choose(
    r: np.ndarray,
    path: np.ndarray,
    weight: np.ndarray,
    *,
    n: int,
    tolerance: float,
    rng: np.random.Generator,
) -> Choice:
    """Choose configurations near r = 0 from the frames of reactive paths.

    Frames within the tolerance are drawn without replacement, a frame's chance being its path's weight, and paths
    take turns: none gives a second frame before each has given one. Where too few lie within the tolerance, the
    nearest ones fill up and are marked.

    Parameters
    ----------
    r
        Reaction coordinate of each frame, shape (m,).
    path
        Path that each frame belongs to, shape (m,).
    weight
        Weight of each frame's path, shape (m,).
    n
        How many to choose.
    tolerance
        Largest absolute r.

    Raises
    ------
    SamplingError
        When there are fewer than `n` frames.
    """
    if len(r) < n:
        raise SamplingError(f"{len(r)} frames of reactive paths for {n} configurations; run more shots per chain")
    near = np.flatnonzero(np.abs(r) <= tolerance)
    # Exponential keys: the smallest come from a weighted draw without replacement (Efraimidis and Spirakis 2006).
    key = rng.exponential(size=len(near)) / np.maximum(weight[near], 1e-12)
    order = near[np.argsort(key, kind="stable")]
    turn = np.zeros(len(order), dtype=int)
    for p in np.unique(path):
        mine = path[order] == p
        turn[mine] = np.arange(mine.sum())
    chosen = order[np.argsort(turn, kind="stable")][:n]
    missing = n - len(chosen)
    if missing:
        others = np.setdiff1d(np.arange(len(r)), chosen)
        chosen = np.concatenate([chosen, others[np.argsort(np.abs(r[others]), kind="stable")][:missing]])
    within = np.abs(r[chosen]) <= tolerance
    how = f"{len(near)} frames of reactive paths have |r| <= {tolerance:g}; {n - missing} of them drawn by path weight"
    if missing:
        how += f", the nearest {missing} others added (largest |r| {np.abs(r[chosen]).max():.2f})"
    return Choice(chosen, within, how)
