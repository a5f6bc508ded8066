"""Moves in path ensembles: shooting, time reversal, replica exchange."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from separatrix.rates.tis.transition_paths import (
    NEITHER,
    PRODUCT,
    REACTANT,
    FloatArray,
    Keep,
    Path,
    Runner,
    Streams,
    joined_path,
    path_from_record,
    path_record,
)

#: Ways in which a move can end.
OUTCOMES = ("accepted", "wrong start", "short of the interface", "length", "uncommitted", "failed")

#: Angles by which two-way moves turn velocities towards thermal ones, along the order parameter's gradient and across.
#: A path that climbs tens of kT in one swing is lost with fresh velocities along it from any frame but its turning
#: point, which then stays the same; across, they are what brings the rest of the molecule to equilibrium.
ALONG = (0.5 * math.pi, 0.3, 0.1, 0.03)

ACROSS = (0.5 * math.pi, 0.5 * math.pi, 0.5 * math.pi, 0.5)


class PathMove(NamedTuple):
    """What became of a shooting move: the path that is present after it, and why.

    Attributes
    ----------
    path
        Present after it.
    outcome
        One of `OUTCOMES`.
    reason
        Why the dynamics failed; empty otherwise.
    frames
        Run for it.
    kind
        ``two-way``, ``one-way`` or ``crossing``.
    """

    path: Path
    outcome: str
    reason: str = ""
    frames: int = 0
    kind: str = "two-way"


def perturbed(runner: Runner, positions: FloatArray, velocities: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Velocities turned towards thermal ones, cos(angle) v + sin(angle) v_thermal, in nm/ps.

    The parts along the order parameter's gradient and across, which are independent of each other in equilibrium, have
    angles of their own, drawn from `ALONG` and `ACROSS` with no regard to the path. With v thermal, v and v' are
    jointly normal and change places without a difference, so that the chance of v times that of v' given v is that of
    v' times that of v given v', also with both reversed. The acceptance therefore is that of fresh velocities, which
    are the case of two right angles (Dellago, Bolhuis and Geissler, Adv. Chem. Phys. 2002, 123, 1, section III; the
    turn is the one of generalised hybrid Monte Carlo, Horowitz, Phys. Lett. B 1991, 268, 247).
    """
    fresh = runner.draw(positions, rng)
    along, across = ALONG[int(rng.integers(len(ALONG)))], ACROSS[int(rng.integers(len(ACROSS)))]
    old_part, new_part = runner.along(positions, velocities), runner.along(positions, fresh)
    return (
        math.cos(along) * old_part
        + math.sin(along) * new_part
        + math.cos(across) * (velocities - old_part)
        + math.sin(across) * (fresh - new_part)
    )


def shoot(runner: Runner, path: Path, interface: float, rng: np.random.Generator) -> PathMove:
    """Shooting move in the ensemble of paths that start in the reactant and reach an interface.

    Without noise moves are two-way: a frame is chosen evenly among the path's interior ones, its velocities are
    perturbed, and both halves are run. With noise half of the moves are from the crossing, a quarter one-way, a quarter
    two-way.

    From the crossing: what follows the path's first frame at or beyond the interface is drawn anew. Given what comes
    before, the ensemble is nothing but the dynamics from there, so this is its conditional distribution and always
    accepted. At low friction paths of very different lengths share an ensemble; other moves seldom lead from a short
    one to a long one, for their acceptance has the ratio of lengths.

    One-way: a frame is chosen evenly, and one half, either with probability 1/2, is drawn anew from the same
    phase-space point. Here and in two-way moves the proposal's density is that of the new path in equilibrium over the
    number of frames that the point could be chosen from, so that min(1, n_old/n_new) keeps detailed balance (Dellago,
    Bolhuis and Geissler, Adv. Chem. Phys. 2002, 123, 1, section III; Bolhuis, J. Phys. Condens. Matter 2003, 15, S113).

    Parameters
    ----------
    runner
        Dynamics.
    path
        Present path.
    interface
        The ensemble's.
    rng
        Random stream of the move.
    """
    kind = "two-way"
    if runner.stochastic:
        kind = ("crossing", "crossing", "one-way", "two-way")[int(rng.integers(4))]
    if kind == "crossing":
        return _from_crossing(runner, path, interface, rng)
    at = 1 + int(rng.integers(path.interior))
    bound = rng.random()
    one_way = kind == "one-way"
    forward = bool(rng.random() < 0.5) if one_way else True
    x, v = path.positions[at], path.velocities[at]
    if not one_way:
        v = perturbed(runner, x, v, rng)
    cost = 0
    if one_way and forward:
        before = (path.positions[:at], path.velocities[:at])
    else:
        back = runner.run_to_state(x, -v, rng)
        cost += len(back.positions)
        if back.reason or back.end != REACTANT:
            outcome = "failed" if back.reason else "uncommitted" if back.end == NEITHER else "wrong start"
            return PathMove(path, outcome, back.reason, cost, kind)
        before = (back.positions[::-1], -back.velocities[::-1])
    if one_way and not forward:
        after = (path.positions[at + 1 :], path.velocities[at + 1 :])
        end = PRODUCT if math.isinf(path.highest) else REACTANT
    else:
        ahead = runner.run_to_state(x, v, rng)
        cost += len(ahead.positions)
        if ahead.reason or ahead.end == NEITHER:
            return PathMove(path, "failed" if ahead.reason else "uncommitted", ahead.reason, cost, kind)
        after, end = (ahead.positions, ahead.velocities), ahead.end
    new = joined_path(
        runner,
        np.concatenate([before[0], x[None], after[0]]),
        np.concatenate([before[1], v[None], after[1]]),
        end,
    )
    if new.highest < interface:
        return PathMove(path, "short of the interface", "", cost, kind)
    if bound * new.interior > path.interior:
        return PathMove(path, "length", "", cost, kind)
    return PathMove(new, "accepted", "", cost, kind)


def _from_crossing(runner: Runner, path: Path, interface: float, rng: np.random.Generator) -> PathMove:
    first = int(np.argmax(path.order >= interface))
    if first == len(path.order) - 1:
        # It jumps over the interface into the product: nothing follows.
        return PathMove(path, "accepted", "", 0, "crossing")
    ahead = runner.run_to_state(path.positions[first], path.velocities[first], rng)
    cost = len(ahead.positions)
    if ahead.reason or ahead.end == NEITHER:
        return PathMove(path, "failed" if ahead.reason else "uncommitted", ahead.reason, cost, "crossing")
    new = joined_path(
        runner,
        np.concatenate([path.positions[: first + 1], ahead.positions]),
        np.concatenate([path.velocities[: first + 1], ahead.velocities]),
        ahead.end,
    )
    return PathMove(new, "accepted", "", cost, "crossing")


def time_reversal(path: Path, rng: np.random.Generator) -> Path:
    """Path reversal with probability 1/2, where the path comes back to the reactant: it is as likely either way."""
    wanted = rng.random() < 0.5
    return path.reversed() if wanted and not math.isinf(path.highest) else path


def replica_exchange(paths: list[Path], interfaces: Sequence[float], rng: np.random.Generator) -> NDArray[np.int64]:
    """Assign paths to the ensembles anew, in place: evenly among all ways in which each gets one that reaches it.

    Given which paths there are, all these ways are equally likely, so this is their conditional distribution; it is
    the limit of endlessly many exchanges (Roet, Zhang and van Erp, J. Phys. Chem. A 2022, 126, 8878), and costs no
    dynamics. A path that reaches an interface reaches all below: as many paths are left to choose from at an ensemble
    whatever those above it have got, and one choice after the other from the top is even.

    Returns
    -------
    Ensemble in which each ensemble's path was before, shape (ensembles,).
    """
    highest = np.array([path.highest for path in paths])
    source = np.empty(len(paths), dtype=np.int64)
    left = np.ones(len(paths), dtype=bool)
    for i in reversed(range(len(paths))):
        fits = np.flatnonzero(left & (highest >= interfaces[i]))
        source[i] = fits[int(rng.integers(len(fits)))]
        left[source[i]] = False
    paths[:] = [paths[k] for k in source]
    return source


def _moved(runner: Runner, path: Path, interface: float, rng: np.random.Generator, keep: Keep) -> PathMove:
    """A reversal and a shooting move, from the record where there is one."""
    path = time_reversal(path, rng)

    def make() -> dict[str, Any]:
        move = shoot(runner, path, interface, rng)
        record = {"outcome": move.outcome, "reason": move.reason, "cost": move.frames, "kind": move.kind}
        return record | (path_record(move.path) if move.outcome == "accepted" else {})

    record = keep(make)
    accepted = record["outcome"] == "accepted"
    return PathMove(
        path_from_record(record) if accepted else path,
        record["outcome"],
        record["reason"],
        int(record["cost"]),
        record["kind"],
    )


def run_cycle(
    runner: Runner,
    paths: list[Path],
    interfaces: Sequence[float],
    cycle: int,
    streams: Streams,
    keep: Keep,
    word: str = "cycle",
) -> tuple[list[int], NDArray[np.int64]]:
    """A reversal and a shot in every ensemble, in place, then exchanges.

    Returns
    -------
    Numbers of the outcomes, and in which ensemble each one's path was before the exchanges.
    """
    ended = []
    for i, path in enumerate(paths):
        move = _moved(runner, path, interfaces[i], streams(word, cycle, i), keep)
        paths[i] = move.path
        ended.append(OUTCOMES.index(move.outcome))
    return ended, replica_exchange(paths, interfaces, streams(word, cycle, "exchange"))
