"""Stage of the workflow that puts the rates of a method by all routes side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_json, write_json
from separatrix.core.plain import json_safe
from separatrix.rates import kinetics
from separatrix.rates.agreement import agreement
from separatrix.rates.route import ROUTES, RouteContext, in_order
from separatrix.workflow.engine_opening import Settings


def gather(settings: Settings, out: Path | str, **files: Path | str) -> None:
    """The rates of a method by all routes, side by side, and whether they agree.

    Parameters
    ----------
    files
        Result files by their names in :attr:`separatrix.rates.route.Route.files`; routes whose files are missing or
        empty are not taken.

    Raises
    ------
    SamplingError
        When a file is of no route, or a route has some of its files alone.
    """
    stage = StageSettings("rates", settings)
    system, method = stage.system, stage.method
    given = {name: file for name, file in files.items() if file}
    if unknown := set(given) - {name for route in ROUTES.entries().values() for name in route.files}:
        raise SamplingError(f"rates: {min(unknown)!r} is a file of no route to a rate")
    context = RouteContext(system.reactant, system.product, float(stage.config.temperature_K))
    entries: list[dict[str, Any]] = []
    content: dict[str, Any] = {}
    for route in in_order():
        content |= route.absent
        missing = [name for name in route.files if name not in given]
        if len(missing) == len(route.files):
            continue
        if missing:
            raise SamplingError(f"rates: the route {route.name!r} lacks its file {missing[0]!r}")
        added = route.rates({name: read_json(given[name]) for name in route.files}, context)
        content |= added.content
        if added.quantum_factors:
            context = RouteContext(context.reactant, context.product, context.temperature, added.quantum_factors)
        for rate in added.rates:
            entry = {"route": route.name, **rate}
            entry["low"], entry["high"] = kinetics.interval(entry) or (None, None)
            if route.sampled:
                entry |= context.quantum_factors.get((entry["from"], entry["temperature"]), {})
            entries.append(entry)
    content |= {
        "label": method.label,
        "routes": entries,
        "agreement": [pair.to_dict() for pair in agreement(entries, context.temperature, content["rules"])],
    }
    write_json(json_safe(content), out)
