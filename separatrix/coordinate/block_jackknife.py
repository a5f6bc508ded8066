"""Errors of a maximum of likelihood whose observations are correlated: the jackknife over blocks."""

from __future__ import annotations

import math

import numpy as np

from separatrix.coordinate.likelihood import FloatArray
from separatrix.statistics.blocks import Blocks

_SINGULAR = 1e-10
"""Smallest over largest eigenvalue of the curvature without a block, below which the rest does not fix the maximum."""


def block_influences(x: FloatArray, slope: FloatArray, weight: FloatArray, blocks: Blocks) -> FloatArray | None:
    """How far the maximum moves when a block is left out, such that the squares add up to its covariance.

    One Newton step from the maximum of all observations leads to that without block g (Pregibon, Ann. Stat. 1981, 9,
    705): by -(H - H_g)^-1 s_g, with the summed score s_g and curvature H_g of the block. The jackknife of these steps,
    (G - 1)/G times the sum of their outer products, is known as CR3 in regression (Bell and McCaffrey, Surv. Methodol.
    2002, 28, 169); unlike the plain sandwich of block sums it is not too small when the fit follows single blocks
    (MacKinnon, Nielsen and Webb, J. Econometrics 2023, 232, 272).

    Parameters
    ----------
    x
        Rows of the likelihood, shape (observations, parameters), as `separatrix.coordinate.likelihood.newton` takes
        them.
    slope, weight
        First and minus second derivative of ln p of each observation at the maximum, shape (observations,).
    blocks
        Of the observations; two at least.

    Returns
    -------
    Shape (blocks, parameters): V = D^T D is the covariance of the parameters. None where the observations outside a
    block do not determine the parameters.
    """
    scores = blocks.sums(x * slope[:, None])
    curvature = np.array([(x[rows] * weight[rows, None]).T @ x[rows] for rows in blocks.rows()])
    rest = curvature.sum(axis=0) - curvature
    # Scaled to a unit diagonal: what matters is dependence among parameters, not their units.
    scale = np.sqrt(np.einsum("ijj->ij", rest))
    if not bool(np.all(scale > 0.0)) or not bool(np.isfinite(scale).all()):
        return None
    eigenvalues = np.linalg.eigvalsh(rest / scale[:, :, None] / scale[:, None, :])
    if bool(np.any(eigenvalues[:, 0] <= _SINGULAR * eigenvalues[:, -1])):
        return None
    steps = np.linalg.solve(rest, scores[:, :, None])[:, :, 0]
    return math.sqrt((blocks.count - 1) / blocks.count) * steps
