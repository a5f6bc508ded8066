"""The GZ combination: the best sum of trial committors, by the variational principle (docs/theory.md, Eqs. 10, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from separatrix.theory.elements import Committor


@dataclass(frozen=True)
class Combination:
    """The combination of least F.

    Attributes
    ----------
    weights
        a_i, shape (k,), summing to 1. A weight below 0 or above 1 is legitimate and is not clamped, for clamping would
        lose the minimum.
    functional
        F of the combination, area of the collective variables per time.
    gram
        F_ij, shape (k, k).
    """

    weights: np.ndarray
    functional: float
    gram: np.ndarray


def combine(gram: np.ndarray) -> Combination:
    """Minimise a . F . a over weights that sum to 1 (Eq. 10).

    Parameters
    ----------
    gram
        F_ij of :meth:`separatrix.theory.elements.Elements.gram`, shape (k, k), symmetric, positive semidefinite.

    Notes
    -----
    The pseudo-inverse of the matrix scaled to a unit diagonal leaves out what trials have in common: of two equal
    trials each gets half the weight.
    """
    gram = np.asarray(gram, dtype=float)
    scale = 1.0 / np.sqrt(np.diag(gram))
    inverse = np.linalg.pinv(gram * np.outer(scale, scale), rcond=1e-11, hermitian=True)
    raw = scale * (inverse @ scale)
    weights = raw / raw.sum()
    energy = float(weights @ gram @ weights)
    best = int(np.argmin(np.diag(gram)))
    if not energy <= gram[best, best]:  # trials that are all but the same: rounding must not break the order
        weights = np.eye(len(gram))[best]
        energy = float(gram[best, best])
    return Combination(weights, energy, gram)


def mixed(trials: Sequence[Committor], weights: np.ndarray) -> Committor:
    """The combined committor. It may leave [0, 1] by a little when a weight does."""
    return Committor(
        sum(w * trial.value for w, trial in zip(weights, trials, strict=True)),
        sum(w * trial.rest for w, trial in zip(weights, trials, strict=True)),
    )
