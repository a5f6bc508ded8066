"""Minima of a surface and the saddle between two states."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from separatrix.theory.elements import Elements, Grid, TheoryError
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import Surface

_STEPS = 100


def minimum(surface: Surface, start: Numbers, spacing: np.ndarray, domain: Numbers) -> np.ndarray:
    """The minimum that a descent from `start` ends in, shape (2,).

    Parameters
    ----------
    spacing
        Lengths that the two variables are measured in, shape (2,): those of the grid.
    domain
        (x0, x1, y0, y1), which the descent does not leave.

    Raises
    ------
    TheoryError
        When it ends at no minimum.
    """
    low, high = np.array(domain[::2]) / spacing, np.array(domain[1::2]) / spacing
    descent = minimize(
        lambda z: float(surface.energy(*(z * spacing))),
        np.asarray(start) / spacing,
        jac=lambda z: surface.gradient(z * spacing) * spacing,
        bounds=list(zip(low, high, strict=True)),
        method="L-BFGS-B",
    )
    point = _newton(surface, descent.x * spacing, spacing)
    if point is None or np.linalg.eigvalsh(surface.hessian(point) * np.outer(spacing, spacing)).min() <= 0:
        raise TheoryError(
            f"no minimum was found from ({start[0]:.4g}, {start[1]:.4g}); "
            "check that each state holds a minimum inside the domain, or smooth the surface"
        )
    return point


def lowest(elements: Elements, inside: np.ndarray) -> np.ndarray:
    """The lowest node of a state, shape (2,); `inside` marks its nodes among the active ones."""
    members = np.flatnonzero(inside)
    return elements.nodes[members[np.argmin(elements.energies[members])]]


def pass_point(surface: Surface, grid: Grid, in_a: np.ndarray, in_b: np.ndarray) -> np.ndarray:
    """The highest node on the lowest way between two states over the whole grid, shape (2,); see :func:`lowest_way`."""
    way, energy = lowest_way(surface, grid, in_a, in_b)
    back = way[::-1]  # of equally high ones that next to B
    return grid.nodes()[back[energy[back].argmax()]]


def lowest_way(surface: Surface, grid: Grid, in_a: np.ndarray, in_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest way between two states over the whole grid, from the lowest node of A to that of B.

    It is that of the minimum spanning tree of the nodes and their eight neighbours, an edge being as high as the higher
    of its ends.

    Parameters
    ----------
    in_a, in_b
        Which nodes belong to the states, shape (n m,).

    Returns
    -------
    Numbers of its nodes, and U at all nodes of the grid, shape (n m,).

    Raises
    ------
    TheoryError
        When no way leads from one to the other.
    """
    n, m = grid.shape
    energy = surface.on_grid(grid.x, grid.y).ravel()
    defined = np.isfinite(energy)
    for name, state in (("state_A", in_a), ("state_B", in_b)):
        if not (state & defined).any():
            raise TheoryError(f"{name}: holds no node of the grid that the surface knows; check state and domain")
    index = np.arange(n * m).reshape(n, m)
    neighbours = [
        (index[:-1], index[1:]),
        (index[:, :-1], index[:, 1:]),
        (index[:-1, :-1], index[1:, 1:]),
        (index[1:, :-1], index[:-1, 1:]),
    ]
    pairs = np.concatenate([np.stack([i.ravel(), j.ravel()], axis=1) for i, j in neighbours])
    pairs = pairs[defined[pairs].all(axis=1)]
    # Edges of weight zero would be no edges: ranks, from 1, instead of energies.
    rank = np.empty(n * m)
    rank[np.argsort(energy, kind="stable")] = np.arange(1, n * m + 1)
    edges = sparse.coo_matrix((rank[pairs].max(axis=1), pairs.T), shape=(n * m, n * m)).tocsr()
    start, end = (np.flatnonzero(s & defined)[np.argmin(energy[s & defined])] for s in (in_a, in_b))
    tree = minimum_spanning_tree(edges)
    before = breadth_first_order(tree, start, directed=False, return_predecessors=True)[1]
    way = [end]
    while way[-1] != start:
        if before[way[-1]] < 0:
            raise TheoryError("state_A: no way to state_B over the known surface; widen the domain or the data")
        way.append(before[way[-1]])
    return np.array(way[::-1]), energy


def saddle(surface: Surface, start: Numbers, spacing: np.ndarray) -> np.ndarray:
    """The saddle that Newton's method finds from `start`, shape (2,).

    Raises
    ------
    TheoryError
        When it finds none within ten grid spacings.
    """
    for attempt in (start, *(np.asarray(start) + shift * spacing for shift in _AROUND)):
        point = _newton(surface, attempt, spacing)
        if point is None or np.abs((point - start) / spacing).max() > 10.0:
            continue
        if (np.linalg.eigvalsh(surface.hessian(point) * np.outer(spacing, spacing)) < 0).sum() == 1:
            return point
    raise TheoryError(
        f"no saddle was found near ({start[0]:.4g}, {start[1]:.4g}), the pass between the states on the grid; "
        "smooth the surface, refine grid_h, or give `saddle` yourself"
    )


_AROUND = [np.array([i, j], dtype=float) for i in (-2, 0, 2) for j in (-2, 0, 2) if i or j]


def _newton(surface: Surface, start: Numbers, spacing: np.ndarray) -> np.ndarray | None:
    """The stationary point that Newton's method converges to, in steps of at most three spacings; or None."""
    point = np.array(start, dtype=float)
    for _ in range(_STEPS):
        slope, curvature = surface.gradient(point) * spacing, surface.hessian(point) * np.outer(spacing, spacing)
        if not (np.isfinite(slope).all() and np.isfinite(curvature).all()):
            return None
        step = np.linalg.lstsq(curvature, -slope, rcond=None)[0]
        length = np.abs(step).max()
        point = point + step * min(1.0, 3.0 / max(length, 1e-300)) * spacing
        if length < 1e-10:
            return point
    return point if length < 1e-5 else None
