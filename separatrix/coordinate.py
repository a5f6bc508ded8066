"""Likelihood maximisation: which combination of which collective variables makes the reaction coordinate.

Every half trajectory of aimless shooting is one observation: from the shooting point x it went to B, or it
did not. The committor is modelled as a function of r(x) = a0 + sum_k a_k q_k(x),

    model "logistic":  p_B = (1 + tanh r)/2 = 1/(1 + exp(-2 r))   (Peters & Trout, JCP 2006, 125, 054108)
    model "erf":       p_B = (1 + erf r)/2 = Phi(sqrt(2) r)       (Peters, Chem. Phys. Lett. 2012, 554, 248)

and the coefficients maximise ln L = sum_{to B} ln p_B + sum_{not to B} ln(1 - p_B). Both models are
generalised linear models (logistic and probit regression in eta = 2 r and eta = sqrt(2) r) and ln L is
concave: the maximum is unique when it exists and Newton's method finds it. It does not exist when a
combination of variables separates the outcomes without error (Albert & Anderson, Biometrika 1984, 71, 1);
that is decided exactly, by a linear programme, and reported.

Which variables enter is decided by the Bayesian information criterion: a variable must raise ln L by more
than ln(N)/2 per parameter, with N the number of observations.

All functions are pure: no files, no global random state. r and the committor are dimensionless; a coefficient
carries the inverse unit of its variable.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, special

from separatrix.committor_statistics import json_safe, wilson_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RIDGE = 1e-6
"""Penalty (RIDGE/2) sum b_k^2 on the slopes b_k = d eta/d z_k of the standardised variables z. It serves to
give separable data a bounded answer, and in the subset scan, whose leaders are then refitted without it."""

MAX_SUBSETS = 100_000
"""Subsets per size that an exhaustive search examines; beyond, it keeps to the top-scoring variables."""

TABLE_LENGTH = 10
"""Subsets per size listed in `Selection.top`."""

_REFIT = 20  # leaders of the scan that are refitted exactly, so that the ridge cannot decide the order
_MAX_NEWTON = 200
_COLLINEAR = 1e-7  # ratio of singular values of the standardised variables that counts as linear dependence
_ETA_PER_R = {"logistic": 2.0, "erf": math.sqrt(2.0)}


# --------------------------------------------------------------------------------------- input checks


def _check_model(model: str) -> float:
    """eta per r of the model, or ValueError."""
    if model not in _ETA_PER_R:
        raise ValueError(f'model must be "logistic" or "erf", got {model!r}')
    return _ETA_PER_R[model]


def _check_data(
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


def _constant_columns(q: FloatArray) -> BoolArray:
    """Columns that vary by no more than rounding (relative spread below 1e-12)."""
    spread = q.std(axis=0)
    return (np.ptp(q, axis=0) == 0.0) | (spread <= 1e-12 * np.abs(q).max(axis=0))


def _collinear_columns(z: FloatArray) -> BoolArray:
    """Columns of standardised z (n, k) that take part in a linear dependence; none when z has full rank."""
    # The triangular factor has the singular values and right vectors of z without an n x n left factor.
    _, singular, right = linalg.svd(np.linalg.qr(z, mode="r"), full_matrices=True)
    padded = np.zeros(z.shape[1])
    padded[: singular.size] = singular
    null = right[padded <= _COLLINEAR * padded[0]]
    if null.size == 0:
        return np.zeros(z.shape[1], dtype=bool)
    return np.abs(null).max(axis=0) > 1e-3


# ----------------------------------------------------------------------------------------- likelihood


def _terms(u: FloatArray, model: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """ln p(u), its first and minus its second derivative, u = sign * eta of any shape; finite for finite u.

    Logistic: p = 1/(1 + e^-u). Probit: p = Phi(u); ln Phi by log_ndtr and phi/Phi by the scaled complementary
    error function, so that observations far on the wrong side stay finite and keep their digits.
    """
    if model == "logistic":
        small = np.exp(-np.abs(u))
        total = 1.0 + small
        value = np.minimum(u, 0.0) - np.log1p(small)
        slope = np.where(u >= 0.0, small, 1.0) / total
        return value, slope, small / (total * total)
    slope = math.sqrt(2.0 / math.pi) / special.erfcx(-u / math.sqrt(2.0))
    # lambda (u + lambda) lies in (0, 1); clipping removes cancellation beyond |u| ~ 1e7.
    return special.log_ndtr(u), slope, np.clip(slope * (u + slope), 0.0, 1.0)


def log_likelihood(
    parameters: ArrayLike, q: ArrayLike, outcome: ArrayLike, model: str = "logistic"
) -> tuple[float, FloatArray, FloatArray]:
    """ln L with its gradient and Hessian in the parameters (a0, a1, ..., ak) of r, original units.

    Args:
        parameters: shape (k + 1,), intercept first. q: shape (n, k). outcome: shape (n,), True for B.
        model: "logistic" or "erf".

    Returns:
        (ln L, gradient (k + 1,), Hessian (k + 1, k + 1)); the Hessian is negative semi-definite.

    Raises:
        ValueError: for an unknown model or shapes that do not fit.
    """
    scale = _check_model(model)
    values = np.asarray(q, dtype=float)
    a = np.asarray(parameters, dtype=float)
    sign = np.where(np.asarray(outcome, dtype=bool), 1.0, -1.0)
    if values.ndim != 2 or a.shape != (values.shape[1] + 1,) or sign.shape != (values.shape[0],):
        raise ValueError(f"shapes do not fit: parameters {a.shape}, q {values.shape}, outcome {sign.shape}")
    design = np.column_stack([np.ones(values.shape[0]), values]) * (scale * sign)[:, None]
    value, slope, weight = _terms(design @ a, model)
    return float(value.sum()), design.T @ slope, -(design.T * weight) @ design


@dataclass(frozen=True)
class _Newton:
    """Outcome of `_newton`: parameters and derivatives in eta of the standardised variables."""

    b: FloatArray
    value: float
    slope: FloatArray
    hessian: FloatArray  # of -ln L plus the ridge: positive definite
    iterations: int
    flat: bool  # the gradient is zero to rounding
    converged: bool  # flat, and Newton's steps have stopped
    certain: bool  # converged with a well-conditioned Hessian: the maximum exists


def _newton(x: FloatArray, model: str, ridge: float) -> _Newton:
    """Maximise sum_i ln p(x_i . b) - ridge/2 |b[1:]|^2; x (n, k + 1) holds the sign of each observation.

    Converged means: gradient below 1e-9 n *and* the last full Newton step changes no eta by more than 1e-6.
    The latter is what a separable likelihood does not fulfil: there the gradient fades but eta keeps climbing
    by about 1 a step, until exp(-eta) drowns in the rounding of what the observations on the border
    contribute to the Hessian. Hence `certain`, which asks for a Hessian whose smallest eigenvalue is well
    above rounding.
    """
    n, size = x.shape
    penalty = np.full(size, ridge)
    penalty[0] = 0.0
    b = np.zeros(size)
    value, slope, weight = _terms(x @ b, model)
    objective = float(value.sum())
    stopped = False
    iteration = 0
    hessian = (x.T * weight) @ x + np.diag(penalty)
    while iteration < _MAX_NEWTON:
        iteration += 1
        gradient = x.T @ slope - penalty * b
        try:
            factor = linalg.cho_factor(hessian)
        except linalg.LinAlgError:
            break  # every weight has underflowed: eta has run away, the caller decides what that means
        step = linalg.cho_solve(factor, gradient)
        change = float(np.abs(x @ step).max())
        if not math.isfinite(change):
            break
        # Far steps are cut, but eta may double: a maximum far out (outcomes that barely overlap) is reached.
        reach = 10.0 + float(np.abs(x @ b).max())
        step *= min(1.0, reach / max(change, 1e-300))
        gain = float(gradient @ step)
        fraction = 1.0
        while True:
            trial = b + fraction * step
            value, slope, weight = _terms(x @ trial, model)
            new = float(value.sum()) - 0.5 * float(penalty @ trial**2)
            # The last term admits rounding: at the maximum a step gains nothing that could be seen.
            if new >= objective + 1e-4 * fraction * gain - 1e-12 * (1.0 + abs(objective)) or fraction < 1e-8:
                break
            fraction *= 0.5
        b, objective = trial, new
        hessian = (x.T * weight) @ x + np.diag(penalty)
        stopped = fraction == 1.0 and change < 1e-6
        if stopped:
            break
    flat = float(np.abs(x.T @ slope - penalty * b).max()) <= 1e-9 * n
    converged = flat and stopped
    certain = False
    if converged:
        eigenvalues = linalg.eigvalsh(hessian)
        certain = bool(eigenvalues[0] > 1e-10 * eigenvalues[-1])
    return _Newton(b, float(value.sum()), slope, hessian, iteration, flat, converged, certain)


def _is_separable(x: FloatArray) -> bool:
    """Whether some b has x_i . b >= 0 for all i and > 0 for one: complete or quasi-complete separation.

    Maximises sum_i x_i . b subject to these constraints and |b_j| <= 1 (K. Konis, DPhil thesis, Oxford 2007).
    When the data are not separable the true optimum is b = 0; a solver may return a tiny b that violates the
    constraints within its tolerance, hence the scale-free check.
    """
    found = optimize.linprog(-x.sum(axis=0), A_ub=-x, b_ub=np.zeros(x.shape[0]), bounds=(-1.0, 1.0), method="highs")
    if not found.success:
        raise ArithmeticError(f"the separability check failed: {found.message}")
    margin = x @ found.x
    largest = float(margin.max())
    return largest > 1e-6 and float(margin.min()) >= -1e-6 * largest


# ------------------------------------------------------------------------------------- the coordinate


@dataclass(frozen=True, eq=False)
class Coordinate:
    """A fitted reaction coordinate r = intercept + sum_k coefficients[k] q_k.

    Attributes:
        names: variables, in the order of the columns that `r` and `committor` expect.
        intercept: a0, dimensionless. coefficients: (k,), inverse units of the variables.
        model: "logistic" or "erf". log_likelihood: ln L at these coefficients, never penalised.
        n_observations, n_success: observations, and how many of them went to B.
        covariance: (k + 1, k + 1) of (a0, a1, ...): inverse of minus the Hessian of ln L, which holds for
            independent observations. All NaN when separable.
        clustered_covariance: sandwich H^-1 (sum_g s_g s_g^T) H^-1 with s_g the summed score of group g, times
            G/(G - 1) (N - 1)/(N - K) (K parameters; the correction of Stata and statsmodels), valid for any
            correlation within groups but needing many groups (with G near or below K it is far too small).
            None for fewer than 2 groups; all NaN when separable.
        information_error: mean over the slopes (the intercept is left out, as in ATESA's lmax.py, GitHub
            team-mayes/atesa) of sqrt(diag(H^-1 J H^-1)), J the sum over observations of the outer products of
            their scores, for variables scaled by their own minimum and maximum to [0, 1]: so free of units.
            Compare it with ATESA's for the erf model only: r of the logistic model is on another scale.
        clustered_information_error: the same mean with the scores summed by group and the correction above;
            NaN for fewer than 2 groups.
        separable: the outcomes can be told apart without error (or all but ties on the border), so that ln L
            has no maximum. The coefficients then maximise ln L - (RIDGE/2) sum_k b_k^2, b_k = slope of eta
            per standard deviation of q_k: finite, good for ordering configurations and for locating r = 0,
            but their magnitude means nothing, and no covariance is given.
        converged: the maximum was verified (see `fit`); if not, there is no covariance either.
        iterations: Newton steps taken.
    """

    names: tuple[str, ...]
    intercept: float
    coefficients: FloatArray
    model: str
    log_likelihood: float
    n_observations: int
    n_success: int
    covariance: FloatArray
    clustered_covariance: FloatArray | None
    information_error: float
    clustered_information_error: float
    separable: bool
    converged: bool
    iterations: int

    @property
    def standard_errors(self) -> FloatArray:
        """(k + 1,) square roots of the diagonal of `covariance`, intercept first."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def bic(self) -> float:
        """(k + 1) ln N - 2 ln L; smaller is better."""
        return (len(self.names) + 1) * math.log(self.n_observations) - 2.0 * self.log_likelihood

    def r(self, q: ArrayLike) -> FloatArray:
        """r of configurations q (n, k), columns as in `names`; shape (n,)."""
        values = np.asarray(q, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ValueError(f"q must have shape (n, {len(self.names)}), got {values.shape}")
        return self.intercept + values @ self.coefficients

    def committor(self, q: ArrayLike) -> FloatArray:
        """Model committor p_B of configurations q (n, k); shape (n,), within [0, 1]."""
        eta = _ETA_PER_R[self.model] * self.r(q)
        return special.expit(eta) if self.model == "logistic" else special.ndtr(eta)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types; NaN and infinities become None."""
        return {field.name: json_safe(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Coordinate:
        """Inverse of `to_dict`; None in place of a number becomes NaN. Raises ValueError for missing keys."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise ValueError(f"not a coordinate: missing {', '.join(missing)}")
        _check_model(data["model"])
        clustered = data["clustered_covariance"]
        return cls(
            names=tuple(str(name) for name in data["names"]),
            intercept=_number(data["intercept"]),
            coefficients=_array(data["coefficients"]),
            model=str(data["model"]),
            log_likelihood=_number(data["log_likelihood"]),
            n_observations=int(data["n_observations"]),
            n_success=int(data["n_success"]),
            covariance=_array(data["covariance"]),
            clustered_covariance=None if clustered is None else _array(clustered),
            information_error=_number(data["information_error"]),
            clustered_information_error=_number(data["clustered_information_error"]),
            separable=bool(data["separable"]),
            converged=bool(data["converged"]),
            iterations=int(data["iterations"]),
        )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _array(value: Any) -> FloatArray:
    """Nested lists to a float array; numpy turns None into NaN."""
    return np.array(value, dtype=float)


def fit(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    model: str = "logistic",
    groups: Iterable[Hashable] | None = None,
) -> Coordinate:
    """Maximum-likelihood coordinate in the given variables.

    Newton's method with step control on standardised variables. The maximum is verified: gradient below 1e-9
    N and a last Newton step that moves no eta by 1e-6, from a well-conditioned Hessian. Else a linear
    programme decides whether the data are separable (see `Coordinate.separable`); a maximum that exists but
    was not reached has converged = False.

    Args:
        q: variables at the shooting points, shape (n, m), any units. outcome: shape (n,), True for went to B.
        names: m unique names. model: "logistic" or "erf".
        groups: label of the chain (or other cluster) of each observation, shape (n,); None for no clustering.

    Raises:
        ValueError: shapes that do not fit, values not finite, all outcomes equal, constant or collinear
            variables (named), fewer observations than parameters, unknown model.
        ArithmeticError: the linear programme failed (not seen).
    """
    scale = _check_model(model)
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    n, k = values.shape
    constant = _constant_columns(values)
    if bool(constant.any()):
        raise ValueError(f"constant variables cannot be fitted: {', '.join(np.array(labels)[constant])}")
    if n < k + 1:
        raise ValueError(f"{n} observations cannot determine {k + 1} parameters")
    mean, spread = values.mean(axis=0), values.std(axis=0)
    z = (values - mean) / spread
    collinear = _collinear_columns(z)
    if bool(collinear.any()):
        raise ValueError(f"linearly dependent variables: {', '.join(np.array(labels)[collinear])}")
    return _fit_standardised(values, z, mean, spread, sign, labels, group, model, scale)


def _fit_standardised(
    values: FloatArray,
    z: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    sign: FloatArray,
    labels: tuple[str, ...],
    group: IntArray | None,
    model: str,
    scale: float,
) -> Coordinate:
    """`fit` after its checks."""
    n, k = values.shape
    x = np.column_stack([np.ones(n), z]) * sign[:, None]
    best = _newton(x, model, 0.0)
    separable = not best.certain and _is_separable(x)
    if separable:
        best = _newton(x, model, RIDGE)
    # When a maximum is known to exist, a vanishing gradient locates it, even so far out that rounding keeps
    # the steps in eta above 1e-6.
    converged = best.converged or (not separable and best.flat)

    # (a0, a) = T b: undo the standardisation and go from eta to r.
    transform = np.zeros((k + 1, k + 1))
    transform[0, 0] = 1.0
    transform[0, 1:] = -mean / spread
    transform[np.arange(1, k + 1), np.arange(1, k + 1)] = 1.0 / spread
    transform /= scale
    a = transform @ best.b

    unknown = np.full((k + 1, k + 1), math.nan)
    covariance, clustered, error, clustered_error = unknown, None, math.nan, math.nan
    groups = 0 if group is None else int(group.max()) + 1
    if groups >= 2:
        clustered = unknown
    if not separable and converged:
        inverse = linalg.cho_solve(linalg.cho_factor(best.hessian), np.eye(k + 1))
        covariance = transform @ inverse @ transform.T
        scores = x * best.slope[:, None]
        # A slope of the variable scaled to [0, 1] is the slope per standard deviation times range/sd.
        unit = np.ptp(values, axis=0) / spread / scale
        # diag(H^-1 J H^-1) as column norms of the scores times H^-1: never negative by rounding
        error = float(np.mean(np.linalg.norm(scores @ inverse, axis=0)[1:] * unit))
        if group is not None and groups >= 2:
            sums = np.zeros((groups, k + 1))
            np.add.at(sums, group, scores)
            correction = groups / (groups - 1) * (n - 1) / max(n - k - 1, 1)
            influence = math.sqrt(correction) * (sums @ inverse)
            clustered = transform @ (influence.T @ influence) @ transform.T
            clustered_error = float(np.mean(np.linalg.norm(influence, axis=0)[1:] * unit))
    return Coordinate(
        names=labels,
        intercept=float(a[0]),
        coefficients=a[1:].copy(),
        model=model,
        log_likelihood=best.value,
        n_observations=n,
        n_success=int(np.count_nonzero(sign > 0.0)),
        covariance=covariance,
        clustered_covariance=clustered,
        information_error=error,
        clustered_information_error=clustered_error,
        separable=separable,
        converged=converged,
        iterations=best.iterations,
    )


# --------------------------------------------------------------------------------- search for subsets


def _null_log_likelihood(sign: FloatArray) -> float:
    """ln L of the best constant committor, whatever the model."""
    n = sign.size
    to_b = int(np.count_nonzero(sign > 0.0))
    return float(special.xlogy(to_b, to_b / n) + special.xlogy(n - to_b, 1.0 - to_b / n))


def _scan(z: FloatArray, sign: FloatArray, subsets: IntArray, model: str) -> FloatArray:
    """Penalised maximum of ln L (ridge RIDGE) for each row of column indices in subsets (s, k); shape (s,).

    Newton's method on many subsets at once. The start is the linear discriminant, which needs only the Gram
    matrix shared by all subsets. A subset is done when its predicted gain is below 1e-6; the leaders are
    refitted exactly by the caller. The ridge lowers a maximum by at most (RIDGE/2) |b|^2, which shows only
    for nearly dependent variables (|b| of hundreds).
    """
    n = z.shape[0]
    size = subsets.shape[1]
    signed = np.ascontiguousarray((z * sign[:, None]).T)
    gram = z.T @ z
    to_b = np.count_nonzero(sign > 0.0) / n
    b0 = float(special.logit(to_b) if model == "logistic" else special.ndtri(to_b))
    _, slope, weight = _terms(sign * b0, model)
    pull = signed @ slope
    mean_weight = float(weight.mean())
    ridge = np.full(size + 1, RIDGE)
    ridge[0] = 1e-12  # keeps the intercept solvable if every weight underflows; far below any real weight
    ridge_matrix = np.diag(ridge)
    result = np.empty(subsets.shape[0])
    chunk = max(1, 200_000 // (n * (size + 1)))
    for first in range(0, subsets.shape[0], chunk):
        columns = subsets[first : first + chunk]
        count = columns.shape[0]
        x = np.empty((count, size + 1, n))
        x[:, 0] = sign
        x[:, 1:] = signed[columns]
        local = mean_weight * gram[columns[:, :, None], columns[:, None, :]] + RIDGE * np.eye(size)
        accepted = np.zeros((count, size + 1))
        accepted[:, 0] = b0
        step = np.zeros_like(accepted)
        step[:, 1:] = np.linalg.solve(local, pull[columns][..., None])[..., 0]
        start_value = _null_log_likelihood(sign)
        objective = np.full(count, start_value)
        values = np.full(count, start_value)
        index = np.arange(count)
        for _ in range(_MAX_NEWTON):
            trial = accepted + step
            u = np.matmul(trial[:, None, :], x)[:, 0]
            value, slope, weight = _terms(u, model)
            new = value.sum(axis=1) - 0.5 * (trial[:, 1:] ** 2).sum(axis=1) * RIDGE
            better = new >= objective - 1e-10 * (1.0 + np.abs(objective))
            # A step too long is halved and tried again; the others take their next Newton step.
            step[~better] *= 0.5
            stalled = ~better & (np.abs(step).max(axis=1) < 1e-9)
            accepted[better] = trial[better]
            objective[better] = new[better]
            gradient = np.matmul(x, slope[..., None])[..., 0] - ridge * trial
            hessian = np.matmul(x * weight[:, None, :], x.transpose(0, 2, 1)) + ridge_matrix
            newton = np.linalg.solve(hessian, gradient[..., None])[..., 0]
            gain = np.einsum("si,si->s", gradient, newton)
            longest = np.abs(newton).max(axis=1, keepdims=True)
            newton *= np.minimum(1.0, 10.0 / np.maximum(longest, 1e-300))
            step[better] = newton[better]
            done = (better & (gain < 1e-6)) | stalled
            if bool(done.any()):
                values[index[done]] = objective[done] + np.where(better, 0.5 * gain, 0.0)[done]
                keep = ~done
                index, x = index[keep], x[keep]
                accepted, step, objective = accepted[keep], step[keep], objective[keep]
                if index.size == 0:
                    break
        values[index] = objective  # whatever has not converged keeps the best value reached: a lower bound
        result[first : first + count] = values
    return result


def _order(values: FloatArray, subsets: IntArray) -> IntArray:
    """Indices from best to worst; ties (to 1e-6 in ln L) go to the variables that come first."""
    keys = [subsets[:, column] for column in reversed(range(subsets.shape[1]))]
    return np.lexsort([*keys, -np.round(values, 6)])


@dataclass(frozen=True)
class _Size:
    """Subsets of one size, best first, with their scanned ln L."""

    subsets: IntArray
    values: FloatArray
    examined: int
    note: str


def _combinations(pool: IntArray, size: int) -> IntArray:
    flat = itertools.chain.from_iterable(itertools.combinations(pool.tolist(), size))
    return np.fromiter(flat, dtype=np.int64).reshape(-1, size)


def _exhaustive(
    z: FloatArray, sign: FloatArray, size: int, score: FloatArray, model: str, max_subsets: int
) -> tuple[_Size, FloatArray]:
    """All subsets of `size`, or of as many top-scoring variables as max_subsets allows; and the new scores.

    `score` (m,): the best ln L of a smaller subset that held the variable.
    """
    pool_size = z.shape[1]
    while pool_size > size and math.comb(pool_size, size) > max_subsets:
        pool_size -= 1
    pool = np.sort(np.lexsort([np.arange(score.size), -np.round(score, 6)])[:pool_size])
    subsets = _combinations(pool, size)
    values = _scan(z, sign, subsets, model)
    order = _order(values, subsets)
    scores = np.full(z.shape[1], -np.inf)
    for column in range(size):
        np.maximum.at(scores, subsets[:, column], values)
    note = f"size {size}: all {len(subsets)} subsets of "
    if pool_size == z.shape[1]:
        note += f"{pool_size} variables"
    else:
        note += f"the {pool_size} of {z.shape[1]} variables that did best at size {size - 1}"
    leaders = order[:_REFIT]
    return _Size(subsets[leaders], values[leaders], len(subsets), note), scores


def _greedy(z: FloatArray, sign: FloatArray, size: int, base: tuple[int, ...], model: str) -> _Size:
    """The best addition to `base`, then exchanges of one variable for another until none helps."""
    known: dict[tuple[int, ...], float] = {}

    def best_of(candidates: set[tuple[int, ...]]) -> tuple[tuple[int, ...], float]:
        fresh = np.array(sorted(candidates - known.keys()), dtype=np.int64).reshape(-1, size)
        known.update(zip(map(tuple, fresh.tolist()), _scan(z, sign, fresh, model).tolist(), strict=True))
        ranked = sorted(candidates, key=lambda subset: (-round(known[subset], 6), subset))
        return ranked[0], known[ranked[0]]

    others = set(range(z.shape[1]))
    current, value = best_of({tuple(sorted((*base, new))) for new in others - set(base)})
    exchanges = 0
    while True:
        swapped = {tuple(sorted((set(current) - {old}) | {new})) for old in current for new in others - set(current)}
        if not swapped:
            break
        rival, rival_value = best_of(swapped)
        if rival_value <= value + 1e-6:
            break
        current, value = rival, rival_value
        exchanges += 1
    subsets = np.array(list(known), dtype=np.int64)
    values = np.array(list(known.values()))
    leaders = _order(values, subsets)[:_REFIT]
    note = f"size {size}: greedy addition and {exchanges} exchanges, {len(known)} subsets tried"
    return _Size(subsets[leaders], values[leaders], len(known), note)


def _search(
    z: FloatArray, sign: FloatArray, max_variables: int, search: str, model: str, max_subsets: int
) -> dict[int, _Size]:
    """The leading subsets of each size from 1 to max_variables, of standardised columns z (n, m)."""
    m = z.shape[1]
    score = np.zeros(m)
    sizes: dict[int, _Size] = {}
    for size in range(1, min(max_variables, m) + 1):
        if size == 1 or search == "exhaustive" or (search == "auto" and size <= 3):
            sizes[size], score = _exhaustive(z, sign, size, score, model, max_subsets)
        else:
            base = tuple(sizes[size - 1].subsets[0].tolist())
            sizes[size] = _greedy(z, sign, size, base, model)
    return sizes


@dataclass(frozen=True)
class RankedSubset:
    """One line of `Selection.top`."""

    names: tuple[str, ...]
    log_likelihood: float
    separable: bool


@dataclass(frozen=True, eq=False)
class Selection:
    """Result of `select`.

    Attributes:
        best: the coordinate with the smallest cost among those with at least one variable.
        best_beats_null: whether its cost is below that of a constant committor; if not, no variable earns its
            keep.
        per_size: best coordinate with 1, 2, ... variables.
        top: for each size the best subsets (up to 10), best first.
        null_log_likelihood: ln L of a constant committor.
        criterion: "ebic" or "bic".
        cost: for each size k, and 0 for the constant, (k + 1) ln N - 2 ln L, and 2 ln C(m, k) for "ebic"; smaller
            is better.
        excluded: variables left out because they are constant.
        search: what was searched, in words.
    """

    best: Coordinate
    best_beats_null: bool
    per_size: dict[int, Coordinate]
    top: dict[int, tuple[RankedSubset, ...]]
    null_log_likelihood: float
    criterion: str
    cost: dict[int, float]
    excluded: tuple[str, ...]
    search: str

    def to_dict(self) -> dict[str, Any]:
        """JSON types; sizes become string keys."""
        return {
            "best": self.best.to_dict(),
            "best_beats_null": self.best_beats_null,
            "per_size": {str(size): coordinate.to_dict() for size, coordinate in self.per_size.items()},
            "top": {
                str(size): [
                    {
                        "names": list(line.names),
                        "log_likelihood": json_safe(line.log_likelihood),
                        "separable": line.separable,
                    }
                    for line in lines
                ]
                for size, lines in self.top.items()
            },
            "null_log_likelihood": json_safe(self.null_log_likelihood),
            "criterion": self.criterion,
            "cost": json_safe(self.cost),
            "excluded": list(self.excluded),
            "search": self.search,
        }


def _check_search(search: str, max_variables: int) -> None:
    if search not in ("exhaustive", "greedy", "auto"):
        raise ValueError(f'search must be "exhaustive", "greedy" or "auto", got {search!r}')
    if max_variables < 1:
        raise ValueError(f"max_variables must be at least 1, got {max_variables}")


def _charge(size: int, m: int, n: int, criterion: str) -> float:
    """What a subset of `size` of `m` variables pays: (size + 1) ln n, and 2 ln C(m, size) for having been searched."""
    bic = (size + 1) * math.log(n)
    if criterion == "bic":
        return bic
    return bic + 2.0 * (math.lgamma(m + 1) - math.lgamma(size + 1) - math.lgamma(m - size + 1))


def _check_criterion(criterion: str) -> None:
    if criterion not in ("ebic", "bic"):
        raise ValueError(f'criterion must be "ebic" or "bic", got {criterion!r}')


def select(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    groups: Iterable[Hashable] | None = None,
    max_variables: int = 3,
    search: str = "auto",
    model: str = "logistic",
    max_subsets: int = MAX_SUBSETS,
    criterion: str = "ebic",
) -> Selection:
    """The best coordinate with 1, 2, ..., max_variables of the given variables, and the best size.

    BIC charges for parameters, not for the number of subsets tried: of 80 variables that mean nothing, some
    subset beat the constant committor in 20 of 20 simulated data sets with N = 120 and in 13 of 20 with
    N = 500. The extended criterion adds 2 ln C(m, k), the price of having searched all subsets of k of m
    variables (Chen and Chen, Biometrika 2008, 95, 759, with gamma = 1). Judge a choice by
    `bootstrap_selection` and by committor shots all the same.

    Args:
        q: shape (n, m). outcome: shape (n,), True for B. names: m unique names. groups: as in `fit`.
        max_variables: largest size tried (at most m and n - 1).
        search: "exhaustive": every subset of every size; "greedy": all single variables, then the best
            addition followed by exchanges; "auto": exhaustive up to three variables, greedy with exchange
            beyond.
        model: "logistic" or "erf".
        criterion: "ebic": the size with the smallest extended BIC; "bic": with the smallest plain one.
        max_subsets: where a size has more subsets than this, the exhaustive search keeps to the variables
            that did best in subsets one smaller (ties: first columns), as many as fit; `Selection.search`
            says so.

    Returns:
        Selection. Constant variables are left out and listed; linearly dependent subsets are passed over
        (their ln L is that of a smaller one). Ties in ln L (to 1e-6) go to the subset that comes first in
        `names`.

    Raises:
        ValueError: as `fit`; no variable that varies; unknown search; max_variables < 1.
    """
    scale = _check_model(model)
    _check_search(search, max_variables)
    _check_criterion(criterion)
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    n = values.shape[0]
    constant = _constant_columns(values)
    if bool(constant.all()):
        raise ValueError("no variable varies: nothing to select from")
    kept = np.flatnonzero(~constant)
    mean, spread = values.mean(axis=0)[kept], values.std(axis=0)[kept]
    z = (values[:, kept] - mean) / spread
    sizes = _search(z, sign, min(max_variables, n - 1), search, model, max_subsets)

    null = _null_log_likelihood(sign)
    per_size: dict[int, Coordinate] = {}
    top: dict[int, tuple[RankedSubset, ...]] = {}
    cost = {0: _charge(0, kept.size, n, criterion) - 2.0 * null}
    for size, found in sizes.items():
        refitted: list[tuple[float, tuple[int, ...], Coordinate]] = []
        for subset in map(tuple, found.subsets.tolist()):
            columns = list(subset)
            if bool(_collinear_columns(z[:, columns]).any()):
                continue
            coordinate = _fit_standardised(
                values[:, kept[columns]],
                z[:, columns],
                mean[columns],
                spread[columns],
                sign,
                tuple(labels[column] for column in kept[columns]),
                group,
                model,
                scale,
            )
            refitted.append((-round(coordinate.log_likelihood, 6), subset, coordinate))
        if not refitted:
            break  # every leading subset is linearly dependent: larger sizes add nothing
        refitted.sort(key=lambda line: line[:2])
        per_size[size] = refitted[0][2]
        cost[size] = _charge(size, kept.size, n, criterion) - 2.0 * refitted[0][2].log_likelihood
        top[size] = tuple(
            RankedSubset(coordinate.names, coordinate.log_likelihood, coordinate.separable)
            for _, _, coordinate in refitted[:TABLE_LENGTH]
        )
    winner = min(per_size, key=lambda size: (cost[size], size))
    words = "; ".join(found.note for found in sizes.values())
    name = {"bic": "BIC", "ebic": f"extended BIC for {kept.size} variables"}[criterion]
    words += f"; the leading {_REFIT} of each size refitted exactly; size chosen by {name} with N = {n}"
    return Selection(
        best=per_size[winner],
        best_beats_null=cost[winner] < cost[0],
        per_size=per_size,
        top=top,
        null_log_likelihood=null,
        criterion=criterion,
        cost=cost,
        excluded=tuple(labels[column] for column in np.flatnonzero(constant)),
        search=words,
    )


# ------------------------------------------------------------------------------------ is it reliable?


@dataclass(frozen=True, eq=False)
class SelectionFrequency:
    """Result of `bootstrap_selection`.

    Attributes:
        names: all variables. frequency: (m,), the fraction of resamples whose best coordinate held each.
        candidates: the variables that took part; the others have frequency 0 by construction.
        sets: every set chosen, with the number of resamples that chose it, most frequent first; () for none.
        sizes: number of variables -> number of resamples.
        n_boot: resamples evaluated. n_skipped: resamples with only one outcome, left out.
        blocks: what was resampled, in words.
    """

    names: tuple[str, ...]
    frequency: FloatArray
    candidates: tuple[str, ...]
    sets: tuple[tuple[tuple[str, ...], int], ...]
    sizes: dict[int, int]
    n_boot: int
    n_skipped: int
    blocks: str

    def to_dict(self) -> dict[str, Any]:
        """JSON types; sizes become string keys."""
        return {field.name: json_safe(getattr(self, field.name)) for field in fields(self)}


def _blocks(n: int, group: IntArray | None, block_length: int) -> tuple[list[IntArray], str]:
    """Row indices of each block, and what they are."""
    index = np.zeros(n, dtype=np.int64) if group is None else group
    count = int(index.max()) + 1
    members = [np.flatnonzero(index == label) for label in range(count)]
    if count >= 5:
        return members, f"{count} groups"
    pieces = [rows[first : first + block_length] for rows in members for first in range(0, rows.size, block_length)]
    return (
        pieces,
        f"{len(pieces)} blocks of up to {block_length} consecutive observations within {count} group(s)",
    )


def bootstrap_selection(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    rng: np.random.Generator,
    groups: Iterable[Hashable] | None = None,
    max_variables: int = 3,
    n_boot: int = 50,
    block_length: int = 10,
    prescreen: int = 15,
    include: Sequence[str] = (),
    model: str = "logistic",
    criterion: str = "ebic",
) -> SelectionFrequency:
    """How often each variable is chosen in a block bootstrap (Carlstein, Ann. Stat. 1986, 14, 1171).

    Blocks are the groups when there are at least 5, else runs of `block_length` consecutive rows of one
    group. Each resample draws as many blocks as there are, with replacement, and repeats the exhaustive
    search with the choice of size by the criterion (size 0, a constant, included). To stay affordable only the
    `prescreen` candidates take part: the variables named in `include` (for example those of
    `select(...).best`), those of a greedy search of the whole data set, then those of the best pairs.
    Frequencies are therefore conditional on that list. Repeated rows make every effect look more certain than
    it is, so the sizes chosen tend to be larger than those of the full data.

    Args:
        q, outcome, names, groups, max_variables, model, criterion: as in `select`; rows of a group in the order of
            sampling.
        rng: numpy Generator. n_boot: resamples. block_length, prescreen: see above. include: names, see
            above.

    Raises:
        ValueError: as `select`; n_boot, block_length or prescreen below 1; unknown names in `include`.
    """
    _check_model(model)
    _check_search("auto", max_variables)
    _check_criterion(criterion)
    if min(n_boot, block_length, prescreen) < 1:
        raise ValueError("n_boot, block_length and prescreen must be at least 1")
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    unknown = [name for name in include if name not in labels]
    if unknown:
        raise ValueError(f"unknown variables in include: {', '.join(unknown)}")
    n, m = values.shape
    varying = np.flatnonzero(~_constant_columns(values))
    if varying.size == 0:
        raise ValueError("no variable varies: nothing to select from")
    candidates = _prescreen(values[:, varying], sign, max_variables, prescreen, model)
    wanted = [labels.index(name) for name in include]
    ordered = [column for column in dict.fromkeys([*wanted, *varying[candidates].tolist()]) if column in varying]
    pool = np.sort(np.array(ordered[: max(prescreen, len(wanted))], dtype=np.int64))

    blocks, words = _blocks(n, group, block_length)
    chosen = np.zeros(m)
    sets: dict[tuple[int, ...], int] = {}
    skipped = 0
    for _ in range(n_boot):
        picks = rng.integers(0, len(blocks), size=len(blocks))
        rows = np.concatenate([blocks[pick] for pick in picks])
        drawn_sign = sign[rows]
        if bool(np.all(drawn_sign == drawn_sign[0])):
            skipped += 1
            continue
        sample = values[np.ix_(rows, pool)]
        usable = np.flatnonzero(~_constant_columns(sample))
        subset: tuple[int, ...] = ()
        # The price of the search is that of all variables that were searched, not of the prescreened ones.
        best = _charge(0, varying.size, rows.size, criterion) - 2.0 * _null_log_likelihood(drawn_sign)
        if usable.size:
            z = (sample[:, usable] - sample[:, usable].mean(axis=0)) / sample[:, usable].std(axis=0)
            limit = min(max_variables, rows.size - 1)
            for size, found in _search(z, drawn_sign, limit, "auto", model, MAX_SUBSETS).items():
                cost = _charge(size, varying.size, rows.size, criterion) - 2.0 * float(found.values[0])
                if cost < best:
                    best, subset = cost, tuple(pool[usable[found.subsets[0]]].tolist())
        sets[subset] = sets.get(subset, 0) + 1
        chosen[list(subset)] += 1.0
    done = n_boot - skipped
    ranked = sorted(sets.items(), key=lambda item: (-item[1], item[0]))
    sizes: dict[int, int] = {}
    for subset, count in sorted(sets.items(), key=lambda item: len(item[0])):
        sizes[len(subset)] = sizes.get(len(subset), 0) + count
    return SelectionFrequency(
        names=labels,
        frequency=chosen / done if done else np.full(m, math.nan),
        candidates=tuple(labels[column] for column in pool),
        sets=tuple((tuple(labels[column] for column in subset), count) for subset, count in ranked),
        sizes=sizes,
        n_boot=done,
        n_skipped=skipped,
        blocks=words,
    )


def _prescreen(q: FloatArray, sign: FloatArray, max_variables: int, count: int, model: str) -> list[int]:
    """Columns worth resampling, best first: those of a greedy search, then by the best pair they are in."""
    z = (q - q.mean(axis=0)) / q.std(axis=0)
    m = z.shape[1]
    if m <= count:
        return list(range(m))
    singles, score = _exhaustive(z, sign, 1, np.zeros(m), model, MAX_SUBSETS)
    _, pair_score = _exhaustive(z, sign, 2, score, model, MAX_SUBSETS)
    greedy: list[int] = singles.subsets[0].tolist()
    for found in _search(z, sign, max_variables, "greedy", model, MAX_SUBSETS).values():
        greedy.extend(found.subsets[0].tolist())
    by_pair = np.lexsort([np.arange(m), -np.round(pair_score, 6)]).tolist()
    return list(dict.fromkeys([*greedy, *by_pair]))[:count]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Result of `held_out_log_likelihood`.

    Attributes:
        mean: ln L per observation of data the coordinate was not fitted to. null_mean: the same for a
            constant committor fitted to the same training data; a coordinate worth having lies above it.
        standard_error: of `mean`, between groups (ratio estimator); NaN for one group scored.
        groups: labels scored. per_group: (groups,) mean ln L per observation of each. sizes: (groups,)
            observations.
        skipped: labels not scored, because without them the rest has one outcome or a constant or dependent
            variable.
    """

    mean: float
    null_mean: float
    standard_error: float
    groups: tuple[str, ...]
    per_group: FloatArray
    sizes: IntArray
    skipped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types; NaN becomes None."""
        return {field.name: json_safe(getattr(self, field.name)) for field in fields(self)}


def held_out_log_likelihood(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    groups: Iterable[Hashable],
    model: str = "logistic",
) -> HeldOut:
    """Leave-one-group-out ln L per observation of a coordinate in exactly these variables.

    The coefficients are refitted without each group in turn and score that group. The choice of variables is
    *not* repeated: variables selected on the same data make the figure optimistic.

    Args:
        q: shape (n, k), the coordinate's variables. outcome, names, model: as in `fit`. groups: labels, shape
            (n,).

    Raises:
        ValueError: as `fit`; fewer than 2 groups; no group that can be left out.
    """
    scale = _check_model(model)
    values, sign, labels, group, group_names = _check_data(q, outcome, names, groups)
    if group is None or len(group_names) < 2:
        raise ValueError("held-out likelihood needs at least 2 groups")
    scored: list[int] = []
    skipped: list[int] = []
    totals: list[float] = []
    nulls: list[float] = []
    sizes: list[int] = []
    for label in range(len(group_names)):
        inside = group == label
        rest, rest_sign = values[~inside], sign[~inside]
        mean, spread = rest.mean(axis=0), rest.std(axis=0)
        usable = not bool(np.all(rest_sign == rest_sign[0])) and rest.shape[0] > rest.shape[1]
        usable = usable and not bool(_constant_columns(rest).any())
        z = (rest - mean) / spread if usable else rest
        if not usable or bool(_collinear_columns(z).any()):
            skipped.append(label)
            continue
        coordinate = _fit_standardised(rest, z, mean, spread, rest_sign, labels, None, model, scale)
        u = scale * sign[inside] * coordinate.r(values[inside])
        to_b = int(np.count_nonzero(rest_sign > 0.0)) / rest_sign.size
        scored.append(label)
        totals.append(float(_terms(u, model)[0].sum()))
        nulls.append(float(np.where(sign[inside] > 0.0, math.log(to_b), math.log1p(-to_b)).sum()))
        sizes.append(int(inside.sum()))
    if not scored:
        raise ValueError("no group can be left out: the others never have both outcomes and varying variables")
    count = np.array(sizes, dtype=np.int64)
    per_group = np.array(totals) / count
    mean_value = float(np.sum(totals) / count.sum())
    error = math.nan
    if len(scored) > 1:
        residual = (per_group - mean_value) * count
        error = math.sqrt(float(np.sum(residual**2)) * len(scored) / (len(scored) - 1)) / int(count.sum())
    return HeldOut(
        mean=mean_value,
        null_mean=float(np.sum(nulls) / count.sum()),
        standard_error=error,
        groups=tuple(group_names[label] for label in scored),
        per_group=per_group,
        sizes=count,
        skipped=tuple(group_names[label] for label in skipped),
    )


@dataclass(frozen=True, eq=False)
class CalibrationTable:
    """Predicted against observed committors in bins of the prediction; every array has one entry per bin.

    Attributes:
        edges: (bins + 1,). count: observations. successes: those that went to B.
        predicted: mean prediction. observed: successes/count. lower, upper: Wilson interval of the observed
            fraction at `confidence`. Empty bins have NaN in the last four.
        confidence: of the interval, which takes observations as independent.
    """

    edges: FloatArray
    count: IntArray
    successes: IntArray
    predicted: FloatArray
    observed: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types; NaN becomes None."""
        return {field.name: json_safe(getattr(self, field.name)) for field in fields(self)}


def calibration_table(
    p_predicted: ArrayLike, outcome: ArrayLike, bins: int | ArrayLike = 10, confidence: float = 0.95
) -> CalibrationTable:
    """Observed fraction to B in bins of the predicted committor, with Wilson intervals.

    Args:
        p_predicted: shape (n,), within [0, 1]. outcome: shape (n,), True for B.
        bins: number of equal bins on [0, 1], or increasing edges that cover all predictions. Bins are
            half-open, the last one closed.

    Raises:
        ValueError: shapes that do not fit, predictions outside [0, 1] or outside the edges, edges
            not increasing.
    """
    p = np.asarray(p_predicted, dtype=float)
    went = np.asarray(outcome).astype(bool)
    if p.ndim != 1 or went.shape != p.shape:
        raise ValueError(f"p_predicted and outcome must be of one length, got {p.shape} and {went.shape}")
    if not bool(np.all((p >= 0.0) & (p <= 1.0))):
        raise ValueError("predicted committors must lie within [0, 1]")
    edges = np.linspace(0.0, 1.0, int(bins) + 1) if np.ndim(bins) == 0 else np.asarray(bins, dtype=float)
    if edges.ndim != 1 or edges.size < 2 or not bool(np.all(np.diff(edges) > 0.0)):
        raise ValueError("bins must be a positive number or increasing edges")
    if p.size and (p.min() < edges[0] or p.max() > edges[-1]):
        raise ValueError("some predictions lie outside the given bins")
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, edges.size - 2)
    count = np.bincount(place, minlength=edges.size - 1)
    successes = np.bincount(place[went], minlength=edges.size - 1)
    empty = count == 0
    divisor = np.where(empty, 1, count)
    lower, upper = wilson_interval(successes, count, confidence)

    def blank(values: FloatArray) -> FloatArray:
        return np.where(empty, math.nan, values)

    return CalibrationTable(
        edges=edges,
        count=count,
        successes=successes,
        predicted=blank(np.bincount(place, weights=p, minlength=edges.size - 1) / divisor),
        observed=blank(successes / divisor),
        lower=blank(lower),
        upper=blank(upper),
        confidence=confidence,
    )
