"""Free energy along a coordinate from umbrella windows, and what transition-state theory makes of it.

Windows hold r near their centres with springs; MBAR (Shirts and Chodera, J. Chem. Phys. 2008, 129, 124105; the package
pymbar) puts them together. All functions are pure: they see r of the frames, never the engine. Energies are in kJ/mol,
temperatures in K, rates in 1/s; r has no unit.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..plain import Plain
from ..units import BOLTZMANN

FloatArray = NDArray[np.float64]

#: Smallest overlap of neighbouring windows (of MBAR's overlap matrix) that ties them together; pymbar's authors ask
#: for 0.03 (Klimovich, Shirts and Mobley, J. Comput. Aided Mol. Des. 2015, 29, 397).
ENOUGH_OVERLAP = 0.03


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
    """

    centre: float
    stiffness: float
    r: FloatArray
    speed: FloatArray


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


def _mbar(u: FloatArray, counts: NDArray[np.int64], start: FloatArray | None):
    # pymbar would switch JAX, where it is installed, to another precision for all that use it, and says so at length.
    os.environ.setdefault("PYMBAR_DISABLE_JAX", "TRUE")
    for name in ("pymbar.timeseries", "pymbar.mbar_solvers", "pymbar"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from pymbar import MBAR

    return MBAR(u, counts, initial_f_k=start, solver_protocol="robust")


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
    mbar = _mbar(_reduced(windows, r, temperature), np.array([len(w.r) for w in windows]), None)
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


def _log_weights(mbar) -> FloatArray:
    """Logarithms of the normalised weights without springs: minus the logarithm of MBAR's mixture density."""
    from scipy.special import logsumexp

    mixture = logsumexp(mbar.f_k[:, None] - mbar.u_kn, b=mbar.N_k[:, None], axis=0)
    return -mixture - logsumexp(-mixture)


def gaps(windows: Sequence[Window], overlap: FloatArray, enough: float = ENOUGH_OVERLAP) -> list[float]:
    """Centres of windows to add: midway between neighbours that overlap too little."""
    return [
        0.5 * (windows[i].centre + windows[i + 1].centre) for i, shared in enumerate(overlap) if not shared >= enough
    ]


@dataclass(frozen=True)
class Profile(Plain):
    """Free energy along r.

    Attributes
    ----------
    r
        Centres of bins, shape (n,).
    free_energy
        -kT ln p(r), kJ/mol, zero at the lowest bin of the reactant's side; None where no frame fell.
    error
        Standard error of each, from a bootstrap over blocks of the windows.
    """

    r: tuple[float, ...]
    free_energy: tuple[float, ...]
    error: tuple[float, ...]


@dataclass(frozen=True)
class SurfaceRate(Plain):
    """Transition-state theory along r, before recrossing is counted.

    Attributes
    ----------
    forward, backward
        1/s, from the reactant (r < top) and from the product.
    ln_forward_error, ln_backward_error
        Standard errors of their logarithms, by the bootstrap over blocks.
    top
        Where the dividing surface stands.
    barrier_forward, barrier_backward
        Of the profile at the top, above the lowest bin of either side, kJ/mol.
    equilibrium_constant, ln_equilibrium_error
        Population of the product's side over that of the reactant's.
    n_frames, n_blocks
        Frames, and independent blocks behind the errors.
    worst_overlap
        Smallest between neighbouring windows.
    """

    forward: float
    backward: float
    ln_forward_error: float
    ln_backward_error: float
    top: float
    barrier_forward: float
    barrier_backward: float
    equilibrium_constant: float
    ln_equilibrium_error: float
    n_frames: int
    n_blocks: int
    worst_overlap: float


def surface_rate(
    windows: Sequence[Window],
    temperature: float,
    *,
    rng: np.random.Generator,
    top: float | None = None,
    bins: int = 60,
    blocks: int = 5,
    n_bootstrap: int = 60,
) -> tuple[SurfaceRate, Profile]:
    """Rates of transition-state theory and the profile.

    k = (1/2) <|dr/dt|>_top p(top) / P(r < top), the average over the ensemble on the surface r = top, where velocities
    are Maxwell-Boltzmann: <|dr/dt|> = sqrt(2 kT/pi) <speed>. No correction for constraints is needed: springs hold r
    without one.

    Parameters
    ----------
    windows
        In order of their centres.
    temperature
        K.
    rng
        Random stream of the bootstrap.
    top
        Where to divide; None: at the highest bin between the outermost minima of the profile.
    bins
        Of the profile, over the range of the windows' centres.
    blocks
        Each window is cut into so many blocks of time, which the bootstrap draws.
    n_bootstrap
        Resamples.

    Raises
    ------
    ValueError
        When the windows do not reach over a barrier.
    """
    kt = BOLTZMANN * temperature
    found = combine(windows, temperature)
    centres = np.array([w.centre for w in windows])
    # Springs beyond a well's steep side hold no frame there.
    low, high = max(centres.min(), found.r.min()), min(centres.max(), found.r.max())
    edges = np.linspace(low, high, bins + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    density = _density(found.r, found.weight, edges)
    if top is None:
        top = _top(middle, density)
    width = 0.5 * (edges[1] - edges[0])
    numbers = _numbers(found.r, found.weight, found.speed, top, width, kt)
    resampled, profiles = [], []
    pieces = [_cut(w, blocks) for w in windows]
    for _ in range(n_bootstrap):
        drawn = [
            Window(w.centre, w.stiffness, *_joined([cut[i] for i in rng.integers(0, len(cut), len(cut))]))
            for w, cut in zip(windows, pieces, strict=True)
        ]
        again = _again(drawn, temperature, found.free_energies)
        resampled.append(_numbers(again.r, again.weight, again.speed, top, width, kt))
        profiles.append(_density(again.r, again.weight, edges))
    # A resample without a frame on the surface says that the error is without bound, and not that it is large.
    drawn_numbers = np.array(resampled)
    known = (drawn_numbers > 0.0).all(axis=0)
    errors = np.where(known, np.log(np.where(known, drawn_numbers, 1.0)).std(axis=0, ddof=1), math.inf)
    with np.errstate(divide="ignore"):
        energy = -kt * np.log(density)
        spread = -kt * np.log(np.array(profiles))
    left, right = energy[middle < top], energy[middle > top]
    zero = left.min()
    at_top = float(-kt * math.log(max(_density_at(found.r, found.weight, top, width), 1e-300)))
    # Relative to the same place in every resample, or the common shift would count as error.
    place = int(np.argmin(np.where(middle < top, energy, np.inf)))
    with np.errstate(invalid="ignore"):
        deviation = np.ma.masked_invalid(spread - spread[:, [place]]).std(axis=0, ddof=1).filled(np.nan)
    forward, backward, constant = numbers
    return (
        SurfaceRate(
            forward=forward,
            backward=backward,
            ln_forward_error=float(errors[0]),
            ln_backward_error=float(errors[1]),
            top=float(top),
            barrier_forward=at_top - float(left.min()),
            barrier_backward=at_top - float(right.min()),
            equilibrium_constant=constant,
            ln_equilibrium_error=float(errors[2]),
            n_frames=len(found.r),
            n_blocks=blocks * len(windows),
            worst_overlap=float(found.overlap.min()),
        ),
        Profile(tuple(middle), tuple(energy - zero), tuple(deviation)),
    )


def _again(windows: Sequence[Window], temperature: float, start: FloatArray) -> Weights:
    """The same as :func:`combine` for a resample: from a known start, and without the overlaps."""
    r = np.concatenate([w.r for w in windows])
    mbar = _mbar(_reduced(windows, r, temperature), np.array([len(w.r) for w in windows]), start)
    speed = np.concatenate([w.speed for w in windows])
    return Weights(r, speed, np.exp(_log_weights(mbar)), np.empty(0), mbar.f_k)


def _cut(window: Window, blocks: int) -> list[tuple[FloatArray, FloatArray]]:
    return list(zip(np.array_split(window.r, blocks), np.array_split(window.speed, blocks), strict=True))


def _joined(parts: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def _density(r: FloatArray, weight: FloatArray, edges: FloatArray) -> FloatArray:
    # Not numpy.histogram: with given edges it takes differences of a running sum of the weights, and a barrier of 40 kT
    # is lost in the rounding of the wells.
    place = np.searchsorted(edges, r, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], weights=weight[inside], minlength=len(edges) - 1) / np.diff(edges)


def _density_at(r: FloatArray, weight: FloatArray, top: float, width: float) -> float:
    return float(weight[np.abs(r - top) <= width].sum() / (2.0 * width))


def _top(middle: FloatArray, density: FloatArray) -> float:
    """The highest point between the lowest ones of either end."""
    best, where = -1.0, None
    for i in range(1, len(middle) - 1):
        # Barrier seen from the lower of the two sides.
        height = min(density[:i].max(), density[i + 1 :].max()) / max(density[i], 1e-300)
        if density[i] > 0 and height > best:
            best, where = height, i
    if where is None or best < 1.5:
        raise ValueError("the windows reach over no barrier")
    return float(middle[where])


def _numbers(
    r: FloatArray, weight: FloatArray, speed: FloatArray, top: float, width: float, kt: float
) -> tuple[float, float, float]:
    """Forward and backward rate (1/s) and the equilibrium constant."""
    near = np.abs(r - top) <= width
    reactant = weight[r < top].sum()
    product = weight[r > top].sum()
    if not near.any() or reactant <= 0.0 or product <= 0.0:
        return 0.0, 0.0, 0.0
    # nm Da^(1/2) sqrt(kJ/mol) is nm/ps x Da^(1/2) x ...: sqrt(kT/Da) is nm/ps, so the flux is in 1/ps.
    flux = 0.5 * math.sqrt(2.0 * kt / math.pi) * float((weight * speed)[near].sum() / (2.0 * width)) * 1e12
    return flux / reactant, flux / product, product / reactant
