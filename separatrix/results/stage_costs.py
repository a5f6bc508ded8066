"""What a job of a stage costs: gradients, and megabytes of frames, from the config and what has been measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from separatrix.core.errors import StoreError
from separatrix.core.files import read_json

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.methods import Method

# Files that are looked at to know how long shots are; there may be hundreds of chains.
_LOOKED_AT = 64


@dataclass(frozen=True)
class Measured:
    """What is known of a method's cost.

    Attributes
    ----------
    gradient
        Seconds per integration step, energy and gradient included; None while unknown.
    shot
        Seconds per shot of the chain's rounds so far; None while unknown.
    steps
        Integration steps per shot of all chains, when their sampling has ended; None while unknown.
    so_far
        Integration steps per shot in the round before, or the first one, of the chains that have done it; None while
        none has.
    """

    gradient: float | None = None
    shot: float | None = None
    steps: float | None = None
    so_far: float | None = None


def measured(folder: Path | str, chain: int | None = None, number: int | None = None, threads: int = 1) -> Measured:
    """What the files of a method tell of its cost; files that are not there, or not whole, tell nothing.

    Parameters
    ----------
    folder
        Of the method, with ``check.json`` and the chains.
    chain, number
        Round that is to come; the one before it is looked at.
    threads
        Numeric threads of each job.
    """

    def read(name: str) -> Mapping[str, Any]:
        try:
            return read_json(Path(folder) / name)
        except StoreError:
            return {}

    health = read("check.json")
    gradient = (health.get("ms_per_gradient") or 0.0) * (health.get("calls_per_step") or 1.0) / 1000
    cost = read(f"chain_{chain}/round_{number - 1}/cost.json") if chain and number and number > 1 else {}
    shots = cost.get("shots") or 0

    def steps_per_shot(pattern: str) -> float | None:
        files = itertools.islice(Path(folder).glob(pattern), _LOOKED_AT)
        costs = [read(str(file.relative_to(folder))) for file in files]
        steps, all_shots = (sum(c.get(key) or 0 for c in costs) for key in ("steps", "shots"))
        return steps / all_shots if steps and all_shots else None

    return Measured(
        gradient or None,
        cost.get("core_seconds", 0.0) / threads / shots if shots else None,
        steps_per_shot("chain_*/cost.json"),
        steps_per_shot(f"chain_*/round_{max((number or 1) - 1, 1)}/cost.json"),
    )


@dataclass(frozen=True)
class StageJob:
    """A job, for its cost.

    Attributes
    ----------
    config
        The comparison.
    method
        Name of the method.
    measured
        What has been measured of it.
    number
        Of the round, for ``sample``.
    draw
        Committor-test set, for ``committor_shots``.
    attempt
        From 1.
    """

    config: Config
    method: str
    measured: Measured = field(default_factory=Measured)
    number: int = 1
    draw: str | None = None
    attempt: int = 1

    @property
    def level(self) -> Method:
        """The level of theory and how it is run."""
        return self.config.methods[self.method]

    @property
    def longest_half(self) -> float:
        """Steps of the longest half-trajectory; how long they are on average only sampling tells."""
        return self.level.dynamics.longest_half / self.level.dynamics.time_step

    def MB(self, frames: float, vectors: int) -> float:
        """Megabytes of frames with so many vectors per atom (positions, velocities), in double precision."""
        return frames * self.config.system.molecule.n_atoms * 3 * vectors * 8 / 1e6


def no_frames(job: StageJob) -> float:
    """Cost in memory of a job that keeps no frames to speak of."""
    return 0.0


def not_measured(job: StageJob) -> float | None:
    """Seconds of a job whose cost no earlier one tells."""
    return None


@dataclass(frozen=True)
class StageCost:
    """What a job of a stage costs, generously.

    Attributes
    ----------
    gradients
        How many energies and gradients it computes.
    frames_MB
        Megabytes of the frames that it holds, beside its engine.
    measured_seconds
        Seconds, margin included, from earlier jobs of the same work; None while there are none.
    """

    gradients: Callable[[StageJob], float]
    frames_MB: Callable[[StageJob], float] = no_frames
    measured_seconds: Callable[[StageJob], float | None] = not_measured
