"""Stage of the workflow that judges the sampling of a method after each round.

It has a module of its own, for it fits the coordinate: a job that only samples starts sooner without what that takes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.fitting import choose, indistinguishable
from separatrix.coordinate.interchangeable import Interchangeable
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_dataset, read_json, write_json
from separatrix.sampling import convergence
from separatrix.sampling.mechanism_shares import ChainMechanisms
from separatrix.workflow.coordinate_stages import (
    has_both_outcomes,
    lost_half_trajectories,
    observed,
    search_options,
    variables_at_shots,
)
from separatrix.workflow.engine_opening import Settings

log = logging.getLogger(__name__)


def assess(
    settings: Settings,
    number: int,
    shots: Sequence[Sequence[Path | str]],
    paths: Sequence[Sequence[Path | str]],
    previous: Sequence[Path | str],
    out: Path | str,
) -> None:
    """Judge the sampling of a method after round `number` (from 1): go on or stop, and why.

    Parameters
    ----------
    shots, paths
        For each chain, its files of all rounds so far, in order.
    previous
        Assessments of the rounds before, in order.
    """
    given = StageSettings("assess", settings)
    system, method = given.system, given.method
    rules, sampling_rules = given.config.coordinate, given.config.sampling
    data = variables_at_shots(system, [read_dataset(f) for chain in shots for f in chain])
    coordinate: Coordinate | None = None
    beats_null = False
    groups: tuple[Interchangeable, ...] = ()
    if has_both_outcomes(rules, data):
        seen = observed(rules, data, Path(shots[0][0]).parent)
        try:
            selection, coordinate = choose(seen, search_options(rules))
            groups = indistinguishable(seen, coordinate)
        except ValueError as error:
            raise SamplingError(f"the coordinate cannot be fitted: {error}") from error
        beats_null = selection.best_beats_null
    verdict = convergence.judge(
        round=number,
        coordinate=coordinate,
        beats_null=beats_null,
        values=data.value.values,
        names=[str(v) for v in data.variable.values],
        chain=data.chain.values,
        mechanisms=[_mechanisms(files) for files in paths],
        previous=[read_json(f) for f in previous],
        criteria=convergence.Criteria.of(sampling_rules),
        min_rounds=sampling_rules.min_rounds,
        max_rounds=sampling_rules.max_rounds,
        groups=groups,
        halves=lost_half_trajectories(data, system.reactant, system.product),
        longest_half_fs=method.dynamics.longest_half,
    )
    log.info("%s", verdict.verdict)
    write_json(verdict.to_dict(), out)


def _mechanisms(files: Sequence[Path | str]) -> ChainMechanisms:
    """Mechanism of a chain's present path after each move, its initial path left out: it belongs to no ensemble."""
    tables = [read_dataset(f) for f in files]
    sequence = [
        str(name)
        for t in tables
        for name, times, move in zip(t.mechanism.values, t.multiplicity.values, t.move.values, strict=True)
        for _ in range(int(times))
        if move >= 0
    ]
    return ChainMechanisms(int(tables[0].chain[0]), tables[0].attrs["start"], tuple(sequence))
