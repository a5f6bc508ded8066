"""Free energy along a coordinate from umbrella windows, and what transition-state theory makes of it.

All functions are pure: they see r of the frames, never the engine. Energies are in kJ/mol, temperatures in K, rates in
1/s; r has no unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN
from separatrix.rates.mbar import FloatArray, Weights, Window, bootstrap_correction, check_overlap, combine, resamples

#: The slab that represents the dividing surface is made so wide that it holds this many frames at least.
FEWEST_IN_SLAB = 10


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
        Position of the dividing surface.
    barrier_forward, barrier_backward
        Of the profile at the top, above the lowest bin of either side, kJ/mol.
    equilibrium_constant, ln_equilibrium_error
        Population of the product's side over that of the reactant's.
    n_frames, n_blocks
        Frames, and independent blocks behind the errors.
    worst_overlap
        Smallest between neighbouring windows.
    half_width
        Of the slab about the top whose frames stand for the surface, in r.
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
    half_width: float


def surface_rate(
    windows: Sequence[Window],
    temperature: float,
    *,
    rng: np.random.Generator,
    top: float | None = None,
    bins: int = 60,
    blocks: int = 5,
    n_bootstrap: int = 60,
    weights: Weights | None = None,
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
        Where to divide; None: at the top of a parabola through the highest part of the profile.
    bins
        Of the profile, over the range of the windows' centres.
    blocks
        Each window is cut into so many blocks of time, which the bootstrap draws.
    n_bootstrap
        Resamples.
    weights
        What :func:`combine` makes of the windows, where it is known.

    Raises
    ------
    ValueError
        When a window is empty, neighbours have nothing in common, or the windows do not reach over a barrier.
    """
    kt = BOLTZMANN * temperature
    weights = weights or combine(windows, temperature)
    check_overlap(windows, weights.overlap)
    centres = np.array([w.centre for w in windows])
    # Springs beyond a well's steep side hold no frame there.
    low, high = max(centres.min(), weights.r.min()), min(centres.max(), weights.r.max())
    edges = np.linspace(low, high, bins + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    density = _density(weights.r, weights.weight, edges)
    width = 0.5 * (edges[1] - edges[0])
    if top is None:
        top, flat = _top(middle, density, np.histogram(weights.r, edges)[0])
        width = max(width, flat)
    # Few and short windows may have next to nothing in so narrow a slab.
    distance = np.sort(np.abs(weights.r - top))
    width = max(width, float(distance[min(FEWEST_IN_SLAB, len(distance)) - 1]))
    numbers = surface_numbers(weights.r, weights.weight, weights.speed, top, width, kt)
    resampled, profiles = [], []
    for weight in resamples(windows, temperature, weights.free_energies, blocks, n_bootstrap, rng):
        resampled.append(surface_numbers(weights.r, weight, weights.speed, top, width, kt))
        profiles.append(_density(weights.r, weight, edges))
    # A resample without a frame on the surface says that the error is without bound, and not that it is large.
    drawn_numbers = np.array(resampled)
    positive = (drawn_numbers > 0.0).all(axis=0)
    few = bootstrap_correction(blocks)
    errors = np.where(positive, few * np.log(np.where(positive, drawn_numbers, 1.0)).std(axis=0, ddof=1), math.inf)
    with np.errstate(divide="ignore"):
        energy = -kt * np.log(density)
        spread = -kt * np.log(np.array(profiles))
    left, right = energy[middle < top], energy[middle > top]
    zero = left.min()
    at_top = float(-kt * math.log(max(_density_at(weights.r, weights.weight, top, width), 1e-300)))
    # Relative to the same place in every resample, or the common shift would count as error.
    place = int(np.argmin(np.where(middle < top, energy, np.inf)))
    with np.errstate(invalid="ignore"):
        deviation = few * np.ma.masked_invalid(spread - spread[:, [place]]).std(axis=0, ddof=1).filled(np.nan)
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
            n_frames=len(weights.r),
            n_blocks=blocks * len(windows),
            worst_overlap=float(weights.overlap.min()),
            half_width=float(width),
        ),
        Profile(tuple(middle), tuple(energy - zero), tuple(deviation)),
    )


def drift(
    windows: Sequence[Window], temperature: float, top: float, *, rng: np.random.Generator
) -> tuple[float, float] | None:
    """How far windows are from equilibrium: ln k forward of their second halves less that of the first, and its error.

    Windows start from frames of reactive paths, and springs alone hold them back: while the rest of the molecule
    settles, the force grows and the rate falls. Blocks of one window share that past, so the bootstrap does not see it.

    Parameters
    ----------
    windows, temperature, rng
        As for :func:`surface_rate`.
    top
        The dividing surface of both halves.

    Returns
    -------
    None where a half has no rate or no error of its own.
    """
    differences = []
    for part in (0, 1):
        estimates = []
        for w in windows:
            cut = slice(len(w.r) // 2) if part == 0 else slice(len(w.r) // 2, None)
            estimates.append(Window(w.centre, w.stiffness, w.r[cut], w.speed[cut]))
        try:
            rate, _ = surface_rate(estimates, temperature, rng=rng, top=top, n_bootstrap=30)
        except ValueError:
            return None
        if rate.forward <= 0.0 or not math.isfinite(rate.ln_forward_error):
            return None
        differences.append(rate)
    first, second = differences
    return math.log(second.forward / first.forward), math.hypot(first.ln_forward_error, second.ln_forward_error)


def equilibrated(change: Sequence[float] | None) -> bool | None:
    """Whether windows are in equilibrium: their :func:`drift` is within two of its errors. None where it is unknown."""
    return None if change is None else abs(change[0]) <= 2.0 * change[1]


def on_surface(weights: Weights, rate: SurfaceRate, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Frames of the ensemble on the dividing surface, to shoot from.

    They come from the slab that the rate was taken from. The flux through a surface times its transmission coefficient
    is the same for all surfaces. So the mean flux over a slab times the flux-weighted coefficient of shots from it is
    exact, each shot's surface being the one that it starts on; with the coefficient of another slab it is not.

    Parameters
    ----------
    weights
        All frames and their weights.
    rate
        Says where the slab is.
    count
        How many to draw; where the slab holds fewer frames, some come more than once.
    rng
        Random stream of the draw.

    Returns
    -------
    Numbers of frames in no order, shape (count,), or none where the slab is empty. A frame comes as often as its share
    of the weight says, to within one (systematic resampling: Kitagawa, J. Comput. Graph. Stat. 1996, 5, 1, appendix).
    """
    near = np.flatnonzero(np.abs(weights.r - rate.top) <= rate.half_width)
    if not len(near):
        return near
    share = np.cumsum(weights.weight[near])
    marks = (np.arange(count) + rng.random()) / count * share[-1]
    return rng.permutation(near[np.minimum(np.searchsorted(share, marks), len(near) - 1)])


def _density(r: FloatArray, weight: FloatArray, edges: FloatArray) -> FloatArray:
    # Not numpy.histogram: with given edges it takes differences of a running sum of the weights, and a barrier of 40 kT
    # is lost in the rounding of the wells.
    place = np.searchsorted(edges, r, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], weights=weight[inside], minlength=len(edges) - 1) / np.diff(edges)


def _density_at(r: FloatArray, weight: FloatArray, top: float, width: float) -> float:
    return float(weight[np.abs(r - top) <= width].sum() / (2.0 * width))


def _top(middle: FloatArray, density: FloatArray, frames: NDArray[np.int64]) -> tuple[float, float]:
    """The highest point between the lowest ones of either end, and how far from it the profile is flat.

    The highest bin itself is most often the one with the fewest frames by chance, and a rate taken there is too low
    by about its error. So a parabola goes through the bins about it that are less than 2 kT lower. Flat is what lies
    less than kT/20 lower: a density averaged over that is a sixtieth too large, and rests on more frames than a bin
    """
    best, where = -1.0, None
    for i in range(1, len(middle) - 1):
        # Barrier seen from the lower of the two sides.
        height = min(density[:i].max(), density[i + 1 :].max()) / max(density[i], 1e-300)
        if density[i] > 0 and height > best:
            best, where = height, i
    if where is None or best < 1.5:
        raise ValueError("the windows reach over no barrier")
    high = (density > 0.0) & (density < math.exp(2.0) * density[where])
    first = last = where
    while first > 0 and high[first - 1]:
        first -= 1
    while last < len(middle) - 1 and high[last + 1]:
        last += 1
    part = slice(first, last + 1)
    if last - first >= 3:
        # A bin's logarithm has a variance of one over its frames; polyfit wants the square root of its inverse.
        curved, slope, _ = np.polyfit(
            middle[part] - middle[where], np.log(density[part]), 2, w=np.sqrt(frames[part].astype(float))
        )
        vertex = middle[where] - 0.5 * slope / curved if curved > 0.0 else math.nan
        if middle[first] < vertex < middle[last]:
            return float(vertex), min(math.sqrt(0.05 / curved), vertex - middle[first], middle[last] - vertex)
    return float(middle[where]), 0.0


def surface_numbers(
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
