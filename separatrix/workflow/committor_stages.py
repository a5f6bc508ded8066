"""Stages of the workflow that shoot committors: draws, shots, and what they say of the coordinate."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.sections.committor_keys import (
    CommittorShotsSettings,
    CommittorTestSettings,
    DrawSettings,
    RestrainedSettings,
    random_key,
)
from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System
from separatrix.coordinate import committor_model, reaction_coordinate
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.likelihood import committor_slope
from separatrix.coordinate.observations import from_table
from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.files import fingerprint, read_dataset, read_json, write_dataset, write_json
from separatrix.core.journal import Journal
from separatrix.core.plain import json_safe
from separatrix.core.seeds import stream
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.variable import Variable
from separatrix.dynamics import restraint
from separatrix.results.path_files import split_paths
from separatrix.results.stationary_files import read_stationary
from separatrix.sampling import committor as committors
from separatrix.sampling import draws
from separatrix.sampling import rounds as sampling
from separatrix.statistics import committor_statistics, no_basin, ranking
from separatrix.statistics.intervals import wilson_interval
from separatrix.statistics.ranking import Coordinates, best_of
from separatrix.workflow.coordinate_stages import has_both_outcomes
from separatrix.workflow.engine_opening import Settings, anchor, open_engine, open_method

log = logging.getLogger(__name__)


# --- pools to draw from -----------------------------------------------------------------------------------------------


def frames_of_paths(files: Sequence[Path | str]) -> draws.Pool:
    """The frames between the basins of all reactive paths of the ensemble, each with its path's multiplicity."""
    positions: list[np.ndarray] = []
    weight: list[int] = []
    group: list[int] = []
    chain: list[int] = []
    frame: list[int] = []
    for file in files:
        data = read_dataset(file)
        for i, (track, times) in enumerate(zip(split_paths(data), data.multiplicity.values, strict=True)):
            # The first and the last frame lie in basins, and the initial path was not drawn from the ensemble.
            if data.move.values[i] < 0 or times == 0:
                continue
            inner = track[0, 1:-1]
            positions.append(inner)
            group += [len(positions)] * len(inner)
            weight += [int(times)] * len(inner)
            chain += [int(data.chain.values[i])] * len(inner)
            frame += range(1, len(inner) + 1)
    if not positions:
        raise SamplingError("no path was accepted in any chain; run more shots per chain")
    return draws.Pool(
        np.concatenate(positions),
        np.array(weight, dtype=float),
        np.array(group),
        np.array(chain),
        np.array(frame),
        "paths",
    )


def shooting_points(files: Sequence[Path | str]) -> draws.Pool:
    """The points that all chains shot from after the burn-in, each once."""
    tables = [read_dataset(f) for f in files]
    sampled = [t.isel(shot=(t.is_shot.values == 1) & (t.burn_in.values == 0)) for t in tables]
    positions = np.concatenate([t.positions.values for t in sampled])
    if not len(positions):
        raise SamplingError("no shot was made in any chain; run more shots per chain")
    chain = np.concatenate([t.chain.values for t in sampled])
    move = np.concatenate([t.move.values for t in sampled])
    return draws.Pool(positions, np.ones(len(positions)), np.arange(len(positions)), chain, move, "shooting points")


def restrained_frames(file: Path | str) -> draws.Pool:
    """The ensemble that :func:`restrained_ensemble` has written."""
    data = read_dataset(file)
    walker = data.walker.values
    return draws.Pool(
        data.positions.values, data.weight.values, walker, walker, data.frame.values.astype(int), "restrained"
    )


# --- the coordinate and its rivals ------------------------------------------------------------------------------------


#: Variables that stand for a coordinate which is not smooth itself.
_SMOOTH = {"dihedral": ("cos_dihedral", "sin_dihedral")}


def baseline_variables(system: System, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Variables of the coordinate that a chemist would take unasked: the one that tells the basins apart.

    Parameters
    ----------
    system
        The system.
    wanted
        Names of candidates; empty: those that hold the atoms of the first coordinate that both basins name, alone.

    Returns
    -------
    Names; empty where no candidate is of these atoms.
    """
    if wanted:
        return tuple(wanted)
    first, second = ({i.coordinate for i in basin.bounded} for basin in system.basins)
    for interval in system.basins[0].bounded:
        shared = interval.coordinate
        if shared in first & second:
            alike = {shared.function, *(replace(shared, kind=kind).function for kind in _SMOOTH.get(shared.kind, ()))}
            names = tuple(v.name for v in system.variables if v.function in alike)
            if names:
                return names
    return ()


def _baseline_fit(given: StageSettings, variables: Sequence[str], table: Path | str) -> Coordinate | None:
    """The baseline coordinate, of these variables or those that tell the basins apart; None if it cannot be fitted."""
    names, rules = baseline_variables(given.system, variables), given.config.coordinate
    data = read_dataset(table)
    if not names or not has_both_outcomes(rules, data):
        return None
    seen = from_table(data, Path(table), halves=rules.observations)
    q = seen.values[:, [seen.names.index(n) for n in names]]
    try:
        return committor_model.fit(q, seen.outcome, names, model=rules.model, dependence=seen.dependence())
    except ValueError as error:
        log.info("the baseline coordinate cannot be fitted: %s", error)
        return None


def _values(system: System, names: Sequence[str], positions: np.ndarray) -> np.ndarray:
    by_name: dict[str, Variable] = {v.name: v for v in system.variables}
    return evaluate([by_name[n] for n in names], positions)[0]


# --- draws ------------------------------------------------------------------------------------------------------------


def draw_configurations(
    settings: Settings,
    paths: Sequence[Path | str],
    fit: Path | str,
    table: Path | str,
    out: Path | str,
    *,
    shots: Sequence[Path | str] = (),
    restrained: Path | str = "",
) -> None:
    """Draw the configurations of one set of committor shots.

    Parameters
    ----------
    settings
        Of the stage; `draw` names the set.
    paths, shots, restrained
        Files of the pools; of the last two only what `committor.source` names.
    fit, table
        The coordinate, and the variables that it and the baseline were fitted to.
    """
    given = StageSettings("draw", settings)
    system, method, name = given.system, given.method, given.draw
    rules = given.committor(DrawSettings)
    fitted = Coordinate.from_dict(read_json(fit)["coordinate"])
    model = fitted if name != "baseline" else _baseline_fit(given, rules.baseline or (), table)
    if model is None:
        raise SamplingError("the baseline coordinate cannot be fitted; set committor.baseline.configurations to 0")
    if rules.source == "restrained":
        pool = restrained_frames(restrained)
    elif rules.source == "shooting points":
        pool = shooting_points(shots)
    else:
        pool = frames_of_paths(paths)
    q = _values(system, model.names, pool.positions)
    r, error = model.r(q), model.r_error(q)
    rng = stream(method.seed, method.name, "committor", random_key(name))
    if rules.tolerance is not None:
        chosen = draws.on_separatrix(pool, r, error, n=rules.n, tolerance=rules.tolerance, rng=rng)
    elif name == "calibration":
        chosen = draws.spread(pool, model.committor(q), n=rules.n, rng=rng)
    elif rules.map is not None and rules.bins is not None:
        chosen = draws.grid(pool, _values(system, rules.map, pool.positions), rules.map, bins=rules.bins, rng=rng)
    else:
        chosen = draws.along_path(pool, n=rules.n, rng=rng)
    log.info("%s: %s", name, chosen.how)
    index = chosen.index
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(system.molecule.symbols, dtype=object)),
            "positions": (("configuration", "atom", "xyz"), pool.positions[index], {"units": "nm"}),
            "r": ("configuration", r[index], {"comment": "predicted reaction coordinate"}),
            "r_error": ("configuration", error[index], {"comment": "its standard error, from the fit"}),
            "committor": ("configuration", model.committor(q[index]), {"comment": "predicted"}),
            "within_tolerance": ("configuration", chosen.within.astype("i1")),
            "chain": ("configuration", pool.chain[index], {"comment": "or walker"}),
            "path": ("configuration", pool.group[index], {"comment": "path, shooting point or walker"}),
            "frame": ("configuration", pool.frame[index]),
        },
        attrs={"how": chosen.how, "draw": name, "coordinate": ", ".join(model.names)},
    )
    write_dataset(data, out, title=f"configurations for committor shots: {name}", source=_source(fit))


def _source(fit: Path | str) -> str:
    return str(read_json(fit)["source"])


def restrained_ensemble(
    settings: Settings,
    minimum_file: Path | str,
    saddle_file: Path | str,
    paths: Sequence[Path | str],
    fit: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """Equilibrium ensemble near r = 0: Langevin dynamics under a spring on r, and weights that take the spring away."""
    given = StageSettings("restrained", settings)
    system, method, potential = open_method(given)
    anchor(potential, [read_stationary(minimum_file), read_stationary(saddle_file)])
    asked, dynamics = given.committor(RestrainedSettings), method.dynamics
    rules = asked.restraint
    reaction = reaction_coordinate.from_results(read_json(fit))
    tolerance = asked.tolerance
    stiffness = restraint.stiffness_for(tolerance, dynamics.temperature)
    spring = restraint.HarmonicRestraint(
        potential,
        reaction,
        time_step=dynamics.time_step,
        friction=rules.friction_per_ps,
        temperature=dynamics.temperature,
    )
    pool = frames_of_paths(paths)
    r = reaction.evaluate(pool.positions).r
    start = draws.on_separatrix(
        pool,
        r,
        np.zeros_like(r),
        n=rules.walkers,
        tolerance=tolerance,
        rng=stream(method.seed, method.name, "restrained", "start"),
    )
    every = max(1, round(rules.frame_fs / dynamics.time_step))
    steps = round((rules.equilibration_fs + rules.length_fs) / dynamics.time_step)
    left_out = round(rules.equilibration_fs / dynamics.time_step) // every
    key = fingerprint(settings, pool.positions[start.index])
    runs: list[Mapping[str, Any]] = []
    with Journal(Path(journal) / key) as record:
        record.about({"method": method.name, "walkers": rules.walkers})
        runs += record.read()
        for walker in range(len(runs), rules.walkers):
            frames, reason = [], ""
            begin = time.monotonic()
            try:
                for frame in spring.run(
                    pool.positions[start.index[walker]],
                    centre=0.0,
                    stiffness=stiffness,
                    steps=steps,
                    every=every,
                    rng=stream(method.seed, method.name, "restrained", walker),
                ):
                    frames.append(frame)
            except PotentialError as error:
                reason = str(error)
            equilibrated = frames[left_out:]
            shape = (0, len(system.molecule.symbols), 3)
            run = {
                "positions": np.array([f.positions for f in equilibrated]) if equilibrated else np.empty(shape),
                "r": np.array([f.r for f in equilibrated]),
                "reason": reason,
            }
            record.write(walker, run)
            runs.append(run)
            log.info(
                "walker %d/%d: %d frames in %.0f s%s",
                walker + 1,
                rules.walkers,
                len(equilibrated),
                time.monotonic() - begin,
                f"; stopped: {reason}" if reason else "",
            )
    values = np.concatenate([run["r"] for run in runs])
    if not len(values):
        raise SamplingError(f"no walker could be held at the separatrix: {runs[0]['reason']}")
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(system.molecule.symbols, dtype=object)),
            "positions": (
                ("configuration", "atom", "xyz"),
                np.concatenate([run["positions"] for run in runs]),
                {"units": "nm"},
            ),
            "r": ("configuration", values),
            "weight": (
                "configuration",
                restraint.unbiased_weight(values, 0.0, stiffness, dynamics.temperature),
                {"comment": "takes the spring away"},
            ),
            "walker": ("configuration", np.repeat(np.arange(len(runs)) + 1, [len(run["r"]) for run in runs])),
            "frame": ("configuration", np.concatenate([np.arange(len(run["r"])) for run in runs])),
        },
        attrs={"stiffness_kJ_mol": stiffness, "friction_per_ps": rules.friction_per_ps},
    )
    write_dataset(data, out, title="ensemble held at r = 0", source=potential.description)


# --- shots ------------------------------------------------------------------------------------------------------------


def committor_shots(
    settings: Settings,
    batch: int,
    minimum_file: Path | str,
    saddle_file: Path | str,
    configurations: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """Committor shots from one batch of configurations, going on from the journal where there is one."""
    given = StageSettings("committor_shots", settings)
    system, method, engine = open_engine(given, minimum_file, saddle_file)
    rules, draw = given.committor(CommittorShotsSettings), given.draw
    data = read_dataset(configurations)
    positions = data.positions.values
    in_batch = [int(c) for c in np.array_split(np.arange(len(positions)), rules.batches)[batch]]
    adaptive = committors.Adaptive(**dict(rules.adaptive)) if rules.adaptive else None
    planned = len(in_batch) * rules.shots
    key = fingerprint(
        {**settings, "committor": None, "failures_in_a_row": None}, batch, in_batch, positions, rules.shots
    )
    agenda = committors.agenda(in_batch, rules.shots, (system.reactant, system.product), adaptive)
    start = time.monotonic()
    failures = 0
    done: list[dict[str, Any]] = []
    with Journal(Path(journal) / key) as record, sampling.stoppable(engine):
        record.about({"method": method.name, "batch": batch, "shots": planned})
        recorded = record.read()
        task = next(agenda, None)
        while task is not None:
            configuration, number = task
            i = len(done)
            if i < len(recorded):
                shot = recorded[i]
            else:
                shot = asdict(
                    committors.shoot(
                        engine,
                        system.basins,
                        positions[configuration],
                        place=(method.seed, (method.name, "committor", random_key(draw), configuration, number)),
                    )
                )
                record.write(i, shot)
                pace = (time.monotonic() - start) / (i + 1 - len(recorded))
                log.info(
                    "shot %d/%d: configuration %d to %s after %.0f fs; %.0f s to go%s",
                    i + 1,
                    max(planned, i + 1),
                    configuration,
                    shot["end"],
                    (shot["frames"] - 1) * method.dynamics.frame,
                    pace * max(planned - i - 1, 0),
                    f"; {shot['reason']}" if shot["reason"] else "",
                )
            done.append({**shot, "configuration": configuration, "number": number})
            failures = failures + 1 if shot["end"] == "failed" else 0
            if i >= len(recorded):
                sampling.stop_after(failures, given.config.failures_in_a_row, shot["reason"])
            try:
                task = agenda.send(str(shot["end"]))
            except StopIteration:
                task = None

    def column(name: str, kind: type) -> np.ndarray:
        return np.array([kind(d[name]) for d in done], dtype=object if kind is str else kind)

    table = xr.Dataset(
        {
            "configuration": ("shot", column("configuration", int)),
            "number": ("shot", column("number", int)),
            "end": ("shot", column("end", str), {"comment": "basin, none or failed"}),
            "reason": ("shot", column("reason", str)),
            "frames": ("shot", column("frames", int)),
            "evaluations": ("shot", column("evaluations", int)),
            "steps": ("shot", column("steps", int)),
        },
        attrs={"frame_fs": method.dynamics.frame, "draw": draw},
    )
    write_dataset(table, out, title=f"committor shots: {draw}, batch {batch}", source=engine.potential.description)


# --- analysis ---------------------------------------------------------------------------------------------------------


def committor_analysis(
    settings: Settings,
    configurations: Sequence[Path | str],
    shots: Sequence[Path | str],
    fit: Path | str,
    table: Path | str,
    out: Path | str,
) -> None:
    """What the committor shots say: distribution on the separatrix, calibration, and a ranking of coordinates."""
    given = StageSettings("committor", settings)
    system, method, rules = given.system, given.method, given.committor(CommittorTestSettings)
    chosen = {str(data.attrs["draw"]): data for data in map(read_dataset, configurations)}
    made: dict[str, list[xr.Dataset]] = {name: [] for name in chosen}
    for file in shots:
        data = read_dataset(file)
        made[str(data.attrs["draw"])].append(data)
    tables = {name: xr.concat(parts, dim="shot") for name, parts in made.items()}
    content = read_json(fit)
    fitted = Coordinate.from_dict(content["coordinate"])
    record = {
        name: _of_draw(system, fitted, data, tables[name], rules.map if name == "map" else ())
        for name, data in chosen.items()
    }
    whole: dict[str, Any] = {
        "method": method.name,
        "product": system.product,
        "model": fitted.model,
        "coordinate": list(fitted.names),
        "draws": record,
        "steps": int(sum(t.steps.sum() for t in tables.values())),
        "evaluations": int(sum(t.evaluations.sum() for t in tables.values())),
        "reasons": dict(Counter(str(x) for t in tables.values() for x in t.reason.values if x)),
    }
    for name in ("separatrix", "baseline"):
        if name in chosen:
            fixed = rules.shots[name]
            record[name]["distribution"] = _distribution(system, method, chosen[name], tables[name], fixed, name)
            log.info("%s: %s", name, record[name]["distribution"]["verdict"])
    record["separatrix"]["expected_spread"] = _expected_spread(fitted, record["separatrix"]["configurations"])
    # The found coordinate is judged by every shot there is; none of them was used to fit it.
    entries = [c for draw in record.values() for c in draw["configurations"]]
    k = np.array([c["to_product"] for c in entries])
    n = k + np.array([c["to_reactant"] for c in entries])
    if n.sum():
        astray = np.array([c["no_basin"] for c in entries])
        calibration = ranking.calibrate(k, n, np.array([c["predicted"] for c in entries]), astray)
        log.info("calibration: %s", calibration.verdict)
        positions = np.concatenate([data.positions.values for data in chosen.values()])
        whole["calibration"] = calibration.to_dict()
        whole["ranking"] = _ranking(given, rules.baseline, content, fitted, table, k, n, positions)
        separatrix = record["separatrix"]
        low, high = (_number(value) for value in separatrix["distribution"]["intrinsic_sd_interval"])
        whole["explanation"] = ranking.explain(
            _number(separatrix["distribution"]["intrinsic_sd"]),
            (low, high),
            separatrix["expected_spread"]["both"],
            whole["ranking"],
        )
        for sentence in whole["explanation"]:
            log.info("%s", sentence)
    write_json(json_safe(whole), out)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _of_draw(
    system: System, fitted: Coordinate, chosen: xr.Dataset, table: xr.Dataset, pair: Sequence[str]
) -> dict[str, Any]:
    m = chosen.sizes["configuration"]
    columns = {name: table[name].values for name in ("configuration", "number", "end")}
    ended = committors.counts(columns, m, system.reactant, system.product)
    # Lower and upper end had the shots that reached no basin all gone to the reactant, and all to the product.
    k, n = ended["to_product"], ended["to_product"] + ended["to_reactant"] + ended["no_basin"]
    low = wilson_interval(k, n)[0]
    high = wilson_interval(k + ended["no_basin"], n)[1]
    # Of the found coordinate, whichever one the draw was made by.
    q = _values(system, fitted.names, chosen.positions.values)
    predicted, r, error = fitted.committor(q), fitted.r(q), fitted.r_error(q)
    of_map = _values(system, pair, chosen.positions.values) if pair else None
    return {
        "how": str(chosen.attrs["how"]),
        "coordinate": str(chosen.attrs["coordinate"]),
        "map": list(pair),
        "configurations": [
            {
                "r": float(r[i]),
                "r_error": float(error[i]),
                "predicted": float(predicted[i]),
                **{name: int(counted[i]) for name, counted in ended.items()},
                "low": float(low[i]),
                "high": float(high[i]),
                "chain": int(chosen.chain.values[i]),
                "frame": int(chosen.frame.values[i]),
                **({} if of_map is None else {"at": of_map[i].tolist()}),
            }
            for i in range(m)
        ],
    }


def _distribution(
    system: System, method: Any, chosen: xr.Dataset, table: xr.Dataset, fixed: int, name: str
) -> dict[str, Any]:
    columns = {c: table[c].values for c in ("configuration", "number", "end")}
    ended = committors.counts(columns, chosen.sizes["configuration"], system.reactant, system.product, fixed)
    lost = no_basin.lost_halves(*(int(ended[end].sum()) for end in ("to_reactant", "to_product", "no_basin")))
    if not ended["to_product"].sum() + ended["to_reactant"].sum():
        why = lost.sentence("committor shots", method.dynamics.longest_half) if lost.lost else "all shots failed"
        raise SamplingError(f"committor shots ({name}): none reached a basin of the reaction; {why}")
    return committor_statistics.analyse(
        ended["to_product"],
        ended["to_product"] + ended["to_reactant"],
        n_uncommitted=ended["no_basin"],
        n_elsewhere=int(ended["elsewhere"].sum()),
        n_failed=int(ended["failed"].sum()),
        rng=stream(method.seed, method.name, "committor distribution", random_key(name)),
    ).to_dict()


def _expected_spread(coordinate: Coordinate, entries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Spread of the committor that the draw's width and the errors of the coefficients account for by themselves."""
    p = np.array([c["predicted"] for c in entries])
    error = np.array([c["r_error"] for c in entries])
    slope = committor_slope(np.array([c["r"] for c in entries]), coordinate.model)
    window = float(p.std(ddof=1)) if len(p) > 1 else 0.0
    fitted = float(np.sqrt(np.mean((slope * error) ** 2)))
    return {"window": window, "coefficients": fitted, "both": float(np.hypot(window, fitted))}


def _ranking(
    given: StageSettings,
    baseline: Sequence[str],
    content: Mapping[str, Any],
    fitted: Coordinate,
    table: Path | str,
    k: np.ndarray,
    n: np.ndarray,
    positions: np.ndarray,
) -> list[dict[str, Any]]:
    """The found coordinate beside the best ones of each size, the baseline, and none at all."""
    rivals: dict[str, Coordinate] = {Coordinates.FITTED: fitted}
    for size, data in content["per_size"].items():
        rival = Coordinate.from_dict(data)
        if rival.names != fitted.names:
            rivals[best_of(int(size))] = rival
    baseline_coordinate = _baseline_fit(given, baseline, table)
    if baseline_coordinate is not None and baseline_coordinate.names not in [c.names for c in rivals.values()]:
        rivals[Coordinates.BASELINE] = baseline_coordinate
    predictions = {role: c.committor(_values(given.system, c.names, positions)) for role, c in rivals.items()}
    predictions[Coordinates.CONSTANT] = np.full(len(positions), fitted.n_success / fitted.n_observations)
    rng = stream(given.config.seed, given.method.name, "ranking")
    return [
        rank.to_dict() | {"variables": list(rivals[rank.name].names) if rank.name in rivals else []}
        for rank in ranking.rank(k, n, predictions, Coordinates.FITTED, rng=rng)
    ]
