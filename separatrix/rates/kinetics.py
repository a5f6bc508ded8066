"""What rates mean: relaxation of populations, half-lives, and how rates depend on temperature.

Rates are in 1/s, temperatures in K, energies in kJ/mol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN
from separatrix.rates.harmonic import ATTEMPTS

FloatArray = NDArray[np.float64]


def rate_matrix(states: Sequence[str], rates: Sequence[tuple[str, str, float]]) -> FloatArray:
    """Matrix K of the master equation dp/dt = K p; several channels between two states add up.

    Parameters
    ----------
    states
        Names.
    rates
        From, to, and 1/s, of every channel.

    Raises
    ------
    ValueError
        When a rate is negative or not a number, or names no state.
    """
    index = {name: i for i, name in enumerate(states)}
    matrix = np.zeros((len(states), len(states)))
    for start, end, value in rates:
        if start not in index or end not in index or start == end:
            raise ValueError(f"rate from {start} to {end}: there must be two of the states {', '.join(states)}")
        if not (math.isfinite(value) and value >= 0.0):
            raise ValueError(f"rate from {start} to {end}: {value!r} is no rate")
        matrix[index[end], index[start]] += value
        matrix[index[start], index[start]] -= value
    return matrix


def populations(matrix: FloatArray, start: ArrayLike, times: ArrayLike) -> FloatArray:
    """Populations at times (s), by the matrix exponential, which stiff rates do not trouble; shape (n_times, n)."""
    p = np.asarray(start, dtype=float)
    return np.array([linalg.expm(matrix * t) @ p for t in np.atleast_1d(np.asarray(times, dtype=float))])


def equilibrium(matrix: FloatArray) -> FloatArray:
    """Populations that do not change any more, where there is one such set."""
    kernel = linalg.null_space(matrix / max(np.abs(matrix).max(), 1e-300))
    if kernel.shape[1] != 1:
        raise ValueError("the states do not all lead to each other: there is no one equilibrium")
    populations = kernel[:, 0] / kernel[:, 0].sum()
    return np.maximum(populations, 0.0)


def relaxation_time(matrix: FloatArray) -> float:
    """Longest time constant (s) with which populations go to equilibrium; of two states 1/(k1 + k2)."""
    values = np.sort(linalg.eigvals(matrix).real)
    slowest = -values[-2]
    return math.inf if slowest <= 0.0 else float(1.0 / slowest)


@dataclass(frozen=True)
class Relaxation(Plain):
    """What becomes of molecules that all begin in one of two states.

    Attributes
    ----------
    time
        Time constant of the approach to equilibrium, 1/(k_forward + k_backward), s; infinite where nothing reacts.
    share
        Of the first state at equilibrium, k_backward/(k_forward + k_backward).
    half_life
        Time (s) after which half of the first state is left, the way back included; infinite where that never is,
        because half of it or more is left at equilibrium.
    """

    time: float
    share: float
    half_life: float


def relaxation(forward: float, backward: float) -> Relaxation:
    """Relaxation of two states from all in the first, p(t) = share + (1 - share) exp(-t/time).

    Parameters
    ----------
    forward, backward
        From the first state to the second and back, 1/s; a backward rate of 0 gives the half-life ln 2/k.

    Raises
    ------
    ValueError
        When a rate is negative or not a finite number.
    """
    for value in (forward, backward):
        if not (math.isfinite(value) and value >= 0.0):
            raise ValueError(f"{value!r} is no rate")
    total = forward + backward
    if total == 0.0:
        return Relaxation(math.inf, 1.0, math.inf)
    share, time = backward / total, 1.0 / total
    return Relaxation(time, share, time * math.log((1.0 - share) / (0.5 - share)) if share < 0.5 else math.inf)


def interval(route: Mapping[str, Any]) -> tuple[float, float] | None:
    """Interval of confidence 0.95 (1/s) of an entry of `routes` in ``rates.json``; None where it has none.

    It is the entry's own: that of a rate through interfaces is by Student's t of a few blocks, wider than what its
    standard error would have of a normal law. Where an entry gives none, it is that of the normal law.
    """
    rate, error, low, high = (route.get(key) for key in ("rate", "ln_error", "low", "high"))
    if low is None or high is None:
        if not rate or error is None or not (math.isfinite(error) and error > 0.0):
            return None
        with np.errstate(over="ignore", under="ignore"):
            low, high = (float(rate * np.exp(sign * 1.96 * error)) for sign in (-1.0, 1.0))
    # One that has no logarithms, for an error of hundreds, tells nothing; nor does one without width, for what is
    # sampled is not exact.
    return (low, high) if 0.0 < low < high and math.isfinite(high) else None


@dataclass(frozen=True)
class TemperatureLaw(Plain):
    """A line through ln k (Arrhenius) or ln(k/T) (Eyring) over 1/T.

    Attributes
    ----------
    energy, energy_interval
        Arrhenius: activation energy; Eyring: enthalpy of activation; kJ/mol, with 95 %. NaN where there is none.
    ln_prefactor, ln_prefactor_interval
        Arrhenius: ln(A s). Eyring: ln of the rate at infinite temperature over kT/h, that is dS/R.
    entropy
        Eyring: entropy of activation, J/mol/K. Arrhenius: NaN.
    temperatures
        Range of the fit, K.
    curvature_p
        p-value of a quadratic term, where there are four temperatures or more: small, a line is not enough.
    """

    energy: float
    energy_interval: tuple[float, float]
    ln_prefactor: float
    ln_prefactor_interval: tuple[float, float]
    entropy: float
    temperatures: tuple[float, float]
    curvature_p: float


def fit_law(
    temperatures: ArrayLike, rates: ArrayLike, errors: ArrayLike | None = None, *, law: str = "arrhenius"
) -> TemperatureLaw:
    """Fit a temperature law.

    Parameters
    ----------
    temperatures
        K, shape (n,), two or more different ones.
    rates
        1/s, shape (n,).
    errors
        Standard errors of ln k, shape (n,); None: unknown, and then the intervals come from the scatter about the line.
    law
        ``arrhenius`` or ``eyring``.

    Raises
    ------
    ValueError
        When there are fewer than two temperatures, or a rate is not positive.
    """
    import statsmodels.api as sm  # slow, and not needed by other jobs

    t, k = np.asarray(temperatures, dtype=float), np.asarray(rates, dtype=float)
    if t.shape != k.shape or len(np.unique(t)) < 2:
        raise ValueError("a temperature law needs rates at two temperatures or more")
    if not np.all(k > 0.0) or not np.all(np.isfinite(k)):
        raise ValueError("all rates must be positive numbers")
    y = np.log(k) if law == "arrhenius" else np.log(k / (ATTEMPTS * t))
    x = sm.add_constant(-1.0 / (BOLTZMANN * t))
    if errors is None:
        model = sm.OLS(y, x).fit()
        quantile = scipy.stats.t.ppf(0.975, len(t) - 2) if len(t) > 2 else math.nan
        covariance = model.cov_params() if len(t) > 2 else np.full((2, 2), math.nan)
    else:
        weights = 1.0 / np.asarray(errors, dtype=float) ** 2
        model = sm.WLS(y, x, weights=weights).fit(cov_type="fixed scale")
        quantile, covariance = scipy.stats.norm.ppf(0.975), model.cov_params()
    half = quantile * np.sqrt(np.diag(covariance))
    (ln_a, energy) = (float(v) for v in model.params)
    curvature = math.nan
    if len(np.unique(t)) >= 4:
        # Centred, so that the quadratic term is not the linear one over again.
        u = (x[:, 1] - x[:, 1].mean()) / x[:, 1].std()
        bent = sm.add_constant(np.column_stack([u, u**2]))
        if errors is None:
            curved = sm.OLS(y, bent).fit()
        else:
            curved = sm.WLS(y, bent, weights=weights).fit(cov_type="fixed scale", use_t=False)
        curvature = float(curved.pvalues[2])
    return TemperatureLaw(
        energy=energy,
        energy_interval=(energy - float(half[1]), energy + float(half[1])),
        ln_prefactor=ln_a,
        ln_prefactor_interval=(ln_a - float(half[0]), ln_a + float(half[0])),
        entropy=1000.0 * BOLTZMANN * ln_a if law == "eyring" else math.nan,
        temperatures=(float(t.min()), float(t.max())),
        curvature_p=curvature,
    )
