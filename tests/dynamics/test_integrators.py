"""Langevin dynamics: the integrator itself, its equilibrium, its friction, its books, and what a half depends on."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from models import BATH_1D, BATH_2D, Analytic, DoubleWell
from scipy import stats

from separatrix.core.molecule import Molecule
from separatrix.core.seeds import stream
from separatrix.core.units import BOLTZMANN, FEMTOSECOND
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, kinetic_energy, run_half
from separatrix.potentials import Potential
from separatrix.potentials.potential import python_potential

MODEL = DoubleWell()
KT = BOLTZMANN * 300.0


def atoms(masses: np.ndarray, force_constant: float = 0.0) -> Potential:
    """Atoms that do not feel each other, each bound to the origin by a spring (kJ/mol/nm^2)."""
    system = openmm.System()
    spring = openmm.CustomExternalForce(f"{0.5 * force_constant}*(x^2 + y^2 + z^2)")
    for index, mass in enumerate(masses):
        system.addParticle(mass)
        spring.addParticle(index, [])
    system.addForce(spring)
    return Potential(system, "springs", isolated=False)


def engine_of(potential: Potential, time_step: float, friction: float, frames: int, steps: int = 1) -> MDEngine:
    """An engine whose runs give up after a number of frames."""
    n = potential.system.getNumParticles()
    settings = DynamicsSettings(300.0, time_step, steps, frames * steps * time_step, friction)
    return MDEngine(Molecule(("Ar",) * n, ()), potential, settings)


def run(engine: MDEngine, positions: np.ndarray, velocities: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities of all frames of a run that stops nowhere, shape (n_frames, n_atoms, 3)."""
    frames = list(engine.run(engine.snapshot(positions, velocities), lambda _: True, stream(seed, "noise")))
    x = np.array([f.getPositions(asNumpy=True)._value for f in frames])
    v = np.array([f.getVelocities(asNumpy=True)._value for f in frames])
    return x, v


def mean_and_error(samples: np.ndarray, blocks: int = 20) -> tuple[float, float]:
    """Mean, and its standard error from the means of blocks along the first axis."""
    means = np.array([block.mean() for block in np.array_split(samples, blocks)])
    return float(samples.mean()), float(means.std(ddof=1) / np.sqrt(blocks))


def agrees(samples: np.ndarray, expected: float, largest_error: float) -> bool:
    """Whether the mean is right within four standard errors, and known to a fraction of what is expected."""
    mean, error = mean_and_error(samples)
    print(f"{mean:.5g} +- {error:.2g}, expected {expected:.5g}: {(mean - expected) / error:.1f}")
    return abs(mean - expected) < 4.0 * error and error < largest_error * expected


# Integrator -------------------------------------------------------------------------------------------------


def test_integrator_is_textbook_baoab():
    """Kick, drift, bath, drift, kick: three frames of two steps against the formula written out."""
    potential, friction, dt = MODEL.potential(), 80.0, 2.0 * FEMTOSECOND
    engine = engine_of(potential, 2.0, friction, frames=3, steps=2)
    y, w = MODEL.at(0.4), stream(1, "v").normal(0.0, 0.4, (2, 3))
    x, v = run(engine, y, w, seed=2)
    masses, noise = potential.masses[:, None], stream(2, "noise")
    for frame in range(3):
        for _ in range(2):
            w = w - 0.5 * dt * potential.energy_and_gradient(y)[1] / masses
            y = y + 0.5 * dt * w
            kick = np.sqrt((1.0 - np.exp(-2.0 * friction * dt)) * KT / masses)
            w = np.exp(-friction * dt) * w + kick * noise.standard_normal((2, 3))
            y = y + 0.5 * dt * w
            w = w - 0.5 * dt * potential.energy_and_gradient(y)[1] / masses
        np.testing.assert_allclose(x[frame], y, atol=1e-12)
        np.testing.assert_allclose(v[frame], w, atol=1e-10)


@pytest.mark.parametrize("time_step", [1.0, 5.0])
def test_equilibrium_in_a_harmonic_well(time_step):
    """Positions are exact at any step; velocities fall short of kT/m by (omega dt)^2 / 4, which is BAOAB's mark."""
    masses = np.repeat([12.0, 40.0], 60)
    force_constant = 12.0 * 100.0**2
    engine = engine_of(atoms(masses, force_constant), time_step, friction=100.0, frames=2500, steps=2)
    start = stream(3, "start")
    x, v = run(
        engine,
        start.normal(0.0, np.sqrt(KT / force_constant), (120, 3)),
        engine.thermal_velocities(np.zeros((120, 3)), start),
        seed=3,
    )
    for mass in (12.0, 40.0):
        mine, omega = masses == mass, np.sqrt(force_constant / mass)
        short = 0.25 * (omega * time_step * FEMTOSECOND) ** 2
        assert agrees(x[100:, mine] ** 2, KT / force_constant, 0.01)
        assert agrees(v[100:, mine] ** 2, KT / mass * (1.0 - short), 0.01)
        # Half a step earlier or later it would be correlated.
        mean, error = mean_and_error(x[100:, mine] * v[100:, mine])
        assert abs(mean) < 4.0 * error


@pytest.fixture(scope="module")
def free() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masses, and 2000 steps of free atoms: friction 50/ps, 1 fs, so that 20 steps make a velocity's lifetime."""
    masses = np.repeat([4.0, 40.0], 200)
    engine = engine_of(atoms(masses), 1.0, friction=50.0, frames=2000)
    still = np.zeros((400, 3))
    return masses, *run(engine, still, engine.thermal_velocities(still, stream(4, "start")), seed=4)


@pytest.mark.parametrize("steps", [10, 20, 100])
def test_free_diffusion(free, steps):
    """<dx^2> = 2 D (t - (1 - exp(-friction t)) / friction), D = kT / (m friction)."""
    masses, x, _ = free
    t = steps * FEMTOSECOND
    for mass in (4.0, 40.0):
        moved = x[steps:, masses == mass] - x[:-steps, masses == mass]
        diffusion = KT / (mass * 50.0)
        expected = 2.0 * diffusion * (t - (1.0 - np.exp(-50.0 * t)) / 50.0)
        # Atoms are independent of each other, frames are not.
        assert agrees(np.moveaxis(moved, 1, 0) ** 2, expected, 0.03)
        # Without the ballistic term it would be another number.
        assert expected < 0.85 * 2.0 * diffusion * t


@pytest.mark.parametrize("steps", [0, 4, 20, 40])
def test_velocities_are_forgotten_at_the_rate_of_the_friction(free, steps):
    masses, _, v = free
    for mass in (4.0, 40.0):
        mine = np.moveaxis(v[:, masses == mass], 1, 0)
        product = mine[:, : mine.shape[1] - steps] * mine[:, steps:]
        assert agrees(product, KT / mass * np.exp(-50.0 * steps * FEMTOSECOND), 0.08)


# Books ------------------------------------------------------------------------------------------------------


def energy_changes(time_step: float, seeds: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Change of the total energy over 48 fs in the double well, and what is left of it without the heat; kJ/mol."""
    engine = engine_of(MODEL.potential(), time_step, friction=20.0, frames=6, steps=round(8.0 / time_step))
    whole, left = [], []
    for seed in range(seeds):
        x, v = MODEL.at(0.8), engine.thermal_velocities(MODEL.at(0.8), stream(seed, "v"))
        before = engine.potential_energy(x) + kinetic_energy(v, engine.potential.masses)
        frames_x, frames_v = run(engine, x, v, seed)
        heat = engine.heat
        after = engine.potential_energy(frames_x[-1]) + kinetic_energy(frames_v[-1], engine.potential.masses)
        whole.append(after - before)
        left.append(after - before - heat)
    return np.array(whole), np.array(left)


def test_energy_less_heat_is_conserved_to_second_order():
    """Half the step, a quarter of the error, while the energy itself changes by a few kT at any step."""
    size = {}
    for time_step in (2.0, 1.0, 0.5):
        whole, left = energy_changes(time_step)
        assert np.abs(whole).mean() > KT
        size[time_step] = np.abs(left).mean()
    print(size)
    assert size[0.5] < 0.002 * KT
    # 300 runs each: the ratio of two means is known to about a tenth.
    assert size[2.0] / size[1.0] == pytest.approx(4.0, rel=0.25)
    assert size[1.0] / size[0.5] == pytest.approx(4.0, rel=0.25)


def test_heat_is_that_of_one_run():
    """The sum begins anew with each run; without friction there is none."""
    engine = engine_of(MODEL.potential(), 1.0, friction=50.0, frames=5)
    x, v = MODEL.at(0.2), np.zeros((2, 3))
    run(engine, x, v, seed=1)
    first = engine.heat
    run(engine, x, v, seed=2)
    assert engine.heat != first
    run(engine, x, v, seed=1)
    assert engine.heat == first != 0.0
    engine = engine_of(MODEL.potential(), 1.0, friction=0.0, frames=5)
    run(engine, x, v, seed=1)
    assert engine.heat == 0.0


def test_heat_alone_does_not_fail_a_half():
    """Sixty atoms at rest take up ten times the energy that a half's total may change by."""
    engine = engine_of(atoms(np.full(60, 16.0)), 1.0, friction=100.0, frames=50)
    still = np.zeros((60, 3))
    half = run_half(engine, engine.snapshot(still, still), (), stream(5, "noise"))
    assert (half.end, half.reason) == ("none", "")
    assert engine.heat > 8.0 * engine.potential.energy_jump
    assert kinetic_energy(half.velocities[-1], engine.potential.masses) == pytest.approx(engine.heat, rel=1e-9)


@pytest.mark.parametrize(("jump", "fails"), [(30.0, True), (-30.0, True), (10.0, False)])
def test_half_whose_energy_jumps_has_failed(jump, fails):
    """A field that falls into another state is seen under the noise of the bath, which is as large."""
    for seed in range(10):
        potential = python_potential(
            MODEL.molecule,
            Analytic(MODEL, lambda calls, e, g: (e + (jump if calls >= 6 else 0.0), g)),
            "double well",
        )
        engine = MDEngine(MODEL.molecule, potential, DynamicsSettings(300.0, 1.0, 1, 4000.0, friction=50.0))
        start = engine.snapshot(MODEL.at(0.0), engine.thermal_velocities(MODEL.at(0.0), stream(seed, "v")))
        half = run_half(engine, start, MODEL.basins, stream(seed, "noise"))
        assert (half.end == "failed") == fails
        if fails:
            assert float(half.reason.split()[4]) == pytest.approx(30.0, abs=1.0)


# What a half depends on -------------------------------------------------------------------------------------


def test_a_half_depends_on_its_stream_alone():
    """Whatever was run before; and on the stream it does."""
    engine = BATH_2D.engine()
    start = engine.snapshot(BATH_2D.at(0.1, 0.0), engine.thermal_velocities(BATH_2D.at(0.1, 0.0), stream(6, "v")))

    def half(seed, engine=engine, start=start):
        return run_half(engine, start, BATH_2D.basins, stream(seed, "noise"))

    first, heat = half(1), engine.heat
    other = half(2)
    half(3, start=start.reversed)
    for again in (half(1), half(1, engine=BATH_2D.engine())):
        assert again.end == first.end
        np.testing.assert_array_equal(again.positions, first.positions)
        np.testing.assert_array_equal(again.velocities, first.velocities)
    half(1)
    assert engine.heat == heat
    assert not np.array_equal(other.positions[1], first.positions[1])
    # The stream goes on where the half left it: the next half from it has noise of its own.
    rng = stream(1, "noise")
    pair = [run_half(engine, start, BATH_2D.basins, rng) for _ in range(2)]
    np.testing.assert_array_equal(pair[0].positions, first.positions)
    assert not np.array_equal(pair[1].positions[1], first.positions[1])


def test_without_a_stream_there_is_no_run():
    engine = BATH_1D.engine()
    start = engine.snapshot(BATH_1D.at(0.0), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="needs a random stream"):
        run_half(engine, start, BATH_1D.basins)
    # At constant energy none is needed, and none is touched.
    engine, unused = MODEL.engine(), stream(7)
    shot = engine.snapshot(MODEL.at(0.0), engine.thermal_velocities(MODEL.at(0.0), stream(7, "v")))
    one, other = (run_half(engine, shot, MODEL.basins, noise) for noise in (None, unused))
    np.testing.assert_array_equal(one.positions, other.positions)
    assert unused.random() == stream(7).random()


def test_what_does_not_move_feels_no_noise():
    """Bit by bit, wherever it stands."""
    engine = BATH_2D.engine()
    active = engine.potential.active
    positions = np.where(active, BATH_2D.at(0.1, 0.3), stream(8).normal(size=(2, 3)))
    start = engine.snapshot(positions, engine.thermal_velocities(positions, stream(8, "v")))
    half = run_half(engine, start, BATH_2D.basins, stream(8, "noise"))
    assert len(half) > 3
    assert (half.positions[:, ~active] == positions[~active]).all()
    assert not half.velocities[:, ~active].any()
    assert (np.diff(half.positions[:, active], axis=0) != 0.0).all()


# Degrees of freedom -----------------------------------------------------------------------------------------


def test_velocities_of_a_molecule_in_a_bath_are_drawn_in_full():
    """The bath pushes and turns an isolated molecule, so its momenta are as thermal as the rest."""
    x, masses = MODEL.at(0.1), MODEL.potential().masses
    engine = MODEL.engine()
    assert engine.potential.isolated
    rng = stream(9)
    assert np.abs(masses @ engine.thermal_velocities(x, rng)).max() < 1e-12
    engine = engine_of(MODEL.potential(), 1.0, friction=50.0, frames=1)
    v = np.array([engine.thermal_velocities(x, rng) for _ in range(3000)])
    momentum = np.einsum("a,nak->nk", masses, v)
    assert agrees(momentum**2, masses.sum() * KT, 0.05)
    kinetic = 0.5 * np.einsum("a,nak->n", masses, v**2)
    assert stats.kstest(2.0 * kinetic / KT, stats.chi2(6).cdf).pvalue > 1e-3


def test_a_molecule_at_rest_comes_to_move_and_turn():
    """In equilibrium with the bath, from rest: total momentum, and all 3N degrees of freedom."""
    engine = engine_of(MODEL.potential(), 1.0, friction=100.0, frames=2500, steps=20)
    masses = engine.potential.masses
    x, v = run(engine, MODEL.at(1.0), np.zeros((2, 3)), seed=10)
    assert agrees(np.einsum("a,nak->nk", masses, v[10:]) ** 2, masses.sum() * KT, 0.05)
    assert agrees(np.einsum("a,nak->n", masses, v[10:] ** 2), 6.0 * KT, 0.05)
    centre = np.einsum("a,nak->nk", masses, x) / masses.sum()
    assert np.abs(centre[-1] - centre[0]).max() > 0.01
