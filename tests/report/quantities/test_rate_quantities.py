"""Rates as quantities of a comparison: each route, temperature and law, with the interval that it has and no other."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from toy_method import rate_estimates

from separatrix.rates import left_out
from separatrix.report.quantities.estimate import Estimate
from separatrix.report.quantities.rate_quantities import QUANTITIES

LAW = {
    "law": "arrhenius",
    "from": "Z",
    "to": "E",
    "energy": 76.0,
    "energy_interval": [75.9, 76.1],
    "ln_prefactor": math.log(2e13),
    "ln_prefactor_interval": [math.log(1.9e13), math.log(2.1e13)],
    "entropy": None,
    "temperatures": [300.0, 548.0],
    "curvature_p": 0.001,
}


def content() -> dict[str, Any]:
    """What a method's ``rates.json`` holds of the things that are read: two routes, one of them at two temperatures."""
    common = {"from": "Z", "to": "E", "temperature": 300.0, "low": None, "high": None}
    back = {"from": "E", "to": "Z"}
    harmonic = {**common, "route": "harmonic", "rate": 0.837, "ln_error": None}
    free = {
        **common,
        "route": "free energy",
        "rate": 0.7,
        "ln_error": 0.2,
        "low": 0.5,
        "high": 1.1,
        "equilibrated": True,
    }
    other = {**harmonic, "temperature": 503.0, "rate": 2.0e5}
    return {
        "states": ["Z", "E"],
        "temperature_K": 300.0,
        "routes": [harmonic, {**harmonic, **back, "rate": 109.1}, free, other],
        "laws": [LAW, {**LAW, "law": "eyring", "energy": 73.0, "entropy": -5.0}],
        "along_coordinate": {
            "transmission": {"kappa": 0.6, "error": 0.05, "n_pairs": 38, "n_lost": 2},
            "reweighted": {"laws": [{**LAW, "energy": 77.0, "energy_interval": [74.0, 80.0]}]},
        },
        "interfaces": {},
    }


def found_in(data: dict[str, Any]) -> dict[str, Estimate]:
    """Numbers of the rates by their labels."""
    estimates = rate_estimates(data)
    assert {q.id for q in estimates} <= {q.id for q in QUANTITIES}
    for names in ([q.key for q in estimates], [q.label for q in estimates]):
        assert len(names) == len(set(names))
    for q in estimates:
        assert (q.low is None) == (q.high is None)
        assert q.low is None or q.low < q.value < q.high
    return {q.label: q for q in estimates}


def test_rates_of_each_route_and_temperature():
    found = found_in(content())
    q = found["rate Z to E, free energy, 300 K"]
    assert (q.value, q.low, q.high, q.unit) == (0.7, 0.5, 1.1, "1/s")
    for name, value in (("harmonic, 300 K", 0.837), ("harmonic, 503 K", 2.0e5)):
        q = found[f"rate Z to E, {name}"]
        assert (q.value, q.low) == (value, None) and "no statistical error" in q.note
    assert found["rate E to Z, harmonic, 300 K"].value == 109.1
    q = found["transmission coefficient"]
    assert (q.low, q.high) == (pytest.approx(0.6 - 1.96 * 0.05, abs=1e-4), pytest.approx(0.6 + 1.96 * 0.05, abs=1e-4))


def test_laws_by_route_and_the_errors_that_are_theirs():
    found = found_in(content())
    harmonic, sampled = found["activation energy, Z to E, harmonic"], found["activation energy, Z to E, free energy"]
    # The scatter of harmonic rates about their line is no error of theirs.
    assert (harmonic.value, harmonic.low, harmonic.unit) == (76.0, None, "kJ/mol")
    assert "300 to 548 K" in harmonic.note and "not enough" in harmonic.note
    assert (sampled.value, sampled.low, sampled.high) == (77.0, 74.0, 80.0)
    assert found["prefactor, Z to E, harmonic"].value == pytest.approx(2e13)
    assert found["enthalpy of activation, Z to E, harmonic"].value == 73.0
    assert found["entropy of activation, Z to E, harmonic"].value == -5.0


def test_a_state_that_does_not_decay_has_no_half_life():
    """PM6's Z: 99 % of it is left, reached in 9 ms."""
    found = found_in(content())
    assert found["relaxation time, harmonic, 300 K"].value == pytest.approx(1.0 / (0.837 + 109.1))
    share = found["share of Z at equilibrium, harmonic, 300 K"].value
    assert share == pytest.approx(109.1 / 109.937) and not any("half-life" in name for name in found)
    assert found["share of E at equilibrium, harmonic, 300 K"].value == pytest.approx(1.0 - share)
    data = content()
    data["routes"][1]["rate"] = 0.001
    assert found_in(data)["half-life of Z, harmonic, 300 K"].value > math.log(2.0) / 0.837
    # The most telling route that has both directions.
    data["routes"].append({**data["routes"][2], "from": "E", "to": "Z", "rate": 70.0, "low": 60.0, "high": 80.0})
    assert found_in(data)["relaxation time, free energy, 300 K"].value == pytest.approx(1.0 / 70.7)
    data["routes"][-1]["equilibrated"] = False
    assert "relaxation time, harmonic, 300 K" in found_in(data)


def test_what_is_not_equilibrated_has_no_interval():
    data = content()
    data["routes"][2]["equilibrated"] = False
    q = found_in(data)["rate Z to E, free energy, 300 K"]
    assert q.value == 0.7 and q.low is None and "equilibrium" in q.note
    data["routes"][2] |= {"equilibrated": True, "low": None, "high": None, "ln_error": 0.0}
    q = found_in(data)["rate Z to E, free energy, 300 K"]
    assert q.low is None and q.note.startswith("no interval")
    data["routes"][2]["rate"] = None
    assert found_in(data)["rate Z to E, free energy, 300 K"].value is None


def test_lost_pairs_and_lost_paths():
    data = content()
    found = left_out.lost_pairs(data)
    assert (found.lost, found.halves) == (2, 40) and found.matters, "0.05 (1 + 0.6) is more than the error of 0.05"
    assert "longest_half_fs" in found_in(data)["transmission coefficient"].text
    fewer = copy.deepcopy(data)
    fewer["along_coordinate"]["transmission"] |= {"n_pairs": 400, "n_lost": 2}
    assert not left_out.lost_pairs(fewer).matters and found_in(fewer)["transmission coefficient"].text == ""
    assert left_out.lost_pairs({**data, "along_coordinate": {}}) is None and left_out.lost_paths(data) is None
    outcomes = {"accepted": 50, "wrong start": 10, "short of the interface": 30, "uncommitted": 10, "failed": 7}
    found = left_out.lost_paths({**data, "interfaces": {"rate": {"outcomes": outcomes}}})
    assert (found.lost, found.halves) == (10, 100) and found.matters
