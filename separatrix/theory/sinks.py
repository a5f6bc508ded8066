"""Diffusion along one coordinate with a coordinate-dependent sink.

Agmon and Hopfield, J. Chem. Phys. 1983, 78, 6947; Sumi and Marcus, J. Chem. Phys. 1986, 84, 4894; docs/theory.md,
section 7. The sink never gives back: where the product returns, these rates are too low or too high, and the
reaction-diffusion trial is what to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import eigh_tridiagonal

from separatrix.theory.elements import Elements, TheoryError


@dataclass(frozen=True)
class Sink:
    """dp/dt = d_y [D e^{-V} d_y (e^{V} p)] - k(y) p, V in kT, reflecting ends, from equilibrium.

    Attributes
    ----------
    y
        Nodes at equal spacing, shape (n,).
    potential
        V at the nodes, kT.
    diffusion
        D at the nodes, units of y squared per time.
    rate
        k(y) at the nodes, 1/time.
    """

    y: np.ndarray
    potential: np.ndarray
    diffusion: np.ndarray
    rate: np.ndarray

    @cached_property
    def _modes(self) -> tuple[np.ndarray, np.ndarray]:
        """Decay rates and the share of each in the survival probability."""
        h = self.y[1] - self.y[0]
        potential = self.potential - self.potential.min()
        weight = np.exp(-potential)
        # sqrt(w_i w_j)/(w_i), written without the quotient of two small numbers.
        step = 0.5 * np.diff(potential)
        hop = 0.5 * (self.diffusion[1:] + self.diffusion[:-1]) / h**2
        diagonal = np.array(self.rate, dtype=float)
        diagonal[:-1] += hop * np.exp(-step)
        diagonal[1:] += hop * np.exp(step)
        values, vectors = eigh_tridiagonal(diagonal, -hop)
        share = (vectors.T @ np.sqrt(weight)) ** 2 / weight.sum()
        return values, share

    def survival(self, time: np.ndarray) -> np.ndarray:
        """S(t), the share that has not reacted; shape of `time`."""
        values, share = self._modes
        return np.exp(-np.multiply.outer(np.asarray(time, dtype=float), values)) @ share

    @property
    def slowest(self) -> float:
        """k_inf, the decay rate at long times."""
        return float(self._modes[0][0])

    @property
    def inverse_mean_time(self) -> float:
        """1/tau_a, tau_a being the integral of S(t)."""
        values, share = self._modes
        return float(1.0 / (share / values).sum())

    @property
    def transition_state(self) -> float:
        """k_TST, the sink's equilibrium average; k_inf <= 1/tau_a <= k_TST."""
        weight = np.exp(-(self.potential - self.potential.min()))
        return float(weight @ self.rate / weight.sum())


def from_surface(elements: Elements, slow: int = 1) -> Sink:
    """The sink model of a surface: diffusion along the slow variable in A's valley, hops along the fast one.

    V = G_L(y), k(y) = D_x/(Z_L(y) int e^{beta U} dx), the valley being weighted with 1 - h, h the committor of the fast
    variable at frozen slow one. Rows of the grid without a way across are left out.

    Parameters
    ----------
    slow
        Which variable is the slow one: 1 is y, 0 is x.

    Raises
    ------
    TheoryError
        When the fast variable does not part A from B, or fewer than three rows are left.
    """
    n, m = elements.grid.shape
    shape = (n, m) if slow == 1 else (m, n)
    fast, row = np.divmod(elements.active, m)
    if slow == 0:
        fast, row = row, fast
    if fast[elements.in_a].max() >= fast[elements.in_b].min():
        fast = shape[0] - 1 - fast
    start, end = fast[elements.in_a].max(), fast[elements.in_b].min()
    if start >= end:
        raise TheoryError("the fast variable does not part state_A from state_B; there is no sink model")
    height = np.full(shape, np.inf)
    height[fast, row] = elements.beta * (elements.energies - elements.reference)
    components = [np.broadcast_to(d, len(fast)) for d in elements.diffusion.components(*elements.nodes.T)]
    along, across = np.full(shape, np.nan), np.full(shape, np.nan)
    along[fast, row], across[fast, row] = (components[2], components[0])[:: 1 if slow == 1 else -1]
    h_fast = elements.grid.spacing[0 if slow == 1 else 1]

    whole = np.isfinite(height[start : end + 1]).all(axis=0)
    used = np.flatnonzero(whole)
    if used.size < 3 or (np.diff(used) != 1).any():
        raise TheoryError("the rows that lead from A's side to B's do not join; there is no sink model")
    cost = np.exp(height[start : end + 1, used]) / across[start : end + 1, used]
    steps = 0.5 * (cost[1:] + cost[:-1]) * h_fast
    passage = steps.sum(axis=0)
    left = np.ones((shape[0], used.size))
    left[start : end + 1] = np.vstack([np.cumsum(steps[::-1], axis=0)[::-1], np.zeros(used.size)]) / passage
    left[end:] = 0.0
    weight = np.exp(-height[:, used]) * left
    population = weight.sum(axis=0) * h_fast
    speed = (weight * np.nan_to_num(along[:, used])).sum(axis=0) / weight.sum(axis=0)
    y = (elements.grid.y if slow == 1 else elements.grid.x)[used]
    return Sink(np.asarray(y), -np.log(population), speed, 1.0 / (population * passage))
