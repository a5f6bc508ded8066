"""Likelihood of observations that a coordinate was not fitted to."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from separatrix.coordinate.committor_model import fit_standardised
from separatrix.coordinate.likelihood import (
    FloatArray,
    IntArray,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    log_terms,
)
from separatrix.core.plain import Plain
from separatrix.statistics.blocks import student_factor


def fold_labels(groups: Iterable[Hashable], folds: int) -> IntArray:
    """Label 0 to folds - 1 of each observation, whole groups together and the folds about equal in size.

    For `held_out_log_likelihood`, in place of leaving out one group at a time. Fewer groups than folds: as many
    folds as groups.

    Raises
    ------
    ValueError
        Folds below 2.
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

    Attributes
    ----------
    mean
        ln L per observation of data the coordinate was not fitted to.
    null_mean
        The same for a constant committor fitted to the same training data; a coordinate worth having lies above it.
    standard_error
        Of `mean`, between groups (ratio estimator); NaN for one group scored.
    lower, upper
        Its interval, of confidence 0.95, by Student's t for the number of groups scored.
    groups
        Labels scored.
    per_group
        ln L per observation of each, shape (groups,).
    sizes
        Observations of each, shape (groups,).
    skipped
        Labels not scored, because without them the rest has one outcome or a constant or dependent variable.
    """

    mean: float
    null_mean: float
    standard_error: float
    lower: float
    upper: float
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

    Parameters
    ----------
    q
        Shape (n, k), the coordinate's variables.
    outcome, names, model
        As in :func:`separatrix.coordinate.committor_model.fit`.
    groups
        Labels, shape (n,): folds of whole blocks (`fold_labels`).

    Raises
    ------
    ValueError
        As `fit`; fewer than 2 groups; no group that can be left out.
    """
    scale = eta_per_r(model)
    values, sign, labels, group, group_names = checked_data(q, outcome, names, groups)
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
        usable = usable and not bool(constant_columns(rest).any())
        z = (rest - mean) / spread if usable else rest
        if not usable or bool(collinear_columns(z).any()):
            skipped.append(label)
            continue
        coordinate = fit_standardised(rest, z, mean, spread, rest_sign, labels, None, model, scale)
        u = scale * sign[inside] * coordinate.r(values[inside])
        to_b = int(np.count_nonzero(rest_sign > 0.0)) / rest_sign.size
        scored.append(label)
        totals.append(float(log_terms(u, model)[0].sum()))
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
    half = student_factor(len(scored)) * error if len(scored) > 1 else math.nan
    return HeldOut(
        mean=mean_value,
        null_mean=float(np.sum(nulls) / count.sum()),
        standard_error=error,
        lower=mean_value - half,
        upper=mean_value + half,
        groups=tuple(group_names[label] for label in scored),
        per_group=per_group,
        sizes=count,
        skipped=tuple(group_names[label] for label in skipped),
    )
