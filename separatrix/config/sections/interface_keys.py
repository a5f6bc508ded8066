"""Keys of `rates.interfaces`: interface sampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from separatrix.config.listed_names import CandidateNames, MethodNames
from separatrix.config.stage_names import ALONG_COORDINATE
from separatrix.core.section import Number, Section, key


class InterfacesSection(Section):
    """Interface sampling, flux times crossing probability."""

    stages: ClassVar[tuple[str, ...]] = ("interface_pilot", "interface_chain")
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {ALONG_COORDINATE: ("interface_pilot", "interface_chain")}
    renamed: ClassVar[Mapping[str, str]] = {"stretch_fs": "segment_fs"}

    methods: MethodNames = key(
        [],
        "methods that it is computed for",
        guide=(
            "methods whose rate from the reactant is sampled through interfaces (flux times crossing probability), too"
        ),
        stages=(),
    )
    variables: CandidateNames = key(
        [],
        "candidate variables of the coordinate that interfaces stand along; empty, the coordinate found",
        guide=(
            "candidate variables of the coordinate that interfaces stand along, as in `rates.umbrella.variables`;"
            " any choice gives the same rate, a poor one a larger error"
        ),
    )
    crossing: Number = key(0.25, "share of paths that an interface is placed for", ge=0.05, le=0.9)
    pilot_moves: int = key(
        40,
        "paths per interface that a pilot draws from umbrella windows; without those, cycles of its rounds",
        guide=(
            "paths of each interface that the pilot draws from umbrella windows along the same variables, where "
            "the method has some; else cycles of a round of the pilot, after which interfaces are placed anew: "
            "four rounds, the last two twice as long, and up to ten while an interface is crossed by less than a "
            "quarter of its share; they count nowhere"
        ),
        ge=8,
        le=1_000_000,
    )
    chains: int = key(2, "independent chains, each a job", stages=(), ge=1, le=10000)
    cycles: int = key(
        200,
        "cycles of each chain that count; every ensemble makes a move in each",
        guide=(
            "cycles of each chain that count; in each, every ensemble makes a move. More cycles go on from the journal"
        ),
        stages=("interface_chain",),
        ge=20,
        le=10_000_000,
    )
    burn_in: int = key(
        20,
        "cycles before them",
        guide="cycles of each chain before those",
        stages=("interface_chain",),
        ge=0,
        le=1_000_000,
    )
    refresh: int = key(
        2,
        "cycles between replacements of the [0+] ensemble's path by one from the reservoir",
        guide=(
            "cycles between replacements of the [0+] ensemble's path by one from the reservoir, the paths that leave "
            "the reactant in its MD segments"
        ),
        stages=("interface_chain",),
        ge=2,
        le=1_000_000,
    )
    segment_fs: Number = key(
        500,
        "MD segment in the reactant, from fresh velocities, for the flux and the reservoir",
        unit="fs",
        guide=(
            "length of an MD segment in the reactant, each from fresh velocities; segments give the flux and the paths "
            "of the reservoir, and are run as these are needed"
        ),
        gt=0,
        le=1_000_000_000,
    )
    longest_fs: Number = key(
        5000,
        "a half-trajectory that is longer counts as uncommitted",
        unit="fs",
        guide="a half-trajectory that is longer counts as uncommitted, and is never accepted",
        gt=0,
        le=1_000_000_000,
    )
