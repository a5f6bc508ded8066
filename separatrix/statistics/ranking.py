"""Predicted against measured committors: calibration of a coordinate, and a ranking of several.

The data are committor shots, made after the fits and used by none of them: `k` of `n` committed shots from each
configuration went to the product. All functions are pure. Committors are numbers in [0, 1].
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from separatrix.core.labelled import Labelled
from separatrix.core.plain import Plain
from separatrix.statistics.no_basin import KEY, lost_halves

FloatArray = NDArray[np.float64]

#: Predictions are kept this far from 0 and 1, so that one surprise costs much and not everything.
EDGE = 1e-6

#: Log-likelihood per shot, in nats, that a smaller set may be behind (by the upper end of its interval) and still count
#: as no worse: a hundredth, where half for both basins is ln 2 = 0.69 behind what is certain and right.
NO_WORSE = 0.01


def _clean(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    hits, trials, predicted = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (k, n, p))
    if not hits.shape == trials.shape == predicted.shape or hits.ndim != 1:
        raise ValueError(f"k, n and p must have one length, got {hits.shape}, {trials.shape} and {predicted.shape}")
    if not np.all((hits >= 0) & (hits <= trials)) or not np.all((predicted >= 0) & (predicted <= 1)):
        raise ValueError("there must be 0 <= k <= n and 0 <= p <= 1")
    tried = trials > 0
    if not tried.any():
        raise ValueError("no committed shots")
    return hits[tried], trials[tried], np.clip(predicted[tried], EDGE, 1.0 - EDGE)


def log_likelihood_per_shot(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> float:
    """Mean over shots of the logarithm of the chance that the prediction gave to what happened."""
    hits, trials, predicted = _clean(k, n, p)
    return float(_gain(hits, trials, predicted).sum() / trials.sum())


def _gain(k: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    return k * np.log(p) + (n - k) * np.log1p(-p)


def brier_score(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> float:
    """Mean over shots of (outcome - prediction)^2 (Brier, Mon. Weather Rev. 1950, 78, 1); 1/4 for p = 1/2."""
    hits, trials, predicted = _clean(k, n, p)
    return float((hits * (1.0 - predicted) ** 2 + (trials - hits) * predicted**2).sum() / trials.sum())


def squared_error(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Unbiased estimate of (committor - prediction)^2 of each configuration with two shots or more.

    (k/n - p)^2 holds the binomial noise of k/n, whose unbiased estimate (k/n)(1 - k/n)/(n - 1) is taken off; single
    values can be negative.

    Returns
    -------
    Shape (m,); NaN where fewer than two shots committed.
    """
    hits, trials, predicted = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (k, n, p))
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = hits / trials
        noise = fraction * (1.0 - fraction) / (trials - 1.0)
    return np.where(trials >= 2, (fraction - predicted) ** 2 - noise, np.nan)


class Calibrated(Labelled):
    """What a calibration says of a coordinate."""

    CALIBRATED = "calibrated", "calibrated within the errors"
    TOO_SURE = "too_sure", "promises more than it holds"
    TOO_MODEST = "too_modest", "holds more than it promises"
    OFF = "off", "off the measured committors"
    INCONCLUSIVE = "inconclusive", "inconclusive"
    TOO_FEW = "too_few", "too few configurations, or too alike, to judge the calibration"


@dataclass(frozen=True)
class Calibration(Plain):
    """How predicted committors compare with measured ones. NaN: the data do not give it.

    Attributes
    ----------
    n_configurations, n_shots
        What it rests on: configurations with committed shots, and these shots.
    intercept, slope
        Of logit(measured) = intercept + slope logit(predicted) (Cox, Biometrika 1958, 45, 562): 0 and 1 of a calibrated
        coordinate. A slope below 1: the coordinate promises more than it holds.
    intercept_interval, slope_interval
        95 %, robust to a spread of the committors beyond the binomial (sandwich over configurations, Student's t).
    p_value
        Of intercept 0 and slope 1 together (Wald, F distribution).
    rms_error
        Root mean square of committor minus prediction, binomial noise taken off; 0 where that leaves less than nothing.
    brier, log_likelihood_per_shot
        Scores of the prediction as it is.
    judgement, verdict
        What they say, and the same in a sentence.
    """

    n_configurations: int
    n_shots: int
    intercept: float
    slope: float
    intercept_interval: tuple[float, float]
    slope_interval: tuple[float, float]
    p_value: float
    rms_error: float
    brier: float
    log_likelihood_per_shot: float
    judgement: Calibrated
    verdict: str


def calibrate(k: ArrayLike, n: ArrayLike, p: ArrayLike, n_uncommitted: ArrayLike = 0) -> Calibration:
    """Hold predicted committors against measured ones.

    Parameters
    ----------
    k, n
        Shots that went to the product, and that committed, of each configuration, shape (m,).
    p
        Predicted committors, shape (m,).
    n_uncommitted
        Shots of each configuration that reached no basin in time, shape (m,). Where they matter
        (:mod:`separatrix.statistics.no_basin`) and the verdict would be another had they all gone to the one basin or
        to the other, it is inconclusive.

    Raises
    ------
    ValueError
        When the counts are no counts, or no shot committed.
    """
    hits, trials, predicted = _clean(k, n, p)
    line = _line(hits, trials, predicted)
    error = np.nanmean(e) if not np.all(np.isnan(e := squared_error(hits, trials, predicted))) else math.nan
    judgement, verdict = _verdict(line)
    astray = np.broadcast_to(np.asarray(n_uncommitted, dtype=int), np.shape(np.atleast_1d(k)))
    lost = lost_halves(int((trials - hits).sum()), int(hits.sum()), int(astray.sum()))
    if lost.matters:
        of_all = np.atleast_1d(n) + astray
        ends = [_verdict(_line(*_clean(some, of_all, p))) for some in (k, np.atleast_1d(k) + astray)]
        if {end for end, _ in ends} != {judgement}:
            judgement = Calibrated.INCONCLUSIVE
            verdict = (
                f"{judgement.label}: {lost.count('shots')} reached no basin; had all gone to the reactant: "
                f"{ends[0][1]}; to the product: {ends[1][1]}; give a larger {KEY}"
            )
    return Calibration(
        n_configurations=len(hits),
        n_shots=int(trials.sum()),
        intercept=line.intercept,
        slope=line.slope,
        intercept_interval=line.intercept_interval,
        slope_interval=line.slope_interval,
        p_value=line.p_value,
        rms_error=math.sqrt(max(float(error), 0.0)) if math.isfinite(error) else math.nan,
        brier=brier_score(hits, trials, predicted),
        log_likelihood_per_shot=log_likelihood_per_shot(hits, trials, predicted),
        judgement=judgement,
        verdict=verdict,
    )


class _Line(NamedTuple):
    """Of logit measured against logit predicted; NaN where the data do not give it."""

    intercept: float
    slope: float
    intercept_interval: tuple[float, float]
    slope_interval: tuple[float, float]
    p_value: float


def _line(hits: FloatArray, trials: FloatArray, predicted: FloatArray) -> _Line:
    # A second to import, which a job that only shoots can do without.
    import statsmodels.api as sm

    x = special.logit(predicted)
    nan = (math.nan, math.nan)
    m = len(hits)
    # A line takes two points and some more for its error; and without scatter in x there is no slope.
    if not (m > 3 and np.ptp(x) > 1e-6 and 0 < hits.sum() < trials.sum()):
        return _Line(math.nan, math.nan, nan, nan, math.nan)
    with warnings.catch_warnings():
        # Outcomes that are told apart without error have no finite slope; it is left out below.
        warnings.simplefilter("ignore")
        model = sm.GLM(np.column_stack([hits, trials - hits]), sm.add_constant(x), family=sm.families.Binomial())
        # The correction m/(m - 2) of the sandwich, and Student's t with m - 2 degrees of freedom.
        fitted = model.fit(cov_type="HC1", use_t=True)
        if np.any(fitted.bse < _NO_SCATTER * (plain := model.fit(use_t=True)).bse):
            # Counts on the line without any scatter: what is left is the noise of the shots themselves.
            fitted = plain
    reliable = fitted.converged and np.all(np.isfinite(fitted.bse)) and abs(fitted.params[1]) < 1e3
    if not reliable or np.linalg.cond(fitted.cov_params()) >= 1e12:
        return _Line(math.nan, math.nan, nan, nan, math.nan)
    of_intercept, of_slope = ((float(a), float(b)) for a, b in fitted.conf_int(0.05))
    p_value = float(fitted.wald_test((np.eye(2), np.array([0.0, 1.0])), scalar=True).pvalue)
    return _Line(float(fitted.params[0]), float(fitted.params[1]), of_intercept, of_slope, p_value)


_NO_SCATTER = 1e-3


def _verdict(line: _Line) -> tuple[Calibrated, str]:
    """By the slope's interval, which is shown, and the joint test; where they do not say the same, nothing is known."""
    if not math.isfinite(line.p_value):
        return Calibrated.TOO_FEW, Calibrated.TOO_FEW.label
    low, high = line.slope_interval
    shown = f"slope {line.slope:.2f}, {low:.2f} to {high:.2f}"
    joint = f"joint p = {line.p_value:.2g}"
    if line.p_value >= 0.05:
        if low <= 1.0 <= high and low > 0.0:
            return Calibrated.CALIBRATED, f"{Calibrated.CALIBRATED.label} ({shown}, {joint})"
        why = ["leaves out 1"] if not low <= 1.0 <= high else []
        why += ["holds 0, so that the prediction may be worth nothing"] if low <= 0.0 else []
        sentence = f"the interval of the slope {' and '.join(why)} ({shown}, {joint})"
        return Calibrated.INCONCLUSIVE, f"{Calibrated.INCONCLUSIVE.label}: {sentence}"
    if high < 1.0:
        return Calibrated.TOO_SURE, f"{Calibrated.TOO_SURE.label} ({shown}, {joint})"
    if low > 1.0:
        return Calibrated.TOO_MODEST, f"{Calibrated.TOO_MODEST.label} ({shown}, {joint})"
    intercept = f"intercept {line.intercept:.2f}, {line.intercept_interval[0]:.2f} to {line.intercept_interval[1]:.2f}"
    return Calibrated.OFF, f"{Calibrated.OFF.label} ({intercept}; {shown}; {joint})"


class Coordinates(Labelled):
    """Coordinates that the workflow ranks; :func:`best_of` names further ones."""

    FITTED = "found", "the one found"
    BASELINE = "baseline", "baseline"
    CONSTANT = "constant", "a constant"


_BEST_OF = "best of "


def best_of(size: int) -> str:
    """Name of the best coordinate of `size` variables."""
    return f"{_BEST_OF}{size}"


@dataclass(frozen=True)
class Rank(Plain):
    """How one coordinate does on the committor shots, beside the others.

    Attributes
    ----------
    name
        Its label.
    log_likelihood_per_shot, brier
        Scores.
    rms_error, rms_error_interval
        Root mean square of committor minus prediction, binomial noise taken off, and its 95 % interval (bootstrap over
        configurations).
    behind, behind_interval
        Log-likelihood per shot of the reference minus its own, with the paired bootstrap's 95 % interval: positive
        where the reference is better, and surely so where the interval leaves out zero. Both 0 for the reference.
    """

    name: str
    log_likelihood_per_shot: float
    brier: float
    rms_error: float
    rms_error_interval: tuple[float, float]
    behind: float
    behind_interval: tuple[float, float]


def rank(
    k: ArrayLike,
    n: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    reference: str,
    *,
    rng: np.random.Generator,
    n_bootstrap: int = 2000,
) -> list[Rank]:
    """Rank coordinates by the likelihood of committor shots that none of them was fitted to, best first.

    Parameters
    ----------
    k, n
        As in :func:`calibrate`.
    predictions
        Predicted committors by label, each of shape (m,).
    reference
        Label that the others are compared with.
    rng
        Random stream of the bootstrap, which takes whole configurations.
    n_bootstrap
        Resamples.

    Raises
    ------
    ValueError
        When the counts are no counts, no shot committed, or the reference is not among the predictions.
    """
    if reference not in predictions:
        raise ValueError(f"the reference {reference!r} is not among the predictions")
    trials = np.asarray(n, dtype=float)
    tried = trials > 0
    cleaned = {name: _clean(k, n, p) for name, p in predictions.items()}
    m = int(tried.sum())
    times = rng.multinomial(m, np.full(m, 1.0 / m), size=n_bootstrap).astype(float)
    shots = times @ trials[tried]
    gains = {name: _gain(*c) for name, c in cleaned.items()}

    def interval(values: FloatArray) -> tuple[float, float]:
        values = values[np.isfinite(values)]
        low, high = (float(v) for v in np.quantile(values, [0.025, 0.975])) if len(values) else (math.nan, math.nan)
        # Resamples that are all alike tell no error.
        return (low, high) if high > low else (math.nan, math.nan)

    ranked = []
    for name, (hits, number, predicted) in cleaned.items():
        error = squared_error(hits, number, predicted)
        reliable = np.isfinite(error)
        squared = error[reliable].mean() if reliable.any() else math.nan
        with np.errstate(invalid="ignore", divide="ignore"):
            resampled = (times[:, reliable] @ error[reliable]) / times[:, reliable].sum(axis=1)
        difference = gains[reference] - gains[name]
        ranked.append(
            Rank(
                name=name,
                log_likelihood_per_shot=float(gains[name].sum() / number.sum()),
                brier=brier_score(hits, number, predicted),
                rms_error=math.sqrt(max(squared, 0.0)) if math.isfinite(squared) else math.nan,
                rms_error_interval=interval(np.sqrt(np.maximum(resampled, 0.0))),
                behind=float(difference.sum() / number.sum()),
                # The same prediction, as of the reference itself, is exactly as good.
                behind_interval=interval(times @ difference / shots) if difference.any() else (0.0, 0.0),
            )
        )
    return sorted(ranked, key=lambda entry: -entry.log_likelihood_per_shot)


def explain(
    spread: float,
    spread_interval: tuple[float, float],
    expected: float,
    ranked: Sequence[Mapping[str, Any]],
) -> list[str]:
    """What the committor shots say of the coordinate found, in sentences by fixed rules.

    Parameters
    ----------
    spread, spread_interval
        Intrinsic spread of the committor on the predicted separatrix, with 95 %.
    expected
        What the width of the draw and the errors of the coefficients account for.
    ranked
        :class:`Rank` as dictionaries, each with its `variables`; names as the workflow gives them: ``found``,
        ``best of N``, ``baseline``, ``constant``.
    """
    sentences = []
    low, high = spread_interval
    if not math.isfinite(low):
        sentences.append("too few shots to tell the spread on the separatrix")
    elif low > expected:
        sentences.append(
            f"the spread on the separatrix, {spread:.2f} ({low:.2f} to {high:.2f}), is more than the width of the draw "
            f"and the errors of the coefficients account for, {expected:.2f}: the coordinate lacks something, or holds "
            "too much"
        )
    else:
        sentences.append(
            f"the spread on the separatrix, {spread:.2f} ({low:.2f} to {high:.2f}), may be no more than the width of "
            f"the draw and the errors of the coefficients account for, {expected:.2f}"
        )
    own = next(r for r in ranked if r["name"] == Coordinates.FITTED)
    for rival in ranked:
        low, high = (math.nan if bound is None else bound for bound in rival["behind_interval"])
        other = ", ".join(rival["variables"]) or Coordinates.CONSTANT.label
        if rival["name"].startswith(_BEST_OF):
            fewer = len(rival["variables"]) < len(own["variables"])
            if fewer and rival["behind"] <= 0.0 and high <= NO_WORSE:
                sentences.append(
                    f"{other} alone predicts these shots no worse: the further variables were fitted to chance, and "
                    "more shots per chain will drop them"
                )
            elif fewer and low <= 0.0:
                sentences.append(f"it cannot be told from {other} alone with these shots; more shots would tell")
            elif not fewer and high < 0.0:
                sentences.append(f"with {other} these shots are predicted better: a variable is missing")
        elif rival["name"] == Coordinates.BASELINE:
            if low > 0.0:
                sentences.append(f"it clearly beats the baseline coordinate ({other})")
            elif high < 0.0:
                sentences.append(f"the baseline coordinate ({other}) is clearly better")
            else:
                sentences.append(f"it cannot be told from the baseline coordinate ({other})")
    return sentences
