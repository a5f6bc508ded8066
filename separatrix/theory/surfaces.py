"""Free-energy surfaces U(x, y): analytic models, formulas, and grids with a cubic spline through them."""

from __future__ import annotations

import dataclasses
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline
from scipy.sparse.csgraph import connected_components

from separatrix.core.errors import ConfigError
from separatrix.theory import expressions
from separatrix.theory.numbers import Numbers

#: Of MBAR's overlap matrix; windows that have less in common are tied together by nothing.
LEAST_OVERLAP = 1e-3


class Surface(ABC):
    """A free-energy surface of two collective variables, in the user's energy unit."""

    @abstractmethod
    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """U at points; x and y broadcast together. Not finite where the surface is unknown."""

    def on_grid(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """U on the tensor grid of x, shape (n,), and y, shape (m,): shape (n, m)."""
        return np.broadcast_to(self.energy(x[:, None], y[None, :]), (len(x), len(y))).astype(float)

    def step(self) -> np.ndarray:
        """Steps of the numerical derivatives along x and y, shape (2,)."""
        return np.array([1e-3, 1e-3])

    def gradient(self, point: Numbers) -> np.ndarray:
        """dU/dr at one point, shape (2,): central differences of fourth order, unless a model knows it."""
        h = self.step()
        gradient = np.empty(2)
        for i in range(2):
            away = np.zeros((4, 2))
            away[:, i] = np.array([-2.0, -1.0, 1.0, 2.0]) * h[i]
            u = self.energy(*(np.asarray(point) + away).T)
            gradient[i] = (u[0] - 8.0 * u[1] + 8.0 * u[2] - u[3]) / (12.0 * h[i])
        return gradient

    def hessian(self, point: Numbers) -> np.ndarray:
        """Second derivatives at one point, shape (2, 2)."""
        h = self.step()
        hessian = np.empty((2, 2))
        for i in range(2):
            away = np.zeros(2)
            away[i] = h[i]
            ahead, behind = self.gradient(np.asarray(point) + away), self.gradient(np.asarray(point) - away)
            far, back = self.gradient(np.asarray(point) + 2 * away), self.gradient(np.asarray(point) - 2 * away)
            hessian[i] = (back - 8.0 * behind + 8.0 * ahead - far) / (12.0 * h[i])
        return 0.5 * (hessian + hessian.T)


@dataclass(frozen=True)
class LinearCoupled(Surface):
    """U = Delta (x^2-1)^2 exp(b x) + a (x - x^3/3) + kappa/2 (y - c x)^2."""

    Delta: float
    kappa: float
    c: float = 1.0
    a: float = 0.0
    b: float = 0.0

    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        well = self.Delta * (x * x - 1.0) ** 2 * np.exp(self.b * x)
        return well + self.a * (x - x**3 / 3.0) + 0.5 * self.kappa * (y - self.c * x) ** 2

    def gradient(self, point: Numbers) -> np.ndarray:
        x, y = point
        s = x * x - 1.0
        well = self.Delta * np.exp(self.b * x) * (4.0 * x * s + self.b * s * s)
        pull = self.kappa * (y - self.c * x)
        return np.array([well - self.a * s - self.c * pull, pull])

    def hessian(self, point: Numbers) -> np.ndarray:
        x, _ = point
        s, b = x * x - 1.0, self.b
        well = self.Delta * np.exp(b * x) * (12.0 * x * x - 4.0 + 8.0 * b * x * s + b * b * s * s)
        off = -self.kappa * self.c
        return np.array([[well - 2.0 * self.a * x + self.kappa * self.c**2, off], [off, self.kappa]])


@dataclass(frozen=True)
class Mirror(Surface):
    """U = Delta (x^2-1)^2 + kappa/2 (y - q (1-x^2))^2: mirror-symmetric in x, with a curved valley."""

    Delta: float
    kappa: float
    q: float

    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.Delta * (x * x - 1.0) ** 2 + 0.5 * self.kappa * (y - self.q * (1.0 - x * x)) ** 2

    def gradient(self, point: Numbers) -> np.ndarray:
        x, y = point
        pull = self.kappa * (y - self.q * (1.0 - x * x))
        return np.array([4.0 * self.Delta * x * (x * x - 1.0) + 2.0 * self.q * x * pull, pull])

    def hessian(self, point: Numbers) -> np.ndarray:
        x, y = point
        off = 2.0 * self.kappa * self.q * x
        along = 4.0 * self.Delta * (3.0 * x * x - 1.0) + 2.0 * self.q * self.kappa * (y - self.q * (1.0 - x * x))
        return np.array([[along + 2.0 * self.q * x * off, off], [off, self.kappa]])


@dataclass(frozen=True)
class SzaboBerezhkovskii(Surface):
    """U = u(x) + Om2 (x-y)^2/2, u = -w2 x^2/2 for |x| < x0/2, else -w2 x0^2/4 + w2 (|x|-x0)^2/2."""

    x0: float
    w2: float
    Om2: float

    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        away = np.abs(x)
        outside = -0.25 * self.w2 * self.x0**2 + 0.5 * self.w2 * (away - self.x0) ** 2
        return np.where(away < 0.5 * self.x0, -0.5 * self.w2 * x * x, outside) + 0.5 * self.Om2 * (x - y) ** 2

    def gradient(self, point: Numbers) -> np.ndarray:
        x, y = point
        slope = -self.w2 * x if abs(x) < 0.5 * self.x0 else self.w2 * (abs(x) - self.x0) * np.sign(x)
        pull = self.Om2 * (x - y)
        return np.array([slope + pull, -pull])

    def hessian(self, point: Numbers) -> np.ndarray:
        curve = -self.w2 if abs(point[0]) < 0.5 * self.x0 else self.w2
        return np.array([[curve + self.Om2, -self.Om2], [-self.Om2, self.Om2]])


MODELS: Mapping[str, type[Surface]] = {
    "LinearCoupled": LinearCoupled,
    "Mirror": Mirror,
    "SzaboBerezhkovskii": SzaboBerezhkovskii,
}
"""Analytic models, by the name that a file gives."""

#: parameters that must be above zero, whatever the model
_POSITIVE = frozenset({"Delta", "kappa", "x0", "w2", "Om2"})


def model(name: str, params: Mapping[str, Any], where: str) -> Surface:
    """An analytic model.

    Raises
    ------
    ConfigError
        When there is no such model, or its parameters are not these.
    """
    if name not in MODELS:
        raise ConfigError(f"{where}: model: {name!r} is not a model (known: {', '.join(MODELS)})")
    kind = MODELS[name]
    fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # each model is a dataclass
    values = {}
    for key, value in params.items():
        if key not in fields:
            raise ConfigError(f"{where}: params: unknown key {key!r}; {name} has {', '.join(fields)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ConfigError(f"{where}: params.{key}: {value!r} is not a number")
        if key in _POSITIVE and value <= 0:
            raise ConfigError(f"{where}: params.{key}: {value!r} must be more than 0")
        values[key] = float(value)
    for key in ("Delta", "kappa", "q", "x0", "w2", "Om2"):
        if key in fields and key not in values:
            raise ConfigError(f"{where}: params: key {key!r} is missing; {name} has {', '.join(fields)}")
    return kind(**values)


@dataclass(frozen=True)
class Formula(Surface):
    """A surface that a formula in x and y gives."""

    expression: expressions.Expression
    params: Mapping[str, float]
    steps: tuple[float, float] = (1e-3, 1e-3)

    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.expression(x=x, y=y, **self.params)

    def step(self) -> np.ndarray:
        return np.array(self.steps)


class GridSurface(Surface):
    """A surface on a tensor grid, with a cubic spline through it.

    Nodes that are not finite are regions without data: the spline bridges them with the largest value that is known
    (it needs some number), and the surface is NaN in any cell that touches one.

    Parameters
    ----------
    x, y
        Nodes, ascending, shapes (n,) and (m,), at least four each.
    values
        U at the nodes, shape (n, m).
    smoothing
        Standard deviations along x and y, in their units, of a Gaussian that U is convolved with first; (0, 0): none.
    patch
        Half-widths of the rectangle over which a quartic polynomial is fitted for the derivatives at a point; (0, 0):
        derivatives of the spline. Noise of 0.1 kT on the nodes makes the spline's curvatures useless, a fit survives.

    Raises
    ------
    ValueError
        When the shapes do not fit, nodes do not ascend, or fewer than 16 values are finite.
    """

    #: least number of nodes per parameter of a patch
    _NODES_PER_TERM: ClassVar[float] = 1.5

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        values: np.ndarray,
        smoothing: Numbers = (0.0, 0.0),
        patch: Numbers = (0.0, 0.0),
    ) -> None:
        x, y, values = (np.asarray(v, dtype=float) for v in (x, y, values))
        if values.shape != (len(x), len(y)):
            raise ValueError(f"values of shape {values.shape} on a grid of {len(x)} x {len(y)} nodes")
        if min(len(x), len(y)) < 4:
            raise ValueError(f"a grid of {len(x)} x {len(y)} nodes is too small; give at least 4 x 4")
        if not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all() and (np.diff(y) > 0).all()):
            raise ValueError("the grid's nodes do not ascend")
        defined = np.isfinite(values)
        if defined.sum() < 16:
            raise ValueError(f"only {defined.sum()} nodes hold a number; at least 16 are needed")
        self.x, self.y, self.known = x, y, defined
        self.smoothing = (float(smoothing[0]), float(smoothing[1]))
        self.patch = np.array([float(patch[0]), float(patch[1])])
        self.values = np.where(defined, smooth(x, y, values, self.smoothing), np.nan)
        filled = np.where(defined, self.values, np.nanmax(self.values))
        self._spline = RectBivariateSpline(x, y, filled, kx=3, ky=3, s=0)

    def energy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        energy = self._spline.ev(x, y)
        return np.where(self._inside(x, y), energy, np.nan)

    def on_grid(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inside = self._inside(*np.meshgrid(x, y, indexing="ij", sparse=True))
        values = self._spline(np.clip(x, self.x[0], self.x[-1]), np.clip(y, self.y[0], self.y[-1]))
        return np.where(inside, values, np.nan)

    def _inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether points lie in a cell whose four nodes are all known."""
        slack = 1e-9 * max(np.ptp(self.x), np.ptp(self.y))
        i = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self.x) - 2)
        j = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, len(self.y) - 2)
        k = self.known
        whole = k[i, j] & k[i + 1, j] & k[i, j + 1] & k[i + 1, j + 1]
        within = (x >= self.x[0] - slack) & (x <= self.x[-1] + slack) & (y >= self.y[0] - slack)
        return whole & within & (y <= self.y[-1] + slack)

    def gradient(self, point: Numbers) -> np.ndarray:
        if self.patch.any():
            return self._fit(point)[0]
        return np.array([self._spline.ev(*point, dx=1).item(), self._spline.ev(*point, dy=1).item()])

    def hessian(self, point: Numbers) -> np.ndarray:
        if self.patch.any():
            return self._fit(point)[1]
        xx, xy, yy = (self._spline.ev(*point, dx=a, dy=2 - a).item() for a in (2, 1, 0))
        return np.array([[xx, xy], [xy, yy]])

    def _fit(self, point: Numbers) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian at a point of a quartic polynomial fitted to the nodes around it."""
        powers = [(a, b) for a in range(5) for b in range(5 - a)]
        wanted = self._NODES_PER_TERM * len(powers)
        grow = 1.0
        while True:
            # A patch at the border of the data, or on a coarse grid, grows until the fit has enough nodes.
            u = (self.x[:, None] - point[0]) / (grow * self.patch[0])
            v = (self.y[None, :] - point[1]) / (grow * self.patch[1])
            near = (np.abs(u) <= 1.0) & (np.abs(v) <= 1.0) & self.known
            if near.sum() >= wanted and near.any(axis=0).sum() >= 5 and near.any(axis=1).sum() >= 5:
                break
            grow *= 1.25
            if grow > 20.0:
                raise ConfigError(f"no data around ({point[0]:.4g}, {point[1]:.4g}) to fit a patch to")
        u, v = (np.broadcast_to(w, near.shape)[near] for w in (u, v))
        design = np.stack([u**a * v**b for a, b in powers], axis=1)
        coefficients = np.linalg.lstsq(design, self.values[near], rcond=None)[0]
        term = dict(zip(powers, coefficients, strict=True))
        size = grow * self.patch
        gradient = np.array([term[1, 0], term[0, 1]]) / size
        hessian = np.array([[2.0 * term[2, 0], term[1, 1]], [term[1, 1], 2.0 * term[0, 2]]]) / np.outer(size, size)
        return gradient, hessian

    def with_patch(self, patch: Numbers) -> GridSurface:
        """The same surface with other half-widths of the patch."""
        return GridSurface(self.x, self.y, self.values, patch=patch)


def smooth(x: np.ndarray, y: np.ndarray, values: np.ndarray, scale: Numbers) -> np.ndarray:
    """Gaussian smoothing of a grid that may have holes.

    The weights of what is not finite are left out (normalised convolution), so that a hole pulls its neighbours
    neither up nor down.

    Parameters
    ----------
    x, y
        Nodes at equal spacing, shapes (n,) and (m,).
    values
        Shape (n, m).
    scale
        Standard deviations of the Gaussian, in the units of x and y.

    Raises
    ------
    ValueError
        When a scale is negative or the spacing is not equal.
    """
    if min(scale) < 0:
        raise ValueError("a smoothing scale is negative")
    if max(scale) == 0:
        return np.asarray(values, dtype=float)
    spacing = []
    for nodes in (x, y):
        steps = np.diff(nodes)
        if np.ptp(steps) > 1e-6 * steps.mean():
            raise ValueError("smoothing needs nodes at equal spacing")
        spacing.append(steps.mean())
    sigma = np.asarray(scale) / np.asarray(spacing)
    defined = np.isfinite(values)
    sums = ndimage.gaussian_filter(np.where(defined, values, 0.0), sigma, mode="constant", truncate=5.0)
    weights = ndimage.gaussian_filter(defined.astype(float), sigma, mode="constant", truncate=5.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(defined, sums / weights, np.nan)


def from_samples(
    samples: np.ndarray,
    beta: float,
    edges: Sequence[np.ndarray],
    *,
    weights: np.ndarray | None = None,
    fewest: int = 1,
    smoothing: Numbers = (0.0, 0.0),
    patch: Numbers = (0.0, 0.0),
) -> GridSurface:
    """A surface from samples of the two collective variables, by a weighted histogram: U = -ln(density)/beta.

    Parameters
    ----------
    samples
        Shape (n, 2).
    beta
        Inverse temperature; U comes in its inverse.
    edges
        Edges of the bins along x and y, at equal spacing; U is at the bins' centres.
    weights
        Of the samples, shape (n,), not negative, such as those of MBAR; all equal if absent.
    fewest
        Bins with fewer samples have no value (NaN).
    smoothing, patch
        As for :class:`GridSurface`.

    Raises
    ------
    ValueError
        When shapes do not fit, a weight is negative or not finite, or too few bins are filled.
    """
    samples = np.asarray(samples, dtype=float)
    if samples.ndim != 2 or samples.shape[1] != 2:
        raise ValueError(f"samples of shape {samples.shape}; (n, 2) is needed")
    weights = np.ones(len(samples)) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != (len(samples),) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("weights must be one finite number, zero or more, for each sample, and not all zero")
    bins = [np.asarray(e, dtype=float) for e in edges]
    x, y = samples.T
    counts = np.histogramdd((x, y), bins=bins)[0]
    mass = np.histogramdd((x, y), bins=bins, weights=weights / weights.sum())[0]
    with np.errstate(divide="ignore"):
        energy = np.where((counts >= fewest) & (mass > 0), -np.log(mass) / beta, np.nan)
    x_centres, y_centres = (0.5 * (e[1:] + e[:-1]) for e in bins)
    return GridSurface(x_centres, y_centres, energy - np.nanmin(energy), smoothing, patch)


def umbrella_weights(samples: np.ndarray, counts: Sequence[int], biases: np.ndarray) -> np.ndarray:
    """Weights that take umbrella-sampled points to the ensemble without bias, by MBAR (pymbar).

    Shirts and Chodera, J. Chem. Phys. 2008, 129, 124105, Eq. 9.

    Parameters
    ----------
    samples
        Shape (n, 2), window after window; only their number is used.
    counts
        Samples of each window, summing to n.
    biases
        beta times the bias of each window at each sample, shape (windows, n).

    Returns
    -------
    Shape (n,), summing to 1.

    Raises
    ------
    ConfigError
        When pymbar is not installed.
    ValueError
        When shapes do not fit, a window has no sample, or windows do not overlap, so that nothing says what the samples
        of one weigh beside those of another.
    """
    biases, n_samples = np.asarray(biases, dtype=float), np.asarray(counts, dtype=int)
    if biases.shape != (len(counts), len(samples)) or n_samples.sum() != len(samples):
        raise ValueError(f"biases of shape {biases.shape} for {len(counts)} windows of {len(samples)} samples in all")
    if not np.isfinite(biases).all() or (n_samples < 1).any():
        raise ValueError("every window needs a sample, and every bias must be a finite number")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pymbar import MBAR
    except ImportError as error:
        raise ConfigError("umbrella sampling needs pymbar: python -m pip install pymbar") from error
    mbar = MBAR(np.vstack([biases, np.zeros(len(samples))]), np.append(n_samples, 0))
    shared = np.asarray(mbar.compute_overlap()["matrix"])[: len(counts), : len(counts)]
    # Not "shared < least": an overlap that is not a number is none.
    pieces, piece = connected_components(np.minimum(shared, shared.T) >= LEAST_OVERLAP, directed=False)
    if pieces > 1:
        alone = ", ".join(str(i + 1) for i in np.flatnonzero(piece == piece[-1]))
        raise ValueError(
            f"windows {alone} of {len(counts)} do not overlap the others; give more windows, or longer ones"
        )
    return np.asarray(mbar.weights())[:, -1]
