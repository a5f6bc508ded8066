"""The stages of the workflow: each reads files, calls the library, and writes files. One function per rule.

OpenPathSampling is imported by those that run dynamics, and ASE's writers by those that write: either takes as long to
import as some of the other stages do to run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from separatrix import numeric_threads, potentials
from separatrix.config.configuration import from_settings
from separatrix.config.methods import Method
from separatrix.config.system import System
from separatrix.coordinate import fitting
from separatrix.coordinate.held_out import fold_labels, held_out_log_likelihood
from separatrix.coordinate.interchangeable import interchangeable, near_duplicates
from separatrix.coordinate.likelihood import constant_columns
from separatrix.coordinate.resampling import bootstrap_selection
from separatrix.coordinate.selection import Selection, select
from separatrix.coordinate.shot_observations import committor_observations, committor_rates
from separatrix.core.errors import EngineLost, PotentialError, SamplingError, StationaryError
from separatrix.core.files import fingerprint, read_dataset, read_json, replacing, write_dataset, write_json
from separatrix.core.journal import Journal
from separatrix.core.molecule import read_geometry
from separatrix.core.plain import json_safe
from separatrix.core.seeds import stream
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.cvs import variables
from separatrix.cvs.states import basin_of
from separatrix.dynamics import stationary
from separatrix.potentials import Potential
from separatrix.results.path_files import join_paths, join_shots, split_paths, write_paths, write_shots
from separatrix.results.stationary_files import read_search, read_stationary, write_no_saddle, write_stationary
from separatrix.sampling import convergence
from separatrix.sampling import rounds as sampling
from separatrix.statistics import no_basin
from separatrix.workflow.engine_check import check_method

if TYPE_CHECKING:
    from separatrix.dynamics.md_engine import Engine

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]


def open_method(settings: Settings) -> tuple[System, Method, Potential]:
    """The system, the method and its potential, of a stage's settings."""
    system, method = from_settings(settings)
    potential = potentials.build(method.potential, system.molecule, method.options)
    log.info("%s: %s", method.label, potential.description)
    return system, method, potential


def anchor(potential: Potential, points: Sequence[stationary.StationaryPoint]) -> None:
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


def open_engine(settings: Settings, minimum: Path | str, saddle: Path | str) -> tuple[System, Method, Engine]:
    """The same with an engine for dynamics, its electronic state anchored at the stationary points."""
    from separatrix.dynamics.md_engine import Engine

    system, method, potential = open_method(settings)
    anchor(potential, [read_stationary(minimum), read_stationary(saddle)])
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
    write_json(health.to_dict(), out)


# --- stationary points ------------------------------------------------------------------------------------------


def minimum(settings: Settings, basin: str, out: Path | str, xyz: Path | str) -> None:
    """Lowest minimum found in a basin."""
    system, method, potential = open_method(settings)
    rules = settings["stationary"]
    _, start = read_geometry(system.geometries[basin], anywhere=True)
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
    _write_point(point, system.molecule.symbols, potential.description, out, xyz)


def saddle_search(
    settings: Settings, guess: int, minimum_file: Path | str, out: Path | str, xyz: Path | str | None = None
) -> None:
    """Saddle that a guess (from 1) leads to, verified and named by its geometry; or the reason why there is none.

    A guess that leads nowhere is an answer, and no failure: the file says so, and keeps the geometries that show why.

    Parameters
    ----------
    xyz
        For the same geometries, to be looked at; default: beside `out`.

    Raises
    ------
    EngineLost
        When the engine's process hung or died, which says nothing of the guess: the same command searches again.
    """
    system, _, potential = open_method(settings)
    spec = system.saddle_guesses[guess - 1]
    log.info("saddle guess: %s, from %s", spec.name, spec.start)
    start = read_stationary(minimum_file)
    anchor(potential, [start])
    xyz = Path(out).with_suffix(".xyz") if xyz is None else xyz
    symbols, source = system.molecule.symbols, potential.description
    try:
        point = stationary.find_saddle(
            system.molecule,
            potential,
            start.positions,
            spec.biases,
            system.basins,
            name=spec.name,
            fmax=settings["stationary"]["largest_force_kcal_mol_A"],
            coordinates=system.coordinates,
        )
        if set(point.joins) != {system.reactant, system.product}:
            reason = f"{spec.name}: joins {' and '.join(point.joins)}"
            raise stationary.NoSaddle(reason, [("saddle", point.positions, point.energy)])
    except EngineLost:
        raise
    except (StationaryError, PotentialError) as error:
        log.info("  %s", error)
        found = error.found if isinstance(error, stationary.NoSaddle) else ()
        _write_xyz(
            [(f"{what}, no saddle found: {error}", x) for what, x, _ in found]
            or [(f"where the search began, no saddle found: {error}", start.positions)],
            symbols,
            xyz,
        )
        write_no_saddle(str(error), out, source=source, symbols=symbols, found=found)
        return
    # A search may slide from the guess to another saddle; the name says what was found.
    name = system.mechanism.at(point.positions)
    log.info("  found: %s, %.0fi cm^-1", name, -point.wavenumbers[0])
    _write_point(stationary.replace(point, name=name), symbols, source, out, xyz)


def saddle(settings: Settings, searches: Sequence[Path | str], out: Path | str, xyz: Path | str) -> None:
    """The saddle that sampling starts from: the first that the guesses lead to, in the system's order.

    Raises
    ------
    StationaryError
        When no guess leads to a saddle between the reactant and the product.
    """
    system, _ = from_settings(settings)
    found = [read_search(file) for file in searches]
    for number, point in enumerate(found):
        if not isinstance(point, str):
            source = read_dataset(searches[number]).attrs["source"]
            _write_point(point, system.molecule.symbols, source, out, xyz)
            return
    raise StationaryError("no saddle found; " + "; ".join(found))


def _write_point(
    point: stationary.StationaryPoint, symbols: Sequence[str], source: str, out: Path | str, xyz: Path | str
) -> None:
    write_stationary(point, symbols, out, source=source)
    _write_xyz([(f"{point.name} {point.energy / KCAL:.4f} kcal/mol {source}", point.positions)], symbols, xyz)


def _write_xyz(frames: Sequence[tuple[str, np.ndarray]], symbols: Sequence[str], path: Path | str) -> None:
    """Write geometries (nm), each with its comment."""
    import ase.io

    with replacing(path) as temporary, temporary.open("w") as stream:
        for comment, positions in frames:
            atoms = ase.Atoms(symbols, positions / ANGSTROM)
            ase.io.write(stream, atoms, format="xyz", comment=" ".join(comment.split()))


# --- sampling ---------------------------------------------------------------------------------------------------


def pull_to_guess(settings: Settings, guess: int, minimum_file: Path | str, out: Path | str, xyz: Path | str) -> None:
    """Geometry that a saddle guess pulls its minimum to: where a chain may be told to start."""
    system, _, potential = open_method(settings)
    spec = system.saddle_guesses[guess - 1]
    start = read_stationary(minimum_file)
    anchor(potential, [start])
    positions = stationary.pulled_home(system.molecule, potential.energy_and_gradient, start.positions, spec.biases)
    energy, gradient = potential.energy_and_gradient(positions)
    log.info("%s: %.1f kcal/mol above %s", spec.name, (energy - start.energy) / KCAL, start.name)
    point = stationary.StationaryPoint(
        name=spec.name,
        basin=basin_of(positions, system.basins),
        positions=positions,
        energy=energy,
        wavenumbers=np.empty(0),
        modes=np.empty((0, *positions.shape)),
        gradient=float(np.abs(gradient).max()),
        evaluations=0,
    )
    _write_point(point, system.molecule.symbols, potential.description, out, xyz)


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

    system, method, engine = open_engine(settings, minimum_file, saddle_file)
    options = {"attempts": settings["sampling"]["first_path_attempts"], "mechanism": system.mechanism}
    began = time.perf_counter()
    found, wanted = None, start
    if start != "saddle":
        geometry = read_stationary(start_file).positions
        try:
            found = first_path(
                engine,
                system.basins,
                geometry,
                place=(method.seed, (method.name, "first path", chain, start)),
                wanted=system.mechanism.at(geometry),
                source=f"the geometry of guess {start!r}",
                **options,
            )
        except SamplingError as error:
            # The other methods may well have such paths; this one goes on without, and its files say so.
            log.warning("%s; this chain starts from the saddle instead", error)
            start = "saddle"
    if found is None:
        geometry = read_stationary(saddle_file).positions
        place = (method.seed, (method.name, "first path", chain))
        found = first_path(engine, system.basins, geometry, place=place, **options)
    path, label, attempts = found
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
    previous: tuple[Path | str, Path | str] | None,
    journal: Path | str,
    shots_out: Path | str,
    paths_out: Path | str,
    cost_out: Path | str,
) -> None:
    """Run round `number` (from 1) of an aimless-shooting chain, going on from its journal where there is one.

    Parameters
    ----------
    previous
        Shots and paths of the round before; None in the first.
    journal
        Directory of the chain's running record. It is one for all rounds: another division into rounds finds the
        same moves.
    """
    from separatrix.sampling.shooting import Chain

    system, method, engine = open_engine(settings, minimum_file, saddle_file)
    rules = settings["sampling"]
    first = read_dataset(first_file)
    first_path_, first_label = split_paths(first)[0], int(first.label[0])
    if previous is None:
        path, label, shift, move, made_by = first_path_, first_label, method.shift, 0, -1
        mechanism = str(first.mechanism.values[0])
    else:
        shots, ways = (read_dataset(f) for f in previous)
        path, label = split_paths(ways)[-1], int(shots.label[-1])
        shift, move, made_by = int(shots["shift"][-1]), int(shots.move[-1]) + 1, int(ways.move[-1])
        mechanism = str(ways.mechanism.values[-1])
    place = (method.seed, (method.name, "chain", chain))
    runner = Chain(engine, system.basins, system.mechanism, path, label, shift=shift, place=place, rule=rules["rule"])
    burn_in, target = rules["burn_in"]["shots"], rules["burn_in"].get("target_acceptance")
    task = sampling.Round(
        number=number,
        first_move=move,
        burn_in=burn_in if previous is None else 0,
        shots=rules["shots_per_round"],
        frame=method.dynamics.frame,
        failures_in_a_row=settings["failures_in_a_row"],
    )
    tuner = None
    if previous is None and burn_in and target:
        # A longer shift than a quarter of the longest path leaves hardly a candidate on it.
        tuner = sampling.ShiftTuner(shift, target, engine.settings.longest_half_frames // 2)
    # The number of shots is no part of what a record is valid for: asking for more goes on from what is there.
    lasting = {**settings, "failures_in_a_row": None, "sampling": {**rules, "shots_per_round": None}}
    key = fingerprint(lasting, chain, first_path_, first_label)
    with Journal(Path(journal) / key) as record, sampling.stoppable(engine):
        record.about({"method": method.name, "chain": chain, "round": number, "first_move": move, "shots": task.wanted})
        moves, burning, seconds = sampling.run_round(runner, task, record, tuner)
        source, symbols = engine.potential.description, system.molecule.symbols
        common = {"chain": chain, "frame": method.dynamics.frame, "source": source}
        write_shots(moves, symbols, shots_out, number=number, burn_in=burning, place=place, **common)
        accepted, multiplicity = sampling.present(moves, burning)
        write_paths(
            [path, *(m.path for m in accepted)],
            symbols,
            paths_out,
            moves=[made_by, *(m.index for m in accepted)],
            labels=[label, *(m.label for m in accepted)],
            multiplicity=multiplicity,
            mechanisms=[mechanism, *(m.mechanism for m in accepted)],
            start=first.attrs["start"],
            **common,
        )
        write_json(sampling.cost(moves, seconds, numeric_threads()), cost_out)


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
    system, method = from_settings(settings)
    rules, sampling_rules = settings["coordinate"], settings["sampling"]
    data = _variable_table(system, [read_dataset(f) for chain in shots for f in chain])
    row, outcome, _ = committor_observations(data, rules["observations"])
    fit, beats_null, groups = None, False, ()
    names = [str(v) for v in data.variable.values]
    if len(set(outcome.tolist())) == 2:
        selection = _select(rules, data, row, outcome)
        fit, beats_null = selection.best, selection.best_beats_null
        groups = interchangeable(
            data.value.values[row],
            outcome,
            names,
            fit.names,
            model=rules["model"],
            groups=data.chain.values[row],
            rates=_rates(rules, data),
        )
    verdict = convergence.judge(
        round=number,
        coordinate=fit,
        beats_null=beats_null,
        values=data.value.values,
        names=names,
        chain=data.chain.values,
        mechanisms=[_mechanisms(files) for files in paths],
        previous=[read_json(f) for f in previous],
        criteria=convergence.Criteria(**sampling_rules["convergence"]),
        min_rounds=sampling_rules["min_rounds"],
        max_rounds=sampling_rules["max_rounds"],
        groups=groups,
        halves=_halves(data, system.reactant, system.product),
        longest_half_fs=method.dynamics.longest_half,
    )
    log.info("%s", verdict.verdict)
    write_json(verdict.to_dict(), out)


def _halves(data: xr.Dataset, reactant: str, product: str) -> no_basin.Lost:
    """What the halves of a table of variables that reached no basin can change."""
    ends = [str(end) for half in ("forward", "backward") for end in data[half].values]
    return no_basin.counted(ends, reactant, product)


def _mechanisms(files: Sequence[Path | str]) -> convergence.ChainMechanisms:
    """Mechanism of a chain's present path after each move, its initial path left out: it belongs to no ensemble."""
    tables = [read_dataset(f) for f in files]
    sequence = [
        str(name)
        for t in tables
        for name, times, move in zip(t.mechanism.values, t.multiplicity.values, t.move.values, strict=True)
        for _ in range(int(times))
        if move >= 0
    ]
    return convergence.ChainMechanisms(int(tables[0].chain[0]), tables[0].attrs["start"], tuple(sequence))


def _select(rules: Settings, data: xr.Dataset, row: np.ndarray, outcome: np.ndarray) -> Selection:
    """The coordinate that the observations speak for.

    Raises
    ------
    SamplingError
        When none can be fitted.
    """
    if len(set(outcome.tolist())) < 2:
        halves = _halves(data, str(data.attrs["reactant"]), str(data.attrs["product"]))
        if halves.matters:
            raise SamplingError(f"no halves to both basins: {halves.words()}")
        raise SamplingError("all halves reached the same basin; run more shots per chain")
    try:
        return select(
            data.value.values[row],
            outcome,
            [str(v) for v in data.variable.values],
            groups=data.chain.values[row],
            max_variables=rules["max_variables"],
            search=rules["search"],
            model=rules["model"],
            criterion=rules["criterion"],
            rates=_rates(rules, data),
        )
    except ValueError as error:
        raise SamplingError(f"the coordinate cannot be fitted: {error}") from error


def _rates(rules: Settings, data: xr.Dataset) -> np.ndarray | None:
    """Rates of the variables at the observations, for inertial likelihood maximisation; else None."""
    return committor_rates(data, rules["observations"]) if rules["inertial"] else None


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


# --- variables and coordinate -----------------------------------------------------------------------------------


def variable_table(settings: Settings, shots: Sequence[Path | str], out: Path | str) -> None:
    """Values and rates of all candidate variables at every shooting point that was shot from."""
    system, _ = from_settings(settings)
    data = _variable_table(system, [read_dataset(f) for f in shots])
    log.info("%d variables at %d shooting points", data.sizes["variable"], data.sizes["shot"])
    write_dataset(data, out, title="variables at shooting points", source=data.attrs["source"])


def _variable_table(system: System, tables: Sequence[xr.Dataset]) -> xr.Dataset:
    wanted = ["chain", "round", "move", "forward", "backward", "outcome", "positions", "velocities"]
    rows = xr.concat(
        [t[wanted].isel(shot=(t.is_shot.values == 1) & (t.burn_in.values == 0)) for t in tables], dim="shot"
    )
    values, rates = variables.evaluate(system.variables, rows.positions.values, rows.velocities.values)
    return xr.Dataset(
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
            "round": ("shot", rows["round"].values),
            "move": ("shot", rows.move.values),
            "forward": ("shot", rows.forward.values, {"comment": "basin reached by the forward half"}),
            "backward": ("shot", rows.backward.values, {"comment": "basin reached by the backward half"}),
            "outcome": ("shot", rows.outcome.values),
        },
        attrs={"reactant": system.reactant, "product": system.product, "source": tables[0].attrs["source"]},
    )


def reaction_coordinate(settings: Settings, table: Path | str, out: Path | str) -> None:
    """Likelihood-maximised reaction coordinate, with its rivals and its uncertainty."""
    system, _ = from_settings(settings)
    rules = settings["coordinate"]
    data = read_dataset(table)
    product, reactant = data.attrs["product"], data.attrs["reactant"]
    row, outcome, left_out = committor_observations(data, rules["observations"])
    names = [str(v) for v in data.variable.values]
    q, groups = data.value.values[row], data.chain.values[row]
    log.info("%d observations, %d of them to %s; %d left out", len(row), outcome.sum(), product, left_out)
    selection = _select(rules, data, row, outcome)
    try:
        frequency = None
        if rules["bootstrap"]:
            rng = stream(settings["seed"], settings["name"], "bootstrap")
            frequency = bootstrap_selection(
                q,
                outcome,
                names,
                rng,
                groups=groups,
                max_variables=rules["max_variables"],
                n_boot=rules["bootstrap"],
                include=selection.best.names,
                model=rules["model"],
                criterion=rules["criterion"],
                rates=_rates(rules, data),
            )
        held_out = None
        if len(np.unique(groups)) > 1:
            held_out = held_out_log_likelihood(
                q[:, [names.index(n) for n in selection.best.names]],
                outcome,
                selection.best.names,
                groups,
                model=rules["model"],
            )
        units = dict(zip(names, (str(u) for u in data.unit.values), strict=True))
        sets = _judged_sets(settings, selection, q, outcome, names, units, groups)
    except ValueError as error:
        raise SamplingError(f"the coordinate cannot be fitted: {error}") from error
    best = selection.best
    log.info(
        "r = %.3f %s",
        best.intercept,
        " ".join(f"{c:+.4g} {n}" for c, n in zip(best.coefficients, best.names, strict=True)),
    )
    write_json(
        json_safe(
            {
                "method": settings["name"],
                "source": data.attrs["source"],
                "reactant": reactant,
                "product": product,
                "observations": rules["observations"],
                "n_left_out": left_out,
                "coordinate": best.to_dict(),
                "units": {n: units[n] for n in best.names},
                "variables": [variables.to_spec(v) for name in best.names for v in system.variables if v.name == name],
                "symbols": list(system.molecule.symbols),
                "beats_null": selection.best_beats_null,
                "null_log_likelihood": selection.null_log_likelihood,
                "criterion": selection.criterion,
                "cost": {str(k): v for k, v in selection.cost.items()},
                "per_size": {str(k): c.to_dict() for k, c in selection.per_size.items()},
                # With rates, `top`, the costs and `greedy_gap` are those of these fits.
                "inertial": selection.to_dict()["inertial"],
                "top": {
                    str(k): [
                        {"names": list(s.names), "log_likelihood": s.log_likelihood, "separable": s.separable}
                        for s in subsets
                    ]
                    for k, subsets in selection.top.items()
                },
                "search": selection.search,
                "n_fits": selection.n_fits,
                "costs": selection.to_dict()["costs"],
                "two_line": selection.to_dict()["two_line"],
                "greedy_gap": selection.to_dict()["greedy_gap"],
                "interchangeable": [
                    group.to_dict()
                    for group in interchangeable(
                        q, outcome, names, best.names, rules["model"], groups, _rates(rules, data)
                    )
                ],
                "bootstrap": None if frequency is None else frequency.to_dict(),
                "held_out": None if held_out is None else held_out.to_dict(),
                "intervals": next(
                    {key: s[key] for key in ("interval", "blocks", "bootstrap")} for s in sets if s["chosen"]
                ),
                "sets": sets,
                "beyond_linear": _beyond_linear(settings, q, outcome, names, best.names, groups),
                "candidates": _candidates(system, settings, data),
            }
        ),
        out,
    )


def _judged_sets(
    settings: Settings,
    selection: Selection,
    q: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    units: Mapping[str, str],
    groups: np.ndarray,
) -> list[dict[str, Any]]:
    """The best set of each size, and those that the config puts beside them, each with its intervals."""
    rules = settings["coordinate"]
    wanted = [("best", best.names) for best in selection.per_size.values()]
    wanted += [("beside", tuple(given)) for given in rules["beside"]]
    found = []
    for number, (role, members) in enumerate(wanted):
        head = {
            "role": role,
            "chosen": role == "best" and members == selection.best.names,
            "units": [units[name] for name in members],
        }
        try:
            judged = fitting.judge_set(
                q[:, [names.index(name) for name in members]],
                outcome,
                members,
                groups.tolist(),
                stream(settings["seed"], settings["name"], "intervals", number),
                model=rules["model"],
                bootstrap=rules["bootstrap"],
            )
        except ValueError as error:
            if role == "best":
                raise
            # A set for comparison, constant with this method perhaps, must not stop the run.
            found.append(head | {"variables": list(members), "problem": str(error)})
            continue
        found.append(head | judged.to_dict())
    return found


def _beyond_linear(
    settings: Settings,
    q: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
    groups: np.ndarray,
) -> dict[str, Any] | None:
    """Committor models that are not linear, beside the coordinate; None where none is asked for, or can be judged."""
    rules = settings["coordinate"]
    if not rules["beyond"]:
        return None
    labels: Sequence[str] | None = [str(chain) for chain in groups]
    if len(set(groups.tolist())) == 1:
        labels, _ = fitting.blocks(labels, len(outcome), "chain")
    if labels is None:
        return None
    fold = fold_labels(labels, min(len(set(labels)), fitting.MOST_FOLDS))
    seed = int(stream(settings["seed"], settings["name"], "beyond").integers(2**31))
    try:
        linear, others = fitting.held_out_beside(
            q, outcome, names, chosen, fold, rules["beyond"], model=rules["model"], seed=seed
        )
    except ValueError as error:
        log.info("no model beyond the linear one: %s", error)
        return None
    return {"held_out": linear.to_dict(), "models": [other.to_dict() for other in others]}


def _candidates(system: System, settings: Settings, data: xr.Dataset) -> list[dict[str, Any]]:
    """What each candidate is, where it comes from, how far it varies, and which others are nearly the same."""
    values = data.value.values
    given = len(settings["system"]["variables"]["extra"])
    twins = near_duplicates(values, [v.name for v in system.variables])
    still = constant_columns(values)
    return [
        {
            "name": v.name,
            "kind": v.kind,
            "unit": v.unit,
            "meaning": variables.describe(v, system.molecule.labels),
            "origin": "enumerated" if i < len(system.variables) - given else "given",
            "mean": float(values[:, i].mean()),
            "standard_deviation": float(values[:, i].std()),
            "constant": bool(still[i]),
            "near_duplicates": [{"name": name, "correlation": r} for name, r in twins[v.name]],
        }
        for i, v in enumerate(system.variables)
    ]
