"""Standard errors of the coefficients of a reaction coordinate, as its fit has them."""

from __future__ import annotations

from dataclasses import dataclass

from separatrix.coordinate.committor_model import Coordinate
from separatrix.report.quantities.estimate import finite


@dataclass(frozen=True, eq=False)
class CoefficientErrors:
    """Standard errors of a coordinate's parameters, intercept first (None where there are none), and their kind."""

    values: tuple[float | None, ...]
    note: str


def coefficient_errors(model: Coordinate) -> CoefficientErrors:
    """The errors that the fit has, which nothing is added to here, and where they come from."""
    size = len(model.names) + 1
    if model.separable:
        return CoefficientErrors((None,) * size, "no error: the coordinate separates the outcomes without a mistake")
    if not model.converged:
        return CoefficientErrors((None,) * size, "no error: the maximum was not verified")
    note = f"standard error: {model.block_description}"
    if model.block_count:
        note = f"standard error: between blocks of correlated shots ({model.block_description})"
    return CoefficientErrors(tuple(finite(float(e)) for e in model.errors), note)
