"""A move of a chain of shooting moves, as it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Move:
    """One move of a chain, as it is recorded.

    Attributes
    ----------
    index
        Number of the move in its chain, from 0.
    outcome
        ``accepted``; ``same basin``, ``path length``, ``label off path`` (both halves were run and the trial was
        refused); ``no basin``, ``failed`` (a half gave no outcome); ``off path`` (nothing was run).
    forward, backward
        Basin that each half reached, ``none``, ``failed``, or empty when nothing was run.
    reason
        Why a half failed; else empty.
    positions, velocities
        At the shooting point, nm and nm/ps, shape (n_atoms, 3); None when nothing was run.
    forward_frames, backward_frames
        Lengths of the halves in frames, the shooting point included.
    old_frames
        Length of the path before the move.
    label
        Label after the move.
    shift
        Frames between neighbouring candidates in this move.
    evaluations, steps
        Force evaluations and integration steps spent.
    mechanism
        Of the trial path where it joins two basins; else empty.
    path
        Positions and velocities of the new path, shape (2, n_frames, n_atoms, 3), when accepted; else None.
    """

    index: int
    outcome: str
    forward: str = ""
    backward: str = ""
    reason: str = ""
    positions: np.ndarray | None = None
    velocities: np.ndarray | None = None
    forward_frames: int = 0
    backward_frames: int = 0
    old_frames: int = 0
    label: int = -1
    shift: int = 0
    evaluations: int = 0
    steps: int = 0
    mechanism: str = ""
    path: np.ndarray | None = None

    @property
    def accepted(self) -> bool:
        """Whether the trial became the chain's path."""
        return self.outcome == "accepted"

    @property
    def is_shot(self) -> bool:
        """Whether halves were run."""
        return self.outcome != "off path"


def move_record(move: Move) -> dict[str, Any]:
    """A move as a journal record."""
    return {field.name: getattr(move, field.name) for field in fields(move)}


def move_from_record(record: Mapping[str, Any]) -> Move:
    """A move from a journal record."""
    return Move(**{k: v for k, v in record.items() if k in Move.__dataclass_fields__})
