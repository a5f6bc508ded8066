"""Committor statistics against closed forms, scipy, statsmodels and simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from separatrix.statistics.beta_binomial import BetaBinomial
from separatrix.statistics.committor_statistics import analyse, binomial_expectation, intrinsic_variance
from separatrix.statistics.intervals import wilson_interval


def beta_binomial(rng: np.random.Generator, a: float, b: float, n: np.ndarray) -> np.ndarray:
    return rng.binomial(n, rng.beta(a, b, size=n.size))


# ------------------------------------------------------------------------------------------ intervals


@pytest.mark.parametrize("confidence", [0.68, 0.95])
def test_wilson_agrees_with_statsmodels(confidence: float) -> None:
    k = np.array([0, 1, 7, 10, 20, 3])
    n = np.array([10, 10, 20, 10, 20, 300])
    lower, upper = wilson_interval(k, n, confidence)
    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose(lower, expected[0], atol=1e-12)
    np.testing.assert_allclose(upper, expected[1], atol=1e-12)
    assert lower[0] == 0.0 and upper[3] == 1.0


def test_wilson_without_trials_says_nothing_and_bad_counts_are_refused() -> None:
    lower, upper = wilson_interval(0, 0)
    assert (float(lower), float(upper)) == (0.0, 1.0)
    with pytest.raises(ValueError, match="0 <= k <= n"):
        wilson_interval([3], [2])
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 2, 1.0)


# --------------------------------------------------------------------------------- expected histogram


def test_expected_histogram_is_the_average_of_simulated_ones() -> None:
    rng = np.random.default_rng(1)
    n = np.array([10] * 30 + [7] * 20 + [25] * 10)
    expected, edges = binomial_expectation(n, 0.4, 10)
    repeats = 4000
    k = rng.binomial(n, 0.4, size=(repeats, n.size))
    mean = np.histogram((k / n).ravel(), bins=edges)[0] / repeats
    # each bin's count has a variance below its mean
    assert np.all(np.abs(mean - expected) < 4.5 * np.sqrt(expected / repeats) + 1e-9)
    assert expected.sum() == pytest.approx(60.0, abs=1e-9)


def test_expected_histogram_puts_edge_fractions_where_numpy_does() -> None:
    expected, edges = binomial_expectation([10], 0.5, 10)
    pmf = stats.binom.pmf(np.arange(11), 10, 0.5)
    for k in range(11):
        place = int(np.argmax(np.histogram([k / 10], bins=edges)[0]))
        assert expected[place] >= pmf[k] - 1e-12
    with pytest.raises(ValueError, match="at least one configuration"):
        binomial_expectation([], 0.5)
    with pytest.raises(ValueError, match="p must lie"):
        binomial_expectation([3], 1.5)


# ---------------------------------------------------------------------------------------- the moments


def test_intrinsic_variance_is_the_published_formula_for_equal_n() -> None:
    k = np.array([3, 9, 12, 20, 0, 11, 14])
    n = 20
    mu, s2 = np.mean(k / n), np.var(k / n, ddof=1)
    published = (n * s2 - mu * (1 - mu)) / (n - 1)
    result = analyse(k, n)
    assert result.intrinsic_variance == pytest.approx(published, abs=1e-14)
    assert result.intrinsic_sd == pytest.approx(math.sqrt(published), abs=1e-14)
    assert result.variance == pytest.approx(s2) and result.mean == pytest.approx(mu)
    assert result.mean_standard_error == pytest.approx(stats.sem(k / n))
    interval = stats.ttest_1samp(k / n, 0.5).confidence_interval(0.95)
    assert result.mean_interval == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("equal", [True, False])
def test_intrinsic_variance_is_right_on_average(equal: bool) -> None:
    rng = np.random.default_rng(2)
    a, b = 2.0, 3.0
    n = np.full(60, 12) if equal else rng.integers(1, 25, size=60)
    truth = a * b / ((a + b) ** 2 * (a + b + 1))
    values = np.array([intrinsic_variance(beta_binomial(rng, a, b, n), n) for _ in range(3000)])
    h = float(np.mean(1 / n))
    bias = h / (1 - h) * (truth * (1 - h) + h * 0.24) / 60  # documented: h/(1-h) Var(mean), up to the mix of n
    standard_error = values.std() / math.sqrt(values.size)
    assert abs(values.mean() - truth - bias) < 4 * standard_error


def test_negative_variance_is_kept_and_the_sd_is_zero() -> None:
    result = analyse([10, 10, 11, 9, 10], 20)
    assert result.intrinsic_variance < 0.0
    assert result.intrinsic_sd == 0.0
    assert result.beta_at_binomial_limit
    assert result.beta is not None and sum(result.beta) == pytest.approx(1e6)
    assert result.intrinsic_sd_interval[0] == 0.0


# -------------------------------------------------------------------------------- beta-binomial model


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=8),
    st.floats(0.05, 0.95),
    st.floats(0.01, 20.0),
)
@settings(max_examples=60, derandomize=True)
def test_beta_binomial_likelihood_agrees_with_scipy(shots: list[tuple[int, int]], mu: float, theta: float) -> None:
    n = np.array([count for _, count in shots])
    k = np.minimum(np.array([hit for hit, _ in shots]), n)
    expected = stats.betabinom.logpmf(k, n, mu / theta, (1 - mu) / theta).sum()
    assert float(BetaBinomial(k, n).log_likelihood(mu, theta)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_beta_binomial_likelihood_becomes_the_binomial() -> None:
    k, n = np.array([3, 0, 7, 5]), np.array([5, 4, 9, 5])
    expected = stats.binom.logpmf(k, n, 0.6).sum()
    assert float(BetaBinomial(k, n).log_likelihood(0.6, 0.0)) == pytest.approx(expected, abs=1e-12)
    assert float(BetaBinomial(k, n).log_likelihood(0.6, 1e-9)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(4.0, 6.0), (0.4, 0.3), (15.0, 15.0)])
def test_beta_fit_is_the_maximum(a: float, b: float) -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(8, 30, size=80)
    k = beta_binomial(rng, a, b, n)
    result = analyse(k, n, n_simulations=9)

    def negative(log_ab: np.ndarray) -> float:
        return -float(stats.betabinom.logpmf(k, n, *np.exp(log_ab)).sum())

    found = optimize.minimize(negative, np.log([1.0, 1.0]), method="Nelder-Mead", options={"fatol": 1e-12})
    assert result.beta is not None and result.beta_status == "interior"
    assert result.beta_log_likelihood == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(result.beta, np.exp(found.x), rtol=2e-3)
    assert result.beta_log_likelihood >= result.binomial_log_likelihood
    assert result.binomial_log_likelihood == pytest.approx(stats.binom.logpmf(k, n, k.sum() / n.sum()).sum())


def test_profile_interval_ends_where_the_likelihood_ratio_says() -> None:
    rng = np.random.default_rng(4)
    n = np.full(40, 15)
    k = beta_binomial(rng, 3.0, 3.0, n)
    result = analyse(k, n, n_simulations=9)
    cut = result.beta_log_likelihood - 0.5 * stats.chi2.ppf(0.95, 1)
    for sd in result.intrinsic_sd_interval:
        # profile by brute force over the mean, with scipy's own probability function
        mu = np.linspace(0.3, 0.7, 2001)
        total = mu * (1 - mu) / sd**2 - 1
        best = stats.betabinom.logpmf(k[:, None], n[:, None], mu * total, (1 - mu) * total).sum(axis=0).max()
        assert best == pytest.approx(cut, abs=2e-3)


def test_interval_of_the_intrinsic_sd_covers() -> None:
    rng = np.random.default_rng(5)
    repeats = 250
    covered = {"profile": 0, "bootstrap": 0}
    for _ in range(repeats):
        n = np.full(60, 20)
        k = beta_binomial(rng, 5.0, 5.0, n)
        truth = math.sqrt(0.25 / 11.0)
        for method in covered:
            simulations = 1 if method == "profile" else 300
            result = analyse(k, n, interval_method=method, n_simulations=simulations, rng=rng)
            low, high = result.intrinsic_sd_interval
            covered[method] += low <= truth <= high
    # binomial(250, 0.95)/250 lies in 0.915..0.98 with probability 0.99; the bootstrap is a bit short
    assert 0.915 <= covered["profile"] / repeats <= 0.985
    assert 0.87 <= covered["bootstrap"] / repeats <= 0.985


def test_interval_reaches_zero_when_there_is_no_spread() -> None:
    rng = np.random.default_rng(6)
    samples = rng.binomial(15, 0.5, size=(100, 40))
    lows = [analyse(k, 15, n_simulations=1).intrinsic_sd_interval[0] for k in samples]
    # the truth sits on the border: the interval excludes it in about 2.5 % of cases
    assert sum(low > 0.0 for low in lows) <= 8


# ------------------------------------------------------------------------------------------- p-values


def test_p_values_are_calibrated_under_their_null_hypotheses() -> None:
    rng = np.random.default_rng(7)
    n = rng.choice([10, 14, 25], size=40)
    p_dispersion, p_half, p_mean = [], [], []
    for _ in range(300):
        off_centre = analyse(rng.binomial(n, 0.3), n, n_simulations=199, rng=rng)
        centred = analyse(rng.binomial(n, 0.5), n, n_simulations=199, rng=rng)
        p_dispersion.append(off_centre.p_value_binomial)
        p_mean.append(off_centre.p_value_ks_mean)
        p_half.append(centred.p_value_ks_half)
    for values in (p_dispersion, p_half, p_mean):
        # uniform, apart from steps of 1/200
        assert stats.kstest(values, "uniform").pvalue > 1e-3
        assert 0.02 < np.mean(np.array(values) <= 0.05) < 0.085


def test_dispersion_p_value_agrees_with_the_chi_square_limit() -> None:
    rng = np.random.default_rng(8)
    n = np.full(60, 200)  # many shots: Pearson's statistic is chi-square with m - 1 degrees of freedom
    k = rng.binomial(n, rng.normal(0.4, 0.015, size=60))
    p = k.sum() / n.sum()
    chi_square = float(np.sum((k - n * p) ** 2 / (n * p * (1 - p))))
    result = analyse(k, n, n_simulations=4000)
    expected = stats.chi2.sf(chi_square, 59)
    assert 0.02 < expected < 0.98, "the example should be informative"
    assert result.p_value_binomial == pytest.approx(expected, abs=0.03)
    assert result.dispersion_index == pytest.approx(chi_square / 59)


def test_conditional_p_value_agrees_with_enumeration() -> None:
    # Two configurations of 4 shots, 4 hits in all: given the sum, k1 is hypergeometric(8, 4, 4).
    result = analyse([4, 0], [4, 4], n_simulations=20000)
    exact = 2 * stats.hypergeom.pmf(4, 8, 4, 4)
    assert result.p_value_binomial == pytest.approx(exact, abs=4 * math.sqrt(exact / 20000))


def test_ks_distances_agree_with_a_direct_count() -> None:
    k, n = np.array([0, 2, 5, 5, 3, 1]), np.array([5, 5, 5, 8, 8, 3])
    result = analyse(k, n, n_simulations=9)
    for p, distance in ((0.5, result.ks_half), (k.sum() / n.sum(), result.ks_mean)):
        points = sorted({i / size for size in (3, 5, 8) for i in range(size + 1)})
        worst = 0.0
        for x in points:
            model = np.mean([stats.binom.pmf(np.arange(s + 1), s, p)[np.arange(s + 1) / s <= x].sum() for s in n])
            worst = max(worst, abs(np.mean(k / n <= x) - model))
        assert distance == pytest.approx(worst, abs=1e-12)


def test_tests_have_power() -> None:
    rng = np.random.default_rng(9)
    n = np.full(60, 20)
    broad = analyse(beta_binomial(rng, 2.0, 2.0, n), n)
    shifted = analyse(rng.binomial(n, 0.65), n)
    assert broad.p_value_binomial < 0.01 and broad.p_value_ks_half < 0.05
    assert shifted.p_value_ks_half < 0.01 and shifted.p_value_binomial > 0.01


# ------------------------------------------------------------------------------------- verdict, edges


def test_verdicts() -> None:
    rng = np.random.default_rng(10)
    n = np.full(100, 20)
    assert analyse(rng.binomial(n, 0.5), n).verdict.startswith("consistent with a perfect coordinate")
    assert analyse(beta_binomial(rng, 3.0, 3.0, n), n).verdict.startswith("centred but broad")
    assert analyse(rng.binomial(n, 0.7), n).verdict.startswith("off-centre by +0.")
    both = analyse(beta_binomial(rng, 1.0, 4.0, n), n).verdict
    assert both.startswith("off-centre by -0.") and "broad" in both
    assert analyse([3, 0], [5, 1]).verdict.startswith("inconclusive")
    few = analyse([8, 8], 20).verdict
    assert few == "cannot be told from a perfect coordinate; a spread up to 0.22 is not excluded", "equal by chance"


@pytest.mark.parametrize(("k", "mean"), [([0, 0, 0], 0.0), ([9, 9, 9], 1.0)])
def test_all_shots_in_one_basin(k: list[int], mean: float) -> None:
    result = analyse(k, 9)
    assert result.mean == mean and result.intrinsic_sd == 0.0
    assert result.beta is None and result.beta_status == "one outcome"
    assert result.p_value_binomial == 1.0 and result.p_value_ks_half < 0.02
    low, high = result.intrinsic_sd_interval
    # Given sd = s, ln L of one outcome is largest for two states: m ln(1 - mu), mu (1 - mu) = s^2.
    mu = 1 - math.exp(-0.5 * stats.chi2.ppf(0.95, 1) / 3)
    assert low == 0.0 and high == pytest.approx(math.sqrt(mu * (1 - mu)), abs=1e-3)
    assert result.verdict.startswith(f"off-centre by {mean - 0.5:+.3f}")


def test_every_configuration_decided() -> None:
    result = analyse([0, 9, 9, 0, 9], 9)
    assert result.beta_status == "two-state limit"
    assert result.beta is not None and sum(result.beta) == pytest.approx(1e-6)
    assert result.beta[0] / sum(result.beta) == pytest.approx(0.6, abs=1e-3)
    assert result.intrinsic_sd <= 0.5 and result.intrinsic_sd_interval[1] == pytest.approx(0.5, abs=1e-3)


def test_one_shot_each_and_one_configuration_leave_the_spread_open() -> None:
    for result in (analyse([1, 0, 1, 1], 1), analyse([5], [10])):
        assert math.isnan(result.intrinsic_variance) and math.isnan(result.p_value_binomial)
        assert result.beta is None and result.beta_status == "not identifiable"
        assert "nothing about the spread" in result.verdict
        assert result.to_dict()["intrinsic_sd_interval"] == [None, None]
    assert analyse([0], [20]).verdict.startswith("off-centre by -0.500")


def test_lost_shots_are_reported() -> None:
    result = analyse([4, 0, 6], [10, 0, 10], n_uncommitted=7, n_failed=2)
    assert (result.n_configurations, result.n_configurations_without_shots) == (2, 1)
    assert (result.n_shots, result.n_success, result.n_uncommitted, result.n_failed) == (20, 10, 7, 2)
    assert result.mean == 0.5


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [
        ([], [], "no committor configurations"),
        ([0, 0], [0, 0], "no committed shots"),
        ([1, 6], [5, 5], "k must not exceed n: configuration 1 has k = 6, n = 5"),
        ([1, -1], [5, 5], "negative"),
        ([0.5], [5], "whole numbers"),
        ([1, 2], [5, 5, 5], "same length"),
        ([float("nan")], [5], "whole numbers"),
    ],
)
def test_impossible_input_is_refused_in_one_line(k: list, n: list, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        analyse(k, n)
    assert "\n" not in str(caught.value)


def test_unknown_options_are_refused() -> None:
    for options in ({"interval_method": "guess"}, {"confidence": 0.0}, {"n_simulations": 0}):
        with pytest.raises(ValueError):
            analyse([1, 2], [4, 4], **options)


def test_dict_is_strict_json_and_results_repeat() -> None:
    first = analyse([3, 5, 9], [10, 10, 12])
    again = analyse([3, 5, 9], [10, 10, 12])
    text = json.dumps(first.to_dict(), allow_nan=False)
    assert text == json.dumps(again.to_dict(), allow_nan=False)
    assert json.loads(text)["n_shots"] == 32
    other = analyse([3, 5, 9], [10, 10, 12], rng=np.random.default_rng(1), interval_method="bootstrap")
    assert other.mean == first.mean and other.interval_method == "bootstrap"


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12)), min_size=1, max_size=12), st.randoms())
@settings(max_examples=60, derandomize=True)
def test_invariants(shots: list[tuple[int, int]], shuffler) -> None:
    n = np.array([count for _, count in shots])
    k = np.minimum(np.array([hit for hit, _ in shots]), n)
    result = analyse(k, n, n_simulations=49)
    json.dumps(result.to_dict(), allow_nan=False)
    for p in (result.p_value_ks_half, result.p_value_ks_mean, result.p_value_binomial):
        assert math.isnan(p) or 0.0 < p <= 1.0
    low, high = result.intrinsic_sd_interval
    assert math.isnan(low) or 0.0 <= low <= high <= 0.5
    assert math.isnan(result.intrinsic_sd) or 0.0 <= result.intrinsic_sd <= 0.5
    assert result.beta_log_likelihood >= result.binomial_log_likelihood - 1e-9
    # exchanging the basins mirrors everything that is not simulated
    mirror = analyse(n - k, n, n_simulations=1)
    assert mirror.mean == pytest.approx(1 - result.mean)
    assert mirror.beta_log_likelihood == pytest.approx(result.beta_log_likelihood, abs=1e-6)
    np.testing.assert_allclose(mirror.intrinsic_variance, result.intrinsic_variance, atol=1e-12)
    np.testing.assert_allclose(mirror.intrinsic_sd_interval, result.intrinsic_sd_interval, atol=2e-3)
    # the order of the configurations is irrelevant
    order = list(range(k.size))
    shuffler.shuffle(order)
    permuted = analyse(k[order], n[order], n_simulations=1)
    assert permuted.beta_log_likelihood == pytest.approx(result.beta_log_likelihood, abs=1e-9)
    assert permuted.ks_half == pytest.approx(result.ks_half, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=8), st.sampled_from(["profile", "bootstrap"]))
def test_the_mean_never_has_an_interval_without_width(k: list[int], method: str) -> None:
    """Also where every configuration did the same, which is no proof that they are the same."""
    found = analyse(k, 6, n_simulations=19, interval_method=method)
    low, high = found.mean_interval
    assert low < high and low <= found.mean <= high and found.mean_standard_error > 0.0


def test_equal_counts_have_the_noise_of_their_shots() -> None:
    found = analyse([3] * 10, 6)
    assert found.mean_interval == pytest.approx(tuple(float(v) for v in wilson_interval(30, 60)))


def test_a_perfect_coordinate_is_called_so_by_many_shots_only() -> None:
    """A spread of 0.1 must be excluded."""
    rng = np.random.default_rng(11)
    for m, n in ((12, 6), (100, 20)):
        found = analyse(rng.binomial(n, 0.5, m), np.full(m, n))
        high = found.intrinsic_sd_interval[1]
        assert found.verdict.startswith("consistent with a perfect") == (high < 0.1) == (m == 100)
