"""Paths between two states, and the dynamics that makes them.

A, B and the order parameter are looked at in frames alone, and the order parameter counts as minus infinity in A and as
infinity in B. Interfaces are then nested whatever the states are: no path comes to B without crossing all of them, and
flux and probabilities are those of one and the same sequence of frames, with no error from its spacing.

Where frames come from is the business of a :class:`Runner`. Lengths are in nm, velocities in nm/ps; times are counted
in frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: Sides on which a frame lies, and a half ends.
REACTANT, NEITHER, PRODUCT = -1, 0, 1


class TrajectorySegment(NamedTuple):
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

    def run_to_state(
        self, positions: FloatArray, velocities: FloatArray, rng: np.random.Generator
    ) -> TrajectorySegment:
        """Run to the first frame in either state."""

    def run_frames(
        self, positions: FloatArray, velocities: FloatArray, frames: int, rng: np.random.Generator
    ) -> TrajectorySegment:
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


def joined_path(runner: Runner, positions: FloatArray, velocities: FloatArray, end: int) -> Path:
    order = np.full(len(positions), -math.inf)
    if len(positions) > 2:
        order[1:-1] = runner.order(positions[1:-1])
    if end == PRODUCT:
        order[-1] = math.inf
    return Path(positions, velocities, order)


#: A random stream from the words of a place, and a piece of work done or read back.
Streams = Callable[..., np.random.Generator]

Keep = Callable[[Callable[[], dict[str, Any]]], Mapping[str, Any]]


def path_record(path: Path) -> dict[str, Any]:
    """A path as numbers and arrays for a journal."""
    return {"x": path.positions, "v": path.velocities, "order": path.order}


def path_from_record(record: Mapping[str, Any]) -> Path:
    """A path from a journal."""
    return Path(np.asarray(record["x"]), np.asarray(record["v"]), np.asarray(record["order"]))
