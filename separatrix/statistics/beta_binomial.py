"""The beta-binomial likelihood of committor shots: binomial shots from committors that have a beta distribution."""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOG_THETA_MAX = math.log(1e6)
"""a + b stays within [1e-6, 1e6]; beyond, the likelihood is flat."""


class BetaBinomial:
    """Beta-binomial log-likelihood of k successes in n trials, as a function of mean and dispersion.

    With a = mu/theta and b = (1 - mu)/theta,

        ln L = sum_i [ln C(n_i, k_i) + sum_{j<k_i} ln(mu + j theta) + sum_{j<n_i-k_i} ln(1 - mu + j theta)
                      - sum_{j<n_i} ln(1 + j theta)],

    which, unlike differences of ln B(a, b), keeps its digits as theta -> 0 and there *is* the binomial. The
    sums over configurations collapse into three tables of length max(n). Variance of the committors:
    sigma2 = mu (1 - mu) rho with rho = theta/(1 + theta) = 1/(a + b + 1).
    """

    def __init__(self, k: IntArray, n: IntArray) -> None:
        longest = int(n.max())
        self._j = np.arange(longest, dtype=float)
        steps = np.arange(longest)
        ones = np.sort(k)
        zeros = np.sort(n - k)
        trials = np.sort(n)
        # how many configurations have k > j, n - k > j, n > j
        self._hits = (k.size - np.searchsorted(ones, steps, side="right")).astype(float)
        self._misses = (k.size - np.searchsorted(zeros, steps, side="right")).astype(float)
        self._trials = (k.size - np.searchsorted(trials, steps, side="right")).astype(float)
        self.pooled = float(k.sum()) / float(n.sum())
        self._log_choose = float(
            np.sum(special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0))
        )

    def log_likelihood(self, mu: ArrayLike, theta: ArrayLike) -> FloatArray:
        """ln L for broadcastable mu in [0, 1] and theta >= 0."""
        mean, spread = np.broadcast_arrays(np.asarray(mu, dtype=float), np.asarray(theta, dtype=float))
        jt = self._j * spread[..., None]
        total = special.xlogy(self._hits, mean[..., None] + jt)
        total += special.xlogy(self._misses, 1.0 - mean[..., None] + jt)
        total -= self._trials * np.log1p(jt)
        return self._log_choose + total.sum(axis=-1)

    def maximum(self) -> tuple[float, float, float]:
        """(mu, theta, ln L) of the maximum, theta within [1e-6, 1e6]; needs both outcomes and some n > 1."""
        grid = np.linspace(-LOG_THETA_MAX, LOG_THETA_MAX, 57)
        start = grid[int(np.argmax(self.log_likelihood(self.pooled, np.exp(grid))))]

        def negative(parameters: FloatArray) -> tuple[float, FloatArray]:
            mu = float(special.expit(parameters[0]))
            theta = math.exp(parameters[1])
            jt = self._j * theta
            upper, lower, norm = mu + jt, 1.0 - mu + jt, 1.0 + jt
            d_mu = float(np.sum(self._hits / upper) - np.sum(self._misses / lower))
            slope = self._hits / upper + self._misses / lower - self._trials / norm
            d_theta = float(np.sum(self._j * slope))
            gradient = np.array([-d_mu * mu * (1.0 - mu), -d_theta * theta])
            return -float(self.log_likelihood(mu, theta)), gradient

        optimum = optimize.minimize(
            negative,
            np.array([special.logit(self.pooled), start]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-30.0, 30.0), (-LOG_THETA_MAX, LOG_THETA_MAX)],
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
        )
        return float(special.expit(optimum.x[0])), math.exp(optimum.x[1]), -float(optimum.fun)

    def profile(self, sd: float) -> float:
        """Largest ln L over the mean when the committors have standard deviation `sd` (0 <= sd < 1/2)."""
        if sd <= 0.0:
            return float(self.log_likelihood(self.pooled, 0.0))
        variance = sd * sd
        root = math.sqrt(max(1.0 - 4.0 * variance, 0.0))
        lowest = 2.0 * variance / (1.0 + root)  # the smaller root of mu (1 - mu) = variance
        span = -float(special.logit(lowest))

        def value(t: FloatArray) -> FloatArray:
            mu = special.expit(t)
            rho = np.minimum(variance / (mu * (1.0 - mu)), 1.0 - 1e-9)
            return self.log_likelihood(mu, rho / (1.0 - rho))

        # Logit spacing resolves means near 0 and 1; the maximum is then refined between its two neighbours.
        grid = np.linspace(-span, span, 61)
        values = value(grid)
        best = int(np.argmax(values))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
        if high - low < 1e-9:
            return float(values[best])

        def negative(t: float) -> float:
            return -float(value(np.asarray(t)))

        optimum = optimize.minimize_scalar(negative, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
        return max(float(values[best]), -float(optimum.fun))

    def sd_interval(self, confidence: float, sd_best: float, log_likelihood_best: float) -> tuple[float, float]:
        """Profile-likelihood interval of the committors' standard deviation (Wilks: chi-square, 1 d.o.f.)."""
        cut = log_likelihood_best - 0.5 * float(scipy.stats.chi2.ppf(confidence, 1))
        ceiling = 0.5 - 1e-7
        middle = min(max(sd_best, 0.0), ceiling)

        def excess(sd: float) -> float:
            return self.profile(sd) - cut

        # Outside a maximum found to rounding only, the end sits at the maximum itself.
        inside = excess(middle) > 0.0
        lower, upper = 0.0, 0.5
        if excess(0.0) < 0.0:
            lower = float(optimize.brentq(excess, 0.0, middle, xtol=1e-6)) if inside else middle
        if excess(ceiling) < 0.0:
            upper = float(optimize.brentq(excess, middle, ceiling, xtol=1e-6)) if inside else middle
        return lower, upper
