"""Trial committors: KLBS, Kramers along any direction, and the reaction-diffusion form.

All are 0 on A and 1 on B at every active node, as the variational principle demands (docs/theory.md, Eqs. 4, 9, 13).
The optimal ones are minima of F over a space of functions, found exactly by one sparse linear solve.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from separatrix.theory import langer
from separatrix.theory.elements import Committor, Elements


def rescaled(value: np.ndarray, rest: np.ndarray, elements: Elements) -> Committor | None:
    """A trial of infinite range made admissible (Eq. 4), or None when no value parts A from B.

    Parameters
    ----------
    value, rest
        phi and 1 - phi at the active nodes.
    """
    # phi - a where phi is small, and b - phi where it is near 1, without the loss that 1 - 1e-20 would bring.
    a, b = value[elements.in_a].max(), rest[elements.in_b].max()
    span = value[elements.in_b].min() - a
    if span <= 0:
        return None
    low, high = np.clip((value - a) / span, 0.0, 1.0), np.clip((rest - b) / span, 0.0, 1.0)
    return Committor(np.where(value < 0.5, low, 1.0 - high), np.where(value < 0.5, 1.0 - low, high))


def klbs(elements: Elements, saddle: np.ndarray, e: np.ndarray, sigma: float) -> Committor | None:
    """The KLBS committor in its error-function form, rescaled and clipped; None when it does not part A from B."""
    return rescaled(*langer.committor(elements.nodes, saddle, e, sigma), elements)


def along(elements: Elements, e: np.ndarray) -> Committor | None:
    """The best trial that depends on s = e . r alone (Kramers on the full potential of mean force, Eq. 9).

    It is the minimum of F over piecewise linear functions of s as fine as the grid, which is Eq. 9 to the order of the
    grid error and holds for any D(r).

    Returns
    -------
    None when the states overlap along e.
    """
    e = np.asarray(e, dtype=float)
    s = elements.nodes @ e
    a, b = s[elements.in_a], s[elements.in_b]
    if a.max() >= b.min():
        if b.max() >= a.min():
            return None
        s, a, b = -s, -a, -b
    start, end = a.max(), b.min()
    n = max(int(np.ceil((end - start) / (np.abs(e) * elements.grid.spacing).max() - 1e-9)), 2)
    place = np.clip((s - start) / (end - start) * n, 0.0, n)
    # A node that is meant to lie on a line of this grid does so, whatever rounding says.
    place = np.where(np.abs(place - np.round(place)) < 1e-7, np.round(place), place)
    cell = np.minimum(place.astype(int), n - 1)
    share = place - cell
    rows = np.arange(len(s))
    basis = sparse.coo_matrix(
        (np.concatenate([1.0 - share, share]), (np.tile(rows, 2), np.concatenate([cell, cell + 1]))),
        shape=(len(s), n + 1),
    ).tocsr()
    zero, one = np.arange(n + 1) == 0, np.arange(n + 1) == n
    return _optimal(elements, basis, zero, one)


def reaction_diffusion(elements: Elements, slow: int = 1) -> Committor | None:
    """The reaction-diffusion trial (Eq. 13): phi = (1 - h) phi_L(y) + h phi_R(y).

    h is the committor of the fast variable at frozen slow one; phi_L and phi_R are free functions of the slow variable
    that minimise F exactly: two diffusing states with hops both ways between them.

    Parameters
    ----------
    slow
        Which variable is the slow one: 1 is y, 0 is x.

    Returns
    -------
    None when the fast variable does not part A from B.
    """
    column, row = np.divmod(elements.active, elements.grid.shape[1])
    fast, slow_index = (column, row) if slow == 1 else (row, column)
    if fast[elements.in_a].max() >= fast[elements.in_b].min():
        fast = fast.max() - fast
    start, end = fast[elements.in_a].max(), fast[elements.in_b].min()
    if start >= end:
        return None
    left, right = _frozen(elements, fast, slow_index, start, end, slow)
    used, number = np.unique(slow_index, return_inverse=True)
    m, rows = len(used), np.arange(len(number))
    basis = sparse.coo_matrix(
        (np.concatenate([left, right]), (np.tile(rows, 2), np.concatenate([number, number + m]))),
        shape=(len(rows), 2 * m),
    ).tocsr()
    zero, one = np.zeros(2 * m, dtype=bool), np.zeros(2 * m, dtype=bool)
    # On A h is 0, so there phi_L must be 0; on B h is 1, so there phi_R must be 1.
    zero[number[elements.in_a]] = True
    one[m + number[elements.in_b]] = True
    return _optimal(elements, basis, zero, one)


def _frozen(
    elements: Elements, fast: np.ndarray, slow: np.ndarray, start: int, end: int, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """1 - h and h at the active nodes, h(x; y) = int_start^x exp(beta U)/D_xx dx' / int_start^end.

    `fast` and `slow` are the grid's indices of the nodes, `axis` the slow variable. Dividing by D makes h
    right for a position-dependent D and changes nothing for a constant one.
    """
    n, m = fast.max() + 1, slow.max() + 1
    height = np.full((n, m), np.inf)
    height[fast, slow] = elements.beta * (elements.energies - elements.reference)
    xx, _, yy = (np.broadcast_to(d, len(fast)) for d in elements.diffusion.components(*elements.nodes.T))
    mobility = np.full((n, m), np.nan)
    mobility[fast, slow] = xx if axis == 1 else yy
    part = height[start : end + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        # Outside the active region the surface is higher than any node in it: no passage, and nothing is known.
        ceiling = np.nanmax(np.where(np.isfinite(height), height, np.nan))
        cost = np.where(np.isfinite(part), part - np.log(np.nan_to_num(mobility[start : end + 1], nan=1.0)), ceiling)
    cost = np.exp(cost - cost.max(axis=0))
    steps = 0.5 * (cost[1:] + cost[:-1])
    whole = steps.sum(axis=0)
    up = np.vstack([np.zeros(m), np.cumsum(steps, axis=0)]) / whole
    down = np.vstack([np.cumsum(steps[::-1], axis=0)[::-1], np.zeros(m)]) / whole
    place = np.clip(fast - start, 0, end - start)
    return down[place, slow], up[place, slow]


def _optimal(elements: Elements, basis: sparse.csr_matrix, zero: np.ndarray, one: np.ndarray) -> Committor:
    """The trial `basis @ c` of least F, c being 0 where `zero` and 1 where `one`.

    Both phi and 1 - phi are solved for, so that each is accurate where it is small.
    """
    gram = (basis.T @ elements.stiffness @ basis).tocsr()
    ends = np.stack([one, zero], axis=1).astype(float)
    free = ~(zero | one) & (gram.diagonal() > 0)
    both = ends.copy()
    if free.any():
        scale = 1.0 / np.sqrt(gram.diagonal()[free])
        scaling = sparse.diags(scale)
        matrix = (scaling @ gram[free][:, free] @ scaling).tocsc()
        both[free] = scale[:, None] * spsolve(matrix, -scale[:, None] * (gram[free] @ ends))
    value, rest = (basis @ both).T
    return Committor(value, rest)


def mean_force(elements: Elements, e: np.ndarray, bins: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Potential of mean force along s = e . r, in kT, and the mean of e . D . e at each s (Eq. 9).

    Returns
    -------
    s at the centres of bins, beta G_e(s) up to a constant, and <e . D . e>_s; each of shape (bins,), NaN where no node
    falls. Each node's weight is spread over a box of the grid's size along e, which smooths over one spacing.
    """
    e = np.asarray(e, dtype=float)
    s = elements.nodes @ e
    size = float(np.abs(e) @ elements.grid.spacing)
    edges = np.linspace(s.min() - 0.5 * size, s.max() + 0.5 * size, bins + 1)
    xx, xy, yy = (np.broadcast_to(d, len(s)) for d in elements.diffusion.components(*elements.nodes.T))
    speed = xx * e[0] ** 2 + 2.0 * xy * e[0] * e[1] + yy * e[1] ** 2
    # The cumulative weight at each edge is exact for boxes; its differences are the bins.
    order = np.argsort(s)
    s, mass, speed = s[order], elements.mass[order], speed[order]

    def cumulated(weights: np.ndarray) -> np.ndarray:
        total, moment = (np.concatenate([[0.0], np.cumsum(w)]) for w in (weights, weights * s))
        low, high = (np.searchsorted(s, edges + shift) for shift in (-0.5 * size, 0.5 * size))
        inside = (total[high] - total[low]) * (edges + 0.5 * size) - (moment[high] - moment[low])
        return total[low] + inside / size

    weight, flow = np.diff(cumulated(mass)), np.diff(cumulated(mass * speed))
    with np.errstate(divide="ignore", invalid="ignore"):
        energy = np.where(weight > 0, -np.log(weight / np.diff(edges)), np.nan)
        return 0.5 * (edges[1:] + edges[:-1]), energy, np.where(weight > 0, flow / weight, np.nan)


def kramers_gaussian(elements: Elements, e: np.ndarray) -> tuple[float, float, float] | None:
    """Kramers' rate along s = e . r with parabolas for well and barrier (docs/theory.md, section 3).

    k = (beta eDe/2 pi) sqrt(G''_A |G''_b|) exp(-beta dG). An approximation and no bound.

    Returns
    -------
    The rate (1/time), the place of the barrier s_b and the width sigma_K = 1/sqrt(beta |G''_b|); None when the states
    overlap along e, or the potential of mean force has no well in A or no barrier behind it.
    """
    e = np.asarray(e, dtype=float)
    projected = elements.nodes @ e
    a, b = projected[elements.in_a], projected[elements.in_b]
    if a.max() >= b.min():
        if b.max() >= a.min():
            return None
        return kramers_gaussian(elements, -e)
    s, energy, speed = mean_force(elements, e)
    inside = np.flatnonzero((s <= a.max()) & np.isfinite(energy))
    between = np.flatnonzero((s >= a.max()) & (s <= b.min()) & np.isfinite(energy))
    if not inside.size or not between.size:
        return None
    well, top = inside[np.argmin(energy[inside])], between[np.argmax(energy[between])]
    bottom, peak = _parabola(s, energy, well, +1), _parabola(s, energy, top, -1)
    if bottom is None or peak is None:
        return None
    (_, low, curve_a), (place, high, curve_b) = bottom, peak
    k = speed[top] / (2.0 * np.pi) * np.sqrt(curve_a * -curve_b) * np.exp(-(high - low))
    return float(k), float(place), float(1.0 / np.sqrt(-curve_b))


def _parabola(s: np.ndarray, energy: np.ndarray, centre: int, sign: int) -> tuple[float, float, float] | None:
    """Place, height and curvature of the parabola fitted to the bins within 1 kT of an extremum.

    `sign` is +1 for a well and -1 for a barrier; None when they do not curve that way.
    """
    lo = hi = centre
    while lo > 0 and sign * (energy[lo - 1] - energy[centre]) < 1.0:
        lo -= 1
    while hi < len(s) - 1 and sign * (energy[hi + 1] - energy[centre]) < 1.0:
        hi += 1
    if hi - lo < 4:
        lo, hi = max(lo - 2, 0), min(hi + 2, len(s) - 1)
    near = slice(lo, hi + 1)
    if not np.isfinite(energy[near]).all() or hi - lo < 2:
        return None
    half, slope, height = np.polyfit(s[near] - s[centre], energy[near], 2)
    if sign * half <= 0:
        return None
    return s[centre] - slope / (2.0 * half), height - slope**2 / (4.0 * half), 2.0 * half
