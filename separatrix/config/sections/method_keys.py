"""Keys of `methods`: levels of theory and how each is run."""

from __future__ import annotations

from typing import Any, ClassVar

from separatrix.config.stage_names import WITH_DYNAMICS
from separatrix.core.section import EVERY_STAGE, LABEL, Number, Section, key


class DynamicsSection(Section):
    """How trajectories of a method are run."""

    stages: ClassVar[tuple[str, ...]] = WITH_DYNAMICS

    time_step_fs: Number = key(
        ..., "integration step in femtoseconds", unit="fs", guide="integration step", gt=0.0001, le=5
    )
    frame_fs: Number | None = key(
        None,
        "time between frames in femtoseconds, a multiple of time_step_fs; equal to it if absent",
        unit="fs",
        shown_default="`time_step_fs`",
        guide="time between frames; basins are checked, and shooting points chosen, at frames",
        gt=0,
        le=1_000_000,
    )
    shift_fs: Number = key(
        ...,
        "distance between neighbouring shooting-point candidates in femtoseconds, a multiple of frame_fs",
        unit="fs",
        guide="distance between neighbouring shooting-point candidates, a multiple of the frame",
        gt=0,
        le=1_000_000,
    )
    longest_half_fs: Number = key(
        ...,
        "a half-trajectory that reached no basin by then is given up, in femtoseconds",
        unit="fs",
        guide=(
            "a half-trajectory that reached no basin by then is given up. Give several times the median path "
            "length: what is given up biases committors and paths ([method.md](../docs/method.md#half-"
            "trajectories-that-reach-no-basin))"
        ),
        gt=0,
        le=1_000_000_000,
    )
    friction_per_ps: Number = key(
        0,
        "friction of Langevin dynamics per picosecond; 0 is constant energy",
        unit="1/ps",
        guide="friction of Langevin dynamics; 0: constant energy",
        ge=0,
        le=1_000_000,
    )


class MethodSection(Section):
    """A level of theory and how it is run."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    potential: str = key(
        ...,
        "engine that computes energies and forces",
        guide="engine ([below](#options-of-the-engines))",
    )
    options: dict[str, Any] = key(
        {}, "keywords of the engine", guide="the engine's keywords ([below](#options-of-the-engines))"
    )
    label: str | None = key(
        None,
        "name in tables and plots, of no other method; the method's key if absent",
        shown_default="the name",
        guide="name in tables and plots, of no other method",
        stages=("compare", "report"),
        min_length=1,
        max_length=100,
        pattern=LABEL,
    )
    dynamics: DynamicsSection = key(..., "steps, frames and friction of trajectories")
