"""A series of molecules: a known rho comes back, and what cannot be used is one clear line."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.core.errors import SeparatrixError, StoreError
from separatrix.core.molecule import read_geometry
from separatrix.core.units import KCAL
from separatrix.core.yaml_file import read_yaml
from separatrix.report import series

SIGMA = {"NMe2": -0.83, "OMe": -0.27, "H": 0.0, "Cl": 0.23, "CN": 0.66, "NO2": 0.78}


def run(folder: Path, log_rate: float, method: str = "pm6", **changes: Any) -> None:
    """What `harmonic` writes for a molecule, with two saddles of which the second has three quarters of the rate."""
    rate, temperature = 10.0**log_rate, changes.pop("temperature_K", 300.0)
    at = [{"from": a, "to": b, "temperature": t} for a, b in (("Z", "E"), ("E", "Z")) for t in (280.0, temperature)]
    factors = {("Z", temperature): 1.0}
    content = {
        "method": method,
        "states": ["Z", "E"],
        "temperature_K": temperature,
        "channels": [
            {"saddle": "rotation", "mechanisms": {"rotation": 1.0}},
            {"saddle": "rotation", "mechanisms": {"inversion": 1.0}},
        ],
        "by_channel": [
            x | {"channel": n, "barrier": (n + 20.0) * KCAL, "rate": rate * share}
            for x in at
            for n, share in ((0, 0.25), (1, 0.75))
        ],
        "rates": [
            x | {"rate": rate * factors.get((x["from"], x["temperature"]), 1e-3), "shares": [0.25, 0.75]} for x in at
        ],
    }
    file = folder / method / "rates" / "harmonic.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content | changes))


def made_up(folder: Path, log_rates: dict[str, float], sigma: dict[str, float] = SIGMA, **changes: Any) -> Path:
    """A series with these rates."""
    for name, value in log_rates.items():
        run(folder / name, value, **changes)
    return listed(folder, {name: sigma[name] for name in log_rates})


def listed(folder: Path, sigma: dict[str, float]) -> Path:
    file = folder / "series.csv"
    file.write_text("# by hand\nname,sigma,results\n" + "".join(f"{n}, {s}, {n}\n" for n, s in sigma.items()))
    return file


@given(
    st.floats(-5.0, 5.0),
    st.floats(-20.0, 12.0),
    st.lists(st.floats(-1.0, 1.0).map(lambda s: round(s, 3)), min_size=3, max_size=8, unique=True),
)
@settings(max_examples=40)
def test_a_known_rho_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rho: float, intercept: float, sigma: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("series")
    known = {f"X{i}": s for i, s in enumerate(sigma)}
    file = made_up(folder, {n: intercept + rho * s for n, s in known.items()}, known)
    table = series.rates(series.read_series(file))
    line, *parts = series.fit(table)
    # Few and close sigma magnify rounding.
    near = 1e-9 / np.ptp(sigma)
    # The mechanisms have constant shares here, and so the same slope.
    assert [part.mechanism for part in parts] == ["inversion", "rotation"]
    assert [part.rho for part in parts] == pytest.approx([rho, rho], abs=near)
    assert [part.intercept for part in parts] == pytest.approx(
        [intercept + math.log10(s) for s in (0.75, 0.25)], abs=near
    )
    assert line.rho == pytest.approx(rho, abs=near)
    assert line.intercept == pytest.approx(intercept, abs=near)
    assert line.scatter < 1e-9
    assert line.rho_low - near <= rho <= line.rho_high + near
    assert table["ln_rate"].to_list() == pytest.approx((math.log(10.0) * table["log_rate"]).to_list())
    if 0.0 in sigma:
        assert line.rho_reference == pytest.approx(rho, abs=1e-9 / min(abs(s) for s in sigma if s))
    else:
        assert line.rho_reference is None and line.reference == ""


def test_interval_and_scatter_are_those_of_textbooks(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    noisy = {name: 2.0 - 1.3 * s + 0.2 * rng.standard_normal() for name, s in SIGMA.items()}
    line, *_ = series.fit(series.rates(series.read_series(made_up(tmp_path, noisy))))
    sigma, y = np.array(list(SIGMA.values())), np.array(list(noisy.values()))
    expected = stats.linregress(sigma, y)
    half = stats.t.ppf(0.975, 4) * expected.stderr
    assert line.rho == pytest.approx(expected.slope)
    assert (line.rho_low, line.rho_high) == pytest.approx((expected.slope - half, expected.slope + half))
    assert line.r_squared == pytest.approx(expected.rvalue**2)
    misses = y - expected.intercept - expected.slope * sigma
    assert line.scatter == pytest.approx(math.sqrt((misses**2).sum() / 4))
    # Through H: one number for five points.
    relative = y - noisy["H"]
    slope = (sigma * relative).sum() / (sigma**2).sum()
    assert line.rho_reference == pytest.approx(slope)
    assert line.scatter_reference == pytest.approx(math.sqrt(((relative - slope * sigma) ** 2).sum() / 4))
    half = stats.t.ppf(0.975, 4) * line.scatter_reference / math.sqrt((sigma**2).sum())
    assert (line.rho_reference_low, line.rho_reference_high) == pytest.approx((slope - half, slope + half))


@pytest.mark.slow
def test_intervals_hold_the_true_rho_as_often_as_they_say(tmp_path: Path) -> None:
    rng, held = np.random.default_rng(8), 0
    sigma = np.array(list(SIGMA.values()))
    table = pd.DataFrame({"method": "x", "name": list(SIGMA), "sigma": sigma, "mechanism": series.ALL})
    for _ in range(1000):
        (line,) = series.fit(table.assign(log_rate=0.7 * sigma + 0.3 * rng.standard_normal(len(sigma))))
        held += line.rho_low < 0.7 < line.rho_high
    assert 925 <= held <= 972


def test_each_molecule_brings_rate_barrier_and_mechanism_of_its_main_saddle(tmp_path: Path) -> None:
    table = series.rates(series.read_series(made_up(tmp_path, {"OMe": 1.0, "H": 0.5, "NO2": 2.0})))
    whole = table[table["mechanism"] == series.ALL]
    assert whole["name"].to_list() == ["OMe", "H", "NO2"]
    assert whole["rate"].to_list() == pytest.approx([10.0, 10**0.5, 100.0])
    assert whole["relative"].to_list() == pytest.approx([0.5, 0.0, 1.5])
    assert set(whole["main"]) == {"inversion"} and set(whole["share"]) == {0.75}
    assert whole["barrier"].to_list() == pytest.approx([21.0] * 3)
    assert set(table["from"]) == {"Z"} and set(table["temperature"]) == {300.0}
    rotation = table[table["mechanism"] == "rotation"]
    assert rotation["rate"].to_list() == pytest.approx([2.5, 0.25 * 10**0.5, 25.0])
    assert rotation["barrier"].to_list() == pytest.approx([20.0] * 3) and set(rotation["share"]) == {0.25}


def test_equal_saddles_of_a_symmetric_molecule_are_shared_between_mechanisms(tmp_path: Path) -> None:
    both = [{"saddle": "a", "mechanisms": {"a": 0.5, "b": 0.5}}, {"saddle": "c", "mechanisms": {"c": 1.0}}]
    for name in ("OMe", "H", "NO2"):
        run(tmp_path / name, 1.0, channels=both)
    table = series.rates(series.read_series(listed(tmp_path, {n: SIGMA[n] for n in ("OMe", "H", "NO2")})))
    mine = table[table["name"] == "H"].set_index("mechanism")["rate"].to_dict()
    assert mine == pytest.approx({"all": 10.0, "a": 1.25, "b": 1.25, "c": 7.5})


def test_methods_have_a_line_each(tmp_path: Path) -> None:
    for name, sigma in SIGMA.items():
        run(tmp_path / name, -sigma, "b")
        run(tmp_path / name, 2.0 * sigma, "a")
    lines = series.fit(series.rates(series.read_series(listed(tmp_path, SIGMA))))
    assert {line.method: round(line.rho, 6) for line in lines if line.mechanism == "all"} == {"a": 2.0, "b": -1.0}
    assert len(lines) == 6


def test_command_prints_and_writes(tmp_path: Path) -> None:
    file = made_up(tmp_path, {name: 1.0 + 0.5 * s for name, s in SIGMA.items()})
    found = CliRunner().invoke(cli.app, ["series", str(file), "--json", "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    content = json.loads(found.stdout)
    assert [row["name"] for row in content["rates"] if row["mechanism"] == "all"] == list(SIGMA)
    assert content["lines"][0]["rho"] == pytest.approx(0.5) and content["lines"][0]["reference"] == "H"
    table, lines = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("rates", "lines"))
    whole = table[table["mechanism"] == "all"]
    assert whole["log_rate"].to_list() == pytest.approx([1.0 + 0.5 * s for s in SIGMA.values()])
    assert lines["rho"].to_list() == pytest.approx([0.5] * 3)
    figure = (tmp_path / "out" / "hammett.svg").read_text()
    assert figure.startswith("<svg") and "NMe2" in figure and "k of H" in figure and "0.50" in figure
    assert "all: rho 0.50" in CliRunner().invoke(cli.app, ["series", str(file)]).output


def test_without_a_molecule_of_sigma_zero_the_rates_themselves_are_drawn(tmp_path: Path) -> None:
    table = series.rates(series.read_series(made_up(tmp_path, {"OMe": 1.0, "Cl": 0.5, "NO2": 2.0})))
    lines = series.fit(table)
    assert table["relative"].isna().all()
    assert "log10 of the rate" in series.plot(table, lines).to_json()


def test_mechanisms_that_differ_are_said(tmp_path: Path) -> None:
    file = made_up(tmp_path, {"OMe": 1.0, "H": 0.5})
    channels = [{"saddle": "a", "mechanisms": {"rotation": 1.0}}, {"saddle": "b", "mechanisms": {"rotation": 1.0}}]
    run(tmp_path / "NO2", 2.0, channels=channels)
    file = listed(tmp_path, {name: SIGMA[name] for name in ("OMe", "H", "NO2")})
    assert "mechanisms differ (inversion, rotation)" in CliRunner().invoke(cli.app, ["series", str(file)]).output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not readable as CSV"),
        ("name,results\nH,H\n", "column 'sigma' is missing"),
        ("name,sigma,results\nH,0,H\nCl,0.23,Cl\n", "needs 3 molecules or more, and there are 2"),
        ("name,sigma,results\nH,0,H\nCl,0.23,Cl\nH,1,H\n", "'H' is there twice"),
        ("name,sigma,results\nH,0,H\nCl,much,Cl\nOMe,-0.27,OMe\n", "Cl: sigma 'much' is not a number"),
        ("name,sigma,results\nH,0,H\nCl,inf,Cl\nOMe,-0.27,OMe\n", "Cl: sigma 'inf' is not a number"),
        ("name,sigma,results\nH,0,H\nCl,0.23,gone\nOMe,-0.27,OMe\n", "gone: no such folder"),
        ("name,sigma,results\nH,0,H\nCl,0.23\nOMe,-0.27,OMe\n", "Cl: results: no such folder"),
        ("name,sigma,results\nH,0,H\nCl,0.23,empty\nOMe,-0.27,OMe\n", "no METHOD/rates/harmonic.json"),
        ("name,sigma,results\nH,0,H\nCl,0,Cl\nOMe,0,OMe\n", "all molecules have sigma 0"),
        ("name,sigma,results\nH,0,H\nCl,0.23,Cl\nOMe,-0.27,warm\n", "temperatures differ: 300.0 of H, 400.0 of OMe"),
        ("name,sigma,results\nH,0,H\nCl,0.23,Cl\nOMe,-0.27,odd\n", "not the harmonic rates of a run"),
        (
            "name,sigma,results\nH,0,H\nCl,0.23,Cl\nOMe,-0.27,other\n",
            "dftb2: a line with its error needs 3 molecules or more, and there are 1",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(
    tmp_path: Path, text: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up(tmp_path, dict.fromkeys(("H", "Cl", "OMe"), 1.0))
    (tmp_path / "empty").mkdir()
    run(tmp_path / "warm", 1.0, temperature_K=400.0)
    run(tmp_path / "odd", 1.0, rates=[])
    run(tmp_path / "other", 1.0, method="dftb2")
    file = tmp_path / "mine.csv"
    file.write_text(text)
    monkeypatch.setattr(sys, "argv", ["separatrix", "series", str(file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    message = capsys.readouterr().err
    assert ended.value.code == 1 and message.count("\n") == 1 and words in message


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not readable as CSV") as caught:
        series.read_series(tmp_path / "none.csv")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "series.csv"
    file.write_bytes(content)
    with pytest.raises(SeparatrixError) as caught:
        series.read_series(file)
    assert "\n" not in str(caught.value)


AZOBENZENES = Path("config/examples/azobenzenes")


@pytest.mark.parametrize("name", SIGMA)
def test_the_azobenzenes_are_what_their_files_say(name: str) -> None:
    """C-N=N-C where the system has it, E and Z the right way round, the named substituent on the side of C8."""
    merged = read_yaml(AZOBENZENES / "base.yaml") | read_yaml(AZOBENZENES / f"{name}.yaml")
    system = load(merged, [AZOBENZENES / "base.yaml"]).system
    bonds = set(system.molecule.bonds)
    assert {(5, 6), (6, 7), (7, 8)} <= bonds
    formula = Counter(system.molecule.symbols)
    extra = {"NMe2": "CCHHHHHHN", "OMe": "CHHHO", "H": "H", "Cl": "Cl", "CN": "CN", "NO2": "NOO"}[name]
    expected = Counter({"C": 12, "H": 9, "N": 2}) + Counter(re.findall("[A-Z][a-z]?", extra))
    assert formula == expected
    for basin in system.basins:
        assert basin.contains(read_geometry(system.geometries[basin.name])[1])
    # Cut at N7-C8, the part with C5 is the bare phenyl ring with both nitrogens.
    part, edge = {6}, [6]
    while edge:
        here = edge.pop()
        for a, b in bonds - {(7, 8)}:
            if here in (a, b) and (other := a + b - here) not in part:
                part.add(other)
                edge.append(other)
    assert Counter(system.molecule.symbols[i] for i in part) == {"C": 6, "H": 5, "N": 2}


def test_the_listed_constants_are_those_of_hansch_leo_and_taft() -> None:
    table = pd.read_csv(AZOBENZENES / "series.csv", comment="#")
    listed_there = dict(zip(table["name"], table["sigma"], strict=True))
    assert {name: listed_there[name] for name in SIGMA} == SIGMA
