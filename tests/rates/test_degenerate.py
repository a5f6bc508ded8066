"""Harmonic rates where both ends are equal but for mirror image or numbering: against counting and a quadrature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as build_molecule
from ase.data import atomic_masses, atomic_numbers
from scipy.integrate import trapezoid
from scipy.spatial.transform import Rotation

from separatrix import potentials
from separatrix.config.load import load
from separatrix.core.files import read_json
from separatrix.core.molecule import read_geometry, superposed
from separatrix.core.units import BOLTZMANN
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import StationaryPoint, find_minimum, find_saddle
from separatrix.rates import harmonic, molecular_symmetry
from separatrix.rates.harmonic import HarmonicRules
from separatrix.results.stationary_files import write_stationary
from separatrix.workflow.harmonic_rates import harmonic_rates

PLAIN = HarmonicRules("classical", "harmonic", 50.0, "none")
Path_ = tuple[list[str], np.ndarray, np.ndarray, np.ndarray]


def ammonia(bent: float = 0.0) -> Path_:
    """N, three H: up, flat (or with the first hydrogen off the plane and away, no plane of symmetry left), down."""

    def at(height: float) -> np.ndarray:
        angle = np.radians([0.0, 120.0, 240.0])
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(3)], axis=1) * 0.094
        return np.vstack([[0.0, 0.0, height], ring])

    top = at(0.0)
    top[1] += [bent, 0.0, bent]
    return ["N", "H", "H", "H"], at(0.036), top, at(-0.036)


def peroxide(around: float) -> Path_:
    """H2O2 over the flat saddle, trans (180) or cis (0)."""

    def at(dihedral: float) -> np.ndarray:
        half = np.radians(dihedral) / 2.0
        first, second = ([0.095 * math.cos(t), 0.095 * math.sin(t)] for t in (half, -half))
        return np.array([[0, 0, 0.073], [0, 0, -0.073], [*first, 0.09], [*second, -0.09]])

    return ["O", "O", "H", "H"], at(around - 60.0), at(around), at(around + 60.0)


def substitution() -> Path_:
    """Cl- + CH3Cl: the complex, the saddle with both chlorines alike, and the complex with them exchanged."""

    def at(near: float, far: float, umbrella: float) -> np.ndarray:
        hydrogens = ammonia()[2][1:] + np.array([0.0, 0.0, umbrella])
        return np.vstack([[[0, 0, 0], [0, 0, near], [0, 0, -far]], hydrogens])

    before, after = at(0.18, 0.32, -0.03), at(0.32, 0.18, 0.03)
    return ["C", "Cl", "Cl", "H", "H", "H"], before, at(0.23, 0.23, 0.0), after


def malonaldehyde() -> Path_:
    """The proton between two oxygens, flat."""

    def at(shift: float) -> np.ndarray:
        c = [[0, 0, 0], [0.122, 0.07, 0], [-0.122, 0.07, 0]]
        o = [[0.125 - 0.1 * shift, 0.197, 0], [-0.125 - 0.1 * shift, 0.197, 0]]
        h = [[shift, 0.22, 0], [0, -0.108, 0], [0.216, 0.015, 0], [-0.216, 0.015, 0]]
        return np.array([*c, *o, *h])

    return list("CCCOOHHHH"), at(0.025), at(0.0), at(-0.025)


def ethane() -> Path_:
    """A third of a turn about the bond, over the eclipsed saddle."""

    def at(turn: float) -> np.ndarray:
        upper = ammonia()[2][1:] + np.array([0.0, 0.0, 0.115])
        lower = Rotation.from_euler("z", turn, degrees=True).apply(ammonia()[2][1:]) - [0.0, 0.0, 0.115]
        return np.vstack([[[0, 0, 0.077], [0, 0, -0.077]], upper, lower])

    return ["C"] * 2 + ["H"] * 6, at(60.0), at(120.0), at(180.0)


def shift() -> Path_:
    """A hydrogen that goes from one corner of a triangle to the next, as it goes round cyclopentadiene."""
    angle = np.radians([0.0, 120.0, 240.0])
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(3)], axis=1) * 0.085

    def at(place: float) -> np.ndarray:
        way = Rotation.from_euler("z", place, degrees=True)
        return np.vstack([ring, way.apply([0.19, 0.0, 0.0])])

    return ["C", "C", "C", "H"], at(0.0), at(60.0), at(120.0)


def loss() -> Path_:
    """Ethane whose first hydrogen moves away: ends that differ."""
    symbols, start, _, _ = ethane()
    top, end = start.copy(), start.copy()
    top[2] *= 1.3
    end[2] *= 1.8
    return symbols, start, top, end


PATHS: dict[str, tuple[Callable[[], Path_], float]] = {
    "ammonia": (ammonia, 1.0),
    "ammonia, saddle with no symmetry that swaps the ends": (lambda: ammonia(0.05), 6.0),
    "peroxide, trans": (lambda: peroxide(180.0), 1.0),
    "peroxide, cis": (lambda: peroxide(0.0), 1.0),
    "substitution": (substitution, 1.0),
    "malonaldehyde": (malonaldehyde, 1.0),
    "ethane": (ethane, 2.0),
    "shift": (shift, 2.0),
    "loss": (loss, 6.0),
}


def signature(x: np.ndarray) -> tuple[bytes, ...]:
    """What a geometry with numbered atoms is but for where it lies and how it is turned; mirror images differ."""
    x = x - x.mean(axis=0)
    triple = np.einsum("ia,jb,kc,abc->ijk", x, x, x, _LEVI_CIVITA)
    # Units in which nothing lies on the border of two roundings.
    return tuple((np.rint(math.pi * part / size) + 0.0).tobytes() for part, size in ((x @ x.T, 1e-7), (triple, 1e-8)))


_LEVI_CIVITA = np.zeros((3, 3, 3))
for _i, _j, _k in itertools.permutations(range(3)):
    _LEVI_CIVITA[_i, _j, _k] = np.linalg.det(np.eye(3)[[_i, _j, _k]])


def counted(symbols: list[str], start: np.ndarray, top: np.ndarray, end: np.ndarray) -> tuple[int, int]:
    """Different saddles that touch the start, and those of them that touch the end too, by trying all renumberings."""
    groups = [[i for i, s in enumerate(symbols) if s == kind] for kind in dict.fromkeys(symbols)]
    first, last = signature(start), signature(end)
    leaving, joining = set(), set()
    for parts in itertools.product(*(itertools.permutations(g) for g in groups)):
        order = np.empty(len(symbols), dtype=int)
        for group, part in zip(groups, parts, strict=True):
            order[group] = part
        for sign in (1.0, -1.0):
            ends = {signature(sign * start[order]), signature(sign * end[order])}
            if first in ends:
                leaving.add(signature(sign * top[order]))
                if last in ends:
                    joining.add(signature(sign * top[order]))
    return len(leaving), len(joining)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("seed", [1, 2])
def test_copies_are_the_saddles_that_touch_a_minimum(name: str, seed: int):
    make, expected = PATHS[name]
    symbols, *geometries = make()
    leaving, joining = counted(symbols, *geometries)
    assert leaving == expected
    masses = atomic_masses[[atomic_numbers[s] for s in symbols]]
    # Numbering of equal atoms and orientation of each geometry are of no account.
    rng = np.random.default_rng(seed)
    start, top, end = (x - np.average(x, axis=0, weights=masses) for x in geometries)
    mode = superposed(end, top, masses) - superposed(start, top, masses)
    turns = Rotation.random(3, random_state=rng)
    size = 3 * len(symbols) - 6
    reactant, saddle, product = (
        StationaryPoint(
            "point", None, turn.apply(x), energy, np.linspace(300.0, 3000.0, size), np.zeros((size, *x.shape)), 0.0
        )
        for x, turn, energy in zip((start, top, end), turns, (0.0, 50.0, 20.0 if name == "loss" else 0.0), strict=True)
    )
    saddle.wavenumbers[0], saddle.modes[0] = -800.0, turns[1].apply(mode)
    rate = harmonic.rate(reactant, product, saddle, masses, 300.0, PLAIN)
    assert rate.copies == pytest.approx(leaving)
    # Not only to any such end, but to the one whose numbering is that of the product.
    if name != "loss":
        wanted = signature(end)
        named = harmonic.rate(
            reactant, product, saddle, masses, 300.0, PLAIN, is_product=lambda x: signature(x) == wanted
        )
        assert named.copies == pytest.approx(joining)
    # A saddle that swaps its ends shows by itself that they are equal.
    alone = harmonic.rate(reactant, None, saddle, masses, 300.0, PLAIN)
    if "no symmetry" not in name:
        assert alone.copies == pytest.approx(leaving)
    back = harmonic.rate(product, reactant, saddle, masses, 300.0, PLAIN)
    if name != "loss":
        assert (back.copies, back.rate) == (rate.copies, pytest.approx(rate.rate))


def test_a_saddle_without_such_an_operation_is_counted_as_before():
    """Whatever its mode: of a geometry whose ends differ, all operations count."""
    atoms = build_molecule("C2H6")
    masses, x = atoms.get_masses(), atoms.get_positions() / 10.0
    size = 18
    breathing = StationaryPoint("s", None, x, 0.0, np.linspace(-900.0, 3000.0, size), np.tile(x, (size, 1, 1)), 0.0)
    assert molecular_symmetry.of_passage(breathing, masses) == (molecular_symmetry.symmetry(x, masses), False)


# Ammonia on GFN1-xTB: the whole way from files to the rate ------------------------------------------------------

SYSTEM = """
name: NH3
atoms: {N: 0, H1: 1, H2: 2, H3: 3}
coordinates:
  umbrella: {kind: dihedral, atoms: [H1, H2, H3, N]}
basins:
  up: {geometry: up.xyz, within: [{coordinate: umbrella, range_deg: [22.5, 80]}]}
  down: {geometry: down.xyz, within: [{coordinate: umbrella, range_deg: [-80, -22]}]}
reaction: {from: up, to: down}
variables:
  extra:
  - {name: height, kind: improper, atoms: [N, H1, H2, H3]}
saddle_guesses:
  - {name: flat, start: up, pull: [{coordinate: umbrella, target_deg: 0, strength_kcal_mol: 200}]}
"""
CONFIG = """
system: system.yaml
results_directory: results
seed: 7
temperature_K: 300
methods:
  gfn1:
    potential: tblite
    options: {method: GFN1-xTB}
    dynamics: {time_step_fs: 0.5, shift_fs: 2, longest_half_fs: 400}
rates:
  temperatures_K: [300, 400, 600]
  harmonic: {statistics: classical, low_modes: harmonic, tunnelling: none}
"""


def test_ammonia_turns_inside_out_as_fast_as_a_quadrature_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Classical transition-state theory over height and radius, rotation included, without any symmetry number.

    Only the pairs of E modes are harmonic there, as they are in the rate.
    """
    for name, height in (("up", 0.36), ("down", -0.36)):
        hydrogens = "H 0.94 0 0\nH -0.47 0.81406 0\nH -0.47 -0.81406 0\n"
        (tmp_path / f"{name}.xyz").write_text(f"4\n{name}\nN 0 0 {height}\n{hydrogens}")
    (tmp_path / "system.yaml").write_text(SYSTEM)
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    loaded = load(read_yaml("config.yaml"), ["config.yaml"])
    method, system = loaded.methods["gfn1"], loaded.system
    potential = potentials.build(method.potential, system.molecule, method.options)
    masses = system.molecule.masses
    minima = {
        b.name: find_minimum(
            system.molecule, potential, read_geometry(system.geometries[b.name])[1], b, system.basins, fmax=0.02
        )
        for b in system.basins
    }
    guess = system.saddle_guesses[0]
    saddle = find_saddle(
        system.molecule, potential, minima["up"].positions, guess.biases, system.basins, name=guess.name, fmax=0.02
    )
    for name, point in (*minima.items(), ("flat", saddle)):
        write_stationary(point, system.molecule.symbols, f"{name}.nc", source="GFN1-xTB")
    settings = loaded.settings("harmonic", "gfn1")
    harmonic_rates(settings, {b: f"{b}.nc" for b in minima}, ["flat.nc"], "harmonic.json")
    found = read_json("harmonic.json")

    heights, radii = np.linspace(0.0, 0.07, 15), np.linspace(0.085, 0.112, 16)

    def at(height: float, radius: float) -> np.ndarray:
        angle = np.radians([0.0, 120.0, 240.0])
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(3)], axis=1) * radius
        return np.vstack([[0.0, 0.0, height], ring])

    energy = np.array([[potential.energy_and_gradient(at(h, r))[0] for r in radii] for h in heights])
    energy -= energy.min()
    turning = np.array(
        [[np.sqrt(np.prod(molecular_symmetry.principal_moments(at(h, r), masses))) for r in radii] for h in heights]
    )
    # Wavenumbers come in pairs for modes of E: two of the minimum's six, the third of each kind being of A1 or A2.
    pairs = [_pairs(minima["up"].wavenumbers), _pairs(saddle.wavenumbers[1:])]
    modes = np.prod(pairs[0]) / np.prod(pairs[1])
    reduced = 3.0 * masses[1] * masses[0] / (3.0 * masses[1] + masses[0])
    for temperature, nearly in ((300.0, 0.05), (600.0, 0.1)):
        kt = BOLTZMANN * temperature
        weight = turning * np.exp(-energy / kt)
        top, well = trapezoid(weight[0], radii), trapezoid(trapezoid(weight, radii, axis=1), heights)
        exact = math.sqrt(kt / (2.0 * math.pi * reduced)) * top / well * 1e12 * modes
        for start in ("up", "down"):
            rate = next(r for r in found["rates"] if (r["from"], r["temperature"]) == (start, temperature))["rate"]
            assert rate == pytest.approx(exact, rel=nearly)
    # One rate both ways, so half of each at equilibrium; and the prefactor is that of the whole rate.
    assert found["kinetics"][0]["equilibrium"] == pytest.approx({"up": 0.5, "down": 0.5}, abs=1e-4)
    single = found["by_channel"][0]
    assert single["copies"] == 1.0
    assert single["ln_prefactor"] - single["activation_energy"] / (BOLTZMANN * 300.0) == pytest.approx(
        math.log(single["rate"])
    )


def _pairs(wavenumbers: np.ndarray) -> np.ndarray:
    """The wavenumbers that come twice."""
    near = np.flatnonzero(np.diff(wavenumbers) < 0.002 * wavenumbers[1:])
    assert len(near) == 2
    return np.concatenate([wavenumbers[[i, i + 1]] for i in near])
