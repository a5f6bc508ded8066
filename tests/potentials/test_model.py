"""The analytic surfaces: forces, published stationary points, the canonical ensemble, and transition paths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from models import NoLengthFactor, Unnamed, numerical_gradient, well

from separatrix import potentials
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import build_system
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule, read_geometry
from separatrix.core.section import check
from separatrix.core.units import BOLTZMANN, FEMTOSECOND, wavenumber
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, kinetic_energy, maxwell_boltzmann
from separatrix.dynamics.motion import thermal_velocities
from separatrix.dynamics.stationary import (
    find_minimum,
    find_saddle,
    hessian,
    normal_modes,
    quench,
    relax,
    walk_to_saddle,
)
from separatrix.potentials import Potential
from separatrix.potentials.engines.model import SURFACES
from separatrix.sampling.committor import shoot
from separatrix.sampling.shooting import AimlessSelector, Chain, first_path
from separatrix.workflow import engine_check as health

KT = BOLTZMANN * 300.0
ONE, TWO = Molecule(("C",), ()), Molecule(("C", "C"), ())


def molecule_of(name: str) -> Molecule:
    return ONE if SURFACES[name].dimension == 1 else TWO


def model(name: str, **options: float) -> Potential:
    return potentials.build("model", molecule_of(name), {"surface": name, **options})


def at(x: float, y: float | None = None) -> np.ndarray:
    """Positions in nm."""
    positions = np.zeros((1 if y is None else 2, 3))
    positions[0, 0] = x
    if y is not None:
        positions[1, 1] = y
    return positions


def engine_of(name: str, time_step: float = 1.0, frame: int = 8, longest: float = 8000.0, **options: float) -> MDEngine:
    return MDEngine(molecule_of(name), model(name, **options), DynamicsSettings(300.0, time_step, frame, longest))


# Surfaces ---------------------------------------------------------------------------------------------------


def test_energies_are_the_documented_expressions():
    x, y = 0.031, -0.017
    found = model("double-well-1d", barrier_kJ_mol=9.0, half_distance_nm=0.04, tilt_kJ_mol=2.0)
    assert found.energy_and_gradient(at(x))[0] == pytest.approx(well(x, 9.0, 0.04, 2.0), rel=1e-12)
    shape = {"barrier_kJ_mol": 9.0, "half_distance_nm": 0.04, "force_constant_kJ_mol_nm2": 7000.0}
    found = model("double-well-2d", **shape, slope=0.7)
    expected = well(x, 9.0, 0.04) + 3500.0 * (y - 0.7 * x) ** 2
    assert found.energy_and_gradient(at(x, y))[0] == pytest.approx(expected, rel=1e-12)
    found = model("solute-solvent", **shape, coupling_kJ_mol_nm2=3000.0)
    expected = well(x, 9.0, 0.04) + 3500.0 * y**2 - 3000.0 * x * y
    assert found.energy_and_gradient(at(x, y))[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_forces_are_the_derivative_of_the_energy(name):
    potential = model(name)
    rng = np.random.default_rng(1)
    for _ in range(5):
        x = rng.normal(0.0, 0.05, (SURFACES[name].dimension, 3))
        _, gradient = potential.energy_and_gradient(x)
        numerical = numerical_gradient(lambda p: potential.energy_and_gradient(p)[0], x)
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-4)
        # What does not move feels nothing.
        assert not gradient[~potential.active].any()
        assert gradient[potential.active].all()
        assert health.force_error(potential, x) < potential.force_tolerance


@pytest.mark.parametrize("name", SURFACES)
def test_masses_belong_to_coordinates(name):
    masses = {"mass_x_Da": 3.0, "mass_y_Da": 70.0} if SURFACES[name].dimension == 2 else {"mass_x_Da": 3.0}
    assert model(name, **masses).masses.tolist() == list(masses.values())


@pytest.mark.parametrize(
    ("options", "molecule", "message"),
    [
        ({"surface": "mueller-brwon"}, TWO, "did you mean 'mueller-brown'"),
        ({}, ONE, "surface: missing"),
        ({"surface": "mueller-brown", "slope": 1.0}, TWO, "slope: surface 'mueller-brown' has no such parameter"),
        ({"surface": "double-well-1d", "mass_y_Da": 1.0}, ONE, "mass_y_Da: surface 'double-well-1d' has no such"),
        ({"surface": "double-well-1d"}, TWO, "needs a geometry of 1 atoms, one per coordinate, not 2"),
        ({"surface": "double-well-1d", "mass_x_Da": 0}, ONE, "mass_x_Da: 0 is below"),
        ({"surface": "double-well-1d", "worker": True}, ONE, "no such option"),
    ],
)
def test_mistakes_are_told(options, molecule, message):
    with pytest.raises(ConfigError, match=message):
        potentials.build("model", molecule, options)


def test_an_isolated_molecule_has_no_coordinates_that_stand_still():
    potential = model("double-well-1d")
    with pytest.raises(ValueError, match="isolated"):
        Potential(potential.system, "", active=potential.active)


# Coordinates along an axis ----------------------------------------------------------------------------------


def test_basins_by_cartesian_coordinate():
    positions = np.arange(6.0).reshape(2, 3)
    found = [Variable("q", kind, (1,)).value(positions) for kind in "xyz"]
    assert found == pytest.approx([30.0, 40.0, 50.0])
    assert Variable("q", "x", (0,)).unit == "angstrom"
    left = Basin("L", (Interval(Variable("q", "x", (0,)), -9.0, -0.4),))
    right = Basin("R", (Interval(Variable("q", "x", (0,)), 0.4, 9.0),))
    assert left.disjoint(right)
    assert left.contains(at(-0.05)) and not left.contains(at(-0.03)) and right.contains(at(0.05))


def test_basins_by_cartesian_coordinate_in_a_system_file(root, tmp_path):
    """The system of DNAB with its basins told apart by where one atom is."""
    file = root / "config" / "systems" / "dnab.yaml"
    data = check(yaml.safe_load(file.read_text()), SystemSection, str(file))
    names = list(data["basins"])
    atom, index = next(iter(data["atoms"].items()))
    where = [10.0 * read_geometry(data["basins"][n]["geometry"])[1][index] for n in names]
    axis = int(np.argmax(np.abs(where[1] - where[0])))
    middle = 0.5 * (where[0] + where[1])[axis]
    data["coordinates"]["place"] = {"kind": "xyz"[axis], "atoms": [atom]}
    low, high = (0, 1) if where[0][axis] < where[1][axis] else (1, 0)
    data["basins"][names[low]]["within"] = [{"coordinate": "place", "range_A": [-99.0, middle - 1e-4]}]
    data["basins"][names[high]]["within"] = [{"coordinate": "place", "range_A": [middle + 1e-4, 99.0]}]
    system = build_system(check(data, SystemSection, "here"), "here")
    assert [i.coordinate.kind for b in system.basins for i in b.intervals] == ["xyz"[axis]] * 2
    data["basins"][names[low]]["within"] = [{"coordinate": "place", "range_deg": [0.0, 1.0]}]
    with pytest.raises(ConfigError, match="give its range as range_A"):
        build_system(data, "here")
    data["coordinates"]["place"]["atoms"] = list(data["atoms"])[:2]
    with pytest.raises(ConfigError, match=r"needs 1 atoms, 2 are given"):
        build_system(data, "here")


# Stationary points ------------------------------------------------------------------------------------------

#: Published stationary points of the Mueller-Brown surface: x, y, energy
MINIMA = [(-0.558224, 1.441726, -146.69952), (0.623499, 0.028038, -108.16672), (-0.050011, 0.466694, -80.76782)]
SADDLES = [(-0.822002, 0.624313, -40.66484), (0.212487, 0.292988, -72.24894)]


def published(length: float, energy: float) -> dict[str, list[tuple[np.ndarray, float]]]:
    return {
        "minima": [(at(length * x, length * y), energy * e) for x, y, e in MINIMA],
        "saddles": [(at(length * x, length * y), energy * e) for x, y, e in SADDLES],
    }


def around(positions: np.ndarray) -> Basin:
    """0.15 angstrom either way."""
    x, y = 10.0 * positions[0, 0], 10.0 * positions[1, 1]
    return Basin(
        "there",
        (
            Interval(Variable("x", "x", (0,)), x - 0.15, x + 0.15),
            Interval(Variable("y", "y", (1,)), y - 0.15, y + 0.15),
        ),
    )


@pytest.mark.parametrize(("length", "energy"), [(0.1, 1.0), (0.05, 0.4)])
def test_published_stationary_points_of_the_mueller_brown_surface(length, energy):
    potential = model("mueller-brown", length_nm=length, energy_kJ_mol=energy)
    surface = potential.energy_and_gradient
    points = published(length, energy)
    for expected, height in points["minima"]:
        found = relax(TWO, surface, expected + at(0.05 * length, -0.04 * length), fmax=1e-4, steps=500)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * length)
        assert surface(found)[0] == pytest.approx(height, rel=1e-5)
    for expected, height in points["saddles"]:
        start = expected + at(0.02 * length, -0.03 * length)
        found = walk_to_saddle(surface, start, fmax=1e-4, cycles=80, isolated=False, active=potential.active)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * length)
        assert surface(found)[0] == pytest.approx(height, rel=1e-5)


def test_the_verified_search_finds_minima_and_saddle():
    """Through the functions that the workflow calls, with basins by x and y."""
    potential = model("mueller-brown")
    points = published(0.1, 1.0)
    basins = []
    for i, (x, height) in enumerate(points["minima"]):
        basin = Basin("ABC"[i], around(x).intervals)
        basins.append(basin)
        point = find_minimum(TWO, potential, x + at(0.003, 0.003), basin, [basin], fmax=0.001)
        np.testing.assert_allclose(point.positions, x, atol=1e-5)
        assert point.energy == pytest.approx(height, rel=1e-5)
        assert len(point.wavenumbers) == 2 and point.n_imaginary == 0
        assert not point.modes[:, ~potential.active].any()
    joins = {0: {"A", "C"}, 1: {"B", "C"}}
    for i, (x, height) in enumerate(points["saddles"]):
        point = find_saddle(TWO, potential, x, [], basins, name="saddle", fmax=0.001)
        np.testing.assert_allclose(point.positions, x, atol=1e-5)
        assert point.energy == pytest.approx(height, rel=1e-5)
        assert point.n_imaginary == 1 and set(point.joins) == joins[i]


def test_wavenumbers_are_the_analytic_ones():
    potential = model("double-well-2d", barrier_kJ_mol=10.0, slope=0.5, mass_x_Da=9.0, mass_y_Da=30.0)
    k, c, a, m = 20000.0, 0.5, 0.05, np.array([9.0, 30.0])
    for x, curvature in ((0.0, -4.0 * 10.0 / a**2), (a, 8.0 * 10.0 / a**2)):
        matrix = np.array([[curvature + k * c**2, -k * c], [-k * c, k]]) / np.sqrt(np.outer(m, m))
        expected = [wavenumber(v) for v in np.linalg.eigvalsh(matrix)]
        positions = at(x, c * x)
        found, modes = normal_modes(
            hessian(potential.energy_and_gradient, positions, 1e-5),
            positions,
            potential.masses,
            isolated=False,
            active=potential.active,
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        weighted = modes * np.sqrt(m)[None, :, None]
        np.testing.assert_allclose(np.einsum("aij,bij->ab", weighted, weighted), np.eye(2), atol=1e-12)


def test_without_a_mask_all_coordinates_of_a_field_count():
    values, _ = normal_modes(np.diag([1.0, 2.0, 3.0]), np.zeros((1, 3)), np.ones(1), isolated=False)
    np.testing.assert_allclose(values, [wavenumber(v) for v in (1.0, 2.0, 3.0)])


# Dynamics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SURFACES)
def test_velocities_fill_active_coordinates_only(name):
    potential = model(name, **({"mass_y_Da": 70.0} if SURFACES[name].dimension == 2 else {}))
    positions = at(0.01) if SURFACES[name].dimension == 1 else at(0.01, 0.02)
    rng = np.random.default_rng(2)
    n = 20000
    v = np.array(
        [
            maxwell_boltzmann(positions, potential.masses, 300.0, rng, isolated=False, active=potential.active)
            for _ in range(n)
        ]
    )
    assert not v[:, ~potential.active].any()
    found = v[:, potential.active] ** 2 * potential.masses / KT
    assert np.abs(found.mean(axis=0) - 1.0).max() < 4.0 * np.sqrt(2.0 / n)
    assert np.abs((found**2).mean(axis=0) - 3.0).max() < 4.0 * np.sqrt(96.0 / n)
    assert abs(v[:, potential.active].mean()) < 4.0 * np.sqrt(KT / potential.masses.min() / n)
    free = maxwell_boltzmann(positions, potential.masses, 300.0, np.random.default_rng(3), isolated=False)
    assert free.all()


@pytest.mark.parametrize("name", SURFACES)
def test_energy_is_conserved_to_second_order(name):
    """At half the step the energy wanders a quarter as far; nothing leaves its axis."""
    start = at(-0.0558, 0.1442) if name == "mueller-brown" else at(0.05) if name.endswith("1d") else at(0.05, 0.0)
    worst = []
    for step in (1.0, 0.5):
        engine = engine_of(name, time_step=step, frame=1)
        potential = engine.potential
        v = maxwell_boltzmann(
            start, potential.masses, 600.0, np.random.default_rng(4), isolated=False, active=potential.active
        )
        engine.current_snapshot = engine.snapshot(start, v)
        energies = [engine.potential_energy(start) + kinetic_energy(v, potential.masses)]
        for _ in range(round(1000.0 / step)):
            snapshot = engine.generate_next_frame()
            x, v = snapshot.coordinates._value, snapshot.velocities._value
            energies.append(engine.potential_energy(x) + kinetic_energy(v, potential.masses))
        assert not x[~potential.active].any() and not v[~potential.active].any()
        worst.append(np.ptp(energies))
    assert worst[0] < 0.2
    assert worst[0] / worst[1] == pytest.approx(4.0, rel=0.15)


def test_redrawn_velocities_give_the_canonical_ensemble():
    """Andersen dynamics: positions and velocities against quadrature of exp(-V/kT)."""
    barrier, a, tilt, k, c = 4.0, 0.05, 1.0, 8000.0, 0.6
    options = {"barrier_kJ_mol": barrier, "tilt_kJ_mol": tilt, "force_constant_kJ_mol_nm2": k, "slope": c}
    engine = engine_of("double-well-2d", time_step=2.0, frame=50, **options, mass_y_Da=30.0)
    potential = engine.potential
    rng = np.random.default_rng(5)
    x, rows = at(a, c * a), []
    for _ in range(12000):
        v = maxwell_boltzmann(x, potential.masses, 300.0, rng, isolated=False, active=potential.active)
        engine.current_snapshot = engine.snapshot(x, v)
        snapshot = engine.generate_next_frame()
        x, v = snapshot.coordinates._value, snapshot.velocities._value
        q, y = x[0, 0] / a, x[1, 1] / a
        rest = y - c * q
        kinetic = potential.masses * v[potential.active] ** 2 / KT
        rows.append((q, q**2, q**4, rest**2 * k * a**2 / KT, q * rest, *kinetic))
    grid = np.linspace(-2.5, 2.5, 20001)
    weight = np.exp(-np.array([well(s, barrier, 1.0, tilt) for s in grid]) / KT)
    weight /= weight.sum()
    exact = [weight @ grid, weight @ grid**2, weight @ grid**4, 1.0, 0.0, 1.0, 1.0]
    blocks = np.array([b.mean(axis=0) for b in np.array_split(np.array(rows), 40)])
    error = blocks.std(axis=0, ddof=1) / np.sqrt(40)
    deviation = (blocks.mean(axis=0) - exact) / error
    print(np.array([blocks.mean(axis=0), exact, error]).T)
    assert np.abs(deviation).max() < 4.0
    assert error[1] < 0.01 and error[3] < 0.03 and error[5] < 0.03


def test_quench_and_committor_shots_leave_the_rest_still():
    surface = type("Counting", (), {"count": 0, "potential": model("double-well-2d")})()
    surface.__class__.__call__ = lambda self, x: self.potential.energy_and_gradient(x)
    x = quench(TWO, surface, at(0.05, 0.025), temperature=300.0, time=50.0, fmax=1e-3, rng=np.random.default_rng(6))
    np.testing.assert_allclose(x, at(0.05, 0.025), atol=1e-5)
    engine = engine_of("double-well-2d")
    ends = []
    for i in range(200):
        ends.append(shoot(engine, basins_of(0.05), at(0.0, 0.0), place=(1, ("shot", i))).end)
        assert not engine.current_snapshot.velocities._value[~engine.potential.active].any()
    # By symmetry the committor is one half.
    assert set(ends) == {"A", "B"}
    assert abs(ends.count("B") - 100) < 4.0 * np.sqrt(50.0)


def test_check_draws_velocities_along_the_axes(monkeypatch):
    drawn = []

    def spy(*args, **kwargs):
        drawn.append(thermal_velocities(*args, **kwargs))
        return drawn[-1]

    monkeypatch.setattr(health, "thermal_velocities", spy)
    potential = model("double-well-2d")
    method = SimpleNamespace(name="model", seed=1, dynamics=DynamicsSettings(300.0, 0.5, 1, 100.0))
    drift, _ = health._drift(SimpleNamespace(molecule=TWO), method, potential, at(0.05, 0.025), 400)
    assert abs(drift) < potential.drift_tolerance
    assert not drawn[0][~potential.active].any() and drawn[0][potential.active].all()


# Transition paths -------------------------------------------------------------------------------------------

EDGE = 0.85


def basins_of(a: float) -> tuple[Basin, Basin]:
    x = Variable("x", "x", (0,))
    return (
        Basin("A", (Interval(x, -99.0, -10.0 * EDGE * a),)),
        Basin("B", (Interval(x, 10.0 * EDGE * a, 99.0),)),
    )


@dataclass(frozen=True)
class Coupled:
    """A double well coupled to a slow oscillator, and its transition paths found without this program.

    In `crossings`, plain dynamics at constant energy is started from the canonical ensemble, which it keeps, and
    every passage from one basin to the other whose start falls into a window is counted once. No velocities are
    redrawn, no path is weighted, nothing is shot.
    """

    barrier: float = 10.0
    a: float = 0.05
    k: float = 16000.0
    c: float = 0.6
    mass_x: float = 12.0
    mass_y: float = 100.0
    frame: int = 8

    @property
    def options(self) -> dict[str, float]:
        return {
            "barrier_kJ_mol": self.barrier,
            "half_distance_nm": self.a,
            "force_constant_kJ_mol_nm2": self.k,
            "slope": self.c,
            "mass_x_Da": self.mass_x,
            "mass_y_Da": self.mass_y,
        }

    def forces(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        stretch = self.k * (y - self.c * x)
        return -4.0 * self.barrier * x / self.a**2 * ((x / self.a) ** 2 - 1.0) + self.c * stretch, -stretch

    def crossings(self, walkers: int, window: int, frames: int, seed: int) -> np.ndarray:
        """A row per path: n, n^2, and the sums of x^2, y^2 and x y over its interior frames (x, y in units of a)."""
        rng = np.random.default_rng(seed)
        grid = np.linspace(-2.2 * self.a, 2.2 * self.a, 20001)
        weight = np.cumsum(np.exp(-well(grid, self.barrier, self.a) / KT))
        x = np.interp(rng.random(walkers), weight / weight[-1], grid)
        y = self.c * x + rng.normal(size=walkers) * np.sqrt(KT / self.k)
        u = rng.normal(size=walkers) * np.sqrt(KT / self.mass_x)
        v = rng.normal(size=walkers) * np.sqrt(KT / self.mass_y)
        seen = [(x, y)]
        fx, fy = self.forces(x, y)
        for _ in range(frames):
            for _ in range(self.frame):
                u, v = u + 0.5 * FEMTOSECOND * fx / self.mass_x, v + 0.5 * FEMTOSECOND * fy / self.mass_y
                x, y = x + FEMTOSECOND * u, y + FEMTOSECOND * v
                fx, fy = self.forces(x, y)
                u, v = u + 0.5 * FEMTOSECOND * fx / self.mass_x, v + 0.5 * FEMTOSECOND * fy / self.mass_y
            seen.append((x, y))
        where = np.array(seen).transpose(2, 1, 0) / self.a
        rows = []
        for x, y in where:
            side = (x >= EDGE).astype(int) - (x <= -EDGE)
            inside = np.flatnonzero(side)
            assert len(inside) == 0 or inside[-1] >= window  # every passage that began is seen to its end
            for first, last in pairwise(inside):
                if first < window and side[first] != side[last]:
                    q, s = x[first + 1 : last], y[first + 1 : last]
                    rows.append((len(q), len(q) ** 2, q @ q, s @ s, q @ s))
        return np.array(rows, dtype=float)

    def chain(self, seed: int, selector: type[AimlessSelector] = AimlessSelector, shift: int = 6) -> Chain:
        engine = engine_of("double-well-2d", frame=self.frame, **self.options)
        basins = basins_of(self.a)
        path, label, _ = first_path(engine, basins, at(0.0, 0.0), place=(seed, ("first",)))
        chain = Chain(engine, basins, Unnamed(), path, label, shift=shift, place=(seed, ("chain",)))
        if selector is not AimlessSelector:
            chain.selector = chain.mover.selector = selector(shift)
            chain.selector.label = label
        return chain

    def sample(self, chain: Chain, moves: int, burn_in: int = 100) -> np.ndarray:
        """The same rows for the present path after every move of a chain."""
        rows, present = [], None
        for index in range(moves):
            move = chain.move(index)
            if move.accepted:
                assert not move.path[:, :, ~chain.engine.potential.active].any()
                q, s = move.path[0, 1:-1, 0, 0] / self.a, move.path[0, 1:-1, 1, 1] / self.a
                present = (len(q), len(q) ** 2, q @ q, s @ s, q @ s)
            if present is not None and index >= burn_in:
                rows.append(present)
        return np.array(rows, dtype=float)


def averages(rows: np.ndarray) -> np.ndarray:
    """Mean number of interior frames; x^2, y^2 and x y pooled over the interior frames of all paths."""
    mean = rows.mean(axis=0)
    return np.array([mean[0], *(mean[2:] / mean[0])])


def jackknife(rows: np.ndarray, blocks: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """The averages and their standard errors."""
    index = np.array_split(np.arange(len(rows)), blocks)
    without = np.array([averages(np.delete(rows, part, axis=0)) for part in index])
    return averages(rows), np.sqrt((blocks - 1) * without.var(axis=0))


def deviations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many standard errors the averages of two sets of paths are apart."""
    (a, da), (b, db) = jackknife(one), jackknife(other)
    print(np.array([a, da, b, db]).T)
    return (a - b) / np.hypot(da, db)


@pytest.mark.slow
def test_aimless_shooting_finds_the_paths_of_plain_dynamics():
    weak = Coupled()
    free = weak.crossings(walkers=60000, window=75, frames=275, seed=11)
    shot = weak.sample(weak.chain(seed=12), 4000)
    assert np.abs(deviations(shot, free)).max() < 4.0
    assert np.abs(averages(shot)[:2] / averages(free)[:2] - 1.0).max() < 0.06


@pytest.mark.slow
def test_a_chain_without_the_length_factor_does_not():
    """With the oscillator's pull as strong as the barrier is curved, passages differ more in length."""
    strong = Coupled(c=1.0)
    free = strong.crossings(walkers=60000, window=75, frames=400, seed=13)
    mean = free.mean(axis=0)
    assert mean[1] / mean[0] > 1.15 * mean[0]
    assert np.abs(deviations(strong.sample(strong.chain(14), 3000), free)).max() < 4.0
    assert deviations(strong.sample(strong.chain(15, NoLengthFactor), 3000), free)[0] > 5.0
