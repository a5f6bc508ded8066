"""Statistics of committor shots: is the predicted separatrix a separatrix?

The histogram test (B. Peters, J. Chem. Phys. 2006, 125, 241101): `n` trajectories are shot from each of `m`
configurations drawn on the predicted separatrix r = 0, and `k` of them reach basin B. Were the coordinate
perfect, every configuration would have committor 1/2 and `k` would be binomial(n, 1/2). The observed spread
of k/n is that binomial noise *plus* the spread of the true committors; this module separates the two, with
intervals and tests.

All functions are pure: no files, no global random state. Committors and fractions are numbers in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from separatrix.core.labelled import Labelled
from separatrix.core.plain import Plain
from separatrix.statistics.beta_binomial import LOG_THETA_MAX, BetaBinomial
from separatrix.statistics.intervals import wilson_interval
from separatrix.statistics.no_basin import KEY, Lost, lost_halves

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ALPHA = 0.05
"""Level of the tests behind the verdict; the intervals have confidence 1 - ALPHA."""

DEFAULT_SEED = 2006
"""Seed of the generator used when the caller passes none, so that equal data give equal numbers."""

FLAT_SD = math.sqrt(1.0 / 12.0)
"""Standard deviation of committors spread evenly over [0, 1], that is of a coordinate that knows nothing."""

SMALL_SD = 0.1
"""A spread of committors that hardly matters: only below it a coordinate is called consistent with a perfect one."""


class Judgement(Labelled):
    """What committor shots say of a predicted separatrix."""

    UNTESTED = "spread not tested", "spread not tested"
    INCONCLUSIVE = "inconclusive", "inconclusive"
    NO_SPREAD = "no spread found", "no spread found"
    BROAD = "broad", "broad"
    OFF_CENTRE = "off-centre", "off-centre"
    OFF_BROAD = "off-centre and broad", "off-centre and broad"


_MAX_SUPPORT = 4096  # Kolmogorov-Smirnov distances are evaluated on at most this many fractions
_CHUNK = 4_000_000  # array elements worked on at a time in simulations


@dataclass(frozen=True)
class CommittorDistribution(Plain):
    """Result of `analyse`. NaN marks a number that the data cannot give (`to_dict` writes it as null).

    Attributes
    ----------
    n_configurations
        Configurations with at least one committed shot; only these enter the statistics.
    n_configurations_without_shots
        Configurations all of whose shots failed or did not commit (n = 0).
    n_shots, n_success
        Committed shots, sum of n; those that reached B, sum of k.
    n_uncommitted, n_failed
        Shots that reached no basin or crashed, as the caller says.
    n_elsewhere
        Shots that reached a third basin, as the caller says.
    uncommitted_share, uncommitted_interval
        Of the shots that reached no basin, with a Wilson interval.
    uncommitted_matters
        Whether they are many, or could change the share of shots that reach B by more than its error.
    mean_bounds
        Mean of k/n had all uncommitted shots gone to A, and had all gone to B.
    mean, mean_standard_error
        Mean over configurations of k/n; sqrt(variance / m), NaN for m = 1.
    mean_interval
        Student-t interval of the mean at `confidence`, cut to [0, 1].
    variance
        Sample variance (divisor m - 1) of k/n, binomial noise included.
    intrinsic_variance
        Moment estimate of the variance of the true committors; may be negative by chance.
    intrinsic_sd
        Square root of `intrinsic_variance` cut to its possible range, 0 to mean (1 - mean).
    intrinsic_sd_interval
        Interval of the intrinsic standard deviation at `confidence`.
    interval_method
        ``profile`` (beta-binomial profile likelihood) or ``bootstrap`` (over configurations).
    beta
        (a, b) of the beta distribution of committors that maximises the beta-binomial likelihood; always finite, or
        None when `beta_status` is ``one outcome`` or ``not identifiable``.
    beta_status
        ``interior`` (a genuine maximum); ``binomial limit`` (the likelihood increases as a + b grows without bound: no
        spread beyond binomial; `beta` is then at the stated cap a + b = 1e6); ``two-state limit`` (it increases as
        a + b goes to 0: every configuration always did the same; `beta` at a + b = 1e-6); ``one outcome`` (all shots
        ended in one basin); ``not identifiable`` (one configuration, or one shot per configuration).
    beta_log_likelihood, binomial_log_likelihood
        Maxima of both models, binomial coefficients included.
    dispersion_index
        Pearson chi-square of k against one common p, over m - 1; about 1 for no spread.
    p_value_binomial
        One-sided test that all configurations share one p, whatever it is (over-dispersion of the Pearson statistic;
        Monte Carlo in the exact law of k given sum k, so p needs no estimate).
    ks_half, p_value_ks_half
        Distance and p-value of Kolmogorov-Smirnov against binomial(n, 1/2).
    ks_mean, p_value_ks_mean
        The same against binomial(n, pooled k/n), conditional on sum k.
    confidence
        Of the intervals.
    verdict, judgement
        One sentence; the same in a word, one of `Judgement`.
    """

    n_configurations: int
    n_configurations_without_shots: int
    n_shots: int
    n_success: int
    n_uncommitted: int
    n_failed: int
    n_elsewhere: int
    uncommitted_share: float
    uncommitted_interval: tuple[float, float]
    uncommitted_matters: bool
    mean_bounds: tuple[float, float]
    mean: float
    mean_standard_error: float
    mean_interval: tuple[float, float]
    variance: float
    intrinsic_variance: float
    intrinsic_sd: float
    intrinsic_sd_interval: tuple[float, float]
    interval_method: str
    beta: tuple[float, float] | None
    beta_status: str
    beta_log_likelihood: float
    binomial_log_likelihood: float
    dispersion_index: float
    p_value_binomial: float
    ks_half: float
    p_value_ks_half: float
    ks_mean: float
    p_value_ks_mean: float
    confidence: float
    verdict: str
    judgement: Judgement

    @property
    def beta_at_binomial_limit(self) -> bool:
        """True when the beta-binomial likelihood only grows towards the pure binomial."""
        return self.beta_status == "binomial limit"


# -------------------------------------------------------------------------------------- small helpers


def _whole_numbers(values: ArrayLike, what: str) -> IntArray:
    """A one-dimensional integer array, or ValueError."""
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, got shape {array.shape}")
    if array.dtype == bool or not (np.issubdtype(array.dtype, np.number) and np.isrealobj(array)):
        if array.size:
            raise ValueError(f"{what} must hold whole numbers, got dtype {array.dtype}")
        array = array.astype(np.int64)
    whole_valued = np.isfinite(array) & (array == np.rint(array))
    if not bool(np.all(whole_valued)):
        raise ValueError(f"{what} must hold whole numbers")
    whole: IntArray = array.astype(np.int64)
    if bool(np.any(whole < 0)):
        raise ValueError(f"{what} must not be negative")
    return whole


def binomial_expectation(n: ArrayLike, p: float = 0.5, bins: int | ArrayLike = 10) -> tuple[FloatArray, FloatArray]:
    """Expected histogram of k/n when every configuration has committor `p`.

    Parameters
    ----------
    n
        Shots of each configuration, shape (m,), each at least 1.
    p
        The common committor.
    bins
        Number of equal bins on [0, 1], or the bin edges.

    Returns
    -------
    (expected, edges): expected number of configurations in each bin, and the edges. The convention of
    `numpy.histogram` for given edges is used (half-open bins, the last one closed): pass the returned `edges`, not a
    number of bins, to `numpy.histogram` so that fractions on an edge fall in the same bin.

    Raises
    ------
    ValueError
        For an empty `n`, n < 1, or p outside [0, 1].
    """
    trials = _whole_numbers(n, "n")
    if trials.size == 0 or bool(np.any(trials < 1)):
        raise ValueError("binomial_expectation needs at least one configuration, each with n >= 1")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p must lie in [0, 1], got {p}")
    edges = np.linspace(0.0, 1.0, int(np.asarray(bins)) + 1) if np.ndim(bins) == 0 else np.asarray(bins, dtype=float)
    expected = np.zeros(edges.size - 1)
    for shots, count in zip(*np.unique(trials, return_counts=True), strict=True):
        k = np.arange(shots + 1)
        weights = count * scipy.stats.binom.pmf(k, shots, p)
        expected += np.histogram(k / shots, bins=edges, weights=weights)[0]
    return expected, edges


def intrinsic_variance(k: ArrayLike, n: ArrayLike) -> float:
    """Moment estimate of the variance of the true committors, binomial noise taken out.

    With mu = mean(k/n), s2 = the sample variance of k/n (divisor m - 1) and h = mean(1/n), the identity
    Var(k_i/n_i) = sigma2 (1 - 1/n_i) + mu (1 - mu)/n_i averages over configurations to

        sigma2 = [s2 - h mu (1 - mu)] / (1 - h),

    which for equal n is [n s2 - mu (1 - mu)]/(n - 1), the formula of Peters (2006, see the module).
    It may be negative. Replacing mu by its estimate leaves a bias of +h/(1 - h) Var(mean), of order 1/(m n).

    Parameters
    ----------
    k, n
        Shape (m,), k <= n, n >= 1.

    Returns
    -------
    The estimate; NaN for m < 2 or one shot per configuration (h = 1), where it is undefined.
    """
    trials = np.asarray(n, dtype=float)
    fraction = np.asarray(k, dtype=float) / trials
    if fraction.size < 2:
        return math.nan
    h = float(np.mean(1.0 / trials))
    if h >= 1.0:
        return math.nan
    mu = float(fraction.mean())
    return (float(fraction.var(ddof=1)) - h * mu * (1.0 - mu)) / (1.0 - h)


# -------------------------------------------------------------------------------- tests by simulation


class _Distance:
    """Kolmogorov-Smirnov distance of the fractions k/n from the mixture of binomial(n_i, p).

    Both distribution functions are steps, so the largest difference lies on a possible fraction. Very many
    distinct n would give very many of those; then a fixed grid of fractions is used: a slightly coarser
    statistic, and as valid, since the simulated data are measured with it too.
    """

    def __init__(self, n: IntArray) -> None:
        self._n = n
        shots, self._counts = np.unique(n, return_counts=True)
        self._shots = shots
        if int(np.sum(shots + 1)) <= _MAX_SUPPORT:
            self._support = np.unique(np.concatenate([np.arange(s + 1) / s for s in shots]))
        else:
            self._support = np.linspace(0.0, 1.0, _MAX_SUPPORT + 1)

    def cdf(self, p: float) -> FloatArray:
        """Expected distribution function of k/n at the support points."""
        total = np.zeros(self._support.size)
        for shots, count in zip(self._shots, self._counts, strict=True):
            # The nudge keeps x n = 2.9999999 from losing the step at 3.
            total += count * scipy.stats.binom.cdf(np.floor(self._support * shots + 1e-7), shots, p)
        return total / self._n.size

    def __call__(self, k: IntArray, cdf: FloatArray) -> FloatArray:
        """Distances for k of shape (..., m); shape (...)."""
        draws = np.atleast_2d(k)
        size = self._support.size
        result = np.empty(draws.shape[0])
        step = max(1, _CHUNK // (size + self._n.size))
        for first in range(0, draws.shape[0], step):
            part = draws[first : first + step]
            index = np.searchsorted(self._support, part / self._n)
            index += np.arange(part.shape[0])[:, None] * size
            counts = np.bincount(index.ravel(), minlength=part.shape[0] * size).reshape(part.shape[0], size)
            empirical = np.cumsum(counts, axis=1) / self._n.size
            result[first : first + step] = np.abs(empirical - cdf).max(axis=1)
        return result


def _monte_carlo_p(observed: float, simulated: FloatArray) -> float:
    """(1 + number as extreme) / (1 + number simulated): never 0, exact in level however few are simulated."""
    return (1.0 + int(np.count_nonzero(simulated >= observed - 1e-10))) / (1.0 + simulated.size)


def _pearson(k: IntArray, n: IntArray) -> FloatArray:
    """Sum of (k - n p)^2 / n with pooled p: Pearson's chi-square times p (1 - p), finite at p = 0 too."""
    p = k.sum(axis=-1, keepdims=True) / n.sum()
    return np.sum((k - n * p) ** 2 / n, axis=-1)


# ---------------------------------------------------------------------------------------- the verdict


def _verdict(
    m: int,
    mean: float,
    error: float,
    centred: bool,
    p_value: float,
    sd: float,
    sd_interval: tuple[float, float],
    confidence: float,
) -> tuple[Judgement, str]:
    """The judgement, and one sentence; see `analyse` for the rules."""
    offset = mean - 0.5
    where = f"off-centre by {offset:+.3f} (mean committor {mean:.3f}"
    where += f" +- {error:.3f})" if math.isfinite(error) else ")"
    if m == 1 or not math.isfinite(p_value):
        rest = f"one {'configuration' if m == 1 else 'shot per configuration'} says nothing about the spread"
        start = f"mean committor {mean:.3f} compatible with 1/2" if centred else where
        return Judgement.UNTESTED if centred else Judgement.OFF_CENTRE, f"{start}; {rest}"
    low, high = sd_interval
    if p_value < ALPHA:
        width = f"intrinsic spread {sd:.3f}, {100 * confidence:.0f} % interval {low:.3f} to {high:.3f}"
        if low < 0.001:
            # The exact test and the profile interval are two approximations; where they differ, say both.
            width += f", yet the binomial is refused at p = {p_value:.2g}: borderline"
        return (
            (Judgement.BROAD, f"centred but broad ({width})")
            if centred
            else (Judgement.OFF_BROAD, f"{where} and broad ({width})")
        )
    limit = f"no spread beyond binomial noise found, up to {high:.3f} not excluded"
    if not centred:
        return Judgement.OFF_CENTRE, f"{where}; {limit}"
    if high >= FLAT_SD:
        return Judgement.INCONCLUSIVE, f"{Judgement.INCONCLUSIVE.label}: too few shots ({limit})"
    if high < SMALL_SD:
        return Judgement.NO_SPREAD, f"consistent with a perfect coordinate ({limit})"
    return Judgement.NO_SPREAD, f"cannot be told from a perfect coordinate; a spread up to {high:.2f} is not excluded"


def analyse(
    k: ArrayLike,
    n: ArrayLike,
    *,
    n_uncommitted: ArrayLike = 0,
    n_failed: int = 0,
    n_elsewhere: int = 0,
    confidence: float = 0.95,
    interval_method: str = "profile",
    n_simulations: int = 1999,
    rng: np.random.Generator | None = None,
) -> CommittorDistribution:
    """Histogram test of a predicted separatrix (Peters, J. Chem. Phys. 2006, 125, 241101).

    The verdict calls the distribution *off-centre* when |mean - 1/2| exceeds both t times the observed standard error
    (Student, m - 1 degrees of freedom) and z times (normal) that of pure binomial shots from p = 1/2: equal counts by
    chance are no proof. It says *broad* when `p_value_binomial` < 0.05, and *inconclusive* when neither holds but the
    interval reaches 1/sqrt(12), the spread of a flat distribution of committors: such data would not expose even a
    coordinate that knows nothing. Only where a spread of `SMALL_SD` is excluded are the data called *consistent with a
    perfect coordinate*.

    Where uncommitted shots matter (`separatrix.statistics.no_basin`), the judgement must be the same had they all gone
    to A and had they all gone to B, or it is *inconclusive*; the verdict gives the mean committor of both.

    Parameters
    ----------
    k
        Shots that reached B, shape (m,).
    n
        Shots that committed, shape (m,) or one number for all.
    n_uncommitted
        Shots of each configuration that reached no basin in time, shape (m,), or their number, which is then shared out
        as n is.
    n_failed, n_elsewhere
        Numbers of shots that crashed or reached a third basin, carried through.
    confidence
        Of the intervals.
    interval_method
        ``profile``: profile likelihood of the beta-binomial (deterministic; recommended); ``bootstrap``: percentile
        bootstrap over configurations (no assumption on the shape of the distribution, but too narrow for fewer than
        about 30 configurations).
    n_simulations
        Simulated data sets behind each p-value, and bootstrap resamples.
    rng
        Source of random numbers; None uses a new one with the fixed seed `DEFAULT_SEED`.

    Returns
    -------
    Configurations with n = 0 are counted but do not enter.

    Raises
    ------
    ValueError
        No configurations, no shots at all, k > n, negative or fractional counts, different lengths, unknown
        interval_method, confidence outside (0, 1), n_simulations < 1.
    """
    hits = _whole_numbers(k, "k")
    trials = _whole_numbers(n, "n")
    if hits.size == 0:
        raise ValueError("no committor configurations to analyse")
    if trials.size == 1 and hits.size > 1 and np.ndim(n) == 0:
        trials = np.full(hits.size, trials[0])
    if hits.shape != trials.shape:
        raise ValueError(f"k and n must have the same length, got {hits.size} and {trials.size}")
    if bool(np.any(hits > trials)):
        worst = int(np.argmax(hits > trials))
        raise ValueError(f"k must not exceed n: configuration {worst} has k = {hits[worst]}, n = {trials[worst]}")
    if interval_method not in ("profile", "bootstrap"):
        raise ValueError(f'interval_method must be "profile" or "bootstrap", got {interval_method!r}')
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if n_simulations < 1:
        raise ValueError(f"n_simulations must be at least 1, got {n_simulations}")
    astray = _astray(n_uncommitted, trials)
    every = hits, trials
    empty = int(np.count_nonzero(trials == 0))
    hits, trials = hits[trials > 0], trials[trials > 0]
    if hits.size == 0:
        raise ValueError("no committed shots to analyse: every configuration has n = 0")
    generator = np.random.default_rng(DEFAULT_SEED) if rng is None else rng

    m = int(hits.size)
    n_shots, n_success = int(trials.sum()), int(hits.sum())
    fraction = hits / trials
    mean = float(fraction.mean())
    variance = float(fraction.var(ddof=1)) if m > 1 else math.nan
    error = math.sqrt(variance / m) if m > 1 else math.nan
    quantile = float(scipy.stats.t.ppf(0.5 + 0.5 * confidence, m - 1)) if m > 1 else math.nan
    mean_interval = (math.nan, math.nan)
    if m > 1:
        mean_interval = (max(mean - quantile * error, 0.0), min(mean + quantile * error, 1.0))
    if m > 1 and variance < 1e-15:
        # All alike, which is no proof that they are: the shots' own noise is left.
        mean_interval = tuple(float(v) for v in wilson_interval(n_success, n_shots, confidence))  # type: ignore[assignment]
        error = (mean_interval[1] - mean_interval[0]) / (2.0 * float(special.ndtri(0.5 + 0.5 * confidence)))

    sigma2 = intrinsic_variance(hits, trials)
    sd = math.sqrt(min(max(sigma2, 0.0), mean * (1.0 - mean))) if math.isfinite(sigma2) else math.nan
    spread_visible = m > 1 and bool(np.any(trials > 1))

    model = BetaBinomial(hits, trials)
    binomial_best = float(model.log_likelihood(model.pooled, 0.0))
    one_outcome = n_success in (0, n_shots)
    mu_best, theta_best, beta_best = model.pooled, 0.0, binomial_best
    beta: tuple[float, float] | None = None
    if not spread_visible:
        status = "not identifiable"
    elif one_outcome:
        status = "one outcome"
    else:
        mu_fit, theta_fit, value = model.maximum()
        if value <= binomial_best + 1e-9 * (1.0 + abs(binomial_best)):
            status = "binomial limit"
            cap = math.exp(LOG_THETA_MAX)
            beta = (model.pooled * cap, (1.0 - model.pooled) * cap)
        else:
            mu_best, theta_best, beta_best = mu_fit, theta_fit, value
            at_cap = math.log(theta_best) > LOG_THETA_MAX - 1e-3 or bool(np.all((hits == 0) | (hits == trials)))
            status = "two-state limit" if at_cap else "interior"
            if at_cap:
                theta_best = math.exp(LOG_THETA_MAX)
            beta = (mu_best / theta_best, (1.0 - mu_best) / theta_best)

    sd_interval = (math.nan, math.nan)
    if spread_visible and interval_method == "profile":
        sd_best = math.sqrt(mu_best * (1.0 - mu_best) * theta_best / (1.0 + theta_best))
        sd_interval = model.sd_interval(confidence, sd_best, beta_best)
    elif spread_visible:
        sd_interval = _bootstrap_interval(fraction, trials, confidence, n_simulations, generator)

    # Given sum k, configurations with one common p follow the multivariate hypergeometric law, whatever p is.
    conditional = generator.multivariate_hypergeometric(trials, n_success, size=n_simulations, method="marginals")
    half = generator.binomial(trials, 0.5, size=(n_simulations, m))
    pearson = float(_pearson(hits, trials))
    p_binomial = _monte_carlo_p(pearson, _pearson(conditional, trials)) if spread_visible else math.nan
    distance = _Distance(trials)
    cdf_half, cdf_mean = distance.cdf(0.5), distance.cdf(model.pooled)
    ks_half = float(distance(hits, cdf_half)[0])
    ks_mean = float(distance(hits, cdf_mean)[0])
    p_half = _monte_carlo_p(ks_half, distance(half, cdf_half))
    p_mean = _monte_carlo_p(ks_mean, distance(conditional, cdf_mean)) if spread_visible else math.nan
    scale = model.pooled * (1.0 - model.pooled) * (m - 1)

    # Under the null hypothesis p = 1/2 the mean has at least this standard error.
    floor = 0.5 * math.sqrt(float(np.sum(1.0 / trials))) / m
    tolerance = float(special.ndtri(0.5 + 0.5 * confidence)) * floor
    if m > 1:
        tolerance = max(tolerance, quantile * math.sqrt(variance / m))
    centred = abs(mean - 0.5) <= tolerance
    judgement, verdict = _verdict(m, mean, error, centred, p_binomial, sd, sd_interval, confidence)
    lost = lost_halves(n_shots - n_success, n_success, round(float(astray.sum())))
    bounds = _bounds(*every, astray)
    if lost.matters:
        options = {"confidence": confidence, "interval_method": interval_method, "n_simulations": n_simulations}
        judgement, verdict = _bracketed(judgement, verdict, every, astray, bounds, lost, options)

    return CommittorDistribution(
        n_configurations=m,
        n_configurations_without_shots=empty,
        n_shots=n_shots,
        n_success=n_success,
        n_uncommitted=lost.lost,
        n_failed=int(n_failed),
        n_elsewhere=int(n_elsewhere),
        uncommitted_share=lost.share,
        uncommitted_interval=(lost.low, lost.high),
        uncommitted_matters=lost.matters,
        mean_bounds=bounds,
        mean=mean,
        mean_standard_error=error,
        mean_interval=mean_interval,
        variance=variance,
        intrinsic_variance=sigma2,
        intrinsic_sd=sd,
        intrinsic_sd_interval=sd_interval,
        interval_method=interval_method,
        beta=beta,
        beta_status=status,
        beta_log_likelihood=beta_best,
        binomial_log_likelihood=binomial_best,
        dispersion_index=pearson / scale if scale > 0.0 else math.nan,
        p_value_binomial=p_binomial,
        ks_half=ks_half,
        p_value_ks_half=p_half,
        ks_mean=ks_mean,
        p_value_ks_mean=p_mean,
        confidence=confidence,
        verdict=verdict,
        judgement=judgement,
    )


def _astray(n_uncommitted: ArrayLike, trials: IntArray) -> FloatArray:
    """Uncommitted shots of each configuration; a mere number is shared out as the committed ones are."""
    given = _whole_numbers(n_uncommitted, "n_uncommitted")
    if np.ndim(n_uncommitted) > 0:
        if given.shape != trials.shape:
            raise ValueError(f"n_uncommitted must have the length of n, got {given.size} and {trials.size}")
        return given.astype(float)
    total = int(trials.sum())
    return given[0] * trials / total if total else np.zeros(trials.shape)


def _bounds(hits: IntArray, trials: IntArray, astray: FloatArray) -> tuple[float, float]:
    """Mean of k/n had all uncommitted shots gone to A, and to B; over all configurations with a shot that counts."""
    shots = trials + astray
    some = shots > 0
    low, high = (float(np.mean((k[some]) / shots[some])) for k in (hits, hits + astray))
    return low, high


def _bracketed(
    judgement: Judgement,
    verdict: str,
    every: tuple[IntArray, IntArray],
    astray: FloatArray,
    bounds: tuple[float, float],
    lost: Lost,
    options: dict[str, Any],
) -> tuple[Judgement, str]:
    """Judgement and verdict where uncommitted shots matter: they must not depend on where these would have gone."""
    hits, trials = every
    # Whole shots, also where a mere number of them was shared out.
    whole = np.rint(astray).astype(np.int64)
    some = trials + whole > 0
    ends = [analyse(k[some], (trials + whole)[some], **options) for k in (hits, hits + whole)]
    same = {end.judgement for end in ends} == {judgement}
    if judgement in (Judgement.OFF_CENTRE, Judgement.OFF_BROAD):
        same = same and (bounds[0] < 0.5) == (bounds[1] < 0.5)
    mean = f"had all gone to A the mean committor would be {bounds[0]:.3f}, to B {bounds[1]:.3f}"
    text = f"{lost.count('shots')} reached no basin: {mean}"
    if same:
        return judgement, f"{verdict}; {text}, and the verdict the same"
    return (
        Judgement.INCONCLUSIVE,
        f"{Judgement.INCONCLUSIVE.label}: {text}; give a larger {KEY}. Of those that did: {verdict}",
    )


def _bootstrap_interval(
    fraction: FloatArray, trials: IntArray, confidence: float, n_resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile interval of the moment estimate of the intrinsic sd, resampling whole configurations."""
    m = fraction.size
    inverse = 1.0 / trials
    values = np.empty(n_resamples)
    step = max(1, _CHUNK // m)
    for first in range(0, n_resamples, step):
        pick = rng.integers(0, m, size=(min(step, n_resamples - first), m))
        sample = fraction[pick]
        h = inverse[pick].mean(axis=1)
        mu = sample.mean(axis=1)
        noise = h * mu * (1.0 - mu)
        # A resample of single-shot configurations only (h = 1) has no estimate; it counts as no spread.
        free = np.where(h < 1.0, 1.0 - h, np.inf)
        values[first : first + pick.shape[0]] = np.maximum((sample.var(axis=1, ddof=1) - noise) / free, 0.0)
    low, high = np.quantile(np.sqrt(values), [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
    return float(low), float(high)
