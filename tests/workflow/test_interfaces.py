"""Interface sampling with the engines: the same rate, resumed to the bit, failures counted, routes set side by side."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from models import Analytic, Bath, DoubleWell
from rate_models import Walker

from separatrix.config.load import load
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_json, write_dataset
from separatrix.core.journal import Journal
from separatrix.core.seeds import stream
from separatrix.core.units import BOLTZMANN
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.md_engine import MDEngine
from separatrix.dynamics.motion import maxwell_boltzmann
from separatrix.potentials.potential import python_potential
from separatrix.rates import mbar
from separatrix.rates.agreement import RouteVerdict, agreement
from separatrix.rates.tis import path_moves
from separatrix.rates.tis.chain import InterfaceChain, run_chain
from separatrix.rates.tis.engine_runner import EngineRunner
from separatrix.rates.tis.interface_rate import rate_of_chains
from separatrix.rates.tis.pilot import Rules, place_interfaces
from separatrix.rates.tis.transition_paths import NEITHER, PRODUCT, REACTANT
from separatrix.report import charts, rates_table
from separatrix.report.figures import arrhenius_plot
from separatrix.report.reported_rates import EXPERIMENT
from separatrix.workflow import interfaces
from separatrix.workflow.interfaces import Keeper

BATH = Bath(
    barrier=12.5, tilt=0.0, masses=(6.0,), friction=30.0, time_step=2.0, steps_per_frame=2, left=-0.6, right=0.6
)
RULES = Rules(crossing=0.3, pilot_moves=24, cycles=60, burn_in=5, refresh=2, segment_frames=200)


def along(positions: np.ndarray) -> np.ndarray:
    return positions[:, 0, 0] / BATH.a


def slope(positions: np.ndarray) -> np.ndarray:
    return np.eye(3)[None, 0] / BATH.a


def runner(engine: MDEngine | None = None, ceiling: float = math.inf) -> EngineRunner:
    return EngineRunner(engine or BATH.engine(), *BATH.basins, along, slope, ceiling)


def streams(*place):
    return lambda *words: stream(3, *place, *words)


@pytest.mark.slow
def test_rate_with_the_engine_is_that_of_brute_force():
    walker = Walker(30.0)
    known, error = walker.brute(2000, 60.0, 3)
    rules = Rules(crossing=0.25, pilot_moves=30, cycles=1200, burn_in=50, refresh=2, segment_frames=200)
    run = runner(ceiling=-0.8)
    found = place_interfaces(run, BATH.at(-1.0), BATH.at(0.0), rules, streams("pilot"), lambda make: make())
    chain = run_chain(run, BATH.at(-1.0), found, rules, streams("chain"), lambda make: make())
    rate = rate_of_chains([chain], found.interfaces, BATH.frame, blocks=20)
    # A ceiling makes the reactant smaller and the interfaces more, and leaves the rate where it was.
    assert abs(math.log(rate.rate * 1e-12 / known)) < 3.0 * math.hypot(rate.ln_error, error)
    assert rate.ln_error < 0.3


def test_a_resumed_chain_gives_the_same_numbers(tmp_path):
    start = BATH.at(-1.0)
    found = place_interfaces(runner(), start, BATH.at(0.0), RULES, streams("pilot"), lambda make: make())
    rules = Rules(0.3, 24, cycles=12, burn_in=2, refresh=2, segment_frames=100)

    def chain(folder, engine, stop_at: int | None = None):
        with Journal(folder) as record:
            keep, done = Keeper(record, engine, 3), 0

            def counted(make):
                nonlocal done
                done += 1
                if stop_at is not None and done > stop_at:
                    raise KeyboardInterrupt
                return keep(make)

            return run_chain(runner(engine), start, found, rules, streams("chain"), counted)

    whole = chain(tmp_path / "whole", BATH.engine())
    with pytest.raises(KeyboardInterrupt):
        chain(tmp_path / "part", BATH.engine(), stop_at=22)
    engine = BATH.engine()
    again = chain(tmp_path / "part", engine)
    for one, other in zip(vars(whole).values(), vars(again).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    # What was on record was not run again.
    assert len(list((tmp_path / "part").glob("*.npz"))) > 22
    before = engine.steps
    chain(tmp_path / "part", engine)
    assert engine.steps == before


def test_what_is_to_go_is_counted_in_shots(tmp_path, caplog):
    """Segments come between them as they are wanted; what is on record counts as done, and has no pace."""
    engine = BATH.engine()
    shot = {"outcome": "accepted", "reason": "", "cost": 5}
    walk = {"frames": 9, "highest": [1.0], "reason": ""}

    def told(*pieces: dict) -> list[str]:
        caplog.clear()
        with Journal(tmp_path) as record, caplog.at_level("INFO", logger=interfaces.__name__):
            keep = Keeper(record, engine, 3, 4)
            for piece in pieces:
                keep(lambda piece=piece: piece)
        return [r.getMessage() for r in caplog.records]

    assert told(walk, shot) == ["segment: 9 frames, 1 paths", "shot 1/4: accepted, 5 frames run; 0 s to go"]
    assert told(walk, shot, walk, shot | {"reason": "no field", "outcome": "failed"}) == [
        "segment: 9 frames, 1 paths",
        "shot 2/4: failed, 5 frames run; 0 s to go; no field",
    ]


def test_frames_of_windows_lie_where_the_interfaces_coordinate_says(monkeypatch):
    """Those of a scan's parent have an r of their own: here twice the other and shifted."""
    rng = np.random.default_rng(8)
    windows = []
    for centre in np.linspace(-1.0, 1.0, 5):
        x = rng.normal(centre, 0.3, 400)
        window = mbar.Window(centre, BOLTZMANN * 300.0 / 0.09, x, np.ones(400), np.zeros(400))
        positions = np.zeros((400, 1, 3))
        positions[:, 0, 0] = BATH.a * (2.0 * x + 0.5)
        windows.append((window, positions))
    monkeypatch.setattr(interfaces, "read_windows", lambda file: windows[::-1])
    engine = SimpleNamespace(settings=SimpleNamespace(temperature=300.0))
    found = interfaces.seeds_from_windows(SimpleNamespace(runner=runner(), engine=engine), ["windows.nc"])
    known = mbar.combine([w for w, _ in windows], 300.0)
    np.testing.assert_allclose(found.order, 2.0 * known.r + 0.5)
    np.testing.assert_allclose(found.weight, known.weight)
    # Springs alone: the free energy without them is flat, where each window's own is not.
    share, _ = np.histogram(known.r, np.linspace(-1.0, 1.0, 6), weights=found.weight)
    assert share.max() / share.min() < 1.6
    # One window alone, and two that nothing ties together, weigh nothing.
    for number in (1, 2):
        apart = [(w, x) for w, x in windows if abs(w.centre) > 0.9][:number]
        narrow = [(replace(w, r=w.centre + 0.1 * (w.r - w.centre), stiffness=100.0 * w.stiffness), x) for w, x in apart]
        monkeypatch.setattr(interfaces, "read_windows", lambda file, narrow=narrow: narrow)
        assert interfaces.seeds_from_windows(SimpleNamespace(runner=runner(), engine=engine), ["windows.nc"]) is None


def test_states_end_at_the_ceiling():
    low = runner(ceiling=-0.9)
    x = np.array([BATH.at(v) for v in (-1.1, -0.8, 0.0, 0.7)])
    assert list(low.sides(x, x)) == [REACTANT, NEITHER, NEITHER, PRODUCT]
    assert list(runner().sides(x, x)) == [REACTANT, REACTANT, NEITHER, PRODUCT]


def test_energy_jumps_fail_and_many_failures_stop(tmp_path):
    model = DoubleWell()

    def jump(calls, energy, gradient):
        return energy + (1000.0 if calls > 40 else 0.0), gradient

    engine = MDEngine(
        model.molecule, python_potential(model.molecule, Analytic(model, jump), "jumps"), model.settings()
    )
    run = EngineRunner(engine, *model.basins, lambda p: np.linalg.norm(p[:, 1] - p[:, 0], axis=1), np.zeros_like)
    leg = run.run_to_state(model.at(0.0), np.array([[0, 0, -0.001], [0, 0, 0.001]]), stream(1))
    assert "total energy changed by" in leg.reason
    record, found = Journal(tmp_path), []
    with record, pytest.raises(SamplingError, match="3 shots in a row failed"):
        keep = Keeper(record, engine, 3)
        for _ in range(5):
            found.append(keep(lambda: {"outcome": "failed", "reason": "no field", "cost": 1}))
    assert len(found) == 2


class Given:
    """Random numbers that are given: normal ones, and the two choices of angles."""

    def __init__(self, normal: np.ndarray, *choices: int) -> None:
        self.normal, self.choices = normal, list(choices)

    def standard_normal(self, shape):
        return self.normal.reshape(shape)

    def integers(self, number: int) -> int:
        return self.choices.pop(0)


def test_perturbed_velocities_are_reversible():
    """v' = A v + B n leaves Maxwell and Boltzmann's S alone and can be exchanged with v: A S A' + B B' = S, A S = S A'.

    For every pair of angles, of a free molecule and of one with an atom held.
    """
    rng = np.random.default_rng(5)
    x, masses = rng.normal(size=(5, 3)), np.array([1.0, 12.0, 14.0, 16.0, 35.0])

    def gradient(x):
        bonds = np.zeros((5, 3))
        for a, b, weight in ((0, 1, 1.0), (2, 3, -0.5), (1, 4, 2.0)):
            along = weight * (x[a] - x[b]) / np.linalg.norm(x[a] - x[b])
            bonds[a] += along
            bonds[b] -= along
        return bonds

    held = np.ones((5, 3), dtype=bool)
    held[3] = False
    for active in (None, held):
        potential = SimpleNamespace(masses=masses, isolated=active is None, active=active)
        engine = SimpleNamespace(
            potential=potential,
            settings=SimpleNamespace(friction=0.0),
            thermal_velocities=lambda x, rng, p=potential: maxwell_boltzmann(
                x, masses, 300.0, rng, isolated=p.isolated, active=p.active
            ),
        )
        run = EngineRunner(engine, *BATH.basins, along, gradient)
        unit, none = np.eye(15), np.zeros(15)
        draws = np.array([run.draw(x, Given(n)).ravel() for n in unit]).T
        thermal = draws @ draws.T
        for i, j in itertools.product(range(len(path_moves.ALONG)), range(len(path_moves.ACROSS))):
            old = [path_moves.perturbed(run, x, v.reshape(5, 3), Given(none, i, j)).ravel() for v in unit]
            new = [path_moves.perturbed(run, x, none.reshape(5, 3), Given(n, i, j)).ravel() for n in unit]
            a, b = np.array(old).T, np.array(new).T
            scale = np.abs(thermal).max()
            np.testing.assert_allclose(a @ thermal @ a.T + b @ b.T, thermal, atol=1e-12 * scale)
            np.testing.assert_allclose(a @ thermal, thermal @ a.T, atol=1e-12 * scale)
        # The part along it carries all of dr/dt, and nothing else does.
        v = run.draw(x, rng)
        part = run.along(x, v)
        assert (gradient(x) * part).sum() == pytest.approx((gradient(x) * v * (1 if active is None else held)).sum())
        assert (masses[:, None] * part * (v - part)).sum() == pytest.approx(0.0, abs=1e-9)


def routes(**rates: tuple[float, float | None]) -> list[dict]:
    return [
        {"route": name.replace("_", " "), "from": "A", "to": "B", "temperature": 300.0, "rate": k, "ln_error": error}
        for name, (k, error) in rates.items()
    ]


def test_each_pair_of_routes_is_held_against_the_other():
    rules = {"statistics": "classical"}
    pairs = agreement(routes(harmonic=(1e5, None), free_energy=(1.1e5, 0.1), interfaces=(4e5, 0.2)), 300.0, rules)
    assert [pair.verdict for pair in pairs] == [RouteVerdict.AGREE, RouteVerdict.DISAGREE, RouteVerdict.DISAGREE]
    assert "agree within errors; free energy over harmonic: 1.1" in pairs[0].text
    assert "disagree beyond errors; interfaces over harmonic: 4 (2.7 to 5.9); anharmonic" in pairs[1].text
    # ln(4/1.1) = 1.29, sqrt(0.1^2 + 0.2^2) = 0.22
    assert "disagree beyond errors; interfaces over free energy: 3.6 (2.3 to 5.6)" in pairs[2].text
    assert agreement(routes(harmonic=(1e5, None), free_energy=(None, None)), 300.0, rules) == []
    moving = routes(harmonic=(1e5, None), free_energy=(1.1e5, 0.1))
    moving[1]["equilibrated"] = False
    (pair,) = agreement(moving, 300.0, rules)
    assert pair.text.endswith("; the umbrella windows were not equilibrated")
    # An interval by Student's t is wider: ln 4 = 1.39 is within 1.5, where 1.96 errors are 0.39.
    wide = routes(harmonic=(1e5, None), interfaces=(4e5, 0.2))
    wide[1] |= {"low": 4e5 * math.exp(-1.5), "high": 4e5 * math.exp(1.5)}
    (pair,) = agreement(wide, 300.0, rules)
    assert pair.verdict == RouteVerdict.AGREE
    assert "agree within errors; interfaces over harmonic: 4 (0.89 to 18)" in pair.text


def test_the_table_shows_the_route_through_interfaces():
    highest = np.where(np.random.default_rng(1).random((200, 1)) < 0.3, math.inf, 1.0)
    zeros, counts = np.zeros((200, 1), dtype=int), np.full(50, 4)
    chain = InterfaceChain(highest, zeros + 9, zeros, zeros - 1, np.full(50, 100), counts, np.zeros(50, int))
    rate = rate_of_chains([chain], [0.5], 0.004).to_dict()
    content = {
        "source": "a model",
        "states": ["A", "B"],
        "temperature_K": 300.0,
        "routes": routes(interfaces=(rate["rate"], rate["ln_error"])),
        "laws": [],
        "kinetics": [],
        "channels": [],
        "rates": [{"from": "A", "temperature": 300.0, "shares": []}],
        "without_saddle": {"over the hill": "over the hill: no saddle within 80 cycles"},
        "along_coordinate": {},
        "interfaces": {"from": "A", "to": "B", "rate": rate},
        "agreement": [],
        "rules": {"statistics": "classical", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "none"},
    }
    page = rates_table.content([content], ["model"], None).html()
    assert "flux times crossing probability through interfaces" in page
    assert "1e+13 /s through the first of 1 interfaces (200 paths out of the reactant" in page
    assert "too slowly" not in page and "over the hill (no saddle within 80 cycles)" in page
    assert "drifts" not in page
    for drift in (None, 4.1 * rate["ln_probability_error"], -4.1 * rate["ln_probability_error"]):
        moving = {**content, "interfaces": {"from": "A", "to": "B", "rate": {**rate, "drift": drift}}}
        assert "drifts" in rates_table.content([moving], ["model"], None).html()
    blind = {**rate, "drift": 0.1, "ln_probability_error": None}
    assert (
        "drifts"
        in rates_table.content([{**content, "interfaces": {"from": "A", "to": "B", "rate": blind}}], ["m"], None).html()
    )
    assert "only" not in page
    rare = {**content, "interfaces": {"from": "A", "to": "B", "rate": {**rate, "n_arrivals": 3}}}
    assert (
        "only 3 paths have come from the first interface to the last"
        in rates_table.content([rare], ["model"], None).html()
    )
    slow = {**content, "interfaces": {"from": "A", "to": "B", "rate": {**rate, "slowest": 0.9}}}
    assert "too slowly" in rates_table.content([slow], ["model"], None).html()


def test_the_arrhenius_plot_names_its_axes():
    """Also where points with intervals lie over the lines: layers that disagree on a title lose it."""
    rows = [
        {
            "label": "m",
            "from": "A",
            "to": "B",
            "route": route,
            "inverse": x,
            "log_rate": 3.0 - x,
            "low": low,
            "high": high,
        }
        for route, x, low, high in (
            ("harmonic", 2.0, np.nan, np.nan),
            ("harmonic", 3.0, np.nan, np.nan),
            ("free energy", 3.0, -1.0, 1.0),
        )
    ]
    rows += [
        {"label": EXPERIMENT, "from": "A", "to": "B", "route": EXPERIMENT, "inverse": x, "log_rate": y}
        for x, y in ((2.0, 0.5), (3.0, -0.5))
    ]
    shown = charts.svg(arrhenius_plot.chart(pd.DataFrame(rows).assign(forward=True), ["m"]))
    for words in (
        "log10 of the rate in 1/s",
        "1000 K / temperature",
        "Rate from A to B",
        "experiment",
    ):  # as text, for every mark bears its axes' titles too
        assert f">{words}</text>" in shown, words


def test_chains_that_are_too_short_say_so_and_other_routes_go_their_way(tmp_path, root):
    settings = load(read_yaml(root / "config/examples/double_well.yaml")).settings("interface_rate", "coupled")

    def written(reach: float) -> dict:
        """What becomes of one chain whose paths never, or at times, reach the second of two interfaces."""
        number = np.zeros((40, 2), dtype=int)
        highest = np.where(np.arange(80).reshape(40, 2) % 3 == 0, reach, 0.6)
        highest[::4, 1] = math.inf
        columns = {"highest": highest, "frames": number + 9, "outcome": number, "source": number + np.arange(2)}
        data = xr.Dataset(
            {name: (("cycle", "ensemble"), values) for name, values in columns.items()}
            | {name: ("cycle", np.full(40, n)) for name, n in (("flux_frames", 100), ("flux_counts", 4))}
            | {"flux_unfinished": ("cycle", np.zeros(40, int)), "interface": ("ensemble", np.array([0.5, 0.7]))},
            attrs={"frame_fs": 4.0, "coordinate": "r = x", "ceiling": 0.4},
        )
        if reach < 0.7:
            data.highest.values[:] = 0.6
        write_dataset(data, tmp_path / "chain.nc", title="a chain", source="a test")
        interfaces.interface_rate(settings, [tmp_path / "chain.nc"], tmp_path / "rate.json")
        return read_json(tmp_path / "rate.json")

    assert written(0.8)["rate"]["rate"] > 0.0 and written(0.8)["no_rate"] is None
    found = written(0.6)
    assert found["rate"] == {}
    words = "no rate through interfaces: no path crossed from interface 1 to the next; give more cycles"
    assert found["no_rate"] == words
    content = {
        "source": "a model",
        "states": ["A", "B"],
        "temperature_K": 300.0,
        "routes": routes(harmonic=(1.0, None), interfaces=(None, None)),
        "laws": [],
        "kinetics": [],
        "channels": [],
        "rates": [{"from": "A", "temperature": 300.0, "shares": []}],
        "without_saddle": {},
        "along_coordinate": {},
        "interfaces": found,
        "agreement": [],
        "rules": {"statistics": "classical", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "none"},
    }
    assert words in rates_table.content([content], ["model"], None).html()
