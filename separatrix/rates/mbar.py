"""Umbrella windows put together by MBAR.

Windows hold r near their centres with springs; MBAR (Shirts and Chodera, J. Chem. Phys. 2008, 129, 124105; the package
pymbar) puts them together. All functions are pure: they see r of the frames, never the engine. Energies are in kJ/mol,
temperatures in K; r has no unit.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.core.units import BOLTZMANN

FloatArray = NDArray[np.float64]

#: Smallest overlap of neighbouring windows (of MBAR's overlap matrix) that ties them together; pymbar's authors ask
#: for 0.03 (Klimovich, Shirts and Mobley, J. Comput. Aided Mol. Des. 2015, 29, 397).
ENOUGH_OVERLAP = 0.03

#: Below this, of the same matrix, two neighbours have next to nothing in common, and what joins them is a guess.
LEAST_OVERLAP = 1e-3

#: Points of r at most at which a resample is solved; windows so narrow that there were more are solved less exactly.
_MOST_POINTS = 20000


@dataclass(frozen=True)
class Window:
    """One umbrella window.

    Attributes
    ----------
    centre, stiffness
        Of its spring, (stiffness/2) (r - centre)^2 in kJ/mol.
    r
        Of its frames in order of time, shape (n,).
    speed
        Square root of the squared mass-weighted gradient of r at each frame (1/(nm Da^(1/2))), shape (n,): the
        thermal spread of dr/dt is this times sqrt(kT).
    energy
        Potential energy of each frame without the spring, kJ/mol, shape (n,); None where it is not on record.
    """

    centre: float
    stiffness: float
    r: FloatArray
    speed: FloatArray
    energy: FloatArray | None = None


@dataclass(frozen=True)
class Weights:
    """MBAR's answer.

    Attributes
    ----------
    r, speed
        Of all frames, window by window, shape (n,).
    weight
        Of all frames in the ensemble without springs, sum 1.
    overlap
        Of each window with the next, shape (windows - 1,).
    free_energies
        Of the windows in kT, the first one zero.
    """

    r: FloatArray
    speed: FloatArray
    weight: FloatArray
    overlap: FloatArray
    free_energies: FloatArray


@functools.cache
def pymbar_class() -> Any:
    """The class MBAR, working on numpy.

    pymbar would take JAX where it is installed, switch it to another precision for all that use it, and compile for
    each number of frames, which takes longer than solving. 4.0 has no setting against it; later ones read the variable.
    """
    os.environ.setdefault("PYMBAR_DISABLE_JAX", "TRUE")
    for name in ("pymbar.timeseries", "pymbar.mbar_solvers", "pymbar"):
        logging.getLogger(name).setLevel(logging.ERROR)
    absent = object()
    loaded = sys.modules.get("jax", absent)
    # An import of it fails, as where it is not installed.
    sys.modules["jax"] = None  # type: ignore[assignment]
    try:
        from pymbar import MBAR
    finally:
        if loaded is absent:
            del sys.modules["jax"]
        else:
            sys.modules["jax"] = loaded  # type: ignore[assignment]
    return MBAR


def _mbar(u: FloatArray, counts: NDArray[np.int64], start: FloatArray | None) -> Any:
    return pymbar_class()(u, counts, initial_f_k=start, solver_protocol="robust")


def combine(windows: Sequence[Window], temperature: float) -> Weights:
    """Put windows together.

    Parameters
    ----------
    windows
        In order of their centres.
    temperature
        K.

    Raises
    ------
    ValueError
        When there are fewer than two windows, or one is empty.
    """
    if len(windows) < 2 or any(len(w.r) == 0 for w in windows):
        raise ValueError("umbrella sampling needs two windows or more, and frames in each")
    r = np.concatenate([w.r for w in windows])
    counts = np.array([len(w.r) for w in windows])
    # From there pymbar is done in a few steps; from nothing it takes some hundred, a minute of 100,000 frames.
    grid = _Grid(windows, r, temperature)
    _, start = _mixture(grid.u, counts, grid.spread(np.ones(len(r))), np.zeros(len(windows)))
    mbar = _mbar(_reduced(windows, r, temperature), counts, start - start[0] if np.isfinite(start).all() else None)
    matrix = mbar.compute_overlap()["matrix"]
    return Weights(
        r=r,
        speed=np.concatenate([w.speed for w in windows]),
        weight=np.exp(_log_weights(mbar)),
        overlap=np.array([matrix[i, i + 1] for i in range(len(windows) - 1)]),
        free_energies=mbar.f_k,
    )


def _reduced(windows: Sequence[Window], r: FloatArray, temperature: float) -> FloatArray:
    kt = BOLTZMANN * temperature
    return np.array([0.5 * w.stiffness * (r - w.centre) ** 2 / kt for w in windows])


def _log_weights(mbar: Any) -> FloatArray:
    """Logarithms of the normalised weights without springs: minus the logarithm of MBAR's mixture density."""
    from scipy.special import logsumexp

    mixture = logsumexp(mbar.f_k[:, None] - mbar.u_kn, b=mbar.N_k[:, None], axis=0)
    return -mixture - logsumexp(-mixture)


def gaps(windows: Sequence[Window], overlap: FloatArray, enough: float = ENOUGH_OVERLAP) -> list[float]:
    """Centres of windows to add: midway between neighbours that overlap too little."""
    return [
        0.5 * (windows[i].centre + windows[i + 1].centre) for i, shared in enumerate(overlap) if not shared >= enough
    ]


def check_overlap(windows: Sequence[Window], overlap: FloatArray) -> None:
    """Refuse windows that nothing ties together: what frames of one weigh beside those of another is then a guess.

    Raises
    ------
    ValueError
        When neighbours have next to nothing in common, in one line that says where.
    """
    # Not "overlap < least": an overlap that is not a number is none.
    apart = [i for i, shared in enumerate(overlap) if not shared >= LEAST_OVERLAP]
    if apart:
        at = ", ".join(f"{windows[i].centre:.2f} and {windows[i + 1].centre:.2f}" for i in apart)
        raise ValueError(f"the windows at r = {at} do not overlap; give more windows, or longer ones")


def bootstrap_correction(blocks: int) -> float:
    """A bootstrap of n pieces spreads by sqrt((n - 1)/n) too little, which among five is a tenth."""
    return math.sqrt(blocks / (blocks - 1))


def resamples(
    windows: Sequence[Window],
    temperature: float,
    start: FloatArray,
    blocks: int,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Iterator[FloatArray]:
    """Weights of all frames without springs in resamples of blocks, each window's among themselves; shape (n,)."""
    r = np.concatenate([w.r for w in windows])
    grid = _Grid(windows, r, temperature)
    for _ in range(n_bootstrap):
        drawn = []
        for window in windows:
            pieces = np.array_split(np.arange(len(window.r)), blocks)
            times = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)
            drawn.append(np.repeat(times, [len(p) for p in pieces]))
        counts = np.array([d.sum() for d in drawn])
        repeats = np.concatenate(drawn).astype(float)
        mixture, _ = _mixture(grid.u, counts, grid.spread(repeats), start)
        mixture = np.interp(r, grid.r, mixture)
        weight = repeats * np.exp(mixture.min() - mixture)
        yield weight / weight.sum()


class _Grid:
    """Springs at points of r that lie so near to each other that what depends on r alone is read off between them.

    MBAR's mixture density is such, and smooth over the width sigma of a window: points sigma/50 apart give it to
    1e-4, where the errors that resamples are for are larger than 1e-2. There are far fewer of them than frames.

    Attributes
    ----------
    r
        Points, rising, shape (n,).
    u
        Reduced energies of the springs there, shape (windows, n).
    """

    def __init__(self, windows: Sequence[Window], r: FloatArray, temperature: float) -> None:
        narrowest = math.sqrt(BOLTZMANN * temperature / max(w.stiffness for w in windows))
        number = min(math.ceil(50.0 * float(np.ptp(r)) / narrowest), _MOST_POINTS) + 2
        self.r = np.linspace(r.min(), r.max(), number)
        self.u = _reduced(windows, self.r, temperature)
        self._below = np.clip(np.searchsorted(self.r, r, side="right") - 1, 0, number - 2)
        self._above = (r - self.r[self._below]) / max(self.r[1] - self.r[0], 1e-300)

    def spread(self, times: FloatArray) -> FloatArray:
        """How often frames count, divided between the two points about each; shape (n,)."""
        n = len(self.r)
        upper = times * self._above
        at_points = np.bincount(self._below, times - upper, n) + np.bincount(self._below + 1, upper, n)
        return at_points.astype(float, copy=False)


def _mixture(
    u: FloatArray, counts: NDArray[np.int64], times: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Logarithm of MBAR's mixture density at points that count several times each or not at all; shape (n,).

    The free energies minimise a convex function (Shirts and Chodera, Appendix C): Newton's method from those of the
    whole sample, which are near. They come second, those of windows without a frame left as they were.
    """
    here = counts > 0
    u, counts, f = u[here], counts[here].astype(float), start[here].copy()

    def at(f: FloatArray) -> tuple[float, FloatArray]:
        exponent = f[:, None] - u + np.log(counts)[:, None]
        top = exponent.max(axis=0)
        mixture = top + np.log(np.exp(exponent - top).sum(axis=0))
        return float(times @ mixture - counts @ f), mixture

    value, mixture = at(f)
    for _ in range(100):
        share = np.exp(f[:, None] - u + np.log(counts)[:, None] - mixture)
        slope = (share @ times - counts)[1:]
        if np.abs(slope).max(initial=0.0) < 1e-7 * counts.sum():
            break
        curvature = (np.diag(share @ times) - (share * times) @ share.T)[1:, 1:]
        step = np.linalg.lstsq(curvature, -slope, rcond=None)[0]
        for _ in range(40):
            further = f.copy()
            further[1:] += step
            lower, there = at(further)
            if lower <= value + 1e-12 * abs(value):
                break
            step = 0.5 * step
        f, value, mixture = further, lower, there
    free = start.copy()
    free[here] = f
    return mixture, free
