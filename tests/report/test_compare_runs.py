"""Two runs side by side: a run equals itself, known differences are found at their size, chance ones are not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from separatrix.cli import main as cli
from separatrix.core.errors import StoreError
from separatrix.core.files import write_json
from separatrix.report import compare_runs
from separatrix.report.compare_runs import RunQuantity, RunVerdict
from separatrix.statistics.intervals import wilson_interval

Z = stats.norm.ppf(0.975)


def write_run(folder: Path, methods: dict[str, dict], rates: dict[str, dict] | None = None) -> Path:
    """A results folder with nothing but what is compared; `methods` maps a name to groups of quantities by id."""
    content = {
        "confidence": 0.95,
        "methods": {
            name: {
                "label": name,
                "source": "made up",
                "quantities": {
                    id: {"id": id, "group": group, "label": f"the {id}", **number}
                    for group, members in groups.items()
                    for id, number in members.items()
                },
            }
            for name, groups in methods.items()
        },
    }
    write_json(content, folder / "comparison" / "comparison.json")
    for name, found in (rates or {}).items():
        write_json(found, folder / name / "rates.json")
    return folder


def rates(temperature: float, rate: float, ln_error: float | None, route: str = "free energy") -> dict:
    row = {"route": route, "from": "A", "to": "B", "temperature": temperature, "rate": rate, "ln_error": ln_error}
    return {"temperature_K": temperature, "routes": [row], "laws": []}


def interval(value: float, sigma: float) -> RunQuantity:
    return RunQuantity(value, "1", value - Z * sigma, value + Z * sigma)


def one(a: RunQuantity, b: RunQuantity, name: str = "x") -> compare_runs.Difference:
    return compare_runs.judge([compare_runs.compare_entries("m", name, a, b)], 0.05)[0]


number = st.floats(-1e6, 1e6)
entries = st.dictionaries(
    st.text("abcdef ", min_size=1, max_size=8),
    st.fixed_dictionaries(
        {"value": st.none() | number},
        optional={"error": number.map(abs), "low": number, "high": number, "text": st.text(max_size=5)},
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["sampling", "cost", "coordinate"]), entries, max_size=3))
def test_a_run_has_no_difference_with_itself(tmp_path_factory: pytest.TempPathFactory, groups: dict) -> None:
    folder = write_run(tmp_path_factory.mktemp("run"), {"m": groups}, {"m": rates(300, 1e3, 0.1)})
    found = compare_runs.compare_runs(folder, folder)
    assert found.counts == {
        RunVerdict.DIFFERS: 0,
        RunVerdict.AGREES: 0,
        RunVerdict.UNKNOWN: 0,
        RunVerdict.EQUAL: len(found.differences),
    }
    assert len(found.differences) == 1 + len({id for members in groups.values() for id in members})
    assert not any(found.quantities_only.values())


@pytest.mark.parametrize("shift", [-4.0, -1.0, 0.5, 6.0])
def test_a_shift_is_reported_in_combined_standard_errors(shift: float) -> None:
    a = interval(2.0, 0.3)
    b = interval(2.0 + shift * 0.5, 0.4)  # hypot(0.3, 0.4) is 0.5
    found = one(a, b)
    assert found.errors == pytest.approx(shift)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(shift)))
    assert found.verdict == (RunVerdict.DIFFERS if abs(shift) > 3 else RunVerdict.AGREES)


def test_of_asymmetric_intervals_the_sides_that_face_each_other_count() -> None:
    a, b = RunQuantity(0.1, "1", 0.09, 0.1 + 0.3 * Z), RunQuantity(1.1, "1", 1.1 - 0.4 * Z, 1.11)
    assert one(a, b).errors == pytest.approx(2.0)
    assert one(b, a).errors == pytest.approx(-2.0)


def test_shares_are_compared_as_newcombe_does() -> None:
    # Newcombe 1998, his example (a): 56/70 against 48/80; his interval of the difference is 0.0524 to 0.3339.
    a, b = (RunQuantity(k / n, "1", *map(float, wilson_interval(k, n, 0.95))) for k, n in ((48, 80), (56, 70)))
    difference, error = 0.2, 0.2 / one(a, b).errors
    assert difference - Z * error == pytest.approx(0.0524, abs=1e-4)


def test_rates_are_compared_by_their_logarithms(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"m": {}}, {"m": rates(300, 1e3, 0.6)})
    b = write_run(tmp_path / "b", {"m": {}}, {"m": rates(310, 1e3 * math.exp(3.0), 0.8)})
    (found,) = compare_runs.compare_runs(a, b).differences
    assert (found.scale, found.verdict) == ("log", RunVerdict.DIFFERS)
    assert found.errors == pytest.approx(3.0)
    assert found.a.low == pytest.approx(1e3 * math.exp(-0.6 * Z))
    assert compare_runs.compare_runs(a, b).conditions == (("m", "temperature of the dynamics, K", "300", "310"),)


def test_p_values_are_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(5)
    p = []
    for _ in range(3000):
        truth, sa, sb = rng.normal(), *rng.uniform(0.1, 2.0, 2)
        p.append(one(interval(rng.normal(truth, sa), sa), interval(rng.normal(truth, sb), sb)).p_value)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_of_many_equal_quantities_none_is_called_different_by_chance() -> None:
    """At a false-discovery rate of 0.05 and no difference at all, one set in twenty has a discovery, not nearly all."""
    rng = np.random.default_rng(6)
    sets, alone = 0, 0
    for _ in range(300):
        every = [
            compare_runs.compare_entries("m", str(i), interval(rng.normal(), 1.0), interval(rng.normal(), 1.0))
            for i in range(60)
        ]
        judged = compare_runs.judge(every, 0.05)
        sets += any(d.verdict == RunVerdict.DIFFERS for d in judged)
        alone += any(d.p_value < 0.05 for d in judged)
    assert stats.binomtest(sets, 300, 0.05).pvalue > 0.001
    assert alone > 270


def test_without_an_error_nothing_can_be_told() -> None:
    bare = RunQuantity(1.0, "1")
    assert one(bare, RunQuantity(2.0, "1")).note == "no error known"
    assert one(bare, interval(2.0, 0.1)).note == "no error known in A"
    assert one(bare, bare).verdict == RunVerdict.EQUAL
    assert one(bare, RunQuantity(1.0, "fs")).verdict == RunVerdict.UNKNOWN
    assert one(RunQuantity(None, "1"), bare).note == "no value in A"
    assert one(RunQuantity(1.0, "1", 1.0, 1.0), RunQuantity(2.0, "1", 2.0, 2.0)).verdict == RunVerdict.UNKNOWN


def test_another_mechanism_differs_and_another_sentence_does_not() -> None:
    def both(id: str) -> list[RunQuantity]:
        return [RunQuantity(None, "1", text=text, id=id) for text in ("rotation", "inversion")]

    assert one(*both("saddle_mechanism")).verdict == RunVerdict.DIFFERS
    assert one(*both("committor_verdict")).verdict == RunVerdict.UNKNOWN


def test_the_interval_of_the_fit_is_taken_as_it_is(tmp_path: Path) -> None:
    def groups(value: float) -> dict:
        half = 0.1 * stats.t.ppf(0.975, 1)  # an error from two folds
        held = {"value": value, "error": 0.1, "low": value - half, "high": value + half}
        return {"coordinate": {"held_out_log_likelihood": held}}

    a, b = write_run(tmp_path / "a", {"m": groups(0.0)}), write_run(tmp_path / "b", {"m": groups(1.0)})
    found = next(d for d in compare_runs.compare_runs(a, b).differences if d.key == "held_out_log_likelihood")
    assert found.a.high == pytest.approx(0.1 * stats.t.ppf(0.975, 1))
    assert found.verdict == RunVerdict.AGREES  # seven standard errors, but from two folds


def test_what_stands_in_one_run_only_is_named(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"m": {"g": {"x": {"value": 1.0}, "y": {"value": 1.0}}}, "only a": {}})
    b = write_run(tmp_path / "b", {"m": {"g": {"x": {"value": 1.0}, "z": {"value": 1.0}}}, "only b": {}})
    found = compare_runs.compare_runs(a, b)
    assert found.methods_only == {"a": ("only a",), "b": ("only b",)}
    assert found.quantities_only == {"a": (("m", "g", "y", "the y"),), "b": (("m", "g", "z", "the z"),)}
    result = CliRunner().invoke(cli.app, ["compare", str(a), str(b)])
    assert "methods in A only: only a" in result.stdout
    assert "m: in B only: g: the z" in result.stdout


def test_the_command(tmp_path: Path) -> None:
    def run(name: str, value: float) -> str:
        q = {"value": value, "low": value - 1.0, "high": value + 1.0, "unit": "cm-1"}
        same = {"value": 7.0, "low": 6.0, "high": 8.5}
        return str(write_run(tmp_path / name, {"m": {"g": {"shifted": q, "same": same}}}))

    a, b = run("a", 0.0), run("b", 10.0)
    invoke = CliRunner().invoke
    plain = invoke(cli.app, ["compare", a, b])
    assert plain.exit_code == 0
    assert "shifted" in plain.stdout
    assert "same" not in plain.stdout
    assert "1 differ, 0 agree, 1 are equal" in plain.stdout
    assert "same" in invoke(cli.app, ["compare", a, b, "--all"]).stdout
    assert invoke(cli.app, ["compare", a, b, "--fail-on-difference"]).exit_code == 1
    assert invoke(cli.app, ["compare", a, a, "--fail-on-difference"]).exit_code == 0
    data = json.loads(invoke(cli.app, ["compare", a, b, "--json", "--method", "m"]).stdout)
    assert [(q["key"], q["quantity"]) for q in data["quantities"]] == [("shifted", "the shifted")]
    assert data["counts"] == {"differs": 1, "agrees": 0, "cannot tell": 0, "equal": 1}
    assert len(json.loads(invoke(cli.app, ["compare", a, b, "--json", "--all"]).stdout)["quantities"]) == 2


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"m": {}})
    with pytest.raises(StoreError, match="has no comparison yet"):
        compare_runs.compare_runs(a, tmp_path)
    with pytest.raises(StoreError, match="has no method 'n'"):
        compare_runs.compare_runs(a, a, methods=["n"])
    with pytest.raises(StoreError, match="no method in common"):
        compare_runs.compare_runs(a, write_run(tmp_path / "b", {"n": {}}))
    old = {"methods": {"m": {"label": "m", "source": "x", "groups": {}}}}
    write_json(old, tmp_path / "old" / "comparison" / "comparison.json")
    with pytest.raises(StoreError, match="an earlier version wrote it, without ids of quantities; make it again"):
        compare_runs.compare_runs(tmp_path / "old", a)
    write_json({"methods": {"m": 1}}, tmp_path / "c" / "comparison" / "comparison.json")
    with pytest.raises(StoreError, match="not the results of a run"):
        compare_runs.compare_runs(tmp_path / "c", a)


def test_the_interval_of_a_rate_is_that_of_its_route() -> None:
    """Of a run of an earlier version that through interfaces stands in one place alone, the others' nowhere."""
    through = rates(300.0, 1e3, 0.1, "interfaces")
    own = {"low": 500.0, "high": 2000.0}
    for content in (
        {**through, "routes": [through["routes"][0] | own]},
        {**through, "interfaces": {"rate": own}},
    ):
        (found,) = compare_runs._rates(content).values()
        assert (found.low, found.high) == (500.0, 2000.0)
    (found,) = compare_runs._rates(through).values()
    assert (found.low, found.high) == pytest.approx((1e3 * math.exp(-0.1 * Z), 1e3 * math.exp(0.1 * Z)))
