"""`separatrix fit`: against statsmodels, against ATESA's definitions worked out here, and on planted answers."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from models import slow_chains
from rich.console import Console
from scipy import optimize, special, stats

from separatrix.cli import main as cli
from separatrix.cli.fit_text import show
from separatrix.coordinate import committor_model, fit_options, nonlinear_models
from separatrix.coordinate.committor_model import coefficient_intervals
from separatrix.coordinate.fit_options import FitError, Options
from separatrix.coordinate.fitting import fit
from separatrix.coordinate.held_out import fold_labels
from separatrix.coordinate.judged_set import judge_set
from separatrix.coordinate.observations import Observations, read

QUICK = Options(bootstrap=0, folds=0)


def observations(
    q: np.ndarray,
    outcome: np.ndarray,
    chain: np.ndarray | None = None,
    rates: np.ndarray | None = None,
    names: tuple[str, ...] | None = None,
) -> Observations:
    """Observations from arrays."""
    m = q.shape[1]
    return Observations(
        path=Path("planted.csv"),
        kind="CSV",
        names=names or tuple(f"q{k}" for k in range(m)),
        units=("",) * m,
        values=q,
        rates=rates,
        outcome=outcome,
        chain=None if chain is None else tuple(str(label) for label in chain),
        reactant="A",
        product="B",
    )


def planted(seed: int, n: int = 400, m: int = 6, chains: int = 12) -> Observations:
    """r = 0.1 + 0.9 q1 - 0.6 q4, with rates that mean nothing."""
    rng = np.random.default_rng(seed)
    q, rates = rng.normal(size=(n, m)), rng.normal(size=(n, m))
    outcome = rng.random(n) < special.expit(2 * (0.1 + 0.9 * q[:, 1] - 0.6 * q[:, 4]))
    return observations(q, outcome, np.arange(n) % chains, rates)


def atesa_file(found: Observations, path: Path, rates: bool = False) -> Path:
    """The same observations as ATESA writes them, in full digits."""
    columns = np.hstack([found.values, found.rates]) if rates and found.rates is not None else found.values
    lines = [
        f"{'B' if went else 'A'} <- {' '.join(map(repr, row.tolist()))} "
        for row, went in zip(columns, found.outcome, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def csv_file(found: Observations, path: Path) -> Path:
    rows = [",".join(["outcome", "chain", *found.names])]
    for row, went, chain in zip(found.values, found.outcome, found.chain or (), strict=True):
        rows.append(",".join(["1" if went else "0", chain, *map(repr, row.tolist())]))
    path.write_text("\n".join(rows) + "\n")
    return path


def command(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """What the command prints, run in this process."""
    old, sys.argv = sys.argv, ["separatrix", "fit", *arguments]
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, capsys.readouterr().err
    finally:
        sys.argv = old
    return capsys.readouterr().out


# --- the numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["logistic", "erf"])
def test_json_agrees_with_statsmodels(tmp_path: Path, capsys: pytest.CaptureFixture, model: str) -> None:
    found = planted(1)
    path = atesa_file(found, tmp_path / "as_decorr_400.out")
    printed = json.loads(command(capsys, str(path), "--model", model, "--json", "--bootstrap", "3"))
    assert printed["variables"] == ["CV2", "CV5"]
    kind, scale = (sm.Logit, 2.0) if model == "logistic" else (sm.Probit, math.sqrt(2.0))
    design = sm.add_constant(found.values[:, [1, 4]])
    reference = kind(found.outcome.astype(float), design).fit(disp=0, method="newton", tol=1e-14)
    assert printed["log_likelihood"] == pytest.approx(reference.llf, abs=1e-6)
    np.testing.assert_allclose(printed["coefficients"], reference.params / scale, rtol=1e-5)
    np.testing.assert_allclose(printed["standard_errors"], reference.bse / scale, rtol=1e-4)
    interval = np.column_stack([printed["interval"]["lower"], printed["interval"]["upper"]])
    np.testing.assert_allclose(interval, reference.conf_int() / scale, rtol=1e-4)
    assert printed["aic"] == pytest.approx(reference.aic) and printed["bic"] == pytest.approx(reference.bic)
    assert printed["interval"]["errors"] == "independent" and printed["clustered_standard_errors"] is None
    assert printed["n_fits"] == 6 + 15 + 20
    assert printed["converged"] is True and printed["separable"] is False and printed["beats_null"] is True
    assert 0.0 < printed["cpu_seconds"] <= printed["total_cpu_seconds"]
    assert [line["size"] for line in printed["sizes"]] == [1, 2, 3]
    assert printed["sizes"][1]["log_likelihood"] == pytest.approx(printed["log_likelihood"], abs=1e-9)


def test_all_kinds_of_file_give_the_same_fit(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    found = planted(2)
    results = [
        json.loads(command(capsys, str(path), "--json", "--bootstrap", "0", "--blocks", "none"))
        for path in (atesa_file(found, tmp_path / "a.out"), csv_file(found, tmp_path / "b.csv"))
    ]
    for key in ("log_likelihood", "coefficients", "standard_errors", "information_error", "n_fits"):
        assert results[0][key] == results[1][key]
    assert results[1]["variables"] == ["q1", "q4"]


def _erf_log_likelihood(a: np.ndarray, q: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """ln p of every observation as ATESA's ansatz has it, (1 +- erf r)/2."""
    r = a[0] + q @ a[1:]
    return np.log(0.5 * special.erfc(np.where(outcome, -r, r)))


def _atesa_numbers(q: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Coefficients, ln L and information error of scaled variables, by differences only.

    The mean over all parameters but the constant of sqrt(diag(H^-1 J H^-1)), H the Hessian of -ln L and J the sum over
    observations of the outer products of their gradients.
    """
    q = (q - q.min(axis=0)) / (q.max(axis=0) - q.min(axis=0))
    k = q.shape[1] + 1
    start = optimize.minimize(
        lambda a: -_erf_log_likelihood(a, q, outcome).sum(), np.zeros(k), method="BFGS", options={"gtol": 1e-7}
    )
    a, steps = start.x, 1e-4 * np.eye(k)

    def total(at: np.ndarray) -> float:
        return float(_erf_log_likelihood(at, q, outcome).sum())

    hessian = np.array(
        [
            [(total(a + i + j) - total(a + i - j) - total(a - i + j) + total(a - i - j)) / 4e-8 for j in steps]
            for i in steps
        ]
    )
    score = np.column_stack(
        [(_erf_log_likelihood(a + i, q, outcome) - _erf_log_likelihood(a - i, q, outcome)) / 2e-4 for i in steps]
    )
    inverse = np.linalg.inv(-hessian)
    errors = np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse))
    return a, total(a), float(errors[1:].mean())


@pytest.mark.parametrize("rates", [False, True])
def test_numbers_compare_with_those_of_atesa(tmp_path: Path, capsys: pytest.CaptureFixture, rates: bool) -> None:
    found = planted(3)
    found = replace(found, values=found.values * [1, 30, 0.01, 1, 5, 1] + [0, 100, 1.5, 0, 0, 0])
    path = atesa_file(found, tmp_path / "as_decorr_400.out", rates)
    options = ["--model", "erf", "--normalise", "--size", "2", "--json", "--bootstrap", "0"]
    printed = json.loads(command(capsys, str(path), *options, *(["--inertial"] if rates else [])))
    assert printed["variables"] == ["CV2", "CV5"], "rates lead the choice, but are not in the final coordinate"
    a, value, error = _atesa_numbers(found.values[:, [1, 4]], found.outcome)
    np.testing.assert_allclose(printed["coefficients"], a, rtol=1e-4)
    assert printed["log_likelihood"] == pytest.approx(value, abs=1e-6)
    assert printed["information_error"] == pytest.approx(error, rel=1e-3)
    assert round(printed["information_error"], 3) == round(error, 3)
    if rates:
        design = sm.add_constant(
            np.column_stack([found.normalised().values[:, [1, 4]], _scaled(found.rates)[:, [1, 4]]])
        )
        reference = sm.Probit(found.outcome.astype(float), design).fit(disp=0, tol=1e-14)
        inertial = printed["inertial"]["2"]
        assert inertial["names"] == ["CV2", "CV5", "CV2_rate", "CV5_rate"]
        assert inertial["log_likelihood"] == pytest.approx(reference.llf, abs=1e-6)
        fitted = [inertial["intercept"], *inertial["coefficients"]]
        np.testing.assert_allclose(fitted, reference.params / math.sqrt(2), rtol=1e-4)
        errors = np.sqrt(np.diag(inertial["covariance"]))
        np.testing.assert_allclose(errors, reference.bse / math.sqrt(2), rtol=1e-4)
    else:
        assert printed["inertial"] is None


def _scaled(values: np.ndarray | None) -> np.ndarray:
    assert values is not None
    return (values - values.min(axis=0)) / np.ptp(values, axis=0)


def test_normalisation_changes_the_coefficients_and_nothing_else() -> None:
    found = planted(4)
    plain, scaled = fit(found, QUICK), fit(found, replace(QUICK, normalise=True))
    assert scaled.best.log_likelihood == pytest.approx(plain.best.log_likelihood, abs=1e-9)
    assert scaled.best.information_error == pytest.approx(plain.best.information_error, rel=1e-6)
    width = np.ptp(found.values[:, [1, 4]], axis=0)
    np.testing.assert_allclose(scaled.best.coefficients, plain.best.coefficients * width, rtol=1e-6)


# --- what is chosen ---------------------------------------------------------------------------------------------


def test_options_decide_the_number_of_variables() -> None:
    found = planted(5)
    assert fit(found, QUICK).best.names == ("q1", "q4")
    assert len(fit(found, replace(QUICK, size=3)).best.names) == 3
    bent = fit(found, replace(QUICK, criterion="two-line", max_variables=6, search="greedy"))
    assert bent.best.names == ("q1", "q4") and bent.selection.two_line == 2
    assert bent.to_dict()["two_line"] == 2
    assert len(fit(found, replace(QUICK, criterion="aic", max_variables=6)).best.names) >= 2
    assert fit(found, replace(QUICK, search="exchange", max_variables=4)).selection.greedy.keys() == {1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "probit"}, "model must be one of logistic, erf"),
        ({"search": "random"}, "search must be one of auto, exhaustive, greedy, exchange"),
        ({"criterion": "dic"}, "criterion must be one of ebic, bic, aic, two-line"),
        ({"nonlinear_models": ("forest",)}, "nonlinear_models must be one of boosting, network"),
        ({"max_variables": 0}, "max_variables must be at least 1"),
        ({"size": 4}, r"size must lie between 1 and max_variables \(3\)"),
        ({"criterion": "two-line"}, "set max_variables to 5 or more"),
        ({"folds": 1}, "folds must be 0 or at least 2"),
        ({"bootstrap": -1}, "must not be negative"),
        ({"nonlinear_models": ("boosting",)}, "set folds"),
        ({"confidence": 1.0}, "confidence must lie between 0 and 1"),
        ({"blocks": "weekly"}, "blocks must be chain, none or a number"),
        ({"blocks": "0"}, "blocks must be chain, none or a number"),
        ({"size": 7, "max_variables": 7}, "no coordinate of 7 variables: there are 6 that vary independently"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict, words: str) -> None:
    with pytest.raises(FitError, match=words) as caught:
        fit(planted(6, n=100), replace(QUICK, **options))
    assert "\n" not in str(caught.value)


def test_a_search_that_would_never_end_is_refused() -> None:
    rng = np.random.default_rng(7)
    wide = observations(rng.normal(size=(40, 200)), rng.random(40) < 0.5)
    with pytest.raises(FitError, match="4 of 200 variables are 64,684,950 sets, more than the 5,000,000"):
        fit(wide, replace(QUICK, search="exhaustive", max_variables=4))


def test_help_lists_what_the_library_knows() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "fit", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "TERM": "dumb", "PATH": ""},
    ).stdout
    for names in (fit_options.MODELS, fit_options.SEARCHES, fit_options.CRITERIA, fit_options.BEYOND):
        assert "|".join(names) in text
    assert "<name>_rate" in text and "A <- 1.23 4.56" in text and "outcome" in text


# --- blocks and uncertainty -------------------------------------------------------------------------------------


def test_report_has_intervals_frequencies_and_held_out_likelihood() -> None:
    found = planted(8)
    report = fit(found, Options(bootstrap=10))
    assert report.best.block_count == 12 and report.best.clustered_covariance is not None
    lower, upper = coefficient_intervals(report.best, 0.95)
    np.testing.assert_array_equal(report.chosen.lower, lower)
    np.testing.assert_array_equal(report.chosen.upper, upper)
    dependence = found.dependence()
    direct = committor_model.fit(found.values[:, [1, 4]], found.outcome, ["q1", "q4"], dependence=dependence)
    np.testing.assert_allclose(report.best.clustered_covariance, direct.clustered_covariance, rtol=1e-9)
    printed = report.printed()
    np.testing.assert_allclose(printed["clustered_standard_errors"], np.sqrt(np.diag(direct.clustered_covariance)))
    assert printed["errors"] == printed["clustered_standard_errors"]
    assert printed["selection_frequency"]["q1"] == 1.0
    assert report.chosen.resampled is not None and report.chosen.resampled.n_boot == 40
    assert report.frequency is not None and report.frequency.n_boot == 10
    assert report.frequency_of(["q1"]) == 1.0 and report.frequency_of(["q1", "q2"]) == 1.0
    held = report.chosen.held_out
    assert held is not None and len(held.groups) == 10 and held.mean > held.null_mean
    # the same numbers again
    numbers = [
        {k: v for k, v in r.printed().items() if "cpu" not in k} for r in (report, fit(found, Options(bootstrap=10)))
    ]
    assert json.dumps(numbers[0], allow_nan=False) == json.dumps(numbers[1])


def test_a_set_has_the_same_numbers_whatever_else_is_looked_at() -> None:
    """Chosen, best of its size, or named for comparison: one set of variables has one set of intervals."""
    found = planted(8, chains=3)
    options = Options(bootstrap=4, each_size=True, compared=(("q1", "q4"), ("q1",), ("q0",)))
    report = fit(found, options)
    assert [(s.role, s.chosen, s.names) for s in report.sets] == [
        ("best", False, ("q1",)),
        ("best", True, ("q1", "q4")),
        ("best", False, report.selection.per_size[3].names),
        ("beside", False, ("q1", "q4")),
        ("beside", False, ("q1",)),
        ("beside", False, ("q0",)),
    ]
    one, two, _, same, single, _ = (each.to_dict() for each in report.sets)
    for mine, other in ((two, same), (one, single)):
        assert mine.keys() == other.keys()
        for key in mine.keys() - {"role", "chosen"}:
            assert _close(mine[key], other[key]), key
    alone = fit(found, replace(options, each_size=False, compared=(), size=1)).to_dict()
    assert _close(alone["intervals"], {key: one[key] for key in ("interval", "blocks", "bootstrap")})
    assert _close(alone["held_out"], one["held_out"])
    values = np.where(np.arange(6) == 3, 1.0, found.values)
    still = fit(replace(found, values=values, rates=None), replace(options, compared=(("q3",),)))
    assert still.sets[-1].judged is None and "constant" in still.sets[-1].to_dict()["problem"]


def _close(a: Any, b: Any) -> bool:
    """Whether JSON is the same but for the last digits, in which the order of a sum shows."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_close, a, b))
    return a == pytest.approx(b, rel=1e-9, abs=1e-12) if isinstance(a, float) else a == b


def slow(rng: np.random.Generator, chains: int, length: int, memory: float) -> Observations:
    """One variable and something unknown, both slow, along each chain."""
    q, outcome, chain = slow_chains(rng, chains, length, memory)
    return observations(q[:, None], outcome, chain)


def test_errors_grow_with_the_memory_of_the_chains() -> None:
    def ratio(memory: float) -> float:
        report = fit(slow(np.random.default_rng(9), 20, 100, memory), QUICK)
        assert report.best.clustered_errors is not None
        return float(report.best.clustered_errors[1] / report.best.standard_errors[1])

    assert 0.6 < ratio(0.01) < 1.4 < 1.8 < ratio(30.0)


@pytest.mark.slow
def test_pieces_of_few_long_chains_give_honest_intervals() -> None:
    x, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    p = special.expit(1.2 * x[:, None] + 1.5 * x[None, :]) @ w
    truth = (
        optimize.minimize_scalar(
            lambda b: -float(w @ (p * special.log_expit(b * x) + (1 - p) * special.log_expit(-b * x))),
            bounds=(0.1, 3.0),
            method="bounded",
        ).x
        / 2.0
    )
    rng = np.random.default_rng(10)
    inside = {"chain": 0, "none": 0}
    for _ in range(100):
        found = slow(rng, 3, 700, 12.0)
        for how in inside:
            report = fit(found, replace(QUICK, blocks=how))
            inside[how] += report.chosen.lower[1] < truth < report.chosen.upper[1]
    assert inside["none"] < 80, "naive intervals fail"
    assert 88 <= inside["chain"] <= 99


def test_a_judged_set_says_what_it_cannot_tell() -> None:
    """Separable outcomes have no intervals, and where all folds but one have one outcome nothing is held out."""
    rng = np.random.default_rng(15)
    q = rng.normal(size=(80, 1))
    chain = np.arange(80) // 40
    options = Options(bootstrap=5)
    found = judge_set(observations(q, q[:, 0] > 0, chain), ["q0"], options).to_dict()
    assert found["separable"] and found["bootstrap"] is None and found["interval"]["lower"] == [None, None]
    assert found["held_out"]["mean"] < 0 and found["blocks"]["count"] == 8
    one_sided = observations(q, chain == 1, np.arange(80) // 4 // 10)
    found = judge_set(one_sided, ["q0"], replace(options, folds=2)).to_dict()
    assert found["interval"]["lower"][1] < found["interval"]["upper"][1]
    alone = judge_set(observations(q[:2], np.array([True, False]), np.zeros(2)), ["q0"], options)
    assert alone.coordinate.block_count == 2
    alone = judge_set(observations(q[:2], np.array([True, False])), ["q0"], options)
    assert alone.coordinate.block_count == 0 and alone.to_dict()["interval"]["errors"] == "independent"
    assert alone.held_out is None


def test_interchangeable_variables_are_one_group() -> None:
    rng = np.random.default_rng(11)
    q = rng.normal(size=(500, 4))
    q[:, 3] = q[:, 0] + 0.03 * rng.normal(size=500)
    outcome = rng.random(500) < special.expit(2.0 * q[:, 0] + q[:, 1])
    report = fit(observations(q, outcome, np.arange(500) % 20), Options(bootstrap=30, folds=0))
    (group,) = report.groups
    assert set(group.names) == {"q0", "q3"}
    apart = [report.frequency_of([name]) for name in ("q0", "q3")]
    assert report.frequency_of(group.names) == 1.0 and max(apart) < 1.0 and min(apart) > 0.0
    (printed,) = report.to_dict()["interchangeable"]
    assert printed["frequency"] == 1.0 and printed["alternatives"][0]["correlation"] > 0.99


# --- beyond the linear coordinate -------------------------------------------------------------------------------


def test_models_beyond_the_linear_one_see_what_it_misses() -> None:
    rng = np.random.default_rng(12)
    q = rng.normal(size=(900, 3))
    chain = np.arange(900) % 15
    options = replace(QUICK, folds=5, nonlinear_models=("boosting", "network"), max_variables=1)
    straight = observations(q, rng.random(900) < special.expit(3.0 * q[:, 0]), chain)
    bent = observations(q, rng.random(900) < special.expit(3.0 * (q[:, 0] ** 2 - 1.0) + q[:, 0]), chain)
    for found, better in ((straight, False), (bent, True)):
        report = fit(found, options)
        assert [(m.name, m.variables) for m in report.nonlinear_models] == [
            (name, variables) for name in ("boosting", "network") for variables in ("chosen", "all")
        ]
        for model in report.nonlinear_models:
            assert nonlinear_models.beats_linear(model) == better, (model, better)
            assert report.chosen.held_out is not None
            assert model.gain == pytest.approx(model.mean - report.chosen.held_out.mean, abs=1e-12)
            half = stats.t.ppf(0.975, 4) * model.standard_error
            assert (model.lower, model.upper) == pytest.approx((model.gain - half, model.gain + half))
    assert fit(straight, QUICK).nonlinear_models == ()


def test_held_out_likelihood_of_boosting_is_that_of_its_predictions() -> None:
    found = planted(13, n=300)
    report = fit(found, replace(QUICK, folds=3, nonlinear_models=("boosting",)))
    fold = fold_labels(found.chain or (), 3)
    total = 0.0
    for label in range(3):
        inside = fold == label
        model = nonlinear_models._model("boosting", 1).fit(found.values[~inside], found.outcome[~inside])
        total += float(
            np.sum(
                np.log(
                    model.predict_proba(found.values[inside])[
                        np.arange(inside.sum()), found.outcome[inside].astype(int)
                    ]
                )
            )
        )
    assert report.nonlinear_models[1].mean == pytest.approx(total / 300, abs=1e-12)


# --- what must be known -----------------------------------------------------------------------------------------


def test_notes_say_what_is_wrong() -> None:
    found = planted(14, n=120)
    separable = fit(replace(found, outcome=found.values[:, 2] > 0.1), QUICK)
    assert separable.best.separable and any("the outcomes are separable" in note for note in separable.notes)
    assert separable.printed()["standard_errors"] == [None, None]
    rng = np.random.default_rng(15)
    chance = fit(replace(found, outcome=rng.random(120) < 0.5), QUICK)
    assert any("no better than a constant committor" in note for note in chance.notes)
    still = found.values.copy()
    still[:, 3] = 1.0
    constant = fit(replace(found, values=still, rates=None, left_out=7), QUICK)
    assert any("constant, and so left out: q3" in note for note in constant.notes)
    assert any("7 observations reached neither A nor B" in note for note in constant.notes)
    assert any("independent observations only" in note for note in fit(found, replace(QUICK, blocks="none")).notes)
    few = fit(replace(found, chain=None), replace(QUICK, blocks="30", size=2))
    assert any("errors between 4 blocks are uncertain for 3 parameters" in note for note in few.notes)
    with pytest.raises(FitError, match=r"planted\.csv: constant rates cannot be fitted"):
        fit(replace(found, rates=np.zeros((120, 6))), QUICK)


def test_the_gap_of_greedy_addition_is_reported() -> None:
    rng = np.random.default_rng(16)
    q = rng.normal(size=(500, 8))
    q[:, 0] = q[:, 4] + q[:, 7] + 0.3 * rng.normal(size=500)
    found = observations(q, rng.random(500) < special.expit(4.0 * (q[:, 4] + q[:, 7])))
    report = fit(found, QUICK)
    assert report.best.names == ("q4", "q7")
    (note,) = [note for note in report.notes if "greedy addition would end with" in note]
    gap = report.printed()["sizes"][1]["greedy_gap"]
    assert f"{gap:.1f} lower in ln L" in note and gap > 5.0
    assert "q0" in report.printed()["sizes"][1]["greedy_variables"]


def test_text_tells_the_same(capsys: pytest.CaptureFixture) -> None:
    found = planted(17)
    report = fit(found, Options(bootstrap=5, nonlinear_models=("boosting",)))
    stream = io.StringIO()
    show(report, Console(file=stream, width=120))
    text = stream.getvalue()
    best = report.best
    assert f"r = {best.intercept:.5g} {best.coefficients[0]:+.5g} q1 {best.coefficients[1]:+.5g} q4" in text
    assert "p_B = (1 + tanh r)/2" in text and "the verified maximum" in text
    assert f"information error {best.information_error:.3f} as ATESA defines it" in text
    assert f"with rates: ln L = {report.inertial.log_likelihood:.4f}" in text
    assert "12 chains" in text and "boosting, all variables" in text and "6 variables with rates" in text
    assert "sets of 2 variables, fitted with their rates" in text
    assert f"{report.selection.n_fits:,} fits" in text
    for line in report.rivals[:6]:
        assert ", ".join(line.names) in text
    for note in report.notes:
        assert note in text


def test_progress_tells_each_step() -> None:
    heard: dict[str, list[tuple[int, int]]] = {}
    fit(
        planted(18, n=150),
        Options(bootstrap=3, nonlinear_models=("boosting",)),
        lambda what, done, total: heard.setdefault(what, []).append((done, total)),
    )
    assert list(heard) == [
        *(f"sets of {size}" for size in (1, 2, 3)),
        "resampled coefficients",
        "resampled searches",
        "models beyond the linear one",
    ]
    assert heard["sets of 2"][-1] == (15, 15) and heard["resampled searches"] == [(0, 3), (1, 3), (2, 3)]


def test_a_file_with_a_chain_column_is_clustered_by_it(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = csv_file(planted(19), tmp_path / "some.csv")
    assert read(path).chain is not None
    printed = json.loads(command(capsys, str(path), "--json", "--bootstrap", "0", "--folds", "0", "--search", "greedy"))
    assert (
        printed["blocks"] == {"count": 12, "what": "12 chains", "memory": None}
        and printed["interval"]["errors"] == "clustered"
    )
    assert printed["n_fits"] == 6 + 5 + 4 and printed["held_out"] is None and printed["bootstrap"] is None
