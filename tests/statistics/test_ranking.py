"""Calibration and ranking: known answers, other packages, and whether the intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn import metrics

from separatrix.statistics import ranking


def data(rng: np.random.Generator, m: int = 30, n: int = 10, slope: float = 1.0, spread: float = 0.0):
    """Predictions, and counts whose logits are `slope` times the predicted ones, with a spread beyond that."""
    p = special.expit(rng.uniform(-2.5, 2.5, m))
    true = special.expit(slope * special.logit(p) + spread * rng.normal(size=m))
    return rng.binomial(n, true), np.full(m, n), p, true


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_scores_are_those_of_scikit_learn(seed: int):
    k, n, p, _ = data(np.random.default_rng(seed))
    outcome = np.concatenate([np.repeat([1, 0], [a, b - a]) for a, b in zip(k, n, strict=True)])
    predicted = np.repeat(p, n)
    assert ranking.brier_score(k, n, p) == pytest.approx(metrics.brier_score_loss(outcome, predicted))
    expected = -metrics.log_loss(outcome, predicted, labels=[0, 1])
    assert ranking.log_likelihood_per_shot(k, n, p) == pytest.approx(expected)


def test_squared_error_is_right_on_average():
    """Also at two shots each, where k/n itself is off by far more."""
    rng = np.random.default_rng(1)
    true, predicted = 0.62, 0.5
    for n in (2, 5, 20):
        k = rng.binomial(n, true, 200_000)
        error = ranking.squared_error(k, np.full(k.size, n), np.full(k.size, predicted))
        assert error.mean() == pytest.approx((true - predicted) ** 2, abs=4.0 * error.std() / math.sqrt(k.size))
        assert ((k / n - predicted) ** 2).mean() > 1.5 * error.mean()
    assert np.isnan(ranking.squared_error([1], [1], [0.5])).all()


def test_intervals_of_the_calibration_hold():
    """True slopes, with and without a spread of the committors that the prediction does not know: 95 % of intervals."""
    for spread, at_least in ((0.0, 0.90), (0.8, 0.88)):
        # A spread of the logits shrinks the marginal slope a little; how far is computed, not fitted.
        wanted = 1.0 if spread == 0.0 else marginal_slope(spread)
        inside = 0
        for seed in range(200):
            k, n, p, _ = data(np.random.default_rng(seed), m=40, n=8, slope=1.0, spread=spread)
            low, high = ranking.calibrate(k, n, p).slope_interval
            inside += low <= wanted <= high
        assert at_least <= inside / 200 <= 0.985, (spread, inside / 200)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([6, 12, 40]), st.sampled_from([0.0, 0.5, 1.0]))
def test_calibrated_is_said_by_the_interval_that_is_shown(seed: int, m: int, slope: float):
    """Nobody reads "calibrated" beside an interval that leaves out 1, or holds 0."""
    k, n, p, _ = data(np.random.default_rng(seed), m=m, n=6, slope=slope)
    found = ranking.calibrate(k, n, p)
    low, high = found.slope_interval
    if found.verdict.startswith("calibrated"):
        assert 0.0 < low <= 1.0 <= high and found.p_value >= 0.05
    elif found.verdict.startswith("inconclusive"):
        assert found.p_value >= 0.05 and (low <= 0.0 or not low <= 1.0 <= high)
    elif not found.verdict.startswith("too few"):
        assert found.p_value < 0.05
        assert found.verdict.startswith("promises") == (high < 1.0) and found.verdict.startswith("holds") == (low > 1.0)
    if math.isfinite(found.slope):
        assert low < found.slope < high
        assert f"slope {found.slope:.2f}, {low:.2f} to {high:.2f}" in found.verdict


def test_counts_without_scatter_keep_the_noise_of_their_shots():
    """Each k as predicted: the sandwich has nothing to work on, and the slope is still not known exactly."""
    p = np.array([0.25, 0.5, 0.75] * 4)
    found = ranking.calibrate(8 * p, np.full(12, 8), p)
    assert found.slope == pytest.approx(1.0) and found.slope_interval[1] - found.slope_interval[0] > 0.5
    assert found.verdict.startswith("calibrated")


def test_equal_predictions_are_equally_good():
    p = np.array([0.25, 0.5, 0.75, 0.6])
    ranked = ranking.rank([2, 4, 6, 5], [8] * 4, {"found": p, "twin": p}, "found", rng=np.random.default_rng(0))
    assert all(r.behind == 0.0 and r.behind_interval == (0.0, 0.0) for r in ranked)
    words = ranking.explain(0.1, (0.0, 0.2), 0.1, [r.to_dict() | {"variables": ["x"]} for r in ranked])
    assert words


def marginal_slope(spread: float) -> float:
    """Slope of a logistic line through the committors averaged over a normal spread of their logits."""
    rng = np.random.default_rng(0)
    p = special.expit(np.linspace(-2.5, 2.5, 2001))
    mean = special.expit(special.logit(p)[:, None] + spread * rng.normal(size=(1, 4000))).mean(axis=1)
    return ranking.calibrate(np.round(mean * 1e6), np.full(2001, 1e6), p).slope


def test_verdicts():
    rng = np.random.default_rng(3)
    k, n, p, _ = data(rng, m=200, n=20)
    assert ranking.calibrate(k, n, p).verdict.startswith("calibrated within the errors")
    k, n, p, _ = data(rng, m=200, n=20, slope=0.5)
    assert ranking.calibrate(k, n, p).verdict.startswith("promises more than it holds (slope 0.4")
    k, n, p, _ = data(rng, m=200, n=20, slope=2.0)
    assert ranking.calibrate(k, n, p).verdict.startswith("holds more than it promises")
    assert ranking.calibrate([1, 2], [4, 4], [0.4, 0.6]).verdict.startswith("too few")
    # All on one side of each prediction: no slope, and no traceback.
    apart = ranking.calibrate([0, 0, 0, 5, 5, 5], [5] * 6, [0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    assert math.isnan(apart.slope) or apart.slope > 0


def test_the_true_committor_ranks_first_and_its_error_is_none():
    rng = np.random.default_rng(5)
    k, n, p, true = data(rng, m=150, n=12, spread=0.8)
    ranked = ranking.rank(k, n, {"true": true, "smeared": p, "half": np.full(150, 0.5)}, "smeared", rng=rng)
    assert [r.name for r in ranked] == ["true", "smeared", "half"]
    best, smeared, half = ranked
    assert best.behind_interval[1] < 0.0 and half.behind_interval[0] > 0.0
    assert (smeared.behind, smeared.behind_interval) == (0.0, (0.0, 0.0))
    assert best.rms_error < 0.05
    actual = math.sqrt(np.mean((true - p) ** 2))
    assert smeared.rms_error_interval[0] < actual < smeared.rms_error_interval[1]


def test_interval_of_the_error_holds():
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        k, n, p, _ = data(rng, m=60, n=10, spread=0.9)
        found = ranking.rank(k, n, {"p": p}, "p", rng=rng, n_bootstrap=400)[0].rms_error_interval
        many = special.expit(special.logit(p)[:, None] + 0.9 * np.random.default_rng(99).normal(size=(1, 2000)))
        inside += found[0] <= math.sqrt(np.mean((many - p[:, None]) ** 2)) <= found[1]
    assert inside / 200 >= 0.87


def test_the_order_of_configurations_does_not_matter_and_unshot_ones_do_not_count():
    rng = np.random.default_rng(6)
    k, n, p, _ = data(rng)
    turned = ranking.calibrate(k[::-1], n[::-1], p[::-1])
    more = ranking.calibrate(np.append(k, 0), np.append(n, 0), np.append(p, 0.9))
    for other in (turned, more):
        assert other.slope == pytest.approx(ranking.calibrate(k, n, p).slope)
        assert other.n_configurations == 30


@pytest.mark.parametrize(
    ("k", "n", "p", "message"),
    [
        ([3], [2], [0.5], "0 <= k <= n"),
        ([1], [2], [1.5], "0 <= p <= 1"),
        ([1, 1], [2, 2], [0.5], "one length"),
        ([0], [0], [0.5], "no committed shots"),
    ],
)
def test_impossible_input_is_refused_in_one_line(k: list, n: list, p: list, message: str):
    with pytest.raises(ValueError, match=message):
        ranking.calibrate(k, n, p)


def entry(name: str, variables: list[str], behind: float, half: float) -> dict:
    return {"name": name, "variables": variables, "behind": behind, "behind_interval": (behind - half, behind + half)}


@pytest.mark.parametrize(
    ("ranked", "spread", "expected"),
    [
        ([entry("baseline", ["c"], 0.1, 0.05)], (0.09, (0.01, 0.14)), ["may be no more", "clearly beats the baseline"]),
        (
            [entry("baseline", ["c"], 0.1, 0.2)],
            (0.2, (0.15, 0.3)),
            ["lacks something", "cannot be told from the baseline"],
        ),
        ([entry("baseline", ["c"], -0.1, 0.05)], (0.2, (0.15, 0.3)), ["the baseline coordinate (c) is clearly better"]),
        ([entry("best of 1", ["a"], -0.01, 0.02)], (0.1, (0.0, 0.2)), ["a alone predicts these shots no worse"]),
        (
            [entry("best of 1", ["a"], -0.01, 0.1)],
            (0.1, (0.0, 0.2)),
            ["cannot be told from a alone", "more shots would"],
        ),
        (
            [entry("best of 1", ["a"], 0.03, 0.1)],
            (0.1, (0.0, 0.2)),
            ["cannot be told from a alone", "more shots would"],
        ),
        ([entry("best of 3", ["a", "b", "d"], -0.1, 0.02)], (0.1, (0.0, 0.2)), ["with a, b, d", "variable is missing"]),
        ([], (math.nan, (math.nan, math.nan)), ["too few shots"]),
    ],
)
def test_explanations(ranked: list, spread: tuple, expected: list[str]):
    words = "; ".join(ranking.explain(*spread, 0.06, [entry("found", ["a", "b"], 0.0, 0.0), *ranked]))
    for part in expected:
        assert part in words
    # By a point alone nothing was fitted to chance, and a set that is clearly behind is no rival.
    for rival in (entry("best of 1", ["a"], -0.01, 0.1), entry("best of 1", ["a"], 0.2, 0.1)):
        told = "; ".join(ranking.explain(*spread, 0.06, [entry("found", ["a", "b"], 0.0, 0.0), rival]))
        assert "fitted to chance" not in told and (rival["behind"] < 0.0) == ("cannot be told" in told)
    # A bigger set that is better by chance alone is no missing variable.
    chance = [entry("found", ["a"], 0.0, 0.0), entry("best of 2", ["a", "b"], -0.01, 0.02)]
    assert "missing" not in "; ".join(ranking.explain(*spread, 0.06, chance))
