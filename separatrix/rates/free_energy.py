"""Free energy along a coordinate from umbrella windows, and what transition-state theory makes of it.

Windows hold r near their centres with springs; MBAR (Shirts and Chodera, J. Chem. Phys. 2008, 129, 124105; the package
pymbar) puts them together. All functions are pure: they see r of the frames, never the engine. Energies are in kJ/mol,
temperatures in K, rates in 1/s; r has no unit.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN

FloatArray = NDArray[np.float64]

#: Smallest overlap of neighbouring windows (of MBAR's overlap matrix) that ties them together; pymbar's authors ask
#: for 0.03 (Klimovich, Shirts and Mobley, J. Comput. Aided Mol. Des. 2015, 29, 397).
ENOUGH_OVERLAP = 0.03

#: Below this, of the same matrix, two neighbours have next to nothing in common, and what joins them is a guess.
LEAST_OVERLAP = 1e-3

#: The slab that stands for the dividing surface is made so wide that it holds this many frames at least.
FEWEST_IN_SLAB = 10

#: Points of r at most at which a resample is solved; windows so narrow that there were more are solved less exactly.
_MOST_POINTS = 20000

#: Fewest effective frames, on the side that a rate leaves and at the top, that carry it to another temperature.
ENOUGH_EFFECTIVE = 30.0


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
def _pymbar():
    """The class MBAR, working on numpy.

    pymbar would take JAX where it is installed, switch it to another precision for all that use it, and compile for
    each number of frames, which takes longer than solving. 4.0 has no setting against it; later ones read the variable.
    """
    os.environ.setdefault("PYMBAR_DISABLE_JAX", "TRUE")
    for name in ("pymbar.timeseries", "pymbar.mbar_solvers", "pymbar"):
        logging.getLogger(name).setLevel(logging.ERROR)
    absent = object()
    known = sys.modules.get("jax", absent)
    sys.modules["jax"] = None  # type: ignore[assignment]  an import of it fails, as where it is not installed
    try:
        from pymbar import MBAR
    finally:
        if known is absent:
            del sys.modules["jax"]
        else:
            sys.modules["jax"] = known  # type: ignore[assignment]
    return MBAR


def _mbar(u: FloatArray, counts: NDArray[np.int64], start: FloatArray | None):
    return _pymbar()(u, counts, initial_f_k=start, solver_protocol="robust")


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
    found: Weights | None = None,
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
    found
        What :func:`combine` makes of the windows, where it is known.

    Raises
    ------
    ValueError
        When a window is empty, neighbours have nothing in common, or the windows do not reach over a barrier.
    """
    kt = BOLTZMANN * temperature
    found = found or combine(windows, temperature)
    check_overlap(windows, found.overlap)
    centres = np.array([w.centre for w in windows])
    # Springs beyond a well's steep side hold no frame there.
    low, high = max(centres.min(), found.r.min()), min(centres.max(), found.r.max())
    edges = np.linspace(low, high, bins + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    density = _density(found.r, found.weight, edges)
    width = 0.5 * (edges[1] - edges[0])
    if top is None:
        top, flat = _top(middle, density, np.histogram(found.r, edges)[0])
        width = max(width, flat)
    # Few and short windows may have next to nothing in so narrow a slab.
    distance = np.sort(np.abs(found.r - top))
    width = max(width, float(distance[min(FEWEST_IN_SLAB, len(distance)) - 1]))
    numbers = _numbers(found.r, found.weight, found.speed, top, width, kt)
    resampled, profiles = [], []
    for weight in _resamples(windows, temperature, found.free_energies, blocks, n_bootstrap, rng):
        resampled.append(_numbers(found.r, weight, found.speed, top, width, kt))
        profiles.append(_density(found.r, weight, edges))
    # A resample without a frame on the surface says that the error is without bound, and not that it is large.
    drawn_numbers = np.array(resampled)
    known = (drawn_numbers > 0.0).all(axis=0)
    few = _of_few(blocks)
    errors = np.where(known, few * np.log(np.where(known, drawn_numbers, 1.0)).std(axis=0, ddof=1), math.inf)
    with np.errstate(divide="ignore"):
        energy = -kt * np.log(density)
        spread = -kt * np.log(np.array(profiles))
    left, right = energy[middle < top], energy[middle > top]
    zero = left.min()
    at_top = float(-kt * math.log(max(_density_at(found.r, found.weight, top, width), 1e-300)))
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
            n_frames=len(found.r),
            n_blocks=blocks * len(windows),
            worst_overlap=float(found.overlap.min()),
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
    found = []
    for part in (0, 1):
        halves = []
        for w in windows:
            cut = slice(len(w.r) // 2) if part == 0 else slice(len(w.r) // 2, None)
            halves.append(Window(w.centre, w.stiffness, w.r[cut], w.speed[cut], w.energy[cut]))
        try:
            rate, _ = surface_rate(halves, temperature, rng=rng, top=top, n_bootstrap=30)
        except ValueError:
            return None
        if rate.forward <= 0.0 or not math.isfinite(rate.ln_forward_error):
            return None
        found.append(rate)
    first, second = found
    return math.log(second.forward / first.forward), math.hypot(first.ln_forward_error, second.ln_forward_error)


def settled(found: Sequence[float] | None) -> bool | None:
    """Whether windows are in equilibrium: their :func:`drift` is within two of its errors. None where it is unknown."""
    return None if found is None else abs(found[0]) <= 2.0 * found[1]


@dataclass(frozen=True)
class OtherTemperatures(Plain):
    """Rates of transition-state theory along r at temperatures other than that of the windows, by reweighting.

    A frame of potential energy U counts exp(-U/kT') where it counted exp(-U/kT): MBAR with U/kT' as the target. The
    dividing surface stays where it is.

    Attributes
    ----------
    temperature
        K, shape (n,).
    forward, backward
        1/s, shape (n,), before recrossing.
    ln_forward_covariance, ln_backward_covariance
        Of the logarithms, shape (n, n): all temperatures have the same frames. Not finite where a resample held none.
    effective_reactant, effective_product, effective_top
        Effective frames on either side and in the slab about the top, shape (n,), by :func:`_effective`.
        They know nothing of correlation in time; the covariances do.
    """

    temperature: tuple[float, ...]
    forward: tuple[float, ...]
    backward: tuple[float, ...]
    ln_forward_covariance: tuple[tuple[float, ...], ...]
    ln_backward_covariance: tuple[tuple[float, ...], ...]
    effective_reactant: tuple[float, ...]
    effective_product: tuple[float, ...]
    effective_top: tuple[float, ...]


def other_temperatures(
    windows: Sequence[Window],
    temperature: float,
    targets: Sequence[float],
    rate: SurfaceRate,
    *,
    rng: np.random.Generator,
    blocks: int = 5,
    n_bootstrap: int = 60,
    found: Weights | None = None,
) -> OtherTemperatures:
    """Rates of transition-state theory at other temperatures from the same frames.

    Parameters
    ----------
    windows
        In order of their centres, with energies.
    temperature
        Of the windows, K.
    targets
        K; that of the windows may be among them.
    rate
        What :func:`surface_rate` found: it says where the surface stands.
    rng, blocks, n_bootstrap, found
        As there.

    Raises
    ------
    ValueError
        When a window has no energies.
    """
    if any(w.energy is None for w in windows):
        raise ValueError("the windows have no energies on record")
    found = found or combine(windows, temperature)
    energy = np.concatenate([w.energy for w in windows])
    change = [1.0 / (BOLTZMANN * target) - 1.0 / (BOLTZMANN * temperature) for target in targets]

    def at_all(weight: FloatArray) -> list[tuple[float, float, float]]:
        return [
            _numbers(found.r, _turned(weight, energy, c), found.speed, rate.top, rate.half_width, BOLTZMANN * target)
            for c, target in zip(change, targets, strict=True)
        ]

    numbers = np.array(at_all(found.weight))
    drawn = np.array(
        [at_all(w) for w in _resamples(windows, temperature, found.free_energies, blocks, n_bootstrap, rng)]
    )
    covariance = []
    for direction in (0, 1):
        values = drawn[:, :, direction]
        known = (values > 0.0).all(axis=0)
        logs = np.log(np.where(known, values, 1.0))
        matrix = _of_few(blocks) ** 2 * np.atleast_2d(np.cov(logs, rowvar=False))
        matrix[~known, :] = matrix[:, ~known] = math.inf
        covariance.append(tuple(map(tuple, matrix.tolist())))
    sides = (found.r < rate.top, found.r > rate.top, np.abs(found.r - rate.top) <= rate.half_width)
    effective = [[_effective(found.weight[side], energy[side], c) for c in change] for side in sides]
    return OtherTemperatures(
        tuple(map(float, targets)),
        tuple(numbers[:, 0].tolist()),
        tuple(numbers[:, 1].tolist()),
        covariance[0],
        covariance[1],
        *map(tuple, effective),
    )


def _turned(weight: FloatArray, energy: FloatArray, change: float) -> FloatArray:
    """Weights taken to another temperature; `change` is that of 1/kT, mol/kJ."""
    with np.errstate(divide="ignore"):
        exponent = np.log(weight) - change * energy
    found = np.exp(exponent - exponent.max())
    return found / found.sum()


def on_surface(found: Weights, rate: SurfaceRate, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Frames of the ensemble on the dividing surface, to shoot from.

    They come from the slab that the rate was taken from. The flux through a surface times its transmission coefficient
    is the same for all surfaces. So the mean flux over a slab times the flux-weighted coefficient of shots from it is
    exact, each shot's surface being the one that it starts on; with the coefficient of another slab it is not.

    Parameters
    ----------
    found
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
    near = np.flatnonzero(np.abs(found.r - rate.top) <= rate.half_width)
    if not len(near):
        return near
    share = np.cumsum(found.weight[near])
    marks = (np.arange(count) + rng.random()) / count * share[-1]
    return rng.permutation(near[np.minimum(np.searchsorted(share, marks), len(near) - 1)])


def _effective(weight: FloatArray, energy: FloatArray, change: float) -> float:
    """Number of frames of equal weight that some are worth at another temperature.

    Kish's number, but not more than normally distributed energies of the frames' variance would leave, exp(-variance
    of the logarithm of the factor). Where few frames happen to hold none of the tail that counts, Kish's number is
    large and the average wrong; the variance is known from few.

    Parameters
    ----------
    weight, energy
        Of the frames at their own temperature, energies in kJ/mol, shape (n,).
    change
        Of 1/kT, mol/kJ.
    """
    if not weight.any():
        return 0.0
    variance = change**2 * float(np.cov(energy, aweights=weight, ddof=0)) if len(energy) > 1 else 0.0
    return min(_kish(_turned(weight, energy, change)), _kish(weight) * math.exp(-variance))


def _kish(weight: FloatArray) -> float:
    """Number of frames of equal weight that an average over these is worth: (sum w)^2 / sum w^2."""
    if not weight.any():
        return 0.0
    # A few small weights may be too small to be squared.
    relative = weight / weight.max()
    return float(relative.sum() ** 2 / (relative**2).sum())


def _of_few(blocks: int) -> float:
    """A bootstrap of n pieces spreads by sqrt((n - 1)/n) too little, which among five is a tenth."""
    return math.sqrt(blocks / (blocks - 1))


def _resamples(
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
        times = np.concatenate(drawn).astype(float)
        mixture, _ = _mixture(grid.u, counts, grid.spread(times), start)
        mixture = np.interp(r, grid.r, mixture)
        weight = times * np.exp(mixture.min() - mixture)
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
        return np.bincount(self._below, times - upper, n) + np.bincount(self._below + 1, upper, n)


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
