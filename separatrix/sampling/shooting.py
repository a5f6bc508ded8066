"""Shooting: the moves, the chain, and the record that survives a kill.

A state is a path together with a label, one of its interior frames (those in no basin). A move of the default rule,
three-point aimless shooting (Peters and Trout, J. Chem. Phys. 2006, 125, 054108; Mullen, Shea and Peters, J. Chem.
Theory Comput. 2015, 11, 2421), with two corrections that make it obey detailed balance for paths of flexible length:

1. The candidate is the frame at label + k s, with k drawn from -1, 0, 1 and s the shift.
2. Velocities are drawn anew there, and both halves are run until each reaches any basin.
3. The new label is the shot frame of the new path minus k' s, with k' drawn from -1, 0, 1.
4. The trial is refused when the candidate or the new label is not an interior frame, or the halves end in the same
   basin, in none, or fail. Otherwise it is accepted with probability min(1, n_old / n_new), n being the number of
   interior frames.

Proposal and reverse proposal are then equally likely (1/3 · velocities · 1/3 each way). With unit acceptance the
stationary weight would be the same for every (path, label), and a path with n interior frames would be visited n
times too often; the factor n_old / n_new restores the transition-path ensemble (compare Falkner, Coretti, Peters,
Bolhuis and Dellago, arXiv:2408.03054).

The two-point rule of that paper differs in its k and k', drawn from 0 and 1. Plain two-way shooting has no label: the
candidate is any interior frame, with the same factor for the chance of having chosen it. All rules draw velocities
anew and run both halves, so every half is an observation of the committor at its shooting point.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import openpathsampling as paths
from openpathsampling.engines.openmm import Snapshot
from openpathsampling.pathmover import AbstractTwoWayShootingMover
from openpathsampling.shooting import ShootingPointSelector
from openpathsampling.snapshot_modifier import SnapshotModifier

from separatrix.core.errors import SamplingError
from separatrix.core.seeds import stream
from separatrix.cvs.states import Basin, MechanismRule
from separatrix.dynamics.md_engine import MDEngine, joined, raw_positions, raw_velocities, run_half
from separatrix.results.moves import Move

log = logging.getLogger(__name__)


class BasinVolume(paths.Volume):
    """A basin as an OpenPathSampling volume.

    It evaluates the few internal coordinates it needs as plain floats: OpenPathSampling's own collective
    variables and their caches take longer, per frame, than a force-field step.
    """

    def __init__(self, basin: Basin) -> None:
        super().__init__()
        self.basin = basin
        self.name = basin.name

    def __call__(self, snapshot: paths.engines.openmm.Snapshot) -> bool:
        """Whether a snapshot lies in the basin."""
        # Not `snapshot.coordinates`, which copies and converts each time it is asked.
        return self.basin.contains(snapshot.statics.coordinates._value)

    def __str__(self) -> str:
        return f"basin {self.basin.name}"


class AimlessSelector(ShootingPointSelector):
    """Three-point rule: chooses the candidate frame near the label, and a new label near the shot frame.

    Attributes
    ----------
    shift
        Frames between neighbouring candidates.
    label
        Present label, a frame index of the present path.
    steps
        In units of the shift: where a candidate may lie, seen from the label.
    """

    steps: tuple[int, ...] = (-1, 0, 1)

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.label = -1

    def _step(self) -> int:
        return self.shift * self.steps[int(self._rng.integers(len(self.steps)))]

    def pick(self, trajectory: paths.Trajectory) -> int:
        """Index of the candidate frame; it may lie outside the path's interior."""
        return self.label + self._step()

    def relabel(self, shot_index: int) -> int:
        """New label, given the index of the shot frame in the new path."""
        return shot_index - self._step()

    def probability_ratio(
        self,
        snapshot: Snapshot,
        old_trajectory: paths.Trajectory,
        new_trajectory: paths.Trajectory,
        new_snapshot: Snapshot | None = None,
    ) -> float:
        """Ratio of the label's probabilities on the new and the old path, n_old / n_new."""
        return interior(old_trajectory) / interior(new_trajectory)


class TwoPointSelector(AimlessSelector):
    """Two-point rule: the candidate is the label or the frame one shift after it (Mullen, Shea and Peters 2015)."""

    steps = (0, 1)


class UniformSelector(AimlessSelector):
    """Plain two-way shooting: any interior frame is as likely as another. The shift plays no part."""

    def pick(self, trajectory: paths.Trajectory) -> int:
        """Index of the candidate frame."""
        return 1 + int(self._rng.integers(interior(trajectory)))

    def relabel(self, shot_index: int) -> int:
        """The shot frame itself: the next candidate does not depend on it."""
        return shot_index


#: config word -> rule
RULES: dict[str, type[AimlessSelector]] = {
    "three-point": AimlessSelector,
    "two-point": TwoPointSelector,
    "uniform": UniformSelector,
}


def interior(trajectory: Sequence) -> int:
    """Number of frames of a path that lie in no basin: all but the first and the last."""
    return len(trajectory) - 2


class MaxwellBoltzmann(SnapshotModifier):
    """Velocities drawn anew at a temperature; an isolated molecule gets no linear or angular momentum."""

    def __init__(self, engine: MDEngine) -> None:
        super().__init__()
        self.engine = engine
        self.rng = np.random.default_rng()

    def __call__(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot at the same positions."""
        positions = raw_positions(snapshot)
        return self.engine.snapshot(positions, self.engine.thermal_velocities(positions, self.rng))

    def probability_ratio(self, old_snapshot: Snapshot, new_snapshot: Snapshot) -> float:
        """One: a fresh draw does not depend on the old velocities, and their weights cancel."""
        return 1.0


class AimlessMover(AbstractTwoWayShootingMover):
    """Two-way shooting that always runs both halves to a basin, and redraws its label.

    The stock mover stops the second half where the first has already decided the move; here each half is an
    observation of the committor and is never thrown away.
    """

    def __init__(
        self,
        ensemble: paths.Ensemble,
        selector: AimlessSelector,
        modifier: MaxwellBoltzmann,
        engine: MDEngine,
        basins: Sequence[Basin],
    ) -> None:
        super().__init__(ensemble=ensemble, selector=selector, modifier=modifier, engine=engine)
        self.basins = basins

    def _run(self, trajectory: paths.Trajectory, shooting_index: int) -> tuple[None, dict]:
        shot = self.modifier(trajectory[shooting_index])
        forward = run_half(self.engine, shot, self.basins, self.modifier.rng)
        backward = run_half(self.engine, shot.reversed, self.basins, self.modifier.rng)
        shot_index = len(backward) - 1
        return None, {
            "modified_shooting_snapshot": shot,
            "forward": forward,
            "backward": backward,
            "shot_index": shot_index,
            "label": self.selector.relabel(shot_index),
        }

    def __call__(self, input_sample: paths.Sample) -> tuple[list[paths.Sample], dict]:
        """Trial sample and details of one move.

        There is no sample to accept when the candidate or the new label is not an interior frame, or when a half
        reached no basin or failed; `details["outcome"]` then says which. Where the halves join two basins, `path`
        is theirs.
        """
        trajectory = input_sample.trajectory
        index = self.selector.pick(trajectory)
        details = {"candidate": index, "outcome": "off path"}
        if not _is_interior(index, len(trajectory)):
            return [], details
        _, run_details = self._run(trajectory, index)
        forward, backward = run_details["forward"], run_details["backward"]
        details |= run_details
        ends = {forward.end, backward.end}
        if "failed" in ends:
            return [], details | {"outcome": "failed"}
        if "none" in ends:
            return [], details | {"outcome": "no basin"}
        if len(ends) == 1:
            return [], details | {"outcome": "same basin"}
        details["path"] = path = joined(backward, forward)
        if not _is_interior(run_details["label"], path.shape[1]):
            return [], details | {"outcome": "label off path"}
        trial = self.engine.trajectory(*path)
        sample, more = self._build_sample(input_sample, index, trial, run_details=run_details)
        return [sample], details | more | {"outcome": "accepted"}

    def _accept(self, trials: list[paths.Sample]) -> tuple[bool, dict]:
        if not trials:
            return False, {}
        accepted, details = super()._accept(trials)
        return accepted, details if accepted else details | {"outcome": "path length"}


def _is_interior(index: int, n_frames: int) -> bool:
    return 1 <= index <= n_frames - 2


class Chain:
    """An aimless-shooting chain: a present path, a label, and the means to make the next move.

    Parameters
    ----------
    engine
        Dynamics.
    basins
        The two (or more) states.
    mechanism
        Rule that names a path's mechanism.
    path
        Initial path: positions (nm) and velocities (nm/ps), shape (2, n_frames, n_atoms, 3), its first and last
        frame in different basins and no other frame in any.
    label
        Initial label, an interior frame.
    shift
        Frames between neighbouring candidates.
    place
        Root seed and the words that name this chain; every move's random numbers follow from them.
    rule
        One of :data:`RULES`.

    Raises
    ------
    SamplingError
        When the initial path or label is not valid.
    """

    def __init__(
        self,
        engine: MDEngine,
        basins: Sequence[Basin],
        mechanism: MechanismRule,
        path: np.ndarray,
        label: int,
        *,
        shift: int,
        place: tuple[int, tuple[str | int, ...]],
        rule: str = "three-point",
    ) -> None:
        self.engine = engine
        self.mechanism = mechanism
        self.place = place
        network = paths.TPSNetwork.from_states_all_to_all([BasinVolume(b) for b in basins])
        self.ensemble = network.sampling_ensembles[0]
        self.selector = RULES[rule](shift)
        self.modifier = MaxwellBoltzmann(engine)
        self.mover = AimlessMover(self.ensemble, self.selector, self.modifier, engine, basins)
        self._set(engine.trajectory(*path), label)
        if not self.ensemble(self._samples[0].trajectory):
            raise SamplingError("the initial path does not lead from one basin to another")
        if not _is_interior(label, self.n_frames):
            raise SamplingError(f"label {label} is not an interior frame of the initial path")

    def _set(self, trajectory: paths.Trajectory, label: int) -> None:
        # A sample of its own: OpenPathSampling's have their parents, and so all paths that ever were, in memory.
        self._samples = paths.SampleSet([paths.Sample(replica=0, trajectory=trajectory, ensemble=self.ensemble)])
        self.selector.label = label

    @property
    def n_frames(self) -> int:
        """Length of the present path in frames."""
        return len(self._samples[0].trajectory)

    def replay(self, move: Move) -> None:
        """Take over a recorded move as if it had just been made."""
        if move.accepted:
            assert move.path is not None  # an accepted move has one
            positions, velocities = move.path
            self._set(self.engine.trajectory(positions, velocities), move.label)

    def move(self, index: int) -> Move:
        """Make move number `index`.

        Its numbers depend only on the present path and label, and on the seed, chain and move number.
        """
        seed, labels = self.place
        rng = stream(seed, *labels, "move", index)
        self.selector._rng = self.modifier.rng = self.mover._rng = rng
        self.engine.potential.restart()
        steps, evaluations, old = self.engine.steps, self.engine.evaluations, self.n_frames
        change = self.mover.move(self._samples)
        details = change.details
        record = {
            "index": index,
            "outcome": details.outcome,
            "old_frames": old,
            "label": self.selector.label,
            "shift": self.selector.shift,
            "steps": self.engine.steps - steps,
            "evaluations": self.engine.evaluations - evaluations,
        }
        if details.outcome == "off path":
            return Move(**record)
        forward, backward = details.forward, details.backward
        shot = details.modified_shooting_snapshot
        record |= {
            "forward": forward.end,
            "backward": backward.end,
            "reason": forward.reason or backward.reason,
            "forward_frames": len(forward),
            "backward_frames": len(backward),
            "positions": raw_positions(shot),
            "velocities": raw_velocities(shot),
        }
        if details.outcome in ("accepted", "path length", "label off path"):
            record["mechanism"] = self.mechanism.classify(details.path[0])[0]
        if change.accepted:
            record["path"] = details.path
            record["label"] = details.label
            self._set(change.results[0].trajectory, details.label)
        return Move(**record)


def first_path(
    engine: MDEngine,
    basins: Sequence[Basin],
    start: np.ndarray,
    *,
    place: tuple[int, tuple[str | int, ...]],
    attempts: int = 200,
    mechanism: MechanismRule | None = None,
    wanted: str = "",
    source: str = "the saddle",
) -> tuple[np.ndarray, int, int]:
    """First reactive path: shots from one geometry until the two halves reach different basins.

    Parameters
    ----------
    start
        Geometry to shoot from (the saddle, say), nm, shape (n_atoms, 3).
    place
        Root seed and words that name the place.
    attempts
        At most.
    mechanism, wanted
        Where given, shots go on until a path crosses by the mechanism of this name.
    source
        What `start` is, for messages.

    Returns
    -------
    The path, shape (2, n_frames, n_atoms, 3) in nm and nm/ps; the shooting point's index in it; attempts used.

    Raises
    ------
    SamplingError
        When no attempt succeeds; the message counts what happened instead.
    """
    seed, labels = place
    seen: dict[str, int] = {}
    for attempt in range(attempts):
        rng = stream(seed, *labels, "attempt", attempt)
        engine.potential.restart()
        shot = engine.snapshot(start, engine.thermal_velocities(start, rng))
        forward = run_half(engine, shot, basins, rng)
        backward = run_half(engine, shot.reversed, basins, rng)
        what = "/".join(sorted([backward.end, forward.end]))
        ends = {forward.end, backward.end}
        if len(ends) == 2 and not ends & {"none", "failed"}:
            path = joined(backward, forward)
            if not wanted or (mechanism and (what := mechanism.classify(path[0])[0]) == wanted):
                return path, len(backward) - 1, attempt + 1
        seen[what] = seen.get(what, 0) + 1
        log.info("attempt %d: %s", attempt + 1, what)
    counts = ", ".join(f"{n} x {what}" for what, n in sorted(seen.items()))
    sought = f"reactive path by {wanted}" if wanted else "reactive path"
    # A search that is given up for want of time looks like one that finds no way.
    late = sum(n for what, n in seen.items() if "none" in what.split("/"))
    remedy = "; none: no basin within longest_half_fs, give a larger one" if 2 * late >= attempts else ""
    raise SamplingError(f"no {sought} in {attempts} shots from {source} ({counts}){remedy}")
