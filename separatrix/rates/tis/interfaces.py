"""Rates as flux times crossing probability: transition interface sampling.

The rate from a reactant A to a product B is the flux of excursions from A that reach the first interface, times the
probability that such an excursion reaches B before it is back in A. The probability is a product over interfaces along
an order parameter, each factor from paths that are known to reach the interface before (van Erp, Moroni and Bolhuis,
J. Chem. Phys. 2003, 118, 7762); ensembles exchange paths (van Erp, Phys. Rev. Lett. 2007, 98, 268301).

A, B and the order parameter are looked at in frames alone, and the order parameter counts as minus infinity in A and as
infinity in B. Interfaces are then nested whatever the states are: no path comes to B without crossing all of them, and
flux and probabilities are those of one and the same sequence of frames, with no error from its spacing.

Where frames come from is the business of a :class:`Runner`. Lengths are in nm, velocities in nm/ps, rates in 1/ps
unless it says otherwise; times are counted in frames.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from separatrix.core.plain import Plain

log = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]

#: Sides on which a frame lies, and a half ends.
REACTANT, NEITHER, PRODUCT = -1, 0, 1

#: Ways in which a move can end.
OUTCOMES = ("accepted", "wrong start", "short of the interface", "length", "uncommitted", "failed")

#: Angles by which two-way moves turn velocities towards thermal ones, along the order parameter's gradient and across.
#: A path that climbs tens of kT in one swing is lost with fresh velocities along it from any frame but its turning
#: point, which then stays the same; across, they are what brings the rest of the molecule to equilibrium.
ALONG = (0.5 * math.pi, 0.3, 0.1, 0.03)
ACROSS = (0.5 * math.pi, 0.5 * math.pi, 0.5 * math.pi, 0.5)


class Leg(NamedTuple):
    """Frames that dynamics has run through, that which it started from left out.

    Attributes
    ----------
    positions, velocities
        nm and nm/ps, shape (n, n_atoms, 3).
    end
        Side of the last frame; `NEITHER` where the greatest length was reached.
    reason
        Why it failed; empty otherwise.
    """

    positions: FloatArray
    velocities: FloatArray
    end: int
    reason: str = ""


class Runner(Protocol):
    """Reversible dynamics in the canonical ensemble, with two states and an order parameter.

    Attributes
    ----------
    stochastic
        Whether each leg has noise of its own, so that half a path may be drawn anew with the rest kept.
    """

    stochastic: bool

    def leg(self, positions: FloatArray, velocities: FloatArray, rng: np.random.Generator) -> Leg:
        """Run to the first frame in either state."""

    def stretch(self, positions: FloatArray, velocities: FloatArray, frames: int, rng: np.random.Generator) -> Leg:
        """Run a number of frames, in and out of either state."""

    def draw(self, positions: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Thermal velocities, nm/ps."""

    def along(self, positions: FloatArray, velocities: FloatArray) -> FloatArray:
        """Part of velocities along the order parameter's mass-weighted gradient, nm/ps."""

    def order(self, positions: FloatArray) -> FloatArray:
        """Order parameter of frames, shape (n,)."""

    def sides(self, positions: FloatArray, velocities: FloatArray) -> NDArray[np.int64]:
        """Side of frames, shape (n,)."""


@dataclass(frozen=True)
class Path:
    """A path from the reactant to either state; all its frames but the first and the last lie in neither.

    Attributes
    ----------
    positions, velocities
        Shape (n, n_atoms, 3).
    order
        Order parameter, shape (n,): minus infinity in the reactant, infinity in the product.
    """

    positions: FloatArray
    velocities: FloatArray
    order: FloatArray

    @property
    def interior(self) -> int:
        """Number of frames in neither state."""
        return len(self.order) - 2

    @property
    def highest(self) -> float:
        """Largest order parameter; infinity where the path ends in the product."""
        return float(self.order.max())

    def reversed(self) -> Path:
        """The same path run backwards."""
        return Path(self.positions[::-1], -self.velocities[::-1], self.order[::-1])


def _path(runner: Runner, positions: FloatArray, velocities: FloatArray, end: int) -> Path:
    order = np.full(len(positions), -math.inf)
    if len(positions) > 2:
        order[1:-1] = runner.order(positions[1:-1])
    if end == PRODUCT:
        order[-1] = math.inf
    return Path(positions, velocities, order)


# --- flux through the first interface ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a stretch begins.

    Attributes
    ----------
    positions
        nm, shape (n_atoms, 3).
    velocities
        nm/ps; None in the reactant, where a stretch begins with fresh ones.
    left
        On an excursion: positions and velocities of the frame in the reactant that it began with.
    """

    positions: FloatArray
    velocities: FloatArray | None = None
    left: tuple[FloatArray, FloatArray] | None = None


@dataclass(frozen=True)
class Stretch:
    """Excursions from the reactant in a stretch of equilibrium dynamics.

    Attributes
    ----------
    frames
        Frames of the stretch: all in the reactant last.
    highest
        Largest order parameter of each excursion that began in it, shape (n,).
    order
        Order parameter of these frames, shape (frames,).
    unfinished
        Excursions that came to no end (out of length, or failed): left out of `highest`.
    reason
        Why the stretch, or the end of an excursion, failed; empty otherwise.
    end
        Where the next one begins; where this one began if it failed.
    """

    frames: int
    highest: FloatArray
    order: FloatArray
    unfinished: int
    reason: str
    end: Place


def stretch(runner: Runner, place: Place, frames: int, rng: np.random.Generator) -> tuple[Stretch, list[Path]]:
    """Run a stretch of equilibrium dynamics that was in the reactant last, and take its excursions out.

    An excursion begins with a frame in the reactant whose next frame is not. It is followed to its end, beyond the end
    of the stretch if need be: whether it counts does not depend on where a stretch ends. What follows the last frame
    of the stretch is used for nothing else.

    Stretches are a chain in the canonical ensemble of what was in the reactant last. What reaches the product leaves
    that ensemble, and in equilibrium as much comes into it, along the same paths in reverse. So it goes on where it
    left the reactant, backwards: at constant energy the fast ones, which go back and forth, would else be half as many
    as they should. And where velocities are drawn anew outside the reactant, they must have come from there.

    Parameters
    ----------
    runner
        Dynamics.
    place
        Where to start.
    frames
        How long.
    rng
        Random stream of velocities and noise.

    Returns
    -------
    The stretch, and the excursions as paths.
    """
    at, speed, left = place.positions, place.velocities, place.left
    if speed is None:
        speed = runner.draw(at, rng)
    # Outside the reactant with no past: as if it had left it there.
    left = left or (at, speed)
    paths: list[Path] = []
    order: list[FloatArray] = []
    unfinished, counted, reason = 0, 0, ""
    end = place
    while counted < frames:
        leg = runner.stretch(at, speed, frames - counted, rng)
        if leg.reason:
            return Stretch(0, np.empty(0), np.empty(0), 0, leg.reason, place), []
        x, v = np.concatenate([at[None], leg.positions]), np.concatenate([speed[None], leg.velocities])
        sides = runner.sides(x, v)
        entered = np.flatnonzero(sides == PRODUCT)
        if len(entered):
            x, v, sides = x[: entered[0] + 1], v[: entered[0] + 1], sides[: entered[0] + 1]
        for first in np.flatnonzero((sides[:-1] == REACTANT) & (sides[1:] != REACTANT)):
            left = (x[first], v[first])
            later = np.flatnonzero(sides[first + 1 :] != NEITHER)
            if len(later):
                last = int(first + 1 + later[0])
                part_x, part_v, side = x[first : last + 1], v[first : last + 1], int(sides[last])
            else:
                rest = runner.leg(x[-1], v[-1], rng)
                if rest.reason or rest.end == NEITHER:
                    unfinished, reason = unfinished + 1, rest.reason
                    continue
                part_x = np.concatenate([x[first:], rest.positions])
                part_v, side = np.concatenate([v[first:], rest.velocities]), rest.end
            if len(part_x) < 3:  # from state to state between two frames: no frame to shoot from
                unfinished += 1
                continue
            paths.append(_path(runner, part_x, part_v, side))
        if len(entered):
            at, speed = np.asarray(left[0]), -np.asarray(left[1])
            seen, end = np.concatenate([x[1:-1], at[None]]), Place(at)
        else:
            seen = x[1:]
            end = Place(x[-1])
            if sides[-1] != REACTANT:
                end, why = _drawn_outside(runner, Place(x[-1], v[-1], left), rng)
                reason = reason or why
        order.append(runner.order(seen))
        counted += len(seen)
    return (
        Stretch(counted, np.array([p.highest for p in paths]), np.concatenate(order), unfinished, reason, end),
        paths,
    )


def _drawn_outside(runner: Runner, place: Place, rng: np.random.Generator) -> tuple[Place, str]:
    """Velocities drawn anew where they decide which state was the last, if it still is the reactant; or why not."""
    speed = runner.draw(place.positions, rng)
    back = runner.leg(place.positions, -speed, rng)
    if back.reason or back.end != REACTANT:
        return place, back.reason
    return Place(place.positions, speed, (back.positions[-1], -back.velocities[-1])), ""


# --- moves ------------------------------------------------------------------------------------------------------------


class Move(NamedTuple):
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


def shoot(runner: Runner, path: Path, interface: float, rng: np.random.Generator) -> Move:
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
        back = runner.leg(x, -v, rng)
        cost += len(back.positions)
        if back.reason or back.end != REACTANT:
            outcome = "failed" if back.reason else "uncommitted" if back.end == NEITHER else "wrong start"
            return Move(path, outcome, back.reason, cost, kind)
        before = (back.positions[::-1], -back.velocities[::-1])
    if one_way and not forward:
        after = (path.positions[at + 1 :], path.velocities[at + 1 :])
        end = PRODUCT if math.isinf(path.highest) else REACTANT
    else:
        ahead = runner.leg(x, v, rng)
        cost += len(ahead.positions)
        if ahead.reason or ahead.end == NEITHER:
            return Move(path, "failed" if ahead.reason else "uncommitted", ahead.reason, cost, kind)
        after, end = (ahead.positions, ahead.velocities), ahead.end
    new = _path(
        runner,
        np.concatenate([before[0], x[None], after[0]]),
        np.concatenate([before[1], v[None], after[1]]),
        end,
    )
    if new.highest < interface:
        return Move(path, "short of the interface", "", cost, kind)
    if bound * new.interior > path.interior:
        return Move(path, "length", "", cost, kind)
    return Move(new, "accepted", "", cost, kind)


def _from_crossing(runner: Runner, path: Path, interface: float, rng: np.random.Generator) -> Move:
    first = int(np.argmax(path.order >= interface))
    if first == len(path.order) - 1:
        # It jumps over the interface into the product: nothing follows.
        return Move(path, "accepted", "", 0, "crossing")
    ahead = runner.leg(path.positions[first], path.velocities[first], rng)
    cost = len(ahead.positions)
    if ahead.reason or ahead.end == NEITHER:
        return Move(path, "failed" if ahead.reason else "uncommitted", ahead.reason, cost, "crossing")
    new = _path(
        runner,
        np.concatenate([path.positions[: first + 1], ahead.positions]),
        np.concatenate([path.velocities[: first + 1], ahead.velocities]),
        ahead.end,
    )
    return Move(new, "accepted", "", cost, "crossing")


def turn(path: Path, rng: np.random.Generator) -> Path:
    """Path reversal with probability 1/2, where the path comes back to the reactant: it is as likely either way."""
    wanted = rng.random() < 0.5
    return path.reversed() if wanted and not math.isinf(path.highest) else path


def exchange(paths: list[Path], interfaces: Sequence[float], rng: np.random.Generator) -> NDArray[np.int64]:
    """Deal paths out to the ensembles anew, in place: evenly among all ways in which each gets one that reaches it.

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


# --- placing interfaces -----------------------------------------------------------------------------------------------


class PlacingError(ValueError):
    """No interfaces can be placed."""


def quantile_above(highest: Sequence[float], share: float) -> float:
    """The order parameter that a share of paths reach; the next larger one among those seen.

    Parameters
    ----------
    highest
        Of each path; infinity where it reached the product.
    share
        Between 0 and 1.
    """
    ordered = np.sort(np.asarray(highest, dtype=float))[::-1]
    return float(ordered[max(math.ceil(share * len(ordered)) - 1, 0)])


def crossings(highest: FloatArray, interfaces: Sequence[float]) -> FloatArray:
    """Share of the paths at each interface that reach the next, or the product: of ensembles 0 to i at the i-th.

    Parameters
    ----------
    highest
        Largest order parameter of the ensembles' paths, shape (cycles, ensembles).
    interfaces
        Order parameters, rising.

    Returns
    -------
    Shape (ensembles,).
    """
    bounds = [*interfaces, math.inf]
    pools = [highest[:, : i + 1] for i in range(len(interfaces))]
    return np.array([np.mean(pool[pool >= bounds[i]] >= bounds[i + 1]) for i, pool in enumerate(pools)])


def survival(highest: Sequence[FloatArray], interfaces: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """How large a share of the paths that reach the first interface come to an order parameter, for all seen.

    Between an interface and the next it is read off the paths of all ensembles up to there, as factors of the rate are.
    Where none comes to the next interface, half a path is taken to.

    Parameters
    ----------
    highest
        Largest order parameter of each ensemble's paths, of shape (paths,) each.
    interfaces
        Of each ensemble, in any order; those of several sets of interfaces may stand side by side.

    Returns
    -------
    Order parameters, rising, the first interface first and infinity last, and the shares, both of shape (n,).
    """
    places, shares, here = [], [], 1.0
    bounds = [*np.unique(interfaces), math.inf]
    for low, high in itertools.pairwise(bounds):
        pool = np.concatenate([h for h, value in zip(highest, interfaces, strict=True) if value <= low])
        pool = np.sort(pool[pool >= low])
        seen = np.unique(np.append(pool[pool < high], low))
        places.append(seen)
        shares.append(here * (1.0 - np.searchsorted(pool, seen) / len(pool)))
        here *= max(float((pool >= high).mean()), 0.5 / len(pool))
    return np.append(np.concatenate(places), math.inf), np.append(np.concatenate(shares), here)


def spaced(highest: Sequence[FloatArray], interfaces: Sequence[float], crossing: float) -> list[float]:
    """Interfaces anew, from the first one on, each crossed by as large a share of the paths, and by no less than asked.

    Parameters
    ----------
    highest, interfaces
        As in :func:`survival`.
    crossing
        Smallest share of the paths at one interface that are to reach the next, or the product.
    """
    places, shares = survival(highest, interfaces)
    n = max(math.ceil(math.log(shares[-1]) / math.log(crossing)), 1)
    wanted = shares[-1] ** (np.arange(n) / n)
    # The last of the places that as many come to: shares fall from one to the next.
    at = np.searchsorted(-shares[:-1], -wanted * (1.0 - 1e-9), side="right") - 1
    # The first stays: as many come to the lowest of the paths as to the interface itself.
    return [float(v) for v in np.unique([places[0], *places[at[1:]]])]


# --- from the minimum to a chain of cycles ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """How much is run.

    Attributes
    ----------
    crossing
        Share of paths that are to reach the next interface.
    pilot_moves
        Cycles of each of a pilot's first two rounds, half as many as of the others; the first quarter is left out.
    cycles, burn_in
        Cycles that count and that do not; in each, every ensemble makes a move.
    refresh
        Cycles from one excursion that takes the place of the first ensemble's path to the next.
    stretch_frames
        Frames of a stretch of dynamics in the reactant, each from fresh velocities.
    """

    crossing: float
    pilot_moves: int
    cycles: int
    burn_in: int
    refresh: int
    stretch_frames: int

    @property
    def settling(self) -> int:
        """Stretches before a pilot, that its reactant may settle."""
        return int(1.5 * self.pilot_moves)


#: Excursions behind the first interface, and the stretches that may be spent on them, per cycle of a pilot's round.
_ENOUGH, _PATIENCE = 60, 20

#: Stretches without an excursion after which a chain goes on without one.
_WAIT = 200

#: Interfaces at first, evenly spaced; attempts at a path from the top.
_AT_FIRST, _ATTEMPTS = 20, 100

#: Rounds of cycles after each of which a pilot places interfaces anew; most of them, while an interface is crossed by
#: less than a part of the share that it was placed for. One gap that few paths cross ruins a chain.
_ROUNDS, _MOST_ROUNDS, _PART = 4, 10, 0.25

#: Blocks of all chains together that an error may come from at least: that of fewer is too uncertain itself.
_FEWEST_BLOCKS = 8


@dataclass(frozen=True)
class Seeds:
    """Frames of equilibrium at whatever order parameter, such as those of umbrella windows.

    Attributes
    ----------
    positions
        nm, shape (n, n_atoms, 3).
    order
        Order parameter, shape (n,).
    weight
        What each stands for in the canonical ensemble, shape (n,).
    """

    positions: FloatArray
    order: FloatArray
    weight: FloatArray

    def draw(self, low: float, high: float, rng: np.random.Generator) -> FloatArray | None:
        """Positions of a frame with low <= order parameter < high, by weight; None where there is none."""
        inside = np.flatnonzero((self.order >= low) & (self.order < high) & (self.weight > 0.0))
        if not len(inside):
            return None
        share = self.weight[inside]
        return self.positions[rng.choice(inside, p=share / share.sum())]

    def steps(self, first: float, crossing: float, bins: int = 50) -> tuple[list[float], float]:
        """Interfaces that stand as far apart in free energy as paths that climb it would cross with some probability.

        Parameters
        ----------
        first
            The lowest.
        crossing
            exp(-F/kT) over a step, or more.
        bins
            Of the free energy, from the first one on.

        Returns
        -------
        Interfaces, rising, and the top of the free energy.
        """
        edges = np.linspace(first, float(self.order.max()), bins + 1)
        place = np.searchsorted(edges, self.order, side="right") - 1
        inside = (place >= 0) & (place < bins)
        density = np.bincount(place[inside], weights=self.weight[inside], minlength=bins)
        known = np.flatnonzero(density > 0.0)
        if len(known) < 2:
            return [first], first
        middle, energy = (0.5 * (edges[1:] + edges[:-1]))[known], -np.log(density[known])
        # Down to the first interface itself, half a bin below.
        slope = max(float(energy[1] - energy[0]) / float(middle[1] - middle[0]), 0.0)
        energy = np.append(energy[0] - slope * (middle[0] - first), energy)
        middle = np.append(first, middle)
        # Windows may go on into the other well: the top is highest above the lower ones of both sides.
        lowest = np.maximum(np.minimum.accumulate(energy), np.minimum.accumulate(energy[::-1])[::-1])
        height = energy - lowest
        top = max(int(np.argmax(height if height.max() > 0.3 else energy)), 1)
        climbed = np.maximum.accumulate(energy[: top + 1]) - energy[0]
        n = max(math.ceil(climbed[-1] / -math.log(crossing)), 1)
        wanted = climbed[-1] * np.arange(1, n) / n
        rises = np.append(True, np.diff(climbed) > 0.0)
        found = np.interp(wanted, climbed[rises], middle[: top + 1][rises])
        return [first, *(float(v) for v in np.unique(found) if v > first)], float(middle[top])


#: A random stream from the words of a place, and a piece of work done or read back.
Streams = Callable[..., np.random.Generator]
Keep = Callable[[Callable[[], dict[str, Any]]], Mapping[str, Any]]


@dataclass(frozen=True)
class Pilot:
    """Where interfaces stand, and a path in each ensemble to start from.

    Attributes
    ----------
    interfaces
        Order parameters, rising.
    paths
        One of each ensemble.
    stride
        How many excursions of a stretch that has some reach the first interface, in the mean: those of one stretch are
        much alike, at constant energy above all.
    """

    interfaces: tuple[float, ...]
    paths: tuple[Path, ...]
    stride: int = 1


def path_record(path: Path) -> dict[str, Any]:
    """A path as numbers and arrays for a journal."""
    return {"x": path.positions, "v": path.velocities, "order": path.order}


def path_from_record(record: Mapping[str, Any]) -> Path:
    """A path from a journal."""
    return Path(np.asarray(record["x"]), np.asarray(record["v"]), np.asarray(record["order"]))


def _stretch_record(runner: Runner, place: Place, frames: int, rng: np.random.Generator) -> dict[str, Any]:
    found, paths = stretch(runner, place, frames, rng)
    record = {
        "frames": found.frames,
        "highest": found.highest,
        "r": found.order,
        "at": np.asarray(found.end.positions),
        "unfinished": found.unfinished,
        "reason": found.reason,
    }
    if found.end.velocities is not None and found.end.left is not None:
        record["at_v"] = np.asarray(found.end.velocities)
        record["left_x"], record["left_v"] = (np.asarray(part) for part in found.end.left)
    if paths:
        record |= {
            "lengths": np.array([len(p.order) for p in paths]),
            "x": np.concatenate([p.positions for p in paths]),
            "v": np.concatenate([p.velocities for p in paths]),
            "order": np.concatenate([p.order for p in paths]),
        }
    return record


def _end(record: Mapping[str, Any]) -> Place:
    """Where the stretch after a recorded one begins."""
    if "at_v" not in record:
        return Place(np.asarray(record["at"]))
    return Place(*(np.asarray(record[key]) for key in ("at", "at_v")), (record["left_x"], record["left_v"]))


def excursions(records: Sequence[Mapping[str, Any]], interface: float) -> list[Path]:
    """Excursions of stretches that reach an interface, in the order in which they came."""
    found = []
    for record in records:
        if "lengths" in record:
            ends = np.cumsum(np.asarray(record["lengths"]))
            parts = [np.split(np.asarray(record[key]), ends[:-1]) for key in ("x", "v", "order")]
            found += [path for path in map(Path, *parts) if path.highest >= interface]
    return found


def stretches(
    runner: Runner, positions: FloatArray, number: int, frames: int, streams: Streams, keep: Keep
) -> list[Mapping[str, Any]]:
    """Stretches of dynamics in the reactant, one after the other, as records: `frames`, `highest`, `r` and `at`."""
    found: list[Mapping[str, Any]] = []
    for k in range(number):
        at = _end(found[-1]) if found else Place(positions)
        found.append(keep(lambda at=at, k=k: _stretch_record(runner, at, frames, streams("stretch", k))))
    return found


def _moved(runner: Runner, path: Path, interface: float, rng: np.random.Generator, keep: Keep) -> Move:
    """A reversal and a shooting move, from the record where there is one."""
    path = turn(path, rng)

    def make() -> dict[str, Any]:
        move = shoot(runner, path, interface, rng)
        record = {"outcome": move.outcome, "reason": move.reason, "cost": move.frames, "kind": move.kind}
        return record | (path_record(move.path) if move.outcome == "accepted" else {})

    record = keep(make)
    accepted = record["outcome"] == "accepted"
    return Move(
        path_from_record(record) if accepted else path,
        record["outcome"],
        record["reason"],
        int(record["cost"]),
        record["kind"],
    )


def pilot(
    runner: Runner,
    start: FloatArray,
    top: FloatArray,
    rules: Rules,
    streams: Streams,
    keep: Keep,
    seeds: Seeds | None = None,
) -> Pilot:
    """Place interfaces between the reactant and the product, so that each is crossed by as many paths.

    The first is placed by excursions of equilibrium dynamics. A path from the reactant to the product through `top`
    reaches all others, and every ensemble starts from it: paths come down to where they belong in no time, whereas one
    that is driven up from interface to interface has the rest of the molecule where it was below, and may take a way
    that leads nowhere. Rounds of cycles over all ensembles then tell where interfaces belong. Where frames of
    equilibrium are known all the way up, paths through them do both at once, see :func:`_seeded`. Where interfaces
    stand makes no difference to the rate, only to its error: the pilot's paths are counted nowhere.

    Parameters
    ----------
    runner
        Dynamics.
    start
        Positions in the reactant, of the canonical ensemble.
    top
        Positions from which both states are likely to be reached, such as a saddle's.
    rules, streams, keep
        How much, random streams, and how pieces of work are kept.
    seeds
        Frames of equilibrium, where there are some.

    Raises
    ------
    PlacingError
        When too few excursions leave the reactant, or no path through the top joins the states.
    """
    seen: list[Mapping[str, Any]] = []
    at, k = Place(start), 0
    while sum(len(s["highest"]) for s in seen) < _ENOUGH and k < _PATIENCE * rules.pilot_moves:
        seen.append(keep(lambda at=at, k=k: _stretch_record(runner, at, rules.stretch_frames, streams("stretch", k))))
        at, k = _end(seen[-1]), k + 1
    reasons = [s["reason"] for s in seen if s["reason"]]
    highest = np.concatenate([s["highest"] for s in seen])
    if len(highest) < 4:
        why = f"; the last failure: {reasons[-1]}" if reasons else ""
        raise PlacingError(f"{len(highest)} excursions left the reactant in {k} stretches; give longer ones{why}")
    short = highest[np.isfinite(highest)]
    if not len(short):
        raise PlacingError("excursions from the reactant go straight to the product; there is no barrier to climb")
    # Where even more than the share go all the way, a place among the others does.
    first = min(quantile_above(highest, rules.crossing), quantile_above(short, rules.crossing))
    leaving = excursions(seen, first)
    stride = math.ceil(len(leaving) / sum(bool((np.asarray(s["highest"]) >= first).any()) for s in seen))
    through = _through(runner, top, streams, keep)
    if seeds is not None:
        return _seeded(runner, first, through, stride, seeds, rules, streams, keep)
    summit = float(through.order[1:-1].max())
    interfaces = [first, *(float(v) for v in np.linspace(first, summit, _AT_FIRST + 1)[1:] if summit > first)]
    paths, cycle = [through] * len(interfaces), 0
    rounds: list[tuple[float, FloatArray]] = []
    ends = [0]
    for number in range(_MOST_ROUNDS):
        reached = []
        # Longer ones when the worst is over.
        for _ in range(rules.pilot_moves * (1 if number < 2 else 2)):
            paths[0] = leaving[cycle % len(leaving)]
            _cycle(runner, paths, interfaces, cycle, streams, keep, "settle")
            through = next((p for p in paths if math.isinf(p.highest)), through)
            reached.append([p.highest for p in paths])
            cycle += 1
        settled = np.array(reached[len(reached) // 4 :])
        crossed = float(np.min(crossings(settled, interfaces)))
        log.info("round %d: interfaces crossed by %.1f %% of the paths at least", number + 1, 100.0 * crossed)
        if number + 1 >= _ROUNDS and crossed >= _PART * rules.crossing:
            # These have been tried; others, placed by so few paths, would not have been.
            return Pilot(tuple(interfaces), tuple(paths), stride)
        rounds += zip(interfaces, settled.T, strict=True)
        ends.append(len(rounds))
        # One round alone is short; the first ones still remember the path that all have started from.
        recent = rounds[ends[(number + 1) // 2] :]
        places = spaced([h for _, h in recent], [value for value, _ in recent], rules.crossing)
        # A path of its own ensemble if it reaches as far, of one above if not.
        own = [sum(value <= place for value in interfaces) - 1 for place in places]
        paths = [
            next(p for p in [*paths[i:], through] if p.highest >= place) for i, place in zip(own, places, strict=True)
        ]
        interfaces = places
    log.warning(
        "there is still an interface that only %.2g %% of the paths cross; more pilot_moves help", 100.0 * crossed
    )
    return Pilot(tuple(interfaces), tuple(paths), stride)


def _seeded(
    runner: Runner,
    first: float,
    through: Path,
    stride: int,
    seeds: Seeds,
    rules: Rules,
    streams: Streams,
    keep: Keep,
) -> Pilot:
    """Interfaces, and a path in each ensemble, from paths through frames of equilibrium.

    A frame of equilibrium between an interface and the next, with thermal velocities, is one of a path of the
    interface's ensemble if the dynamics that comes to it comes from the reactant. Longer paths have more frames there:
    each path is worth one over their number. Paths drawn by what they are worth are independent of each other, are in
    equilibrium if the frames are, and tell how many reach how far. Interfaces stand at first where the free energy has
    risen by equal steps.
    """
    interfaces, summit = seeds.steps(first, rules.crossing)
    pools: list[list[Path]] = []
    for i, (low, high) in enumerate(
        itertools.pairwise([*interfaces, max(summit, np.nextafter(interfaces[-1], math.inf))])
    ):
        found, worth = [], []
        for k in range(rules.pilot_moves):
            rng = streams("seed", i, k)
            x = seeds.draw(low, high, rng)
            if x is None:
                break
            record = keep(lambda x=x, rng=rng: _both_ways(runner, x, rng, "seed"))
            if record["outcome"] == "accepted":
                path = path_from_record(record)
                found.append(path)
                worth.append(1.0 / max(int(((path.order >= low) & (path.order < high)).sum()), 1))
        share = np.array(worth) / sum(worth) if worth else np.empty(0)
        drawn = streams("seed", i).choice(len(found), len(found), p=share) if found else []
        pools.append([found[k] for k in drawn] or [through])
        log.info(
            "at r = %.3f: %d of %d paths through frames of windows come from the reactant",
            low,
            len(found),
            rules.pilot_moves,
        )
    places = spaced([np.array([p.highest for p in pool]) for pool in pools], interfaces, rules.crossing)
    paths = []
    for place in places:
        # Of its own ensemble if one reaches as far, of one above if not.
        own = sum(value <= place for value in interfaces) - 1
        paths.append(next((p for pool in pools[own:] for p in pool if p.highest >= place), through))
    return Pilot(tuple(places), tuple(paths), stride)


def _both_ways(runner: Runner, x: FloatArray, rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """Record of a path from the reactant through a configuration, with thermal velocities there.

    Of kind ``top`` it goes on to the product, whichever way round it was run; of kind ``seed`` to either state, and it
    has to come from the reactant as it was run.
    """
    v = runner.draw(x, rng)
    found = {"outcome": "wrong start", "reason": "", "cost": 0, "kind": kind}
    if kind == "seed" and runner.sides(x[None], v[None])[0] != NEITHER:
        return found
    legs = [runner.leg(x, -v, rng), runner.leg(x, v, rng)]
    found |= {"cost": sum(len(leg.positions) for leg in legs), "reason": legs[0].reason or legs[1].reason}
    if found["reason"]:
        return found | {"outcome": "failed"}
    ends = [leg.end for leg in legs]
    if NEITHER in ends:
        return found | {"outcome": "uncommitted"}
    if kind == "top" and sorted(ends) != [REACTANT, PRODUCT]:
        return found
    # Time turned round where it runs from the product.
    sign = -1.0 if kind == "top" and ends[0] == PRODUCT else 1.0
    back, ahead = legs if sign > 0.0 else legs[::-1]
    if back.end != REACTANT:
        return found
    path = _path(
        runner,
        np.concatenate([back.positions[::-1], x[None], ahead.positions]),
        np.concatenate([-back.velocities[::-1], sign * v[None], ahead.velocities]),
        ahead.end,
    )
    return found | {"outcome": "accepted"} | path_record(path)


def _through(runner: Runner, top: FloatArray, streams: Streams, keep: Keep) -> Path:
    """A path from the reactant to the product through a configuration, with thermal velocities there."""
    ends = 0
    for k in range(_ATTEMPTS):
        record = keep(lambda k=k: _both_ways(runner, top, streams("top", k), "top"))
        if record["outcome"] == "accepted":
            return path_from_record(record)
        ends += record["outcome"] == "failed"
    raise PlacingError(f"none of {_ATTEMPTS} paths from the top joins reactant and product ({ends} failed)")


def _cycle(
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
    return ended, exchange(paths, interfaces, streams(word, cycle, "exchange"))


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
        ended, source = _cycle(runner, paths, bounds, cycle, streams, keep)
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
                lambda at=at, k=k: _stretch_record(self._runner, at, self._frames, self._streams("stretch", k))
            )
            self._at, self._stretches = _end(record), k + 1
            walked += int(record["frames"])
            unfinished += int(record["unfinished"]) + (int(record["frames"]) == 0)
            for path in excursions([record], self._interface):
                if self._excursions % self._stride == 0:
                    self._waiting.append(path)
                self._excursions += 1
                counts += 1
        log.warning("no excursion reaches the first interface in %d stretches; the chain goes on without one", _WAIT)
        return otherwise, walked, counts, unfinished


# --- analysis ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crossing(Plain):
    """One factor of the crossing probability.

    Attributes
    ----------
    interface, next_interface
        Order parameter; the last next one is the product, None.
    probability, error
        That a path that reaches the one reaches the other, from all ensembles up to this one; standard error.
    here
        The same from the paths of this ensemble alone.
    accepted
        Share of shots accepted.
    exchanged
        Share of cycles after which the ensemble had a path of another.
    mean_frames
        Length of the ensemble's paths.
    correlation
        Integrated autocorrelation time, in cycles, of how many of these paths reach the next interface.
    """

    interface: float
    next_interface: float | None
    probability: float
    error: float
    here: float
    accepted: float
    exchanged: float
    mean_frames: float
    correlation: float


@dataclass(frozen=True)
class InterfaceRate(Plain):
    """Rate from the reactant to the product.

    Attributes
    ----------
    rate
        1/s.
    ln_error
        Standard error of its logarithm, by a jackknife over blocks of cycles and stretches; infinite where nothing
        has come from the first ensemble to the last.
    low, high
        Interval of confidence 0.95, by Student's t of as many blocks; None where there is no error.
    flux, ln_flux_error
        Through the first interface, 1/s.
    probability, ln_probability_error
        Of crossing all interfaces.
    crossings
        The factors.
    n_excursions, n_unfinished
        Excursions that reached the first interface; those that came to no end (failed or too long) and are left out.
    n_blocks
        Behind the errors.
    slowest
        Largest correlation time of a factor over the length of a block: where it is not small, errors are too small.
    n_arrivals
        Times that a place in the chain went from the first ensemble to the last by exchanges; see :func:`arrivals`.
    drift
        Logarithm of the probability from the second half of all chains less that from the first; None where one of them
        lacks a crossing. Twice the probability's error is its standard error: more tells of a burn-in that was too
        short.
    outcomes
        How often each outcome of a shot came, burn-in left out.
    """

    rate: float
    ln_error: float
    low: float | None
    high: float | None
    flux: float
    ln_flux_error: float
    probability: float
    ln_probability_error: float
    crossings: tuple[dict, ...]
    n_excursions: int
    n_unfinished: int
    n_blocks: int
    slowest: float
    n_arrivals: int
    drift: float | None
    outcomes: dict[str, int]


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


def arrivals(sources: NDArray[np.int64]) -> int:
    """How many times a path's place in the chain has gone from the first ensemble to the last.

    A place is followed through exchanges; shots change its path and leave it where it is. Before any has come all the
    way up, the last ensembles know nothing of the reactant's equilibrium but what their first paths do.

    Parameters
    ----------
    sources
        Of :class:`Chain`, shape (cycles, ensembles).
    """
    from_first = np.zeros(sources.shape[1], dtype=bool)
    count = 0
    for source in sources:
        from_first[0] = True
        count += int(from_first[-1])
        from_first[-1] = False
        from_first = from_first[source]
    return count


def correlation_time(series: FloatArray) -> float:
    """Integrated autocorrelation time, 1 + 2 sum rho, the sum as far as five times the result (Sokal's window)."""
    n = len(series)
    centred = np.asarray(series, dtype=float) - np.mean(series)
    variance = float(centred @ centred) / n
    if variance == 0.0:
        return 1.0
    time = 1.0
    for lag in range(1, n):
        time += 2.0 * float(centred[:-lag] @ centred[lag:]) / (n * variance)
        if lag >= 5.0 * time:
            break
    return max(time, 1.0)


def _logs(cycles: FloatArray, walks: FloatArray) -> FloatArray:
    """Logarithms of the flux per frame and of the factors, from sums of what `rate` counts in cycles and stretches.

    Parameters
    ----------
    cycles
        Paths that reach each interface, and that reach the next one as well, shape (..., 2 n).
    walks
        Frames of stretches, and excursions that reach the first interface, shape (..., 2).

    Returns
    -------
    Shape (..., n + 1).
    """
    n = cycles.shape[-1] // 2
    walks = np.broadcast_to(walks, (*cycles.shape[:-1], 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.concatenate([walks[..., 1:] / walks[..., :1], cycles[..., n:] / cycles[..., :n]], axis=-1))


def _jackknife(values: FloatArray) -> FloatArray:
    """Standard error from the estimates with one block left out, along the first axis."""
    n = len(values)
    # Where leaving out one block leaves no crossing at all, the error is without bound.
    bounded = np.isfinite(values).all(axis=0)
    held = np.where(bounded, values, 0.0)
    return np.where(bounded, np.sqrt((n - 1.0) / n * ((held - held.mean(axis=0)) ** 2).sum(axis=0)), np.inf)


def _errors(cycles: Sequence[FloatArray], walks: Sequence[FloatArray], blocks: int) -> FloatArray:
    """Standard errors of the logarithms of rate, probability, flux and each factor; blocks are per chain."""

    def sums(tables: Sequence[FloatArray]) -> FloatArray:
        return np.array([part.sum(axis=0) for table in tables for part in np.array_split(table, blocks)])

    def estimates(logs: FloatArray) -> FloatArray:
        return np.column_stack([logs.sum(axis=1), logs[:, 1:].sum(axis=1), logs])

    ran, walked = sums(cycles), sums(walks)
    # Together: a block of stretches gives the flux, and has fed the block of cycles of the same number.
    return _jackknife(estimates(_logs(ran.sum(axis=0) - ran, walked.sum(axis=0) - walked)))


def rate(chains: Sequence[Chain], interfaces: Sequence[float], frame: float, *, blocks: int = 10) -> InterfaceRate:
    """Rate of all chains together.

    The factors are pooled: of all paths in the ensembles up to the i-th that reach interface i, the share that reach
    i + 1. For nested interfaces this is the solution of the weighted-histogram equations of all ensembles.

    Errors are a jackknife over blocks of cycles, each with the block of stretches that has fed it. Blocks are doubled
    in length while eight of all chains are left, and the largest error is taken: where blocks are shorter than the
    correlation time, it is too small. There is none without :func:`arrivals`, for all blocks may then have the same
    paths' past in common.

    Parameters
    ----------
    chains
        Independent of each other.
    interfaces
        Order parameters, rising.
    frame
        ps between frames.
    blocks
        Of each chain.

    Raises
    ------
    ValueError
        When an interface was never crossed, or nothing reached the first one.
    """
    bounds = np.array([*interfaces, math.inf])
    n = len(interfaces)
    if sum(c.flux_counts.sum() for c in chains) == 0:
        raise ValueError("no excursion from the reactant reached the first interface; give longer stretches")
    # Of each cycle, paths of ensembles 0 to i that reach interface i, and i + 1.
    tried = [np.array([(c.highest[:, : i + 1] >= bounds[i]).sum(axis=1) for i in range(n)]).T for c in chains]
    reached = [np.array([(c.highest[:, : i + 1] >= bounds[i + 1]).sum(axis=1) for i in range(n)]).T for c in chains]
    cycles = [np.hstack([t, r]).astype(float) for t, r in zip(tried, reached, strict=True)]
    walks = [np.column_stack([c.flux_frames, c.flux_counts]).astype(float) for c in chains]
    whole = _logs(sum(c.sum(axis=0) for c in cycles), sum(w.sum(axis=0) for w in walks))
    never = np.flatnonzero(np.isinf(whole[1:]))
    if len(never):
        raise ValueError(f"no path crossed from interface {never[0] + 1} to the next; give more cycles")
    divided = [blocks]
    while divided[-1] >= 4 and divided[-1] // 2 * len(chains) >= _FEWEST_BLOCKS:
        divided.append(divided[-1] // 2)
    errors = np.array([_errors(cycles, walks, k) for k in divided])
    arrived = sum(arrivals(c.sources) for c in chains)
    # No block knows of what none of them has seen.
    ln_error = float(errors[:, 0].max()) if arrived else math.inf
    # Student's t of the blocks that the error comes from.
    n_blocks = divided[int(np.argmax(errors[:, 0]))] * len(chains)
    ln_flux = float(whole[0]) - math.log(frame)
    ln_rate = ln_flux + float(whole[1:].sum())
    interval = None
    if math.isfinite(ln_error):
        from scipy.stats import t

        half = float(t.ppf(0.975, n_blocks - 1)) * ln_error
        interval = (math.exp(ln_rate - half) * 1e12, math.exp(ln_rate + half) * 1e12)
    early = sum(c[: len(c) // 2].sum(axis=0) for c in cycles)
    late = sum(c[len(c) // 2 :].sum(axis=0) for c in cycles)
    nothing = 0.0 * walks[0].sum(axis=0)
    drift = float(np.diff(_logs(np.array([early, late]), nothing)[:, 1:].sum(axis=1))[0])
    highest = [c.highest for c in chains]
    factors, times = [], []
    for i, value in enumerate(interfaces):
        here = [h[:, i] >= bounds[i + 1] for h in highest]
        # Of the pool that the factor comes from: paths change places between its ensembles and are no others for it.
        share = math.exp(whole[1 + i])
        times.append(
            float(np.mean([correlation_time(r[:, i] - share * t[:, i]) for t, r in zip(tried, reached, strict=True)]))
        )
        factors.append(
            Crossing(
                interface=float(value),
                next_interface=float(bounds[i + 1]) if math.isfinite(bounds[i + 1]) else None,
                probability=share,
                error=share * float(errors[:, 3 + i].max()),
                here=float(np.mean(np.concatenate(here))),
                accepted=float(np.mean(np.concatenate([c.outcomes[:, i] == 0 for c in chains]))),
                exchanged=float(np.mean(np.concatenate([c.sources[:, i] != i for c in chains]))),
                mean_frames=float(np.mean(np.concatenate([c.frames[:, i] for c in chains]))),
                correlation=times[-1],
            ).to_dict()
        )
    outcomes = np.concatenate([c.outcomes.ravel() for c in chains])
    return InterfaceRate(
        rate=math.exp(ln_rate) * 1e12,
        ln_error=ln_error,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        flux=math.exp(ln_flux) * 1e12,
        ln_flux_error=float(errors[:, 2].max()),
        probability=math.exp(float(whole[1:].sum())),
        ln_probability_error=float(errors[:, 1].max()),
        crossings=tuple(factors),
        n_excursions=int(sum(c.flux_counts.sum() for c in chains)),
        n_unfinished=int(sum(c.flux_unfinished.sum() for c in chains)),
        n_blocks=n_blocks,
        slowest=max(times) * blocks / float(np.mean([len(h) for h in highest])),
        n_arrivals=arrived,
        drift=drift if math.isfinite(drift) else None,
        outcomes={name: int((outcomes == k).sum()) for k, name in enumerate(OUTCOMES)},
    )
