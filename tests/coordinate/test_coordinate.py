"""Likelihood maximisation against statsmodels, scipy, numerical derivatives and planted answers."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Hashable, Iterable
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from models import slow_chains
from scipy import integrate, optimize, special, stats

from separatrix.coordinate.committor_model import Coordinate, coefficient_intervals, fit, signed_rows
from separatrix.coordinate.held_out import fold_labels, held_out_log_likelihood
from separatrix.coordinate.interchangeable import interchangeable, near_duplicates
from separatrix.coordinate.likelihood import (
    _start,
    committor_slope,
    constant_columns,
    log_likelihood,
    log_terms,
    newton,
)
from separatrix.coordinate.resampling import bootstrap_coefficients, bootstrap_selection
from separatrix.coordinate.search import _scan
from separatrix.coordinate.selection import select, two_line_test
from separatrix.statistics.blocks import Blocks, Dependence
from separatrix.statistics.calibration import calibration_table

NAMES = ("distance", "angle", "coordination")


def depend(chain: Iterable[Hashable] | None) -> Dependence | None:
    """Chains of observations; ten of them or more are the blocks."""
    return None if chain is None else Dependence.of(labels := list(chain), len(labels))


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
@settings(max_examples=25, derandomize=True)
def test_affine_change_of_variables_changes_nothing(
    model: str, scale: list[float], shift: list[float], flip: bool
) -> None:
    q, outcome = example(5, n=80)
    s = np.array(scale) * (-1.0 if flip else 1.0)
    first = fit(q, outcome, NAMES, model=model, dependence=depend(np.arange(80) // 8))
    second = fit((q + shift) * s, outcome, NAMES, model=model, dependence=depend(np.arange(80) // 8))
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


def test_the_covariance_between_blocks_is_that_of_refits_without_each() -> None:
    q, outcome = example(7, n=600)
    chains = np.repeat(np.arange(20), 30)
    found = fit(q, outcome, NAMES, dependence=depend([f"chain {label}" for label in chains]))
    refits = []
    for label in range(20):
        rest = chains != label
        model = sm.Logit(outcome[rest].astype(float), sm.add_constant(q[rest])).fit(disp=0, method="newton", tol=1e-14)
        refits.append(model.params / 2 - [found.intercept, *found.coefficients])
    jackknife = 19 / 20 * np.array(refits).T @ np.array(refits)
    assert found.clustered_errors is not None and found.block_count == 20
    # One Newton step each: close to the refits, and to second order in the share of a block.
    np.testing.assert_allclose(found.clustered_errors, np.sqrt(np.diag(jackknife)), rtol=0.02)
    assert fit(q, outcome, NAMES).clustered_covariance is None


def test_the_covariance_between_many_blocks_is_that_of_statsmodels() -> None:
    q, outcome = example(7, n=6000)
    chains = np.arange(6000) // 10
    found = fit(q, outcome, NAMES, dependence=depend(chains))
    reference = sm.Logit(outcome.astype(float), sm.add_constant(q)).fit(
        disp=0, method="newton", tol=1e-14, cov_type="cluster", cov_kwds={"groups": chains}
    )
    assert found.clustered_errors is not None
    np.testing.assert_allclose(found.clustered_errors, np.sqrt(np.diag(reference.cov_params())) / 2, rtol=0.005)


def test_a_block_that_alone_determines_a_coefficient_leaves_it_without_error() -> None:
    rng = np.random.default_rng(12)
    q = rng.normal(size=(240, 2))
    q[20:, 1] = 0.0  # the second variable moves in the first chain alone
    outcome = rng.random(240) < special.expit(q[:, 0])
    found = fit(q, outcome, ["a", "b"], dependence=depend(np.arange(240) // 20))
    assert found.converged and found.block_count == 12 and found.clustered_errors is not None
    assert np.isnan(found.clustered_errors).all() and math.isnan(found.information_error_limit)
    assert np.isfinite(found.standard_errors).all()


def test_clustered_intervals_cover_where_plain_ones_do_not() -> None:
    rng = np.random.default_rng(8)
    plain, clustered, repeats = 0, 0, 200
    for _ in range(repeats):
        chain = np.repeat(np.arange(40), 8)
        q = rng.normal(size=40)[chain][:, None]  # a variable that is frozen within each chain,
        eta = 1.2 * q[:, 0] + rng.normal(0.0, 1.5, size=40)[chain]  # beside one that the model does not know
        found = fit(q, rng.random(320) < special.expit(eta), ["q"], dependence=depend(chain))
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
    found = fit(q, outcome, ["a", "b"], model=model, dependence=depend(np.arange(60) // 10))
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
@settings(max_examples=60, derandomize=True)
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
    with pytest.raises(ValueError, match="dependence of 2 observations"):
        fit(q, outcome, NAMES, dependence=depend([1, 2]))
    with pytest.raises(ValueError, match="model"):
        fit(q, outcome, NAMES, model="probit")
    with pytest.raises(ValueError, match="cannot determine"):
        fit(q[:3], np.array([True, False, True]), NAMES)
    with pytest.raises(ValueError, match="shape"):
        fit(q, outcome, NAMES).r(q[:, :2])


def test_dict_round_trip() -> None:
    q, outcome = example(12)
    for groups in (None, np.arange(200) // 20):
        found = fit(q, outcome, NAMES, dependence=depend(groups))
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
        scanned = _scan(z, sign, subsets, model)
        exact = [
            fit(q[:, subset], outcome, [names[i] for i in subset], model=model).log_likelihood for subset in subsets
        ]
        np.testing.assert_allclose(scanned, exact, atol=2e-3)


def test_exhaustive_search_finds_planted_variables_and_their_number() -> None:
    q, outcome, names = planted(14, 400, 30, {3: 0.8, 17: -0.7, 25: 0.6})
    found = select(q, outcome, names, dependence=depend(np.arange(400) // 20))
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
    greedy = select(q, outcome, names, max_variables=2, search="exchange")
    full = select(q, outcome, names, max_variables=2, search="exhaustive")
    assert greedy.per_size[1].names == ("q0",)
    assert greedy.per_size[2].names == full.per_size[2].names == ("q4", "q9")
    assert "size 2: greedy addition and 1 exchanges" in greedy.search


def test_exhaustive_search_finds_a_pair_that_no_greedy_path_reaches() -> None:
    q, outcome, names = _sum_of_two(0.3)
    greedy = select(q, outcome, names, max_variables=2, search="exchange")
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
    blocks = Blocks.of_labels(groups)
    found = bootstrap_selection(q, outcome, names, np.random.default_rng(0), blocks, max_variables=2, n_boot=40)
    assert found.frequency[2] == 1.0
    assert 0.02 < found.frequency[9] < 0.98
    assert found.blocks == "15 groups" and found.n_boot == 40 and found.n_skipped == 0
    assert len(found.candidates) == 15 and found.frequency[[n not in found.candidates for n in names]].max() == 0
    assert sum(count for _, count in found.sets) == sum(found.sizes.values()) == 40
    totals = {name: sum(count for chosen, count in found.sets if name in chosen) for name in names}
    np.testing.assert_allclose(found.frequency, [totals[name] / 40 for name in names])
    again = bootstrap_selection(q, outcome, names, np.random.default_rng(0), blocks, max_variables=2, n_boot=40)
    assert again.to_dict() == found.to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_bootstrap_blocks_and_includes() -> None:
    q, outcome, names = planted(21, 57, 20, {2: 1.5})
    rng = np.random.default_rng(1)
    blocks = Blocks.of_labels(np.arange(57) // 10)
    found = bootstrap_selection(q, outcome, names, rng, blocks, n_boot=5, prescreen=4, include=["q19"])
    assert found.blocks == "6 groups"
    assert "q19" in found.candidates and "q02" in found.candidates and len(found.candidates) == 4
    with pytest.raises(ValueError, match="unknown variables in include: nonsense"):
        bootstrap_selection(q, outcome, names, rng, include=["nonsense"])
    rare = np.zeros(57, dtype=bool)
    rare[3] = True
    skipping = bootstrap_selection(q, rare, names, rng, n_boot=20, max_variables=1)
    assert 0 < skipping.n_skipped < 20 and skipping.n_boot + skipping.n_skipped == 20
    assert skipping.blocks == "57 observations, taken as independent"


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


# ------------------------------------------------------------------------------------ many observations


def many(seed: int, n: int, model: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.4, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 30.0]]) + [5.0, 0.0, 100.0]
    return q, rng.random(n) < probability(0.9 * (q[:, 0] - 5.0) - 0.5 * q[:, 1], model)


@pytest.mark.parametrize("model", MODELS)
def test_a_start_from_a_sample_leads_to_the_same_maximum(model: str) -> None:
    q, outcome = many(40, 9000, model)
    found = fit(q, outcome, NAMES, model=model)
    kind = sm.Logit if model == "logistic" else sm.Probit
    reference = kind(outcome.astype(float), sm.add_constant(q)).fit(disp=0, method="newton", tol=1e-14)
    scale = 2.0 if model == "logistic" else math.sqrt(2.0)
    assert found.log_likelihood == pytest.approx(reference.llf, abs=1e-6)
    np.testing.assert_allclose([found.intercept, *found.coefficients], reference.params / scale, rtol=1e-6)
    x = signed_rows((q - q.mean(axis=0)) / q.std(axis=0), np.where(outcome, 1.0, -1.0))
    cold = newton(x, model, 0.0)
    assert _start(x, model) is not None and found.iterations < cold.iterations
    assert found.log_likelihood == pytest.approx(cold.value, abs=1e-8)


@pytest.mark.parametrize("model", MODELS)
def test_a_sample_that_is_separable_or_one_sided_does_no_harm(model: str) -> None:
    rng = np.random.default_rng(41)
    q = rng.normal(size=(6000, 1))
    rare = np.zeros(6000, dtype=bool)
    rare[[7, 801, 4444]] = True  # none of them in the sample of every fifth
    found = fit(q, rare, ["x"], model=model)
    kind = sm.Logit if model == "logistic" else sm.Probit
    reference = kind(rare.astype(float), sm.add_constant(q)).fit(disp=0, tol=1e-14)
    assert found.converged and found.log_likelihood == pytest.approx(reference.llf, abs=1e-6)
    # told apart but for two observations that the sample misses
    outcome = q[:, 0] > 0.0
    swapped = [np.flatnonzero(outcome & (np.arange(6000) % 5 != 0))[0], np.flatnonzero(~outcome)[1]]
    outcome[swapped] = ~outcome[swapped]
    found = fit(q, outcome, ["x"], model=model)
    assert found.converged and not found.separable
    _, gradient, _ = log_likelihood([found.intercept, *found.coefficients], q, outcome, model)
    assert np.abs(gradient).max() < 1e-5
    assert fit(q, q[:, 0] > 0.0, ["x"], model=model).separable


@pytest.mark.parametrize("model", MODELS)
def test_scan_of_many_observations_agrees_with_single_fits(model: str) -> None:
    q, outcome = many(42, 5000, model)
    z = (q - q.mean(axis=0)) / q.std(axis=0)
    sign = np.where(outcome, 1.0, -1.0)
    subsets = np.array([[0, 1], [0, 2], [1, 2]])
    exact = [fit(q[:, pair], outcome, ["a", "b"], model=model).log_likelihood for pair in subsets]
    np.testing.assert_allclose(_scan(z, sign, subsets, model), exact, atol=2e-4)


def test_probit_terms_keep_their_digits_everywhere() -> None:
    u = np.concatenate([np.linspace(-45.0, 12.0, 2001), [-1e8, -1e3, -20.0 - 1e-12, -20.0, 40.0]])
    value, slope, weight = log_terms(u, "erf")
    exact = math.sqrt(2.0 / math.pi) / special.erfcx(-u / math.sqrt(2.0))
    # ln Phi is summed: what counts is the absolute error where it is small
    np.testing.assert_allclose(value, special.log_ndtr(u), rtol=1e-14, atol=1e-15)
    near = u > -1e3
    np.testing.assert_allclose(slope[near], exact[near], rtol=1e-12)
    np.testing.assert_allclose(weight[near], (exact * (u + exact))[near], rtol=1e-9)
    assert np.all((weight >= 0.0) & (weight <= 1.0))


# ------------------------------------------------------------------------------------ inertial fits


def inertial(seed: int, n: int = 600, m: int = 5, of_rate: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes that depend on two variables, and on the rate of the first."""
    rng = np.random.default_rng(seed)
    q, rates = rng.normal(size=(n, m)), rng.normal(size=(n, m)) * 3.0
    r = 0.2 + 0.9 * q[:, 0] - 0.6 * q[:, 2] + of_rate / 3.0 * rates[:, 0]
    return q, rates, rng.random(n) < probability(r, "erf")


def test_inertial_search_ranks_with_rates_and_ends_without_them() -> None:
    q, rates, outcome = inertial(53)
    names = [f"q{k}" for k in range(5)]
    found = select(q, outcome, names, rates=rates, model="erf", search="exhaustive")

    def probit(columns: list[np.ndarray]) -> object:
        return sm.Probit(outcome.astype(float), sm.add_constant(np.column_stack(columns))).fit(disp=0, tol=1e-14)

    for size in (1, 2, 3):
        both = {
            subset: probit([q[:, subset], rates[:, subset]]).llf for subset in itertools.combinations(range(5), size)
        }
        best = max(both, key=lambda subset: both[subset])
        assert found.per_size[size].names == found.top[size][0].names == tuple(names[k] for k in best)
        assert found.top[size][0].log_likelihood == pytest.approx(both[best], abs=1e-6)
        # two parameters for each variable are paid for, and the final coordinate has none for rates
        assert found.costs["bic"][size] == pytest.approx((2 * size + 1) * math.log(600) - 2 * both[best], abs=1e-5)
        assert found.costs["aic"][size] == pytest.approx(2 * (2 * size + 1) - 2 * both[best], abs=1e-5)
        assert found.per_size[size].log_likelihood == pytest.approx(probit([q[:, best]]).llf, abs=1e-6)
    assert found.best.names == ("q0", "q2") and found.inertial is not None
    with_rates = found.inertial[2]
    assert with_rates.names == ("q0", "q2", "q0_rate", "q2_rate")
    reference = probit([q[:, [0, 2]], rates[:, [0, 2]]])
    np.testing.assert_allclose(with_rates.coefficients, reference.params[1:] / math.sqrt(2), rtol=1e-5)
    np.testing.assert_allclose(with_rates.coefficients, [0.9, -0.6, 0.7 / 3.0, 0.0], atol=0.2)
    assert found.n_fits == 5 + 10 + 10
    json.dumps(found.to_dict(), allow_nan=False)
    assert select(q, outcome, names, model="erf").inertial is None


def test_rates_find_a_variable_that_matters_through_its_velocity_only() -> None:
    rng = np.random.default_rng(51)
    q, rates = rng.normal(size=(400, 4)), rng.normal(size=(400, 4))
    outcome = rng.random(400) < probability(1.5 * rates[:, 3], "erf")
    names = ["a", "b", "c", "d"]
    assert not select(q, outcome, names, model="erf").best_beats_null
    found = select(q, outcome, names, model="erf", rates=rates)
    assert found.best.names == ("d",) and found.best_beats_null
    again = bootstrap_selection(q, outcome, names, np.random.default_rng(0), rates=rates, n_boot=10, model="erf")
    assert again.frequency[3] == 1.0


def test_impossible_rates_are_refused_by_name() -> None:
    q, rates, outcome = inertial(52, n=60)
    names = list("abcde")
    with pytest.raises(ValueError, match="shape of q"):
        select(q, outcome, names, rates=rates[:, :4])
    still = rates.copy()
    still[:, 1] = 2.0
    with pytest.raises(ValueError, match=r"constant rates cannot be fitted: b$"):
        select(q, outcome, names, rates=still)
    still[3, 2] = math.inf
    with pytest.raises(ValueError, match=r"rates not finite: c$"):
        select(q, outcome, names, rates=still)
    few = select(q[:6], np.arange(6) % 2 == 0, names, rates=rates[:6])
    assert max(few.per_size) == 2, "no more parameters than observations"
    with pytest.raises(ValueError, match="2 observations cannot determine 3 parameters"):
        select(q[:2], [True, False], names, rates=rates[:2])


# ------------------------------------------------------------------------------------ searches and criteria


def test_greedy_search_adds_and_the_gap_to_the_exhaustive_one_is_told() -> None:
    q, outcome, names = _sum_of_two(0.3)
    greedy = select(q, outcome, names, max_variables=3, search="greedy")
    full = select(q, outcome, names, max_variables=3, search="exhaustive")
    base: tuple[str, ...] = ()
    for size in (1, 2, 3):
        values = {
            new: fit(q[:, [names.index(n) for n in (*base, new)]], outcome, [*base, new]).log_likelihood
            for new in names
            if new not in base
        }
        base = (*base, max(values, key=lambda new: values[new]))
        assert set(greedy.per_size[size].names) == set(base) == set(full.greedy[size].names)
        assert greedy.per_size[size].log_likelihood == pytest.approx(values[base[-1]], abs=1e-6)
        gap = full.per_size[size].log_likelihood - values[base[-1]]
        assert full.greedy_gap[size] == pytest.approx(gap, abs=1e-6)
    assert full.greedy_gap[1] == 0.0 and full.greedy_gap[2] > 5.0
    assert greedy.n_fits == 12 + 11 + 10 and full.n_fits == 12 + 66 + 220
    assert "size 2: greedy addition, 11 subsets tried" in greedy.search
    assert greedy.greedy.keys() == {1}, "nothing to compare with where only addition was tried"


def test_criteria_charge_as_defined() -> None:
    q, outcome, names = planted(60, 250, 6, {1: 0.8})
    found = select(q, outcome, names, criterion="aic")
    for size, best in found.per_size.items():
        assert found.costs["aic"][size] == pytest.approx(best.aic) == found.cost[size]
        assert found.costs["bic"][size] == pytest.approx(best.bic)
        assert found.costs["ebic"][size] == pytest.approx(best.bic + 2 * math.log(math.comb(6, size)))
    assert found.per_size[2].aic == pytest.approx(2 * 3 - 2 * found.per_size[2].log_likelihood)
    assert len(found.best.names) == min(found.cost, key=lambda size: found.cost[size])
    with pytest.raises(ValueError, match="criterion must be one of ebic, bic, aic"):
        select(q, outcome, names, criterion="dic")


def test_progress_counts_every_fit() -> None:
    q, outcome, names = planted(61, 2000, 12, {1: 0.8})
    heard: list[tuple[int, int, int]] = []
    found = select(q, outcome, names, progress=lambda size, done, total: heard.append((size, done, total)))
    assert [line for line in heard if line[1] == line[2]] == [(1, 12, 12), (2, 66, 66), (3, 220, 220)]
    assert len(heard) > 10 and found.n_fits == 12 + 66 + 220


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([10, 10, 10, 1, 1, 1], 4),  # the first line goes through the points of 1 to 4 variables
        ([10, 1, 1, 1, 1], 2),
        ([10, 9, 8.5, 8, 7.8], None),  # no bend: the second line is too steep
        ([10, 10, 10, 10, 10, 10, 10, 1, 1], 8),  # no answer at 5 to 9 sizes, one at 10
        ([10, 10, 1], None),  # four sizes only
    ],
)
def test_two_line_test_finds_the_bend(gains: list[float], expected: int | None) -> None:
    scores = np.cumsum([-500.0, *gains])
    assert two_line_test(scores) == expected
    q, outcome, names = planted(62, 300, 6, {0: 1.0, 3: 1.0})
    assert select(q, outcome, names, max_variables=3).two_line is None
    longer = select(q, outcome, names, max_variables=6, search="greedy")
    assert longer.two_line == two_line_test([longer.per_size[k].log_likelihood for k in range(1, 7)])


def test_two_line_threshold_is_the_ratio_of_the_slopes() -> None:
    scores = np.cumsum([-500.0, 10.0, 10.0, 10.0, 6.0, 6.0, 6.0])
    assert two_line_test(scores) is None
    assert two_line_test(scores, threshold=0.59) is None
    assert two_line_test(scores, threshold=0.61) == 4


# ------------------------------------------------------------------------------------ a rotation by either way


def test_a_rotation_either_way_needs_cosine_and_sine() -> None:
    """The product is reached by turning to +180 or to -180 degrees: in raw degrees the two cancel."""
    rng = np.random.default_rng(70)
    phi = rng.uniform(60.0, 120.0, size=800) * rng.choice([-1.0, 1.0], size=800)
    radians = np.radians(phi)
    outcome = rng.random(800) < special.expit(-8.0 * np.cos(radians))
    raw = select(phi[:, None], outcome, ["phi"])
    assert not raw.best_beats_null
    waves = select(np.column_stack([phi, np.cos(radians), np.sin(radians)]), outcome, ["phi", "cos phi", "sin phi"])
    assert waves.best.names == ("cos phi",) and waves.best_beats_null
    assert waves.best.coefficients[0] == pytest.approx(-4.0, abs=4 * waves.best.standard_errors[1])
    assert waves.best.log_likelihood - raw.best.log_likelihood > 100.0


# ------------------------------------------------------------------------------------ uncertainty


def test_intervals_are_those_of_statsmodels() -> None:
    q, outcome = example(80)
    found = fit(q, outcome, NAMES)
    plain = sm.Logit(outcome.astype(float), sm.add_constant(q)).fit(disp=0, method="newton", tol=1e-14)
    lower, upper = coefficient_intervals(found, 0.9)
    np.testing.assert_allclose(np.column_stack([lower, upper]), plain.conf_int(0.1) / 2, rtol=1e-5)
    found = fit(q, outcome, NAMES, dependence=depend(np.repeat(np.arange(20), 10)))
    lower, upper = coefficient_intervals(found, 0.95)
    assert found.clustered_covariance is not None
    error = math.sqrt(found.clustered_covariance[1, 1])
    assert upper[1] - lower[1] == pytest.approx(2 * error * stats.t.ppf(0.975, 19), rel=1e-9)
    assert lower[1] + upper[1] == pytest.approx(2 * found.coefficients[0])
    for confidence in (0.0, 1.0):
        with pytest.raises(ValueError):
            coefficient_intervals(found, confidence)


def test_bootstrap_errors_agree_with_the_clustered_ones() -> None:
    rng = np.random.default_rng(81)
    chain = np.repeat(np.arange(60), 10)
    q = rng.normal(size=(60, 2))[chain] + 0.3 * rng.normal(size=(600, 2))
    outcome = rng.random(600) < special.expit(1.5 * q[:, 0] + rng.normal(0.0, 1.5, size=60)[chain])
    found = fit(q, outcome, ["a", "b"], dependence=depend(chain))
    drawn = bootstrap_coefficients(
        q, outcome, ["a", "b"], np.random.default_rng(1), Blocks.of_labels(chain), n_boot=300
    )
    assert found.clustered_covariance is not None
    clustered = np.sqrt(np.diag(found.clustered_covariance))
    np.testing.assert_allclose(drawn.standard_errors, clustered, rtol=0.25)
    assert np.all(drawn.standard_errors > 1.3 * found.standard_errors)
    assert np.all(drawn.lower < [found.intercept, *found.coefficients])
    assert np.all(drawn.upper > [found.intercept, *found.coefficients])
    # observations that are resampled one by one give the errors of independent ones
    alone = bootstrap_coefficients(q, outcome, ["a", "b"], np.random.default_rng(1), n_boot=300)
    np.testing.assert_allclose(alone.standard_errors, found.standard_errors, rtol=0.25)
    assert drawn.n_boot == 300 and drawn.n_skipped == 0 and drawn.blocks == "60 groups"
    json.dumps(drawn.to_dict(), allow_nan=False)


def test_bootstrap_leaves_out_resamples_without_a_maximum() -> None:
    q = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])[:, None]
    outcome = np.array([False, False, False, True, False, True, True, True])
    drawn = bootstrap_coefficients(q, outcome, ["x"], np.random.default_rng(2), n_boot=50)
    assert 0 < drawn.n_skipped < 50 and drawn.n_boot + drawn.n_skipped == 50
    apart = bootstrap_coefficients(q, q[:, 0] > 3.5, ["x"], np.random.default_rng(2), n_boot=5)
    assert apart.n_boot == 0 and np.isnan(apart.lower).all()
    with pytest.raises(ValueError, match="at least 1"):
        bootstrap_coefficients(q, outcome, ["x"], np.random.default_rng(2), n_boot=0)


def test_correlated_variables_that_do_as_well_are_interchangeable() -> None:
    rng = np.random.default_rng(82)
    q = rng.normal(size=(500, 5))
    q[:, 1] = q[:, 0] + 0.15 * q[:, 1]  # as good as q0
    q[:, 2] = -(q[:, 0] + 0.8 * q[:, 2])  # correlated by -0.8, and worse
    q[:, 3] = q[:, 0]  # a copy
    outcome = rng.random(500) < special.expit(2.0 * q[:, 0])
    names = ["best", "twin", "cousin", "copy", "stranger"]
    (group,) = interchangeable(q, outcome, names, ["best"])
    assert set(group.names) == {"best", "twin", "copy"} and group.names[0] == "best"
    lines = {line.name: line for line in group.alternatives}
    assert lines["copy"].loss == pytest.approx(0.0, abs=1e-9) and lines["copy"].correlation == pytest.approx(1.0)
    loss = fit(q[:, :1], outcome, ["q"]).log_likelihood - fit(q[:, 1:2], outcome, ["q"]).log_likelihood
    assert lines["twin"].loss == pytest.approx(loss, abs=1e-8)
    assert lines["twin"].correlation == pytest.approx(np.corrcoef(q[:, 0], q[:, 1])[0, 1])
    # the error of a sum of differences, between groups
    chains = np.arange(500) // 20
    (grouped,) = interchangeable(q, outcome, names, ["best"], blocks=Blocks.of_labels(chains))
    difference = _log_p(q[:, :1], outcome) - _log_p(q[:, 1:2], outcome)
    sums = np.bincount(chains, weights=difference)
    twin = next(line for line in grouped.alternatives if line.name == "twin")
    assert twin.standard_error == pytest.approx(stats.sem(sums) * 25, rel=1e-6)
    json.dumps(grouped.to_dict(), allow_nan=False)


def test_a_loss_that_is_certain_but_smaller_than_bic_charges_is_no_loss() -> None:
    rng = np.random.default_rng(84)
    q = rng.normal(size=(600, 2))
    q[:, 1] = q[:, 0] + 0.08 * q[:, 1]
    outcome = rng.random(600) < special.expit(2.0 * q[:, 0])
    difference = _log_p(q[:, :1], outcome) - _log_p(q[:, 1:], outcome)
    # Groups whose sums are nearly the same, so that the standard error of the loss is next to nothing.
    groups = np.empty(600, dtype=int)
    turn = np.concatenate([np.arange(10), np.arange(10)[::-1]])
    groups[np.argsort(difference)] = np.tile(turn, 30)
    (group,) = interchangeable(q, outcome, ["best", "twin"], ["best"], blocks=Blocks.of_labels(groups))
    (twin,) = group.alternatives
    assert 1.96 * twin.standard_error < 0.7 * twin.loss < 0.7 * 0.5 * math.log(600)


@given(st.sampled_from(["logistic", "erf"]), st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_the_committor_is_the_integral_of_its_slope(model: str, low: float, high: float) -> None:
    rng = np.random.default_rng(85)
    q = rng.normal(size=(200, 1))
    found = fit(q, rng.random(200) < special.expit(q[:, 0]), ["q"], model=model)
    at = (np.array([[low], [high]]) - found.intercept) / found.coefficients[0]
    np.testing.assert_allclose(found.r(at), [low, high], atol=1e-12)
    rise = integrate.quad(lambda r: float(committor_slope(r, model)), low, high)[0]
    first, last = found.committor(at)
    assert last - first == pytest.approx(rise, abs=1e-9)


def _log_p(q: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    p = fit(q, outcome, ["q"]).committor(q)
    return np.log(np.where(outcome, p, 1 - p))


def test_equally_good_but_unrelated_variables_are_rivals_not_interchangeable() -> None:
    rng = np.random.default_rng(83)
    q = rng.normal(size=(400, 2))
    outcome = rng.random(400) < special.expit(q[:, 0] + q[:, 1])
    assert interchangeable(q, outcome, ["a", "b"], ["a"]) == ()
    assert interchangeable(q, outcome, ["a", "b"], ["a"], correlation=0.0) != ()
    with pytest.raises(ValueError, match="unknown variables in chosen: c"):
        interchangeable(q, outcome, ["a", "b"], ["c"])


def test_near_duplicates_are_found_whatever_their_unit_and_sign() -> None:
    rng = np.random.default_rng(70)
    a, b = rng.normal(size=(2, 500))
    q = np.column_stack([a, b, np.full(500, 3.0), 7.0 - 0.01 * a, a + 0.02 * b, a + 0.2 * b])
    names = ["a", "b", "still", "minus", "near", "far"]
    assert constant_columns(q).tolist() == [False, False, True, False, False, False]
    found = near_duplicates(q, names)
    assert list(found) == names
    assert {name: [other for other, _ in pairs] for name, pairs in found.items()} == {
        "a": ["minus", "near"],
        "b": [],
        "still": [],
        "minus": ["a", "near"],
        "near": ["a", "minus"],
        "far": [],
    }
    assert found["a"][0][1] == pytest.approx(-1.0) and found["a"][1][1] == pytest.approx(np.corrcoef(a, q[:, 4])[0, 1])
    assert "far" in [name for name, _ in near_duplicates(q, names, 0.9)["a"]]


def test_folds_hold_whole_groups_and_are_about_equal() -> None:
    groups = np.repeat(["a", "b", "c", "d", "e", "f"], [50, 10, 10, 10, 10, 10])
    fold = fold_labels(groups, 2)
    assert sorted(np.bincount(fold).tolist()) == [50, 50]
    for label in "abcdef":
        assert len(set(fold[groups == label].tolist())) == 1
    assert set(fold_labels([1, 1, 2], 5).tolist()) == {0, 1}
    assert fold_labels(range(10), 5).tolist() == [0, 1, 2, 3, 4] * 2
    with pytest.raises(ValueError, match="at least 2"):
        fold_labels(groups, 1)


def test_candidates_and_size_of_a_bootstrap_can_be_given() -> None:
    q, outcome, names = planted(84, 200, 8, {2: 1.5, 5: 0.2})
    rng = np.random.default_rng(3)
    heard: list[tuple[int, int]] = []
    found = bootstrap_selection(
        q,
        outcome,
        names,
        rng,
        n_boot=6,
        candidates=["q02", "q03"],
        size=2,
        progress=lambda done, total: heard.append((done, total)),
    )
    assert found.sets == ((("q02", "q03"), 6),) and found.candidates == ("q02", "q03")
    assert heard == [(k, 6) for k in range(6)]
    with pytest.raises(ValueError, match="unknown variables in candidates: q99"):
        bootstrap_selection(q, outcome, names, rng, candidates=["q99"])
    with pytest.raises(ValueError, match="size must lie"):
        bootstrap_selection(q, outcome, names, rng, size=4)


# ------------------------------------------------------------------------------------ coverage


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_intervals_hold_the_truth_as_often_as_they_say(model: str) -> None:
    rng = np.random.default_rng(90)
    truth = np.array([0.2, 0.8, -0.5])
    repeats = 400
    inside = np.zeros(3)
    for _ in range(repeats):
        q = rng.normal(size=(300, 2))
        outcome = rng.random(300) < probability(truth[0] + q @ truth[1:], model)
        lower, upper = coefficient_intervals(fit(q, outcome, ["a", "b"], model=model), 0.9)
        inside += (lower < truth) & (truth < upper)
    # 0.9 +- 3 standard errors of the count, and a little for the bias of a maximum
    assert np.all(np.abs(inside / repeats - 0.9) < 0.06)


@pytest.mark.slow
def test_slow_chains_need_clustered_intervals() -> None:
    rng = np.random.default_rng(91)
    repeats, plain, clustered, resampled = 200, 0, 0, 0
    for _ in range(repeats):
        q, outcome, chain = slow_chains(rng, 30, 40, 20.0)
        found = fit(q[:, None], outcome, ["q"], dependence=depend(chain))
        truth = MARGINAL / 2  # what the averaged likelihood tends to, whatever the correlation in time
        assert found.block_count == 30
        lower, upper = coefficient_intervals(found)
        clustered += lower[1] < truth < upper[1]
        lower, upper = coefficient_intervals(replace(found, clustered_covariance=None))
        plain += lower[1] < truth < upper[1]
        drawn = bootstrap_coefficients(q[:, None], outcome, ["q"], rng, found.blocks, n_boot=60)
        resampled += drawn.lower[1] < truth < drawn.upper[1]
        assert found.clustered_covariance is not None
    assert plain / repeats < 0.75, "naive intervals fail"
    assert 0.88 < clustered / repeats < 0.99
    assert 0.86 < resampled / repeats < 0.99
