"""Flux through the first interface, from MD segments in the reactant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
class PhasePoint:
    """Where a segment begins.

    Attributes
    ----------
    positions
        nm, shape (n_atoms, 3).
    velocities
        nm/ps; None in the reactant, where a segment begins with fresh ones.
    left
        Outside the reactant: positions and velocities of the frame in the reactant that it began with.
    """

    positions: FloatArray
    velocities: FloatArray | None = None
    left: tuple[FloatArray, FloatArray] | None = None


@dataclass(frozen=True)
class ReactantSegment:
    """An MD segment in the reactant, the part of the [0-] ensemble, and the paths that leave it.

    Attributes
    ----------
    frames
        Number of frames; in all of them the reactant was the last state visited (overall state A).
    highest
        Largest order parameter of each path that began in it, shape (n,).
    order
        Order parameter of these frames, shape (frames,).
    unfinished
        Paths that came to no end (out of length, or failed): left out of `highest`.
    reason
        Why the segment, or the end of a path, failed; empty otherwise.
    end
        Where the next one begins; where this one began if it failed.
    """

    frames: int
    highest: FloatArray
    order: FloatArray
    unfinished: int
    reason: str
    end: PhasePoint


def run_segment(
    runner: Runner, point: PhasePoint, frames: int, rng: np.random.Generator
) -> tuple[ReactantSegment, list[Path]]:
    """Run a segment of equilibrium dynamics that was in the reactant last, and take its paths out.

    A path begins with a frame in the reactant whose next frame is not. It is followed to its end, beyond the end
    of the segment if need be: whether it counts does not depend on where a segment ends. What follows the last frame
    of the segment is used for nothing else.

    Segments are a chain in the canonical ensemble of what was in the reactant last. What reaches the product leaves
    that ensemble, and in equilibrium as much comes into it, along the same paths in reverse. So it goes on where it
    left the reactant, backwards: at constant energy the fast ones, which go back and forth, would else be half as many
    as they should. And where velocities are drawn anew outside the reactant, they must have come from there.

    Parameters
    ----------
    runner
        Dynamics.
    point
        Where to start.
    frames
        How long.
    rng
        Random stream of velocities and noise.

    Returns
    -------
    The segment, and the paths that leave the reactant in it.
    """
    at, speed, left = point.positions, point.velocities, point.left
    if speed is None:
        speed = runner.draw(at, rng)
    # Outside the reactant with no past: as if it had left it there.
    left = left or (at, speed)
    paths: list[Path] = []
    order: list[FloatArray] = []
    unfinished, counted, reason = 0, 0, ""
    end = point
    while counted < frames:
        segment = runner.run_frames(at, speed, frames - counted, rng)
        if segment.reason:
            return ReactantSegment(0, np.empty(0), np.empty(0), 0, segment.reason, point), []
        x, v = np.concatenate([at[None], segment.positions]), np.concatenate([speed[None], segment.velocities])
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
                rest = runner.run_to_state(x[-1], v[-1], rng)
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
            seen, end = np.concatenate([x[1:-1], at[None]]), PhasePoint(at)
        else:
            seen = x[1:]
            end = PhasePoint(x[-1])
            if sides[-1] != REACTANT:
                end, why = _drawn_outside(runner, PhasePoint(x[-1], v[-1], left), rng)
                reason = reason or why
        order.append(runner.order(seen))
        counted += len(seen)
    return (
        ReactantSegment(counted, np.array([p.highest for p in paths]), np.concatenate(order), unfinished, reason, end),
        paths,
    )


def _drawn_outside(runner: Runner, point: PhasePoint, rng: np.random.Generator) -> tuple[PhasePoint, str]:
    """Velocities drawn anew where they decide which state was the last, if it still is the reactant; or why not."""
    speed = runner.draw(point.positions, rng)
    back = runner.run_to_state(point.positions, -speed, rng)
    if back.reason or back.end != REACTANT:
        return point, back.reason
    return PhasePoint(point.positions, speed, (back.positions[-1], -back.velocities[-1])), ""


def segment_record(runner: Runner, point: PhasePoint, frames: int, rng: np.random.Generator) -> dict[str, Any]:
    segment, paths = run_segment(runner, point, frames, rng)
    record = {
        "frames": segment.frames,
        "highest": segment.highest,
        "r": segment.order,
        "at": np.asarray(segment.end.positions),
        "unfinished": segment.unfinished,
        "reason": segment.reason,
    }
    if segment.end.velocities is not None and segment.end.left is not None:
        record["at_v"] = np.asarray(segment.end.velocities)
        record["left_x"], record["left_v"] = (np.asarray(part) for part in segment.end.left)
    if paths:
        record |= {
            "lengths": np.array([len(p.order) for p in paths]),
            "x": np.concatenate([p.positions for p in paths]),
            "v": np.concatenate([p.velocities for p in paths]),
            "order": np.concatenate([p.order for p in paths]),
        }
    return record


def next_point(record: Mapping[str, Any]) -> PhasePoint:
    """Where the segment after a recorded one begins."""
    if "at_v" not in record:
        return PhasePoint(np.asarray(record["at"]))
    left = np.asarray(record["left_x"]), np.asarray(record["left_v"])
    return PhasePoint(np.asarray(record["at"]), np.asarray(record["at_v"]), left)


def leaving_paths(records: Sequence[Mapping[str, Any]], interface: float) -> list[Path]:
    """Paths of segments that reach an interface, in the order in which they came: [0+] paths where it is the first."""
    paths = []
    for record in records:
        if "lengths" in record:
            ends = np.cumsum(np.asarray(record["lengths"]))
            parts = [np.split(np.asarray(record[key]), ends[:-1]) for key in ("x", "v", "order")]
            paths += [path for path in map(Path, *parts) if path.highest >= interface]
    return paths


def run_segments(
    runner: Runner, positions: FloatArray, number: int, frames: int, streams: Streams, keep: Keep
) -> list[Mapping[str, Any]]:
    """Segments of dynamics in the reactant, one after the other, as records: `frames`, `highest`, `r` and `at`."""
    records: list[Mapping[str, Any]] = []
    for k in range(number):
        at = next_point(records[-1]) if records else PhasePoint(positions)
        records.append(keep(partial(segment_record, runner, at, frames, streams("stretch", k))))
    return records
