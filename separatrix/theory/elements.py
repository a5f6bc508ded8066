"""Finite elements for the Smoluchowski equation on a uniform grid: the exact committor, rates and spectral gap.

Bilinear (Q1) elements with 3 x 3 Gauss points, so a full and position-dependent D costs nothing extra. Every
functional of a committor is evaluated with the same matrix, so the order that the variational principle asks for holds
to rounding: no trial can come out below the exact rate (docs/theory.md, Eqs. 1-5).

What spans many orders of magnitude is kept accurate by never subtracting large numbers: a committor is stored as q and
as 1 - q, and quadratic forms are sums over differences between nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from separatrix.core.errors import SeparatrixError
from separatrix.theory.diffusion import Diffusion, positive
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import Surface

#: elements higher than this above the lowest node, in kT, are left out (unless the barrier needs them)
CUT = 45.0

#: kT that a surface may lie below its lowest node between nodes; more is a well that the grid misses, or a spline that
#: overshoots at a cliff
_DEPTH = 5.0

_GAUSS = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))


class TheoryError(SeparatrixError):
    """A surface, a state or a grid on which the theory has no answer; the message says what to change."""


@dataclass(frozen=True)
class Grid:
    """A uniform tensor grid: nodes x, shape (n,), and y, shape (m,); node (i, j) has index i m + j."""

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, domain: Numbers, spacing: Numbers) -> Grid:
        """Grid over a domain (x0, x1, y0, y1), with the spacing nearest to the one asked for that divides it."""
        x0, x1, y0, y1 = domain
        n, m = (max(round((b - a) / h), 2) for a, b, h in ((x0, x1, spacing[0]), (y0, y1, spacing[1])))
        return cls(np.linspace(x0, x1, n + 1), np.linspace(y0, y1, m + 1))

    @property
    def spacing(self) -> np.ndarray:
        """Along x and y, shape (2,)."""
        return np.array([(self.x[-1] - self.x[0]) / (len(self.x) - 1), (self.y[-1] - self.y[0]) / (len(self.y) - 1)])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of nodes along x and y."""
        return len(self.x), len(self.y)

    def nodes(self) -> np.ndarray:
        """All nodes, shape (n m, 2)."""
        return np.stack(np.meshgrid(self.x, self.y, indexing="ij"), axis=-1).reshape(-1, 2)

    def members(self, state: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Which nodes belong to a state, shape (n m,), given as a function of coordinates (x, y)."""
        # Borders of states are meant to be grid lines: -0.8 must not be -0.8000000000000003.
        digits = 9 - np.floor(np.log10(self.spacing)).astype(int)
        places = [np.round(p, d) for p, d in zip(self.nodes().T, digits, strict=True)]
        return np.array(np.broadcast_to(np.asarray(state(*places), dtype=bool), len(places[0])))


@dataclass(frozen=True)
class Committor:
    """A committor, exact or trial, at the active nodes.

    Attributes
    ----------
    value, rest
        phi and 1 - phi, shape (n_active,), each accurate where it is small.
    """

    value: np.ndarray
    rest: np.ndarray

    def differences(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """phi_i - phi_j, from whichever of phi and 1 - phi is smaller."""
        low = self.value[i] + self.value[j] < 1.0
        return np.where(low, self.value[i] - self.value[j], self.rest[j] - self.rest[i])


class Elements:
    """The generator on a grid.

    Parameters
    ----------
    grid, surface, diffusion
        Where, on what, and how fast.
    beta
        Inverse temperature, 1/energy.
    state_a, state_b
        Functions of node coordinates (x, y) that say which nodes belong to a state.
    cut
        Elements whose lowest Gauss point lies higher than this above the lowest node, in kT, are left out.

    Raises
    ------
    TheoryError
        When a state holds no node, the states overlap or are not connected, or D is not positive definite.
    """

    def __init__(
        self,
        grid: Grid,
        surface: Surface,
        diffusion: Diffusion,
        beta: float,
        state_a: Callable[[np.ndarray, np.ndarray], np.ndarray],
        state_b: Callable[[np.ndarray, np.ndarray], np.ndarray],
        cut: float = CUT,
    ) -> None:
        self.grid, self.surface, self.diffusion, self.beta, self.cut = grid, surface, diffusion, beta, cut
        n, m = grid.shape
        energy = surface.on_grid(grid.x, grid.y)
        if not np.isfinite(energy).any():
            raise TheoryError("the surface has no finite value in the domain; check domain and surface")
        #: U at the lowest node, the user's energy unit
        self.reference = float(np.nanmin(np.where(np.isfinite(energy), energy, np.nan)))
        points = [0.5 * (g[:-1, None] + g[1:, None] + _GAUSS * np.diff(g)[:, None]).ravel() for g in (grid.x, grid.y)]
        height = self._by_element(beta * (surface.on_grid(*points) - self.reference))
        finite = np.isfinite(energy)
        whole = finite[:-1, :-1] & finite[1:, :-1] & finite[:-1, 1:] & finite[1:, 1:]
        with np.errstate(invalid="ignore"):
            in_domain = whole.ravel() & np.isfinite(height).all(axis=1) & (height.min(axis=1) <= cut)
        corners = self._corner_nodes(n, m)
        if (depth := -float(height[in_domain].min(initial=0.0))) > _DEPTH:
            raise TheoryError(
                f"between its nodes the surface lies {depth:.3g} kT below the lowest of them; mend a cliff or hole in "
                "its data, or refine grid_h"
            )

        nodes = grid.nodes()
        inside = [grid.members(state) for state in (state_a, state_b)]
        in_domain &= self._reaching(corners, in_domain, n * m, inside)
        used = np.unique(corners[in_domain])
        #: index of each active node among all of the grid
        self.active = used
        self.number = np.full(n * m, -1)
        self.number[used] = np.arange(len(used))
        self.nodes = nodes[used]
        self.energies = energy.ravel()[used]
        self.in_a, self.in_b = (state[used] for state in inside)
        for name, state in (("state_A", self.in_a), ("state_B", self.in_b)):
            if not state.any():
                raise TheoryError(f"{name}: holds no node of the grid below {cut:g} kT; check the state and the domain")
        if (self.in_a & self.in_b).any():
            raise TheoryError("state_A: overlaps state_B; give states that share no point")
        self.corners = self.number[corners[in_domain]]
        self.kept = in_domain
        edge = [np.full(len(g), h) for g, h in zip((grid.x, grid.y), grid.spacing, strict=True)]
        for sizes in edge:
            sizes[[0, -1]] *= 0.5
        boltzmann = np.exp(-np.clip(beta * (self.energies - self.reference), None, 700.0))
        #: equilibrium weight of each node, relative to the lowest one; area of the collective variables
        self.mass = boltzmann * np.outer(*edge).ravel()[used]
        self._assemble(np.exp(-np.clip(height[in_domain], None, 700.0)), points)

    # --- assembly -------------------------------------------------------------------------------------------------

    @staticmethod
    def _corner_nodes(n: int, m: int) -> np.ndarray:
        """Nodes of each element, shape ((n-1) (m-1), 4)."""
        i, j = np.meshgrid(np.arange(n - 1), np.arange(m - 1), indexing="ij")
        return np.stack([((i + a) * m + j + b).ravel() for a, b in _CORNERS], axis=1)

    def _by_element(self, values: np.ndarray) -> np.ndarray:
        """Values on the tensor grid of Gauss points, shape (..., 3 (n-1), 3 (m-1)), as shape (..., elements, 9)."""
        n, m = self.grid.shape
        split = values.reshape(*values.shape[:-2], n - 1, 3, m - 1, 3)
        return np.moveaxis(split, -3, -2).reshape(*values.shape[:-2], (n - 1) * (m - 1), 9)

    @staticmethod
    def _reaching(corners: np.ndarray, in_domain: np.ndarray, size: int, states: Sequence[np.ndarray]) -> np.ndarray:
        """Elements in a piece of the surface that holds both states."""
        c = corners[in_domain]
        ends = (c[:, [0, 0, 0]].ravel(), c[:, [1, 2, 3]].ravel())
        graph = sparse.coo_matrix((np.ones(ends[0].size, dtype=bool), ends), shape=(size, size))
        piece = connected_components(graph, directed=False)[1]
        used = np.zeros(size, dtype=bool)
        used[c] = True
        both = set(piece[states[0] & used]) & set(piece[states[1] & used])
        if not both:
            raise TheoryError("state_A: no way to state_B over the known surface; widen the domain or the data")
        return np.isin(piece[corners[:, 0]], list(both))

    def _assemble(self, weight: np.ndarray, points: Sequence[np.ndarray]) -> None:
        hx, hy = self.grid.spacing
        at, where = 0.5 * (1.0 + _GAUSS), np.meshgrid(np.arange(3), np.arange(3), indexing="ij")
        u, v = (at[w].ravel() for w in where)
        quadrature = (np.outer(_WEIGHTS, _WEIGHTS)).ravel() * hx * hy
        slope_x = np.stack([(1 if a else -1) * (v if b else 1 - v) / hx for a, b in _CORNERS], axis=1)
        slope_y = np.stack([(u if a else 1 - u) * (1 if b else -1) / hy for a, b in _CORNERS], axis=1)
        if self.diffusion.is_constant:
            parts = np.array([float(p) for p in self.diffusion.components(np.zeros(()), np.zeros(()))])[:, None, None]
        else:
            parts = self._by_element(self.diffusion.on_grid(*points))[:, self.kept]
        if not np.isfinite(parts).all() or not positive(parts).all():
            raise TheoryError("D: is not positive definite everywhere on the surface; check its components")
        products = (
            np.einsum("ga,gb->gab", slope_x, slope_x),
            np.einsum("ga,gb->gab", slope_x, slope_y) + np.einsum("ga,gb->gab", slope_y, slope_x),
            np.einsum("ga,gb->gab", slope_y, slope_y),
        )
        blocks = np.zeros((len(weight), 16))
        for part, product in zip(parts, products, strict=True):
            if part.any():
                blocks += (weight * part) @ (product * quadrature[:, None, None]).reshape(9, 16)
        rows, columns = np.repeat(self.corners, 4, axis=1).ravel(), np.tile(self.corners, 4).ravel()
        size = len(self.active)
        #: stiffness matrix: phi.K.phi is the functional of Eq. 2; rows sum to zero
        self.stiffness = sparse.coo_matrix((blocks.ravel(), (rows, columns)), shape=(size, size)).tocsc()

    @cached_property
    def links(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of neighbouring nodes, each once, and the conductance between them: three arrays of one length."""
        upper = sparse.triu(self.stiffness, k=1).tocoo()
        return upper.row, upper.col, -upper.data

    # --- functionals ----------------------------------------------------------------------------------------------

    def gram(self, *trials: Committor) -> np.ndarray:
        """F_ij of Eq. 10 for committors: the integral of exp(-beta (U-Uref)) grad phi_i . D . grad phi_j.

        Returns
        -------
        Shape (k, k), in area of the collective variables per time.
        """
        i, j, weight = self.links
        steps = [trial.differences(i, j) for trial in trials]
        gram = np.empty((len(trials), len(trials)))
        for a, one in enumerate(steps):
            weighted = weight * one
            for b in range(a, len(steps)):
                gram[a, b] = gram[b, a] = weighted @ steps[b]
        return gram

    def functional(self, trial: Committor) -> float:
        """F of Eq. 2."""
        return float(self.gram(trial)[0, 0])

    def populations(self, committor: Committor) -> tuple[float, float]:
        """Z_A and Z_B of Eq. 3, in area of the collective variables."""
        return float(self.mass @ committor.rest), float(self.mass @ committor.value)

    # --- exact ----------------------------------------------------------------------------------------------------

    def exact(self) -> Committor:
        """The exact committor (Eq. 1): 0 on A, 1 on B, no flux through the outer border."""
        free = ~(self.in_a | self.in_b)
        if not free.any():
            raise TheoryError("state_A: states A and B leave no grid node between them; refine grid_h")
        rows = self.stiffness.tocsr()[free]
        ends = np.stack([self.in_b, self.in_a], axis=1).astype(float)
        solution = _Solver(rows[:, free].tocsc()).solve(-(rows @ ends))
        both = ends.copy()
        both[free] = solution
        return Committor(*both.T)

    def spectral_gap(self, committor: Committor) -> float:
        """Smallest non-zero eigenvalue of the generator, 1/time.

        Inverse iteration from the exact committor, which is all but the eigenvector when the states are metastable.
        """
        total = self.mass.sum()
        functional = self.functional(committor)
        guess = functional * (1.0 / self.populations(committor)[0] + 1.0 / self.populations(committor)[1])
        solver = _Solver((self.stiffness + guess * sparse.diags(self.mass)).tocsc())
        vector, gap = committor.value - (self.mass @ committor.value) / total, 0.0
        for _ in range(50):
            vector = solver.solve(self.mass * vector)
            vector -= (self.mass @ vector) / total
            vector /= np.sqrt(self.mass @ vector**2)
            before, gap = gap, self._rayleigh(vector)
            if abs(gap - before) < 1e-8 * gap:
                return gap
        raise TheoryError("no spectral gap was found: the slowest process does not stand out; refine grid_h")

    def _rayleigh(self, vector: np.ndarray) -> float:
        i, j, weight = self.links
        return float(weight @ (vector[i] - vector[j]) ** 2)

    # --- fields ---------------------------------------------------------------------------------------------------

    def field(self, values: np.ndarray) -> np.ndarray:
        """Values at the active nodes as a grid of shape (n, m), NaN elsewhere."""
        n, m = self.grid.shape
        whole = np.full(n * m, np.nan)
        whole[self.active] = values
        return whole.reshape(n, m)

    def interpolate(self, values: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Bilinear interpolation of nodal values; NaN outside the active elements.

        Parameters
        ----------
        values
            At the active nodes, shape (n_active,).
        points
            Shape (k, 2).
        """
        cell, (u, v) = self._locate(points)
        i, j = cell
        table = self.field(values)
        return (
            (1 - u) * (1 - v) * table[i, j]
            + u * (1 - v) * table[i + 1, j]
            + (1 - u) * v * table[i, j + 1]
            + u * v * table[i + 1, j + 1]
        )

    def _locate(self, points: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        scaled = (np.asarray(points) - [self.grid.x[0], self.grid.y[0]]) / self.grid.spacing
        # A point on a grid line may belong to either side; rounding must not push it off the last node.
        cell = np.clip(np.floor(scaled + 1e-9).astype(int), 0, np.array(self.grid.shape) - 2)
        share = scaled - cell
        share = np.where(np.abs(share) < 1e-9, 0.0, share)
        return (cell[:, 0], cell[:, 1]), (share[:, 0], share[:, 1])


_WHY = "surface and D must be finite and smooth where they are known; nodes without data must be NaN"


class _Solver:
    """A factorised symmetric positive definite matrix, scaled to a unit diagonal, with one step of refinement."""

    def __init__(self, matrix: sparse.csc_matrix) -> None:
        diagonal = matrix.diagonal()
        if not (np.isfinite(matrix.data).all() and (diagonal > 0.0).all()):
            raise TheoryError(f"the equations have no solution ({_WHY})")
        self._scale = 1.0 / np.sqrt(diagonal)
        scaling = sparse.diags(self._scale)
        self._matrix = (scaling @ matrix @ scaling).tocsc()
        try:
            self._factors: SuperLU = splu(
                self._matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError as error:  # a factor that is exactly singular
            raise TheoryError(f"the equations have no solution ({_WHY})") from error

    def solve(self, right: np.ndarray) -> np.ndarray:
        scale = self._scale if right.ndim == 1 else self._scale[:, None]
        right = scale * right
        solution = self._factors.solve(right)
        solution += self._factors.solve(right - self._matrix @ solution)
        return scale * solution
