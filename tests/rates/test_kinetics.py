"""Kinetics: closed forms, mass and detailed balance, and whether intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from separatrix.core.units import BOLTZMANN
from separatrix.rates import kinetics

RATES = st.floats(1e-8, 1e6)


@settings(max_examples=60)
@given(RATES, RATES)
def test_two_states_relax_in_closed_form(forward: float, backward: float):
    matrix = kinetics.rate_matrix(["Z", "E"], [("Z", "E", forward), ("E", "Z", backward)])
    tau = 1.0 / (forward + backward)
    assert kinetics.relaxation_time(matrix) == pytest.approx(tau, rel=1e-6)
    end = backward * tau
    times = np.array([0.0, 0.3, 1.0, 4.0]) * tau
    expected = end + (1.0 - end) * np.exp(-times / tau)
    found = kinetics.populations(matrix, [1.0, 0.0], times)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(kinetics.equilibrium(matrix), [end, forward * tau], rtol=1e-6, atol=1e-12)


def test_three_states_agree_with_an_integrator():
    rates = [("A", "B", 3.0), ("B", "A", 0.5), ("B", "C", 2.0), ("C", "B", 0.1), ("A", "C", 0.2), ("A", "B", 1.0)]
    matrix = kinetics.rate_matrix("ABC", rates)
    times = np.linspace(0.0, 3.0, 7)
    solved = integrate.solve_ivp(
        lambda _, p: matrix @ p, (0.0, 3.0), [1.0, 0.0, 0.0], t_eval=times, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(kinetics.populations(matrix, [1.0, 0.0, 0.0], times), solved.y.T, atol=1e-8)
    assert matrix[1, 0] == 4.0  # both channels from A to B
    np.testing.assert_allclose(
        kinetics.populations(matrix, [0.0, 1.0, 0.0], 1e4)[0], kinetics.equilibrium(matrix), atol=1e-9
    )


def test_a_one_way_street_has_an_end_and_an_island_none():
    assert kinetics.equilibrium(kinetics.rate_matrix("AB", [("A", "B", 2.0)])) == pytest.approx([0.0, 1.0])
    with pytest.raises(ValueError, match="no one equilibrium"):
        kinetics.equilibrium(kinetics.rate_matrix("ABC", [("A", "B", 2.0), ("B", "A", 1.0)]))


@settings(max_examples=60)
@given(RATES, RATES)
def test_half_life_counts_the_way_back_and_is_none_where_half_stays(forward: float, backward: float):
    """Against the matrix exponential: half is left at the half-life, and more than half at all times where none is."""
    matrix = kinetics.rate_matrix("AB", [("A", "B", forward), ("B", "A", backward)])
    found = kinetics.relaxation(forward, backward)
    assert found.time == pytest.approx(kinetics.relaxation_time(matrix), rel=1e-6)
    assert found.share == pytest.approx(kinetics.equilibrium(matrix)[0], rel=1e-6, abs=1e-12)
    if math.isfinite(found.half_life):
        assert kinetics.populations(matrix, [1.0, 0.0], found.half_life)[0, 0] == pytest.approx(0.5, abs=1e-6)
    else:
        assert kinetics.populations(matrix, [1.0, 0.0], 50.0 * found.time)[0, 0] >= 0.5 - 1e-9


def test_half_life_without_a_way_back_is_the_textbooks():
    assert kinetics.relaxation(2.0, 0.0).half_life == pytest.approx(math.log(2.0) / 2.0)
    assert kinetics.relaxation(0.0, 0.0) == kinetics.Relaxation(math.inf, 1.0, math.inf)
    assert kinetics.relaxation(1.0, 99.0) == kinetics.Relaxation(0.01, 0.99, math.inf)
    with pytest.raises(ValueError, match="is no rate"):
        kinetics.relaxation(1.0, math.nan)


@pytest.mark.parametrize(
    ("channel", "message"),
    [(("A", "X", 1.0), "two of the states"), (("A", "B", -1.0), "is no rate"), (("A", "B", math.nan), "is no rate")],
)
def test_nonsense_is_refused(channel, message):
    with pytest.raises(ValueError, match=message):
        kinetics.rate_matrix("AB", [channel])


def test_laws_give_back_what_made_them():
    t = np.array([280.0, 300.0, 340.0, 400.0])
    k = 3e13 * np.exp(-102.0 / (BOLTZMANN * t))
    found = kinetics.fit_law(t, k)
    assert found.energy == pytest.approx(102.0) and math.exp(found.ln_prefactor) == pytest.approx(3e13, rel=1e-6)
    k = kinetics.ATTEMPTS * t * np.exp(-20.0 / 1000.0 / BOLTZMANN - 95.0 / (BOLTZMANN * t))
    found = kinetics.fit_law(t, k, law="eyring")
    assert (found.energy, found.entropy) == (pytest.approx(95.0), pytest.approx(-20.0, abs=1e-6))


@pytest.mark.parametrize("known", [True, False])
def test_intervals_of_a_law_hold(known: bool):
    rng = np.random.default_rng(4)
    t, error = np.linspace(450.0, 550.0, 6), 0.15
    inside = 0
    for _ in range(400):
        k = 3e13 * np.exp(-102.0 / (BOLTZMANN * t) + error * rng.normal(size=6))
        found = kinetics.fit_law(t, k, np.full(6, error) if known else None)
        inside += found.energy_interval[0] <= 102.0 <= found.energy_interval[1]
    assert 0.92 <= inside / 400 <= 0.98


def test_a_bent_law_is_noticed():
    t = np.linspace(200.0, 600.0, 9)
    straight = 3e13 * np.exp(-60.0 / (BOLTZMANN * t))
    tunnel = straight + 1e3 * np.exp(-10.0 / (BOLTZMANN * t))
    error = np.full(9, 0.05)
    assert kinetics.fit_law(t, tunnel, error).curvature_p < 1e-6
    assert kinetics.fit_law(t, straight, error).curvature_p > 0.5


@pytest.mark.parametrize(("t", "k"), [([300.0], [1.0]), ([300.0, 300.0], [1.0, 2.0]), ([300.0, 310.0], [1.0, 0.0])])
def test_laws_refuse_what_they_cannot_fit(t, k):
    with pytest.raises(ValueError, match=r"two temperatures|positive"):
        kinetics.fit_law(t, k)


def test_an_entry_of_the_routes_has_its_own_interval_or_the_normal_one():
    normal = {"rate": 2.0, "ln_error": 0.5}
    assert kinetics.interval(normal) == pytest.approx((2.0 * math.exp(-0.98), 2.0 * math.exp(0.98)))
    assert kinetics.interval(normal | {"low": None, "high": None}) == kinetics.interval(normal)
    assert kinetics.interval(normal | {"low": 0.1, "high": 9.0}) == (0.1, 9.0)
    for none in ({"ln_error": None}, {"rate": None}, {"rate": 0.0}, {"ln_error": math.inf}, {"ln_error": 1e4}):
        assert kinetics.interval(normal | none) is None
    assert kinetics.interval(normal | {"low": 2.0, "high": 2.0}) is None
    assert kinetics.interval(normal | {"ln_error": 0.0}) is None
    assert kinetics.interval(normal | {"low": 0.0, "high": 9.0}) is None
