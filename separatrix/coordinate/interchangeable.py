"""Variables that the observations cannot tell apart, and variables that are nearly one and the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from separatrix.coordinate.committor_model import signed_rows
from separatrix.coordinate.likelihood import (
    FloatArray,
    checked_data,
    collinear_columns,
    constant_columns,
    eta_per_r,
    log_terms,
    maximise,
)
from separatrix.coordinate.search import checked_rates, standardised
from separatrix.core.plain import Plain
from separatrix.statistics.blocks import Blocks

NEAR_DUPLICATES = 0.999
"""|Correlation coefficient| from which two variables are one and the same for all that observations can tell."""

CORRELATED = 0.7
"""|Correlation coefficient| from which variables can be interchangeable: half of the variance in common."""


@dataclass(frozen=True)
class Alternative(Plain):
    """A variable that does about as well in a coordinate as the one it replaces.

    Attributes
    ----------
    name
        The variable.
    correlation
        With the one it replaces, over the observations.
    loss
        ln L of the coordinate less that with the variable in its place.
    standard_error
        Of the loss, from its spread between blocks (between observations where there are none).
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
    blocks: Blocks | None = None,
    rates: ArrayLike | None = None,
    correlation: float = CORRELATED,
) -> tuple[Interchangeable, ...]:
    """Groups of variables that the data cannot tell apart, so that no ranking among them should be believed.

    A variable of the coordinate and another form a group when they are correlated and putting one for the other
    costs less ln L than BIC charges for a parameter, ln(N)/2, or less than 1.96 standard errors of the
    difference (the test of Vuong, Econometrica 1989, 57, 307, for models that do not contain one another, with
    the differences summed by block).

    Parameters
    ----------
    q, outcome, names, model, rates
        As in :func:`separatrix.coordinate.selection.select`.
    chosen
        The variables of the coordinate.
    blocks
        Those of the coordinate; None: observations are independent.
    correlation
        Smallest absolute correlation coefficient of a group's members with the chosen variable.

    Returns
    -------
    One group per chosen variable that has alternatives, in the order of `chosen`.

    Raises
    ------
    ValueError
        As `fit`; unknown names in `chosen`.
    """
    eta_per_r(model)
    values, sign, labels, _, _ = checked_data(q, outcome, names, None)
    speed = checked_rates(rates, values, labels)
    unknown = [name for name in chosen if name not in labels]
    if unknown or not chosen:
        raise ValueError(f"unknown variables in chosen: {', '.join(unknown)}" if unknown else "chosen is empty")
    varying = np.flatnonzero(~constant_columns(values))
    columns = standardised(values, speed, varying, labels)
    n = values.shape[0]
    places = [columns.names.index(name) for name in chosen]

    def pointwise(subset: Sequence[int]) -> FloatArray | None:
        """ln p of each observation at the maximum; None where the variables are linearly dependent."""
        taken = columns.of(np.array([subset]))[0]
        if bool(collinear_columns(columns.z[:, taken]).any()):
            return None
        x = signed_rows(columns.z[:, taken], sign)
        return log_terms(x @ maximise(x, model).newton.b, model)[0]

    own = pointwise(places)
    if own is None:
        raise ValueError(f"linearly dependent variables: {', '.join(chosen)}")
    rivals = []
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
            sums = difference if blocks is None else blocks.sums(difference)
            error = float(np.std(sums, ddof=1) * math.sqrt(sums.size))
            loss = float(difference.sum())
            if loss <= max(0.5 * columns.width * math.log(n), 1.96 * error):
                others.append(Alternative(columns.names[other], float(with_others[other]), loss, error))
        if others:
            rivals.append(Interchangeable(chosen[position], tuple(sorted(others, key=lambda line: line.loss))))
    return tuple(rivals)


def near_duplicates(
    q: ArrayLike, names: Sequence[str], correlation: float = NEAR_DUPLICATES
) -> dict[str, tuple[tuple[str, float], ...]]:
    """For each variable the others that nearly are a linear function of it, with the correlation coefficient.

    Parameters
    ----------
    q
        Shape (n, m).
    names
        m names.
    correlation
        Smallest absolute correlation coefficient.

    Returns
    -------
    By name, in the order of `names`, closest first; constant variables have none and are in no other's list.
    """
    values = np.asarray(q, dtype=float)
    varying = np.flatnonzero(~constant_columns(values))
    z = (values[:, varying] - values[:, varying].mean(axis=0)) / values[:, varying].std(axis=0)
    r = np.clip(z.T @ z / len(values), -1.0, 1.0)
    duplicates: dict[str, tuple[tuple[str, float], ...]] = {str(name): () for name in names}
    for i, place in enumerate(varying):
        # Equal but for rounding: in the order of the names, whatever the machine.
        order = np.argsort(-np.round(np.abs(r[i]), 6), kind="stable")
        others = [j for j in order if j != i and abs(r[i, j]) >= correlation]
        duplicates[str(names[place])] = tuple((str(names[varying[j]]), float(r[i, j])) for j in others)
    return duplicates
