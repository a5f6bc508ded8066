"""The pilot: places interfaces and finds a first path for each ensemble."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from separatrix.rates.tis.flux import PhasePoint, leaving_paths, next_point, segment_record
from separatrix.rates.tis.path_moves import run_cycle
from separatrix.rates.tis.placing import PlacingError, Seeds, local_crossing_probabilities, quantile_above, spaced
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

log = logging.getLogger(__name__)


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
        Cycles between replacements of the [0+] ensemble's path by one from the reservoir.
    segment_frames
        Frames of an MD segment in the reactant, each from fresh velocities.
    """

    crossing: float
    pilot_moves: int
    cycles: int
    burn_in: int
    refresh: int
    segment_frames: int

    @property
    def equilibration_segments(self) -> int:
        """Segments before a pilot, in which the reactant is equilibrated."""
        return int(1.5 * self.pilot_moves)


#: Paths behind the first interface, and the segments that may be spent on them, per cycle of a pilot's round.
_ENOUGH, _PATIENCE = 60, 20

#: Interfaces at first, evenly spaced; attempts at a path from the top.
_AT_FIRST, _ATTEMPTS = 20, 100

#: Rounds of cycles after each of which a pilot places interfaces anew; most of them, while an interface is crossed by
#: less than a part of the share that it was placed for. One gap that few paths cross ruins a chain.
_ROUNDS, _MOST_ROUNDS, _PART = 4, 10, 0.25


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
        Thinning interval: mean number of crossings of the first interface per MD segment with at least one. Crossings
        of one segment are correlated, at constant energy above all.
    """

    interfaces: tuple[float, ...]
    paths: tuple[Path, ...]
    stride: int = 1


def place_interfaces(
    runner: Runner,
    start: FloatArray,
    top: FloatArray,
    rules: Rules,
    streams: Streams,
    keep: Keep,
    seeds: Seeds | None = None,
) -> Pilot:
    """Place interfaces between the reactant and the product, so that each is crossed by as many paths.

    The first is placed by how far paths get that leave the reactant. A path from the reactant to the product through
    `top` reaches all others, and every ensemble starts from it: paths come down to where they belong in no time,
    whereas one that is driven up from interface to interface has the rest of the molecule where it was below, and may
    take a way that leads nowhere. Rounds of cycles over all ensembles then tell where interfaces belong. Where frames
    of equilibrium are known all the way up, paths through them do both at once, see :func:`place_from_seeds`. Where
    interfaces are makes no difference to the rate, only to its error: the pilot's paths are not counted.

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
        When too few paths leave the reactant, or no path through the top joins the states.
    """
    seen: list[Mapping[str, Any]] = []
    at, k = PhasePoint(start), 0
    while sum(len(s["highest"]) for s in seen) < _ENOUGH and k < _PATIENCE * rules.pilot_moves:
        seen.append(keep(partial(segment_record, runner, at, rules.segment_frames, streams("stretch", k))))
        at, k = next_point(seen[-1]), k + 1
    reasons = [s["reason"] for s in seen if s["reason"]]
    highest = np.concatenate([s["highest"] for s in seen])
    if len(highest) < 4:
        why = f"; the last failure: {reasons[-1]}" if reasons else ""
        raise PlacingError(f"{len(highest)} paths left the reactant in {k} segments; give longer ones{why}")
    short = highest[np.isfinite(highest)]
    if not len(short):
        raise PlacingError("paths from the reactant go straight to the product; there is no barrier to climb")
    # Where even more than the share go all the way, a place among the others does.
    first = min(quantile_above(highest, rules.crossing), quantile_above(short, rules.crossing))
    leaving = leaving_paths(seen, first)
    stride = math.ceil(len(leaving) / sum(bool((np.asarray(s["highest"]) >= first).any()) for s in seen))
    through = _through(runner, top, streams, keep)
    if seeds is not None:
        return place_from_seeds(runner, first, through, stride, seeds, rules, streams, keep)
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
            run_cycle(runner, paths, interfaces, cycle, streams, keep, "settle")
            through = next((p for p in paths if math.isinf(p.highest)), through)
            reached.append([p.highest for p in paths])
            cycle += 1
        equilibrated = np.array(reached[len(reached) // 4 :])
        crossed = float(np.min(local_crossing_probabilities(equilibrated, interfaces)))
        log.info("round %d: interfaces crossed by %.1f %% of the paths at least", number + 1, 100.0 * crossed)
        if number + 1 >= _ROUNDS and crossed >= _PART * rules.crossing:
            # These have been tried; others, placed by so few paths, would not have been.
            return Pilot(tuple(interfaces), tuple(paths), stride)
        rounds += zip(interfaces, equilibrated.T, strict=True)
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


def place_from_seeds(
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
        starts, worth = [], []
        for k in range(rules.pilot_moves):
            rng = streams("seed", i, k)
            x = seeds.draw(low, high, rng)
            if x is None:
                break
            record = keep(partial(_both_ways, runner, x, rng, "seed"))
            if record["outcome"] == "accepted":
                path = path_from_record(record)
                starts.append(path)
                worth.append(1.0 / max(int(((path.order >= low) & (path.order < high)).sum()), 1))
        share = np.array(worth) / sum(worth) if worth else np.empty(0)
        drawn = streams("seed", i).choice(len(starts), len(starts), p=share).tolist() if starts else []
        pools.append([starts[k] for k in drawn] or [through])
        log.info(
            "at r = %.3f: %d of %d paths through frames of windows come from the reactant",
            low,
            len(starts),
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
    record = {"outcome": "wrong start", "reason": "", "cost": 0, "kind": kind}
    if kind == "seed" and runner.sides(x[None], v[None])[0] != NEITHER:
        return record
    both = [runner.run_to_state(x, -v, rng), runner.run_to_state(x, v, rng)]
    record |= {"cost": sum(len(leg.positions) for leg in both), "reason": both[0].reason or both[1].reason}
    if record["reason"]:
        return record | {"outcome": "failed"}
    ends = [leg.end for leg in both]
    if NEITHER in ends:
        return record | {"outcome": "uncommitted"}
    if kind == "top" and sorted(ends) != [REACTANT, PRODUCT]:
        return record
    # Time turned round where it runs from the product.
    sign = -1.0 if kind == "top" and ends[0] == PRODUCT else 1.0
    back, ahead = both if sign > 0.0 else both[::-1]
    if back.end != REACTANT:
        return record
    path = joined_path(
        runner,
        np.concatenate([back.positions[::-1], x[None], ahead.positions]),
        np.concatenate([-back.velocities[::-1], sign * v[None], ahead.velocities]),
        ahead.end,
    )
    return record | {"outcome": "accepted"} | path_record(path)


def _through(runner: Runner, top: FloatArray, streams: Streams, keep: Keep) -> Path:
    """A path from the reactant to the product through a configuration, with thermal velocities there."""
    ends = 0
    for k in range(_ATTEMPTS):
        record = keep(partial(_both_ways, runner, top, streams("top", k), "top"))
        if record["outcome"] == "accepted":
            return path_from_record(record)
        ends += record["outcome"] == "failed"
    raise PlacingError(f"none of {_ATTEMPTS} paths from the top joins reactant and product ({ends} failed)")
