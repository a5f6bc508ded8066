"""Harmonic rates: against ASE's thermochemistry, an exactly solvable surface, and published limits."""

from __future__ import annotations

import decimal
import itertools
import math
import warnings
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import molecule as build_molecule
from ase.thermochemistry import IdealGasThermo
from ase.units import invcm, kB, kJ, mol
from hypothesis import given, settings
from hypothesis import strategies as st
from models import dnab
from scipy import integrate
from scipy.spatial.transform import Rotation

from separatrix.config.load import load
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_json
from separatrix.core.molecule import read_geometry
from separatrix.core.section import check
from separatrix.core.units import BOLTZMANN, wavenumber
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.rates import channels, harmonic, molecular_symmetry, tunnelling
from separatrix.rates.harmonic import HarmonicRules
from separatrix.results.stationary_files import write_no_saddle, write_stationary
from separatrix.workflow.harmonic_rates import harmonic_rates

MOLECULE, E = dnab("E")
_, Z = dnab("Z")
RNG = np.random.default_rng(7)
REAL = np.sort(RNG.uniform(40.0, 3200.0, 96))


def point(name: str, positions: np.ndarray, energy: float, wavenumbers: np.ndarray) -> StationaryPoint:
    modes = np.zeros((len(wavenumbers), *positions.shape))
    return StationaryPoint(name, None, positions, energy, np.asarray(wavenumbers), modes, 0.0)


REACTANT = point("minimum Z", Z, 3.0, REAL)
PRODUCT = point("minimum E", E, -20.0, REAL * 1.01)
SADDLE = point("saddle", 0.5 * (Z + E), 90.0, np.concatenate([[-420.0], REAL[1:] * 0.97]))
MASSES = MOLECULE.masses
PLAIN = HarmonicRules("quantum", "harmonic", 50.0, "none")


def gibbs(found: StationaryPoint, temperature: float) -> float:
    """ASE's ideal-gas free energy, eV."""
    real = found.wavenumbers[found.wavenumbers > 0]
    atoms = ase.Atoms(MOLECULE.symbols, found.positions * 10.0, masses=MASSES)
    thermo = IdealGasThermo(
        vib_energies=real * invcm,
        geometry="nonlinear",
        potentialenergy=found.energy * kJ / mol,
        atoms=atoms,
        symmetrynumber=1,
        spin=0,
        ignore_imag_modes=True,
        vib_selection="all",
    )
    return thermo.get_gibbs_energy(temperature, 1e5, verbose=False)


@pytest.mark.parametrize("temperature", [250.0, 300.0, 500.0])
def test_rate_is_that_of_ases_free_energies(temperature: float):
    ours = harmonic.rate(REACTANT, PRODUCT, SADDLE, MASSES, temperature, PLAIN)
    difference = gibbs(SADDLE, temperature) - gibbs(REACTANT, temperature)
    expected = harmonic.ATTEMPTS * temperature * math.exp(-difference / (kB * temperature))
    assert ours.rate == pytest.approx(expected * ours.copies, rel=1e-4)


def test_classical_rate_is_vineyards():
    """Product of the minimum's frequencies over that of the saddle's real ones, no Planck constant left."""
    rules = replace(PLAIN, statistics="classical")
    found = harmonic.rate(REACTANT, PRODUCT, SADDLE, MASSES, 300.0, rules, isolated=False)
    light = 2.99792458e10  # cm/s
    ratio = np.prod(REACTANT.wavenumbers / np.append(SADDLE.wavenumbers[1:], 1.0))
    expected = light * ratio * math.exp(-87.0 / (BOLTZMANN * 300.0))
    assert found.rate == pytest.approx(expected, rel=1e-9)
    assert found.activation_energy == pytest.approx(87.0, abs=1e-4)
    assert found.enthalpy == pytest.approx(87.0 - BOLTZMANN * 300.0, abs=1e-4)


def test_arrhenius_and_eyring_numbers_give_the_rate_back():
    found = harmonic.rate(REACTANT, PRODUCT, SADDLE, MASSES, 350.0, HarmonicRules())
    rt = BOLTZMANN * 350.0
    assert math.exp(found.ln_prefactor - found.activation_energy / rt) == pytest.approx(found.rate)
    eyring = harmonic.ATTEMPTS * 350.0 * math.exp(found.entropy / 1000.0 / BOLTZMANN - found.enthalpy / rt)
    assert eyring == pytest.approx(found.rate)


def test_high_temperature_is_classical_and_low_temperature_is_zero_point():
    modes = np.array([300.0, 1500.0])
    quantum, classical = PLAIN, replace(PLAIN, statistics="classical")
    hot = [harmonic.ln_oscillators(modes, 1e5, rules) for rules in (quantum, classical)]
    assert hot[0] == pytest.approx(hot[1], abs=1e-4)
    cold = harmonic.ln_oscillators(modes, 20.0, quantum)
    assert cold == pytest.approx(-0.5 * tunnelling.SECOND_RADIATION * modes.sum() / 20.0, rel=1e-6)


def test_low_modes():
    modes = np.array([10.0, 400.0])
    raised = harmonic.ln_oscillators(modes, 300.0, replace(PLAIN, low_modes="raised", cutoff=100.0))
    assert raised == harmonic.ln_oscillators(np.array([100.0, 400.0]), 300.0, PLAIN)
    # Between oscillator and rotor a mode far above the cutoff stays what it is, and one far below counts far less.
    rules = replace(PLAIN, low_modes="interpolated", cutoff=100.0)
    assert harmonic.ln_oscillators(modes[1:], 300.0, rules) == pytest.approx(
        harmonic.ln_oscillators(modes[1:], 300.0, PLAIN), abs=0.01
    )
    assert harmonic.ln_oscillators(modes[:1], 300.0, rules) < harmonic.ln_oscillators(modes[:1], 300.0, PLAIN) - 0.5


def test_grimmes_entropy_of_a_mode():
    """Grimme's equations with h, k and the inertia written out in SI units, for 30 cm^-1 at 298.15 K."""
    h, k, c, t, nu = 6.62607015e-34, 1.380649e-23, 2.99792458e10, 298.15, 30.0
    inertia = h / (8.0 * math.pi**2 * c * nu)
    inertia = inertia * 1e-44 / (inertia + 1e-44)
    rotor = 0.5 + math.log(math.sqrt(8.0 * math.pi**3 * inertia * k * t / h**2))
    x = h * c * nu / (k * t)
    vibration = x / math.expm1(x) - math.log(-math.expm1(-x))
    weight = 1.0 / (1.0 + (100.0 / nu) ** 4)
    energy = x * (0.5 + 1.0 / math.expm1(x))
    expected = weight * vibration + (1.0 - weight) * rotor - energy
    rules = replace(PLAIN, low_modes="interpolated", cutoff=100.0)
    assert harmonic.ln_oscillators(np.array([nu]), t, rules) == pytest.approx(expected, rel=1e-6)


# Tunnelling -------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.floats(50.0, 400.0), st.floats(60.0, 200.0), st.floats(60.0, 200.0))
def test_eckart_goes_over_to_wigner_where_tunnelling_is_weak(imaginary: float, forward: float, backward: float):
    temperature = 900.0
    eckart = tunnelling.eckart(imaginary, forward, backward, temperature)
    # Next order in h nu / kT and in kT / barrier.
    assert eckart == pytest.approx(tunnelling.wigner(imaginary, temperature), abs=0.01)
    # Both ways alike: detailed balance.
    assert eckart == pytest.approx(tunnelling.eckart(imaginary, backward, forward, temperature), rel=1e-3)


def test_eckart_is_the_average_of_the_transmission_of_a_wave():
    """The transmission through V / cosh^2 in closed form (Landau and Lifshitz, Quantum Mechanics, section 25)."""
    barrier, imaginary, temperature = 40.0, 1200.0, 300.0
    quantum = tunnelling.SECOND_RADIATION * imaginary / temperature
    v = barrier / (BOLTZMANN * temperature)
    alpha = 2.0 * math.pi * v / quantum
    e = np.linspace(1e-6, v + 50.0, 400_001)
    a = alpha * np.sqrt(e / v)
    d = 0.5 * math.sqrt(4.0 * alpha**2 - math.pi**2)
    through = np.sinh(a) ** 2 / (np.sinh(a) ** 2 + np.cosh(d) ** 2)
    expected = integrate.trapezoid(through * np.exp(v - e), e)
    assert expected > 4.0
    assert tunnelling.eckart(imaginary, barrier, barrier, temperature) == pytest.approx(expected, rel=1e-4)


def eckart_in_80_digits(imaginary: float, forward: float, backward: float, temperature: float) -> float:
    """The same average by the usual formula, in arithmetic that its differences cannot hurt."""
    with decimal.localcontext() as context:
        context.prec = 80
        kt = BOLTZMANN * temperature
        quantum = tunnelling.SECOND_RADIATION * imaginary / temperature
        v1, v2 = Decimal(forward / kt), Decimal(backward / kt)
        pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
        alpha1, alpha2 = (2 * pi * v / Decimal(quantum) for v in (v1, v2))
        scale = 1 / alpha1.sqrt() + 1 / alpha2.sqrt()

        def cosh(x: Decimal) -> Decimal:
            return (x.exp() + (-x).exp()) / 2

        d = cosh(2 * (alpha1 * alpha2 - pi * pi / 4).sqrt())
        start = max(Decimal(0), v1 - v2)
        step = (v1 + 60 - start).sqrt() / 150
        total = Decimal(0)
        nodes, weights = np.polynomial.legendre.leggauss(10)
        for piece, (node, weight) in itertools.product(range(150), zip(nodes, weights, strict=True)):
            u = step * (piece + (1 + Decimal(float(node))) / 2)
            e = start + u * u
            a = 2 * (alpha1 * e / v1).sqrt() / scale
            b = 2 * ((e / v1 - 1) * alpha1 + alpha2).sqrt() / scale
            through = 1 - (cosh(a - b) + d) / (cosh(a + b) + d)
            total += Decimal(float(weight)) / 2 * step * 2 * u * through * (v1 - e).exp()
        return float(total)


@pytest.mark.parametrize("temperature", [600.0, 300.0, 250.0, 200.0, 150.0, 100.0])
@pytest.mark.parametrize(
    ("imaginary", "forward", "backward"),
    [(1600.0, 150.0, 150.0), (1195.0, 242.876, 154.076), (1500.0, 100.0, 80.0), (500.0, 17.0, 25.0)],
)
def test_eckart_of_deep_tunnelling_is_that_of_many_digits(
    imaginary: float, forward: float, backward: float, temperature: float
):
    """Transmissions of 1e-16 and less count there: the 1,5 shift of a hydrogen, HCN, and two that hardly tunnel."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tunnelling.eckart(imaginary, forward, backward, temperature)
        back = tunnelling.eckart(imaginary, backward, forward, temperature)
    assert found == pytest.approx(eckart_in_80_digits(imaginary, forward, backward, temperature), rel=1e-8)
    assert back == pytest.approx(found, rel=1e-9)


def test_eckart_of_a_barrier_lower_than_a_quantum():
    """There cosh d is a cosine."""
    forward, backward, imaginary, temperature = 5.0, 4.0, 1500.0, 300.0
    kt, quantum = BOLTZMANN * temperature, tunnelling.SECOND_RADIATION * imaginary / temperature
    v1, v2 = forward / kt, backward / kt
    alpha1, alpha2 = 2.0 * math.pi * v1 / quantum, 2.0 * math.pi * v2 / quantum
    assert alpha1 * alpha2 < math.pi**2 / 4.0
    d = math.cos(2.0 * math.sqrt(math.pi**2 / 4.0 - alpha1 * alpha2))
    u = np.linspace(0.0, math.sqrt(60.0 + v2), 200_001)
    e = v1 - v2 + u**2
    scale = alpha1**-0.5 + alpha2**-0.5
    a, b = 2.0 * np.sqrt(alpha1 * e / v1) / scale, 2.0 * np.sqrt((e / v1 - 1.0) * alpha1 + alpha2 + 1e-15) / scale
    through = 1.0 - (np.cosh(a - b) + d) / (np.cosh(a + b) + d)
    expected = integrate.trapezoid(through * np.exp(v1 - e) * 2.0 * u, u)
    assert tunnelling.eckart(imaginary, forward, backward, temperature) == pytest.approx(expected, rel=1e-6)


def test_rates_below_the_crossover_temperature_are_not_to_be_believed():
    """Of a parabola the exact correction is (u/2)/sin(u/2), u = h nu/kT, which has no bound at u = 2 pi."""
    limit = tunnelling.crossover(1195.0)
    assert tunnelling.SECOND_RADIATION * 1195.0 / limit == pytest.approx(2.0 * math.pi)
    half = tunnelling.SECOND_RADIATION * 1195.0 / (2.0 * limit) / 2.0
    assert tunnelling.wigner(1195.0, 2.0 * limit) < 0.9 * half / math.sin(half)
    at = (150.0, 300.0, 600.0)

    def said(tunnelling: str, statistics: str = "quantum") -> list[str]:
        return harmonic.cautions("top", -1195.0, at, HarmonicRules(statistics, tunnelling=tunnelling))

    deep = "over top at 150 K, below the crossover temperature of 274 K (1195i cm⁻¹), tunnelling far beneath the top "
    deep += "decides: transition-state theory{} is not to be believed there"
    assert said("eckart") == [deep.format(" with Eckart's correction")]
    assert said("none") == [deep.format("")] and said("none", "classical") == []
    first, second = said("wigner", "classical")
    assert first == deep.format(" with Wigner's correction") and second.startswith("over top at 300 K, below twice")
    assert harmonic.cautions("top", -420.0, (300.0,), HarmonicRules(tunnelling="wigner")) == []


# Geometry ---------------------------------------------------------------------------------------------------


def test_moments_and_mirror_images():
    np.testing.assert_allclose(
        molecular_symmetry.principal_moments(E, MASSES),
        np.sort(ase.Atoms(MOLECULE.symbols, E * 10.0, masses=MASSES).get_moments_of_inertia()) / 100.0,
        rtol=1e-8,
    )
    flat = E.copy()
    flat[:, 2] = 0.0
    assert not molecular_symmetry.symmetry(flat, MASSES).chiral
    twisted = flat.copy()
    twisted[MOLECULE.n_atoms // 2 :, 2] = 0.1 * np.arange(MOLECULE.n_atoms - MOLECULE.n_atoms // 2)
    assert molecular_symmetry.symmetry(twisted, MASSES).chiral
    # A turned and shifted copy is no mirror image.
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    assert not molecular_symmetry.symmetry(flat @ turn + 1.0, MASSES).chiral


def test_a_mode_that_finite_differences_cannot_tell_from_real_counts_as_real():
    """Below 20i cm^-1 a sign means nothing: the rate is that of the mode with the other sign."""
    rules = replace(PLAIN, low_modes="raised")
    flip = np.array([-1.0, *np.ones(95)])
    soft = np.concatenate([[12.0], REAL[1:]])
    one = harmonic.rate(replace(REACTANT, wavenumbers=soft), PRODUCT, SADDLE, MASSES, 300.0, rules)
    two = harmonic.rate(replace(REACTANT, wavenumbers=soft * flip), PRODUCT, SADDLE, MASSES, 300.0, rules)
    assert two.rate == one.rate
    top = np.concatenate([[-420.0, -8.0], SADDLE.wavenumbers[2:]])
    third = harmonic.rate(REACTANT, PRODUCT, replace(SADDLE, wavenumbers=top), MASSES, 300.0, rules)
    fourth = harmonic.rate(
        REACTANT, PRODUCT, replace(SADDLE, wavenumbers=np.abs(top) * [-1, *np.ones(95)]), MASSES, 300.0, rules
    )
    assert third.rate == fourth.rate


def test_a_chiral_saddle_from_a_flat_minimum_counts_twice():
    flat = E.copy()
    flat[:, 2] = 0.0
    achiral = replace(REACTANT, positions=flat)
    one = harmonic.rate(achiral, PRODUCT, replace(SADDLE, positions=flat), MASSES, 300.0, PLAIN)
    twisted = flat.copy()
    twisted[::2, 2] = 0.03 * np.arange(len(flat[::2]))
    two = harmonic.rate(achiral, PRODUCT, replace(SADDLE, positions=twisted), MASSES, 300.0, PLAIN)
    assert (one.copies, two.copies) == (1.0, 2.0)
    rotation = math.exp(harmonic.ln_rotation(twisted, MASSES, 300.0) - harmonic.ln_rotation(flat, MASSES, 300.0))
    assert two.rate == pytest.approx(2.0 * rotation * one.rate)


def test_rate_from_a_linear_minimum_is_that_of_ases_free_energies():
    """H-C-N turns about two axes, its saddle about three: powers of T and h must come out right, not cancel."""
    masses = np.array([1.008, 12.011, 14.007])
    line = np.array([[-0.106, 1e-5, 0], [0, 0, 0], [0.115, 0, 0]])
    bent = np.array([[0.03, 0.114, 0], [0, 0, 0], [0.119, 0, 0]])
    minimum = point("HCN", line, 0.0, np.array([720.0, 720.0, 2100.0, 3400.0]))
    saddle = point("saddle", bent, 200.0, np.array([-1150.0, 2050.0, 2600.0]))
    for temperature in (300.0, 1000.0):
        energies = []
        for found, shape in ((minimum, "linear"), (saddle, "nonlinear")):
            thermo = IdealGasThermo(
                vib_energies=found.wavenumbers[found.wavenumbers > 0] * invcm,
                geometry=shape,
                potentialenergy=found.energy * kJ / mol,
                atoms=ase.Atoms("HCN", found.positions * 10.0, masses=masses),
                symmetrynumber=1,
                spin=0,
                ignore_imag_modes=True,
                vib_selection="all",
            )
            energies.append(thermo.get_gibbs_energy(temperature, 1e5, verbose=False))
        expected = harmonic.ATTEMPTS * temperature * math.exp(-(energies[1] - energies[0]) / (kB * temperature))
        ours = harmonic.rate(minimum, None, saddle, masses, temperature, PLAIN)
        assert ours.copies == 1.0
        assert ours.rate == pytest.approx(expected, rel=1e-3)
        # One more axis at the saddle: half a kT more of energy.
        flat = harmonic.rate(minimum, None, saddle, masses, temperature, PLAIN, isolated=False)
        assert ours.enthalpy - flat.enthalpy == pytest.approx(0.5 * BOLTZMANN * temperature, rel=1e-5)


SYMMETRY_NUMBERS = {
    "HCN": (1, False),
    "CO2": (2, False),
    "N2": (2, False),
    "H2O": (2, False),
    "NH3": (3, False),
    "CH4": (12, False),
    "C2H4": (4, False),
    "C2H6": (6, False),
    "C6H6": (12, False),
    "H2O2": (2, True),
    "CH3Cl": (3, False),
}


@pytest.mark.parametrize("name", SYMMETRY_NUMBERS)
def test_symmetry_numbers_of_textbook_molecules(name: str):
    """As in any textbook, for any orientation and numbering, and for a geometry that a search left a trifle off."""
    atoms, rng = build_molecule(name), np.random.default_rng(4)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    order = rng.permutation(len(atoms))
    x = (atoms.get_positions() / 10.0)[order] @ turn + 0.3
    masses = atoms.get_masses()[order]
    assert molecular_symmetry.symmetry(x, masses) == molecular_symmetry.MolecularSymmetry(*SYMMETRY_NUMBERS[name])
    off = x + 1e-4 * rng.standard_normal(x.shape)
    assert molecular_symmetry.symmetry(off, masses) == molecular_symmetry.MolecularSymmetry(*SYMMETRY_NUMBERS[name])


def test_an_isotope_takes_symmetry_away():
    atoms = build_molecule("CH4")
    masses = atoms.get_masses()
    masses[1] = 2.014
    assert molecular_symmetry.symmetry(atoms.get_positions() / 10.0, masses) == molecular_symmetry.MolecularSymmetry(
        3, False
    )


def test_equal_channels_are_counted_once_and_in_full():
    """Ethane to a saddle where one of its six hydrogens has moved: six such saddles, and one rate holds them all."""
    atoms = build_molecule("C2H6")
    x, masses = atoms.get_positions() / 10.0, atoms.get_masses()
    modes = np.linspace(300.0, 3000.0, 18)
    minimum = point("minimum", x, 0.0, modes)
    hydrogen = int(np.flatnonzero(masses < 2.0)[0])
    carbons = x[masses > 2.0]
    near, far = sorted(carbons, key=lambda c: np.linalg.norm(c - x[hydrogen]))
    moved = x.copy()
    moved[hydrogen] += 0.03 * (near - far) / np.linalg.norm(near - far)
    saddle = point("saddle", moved, 100.0, np.concatenate([[-900.0], modes[1:]]))
    assert harmonic.rate(minimum, None, saddle, masses, 300.0, PLAIN).copies == 6.0
    assert harmonic.rate(point("far", moved, 0.0, modes), None, saddle, masses, 300.0, PLAIN).copies == 1.0


def test_kramers_high_friction_is_not_needed_for_a_surface_with_a_known_rate():
    """A one-dimensional well: omega/2 pi exp(-V/kT), from the curvature alone."""
    omega2, omega_b2, barrier = 9000.0, 4000.0, 20.0  # ps^-2, kJ/mol
    well = point("A", np.zeros((1, 3)), 0.0, np.array([wavenumber(omega2)]))
    top = point("top", np.zeros((1, 3)), barrier, np.array([wavenumber(-omega_b2)]))
    rules = replace(PLAIN, statistics="classical")
    found = harmonic.rate(well, None, top, np.ones(1), 300.0, rules, isolated=False)
    expected = math.sqrt(omega2) * 1e12 / (2.0 * math.pi) * math.exp(-barrier / (BOLTZMANN * 300.0))
    assert found.rate == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("reactant", "saddle", "message"),
    [
        (replace(REACTANT, wavenumbers=np.append(-30.0, REAL[1:])), SADDLE, "minimum Z has an imaginary mode of 30"),
        (REACTANT, replace(SADDLE, wavenumbers=REAL), "saddle has 0 imaginary modes"),
        (REACTANT, replace(SADDLE, wavenumbers=np.append([-50.0, -40.0], REAL[2:])), "saddle has 2 imaginary modes"),
    ],
)
def test_what_is_no_minimum_or_saddle_is_refused(reactant, saddle, message):
    with pytest.raises(ValueError, match=message):
        harmonic.rate(reactant, PRODUCT, saddle, MASSES, 300.0, PLAIN)


# Channels ---------------------------------------------------------------------------------------------------


def test_mirror_images_and_renumbered_saddles_are_one_channel():
    symbols = np.array(MOLECULE.symbols)
    hydrogens = np.flatnonzero(symbols == "H")
    order = np.arange(len(symbols))
    order[hydrogens] = np.roll(hydrogens, 3)
    mirror = SADDLE.positions * np.array([1.0, 1.0, -1.0])
    other = replace(SADDLE, positions=0.3 * Z + 0.7 * E)
    found = {
        "first": replace(SADDLE, energy=90.1),
        "mirrored": replace(SADDLE, positions=mirror),
        "other": other,
        "renumbered": replace(SADDLE, positions=SADDLE.positions[order] + 1.0),
        "higher": replace(SADDLE, energy=91.0),
    }
    kinds = channels.channels_among(found, MOLECULE.symbols)
    assert [c.guesses for c in kinds] == [("first", "mirrored", "renumbered"), ("other",), ("higher",)]
    # The lowest of those that are one.
    assert kinds[0].saddle.energy == 90.0
    assert channels.channels_among({}, MOLECULE.symbols) == []


def test_a_point_without_atoms_to_tell_apart_is_known_by_its_energy():
    one = point("top", np.zeros((1, 3)), 20.0, np.array([-400.0]))
    found = channels.channels_among({"a": one, "b": replace(one, energy=20.1), "c": replace(one, energy=21.0)}, ["H"])
    assert [c.guesses for c in found] == [("a", "b"), ("c",)]


def stage_files(folder: Path) -> tuple[dict[str, Path], list[Path], StationaryPoint]:
    """Minima, three searches of which two have found a saddle, and the second of these."""
    higher = replace(SADDLE, positions=0.3 * Z + 0.7 * E, energy=93.0)
    files = [folder / f"saddle_{i}.nc" for i in range(3)]
    write_stationary(SADDLE, MOLECULE.symbols, files[0], source="a test")
    write_no_saddle("rotation: no saddle within 80 cycles", files[1], source="a test")
    write_stationary(higher, MOLECULE.symbols, files[2], source="a test")
    minima = {"Z": folder / "Z.nc", "E": folder / "E.nc"}
    for name, minimum in (("Z", REACTANT), ("E", PRODUCT)):
        write_stationary(minimum, MOLECULE.symbols, minima[name], source="a test")
    return minima, files, higher


@pytest.mark.parametrize("tunnelling", ["none", "wigner", "eckart"])
@pytest.mark.parametrize("key", ["rates.temperatures_K", "temperature_K"])
def test_too_cold_for_a_rate_is_one_clear_line(tmp_path: Path, tunnelling: str, key: str):
    """Rates of exp(-1000) are zero, and the average over an Eckart barrier is beyond all numbers."""
    data = read_yaml("config/config.yaml")
    data["rates"] |= {"harmonic": {"tunnelling": tunnelling}}
    cold = 5 if tunnelling == "eckart" else 10
    if key == "temperature_K":
        data["temperature_K"] = cold
    else:
        data["rates"]["temperatures_K"] = [cold]
    settings_ = load(data).settings("harmonic", "pm6")
    minima, files, _ = stage_files(tmp_path)
    said = rf"^no harmonic rate: {key}: at {cold} K the rate .* is beyond .*; give a higher temperature$"
    with pytest.raises(SamplingError, match=said):
        harmonic_rates(settings_, minima, files, tmp_path / "harmonic.json")


def test_rates_of_channels_add_up(tmp_path: Path):
    """The stage: two saddles and a guess without one, from files to the sum and its shares."""
    data = check(read_yaml("config/config.yaml"), ConfigSection, "config/config.yaml")
    settings_ = load(data).settings("harmonic", "pm6")
    minima, files, higher = stage_files(tmp_path)
    harmonic_rates(settings_, minima, files, tmp_path / "harmonic.json")
    found = read_json(tmp_path / "harmonic.json")
    assert [c["guesses"] for c in found["channels"]] == [["inversion at N10"], ["inversion at N9"]]
    assert found["without_saddle"] == {"rotation": "rotation: no saddle within 80 cycles"}
    assert found["channels"][1]["energy_above"] == pytest.approx({"Z": 90.0, "E": 113.0})
    rules = HarmonicRules(**data["rates"]["harmonic"])
    total = next(r for r in found["rates"] if (r["from"], r["temperature"]) == ("E", 480.0))
    ends = (PRODUCT, REACTANT)
    single = [harmonic.rate(*ends, s, MASSES, 480.0, rules).rate for s in (SADDLE, higher)]
    assert total["rate"] == pytest.approx(sum(single), rel=1e-9)
    np.testing.assert_allclose(total["shares"], np.array(single) / sum(single), rtol=1e-9)
    # From a classical rate to quantised vibrations: u/sinh u of each mode, u = h nu/2kT; both saddles have the same.
    u = [
        tunnelling.SECOND_RADIATION * np.maximum(w, rules.cutoff) / 960.0
        for w in (SADDLE.wavenumbers[1:], PRODUCT.wavenumbers)
    ]
    ratio = math.exp(np.log(u[0] / np.sinh(u[0])).sum() - np.log(u[1] / np.sinh(u[1])).sum())
    assert total["quantum_vibrations"] == pytest.approx(ratio, rel=1e-9) and ratio > 2.0
    assert total["tunnelling"] == pytest.approx(tunnelling.wigner(420.0, 480.0), rel=1e-9)
    assert total["quantum_factor"] == pytest.approx(total["quantum_vibrations"] * total["tunnelling"], rel=1e-9)
    assert total["quantum_factor"] == pytest.approx(total["rate"] / total["classical_rate"], rel=1e-9)
    at = next(k for k in found["kinetics"] if k["temperature"] == 480.0)
    # Next to nothing of Z is left at equilibrium, and next to all of E: it has no half-life.
    from_z = next(r for r in found["rates"] if (r["from"], r["temperature"]) == ("Z", 480.0))
    assert at["half_lives"] == {"Z": pytest.approx(math.log(2.0) / from_z["rate"], rel=0.01), "E": None}
    for file in files:
        write_no_saddle("nothing there", file, source="a test")
    with pytest.raises(SamplingError, match="no guess has led to a saddle"):
        harmonic_rates(settings_, minima, files, tmp_path / "harmonic.json")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("H", {"inversion at N6": 0.5, "inversion at N7": 0.5}), ("NO2", {"inversion at N7": 1.0})],
)
def test_a_symmetric_reactant_shares_a_channel_between_mechanisms(name: str, expected: dict[str, float]):
    """Azobenzene inverts at either nitrogen over equal saddles; a substituent tells them apart."""
    file = "config/examples/azobenzenes/base.yaml"
    merged = read_yaml(file) | read_yaml(f"config/examples/azobenzenes/{name}.yaml")
    system = load(merged, [file]).system
    _, x = read_geometry(system.geometries["E"])
    # The ring of C8 is swung about N7 until N6-N7-C8 is linear.
    ring = [i for i in range(8, len(x)) if np.linalg.norm(x[i] - x[8]) < np.linalg.norm(x[i] - x[5])]
    a, b = (x[i] - x[7] for i in (8, 6))
    normal = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    angle = math.acos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) - math.pi
    moved = x.copy()
    moved[ring] = x[7] + Rotation.from_rotvec(angle * normal).apply(x[ring] - x[7])
    vibrations = np.ones(3 * len(x) - 6)
    found = channels.mechanisms_of(system, point("s", moved, 0.0, vibrations), point("E", x, 0.0, vibrations))
    assert found == expected
