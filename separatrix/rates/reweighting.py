"""Rates along the coordinate at temperatures other than that of the windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN
from separatrix.rates.free_energy import SurfaceRate, surface_numbers
from separatrix.rates.mbar import FloatArray, Weights, Window, bootstrap_correction, combine, resamples

#: Fewest effective frames, on the side that a rate leaves and at the top, that carry it to another temperature.
ENOUGH_EFFECTIVE = 30.0


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
        Effective frames on either side and in the slab about the top, shape (n,), by :func:`effective_frames`.
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
    weights: Weights | None = None,
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
        What :func:`surface_rate` found: it has the position of the surface.
    rng, blocks, n_bootstrap, weights
        As there.

    Raises
    ------
    ValueError
        When a window has no energies.
    """
    if any(w.energy is None for w in windows):
        raise ValueError("the windows have no energies on record")
    weights = weights or combine(windows, temperature)
    energy = np.concatenate([w.energy for w in windows])
    change = [1.0 / (BOLTZMANN * target) - 1.0 / (BOLTZMANN * temperature) for target in targets]

    def at_all(weight: FloatArray) -> list[tuple[float, float, float]]:
        return [
            surface_numbers(
                weights.r, reweighted(weight, energy, c), weights.speed, rate.top, rate.half_width, BOLTZMANN * target
            )
            for c, target in zip(change, targets, strict=True)
        ]

    numbers = np.array(at_all(weights.weight))
    drawn = np.array(
        [at_all(w) for w in resamples(windows, temperature, weights.free_energies, blocks, n_bootstrap, rng)]
    )
    covariance = []
    for direction in (0, 1):
        values = drawn[:, :, direction]
        positive = (values > 0.0).all(axis=0)
        logs = np.log(np.where(positive, values, 1.0))
        matrix = bootstrap_correction(blocks) ** 2 * np.atleast_2d(np.cov(logs, rowvar=False))
        matrix[~positive, :] = matrix[:, ~positive] = math.inf
        covariance.append(tuple(map(tuple, matrix.tolist())))
    sides = (weights.r < rate.top, weights.r > rate.top, np.abs(weights.r - rate.top) <= rate.half_width)
    effective = [[effective_frames(weights.weight[side], energy[side], c) for c in change] for side in sides]
    return OtherTemperatures(
        tuple(map(float, targets)),
        tuple(numbers[:, 0].tolist()),
        tuple(numbers[:, 1].tolist()),
        covariance[0],
        covariance[1],
        *map(tuple, effective),
    )


def reweighted(weight: FloatArray, energy: FloatArray, change: float) -> FloatArray:
    """Weights taken to another temperature; `change` is that of 1/kT, mol/kJ."""
    with np.errstate(divide="ignore"):
        exponent = np.log(weight) - change * energy
    factors = np.exp(exponent - exponent.max())
    return factors / factors.sum()


def effective_frames(weight: FloatArray, energy: FloatArray, change: float) -> float:
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
    return min(kish(reweighted(weight, energy, change)), kish(weight) * math.exp(-variance))


def kish(weight: FloatArray) -> float:
    """Number of frames of equal weight that an average over these is worth: (sum w)^2 / sum w^2."""
    if not weight.any():
        return 0.0
    # A few small weights may be too small to be squared.
    relative = weight / weight.max()
    return float(relative.sum() ** 2 / (relative**2).sum())
