"""The log-likelihood of observed commitments: its value, its maximum, and whether it has one.

Checks of the input, ln p of each observation with its derivatives, Newton's method on standardised variables, and the
linear programme that decides whether a combination of the variables separates the outcomes. Pure functions on arrays.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, special
from scipy.linalg import lapack

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RIDGE = 1e-6
"""Penalty (RIDGE/2) sum b_k^2 on the slopes b_k = d eta/d z_k of the standardised variables z. It serves to
give separable data a bounded answer, and in the subset scan, whose leaders are then refitted without it."""

WARM = 4096  # from this many observations on, a fit starts from the maximum of every n//_SAMPLE-th one
MAX_NEWTON = 200
ETA_PER_R = {"logistic": 2.0, "erf": math.sqrt(2.0)}
_FAR = -20.0  # below this eta, Phi and phi are too small to be divided by one another
_SAMPLE = 1024
_COLLINEAR = 1e-7  # ratio of singular values of the standardised variables that counts as linear dependence


def eta_per_r(model: str) -> float:
    """eta per r of the model, or ValueError."""
    if model not in ETA_PER_R:
        raise ValueError(f'model must be "logistic" or "erf", got {model!r}')
    return ETA_PER_R[model]


def committor_slope(r: ArrayLike, model: str) -> FloatArray:
    """dp_B/dr of the model committor, of the shape of r."""
    eta = eta_per_r(model) * np.asarray(r, dtype=float)
    density = (
        special.expit(eta) * special.expit(-eta)
        if model == "logistic"
        else np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
    )
    return ETA_PER_R[model] * density


def checked_data(
    q: ArrayLike, outcome: ArrayLike, names: Sequence[str], groups: Iterable[Hashable] | None
) -> tuple[FloatArray, FloatArray, tuple[str, ...], IntArray | None, list[str]]:
    """Validated (q, sign, names, group index of each row or None, group labels); sign +1: to B, -1: not."""
    values = np.asarray(q, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"q must have shape (observations, variables), got {values.shape}")
    labels = tuple(str(name) for name in names)
    if values.shape[1] != len(labels):
        raise ValueError(f"q has {values.shape[1]} columns but {len(labels)} names were given")
    if not labels:
        raise ValueError("at least one variable is needed")
    if len(set(labels)) != len(labels):
        twice = sorted({name for name in labels if labels.count(name) > 1})
        raise ValueError(f"variable names must be unique, repeated: {', '.join(twice)}")
    went = np.asarray(outcome)
    if went.shape != (values.shape[0],):
        raise ValueError(f"outcome must have shape ({values.shape[0]},), got {went.shape}")
    if went.dtype != bool and not bool(np.all((went == 0) | (went == 1))):
        raise ValueError("outcome must be boolean (True: went to B)")
    broken = ~np.isfinite(values).all(axis=0)
    if bool(broken.any()):
        raise ValueError(f"not finite: {', '.join(np.array(labels)[broken])}")
    went = went.astype(bool)
    if values.shape[0] == 0 or bool(went.all()) or not bool(went.any()):
        where = "B" if values.shape[0] and bool(went.all()) else "not B"
        raise ValueError(
            f"all {values.shape[0]} outcomes are the same ({where}): no coordinate can be fitted, "
            "collect observations with both outcomes"
        )
    sign = np.where(went, 1.0, -1.0)
    if groups is None:
        return values, sign, labels, None, []
    members = list(groups)
    if len(members) != values.shape[0]:
        raise ValueError(f"groups must have one label per observation ({values.shape[0]}), got {len(members)}")
    order: dict[Hashable, int] = {}  # first appearance numbers the groups: works for any label type
    index = np.array([order.setdefault(member, len(order)) for member in members], dtype=np.int64)
    return values, sign, labels, index, [str(label) for label in order]


def constant_columns(q: FloatArray, spread: FloatArray | None = None) -> BoolArray:
    """Columns that vary by no more than rounding (relative spread below 1e-12); `spread`: their deviation, if known."""
    spread = q.std(axis=0) if spread is None else spread
    return (np.ptp(q, axis=0) == 0.0) | (spread <= 1e-12 * np.abs(q).max(axis=0))


def collinear_columns(z: FloatArray) -> BoolArray:
    """Columns of standardised z (n, k) that take part in a linear dependence; none when z has full rank."""
    eigenvalues = np.linalg.eigvalsh(z.T @ z)  # the squared singular values, to 1e-16 of the largest
    if z.shape[0] > z.shape[1] and eigenvalues[0] > 1e-8 * eigenvalues[-1]:
        return np.zeros(z.shape[1], dtype=bool)
    # The triangular factor has the singular values and right vectors of z without an n x n left factor.
    _, singular, right = linalg.svd(np.linalg.qr(z, mode="r"), full_matrices=True)
    padded = np.zeros(z.shape[1])
    padded[: singular.size] = singular
    null = right[padded <= _COLLINEAR * padded[0]]
    if null.size == 0:
        return np.zeros(z.shape[1], dtype=bool)
    return np.abs(null).max(axis=0) > 1e-3


def log_terms(u: FloatArray, model: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """ln p(u), its first and minus its second derivative, u = sign * eta of any shape; finite for finite u.

    Logistic: p = 1/(1 + e^-u). Probit: p = Phi(u), and phi(u)/Phi(u) its logarithmic slope; beyond `_FAR` on the
    wrong side, where both underflow, ln Phi by log_ndtr and the ratio by the scaled complementary error
    function, so that such observations stay finite and keep their digits.
    """
    if model == "logistic":
        small = np.abs(u)
        np.exp(np.negative(small, out=small), out=small)
        total = 1.0 + small
        value = np.minimum(u, 0.0)
        value -= np.log1p(small)
        slope = np.where(u >= 0.0, small, 1.0)
        slope /= total
        total *= total
        small /= total
        return value, slope, small
    far = u < _FAR
    if not bool(far.any()):
        value, slope = _probit(u)
    else:
        value, slope = _probit(np.where(far, _FAR, u))
        value[far] = special.log_ndtr(u[far])
        slope[far] = math.sqrt(2.0 / math.pi) / special.erfcx(-u[far] / math.sqrt(2.0))
    # lambda (u + lambda) lies in (0, 1); clipping removes cancellation beyond |u| ~ 1e7.
    weight = u + slope
    weight *= slope
    return value, slope, np.clip(weight, 0.0, 1.0, out=weight)


def _probit(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """ln Phi(u) and phi(u)/Phi(u) for u >= _FAR: a quarter of the time of log_ndtr and erfcx."""
    p = special.ndtr(u)
    slope = u * u
    slope *= -0.5
    np.exp(slope, out=slope)
    slope *= 1.0 / math.sqrt(2.0 * math.pi)
    slope /= p
    return np.log(p, out=p), slope


def log_likelihood(
    parameters: ArrayLike, q: ArrayLike, outcome: ArrayLike, model: str = "logistic"
) -> tuple[float, FloatArray, FloatArray]:
    """ln L with its gradient and Hessian in the parameters (a0, a1, ..., ak) of r, original units.

    Parameters
    ----------
    parameters
        Shape (k + 1,), intercept first.
    q
        Shape (n, k).
    outcome
        Shape (n,), True for B.
    model
        ``logistic`` or ``erf``.

    Returns
    -------
    (ln L, gradient (k + 1,), Hessian (k + 1, k + 1)); the Hessian is negative semi-definite.

    Raises
    ------
    ValueError
        For an unknown model or shapes that do not fit.
    """
    scale = eta_per_r(model)
    values = np.asarray(q, dtype=float)
    a = np.asarray(parameters, dtype=float)
    sign = np.where(np.asarray(outcome, dtype=bool), 1.0, -1.0)
    if values.ndim != 2 or a.shape != (values.shape[1] + 1,) or sign.shape != (values.shape[0],):
        raise ValueError(f"shapes do not fit: parameters {a.shape}, q {values.shape}, outcome {sign.shape}")
    design = np.column_stack([np.ones(values.shape[0]), values]) * (scale * sign)[:, None]
    value, slope, weight = log_terms(design @ a, model)
    return float(value.sum()), design.T @ slope, -(design.T * weight) @ design


@dataclass(frozen=True)
class Newton:
    """Outcome of `newton`: parameters and derivatives in eta of the standardised variables."""

    b: FloatArray
    value: float
    slope: FloatArray
    hessian: FloatArray  # of -ln L plus the ridge: positive definite
    iterations: int
    flat: bool  # the gradient is zero to rounding
    converged: bool  # flat, and Newton's steps have stopped
    certain: bool  # converged with a well-conditioned Hessian: the maximum exists


def newton(
    x: FloatArray,
    model: str,
    ridge: float,
    start: tuple[FloatArray, FloatArray] | None = None,
    tolerance: float = 1e-6,
) -> Newton:
    """Maximise sum_i ln p(x_i . b) - ridge/2 |b[1:]|^2; x (n, k + 1) holds the sign of each observation.

    `start`: where to begin, and the Hessian there, which may be rough; zero unless given. Converged means:
    gradient below 1e-9 n *and* the last full Newton step changes no eta by more than `tolerance`.
    The latter is what a separable likelihood does not fulfil: there the gradient fades but eta keeps climbing
    by about 1 a step, until exp(-eta) drowns in the rounding of what the observations on the border
    contribute to the Hessian. Hence `certain`, which asks for a Hessian whose smallest eigenvalue is well
    above rounding.
    """
    n, size = x.shape
    penalty = np.full(size, ridge)
    penalty[0] = 0.0
    b = np.zeros(size) if start is None else start[0]
    u = x @ b
    value, slope, weight = log_terms(u, model)
    objective = float(value.sum()) - 0.5 * float(penalty @ b**2)
    stopped = False
    iteration = 0
    weighted = np.empty_like(x)  # one buffer for all iterations: a new one each time costs as much as filling it

    def curvature() -> FloatArray:
        return np.multiply(x, weight[:, None], out=weighted).T @ x + np.diag(penalty)

    hessian = curvature() if start is None else start[1]
    while iteration < MAX_NEWTON:
        iteration += 1
        gradient = x.T @ slope - penalty * b
        _, step, failed = lapack.dposv(hessian, gradient)  # scipy's wrappers take longer than the solution
        if failed:
            break  # every weight has underflowed: eta has run away, the caller decides what that means
        change = _largest(x @ step)
        if not math.isfinite(change):
            break
        # Far steps are cut, but eta may double: a maximum far out (outcomes that barely overlap) is reached.
        reach = 10.0 + _largest(u)
        step *= min(1.0, reach / max(change, 1e-300))
        gain = float(gradient @ step)
        fraction = 1.0
        while True:
            trial = b + fraction * step
            u = x @ trial
            value, slope, weight = log_terms(u, model)
            new = float(value.sum()) - 0.5 * float(penalty @ trial**2)
            # The last term admits rounding: at the maximum a step gains nothing that could be seen.
            if new >= objective + 1e-4 * fraction * gain - 1e-12 * (1.0 + abs(objective)) or fraction < 1e-8:
                break
            fraction *= 0.5
        b, objective = trial, new
        hessian = curvature()
        stopped = fraction == 1.0 and change < tolerance
        if stopped:
            break
    flat = float(np.abs(x.T @ slope - penalty * b).max()) <= 1e-9 * n
    converged = flat and stopped
    certain = False
    if converged:
        eigenvalues = np.linalg.eigvalsh(hessian)
        certain = bool(eigenvalues[0] > 1e-10 * eigenvalues[-1])
    return Newton(b, float(value.sum()), slope, hessian, iteration, flat, converged, certain)


def _largest(u: FloatArray) -> float:
    """max |u|, without an array of |u|."""
    return max(float(u.max()), -float(u.min()))


def _start(x: FloatArray, model: str) -> tuple[FloatArray, FloatArray] | None:
    """Maximum and scaled Hessian of a regular sample of many observations, if a safe place to start from; else None."""
    if x.shape[0] < WARM:
        return None
    sample = np.asfortranarray(x[:: x.shape[0] // _SAMPLE])
    maximum = newton(sample, model, RIDGE, tolerance=1.0)
    # Beyond |eta| ~ 30 the weights fade and a Newton step of the whole data would mean nothing.
    if float(np.abs(x @ maximum.b).max()) > 30.0:
        return None
    return maximum.b, maximum.hessian * (x.shape[0] / sample.shape[0])


@dataclass(frozen=True)
class Maximum:
    """Outcome of `maximise`."""

    newton: Newton
    separable: bool
    converged: bool


def maximise(x: FloatArray, model: str) -> Maximum:
    """The maximum of ln L, verified; or, where it does not exist, that with the ridge. x as in `newton`."""
    best = newton(x, model, 0.0, _start(x, model))
    separable = not best.certain and is_separable(x)
    if separable:
        best = newton(x, model, RIDGE)
    # When a maximum is known to exist, a vanishing gradient locates it, even so far out that rounding keeps
    # the steps in eta above 1e-6.
    return Maximum(best, separable, best.converged or (not separable and best.flat))


def is_separable(x: FloatArray) -> bool:
    """Whether some b has x_i . b >= 0 for all i and > 0 for one: complete or quasi-complete separation.

    Maximises sum_i x_i . b subject to these constraints and |b_j| <= 1 (K. Konis, DPhil thesis, Oxford 2007).
    When the data are not separable the true optimum is b = 0; a solver may return a tiny b that violates the
    constraints within its tolerance, hence the scale-free check.
    """
    program = optimize.linprog(-x.sum(axis=0), A_ub=-x, b_ub=np.zeros(x.shape[0]), bounds=(-1.0, 1.0), method="highs")
    if not program.success:
        raise ArithmeticError(f"the separability check failed: {program.message}")
    margin = x @ program.x
    largest = float(margin.max())
    return largest > 1e-6 and float(margin.min()) >= -1e-6 * largest
