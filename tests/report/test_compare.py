"""The comparison's numbers against independent recomputation, on chains small enough to count by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from toy_method import (
    assessment,
    broken,
    chain,
    committor_of,
    cost_of,
    four_atoms,
    method,
    system,
)

from separatrix.core.errors import StoreError
from separatrix.core.files import write_json
from separatrix.core.plain import json_safe
from separatrix.report import figure_data
from separatrix.report.figure_registry import Compared
from separatrix.report.figures import committor_histogram
from separatrix.report.quantities import (
    coefficient_errors,
    convergence_quantities,
    quantity,
    sampling_quantities,
)
from separatrix.report.quantities import (
    summary as summaries_of,
)
from separatrix.results import run
from separatrix.results.moves import Move
from separatrix.results.path_files import write_paths, write_shots
from separatrix.results.run import ChainData, MethodData
from separatrix.sampling import convergence, criterion, mechanism_shares
from separatrix.statistics import correlated_series
from separatrix.statistics.committor_statistics import analyse, wilson_interval


def with_burn_in(c: ChainData, accepted: int = 5) -> ChainData:
    """The same chain after a burn-in of its own kind: other outcomes, points, ends, mechanism and lengths."""
    outcome = np.array(["accepted"] * accepted + ["off path", "failed"])
    n = len(outcome)
    long = np.array([four_atoms(60.0, 10.0)] * 400)
    return replace(
        c,
        outcome=np.concatenate([outcome, c.outcome]),
        forward=np.concatenate([["C"] * n, c.forward]),
        backward=np.concatenate([["C"] * n, c.backward]),
        burn_in=np.arange(n + len(c.outcome)) < n,
        points=np.concatenate([np.array([four_atoms(60.0, 10.0)] * n), c.points]),
        shift=np.concatenate([np.arange(5, 5 + n), c.shift]),
        made_by=np.concatenate([[-1], np.arange(accepted), c.made_by[1:] + n]),
        multiplicity=np.concatenate([[0] * accepted, c.multiplicity]),
        mechanism=np.concatenate([["initial"], ["burnt"] * accepted, c.mechanism[1:]]),
        tracks=(c.tracks[0], *[long] * accepted, *c.tracks[1:]),
    )


def summary(data: MethodData) -> dict[str, quantity.Quantity]:
    quantities = summaries_of.summarise(data, system(), np.random.default_rng(1))
    names = [(q.group, q.name) for q in quantities]
    assert len(set(names)) == len(names)
    return {q.name: q for q in quantities}


def ar1(n: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    x = np.zeros(n)
    for i in range(1, n):
        x[i] = memory * x[i - 1] + rng.normal()
    return x


def test_statistical_inefficiency_of_a_known_process():
    """An autoregressive process has g = (1 + a) / (1 - a)."""
    rng = np.random.default_rng(0)
    series = [ar1(4000, 0.6, rng) for _ in range(4)]
    assert correlated_series.statistical_inefficiency(series) == pytest.approx(4.0, rel=0.2)
    assert correlated_series.statistical_inefficiency([rng.normal(size=4000)]) < 1.2
    assert correlated_series.statistical_inefficiency([np.ones(10), np.ones(5)]) is None
    assert correlated_series.statistical_inefficiency([]) is None


def test_chains_that_disagree_widen_the_interval():
    rng = np.random.default_rng(2)
    agree = [rng.random(100) < 0.5, rng.random(100) < 0.5]
    apart = [rng.random(100) < 0.2, rng.random(100) < 0.8]
    width = [np.diff(correlated_series.fraction_interval([x.astype(float) for x in s])[:2])[0] for s in (agree, apart)]
    assert width[1] > 2 * width[0]


def test_fraction_interval_covers():
    """Two-state Markov chains with share 0.3 and long memory: the interval covers far more often than a naive one."""
    rng = np.random.default_rng(5)
    hits = naive_hits = 0
    for _ in range(150):
        series = []
        for _ in range(4):
            state, values = rng.random() < 0.3, []
            for _ in range(100):
                if rng.random() < 0.25:
                    state = rng.random() < 0.3
                values.append(float(state))
            series.append(np.array(values))
        low, high, _ = correlated_series.fraction_interval(series)
        hits += low <= 0.3 <= high
        k = sum(s.sum() for s in series)
        naive = wilson_interval(k, 400)
        naive_hits += naive[0] <= 0.3 <= naive[1]
    assert hits / 150 > 0.85 > naive_hits / 150


def test_quantile_intervals_cover():
    """Log-normal values in runs (a path stays for several moves): the interval of the median covers its value."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(60):
        series = [np.repeat(np.exp(4 + 0.4 * rng.normal(size=30)), 3) for _ in range(2)]
        found = correlated_series.quantiles(series, (0.5,), rng)[0]
        hits += found.low <= math.exp(4) <= found.high
    assert hits / 60 > 0.85


def test_few_segments_give_no_interval():
    found = correlated_series.quantiles([np.arange(1.0, 20.0)], (0.5,), np.random.default_rng(0))[0]
    assert found.value == 10.0
    assert found.low is None and found.high is None and "no interval" in found.note


def test_energies_and_geometry():
    found = summary(method())
    assert found["A above B"].value == pytest.approx(4.0)
    assert found["saddle above A"].value == pytest.approx(26.0)
    assert found["saddle above B"].value == pytest.approx(30.0)
    assert found["imaginary wavenumber"].value == 400.0
    assert found["lowest real wavenumber at saddle"].value == 25.0
    assert found["turn at saddle"].value == pytest.approx(90.0, abs=1e-6) or found[
        "turn at saddle"
    ].value == pytest.approx(-90.0, abs=1e-6)
    assert found["bend at A"].value == pytest.approx(120.0)


def test_outcomes_and_acceptance():
    found = summary(method())
    assert found["moves"].value == 96 and found["shots"].value == 84
    assert sum(found[f"moves: {word}"].value for word in run.OUTCOMES) == 96
    assert found["moves: accepted"].value == 36
    q = found["acceptance per shot"]
    assert q.value == pytest.approx(36 / 84)
    assert q.low < q.value < q.high


def test_weighted_path_lengths():
    """Each path counted once for every move after which it was the present one, by brute force."""
    data = method()
    lengths = []
    for c in data.chains:
        present = None
        for i, outcome in enumerate(c.outcome):
            if outcome == "accepted":
                present = (50 + 10 * i - 1) * c.frame
            if present is not None:
                lengths.append(present)
    found = summary(data)
    assert found["path length, median"].value == pytest.approx(np.median(lengths))
    assert found["path length, lower quartile"].value == pytest.approx(np.quantile(lengths, 0.25))
    assert found["path length, upper quartile"].value == pytest.approx(np.quantile(lengths, 0.75))
    weight = sum(c.multiplicity[1:].sum() for c in data.chains)
    assert weight == len(lengths)


def test_mechanism_shares():
    data = method()
    found = summary(data)
    # Each chain kept to one mechanism: the shares would be those of the starts.
    for name in ("share: rotation", "share: inversion", "share: inversion, chain 2"):
        assert found[name].value is None and found[name].low is None
        assert found[name].note.startswith("not determined: no chain changed its mechanism (")
    assert "18 of 36 paths" in found["share: rotation"].note
    # A chain that goes and comes back tells them, and then how well.
    one, two = data.chains
    kinds = np.where(np.arange(len(one.mechanism)) % 2, "inversion", "rotation")
    mixed = replace(one, mechanism=np.concatenate([["initial"], kinds[1:]]))
    found = summary(replace(data, chains=(mixed, two)))
    weight = sum(c.multiplicity[1:].sum() for c in (mixed, two))
    expected = mixed.multiplicity[1:][kinds[1:] == "rotation"].sum() / weight
    q = found["share: rotation"]
    assert q.value == pytest.approx(expected) and q.low < q.value < q.high
    assert found["share: rotation, chain 1"].value is not None and found["share: inversion, chain 2"].value is None
    # Not where they depend on where chains began; and where there is one way only, it has all paths.
    apart = {**data.assessments[-1]["mechanisms"], "outcome": "depend on the start"}
    last = (assessment(1, True, mechanisms=apart),)
    found = summary(replace(data, chains=(mixed, two), assessments=last))
    assert "depend on where the chains were started" in found["share: rotation"].note
    one_way = replace(system(), mechanism=replace(system().mechanism, classes=()))
    alone = summaries_of.summarise(replace(data, chains=(one,)), one_way, np.random.default_rng(1))
    for name in ("share: rotation", "share: rotation, chain 1"):
        q = next(q for q in alone if q.name == name)
        assert (q.value, q.low) == (1.0, None) and q.note.startswith("exact")


def test_halves_in_no_basin_have_a_share_and_a_word_where_they_matter():
    data = method()
    q = summary(data)[sampling_quantities.LOST]
    # Neither half of the toy's moves is ever given up.
    assert q.value == 0.0 and q.text == "" and 0.0 == q.low < q.high
    lost = [replace(c, backward=np.where(c.outcome == "no basin", "none", c.backward)) for c in data.chains]
    q = summary(replace(data, chains=tuple(lost)))[sampling_quantities.LOST]
    assert q.value == pytest.approx(12 / 168) and q.low < q.value < q.high
    assert "longest_half_fs" in q.text and "12 of 168" in q.note
    # The burn-in is left out.
    burnt = replace(with_burn_in(lost[0]), backward=np.concatenate([["none"] * 7, lost[0].backward]))
    assert summary(replace(data, chains=(burnt, lost[1])))[sampling_quantities.LOST] == q


def test_committor_shots_in_no_basin_have_bounds():
    found = summary(method())
    assert (
        found[sampling_quantities.LOST_SHOTS].value == pytest.approx(2 / 41)
        and found[sampling_quantities.LOST_SHOTS].text == ""
    )
    low, high = (found[f"mean committor had uncommitted shots gone to {basin}"].value for basin in "AB")
    assert low < found["mean committor"].value < high
    # Where they matter the interval of the mean reaches from the one bound to the other, and there is no error.
    data = method()
    lost = json_safe(analyse([4] * 6, [8] * 6, n_uncommitted=[8] * 6, n_simulations=19).to_dict())
    draws = data.committor["draws"] | {"separatrix": data.committor["draws"]["separatrix"] | {"distribution": lost}}
    q = summary(replace(data, committor=data.committor | {"draws": draws}))["mean committor"]
    assert q.value == 0.5 and q.low < 0.25 and q.high > 0.75 and q.error is None and "had they all" in q.note


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(run.OUTCOMES), min_size=2, max_size=60), st.integers(0, 3), st.integers(0, 10**6))
def test_every_interval_has_a_width_and_holds_its_value(outcomes: list[str], turns: int, seed: int):
    """Of any chains: all refused, all accepted, of one length or of many, by one mechanism or by two."""
    rng = np.random.default_rng(seed)
    data = method()
    one = chain(1, outcomes, first_length=30)
    kinds = ["initial", *("inversion" if turns and i % (turns + 1) == 0 else "rotation" for i in one.made_by[1:])]
    k = rng.integers(0, 9, 5) * rng.integers(0, 2)
    chains = (replace(one, mechanism=np.array(kinds)), chain(2, outcomes[::-1]))
    committor = committor_of(k.tolist(), [8] * 5)
    for q in summaries_of.summarise(replace(data, chains=chains, committor=committor), system(), rng):
        if q.low is None and q.high is None:
            continue
        assert q.low < q.high and q.low <= q.value <= q.high, q
        # At an end only where nothing lies beyond it: a share of 0 or 1, a spread of 0, and what is made of a share.
        possible = (0.0, 1.0) if "per accepted path" not in q.name else (q.low,)
        assert q.low < q.value < q.high or q.value in possible, q


def test_initial_path_has_no_share():
    data = method()
    assert sampling_quantities.mechanisms_of(data.chains) == ["inversion", "rotation"]


def test_coordinate_and_committor():
    data = method()
    found, model = summary(data), data.coordinate
    text = found["coordinate"].text
    assert text.startswith("r = (") and "angle(a,b,c)/degree" in text and "·sin(turn)" in text and "±" in text
    assert "independent" in found["coordinate"].note  # two chains cannot carry clustered errors
    assert found["ln L"].value == model.log_likelihood
    assert found["held-out ln L per observation"].value == data.fit["held_out"]["mean"]
    assert found["mean committor"].value == pytest.approx(np.mean([1 / 8, 4 / 8, 7 / 8, 3 / 7, 0]))
    assert found["uncommitted shots"].value == 2 and found["failed shots"].value == 1
    assert (
        found["spread to be expected"].value == 0.05 and "0.040 from the errors" in found["spread to be expected"].note
    )
    assert found["baseline coordinate: mean committor"].value == found["mean committor"].value
    assert found["baseline coordinate: configurations"].note == "drawn at the baseline"
    score = data.committor["calibration"]
    assert found["Brier score"].value == score["brier"] and found["calibration"].text == score["verdict"]
    behind = {r["name"]: r["behind"] for r in data.committor["ranking"]}
    gain = found["ln L per committor shot, gain over the baseline coordinate"]
    assert gain.value == behind["baseline"] and "cos(turn)" in gain.note


def test_clustered_errors_need_many_chains():
    model = method().coordinate
    assert coefficient_errors.coefficient_errors(model, 2).values == pytest.approx(model.standard_errors)
    clustered = coefficient_errors.coefficient_errors(model, 20)
    assert clustered.values == pytest.approx(np.sqrt(np.diag(model.clustered_covariance)))
    assert "clustered" in clustered.note


def test_burn_in_counts_as_nothing_but_cost():
    """A burn-in that is unlike the rest changes no number of the sampling and no figure."""
    without = method()
    # Chains whose first move is accepted: their initial path has no weight with or without burn-in.
    outcome = without.chains[1].outcome.tolist()
    without = replace(without, chains=(chain(1, outcome), chain(2, outcome[3:] + outcome[:3], "inversion")))
    assert [c.multiplicity[0] for c in without.chains] == [0, 0]
    with_ = replace(without, chains=tuple(map(with_burn_in, without.chains)))
    quantities = [summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in (without, with_)]
    plain, burnt = ({q.name: q for q in qs if q.group in (quantity.SAMPLING, quantity.CHAINS)} for qs in quantities)
    for number in (1, 2):
        was, tuned = (found.pop(f"shift, chain {number}") for found in (plain, burnt))
        assert (was.value, was.text) == (6.0, "") and (tuned.value, tuned.text) == (6.0, "tuned from 10")
    assert plain.pop("burn-in shots").value == 0 and burnt.pop("burn-in shots").value == 12
    assert plain == burnt and len(plain) > 20
    frames = [
        figure_data.data_frames(Compared([d], {d.name: q}, system()))
        for d, q in zip((without, with_), quantities, strict=True)
    ]
    for name in ("acceptance", "path_lengths", "mechanisms"):
        pd.testing.assert_frame_equal(frames[0][name], frames[1][name])
    # The names of the paths hold the numbers of the moves, which the burn-in shifts.
    planes = [f["shooting_points"].drop(columns="path") for f in frames]
    pd.testing.assert_frame_equal(*planes)


def test_burn_in_counts_as_cost():
    data = method()
    burnt = replace(data, chains=tuple(map(with_burn_in, data.chains)))
    found = summary(burnt)
    # 36 paths are accepted after the burn-in, 10 in it, and cost.json, which says 999, is not asked.
    assert found["force evaluations per accepted path"].value == pytest.approx((84 * 101 + 600) / 36)


def test_what_a_chain_started_from():
    data = method()
    first, second = data.chains
    found = summary(replace(data, chains=(first, replace(second, wanted="inversion at b"))))
    assert found["started from, chain 1"].text == "saddle"
    text = "saddle (instead: no path of the wanted mechanism from inversion at b)"
    assert found["started from, chain 2"].text == text
    nothing = replace(first, burn_in=np.ones(len(first.burn_in), dtype=bool))
    assert summary(replace(data, chains=(nothing, second)))["shift, chain 1"].value is None


def test_models_beyond_the_linear_one():
    found = summary(method())
    q = found["held-out gain of gradient boosting, its variables"]
    assert (q.value, q.error) == (0.02, 0.03) and "same 2 folds" in q.note and "error from 2 folds only" in q.note
    assert "held-out gain of gradient boosting, all variables" in found
    assert not any("held-out gain" in name for name in summary(broken()))


def test_cost():
    found = summary(method())
    assert found["force evaluations per step, sampling"].value == pytest.approx(1.01)
    assert found["force evaluations, stationary points"].value == 300
    assert found["force evaluations, first paths"].value == 600
    assert found["force evaluations, sampling"].value == 84 * 101
    assert found["core time, first paths"].value == 3.0 and found["core time, sampling"].value == 42.0
    assert found["core time per shot, sampling"].value == 0.5
    assert found["core time per force evaluation, sampling"].value == pytest.approx(500 / 101)
    assert found["wall time, minimum"].value == 5.0
    assert found["wall time, other stages"].value == 12.0  # eight stages, one of them with two jobs
    assert not any(name.startswith("wall time, sam") or name.startswith("wall time, first") for name in found)


def test_cost_of_an_accepted_path():
    """By hand: 84 shots, 36 of them accepted; and the interval is that of the number of accepted paths."""
    found = summary(method())
    acceptance = found["acceptance per shot"]
    for name, unit, spent in (("force evaluations", "1", 8484 + 600), ("core time", "s", 42 + 3)):
        q = found[f"{name} per accepted path"]
        assert q.unit == unit and q.value == pytest.approx(spent / 36)
        assert q.low == pytest.approx(spent / (84 * acceptance.high))
        assert q.high == pytest.approx(spent / (84 * acceptance.low))
        assert q.low < q.value < q.high


def test_cost_of_an_accepted_path_where_all_are_accepted():
    """Nothing varied: the shots count as independent, and it can only cost more."""
    data = method()
    all_accepted = replace(data, chains=(chain(1, ["accepted"] * 20),))
    q = summary(all_accepted)["force evaluations per accepted path"]
    assert q.value == pytest.approx((20 * 101 + 300) / 20)
    assert q.low == q.value and q.high == pytest.approx(q.value / wilson_interval(20, 20)[0])


@pytest.mark.parametrize("known", [{}, {"evaluations": 300.0}])
def test_unknown_cost_of_first_paths(known: dict[str, float]):
    """One first path without a record makes their sum unknown, not smaller."""
    data = method()
    first, second = data.chains
    found = summary(replace(data, chains=(first, replace(second, first_path_cost=known))))
    assert found["core time, first paths"].value is None
    assert found["core time, first paths"].note == "not on record"
    q = found["core time per accepted path"]
    assert q.value == pytest.approx(42 / 36) and "first paths are not on record" in q.note
    counted = found["force evaluations, first paths"].value
    assert counted == (600 if known else None)
    assert found["force evaluations per accepted path"].value == pytest.approx((8484 + (counted or 0)) / 36)


def test_made_up_assessments_are_like_real_ones():
    data = assessment(1, False)
    assert set(data) == set(convergence.Assessment.__dataclass_fields__)
    assert set(data["mechanisms"]) == set(mechanism_shares.MechanismAgreement.__dataclass_fields__)
    assert set(data["mechanisms"]["per_start"][0]) == set(mechanism_shares.Shares.__dataclass_fields__)
    assert set(data["criteria"][0]) == set(criterion.Criterion.__dataclass_fields__)


def test_convergence_of_a_run_that_converged():
    found = summary(method())
    assert found["converged"].text == "yes"
    assert found["sampling stopped"].text == "because it converged, after 3 rounds"
    assert found["verdict of the last round"].text == "converged at last"
    values = {
        "rounds": 3,
        "information error": 0.4 / 3,
        "information error, clustered by chain": 0.31 / 3,
        "worst R-hat": 1.03,
        "smallest effective sample size": 126.0,
        "rounds with the same variables": 3,
    }
    assert {name: found[name].value for name in values} == pytest.approx(values)
    assert found["worst R-hat"].text == "wanted: at most 1.05" and found["worst R-hat"].note == "how R-hat stands"
    assert found["information error, clustered by chain"].text == "wanted: at most 0.11"
    assert found["smallest effective sample size"].text == "wanted: at least 120"
    assert found["mechanisms and starts"].text.startswith("shares agree within error")
    from_saddle = "rotation 75%, inversion 25%; moves: 40 (worth 12.3), switches: 3, chains: 1"
    assert found["mechanisms of chains started from: saddle"].text == from_saddle
    from_guess = "rotation 100%; moves: 40 (worth 12.3), switches: 3, chains: 2, 3"
    assert found["mechanisms of chains started from: guess"].text == from_guess


def test_convergence_of_a_run_that_did_not():
    found = summary(broken())
    assert found["converged"].text == "no"
    assert found["sampling stopped"].text == "because max_rounds was reached, after 2 rounds, without convergence"
    assert found["verdict of the last round"].text == "stopped without it"
    assert found["rounds"].value == 2
    assert found["worst R-hat"].value is None
    assert found["worst R-hat"].text == "" and found["worst R-hat"].note == "how R-hat stands"
    assert found["rounds with the same variables"].value == 0
    one = convergence_quantities.why_stopped([assessment(1, True)])
    assert one == "because max_rounds was reached, after 1 round, without convergence"


def test_convergence_round_by_round():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frame = figure_data.data_frames(Compared(data, summaries, system()))["convergence"]
    assert list(zip(frame["method"], frame["round"], frame["shots"], strict=True)) == [
        *(("gfn-2", k, 60 * k) for k in (1, 2, 3)),
        *(("broken-1", k, 60 * k) for k in (1, 2)),
    ]
    first, last = frame.iloc[0], frame.iloc[2]
    assert first["variables"] == "angle(a,b,c); sin(turn)" and first["mechanisms"] == "agree"
    assert first["verdict"] == "goes on" and first["sampling_stopped"] == ""
    assert first["worst_effective_samples"] == 42 and first["worst_effective_samples_bound"] == 120
    assert last["clustered_information_error"] == pytest.approx(0.31 / 3)
    assert last["clustered_information_error_bound"] == 0.11
    assert last["sampling_stopped"] == "because it converged, after 3 rounds"
    assert frame.iloc[4]["sampling_stopped"].startswith("because max_rounds was reached, after 2 rounds")
    assert frame.iloc[3:]["worst_r_hat"].isna().all() and (frame["worst_r_hat_bound"] == 1.05).all()


def test_assessments_are_read_up_to_the_last(tmp_path: Path):
    """A longer run before this one may have left files behind; a file that is missing is an error."""
    for number in range(1, 6):
        write_json(assessment(number, stop=number == 3), tmp_path / "rounds" / f"{number}.json")
    found = run.read_assessments(tmp_path)
    assert [a["round"] for a in found] == [0, 1, 2] and found[-1]["stop"]
    (tmp_path / "rounds/2.json").unlink()
    with pytest.raises(StoreError, match=r"2\.json"):
        run.read_assessments(tmp_path)


def test_a_chain_is_read_from_its_files(tmp_path: Path):
    """Two burn-in moves, then three; the tables are those that the stages write."""
    track = np.zeros((2, 6, 4, 3))
    words = ["accepted", "failed", "off path", "accepted", "same basin"]
    geometry = four_atoms(120.0, 90.0)
    moves = [
        Move(i, word, forward="B", positions=geometry, velocities=geometry, evaluations=10, steps=9, shift=4 - (i > 1))
        for i, word in enumerate(words)
    ]
    symbols, common = ("C", "N", "N", "C"), {"chain": 7, "frame": 2.0, "source": "toy"}
    burning = [True, True, False, False, False]
    write_shots(
        moves, symbols, tmp_path / "shots.nc", number=1, burn_in=burning, place=(1, ("m", "chain", 7)), **common
    )
    made = {"mechanisms": ["rotation"] * 3, "labels": [3, 3, 3], "start": "saddle"}
    paths = [track, track, track[:, :4]]
    write_paths(paths, symbols, tmp_path / "paths.nc", moves=[-1, 0, 3], multiplicity=[0, 1, 2], **made, **common)
    (tmp_path / "cost.json").write_text(json.dumps(cost_of(5, 4)))
    alone = {"mechanisms": ["rotation"], "labels": [3], "start": "saddle", "moves": [-1], "multiplicity": [1]}
    spent = {"evaluations": 123, "core_seconds": 4.5}
    for cost, known, wanted in ((None, {}, None), (spent, spent, "a guess")):
        write_paths([track], symbols, tmp_path / "first_path.nc", **alone, **common, cost=cost, wanted=wanted)
        found = run.read_chain(tmp_path)
        assert found.first_path_cost == known
        assert (found.start, found.wanted) == ("saddle", wanted or "saddle")
    assert found.shift.tolist() == [4, 4, 3, 3, 3]
    assert found.number == 7 and found.cost["core_seconds"] == 2.0
    assert found.burn_in.tolist() == burning and found.burn_in_shots == 2
    assert found.shots.tolist() == [False, False, False, True, True]
    assert found.accepted.tolist() == [1.0, 0.0]
    assert found.series(found.duration).tolist() == [10.0, 6.0, 6.0]


def test_awkward_inputs():
    found = summary(broken())
    acceptance = found["acceptance per shot"]
    assert acceptance.value == acceptance.low == 0.0 and acceptance.high == pytest.approx(wilson_interval(0, 18)[1])
    assert found["path length, median"].value is None
    assert not any(name.startswith("share:") for name in found)
    assert "±" not in found["coordinate"].text and "no error" in found["coordinate"].note
    assert found["held-out ln L per observation"].value is None
    assert found["wall time, minimum"].value is None and found["wall time, other stages"].value is None
    assert found["core time per accepted path"].value is None
    assert found["core time per accepted path"].note == "no path was accepted"
    assert found["intrinsic standard deviation"].value is not None


def test_frame_and_json_agree():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frame = summaries_of.comparison_frame(summaries, {d.name: d.label for d in data})
    assert list(dict.fromkeys(frame["method"])) == ["gfn-2", "broken-1"]
    assert {"method", "quantity", "value", "low", "high", "unit", "note"} <= set(frame)
    nested = summaries_of.comparison_json(data, summaries)
    row = frame[(frame["method"] == "gfn-2") & (frame["quantity"] == "saddle above A")].iloc[0]
    entry = nested["methods"]["gfn-2"]["groups"][row["group"]]["saddle above A"]
    assert entry["value"] == row["value"] == pytest.approx(26.0) and entry["unit"] == "kcal/mol"
    given = frame.dropna(subset=["low", "high", "value"])
    assert (given["low"] <= given["value"]).all() and (given["value"] <= given["high"]).all()


def test_labels_are_told_apart():
    assert summaries_of.distinct({"a": "PM6", "b": "PM6", "c": "DFTB"}) == {"a": "PM6 (a)", "b": "PM6 (b)", "c": "DFTB"}


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (12.345, 0.123, ("12.35", "0.12")),
        (0.5, 0.0996, ("0.50", "0.10")),
        (1234.0, 567.0, ("1230", "570")),
        (3.0, 0.0, ("3", "0")),
        (-0.04567, 0.00123, ("-0.0457", "0.0012")),
        (5.0, 9.96, ("5", "10")),
    ],
)
def test_rounding(value: float, error: float, shown: tuple[str, str]):
    assert quantity.rounded(value, error) == shown


def test_beta_binomial_expectation_by_simulation():
    rng = np.random.default_rng(4)
    n = np.array([8, 8, 5, 8])
    edges = (np.arange(10) - 0.5) / 8
    p = rng.beta(2.0, 3.0, size=(20000, 4))
    counts = np.histogram(rng.binomial(n, p) / n, bins=edges)[0] / 20000
    assert committor_histogram.beta_binomial_expectation(n, (2.0, 3.0), edges) == pytest.approx(counts, abs=0.03)
    assert committor_histogram.beta_binomial_expectation(n, (5e5, 5e5), edges).sum() == pytest.approx(4.0)
    equal = committor_histogram.beta_binomial_expectation([8] * 3, (5e5, 5e5), edges)
    assert equal == pytest.approx(3 * stats.binom.pmf(np.arange(9), 8, 0.5), abs=1e-4)


def test_figure_frames():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frames = figure_data.data_frames(Compared(data, summaries, system()))
    bars = frames["committor_histogram"]
    ours = bars[bars["method"] == "gfn-2"]
    assert ours["configurations"].sum() == 5
    assert ours["binomial"].sum() == pytest.approx(5.0)
    paths = frames["path_lengths"]
    assert paths[(paths["kind"] == "path") & (paths["method"] == "gfn-2")]["share"].sum() == pytest.approx(1.0)
    model = data[0].coordinate
    rows = frames["coefficients"].set_index(["method", "variable"]).loc[("gfn-2", "angle(a,b,c)")]
    spread = data[0].q[:, 0].std()
    assert rows["standardised"] == pytest.approx(model.coefficients[0] * spread)
    assert rows["high"] - rows["low"] == pytest.approx(2 * 1.959964 * model.standard_errors[1] * spread, rel=1e-5)
    both = frames["sets"].set_index(["set", "variable"])
    assert both.index.tolist() == [
        (0, "angle(a,b,c)"),
        (1, "angle(a,b,c)"),
        (1, "sin(turn)"),
        (2, "sin(turn)"),
        (3, "<still>"),
    ]
    assert both["role"].tolist() == ["best of 1", "best of 2", "best of 2", "for comparison", "for comparison"]
    judged = data[0].fit["sets"][1]
    one = both.loc[(1, "sin(turn)")]
    assert one["chosen"] and one["coefficient"] == judged["coefficients"][2] == pytest.approx(model.coefficients[1])
    assert (one["lower"], one["upper"]) == (judged["interval"]["lower"][2], judged["interval"]["upper"][2])
    assert one["lower"] < one["coefficient"] < one["upper"]
    assert one["resampled_lower"] == judged["bootstrap"]["lower"][2]
    assert one["per_observation"] == pytest.approx(model.log_likelihood / 60)
    assert one["held_out"] == data[0].fit["held_out"]["mean"]
    assert (rows["lower"], rows["upper"]) == (judged["interval"]["lower"][1], judged["interval"]["upper"][1])
    listed = frames["candidates"].set_index("variable")
    assert listed.loc["angle(a,b,c)", "near_duplicates"] == "twin (-0.99994)" and listed["chosen"].tolist() == [
        True,
        False,
    ]
    table = frames["calibration"]
    assert table[table["method"] == "gfn-2"]["shots"].sum() == 60
    levels = frames["energy_profile"].set_index(["method", "point"])["energy"]
    assert levels["gfn-2", "saddle"] == pytest.approx(30.0)
    costs = frames["cost"].set_index(["method", "kind", "part"])
    assert costs.loc[("gfn-2", "seconds", "sampling"), "value"] == 42.0
    assert costs.loc[("gfn-2", "seconds", "committor shots"), "value"] == 1.0
    assert costs.loc[("gfn-2", "evaluations", "first paths"), "value"] == 600
    each = costs.loc[("gfn-2", "seconds per path", "")]
    assert each["value"] == pytest.approx(45 / 36) and each["low"] < each["value"] < each["high"]
    assert "seconds per path" not in set(frames["cost"].query("method == 'broken-1'")["kind"])
    points = frames["shooting_points"]
    assert set(points["y_axis"]) == {"|turn| (degree)"} and set(points["x_axis"]) == {"bend (degree)"}
    assert points.loc[points["kind"] == "path", "y"].between(29.9, 150.1).all()
    assert isinstance(frames["mechanisms"], pd.DataFrame) and set(frames["mechanisms"]["method"]) == {"gfn-2"}


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.5, 0.4, 0.7, (0.4, 0.7)),
        (0.5, 0.5, 0.5, (None, None)),
        (0.5, 0.6, 0.7, (0.5, 0.7)),
        (0.5, 0.1, 0.4, (0.1, 0.5)),
        (0.5, math.nan, 0.7, (None, None)),
        (0.5, 0.1, math.inf, (None, None)),
        (None, 0.1, 0.2, (None, None)),
        (0.5, None, 0.7, (None, None)),
    ],
)
def test_an_interval_has_a_width_and_holds_its_value_or_is_none(value, low, high, expected):
    found = quantity.with_width(quantity.Quantity("Sampling", "x", value, low=low, high=high, note="how"))
    assert (found.low, found.high) == expected and found.value == value
    if low == high:
        assert found.note == "no interval: the resamples do not vary; how"


def test_no_interval_is_narrower_than_the_resolution_of_its_quantity():
    """Path lengths come in frames: nearly all resamples have the same median, which is known to a frame at best."""
    alike = [np.array([100.0] * 100 + [104.0] * 3)]
    found = correlated_series.quantiles(alike, (0.5,), np.random.default_rng(0), 4.0)[0]
    assert found.low is None and "do not vary" in found.note, "not 100 within rounding"
    # Hardly a resample has its median elsewhere.
    nearly = [np.where(np.random.default_rng(5).random(200) < 0.38, 104.0, 100.0)]
    narrow, wide = (
        correlated_series.quantiles(nearly, (0.5,), np.random.default_rng(0), step)[0] for step in (0.0, 4.0)
    )
    assert 99.8 < narrow.low < narrow.high < 100.2
    assert (wide.value, wide.low, wide.high) == (100.0, 98.0, 102.0)
