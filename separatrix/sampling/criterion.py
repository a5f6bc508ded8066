"""A criterion of convergence: what one is, what it is given to judge, and the registry of all.

A criterion is one module of :mod:`separatrix.sampling.criteria` with an object ``CRITERION``. A package of its own may
register one by the entry-point group ``separatrix.criteria`` (name = the criterion's, object = module or
`ConvergenceCriterion`); it is judged where a config asks for it under ``sampling.convergence.further``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from separatrix.config.sections.sampling_keys import SamplingSection
from separatrix.coordinate.committor_model import Coordinate
from separatrix.core.labelled import Labelled
from separatrix.core.registry import Registry
from separatrix.sampling.mechanism_shares import MechanismAgreement
from separatrix.sampling.mixing import Mixing
from separatrix.statistics.no_basin import Lost


@dataclass(frozen=True)
class Criterion:
    """One criterion, judged.

    Attributes
    ----------
    name
        Of the criterion.
    value, bound
        The worst value and its bound; NaN where there is none.
    holds
        Whether it does.
    text
        The same in words.
    """

    name: str
    value: float
    bound: float
    holds: bool
    text: str


@dataclass(frozen=True)
class Evidence:
    """What is known after a round, for criteria to judge.

    Attributes
    ----------
    round
        From 1.
    coordinate
        Fitted to all shots so far; None where none could be fitted.
    beats_null
        Whether it is better than a constant committor.
    values, names, chain
        Variables at the shooting points, shape (n_shots, n_variables); their names; number of each shot's chain.
    mixing
        Of each selected variable and of r.
    mechanisms, one_start
        Whether shares of the mechanisms depend on the start, and whether all chains had the same.
    previous
        Assessments of the rounds before, in order.
    stable_for, swapped
        Rounds in a row that selected the same variables, and whether an interchangeable one was among them.
    halves, longest_half_fs
        What the half-trajectories that reached no basin can change, if that is judged; how long one is followed, fs.
    keys
        The section `sampling` of the config, where a criterion of a package finds keys of its own.
    """

    round: int
    coordinate: Coordinate | None
    beats_null: bool
    values: np.ndarray
    names: tuple[str, ...]
    chain: np.ndarray
    mixing: Mapping[str, Mixing]
    mechanisms: MechanismAgreement
    one_start: bool
    previous: Sequence[Mapping[str, Any]]
    stable_for: int
    swapped: bool
    halves: Lost | None = None
    longest_half_fs: float | None = None
    keys: SamplingSection | None = None


class Side(Labelled):
    """On which side of its bound a number has to be."""

    AT_MOST = "at most", "at most"
    AT_LEAST = "at least", "at least"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that a criterion judges, as tables and figures show it.

    Attributes
    ----------
    id
        Its column in the data of figures.
    label, unit, meaning
        For readers; the meaning is a sentence.
    side
        Of the bound.
    value
        Its key in an assessment; empty: it is the value of the criterion.
    axis_begins
        Where its axis begins; None: the axis is logarithmic.
    """

    id: str
    label: str
    meaning: str
    side: Side
    unit: str = "1"
    value: str = ""
    axis_begins: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConvergenceCriterion:
    """One criterion.

    Attributes
    ----------
    name
        As assessments and entry points have it.
    label
        For readers.
    measures
        Numbers that it judges, all by one bound; empty where it judges no number.
    judge
        (evidence, bound) -> the judgement; None where there is nothing to judge. The bound is NaN without `setting`.
    setting
        Key of the bound under ``sampling.convergence``; empty where there is none, or the criterion is a package's.
    order
        Place among the criteria, in verdicts.
    """

    name: str
    label: str
    judge: Callable[[Evidence, float], Criterion | None]
    measures: tuple[Measure, ...] = ()
    setting: str = ""
    order: int = 100


CRITERIA: Registry[ConvergenceCriterion] = Registry(
    "a criterion of convergence",
    "separatrix.criteria",
    "separatrix.sampling.criteria",
    ConvergenceCriterion,
    "CRITERION",
)


def in_order() -> list[ConvergenceCriterion]:
    """The criteria of this library, in their order."""
    return sorted((CRITERIA[name] for name in CRITERIA.own()), key=lambda criterion: criterion.order)


@dataclass(frozen=True)
class JudgedMeasure:
    """A number of an assessment beside its bound; None: the data cannot give it.

    Attributes
    ----------
    measure
        What it is.
    value, bound
        The number and its bound.
    text
        The criterion, judged, in words.
    """

    measure: Measure
    value: float | None
    bound: float
    text: str


def measures() -> list[Measure]:
    """The numbers of all criteria: those of this library in their order, then those of packages."""
    further = [CRITERIA[name] for name in CRITERIA.plugins()]
    return [measure for criterion in (*in_order(), *further) for measure in criterion.measures]


def shown_measures(columns: Container[str]) -> list[Measure]:
    """The numbers that have a column."""
    return [measure for measure in measures() if measure.id in columns]


def judged_measures(assessment: Mapping[str, Any]) -> list[JudgedMeasure]:
    """The numbers that an assessment judged, in the order of :func:`measures`.

    Parameters
    ----------
    assessment
        As :meth:`separatrix.sampling.convergence.Assessment.to_dict` gives it.
    """
    by_name = {judged["name"]: judged for judged in assessment["criteria"]}
    numbers = []
    for criterion in (*in_order(), *(CRITERIA[name] for name in CRITERIA.plugins())):
        if criterion.name not in by_name:
            continue
        judged = by_name[criterion.name]
        for measure in criterion.measures:
            value = assessment[measure.value] if measure.value else judged["value"]
            numbers.append(JudgedMeasure(measure, value, judged["bound"], judged["text"]))
    return numbers


def value_and_bound(value: float, bound: float) -> str:
    """A value and its bound, with digits enough to tell them apart."""
    word = "above" if value > bound else "below" if value < bound else "at"
    shown = ("", "")
    for digits in range(3, 17):
        shown = _digits(value, digits), _digits(bound, digits)
        if shown[0] != shown[1]:
            break
    return f"{shown[0]} {word} {shown[1]}"


def _digits(x: float, digits: int) -> str:
    if math.isinf(x):
        return "infinity"
    # Whole numbers keep all their digits: no exponents for sample sizes.
    return f"{x:.{max(digits, len(str(int(abs(x)))))}g}"


def rounds(n: int) -> str:
    return f"{n} round" if n == 1 else f"{n} rounds"
