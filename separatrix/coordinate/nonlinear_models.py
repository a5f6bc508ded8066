"""Committor models that are not linear, held against the linear coordinate on observations neither was fitted to."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from separatrix.coordinate.fit_options import Progress
from separatrix.coordinate.held_out import HeldOut
from separatrix.core.plain import Plain
from separatrix.statistics.blocks import student_factor

_SMALLEST = 1e-12  # probability that a tree or a network may give to what happens


@dataclass(frozen=True)
class NonlinearModel(Plain):
    """A committor model that is not linear, against the linear coordinate on observations neither was fitted to.

    Attributes
    ----------
    name
        ``boosting`` or ``network``.
    variables
        ``chosen``: those of the coordinate, so that only the form differs; ``all``: all candidates.
    mean
        Held-out ln L per observation.
    gain, standard_error
        By how much the mean exceeds that of the coordinate, and the error of that between folds.
    lower, upper
        Interval of the gain, of confidence 0.95, by Student's t for the number of folds.
    """

    name: str
    variables: str
    mean: float
    gain: float
    standard_error: float
    lower: float
    upper: float


def nonlinear_models(
    values: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
    fold: np.ndarray,
    linear: HeldOut,
    beyond: Sequence[str],
    *,
    seed: int = 1,
    progress: Progress | None = None,
) -> tuple[NonlinearModel, ...]:
    """Held-out ln L of other models on the folds that the linear coordinate was scored on.

    Parameters
    ----------
    values
        All candidates, shape (observations, variables).
    outcome
        Whether the product was reached, shape (observations,).
    names, chosen
        Of the candidates; of the coordinate's variables among them.
    fold
        Number of the fold of each observation, from 0 (:func:`separatrix.coordinate.held_out.fold_labels`).
    linear
        The coordinate's held-out likelihood on these folds.
    beyond
        Of :data:`separatrix.coordinate.fit_options.BEYOND`; each is fitted to the coordinate's variables and to all.
    seed
        Of the models.
    progress
        Called before every model.
    """
    places = [list(names).index(name) for name in chosen]
    models = []
    for number, (name, variables) in enumerate((n, v) for n in beyond for v in ("chosen", "all")):
        if progress is not None:
            progress("models beyond the linear one", number, 2 * len(beyond))
        q = values[:, places] if variables == "chosen" else values
        models.append(_beyond(name, variables, q, outcome, fold, linear, seed))
    return tuple(models)


def _beyond(
    name: str, variables: str, q: np.ndarray, outcome: np.ndarray, fold: np.ndarray, linear: HeldOut, seed: int
) -> NonlinearModel:
    """Held-out ln L of one model on the folds that the coordinate was scored on."""
    totals = []
    for label in linear.groups:
        inside = fold == int(label)
        model = _model(name, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a network that stops early is judged by its likelihood all the same
            model.fit(q[~inside], outcome[~inside])
        p = model.predict_proba(q[inside])[:, 1]
        totals.append(float(np.log(np.clip(np.where(outcome[inside], p, 1.0 - p), _SMALLEST, 1.0)).sum()))
    gains = np.array(totals) - linear.per_group * linear.sizes
    n, k = int(linear.sizes.sum()), len(totals)
    gain = float(gains.sum() / n)
    error = half = math.nan
    if k > 1:
        error = math.sqrt(float(np.sum((gains - gain * linear.sizes) ** 2)) * k / (k - 1)) / n
        half = student_factor(k) * error
    return NonlinearModel(name, variables, float(np.sum(totals) / n), gain, error, gain - half, gain + half)


def _model(name: str, seed: int) -> Any:
    """A classifier of moderate capacity, fitted by the same Bernoulli likelihood as the coordinate."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "boosting":
        # Shallow trees and slow learning: interactions of up to three variables, little to overfit with.
        return HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=100,
            max_depth=3,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
    network = MLPClassifier((12,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=500, random_state=seed)
    return make_pipeline(StandardScaler(), network)


def beats_linear(model: NonlinearModel) -> bool:
    """Whether a model does better than the coordinate beyond the error between folds."""
    return model.lower > 0.0
