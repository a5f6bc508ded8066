"""A chain of cycles over all ensembles, fed by MD segments in the reactant."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.rates.tis.flux import PhasePoint, leaving_paths, next_point, segment_record
from separatrix.rates.tis.path_moves import run_cycle
from separatrix.rates.tis.pilot import Pilot, Rules
from separatrix.rates.tis.transition_paths import FloatArray, Keep, Path, Runner, Streams

log = logging.getLogger(__name__)

#: MD segments in the reactant without a crossing of the first interface after which a chain goes on without one.
_WAIT = 200


def run_chain(
    runner: Runner, start: FloatArray, pilot: Pilot, rules: Rules, streams: Streams, keep: Keep
) -> InterfaceChain:
    """A chain of cycles over all ensembles, and segments of dynamics in the reactant for the flux.

    In each cycle every ensemble makes a reversal and a shot, then all exchange paths. Paths that reach the
    first interface are paths of the first ensemble, and independent of those that are there: every few cycles one takes
    the place of its path. What changes slowly in the reactant, and hardly within a path, comes to equilibrium in the
    segments and from there into all ensembles (as by the exchange with the reactant's own ensemble in van Erp, Phys.
    Rev. Lett. 2007, 98, 268301). They are taken in their order, every so many of them, at cycles that are fixed
    beforehand: any choice by what they are, or by how many come at a time, would favour some. Segments are run when
    the next one is wanted, so that a longer chain begins with the pieces of a shorter one, and a block of cycles has
    the segments that fed it. Stopping at a crossing biases the
    flux by O(1/N) of N crossings.
    """
    bounds = pilot.interfaces
    paths = list(pilot.paths)
    reservoir = Reservoir(runner, start, bounds[0], pilot.stride, rules.segment_frames, streams, keep)
    table: list[tuple[Any, ...]] = []
    for cycle in range(rules.burn_in + rules.cycles):
        walked, counts, unfinished = 0, 0, 0
        if cycle % rules.refresh == 0:
            paths[0], walked, counts, unfinished = reservoir.next(paths[0])
        ended, source = run_cycle(runner, paths, bounds, cycle, streams, keep)
        if cycle >= rules.burn_in:
            reach, lengths = [p.highest for p in paths], [len(p.order) for p in paths]
            table.append((reach, lengths, ended, source, walked, counts, unfinished))
    return InterfaceChain(*(np.array(column) for column in zip(*table, strict=True)))


class Reservoir:
    """Reservoir of paths of the [0+] ensemble, in their order; MD segments in the reactant are run when it is empty."""

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
        self._runner, self._at, self._interface, self._stride = runner, PhasePoint(start), interface, stride
        self._frames, self._streams, self._keep = frames, streams, keep
        self._n_segments, self._n_paths = 0, 0
        self._waiting: deque[Path] = deque()

    def next(self, otherwise: Path) -> tuple[Path, int, int, int]:
        """The next path, or another path where none comes for long.

        Returns
        -------
        The path; frames that were run for it, paths in them that reach the interface, and those without an end.
        """
        walked, counts, unfinished = 0, 0, 0
        for _ in range(_WAIT):
            if self._waiting:
                return self._waiting.popleft(), walked, counts, unfinished
            at, k = self._at, self._n_segments
            record = self._keep(partial(segment_record, self._runner, at, self._frames, self._streams("stretch", k)))
            self._at, self._n_segments = next_point(record), k + 1
            walked += int(record["frames"])
            unfinished += int(record["unfinished"]) + (int(record["frames"]) == 0)
            for path in leaving_paths([record], self._interface):
                if self._n_paths % self._stride == 0:
                    self._waiting.append(path)
                self._n_paths += 1
                counts += 1
        log.warning("no path reaches the first interface in %d MD segments; the chain goes on without one", _WAIT)
        return otherwise, walked, counts, unfinished


@dataclass(frozen=True)
class InterfaceChain:
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
        Frames of the segments in the reactant that were run before each cycle, and paths that reached the first
        interface, shape (cycles,).
    flux_unfinished
        Paths that came to no end, and segments that failed, same shape.
    """

    highest: FloatArray
    frames: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    sources: NDArray[np.int64]
    flux_frames: NDArray[np.int64]
    flux_counts: NDArray[np.int64]
    flux_unfinished: NDArray[np.int64]
