"""Standard errors of the coefficients of a reaction coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from separatrix.coordinate.committor_model import Coordinate
from separatrix.report.quantities.estimate import finite

MIN_CHAINS = 10  # for standard errors clustered by chain; they are far too small for a few clusters


@dataclass(frozen=True, eq=False)
class CoefficientErrors:
    """Standard errors of a coordinate's parameters, intercept first (None where there are none), and their kind."""

    values: tuple[float | None, ...]
    note: str


def coefficient_errors(model: Coordinate, n_chains: int) -> CoefficientErrors:
    """Standard errors: clustered by chain where there are chains enough, else those of independent observations."""
    size = len(model.names) + 1
    if model.separable:
        return CoefficientErrors((None,) * size, "no error: the coordinate separates the outcomes without a mistake")
    if not model.converged:
        return CoefficientErrors((None,) * size, "no error: the maximum was not verified")
    covariance, note = model.covariance, "standard error: observations taken as independent (few chains)"
    if model.clustered_covariance is not None and n_chains >= max(MIN_CHAINS, 2 * size):
        covariance, note = (
            model.clustered_covariance,
            f"standard error: clustered by chain ({n_chains} chains)",
        )
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diag(covariance))
    return CoefficientErrors(tuple(finite(float(e)) for e in errors), note)
