"""Committors by shooting: Brownian trajectories from given points until they reach a state.

An answer that shares nothing with the finite elements but the surface, and the same experiment that aimless shooting
and committor tests do on a molecule.
"""

from __future__ import annotations

import numpy as np

from separatrix.theory.diffusion import Diffusion
from separatrix.theory.elements import TheoryError
from separatrix.theory.measured_committors import MeasuredCommittors
from separatrix.theory.model_file import Case
from separatrix.theory.surfaces import Surface


def brownian(
    case: Case,
    points: np.ndarray,
    shots: int,
    rng: np.random.Generator,
    *,
    time_step: float | None = None,
    max_steps: int = 200_000,
) -> MeasuredCommittors:
    """Shoot overdamped trajectories from points and count those that reach B before A.

    dr = (-beta D grad U + div D) dt + sqrt(2 D) dW (Ito), by Euler's scheme, with reflecting borders of the domain. Its
    error is of first order in the time step.

    Parameters
    ----------
    case
        Surface, diffusion, states and domain.
    points
        Shape (m, 2).
    shots
        Trajectories from each point.
    rng
        Of the noise.
    time_step
        Units of time; if absent, 0.02 over the fastest harmonic relaxation rate at the points and around them.
    max_steps
        Of a trajectory.

    Raises
    ------
    TheoryError
        When some trajectory has reached no state by then.
    """
    points = np.asarray(points, dtype=float)
    low, high = np.array(case.domain[::2]), np.array(case.domain[1::2])
    step = 1e-4 * (high - low)
    dt = _time_step(case, points) if time_step is None else time_step
    place = np.repeat(points, shots, axis=0)
    ended = np.zeros(len(place), dtype=int)  # 0 on the way, 1 in B, -1 in A
    moving = np.arange(len(place))
    # Who starts in a state has arrived.
    for count in range(max_steps + 1):
        x, y = place[moving].T
        outcome = np.where(case.state_b(x=x, y=y), 1, np.where(case.state_a(x=x, y=y), -1, 0))
        ended[moving] = outcome
        moving = moving[outcome == 0]
        if not moving.size or count == max_steps:
            break
        place[moving] = _moved(case, place[moving], dt, step, low, high, rng)
    if moving.size:
        raise TheoryError(
            f"{moving.size} of {len(place)} trajectories have reached no state after {max_steps} steps of {dt:.3g}; "
            "allow more steps, or shoot from fewer points"
        )
    k = (ended.reshape(len(points), shots) == 1).sum(axis=1)
    return MeasuredCommittors(points, k, np.full(len(points), shots))


def _time_step(case: Case, points: np.ndarray) -> float:
    """0.02 over the largest |eigenvalue| of beta D H at the points."""
    fastest = max(
        np.abs(np.linalg.eigvals(case.beta * case.diffusion.at(r) @ case.surface.hessian(r))).max() for r in points
    )
    return float(0.02 / fastest)


def _slope(surface: Surface, points: np.ndarray, step: np.ndarray) -> np.ndarray:
    """grad U at points, shape (n, 2), by central differences."""
    x, y = points.T
    along_x = surface.energy(x + step[0], y) - surface.energy(x - step[0], y)
    along_y = surface.energy(x, y + step[1]) - surface.energy(x, y - step[1])
    return np.stack([along_x, along_y], axis=1) / (2.0 * step)


def _moved(
    case: Case,
    points: np.ndarray,
    dt: float,
    step: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    diffusion: Diffusion = case.diffusion
    xx, xy, yy = (np.broadcast_to(d, len(points)) for d in diffusion.components(*points.T))
    slope = -case.beta * _slope(case.surface, points, step)
    drift = np.stack([xx * slope[:, 0] + xy * slope[:, 1], xy * slope[:, 0] + yy * slope[:, 1]], axis=1)
    drift += diffusion.divergence(points, step)
    noise = rng.standard_normal(points.shape)
    root = np.sqrt(xx)
    # The Cholesky factor of D.
    across = xy / root
    kick = np.stack([root * noise[:, 0], across * noise[:, 0] + np.sqrt(yy - across**2) * noise[:, 1]], axis=1)
    moved = points + drift * dt + np.sqrt(2.0 * dt) * kick
    moved = np.where(moved < low, 2.0 * low - moved, np.where(moved > high, 2.0 * high - moved, moved))
    # A step off the known surface is not made.
    defined = np.isfinite(moved).all(axis=1) & np.isfinite(case.surface.energy(*moved.T))
    return np.where(defined[:, None], moved, points)
