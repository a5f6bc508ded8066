"""A chain's round of shots: burn-in, the running record, what it costs, and how it ends when it is asked to stop."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from separatrix.core.errors import SamplingError, Stopped
from separatrix.core.journal import Journal
from separatrix.results.moves import Move, move_from_record, move_record

if TYPE_CHECKING:
    from separatrix.dynamics.md_engine import MDEngine
    from separatrix.sampling.shooting import Chain

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """What a job has to do.

    Attributes
    ----------
    number
        Of the round, from 1.
    first_move
        Number of its first move in the chain.
    burn_in, shots
        Shots that come first and are left out of all statistics, and shots after them.
    frame
        Time between frames, fs.
    failures_in_a_row
        Failed shots in a row that end the job.
    """

    number: int
    first_move: int
    burn_in: int
    shots: int
    frame: float
    failures_in_a_row: int

    @property
    def wanted(self) -> int:
        """All shots of the round."""
        return self.burn_in + self.shots


class ShiftTuner:
    """Brings the acceptance to a target by changing the shift, by stochastic approximation (Robbins and Monro 1951).

    After move k (from 1) of the burn-in, ln(shift) grows by (a - target) / (k + 1)^0.6, a being 1 for an accepted move
    and 0 for any other: a farther candidate is less often accepted. Moves whose candidate lies off the path count as
    refused, since a shift that makes many of them is too large. It stops with the burn-in; adapting all the way
    through would spoil detailed balance.

    Parameters
    ----------
    shift
        To start from, in frames.
    target
        Acceptance per move.
    largest
        Bound of the shift, in frames.
    """

    def __init__(self, shift: int, target: float, largest: int) -> None:
        self.target = target
        self.bounds = (0.0, math.log(max(largest, 1)))
        self.log_shifts = [math.log(shift)]

    def update(self, accepted: bool) -> int:
        """The shift for the next move, in frames."""
        gain = (len(self.log_shifts) + 1) ** -0.6
        low, high = self.bounds
        self.log_shifts.append(min(max(self.log_shifts[-1] + gain * (accepted - self.target), low), high))
        return round(math.exp(self.log_shifts[-1]))

    @property
    def tuned_shift(self) -> int:
        """The shift to stay with, in frames: the geometric mean of the second half, which varies less than the last."""
        return round(math.exp(np.mean(self.log_shifts[len(self.log_shifts) // 2 :])))


@dataclass
class Progress:
    """Counts of a round so far."""

    moves: int = 0
    shots: int = 0
    accepted: int = 0
    failures: int = 0
    idle: int = 0

    def count(self, move: Move) -> None:
        """Take a move in."""
        self.moves += 1
        self.shots += move.is_shot
        self.accepted += move.accepted
        self.idle = 0 if move.is_shot else self.idle + 1
        if move.is_shot:
            self.failures = self.failures + 1 if move.outcome == "failed" else 0


def run_round(
    chain: Chain, task: Round, record: Journal, tuner: ShiftTuner | None = None
) -> tuple[list[Move], list[bool], float]:
    """Make the moves of a round, going on from what is on record.

    Parameters
    ----------
    chain
        As it is before the round.
    task
        What is to be done.
    record
        Journal of the chain; its pieces are numbered as the chain's moves are.
    tuner
        Where given, it sets the shift during the burn-in.

    Returns
    -------
    The moves; whether each belongs to the burn-in; core-seconds spent on them, those on record included.

    Raises
    ------
    SamplingError
        When too many shots fail in a row, or no candidate lies on the path any more.
    Stopped
        When the job is asked to stop; every finished shot is on record.
    """
    moves: list[Move] = []
    burn_in: list[bool] = []
    so_far = Progress()
    seconds = 0.0

    def take(move: Move) -> None:
        burning = so_far.shots < task.burn_in
        moves.append(move)
        burn_in.append(burning)
        so_far.count(move)
        if burning and tuner is not None:
            shift = tuner.update(move.accepted)
            chain.selector.shift = shift if so_far.shots < task.burn_in else tuner.tuned_shift

    for piece in record.read(task.first_move):
        if so_far.shots == task.wanted:
            break
        move = move_from_record(piece)
        chain.replay(move)
        take(move)
        seconds += piece.get("seconds", 0.0)
    if moves:
        log.info("%d moves are on record; going on from there", len(moves))
    before = so_far.shots
    # A record of failures is not held against the new attempt: what made them may have been put right.
    so_far.failures = 0
    start = time.perf_counter()
    while so_far.shots < task.wanted:
        began = time.perf_counter()
        try:
            move = chain.move(task.first_move + so_far.moves)
        except Stopped as error:
            raise Stopped(
                f"{error}; {so_far.shots} of {task.wanted} shots are on record, and the same command goes on from there"
            ) from error
        spent = time.perf_counter() - began
        record.write(move.index, move_record(move) | {"seconds": round(spent, 6)})
        seconds += spent
        take(move)
        if so_far.idle > 1000:
            raise SamplingError("1000 moves in a row chose a frame off the path; give a smaller shift_fs")
        if move.is_shot:
            _tell(move, so_far, task, (time.perf_counter() - start) / (so_far.shots - before))
            stop_after(so_far.failures, task.failures_in_a_row, move.reason)
    return moves, burn_in, seconds


def _tell(move: Move, so_far: Progress, task: Round, pace: float) -> None:
    log.info(
        "round %d, shot %d/%d%s: %s-%s, %.0f fs, %s; acceptance %.2f; %.2f s per shot, %.0f s to go%s",
        task.number,
        so_far.shots,
        task.wanted,
        f" (burn-in, shift {move.shift * task.frame:g} fs)" if so_far.shots <= task.burn_in else "",
        move.backward,
        move.forward,
        (move.forward_frames + move.backward_frames - 2) * task.frame,
        move.outcome,
        so_far.accepted / so_far.shots,
        pace,
        pace * (task.wanted - so_far.shots),
        f"; {move.reason}" if move.reason else "",
    )


def stop_after(failures: int, allowed: int, reason: str) -> None:
    """Stop a job whose shots fail one after the other.

    Raises
    ------
    SamplingError
        When as many have failed in a row as are allowed.
    """
    if failures >= allowed:
        raise SamplingError(
            f"{failures} shots in a row failed, the last because: {reason}; the shots done so far are on record, and "
            "the same command goes on from there"
        )


@contextlib.contextmanager
def stoppable(engine: MDEngine) -> Iterator[None]:
    """While a job runs, a signal to stop abandons the shot in flight instead of killing the process in mid-write.

    SIGINT comes from a terminal; SIGTERM from Snakemake, from SLURM before a time limit, at preemption and on
    `scancel`; SIGUSR1 and SIGUSR2 are what sites choose for an early warning.
    """
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

    def stop(number: int, _frame: object) -> None:
        engine.stop = signal.Signals(number).name

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may listen to signals
        return
    before = {s: signal.signal(s, stop) for s in wanted}
    try:
        yield
    finally:
        # SLURM tells the step and then the batch script, whose Snakemake passes it on: whoever ends already must not
        # be killed by the second signal before it has said why. A second Ctrl-C means it.
        stopping = engine.stop
        for s, handler in before.items():
            signal.signal(s, _ends_already if stopping and s != signal.SIGINT else handler)
        engine.stop = ""


def _ends_already(number: int, _frame: object) -> None:
    log.info("%s again", signal.Signals(number).name)


def present(moves: Sequence[Move], burn_in: Sequence[bool]) -> tuple[list[Move], list[int]]:
    """The accepted moves of a round, and how often each path counts.

    A path counts once for each move after which it was the present one, its own acceptance included and the burn-in
    left out.

    Returns
    -------
    The accepted moves; the counts, one more than moves: the first is that of the path the round began with.
    """
    accepted = [k for k, m in enumerate(moves) if m.accepted]
    counted = np.cumsum([0, *(not b for b in burn_in)])
    edges = [0, *accepted, len(moves)]
    return [moves[k] for k in accepted], [int(counted[b] - counted[a]) for a, b in itertools.pairwise(edges)]


def cost(moves: Sequence[Move], seconds: float, threads: int) -> dict[str, Any]:
    """What moves have cost, as plain data."""
    return {
        "moves": len(moves),
        "shots": sum(m.is_shot for m in moves),
        "accepted": sum(m.accepted for m in moves),
        "failed": sum(m.outcome == "failed" for m in moves),
        "evaluations": sum(m.evaluations for m in moves),
        "steps": sum(m.steps for m in moves),
        "core_seconds": round(seconds * threads, 3),
    }


def add_costs(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum of costs."""
    return {key: round(sum(c[key] for c in costs), 3) for key in costs[0]}
