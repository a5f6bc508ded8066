"""Walks on a potential-energy surface that know its curvature: up to saddles, and down from them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from separatrix.core.errors import StationaryError
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.dynamics.motion import motions_left_out

log = logging.getLogger(__name__)

#: Energy and gradient of positions: nm -> kJ/mol, kJ/mol/nm
EnergyAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]


class Unfinished(StationaryError):
    """A walk that has not arrived.

    Attributes
    ----------
    positions, energy
        Where it was when it gave up: nm, kJ/mol.
    """

    def __init__(self, message: str, positions: np.ndarray, energy: float) -> None:
        super().__init__(message)
        self.positions, self.energy = positions, energy


def largest_force(gradient: np.ndarray) -> float:
    """Largest force on an atom, kcal/mol/angstrom, of a gradient in kJ/mol/nm, shape (n_atoms, 3)."""
    return float(np.linalg.norm(gradient, axis=1).max()) / (KCAL / ANGSTROM)


def hessian(surface: EnergyAndGradient, positions: np.ndarray, step: float = 0.001) -> np.ndarray:
    """Hessian by central differences of the gradient, symmetrised.

    Parameters
    ----------
    positions
        nm, shape (n_atoms, 3).
    step
        Displacement in nm.

    Returns
    -------
    kJ/mol/nm^2, shape (3 n_atoms, 3 n_atoms).
    """
    n = positions.size
    result = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step
        shift = shift.reshape(positions.shape)
        result[i] = (surface(positions + shift)[1] - surface(positions - shift)[1]).ravel() / (2.0 * step)
    return 0.5 * (result + result.T)


def complement(rows: np.ndarray) -> np.ndarray:
    """Orthonormal basis, in rows, of what is perpendicular to orthonormal rows."""
    if len(rows) == 0:
        return np.eye(rows.shape[1])
    _, _, basis = np.linalg.svd(rows, full_matrices=True)
    return basis[len(rows) :]


def _internal(
    matrix: np.ndarray, positions: np.ndarray, isolated: bool, active: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and Cartesian eigenvectors of a Hessian without rigid motions (unit masses)."""
    inner = complement(motions_left_out(positions, np.ones(len(positions)), isolated=isolated, active=active))
    values, vectors = np.linalg.eigh(inner @ matrix @ inner.T)
    return values, vectors.T @ inner


#: Largest force on an atom, kcal/mol/angstrom, below which a walk is nearly at a saddle.
NEAR = 1.0
#: How far above its start a walk to a saddle is lost, kcal/mol.
LOST = 300.0


def walk_to_saddle(
    surface: EnergyAndGradient,
    positions: np.ndarray,
    *,
    fmax: float,
    cycles: int,
    max_step: float = 0.02,
    isolated: bool = True,
    active: np.ndarray | None = None,
) -> np.ndarray:
    """Partitioned rational-function optimisation to a first-order saddle.

    Uphill along one mode, downhill along all others (Banerjee, Adams, Simons and Shepard, J. Phys. Chem. 1985,
    89, 52). The Hessian is computed by finite differences every few cycles and updated in between (Bofill, J.
    Comput. Chem. 1994, 15, 1); the mode followed is the one that overlaps most with the last one, so that a
    crossing of eigenvalues does not change what is followed.

    Parameters
    ----------
    positions
        Start, nm, with one clearly negative eigenvalue along the wanted reaction, if possible.
    fmax
        Largest force on an atom at the end, kcal/mol/angstrom.
    max_step
        Largest displacement of an atom in one step, nm.
    isolated, active
        Of the :class:`Potential`.

    Raises
    ------
    Unfinished
        When `fmax` is not reached within `cycles`, or a quarter more where the largest force is below `NEAR`; or when
        the walk has climbed by more than `LOST`.
    """
    x = positions.copy()
    energy, gradient = surface(x)
    matrix = hessian(surface, x)
    follow: np.ndarray | None = None
    trust = 0.5 * max_step
    begun, most = energy, cycles + cycles // 4
    for cycle in range(most):
        force = largest_force(gradient)
        log.info("  saddle cycle %d: largest force %.3f kcal/mol/A", cycle, force)
        if force < fmax:
            return x
        # A walk that is nearly there goes on for a little; one that has torn the molecule apart does not come back.
        if (cycle >= cycles and force > NEAR) or energy - begun > LOST * KCAL:
            raise Unfinished(f"no saddle within {cycle} cycles", x, energy)
        if cycle and cycle % 15 == 0:
            matrix = hessian(surface, x)
        values, vectors = _internal(matrix, x, isolated, active)
        up = 0 if follow is None else int(np.argmax(np.abs(vectors @ follow)))
        follow = vectors[up]
        along = vectors @ gradient.ravel()
        step = np.empty_like(along)
        rest = np.arange(len(values)) != up
        # Uphill: the higher root of the 2 x 2 problem; downhill: the lowest root of the others', by bisection.
        high = 0.5 * (values[up] + np.sqrt(values[up] ** 2 + 4.0 * along[up] ** 2))
        step[up] = -along[up] / (values[up] - high) if along[up] != 0.0 else 0.0
        low = _lowest_root(values[rest], along[rest])
        # A direction that symmetry leaves without force may be the lowest itself: nothing to divide, and no step.
        step[rest] = -along[rest] / np.where(along[rest] == 0.0, 1.0, values[rest] - low)
        move = (vectors.T @ step).reshape(x.shape)
        longest = np.linalg.norm(move, axis=1).max()
        if longest > trust:
            move *= trust / longest
        energy_new, gradient_new = surface(x + move)
        flat = move.ravel()
        foreseen = gradient.ravel() @ flat + 0.5 * flat @ matrix @ flat
        # What the quadratic model got wrong, as a share of what it foresaw, steers how far it is trusted.
        wrong = abs(energy_new - energy - foreseen) / max(abs(foreseen), 0.01)
        if wrong > 0.6:
            trust = max(0.4 * np.linalg.norm(move, axis=1).max(), 0.05 * max_step)
        elif wrong < 0.25:
            trust = min(1.4 * trust, max_step)
        matrix = _bofill(matrix, flat, (gradient_new - gradient).ravel())
        if wrong > 2.0 and abs(energy_new - energy) > 4.0:
            continue  # a bad step is not taken, but what it taught the Hessian is kept
        x, energy, gradient = x + move, energy_new, gradient_new
    raise Unfinished(f"no saddle within {most} cycles", x, energy)


def _lowest_root(values: np.ndarray, along: np.ndarray) -> float:
    """Lowest eigenvalue of the bordered matrix [[values, along], [along, 0]]."""
    n = len(values)
    bordered = np.zeros((n + 1, n + 1))
    bordered[np.arange(n), np.arange(n)] = values
    bordered[:n, n] = bordered[n, :n] = along
    return float(np.linalg.eigvalsh(bordered)[0])


def _bofill(matrix: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    residual = change - matrix @ step
    ss, rs, rr = step @ step, residual @ step, residual @ residual
    if ss < 1e-20 or rr < 1e-20:
        return matrix
    weight = rs * rs / (ss * rr)
    symmetric_rank_one = np.outer(residual, residual) / rs if abs(rs) > 1e-12 else 0.0
    powell = (np.outer(residual, step) + np.outer(step, residual)) / ss - rs * np.outer(step, step) / ss**2
    return matrix + weight * symmetric_rank_one + (1.0 - weight) * powell


def follow_mode(
    surface: EnergyAndGradient,
    positions: np.ndarray,
    *,
    fmax: float,
    rounds: int = 8,
    steps: int = 40,
    max_step: float = 0.005,
    isolated: bool = True,
    active: np.ndarray | None = None,
) -> np.ndarray:
    """Walk to a saddle uphill along one fixed mode after another, downhill across it by a damped quasi-Newton method.

    Slower than :func:`walk_to_saddle` where that arrives, but it tolerates what that does not: across the mode the
    model of the surface stays convex (Powell's damping of the BFGS update), so that the noise of a self-consistent
    field cannot make it see a second way up among soft modes. The mode is the lowest of a Hessian by finite
    differences, one per round.

    Parameters
    ----------
    positions
        Start, nm, with one clearly negative eigenvalue along the wanted reaction.
    fmax
        Largest force on an atom at the end, kcal/mol/angstrom.
    rounds, steps
        Hessians, and steps with each, at most.
    max_step
        Largest displacement of an atom in one step, nm.
    isolated, active
        Of the :class:`Potential`.

    Raises
    ------
    Unfinished
        When `fmax` is not reached.
    """
    x = positions.copy()
    energy, gradient = surface(x)
    for number in range(rounds):
        values, vectors = _internal(hessian(surface, x), x, isolated, active)
        mode = vectors[0]

        def turned(vector: np.ndarray, mode: np.ndarray = mode) -> np.ndarray:
            return vector - 2.0 * (vector @ mode) * mode

        # Softer than this (kJ/mol/nm^2) a direction is all but free, and a step along it has no scale.
        stiffness = np.maximum(np.abs(values), 100.0)
        model = np.diag(stiffness)
        for _ in range(steps):
            force = largest_force(gradient)
            if force < fmax:
                return x
            slope = vectors @ turned(gradient.ravel())
            step = -np.linalg.solve(model, slope)
            move = (vectors.T @ step).reshape(x.shape)
            longest = np.linalg.norm(move, axis=1).max()
            if longest > max_step:
                step, move = step * max_step / longest, move * max_step / longest
            x = x + move
            energy, after = surface(x)
            change = vectors @ turned((after - gradient).ravel())
            gradient = after
            expected = model @ step
            curved, actual = step @ expected, step @ change
            if actual < 0.2 * curved:
                share = 0.8 * curved / (curved - actual)
                change = share * change + (1.0 - share) * expected
            model = model + np.outer(change, change) / (step @ change) - np.outer(expected, expected) / curved
        log.info("  round %d along the mode: largest force %.3f kcal/mol/A", number + 1, largest_force(gradient))
    raise Unfinished(f"nor with {rounds} rounds along the softest mode", x, energy)


def descend(
    surface: EnergyAndGradient,
    saddle: np.ndarray,
    direction: np.ndarray,
    matrix: np.ndarray,
    masses: np.ndarray,
    *,
    arrived: Callable[[np.ndarray, float, float], bool],
    isolated: bool = True,
    active: np.ndarray | None = None,
    max_step: float = 0.005,
    steps: int = 60,
) -> tuple[np.ndarray, float, float]:
    """Follow the path of steepest descent from a saddle, in mass-weighted coordinates (the intrinsic reaction path).

    Each step goes along the path of the local quadratic approximation (Page and McIver, J. Chem. Phys. 1988, 88, 922)
    for a bounded arc, with a Hessian that begins as that of the saddle and is updated (Bofill). Near a minimum such a
    step is Newton's.

    Parameters
    ----------
    saddle
        nm, shape (n_atoms, 3).
    direction
        Displacement to begin with, nm.
    matrix
        Hessian at the saddle, kJ/mol/nm^2.
    masses
        dalton.
    arrived
        Whether to stop, asked before every step with positions, energy and the largest force.
    max_step
        Largest displacement of an atom in one step, nm.
    steps
        At most; also the end where the energy no longer falls, which the noise of a field may bring about.

    Returns
    -------
    Positions in nm, energy in kJ/mol and largest force on an atom in kcal/mol/angstrom where it ends.
    """
    root = np.repeat(np.sqrt(masses), 3)
    x = saddle + direction
    energy, gradient = surface(x)
    bound = max_step
    for _ in range(steps):
        if arrived(x, energy, largest_force(gradient)):
            break
        inner = complement(motions_left_out(x, masses, isolated=isolated, active=active))
        values, vectors = np.linalg.eigh(inner @ (matrix / np.outer(root, root)) @ inner.T)
        axes = vectors.T @ inner
        move = _arc(values, axes @ (gradient.ravel() / root), axes / root, bound).reshape(x.shape)
        below, after = surface(x + move)
        matrix = _bofill(matrix, move.ravel(), (after - gradient).ravel())
        if below > energy + 0.02:
            # Too long a step for the model; what it has taught the Hessian is kept.
            bound = 0.5 * np.linalg.norm(move, axis=1).max()
            if bound < 1e-3 * max_step:
                break
            continue
        bound = min(1.5 * bound, max_step)
        x, energy, gradient = x + move, below, after
    return x, energy, largest_force(gradient)


def _arc(values: np.ndarray, slope: np.ndarray, axes: np.ndarray, longest: float) -> np.ndarray:
    """Cartesian displacement along the path of steepest descent of a quadratic surface, no atom farther than `longest`.

    Parameters
    ----------
    values, slope
        Eigenvalues of its Hessian, and its gradient along the eigenvectors.
    axes
        Cartesian displacement of each eigenvector, one per row.
    """

    def after(time: float) -> np.ndarray:
        exponent = np.clip(-values * time, -700.0, 50.0)
        flat = np.abs(values) * time < 1e-8
        share = np.where(flat, time, -np.expm1(exponent) / np.where(flat, 1.0, values))
        return -(share * slope) @ axes

    def length(time: float) -> float:
        return float(np.linalg.norm(after(time).reshape(-1, 3), axis=1).max())

    # The longest time at which a soft mode still matters; past it the quadratic surface's minimum is reached.
    low, high = 0.0, 1e-8
    while length(high) < longest:
        low, high = high, 4.0 * high
        if high > 1e3:
            return after(high)
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if length(middle) < longest else (low, middle)
    return after(low)
