"""Kinds that are composed of other variables: sums and products."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from separatrix.cvs.kinds.kind import (
    Compound,
    Scalar,
)
from separatrix.cvs.vectors import (
    Array,
)


def _sum(weights: Sequence[float], values: Sequence[Array], rates: Sequence[Array] | None) -> tuple[Any, Any]:
    def total(parts: Sequence[Array]) -> Any:
        return sum(weight * part for weight, part in zip(weights, parts, strict=True))

    return total(values), None if rates is None else total(rates)


def _product(weights: Sequence[float], values: Sequence[Array], rates: Sequence[Array] | None) -> tuple[Any, Any]:
    value = math.prod(values)
    if rates is None:
        return value, None
    # Not value/factor: a factor may be 0.
    others = [math.prod((*values[:n], *values[n + 1 :])) for n in range(len(values))]
    return value, sum(rate * other for rate, other in zip(rates, others, strict=True))


def _common_unit(units: Sequence[str]) -> str:
    if len(set(units)) > 1:
        raise ValueError(f"terms: must all have the same unit, not {', '.join(units)}")
    return units[0]


def _product_of_units(units: Sequence[str]) -> str:
    powers: Counter[str] = Counter()
    for part in (part for unit in units for part in unit.split("*") if part != "1"):
        word, _, power = part.partition("^")
        powers[word] += int(power or 1)
    return "*".join(word if power == 1 else f"{word}^{power}" for word, power in sorted(powers.items())) or "1"


def _sum_of(weights: Sequence[float], parts: Sequence[Scalar]) -> Scalar:
    if len(parts) == 2:  # by far the most frequent
        (a, b), (one, other) = weights, parts
        return lambda x: a * one(x) + b * other(x)
    terms = list(zip(weights, parts, strict=True))
    return lambda x: sum(weight * part(x) for weight, part in terms)


def _product_of(weights: Sequence[float], parts: Sequence[Scalar]) -> Scalar:
    return lambda x: math.prod(part(x) for part in parts)


def _written_sum(weights: Sequence[float], labels: Sequence[str]) -> str:
    return "+".join(f"({weight!r})*{label}" for weight, label in zip(weights, labels, strict=True))


def _written_product(weights: Sequence[float], labels: Sequence[str]) -> str:
    return "*".join(labels)


_weighted_sum = partial(
    Compound,
    combine=_sum,
    unit=_common_unit,
    weighted=True,
    scalar=_sum_of,
    expression=_written_sum,
    takes="`terms`",
    shown_unit="the terms'",
)
_OF_A_SUM = "sum of `weight` (1 by default) times a variable, all of one unit"

DIFFERENCE = _weighted_sum(
    "difference", at_least=2, guide=f"{_OF_A_SUM}; one weight at least is negative and one positive"
)
LINEAR_COMBINATION = _weighted_sum("linear_combination", at_least=1, guide=_OF_A_SUM)
PRODUCT = Compound(
    "product",
    _product,
    _product_of_units,
    2,
    False,
    _product_of,
    _written_product,
    takes="`terms`",
    shown_unit="product",
    guide="product of variables",
)

ENTRIES = (DIFFERENCE, LINEAR_COMBINATION, PRODUCT)
