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

Inertial likelihood maximisation (Peters 2012): whether a trajectory commits also depends on the velocities it
starts with, r = a0 + sum_k a_k q_k + b_k q'_k with q'_k the time derivative of q_k. `rates` makes a variable
bring its rate along, as a second column: the sets of variables are ranked, and charged for, with both. The
committor of a *configuration* has no velocities, so the final coordinate is the maximum in the chosen q_k
alone, as in ATESA's lmax.py; the fit with the rates is kept beside it.

All functions are pure: no files, no global random state. r and the committor are dimensionless; a coefficient
carries the inverse unit of its variable.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, special
from scipy.linalg import lapack

from separatrix.core.plain import Plain, json_safe
from separatrix.statistics.committor_statistics import wilson_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Progress = Callable[[int, int, int], None]
"""Told of a search as it goes: number of variables, subsets of that number fitted, subsets of it to fit."""

RIDGE = 1e-6
"""Penalty (RIDGE/2) sum b_k^2 on the slopes b_k = d eta/d z_k of the standardised variables z. It serves to
give separable data a bounded answer, and in the subset scan, whose leaders are then refitted without it."""

MAX_SUBSETS = 100_000
"""Subsets per size that an exhaustive search examines; beyond, it keeps to the top-scoring variables."""

NEAR_DUPLICATES = 0.999
"""|Correlation coefficient| from which two variables are one and the same for all that observations can tell."""

TABLE_LENGTH = 10
"""Subsets per size listed in `Selection.top`."""

CORRELATED = 0.7
"""|Correlation coefficient| from which variables can be interchangeable: half of the variance in common."""

_REFIT = 20  # leaders of the scan that are refitted exactly, so that the ridge cannot decide the order
_MAX_NEWTON = 200
_FAR = -20.0  # below this eta, Phi and phi are too small to be divided by one another
_WARM = 4096  # from this many observations on, a fit starts from the maximum of every n//_SAMPLE-th one
_SAMPLE = 1024
_COLLINEAR = 1e-7  # ratio of singular values of the standardised variables that counts as linear dependence
_CRITERIA = ("ebic", "bic", "aic")
_SEARCHES = ("auto", "exhaustive", "greedy", "exchange")
_TWO_LINES = 5  # sizes from which ATESA's two-line test gives an answer
_ETA_PER_R = {"logistic": 2.0, "erf": math.sqrt(2.0)}


# --------------------------------------------------------------------------------------- input checks


def _check_model(model: str) -> float:
    """eta per r of the model, or ValueError."""
    if model not in _ETA_PER_R:
        raise ValueError(f'model must be "logistic" or "erf", got {model!r}')
    return _ETA_PER_R[model]


def committor_slope(r: ArrayLike, model: str) -> FloatArray:
    """dp_B/dr of the model committor, of the shape of r."""
    eta = _check_model(model) * np.asarray(r, dtype=float)
    density = (
        special.expit(eta) * special.expit(-eta)
        if model == "logistic"
        else np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
    )
    return _ETA_PER_R[model] * density


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


def _constant_columns(q: FloatArray, spread: FloatArray | None = None) -> BoolArray:
    """Columns that vary by no more than rounding (relative spread below 1e-12); `spread`: their deviation, if known."""
    spread = q.std(axis=0) if spread is None else spread
    return (np.ptp(q, axis=0) == 0.0) | (spread <= 1e-12 * np.abs(q).max(axis=0))


def _collinear_columns(z: FloatArray) -> BoolArray:
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


# ----------------------------------------------------------------------------------------- likelihood


def _terms(u: FloatArray, model: str) -> tuple[FloatArray, FloatArray, FloatArray]:
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


def _newton(
    x: FloatArray,
    model: str,
    ridge: float,
    start: tuple[FloatArray, FloatArray] | None = None,
    tolerance: float = 1e-6,
) -> _Newton:
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
    value, slope, weight = _terms(u, model)
    objective = float(value.sum()) - 0.5 * float(penalty @ b**2)
    stopped = False
    iteration = 0
    weighted = np.empty_like(x)  # one buffer for all iterations: a new one each time costs as much as filling it

    def curvature() -> FloatArray:
        return np.multiply(x, weight[:, None], out=weighted).T @ x + np.diag(penalty)

    hessian = curvature() if start is None else start[1]
    while iteration < _MAX_NEWTON:
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
            value, slope, weight = _terms(u, model)
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
    return _Newton(b, float(value.sum()), slope, hessian, iteration, flat, converged, certain)


def _largest(u: FloatArray) -> float:
    """max |u|, without an array of |u|."""
    return max(float(u.max()), -float(u.min()))


def _start(x: FloatArray, model: str) -> tuple[FloatArray, FloatArray] | None:
    """Maximum and scaled Hessian of a regular sample of many observations, if a safe place to start from; else None."""
    if x.shape[0] < _WARM:
        return None
    sample = np.asfortranarray(x[:: x.shape[0] // _SAMPLE])
    found = _newton(sample, model, RIDGE, tolerance=1.0)
    # Beyond |eta| ~ 30 the weights fade and a Newton step of the whole data would mean nothing.
    if float(np.abs(x @ found.b).max()) > 30.0:
        return None
    return found.b, found.hessian * (x.shape[0] / sample.shape[0])


@dataclass(frozen=True)
class _Maximum:
    """Outcome of `_maximise`."""

    newton: _Newton
    separable: bool
    converged: bool


def _maximise(x: FloatArray, model: str) -> _Maximum:
    """The maximum of ln L, verified; or, where it does not exist, that with the ridge. x as in `_newton`."""
    best = _newton(x, model, 0.0, _start(x, model))
    separable = not best.certain and _is_separable(x)
    if separable:
        best = _newton(x, model, RIDGE)
    # When a maximum is known to exist, a vanishing gradient locates it, even so far out that rounding keeps
    # the steps in eta above 1e-6.
    return _Maximum(best, separable, best.converged or (not separable and best.flat))


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
class Coordinate(Plain):
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

    @property
    def aic(self) -> float:
        """2 (k + 1) - 2 ln L (Akaike, IEEE Trans. Autom. Control 1974, 19, 716); smaller is better."""
        return 2.0 * (len(self.names) + 1) - 2.0 * self.log_likelihood

    def r(self, q: ArrayLike) -> FloatArray:
        """r of configurations q (n, k), columns as in `names`; shape (n,)."""
        values = np.asarray(q, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ValueError(f"q must have shape (n, {len(self.names)}), got {values.shape}")
        return self.intercept + values @ self.coefficients

    def r_error(self, q: ArrayLike) -> FloatArray:
        """Standard error of r at configurations q (n, k), from the errors of the coefficients; shape (n,).

        The larger of what the naive and the clustered covariance give: of few groups the latter is too small. Zero
        where the fit has none (separable data).
        """
        values = np.asarray(q, dtype=float)
        x = np.column_stack([np.ones(len(values)), values])
        squares = [
            np.einsum("ni,ij,nj->n", x, c, x)
            for c in (self.covariance, self.clustered_covariance)
            if c is not None and np.all(np.isfinite(c))
        ]
        return np.sqrt(np.maximum(np.max(squares, axis=0), 0.0)) if squares else np.zeros(len(values))

    def committor(self, q: ArrayLike) -> FloatArray:
        """Model committor p_B of configurations q (n, k); shape (n,), within [0, 1]."""
        eta = _ETA_PER_R[self.model] * self.r(q)
        return special.expit(eta) if self.model == "logistic" else special.ndtr(eta)

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
    mean, spread = values.mean(axis=0), values.std(axis=0)
    constant = _constant_columns(values, spread)
    if bool(constant.any()):
        raise ValueError(f"constant variables cannot be fitted: {', '.join(np.array(labels)[constant])}")
    if n < k + 1:
        raise ValueError(f"{n} observations cannot determine {k + 1} parameters")
    z = values - mean
    z /= spread
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
    x = _signed(z, sign)
    return _coordinate(_maximise(x, model), x, values, mean, spread, sign, labels, group, model, scale)


def _signed(z: FloatArray, sign: FloatArray) -> FloatArray:
    """Rows (1, z_i) times the sign of each observation, as `_newton` takes them.

    Column by column in memory: products with one number per observation then run along the observations.
    """
    x = np.empty((z.shape[0], z.shape[1] + 1), order="F")
    x[:, 0] = 1.0
    x[:, 1:] = z
    x *= sign[:, None]
    return x


def _transform(mean: FloatArray, spread: FloatArray, scale: float) -> FloatArray:
    """T of (a0, a) = T b: undoes the standardisation and goes from eta to r."""
    k = mean.size
    transform = np.zeros((k + 1, k + 1))
    transform[0, 0] = 1.0
    transform[0, 1:] = -mean / spread
    transform[np.arange(1, k + 1), np.arange(1, k + 1)] = 1.0 / spread
    transform /= scale
    return transform


def _coordinate(
    maximum: _Maximum,
    x: FloatArray,
    values: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    sign: FloatArray,
    labels: tuple[str, ...],
    group: IntArray | None,
    model: str,
    scale: float,
) -> Coordinate:
    """The maximum in the variables' own units, with its uncertainty."""
    n, k = values.shape
    best, separable, converged = maximum.newton, maximum.separable, maximum.converged
    transform = _transform(mean, spread, scale)
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
        influences = scores @ inverse
        error = float(np.mean(np.sqrt(np.einsum("ij,ij->j", influences, influences))[1:] * unit))
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


def coefficient_intervals(
    coordinate: Coordinate, confidence: float = 0.95, n_groups: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends, each (k + 1,), of the intervals of intercept and coefficients.

    Args:
        coordinate: a fit. confidence: of each interval by itself, between 0 and 1.
        n_groups: number of groups behind `clustered_covariance`; with it, the intervals are coefficient +/-
            Student's t (n_groups - 1 degrees of freedom; Cameron and Miller, J. Hum. Resour. 2015, 50, 317)
            times the clustered error. None: normal quantile times the error from the Hessian, for independent
            observations.

    Raises:
        ValueError: confidence out of range; n_groups for a fit without groups, or below 2.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if n_groups is None:
        width = coordinate.standard_errors * special.ndtri(0.5 + 0.5 * confidence)
    elif coordinate.clustered_covariance is None or n_groups < 2:
        raise ValueError("clustered intervals need a fit with at least 2 groups")
    else:
        quantile = float(special.stdtrit(n_groups - 1, 0.5 + 0.5 * confidence))
        width = np.sqrt(np.diag(coordinate.clustered_covariance)) * quantile
    a = np.array([coordinate.intercept, *coordinate.coefficients])
    return a - width, a + width


# --------------------------------------------------------------------------------- search for subsets


def _check_rates(rates: ArrayLike | None, values: FloatArray, labels: tuple[str, ...]) -> FloatArray | None:
    """Validated rates, of the shape of the values."""
    if rates is None:
        return None
    speed = np.asarray(rates, dtype=float)
    if speed.shape != values.shape:
        raise ValueError(f"rates must have the shape of q, {values.shape}, got {speed.shape}")
    broken = ~np.isfinite(speed).all(axis=0)
    if bool(broken.any()):
        raise ValueError(f"rates not finite: {', '.join(np.array(labels)[broken])}")
    return speed


def rate_name(name: str) -> str:
    """Name of the rate of a variable, in fits and in files."""
    return f"{name}_rate"


@dataclass(frozen=True)
class _Columns:
    """Variables of a search, followed by their rates if these take part."""

    raw: FloatArray  # (n, m) or (n, 2 m)
    mean: FloatArray
    spread: FloatArray
    z: FloatArray
    m: int
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns, and so parameters, per variable."""
        return self.z.shape[1] // self.m

    def of(self, subsets: IntArray) -> IntArray:
        """Columns of subsets of variables (s, k), rates last; (s, k * width)."""
        return np.hstack([subsets + part * self.m for part in range(self.width)])


def _standardised(values: FloatArray, rates: FloatArray | None, kept: IntArray, labels: tuple[str, ...]) -> _Columns:
    """The columns of the variables `kept`, which must vary, and of their rates."""
    parts = [values] if rates is None else [values, rates]
    raw = values[:, kept] if rates is None else np.hstack([part[:, kept] for part in parts])
    mean = np.concatenate([part.mean(axis=0)[kept] for part in parts])
    spread = np.concatenate([part.std(axis=0)[kept] for part in parts])
    names = [labels[column] for column in kept]
    if rates is not None:
        still = _constant_columns(raw, spread)[kept.size :]
        if bool(still.any()):
            raise ValueError(f"constant rates cannot be fitted: {', '.join(np.array(names)[still])}")
        names += [rate_name(name) for name in names]
    return _Columns(raw, mean, spread, (raw - mean) / spread, kept.size, tuple(names))


def _null_log_likelihood(sign: FloatArray) -> float:
    """ln L of the best constant committor, whatever the model."""
    n = sign.size
    to_b = int(np.count_nonzero(sign > 0.0))
    return float(special.xlogy(to_b, to_b / n) + special.xlogy(n - to_b, 1.0 - to_b / n))


def _scan(
    z: FloatArray, sign: FloatArray, subsets: IntArray, model: str, tell: Callable[[int], None] | None = None
) -> FloatArray:
    """Penalised maximum of ln L (ridge RIDGE) for each row of column indices in subsets (s, k); shape (s,).

    Newton's method on many subsets at once. The start is the linear discriminant, which needs only the Gram
    matrix shared by all subsets. A subset is done when its predicted gain is below 1e-6, or 1e-3 for many
    observations (the prediction is off by about gain^(3/2)/sqrt(n)); the leaders are refitted exactly by the
    caller. The ridge lowers a maximum by at most (RIDGE/2) |b|^2, which shows only for nearly dependent
    variables (|b| of hundreds). `tell` hears how many are done, from time to time.
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
    enough = 1e-6 if n < _WARM else 1e-3
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
            done = (better & (gain < enough)) | stalled
            if bool(done.any()):
                values[index[done]] = objective[done] + np.where(better, 0.5 * gain, 0.0)[done]
                keep = ~done
                index, x = index[keep], x[keep]
                accepted, step, objective = accepted[keep], step[keep], objective[keep]
                if index.size == 0:
                    break
        values[index] = objective  # whatever has not converged keeps the best value reached: a lower bound
        result[first : first + count] = values
        if tell is not None:
            tell(first + count)
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
    greedy: tuple[tuple[int, ...], float] | None  # what addition alone finds, where the size was searched exhaustively


def _combinations(pool: IntArray, size: int) -> IntArray:
    flat = itertools.chain.from_iterable(itertools.combinations(pool.tolist(), size))
    return np.fromiter(flat, dtype=np.int64).reshape(-1, size)


@dataclass(frozen=True)
class _Task:
    """What a search needs to know throughout."""

    columns: _Columns
    sign: FloatArray
    model: str
    max_subsets: int
    progress: Progress | None = None

    def scan(self, subsets: IntArray) -> FloatArray:
        """ln L of subsets of variables (s, k); shape (s,)."""
        size, count = subsets.shape[1], subsets.shape[0]
        tell = None
        if self.progress is not None:
            progress = self.progress

            def tell(done: int) -> None:
                progress(size, done, count)

        return _scan(self.columns.z, self.sign, self.columns.of(subsets), self.model, tell)


def _exhaustive(task: _Task, size: int, score: FloatArray, base: tuple[int, ...] | None) -> tuple[_Size, FloatArray]:
    """All subsets of `size`, or of as many top-scoring variables as max_subsets allows; and the new scores.

    `score` (m,): the best ln L of a smaller subset that held the variable. `base`: the subset one smaller that
    addition alone has reached, None where it is not known.
    """
    m = task.columns.m
    pool_size = m
    while pool_size > size and math.comb(pool_size, size) > task.max_subsets:
        pool_size -= 1
    pool = np.sort(np.lexsort([np.arange(score.size), -np.round(score, 6)])[:pool_size])
    subsets = _combinations(pool, size)
    values = task.scan(subsets)
    order = _order(values, subsets)
    scores = np.full(m, -np.inf)
    for column in range(size):
        np.maximum.at(scores, subsets[:, column], values)
    note = f"size {size}: all {len(subsets)} subsets of "
    if pool_size == m:
        note += f"{pool_size} variables"
    else:
        note += f"the {pool_size} of {m} variables that did best at size {size - 1}"
    leaders = order[:_REFIT]
    greedy = None
    if base is not None:
        larger = np.flatnonzero((subsets[:, :, None] == np.array(base, dtype=np.int64)).any(axis=1).all(axis=1))
        if larger.size:  # none where the pool lacks a variable of the base
            best = larger[_order(values[larger], subsets[larger])[0]]
            greedy = (tuple(subsets[best].tolist()), float(values[best]))
    return _Size(subsets[leaders], values[leaders], len(subsets), note, greedy), scores


def _greedy(task: _Task, size: int, base: tuple[int, ...], exchange: bool) -> _Size:
    """The best addition to `base`, then, if wanted, exchanges of one variable for another until none helps."""
    known: dict[tuple[int, ...], float] = {}

    def best_of(candidates: set[tuple[int, ...]]) -> tuple[tuple[int, ...], float]:
        fresh = np.array(sorted(candidates - known.keys()), dtype=np.int64).reshape(-1, size)
        known.update(zip(map(tuple, fresh.tolist()), task.scan(fresh).tolist(), strict=True))
        ranked = sorted(candidates, key=lambda subset: (-round(known[subset], 6), subset))
        return ranked[0], known[ranked[0]]

    others = set(range(task.columns.m))
    current, value = best_of({tuple(sorted((*base, new))) for new in others - set(base)})
    exchanges = 0
    while exchange:
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
    how = f"greedy addition and {exchanges} exchanges" if exchange else "greedy addition"
    return _Size(subsets[leaders], values[leaders], len(known), f"size {size}: {how}, {len(known)} subsets tried", None)


def _search(task: _Task, max_variables: int, search: str) -> dict[int, _Size]:
    """The leading subsets of each size from 1 to max_variables."""
    score = np.zeros(task.columns.m)
    sizes: dict[int, _Size] = {}
    added: tuple[int, ...] | None = ()
    for size in range(1, min(max_variables, task.columns.m) + 1):
        if size == 1 or search == "exhaustive" or (search == "auto" and size <= 3):
            sizes[size], score = _exhaustive(task, size, score, added)
            added = None if sizes[size].greedy is None else sizes[size].greedy[0]
        else:
            base = tuple(sizes[size - 1].subsets[0].tolist())
            sizes[size] = _greedy(task, size, base, search != "greedy")
    return sizes


def two_line_test(log_likelihoods: Sequence[float], threshold: float = 0.5) -> int | None:
    """Number of variables by ATESA's two-line test, for comparison with lmax.py (GitHub team-mayes/atesa).

    ln L against the number of variables, 1 to N, is fitted by two straight lines that share the point M, one
    through 1..M and one through M..N. M is chosen if the lines cross nearer to its point than to any other and
    the slope of the second is at most `threshold` of the first; of several such M, the one nearest to the
    crossing. N grows from 5 until an M is found. ATESA takes ln L from greedy addition.

    Args:
        log_likelihoods: ln L of the best coordinate with 1, 2, ... variables. threshold: ATESA's default, 0.5.

    Returns:
        M, at least 2; None where no N up to the length given has one.
    """
    score = np.asarray(log_likelihoods, dtype=float)
    for n in range(_TWO_LINES, score.size + 1):
        x, y = np.arange(1.0, n + 1.0), score[:n]
        nearest = math.inf
        chosen: tuple[int, float] | None = None
        for shared in range(2, n):
            first = np.polynomial.polynomial.polyfit(x[:shared], y[:shared], 1)
            second = np.polynomial.polynomial.polyfit(x[shared - 1 :], y[shared - 1 :], 1)
            if first[1] == second[1]:
                continue
            crossing = (first[0] - second[0]) / (second[1] - first[1])
            distance = np.hypot(x - crossing, y - (first[0] + first[1] * crossing))
            if int(np.argmin(distance)) == shared - 1 and distance[shared - 1] < nearest:
                nearest = float(distance[shared - 1])
                chosen = shared, float(second[1] / first[1]) if first[1] else math.inf
        if chosen is not None and chosen[1] <= threshold:
            return chosen[0]
    return None


@dataclass(frozen=True)
class RankedSubset:
    """One line of `Selection.top`."""

    names: tuple[str, ...]
    log_likelihood: float
    separable: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "names": list(self.names),
            "log_likelihood": json_safe(self.log_likelihood),
            "separable": self.separable,
        }


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
        criterion: "ebic", "bic" or "aic".
        cost: for each size k, and 0 for the constant, (k + 1) ln N - 2 ln L, and 2 ln C(m, k) for "ebic"; smaller
            is better. With rates a set pays for 2 k + 1 parameters.
        excluded: variables left out because they are constant.
        search: what was searched, in words.
        costs: `cost` by all criteria; that of "aic" has 2 in place of ln N.
        two_line: number of variables by `two_line_test` of the sizes searched; None for fewer than 5 or no answer.
        greedy: for each size searched exhaustively the set that greedy addition ends with, from the same fits:
            what it falls short by, `greedy_gap`, is the price of not searching. Missing where the search kept
            to a pool that lacks one of its variables.
        inertial: with rates, the fit that ranked the set of each size, rates included (names of the
            variables, then `rate_name` of each); `per_size` then holds the fits of the same variables without
            rates, and `top`, `greedy` and the costs have ln L with them. Else None.
        n_fits: subsets fitted in the search, over all sizes. n_refits: fits repeated exactly.
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
    costs: dict[str, dict[int, float]]
    two_line: int | None
    greedy: dict[int, RankedSubset]
    inertial: dict[int, Coordinate] | None
    n_fits: int
    n_refits: int

    @property
    def greedy_gap(self) -> dict[int, float]:
        """ln L of the best set of each size less that of greedy addition."""
        return {k: self.top[k][0].log_likelihood - line.log_likelihood for k, line in self.greedy.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; sizes become string keys."""
        return {
            "best": self.best.to_dict(),
            "best_beats_null": self.best_beats_null,
            "per_size": {str(size): coordinate.to_dict() for size, coordinate in self.per_size.items()},
            "top": {str(size): [line.to_dict() for line in lines] for size, lines in self.top.items()},
            "null_log_likelihood": json_safe(self.null_log_likelihood),
            "criterion": self.criterion,
            "cost": json_safe(self.cost),
            "excluded": list(self.excluded),
            "search": self.search,
            "costs": json_safe(self.costs),
            "two_line": self.two_line,
            "greedy": {str(size): line.to_dict() for size, line in self.greedy.items()},
            "greedy_gap": json_safe(self.greedy_gap),
            "inertial": None if self.inertial is None else {str(k): c.to_dict() for k, c in self.inertial.items()},
            "n_fits": self.n_fits,
            "n_refits": self.n_refits,
        }


def _check_search(search: str, max_variables: int) -> None:
    if search not in _SEARCHES:
        raise ValueError(f"search must be one of {', '.join(_SEARCHES)}, got {search!r}")
    if max_variables < 1:
        raise ValueError(f"max_variables must be at least 1, got {max_variables}")


def _charge(size: int, m: int, n: int, criterion: str, width: int = 1) -> float:
    """What a subset of `size` of `m` variables pays: (width size + 1) ln n, 2 ln C(m, size) for having been searched.

    AIC charges 2 per parameter instead, and nothing for the search. width: parameters per variable.
    """
    parameters = width * size + 1
    if criterion == "aic":
        return 2.0 * parameters
    bic = parameters * math.log(n)
    if criterion == "bic":
        return bic
    return bic + 2.0 * (math.lgamma(m + 1) - math.lgamma(size + 1) - math.lgamma(m - size + 1))


def _check_criterion(criterion: str) -> None:
    if criterion not in _CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(_CRITERIA)}, got {criterion!r}")


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
    rates: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Selection:
    """The best coordinate with 1, 2, ..., max_variables of the given variables, and the best size.

    BIC charges for parameters, not for the number of subsets tried: of 80 variables that mean nothing, some
    subset beat the constant committor in 20 of 20 simulated data sets with N = 120 and in 13 of 20 with
    N = 500. The extended criterion adds 2 ln C(m, k), the price of having searched all subsets of k of m
    variables (Chen and Chen, Biometrika 2008, 95, 759, with gamma = 1). Judge a choice by
    `bootstrap_selection` and by committor shots all the same.

    Args:
        q: shape (n, m). outcome: shape (n,), True for B. names: m unique names. groups: as in `fit`.
        max_variables: largest size tried (at most m, and no more parameters than observations).
        search: "exhaustive": every subset of every size; "greedy": all single variables, then the best
            addition to the best set one smaller (ATESA's lmax.py -r); "exchange": the same, each addition
            followed by exchanges of one variable for another until none helps; "auto": exhaustive up to three
            variables, exchange beyond.
        model: "logistic" or "erf".
        criterion: "ebic": the size with the smallest extended BIC; "bic": with the smallest plain one; "aic":
            with the smallest Akaike criterion, which lets useless variables in.
        max_subsets: where a size has more subsets than this, the exhaustive search keeps to the variables
            that did best in subsets one smaller (ties: first columns), as many as fit; `Selection.search`
            says so.
        rates: (n, m) time derivatives of q for inertial likelihood maximisation; None for the plain one.
        progress: told of the subsets done.

    Returns:
        Selection. Constant variables are left out and listed; linearly dependent subsets are passed over
        (their ln L is that of a smaller one). Ties in ln L (to 1e-6) go to the subset that comes first in
        `names`.

    Raises:
        ValueError: as `fit`; no variable that varies; a rate that does not; unknown search or criterion;
            max_variables < 1.
    """
    scale = _check_model(model)
    _check_search(search, max_variables)
    _check_criterion(criterion)
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    speed = _check_rates(rates, values, labels)
    n = values.shape[0]
    constant = _constant_columns(values)
    if bool(constant.all()):
        raise ValueError("no variable varies: nothing to select from")
    columns = _standardised(values, speed, np.flatnonzero(~constant), labels)
    m, width = columns.m, columns.width
    task = _Task(columns, sign, model, max_subsets, progress)
    sizes = _search(task, min(max_variables, max((n - 1) // width, 1)), search)

    def exact(subset: tuple[int, ...], with_rates: bool = True) -> _Maximum | None:
        """The fit of a set of variables; None where these are linearly dependent."""
        taken = columns.of(np.array([subset]))[0] if with_rates else np.array(subset)
        if bool(_collinear_columns(columns.z[:, taken]).any()):
            return None
        return _maximise(_signed(columns.z[:, taken], sign), model)

    def coordinate(subset: tuple[int, ...], maximum: _Maximum, with_rates: bool) -> Coordinate:
        taken = columns.of(np.array([subset]))[0] if with_rates else np.array(subset)
        return _coordinate(
            maximum,
            _signed(columns.z[:, taken], sign),
            columns.raw[:, taken],
            columns.mean[taken],
            columns.spread[taken],
            sign,
            tuple(columns.names[column] for column in taken),
            group,
            model,
            scale,
        )

    def ranked(subset: tuple[int, ...], maximum: _Maximum) -> RankedSubset:
        return RankedSubset(tuple(columns.names[column] for column in subset), maximum.newton.value, maximum.separable)

    null = _null_log_likelihood(sign)
    per_size: dict[int, Coordinate] = {}
    inertial: dict[int, Coordinate] = {}
    top: dict[int, tuple[RankedSubset, ...]] = {}
    greedy: dict[int, RankedSubset] = {}
    n_refits = 0
    for size, found in sizes.items():
        refitted: dict[tuple[int, ...], _Maximum] = {}
        for subset in map(tuple, found.subsets.tolist()):
            maximum = exact(subset)
            n_refits += 1
            if maximum is not None:
                refitted[subset] = maximum
        if not refitted:
            break  # every leading subset is linearly dependent: larger sizes add nothing
        order = sorted(refitted, key=lambda subset: (-round(refitted[subset].newton.value, 6), subset))
        winner = order[0]
        if width == 1:
            per_size[size] = coordinate(winner, refitted[winner], False)
        else:
            inertial[size] = coordinate(winner, refitted[winner], True)
            plain = exact(winner, with_rates=False)
            n_refits += 1
            assert plain is not None  # part of columns that are independent
            per_size[size] = coordinate(winner, plain, False)
        top[size] = tuple(ranked(subset, refitted[subset]) for subset in order[:TABLE_LENGTH])
        if found.greedy is not None:
            subset, _ = found.greedy
            if subset not in refitted:
                n_refits += 1
            maximum = refitted.get(subset) or exact(subset)
            if maximum is not None:
                greedy[size] = ranked(subset, maximum)
    if not per_size:
        raise ValueError(f"{n} observations cannot determine {width + 1} parameters")
    costs = {
        name: {0: _charge(0, m, n, name) - 2.0 * null}
        | {size: _charge(size, m, n, name, width) - 2.0 * lines[0].log_likelihood for size, lines in top.items()}
        for name in _CRITERIA
    }
    cost = costs[criterion]
    chosen = min(per_size, key=lambda size: (cost[size], size))
    words = "; ".join(found.note for found in sizes.values())
    name = {"bic": "BIC", "ebic": f"extended BIC for {m} variables", "aic": "AIC"}[criterion]
    words += f"; the leading {_REFIT} of each size refitted exactly; size chosen by {name} with N = {n}"
    return Selection(
        best=per_size[chosen],
        best_beats_null=cost[chosen] < cost[0],
        per_size=per_size,
        top=top,
        null_log_likelihood=null,
        criterion=criterion,
        cost=cost,
        excluded=tuple(labels[column] for column in np.flatnonzero(constant)),
        search=words,
        costs=costs,
        two_line=two_line_test([lines[0].log_likelihood for lines in top.values()]),
        greedy=greedy,
        inertial=inertial if width > 1 else None,
        n_fits=sum(found.examined for found in sizes.values()),
        n_refits=n_refits,
    )


# ------------------------------------------------------------------------------------ is it reliable?


@dataclass(frozen=True, eq=False)
class SelectionFrequency(Plain):
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


def _blocks(n: int, group: IntArray | None, block_length: int) -> tuple[list[IntArray], str]:
    """Row indices of each block, and what they are."""
    index = np.zeros(n, dtype=np.int64) if group is None else group
    count = int(index.max()) + 1
    members = np.split(np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))[:-1])
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
    rates: ArrayLike | None = None,
    candidates: Sequence[str] | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
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
        rates: as in `select`. candidates: the variables that take part, in place of the prescreening.
        size: choose among sets of this number of variables only, whatever the criterion says.
        progress: told of the resamples done and their number.

    Raises:
        ValueError: as `select`; n_boot, block_length or prescreen below 1; unknown names in `include` or
            `candidates`, or none of these that varies; size outside 1 to max_variables.
    """
    _check_model(model)
    _check_search("auto", max_variables)
    _check_criterion(criterion)
    if min(n_boot, block_length, prescreen) < 1:
        raise ValueError("n_boot, block_length and prescreen must be at least 1")
    if size is not None and not 1 <= size <= max_variables:
        raise ValueError(f"size must lie between 1 and max_variables, got {size}")
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    speed = _check_rates(rates, values, labels)
    for what, given in (("include", include), ("candidates", candidates or ())):
        unknown = [name for name in given if name not in labels]
        if unknown:
            raise ValueError(f"unknown variables in {what}: {', '.join(unknown)}")
    n, m = values.shape
    varying = np.flatnonzero(~_constant_columns(values))
    if varying.size == 0:
        raise ValueError("no variable varies: nothing to select from")
    if candidates is None:
        best_first = varying[_prescreen(values[:, varying], sign, max_variables, prescreen, model)].tolist()
        wanted = [labels.index(name) for name in include]
        ordered = [column for column in dict.fromkeys([*wanted, *best_first]) if column in varying]
        pool = np.sort(np.array(ordered[: max(prescreen, len(wanted))], dtype=np.int64))
    else:
        taken = {labels.index(name) for name in (*include, *candidates)}
        pool = np.array(sorted(taken & set(varying.tolist())), dtype=np.int64)
        if pool.size == 0:
            raise ValueError("no candidate varies: nothing to select from")
    width = 1 if speed is None else 2

    blocks, words = _blocks(n, group, block_length)
    chosen = np.zeros(m)
    sets: dict[tuple[int, ...], int] = {}
    skipped = 0
    for resample in range(n_boot):
        if progress is not None:
            progress(resample, n_boot)
        picks = rng.integers(0, len(blocks), size=len(blocks))
        rows = np.concatenate([blocks[pick] for pick in picks])
        drawn_sign = sign[rows]
        if bool(np.all(drawn_sign == drawn_sign[0])):
            skipped += 1
            continue
        sample = values[np.ix_(rows, pool)]
        usable = ~_constant_columns(sample)
        if speed is not None:
            drawn_speed = speed[np.ix_(rows, pool)]
            usable &= ~_constant_columns(drawn_speed)
        kept = np.flatnonzero(usable)
        subset: tuple[int, ...] = ()
        # The price of the search is that of all variables that were searched, not of the prescreened ones.
        best = math.inf
        if size is None:
            best = _charge(0, varying.size, rows.size, criterion) - 2.0 * _null_log_likelihood(drawn_sign)
        if kept.size:
            drawn = _standardised(sample, None if speed is None else drawn_speed, kept, tuple(map(str, pool)))
            limit = min(max_variables, max((rows.size - 1) // width, 1))
            task = _Task(drawn, drawn_sign, model, MAX_SUBSETS)
            for number, found in _search(task, limit, "auto").items():
                cost = _charge(number, varying.size, rows.size, criterion, width) - 2.0 * float(found.values[0])
                if cost < best and size in (None, number):
                    best, subset = cost, tuple(pool[kept[found.subsets[0]]].tolist())
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
    m = q.shape[1]
    if m <= count:
        return list(range(m))
    columns = _standardised(q, None, np.arange(m), tuple(map(str, range(m))))
    task = _Task(columns, sign, model, MAX_SUBSETS)
    singles, score = _exhaustive(task, 1, np.zeros(m), None)
    _, pair_score = _exhaustive(task, 2, score, None)
    greedy: list[int] = singles.subsets[0].tolist()
    for found in _search(task, max_variables, "exchange").values():
        greedy.extend(found.subsets[0].tolist())
    by_pair = np.lexsort([np.arange(m), -np.round(pair_score, 6)]).tolist()
    return list(dict.fromkeys([*greedy, *by_pair]))[:count]


@dataclass(frozen=True, eq=False)
class BootstrapCoefficients(Plain):
    """Result of `bootstrap_coefficients`; arrays have the intercept first.

    Attributes:
        names: the coordinate's variables. lower, upper: (k + 1,) percentile interval at `confidence`.
        standard_errors: (k + 1,) standard deviation between resamples.
        n_boot: resamples that have a maximum. n_skipped: resamples without: one outcome, separable, or with
            linearly dependent variables. Many of them mean that the intervals are too narrow.
        blocks: what was resampled, in words.
    """

    names: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray
    standard_errors: FloatArray
    confidence: float
    n_boot: int
    n_skipped: int
    blocks: str


def bootstrap_coefficients(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    rng: np.random.Generator,
    groups: Iterable[Hashable] | None = None,
    model: str = "logistic",
    n_boot: int = 200,
    block_length: int = 10,
    confidence: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> BootstrapCoefficients:
    """Intervals of the coefficients of a coordinate in exactly these variables, by a block bootstrap.

    The choice of the variables is not repeated: see `bootstrap_selection` for that.

    Args:
        q: shape (n, k), the coordinate's variables. outcome, names, model: as in `fit`.
        groups, block_length, rng: as in `bootstrap_selection`. n_boot: resamples. confidence: of the intervals.
        progress: told of the resamples done and their number.

    Raises:
        ValueError: as `fit`; n_boot or block_length below 1; confidence not between 0 and 1.
    """
    scale = _check_model(model)
    if min(n_boot, block_length) < 1:
        raise ValueError("n_boot and block_length must be at least 1")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    values, sign, labels, group, _ = _check_data(q, outcome, names, groups)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    constant = _constant_columns(values, spread)
    if bool(constant.any()):
        raise ValueError(f"constant variables cannot be fitted: {', '.join(np.array(labels)[constant])}")
    # One standardisation for all resamples: the maximum does not depend on it.
    z = (values - mean) / spread
    transform = _transform(mean, spread, scale)
    blocks, words = _blocks(values.shape[0], group, block_length)
    drawn: list[FloatArray] = []
    for resample in range(n_boot):
        if progress is not None:
            progress(resample, n_boot)
        picks = rng.integers(0, len(blocks), size=len(blocks))
        rows = np.concatenate([blocks[pick] for pick in picks])
        one_sided = bool(np.all(sign[rows] == sign[rows[0]]))
        if one_sided or rows.size <= z.shape[1] or bool(_constant_columns(values[rows]).any()):
            continue
        if bool(_collinear_columns(z[rows]).any()):
            continue
        maximum = _maximise(_signed(z[rows], sign[rows]), model)
        if not maximum.separable and maximum.converged:
            drawn.append(transform @ maximum.newton.b)
    lower = upper = error = np.full(z.shape[1] + 1, math.nan)
    if len(drawn) > 1:
        sample = np.array(drawn)
        lower, upper = np.quantile(sample, [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence], axis=0)
        error = sample.std(axis=0, ddof=1)
    return BootstrapCoefficients(labels, lower, upper, error, confidence, len(drawn), n_boot - len(drawn), words)


@dataclass(frozen=True)
class Alternative(Plain):
    """A variable that does about as well in a coordinate as the one it stands in for.

    Attributes:
        name: the variable. correlation: with the one it replaces, over the observations.
        loss: ln L of the coordinate less that with the variable in its place. standard_error: of the loss,
            from its spread between groups (between observations for fewer than 5 groups).
    """

    name: str
    correlation: float
    loss: float
    standard_error: float


@dataclass(frozen=True)
class Interchangeable:
    """A variable of a coordinate, and those that the data do not tell from it, best first."""

    variable: str
    alternatives: tuple[Alternative, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The whole group, the variable of the coordinate first."""
        return (self.variable, *(other.name for other in self.alternatives))

    def to_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "variable": self.variable,
            "alternatives": [other.to_dict() for other in self.alternatives],
        }


def interchangeable(
    q: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    chosen: Sequence[str],
    model: str = "logistic",
    groups: Iterable[Hashable] | None = None,
    rates: ArrayLike | None = None,
    correlation: float = CORRELATED,
) -> tuple[Interchangeable, ...]:
    """Groups of variables that the data cannot tell apart, so that no ranking among them should be believed.

    A variable of the coordinate and another form a group when they are correlated and putting one for the other
    costs less ln L than BIC charges for a parameter, ln(N)/2, or less than 1.96 standard errors of the
    difference (the test of Vuong, Econometrica 1989, 57, 307, for models that do not contain one another, with
    the differences summed by group).

    Args:
        q, outcome, names, model, groups, rates: as in `select`. chosen: the variables of the coordinate.
        correlation: smallest |correlation coefficient| of a group's members with the chosen variable.

    Returns:
        One group per chosen variable that has alternatives, in the order of `chosen`.

    Raises:
        ValueError: as `fit`; unknown names in `chosen`.
    """
    _check_model(model)
    values, sign, labels, group, group_names = _check_data(q, outcome, names, groups)
    speed = _check_rates(rates, values, labels)
    unknown = [name for name in chosen if name not in labels]
    if unknown or not chosen:
        raise ValueError(f"unknown variables in chosen: {', '.join(unknown)}" if unknown else "chosen is empty")
    kept = np.flatnonzero(~_constant_columns(values))
    columns = _standardised(values, speed, kept, labels)
    n = values.shape[0]
    places = [columns.names.index(name) for name in chosen]

    def pointwise(subset: Sequence[int]) -> FloatArray | None:
        """ln p of each observation at the maximum; None where the variables are linearly dependent."""
        taken = columns.of(np.array([subset]))[0]
        if bool(_collinear_columns(columns.z[:, taken]).any()):
            return None
        x = _signed(columns.z[:, taken], sign)
        return _terms(x @ _maximise(x, model).newton.b, model)[0]

    own = pointwise(places)
    if own is None:
        raise ValueError(f"linearly dependent variables: {', '.join(chosen)}")
    found = []
    for position, place in enumerate(places):
        with_others = columns.z[:, : columns.m].T @ columns.z[:, place] / n
        others: list[Alternative] = []
        for other in np.flatnonzero(np.abs(with_others) >= correlation).tolist():
            if other in places:
                continue
            theirs = pointwise([*places[:position], other, *places[position + 1 :]])
            if theirs is None:
                continue
            difference = own - theirs
            clustered = group is not None and len(group_names) >= 5
            sums = np.bincount(group, weights=difference) if clustered else difference
            error = float(np.std(sums, ddof=1) * math.sqrt(sums.size))
            loss = float(difference.sum())
            if loss <= max(0.5 * columns.width * math.log(n), 1.96 * error):
                others.append(Alternative(columns.names[other], float(with_others[other]), loss, error))
        if others:
            found.append(Interchangeable(chosen[position], tuple(sorted(others, key=lambda line: line.loss))))
    return tuple(found)


def constant_variables(q: ArrayLike) -> BoolArray:
    """Which of the variables q (n, m) vary by no more than rounding, and so are left out of every fit; shape (m,)."""
    return _constant_columns(np.asarray(q, dtype=float))


def near_duplicates(
    q: ArrayLike, names: Sequence[str], correlation: float = NEAR_DUPLICATES
) -> dict[str, tuple[tuple[str, float], ...]]:
    """For each variable the others that nearly are a linear function of it, with the correlation coefficient.

    Args:
        q: shape (n, m). names: m names. correlation: smallest |correlation coefficient|.

    Returns:
        By name, in the order of `names`, closest first; constant variables have none and are nobody's.
    """
    values = np.asarray(q, dtype=float)
    kept = np.flatnonzero(~_constant_columns(values))
    z = (values[:, kept] - values[:, kept].mean(axis=0)) / values[:, kept].std(axis=0)
    r = np.clip(z.T @ z / len(values), -1.0, 1.0)
    found: dict[str, tuple[tuple[str, float], ...]] = {str(name): () for name in names}
    for i, place in enumerate(kept):
        # Equal but for rounding: in the order of the names, whatever the machine.
        order = np.argsort(-np.round(np.abs(r[i]), 6), kind="stable")
        others = [j for j in order if j != i and abs(r[i, j]) >= correlation]
        found[str(names[place])] = tuple((str(names[kept[j]]), float(r[i, j])) for j in others)
    return found


def fold_labels(groups: Iterable[Hashable], folds: int) -> IntArray:
    """Label 0 to folds - 1 of each observation, whole groups together and the folds about equal in size.

    For `held_out_log_likelihood`, in place of leaving out one group at a time. Fewer groups than folds: as many
    folds as groups.

    Raises:
        ValueError: folds below 2.
    """
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
    order: dict[Hashable, int] = {}
    index = np.array([order.setdefault(member, len(order)) for member in groups], dtype=np.int64)
    size = np.bincount(index, minlength=len(order))
    filled = np.zeros(min(folds, len(order)), dtype=np.int64)
    fold = np.zeros(len(order), dtype=np.int64)
    for group in np.argsort(-size, kind="stable"):
        fold[group] = int(np.argmin(filled))
        filled[fold[group]] += size[group]
    return fold[index]


@dataclass(frozen=True, eq=False)
class HeldOut(Plain):
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
class CalibrationTable(Plain):
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
