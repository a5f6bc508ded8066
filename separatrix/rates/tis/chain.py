"""A chain of cycles over all ensembles, fed by MD segments in the reactant."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.rates.tis.flux import Place, excursions, next_place, stretch_record
from separatrix.rates.tis.moves import run_cycle
from separatrix.rates.tis.pilot import Pilot, Rules
from separatrix.rates.tis.transition_paths import FloatArray, Keep, Path, Runner, Streams

log = logging.getLogger(__name__)

#: Stretches without an excursion after which a chain goes on without one.
_WAIT = 200


def run_chain(runner: Runner, start: FloatArray, found: Pilot, rules: Rules, streams: Streams, keep: Keep) -> Chain:
    """A chain of cycles over all ensembles, and stretches of dynamics in the reactant for the flux.

    In each cycle every ensemble makes a reversal and a shot, then all exchange paths. Excursions that reach the
    first interface are paths of the first ensemble, and independent of those that are there: every few cycles one takes
    the place of its path. What changes slowly in the reactant, and hardly within a path, comes to equilibrium in the
    stretches and from there into all ensembles (as by the exchange with the reactant's own ensemble in van Erp, Phys.
    Rev. Lett. 2007, 98, 268301). They are taken in their order, every so many of them, at cycles that are fixed
    beforehand: any choice by what they are, or by how many come at a time, would favour some. Stretches are run when
    the next one is wanted, so that a longer chain begins with the pieces of a shorter one, and a block of cycles has
    the stretches that fed it. To end with an excursion makes the flux too large by one over their number, or so.
    """
    bounds = found.interfaces
    paths = list(found.paths)
    supply = _Supply(runner, start, bounds[0], found.stride, rules.stretch_frames, streams, keep)
    table: list[tuple[Any, ...]] = []
    for cycle in range(rules.burn_in + rules.cycles):
        walked, counts, unfinished = 0, 0, 0
        if cycle % rules.refresh == 0:
            paths[0], walked, counts, unfinished = supply.next(paths[0])
        ended, source = run_cycle(runner, paths, bounds, cycle, streams, keep)
        if cycle >= rules.burn_in:
            reach, lengths = [p.highest for p in paths], [len(p.order) for p in paths]
            table.append((reach, lengths, ended, source, walked, counts, unfinished))
    return Chain(*(np.array(column) for column in zip(*table, strict=True)))


class _Supply:
    """Excursions that reach an interface, one after the other; stretches are run when there is none left."""

    def __init__(
        self,
        runner: Runner,
        start: FloatArray,
        interface: float,
        stride: int,
        frames: int,
        streams: Streams,
        keep: Keep,
    ) -> None:
        self._runner, self._at, self._interface, self._stride = runner, Place(start), interface, stride
        self._frames, self._streams, self._keep = frames, streams, keep
        self._stretches, self._excursions = 0, 0
        self._waiting: deque[Path] = deque()

    def next(self, otherwise: Path) -> tuple[Path, int, int, int]:
        """The next excursion, or another path where none comes for long.

        Returns
        -------
        The path; frames that were run for it, excursions in them that reach the interface, and those without an end.
        """
        walked, counts, unfinished = 0, 0, 0
        for _ in range(_WAIT):
            if self._waiting:
                return self._waiting.popleft(), walked, counts, unfinished
            at, k = self._at, self._stretches
            record = self._keep(
                lambda at=at, k=k: stretch_record(self._runner, at, self._frames, self._streams("stretch", k))
            )
            self._at, self._stretches = next_place(record), k + 1
            walked += int(record["frames"])
            unfinished += int(record["unfinished"]) + (int(record["frames"]) == 0)
            for path in excursions([record], self._interface):
                if self._excursions % self._stride == 0:
                    self._waiting.append(path)
                self._excursions += 1
                counts += 1
        log.warning("no excursion reaches the first interface in %d stretches; the chain goes on without one", _WAIT)
        return otherwise, walked, counts, unfinished


@dataclass(frozen=True)
class Chain:
    """What a chain of cycles has given, its burn-in left out.

    Attributes
    ----------
    highest
        Largest order parameter of the path that each ensemble has after each cycle, shape (cycles, ensembles).
    frames
        Length of these paths.
    outcomes
        Number of the outcome of each shot in `OUTCOMES`, same shape.
    sources
        Ensemble in which each ensemble's path was before the exchanges of the cycle, same shape.
    flux_frames, flux_counts
        Frames of the stretches in the reactant that were run before each cycle, and excursions that reached the first
        interface, shape (cycles,).
    flux_unfinished
        Excursions that came to no end, and stretches that failed, same shape.
    """

    highest: FloatArray
    frames: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    sources: NDArray[np.int64]
    flux_frames: NDArray[np.int64]
    flux_counts: NDArray[np.int64]
    flux_unfinished: NDArray[np.int64]
