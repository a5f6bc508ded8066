"""Keys of `rates.umbrella` and `rates.transmission`: free energy along a coordinate, and shots off its top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from separatrix.config.listed_names import CandidateNames, MethodNames
from separatrix.config.stage_names import ALONG_COORDINATE
from separatrix.core.section import Number, Section, key


class UmbrellaSection(Section):
    """Free energy along the fitted coordinate."""

    stages: ClassVar[tuple[str, ...]] = ("umbrella", "free_energy")
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {ALONG_COORDINATE: ("umbrella", "free_energy")}

    methods: MethodNames = key(
        [],
        "methods that it is computed for",
        guide="methods whose rate is computed from the free energy along their fitted coordinate, too",
        stages=(),
    )
    variables: CandidateNames = key(
        [],
        "candidate variables of the coordinate that windows are placed along; empty, the coordinate found",
        guide=(
            "candidate variables of the coordinate that windows are placed along, fitted to the same "
            "observations; empty: the coordinate found. It must lead from basin to basin over the saddle, not "
            "only be right near it"
        ),
    )
    windows: int = key(
        24,
        "umbrella windows, from beyond one minimum to beyond the other",
        guide=(
            "umbrella windows, evenly from beyond one minimum to beyond the other; more are put where they "
            "overlap too little"
        ),
        ge=6,
        le=10000,
    )
    equilibration_fs: Number = key(1000, "left out at the start of each window", unit="fs", ge=0, le=1_000_000_000)
    length_fs: Number = key(
        5000,
        "length of each window after that",
        unit="fs",
        guide=(
            "length of each window after that. Longer windows go on from the journal; the table of rates says "
            "whether they have equilibrated"
        ),
        gt=0,
        le=1_000_000_000,
    )
    frame_fs: Number = key(10, "time between frames that are kept", unit="fs", gt=0, le=1_000_000)
    time_step_fs: Number | None = key(
        None,
        "time step of the windows' dynamics; that of the method if absent",
        unit="fs",
        shown_default="the method's",
        guide="time step of the windows' dynamics",
        gt=0,
        le=5,
    )
    lightest_atom_Da: Number | None = key(
        None,
        (
            "lighter atoms move as if they weighed this, which allows a longer time step; absent, atoms have "
            "their masses"
        ),
        unit="Da",
        guide=(
            "lighter atoms move as if they weighed this, which changes no average over positions; with 12, steps "
            "of 1.5 fs are as exact as those of 1 fs without"
        ),
        gt=0,
        le=1000,
    )
    friction_per_ps: Number = key(
        2,
        "friction of the windows' Langevin dynamics",
        unit="1/ps",
        guide=(
            "friction of the windows' Langevin dynamics; more of it slows down what has to settle, but a few "
            "atoms that are no bath for each other want 10"
        ),
        gt=0,
        le=1_000_000,
    )
    batches: int = key(2, "jobs that the windows are divided over", ge=1, le=10000)


class TransmissionSection(Section):
    """Shots off the dividing surface."""

    stages: ClassVar[tuple[str, ...]] = ("free_energy",)

    configurations: int = key(
        40,
        "configurations on the surface, each with one pair of halves",
        guide=(
            "configurations on the dividing surface, each with one pair of halves; where the windows have fewer "
            "frames there, some are shot from more than once"
        ),
        ge=2,
        le=1_000_000,
    )
