"""Finite elements and trials against closed forms, a finite-volume scheme of another kind, and Brownian shooting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.integrate import cumulative_simpson, simpson
from scipy.sparse.linalg import spsolve

from separatrix.theory import analysis, combination, measured_committors, model_file, outcome, sinks, trials
from separatrix.theory import trial_shooting as shooting
from separatrix.theory.elements import Committor, Elements, Grid, TheoryError
from separatrix.theory.model_file import Case

TILTED = {"model": "LinearCoupled", "params": {"Delta": 8, "kappa": 12, "c": 1, "a": -2, "b": 0.2}}
BOXES = {
    "state_A": "x <= -0.8 and y <= -0.8",
    "state_B": "x >= 0.8 and y >= 0.8",
    "domain": [-1.7, 1.7, -2.4, 2.4],
    "grid_h": [0.05, 0.025],
}


def case(**changes: object) -> Case:
    """The tilted model with changes; None takes a key away."""
    data = {**TILTED, **BOXES, "beta": 1.0, "D": 1.0, **changes}
    return model_file.build({key: value for key, value in data.items() if value is not None}, "here")


def committor(what: Case, fine: bool = False) -> tuple[Elements, Committor]:
    elements = analysis.prepare(what, what.grids()[int(fine)])
    return elements, elements.exact()


# Closed forms ---------------------------------------------------------------------------------------------------


def one_dimensional(potential: np.ndarray, diffusion: np.ndarray, x: np.ndarray, a: float, b: float) -> np.ndarray:
    """q(x) = int_a^x exp(V)/D / int_a^b exp(V)/D at nodes x, V in kT; 0 below a, 1 above b."""
    inside = (x >= a - 1e-12) & (x <= b + 1e-12)
    total = cumulative_simpson(np.exp(potential[inside]) / diffusion[inside], x=x[inside], initial=0.0)
    found = np.where(x < a, 0.0, 1.0)
    found[inside] = total / total[-1]
    return found


@pytest.mark.parametrize("barrier", [8.0, 80.0])
def test_separable_surface_has_the_one_dimensional_committor_and_rate(barrier: float) -> None:
    """Also for 80 kT, where a committor stored as one number would lose all but noise."""
    what = case(
        model=None, params={"b": barrier}, formula="b*(x^2 - 1)^2 + 4*y^2",
        state_A="x <= -0.9", state_B="x >= 0.9", domain=[-1.5, 1.5, -2, 2], grid_h=[0.05, 0.025],
    )  # fmt: skip
    rates = []
    x = np.linspace(-1.5, 1.5, 6001)
    v = barrier * (x**2 - 1) ** 2
    q = one_dimensional(v, np.ones_like(x), x, -0.9, 0.9)
    between = (x >= -0.9 - 1e-12) & (x <= 0.9 + 1e-12)
    exact = 1.0 / simpson(np.exp(v[between]), x=x[between]) / simpson((1 - q) * np.exp(-v), x=x)
    for fine in (False, True):
        elements, found = committor(what, fine)
        rates.append(elements.functional(found) / elements.populations(found)[0])
    assert (4 * rates[1] - rates[0]) / 3 == pytest.approx(exact, rel=2e-3 if barrier > 20 else 2e-4)
    points = np.array([[0.0, 0.0], [0.15, 0.5], [-0.3, -0.2], [-0.6, 0.0]])
    want = np.interp(points[:, 0], x, q)
    # Far below 1/2 the committor keeps its relative accuracy, as far as the grid goes: here 1e-22 is no rounding error.
    got = elements.interpolate(found.value, points)
    assert np.allclose(np.log(got), np.log(want), rtol=0.0, atol=1.0 if barrier > 20 else 0.03)


def test_full_tensor_on_a_sheared_surface_has_the_one_dimensional_committor() -> None:
    """With D = [[1, c], [c, c^2 + d]] the variables x and y - c x part, whatever d: off-diagonal terms are right."""
    c, d = 0.6, 0.3
    what = case(
        params={"Delta": 6, "kappa": 12, "c": c}, D=[[1, c], [c, c * c + d]],
        state_A="x <= -0.9", state_B="x >= 0.9", domain=[-1.6, 1.6, -2.4, 2.4], grid_h=[0.04, 0.02],
    )  # fmt: skip
    x = np.linspace(-1.6, 1.6, 6401)
    q = one_dimensional(6 * (x**2 - 1) ** 2, np.ones_like(x), x, -0.9, 0.9)
    # The states' edges are no nodes of the coarse grid; the fine one has them.
    elements, found = committor(dataclasses.replace(what, spacings=(what.spacings[1] / 1.0, what.spacings[1] / 2.0)))
    points = np.array([[0.0, 0.0], [0.2, 0.3], [-0.2, 0.1], [0.4, 0.1]])
    assert np.allclose(elements.interpolate(found.value, points), np.interp(points[:, 0], x, q), atol=3e-3)
    # KLBS finds the direction too: x alone.
    answer = analysis.stationary_points(what, elements).langer
    assert np.allclose(answer.e, [1.0, 0.0], atol=1e-9)


def test_position_dependent_diffusion_has_the_one_dimensional_committor() -> None:
    what = case(
        model=None, params={}, formula="6*(x^2 - 1)^2 + 4*y^2", D={"xx": "1 + 0.8*x", "yy": "0.5 + y^2"},
        state_A="x <= -0.9", state_B="x >= 0.9", domain=[-1.2, 1.2, -2, 2], grid_h=[0.05, 0.025],
    )  # fmt: skip
    x = np.linspace(-1.2, 1.2, 4801)
    q = one_dimensional(6 * (x**2 - 1) ** 2, 1 + 0.8 * x, x, -0.9, 0.9)
    elements, found = committor(what, fine=True)
    points = np.array([[0.0, 0.0], [0.2, 0.3], [-0.2, 0.4]])
    got = elements.interpolate(found.value, points)
    assert np.allclose(got, np.interp(points[:, 0], x, q), atol=2e-3)
    # It matters: D at x > 0 being larger pulls the separatrix to x < 0.
    assert got[0] > 0.55
    trial = trials.along(elements, np.array([1.0, 0.0]))
    assert np.allclose(elements.interpolate(trial.value, points), got, atol=2e-3)


def test_kramers_along_an_axis_is_the_quadrature_over_its_mean_force() -> None:
    """Eq. 9 by quadrature, against the minimum over finite elements."""
    what = case(D=[[1.0, 0.02], [0.02, 0.01]])
    s = np.linspace(-0.8, 0.8, 801)
    u = np.linspace(-1.7, 1.7, 1701)
    weight = simpson(np.exp(-what.surface.on_grid(u, s)), x=u, axis=0)
    want = 0.01 / simpson(1.0 / weight, x=s)
    found = []
    for fine in (False, True):
        elements = analysis.prepare(what, what.grids()[int(fine)])
        trial = trials.along(elements, np.array([0.0, 1.0]))
        found.append(elements.functional(trial) * np.exp(-elements.beta * elements.reference))
    assert (4 * found[1] - found[0]) / 3 == pytest.approx(want, rel=1e-3)


def test_cross_term_is_that_of_the_mean_over_the_fast_variable() -> None:
    """Eq. 12: F_12 = F_22 int dy <(D_xy d_x phi_1 + D_yy d_y phi_1)/D_yy>_y, for phi_2 of y alone."""
    what = case(D=[[1.0, 0.03], [0.03, 0.05]])
    elements, _ = committor(what, fine=True)
    points = analysis.stationary_points(what, elements)
    e, sigma = points.langer.e, points.langer.sigma
    first = trials.klbs(elements, points.saddle, e, sigma)
    second = trials.along(elements, np.array([0.0, 1.0]))
    gram = elements.gram(first, second)
    y = np.linspace(-0.8, 0.8, 401)
    x = np.linspace(-1.7, 1.7, 1701)
    weight = np.exp(-what.surface.on_grid(x, y))
    s = (e[0] * (x[:, None] - points.saddle[0]) + e[1] * (y[None, :] - points.saddle[1])) / sigma
    slope = np.exp(-0.5 * s**2) / np.sqrt(2 * np.pi) / sigma
    mean = simpson(weight * slope * (0.03 * e[0] + 0.05 * e[1]) / 0.05, x=x, axis=0) / simpson(weight, x=x, axis=0)
    assert gram[0, 1] == pytest.approx(gram[1, 1] * simpson(mean, x=y), rel=0.01)


# Another scheme -------------------------------------------------------------------------------------------------


def finite_volumes(what: Case, grid: Grid) -> tuple[np.ndarray, float]:
    """Committor and rate by the Scharfetter-Gummel scheme for a diagonal D: fluxes between nodes, from below."""
    d = what.diffusion.at((0.0, 0.0))
    nodes = grid.nodes()
    u = what.beta * what.surface.on_grid(grid.x, grid.y)
    reference = u.min()
    n, m = grid.shape
    hx, hy = grid.spacing
    index = np.arange(n * m).reshape(n, m)
    rows, columns, values = [], [], []

    def bond(i: np.ndarray, j: np.ndarray, low: np.ndarray, high: np.ndarray, factor: np.ndarray) -> None:
        # The harmonic mean of exp(-U) for a potential that is linear between the nodes.
        step = high - low
        mean = np.where(np.abs(step) < 1e-8, 1.0, step / np.expm1(np.where(step == 0, 1.0, step)))
        g = np.exp(-(low - reference)) * mean * factor
        rows.append(i.ravel()), columns.append(j.ravel()), values.append(g.ravel())

    edge_x, edge_y = np.ones(n), np.ones(m)
    edge_x[[0, -1]] = edge_y[[0, -1]] = 0.5
    bond(index[:-1], index[1:], u[:-1], u[1:], d[0, 0] * hy / hx * edge_y[None, :] * np.ones((n - 1, 1)))
    bond(index[:, :-1], index[:, 1:], u[:, :-1], u[:, 1:], d[1, 1] * hx / hy * edge_x[:, None] * np.ones((1, m - 1)))
    i, j, g = (np.concatenate(v) for v in (rows, columns, values))
    kept = g > 1e-28
    i, j, g = i[kept], j[kept], g[kept]
    size = n * m
    k = sparse.coo_matrix((np.r_[g, g, -g, -g], (np.r_[i, j, i, j], np.r_[i, j, j, i])), shape=(size, size)).tocsr()
    places = np.round(nodes, 9).T
    a, b = (state(x=places[0], y=places[1]) for state in (what.state_a, what.state_b))
    free = ~(a | b) & (k.diagonal() > 0)
    q = b.astype(float)
    q[free] = spsolve(k[free][:, free].tocsc(), -(k[free] @ b.astype(float)))
    functional = float(g @ (q[i] - q[j]) ** 2)
    mass = np.exp(-(u.ravel() - reference)) * np.outer(edge_x * hx, edge_y * hy).ravel()
    return q.reshape(n, m), functional / float(mass @ (1 - q))


def test_finite_volumes_agree_and_come_from_the_other_side() -> None:
    what = case(D=[[1.0, 0.0], [0.0, 0.02]])
    volumes, elements = [], []
    for fine in (False, True):
        grid = what.grids()[int(fine)]
        volumes.append(finite_volumes(what, grid)[1])
        made, found = committor(what, fine)
        elements.append(made.functional(found) / made.populations(found)[0])
    both = [(4 * fine - coarse) / 3 for coarse, fine in (volumes, elements)]
    assert both[0] == pytest.approx(both[1], rel=1e-3)
    assert volumes[0] < volumes[1] < both[1] < elements[1] < elements[0]
    # The error is of second order: four times smaller on half the spacing.
    assert (elements[0] - both[0]) / (elements[1] - both[0]) == pytest.approx(4.0, abs=0.6)


def test_spectral_gap_is_the_sum_of_the_rates_and_that_of_a_dense_matrix() -> None:
    what = case(grid_h=[0.1, 0.05])
    elements, found = committor(what)
    z = elements.populations(found)
    functional = elements.functional(found)
    gap = elements.spectral_gap(found)
    root = 1.0 / np.sqrt(elements.mass)
    dense = np.linalg.eigvalsh(elements.stiffness.toarray() * np.outer(root, root))
    assert gap == pytest.approx(dense[1], rel=1e-5)
    assert gap == pytest.approx(functional / z[0] + functional / z[1], rel=0.03)


# Order of the bounds ----------------------------------------------------------------------------------------------


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    barrier=st.floats(4, 12),
    kappa=st.floats(4, 30),
    c=st.floats(0.5, 1.3),
    tilt=st.floats(-3, 3),
    skew=st.floats(-0.5, 0.5),
    bump=st.floats(-2, 2),
    slow=st.floats(-4, 0),
    correlation=st.floats(-0.9, 0.9),
    beta=st.floats(0.6, 1.4),
)
def test_exact_below_gz_below_each_trial_on_random_surfaces(
    barrier: float, kappa: float, c: float, tilt: float, skew: float, bump: float, slow: float,
    correlation: float, beta: float,
) -> None:  # fmt: skip
    yy = 10.0**slow
    xy = correlation * np.sqrt(yy)
    what = case(
        model=None,
        params={"d": barrier, "k": kappa, "c": c, "a": tilt, "b": skew, "g": bump},
        formula="d*(x^2-1)^2*exp(b*x) + a*x + k/2*(y-c*x)^2 + g*exp(-8*((x-0.2)^2 + (y+0.1)^2)) + 0.3*y^4",
        D=[[1.0, xy], [xy, yy]],
        beta=beta,
        state_A="x <= -0.8 and y <= -0.3",
        state_B="x >= 0.8 and y >= 0.3",
        grid_h=[0.1, 0.05],
    )
    try:
        elements = analysis.prepare(what, what.grids()[0])
        points = analysis.stationary_points(what, elements)
    except TheoryError:
        return  # a tilt may have drowned a well
    level = analysis.solve(what, what.grids()[0], points, elements.cut, gap=False)
    values = level.values
    exact, every = values["k_exact"], values["GZ_all.k"]
    single = {name.removeprefix("k_trial_"): k for name, k in values.items() if name.startswith("k_trial_")}
    assert len(single) >= 3
    slack = 1 + 1e-7
    assert exact <= every * slack
    for name, k in values.items():
        if name.startswith("GZ_") and name.endswith(".k") and name != "GZ_all.k":
            first, second = name.split(".")[0].split("_")[1:]
            assert every <= k * slack
            assert k <= min(single[first], single[second]) * slack
    # Every trial keeps the boundary conditions, without which the order means nothing.
    for name in single:
        trial = level.committors[name]
        assert np.abs(trial.value[level.elements.in_a]).max() == 0 == np.abs(trial.rest[level.elements.in_b]).max()
        assert np.allclose(trial.value + trial.rest, 1.0, atol=1e-9)


def test_combination_of_two_is_the_closed_form_and_is_not_clamped() -> None:
    for gram in ([[2.0, 0.5], [0.5, 1.0]], [[1.0, 1.3], [1.3, 2.0]]):
        (f11, f12), (_, f22) = gram
        found = combination.combine(np.array(gram))
        assert found.weights[0] == pytest.approx((f22 - f12) / (f11 + f22 - 2 * f12))
        assert found.functional == pytest.approx((f11 * f22 - f12**2) / (f11 + f22 - 2 * f12))
    assert found.weights[0] > 1  # F_12 > F_11
    same = combination.combine(np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert np.allclose(same.weights, 0.5) and same.functional == pytest.approx(1.0)


# Symmetry ---------------------------------------------------------------------------------------------------------


def test_avoidance_follows_the_symmetry_that_surface_and_diffusion_share() -> None:
    symmetric = {"params": {"Delta": 8, "kappa": 12, "c": 1.0}}
    tensor = [[1.0, 0.05], [0.05, 0.01]]
    # Inversion survives any constant D ...
    held = analysis.analyse(case(**symmetric, D=tensor), full=False)
    assert held.must_vanish is not None and held.must_vanish.name == "inversion"
    assert held.separatrices["exact"].phi_saddle == pytest.approx(0.5, abs=1e-6)
    assert held.separatrices["exact"].SPA_norm < 1e-4
    # ... though the flux passes the saddle by (S3) ...
    assert held.separatrices["exact"].flux_rms_offset[0] > 0.2
    # ... but not a D that depends on position without the symmetry.
    broken = analysis.analyse(case(**symmetric, D={"xx": "1 + 0.5*x", "yy": 1.0}), full=False)
    assert broken.must_vanish is None
    assert abs(broken.separatrices["exact"].phi_saddle - 0.5) > 0.02


def test_mirror_symmetric_surface_avoids_its_saddle_when_diffusion_is_not_mirror_symmetric() -> None:
    mirror = {
        "model": "Mirror", "params": {"Delta": 6, "kappa": 12, "q": 0.8},
        "state_A": "x <= -0.8 and y <= 0.4", "state_B": "x >= 0.8 and y <= 0.4",
        "domain": [-1.7, 1.7, -1.6, 2.4], "grid_h": [0.05, 0.025],
    }  # fmt: skip
    straight = analysis.analyse(case(**mirror, D=[[1.0, 0.0], [0.0, 0.1]]), full=False)
    assert straight.must_vanish is not None and straight.must_vanish.name == "mirror x -> -x"
    assert straight.separatrices["exact"].phi_saddle == pytest.approx(0.5, abs=1e-6)
    assert straight.kramers_axis == "Kx"
    skew = analysis.analyse(case(**mirror, D=[[1.0, 0.2], [0.2, 0.1]]), full=False)
    assert skew.must_vanish is None
    assert any(s.surface_has_it for s in skew.symmetries)
    assert skew.separatrices["exact"].phi_saddle < 0.47
    assert any("symmetry" in sentence and "D does not share" in sentence for sentence in skew.verdict())


# Shooting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tensor", [1.0, [[1.0, 0.3], [0.3, 0.4]], {"xx": "1 + 0.4*x", "yy": "0.5 + 0.2*y^2", "xy": 0.1}]
)
def test_committor_agrees_with_brownian_shooting(tensor: object) -> None:
    """Three points, 700 trajectories each; a wrong sign of D_xy or of the drift div D fails."""
    what = case(D=tensor, params={"Delta": 5, "kappa": 8, "c": 1, "a": -1, "b": 0})
    elements, exact = committor(what, fine=True)
    points = np.array([[0.0, 0.0], [0.15, 0.2], [-0.2, -0.1]])
    shots = shooting.brownian(what, points, 700, np.random.default_rng(3))
    q = elements.interpolate(exact.value, points)
    z = (shots.k / shots.n - q) / np.sqrt(q * (1 - q) / shots.n)
    assert np.abs(z).max() < 3.5
    assert np.ptp(q) > 0.3  # the points are told apart


def test_what_is_measured_stands_beside_the_theory() -> None:
    what = case()
    points = np.array([[0.0, 0.0], [0.1, 0.0]])
    elements, exact = committor(what, fine=True)
    q = elements.interpolate(exact.value, points)
    counts = np.rint(q * 1000).astype(int)
    measured = measured_committors.MeasuredCommittors(points, counts, np.full(2, 1000))
    rows = outcome.beside(analysis.analyse(dataclasses.replace(what, measured=measured), full=False))
    for row, want in zip(rows, q, strict=True):
        assert row["exact"] == pytest.approx(want, abs=1e-6)
        assert row["low"] < want < row["high"] and abs(row["z"]) < 0.1
        assert abs(row["KLBS"] - want) > 0.005  # KLBS is 1/2 at the saddle, and is told apart from exact


# Sinks ------------------------------------------------------------------------------------------------------------


def test_sink_model_of_a_parabola_with_a_parabolic_sink() -> None:
    """Closed form of docs/theory.md, section 7: V = K y^2/2, k = a y^2."""
    k, d, a = 1.0, 0.7, 0.4
    y = np.linspace(-9, 9, 1801)
    model = sinks.Sink(y, 0.5 * k * y**2, np.full_like(y, d), a * y**2)
    theta = d * k
    omega = np.sqrt(theta**2 + 4 * a * d)
    assert model.slowest == pytest.approx(0.5 * (omega - theta), rel=1e-4)
    t = np.array([0.1, 0.5, 2.0, 6.0])
    want = np.exp(0.5 * theta * t) / np.sqrt(
        np.cosh(omega * t) + 0.5 * (omega / theta + theta / omega) * np.sinh(omega * t)
    )
    assert np.allclose(model.survival(t), want, rtol=2e-4)
    assert model.survival(np.array([0.0]))[0] == pytest.approx(1.0)
    assert model.transition_state == pytest.approx(a / k, rel=1e-4)
    assert model.slowest < model.inverse_mean_time < model.transition_state


def test_sink_model_is_right_where_hops_are_rare_and_nothing_returns() -> None:
    what = case(params={"Delta": 8, "kappa": 12, "c": 1, "a": -4}, D=[[1.0, 0.0], [0.0, 30.0]])
    elements, exact = committor(what, fine=True)
    rate = elements.functional(exact) / elements.populations(exact)[0]
    model = sinks.from_surface(elements)
    # y is at equilibrium between hops: the three rates are one, that of the frozen-y hops alone, below the exact one.
    assert model.slowest == pytest.approx(model.transition_state, rel=2e-3)
    assert 0.2 < model.slowest / rate < 1.0
