"""Where interfaces are placed: from how far paths reach, or from a free energy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from separatrix.rates.tis.transition_paths import FloatArray


class PlacingError(ValueError):
    """No interfaces can be placed."""


def quantile_above(highest: Sequence[float], share: float) -> float:
    """The order parameter that a share of paths reach; the next larger one among those seen.

    Parameters
    ----------
    highest
        Of each path; infinity where it reached the product.
    share
        Between 0 and 1.
    """
    ordered = np.sort(np.asarray(highest, dtype=float))[::-1]
    return float(ordered[max(math.ceil(share * len(ordered)) - 1, 0)])


def local_crossing_probabilities(highest: FloatArray, interfaces: Sequence[float]) -> FloatArray:
    """Share of the paths at each interface that reach the next, or the product: of ensembles 0 to i at the i-th.

    Parameters
    ----------
    highest
        Largest order parameter of the ensembles' paths, shape (cycles, ensembles).
    interfaces
        Order parameters, rising.

    Returns
    -------
    Shape (ensembles,).
    """
    bounds = [*interfaces, math.inf]
    pools = [highest[:, : i + 1] for i in range(len(interfaces))]
    return np.array([np.mean(pool[pool >= bounds[i]] >= bounds[i + 1]) for i, pool in enumerate(pools)])


def survival(highest: Sequence[FloatArray], interfaces: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """How large a share of the paths that reach the first interface come to an order parameter, for all seen.

    Between an interface and the next it is read off the paths of all ensembles up to there, as factors of the rate are.
    Where none comes to the next interface, half a path is taken to.

    Parameters
    ----------
    highest
        Largest order parameter of each ensemble's paths, of shape (paths,) each.
    interfaces
        Of each ensemble, in any order; those of several sets of interfaces may stand side by side.

    Returns
    -------
    Order parameters, rising, the first interface first and infinity last, and the shares, both of shape (n,).
    """
    places, shares, here = [], [], 1.0
    bounds = [*np.unique(interfaces), math.inf]
    for low, high in itertools.pairwise(bounds):
        pool = np.concatenate([h for h, value in zip(highest, interfaces, strict=True) if value <= low])
        pool = np.sort(pool[pool >= low])
        seen = np.unique(np.append(pool[pool < high], low))
        places.append(seen)
        shares.append(here * (1.0 - np.searchsorted(pool, seen) / len(pool)))
        here *= max(float((pool >= high).mean()), 0.5 / len(pool))
    return np.append(np.concatenate(places), math.inf), np.append(np.concatenate(shares), here)


def spaced(highest: Sequence[FloatArray], interfaces: Sequence[float], crossing: float) -> list[float]:
    """Interfaces anew, from the first one on, each crossed by as large a share of the paths, and by no less than asked.

    Parameters
    ----------
    highest, interfaces
        As in :func:`survival`.
    crossing
        Smallest share of the paths at one interface that are to reach the next, or the product.
    """
    places, shares = survival(highest, interfaces)
    n = max(math.ceil(math.log(shares[-1]) / math.log(crossing)), 1)
    wanted = shares[-1] ** (np.arange(n) / n)
    # The last of the places that as many come to: shares fall from one to the next.
    at = np.searchsorted(-shares[:-1], -wanted * (1.0 - 1e-9), side="right") - 1
    # The first stays: as many come to the lowest of the paths as to the interface itself.
    return [float(v) for v in np.unique([places[0], *places[at[1:]]])]


@dataclass(frozen=True)
class Seeds:
    """Frames of equilibrium at whatever order parameter, such as those of umbrella windows.

    Attributes
    ----------
    positions
        nm, shape (n, n_atoms, 3).
    order
        Order parameter, shape (n,).
    weight
        What each stands for in the canonical ensemble, shape (n,).
    """

    positions: FloatArray
    order: FloatArray
    weight: FloatArray

    def draw(self, low: float, high: float, rng: np.random.Generator) -> FloatArray | None:
        """Positions of a frame with low <= order parameter < high, by weight; None where there is none."""
        inside = np.flatnonzero((self.order >= low) & (self.order < high) & (self.weight > 0.0))
        if not len(inside):
            return None
        share = self.weight[inside]
        return self.positions[rng.choice(inside, p=share / share.sum())]

    def steps(self, first: float, crossing: float, bins: int = 50) -> tuple[list[float], float]:
        """Interfaces that stand as far apart in free energy as paths that climb it would cross with some probability.

        Parameters
        ----------
        first
            The lowest.
        crossing
            exp(-F/kT) over a step, or more.
        bins
            Of the free energy, from the first one on.

        Returns
        -------
        Interfaces, rising, and the top of the free energy.
        """
        edges = np.linspace(first, float(self.order.max()), bins + 1)
        place = np.searchsorted(edges, self.order, side="right") - 1
        inside = (place >= 0) & (place < bins)
        density = np.bincount(place[inside], weights=self.weight[inside], minlength=bins)
        populated = np.flatnonzero(density > 0.0)
        if len(populated) < 2:
            return [first], first
        middle, energy = (0.5 * (edges[1:] + edges[:-1]))[populated], -np.log(density[populated])
        # Down to the first interface itself, half a bin below.
        slope = max(float(energy[1] - energy[0]) / float(middle[1] - middle[0]), 0.0)
        energy = np.append(energy[0] - slope * (middle[0] - first), energy)
        middle = np.append(first, middle)
        # Windows may go on into the other well: the top is highest above the lower ones of both sides.
        lowest = np.maximum(np.minimum.accumulate(energy), np.minimum.accumulate(energy[::-1])[::-1])
        height = energy - lowest
        top = max(int(np.argmax(height if height.max() > 0.3 else energy)), 1)
        climbed = np.maximum.accumulate(energy[: top + 1]) - energy[0]
        n = max(math.ceil(climbed[-1] / -math.log(crossing)), 1)
        wanted = climbed[-1] * np.arange(1, n) / n
        rises = np.append(True, np.diff(climbed) > 0.0)
        levels = np.interp(wanted, climbed[rises], middle[: top + 1][rises])
        return [first, *(float(v) for v in np.unique(levels) if v > first)], float(middle[top])
