"""Langer, KLBS, Grote-Hynes and planar variational theory against each other and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from separatrix.theory import langer, memory
from separatrix.theory.elements import TheoryError
from separatrix.theory.memory import Friction


def random_saddle(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hessian of a saddle, diffusion tensor and Hessian of a minimum."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((n, n)))[0]
    curvatures = rng.uniform(0.5, 4.0, n)
    curvatures[0] *= -1
    root = rng.standard_normal((n, n))
    return rotation @ np.diag(curvatures) @ rotation.T, root @ root.T + 0.3 * np.eye(n), np.diag(rng.uniform(1, 3, n))


def rayleigh(e: np.ndarray, hessian: np.ndarray, diffusion: np.ndarray) -> float:
    """R(e) = -eDe/(e . H^-1 . e), energy/time; beta R(e), with the factors of Eq. 8, is Kramers' rate along e."""
    return float(-(e @ diffusion @ e) / (e @ np.linalg.solve(hessian, e)))


def test_one_variable_is_kramers() -> None:
    """k = (beta D/2 pi) sqrt(U''_A |U''_b|) exp(-beta dU), Kramers 1940, overdamped."""
    found = langer.langer(np.array([[5.0]]), np.array([[-3.0]]), np.array([[0.7]]), 8.0, 1.3)
    assert found.k == pytest.approx(1.3 * 0.7 / (2 * np.pi) * np.sqrt(15.0) * np.exp(-1.3 * 8.0))
    assert found.sigma == pytest.approx(1 / np.sqrt(1.3 * 3.0))


@pytest.mark.parametrize("n", [2, 5])
def test_klbs_direction_is_a_left_eigenvector_and_the_best_direction(n: int) -> None:
    for seed in range(4):
        hessian, diffusion, _ = random_saddle(n, seed)
        mu, e = langer.klbs(hessian, diffusion)
        assert np.allclose(hessian @ diffusion @ e, -mu * e)
        assert rayleigh(e, hessian, diffusion) == pytest.approx(mu)
        # Eq. 7, in both of its forms.
        assert langer.width(e, hessian, 2.0) ** 2 == pytest.approx(e @ diffusion @ e / (2.0 * mu))
        rng = np.random.default_rng(seed)
        for _ in range(200):
            other = e + 0.3 * rng.standard_normal(n)
            if other @ np.linalg.solve(hessian, other) < 0:
                assert rayleigh(other, hessian, diffusion) >= mu * (1 - 1e-12)


def test_rate_does_not_depend_on_the_units_of_the_variables() -> None:
    hessian, diffusion, well = random_saddle(3, 7)
    scale = np.diag([1.0, 57.3, 0.1])
    inverse = np.linalg.inv(scale)
    one = langer.langer(well, hessian, diffusion, 6.0, 1.0)
    other = langer.langer(inverse @ well @ inverse, inverse @ hessian @ inverse, scale @ diffusion @ scale, 6.0, 1.0)
    assert other.k == pytest.approx(one.k)
    # The committor is the same function: s/sigma at one point and at its image.
    point = np.array([0.1, -0.2, 0.3])
    first = langer.committor(point[None], np.zeros(3), one.e, one.sigma)[0][0]
    second = langer.committor((scale @ point)[None], np.zeros(3), other.e, other.sigma)[0][0]
    assert second == pytest.approx(first) or second == pytest.approx(1 - first)


def test_phase_space_rate_becomes_the_diffusive_one_at_high_friction() -> None:
    hessian, diffusion, well = random_saddle(3, 1)
    mass = np.diag([1.0, 2.0, 0.5])
    beta = 1.5
    diffusive = langer.langer(well, hessian, diffusion, 5.0, beta).k
    for factor, tolerance in ((1.0, None), (1e3, 1e-3)):
        # Friction times a factor is D over it.
        friction = factor * np.linalg.inv(diffusion) / beta
        k = langer.inertial_rate(well, hessian, mass, friction, 5.0, beta) * factor
        if tolerance is None:
            assert k < 0.99 * diffusive  # inertia slows this saddle down
        else:
            assert k == pytest.approx(diffusive, rel=tolerance)


def test_what_is_no_saddle_is_refused() -> None:
    for hessian in (np.diag([1.0, 2.0]), np.diag([-1.0, -2.0])):
        with pytest.raises(TheoryError, match="unstable direction"):
            langer.klbs(hessian, np.eye(2))
    with pytest.raises(TheoryError, match="positive definite"):
        langer.klbs(np.diag([-1.0, 2.0]), np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(TheoryError, match="no minimum"):
        langer.langer(np.diag([1.0, -1.0]), np.diag([-1.0, 1.0]), np.eye(2), 1.0, 1.0)


def test_grote_hynes_is_langer_with_the_bath_made_explicit() -> None:
    """An overdamped y at kappa/2 (y - c x)^2 gives x the kernel kappa c^2 exp(-t/tau), tau = gamma_y/kappa."""
    wb2, kappa, c, gamma_x, gamma_y = 4.0, 3.0, 0.8, 0.5, 6.0
    friction = Friction(gamma_x, (kappa * c**2,), (gamma_y / kappa,))
    hessian = np.array([[-wb2 + kappa * c**2, -kappa * c], [-kappa * c, kappa]])
    explicit = langer.inertial_frequency(np.diag([1.0, 1e-9]), np.diag([gamma_x, gamma_y]), hessian)
    # The top that Grote and Hynes see is that of the mean force, -wb2.
    assert memory.grote_hynes(np.sqrt(wb2), friction) == pytest.approx(explicit, rel=1e-7)
    # Without memory: Kramers' turnover formula.
    plain = memory.grote_hynes(2.0, Friction(3.0))
    assert plain == pytest.approx(np.sqrt(4.0 + 2.25) - 1.5)


def test_planar_variational_theory_of_a_parabola_is_grote_hynes() -> None:
    wb, beta = 2.0, 3.0
    friction = Friction(1.0, (5.0,), (0.7,))
    lam = memory.grote_hynes(wb, friction)

    def parabola(q: np.ndarray) -> np.ndarray:
        return -0.5 * wb**2 * q**2

    best = memory.plane_flux(parabola, friction, beta, 1.0, lam, 0.0)
    assert best == pytest.approx(lam / wb / np.sqrt(2 * np.pi * beta), rel=1e-10)
    rng = np.random.default_rng(0)
    for _ in range(100):
        g, factor, s = rng.standard_normal(3) * [0.2, 0.3, 0.1]
        assert memory.plane_flux(parabola, friction, beta, 1 + g, lam * np.exp(factor), s) >= best * (1 - 1e-10)
    found = memory.variational(parabola, friction, beta, wb)
    assert found.flux == pytest.approx(best, rel=1e-8)
    assert found.g == pytest.approx(1.0, abs=1e-3) and found.s == pytest.approx(0.0, abs=1e-4)


def test_planar_variational_theory_bounds_a_double_well_from_above_and_keeps_its_symmetry() -> None:
    """For a symmetric potential the best plane passes the top (s = 0): no avoidance; for a tilted one it does not."""
    beta, delta = 1.0, 8.0
    wb = np.sqrt(4 * delta)
    friction = Friction(0.5, (40.0,), (2.0,))

    def well(q: np.ndarray) -> np.ndarray:
        return delta * ((np.clip(q, -6, 6) ** 2 - 1) ** 2 - 1)

    found = memory.variational(well, friction, beta, wb, shifts=(0.0, 0.2))
    assert found.s == pytest.approx(0.0, abs=1e-3)
    transition_state = 1.0 / np.sqrt(2 * np.pi * beta)
    grote_hynes = memory.grote_hynes(wb, friction) / wb * transition_state
    assert found.flux < transition_state
    assert found.flux <= memory.plane_flux(well, friction, beta, 1.0, memory.grote_hynes(wb, friction), 0.0)
    assert found.flux > 0.5 * grote_hynes

    def tilted(q: np.ndarray) -> np.ndarray:
        return well(q) + 4.0 * np.clip(q, -6, 6) ** 3

    assert abs(memory.variational(tilted, friction, beta, wb, shifts=(0.0, 0.2, -0.2)).s) > 1e-3
