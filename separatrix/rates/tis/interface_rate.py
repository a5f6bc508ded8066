"""Rate from chains of interface sampling: flux times crossing probability.

The rate from a reactant A to a product B is the flux of paths from A that reach the first interface, times the
probability that such a path reaches B before it is back in A. The probability is a product over interfaces along
an order parameter, each factor from paths that are known to reach the interface before (van Erp, Moroni and Bolhuis,
J. Chem. Phys. 2003, 118, 7762); ensembles exchange paths (van Erp, Phys. Rev. Lett. 2007, 98, 268301).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.plain import Plain
from separatrix.rates.tis.chain import InterfaceChain
from separatrix.rates.tis.path_moves import OUTCOMES
from separatrix.rates.tis.transition_paths import FloatArray
from separatrix.statistics.autocorrelation import statistical_inefficiency

#: Blocks of all chains together that an error may come from at least: that of fewer is too uncertain itself.
_FEWEST_BLOCKS = 8


@dataclass(frozen=True)
class LocalCrossing(Plain):
    """One factor of the crossing probability.

    Attributes
    ----------
    interface, next_interface
        Order parameter; the last next one is the product, None.
    probability, error
        That a path that reaches the one reaches the other, from all ensembles up to this one; standard error.
    here
        The same from the paths of this ensemble alone.
    accepted
        Share of shots accepted.
    exchanged
        Share of cycles after which the ensemble had a path of another.
    mean_frames
        Length of the ensemble's paths.
    correlation
        Integrated autocorrelation time, in cycles, of how many of these paths reach the next interface.
    """

    interface: float
    next_interface: float | None
    probability: float
    error: float
    here: float
    accepted: float
    exchanged: float
    mean_frames: float
    correlation: float


@dataclass(frozen=True)
class InterfaceRate(Plain):
    """Rate from the reactant to the product.

    Attributes
    ----------
    rate
        1/s.
    ln_error
        Standard error of its logarithm, by a jackknife over blocks of cycles and segments; infinite where nothing
        has come from the first ensemble to the last.
    low, high
        Interval of confidence 0.95, by Student's t of as many blocks; None where there is no error.
    flux, ln_flux_error
        Through the first interface, 1/s.
    probability, ln_probability_error
        Of crossing all interfaces.
    crossings
        The factors.
    n_flux_paths, n_unfinished
        Paths that reached the first interface; those that came to no end (failed or too long) and are left out.
    n_blocks
        Behind the errors.
    slowest
        Largest correlation time of a factor over the length of a block: where it is not small, errors are too small.
    n_arrivals
        Times that a replica went from the first ensemble to the last by replica exchange; see :func:`round_trips`.
    drift
        Logarithm of the probability from the second half of all chains less that from the first; None where one of them
        lacks a crossing. Twice the probability's error is its standard error: more tells of a burn-in that was too
        short.
    outcomes
        How often each outcome of a shot came, burn-in left out.
    """

    rate: float
    ln_error: float
    low: float | None
    high: float | None
    flux: float
    ln_flux_error: float
    probability: float
    ln_probability_error: float
    crossings: tuple[dict, ...]
    n_flux_paths: int
    n_unfinished: int
    n_blocks: int
    slowest: float
    n_arrivals: int
    drift: float | None
    outcomes: dict[str, int]


def round_trips(sources: NDArray[np.int64]) -> int:
    """How many times a path's place in the chain has gone from the first ensemble to the last.

    A place is followed through exchanges; shots change its path and leave it where it is. Before any has come all the
    way up, the last ensembles know nothing of the reactant's equilibrium but what their first paths do.

    Parameters
    ----------
    sources
        Of :class:`InterfaceChain`, shape (cycles, ensembles).
    """
    from_first = np.zeros(sources.shape[1], dtype=bool)
    count = 0
    for source in sources:
        from_first[0] = True
        count += int(from_first[-1])
        from_first[-1] = False
        from_first = from_first[source]
    return count


def _logs(cycles: FloatArray, walks: FloatArray) -> FloatArray:
    """Logarithms of the flux per frame and of the factors, from the sums of `rate_of_chains` over cycles and segments.

    Parameters
    ----------
    cycles
        Paths that reach each interface, and that reach the next one as well, shape (..., 2 n).
    walks
        Frames of segments, and paths that reach the first interface, shape (..., 2).

    Returns
    -------
    Shape (..., n + 1).
    """
    n = cycles.shape[-1] // 2
    walks = np.broadcast_to(walks, (*cycles.shape[:-1], 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.concatenate([walks[..., 1:] / walks[..., :1], cycles[..., n:] / cycles[..., :n]], axis=-1))


def _jackknife(values: FloatArray) -> FloatArray:
    """Standard error from the estimates with one block left out, along the first axis."""
    n = len(values)
    # Where leaving out one block leaves no crossing at all, the error is without bound.
    bounded = np.isfinite(values).all(axis=0)
    held = np.where(bounded, values, 0.0)
    return np.where(bounded, np.sqrt((n - 1.0) / n * ((held - held.mean(axis=0)) ** 2).sum(axis=0)), np.inf)


def _errors(cycles: Sequence[FloatArray], walks: Sequence[FloatArray], blocks: int) -> FloatArray:
    """Standard errors of the logarithms of rate, probability, flux and each factor; blocks are per chain."""

    def sums(tables: Sequence[FloatArray]) -> FloatArray:
        return np.array([part.sum(axis=0) for table in tables for part in np.array_split(table, blocks)])

    def estimates(logs: FloatArray) -> FloatArray:
        return np.column_stack([logs.sum(axis=1), logs[:, 1:].sum(axis=1), logs])

    ran, walked = sums(cycles), sums(walks)
    # Together: a block of segments gives the flux, and has fed the block of cycles of the same number.
    return _jackknife(estimates(_logs(ran.sum(axis=0) - ran, walked.sum(axis=0) - walked)))


def rate_of_chains(
    chains: Sequence[InterfaceChain], interfaces: Sequence[float], frame: float, *, blocks: int = 10
) -> InterfaceRate:
    """Rate of all chains together.

    The factors are pooled: of all paths in the ensembles up to the i-th that reach interface i, the share that reach
    i + 1. For nested interfaces this is the solution of the weighted-histogram equations of all ensembles.

    Errors are a jackknife over blocks of cycles, each with the block of segments that has fed it. Blocks are doubled
    in length while eight of all chains are left, and the largest error is taken: where blocks are shorter than the
    correlation time, it is too small. There is none without :func:`round_trips`, for all blocks may then have the same
    paths' past in common.

    Parameters
    ----------
    chains
        Independent of each other.
    interfaces
        Order parameters, rising.
    frame
        ps between frames.
    blocks
        Of each chain.

    Raises
    ------
    ValueError
        When an interface was never crossed, or nothing reached the first one.
    """
    bounds = np.array([*interfaces, math.inf])
    n = len(interfaces)
    if sum(c.flux_counts.sum() for c in chains) == 0:
        raise ValueError("no path from the reactant reached the first interface; give more rates.interfaces.segment_fs")
    # Of each cycle, paths of ensembles 0 to i that reach interface i, and i + 1.
    tried = [np.array([(c.highest[:, : i + 1] >= bounds[i]).sum(axis=1) for i in range(n)]).T for c in chains]
    reached = [np.array([(c.highest[:, : i + 1] >= bounds[i + 1]).sum(axis=1) for i in range(n)]).T for c in chains]
    cycles = [np.hstack([t, r]).astype(float) for t, r in zip(tried, reached, strict=True)]
    walks = [np.column_stack([c.flux_frames, c.flux_counts]).astype(float) for c in chains]
    whole = _logs(sum(c.sum(axis=0) for c in cycles), sum(w.sum(axis=0) for w in walks))
    never = np.flatnonzero(np.isinf(whole[1:]))
    if len(never):
        raise ValueError(f"no path crossed from interface {never[0] + 1} to the next; give more cycles")
    divided = [blocks]
    while divided[-1] >= 4 and divided[-1] // 2 * len(chains) >= _FEWEST_BLOCKS:
        divided.append(divided[-1] // 2)
    errors = np.array([_errors(cycles, walks, k) for k in divided])
    arrived = sum(round_trips(c.sources) for c in chains)
    # No block knows of what none of them has seen.
    ln_error = float(errors[:, 0].max()) if arrived else math.inf
    # Student's t of the blocks that the error comes from.
    n_blocks = divided[int(np.argmax(errors[:, 0]))] * len(chains)
    ln_flux = float(whole[0]) - math.log(frame)
    ln_rate = ln_flux + float(whole[1:].sum())
    interval = None
    if math.isfinite(ln_error):
        from scipy.stats import t

        half = float(t.ppf(0.975, n_blocks - 1)) * ln_error
        interval = (math.exp(ln_rate - half) * 1e12, math.exp(ln_rate + half) * 1e12)
    early = sum(c[: len(c) // 2].sum(axis=0) for c in cycles)
    late = sum(c[len(c) // 2 :].sum(axis=0) for c in cycles)
    nothing = 0.0 * walks[0].sum(axis=0)
    drift = float(np.diff(_logs(np.array([early, late]), nothing)[:, 1:].sum(axis=1))[0])
    highest = [c.highest for c in chains]
    factors, times = [], []
    for i, value in enumerate(interfaces):
        here = [h[:, i] >= bounds[i + 1] for h in highest]
        # Of the pool that the factor comes from: paths change places between its ensembles and are no others for it.
        share = math.exp(whole[1 + i])
        residuals = [r[:, i] - share * t[:, i] for t, r in zip(tried, reached, strict=True)]
        times.append(statistical_inefficiency(residuals) or 1.0)
        factors.append(
            LocalCrossing(
                interface=float(value),
                next_interface=float(bounds[i + 1]) if math.isfinite(bounds[i + 1]) else None,
                probability=share,
                error=share * float(errors[:, 3 + i].max()),
                here=float(np.mean(np.concatenate(here))),
                accepted=float(np.mean(np.concatenate([c.outcomes[:, i] == 0 for c in chains]))),
                exchanged=float(np.mean(np.concatenate([c.sources[:, i] != i for c in chains]))),
                mean_frames=float(np.mean(np.concatenate([c.frames[:, i] for c in chains]))),
                correlation=times[-1],
            ).to_dict()
        )
    outcomes = np.concatenate([c.outcomes.ravel() for c in chains])
    return InterfaceRate(
        rate=math.exp(ln_rate) * 1e12,
        ln_error=ln_error,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        flux=math.exp(ln_flux) * 1e12,
        ln_flux_error=float(errors[:, 2].max()),
        probability=math.exp(float(whole[1:].sum())),
        ln_probability_error=float(errors[:, 1].max()),
        crossings=tuple(factors),
        n_flux_paths=int(sum(c.flux_counts.sum() for c in chains)),
        n_unfinished=int(sum(c.flux_unfinished.sum() for c in chains)),
        n_blocks=n_blocks,
        slowest=max(times) * blocks / float(np.mean([len(h) for h in highest])),
        n_arrivals=arrived,
        drift=drift if math.isfinite(drift) else None,
        outcomes={name: int((outcomes == k).sum()) for k, name in enumerate(OUTCOMES)},
    )
