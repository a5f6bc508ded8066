"""Umbrella windows: dynamics under a spring on r, recorded as they go."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.journal import Journal
from separatrix.dynamics.restraint import Frame, HarmonicRestraint, speed_of

log = logging.getLogger(__name__)

#: Frames in one entry of a window's journal: what a killed job loses of it at most.
SEGMENT = 50

#: Times that a segment is tried, each with other noise, before its window ends.
ATTEMPTS = 3

#: kJ/mol; energies of one configuration that differ by more are those of two electronic states.
SAME_STATE = 1.0

#: Configurations of the pool that the start of a window is chosen from.
NEAREST = 5


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
        Random stream of a centre's segment and attempt.
    """

    spring: HarmonicRestraint
    stiffness: float
    pool: np.ndarray
    pool_r: np.ndarray
    masses: np.ndarray
    every: int
    left_out: int
    wanted: int
    streams: Callable[[float, int, int], np.random.Generator]

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
        ``centre``, ``reason`` (why it stopped early, or nothing), ``failures`` (why segments were done again, one a
        line), and of each frame ``r``, ``speed`` (1/(nm Da^(1/2))), ``energy`` (kJ/mol) and ``positions`` (nm).

        Raises
        ------
        SamplingError
            When there is no frame that counts.
        """
        begin = time.monotonic()
        with Journal(journal) as record:
            record.about(about)
            segments = record.read()
            frames_done = _frames(segments)
            while _frames(segments) < self.wanted and not (segments and segments[-1]["reason"]):
                segments.append(self._segment(centre, segments))
                record.write(len(segments) - 1, segments[-1])
        # A failure beyond the frames that are asked for is none of theirs.
        reason = segments[-1]["reason"] if _frames(segments) < self.wanted else ""
        part = slice(self.left_out, self.wanted)
        names = ("r", "speed", "energy", "positions")
        columns = {name: np.concatenate([s[name] for s in segments])[part] for name in names}
        if not len(columns["r"]):
            raise SamplingError(f"umbrella window at r = {centre:.2f} gave no frame: {reason or 'too short'}")
        log.info(
            "window at r = %.2f: %d frames, mean r %.2f, in %.0f s%s%s",
            centre,
            len(columns["r"]),
            np.mean(columns["r"]),
            time.monotonic() - begin,
            f" ({min(frames_done, self.wanted)} of {self.wanted} were on record)" if frames_done else "",
            f"; stopped: {reason}" if reason else "",
        )
        failures = "\n".join(segment["failures"] for segment in segments if segment["failures"])
        return {"centre": float(centre), "reason": reason, "failures": failures, **columns}

    def _segment(self, centre: float, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The next frames of a window, and where it has come to; none where every attempt fails."""
        failures: list[str] = []
        frames: list[Frame] = []
        end, velocities = np.empty(0), np.empty(0)
        start_velocities: np.ndarray | None
        through: Sequence[np.ndarray]
        while not frames and len(failures) < ATTEMPTS:
            try:
                if before:
                    last = before[-1]
                    start, start_velocities, through = last["end"], last["velocities"], self._through(last)
                else:
                    start, start_velocities, through = self._start(centre), None, ()
                run = self.spring.run(
                    start,
                    centre=centre,
                    stiffness=self.stiffness,
                    steps=SEGMENT * self.every,
                    every=self.every,
                    rng=self.streams(centre, len(before), len(failures)),
                    velocities=start_velocities,
                    through=through,
                )
                frames = list(run)
                end, velocities = frames[-1].positions, self.spring.velocities()
            except PotentialError as error:
                failures.append(str(error))
                log.warning("window at r = %.2f, segment %d: %s", centre, len(before) + 1, error)
        positions = np.array([f.positions for f in frames]).reshape(-1, *self.pool.shape[1:])
        return {
            "r": np.array([f.r for f in frames]),
            "speed": speed_of(self.spring.coordinate, positions, self.masses) if frames else np.empty(0),
            "energy": np.array([f.energy for f in frames]),
            "positions": positions.astype("f4"),
            "end": end,
            "velocities": velocities if frames else np.empty(0),
            "failures": "\n".join(failures),
            "reason": "" if frames else failures[-1],
        }

    def _start(self, centre: float) -> np.ndarray:
        """Where a window starts: the nearest configuration of the pool.

        From where an engine starts anew its field may converge to an excited state, hundreds of kJ/mol too high, and
        nothing is known yet that would tell. So the nearest five are asked, and the one in the middle by energy is it.
        """
        near = np.argsort(np.abs(self.pool_r - centre), kind="stable")
        if self.spring.potential.seam is None:
            return self.pool[near[0]]
        energies = []
        for i in near[:NEAREST]:
            try:
                energies.append(self._anew(self.pool[i]))
            except PotentialError:
                energies.append(np.inf)
        middle = np.argsort(energies, kind="stable")[(len(energies) - 1) // 2]
        return self.pool[near[middle]]

    def _anew(self, positions: np.ndarray) -> float:
        """Energy (kJ/mol) from where the engine starts anew."""
        self.spring.potential.restart()
        return self.spring.potential.energy_and_gradient(positions)[0]

    def _through(self, last: Mapping[str, Any]) -> list[np.ndarray]:
        """Configurations that lead the engine from where it starts anew to the electronic state of the last frame.

        None are needed as a rule. Where the energy is not the one on record, the field has converged to another state;
        then it starts from an earlier frame of the same segment, where it is, and comes back in small steps.

        Raises
        ------
        PotentialError
            When there is no such way back.
        """
        energies = last["energy"]
        if self.spring.potential.seam is None or abs(self._anew(last["end"]) - energies[-1]) <= SAME_STATE:
            return []
        frames = [*last["positions"][:-1].astype(float), last["end"]]
        for i in range(len(frames) - 2, -1, -1):
            if abs(self._anew(frames[i]) - energies[i]) > SAME_STATE:
                continue
            way = [frames[i]]
            for here, there in itertools.pairwise(frames[i:]):
                way += [here + share * (there - here) for share in (0.25, 0.5, 0.75, 1.0)]
            self.spring.potential.restart()
            energy = [self.spring.potential.energy_and_gradient(x)[0] for x in way][-1]
            if abs(energy - energies[-1]) <= SAME_STATE:
                return way
        raise PotentialError("the self-consistent field does not find back to the state of the frame before")


def _frames(segments: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(segment["r"]) for segment in segments)
