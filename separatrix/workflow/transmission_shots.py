"""Stage of the workflow that measures the transmission coefficient by shots off the dividing surface."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np

from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate import reaction_coordinate
from separatrix.core.errors import SamplingError
from separatrix.core.files import fingerprint, read_dataset, read_json, write_json
from separatrix.core.journal import Journal
from separatrix.core.seeds import stream
from separatrix.rates.transmission import Pair, transmission
from separatrix.sampling import rounds
from separatrix.workflow.engine_opening import Settings, open_engine

log = logging.getLogger(__name__)


def transmission_shots(
    settings: Settings,
    minimum_file: Path | str,
    saddle_file: Path | str,
    profile: Path | str,
    surface: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """Pairs of halves off the dividing surface, and the transmission coefficient."""
    from separatrix.dynamics.md_engine import run_half

    given = StageSettings("transmission", settings)
    system, method, engine = open_engine(given, minimum_file, saddle_file)
    data = read_dataset(surface)
    reaction = reaction_coordinate.from_dict(read_json(profile)["coordinate"])
    positions = data.positions.values
    frames = data.frame.values if "frame" in data else np.arange(len(positions))
    key = fingerprint(settings, positions, reaction.to_dict())
    ends = {system.reactant: 0, system.product: 1}
    failures = 0
    begin = time.monotonic()
    with Journal(Path(journal) / key) as record, rounds.stoppable(engine):
        record.about({"method": method.name, "pairs": len(positions)})
        done = record.read()
        before = len(done)
        for i in range(before, len(positions)):
            rng = stream(method.seed, method.name, "transmission", i)
            engine.potential.restart()
            velocities = engine.thermal_velocities(positions[i], rng)
            r_rate = reaction.evaluate(positions[i][None], velocities[None]).r_rate
            assert r_rate is not None  # there are velocities
            flow = float(r_rate[0])
            pair = [
                run_half(engine, engine.snapshot(positions[i], sign * velocities), system.basins, rng)
                for sign in ((1.0, -1.0) if flow >= 0.0 else (-1.0, 1.0))
            ]
            up, down = pair
            done.append(
                {
                    "flow": abs(flow),
                    "up": reaction.evaluate(up.positions).r,
                    "down": reaction.evaluate(down.positions).r,
                    "up_end": ends.get(up.end, -1),
                    "down_end": ends.get(down.end, -1),
                    "reason": "; ".join(h.reason for h in pair if h.reason),
                }
            )
            record.write(i, done[-1])
            pace = (time.monotonic() - begin) / (i + 1 - before)
            log.info(
                "pair %d/%d: up to %s, down to %s; %.0f s to go",
                i + 1,
                len(positions),
                up.end,
                down.end,
                pace * (len(positions) - i - 1),
            )
            failures = failures + 1 if "failed" in (up.end, down.end) else 0
            rounds.stop_after(failures, given.config.failures_in_a_row, done[-1]["reason"])
    pairs = [
        Pair(
            int(of), float(d["flow"]), np.asarray(d["up"]), np.asarray(d["down"]), int(d["up_end"]), int(d["down_end"])
        )
        for of, d in zip(frames, done, strict=True)
    ]
    try:
        result = transmission(pairs, method.dynamics.frame, rng=stream(method.seed, method.name, "kappa"))
    except ValueError as error:
        raise SamplingError(str(error)) from error
    log.info("transmission coefficient %.2f +- %.2f", result.kappa, result.error)
    write_json(result.to_dict(), out)
