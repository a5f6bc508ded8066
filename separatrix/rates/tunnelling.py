"""Tunnelling through a barrier, and recrossing by friction, as factors of a harmonic rate.

Energies are in kJ/mol, wavenumbers in cm^-1, temperatures in K.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import constants, integrate

from separatrix.core.units import BOLTZMANN

FloatArray = NDArray[np.float64]

#: hc/k in cm K: a wavenumber times this over T is h nu / kT.
SECOND_RADIATION: float = constants.value("second radiation constant") * 100.0


def wigner(imaginary: float, temperature: float) -> float:
    """Wigner's tunnelling correction (Z. Phys. Chem. B 1932, 19, 203), imaginary wavenumber in cm^-1."""
    return 1.0 + (SECOND_RADIATION * abs(imaginary) / temperature) ** 2 / 24.0


def kramers(imaginary: float, friction: float) -> float:
    """Kramers' transmission coefficient (Physica 1940, 7, 284) for a friction that is the same for all masses.

    sqrt(1 + (gamma/2 omega)^2) - gamma/2 omega; of many coordinates, too, for such a friction leaves the normal modes
    of the saddle apart (Langer, Ann. Phys. 1969, 54, 258). It leaves out energy diffusion, so it fails at low friction.

    Parameters
    ----------
    imaginary
        Wavenumber of the imaginary mode, cm^-1.
    friction
        1/ps.
    """
    omega = 2.0 * math.pi * constants.c * 100.0 * abs(imaginary) * 1e-12
    half = friction / (2.0 * omega)
    # The same as sqrt(1 + half^2) - half, without the difference of large numbers.
    return 1.0 / (math.sqrt(1.0 + half**2) + half)


def eckart(imaginary: float, forward: float, backward: float, temperature: float) -> float:
    """Tunnelling correction of the asymmetric Eckart barrier.

    The Boltzmann average of its exact transmission (Johnston and Heicklen, J. Phys. Chem. 1962, 66, 532) over the
    classical one.

    Parameters
    ----------
    imaginary
        Wavenumber of the imaginary mode, cm^-1.
    forward, backward
        Barrier heights from both sides, kJ/mol, both positive.
    temperature
        K.
    """
    kt = BOLTZMANN * temperature
    v1, v2 = forward / kt, backward / kt
    ln_through = _ln_eckart(v1, v2, SECOND_RADIATION * abs(imaginary) / temperature)
    # Below the higher of the two bottoms nothing gets through. It begins there as a square root, straight in u.
    start, far = max(0.0, v1 - v2), v1 + 60.0

    def exponent(u: FloatArray) -> FloatArray:
        e = start + u**2
        return ln_through(e) + v1 - e

    points = np.linspace(0.0, math.sqrt(far - start), 2001)[1:]
    at_points = exponent(points)
    most = float(at_points.max())
    # In pieces about its largest value and where the barrier ends: far below the barrier all of it is a narrow peak.
    high = points[at_points > most - 40.0]
    cuts = np.unique([0.0, high[0], points[at_points.argmax()], high[-1], math.sqrt(v1 - start), points[-1]])
    total = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", integrate.IntegrationWarning)
        for low, top in itertools.pairwise(cuts):
            total += integrate.quad(
                lambda u: 2.0 * u * math.exp(float(exponent(u)) - most), low, top, epsabs=1e-13, epsrel=1e-10, limit=200
            )[0]
    return math.exp(most + math.log(total))


def _ln_eckart(v1: float, v2: float, quantum: float) -> Callable[[FloatArray], FloatArray]:
    """Logarithm of the transmission through an Eckart barrier, of the energy in kT above the first bottom.

    2 sinh a sinh b/(cosh(a + b) + cosh d), a product. The usual form 1 - (cosh(a - b) + cosh d)/(cosh(a + b) + cosh d)
    is the same and loses all digits where less than 1e-16 gets through.

    Parameters
    ----------
    v1, v2, quantum
        Heights of the barrier from both sides and h nu, in kT.
    """
    alpha1, alpha2 = 2.0 * math.pi * v1 / quantum, 2.0 * math.pi * v2 / quantum
    scale = 1.0 / math.sqrt(alpha1) + 1.0 / math.sqrt(alpha2)
    square = alpha1 * alpha2 - (math.pi / 2.0) ** 2
    d = 2.0 * math.sqrt(abs(square))

    def ln_sinh(x: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return x + np.log(-np.expm1(-2.0 * x)) - math.log(2.0)

    def ln_cosh(x: FloatArray) -> FloatArray:
        return np.logaddexp(x, -x) - math.log(2.0)

    def ln_through(e: FloatArray) -> FloatArray:
        a = 2.0 * np.sqrt(alpha1 * e / v1) / scale
        b = 2.0 * np.sqrt(np.maximum((e / v1 - 1.0) * alpha1 + alpha2, 0.0)) / scale
        if square > 0.0:
            below = ln_cosh(0.5 * (a + b + d)) + ln_cosh(0.5 * (a + b - d))
        else:  # d is imaginary: cosh s + cos d = 2 (sinh^2(s/2) + cos^2(d/2))
            with np.errstate(divide="ignore"):
                below = np.logaddexp(2.0 * ln_sinh(0.5 * (a + b)), 2.0 * math.log(abs(math.cos(0.5 * d)) + 1e-300))
        return ln_sinh(a) + ln_sinh(b) - below

    return ln_through


def crossover(imaginary: float) -> float:
    """Temperature (K) of h nu = 2 pi kT, below which molecules pass a barrier far beneath its top.

    No correction to transition-state theory holds there (Goldanskii 1959; Gillan, J. Phys. C 1987, 20, 3621).

    Parameters
    ----------
    imaginary
        Wavenumber of the imaginary mode, cm^-1.
    """
    return SECOND_RADIATION * abs(imaginary) / (2.0 * math.pi)
