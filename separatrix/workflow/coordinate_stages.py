"""Stages of the reaction coordinate: the variables at the shooting points, and the fit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.sections.coordinate_keys import CoordinateSection
from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System
from separatrix.coordinate.fit_options import FitError, Options
from separatrix.coordinate.fitting import fit
from separatrix.coordinate.interchangeable import near_duplicates
from separatrix.coordinate.likelihood import constant_columns
from separatrix.coordinate.observations import Observations, from_table
from separatrix.coordinate.shot_observations import committor_observations
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
    """Likelihood-maximised reaction coordinate, with its rivals and its uncertainty.

    `out` is the report of :func:`separatrix.coordinate.fitting.fit` with where it comes from: what ``separatrix fit``
    says of the same file by the same options.
    """
    given = StageSettings("coordinate", settings)
    system, rules = given.system, given.config.coordinate
    data = read_dataset(table)
    check_outcomes(rules, data)
    seen = observed(rules, data, table)
    log.info(
        "%d observations, %d of them to %s; %d left out",
        len(seen.outcome),
        seen.outcome.sum(),
        seen.product,
        seen.left_out,
    )
    seed = int(stream(given.config.seed, given.method.name, "fit").integers(2**31))
    try:
        report = fit(seen, fit_options(rules, seed))
    except FitError as error:
        raise SamplingError(f"the coordinate cannot be fitted: {error}") from error
    best = report.best
    log.info(
        "r = %.3f %s",
        best.intercept,
        " ".join(f"{c:+.4g} {n}" for c, n in zip(best.coefficients, best.names, strict=True)),
    )
    write_json(
        {
            "method": given.method.name,
            "source": data.attrs["source"],
            "observations": rules.observations,
            "units": {name: seen.units[seen.names.index(name)] for name in best.names},
            "variables": [to_spec(v) for name in best.names for v in system.variables if v.name == name],
            "symbols": list(system.molecule.symbols),
            **report.to_dict(),
            "candidates": json_safe(_candidates(given, data)),
        },
        out,
    )


def observed(rules: CoordinateSection, data: xr.Dataset, table: Path | str) -> Observations:
    """Observations of a table of variables as the config asks for them."""
    return from_table(data, Path(table), rules.inertial, rules.observations)


def has_both_outcomes(rules: CoordinateSection, data: xr.Dataset) -> bool:
    """Whether half-trajectories reached both basins, so that a coordinate can be fitted at all."""
    _, outcome, _ = committor_observations(data, rules.observations)
    return len(set(outcome.tolist())) == 2


def search_options(rules: CoordinateSection) -> Options:
    """How the config asks for the coordinate to be searched for: what the judgement of a round depends on."""
    return Options(model=rules.model, max_variables=rules.max_variables, search=rules.search, criterion=rules.criterion)


def fit_options(rules: CoordinateSection, seed: int) -> Options:
    """How the config asks for the coordinate to be searched for and judged."""
    return replace(
        search_options(rules),
        bootstrap=rules.bootstrap,
        nonlinear_models=tuple(rules.nonlinear_models),
        each_size=True,
        compared=tuple(tuple(names) for names in rules.compare_with),
        seed=seed,
    )


def check_outcomes(rules: CoordinateSection, data: xr.Dataset) -> None:
    """Refuse observations that all have one outcome, by a SamplingError that says why there are no others."""
    if not has_both_outcomes(rules, data):
        lost = lost_half_trajectories(data, str(data.attrs["reactant"]), str(data.attrs["product"]))
        if lost.matters:
            raise SamplingError(f"no half-trajectories to both basins: {lost.sentence()}")
        raise SamplingError("all half-trajectories reached the same basin; run more shots per chain")


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
            "forward": ("shot", rows.forward.values, {"comment": "basin reached by the forward half-trajectory"}),
            "backward": ("shot", rows.backward.values, {"comment": "basin reached by the backward half-trajectory"}),
            "outcome": ("shot", rows.outcome.values),
        },
        attrs={"reactant": system.reactant, "product": system.product, "source": tables[0].attrs["source"]},
    )


def lost_half_trajectories(data: xr.Dataset, reactant: str, product: str) -> no_basin.Lost:
    """What the half-trajectories of a table of variables that reached no basin can change."""
    ends = [str(end) for half in ("forward", "backward") for end in data[half].values]
    return no_basin.counted(ends, reactant, product)


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
