"""Umbrella windows: dynamics under a spring on r, recorded as they go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..biased import Spring, speed_of
from ..errors import PotentialError, SamplingError
from ..store import Journal

log = logging.getLogger(__name__)

#: Frames in one entry of a window's journal: what a killed job loses of it at most.
SEGMENT = 50


@dataclass(frozen=True)
class WindowRunner:
    """What makes a window of umbrella sampling.

    A window depends on nothing but its centre and these, so that it is the same whichever job asks for it; and as
    `left_out` and `wanted` only say which of its frames are asked for, a longer one goes on from the journal.

    Attributes
    ----------
    spring
        The biased dynamics.
    stiffness
        Of the spring, kJ/mol per unit of r squared.
    pool, pool_r
        Configurations to start from, nm, shape (n, n_atoms, 3), and their r, shape (n,): the nearest is taken.
    masses
        Of the atoms, dalton, shape (n_atoms,), whatever they weigh in the windows.
    every
        Steps between frames.
    left_out, wanted
        Frames at the start of each window that do not count, and all frames with them.
    streams
        Random stream of a centre's segment.
    """

    spring: Spring
    stiffness: float
    pool: np.ndarray
    pool_r: np.ndarray
    masses: np.ndarray
    every: int
    left_out: int
    wanted: int
    streams: Callable[[float, int], np.random.Generator]

    def run(self, centre: float, journal: Path | str, about: Mapping[str, Any]) -> dict[str, Any]:
        """Frames of one window that count: those on record first, then new ones.

        Parameters
        ----------
        centre
            Of the spring, in r.
        journal
            Folder of this window's record; its name must carry all that the frames depend on.
        about
            What the record says of itself.

        Returns
        -------
        ``centre``, ``reason`` (why it stopped early, or nothing), and of each frame ``r``, ``speed`` (1/(nm Da^(1/2))),
        ``energy`` (kJ/mol) and ``positions`` (nm).

        Raises
        ------
        SamplingError
            When there is no frame that counts.
        """
        begin = time.monotonic()
        with Journal(journal) as record:
            record.about(about)
            segments = record.read()
            known = _frames(segments)
            while _frames(segments) < self.wanted and not (segments and segments[-1]["reason"]):
                segments.append(self._segment(centre, segments))
                record.write(len(segments) - 1, segments[-1])
        # A failure beyond the frames that are asked for is none of theirs.
        reason = segments[-1]["reason"] if _frames(segments) < self.wanted else ""
        part = slice(self.left_out, self.wanted)
        names = ("r", "speed", "energy", "positions")
        found = {name: np.concatenate([s[name] for s in segments])[part] for name in names}
        if not len(found["r"]):
            raise SamplingError(f"umbrella window at r = {centre:.2f} gave no frame: {reason or 'too short'}")
        log.info(
            "window at r = %.2f: %d frames, mean r %.2f, in %.0f s%s%s",
            centre,
            len(found["r"]),
            np.mean(found["r"]),
            time.monotonic() - begin,
            f" ({min(known, self.wanted)} of {self.wanted} were on record)" if known else "",
            f"; stopped: {reason}" if reason else "",
        )
        return {"centre": float(centre), "reason": reason, **found}

    def _segment(self, centre: float, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The next frames of a window, and where it has come to."""
        start, velocities = self.pool[int(np.argmin(np.abs(self.pool_r - centre)))], None
        if before:
            start, velocities = before[-1]["end"], before[-1]["velocities"]
        frames, reason = [], ""
        try:
            for frame in self.spring.run(
                start,
                centre=centre,
                stiffness=self.stiffness,
                steps=SEGMENT * self.every,
                every=self.every,
                rng=self.streams(centre, len(before)),
                velocities=velocities,
            ):
                frames.append(frame)
        except PotentialError as error:
            reason = str(error)
        positions = np.array([f.positions for f in frames]).reshape(-1, *self.pool.shape[1:])
        return {
            "r": np.array([f.r for f in frames]),
            "speed": speed_of(self.spring.coordinate, positions, self.masses) if frames else np.empty(0),
            "energy": np.array([f.energy for f in frames]),
            "positions": positions.astype("f4"),
            "end": positions[-1] if frames else start,
            "velocities": self.spring.velocities(),
            "reason": reason,
        }


def _frames(segments: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(segment["r"]) for segment in segments)
