"""Nodes of a grid that hold a number in place of "no data": -1, 0, 99, 9999, 1e30 and the like.

Histograms, WHAM and their kind mark bins that nothing fell into in many ways. Taken for free energies, such numbers
make cliffs and pits, and a spline through them is wrong far around.
"""

from __future__ import annotations

import numpy as np

#: kT; a step of a surface between neighbouring nodes that none takes of itself, unless it has been steep before
_CLIFF = 50.0
#: how many times steeper than the step before it
_STEEPER = 10.0
#: kT above the lowest node; what lies higher is left out of the elements anyway
_REACH = 45.0
#: kT; least step at the border of nodes that share one number
_EDGE = 5.0
#: kT; least distance of one node from all its neighbours
_SPIKE = 8.0
#: nodes that share a number that is neither the largest nor the smallest
_MANY = 8


def complaint(x: np.ndarray, y: np.ndarray, u: np.ndarray) -> str | None:
    """Why some of a grid's numbers are none of a surface, in words that say where; None where all seems well.

    Parameters
    ----------
    x, y
        Nodes, shapes (n,) and (m,).
    u
        Energies in kT, shape (n, m), not finite where there is no data.
    """
    u = np.where(np.isfinite(u), u, np.nan)
    remedy = "nodes without data must be NaN, or empty, or left out"
    if (shared := _shared(u)) is not None:
        value, count, step = shared
        return f"{count} nodes hold one number, {value:.6g} kT, and lie {step:.3g} kT off their neighbours: {remedy}"
    for turned, (along, across) in enumerate(((x, y), (y, x))):
        if (cliff := _cliff(u.T if turned else u)) is not None:
            i, j, step = cliff
            first, second = ((along[k], across[j])[:: -1 if turned else 1] for k in (i, i + 1))
            return (
                f"a step of {step:.3g} kT between the nodes ({first[0]:.4g}, {first[1]:.4g}) and ({second[0]:.4g}, "
                f"{second[1]:.4g}), beside which it is flat: {remedy}; a surface that is so steep needs a finer grid"
            )
    if (single := _spike(u)) is not None:
        i, j, step = single
        return (
            f"the node ({x[i]:.4g}, {y[j]:.4g}) lies {step:.3g} kT off all its neighbours: {remedy}; a well or a peak "
            "that is so narrow needs a finer grid"
        )
    return None


def _cliff(u: np.ndarray) -> tuple[int, int, float] | None:
    """The largest step along the first axis that comes out of the flat: its nodes (i, j) and (i + 1, j), and kT."""
    with np.errstate(invalid="ignore", over="ignore"):
        step = np.abs(np.diff(u, axis=0))
        reached = np.minimum(u[1:], u[:-1]) <= np.nanmin(u, initial=np.inf) + _REACH
        before = np.full_like(step, np.inf)
        for from_, to in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            before[to] = np.fmin(before[to], np.where(np.isfinite(step[from_]), step[from_], np.inf))
        steps = np.where(reached & (step > _CLIFF) & (step > _STEEPER * np.maximum(before, 1.0)), step, 0.0)
    if not steps.any():
        return None
    i, j = np.unravel_index(steps.argmax(), steps.shape)
    return int(i), int(j), float(step[i, j])


def _shared(u: np.ndarray) -> tuple[float, int, float] | None:
    """A number that many nodes share and that differs from its neighbours: itself, how many, and the step in kT."""
    defined = np.isfinite(u)
    index = np.arange(u.size).reshape(u.shape)
    pairs = np.concatenate(
        [np.stack([a.ravel(), b.ravel()]) for a, b in ((index[:-1], index[1:]), (index[:, :-1], index[:, 1:]))], axis=1
    )
    i, j = pairs[:, defined.ravel()[pairs].all(axis=0)]
    flat = u.ravel()
    values, counts = np.unique(flat[defined.ravel()], return_counts=True)
    if not len(values):
        return None
    common = np.argsort(-counts, kind="stable")[:5]
    wanted = {int(k) for k in common if counts[k] >= _MANY} | {k for k in (0, len(values) - 1) if counts[k] > 1}
    for k in sorted(wanted, key=lambda k: -counts[k]):
        of = flat == values[k]
        rest = defined.ravel() & ~of
        if not rest.any():
            continue
        high = flat[rest].min() + _REACH
        border = of[i] != of[j]
        border &= np.where(of[i], flat[j], flat[i]) < high
        ordinary = rest[i] & rest[j] & (np.maximum(flat[i], flat[j]) < high)
        if not border.any() or ordinary.sum() < 10:
            continue
        step = float(np.median(np.abs(flat[i] - flat[j])[border]))
        if step > max(_EDGE, 3.0 * float(np.percentile(np.abs(flat[i] - flat[j])[ordinary], 95))):
            return float(values[k]), int(counts[k]), step
    return None


def _spike(u: np.ndarray) -> tuple[int, int, float] | None:
    """The node inside the grid that is furthest out of its four neighbours, which agree: (i, j) and kT."""
    if min(u.shape) < 3:
        return None
    around = np.stack([u[:-2, 1:-1], u[2:, 1:-1], u[1:-1, :-2], u[1:-1, 2:]])
    inner = u[1:-1, 1:-1]
    with np.errstate(invalid="ignore"):
        off = np.abs(inner - around).min(axis=0)
        off[~((inner > around).all(axis=0) | (inner < around).all(axis=0))] = 0.0
        usual = np.nanpercentile(np.abs(np.diff(u, axis=0)), 95) if np.isfinite(u).any() else 0.0
        reached = around.max(axis=0) < np.nanmin(u, initial=np.inf) + 2.0 * _REACH
        spikes = np.where(
            reached & (off > _SPIKE) & (off > 3.0 * usual) & (off > 3.0 * np.ptp(around, axis=0)), off, 0.0
        )
    if not spikes.any():
        return None
    i, j = np.unravel_index(spikes.argmax(), spikes.shape)
    return int(i) + 1, int(j) + 1, float(spikes[i, j])
