"""Langer's rate and the KLBS direction in any number of variables, with and without inertia.

Langer, Ann. Phys. 1969, 54, 258; Berezhkovskii and Szabo, J. Chem. Phys. 2005, 122, 014503; equations (6) to (8) and
(15) of docs/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from separatrix.theory.elements import TheoryError


@dataclass(frozen=True)
class Langer:
    """Langer's answer at a saddle.

    Attributes
    ----------
    k
        Rate from the harmonic well over the harmonic saddle, 1/time. Not a bound (both ends are expansions).
    beta_mu
        beta mu, 1/time; mu is minus the negative eigenvalue of H D.
    e
        KLBS direction, shape (n,), of Euclidean length 1, pointing from A to B; mixed units, if the variables have.
    sigma
        Width of the committor along e . (r - r_s), in the units of that product.
    flux_direction
        D e, of Euclidean length 1: where the flux goes.
    """

    k: float
    beta_mu: float
    e: np.ndarray
    sigma: float
    flux_direction: np.ndarray


def klbs(hessian: np.ndarray, diffusion: np.ndarray) -> tuple[float, np.ndarray]:
    """mu and the KLBS direction e: H D e = -mu e (Eq. 6).

    Parameters
    ----------
    hessian
        At the saddle, shape (n, n), energy per product of variables; one negative eigenvalue.
    diffusion
        D at the saddle, shape (n, n), symmetric positive definite.

    Returns
    -------
    mu (energy/time, above zero) and e, shape (n,), of Euclidean length 1.

    Raises
    ------
    TheoryError
        When the Hessian has not exactly one negative eigenvalue or D is not positive definite.
    """
    hessian, diffusion = np.asarray(hessian, dtype=float), np.asarray(diffusion, dtype=float)
    try:
        root = linalg.cholesky(diffusion, lower=True)
    except linalg.LinAlgError as error:
        raise TheoryError("D: is not positive definite at the saddle") from error
    # L^T H L is symmetric and has the eigenvalues of H D; with L^T H L v = -mu v, e = L^-T v.
    values, vectors = linalg.eigh(root.T @ hessian @ root)
    if (values < 0).sum() != 1:
        raise TheoryError(f"the saddle has {(values < 0).sum()} unstable directions; a saddle has one")
    e = linalg.solve_triangular(root.T, vectors[:, 0], lower=False)
    return -float(values[0]), e / np.linalg.norm(e)


def width(e: np.ndarray, hessian: np.ndarray, beta: float) -> float:
    """Width sigma of the committor along e (Eq. 7): sigma^2 = -(e . H^-1 . e)/beta."""
    curvature = float(e @ np.linalg.solve(hessian, e))
    if curvature >= 0:
        raise TheoryError("along this direction the saddle is no barrier")
    return float(np.sqrt(-curvature / beta))


def harmonic_ratio(hessian_a: np.ndarray, hessian: np.ndarray) -> float:
    """sqrt(det H_A/|det H|), by slogdet so that many variables do not overflow."""
    (sign, well), (_, top) = np.linalg.slogdet(hessian_a), np.linalg.slogdet(hessian)
    if sign <= 0 or np.linalg.eigvalsh(hessian_a).min() <= 0:
        raise TheoryError("the minimum of state_A is no minimum: its Hessian is not positive definite")
    return float(np.exp(0.5 * (well - top)))


def langer(
    hessian_a: np.ndarray,
    hessian: np.ndarray,
    diffusion: np.ndarray,
    barrier: float,
    beta: float,
    forward: np.ndarray | None = None,
) -> Langer:
    """Langer's rate (Eq. 8) and the KLBS direction and width (Eqs. 6, 7).

    Parameters
    ----------
    hessian_a, hessian
        Second derivatives of U at the minimum of A and at the saddle, shape (n, n).
    diffusion
        D at the saddle, shape (n, n), units of the variables squared per time.
    barrier
        U(saddle) - U(minimum of A), energy.
    beta
        Inverse temperature, 1/energy.
    forward
        Vector from A to B, which gives e its sign; without it the largest component of e is positive.

    Raises
    ------
    TheoryError
        As :func:`klbs` and :func:`harmonic_ratio`.
    """
    mu, e = klbs(hessian, diffusion)
    towards = float(e @ forward) if forward is not None else float(e[np.argmax(np.abs(e))])
    e = e if towards >= 0 else -e
    k = beta * mu / (2.0 * np.pi) * harmonic_ratio(hessian_a, hessian) * np.exp(-beta * barrier)
    along = np.asarray(diffusion) @ e
    return Langer(float(k), beta * mu, e, width(e, np.asarray(hessian), beta), along / np.linalg.norm(along))


def committor(points: np.ndarray, saddle: np.ndarray, e: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """KLBS committor (Eq. 7) and its complement: Phi(s/sigma) and Phi(-s/sigma), s = e . (r - r_s).

    Parameters
    ----------
    points
        Shape (k, n).
    """
    s = (np.asarray(points) - saddle) @ e / sigma
    return special.ndtr(s), special.ndtr(-s)


def inertial_frequency(mass: np.ndarray, friction: np.ndarray, hessian: np.ndarray) -> float:
    """Largest real root lambda of det(l^2 M + l Gamma + H) = 0 (Eq. 15), 1/time.

    Parameters
    ----------
    mass, friction, hessian
        Shape (n, n). With friction = kT D^-1 and large friction, lambda becomes beta mu of :func:`klbs`.

    Raises
    ------
    TheoryError
        When no root is positive: the Hessian has no unstable direction.
    """
    n = len(hessian)
    companion = np.block([[np.zeros((n, n)), np.eye(n)], [-np.asarray(hessian), -np.asarray(friction)]])
    weight = linalg.block_diag(np.eye(n), mass)
    roots = linalg.eigvals(companion, weight)
    real = roots.real[np.abs(roots.imag) <= 1e-9 * np.abs(roots).max()]
    if not (real > 0).any():
        raise TheoryError("the saddle has no unstable direction")
    return float(real[real > 0].max())


def inertial_rate(
    hessian_a: np.ndarray, hessian: np.ndarray, mass: np.ndarray, friction: np.ndarray, barrier: float, beta: float
) -> float:
    """Langer's phase-space rate (Eq. 15), 1/time; the arguments are those of :func:`langer` and above."""
    frequency = inertial_frequency(mass, friction, hessian)
    return frequency / (2.0 * np.pi) * harmonic_ratio(hessian_a, hessian) * float(np.exp(-beta * barrier))
