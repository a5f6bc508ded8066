"""Figures of a scan: what stands in them, against hand-made rates and Kramers' formula."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import constants

from separatrix.rates import tunnelling
from separatrix.report import charts
from separatrix.report.figures import scan_mechanisms, scan_rates
from separatrix.report.scans import COLUMNS, ScanResults
from separatrix.workflow import reporting

FRICTIONS = [0.0, 1.0, 100.0]


def content(rate: float, *, along: bool = True, no_rate: str | None = None) -> dict[str, Any]:
    """rates.json of a method whose route along the coordinate gives a rate."""
    profile = {"profile": {"rate": {"forward": 4.0}}, "no_rate": no_rate} if along else {}
    common = {"from": "A", "to": "B", "temperature": 300.0}
    back = {**common, "from": "B", "to": "A"}
    return {
        "states": ["A", "B"],
        "rates": [{**common, "rate": 3.0, "shares": [0.2, 0.8]}],
        "channels": [{"imaginary": 50.0}, {"imaginary": 200.0}],
        "along_coordinate": profile,
        "routes": [
            {**common, "route": "harmonic", "rate": 3.0, "ln_error": None},
            {**common, "route": "free energy", "rate": rate, "ln_error": 0.1},
            {**back, "route": "free energy", "rate": 7.0, "ln_error": 0.1},
            {**common, "route": "harmonic", "rate": 9.0, "ln_error": None, "temperature": 400.0},
            {**common, "route": "interfaces", "rate": rate, "ln_error": 0.1, "low": rate / 5.0, "high": 5.0 * rate},
            {**common, "route": "interfaces", "rate": None, "ln_error": None},
        ],
    }


def files(folder: Path, values: list[Any], **options: Any) -> dict[str, Path]:
    found = {}
    for i in range(len(values)):
        found[f"m{i}"] = folder / f"m{i}.json"
        found[f"m{i}"].write_text(json.dumps(content(2.0 / (1 + i), **options)))
    rows = [
        {"method": name, "label": name, "kind": kind, "mechanism": word, "share": share, "low": low, "high": high}
        for i, name in enumerate(found)
        for kind, word, share, low, high in (
            ("all", "inversion", 0.1 * i, 0.0, 0.1 * i + 0.2),
            ("all", "rotation", 1.0 - 0.1 * i, math.nan, math.nan),
            ("chain", "rotation", 1.0, math.nan, math.nan),
        )
    ]
    pd.DataFrame(rows).to_csv(folder / "mechanisms.csv", index=False)
    return found


def write(folder: Path, values: list[Any], setting: str, quantity: str, **options: Any) -> pd.DataFrame:
    rates = files(folder, values, **options)
    scan = {
        "name": "friction",
        "setting": setting,
        "quantity": quantity,
        "parents": {"m0": "model"},
        "members": [{"method": n, "of": "model", "value": v} for n, v in zip(rates, values, strict=True)],
    }
    outputs = {"scan_rates": folder / "rates.svg", "scan_mechanisms": folder / "mechanisms.svg"}
    outputs |= {f"{name}_data": folder / f"{name}.csv" for name in outputs}
    reporting.draw_scan(scan, rates, folder / "mechanisms.csv", 300.0, outputs)
    return pd.concat([pd.read_csv(outputs["scan_rates_data"]), pd.read_csv(outputs["scan_mechanisms_data"])])


def test_rates_and_kramers_over_a_friction(tmp_path: Path):
    table = write(tmp_path, FRICTIONS, "dynamics.friction_per_ps", "friction (/ps)")
    rates = table[table["kind"] == "rate"]
    # One direction, the temperature of the dynamics, and only routes that give a rate.
    assert sorted(zip(rates["series"], rates["value"], strict=True)) == [
        (route, f) for route in ("free energy", "harmonic", "interfaces") for f in FRICTIONS
    ]
    last = rates[(rates["series"] == "free energy") & (rates["value"] == 100.0)].iloc[0]
    assert last["y"] == pytest.approx(math.log10(2.0 / 3.0))
    assert last["high"] - last["y"] == pytest.approx(1.96 * 0.1 / math.log(10.0))
    # Its own interval where it brings one.
    last = rates[(rates["series"] == "interfaces") & (rates["value"] == 100.0)].iloc[0]
    assert (last["high"] - last["y"], last["y"] - last["low"]) == pytest.approx((math.log10(5.0), math.log10(5.0)))
    line = table[table["kind"] == "theory"]
    assert (line["value"].min(), line["value"].max()) == pytest.approx((1.0, 100.0))
    # The saddle that most of the rate goes over.
    top = line.iloc[-1]
    assert 10 ** top["y"] == pytest.approx(4.0 * tunnelling.kramers(200.0, 100.0))
    assert set(line["series"]) == {"Kramers, from the free energy"}
    shown = (tmp_path / "rates.svg").read_text()
    for words in ("friction (/ps)", "log10 of the rate in 1/s", "friction (/ps) 0 cannot be shown on this axis"):
        assert f">{words}</text>" in shown, words
    shown = (tmp_path / "mechanisms.svg").read_text()
    for words in ("share of the reactive paths", "inversion", "rotation"):
        assert f">{words}</text>" in shown, words
    shares = table[(table["kind"] == "share") & (table["series"] == "rotation")]
    np.testing.assert_allclose(shares["y"], [1.0, 0.9, 0.8])


@pytest.mark.parametrize("options", [{"along": False}, {"no_rate": "that is no dividing surface"}])
def test_without_a_free_energy_the_line_starts_from_the_harmonic_rate(tmp_path: Path, options: dict[str, Any]):
    """Or with one whose top is no dividing surface."""
    table = write(tmp_path, FRICTIONS, "dynamics.friction_per_ps", "friction (/ps)", **options)
    line = table[table["kind"] == "theory"]
    assert set(line["series"]) == {"Kramers, from the harmonic rate"}
    assert 10 ** line.iloc[0]["y"] == pytest.approx(3.0 * tunnelling.kramers(200.0, 1.0))


def test_solvents_stand_as_words_in_their_order(tmp_path: Path):
    table = write(tmp_path, ["none", "water", "hexane"], "options.solvent", "solvent")
    assert not (table["kind"] == "theory").any()
    shown = (tmp_path / "mechanisms.svg").read_text()
    places = [shown.index(f">{word}</text>") for word in ("none", "water", "hexane")]
    assert places == sorted(places)


def test_a_mechanism_that_a_solvent_lacks_has_a_share_of_nothing():
    members = [{"method": f"m{i}", "of": "model", "value": v} for i, v in enumerate(("none", "water", "oil"))]
    rates = {m["method"]: content(1.0) for m in members}
    shares = pd.DataFrame(
        [("m0", "all", "inversion", 1.0), ("m1", "all", "inversion", 0.3), ("m1", "all", "rotation", 0.7)],
        columns=["method", "kind", "mechanism", "share"],
    ).assign(low=math.nan, high=math.nan)
    scan = {"name": "solvent", "quantity": "solvent", "members": members}
    table = scan_mechanisms.rows(ScanResults(scan, rates, shares, 300.0))
    found = table.set_index(["value", "series"])["y"].to_dict()
    # The third has no paths at all: nothing is known of it.
    assert found == {
        ("none", "inversion"): 1.0,
        ("none", "rotation"): 0.0,
        ("water", "inversion"): 0.3,
        ("water", "rotation"): 0.7,
    }
    assert "no error bar: too few independent paths" in charts.svg(scan_mechanisms.chart(table, ["model"]))


def test_nothing_to_show_is_said():
    empty = pd.DataFrame(columns=list(COLUMNS))
    assert "Rate over a scan" in charts.svg(scan_rates.chart(empty, []))


@pytest.mark.parametrize("friction", [0.0, 0.01, 1.0, 1e3, 1e6])
def test_kramers_solves_its_equation(friction: float):
    """kappa omega is the growth rate at the saddle: x^2 + gamma x - omega^2 = 0."""
    omega = 2.0 * math.pi * constants.c * 100.0 * 300.0 * 1e-12
    x = tunnelling.kramers(300.0, friction) * omega
    assert x**2 + friction * x == pytest.approx(omega**2, rel=1e-9)
