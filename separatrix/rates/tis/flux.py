"""Flux through the first interface, from MD segments in the reactant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
)


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
            paths.append(joined_path(runner, part_x, part_v, side))
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


def stretch_record(runner: Runner, place: Place, frames: int, rng: np.random.Generator) -> dict[str, Any]:
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


def next_place(record: Mapping[str, Any]) -> Place:
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
        at = next_place(found[-1]) if found else Place(positions)
        found.append(keep(lambda at=at, k=k: stretch_record(runner, at, frames, streams("stretch", k))))
    return found
