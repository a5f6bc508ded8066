"""What of a sample is correlated with what: blocks of consecutive shots, as long as the data say they must be.

Shots of a chain are correlated, chains are not. Every error, interval, bootstrap and held-out likelihood over shots
takes its blocks from here, so that there is one answer to how sure a number is.

* What comes from one configuration is never parted: the two half-trajectories of a shot, and shots from the
  same point in a row. Lengths and memories are counted in shooting points.
* From :data:`MANY_CHAINS` chains on, whole chains are the blocks, whatever their memory.
* Fewer chains are cut into consecutive pieces of :data:`MEMORIES` times the memory, which is measured: the statistical
  inefficiency of what is averaged (of a fit, the scores of the likelihood, summed over each shot; the largest of all
  parameters), and at least 1. On two chains of 150 shots with a hidden mode that lives for 20 shots, the
  statistical inefficiency is underestimated by half, for the fit follows the mode; this, and that blocks as long as the
  memory itself are still correlated, is why the factor is 4 and not 2.
* There are at least :data:`FEWEST` blocks, and where the chains are too short for blocks of that length the description
  says so. Few blocks have few degrees of freedom: intervals take Student's t, and :func:`upper_limit` says how large an
  error may be.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from separatrix.statistics.autocorrelation import statistical_inefficiency

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MANY_CHAINS = 10
"""Chains from which whole chains are the blocks: errors between fewer are too uncertain."""

MEMORIES = 4.0
"""Length of a block over the memory of its chain; see the head of the module."""

FEWEST = 8
"""Blocks that fewer chains are cut into at least, whatever their memory."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of observations: correlated within, as good as independent of each other.

    Attributes
    ----------
    label
        Number of the block of each observation, from 0, shape (observations,).
    description
        What the blocks are, for readers.
    memory
        Statistical inefficiency, in shooting points, that their length comes from; NaN where nothing was measured.
    """

    label: IntArray
    description: str
    memory: float = math.nan

    @property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.label.max()) + 1 if self.label.size else 0

    def rows(self) -> list[IntArray]:
        """Numbers of the observations of each block, in their order."""
        order = np.argsort(self.label, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.label, minlength=self.count))[:-1])

    def sums(self, values: FloatArray) -> FloatArray:
        """Sum over each block of `values` (observations, ...): shape (blocks, ...)."""
        total = np.zeros((self.count, *values.shape[1:]))
        np.add.at(total, self.label, values)
        return total

    @classmethod
    def of_labels(cls, labels: Iterable[Hashable], description: str = "") -> Blocks:
        """Blocks that are given: one label per observation, numbered in the order they appear."""
        label = numbered(labels)
        count = int(label.max()) + 1 if label.size else 0
        return cls(label, description or f"{count} groups")

    @classmethod
    def single(cls, n: int) -> Blocks:
        """Every one of `n` observations is a block: they are independent."""
        return cls(np.arange(n), f"{n} observations, taken as independent")


@dataclass(frozen=True, eq=False)
class Dependence:
    """How observations may depend on one another, from which :meth:`blocks` are made.

    Attributes
    ----------
    shot
        Number of the shot of each observation, from 0 and not falling within a chain, shape (observations,). The
        observations of a shot are never parted.
    chain
        Number of its chain, from 0, in the order of sampling; None where nothing is known of chains.
    run
        Length of blocks that are asked for, in observations; None: as the memory demands.
    independent
        Observations are taken as independent, as asked.
    unit
        What lengths are counted in, for readers.
    """

    shot: IntArray
    chain: IntArray | None = None
    run: int | None = None
    independent: bool = False
    unit: str = "shooting points"

    @classmethod
    def of(
        cls,
        chain: Iterable[Hashable] | None,
        n: int,
        how: str = "chain",
        configurations: ArrayLike | None = None,
    ) -> Dependence:
        """What is known of `n` observations.

        Parameters
        ----------
        chain
            Chain of each observation, in the order of sampling, any labels; None where not known.
        n
            Number of observations.
        how
            ``chain`` (blocks as the memory demands), ``none`` (independent), or the length of runs of consecutive
            observations as a number.
        configurations
            Values that tell one shooting point from the next, shape (n, anything): consecutive observations of a chain
            that are equal in all of them are of one shot. None: every observation is a shot of its own.

        Raises
        ------
        ValueError
            When `how` is none of these, or lengths do not fit.
        """
        number = None if chain is None else numbered(chain)
        if number is not None and number.size != n:
            raise ValueError(f"one chain per observation is needed ({n}), got {number.size}")
        if how == "none":
            return cls(np.arange(n), number, independent=True)
        if how != "chain" and not (how.isdecimal() and int(how) >= 1):
            raise ValueError(f"blocks must be chain, none or a number of observations, not {how!r}")
        shot = np.arange(n)
        if configurations is not None and n:
            table = np.asarray(configurations).reshape(n, -1)
            of = np.zeros(n, dtype=np.int64) if number is None else number
            order = np.argsort(of, kind="stable")  # chains may be recorded interleaved
            new = np.ones(n, dtype=bool)
            new[1:] = (of[order][1:] != of[order][:-1]) | (table[order][1:] != table[order][:-1]).any(axis=1)
            shot = np.empty(n, dtype=np.int64)
            shot[order] = np.cumsum(new) - 1
        return cls(shot, number, None if how == "chain" else int(how))

    def blocks(self, scores: ArrayLike | None = None) -> Blocks | None:
        """The blocks; None where observations have to be taken as independent (:meth:`why_independent`).

        Parameters
        ----------
        scores
            What is averaged, shape (observations,) or (observations, parameters): its memory decides the length of the
            blocks. None: no memory is measured, and there are `FEWEST` blocks.
        """
        if self.independent or (self.chain is None and self.run is None):
            return None
        blocks = self._runs(self.run) if self.run is not None else self._pieces(scores)
        return blocks if blocks.count > 1 else None

    def why_independent(self) -> str:
        """Why :meth:`blocks` gave none, for readers."""
        if self.independent:
            return "observations taken as independent, as asked"
        if self.chain is None and self.run is None:
            return "no chains in the file: observations taken as independent; --blocks N takes runs of N together"
        return f"one block of {self.shot.size} observations says nothing of errors: observations taken as independent"

    def _runs(self, length: int) -> Blocks:
        chain = np.zeros(self.shot.size, dtype=np.int64) if self.chain is None else self.chain
        label = numbered(zip(chain.tolist(), (_positions(chain) // length).tolist(), strict=True))
        return Blocks(label, f"{_count(label)} runs of {length} consecutive observations")

    def _pieces(self, scores: ArrayLike | None) -> Blocks:
        assert self.chain is not None  # asked by the caller
        chains = _count(self.chain)
        if chains >= MANY_CHAINS:
            return Blocks(self.chain, f"{chains} chains")
        shot_of, chain_of = self._shots()
        lengths = np.bincount(chain_of, minlength=chains)
        memory = self._memory(scores, shot_of, chain_of)
        wanted = MEMORIES * memory
        pieces = np.maximum(np.round(lengths / wanted), 1).astype(np.int64)
        short = pieces.sum() < FEWEST
        if short:
            pieces = np.ceil(lengths * FEWEST / lengths.sum()).astype(np.int64)
        pieces = np.clip(pieces, 1, lengths)
        label_of_shot = np.empty(chain_of.size, dtype=np.int64)
        first = 0
        for chain, count in enumerate(pieces.tolist()):
            members = np.flatnonzero(chain_of == chain)
            for part in np.array_split(members, count):
                label_of_shot[part] = first
                first += 1
        what = f"{first} pieces of {chains} chain{'s' * (chains > 1)}, of {lengths.sum() / first:.3g} {self.unit}"
        if scores is None:
            what += ", their memory not measured"
        elif short:
            what += f", as many as there must be: shorter than {MEMORIES:g} times their memory of {memory:.2g}"
        else:
            what += f", {MEMORIES:g} times their memory of {memory:.2g}"
        return Blocks(label_of_shot[shot_of], what, math.nan if scores is None else memory)

    def _shots(self) -> tuple[IntArray, IntArray]:
        """Place of the shot of each observation, shots sorted by chain; and the chain of each shot."""
        assert self.chain is not None
        pairs = np.stack([self.chain, self.shot])
        shots, place = np.unique(pairs, axis=1, return_inverse=True)
        return place.reshape(-1), shots[0]

    def _memory(self, scores: ArrayLike | None, shot_of: IntArray, chain_of: IntArray) -> float:
        """Largest statistical inefficiency of the scores of the shots, at least 1."""
        if scores is None:
            return chain_of.size / (MEMORIES * FEWEST)
        columns = np.asarray(scores, dtype=float).reshape(shot_of.size, -1)
        total = np.zeros((chain_of.size, columns.shape[1]))
        np.add.at(total, shot_of, columns)
        if not np.isfinite(total).all():
            return 1.0
        cuts = np.cumsum(np.bincount(chain_of))[:-1]
        return max((statistical_inefficiency(np.split(column, cuts)) or 1.0 for column in total.T), default=1.0)


def numbered(labels: Iterable[Hashable]) -> IntArray:
    """Numbers from 0 in place of labels of any type, in the order they first appear."""
    order: dict[Hashable, int] = {}
    return np.array([order.setdefault(label, len(order)) for label in labels], dtype=np.int64)


def _count(label: IntArray) -> int:
    return int(label.max()) + 1 if label.size else 0


def _positions(chain: IntArray) -> IntArray:
    """Place of each observation in its chain, from 0."""
    position = np.empty(chain.size, dtype=np.int64)
    for members in Blocks(chain, "").rows():
        position[members] = np.arange(members.size)
    return position


def student_factor(n_blocks: int, confidence: float = 0.95) -> float:
    """Half an interval over the standard error: quantile of Student's t with n_blocks - 1 degrees of freedom."""
    return float(special.stdtrit(n_blocks - 1, 0.5 + 0.5 * confidence))


def upper_limit(error: float, n_blocks: int, confidence: float = 0.95) -> float:
    """Upper confidence limit of a standard error that comes from blocks.

    Parameters
    ----------
    error
        Standard error between blocks.
    n_blocks
        Their number; the error has one degree of freedom less.
    confidence
        That the limit is not exceeded.

    Returns
    -------
    `error` times sqrt(nu / chi2), with chi2 the (1 - `confidence`) quantile of the chi-square law of nu degrees of
    freedom; NaN below two blocks.
    """
    nu = n_blocks - 1
    if nu < 1:
        return math.nan
    return error * math.sqrt(nu / float(2.0 * special.gammaincinv(0.5 * nu, 1.0 - confidence)))


def bootstrap_rows(blocks: Blocks, rng: np.random.Generator, rows: Sequence[IntArray] | None = None) -> IntArray:
    """Numbers of the observations of one resample: as many blocks as there are, drawn with replacement."""
    members = blocks.rows() if rows is None else rows
    return np.concatenate([members[pick] for pick in rng.integers(0, len(members), size=len(members))])
