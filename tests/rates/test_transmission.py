"""Transmission coefficients against Kramers, exact rates of diffusion, and free walkers over the whole turnover."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from models import Bath
from rate_models import Walker
from surface_models import Surface, pairs, slow_pairs

from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_json, write_dataset, write_json
from separatrix.core.units import BOLTZMANN
from separatrix.cvs.specification import from_spec
from separatrix.dynamics import md_engine as dynamics
from separatrix.rates import free_energy, mbar
from separatrix.rates.transmission import Pair, transmission
from separatrix.statistics.intervals import wilson_interval
from separatrix.theory import analysis, langer, model_file
from separatrix.workflow import transmission_shots as transmission_stage
from separatrix.workflow.transmission_shots import transmission_shots

KT = BOLTZMANN * 300.0


def measured(walker: Walker, count: int, seed: int):
    return transmission(
        pairs(walker, count, np.random.default_rng(seed)), 1000.0 * walker.frame, rng=np.random.default_rng(seed + 1)
    )


# --- the estimator ---


def pair(up_end: int, down_end: int, *, flow: float = 1.0, number: int = 0, up=(0, 1, 2), down=(0, -1, -2)) -> Pair:
    return Pair(number, flow, np.array(up, dtype=float), np.array(down, dtype=float), up_end, down_end)


def test_pairs_count_by_their_flow_and_by_their_ends():
    shots = [
        pair(1, 0, flow=3.0),
        pair(1, 1, flow=1.0, number=1, down=(0, -1, 1)),
        pair(0, 0, flow=1.0, number=2, up=(0, 1, -1)),
        pair(0, 1, flow=1.0, number=3, up=(0, 1, -1), down=(0, -1, 1)),
        pair(-1, 0, flow=9.0, number=4),
    ]
    found = transmission(shots, 2.0, rng=np.random.default_rng(1))
    # (3 + 0 + 0 - 1) / 6; of positive flux only the first, the last of the four comes from the product.
    assert found.kappa == pytest.approx(2.0 / 6.0) and found.positive == pytest.approx(3.0 / 6.0)
    assert found.n_pairs == 4 and found.n_lost == 1 and found.n_configurations == 4
    assert found.to_product == pytest.approx(0.5)
    assert found.kappa_of_time == pytest.approx((1.0, 1.0, 1.0 / 3.0)) and found.time == (0.0, 2.0, 4.0)


def test_a_pair_that_crossed_before_is_no_first_crossing():
    found = transmission([pair(1, 0, down=(0, -1, 0.5, -2)), pair(1, 0, number=1)], 1.0, rng=np.random.default_rng(1))
    assert found.kappa == 1.0 and found.positive == 0.5


def test_errors_cover_where_configurations_are_used_again():
    """Pairs off one configuration go the same way here: an error over pairs would be half as large."""
    rng, kappas, errors = np.random.default_rng(3), [], []
    for _ in range(200):
        shots = []
        for number, through in enumerate(rng.random(40) < 0.5):
            shots += [pair(1, int(not through), number=number, down=(0, -1, -2 if through else 2)) for _ in range(4)]
        found = transmission(shots, 1.0, rng=rng, n_bootstrap=100)
        kappas.append(found.kappa)
        errors.append(found.error)
    assert np.std(kappas, ddof=1) == pytest.approx(math.sqrt(0.25 / 40), rel=0.15)
    assert np.mean(errors) == pytest.approx(math.sqrt(0.25 / 40), rel=0.1)


def test_no_pair_between_basins_is_an_error():
    with pytest.raises(ValueError, match="no pair of halves"):
        transmission([pair(-1, 0), pair(1, -1)], 1.0, rng=np.random.default_rng(1))


# --- Kramers ---


@pytest.mark.parametrize("friction", [30.0, 100.0, 300.0])
def test_kappa_is_kramers_over_a_high_barrier(friction: float):
    """50 kT: what is not parabolic about the top is out of reach. Frames are short, or crossings go unseen."""
    walker = Walker(friction, barrier=50.0 * KT, mass=60.0, edge=0.5, step=0.001, every=1)
    found = measured(walker, 10_000, 5)
    exact = walker.kramers() / walker.tst()
    # It is of the number that it should be: sqrt(1 + (friction/2 omega)^2) - friction/(2 omega).
    omega = math.sqrt(4.0 * walker.barrier / walker.mass) / walker.a
    assert exact == pytest.approx(math.hypot(1.0, 0.5 * friction / omega) - 0.5 * friction / omega)
    assert found.error < 0.025 and abs(found.kappa - exact) < 3.3 * found.error + 0.003
    assert abs(found.positive - exact) < 3.3 * found.positive_error + 0.015
    assert found.n_lost == 0
    assert found.plateau_from is not None and found.plateau_from < 1000.0
    # Recrossing sets in with time: the decay starts at one and never falls far below its plateau.
    decay = np.array(found.kappa_of_time)
    assert decay[0] == pytest.approx(1.0) and decay[1] > found.kappa and decay.min() > found.kappa - 0.05


def test_without_friction_all_that_crosses_has_crossed():
    """In one dimension an undisturbed walker does not turn round before it has come into the basin."""
    for friction, least in ((0.0, 1.0 - 1e-9), (0.3, 0.99)):
        found = measured(Walker(friction), 3000, 8)
        assert least <= found.kappa <= 1.0 + 1e-9


# --- the rate ---


def along_coordinate(walker: Walker, frames: int, count: int, seed: int) -> tuple[float, float]:
    """ln k (1/ps) and its error from frames and shots, as the workflow puts them together."""
    rng = np.random.default_rng(seed)
    surface = Surface(walker.barrier, walker.tilt, masses=(walker.mass, walker.mass), a=walker.a)
    windows = surface.windows(rng, frames, count=17)
    rate, _ = free_energy.surface_rate(windows, 300.0, rng=rng)
    found = mbar.combine(windows, 300.0)
    start = found.r[free_energy.on_surface(found, rate, count, rng)] * walker.a
    kappa = transmission(pairs(walker, count, rng, start), 1000.0 * walker.frame, rng=rng)
    return math.log(rate.forward * kappa.kappa * 1e-12), math.hypot(rate.ln_forward_error, kappa.error / kappa.kappa)


@pytest.mark.slow
@pytest.mark.parametrize("friction", [0.3, 3.0, 10.0, 30.0, 100.0])
def test_the_rate_is_that_of_free_walkers_over_the_turnover(friction: float):
    """The same states, counted from state to state; the walkers know nothing of a dividing surface."""
    walker = Walker(friction)
    ln_k, error = along_coordinate(walker, 4000, 6000, 11)
    known, spread = walker.brute(2000, 20.0, 12)
    assert math.hypot(error, spread) < 0.13
    assert abs(ln_k - math.log(known)) < 3.0 * math.hypot(error, spread)
    if friction >= 30.0:
        assert abs(ln_k - math.log(walker.kramers())) < 3.0 * error + 0.05


def test_a_wider_slab_gives_the_same_rate():
    """The mean flux of a slab goes with the coefficient of shots from that slab, however wide it is."""
    walker, surface = Walker(60.0), Surface(12.5, masses=(6.0, 6.0))
    windows = surface.windows(np.random.default_rng(1), 3000, count=17)
    found = mbar.combine(windows, 300.0)
    rate, _ = free_energy.surface_rate(windows, 300.0, rng=np.random.default_rng(2), top=0.0, n_bootstrap=2)
    products, kappas = [], []
    for half in (0.03, 0.4):
        rng = np.random.default_rng(3)
        wide = dataclasses.replace(rate, half_width=half)
        forward, _, _ = free_energy.surface_numbers(found.r, found.weight, found.speed, 0.0, half, KT)
        start = found.r[free_energy.on_surface(found, wide, 10_000, rng)] * walker.a
        assert np.abs(start).max() <= half * walker.a
        kappa = transmission(pairs(walker, 10_000, rng, start), 4.0, rng=rng)
        products.append(math.log(forward * kappa.kappa))
        kappas.append(math.log(kappa.kappa))
    assert abs(kappas[1] - kappas[0]) > 0.1
    assert abs(products[1] - products[0]) < 0.07


def test_a_poor_coordinate_gives_the_exact_rate_of_diffusion():
    """r = x where a slow y holds x back: the finite elements of the theory know the rate, Langer's formula nearly."""
    friction, edge = 400.0, 0.6
    surface = Surface(14.0, stiffness=8000.0, masses=(6.0, 200.0))
    rng = np.random.default_rng(4)
    windows = surface.windows(rng, 4000, count=15)
    rate, _ = free_energy.surface_rate(windows, 300.0, rng=rng, n_bootstrap=40)
    # Configurations on the surface by weight, from the grid that the windows are drawn from.
    near = np.flatnonzero(np.abs(surface.r - rate.top) <= rate.half_width)
    x, y = surface.grid
    at = rng.choice(near, 6000, p=surface.weight()[near] / surface.weight()[near].sum())
    kappa = transmission(slow_pairs(surface, np.array([x[at], y[at]]), friction, edge, rng), 4.0, rng=rng)
    ln_k = math.log(rate.forward * kappa.kappa * 1e-12)
    error = math.hypot(rate.ln_forward_error, kappa.error / kappa.kappa)
    # Diffusion constants of the discrete dynamics.
    d = [0.001 * KT / m / math.tanh(0.001 * friction) for m in surface.masses]
    case = model_file.build(
        {
            "model": "double-well-2d",
            "params": {
                "barrier_kJ_mol": surface.barrier,
                "force_constant_kJ_mol_nm2": surface.stiffness,
                "slope": 1.0,
            },
            "beta": 1.0 / KT,
            "D": [[d[0], 0.0], [0.0, d[1]]],
            "state_A": f"x <= -{edge * surface.a}",
            "state_B": f"x >= {edge * surface.a}",
            "domain": [-0.09, 0.09, -0.14, 0.14],
            "grid_h": [0.002, 0.001],
        },
        "here",
    )
    answer = analysis.analyse(case, full=False)
    exact = answer.values["k_exact"]
    assert error < 0.15
    assert abs(ln_k - math.log(exact)) < 3.0 * error
    # Diffusion along x alone is far too fast: it is kappa that knows of y.
    alone = langer.inertial_rate(
        np.array([[8.0 * surface.barrier / surface.a**2]]),
        np.array([[-4.0 * surface.barrier / surface.a**2]]),
        np.array([[6.0]]),
        np.array([[6.0 * friction]]),
        surface.barrier,
        1.0 / KT,
    )
    assert math.log(alone) - ln_k > 4.0 * error


# --- the stage ---


BATH = Bath(
    barrier=15.0, tilt=0.0, masses=(6.0,), friction=60.0, time_step=2.0, steps_per_frame=1, left=-0.6, right=0.6
)


def coordinate() -> ReactionCoordinate:
    x = from_spec({"kind": "x", "atoms": [0], "name": "x"})
    return ReactionCoordinate((x,), (2.0,), 0.0, "logistic", "A", "B", ("C",))


def stage_files(folder, x: np.ndarray, frame: np.ndarray | None = None) -> tuple:
    profile, surface = folder / "profile.json", folder / "surface.nc"
    write_json({"coordinate": coordinate().to_dict()}, profile)
    content = {"positions": (("configuration", "atom", "xyz"), np.array([BATH.at(v) for v in x]), {"units": "nm"})}
    if frame is not None:
        content["frame"] = ("configuration", frame)
    write_dataset(xr.Dataset(content), surface, title="surface", source="model")
    return profile, surface, folder / "journal", folder / "transmission.json"


def open_bath(*_):
    system = SimpleNamespace(reactant="A", product="B", basins=BATH.basins)
    engine = BATH.engine()
    return system, SimpleNamespace(seed=3, name="bath", dynamics=engine.settings), engine


def test_the_stage_with_the_engine_gives_kramers_and_goes_on_from_its_journal(tmp_path, monkeypatch):
    monkeypatch.setattr(transmission_stage, "open_engine", open_bath)
    profile, surface, journal, out = stage_files(tmp_path, np.zeros(500), np.arange(500))
    settings = {"failures_in_a_row": 5}
    transmission_shots(settings, "", "", profile, surface, journal, out)
    found = read_json(out)
    omega = math.sqrt(4.0 * BATH.barrier / 6.0) / BATH.a
    exact = math.hypot(1.0, 30.0 / omega) - 30.0 / omega
    assert found["n_pairs"] == 500 and found["n_lost"] == 0 and found["error"] < 0.06
    assert abs(found["kappa"] - exact) < 3.0 * found["error"] + 0.01
    assert abs(found["to_product"] - 0.5) < 0.08
    assert found["time"][1] == 2.0
    # The same numbers, and nothing run again.
    monkeypatch.setattr(dynamics, "run_half", None)
    transmission_shots(settings, "", "", profile, surface, journal, tmp_path / "again.json")
    assert read_json(tmp_path / "again.json") == found


def test_the_stage_counts_configurations_not_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(transmission_stage, "open_engine", open_bath)
    files = stage_files(tmp_path, np.zeros(12), np.arange(12) % 4)
    transmission_shots({"failures_in_a_row": 5}, "", "", *files)
    found = read_json(files[-1])
    assert found["n_pairs"] == 12 and found["n_configurations"] == 4


def test_pairs_that_end_nowhere_are_told(tmp_path, monkeypatch):
    def short(*_):
        system, method, _ = open_bath()
        return system, method, BATH.engine(longest_half=4.0)

    monkeypatch.setattr(transmission_stage, "open_engine", short)
    with pytest.raises(SamplingError, match="no pair of halves off the dividing surface reached basins"):
        transmission_shots({"failures_in_a_row": 5}, "", "", *stage_files(tmp_path, np.zeros(3)))


def test_configurations_come_from_the_slab_by_weight():
    windows = Surface(12.5).windows(np.random.default_rng(1), 50, count=11)
    rate, _ = free_energy.surface_rate(windows, 300.0, rng=np.random.default_rng(2), n_bootstrap=2)
    found = mbar.combine(windows, 300.0)
    slab = np.flatnonzero(np.abs(found.r - rate.top) <= rate.half_width)
    few = free_energy.on_surface(found, rate, 3, np.random.default_rng(3))
    assert len(set(few)) == 3 and set(few) <= set(slab)
    many = free_energy.on_surface(found, rate, 4000, np.random.default_rng(3))
    share = found.weight[slab] / found.weight[slab].sum()
    assert np.abs(np.bincount(many, minlength=len(found.r))[slab] - 4000 * share).max() <= 1.0 and len(many) == 4000
    nowhere = dataclasses.replace(rate, top=9.0)
    assert len(free_energy.on_surface(found, nowhere, 3, np.random.default_rng(3))) == 0


@pytest.mark.parametrize("number", [2, 20, 200])
def test_pairs_that_all_do_the_same_are_no_proof(number: int) -> None:
    """A coefficient of 1 from so many configurations: the bootstrap's error of 0 is none."""
    r = np.array([0.0, 1.0, 2.0])
    pairs = [Pair(k, 1.0, r, -r, 1, 0) for k in range(number)]
    found = transmission(pairs, 1.0, rng=np.random.default_rng(0))
    assert found.kappa == found.positive == 1.0
    assert found.positive_error == pytest.approx(float(wilson_interval(0, number)[1]) / 1.96, rel=1e-3)
    assert found.error == pytest.approx(2.0 * found.positive_error)
    assert found.plateau_from == 0.0 and found.kappa_of_time_error[0] == 0.0
