"""Harmonic transition-state theory: rates from stationary points alone.

k = gamma (kT/h) (Q_saddle / Q_reactant) exp(-dV/kT), with the vibrational and rotational partition functions Q of rigid
rotors and harmonic oscillators, without the imaginary mode at the saddle (Eyring, J. Chem. Phys. 1935, 3, 107; for the
classical one Vineyard, J. Phys. Chem. Solids 1957, 3, 121). gamma holds the symmetry numbers and mirror images.

Energies are in kJ/mol, wavenumbers in cm^-1, temperatures in K, rates in 1/s.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import constants, integrate

from separatrix.core.molecule import superposed
from separatrix.core.plain import Plain
from separatrix.core.units import BOLTZMANN
from separatrix.dynamics.motion import is_linear
from separatrix.dynamics.stationary import StationaryPoint

FloatArray = NDArray[np.float64]

#: hc/k in cm K: a wavenumber times this over T is h nu / kT.
SECOND_RADIATION: float = constants.value("second radiation constant") * 100.0
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
    found = np.abs(np.asarray(wavenumbers, dtype=float))
    if rules.low_modes == "raised":
        found = np.maximum(found, rules.cutoff)
    x = SECOND_RADIATION * found / temperature
    oscillator = -np.log(x) if rules.statistics == "classical" else -0.5 * x - np.log(-np.expm1(-x))
    if rules.low_modes != "interpolated":
        return float(oscillator.sum())
    # Grimme interpolates the entropy; with the energy of the oscillator kept, ln Q = S/k - E/kT.
    if rules.statistics == "classical":
        energy, entropy = np.ones_like(x), 1.0 - np.log(x)
    else:
        energy = x * (0.5 + 1.0 / np.expm1(x))
        entropy = x / np.expm1(x) - np.log(-np.expm1(-x))
    inertia = constants.h / (8.0 * math.pi**2 * constants.c * 100.0 * found)  # kg m^2, of a rotor of that frequency
    average = 1e-44  # kg m^2; keeps the inertia of a very low mode finite
    reduced = inertia * average / (inertia + average)
    rotor = 0.5 + np.log(np.sqrt(8.0 * math.pi**3 * reduced * constants.k * temperature) / constants.h)
    weight = 1.0 / (1.0 + (rules.cutoff / found) ** 4)
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


def principal_moments(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Principal moments of inertia, dalton nm^2, ascending, shape (3,)."""
    x = positions - np.average(positions, axis=0, weights=masses)
    tensor = np.einsum("i,ij,ik->jk", masses, x, x)
    return np.linalg.eigvalsh(np.trace(tensor) * np.eye(3) - tensor)


@dataclass(frozen=True)
class Symmetry:
    """Ways in which a geometry falls on itself, equal atoms exchanged.

    Attributes
    ----------
    number
        Of rotations, the symmetry number.
    chiral
        Whether no reflection does the same; a chiral saddle between achiral minima stands for two of one energy.
    """

    number: int
    chiral: bool

    @property
    def weight(self) -> float:
        """States of one energy that the geometry stands for, up to a factor that all geometries of a molecule share."""
        return (2.0 if self.chiral else 1.0) / self.number


def symmetry(positions: FloatArray, masses: FloatArray, tolerance: float = 0.02) -> Symmetry:
    """Symmetry number and chirality of a geometry; see :func:`operations`."""
    found = operations(positions, masses, tolerance)
    return Symmetry(sum(not reflected for reflected, _ in found), not any(reflected for reflected, _ in found))


def operations(
    positions: FloatArray, masses: FloatArray, tolerance: float = 0.02
) -> frozenset[tuple[bool, tuple[int, ...]]]:
    """Rotations and reflections that leave a molecule as it was, but for the numbering of equal atoms.

    Parameters
    ----------
    positions, masses
        nm, shape (n_atoms, 3), and dalton. Atoms of one mass are equal.
    tolerance
        By how much (nm) an atom may miss: searches stop at a largest force, and less is lost in zero-point motion.

    Returns
    -------
    Of each, whether it reflects, and the atom that each atom comes to lie on.
    """
    return _ways(positions, positions, masses, tolerance)


def _ways(
    positions: FloatArray, target: FloatArray, masses: FloatArray, tolerance: float = 0.02
) -> frozenset[tuple[bool, tuple[int, ...]]]:
    """The same that take one geometry to another, both of shape (n_atoms, 3); none where they differ in more."""
    x, y = (of - np.average(of, axis=0, weights=masses) for of in (positions, target))
    if len(x) < 2 or is_linear(x, masses) or is_linear(y, masses):
        if len(x) > 1 and not (is_linear(x, masses) and is_linear(y, masses)):
            return frozenset()
        straight = set()
        for moved in (_on_a_line(x), -_on_a_line(x)):
            onto = _matching(moved, _on_a_line(y), masses)
            if onto is not None and np.linalg.norm(moved - _on_a_line(y)[onto], axis=1).max() < tolerance:
                straight.add(tuple(onto.tolist()))
        return frozenset(itertools.product((False, True), straight))
    alike = masses[:, None] == masses
    alike &= np.abs(np.linalg.norm(x, axis=1)[:, None] - np.linalg.norm(y, axis=1)) < 2.0 * tolerance
    # Two atoms out of line with the centre fix an operation; those with the fewest likes make the shortest search.
    area, areas = (np.linalg.norm(np.cross(of[:, None], of[None]), axis=2) for of in (x, y))
    wide = np.argwhere(area > 0.25 * area.max())
    first, second = min(wide.tolist(), key=lambda pair: alike[pair[0]].sum() * alike[pair[1]].sum())
    apart, frame = np.linalg.norm(x[first] - x[second]), _frame(x[first], x[second])
    found: set[tuple[bool, tuple[int, ...]]] = set()
    for a, b in itertools.product(np.flatnonzero(alike[first]), np.flatnonzero(alike[second])):
        if a == b or areas[a, b] < 0.05 * area.max() or abs(np.linalg.norm(y[a] - y[b]) - apart) > 4.0 * tolerance:
            continue
        for reflected in (False, True):
            moved = x @ frame * ([1.0, 1.0, -1.0] if reflected else 1.0) @ _frame(y[a], y[b]).T
            onto = _matching(moved, y, masses)
            if onto is not None and _misfit(moved, y[onto], masses) < tolerance:
                found.add((reflected, tuple(onto.tolist())))
    return frozenset(found)


def _on_a_line(x: FloatArray) -> FloatArray:
    """A straight molecule laid along one axis, shape (n_atoms, 3)."""
    return np.outer(x @ np.linalg.svd(x)[2][0], [1.0, 0.0, 0.0])


def of_passage(saddle: StationaryPoint, masses: FloatArray) -> tuple[Symmetry, bool]:
    """Symmetry of a saddle together with the direction in which it is passed, and whether another one turns that round.

    An operation that takes the imaginary mode to its opposite maps one end of the path on the other. It makes no two
    saddles one: the path over the saddle from left to right and the one from right to left are two (Pollak and
    Pechukas, J. Am. Chem. Soc. 1978, 100, 2984; Fernandez-Ramos et al., Theor. Chem. Acc. 2007, 118, 813).
    """
    x = saddle.positions - np.average(saddle.positions, axis=0, weights=masses)
    root = np.sqrt(masses)[:, None]
    weighted, mode = root * x, root * saddle.modes[0]
    kept, turned = [], False
    for reflected, way in operations(saddle.positions, masses):
        onto = list(way)
        left, _, right = np.linalg.svd(weighted.T @ weighted[onto])
        handed = np.linalg.det(left @ right) * (-1.0 if reflected else 1.0)
        moved = mode @ left @ np.diag([1.0, 1.0, np.sign(handed)]) @ right
        # Of a mode that is not degenerate, as the only imaginary one is, the overlap is 1 or -1.
        if float((moved * mode[onto]).sum()) < -0.5 * float((mode**2).sum()):
            turned = True
        else:
            kept.append(reflected)
    return Symmetry(kept.count(False), True not in kept), turned


def _copies(
    reactant: StationaryPoint,
    product: StationaryPoint | None,
    saddle: StationaryPoint,
    masses: FloatArray,
    is_product: Callable[[FloatArray], bool] | None,
) -> float:
    """Factor gamma of :func:`rate`."""
    passage, turned = of_passage(saddle, masses)
    found = passage.weight / symmetry(reactant.positions, masses).weight
    equal = product is not None and abs(product.energy - reactant.energy) < SAME_ENERGY
    degenerate = turned or (equal and bool(_ways(reactant.positions, product.positions, masses)))
    if degenerate and not turned:
        # No operation of the saddle swaps the equal ends; then its image with the ends swapped is a second saddle.
        found *= 2.0
    if degenerate and product is not None and is_product is not None:
        # Where ends are equal, images of the path may lead to others than the one that is asked for: the hydrogen
        # that goes round cyclopentadiene goes to either neighbour.
        images = [
            product.positions[list(way)] * (-1.0 if reflected else 1.0)
            for reflected, way in operations(reactant.positions, masses)
        ]
        found *= (sum(map(is_product, images)) or len(images)) / len(images)
    return found


def _frame(a: FloatArray, b: FloatArray) -> FloatArray:
    """Right-handed axes, in columns: along a, then in the plane of a and b."""
    one = a / np.linalg.norm(a)
    two = b - (b @ one) * one
    two /= np.linalg.norm(two)
    return np.column_stack([one, two, np.cross(one, two)])


def _matching(moved: FloatArray, x: FloatArray, masses: FloatArray) -> NDArray[np.int64] | None:
    """Atom of `x` that each moved atom lies on, of its own mass and each once; None where there is no such match."""
    distance = np.linalg.norm(moved[:, None] - x[None], axis=2)
    onto = np.where(masses[:, None] == masses, distance, np.inf).argmin(axis=1)
    return onto if len(set(onto.tolist())) == len(onto) else None


def _misfit(moved: FloatArray, target: FloatArray, masses: FloatArray) -> float:
    """How far the worst atom is off, after the best turn by mass."""
    return float(np.linalg.norm(superposed(moved, target, masses) - target, axis=1).max())


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
    limit, found = crossover(imaginary), []
    mode = f"{abs(imaginary):.0f}i cm⁻¹"
    if deep := [f"{t:g}" for t in sorted(temperatures) if t < limit]:
        what = "" if rules.tunnelling == "none" else f" with {rules.tunnelling.capitalize()}'s correction"
        found.append(
            f"over {name} at {', '.join(deep)} K, below the crossover temperature of {limit:.0f} K ({mode}), "
            f"tunnelling far beneath the top decides: transition-state theory{what} is not to be believed there"
        )
    if rules.tunnelling == "wigner" and (near := [f"{t:g}" for t in sorted(temperatures) if limit <= t < 2.0 * limit]):
        found.append(
            f"over {name} at {', '.join(near)} K, below twice the crossover temperature of {limit:.0f} K ({mode}), "
            "Wigner's correction, the first term of a series, is too small by a tenth or more; take "
            "rates.harmonic.tunnelling: eckart"
        )
    return found


@dataclass(frozen=True)
class Channel:
    """A saddle, and the guesses that led to it.

    Attributes
    ----------
    saddle
        The lowest of those that count as this one.
    guesses
        Names.
    """

    saddle: StationaryPoint
    guesses: tuple[str, ...]


#: Two searches have found one saddle when energies (kJ/mol) and distances between atoms (nm, root mean square) agree so
#: well: searches stop at a largest force, and a flat direction leaves them some way apart.
SAME_ENERGY, SAME_DISTANCES = 0.2, 0.005


def channels(found: Mapping[str, StationaryPoint], symbols: Sequence[str]) -> list[Channel]:
    """Different saddles among those that guesses have led to, in the order of the guesses.

    Mirror images count as one, and so do saddles that differ in the numbering of equal atoms alone: :func:`rate` counts
    them all.

    Parameters
    ----------
    found
        Saddle that each guess has led to.
    symbols
        Elements, shape (n_atoms,).
    """
    groups: list[list[str]] = []
    for name, point in found.items():
        for group in groups:
            if _same(found[group[0]], point, symbols):
                group.append(name)
                break
        else:
            groups.append([name])
    return [Channel(min((found[n] for n in group), key=lambda p: p.energy), tuple(group)) for group in groups]


def _same(one: StationaryPoint, other: StationaryPoint, symbols: Sequence[str]) -> bool:
    if abs(one.energy - other.energy) > SAME_ENERGY:
        return False
    differences = _distances(one.positions, symbols) - _distances(other.positions, symbols)
    return len(differences) == 0 or bool(np.sqrt(np.mean(differences**2)) < SAME_DISTANCES)


def _distances(positions: FloatArray, symbols: Sequence[str]) -> FloatArray:
    """Distances between atoms, sorted within each pair of elements."""
    first, second = np.triu_indices(len(positions), 1)
    lengths = np.linalg.norm(positions[first] - positions[second], axis=1)
    pairs = np.array(["".join(sorted((symbols[i], symbols[j]))) for i, j in zip(first, second, strict=True)])
    return lengths[np.lexsort((lengths, pairs))] if len(lengths) else lengths


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
        copies = _copies(reactant, product, saddle, masses, is_product)
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
