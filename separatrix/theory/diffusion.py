"""The diffusion tensor D(x, y): a constant, formulas, or a grid; symmetric and positive definite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from separatrix.theory.expressions import Expression
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import GridSurface

COMPONENTS = ("xx", "xy", "yy")


class Diffusion(ABC):
    """A diffusion tensor, in units of the collective variables squared per time."""

    @abstractmethod
    def components(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """D_xx, D_xy and D_yy at points; x and y broadcast together."""

    def on_grid(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """D_xx, D_xy, D_yy on the tensor grid of x, shape (n,), and y, shape (m,): shape (3, n, m)."""
        parts = self.components(x[:, None], y[None, :])
        return np.stack([np.broadcast_to(p, (len(x), len(y))) for p in parts])

    def at(self, point: Numbers) -> np.ndarray:
        """D at one point, shape (2, 2)."""
        xx, xy, yy = (float(v) for v in self.components(*(np.asarray(p, dtype=float) for p in point)))
        return np.array([[xx, xy], [xy, yy]])

    def divergence(self, points: np.ndarray, step: np.ndarray) -> np.ndarray:
        """div D at points, shape (n, 2): sum over j of d D_ij/d r_j, by central differences with `step`, shape (2,)."""
        x, y = points.T
        ahead, behind = self.components(x + step[0], y), self.components(x - step[0], y)
        up, down = self.components(x, y + step[1]), self.components(x, y - step[1])
        dx = [(a - b) / (2.0 * step[0]) for a, b in zip(ahead, behind, strict=True)]
        dy = [(a - b) / (2.0 * step[1]) for a, b in zip(up, down, strict=True)]
        return np.stack(np.broadcast_arrays(dx[0] + dy[1], dx[1] + dy[2]), axis=-1)

    @property
    def is_constant(self) -> bool:
        """Whether D is the same everywhere."""
        return False


@dataclass(frozen=True)
class Constant(Diffusion):
    """The same everywhere."""

    xx: float
    xy: float
    yy: float

    def components(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.asarray(self.xx), np.asarray(self.xy), np.asarray(self.yy)

    def divergence(self, points: np.ndarray, step: np.ndarray) -> np.ndarray:
        return np.zeros_like(points)

    @property
    def is_constant(self) -> bool:
        return True

    @property
    def matrix(self) -> np.ndarray:
        """Shape (2, 2)."""
        return np.array([[self.xx, self.xy], [self.xy, self.yy]])


@dataclass(frozen=True)
class Formulas(Diffusion):
    """Each component a formula in x and y."""

    formulas: Mapping[str, Expression]

    def components(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        xx, xy, yy = (self.formulas[k](x=x, y=y) if k in self.formulas else np.zeros(()) for k in COMPONENTS)
        return xx, xy, yy


@dataclass(frozen=True)
class OnGrid(Diffusion):
    """Each component a grid, splined as a surface is."""

    grids: Mapping[str, GridSurface]

    def components(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        xx, xy, yy = (self.grids[k].energy(x, y) if k in self.grids else np.zeros(()) for k in COMPONENTS)
        return xx, xy, yy

    def on_grid(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        empty = np.zeros((len(x), len(y)))
        return np.stack([self.grids[k].on_grid(x, y) if k in self.grids else empty for k in COMPONENTS])


def positive(components: np.ndarray) -> np.ndarray:
    """Whether tensors are positive definite: components of shape (3, ...) give a shape (...) of booleans."""
    xx, xy, yy = components
    return (xx > 0) & (yy > 0) & (xx * yy - xy * xy > 0)
