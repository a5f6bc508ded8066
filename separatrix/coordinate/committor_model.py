"""Likelihood maximisation: which combination of which collective variables makes the reaction coordinate.

Every half-trajectory of aimless shooting is one observation: from the shooting point x it went to B, or it
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, special

from separatrix.coordinate.block_jackknife import block_influences
from separatrix.coordinate.likelihood import (
    ETA_PER_R,
    FloatArray,
    Maximum,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    log_terms,
    maximise,
)
from separatrix.core.plain import Plain
from separatrix.statistics.blocks import Blocks, Dependence, student_factor, upper_limit


@dataclass(frozen=True, eq=False)
class Coordinate(Plain):
    """A fitted reaction coordinate r = intercept + sum_k coefficients[k] q_k.

    Attributes
    ----------
    names
        Variables, in the order of the columns that `r` and `committor` expect.
    intercept
        a0, dimensionless.
    coefficients
        Shape (k,), inverse units of the variables.
    model
        ``logistic`` or ``erf``.
    log_likelihood
        ln L at these coefficients, never penalised.
    n_observations, n_success
        Observations, and how many of them went to B.
    covariance
        Of (a0, a1, ...), shape (k + 1, k + 1): inverse of minus the Hessian of ln L, which holds for independent
        observations. All NaN when separable.
    clustered_covariance
        The same by the jackknife over blocks (:func:`separatrix.coordinate.block_jackknife.block_influences`), which
        holds for any correlation within them. None where observations have to be taken as independent; all NaN when
        separable, or when the observations outside one block do not determine the coefficients.
    information_error
        As in ATESA's lmax.py (GitHub team-mayes/atesa): mean over the slopes (the intercept is left out) of
        sqrt(diag(H^-1 J H^-1)), J the sum over observations of the outer products of their scores, for variables
        scaled by their own minimum and maximum to [0, 1]: so free of units. It takes observations as independent.
        Compare it with ATESA's for the erf model only: r of the logistic model is on another scale.
    clustered_information_error
        The same mean of the errors between blocks; NaN without blocks.
    information_error_limit
        Its upper confidence limit (0.95; :func:`separatrix.statistics.blocks.upper_limit`), which sampling stops by: a
        standard error from a few blocks may by chance be far too small. NaN without blocks.
    block_count, block_description, memory
        Number of blocks (0: observations taken as independent), what they are, and the measured memory that their
        length comes from, in shots (NaN where none was measured): :class:`separatrix.statistics.blocks.Blocks`.
    separable
        The outcomes can be told apart without error (or all but ties on the border), so that ln L has no maximum. The
        coefficients then maximise ln L - (RIDGE/2) sum_k b_k^2, b_k = slope of eta per standard deviation of q_k:
        finite, good for ordering configurations and for locating r = 0, but their magnitude means nothing, and no
        covariance is given.
    converged
        The maximum was verified (see `fit`); if not, there is no covariance either.
    iterations
        Newton steps taken.
    blocks
        The blocks themselves, for what else is computed from these observations; no part of a file.
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
    information_error_limit: float
    block_count: int
    block_description: str
    memory: float
    separable: bool
    converged: bool
    iterations: int
    blocks: Blocks | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON types; NaN and infinities become None. The labels of the blocks are left out."""
        return {name: value for name, value in Plain.to_dict(replace(self, blocks=None)).items() if name != "blocks"}

    @property
    def standard_errors(self) -> FloatArray:
        """(k + 1,) square roots of the diagonal of `covariance`, intercept first: for independent observations."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.covariance))

    @property
    def clustered_errors(self) -> FloatArray | None:
        """(k + 1,) the same between blocks; None without blocks."""
        if self.clustered_covariance is None:
            return None
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.clustered_covariance))

    @property
    def errors(self) -> FloatArray:
        """(k + 1,) standard errors of intercept and coefficients: between blocks where there are such."""
        clustered = self.clustered_errors
        return self.standard_errors if clustered is None else clustered

    @property
    def error_kind(self) -> str:
        """What `errors` are: ``clustered`` (between blocks) or ``independent``."""
        return "independent" if self.clustered_covariance is None else "clustered"

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

        From the covariance between blocks where there are such, else from that of independent observations. Zero where
        the fit has none (separable data).
        """
        values = np.asarray(q, dtype=float)
        covariance = self.covariance if self.clustered_covariance is None else self.clustered_covariance
        if not np.all(np.isfinite(covariance)):
            return np.zeros(len(values))
        x = np.column_stack([np.ones(len(values)), values])
        return np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", x, covariance, x), 0.0))

    def committor(self, q: ArrayLike) -> FloatArray:
        """Model committor p_B of configurations q (n, k); shape (n,), within [0, 1]."""
        eta = ETA_PER_R[self.model] * self.r(q)
        return special.expit(eta) if self.model == "logistic" else special.ndtr(eta)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Coordinate:
        """Inverse of `to_dict`; None in place of a number becomes NaN. Raises ValueError for missing keys."""
        missing = [each.name for each in fields(cls) if each.name not in data and each.name != "blocks"]
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
            information_error_limit=_number(data["information_error_limit"]),
            block_count=int(data["block_count"]),
            block_description=str(data["block_description"]),
            memory=_number(data["memory"]),
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
    dependence: Dependence | None = None,
) -> Coordinate:
    """Maximum-likelihood coordinate in the given variables.

    Newton's method with step control on standardised variables. The maximum is verified: gradient below 1e-9
    N and a last Newton step that moves no eta by 1e-6, from a well-conditioned Hessian. Else a linear
    programme decides whether the data are separable (see `Coordinate.separable`); a maximum that exists but
    was not reached has converged = False.

    Parameters
    ----------
    q
        Variables at the shooting points, shape (n, m), any units.
    outcome
        Shape (n,), True for went to B.
    names
        m unique names.
    model
        ``logistic`` or ``erf``.
    dependence
        How the observations may depend on one another: the blocks that the errors are taken between. None: not at all.

    Raises
    ------
    ValueError
        Shapes that do not fit, values not finite, all outcomes equal, constant or collinear variables (named), fewer
        observations than parameters, unknown model.
    ArithmeticError
        The linear programme failed (not seen).
    """
    scale = eta_per_r(model)
    values, sign, labels, _, _ = checked_data(q, outcome, names, None)
    n, k = values.shape
    check_dependence(dependence, n)
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
    return fit_standardised(values, z, mean, spread, sign, labels, dependence, model, scale)


def check_dependence(dependence: Dependence | None, n: int) -> None:
    """Refuse, by a ValueError, what is said of another number of observations."""
    if dependence is not None and dependence.shot.size != n:
        raise ValueError(f"the dependence of {dependence.shot.size} observations is known, but there are {n}")


def fit_standardised(
    values: FloatArray,
    z: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    sign: FloatArray,
    labels: tuple[str, ...],
    dependence: Dependence | None,
    model: str,
    scale: float,
) -> Coordinate:
    """`fit` after its checks."""
    x = signed_rows(z, sign)
    return from_maximum(maximise(x, model), x, values, mean, spread, sign, labels, dependence, model, scale)


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
    dependence: Dependence | None,
    model: str,
    scale: float,
) -> Coordinate:
    """The maximum in the variables' own units, with its uncertainty."""
    n, k = values.shape
    best, separable, converged = maximum.newton, maximum.separable, maximum.converged
    transform = original_units(mean, spread, scale)
    a = transform @ best.b

    unknown = np.full((k + 1, k + 1), math.nan)
    covariance, clustered = unknown, None
    error = clustered_error = limit = math.nan
    blocks: Blocks | None = None
    if not separable and converged:
        inverse = linalg.cho_solve(linalg.cho_factor(best.hessian), np.eye(k + 1))
        covariance = transform @ inverse @ transform.T
        scores = x * best.slope[:, None]
        # A slope of the variable scaled to [0, 1] is the slope per standard deviation times range/sd.
        unit = np.ptp(values, axis=0) / spread / scale
        # diag(H^-1 J H^-1) as column norms of the scores times H^-1: never negative by rounding
        influences = scores @ inverse
        error = float(np.mean(np.sqrt(np.einsum("ij,ij->j", influences, influences))[1:] * unit))
        blocks = None if dependence is None else dependence.blocks(influences)
        if blocks is not None:
            clustered = unknown
            steps = block_influences(x, best.slope, log_terms(x @ best.b, model)[2], blocks)
            if steps is not None:
                clustered = transform @ (steps.T @ steps) @ transform.T
                clustered_error = float(np.mean(np.linalg.norm(steps, axis=0)[1:] * unit))
                limit = upper_limit(clustered_error, blocks.count)
    elif dependence is not None:
        # No maximum, no scores: blocks all the same, for what is left out or resampled together.
        blocks = dependence.blocks()
        clustered = None if blocks is None else unknown
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
        information_error_limit=limit,
        block_count=0 if blocks is None else blocks.count,
        block_description=described(dependence, blocks),
        memory=math.nan if blocks is None else blocks.memory,
        separable=separable,
        converged=converged,
        iterations=best.iterations,
        blocks=blocks,
    )


def described(dependence: Dependence | None, blocks: Blocks | None) -> str:
    """What the blocks are, or why there are none."""
    if blocks is not None:
        return blocks.description
    return "observations taken as independent" if dependence is None else dependence.why_independent()


def coefficient_intervals(coordinate: Coordinate, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends, each (k + 1,), of the intervals of intercept and coefficients.

    Coefficient +/- Student's t (one degree of freedom less than blocks; Cameron and Miller, J. Hum. Resour. 2015, 50,
    317) times the error between blocks; without blocks, +/- the normal quantile times the error from the Hessian.

    Parameters
    ----------
    coordinate
        A fit.
    confidence
        Of each interval by itself, between 0 and 1.

    Raises
    ------
    ValueError
        Confidence out of range.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    blocked = coordinate.clustered_covariance is not None
    factor = student_factor(coordinate.block_count, confidence) if blocked else special.ndtri(0.5 + 0.5 * confidence)
    width = coordinate.errors * float(factor)
    a = np.array([coordinate.intercept, *coordinate.coefficients])
    return a - width, a + width
