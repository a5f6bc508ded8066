"""Stages of the reaction coordinate: the variables at the shooting points, and the fit."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.sections.coordinate_keys import CoordinateSection
from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System
from separatrix.coordinate import fitting
from separatrix.coordinate.held_out import fold_labels, held_out_log_likelihood
from separatrix.coordinate.interchangeable import interchangeable, near_duplicates
from separatrix.coordinate.likelihood import constant_columns
from separatrix.coordinate.resampling import bootstrap_selection
from separatrix.coordinate.selection import Selection, select
from separatrix.coordinate.shot_observations import committor_observations, committor_rates
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_dataset, write_dataset, write_json
from separatrix.core.plain import json_safe
from separatrix.core.seeds import stream
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.specification import describe, to_spec
from separatrix.statistics import no_basin
from separatrix.workflow.engine_opening import Settings

log = logging.getLogger(__name__)


def variable_table(settings: Settings, shots: Sequence[Path | str], out: Path | str) -> None:
    """Values and rates of all candidate variables at every shooting point that was shot from."""
    system = StageSettings("variables", settings).system
    data = variables_at_shots(system, [read_dataset(f) for f in shots])
    log.info("%d variables at %d shooting points", data.sizes["variable"], data.sizes["shot"])
    write_dataset(data, out, title="variables at shooting points", source=data.attrs["source"])


def reaction_coordinate(settings: Settings, table: Path | str, out: Path | str) -> None:
    """Likelihood-maximised reaction coordinate, with its rivals and its uncertainty."""
    given = StageSettings("coordinate", settings)
    system, rules = given.system, given.config.coordinate
    data = read_dataset(table)
    product, reactant = data.attrs["product"], data.attrs["reactant"]
    row, outcome, left_out = committor_observations(data, rules.observations)
    names = [str(v) for v in data.variable.values]
    q, groups = data.value.values[row], data.chain.values[row]
    log.info("%d observations, %d of them to %s; %d left out", len(row), outcome.sum(), product, left_out)
    selection = select_coordinate(rules, data, row, outcome)
    try:
        frequency = None
        if rules.bootstrap:
            rng = stream(given.config.seed, given.method.name, "bootstrap")
            frequency = bootstrap_selection(
                q,
                outcome,
                names,
                rng,
                groups=groups,
                max_variables=rules.max_variables,
                n_boot=rules.bootstrap,
                include=selection.best.names,
                model=rules.model,
                criterion=rules.criterion,
                rates=velocities(rules, data),
            )
        held_out = None
        if len(np.unique(groups)) > 1:
            held_out = held_out_log_likelihood(
                q[:, [names.index(n) for n in selection.best.names]],
                outcome,
                selection.best.names,
                groups,
                model=rules.model,
            )
        units = dict(zip(names, (str(u) for u in data.unit.values), strict=True))
        sets = _judged_sets(given, selection, q, outcome, names, units, groups)
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
                "method": given.method.name,
                "source": data.attrs["source"],
                "reactant": reactant,
                "product": product,
                "observations": rules.observations,
                "n_left_out": left_out,
                "coordinate": best.to_dict(),
                "units": {n: units[n] for n in best.names},
                "variables": [to_spec(v) for name in best.names for v in system.variables if v.name == name],
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
                        q, outcome, names, best.names, rules.model, groups, velocities(rules, data)
                    )
                ],
                "bootstrap": None if frequency is None else frequency.to_dict(),
                "held_out": None if held_out is None else held_out.to_dict(),
                "intervals": next(
                    {key: s[key] for key in ("interval", "blocks", "bootstrap")} for s in sets if s["chosen"]
                ),
                "sets": sets,
                "beyond_linear": _beyond_linear(given, q, outcome, names, best.names, groups),
                "candidates": _candidates(given, data),
            }
        ),
        out,
    )


def variables_at_shots(system: System, tables: Sequence[xr.Dataset]) -> xr.Dataset:
    wanted = ["chain", "round", "move", "forward", "backward", "outcome", "positions", "velocities"]
    rows = xr.concat(
        [t[wanted].isel(shot=(t.is_shot.values == 1) & (t.burn_in.values == 0)) for t in tables], dim="shot"
    )
    values, rates = evaluate(system.variables, rows.positions.values, rows.velocities.values)
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


def select_coordinate(rules: CoordinateSection, data: xr.Dataset, row: np.ndarray, outcome: np.ndarray) -> Selection:
    """The coordinate that the observations speak for.

    Raises
    ------
    SamplingError
        When none can be fitted.
    """
    if len(set(outcome.tolist())) < 2:
        halves = halves_lost(data, str(data.attrs["reactant"]), str(data.attrs["product"]))
        if halves.matters:
            raise SamplingError(f"no halves to both basins: {halves.words()}")
        raise SamplingError("all halves reached the same basin; run more shots per chain")
    try:
        return select(
            data.value.values[row],
            outcome,
            [str(v) for v in data.variable.values],
            groups=data.chain.values[row],
            max_variables=rules.max_variables,
            search=rules.search,
            model=rules.model,
            criterion=rules.criterion,
            rates=velocities(rules, data),
        )
    except ValueError as error:
        raise SamplingError(f"the coordinate cannot be fitted: {error}") from error


def halves_lost(data: xr.Dataset, reactant: str, product: str) -> no_basin.Lost:
    """What the halves of a table of variables that reached no basin can change."""
    ends = [str(end) for half in ("forward", "backward") for end in data[half].values]
    return no_basin.counted(ends, reactant, product)


def velocities(rules: CoordinateSection, data: xr.Dataset) -> np.ndarray | None:
    """Rates of the variables at the observations, for inertial likelihood maximisation; else None."""
    return committor_rates(data, rules.observations) if rules.inertial else None


def _judged_sets(
    given: StageSettings,
    selection: Selection,
    q: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    units: Mapping[str, str],
    groups: np.ndarray,
) -> list[dict[str, Any]]:
    """The best set of each size, and those that the config puts beside them, each with its intervals."""
    rules = given.config.coordinate
    wanted = [("best", best.names) for best in selection.per_size.values()]
    wanted += [("beside", tuple(each)) for each in rules.compare_with]
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
                stream(given.config.seed, given.method.name, "intervals", number),
                model=rules.model,
                bootstrap=rules.bootstrap,
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
    given: StageSettings,
    q: np.ndarray,
    outcome: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
    groups: np.ndarray,
) -> dict[str, Any] | None:
    """Committor models that are not linear, beside the coordinate; None where none is asked for, or can be judged."""
    rules = given.config.coordinate
    if not rules.nonlinear_models:
        return None
    labels: Sequence[str] | None = [str(chain) for chain in groups]
    if len(set(groups.tolist())) == 1:
        labels, _ = fitting.blocks(labels, len(outcome), "chain")
    if labels is None:
        return None
    fold = fold_labels(labels, min(len(set(labels)), fitting.MOST_FOLDS))
    seed = int(stream(given.config.seed, given.method.name, "beyond").integers(2**31))
    try:
        linear, others = fitting.held_out_beside(
            q, outcome, names, chosen, fold, rules.nonlinear_models, model=rules.model, seed=seed
        )
    except ValueError as error:
        log.info("no model beyond the linear one: %s", error)
        return None
    return {"held_out": linear.to_dict(), "models": [other.to_dict() for other in others]}


def _candidates(given: StageSettings, data: xr.Dataset) -> list[dict[str, Any]]:
    """What each candidate is, where it comes from, how far it varies, and which others are nearly the same."""
    values = data.value.values
    system, named = given.system, len(given.system_keys.variables.extra)
    twins = near_duplicates(values, [v.name for v in system.variables])
    still = constant_columns(values)
    return [
        {
            "name": v.name,
            "kind": v.kind,
            "unit": v.unit,
            "meaning": describe(v, system.molecule.labels),
            "origin": "enumerated" if i < len(system.variables) - named else "given",
            "mean": float(values[:, i].mean()),
            "standard_deviation": float(values[:, i].std()),
            "constant": bool(still[i]),
            "near_duplicates": [{"name": name, "correlation": r} for name, r in twins[v.name]],
        }
        for i, v in enumerate(system.variables)
    ]
