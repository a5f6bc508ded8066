"""What the numbers say of one method: verdicts by their rules, and the rate that stands for it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from separatrix.report import judged_method
from separatrix.report.quantity_catalogue import key_of
from separatrix.sampling.mechanism_shares import Agreement
from separatrix.statistics.committor_statistics import Judgement

Bounds = tuple[float | None, float | None]


def numbers(converged: str, committor: Bounds, spread: Bounds, explained: float, test: str = "") -> dict[str, Any]:
    """Numbers of a method as ``comparison.json`` has them."""
    entries: dict[str, dict[str, Any]] = {
        "different_paths": {"value": 31},
        "converged": {"value": None, "verdict": converged},
        "start_dependence": {"value": None, "verdict": Agreement.UNDETERMINED},
        "committor_mean": {"value": 0.5, "low": committor[0], "high": committor[1]},
        "committor_spread": {"value": 0.2, "low": spread[0], "high": spread[1]},
        "committor_spread_expected": {"value": explained},
        "committor_verdict": {"value": None, "verdict": test},
        "barrier_forward": {"value": 12.5},
    }
    entries = {key: {"id": key, **entry} for key, entry in entries.items()}
    for name, share in (("inversion", 0.2), ("rotation", 0.8)):
        of = {"mechanism": name}
        entries[key_of("mechanism_share", of)] = {"id": "mechanism_share", "of": of, "value": share}
    return entries


def rates(routes: list[dict[str, Any]]) -> dict[str, Any]:
    laws = [{"law": "eyring", "from": "Z", "energy": 1.0}, {"law": "arrhenius", "from": "Z", "energy": 50.0}]
    return {"states": ["Z", "E"], "temperature_K": 300.0, "laws": laws, "routes": routes}


@pytest.mark.parametrize(
    ("converged", "committor", "spread", "test", "expected"),
    [
        ("yes", (0.4, 0.6), (0.0, 0.2), "", "sound"),
        ("no", (0.4, 0.6), (0.0, 0.2), "", "not_converged"),
        ("yes", (0.51, 0.6), (0.0, 0.2), "", "off_centre"),
        ("yes", (0.3, 0.49), (0.2, 0.4), "", "off_centre"),
        ("yes", (0.4, 0.6), (0.11, 0.4), "", "spread"),
        ("yes", (0.4, 0.6), (0.09, 0.4), Judgement.NO_SPREAD, "sound"),
        # One configuration; shots too few; one shot from each configuration, which still can tell a mean that is off.
        ("yes", (None, None), (None, None), Judgement.OFF_CENTRE, "not_tested"),
        ("yes", (None, None), (0.0, 0.2), "", "not_tested"),
        ("yes", (0.0, 1.0), (0.0, 0.5), Judgement.INCONCLUSIVE, "not_tested"),
        ("yes", (0.45, 0.45), (0.0, 0.5), Judgement.INCONCLUSIVE, "not_tested"),
        ("yes", (0.4, 0.6), (None, None), Judgement.UNTESTED, "not_tested"),
        ("yes", (0.4, 0.6), (0.0, None), "", "not_tested"),
        ("yes", (0.8, 0.9), (None, None), Judgement.OFF_CENTRE, "off_centre"),
        ("no", (None, None), (None, None), "", "not_converged"),
    ],
)
def test_verdict_by_its_rule(converged: str, committor: Bounds, spread: Bounds, test: str, expected: str):
    found = judged_method.judge("m", numbers(converged, committor, spread, 0.1, test), rates([]))
    assert found.verdict == expected
    assert (found.mechanism, found.share, found.paths, found.stays) == ("rotation", 0.8, 31, False)
    undetermined = numbers(converged, committor, spread, 0.1, test)
    for entry in undetermined.values():
        if entry["id"] == "mechanism_share":
            entry["value"] = None
    found = judged_method.judge("m", undetermined, rates([]))
    assert (found.mechanism, found.stays) == (("inversion", "rotation"), True) and math.isnan(found.share)
    assert (found.barrier, found.activation_energy, found.rate) == (12.5, 50.0, None)


def test_the_rate_that_stands_for_a_method():
    common = {"from": "Z", "temperature": 300.0}
    harmonic = {**common, "route": "harmonic", "rate": 1.0, "ln_error": None}
    free = {**common, "route": "free energy", "rate": 2.0, "ln_error": 0.5}
    assert judged_method.best_rate(rates([harmonic, free]), "Z", 300.0) == judged_method.Rate(
        2.0, pytest.approx(2.0 * math.exp(-0.98)), pytest.approx(2.0 * math.exp(0.98)), "free energy"
    )
    # An interval of its own, such as Student's t of a few blocks.
    own = {**free, "route": "interfaces", "low": 0.5, "high": 9.0}
    assert judged_method.best_rate(rates([harmonic, own]), "Z", 300.0) == judged_method.Rate(
        2.0, 0.5, 9.0, "interfaces"
    )
    for idle in ({**free, "rate": None}, {**free, "ln_error": None}, {**free, "temperature": 400.0}):
        assert judged_method.best_rate(rates([harmonic, idle]), "Z", 300.0).route == "harmonic"
    assert judged_method.best_rate(rates([{**harmonic, "from": "E"}]), "Z", 300.0) is None
    # Windows of which nothing is known count, those that are known to have been on their way do not.
    for equilibrated, route in ((True, "free energy"), (None, "free energy"), (False, "harmonic")):
        assert (
            judged_method.best_rate(rates([harmonic, {**free, "equilibrated": equilibrated}]), "Z", 300.0).route
            == route
        )


@pytest.mark.parametrize(("more", "factor"), [({}, 1.0), ({"quantum_factor": 3.0}, 3.0)])
def test_a_sampled_rate_has_its_quantum_factor(more: dict[str, float], factor: float):
    route = {"route": "free energy", "from": "Z", "temperature": 503.0, "rate": 35.0, "ln_error": 0.3}
    assert judged_method.best_rate({"routes": [route | more]}, "Z", 503.0).quantum_factor == factor
