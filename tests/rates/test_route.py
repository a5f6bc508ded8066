"""Routes to a rate: what the library's own say, and one that an installed package brings."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from toy_method import rate_estimates

from separatrix.config.load import load
from separatrix.core.errors import ConfigError, SamplingError
from separatrix.core.files import read_json, write_json
from separatrix.core.yaml_file import read_yaml
from separatrix.rates.route import ROUTES, by_trust, in_order, is_sampled, title_of
from separatrix.report import citations, judged_method, rates_table
from separatrix.workflow import plan, rate_routes

TOY = """
from separatrix.rates.route import Route, RouteFile, RouteQuantity, RouteRates, RouteWork

def rates(files, context):
    toy = files["toy"]
    entry = {"from": context.reactant, "to": context.product, "temperature": context.temperature}
    return RouteRates([entry | {"rate": toy["rate"], "ln_error": toy["ln_error"]}], {"toy": toy})

ROUTE = Route(
    name="toy",
    title="a toy of a route",
    summary="the toy",
    trust=9.0,
    files={"toy": RouteFile("rates/toy.json")},
    asked=lambda rates, method: True,
    rates=rates,
    quantities=lambda content: [RouteQuantity("toys", "toys in all", content["toy"]["toys"], note="counted")],
    citations=lambda rates: [("vanerp2003", "its flux")],
    work=lambda config, method: RouteWork(0.0, 10.0, 3),
)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch) -> None:
    """A package with a route, as pip leaves it."""
    info = tmp_path / "site" / "toys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[separatrix.routes]\ntoy = toys_of_a_test\n")
    (tmp_path / "site" / "toys_of_a_test.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "toys_of_a_test", raising=False)


def gathered(folder: Path, monkeypatch, **files: dict) -> dict:
    """`rates.json` of the stage."""
    system = SimpleNamespace(reactant="A", product="B")
    stage = SimpleNamespace(
        system=system, method=SimpleNamespace(label="model"), config=SimpleNamespace(temperature_K=300.0)
    )
    monkeypatch.setattr(rate_routes, "StageSettings", lambda *_: stage)
    rate = {"from": "A", "to": "B", "temperature": 300.0, "rate": 1e9, "classical_rate": 5e8, "shares": []}
    rate |= {"quantum_factor": 2.0, "quantum_vibrations": 1.6, "tunnelling": 1.25}
    harmonic = {
        "source": "a model",
        "states": ["A", "B"],
        "temperature_K": 300.0,
        "rates": [rate],
        "channels": [],
        "without_saddle": {},
        "laws": [],
        "kinetics": [],
        "rules": {"statistics": "quantum", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "wigner"},
    }
    paths = {}
    for name, content in ({"harmonic": harmonic} | files).items():
        paths[name] = folder / f"{name}.json"
        write_json(content, paths[name])
    rate_routes.gather({"temperature_K": 300.0}, folder / "rates.json", **paths)
    return read_json(folder / "rates.json")


def test_the_routes_of_the_library_in_their_orders() -> None:
    assert [route.name for route in in_order()] == ["harmonic", "free energy", "interfaces"]
    assert by_trust() == ["free energy", "interfaces", "harmonic"]
    assert [is_sampled(name) for name in by_trust()] == [True, True, False]
    names = [name for route in in_order() for name in route.files]
    assert len(set(names)) == len(names)


def test_a_route_whose_package_is_gone_keeps_its_name() -> None:
    assert title_of("toy") == "toy" and is_sampled("toy")


def test_a_package_brings_a_route(tmp_path: Path, monkeypatch, toy: None) -> None:
    """From one object: `rates.json`, comparison, table of the report, story, citations and plan."""
    content = gathered(tmp_path, monkeypatch, toy={"rate": 3e8, "ln_error": 0.2, "toys": 7})
    harmonic, entry = content["routes"]
    assert (harmonic["route"], entry["route"], entry["rate"]) == ("harmonic", "toy", 3e8)
    # Routes that were not taken are there, and empty.
    assert content["along_coordinate"] == content["interfaces"] == {}
    # What is known of every sampled rate: its interval, and the factor to quantised vibrations.
    assert entry["low"] == pytest.approx(3e8 * 2.718281828 ** (-1.96 * 0.2)) and entry["quantum_factor"] == 2.0
    (pair,) = content["agreement"]
    assert "toy over harmonic, both classical: 0.6" in pair["text"]
    quantities = {q.key: q for q in rate_estimates(content)}
    assert quantities["rate[from=A, to=B, route=toy, temperature=300]"].value == 3e8
    assert quantities["rate_quantised[from=A, to=B, route=toy, temperature=300]"].value == 6e8
    toys = quantities["route_number[route=toy, number=toys]"]
    assert (toys.value, toys.label, toys.note) == (7, "toys in all", "counted")
    assert "<td>a toy of a route</td>" in rates_table.content([content], ["model"], None).html()
    assert judged_method.best_rate(content, "A", 300.0).route == "toy"
    assert by_trust()[0] == "toy"


def test_a_package_s_route_is_cited_and_counted(root: Path, tmp_path: Path, monkeypatch, request) -> None:
    config = load(read_yaml(root / "config/config.yaml"))
    monkeypatch.setattr(plan, "time_per_gradient", lambda *_: 10.0)
    before = {m.method: m.jobs for m in plan.plan(config, tmp_path)}
    assert "its flux" not in citations.used(config).get("vanerp2003", "")
    request.getfixturevalue("toy")
    assert "its flux" in citations.used(config)["vanerp2003"]
    assert {m.method: m.jobs for m in plan.plan(config, tmp_path)} == {name: n + 3 for name, n in before.items()}


def test_files_of_no_route_and_half_a_route_are_refused(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(SamplingError, match=r"^rates: 'toy' is a file of no route to a rate$"):
        gathered(tmp_path, monkeypatch, toy={})
    with pytest.raises(SamplingError, match=r"^rates: the route 'free energy' lacks its file 'transmission'$"):
        gathered(tmp_path, monkeypatch, profile={})


def test_a_broken_package_is_one_line(tmp_path: Path, monkeypatch, toy: None) -> None:
    (tmp_path / "site" / "broken_toys.py").write_text("ROUTE = 'toy'\n")
    (tmp_path / "site" / "toys-1.0.dist-info" / "entry_points.txt").write_text(
        "[separatrix.routes]\ntoy = broken_toys\n"
    )
    with pytest.raises(
        ConfigError, match=r"^'toy' is registered by the package toys as broken_toys, which has not ROUTE"
    ):
        ROUTES.entries()
