"""The stages of the workflow: each reads files, calls the library, and writes files. One function per rule."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import xarray as xr

from . import committor as committors
from . import committor_statistics, coordinate, potentials, stationary, store, variables
from .config import Method, System, from_settings
from .dynamics import Engine
from .errors import PotentialError, SamplingError, StationaryError
from .health import check_method
from .molecule import read_geometry
from .potentials import Potential
from .seeds import stream
from .shooting import Chain, Move, first_path
from .units import ANGSTROM, KCAL

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]


def _open(settings: Settings) -> tuple[System, Method, Potential]:
    system, method = from_settings(settings)
    potential = potentials.build(method.potential, system.molecule, method.options)
    log.info("%s: %s", method.label, potential.description)
    return system, method, potential


def _anchor(potential: Potential, points: Sequence[stationary.StationaryPoint]) -> None:
    """Walk the engine through known stationary points and make the last one the start of every shot.

    Raises
    ------
    PotentialError
        When an energy differs from the recorded one: the field has converged to another state.
    """
    for point in points:
        potential.remember(point.positions)
        energy, _ = potential.energy_and_gradient(point.positions)
        if abs(energy - point.energy) > 0.5:
            raise PotentialError(
                f"energy of {point.name} is {energy - point.energy:+.2f} kJ/mol off the recorded one: the "
                "self-consistent field has converged to another state"
            )
    potential.restart()


def _engine(settings: Settings, minimum: Path | str, saddle: Path | str) -> tuple[System, Method, Engine]:
    system, method, potential = _open(settings)
    _anchor(potential, [store.read_stationary(minimum), store.read_stationary(saddle)])
    return system, method, Engine(system.molecule, potential, method.dynamics)


def check(settings: Settings, out: Path | str) -> None:
    """Measure a method's engine.

    Raises
    ------
    PotentialError
        When it cannot be used, or is off the tolerance that it declares.
    """
    system, method = from_settings(settings)
    health = check_method(system, method)
    log.info("%s", health)
    if not health.usable:
        raise PotentialError(health.reason or "the engine is off its declared tolerance")
    store.write_json(health.to_dict(), out)


# --- stationary points ------------------------------------------------------------------------------------------


def minimum(settings: Settings, basin: str, out: Path | str, xyz: Path | str) -> None:
    """Lowest minimum found in a basin."""
    system, method, potential = _open(settings)
    rules = settings["stationary"]
    _, start = read_geometry(system.geometries[basin])
    point = stationary.find_minimum(
        system.molecule,
        potential,
        start,
        system.basin(basin),
        system.basins,
        fmax=rules["largest_force_kcal_mol_A"],
        quenches=rules["quenches"],
        temperature=rules["quench_temperature_K"],
        rng=stream(method.seed, method.name, "quench", basin),
    )
    _write_point(point, system, potential, out, xyz)


def saddle(settings: Settings, minima: Mapping[str, Path | str], out: Path | str, xyz: Path | str) -> None:
    """First verified saddle of the guesses, in the config's order, named by its geometry.

    Raises
    ------
    StationaryError
        When no guess leads to a saddle between the reactant and the product.
    """
    system, _, potential = _open(settings)
    points = {name: store.read_stationary(path) for name, path in minima.items()}
    failures = []
    for guess in system.saddle_guesses:
        log.info("saddle guess: %s, from %s", guess.name, guess.start)
        start = points[guess.start]
        _anchor(potential, [start])
        try:
            point = stationary.find_saddle(
                system.molecule,
                potential,
                start.positions,
                guess.biases,
                system.basins,
                name=guess.name,
                fmax=settings["stationary"]["largest_force_kcal_mol_A"],
            )
        except (StationaryError, PotentialError) as error:
            log.info("  %s", error)
            failures.append(f"{guess.name}: {error}")
            continue
        if set(point.joins) != {system.reactant, system.product}:
            failures.append(f"{guess.name}: joins {' and '.join(point.joins)}")
            continue
        # A search may slide from the guess to another saddle; the name says what was found.
        name = system.mechanism.at(point.positions)
        log.info("  found: %s, %.0fi cm^-1", name, -point.wavenumbers[0])
        _write_point(stationary.replace(point, name=name), system, potential, out, xyz)
        return
    raise StationaryError("no saddle found; " + "; ".join(failures))


def _write_point(
    point: stationary.StationaryPoint, system: System, potential: Potential, out: Path | str, xyz: Path | str
) -> None:
    symbols = system.molecule.symbols
    store.write_stationary(point, symbols, out, source=potential.description)
    atoms = ase.Atoms(symbols, point.positions / ANGSTROM)
    with store.replacing(xyz) as temporary:
        comment = f"{point.name} {point.energy / KCAL:.4f} kcal/mol {potential.description}"
        ase.io.write(temporary, atoms, format="xyz", comment=comment)


# --- sampling ---------------------------------------------------------------------------------------------------


def find_first_path(
    settings: Settings, chain: int, minimum_file: Path | str, saddle_file: Path | str, out: Path | str
) -> None:
    """First reactive path of a chain."""
    system, method, engine = _engine(settings, minimum_file, saddle_file)
    start = store.read_stationary(saddle_file).positions
    path, label, attempts = first_path(
        engine,
        system.basins,
        start,
        place=(method.seed, (method.name, "first path", chain)),
        attempts=settings["sampling"]["first_path_attempts"],
    )
    mechanism, _ = system.mechanism.classify(path[0])
    log.info(
        "reactive path after %d attempts: %s, %.0f fs",
        attempts,
        mechanism,
        (path.shape[1] - 1) * method.dynamics.frame,
    )
    store.write_paths(
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
    )


def sample(
    settings: Settings,
    chain: int,
    minimum_file: Path | str,
    saddle_file: Path | str,
    first_file: Path | str,
    journal: Path | str,
    shots_out: Path | str,
    paths_out: Path | str,
) -> None:
    """Run an aimless-shooting chain until it has its shots, going on from its journal where there is one."""
    system, method, engine = _engine(settings, minimum_file, saddle_file)
    first = store.read_dataset(first_file)
    path, label = store.split_paths(first)[0], int(first.label[0])
    place = (method.seed, (method.name, "chain", chain))
    runner = Chain(
        engine,
        system.basins,
        system.mechanism,
        path,
        label,
        shift=method.shift,
        place=place,
    )
    wanted = settings["sampling"]["shots_per_chain"]
    # The number of shots is no part of what a record is valid for: asking for more goes on from what is there.
    key = store.fingerprint({**settings, "sampling": None, "failures_in_a_row": None}, chain, path, label)
    with store.Journal(Path(journal) / key) as record:
        moves = [store.move_from_record(r) for r in record.read()]
        moves = moves[: _index_of_shot(moves, wanted)]
        for move in moves:
            runner.replay(move)
        if moves:
            log.info("%d moves are on record; going on from there", len(moves))
        done = before = sum(m.is_shot for m in moves)
        start = time.monotonic()
        idle = failures = 0
        while done < wanted:
            move = runner.move(len(moves))
            moves.append(move)
            record.write(move.index, store.move_record(move))
            idle = 0 if move.is_shot else idle + 1
            if idle > 1000:
                raise SamplingError("1000 moves in a row chose a frame off the path; give a smaller shift_fs")
            if move.is_shot:
                done += 1
                failures = failures + 1 if move.outcome == "failed" else 0
                _log_shot(move, moves, done, wanted, (time.monotonic() - start) / (done - before), method)
                _stop_after(failures, settings, move.reason)
        source, symbols = engine.potential.description, system.molecule.symbols
        store.write_shots(
            moves, symbols, shots_out, chain=chain, frame=method.dynamics.frame, source=source, place=place
        )
        _write_chain_paths(moves, path, label, first, system, method, chain, paths_out, source)


def _stop_after(failures: int, settings: Settings, reason: str) -> None:
    """Stop a job whose shots fail one after the other.

    Raises
    ------
    SamplingError
        When as many have failed in a row as the config allows.
    """
    if failures >= settings["failures_in_a_row"]:
        raise SamplingError(
            f"{failures} shots in a row failed, the last because: {reason}; the shots done so far are on record, and "
            "the same command goes on from there"
        )


def _index_of_shot(moves: Sequence[Move], wanted: int) -> int:
    """Number of moves up to and including shot number `wanted`."""
    shots = np.cumsum([m.is_shot for m in moves])
    return int(np.searchsorted(shots, wanted) + 1) if len(moves) else 0


def _log_shot(move: Move, moves: Sequence[Move], done: int, wanted: int, pace: float, method: Method) -> None:
    accepted = sum(m.accepted for m in moves)
    length = (move.forward_frames + move.backward_frames - 2) * method.dynamics.frame
    log.info(
        "shot %d/%d: %s-%s, %.0f fs, %s; acceptance %.2f; %.2f s per shot, %.0f s to go%s",
        done,
        wanted,
        move.backward,
        move.forward,
        length,
        move.outcome,
        accepted / done,
        pace,
        pace * (wanted - done),
        f"; {move.reason}" if move.reason else "",
    )


def _write_chain_paths(
    moves: Sequence[Move],
    path: np.ndarray,
    label: int,
    first: xr.Dataset,
    system: System,
    method: Method,
    chain: int,
    out: Path | str,
    source: str,
) -> None:
    accepted = [m for m in moves if m.accepted]
    # A path counts once for each move after which it was the present one, its own acceptance included.
    starts = [0, *(m.index for m in accepted)]
    stops = [*starts[1:], len(moves)]
    store.write_paths(
        [path, *(m.path for m in accepted)],
        system.molecule.symbols,
        out,
        moves=[-1, *(m.index for m in accepted)],
        labels=[label, *(m.label for m in accepted)],
        multiplicity=[b - a for a, b in zip(starts, stops, strict=True)],
        mechanisms=[str(first.mechanism.values[0]), *(m.mechanism for m in accepted)],
        chain=chain,
        frame=method.dynamics.frame,
        source=source,
    )


# --- variables and coordinate -----------------------------------------------------------------------------------


def variable_table(settings: Settings, shots: Sequence[Path | str], out: Path | str) -> None:
    """Values and rates of all candidate variables at every shooting point that was shot from."""
    system, _ = from_settings(settings)
    tables = [store.read_dataset(f) for f in shots]
    rows = xr.concat(
        [
            t[["chain", "move", "forward", "backward", "outcome", "positions", "velocities"]].isel(
                shot=t.is_shot.values == 1
            )
            for t in tables
        ],
        dim="shot",
    )
    values, rates = variables.evaluate(system.variables, rows.positions.values, rows.velocities.values)
    log.info("%d variables at %d shooting points", values.shape[1], values.shape[0])
    data = xr.Dataset(
        {
            "variable": ("variable", np.array([v.name for v in system.variables], dtype=object)),
            "unit": ("variable", np.array([v.unit for v in system.variables], dtype=object)),
            "value": (("shot", "variable"), values, {"comment": "in the variable's unit"}),
            "rate": (
                ("shot", "variable"),
                rates,
                {"comment": "time derivative, in the variable's unit per ps"},
            ),
            "chain": ("shot", rows.chain.values),
            "move": ("shot", rows.move.values),
            "forward": ("shot", rows.forward.values, {"comment": "basin reached by the forward half"}),
            "backward": ("shot", rows.backward.values, {"comment": "basin reached by the backward half"}),
            "outcome": ("shot", rows.outcome.values),
        },
        attrs={"reactant": system.reactant, "product": system.product},
    )
    store.write_dataset(data, out, title="variables at shooting points", source=tables[0].attrs["source"])


def reaction_coordinate(settings: Settings, table: Path | str, out: Path | str) -> None:
    """Likelihood-maximised reaction coordinate, with its rivals and its uncertainty."""
    rules = settings["coordinate"]
    data = store.read_dataset(table)
    product, reactant = data.attrs["product"], data.attrs["reactant"]
    row, outcome, left_out = store.committor_observations(data, rules["observations"])
    names = [str(v) for v in data.variable.values]
    q, groups = data.value.values[row], data.chain.values[row]
    log.info("%d observations, %d of them to %s; %d left out", len(row), outcome.sum(), product, left_out)
    if len(set(outcome.tolist())) < 2:
        raise SamplingError("all halves reached the same basin; run more shots per chain")
    try:
        selection = coordinate.select(
            q, outcome, names, groups=groups, max_variables=rules["max_variables"], model=rules["model"]
        )
        frequency = None
        if rules["bootstrap"]:
            rng = stream(settings["seed"], settings["name"], "bootstrap")
            frequency = coordinate.bootstrap_selection(
                q,
                outcome,
                names,
                rng,
                groups=groups,
                max_variables=rules["max_variables"],
                n_boot=rules["bootstrap"],
                include=selection.best.names,
                model=rules["model"],
            )
        held_out = None
        if len(np.unique(groups)) > 1:
            held_out = coordinate.held_out_log_likelihood(
                q[:, [names.index(n) for n in selection.best.names]],
                outcome,
                selection.best.names,
                groups,
                model=rules["model"],
            )
    except ValueError as error:
        raise SamplingError(f"the coordinate cannot be fitted: {error}") from error
    best = selection.best
    log.info(
        "r = %.3f %s",
        best.intercept,
        " ".join(f"{c:+.4g} {n}" for c, n in zip(best.coefficients, best.names, strict=True)),
    )
    units = dict(zip(names, (str(u) for u in data.unit.values), strict=True))
    store.write_json(
        committor_statistics.json_safe(
            {
                "method": settings["name"],
                "source": data.attrs["source"],
                "reactant": reactant,
                "product": product,
                "observations": rules["observations"],
                "n_left_out": left_out,
                "coordinate": best.to_dict(),
                "units": {n: units[n] for n in best.names},
                "beats_null": selection.best_beats_null,
                "null_log_likelihood": selection.null_log_likelihood,
                "criterion": selection.criterion,
                "cost": {str(k): v for k, v in selection.cost.items()},
                "per_size": {str(k): c.to_dict() for k, c in selection.per_size.items()},
                "top": {
                    str(k): [
                        {"names": list(s.names), "log_likelihood": s.log_likelihood, "separable": s.separable}
                        for s in subsets
                    ]
                    for k, subsets in selection.top.items()
                },
                "search": selection.search,
                "bootstrap": None if frequency is None else _as_dict(frequency),
                "held_out": None if held_out is None else _as_dict(held_out),
            }
        ),
        out,
    )


def _as_dict(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


# --- committor --------------------------------------------------------------------------------------------------


def separatrix(settings: Settings, paths: Sequence[Path | str], fit: Path | str, out: Path | str) -> None:
    """Configurations on the predicted separatrix, from the frames of all reactive paths."""
    system, method = from_settings(settings)
    rules = settings["committor"]
    model = coordinate.Coordinate.from_dict(store.read_json(fit)["coordinate"])
    chosen = [v for name in model.names for v in system.variables if v.name == name]
    positions, path, weight, chain, frame = [], [], [], [], []
    source = ""
    for file in paths:
        data = store.read_dataset(file)
        source = data.attrs["source"]
        for i, (track, times) in enumerate(zip(store.split_paths(data), data.multiplicity.values, strict=True)):
            # The first and the last frame lie in basins, and the initial path was not drawn from the ensemble.
            if data.move.values[i] < 0 or times == 0:
                continue
            inner = track[0, 1:-1]
            positions.append(inner)
            path += [len(positions)] * len(inner)
            weight += [int(times)] * len(inner)
            chain += [int(data.chain.values[i])] * len(inner)
            frame += range(1, len(inner) + 1)
    if not positions:
        raise SamplingError("no path was accepted in any chain; run more shots per chain")
    pool = np.concatenate(positions)
    values, _ = variables.evaluate(chosen, pool)
    r = model.r(values)
    choice = committors.choose(
        r,
        np.array(path),
        np.array(weight),
        n=rules["configurations"],
        tolerance=rules["tolerance"],
        rng=stream(method.seed, method.name, "separatrix"),
    )
    log.info("%s", choice.how)
    index = choice.index
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(system.molecule.symbols, dtype=object)),
            "positions": (("configuration", "atom", "xyz"), pool[index], {"units": "nm"}),
            "r": ("configuration", r[index], {"comment": "predicted reaction coordinate"}),
            "within_tolerance": ("configuration", choice.within.astype("i1")),
            "chain": ("configuration", np.array(chain)[index]),
            "path": ("configuration", np.array(path)[index]),
            "frame": ("configuration", np.array(frame)[index]),
        },
        attrs={"how": choice.how},
    )
    store.write_dataset(data, out, title="configurations on the predicted separatrix", source=source)


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
    system, method, engine = _engine(settings, minimum_file, saddle_file)
    rules = settings["committor"]
    data = store.read_dataset(configurations)
    mine = np.array_split(np.arange(data.sizes["configuration"]), rules["batches"])[batch]
    todo = [(int(c), s) for c in mine for s in range(rules["shots_per_configuration"])]
    positions = data.positions.values
    key = store.fingerprint({**settings, "committor": None, "failures_in_a_row": None}, batch, todo, positions)
    start = time.monotonic()
    failures = 0
    with store.Journal(Path(journal) / key) as record:
        done = record.read()
        before = len(done)
        for i in range(before, len(todo)):
            configuration, number = todo[i]
            shot = committors.shoot(
                engine,
                system.basins,
                positions[configuration],
                place=(method.seed, (method.name, "committor", configuration, number)),
            )
            record.write(i, _as_dict(shot))
            done.append(_as_dict(shot))
            pace = (time.monotonic() - start) / (i + 1 - before)
            log.info(
                "shot %d/%d: configuration %d to %s after %.0f fs; %.0f s to go%s",
                i + 1,
                len(todo),
                configuration,
                shot.end,
                (shot.frames - 1) * method.dynamics.frame,
                pace * (len(todo) - i - 1),
                f"; {shot.reason}" if shot.reason else "",
            )
            failures = failures + 1 if shot.end == "failed" else 0
            _stop_after(failures, settings, shot.reason)
    table = xr.Dataset(
        {
            "configuration": ("shot", np.array([c for c, _ in todo])),
            "number": ("shot", np.array([s for _, s in todo])),
            "end": (
                "shot",
                np.array([str(d["end"]) for d in done], dtype=object),
                {"comment": "basin, none or failed"},
            ),
            "reason": ("shot", np.array([str(d["reason"]) for d in done], dtype=object)),
            "frames": ("shot", np.array([int(d["frames"]) for d in done])),
            "evaluations": ("shot", np.array([int(d["evaluations"]) for d in done])),
            "steps": ("shot", np.array([int(d["steps"]) for d in done])),
        },
        attrs={"frame_fs": method.dynamics.frame},
    )
    store.write_dataset(table, out, title=f"committor shots, batch {batch}", source=engine.potential.description)


def committor_distribution(
    settings: Settings,
    configurations: Path | str,
    shots: Sequence[Path | str],
    fit: Path | str,
    out: Path | str,
) -> None:
    """Committor distribution on the predicted separatrix."""
    system, method = from_settings(settings)
    chosen = store.read_dataset(configurations)
    tables = [store.read_dataset(f) for f in shots]
    table = xr.concat(tables, dim="shot")
    m = chosen.sizes["configuration"]
    of = table.configuration.values
    ends = table.end.values.astype(str)

    def count(word: str) -> np.ndarray:
        return np.bincount(of[ends == word], minlength=m)

    forward, back, lost, failed = (count(w) for w in (system.product, system.reactant, "none", "failed"))
    other = np.bincount(of, minlength=m) - forward - back - lost - failed
    n = forward + back
    distribution = committor_statistics.analyse(
        forward,
        n,
        n_uncommitted=int(lost.sum() + other.sum()),
        n_failed=int(failed.sum()),
        rng=stream(method.seed, method.name, "committor distribution"),
    )
    log.info("%s", distribution.verdict)
    low, high = committor_statistics.wilson_interval(forward, n)
    predicted = coordinate.Coordinate.from_dict(store.read_json(fit)["coordinate"])
    store.write_json(
        committor_statistics.json_safe(
            {
                "method": settings["name"],
                "product": system.product,
                "how": chosen.attrs["how"],
                "model": predicted.model,
                "coordinate": list(predicted.names),
                "distribution": distribution.to_dict(),
                "configurations": [
                    {
                        "r": float(chosen.r.values[i]),
                        "to_product": int(forward[i]),
                        "to_reactant": int(back[i]),
                        "elsewhere": int(other[i]),
                        "no_basin": int(lost[i]),
                        "failed": int(failed[i]),
                        "low": float(low[i]),
                        "high": float(high[i]),
                    }
                    for i in range(m)
                ],
                "steps": int(table.steps.sum()),
                "evaluations": int(table.evaluations.sum()),
                "reasons": dict(Counter(str(x) for x in table.reason.values if x)),
            }
        ),
        out,
    )
