"""Inertia and memory: Grote-Hynes and the variational transition-state theory of Berezhkovskii, Pollak and Zitserman.

Grote and Hynes, J. Chem. Phys. 1980, 73, 2715; Berezhkovskii, Pollak and Zitserman, J. Chem. Phys. 1992, 97, 2422, for
a coordinate coupled to harmonic oscillators (Caldeira and Leggett, Ann. Phys. 1983, 149, 374; Zwanzig, J. Stat. Phys.
1973, 9, 215); docs/theory.md, Eqs. 15 and 16. The coordinate is mass-weighted, so that frequencies are 1/time and
energies are squares of velocities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid
from scipy.optimize import brentq, minimize

from separatrix.theory.elements import TheoryError


@dataclass(frozen=True)
class Friction:
    """Laplace transform of a friction kernel: gamma(lam) = constant + sum_i strength_i/(lam + 1/time_i).

    In time it is a delta function and exponentials, strength_i exp(-t/time_i).

    Attributes
    ----------
    constant
        Friction without memory, 1/time.
    strengths, times
        Of the exponentials: 1/time^2 and time.
    """

    constant: float = 0.0
    strengths: tuple[float, ...] = ()
    times: tuple[float, ...] = ()

    def __call__(self, lam: float) -> float:
        """gamma(lam), 1/time."""
        return self.constant + sum(k / (lam + 1.0 / t) for k, t in zip(self.strengths, self.times, strict=True))

    def slope(self, lam: float) -> float:
        """d gamma/d lam."""
        return -sum(k / (lam + 1.0 / t) ** 2 for k, t in zip(self.strengths, self.times, strict=True))


def grote_hynes(barrier_frequency: float, friction: Callable[[float], float]) -> float:
    """Grote-Hynes reactive frequency lam: lam^2 + lam gamma(lam) = w_b^2; the transmission coefficient is lam/w_b.

    Parameters
    ----------
    barrier_frequency
        w_b, 1/time.
    friction
        gamma(lam), 1/time.

    Raises
    ------
    TheoryError
        When the barrier frequency is not above zero.
    """
    if not barrier_frequency > 0:
        raise TheoryError("the barrier frequency must be above zero")
    low = barrier_frequency
    while low**2 + low * friction(low) > barrier_frequency**2:
        low *= 0.5
        if low < 1e-300:
            return 0.0
    return float(
        brentq(
            lambda lam: lam**2 + lam * friction(lam) - barrier_frequency**2,
            low,
            barrier_frequency,
            xtol=1e-15 * low,
            rtol=8.9e-16,
        )
    )


@dataclass(frozen=True)
class PlanarDividingSurface:
    """The best planar dividing surface f = q + sum_j a_j x_j - s, a_j = g c_j/(w_j^2 + lam^2).

    Attributes
    ----------
    flux
        Least flux, exp(-beta V) times q per time.
    g, lam, s
        Where it is reached.
    """

    flux: float
    g: float
    lam: float
    s: float


def plane_flux(
    potential: Callable[[np.ndarray], np.ndarray], friction: Friction, beta: float, g: float, lam: float, s: float
) -> float:
    """Flux through a planar dividing surface in the space of coordinate and bath (Eq. 16).

    Parameters
    ----------
    potential
        V(q), the potential of mean force of the mass-weighted coordinate, vectorised.
    friction
        Kernel of the bath.
    beta
        Inverse temperature.
    g, lam, s
        Tilt into the bath, frequency (1/time, above zero) and shift (as q) of the plane.
    """
    gamma, slope = friction(lam), friction.slope(lam)
    first = gamma / lam
    spread = -0.5 / lam * (slope / lam - gamma / lam**2)  # A1 = -(1/2 lam) d(gamma/lam)/d lam
    second = first - lam**2 * spread
    factor, width = 1.0 + g * first, abs(g) * np.sqrt(spread / beta)
    speed = np.sqrt((1.0 + g**2 * second) / (2.0 * np.pi * beta))
    z = np.linspace(-14.0, 14.0, 5601)
    normal = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return float(speed / abs(factor) * trapezoid(np.exp(-beta * potential((s - width * z) / factor)) * normal, z))


def variational(
    potential: Callable[[np.ndarray], np.ndarray],
    friction: Friction,
    beta: float,
    barrier_frequency: float,
    shifts: Sequence[float] = (0.0,),
) -> PlanarDividingSurface:
    """Variational transition-state theory over planar dividing surfaces (Eq. 16): an upper bound to the flux.

    Divided by the integral of exp(-beta V) over A it bounds the rate of the full Hamiltonian from above. For a
    parabolic barrier it is the Kramers-Grote-Hynes rate, reached at g = 1, lam = lam_GH, s = 0.

    Parameters
    ----------
    potential, friction, beta
        As for :func:`plane_flux`; V should be 0 at its top, at q = 0.
    barrier_frequency
        w_b of the top, where the search starts.
    shifts
        Starts of s; displaced ones find minima that break the symmetry of V.
    """
    start = grote_hynes(barrier_frequency, friction)

    def flux(at: np.ndarray) -> float:
        return np.log(plane_flux(potential, friction, beta, at[0], start * np.exp(at[1]), at[2]))

    best = None
    for shift in shifts:
        # g = 0 is transition-state theory in q alone, a stationary line that a search from g = 1 may not reach.
        for g in (1.0, 0.3):
            optimum = minimize(
                flux,
                np.array([g, 0.0, shift]),
                method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 2000, "maxfev": 2000},
            )
            if best is None or optimum.fun < best.fun:
                best = optimum
    assert best is not None
    return PlanarDividingSurface(
        float(np.exp(best.fun)), float(best.x[0]), float(start * np.exp(best.x[1])), float(best.x[2])
    )
