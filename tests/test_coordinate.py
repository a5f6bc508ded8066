"""Likelihood maximisation against statsmodels, scipy, numerical derivatives and planted answers."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from separatrix import coordinate as module
from separatrix.coordinate import (
    Coordinate,
    bootstrap_selection,
    calibration_table,
    fit,
    held_out_log_likelihood,
    log_likelihood,
    select,
)

NAMES = ("distance", "angle", "coordination")
MODELS = ("logistic", "erf")


def probability(r: np.ndarray, model: str) -> np.ndarray:
    """The committor as the literature writes it."""
    return (1 + np.tanh(r)) / 2 if model == "logistic" else (1 + special.erf(r)) / 2


def example(seed: int, n: int = 200, model: str = "logistic") -> tuple[np.ndarray, np.ndarray]:
    """Three variables with very different units and outcomes from a known coordinate."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    z[:, 2] += 0.5 * z[:, 0]
    outcome = rng.random(n) < probability(0.2 + 0.8 * z[:, 0] - 0.4 * z[:, 1], model)
    return z * [0.1, 12.0, 1.0] + [1.8, 109.5, 0.0], outcome


def planted(seed: int, n: int, m: int, active: dict[int, float]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(n, m))
    r = sum(weight * q[:, column] for column, weight in active.items())
    return q, rng.random(n) < probability(r, "logistic"), [f"q{column:02d}" for column in range(m)]


# ------------------------------------------------------------------------------------ the single fit


def test_logistic_fit_agrees_with_statsmodels() -> None:
    q, outcome = example(1)
    found = fit(q, outcome, NAMES)
    design = sm.add_constant(q)
    reference = sm.Logit(outcome.astype(float), design).fit(disp=0, method="newton", tol=1e-14, maxiter=100)
    assert found.log_likelihood == pytest.approx(reference.llf, abs=1e-9)
    # p_B is logistic in 2 r: the coefficients of r are half those of the logit
    np.testing.assert_allclose([found.intercept, *found.coefficients], reference.params / 2, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, reference.cov_params() / 4, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(found.standard_errors, reference.bse / 2, rtol=1e-5)
    np.testing.assert_allclose(found.committor(q), reference.predict(design), atol=1e-9)
    assert found.bic == pytest.approx(reference.bic, abs=1e-8)
    assert found.converged and not found.separable
    assert (found.n_observations, found.n_success) == (200, int(outcome.sum()))


def test_erf_fit_agrees_with_statsmodels_probit_and_scipy() -> None:
    q, outcome = example(2, model="erf")
    found = fit(q, outcome, NAMES, model="erf")
    reference = sm.Probit(outcome.astype(float), sm.add_constant(q)).fit(disp=0, method="newton", tol=1e-14)
    assert found.log_likelihood == pytest.approx(reference.llf, abs=1e-8)
    # (1 + erf r)/2 = Phi(sqrt 2 r)
    np.testing.assert_allclose([found.intercept, *found.coefficients], reference.params / math.sqrt(2), rtol=1e-5)
    np.testing.assert_allclose(found.covariance, reference.cov_params() / 2, rtol=1e-4, atol=1e-12)

    z = (q - q.mean(axis=0)) / q.std(axis=0)

    def negative(a: np.ndarray) -> float:
        p = probability(a[0] + z @ a[1:], "erf")
        return -float(np.log(np.where(outcome, p, 1 - p)).sum())

    direct = optimize.minimize(negative, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    assert found.log_likelihood == pytest.approx(-direct.fun, abs=1e-8)
    np.testing.assert_allclose(found.coefficients * q.std(axis=0), direct.x[1:], atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_gradient_and_hessian_agree_with_differences(model: str) -> None:
    q, outcome = example(3, n=60)
    z = (q - q.mean(axis=0)) / q.std(axis=0)
    a = np.array([0.3, -0.7, 0.5, 1.1])
    value, gradient, hessian = log_likelihood(a, z, outcome, model)
    p = probability(a[0] + z @ a[1:], model)
    assert value == pytest.approx(np.log(np.where(outcome, p, 1 - p)).sum(), abs=1e-10)
    step = 1e-5
    for i in range(4):
        up, down = a.copy(), a.copy()
        up[i] += step
        down[i] -= step
        plus, minus = log_likelihood(up, z, outcome, model), log_likelihood(down, z, outcome, model)
        assert gradient[i] == pytest.approx((plus[0] - minus[0]) / (2 * step), rel=1e-6, abs=1e-6)
        np.testing.assert_allclose(hessian[i], (plus[1] - minus[1]) / (2 * step), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_likelihood_stays_finite_far_out(model: str) -> None:
    # Going to B from r = -1000: ln p is -2 |r| (logistic), -r^2 - ln(2 r sqrt(pi)) (erf, leading terms).
    value, gradient, hessian = log_likelihood([0.0, 1.0], [[-1000.0], [1000.0]], [True, True], model)
    expected = -2000.0 if model == "logistic" else -1e6 - math.log(2 * 1000 * math.sqrt(math.pi))
    assert value == pytest.approx(expected, rel=1e-12)
    slope = 2.0 if model == "logistic" else 2 * 1000 + 1 / 1000
    assert gradient[0] == pytest.approx(slope, rel=1e-9)
    assert np.all(np.isfinite(hessian))
    # a wild outlier does not spoil a fit
    q, outcome = example(4)
    q[0, 0], outcome[0] = 1e4, False
    found = fit(q, outcome, NAMES, model=model)
    assert found.converged and np.all(np.isfinite(found.coefficients))
    _, gradient, _ = log_likelihood([found.intercept, *found.coefficients], q, outcome, model)
    assert np.max(np.abs(gradient * [1.0, *q.std(axis=0)])) < 1e-5


@pytest.mark.parametrize("model", MODELS)
@given(
    scale=st.lists(st.floats(1e-4, 1e4), min_size=3, max_size=3),
    shift=st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    flip=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_affine_change_of_variables_changes_nothing(
    model: str, scale: list[float], shift: list[float], flip: bool
) -> None:
    q, outcome = example(5, n=80)
    s = np.array(scale) * (-1.0 if flip else 1.0)
    first = fit(q, outcome, NAMES, model=model, groups=np.arange(80) // 8)
    second = fit((q + shift) * s, outcome, NAMES, model=model, groups=np.arange(80) // 8)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(second.coefficients * s, first.coefficients, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(second.r((q + shift) * s), first.r(q), atol=1e-5)
    assert second.information_error == pytest.approx(first.information_error, rel=1e-5)
    assert second.clustered_information_error == pytest.approx(first.clustered_information_error, rel=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_exchanging_the_basins_changes_the_sign_of_r(model: str) -> None:
    q, outcome = example(6)
    first, second = fit(q, outcome, NAMES, model=model), fit(q, ~outcome, NAMES, model=model)
    np.testing.assert_allclose(second.r(q), -first.r(q), atol=1e-8)
    np.testing.assert_allclose(second.committor(q), 1 - first.committor(q), atol=1e-8)


def test_clustered_covariance_agrees_with_statsmodels() -> None:
    q, outcome = example(7)
    chains = np.repeat(np.arange(20), 10)
    found = fit(q, outcome, NAMES, groups=[f"chain {label}" for label in chains])
    reference = sm.Logit(outcome.astype(float), sm.add_constant(q)).fit(
        disp=0, method="newton", tol=1e-14, cov_type="cluster", cov_kwds={"groups": chains}
    )
    # statsmodels' default correction: G/(G - 1) (N - 1)/(N - K)
    assert found.clustered_covariance is not None
    np.testing.assert_allclose(found.clustered_covariance, reference.cov_params() / 4, rtol=1e-5, atol=1e-12)
    # groups of one observation each: White's estimator with the same correction
    alone = fit(q, outcome, NAMES, groups=range(200))
    white = sm.Logit(outcome.astype(float), sm.add_constant(q)).fit(disp=0, method="newton", tol=1e-14, cov_type="HC0")
    assert alone.clustered_covariance is not None
    factor = (200 / 199) * (199 / 196) / 4
    np.testing.assert_allclose(alone.clustered_covariance, white.cov_params() * factor, rtol=1e-5, atol=1e-12)
    assert fit(q, outcome, NAMES).clustered_covariance is None
    assert fit(q, outcome, NAMES, groups=["one"] * 200).clustered_covariance is None


def test_clustered_intervals_cover_where_plain_ones_do_not() -> None:
    rng = np.random.default_rng(8)
    plain, clustered, repeats = 0, 0, 200
    for _ in range(repeats):
        chain = np.repeat(np.arange(40), 8)
        q = rng.normal(size=40)[chain][:, None]  # a variable that is frozen within each chain,
        eta = 1.2 * q[:, 0] + rng.normal(0.0, 1.5, size=40)[chain]  # beside one that the model does not know
        found = fit(q, rng.random(320) < special.expit(eta), ["q"], groups=chain)
        # the coefficient that the marginal (population-averaged) likelihood tends to
        truth = MARGINAL / 2
        assert found.clustered_covariance is not None
        plain += abs(found.coefficients[0] - truth) < 1.96 * math.sqrt(found.covariance[1, 1])
        clustered += abs(found.coefficients[0] - truth) < 1.96 * math.sqrt(found.clustered_covariance[1, 1])
    assert plain / repeats < 0.85 < 0.88 < clustered / repeats


def _marginal_slope() -> float:
    """Slope of the logistic model closest to E_u[expit(1.2 q + 1.5 u)], q and u normal, by quadrature."""
    x, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    p = special.expit(1.2 * x[:, None] + 1.5 * x[None, :]) @ w

    def cross_entropy(b: float) -> float:
        return -float(w @ (p * special.log_expit(b * x) + (1 - p) * special.log_expit(-b * x)))

    return float(optimize.minimize_scalar(cross_entropy, bounds=(0.1, 3.0), method="bounded").x)


MARGINAL = _marginal_slope()


def test_information_error_is_the_formula_on_scaled_variables() -> None:
    q, outcome = example(9)
    scaled = (q - q.min(axis=0)) / np.ptp(q, axis=0)
    for model in MODELS:
        found = fit(q, outcome, NAMES, model=model)
        on_scaled = fit(scaled, outcome, NAMES, model=model)
        a = np.array([on_scaled.intercept, *on_scaled.coefficients])
        _, _, hessian = log_likelihood(a, scaled, outcome, model)
        scores = np.array([log_likelihood(a, scaled[i : i + 1], outcome[i : i + 1], model)[1] for i in range(200)])
        inverse = np.linalg.inv(hessian)
        errors = np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse))
        assert found.information_error == pytest.approx(errors[1:].mean(), rel=1e-6)
        assert math.isnan(found.clustered_information_error)


# ------------------------------------------------------------------------------------ separable data


@pytest.mark.parametrize("model", MODELS)
def test_complete_separation_is_recognised(model: str) -> None:
    rng = np.random.default_rng(10)
    q = rng.normal(size=(60, 2)) * [1e-3, 50.0]
    outcome = q[:, 0] / 1e-3 + q[:, 1] / 50.0 > 0.3
    found = fit(q, outcome, ["a", "b"], model=model, groups=np.arange(60) // 10)
    assert found.separable and found.converged
    assert np.all(np.isfinite(found.coefficients)) and math.isfinite(found.intercept)
    assert -0.5 < found.log_likelihood <= 0.0
    assert np.array_equal(found.r(q) > 0.0, outcome), "still orders the configurations"
    assert np.all(np.isnan(found.covariance)) and math.isnan(found.information_error)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert np.isnan(Coordinate.from_dict(json.loads(text)).covariance).all()


@pytest.mark.parametrize("model", MODELS)
def test_quasi_separation_is_recognised_and_one_overlap_ends_it(model: str) -> None:
    q = np.array([1.0, 2.0, 3.0, 3.0, 4.0, 5.0])[:, None]
    outcome = np.array([False, False, False, True, True, True])
    found = fit(q, outcome, ["x"], model=model)
    assert found.separable and np.all(np.isfinite(found.coefficients))
    assert found.log_likelihood == pytest.approx(-2 * math.log(2), abs=0.01)  # the two tied at 3
    assert -found.intercept / found.coefficients[0] == pytest.approx(3.0, abs=1e-6)
    q[2], q[3] = 3.001, 2.999
    overlapping = fit(q, outcome, ["x"], model=model)
    assert not overlapping.separable and overlapping.converged
    assert np.all(np.isfinite(overlapping.covariance))


def test_ties_on_the_border_do_not_pass_for_a_maximum() -> None:
    # Newton's gradient *and* steps vanish here by rounding, at eta = 40, although no maximum exists.
    q = np.array([4.0, 0.0, 1.0, 2.0, 0.0, 2.0])[:, None]
    found = fit(q, np.array([True, False, False, False, False, True]), ["x"])
    assert found.separable and math.isnan(found.information_error)


@pytest.mark.parametrize("model", MODELS)
def test_outcomes_that_barely_overlap_have_a_maximum_far_out(model: str) -> None:
    # All but two observations are told apart; those two overlap by 1e-3 on a scale of 1e3.
    q = np.array([-3000.0, -2000.0, 1e-3, -1e-3, 2000.0, 3000.0])[:, None]
    outcome = np.array([False, False, False, True, True, True])
    found = fit(q, outcome, ["x"], model=model)
    assert found.converged and not found.separable

    def slope(a: float) -> float:
        return log_likelihood([0.0, a], q, outcome, model)[1][1]

    exact = optimize.brentq(slope, 1e-6, 1.0, xtol=1e-15)
    assert found.coefficients[0] == pytest.approx(exact, rel=1e-6)
    assert found.intercept == pytest.approx(0.0, abs=1e-6)


@given(seed=st.integers(0, 10_000), n=st.integers(6, 14))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_separability_agrees_with_enumeration_in_one_dimension(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    q = rng.integers(0, 5, size=n).astype(float)
    outcome = rng.random(n) < special.expit(3.0 * (q - 2.0))
    if outcome.all() or not outcome.any() or np.ptp(q) == 0:
        return
    low, high = q[outcome], q[~outcome]
    # In one dimension: one class ends where, or before, the other begins.
    truth = bool(low.max() <= high.min() or high.max() <= low.min())
    assert fit(q[:, None], outcome, ["x"]).separable == truth


# ------------------------------------------------------------------------------------ bad input


def test_impossible_input_is_refused_by_name() -> None:
    q, outcome = example(11, n=30)
    with pytest.raises(ValueError, match="all 30 outcomes are the same"):
        fit(q, np.ones(30, dtype=bool), NAMES)
    constant = q.copy()
    constant[:, 1] = 109.5
    with pytest.raises(ValueError, match=r"constant.*: angle$"):
        fit(constant, outcome, NAMES)
    collinear = q.copy()
    collinear[:, 2] = 3.0 * collinear[:, 0] - 1.0
    with pytest.raises(ValueError, match="linearly dependent variables: distance, coordination"):
        fit(collinear, outcome, NAMES)
    broken = q.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="not finite: coordination"):
        fit(broken, outcome, NAMES)
    with pytest.raises(ValueError, match="unique, repeated: a"):
        fit(q, outcome, ["a", "b", "a"])
    with pytest.raises(ValueError, match="names"):
        fit(q, outcome, ["a"])
    with pytest.raises(ValueError, match="boolean"):
        fit(q, np.arange(30), NAMES)
    with pytest.raises(ValueError, match="groups"):
        fit(q, outcome, NAMES, groups=[1, 2])
    with pytest.raises(ValueError, match="model"):
        fit(q, outcome, NAMES, model="probit")
    with pytest.raises(ValueError, match="cannot determine"):
        fit(q[:3], np.array([True, False, True]), NAMES)
    with pytest.raises(ValueError, match="shape"):
        fit(q, outcome, NAMES).r(q[:, :2])


def test_dict_round_trip() -> None:
    q, outcome = example(12)
    for groups in (None, np.arange(200) // 20):
        found = fit(q, outcome, NAMES, groups=groups)
        again = Coordinate.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
        assert again.to_dict() == found.to_dict()
        np.testing.assert_array_equal(again.committor(q), found.committor(q))
    with pytest.raises(ValueError, match="missing names"):
        Coordinate.from_dict({"model": "erf"})


# ------------------------------------------------------------------------------------ choice of variables


@pytest.mark.parametrize("model", MODELS)
def test_scan_agrees_with_single_fits(model: str) -> None:
    q, outcome, names = planted(13, 90, 7, {1: 0.9, 4: -0.6})
    q[:, 6] += 100.0 * q[:, 2]  # correlation 0.99995 with column 2
    z = (q - q.mean(axis=0)) / q.std(axis=0)
    sign = np.where(outcome, 1.0, -1.0)
    for size in (1, 2, 3):
        subsets = np.array(list(itertools.combinations(range(7), size)))
        scanned = module._scan(z, sign, subsets, model)
        exact = [
            fit(q[:, subset], outcome, [names[i] for i in subset], model=model).log_likelihood for subset in subsets
        ]
        np.testing.assert_allclose(scanned, exact, atol=2e-3)


def test_exhaustive_search_finds_planted_variables_and_their_number() -> None:
    q, outcome, names = planted(14, 400, 30, {3: 0.8, 17: -0.7, 25: 0.6})
    found = select(q, outcome, names, groups=np.arange(400) // 20)
    assert found.best.names == ("q03", "q17", "q25") and found.best_beats_null
    assert set(found.per_size) == {1, 2, 3} and found.cost.keys() == {0, 1, 2, 3}
    assert found.best.clustered_covariance is not None
    assert "all 4060 subsets of 30 variables" in found.search
    for size, lines in found.top.items():
        values = [line.log_likelihood for line in lines]
        assert len(lines) == 10 and values == sorted(values, reverse=True)
        assert found.per_size[size].names == lines[0].names
        assert found.per_size[size].log_likelihood == pytest.approx(values[0], abs=1e-12)
    k = int(outcome.sum())
    assert found.null_log_likelihood == pytest.approx(400 * -stats.entropy([k / 400, 1 - k / 400]))
    assert found.cost[0] == pytest.approx(math.log(400) - 2 * found.null_log_likelihood)
    # the best pair of all, by statsmodels
    pairs = {
        pair: sm.Logit(outcome.astype(float), sm.add_constant(q[:, list(pair)])).fit(disp=0).llf
        for pair in itertools.combinations((3, 5, 9, 17, 25), 2)
    }
    best = max(pairs, key=lambda pair: pairs[pair])
    assert found.per_size[2].names == tuple(names[i] for i in best)
    assert found.per_size[2].log_likelihood == pytest.approx(pairs[best], abs=1e-6)
    json.dumps(found.to_dict(), allow_nan=False)


def test_bic_refuses_useless_variables() -> None:
    one, none = 0, 0
    for seed in range(20):
        q, outcome, names = planted(100 + seed, 300, 4, {2: 0.7})
        one += select(q, outcome, names, criterion="bic").best.names == ("q02",)
        rng = np.random.default_rng(seed)
        none += not select(q, rng.random(300) < 0.5, names, criterion="bic").best_beats_null
    # each useless variable gets in with probability P(chi2_1 > ln 300) = 0.017
    assert one >= 16 and none >= 16


def test_extended_bic_does_not_believe_a_wide_search() -> None:
    """80 meaningless variables: plain BIC always finds something in them, the extended one hardly ever does."""
    believed = {"bic": 0, "ebic": 0}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        q, outcome = rng.normal(size=(120, 80)), rng.random(120) < 0.5
        for criterion in believed:
            found = select(q, outcome, [f"q{i}" for i in range(80)], max_variables=2, criterion=criterion)
            believed[criterion] += found.best_beats_null
    assert believed["bic"] >= 8 and believed["ebic"] <= 2
    q, outcome, names = planted(3, 400, 40, {2: 0.9, 7: 0.8})
    assert set(select(q, outcome, names).best.names) == {names[2], names[7]}


def _sum_of_two(noise: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """r depends on q4 and q9; q0 is their sum, spoiled by noise: the best single variable."""
    rng = np.random.default_rng(15)
    q = rng.normal(size=(500, 12))
    q[:, 0] = q[:, 4] + q[:, 9] + noise * rng.normal(size=500)
    return q, rng.random(500) < special.expit(4.0 * (q[:, 4] + q[:, 9])), [f"q{i}" for i in range(12)]


def test_exchange_repairs_what_addition_alone_gets_wrong() -> None:
    q, outcome, names = _sum_of_two(1.0)
    greedy = select(q, outcome, names, max_variables=2, search="greedy")
    full = select(q, outcome, names, max_variables=2, search="exhaustive")
    assert greedy.per_size[1].names == ("q0",)
    assert greedy.per_size[2].names == full.per_size[2].names == ("q4", "q9")
    assert "size 2: greedy addition and 1 exchanges" in greedy.search


def test_exhaustive_search_finds_a_pair_that_no_greedy_path_reaches() -> None:
    q, outcome, names = _sum_of_two(0.3)
    greedy = select(q, outcome, names, max_variables=2, search="greedy")
    full = select(q, outcome, names, max_variables=2)
    assert "q0" in greedy.per_size[2].names
    assert full.per_size[2].names == ("q4", "q9")
    assert full.per_size[2].log_likelihood > greedy.per_size[2].log_likelihood + 5.0


def test_auto_search_goes_on_greedily_and_a_small_budget_restricts_the_pool() -> None:
    q, outcome, names = planted(16, 500, 12, {0: 0.8, 3: 0.8, 5: -0.8, 10: 0.8})
    auto = select(q, outcome, names, max_variables=5)
    assert auto.best.names == ("q00", "q03", "q05", "q10")
    assert "size 4: greedy" in auto.search and "size 3: all 220" in auto.search
    limited = select(q, outcome, names, max_subsets=40, search="exhaustive", max_variables=4)
    assert limited.best.names == auto.best.names
    assert "36 subsets of the 9 of 12 variables that did best at size 1" in limited.search


def test_copies_and_constants_do_not_disturb_the_search() -> None:
    q, outcome, names = planted(17, 150, 4, {1: 1.0})
    q = np.column_stack([q, q[:, 1], np.full(150, 2.0), -3.0 * q[:, 1] + 1.0])
    names += ["copy", "constant", "mirror"]
    found = select(q, outcome, names)
    assert found.best.names == ("q01",), "the first of equals, always"
    assert found.excluded == ("constant",)
    assert [line.names for line in found.top[1][:3]] == [("q01",), ("copy",), ("mirror",)]
    for lines in found.top.values():
        assert all(len({"q01", "copy", "mirror"} & set(line.names)) <= 1 for line in lines)
    few = select(q[:, [0, 1, 4]], outcome, ["q00", "q01", "copy"])
    assert {line.names for line in few.top[2]} == {("q00", "q01"), ("q00", "copy")}
    assert few.per_size.keys() == {1, 2}, "the only triple is linearly dependent"
    with pytest.raises(ValueError, match="no variable varies"):
        select(np.ones((10, 2)), np.arange(10) > 4, ["a", "b"])
    with pytest.raises(ValueError, match="search"):
        select(q, outcome, names, search="random")


def test_separable_subset_wins_with_fewest_variables() -> None:
    q, _, names = planted(18, 40, 6, {1: 1.0})
    outcome = q[:, 3] > 0.1
    found = select(q, outcome, names)
    assert found.best.names == ("q03",) and found.best.separable
    assert found.top[1][0].separable and not found.top[1][1].separable
    json.dumps(found.to_dict(), allow_nan=False)


def test_search_over_eighty_variables() -> None:
    q, outcome, names = planted(19, 150, 80, {7: 1.0, 33: -1.0, 71: 0.9})
    found = select(q, outcome, names)
    assert "all 82160 subsets of 80 variables" in found.search
    assert found.best.names == ("q07", "q33", "q71")


# ------------------------------------------------------------------------------------ reliability


def test_bootstrap_tells_certain_from_doubtful_variables() -> None:
    q, outcome, names = planted(20, 300, 20, {2: 1.2, 9: 0.45})
    groups = np.repeat(np.arange(15), 20)
    found = bootstrap_selection(q, outcome, names, np.random.default_rng(0), groups, max_variables=2, n_boot=40)
    assert found.frequency[2] == 1.0
    assert 0.02 < found.frequency[9] < 0.98
    assert found.blocks == "15 groups" and found.n_boot == 40 and found.n_skipped == 0
    assert len(found.candidates) == 15 and found.frequency[[n not in found.candidates for n in names]].max() == 0
    assert sum(count for _, count in found.sets) == sum(found.sizes.values()) == 40
    totals = {name: sum(count for chosen, count in found.sets if name in chosen) for name in names}
    np.testing.assert_allclose(found.frequency, [totals[name] / 40 for name in names])
    again = bootstrap_selection(q, outcome, names, np.random.default_rng(0), groups, max_variables=2, n_boot=40)
    assert again.to_dict() == found.to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_bootstrap_blocks_and_includes() -> None:
    q, outcome, names = planted(21, 57, 20, {2: 1.5})
    rng = np.random.default_rng(1)
    found = bootstrap_selection(
        q, outcome, names, rng, np.repeat([0, 1], [30, 27]), n_boot=5, prescreen=4, include=["q19"]
    )
    assert found.blocks.startswith("6 blocks of up to 10 consecutive observations within 2 group(s)")
    assert "q19" in found.candidates and "q02" in found.candidates and len(found.candidates) == 4
    with pytest.raises(ValueError, match="unknown variables in include: nonsense"):
        bootstrap_selection(q, outcome, names, rng, include=["nonsense"])
    rare = np.zeros(57, dtype=bool)
    rare[3] = True
    skipping = bootstrap_selection(q, rare, names, rng, n_boot=20, max_variables=1)
    assert 0 < skipping.n_skipped < 20 and skipping.n_boot + skipping.n_skipped == 20


@pytest.mark.parametrize(("groups", "length"), [(7, 10), (4, 10), (2, 3), (1, 1)])
def test_blocks_are_whole_groups_or_runs_within_one(groups: int, length: int) -> None:
    label = np.random.default_rng(22).integers(0, groups, size=90)  # chains interleaved, as they are recorded
    label[:groups] = np.arange(groups)
    blocks, _ = module._blocks(90, label, length)
    assert sorted(np.concatenate(blocks).tolist()) == list(range(90))
    for rows in blocks:
        members = np.flatnonzero(label == label[rows[0]])
        first = int(np.searchsorted(members, rows[0]))
        np.testing.assert_array_equal(rows, members[first : first + rows.size])
        assert rows.size == members.size if groups >= 5 else rows.size <= length


def test_held_out_likelihood_agrees_with_a_loop_over_statsmodels() -> None:
    q, outcome = example(23, n=120)
    groups = np.repeat(["a", "b", "c", "d"], [20, 30, 40, 30])
    found = held_out_log_likelihood(q, outcome, NAMES, groups)
    total, null, per_group = 0.0, 0.0, []
    for label in "abcd":
        inside = groups == label
        model = sm.Logit(outcome[~inside].astype(float), sm.add_constant(q[~inside])).fit(disp=0, tol=1e-12)
        p = model.predict(sm.add_constant(q[inside], has_constant="add"))
        scores = np.log(np.where(outcome[inside], p, 1 - p))
        total += scores.sum()
        per_group.append(scores.mean())
        share = outcome[~inside].mean()
        null += np.log(np.where(outcome[inside], share, 1 - share)).sum()
    assert found.mean == pytest.approx(total / 120, abs=1e-7)
    assert found.null_mean == pytest.approx(null / 120, abs=1e-12)
    np.testing.assert_allclose(found.per_group, per_group, atol=1e-7)
    assert found.groups == ("a", "b", "c", "d") and found.skipped == ()
    assert found.mean > found.null_mean
    json.dumps(found.to_dict(), allow_nan=False)


def test_held_out_standard_error_is_that_of_the_group_means() -> None:
    q, outcome = example(26, n=120)
    found = held_out_log_likelihood(q, outcome, NAMES, np.arange(120) % 6, model="erf")
    assert found.sizes.tolist() == [20] * 6
    assert found.standard_error == pytest.approx(stats.sem(found.per_group), rel=1e-9)


def test_held_out_likelihood_penalises_noise_and_lists_what_it_cannot_score() -> None:
    q, outcome, names = planted(24, 80, 15, {0: 1.0})
    groups = np.arange(80) % 10
    honest = held_out_log_likelihood(q[:, :1], outcome, names[:1], groups)
    overfitted = held_out_log_likelihood(q, outcome, names, groups)
    assert honest.mean > overfitted.mean
    outcome = np.array([False] * 10 + [True, False] * 5)
    one_sided = held_out_log_likelihood(q[:20, :1], outcome, ["q"], ["x"] * 10 + ["y"] * 10)
    assert one_sided.skipped == ("y",) and one_sided.groups == ("x",)
    assert math.isnan(one_sided.standard_error)
    with pytest.raises(ValueError, match="at least 2 groups"):
        held_out_log_likelihood(q[:20, :1], outcome, ["q"], ["x"] * 20)


def test_calibration_table_counts_and_covers() -> None:
    table = calibration_table([0.0, 0.05, 0.1, 0.55, 1.0], [False, True, True, True, True], bins=10)
    assert table.count.tolist() == [2, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert table.successes.tolist() == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert table.predicted[0] == pytest.approx(0.025) and table.observed[0] == 0.5
    assert math.isnan(table.lower[2]) and table.to_dict()["lower"][2] is None
    json.dumps(table.to_dict(), allow_nan=False)

    rng = np.random.default_rng(25)
    inside, bins = 0, 0
    for _ in range(100):
        p = rng.random(500)
        table = calibration_table(p, rng.random(500) < p, bins=5)
        inside += int(np.sum((table.lower <= table.predicted) & (table.predicted <= table.upper)))
        bins += 5
    assert 0.92 < inside / bins < 0.985
    for p, edges in (([1.2], 10), ([0.5], [0.6, 1.0]), ([0.5], [1.0, 0.0])):
        with pytest.raises(ValueError):
            calibration_table(p, [True], bins=edges)
