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

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, special

from separatrix.coordinate.likelihood import (
    ETA_PER_R,
    FloatArray,
    IntArray,
    Maximum,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    maximise,
)
from separatrix.core.plain import Plain


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
        eta = ETA_PER_R[self.model] * self.r(q)
        return special.expit(eta) if self.model == "logistic" else special.ndtr(eta)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Coordinate:
        """Inverse of `to_dict`; None in place of a number becomes NaN. Raises ValueError for missing keys."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise ValueError(f"not a coordinate: missing {', '.join(missing)}")
        eta_per_r(data["model"])
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
    scale = eta_per_r(model)
    values, sign, labels, group, _ = checked_data(q, outcome, names, groups)
    n, k = values.shape
    mean, spread = values.mean(axis=0), values.std(axis=0)
    constant = constant_columns(values, spread)
    if bool(constant.any()):
        raise ValueError(f"constant variables cannot be fitted: {', '.join(np.array(labels)[constant])}")
    if n < k + 1:
        raise ValueError(f"{n} observations cannot determine {k + 1} parameters")
    z = values - mean
    z /= spread
    collinear = collinear_columns(z)
    if bool(collinear.any()):
        raise ValueError(f"linearly dependent variables: {', '.join(np.array(labels)[collinear])}")
    return fit_standardised(values, z, mean, spread, sign, labels, group, model, scale)


def fit_standardised(
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
    x = signed_rows(z, sign)
    return from_maximum(maximise(x, model), x, values, mean, spread, sign, labels, group, model, scale)


def signed_rows(z: FloatArray, sign: FloatArray) -> FloatArray:
    """Rows (1, z_i) times the sign of each observation, as `newton` takes them.

    Column by column in memory: products with one number per observation then run along the observations.
    """
    x = np.empty((z.shape[0], z.shape[1] + 1), order="F")
    x[:, 0] = 1.0
    x[:, 1:] = z
    x *= sign[:, None]
    return x


def original_units(mean: FloatArray, spread: FloatArray, scale: float) -> FloatArray:
    """T of (a0, a) = T b: undoes the standardisation and goes from eta to r."""
    k = mean.size
    transform = np.zeros((k + 1, k + 1))
    transform[0, 0] = 1.0
    transform[0, 1:] = -mean / spread
    transform[np.arange(1, k + 1), np.arange(1, k + 1)] = 1.0 / spread
    transform /= scale
    return transform


def from_maximum(
    maximum: Maximum,
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
    transform = original_units(mean, spread, scale)
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
