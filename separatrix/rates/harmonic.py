"""Harmonic transition-state theory: rates from stationary points alone.

k = gamma (kT/h) (Q_saddle / Q_reactant) exp(-dV/kT), with the vibrational and rotational partition functions Q of rigid
rotors and harmonic oscillators, without the imaginary mode at the saddle (Eyring, J. Chem. Phys. 1935, 3, 107; for the
classical one Vineyard, J. Phys. Chem. Solids 1957, 3, 121). gamma holds the symmetry numbers and mirror images.

Energies are in kJ/mol, wavenumbers in cm^-1, temperatures in K, rates in 1/s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN
from separatrix.dynamics.motion import is_linear
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.rates.molecular_symmetry import copies_of, principal_moments
from separatrix.rates.tunnelling import SECOND_RADIATION, crossover, eckart, wigner

FloatArray = NDArray[np.float64]

#: k/h in 1/(s K).
ATTEMPTS: float = constants.k / constants.h

#: Treatments of low modes, whose harmonic partition functions are far too large.
LOW_MODES = {
    "raised": "wavenumbers below the cutoff are raised to it (Ribeiro et al., J. Phys. Chem. B 2011, 115, 14556)",
    "interpolated": "free energy of each mode between oscillator and free rotor (Grimme, Chem. Eur. J. 2012, 18, 9955)",
    "harmonic": "none: every mode a harmonic oscillator",
}

STATISTICS = {
    "classical": "as the dynamics of the workflow has it",
    "quantum": "zero-point energies and quantised vibrations, as nature has it",
}

TUNNELLING = {
    "none": "none",
    "wigner": "Wigner's first correction, 1 + (h nu/kT)^2/24",
    "eckart": "through an Eckart barrier of the same heights and imaginary mode (Eckart, Phys. Rev. 1930, 35, 1303)",
}


@dataclass(frozen=True)
class HarmonicRules:
    """How harmonic rates are computed: a word of `STATISTICS`, of `LOW_MODES` and of `TUNNELLING`.

    Attributes
    ----------
    cutoff
        cm^-1, of the low modes.
    """

    statistics: str = "quantum"
    low_modes: str = "raised"
    cutoff: float = 50.0
    tunnelling: str = "none"


def ln_oscillators(wavenumbers: FloatArray, temperature: float, rules: HarmonicRules) -> float:
    """Logarithm of the partition function of vibrations, zero of energy at the bottom of the well.

    Parameters
    ----------
    wavenumbers
        cm^-1. What is imaginary here is so within the error of finite differences, and counts as real.
    temperature
        K.
    rules
        Statistics and low modes.
    """
    magnitudes = np.abs(np.asarray(wavenumbers, dtype=float))
    if rules.low_modes == "raised":
        magnitudes = np.maximum(magnitudes, rules.cutoff)
    x = SECOND_RADIATION * magnitudes / temperature
    oscillator = -np.log(x) if rules.statistics == "classical" else -0.5 * x - np.log(-np.expm1(-x))
    if rules.low_modes != "interpolated":
        return float(oscillator.sum())
    # Grimme interpolates the entropy; with the energy of the oscillator kept, ln Q = S/k - E/kT.
    if rules.statistics == "classical":
        energy, entropy = np.ones_like(x), 1.0 - np.log(x)
    else:
        energy = x * (0.5 + 1.0 / np.expm1(x))
        entropy = x / np.expm1(x) - np.log(-np.expm1(-x))
    inertia = constants.h / (8.0 * math.pi**2 * constants.c * 100.0 * magnitudes)  # kg m^2, of a rotor so fast
    average = 1e-44  # kg m^2; keeps the inertia of a very low mode finite
    reduced = inertia * average / (inertia + average)
    rotor = 0.5 + np.log(np.sqrt(8.0 * math.pi**3 * reduced * constants.k * temperature) / constants.h)
    weight = 1.0 / (1.0 + (rules.cutoff / magnitudes) ** 4)
    return float((weight * entropy + (1.0 - weight) * rotor - energy).sum())


def ln_rotation(positions: FloatArray, masses: FloatArray, temperature: float) -> float:
    """Logarithm of the classical rotational partition function, without a symmetry number.

    Parameters
    ----------
    positions, masses
        nm, shape (n_atoms, 3), and dalton.
    temperature
        K.

    Returns
    -------
    Of three axes, ln sqrt(pi T^3/(A B C)); of a linear molecule, which turns about two, ln (T/B); of an atom 0. A, B
    and C are the rotational constants in kelvin, h^2/(8 pi^2 I k).
    """
    if len(positions) < 2:
        return 0.0
    moments = principal_moments(positions, masses) * constants.atomic_mass * 1e-18  # kg m^2
    linear = is_linear(positions, masses)
    turns = np.log(8.0 * math.pi**2 * constants.k * temperature / constants.h**2 * (moments[1:] if linear else moments))
    return 0.5 * float(turns.sum()) + (0.0 if linear else 0.5 * math.log(math.pi))


def cautions(name: str, imaginary: float, temperatures: Sequence[float], rules: HarmonicRules) -> list[str]:
    """What is not to be believed of rates over a saddle, because of tunnelling, in sentences; none where all is well.

    Parameters
    ----------
    name
        Of the saddle.
    imaginary
        Wavenumber of its imaginary mode, cm^-1.
    temperatures
        K.
    rules
        Of a classical rate without tunnelling nothing is said: it is meant to be one.
    """
    if rules.statistics == "classical" and rules.tunnelling == "none":
        return []
    limit, sentences = crossover(imaginary), []
    mode = f"{abs(imaginary):.0f}i cm⁻¹"
    if deep := [f"{t:g}" for t in sorted(temperatures) if t < limit]:
        what = "" if rules.tunnelling == "none" else f" with {rules.tunnelling.capitalize()}'s correction"
        sentences.append(
            f"over {name} at {', '.join(deep)} K, below the crossover temperature of {limit:.0f} K ({mode}), "
            f"tunnelling far beneath the top decides: transition-state theory{what} is not to be believed there"
        )
    if rules.tunnelling == "wigner" and (near := [f"{t:g}" for t in sorted(temperatures) if limit <= t < 2.0 * limit]):
        sentences.append(
            f"over {name} at {', '.join(near)} K, below twice the crossover temperature of {limit:.0f} K ({mode}), "
            "Wigner's correction, the first term of a series, is too small by a tenth or more; take "
            "rates.harmonic.tunnelling: eckart"
        )
    return sentences


@dataclass(frozen=True)
class HarmonicRate(Plain):
    """A harmonic rate over one saddle.

    Attributes
    ----------
    reactant, product, saddle
        Names.
    temperature
        K.
    rate
        1/s.
    barrier
        Difference of the potential, kJ/mol.
    enthalpy, entropy
        Of activation, kJ/mol and J/mol/K, by the derivative of ln(k/T) at this temperature (Eyring).
    activation_energy, ln_prefactor
        Of Arrhenius, kJ/mol and ln(1/s), by the derivative of ln k.
    tunnelling
        The factor.
    copies
        Factor gamma: saddles of one energy to each reactant of one energy, mirror images and equal atoms renumbered
        included. The inverse ratio of the symmetry numbers, times 2 where the saddle is chiral and the reactant is
        not, 1/2 the other way round; of the saddle count only operations that leave the direction of the imaginary
        mode as it is. Where both ends are equal and no operation of the saddle swaps them, times 2.
    """

    reactant: str
    product: str
    saddle: str
    temperature: float
    rate: float
    barrier: float
    enthalpy: float
    entropy: float
    activation_energy: float
    ln_prefactor: float
    tunnelling: float
    copies: float


def _ln_rate(
    reactant: StationaryPoint,
    product: StationaryPoint | None,
    saddle: StationaryPoint,
    masses: FloatArray,
    temperature: float,
    rules: HarmonicRules,
    isolated: bool,
) -> tuple[float, float]:
    """ln k (1/s), and the tunnelling factor in it."""
    ratio = ln_oscillators(saddle.wavenumbers[1:], temperature, rules)
    ratio -= ln_oscillators(reactant.wavenumbers, temperature, rules)
    if isolated:
        ratio += ln_rotation(saddle.positions, masses, temperature)
        ratio -= ln_rotation(reactant.positions, masses, temperature)
    imaginary = abs(float(saddle.wavenumbers[0]))
    tunnelling = 1.0
    if rules.tunnelling == "wigner":
        tunnelling = wigner(imaginary, temperature)
    elif rules.tunnelling == "eckart":
        other = reactant if product is None else product
        heights = [_with_zero_point(saddle, rules) - _with_zero_point(end, rules) for end in (reactant, other)]
        tunnelling = eckart(imaginary, heights[0], heights[1], temperature) if min(heights) > 0.0 else 1.0
    exponent = -(saddle.energy - reactant.energy) / (BOLTZMANN * temperature)
    return math.log(ATTEMPTS * temperature) + ratio + exponent + math.log(tunnelling), tunnelling


def _with_zero_point(point: StationaryPoint, rules: HarmonicRules) -> float:
    if rules.statistics == "classical":
        return point.energy
    real = point.wavenumbers[point.wavenumbers > 0]
    return point.energy + 0.5 * SECOND_RADIATION * BOLTZMANN * float(real.sum())


def rate(
    reactant: StationaryPoint,
    product: StationaryPoint | None,
    saddle: StationaryPoint,
    masses: FloatArray,
    temperature: float,
    rules: HarmonicRules,
    *,
    isolated: bool = True,
    is_product: Callable[[FloatArray], bool] | None = None,
) -> HarmonicRate:
    """Harmonic rate from a minimum over a saddle.

    Parameters
    ----------
    reactant, product
        Minima on both sides; the product is used for tunnelling, and to tell whether both ends are equal.
    saddle
        With one imaginary mode.
    masses
        Dalton, shape (n_atoms,).
    temperature
        K.
    rules
        See :class:`HarmonicRules`.
    isolated
        Whether the molecule turns freely.
    is_product
        Whether positions (nm, shape (n_atoms, 3)) are those of the product that is meant, where both ends are equal but
        for mirror image and numbering; None: any such end is.

    Raises
    ------
    ValueError
        When the minimum has an imaginary mode, or the saddle has not exactly one.
    """
    if reactant.n_imaginary:
        raise ValueError(f"{reactant.name} has an imaginary mode of {-reactant.wavenumbers.min():.0f} cm^-1")
    if saddle.n_imaginary != 1:
        raise ValueError(f"{saddle.name} has {saddle.n_imaginary} imaginary modes, and not one")

    def ln_rate(t: float) -> float:
        return _ln_rate(reactant, product, saddle, masses, t, rules, isolated)[0]

    copies = 1.0
    if isolated:
        copies = copies_of(reactant, product, saddle, masses, is_product)
    ln_k, tunnelling = _ln_rate(reactant, product, saddle, masses, temperature, rules, isolated)
    ln_k += math.log(copies)
    step = 1e-3 * temperature
    slope = (ln_rate(temperature + step) - ln_rate(temperature - step)) / (2.0 * step)  # d ln k / dT
    activation = BOLTZMANN * temperature**2 * slope
    enthalpy = activation - BOLTZMANN * temperature
    # k = (kT/h) exp(S/R - H/RT)
    entropy = 1000.0 * BOLTZMANN * (ln_k - math.log(ATTEMPTS * temperature) + enthalpy / (BOLTZMANN * temperature))
    return HarmonicRate(
        reactant=reactant.name,
        product="" if product is None else product.name,
        saddle=saddle.name,
        temperature=temperature,
        rate=math.exp(ln_k),
        barrier=saddle.energy - reactant.energy,
        enthalpy=enthalpy,
        entropy=entropy,
        activation_energy=activation,
        ln_prefactor=ln_k + activation / (BOLTZMANN * temperature),
        tunnelling=tunnelling,
        copies=copies,
    )
