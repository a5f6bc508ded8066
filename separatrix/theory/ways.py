"""The lowest way from one state to the other: the saddles that it goes over, and the minima between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from separatrix.theory import critical_points as stationary
from separatrix.theory.elements import Grid, TheoryError
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import Surface

#: kT; a minimum shallower than that is no stop
_DEPTH = 1.0


@dataclass(frozen=True)
class Stop:
    """A stationary point on the way.

    Attributes
    ----------
    kind
        ``saddle`` or ``minimum``.
    point
        Shape (2,); where no stationary point is found near it, the node of the grid.
    energy
        U there.
    """

    kind: str
    point: np.ndarray
    energy: float


def stops(surface: Surface, grid: Grid, states: Sequence[np.ndarray], beta: float, domain: Numbers) -> list[Stop]:
    """Saddles and minima on the lowest way from A to B, in their order: one saddle, or more with minima between them.

    Parameters
    ----------
    states
        Which nodes of the grid belong to A and to B, two arrays of shape (n m,).
    beta
        1/kT: minima less than 1 kT deep are left out, and so are those inside a state.
    domain
        (x0, x1, y0, y1).

    Raises
    ------
    TheoryError
        When no way leads from one to the other.
    """
    way, energy = stationary.lowest_way(surface, grid, *states)
    inside = (states[0] | states[1])[way]
    turning_points: list[tuple[int, bool]] = []
    for place in _turns(beta * energy[way]):
        low = len(turning_points) % 2 == 1
        turning_points.append((place, low))
    # A minimum inside a state, and the saddle that leads out of it into the same one, are the state's own.
    minima = _between(turning_points, inside, energy[way])
    nodes = grid.nodes()[way]
    return [_refined(surface, nodes[place], low, grid.spacing, domain) for place, low in minima]


def _turns(height: np.ndarray) -> list[int]:
    """Places where a profile that begins and ends low turns, by more than the least depth: top, bottom, ..., top."""
    turns: list[int] = []
    extreme, rising = 0, True
    for i, value in enumerate(height):
        beyond = value > height[extreme] if rising else value < height[extreme]
        if beyond:
            extreme = i
        elif abs(value - height[extreme]) > _DEPTH:
            turns.append(extreme)
            extreme, rising = i, not rising
    if rising and height[extreme] - height[-1] > 0.0:
        turns.append(extreme)
    return turns if len(turns) % 2 else turns[:-1]


def _between(turning_points: list[tuple[int, bool]], inside: np.ndarray, energy: np.ndarray) -> list[tuple[int, bool]]:
    """Turns without minima inside a state; of tops with no minimum left between them the highest."""
    between: list[tuple[int, bool]] = []
    for place, low in turning_points:
        if low and inside[place]:
            continue
        if not low and between and not between[-1][1]:
            between[-1] = max(between[-1], (place, low), key=lambda item: energy[item[0]])
        else:
            between.append((place, low))
    return between


def _refined(surface: Surface, node: np.ndarray, low: bool, spacing: np.ndarray, domain: Numbers) -> Stop:
    kind = "minimum" if low else "saddle"
    try:
        point = stationary.minimum(surface, node, spacing, domain) if low else stationary.saddle(surface, node, spacing)
    except TheoryError:
        point = node
    if np.abs((point - node) / spacing).max() > 10.0:
        point = node
    return Stop(kind, point, float(surface.energy(*point)))
