"""Rates along the coordinate at several temperatures, as they are gathered and shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rate_models import Walker
from surface_models import Surface, pairs
from toy_method import rate_estimates

from separatrix.core.files import read_json, write_json
from separatrix.core.units import BOLTZMANN
from separatrix.rates import along_coordinate, free_energy, kinetics, reweighting
from separatrix.rates.agreement import RouteVerdict
from separatrix.rates.transmission import transmission
from separatrix.report import charts, rates_table
from separatrix.report.figures import arrhenius_plot, transmission_decay
from separatrix.report.rates_frame import rates_frame
from separatrix.report.reported_rates import ReportedRates
from separatrix.workflow import rate_routes, reporting

SURFACE = Surface(18.0, 2.0)
TARGETS = [280.0, 300.0, 330.0, 370.0]


def results(frames: int, seed: int, targets: list[float] = TARGETS) -> tuple[dict, dict]:
    """What the stages write of a free energy and a transmission coefficient."""
    windows = SURFACE.windows(np.random.default_rng(seed), frames, count=15)
    rate, profile = free_energy.surface_rate(windows, 300.0, rng=np.random.default_rng(seed + 1), n_bootstrap=40)
    other = reweighting.other_temperatures(
        windows, 300.0, targets, rate, rng=np.random.default_rng(seed + 2), n_bootstrap=40
    )
    walker = Walker(60.0, barrier=18.0, tilt=2.0)
    kappa = transmission(pairs(walker, 400, np.random.default_rng(seed)), 4.0, rng=np.random.default_rng(seed + 3))
    found = {"rate": rate.to_dict(), "profile": profile.to_dict(), "other_temperatures": other.to_dict()}
    return found, kappa.to_dict()


def gathered(
    folder: Path, monkeypatch, found: dict, kappa: dict, through: dict | None = None, quantised: dict | None = None
) -> dict:
    """`rates.json` of the stage; `quantised` adds to what the harmonic rates say."""
    system = SimpleNamespace(reactant="A", product="B")
    given = SimpleNamespace(
        system=system, method=SimpleNamespace(label="model"), config=SimpleNamespace(temperature_K=300.0)
    )
    monkeypatch.setattr(rate_routes, "StageSettings", lambda *_: given)
    harmonic = {
        "source": "a model",
        "states": ["A", "B"],
        "temperature_K": 300.0,
        "rates": [{"from": "A", "to": "B", "temperature": 300.0, "rate": 1e9, "shares": []}],
        "channels": [],
        "without_saddle": {},
        "laws": [],
        "kinetics": [],
        "rules": {"statistics": "classical", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "none"},
    }
    harmonic |= quantised or {}
    for name, content in (("harmonic", harmonic), ("profile", found), ("kappa", kappa), ("interfaces", through)):
        if content is not None:
            write_json(content, folder / f"{name}.json")
    rate_routes.gather(
        {"temperature_K": 300.0},
        folder / "rates.json",
        harmonic=folder / "harmonic.json",
        profile=folder / "profile.json",
        transmission=folder / "kappa.json",
        interfaces=folder / "interfaces.json" if through else "",
    )
    return read_json(folder / "rates.json")


def test_routes_and_law_are_those_of_quadrature(tmp_path, monkeypatch):
    found, kappa = results(1000, 1)
    content = gathered(tmp_path, monkeypatch, found, kappa)
    mine = [r for r in content["routes"] if r["route"] == "free energy"]
    assert [(r["from"], r["temperature"]) for r in mine if r["how"] == "reweighted"] == [
        (start, t) for start in "AB" for t in (280.0, 330.0, 370.0)
    ]
    assert [(r["from"], r["temperature"]) for r in mine if r["how"] == "sampled"] == [("A", 300.0), ("B", 300.0)]
    top = found["rate"]["top"]
    for r in mine:
        exact = SURFACE.exact(top, r["temperature"])["AB".index(r["from"])] * kappa["kappa"]
        # The coefficient is taken as it is: its error is none of the deviation.
        assert abs(math.log(r["rate"] / exact)) < 3.0 * r["ln_error"] < 0.6
    said = content["along_coordinate"]["reweighted"]
    assert said["left_out"] is None
    assert said["how"] == "free energy reweighted by MBAR; transmission coefficient as at 300 K"
    for law, place in zip(said["laws"], (0, 1), strict=True):
        exact = kinetics.fit_law(TARGETS, [SURFACE.exact(top, t)[place] for t in TARGETS])
        low, high = law["energy_interval"]
        # A slab that is flat to kT/20 shifts the energy by a sixtieth of kT, 0.04 kJ/mol.
        assert law["from"] == "AB"[place] and low - 0.04 < exact.energy < high + 0.04 and high - low < 0.5
        # Rates of the same frames: the energy is known better than four independent rates would let it be.
        errors = [r["ln_error"] for r in mine if r["from"] == law["from"]]
        alone = kinetics.fit_law(TARGETS, [1.0] * 4, sorted(errors))
        assert high - low < 0.6 * (alone.energy_interval[1] - alone.energy_interval[0])
    # Nothing is held against the harmonic rate but what was sampled.
    assert len(content["agreement"]) == 1


def test_intervals_of_the_activation_energy_cover():
    """A law through rates whose logarithms have a known covariance."""
    t = np.array([280.0, 300.0, 330.0, 370.0])
    root = np.array([[0.3, 0, 0, 0], [0.3, 0.02, 0, 0], [0.3, 0.03, 0.02, 0], [0.3, 0.05, 0.02, 0.03]])
    rng, inside, inside_of_prefactor = np.random.default_rng(5), 0, 0
    for _ in range(400):
        ln_k = 20.0 - 30.0 / (BOLTZMANN * t) + root @ rng.standard_normal(4)
        law = along_coordinate.law_of_correlated_rates(t, np.exp(ln_k), root @ root.T)
        inside += law.energy_interval[0] < 30.0 < law.energy_interval[1]
        inside_of_prefactor += law.ln_prefactor_interval[0] < 20.0 < law.ln_prefactor_interval[1]
    assert 0.92 <= inside / 400 <= 0.98 and 0.92 <= inside_of_prefactor / 400 <= 0.98


def test_temperatures_that_frames_do_not_carry_are_left_out_and_said(tmp_path, monkeypatch):
    found, kappa = results(200, 2, [300.0, 330.0])
    other = found["other_temperatures"]
    other["effective_reactant"][1] = 12.4
    other["effective_top"][1] = 40.0
    content = gathered(tmp_path, monkeypatch, found, kappa)
    kept = [(r["from"], r["temperature"]) for r in content["routes"] if r.get("how") == "reweighted"]
    assert kept == [("B", 330.0)]
    said = content["along_coordinate"]["reweighted"]
    assert said["left_out"] == (
        "not reweighted, for want of 30 effective frames: A to B at 330 K (at most 12 in A, 40 at the top)"
    )
    assert [law["from"] for law in said["laws"]] == ["B"]
    assert said["left_out"] in rates_table.content([content], ["model"], None).html()
    # A resample without frames has no error, and no rate; that is no want of frames.
    other["effective_reactant"][1] = 400.0
    other["ln_forward_covariance"][1][1] = None
    assert gathered(tmp_path, monkeypatch, found, kappa)["along_coordinate"]["reweighted"]["left_out"] == (
        "not reweighted, for their error has no bound, as a resample of the frames holds none on the dividing surface: "
        "A to B at 330 K"
    )
    other["effective_product"][1] = 3.0
    both = gathered(tmp_path, monkeypatch, found, kappa)["along_coordinate"]["reweighted"]["left_out"]
    assert "for want of 30 effective frames: B to A at 330 K" in both and "none on the dividing surface: A to B" in both


def test_every_route_carries_its_interval(tmp_path, monkeypatch):
    """That through interfaces is the one of its own file, by Student's t; the table and the figures have the same."""
    found, kappa = results(200, 2, [300.0])
    of_file = {"rate": 2e9, "ln_error": 0.3, "low": 4e8, "high": 9e9, "slowest": 0.1, "n_arrivals": 40}
    through = {"from": "A", "to": "B", "rate": of_file}
    routes = {
        (r["route"], r["from"]): r for r in gathered(tmp_path, monkeypatch, found, kappa, through=through)["routes"]
    }
    assert (routes["harmonic", "A"]["low"], routes["harmonic", "A"]["high"]) == (None, None)
    along = routes["free energy", "B"]
    half = 1.96 * along["ln_error"]
    assert along["low"] == pytest.approx(along["rate"] * math.exp(-half))
    assert along["high"] == pytest.approx(along["rate"] * math.exp(half))
    assert (routes["interfaces", "A"]["low"], routes["interfaces", "A"]["high"]) == (4e8, 9e9)
    frame = rates_frame([{"routes": list(routes.values())}], ["model"])
    row = frame[frame["route"] == "interfaces"].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((math.log10(4e8), math.log10(9e9)))
    assert frame[frame["route"] == "harmonic"][["low", "high"]].isna().all(axis=None)


def test_errors_are_those_of_their_direction_and_hold_that_of_the_transmission(tmp_path, monkeypatch):
    """ln k = ln k along r + ln kappa, with independent errors; one coefficient is common to all temperatures."""
    found, kappa = results(200, 2)
    found["rate"] |= {"ln_forward_error": 0.1, "ln_backward_error": 0.25}
    of_kappa = 0.2 / kappa["kappa"]
    certain = gathered(tmp_path, monkeypatch, found, kappa | {"error": 1e-9})
    content = gathered(tmp_path, monkeypatch, found, kappa | {"error": 0.2})
    sampled = {r["from"]: r["ln_error"] for r in content["routes"] if r.get("how") == "sampled"}
    assert sampled == pytest.approx({"A": math.hypot(0.1, of_kappa), "B": math.hypot(0.25, of_kappa)})
    pairs_of = [
        (one["ln_error"], other["ln_error"])
        for one, other in zip(certain["routes"], content["routes"], strict=True)
        if one.get("how") == "reweighted"
    ]
    assert len(pairs_of) == 6
    for without, with_it in pairs_of:
        assert with_it == pytest.approx(math.hypot(without, of_kappa), rel=1e-6)
    # What is common to all temperatures is an error of the prefactor and none of the activation energy.
    laws = [c["along_coordinate"]["reweighted"]["laws"][0] for c in (certain, content)]
    widths = [np.diff(law["ln_prefactor_interval"])[0] for law in laws]
    assert widths[1] == pytest.approx(math.hypot(widths[0], 2 * 1.96 * of_kappa), rel=0.1)


def test_classical_rates_are_held_against_experiment_times_the_quantum_factor(tmp_path, monkeypatch):
    """And against the classical harmonic rate, not the quantised one."""
    found, kappa = results(200, 2)
    true = found["rate"]["forward"] * kappa["kappa"]
    rates = [
        {
            "from": start,
            "to": end,
            "temperature": t,
            "rate": 6.0 * (300.0 / t) * true,
            "shares": [],
            "classical_rate": true,
            "quantum_factor": 6.0 * (300.0 / t),
            "quantum_vibrations": 3.0 * (300.0 / t),
            "tunnelling": 2.0,
        }
        for start, end in (("A", "B"), ("B", "A"))
        for t in TARGETS
    ]
    rules = {"statistics": "quantum", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "wigner"}
    through = {"from": "A", "to": "B", "rate": {"rate": 0.8 * true, "ln_error": 0.1, "low": 0.6 * true, "high": true}}
    content = gathered(tmp_path, monkeypatch, found, kappa, through, {"rates": rates, "rules": rules})
    sampled = [r for r in content["routes"] if r["route"] != "harmonic"]
    assert len(sampled) == 9 and all(r["quantum_factor"] == 1800.0 / r["temperature"] for r in sampled)
    assert not any("quantum_factor" in r for r in content["routes"] if r["route"] == "harmonic")
    assert any(
        pair["verdict"] == RouteVerdict.AGREE
        and pair["text"].startswith(
            "A to B: the routes agree within errors; free energy over harmonic, both classical: 1 ("
        )
        for pair in content["agreement"]
    )
    # The factor falls with temperature as 1/T does: an activation energy that is less by RT, of T in the middle.
    law = content["along_coordinate"]["reweighted"]["laws"][0]
    assert law["energy"] - law["quantum_energy"] == pytest.approx(BOLTZMANN * 320.0, rel=0.06)
    frame = rates_frame([content], ["model"])
    row = frame[frame["route"] == "interfaces"].iloc[0]
    assert row["quantum_rate"] == pytest.approx(4.8 * true) and row["rate"] == pytest.approx(0.8 * true)
    # In the figure beside harmonic lines and experiment.
    chart = arrhenius_plot.chart(arrhenius_plot.rows(ReportedRates([content], ["model"])), ["model"]).to_dict()
    drawn = [r for rows in chart["datasets"].values() for r in rows if r.get("route") == "interfaces"]
    assert drawn and all(r["log_rate"] == pytest.approx(math.log10(4.8 * true)) for r in drawn)
    assert "times the harmonic quantum/classical factor" in json.dumps(chart)
    extra = {"source": "x", "channels": [], "without_saddle": {}, "kinetics": [], "laws": [], "interfaces": {}}
    page = rates_table.content([content | extra], ["model"], None).html()
    assert page.count("harmonic quantum/classical factor of 6 (vibrations 3, tunnelling 2)</td>") == 3
    compared = {q.key: q.value for q in rate_estimates(content)}
    assert compared["rate_quantised[from=A, to=B, route=interfaces, temperature=300]"] == pytest.approx(4.8 * true)
    # Harmonic rates that are classical need none.
    plain = rules | {"statistics": "classical", "tunnelling": "none"}
    content = gathered(tmp_path, monkeypatch, found, kappa, None, {"rates": rates, "rules": plain})
    assert not any("quantum_factor" in r for r in content["routes"])
    assert "both classical" not in "".join(pair["text"] for pair in content["agreement"])


def test_windows_without_energies_say_so(tmp_path, monkeypatch):
    found, kappa = results(200, 3, [300.0])
    found["other_temperatures"] = {"reason": "the windows have no energies on record"}
    content = gathered(tmp_path, monkeypatch, found, kappa)
    said = content["along_coordinate"]["reweighted"]
    assert said["left_out"] == "no rate at other temperatures: the windows have no energies on record"
    assert sum(r["route"] == "free energy" for r in content["routes"]) == 2
    # Results of earlier versions have no such key.
    del found["other_temperatures"]
    assert "reweighted" not in gathered(tmp_path, monkeypatch, found, kappa)["along_coordinate"]


def test_no_dividing_surface_is_no_rate_at_any_temperature(tmp_path, monkeypatch):
    found, kappa = results(200, 4)
    content = gathered(tmp_path, monkeypatch, found, kappa | {"kappa": 0.01, "error": 0.05})
    assert [r["rate"] for r in content["routes"] if r["route"] == "free energy"] == [None, None]
    # One configuration has no error; the table stands it.
    content = gathered(tmp_path, monkeypatch, found, kappa | {"error": None, "positive_error": None})
    page = rates_table.content([content], ["model"], None).html()
    assert "± unknown" in page and "a poor coordinate" not in page


def test_a_small_transmission_coefficient_is_a_caution_about_the_interval(tmp_path, monkeypatch):
    """On a poor coordinate intervals of short windows held the true rate in nine of twelve repeats."""
    found, kappa = results(200, 4)
    for value, said in ((0.27, True), (0.45, False)):
        content = gathered(tmp_path, monkeypatch, found, kappa | {"kappa": value, "error": 0.05})
        assert ("the interval is too narrow" in rates_table.content([content], ["model"], None).html()) == said


def test_table_figure_and_data_show_what_was_reweighted(tmp_path, monkeypatch):
    found, kappa = results(1000, 5)
    found["gaps_left"] = [0.12]
    content = gathered(tmp_path, monkeypatch, found, kappa)
    names = ("arrhenius", "free_energy", "transmission", "relaxation")
    outputs = {"rates": tmp_path / "table.html"}
    outputs |= {name: tmp_path / f"{name}.svg" for name in names}
    outputs |= {f"{name}_data": tmp_path / f"{name}.csv" for name in names}
    reporting.draw_rates([tmp_path / "rates.json"], ["model"], outputs)
    page = outputs["rates"].read_text()
    assert page.count("free energy along r, with recrossing, reweighted</td>") == 6
    assert "transmission coefficient as at 300 K): activation energy" in page
    assert "overlap by less than 0.03 near r = 0.12" in page
    data = pd.read_csv(outputs["arrhenius_data"])
    assert (data["how"] == "reweighted").sum() == 6 and (data["how"] == "sampled").sum() == 2
    assert "hollow diamonds" in outputs["arrhenius"].read_text()
    # Hollow and filled diamonds: of A to B, three and one.
    frame = arrhenius_plot.rows(ReportedRates([content], ["model"]))
    chart = json.dumps(arrhenius_plot.chart(frame, ["model"]).to_dict())
    assert '"filled": false' in chart and '"filled": true' in chart
    alone = frame[frame["how"] != "reweighted"]
    chart = json.dumps(arrhenius_plot.chart(alone, ["model"]).to_dict())
    assert '"filled": false' not in chart and "hollow" not in chart


def test_the_decay_of_kappa_is_drawn_to_its_plateau(tmp_path, monkeypatch):
    found, kappa = results(200, 6, [300.0])
    content = gathered(tmp_path, monkeypatch, found, kappa)
    frame = transmission_decay.rows(ReportedRates([content, {"along_coordinate": {}}], ["model", "other"]))
    assert set(frame["label"]) == {"model"} and len(frame) == len(kappa["time"])
    assert frame["kappa"].iloc[0] == pytest.approx(1.0) and frame["kappa"].iloc[-1] == pytest.approx(kappa["kappa"])
    last = frame.iloc[-1]
    assert last["high"] - last["low"] == pytest.approx(2 * 1.96 * kappa["error"])
    assert last["plateau_high"] - last["plateau"] == pytest.approx(1.96 * kappa["error"])
    shown = charts.svg(transmission_decay.chart(frame, ["model", "other"]))
    for words in ("Transmission coefficient", "transmission coefficient", "time after the shot (fs)"):
        assert f">{words}</text>" in shown, words
    # What is left out of the figure is not left out of the data.
    chart = transmission_decay.chart(frame, ["model"]).to_dict()
    longest = max(row["time"] for rows in chart["datasets"].values() for row in rows)
    assert longest == max(t for t in kappa["time"] if t <= max(2.0 * kappa["plateau_from"], 80.0))
    nothing = transmission_decay.rows(ReportedRates([{"along_coordinate": {}}], ["other"]))
    assert nothing.empty and charts.svg(transmission_decay.chart(nothing, ["other"]))
    # One configuration: no band, but a line.
    bare = kappa | {"error": None, "kappa_of_time_error": [None] * len(kappa["time"])}
    content["along_coordinate"]["transmission"] = bare
    assert charts.svg(transmission_decay.chart(transmission_decay.rows(ReportedRates([content], ["model"])), ["model"]))
