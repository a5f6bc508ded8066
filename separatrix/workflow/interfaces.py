"""Stages of the workflow that sample rates through interfaces: pilot, chains, and the rate of all chains."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import SamplingError
from separatrix.core.files import fingerprint, read_dataset, write_dataset, write_json
from separatrix.core.journal import Journal
from separatrix.core.seeds import stream
from separatrix.dynamics.md_engine import MDEngine
from separatrix.rates import mbar
from separatrix.rates.tis.chain import InterfaceChain, run_chain
from separatrix.rates.tis.engine_runner import EngineRunner
from separatrix.rates.tis.flux import run_segments
from separatrix.rates.tis.interface_rate import rate_of_chains
from separatrix.rates.tis.path_moves import OUTCOMES
from separatrix.rates.tis.pilot import Pilot, Rules, place_interfaces
from separatrix.rates.tis.placing import PlacingError, Seeds
from separatrix.rates.tis.transition_paths import Path as TransitionPath
from separatrix.rates.tis.transition_paths import Streams
from separatrix.rates.window_files import read_windows
from separatrix.results.stationary_files import read_stationary
from separatrix.sampling import rounds
from separatrix.workflow.engine_opening import Settings, anchor, open_method
from separatrix.workflow.umbrella import coordinate_of

log = logging.getLogger(__name__)

#: Share of the frames of equilibrium dynamics that the reactant's state holds: it ends where the coordinate is larger.
#: A basin that dynamics never leaves by itself would give no paths to count.
CEILING = 0.75

#: Cycles of a pilot from one path of the first ensemble that comes from the reactant to the next.
PILOT_REFRESH = 2


class Keeper:
    """Does pieces of work in order, or reads them from a journal; counts failures one after the other.

    Parameters
    ----------
    record
        The journal, in use.
    engine
        It forgets what came before each piece, so that a resumed run gives the same numbers.
    allowed
        Failures in a row that stop the job.
    total
        Shots to do; 0: not known beforehand. How many segments there will be between them is not.
    """

    def __init__(self, record: Journal, engine: MDEngine, allowed: int, total: int = 0) -> None:
        self._record, self._engine, self._allowed, self._total = record, engine, allowed, total
        self._known = True
        self._done = self._failures = self._shots = self._before = 0
        self._start = time.monotonic()

    def __call__(self, make: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
        """The next piece."""
        i, self._done = self._done, self._done + 1
        # One by one: all paths of a long chain would fill the memory that was asked for.
        if self._known and (recorded := self._record.piece(i)) is not None:
            self._shots += "outcome" in recorded
            return recorded
        if self._known:
            self._known, self._before, self._start = False, self._shots, time.monotonic()
        self._engine.potential.restart()
        result = make()
        self._record.write(i, result)
        reason = result["reason"]
        failure = f"; {reason}" if reason else ""
        if "outcome" in result:
            self._shots += 1
            pace = (time.monotonic() - self._start) / (self._shots - self._before)
            left = f"; {pace * (self._total - self._shots):.0f} s to go" if self._total else ""
            of = f"/{self._total}" if self._total else ""
            text = f"{result['outcome']}, {result['cost']} frames run"
            log.info("shot %d%s: %s%s%s", self._shots, of, text, left, failure)
        else:
            log.info("segment: %d frames, %d paths%s", result["frames"], len(result["highest"]), failure)
        self._failures = self._failures + 1 if reason else 0
        rounds.stop_after(self._failures, self._allowed, reason)
        return result


class InterfaceSampling:
    """What pilot and chains share: engine, states, coordinate, rules."""

    def __init__(
        self,
        given: StageSettings,
        minima: Mapping[str, Path | str],
        saddle: Path | str,
        fit: Path | str,
        table: Path | str,
    ) -> None:
        self.system, self.method, potential = open_method(given)
        points = {name: read_stationary(file) for name, file in minima.items()}
        top = read_stationary(saddle)
        anchor(potential, [points[self.system.product], top])
        self.top = top.positions
        self.start = points[self.system.reactant].positions
        self.given, self.keys = given, given.config.rates.interfaces
        dynamics = replace(self.method.dynamics, longest_half=float(self.keys.longest_fs))
        self.engine = MDEngine(self.system.molecule, potential, dynamics)
        self.frame = dynamics.frame
        self.reaction = coordinate_of(given, self.keys.variables, "rates.interfaces.variables", fit, table)
        basins = {b.name: b for b in self.system.basins}
        self.runner = EngineRunner(
            self.engine,
            basins[self.system.reactant],
            basins[self.system.product],
            lambda positions: self.reaction.evaluate(positions).r,
            self.reaction.gradient,
        )
        self.source = potential.description
        # How far sampling goes does not change what is sampled: more cycles go on from the journal.
        rates = given.data["rates"]
        lasting = {key: value for key, value in rates["interfaces"].items() if key != "cycles"}
        # The words: a chain whose exchanges were others has other paths, and does not go on from that one's.
        self.key = fingerprint(
            {**given.data, "rates": {**rates, "interfaces": lasting}},
            self.start,
            self.top,
            self.reaction.to_dict(),
            "exchanges among all",
        )

    @property
    def rules(self) -> Rules:
        keys = self.keys
        # A pilot does not depend on how long chains are, and cannot see it.
        chain = self.given.stage == "interface_chain"
        return Rules(
            crossing=keys.crossing,
            pilot_moves=keys.pilot_moves,
            cycles=keys.cycles if chain else 0,
            burn_in=keys.burn_in if chain else 0,
            refresh=keys.refresh if chain else PILOT_REFRESH,
            segment_frames=max(2, round(keys.segment_fs / self.frame)),
        )

    def streams(self, *place: str | int) -> Streams:
        return lambda *labels: stream(self.method.seed, self.method.name, "interfaces", *place, *labels)


def interface_pilot(
    settings: Settings,
    minima: Mapping[str, Path | str],
    saddle: Path | str,
    fit: Path | str,
    table: Path | str,
    journal: Path | str,
    out: Path | str,
    windows: Sequence[Path | str] = (),
) -> None:
    """Place the reactant's ceiling and the interfaces, with a path in each ensemble; goes on from the journal.

    Umbrella windows along the same variables, at the same temperature, serve as frames of equilibrium.
    """
    given = StageSettings("interface_pilot", settings)
    work = InterfaceSampling(given, minima, saddle, fit, table)
    rules = work.rules
    seeds = seeds_from_windows(work, windows) if windows else None
    key = fingerprint(work.key, seeds.order, seeds.weight) if seeds else work.key
    with Journal(Path(journal) / key) as record, rounds.stoppable(work.engine):
        record.about({"method": work.method.name})
        keep = Keeper(record, work.engine, given.config.failures_in_a_row)
        # The reactant's thermal range of r, before there are paths to speak of.
        segments = run_segments(
            work.runner, work.start, rules.equilibration_segments, rules.segment_frames, work.streams("settle"), keep
        )
        late = [np.asarray(s["r"]) for s in segments[len(segments) // 2 :]]
        r = np.concatenate(late)
        if not len(r):
            raise SamplingError(f"no segment of dynamics in the reactant succeeded; the last: {segments[-1]['reason']}")
        work.runner.ceiling = float(np.quantile(r, CEILING))
        start = np.asarray(segments[-1]["at"])
        try:
            result = place_interfaces(work.runner, start, work.top, rules, work.streams("pilot"), keep, seeds)
        except PlacingError as error:
            raise SamplingError(f"no interfaces: {error}") from error
    log.info(
        "reactant up to r = %.3f; interfaces at r = %s",
        work.runner.ceiling,
        ", ".join(f"{value:.3f}" for value in result.interfaces),
    )
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(work.system.molecule.symbols, dtype=object)),
            "interface": ("ensemble", np.array(result.interfaces), {"comment": "of the reaction coordinate r"}),
            "n_frames": ("ensemble", [len(p.order) for p in result.paths], {"sample_dimension": "frame"}),
            "start": (("atom", "xyz"), start, {"units": "nm", "comment": "of the reactant's equilibrium"}),
            "r": ("frame", np.concatenate([p.order for p in result.paths])),
            "positions": (
                ("frame", "atom", "xyz"),
                np.concatenate([p.positions for p in result.paths]),
                {"units": "nm"},
            ),
            "velocities": (
                ("frame", "atom", "xyz"),
                np.concatenate([p.velocities for p in result.paths]),
                {"units": "nm ps-1"},
            ),
        },
        attrs={
            "ceiling": work.runner.ceiling,
            "stride": result.stride,
            "frame_fs": work.frame,
            "coordinate": work.reaction.formula,
        },
    )
    write_dataset(data, out, title="interfaces and a first path for each", source=work.source)


def seeds_from_windows(work: InterfaceSampling, windows: Sequence[Path | str]) -> Seeds | None:
    """Frames of umbrella windows and their weights; None where the windows do not hang together.

    Windows of the method that a scan varies have been placed by that one's fit, with other coefficients: what they
    weigh is theirs, where they lie is for the coordinate of the interfaces to say.
    """
    sampled = [item for file in windows for item in read_windows(file)]
    sampled.sort(key=lambda item: item[0].centre)
    try:
        weights = mbar.combine([window for window, _ in sampled], work.engine.settings.temperature)
        mbar.check_overlap([window for window, _ in sampled], weights.overlap)
    except ValueError as error:
        log.warning("windows are of no use to the pilot: %s", error)
        return None
    positions = np.concatenate([x for _, x in sampled])
    return Seeds(positions, work.runner.order(positions), weights.weight)


def read_pilot(file: Path | str) -> tuple[Pilot, xr.Dataset]:
    data = read_dataset(file)
    counts = data.n_frames.values.astype(int)
    paths = [
        TransitionPath(data.positions.values[a:b], data.velocities.values[a:b], data.r.values[a:b])
        for a, b in itertools.pairwise([0, *np.cumsum(counts).tolist()])
    ]
    return Pilot(tuple(map(float, data.interface.values)), tuple(paths), int(data.attrs["stride"])), data


def interface_chain(
    settings: Settings,
    number: int,
    minima: Mapping[str, Path | str],
    saddle: Path | str,
    fit: Path | str,
    table: Path | str,
    pilot: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """One chain of cycles over all ensembles, and its segments in the reactant; goes on from the journal."""
    given = StageSettings("interface_chain", settings)
    work = InterfaceSampling(given, minima, saddle, fit, table)
    rules = work.rules
    placed, data = read_pilot(pilot)
    work.runner.ceiling = float(data.attrs["ceiling"])
    start = data.start.values
    key = fingerprint(work.key, start, data.r.values, data.positions.values, number)
    cycles = rules.burn_in + rules.cycles
    shots = cycles * len(placed.interfaces)
    with Journal(Path(journal) / key) as record, rounds.stoppable(work.engine):
        record.about({"method": work.method.name, "chain": number, "shots": shots})
        keep = Keeper(record, work.engine, given.config.failures_in_a_row, shots)
        chain = run_chain(work.runner, start, placed, rules, work.streams("chain", number), keep)
    content = xr.Dataset(
        {
            "interface": ("ensemble", np.array(placed.interfaces)),
            "highest": (("cycle", "ensemble"), chain.highest, {"comment": "infinite where the product is reached"}),
            "frames": (("cycle", "ensemble"), chain.frames),
            "outcome": (("cycle", "ensemble"), chain.outcomes, {"comment": ", ".join(OUTCOMES)}),
            "source": (
                ("cycle", "ensemble"),
                chain.sources,
                {"comment": "ensemble that its path was in before exchanges"},
            ),
            "flux_frames": ("cycle", chain.flux_frames),
            "flux_counts": ("cycle", chain.flux_counts),
            "flux_unfinished": ("cycle", chain.flux_unfinished, {"comment": "paths left out"}),
        },
        attrs={"frame_fs": work.frame, "coordinate": work.reaction.formula, "ceiling": work.runner.ceiling},
    )
    write_dataset(content, out, title=f"interface sampling, chain {number}", source=work.source)


def interface_rate(settings: Settings, chains: Sequence[Path | str], out: Path | str) -> None:
    """The rate from all chains; where they are too short for one, why (``no_rate``), and other routes go their way."""
    given = StageSettings("interface_rate", settings)
    system = given.system
    runs, tables = [], [read_dataset(file) for file in chains]
    for table in tables:
        runs.append(
            InterfaceChain(
                table.highest.values,
                table.frames.values,
                table.outcome.values,
                table.source.values,
                table.flux_frames.values,
                table.flux_counts.values,
                table.flux_unfinished.values,
            )
        )
    first, reason, rate = tables[0], None, {}
    try:
        result = rate_of_chains(runs, first.interface.values.tolist(), first.attrs["frame_fs"] * 1e-3)
    except ValueError as error:
        reason = f"no rate through interfaces: {error}"
        log.warning(reason)
    else:
        rate = result.to_dict()
        log.info("%s to %s: %.3g /s", system.reactant, system.product, result.rate)
    write_json(
        {
            "from": system.reactant,
            "to": system.product,
            "temperature_K": given.config.temperature_K,
            "coordinate": first.attrs["coordinate"],
            "ceiling": first.attrs["ceiling"],
            "n_chains": len(runs),
            "rate": rate,
            "no_rate": reason,
        },
        out,
    )
