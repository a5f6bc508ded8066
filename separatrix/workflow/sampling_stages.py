"""Stages of the sampling: a chain's first path, and its rounds; whether they are enough: :mod:`.assessment`.

OpenPathSampling is imported by those that run dynamics: it takes as long to import as some stages do to run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from separatrix import numeric_threads
from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import SamplingError
from separatrix.core.files import fingerprint, read_dataset, read_json, write_json
from separatrix.core.journal import Journal
from separatrix.results.path_files import join_paths, join_shots, split_paths, write_paths, write_shots
from separatrix.results.stationary_files import read_stationary
from separatrix.sampling import rounds as sampling
from separatrix.workflow.engine_opening import Settings, open_engine

log = logging.getLogger(__name__)


def find_first_path(
    settings: Settings,
    chain: int,
    start: str,
    minimum_file: Path | str,
    saddle_file: Path | str,
    start_file: Path | str,
    out: Path | str,
) -> None:
    """First reactive path of a chain, shot from the saddle or from where a saddle guess leads, by its mechanism."""
    from separatrix.sampling.shooting import first_path

    given = StageSettings("first_path", settings)
    system, method, engine = open_engine(given, minimum_file, saddle_file)
    attempts_allowed = given.config.sampling.first_path_attempts
    began = time.perf_counter()
    first, wanted = None, start
    if start != "saddle":
        geometry = read_stationary(start_file).positions
        try:
            first = first_path(
                engine,
                system.basins,
                geometry,
                place=(method.seed, (method.name, "first path", chain, start)),
                attempts=attempts_allowed,
                mechanism=system.mechanism,
                wanted=system.mechanism.at(geometry),
                source=f"the geometry of guess {start!r}",
            )
        except SamplingError as error:
            # The other methods may well have such paths; this one goes on without, and its files say so.
            log.warning("%s; this chain starts from the saddle instead", error)
            start = "saddle"
    if first is None:
        geometry = read_stationary(saddle_file).positions
        place = (method.seed, (method.name, "first path", chain))
        first = first_path(
            engine, system.basins, geometry, place=place, attempts=attempts_allowed, mechanism=system.mechanism
        )
    path, label, attempts = first
    mechanism, _ = system.mechanism.classify(path[0])
    log.info(
        "reactive path after %d attempts: %s, %.0f fs",
        attempts,
        mechanism,
        (path.shape[1] - 1) * method.dynamics.frame,
    )
    seconds = (time.perf_counter() - began) * numeric_threads()
    spent = {"evaluations": engine.evaluations, "core_seconds": round(seconds, 3)}
    log.info("cost: %(evaluations)d force evaluations, %(core_seconds).1f s", spent)
    write_paths(
        [path],
        system.molecule.symbols,
        out,
        moves=[-1],
        labels=[label],
        multiplicity=[1],
        mechanisms=[mechanism],
        chain=chain,
        frame=method.dynamics.frame,
        source=engine.potential.description,
        start=start,
        wanted=wanted,
        cost=spent,
    )


def sample(
    settings: Settings,
    chain: int,
    number: int,
    minimum_file: Path | str,
    saddle_file: Path | str,
    first_file: Path | str,
    previous: Sequence[Path | str] | None,
    journal: Path | str,
    shots_out: Path | str,
    paths_out: Path | str,
    cost_out: Path | str,
) -> None:
    """Run round `number` (from 1) of an aimless-shooting chain, going on from its journal where there is one.

    Parameters
    ----------
    previous
        Shots and paths of the round before; none in the first.
    journal
        Directory of the chain's running record. It is one for all rounds: another division into rounds finds the
        same moves.
    """
    from separatrix.sampling.shooting import Chain

    given = StageSettings("sample", settings)
    system, method, engine = open_engine(given, minimum_file, saddle_file)
    rules = given.config.sampling
    first = read_dataset(first_file)
    first_path_, first_label = split_paths(first)[0], int(first.label[0])
    if not previous:
        path, label, shift, move, made_by = first_path_, first_label, method.shift, 0, -1
        mechanism = str(first.mechanism.values[0])
    else:
        shots, ways = (read_dataset(f) for f in previous)
        path, label = split_paths(ways)[-1], int(shots.label[-1])
        shift, move, made_by = int(shots["shift"][-1]), int(shots.move[-1]) + 1, int(ways.move[-1])
        mechanism = str(ways.mechanism.values[-1])
    place = (method.seed, (method.name, "chain", chain))
    runner = Chain(engine, system.basins, system.mechanism, path, label, shift=shift, place=place, rule=rules.rule)
    burn_in, target = rules.burn_in.shots, rules.burn_in.target_acceptance
    task = sampling.Round(
        number=number,
        first_move=move,
        burn_in=0 if previous else burn_in,
        shots=rules.shots_per_round,
        frame=method.dynamics.frame,
        failures_in_a_row=given.config.failures_in_a_row,
    )
    tuner = None
    if not previous and burn_in and target:
        # A longer shift than a quarter of the longest path leaves hardly a candidate on it.
        tuner = sampling.ShiftTuner(shift, target, engine.settings.longest_half_frames // 2)
    # The number of shots is no part of what a record is valid for: asking for more goes on from what is there.
    lasting = {
        **settings,
        "failures_in_a_row": None,
        "sampling": {**given.data["sampling"], "shots_per_round": None},
    }
    key = fingerprint(lasting, chain, first_path_, first_label)
    with Journal(Path(journal) / key) as record, sampling.stoppable(engine):
        record.about({"method": method.name, "chain": chain, "round": number, "first_move": move, "shots": task.wanted})
        moves, burning, seconds = sampling.run_round(runner, task, record, tuner)
        source, symbols = engine.potential.description, system.molecule.symbols
        frame = method.dynamics.frame
        write_shots(
            moves,
            symbols,
            shots_out,
            chain=chain,
            number=number,
            burn_in=burning,
            frame=frame,
            source=source,
            place=place,
        )
        accepted, multiplicity = sampling.present(moves, burning)
        write_paths(
            [path, *(m.path for m in accepted if m.path is not None)],
            symbols,
            paths_out,
            moves=[made_by, *(m.index for m in accepted)],
            labels=[label, *(m.label for m in accepted)],
            multiplicity=multiplicity,
            mechanisms=[mechanism, *(m.mechanism for m in accepted)],
            chain=chain,
            frame=frame,
            source=source,
            start=first.attrs["start"],
        )
        write_json(sampling.cost(moves, seconds, numeric_threads()), cost_out)


def gather_chain(
    shots: Sequence[Path | str],
    paths: Sequence[Path | str],
    costs: Sequence[Path | str],
    shots_out: Path | str,
    paths_out: Path | str,
    cost_out: Path | str,
) -> None:
    """Put the rounds of a chain together."""
    join_shots(shots, shots_out)
    join_paths(paths, paths_out)
    write_json(sampling.add_costs([read_json(f) for f in costs]), cost_out)
