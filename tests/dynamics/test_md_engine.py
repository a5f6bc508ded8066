"""Dynamics: reversible, symplectic, thermal, and honest about how a half-trajectory ended."""

from __future__ import annotations

import numpy as np
import openmm
import openpathsampling as paths
import pytest
from models import DNAB, Analytic, DoubleWell, dnab
from openmm import unit
from scipy import stats

from separatrix.core.errors import PotentialError
from separatrix.core.units import BOLTZMANN, FEMTOSECOND
from separatrix.dynamics.md_engine import (
    DynamicsSettings,
    MDEngine,
    kinetic_energy,
    maxwell_boltzmann,
    raw_positions,
    raw_velocities,
    run_half,
    velocity_verlet,
)
from separatrix.dynamics.motion import rigid_motions
from separatrix.potentials import build
from separatrix.potentials.potential import python_potential

MODEL = DoubleWell()


@pytest.fixture(scope="module")
def gaff2():
    molecule, positions = dnab("E")
    return molecule, positions, build("forcefield", molecule, {"file": str(DNAB / "gaff2.xml")})


def advance(potential, positions, velocities, time_step, steps):
    """Positions and velocities after some steps of the library's integrator."""
    platform = openmm.Platform.getPlatformByName(potential.platform)
    context = openmm.Context(potential.system, velocity_verlet(time_step), platform)
    context.setPositions(positions)
    context.setVelocities(velocities)
    context.getIntegrator().step(steps)
    state = context.getState(getPositions=True, getVelocities=True)
    return (
        state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
        state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
    )


def positions_of(trajectory):
    """Positions in nm, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([raw_positions(s) for s in trajectory])


def velocities_of(trajectory):
    """Velocities in nm/ps, shape (n_frames, n_atoms, 3), in full precision."""
    return np.array([raw_velocities(s) for s in trajectory])


# Settings ---------------------------------------------------------------------------------------------------


def test_settings_count_frames():
    settings = DynamicsSettings(300.0, 0.5, 4, 600.0)
    assert settings.frame == 2.0
    assert settings.longest_half_frames == 301
    assert DynamicsSettings(300.0, 1.0, 1, 400.0).longest_half_frames == 401
    assert DynamicsSettings(300.0, 0.1, 3, 30.0).longest_half_frames == 101


# Integrator -------------------------------------------------------------------------------------------------


def test_integrator_is_textbook_velocity_verlet(gaff2):
    """Three steps against the formula written out, positions and velocities at the same time."""
    _, x, potential = gaff2
    masses, dt = potential.masses[:, None], 0.5e-3
    v = maxwell_boltzmann(x, potential.masses, 300.0, np.random.default_rng(0))
    y, w = x.copy(), v.copy()
    for _ in range(3):
        w = w - 0.5 * dt * potential.energy_and_gradient(y)[1] / masses
        y = y + dt * w
        w = w - 0.5 * dt * potential.energy_and_gradient(y)[1] / masses
    got_x, got_v = advance(potential, x, v, 0.5, 3)
    np.testing.assert_allclose(got_x, y, atol=1e-12)
    np.testing.assert_allclose(got_v, w, atol=1e-10)


def test_reversing_velocities_retraces_the_path(gaff2):
    """To rounding: after 100 fs and back the molecule is where it was, at velocities of opposite sign."""
    _, x, potential = gaff2
    v = maxwell_boltzmann(x, potential.masses, 300.0, np.random.default_rng(1))
    there_x, there_v = advance(potential, x, v, 0.5, 200)
    assert np.abs(there_x - x).max() > 0.01
    back_x, back_v = advance(potential, there_x, -there_v, 0.5, 200)
    assert np.abs(back_x - x).max() < 1e-10
    assert np.abs(back_v + v).max() < 1e-8


def test_engine_frames_retrace_frame_by_frame(gaff2):
    """The same through the engine's snapshots, at every frame: two-way shooting stands on it."""
    molecule, x, potential = gaff2
    engine = MDEngine(molecule, potential, DynamicsSettings(300.0, 0.5, 5, 100.0))
    v = maxwell_boltzmann(x, potential.masses, 300.0, np.random.default_rng(2))

    def run(start):
        engine.current_snapshot = start
        frames = [start]
        for _ in range(20):
            frames.append(engine.generate_next_frame())
        return paths.Trajectory(frames)

    forward = run(engine.snapshot(x, v))
    backward = run(forward[-1].reversed).reversed
    np.testing.assert_allclose(positions_of(backward), positions_of(forward), atol=1e-10)
    np.testing.assert_allclose(velocities_of(backward), velocities_of(forward), atol=1e-8)
    assert engine.steps == 2 * 20 * 5
    # One frame is steps_per_frame steps of time_step.
    after_x, after_v = advance(potential, x, v, 0.5, 5)
    np.testing.assert_allclose(positions_of(forward)[1], after_x, atol=1e-13)
    np.testing.assert_allclose(velocities_of(forward)[1], after_v, atol=1e-11)


def test_energy_error_is_of_second_order(gaff2):
    """Half the step, a quarter of the energy error, over the same 40 fs."""
    _, x, potential = gaff2
    v = maxwell_boltzmann(x, potential.masses, 300.0, np.random.default_rng(3))

    def error(time_step):
        """Root mean square over the path."""
        total = []
        y, w = x, v
        for _ in range(20):
            total.append(potential.energy_and_gradient(y)[0] + kinetic_energy(w, potential.masses))
            y, w = advance(potential, y, w, time_step, round(2.0 / time_step))
        return np.sqrt(np.mean((np.array(total[1:]) - total[0]) ** 2))

    coarse, middle, fine = error(0.5), error(0.25), error(0.125)
    assert middle / fine == pytest.approx(4.0, rel=0.05)
    assert coarse / middle == pytest.approx(4.0, rel=0.15)
    assert fine < 0.1


def test_frames_ask_for_nothing_but_positions_and_velocities(gaff2):
    """Momenta stay zero over a trajectory: no net force, no thermostat, no centre-of-mass remover."""
    _, x, potential = gaff2
    v = maxwell_boltzmann(x, potential.masses, 300.0, np.random.default_rng(4))
    y, w = advance(potential, x, v, 0.5, 400)
    mass = potential.masses[:, None]
    assert np.abs((mass * w).sum(axis=0)).max() < 1e-8
    assert np.abs((mass * np.cross(y, w)).sum(axis=0)).max() < 1e-8


# Velocities -------------------------------------------------------------------------------------------------


def draws(x, masses, n, seed, temperature=300.0):
    rng = np.random.default_rng(seed)
    return np.array([maxwell_boltzmann(x, masses, temperature, rng) for _ in range(n)])


@pytest.mark.parametrize("isomer", ["E", "Z"])
def test_no_linear_or_angular_momentum(isomer):
    molecule, x = dnab(isomer)
    mass = molecule.masses[:, None]
    for v in draws(x + 3.0, molecule.masses, 20, 5):  # far from the origin as well
        scale = np.abs(mass * v).sum()
        assert np.abs((mass * v).sum(axis=0)).max() < 1e-12 * scale
        centred = x - (mass * x).sum(axis=0) / mass.sum()
        assert np.abs((mass * np.cross(centred, v)).sum(axis=0)).max() < 1e-11 * scale


@pytest.mark.parametrize("temperature", [300.0, 75.0])
def test_kinetic_energy_is_chi_square(temperature):
    """2 K / kT is chi-square with 3 N - 6 degrees of freedom: mean, spread and shape."""
    molecule, x = dnab("E")
    v = draws(x, molecule.masses, 3000, 6, temperature)
    kinetic = np.array([kinetic_energy(w, molecule.masses) for w in v])
    freedom = 3 * molecule.n_atoms - 6
    mean = 0.5 * freedom * BOLTZMANN * temperature
    assert kinetic.mean() == pytest.approx(mean, abs=4.0 * mean * np.sqrt(2.0 / freedom / 3000))
    assert stats.kstest(2.0 * kinetic / (BOLTZMANN * temperature), stats.chi2(freedom).cdf).pvalue > 1e-3


def test_kinetic_energy_in_si_units():
    """One dalton at 1 nm/ps is half of 1.66053907e-27 kg (1000 m/s)^2, times Avogadro's number, in kJ/mol."""
    joule = 0.5 * 1.66053906660e-27 * 1000.0**2 * 6.02214076e23
    assert kinetic_energy(np.array([[0.0, 1.0, 0.0]]), np.array([1.0])) == pytest.approx(joule / 1000.0, rel=1e-8)


def test_covariance_of_each_component():
    """kT M^-1 minus the part of the rigid motions, the constraint written as momenta, not as a projector."""
    molecule, x = dnab("E")
    masses = np.repeat(molecule.masses, 3)
    n, temperature = 6000, 300.0
    v = draws(x, molecule.masses, n, 7, temperature).reshape(n, -1)
    # Conditioning v ~ N(0, kT / m) on C v = 0, C the total linear and angular momentum.
    constraint = np.zeros((6, len(masses)))
    for atom, (position, mass) in enumerate(zip(x, molecule.masses, strict=True)):
        for axis in range(3):
            constraint[axis, 3 * atom + axis] = mass
            constraint[3:, 3 * atom + axis] = mass * np.cross(position, np.eye(3)[axis])
    free = np.diag(BOLTZMANN * temperature / masses)
    gain = free @ constraint.T @ np.linalg.inv(constraint @ free @ constraint.T)
    expected = free - gain @ constraint @ free
    scale = np.sqrt(np.diag(free))
    found = (v.T @ v / n) / np.outer(scale, scale)
    expected = expected / np.outer(scale, scale)
    # The standard error of a covariance is sqrt((c_ii c_jj + c_ij^2) / n); 5.5 covers 5253 pairs.
    d = np.diag(expected)
    error = np.sqrt((np.outer(d, d) + expected**2) / n)
    assert np.abs((found - expected) / error).max() < 5.5
    assert np.diag(expected).min() < 0.97  # the rigid part is not negligible: it would be seen if left in
    assert abs(((np.diag(found) - 1.0) / (np.sqrt(2.0 / n))).min()) > 5.5


@pytest.mark.parametrize(
    ("positions", "masses", "number"),
    [
        ([[0, 0, 0], [0, 0, 0.1]], [1.0, 16.0], 5),
        ([[0, 0, 0], [0, 0, 0.1], [0, 0, 0.25]], [16.0, 12.0, 16.0], 5),
        ([[0, 0, 0], [0, 0, 0.1], [0, 0.1, 0]], [16.0, 1.0, 1.0], 6),
        ([[0.3, 0.2, 0.1]], [4.0], 3),
    ],
)
def test_number_of_rigid_motions(positions, masses, number):
    basis = rigid_motions(np.array(positions, dtype=float), np.array(masses))
    assert len(basis) == number
    np.testing.assert_allclose(basis @ basis.T, np.eye(number), atol=1e-12)


def test_diatomic_bond_speed():
    """The one free motion of a diatomic molecule has variance kT / mu, along the bond."""
    masses = np.array([MODEL.mass_1, MODEL.mass_2])
    v = draws(MODEL.at(0.1), masses, 4000, 8)
    relative = v[:, 1] - v[:, 0]
    assert np.abs(relative[:, :2]).max() < 1e-12
    assert relative[:, 2].var() == pytest.approx(MODEL.kt / MODEL.reduced_mass, rel=4.0 * np.sqrt(2.0 / 4000))
    assert stats.kstest(relative[:, 2] / np.sqrt(MODEL.kt / MODEL.reduced_mass), stats.norm.cdf).pvalue > 1e-3


# Halves -----------------------------------------------------------------------------------------------------


def pushed(speed: float) -> np.ndarray:
    """Velocities at the barrier top that open the bond at `speed` (nm/ps) without total momentum."""
    total = MODEL.mass_1 + MODEL.mass_2
    return np.array([[0, 0, -speed * MODEL.mass_2 / total], [0, 0, speed * MODEL.mass_1 / total]])


def engine_with(fault=None, longest_half=400.0, steps_per_frame=1) -> MDEngine:
    potential = python_potential(MODEL.molecule, Analytic(MODEL, fault), "double well")
    return MDEngine(MODEL.molecule, potential, DynamicsSettings(300.0, 1.0, steps_per_frame, longest_half))


def test_half_ends_in_the_basin_it_goes_to():
    engine = MODEL.engine()
    start = engine.snapshot(MODEL.at(0.0), pushed(0.5))
    for snapshot, end in ((start, "B"), (start.reversed, "A")):
        half = run_half(engine, snapshot, MODEL.basins)
        assert (half.end, half.reason) == (end, "")
        inside = [[b.contains(s) for b in MODEL.basins] for s in half.positions]
        assert [any(row) for row in inside] == [False] * (len(inside) - 1) + [True]
        np.testing.assert_array_equal(half.positions[0], MODEL.at(0.0))
    assert engine.legs == 2


def test_python_force_gives_the_same_half_as_openmm():
    """The same surface on both sides of the seam."""
    own, seam = MODEL.engine(), engine_with(steps_per_frame=4, longest_half=4000.0)
    halves = [run_half(e, e.snapshot(MODEL.at(0.05), pushed(0.3)), MODEL.basins) for e in (own, seam)]
    assert halves[0].end == halves[1].end == "B"
    np.testing.assert_allclose(halves[0].positions, halves[1].positions, atol=1e-10)


def test_half_that_runs_out_of_length_has_no_end():
    engine = MODEL.engine(longest_half=40.0)
    half = run_half(engine, engine.snapshot(MODEL.at(0.0), pushed(1e-4)), MODEL.basins)
    assert (half.end, half.reason) == ("none", "")
    assert len(half) == engine.settings.longest_half_frames == 11


def test_half_may_reach_its_basin_in_its_last_frame():
    """The longest half still counts when it arrives on the last frame it is allowed."""
    engine = MODEL.engine()
    needed = len(run_half(engine, engine.snapshot(MODEL.at(0.0), pushed(0.5)), MODEL.basins))
    for frames, end in ((needed, "B"), (needed - 1, "none")):
        engine = MODEL.engine(longest_half=(frames - 1) * MODEL.frame / FEMTOSECOND)
        assert engine.settings.longest_half_frames == frames
        assert run_half(engine, engine.snapshot(MODEL.at(0.0), pushed(0.5)), MODEL.basins).end == end


def raise_at(n):
    def fault(calls, energy, gradient):
        if calls >= n:
            raise PotentialError("the field did not converge")
        return energy, gradient

    return fault


def nan_at(n):
    def fault(calls, energy, gradient):
        return (np.nan if calls >= n else energy), gradient

    return fault


def nan_gradient_at(n):
    def fault(calls, energy, gradient):
        return energy, gradient * (np.nan if calls >= n else 1.0)

    return fault


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (raise_at(1), "did not converge"),
        (raise_at(6), "did not converge"),
        (nan_at(6), "not finite"),
        (nan_gradient_at(6), "not finite"),
    ],
)
def test_half_with_a_failing_engine_says_why(fault, reason):
    engine = engine_with(fault)
    half = run_half(engine, engine.snapshot(MODEL.at(0.0), pushed(0.5)), MODEL.basins)
    assert half.end == "failed"
    assert reason in half.reason
    assert len(half) >= 1
    # What it had left behind is finite.
    assert np.isfinite(half.positions).all()


def test_a_failure_is_not_carried_to_the_next_half():
    engine = engine_with(lambda calls, e, g: (np.nan if calls == 6 else e, g))
    start = engine.snapshot(MODEL.at(0.0), pushed(0.5))
    assert run_half(engine, start, MODEL.basins).end == "failed"
    engine.potential.restart()
    half = run_half(engine, start, MODEL.basins)
    assert (half.end, half.reason) == ("B", "")


@pytest.mark.parametrize(("jump", "end"), [(30.0, "failed"), (-30.0, "failed"), (10.0, "B")])
def test_half_whose_energy_jumps_has_failed(jump, end):
    """A field that falls into another state: the forces go on, the energy is tens of kJ/mol off."""
    engine = engine_with(lambda calls, e, g: (e + (jump if calls >= 6 else 0.0), g))
    half = run_half(engine, engine.snapshot(MODEL.at(0.0), pushed(0.5)), MODEL.basins)
    assert half.end == end
    if end == "failed":
        assert "total energy changed by 30" in half.reason


def test_one_evaluation_per_step_at_the_seam():
    """Velocity Verlet, one frame per step, energy checked at both ends: nothing is computed twice."""
    engine = engine_with(longest_half=400.0)
    start = engine.snapshot(MODEL.at(0.0), pushed(0.1))
    for snapshot in (start, start.reversed):
        half = run_half(engine, snapshot, MODEL.basins)
        assert half.end in "AB"
    seam = engine.potential.seam
    assert engine.steps > 100
    assert seam.evaluations == seam.engine.calls == engine.evaluations
    # The two halves share their start (of the 256 configurations remembered): one more than steps.
    assert seam.evaluations == engine.steps + 1
    assert seam.evaluations / engine.steps <= 1.05
    # Nor is anything asked for twice: frames take no energy of their own, only the ends of a half do.
    assert seam.calls <= engine.steps + 8


def test_the_same_half_again_is_bit_identical():
    engine = engine_with()
    start = engine.snapshot(MODEL.at(0.0), pushed(0.1))
    first = run_half(engine, start, MODEL.basins)
    run_half(engine, start.reversed, MODEL.basins)
    again = run_half(engine, start, MODEL.basins)
    np.testing.assert_array_equal(first.positions, again.positions)
    np.testing.assert_array_equal(first.velocities, again.velocities)


def test_trajectory_of_arrays_reads_back_exactly(gaff2):
    molecule, x, potential = gaff2
    engine = MDEngine(molecule, potential, DynamicsSettings(300.0, 0.5, 5, 100.0))
    rng = np.random.default_rng(9)
    positions, velocities = x + rng.normal(size=(4, *x.shape)), rng.normal(size=(4, *x.shape))
    trajectory = engine.trajectory(positions, velocities)
    np.testing.assert_array_equal(positions_of(trajectory), positions)
    np.testing.assert_array_equal(velocities_of(trajectory), velocities)
    np.testing.assert_array_equal(velocities_of(trajectory.reversed), -velocities[::-1])
