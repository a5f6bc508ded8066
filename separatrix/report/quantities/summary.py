"""All quantities of a method, and the tables of all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from separatrix.config.system import System
from separatrix.report.quantities.committor_quantities import committor_quantities
from separatrix.report.quantities.convergence_quantities import convergence_quantities
from separatrix.report.quantities.coordinate_quantities import coordinate_quantities
from separatrix.report.quantities.cost_quantities import cost_quantities
from separatrix.report.quantities.quantity import POINTS, Quantity, with_width
from separatrix.report.quantities.sampling_quantities import sampling_quantities
from separatrix.report.quantities.stationary_quantities import stationary_quantities
from separatrix.results.run import MethodData
from separatrix.statistics.correlated_series import CONFIDENCE


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by method; where two methods share one, the method's key is added."""
    every = list(labels.values())
    return {name: label if every.count(label) == 1 else f"{label} ({name})" for name, label in labels.items()}


def summarise(data: MethodData, system: System, rng: np.random.Generator) -> list[Quantity]:
    """All quantities of one method."""
    agreement = data.assessments[-1]["mechanisms"]["outcome"]
    found = [
        Quantity(POINTS, "level of theory", text=data.source),
        *stationary_quantities(data, system),
        *sampling_quantities(
            data.chains,
            rng,
            (system.reactant, system.product),
            one_way=len(system.mechanism.names) == 1,
            on_start=agreement == "depend on the start",
        ),
        *convergence_quantities(data.assessments),
        *coordinate_quantities(data),
        *committor_quantities(data),
        *cost_quantities(data),
    ]
    return [with_width(q) for q in found]


def comparison_frame(summaries: Mapping[str, Sequence[Quantity]], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row per method and quantity: method, label, group, quantity, value, error, low, high, unit, text, note."""
    rows = [{"method": m, "label": labels[m], **asdict(q)} for m, quantities in summaries.items() for q in quantities]
    frame = pd.DataFrame(rows).rename(columns={"name": "quantity"})
    columns = [
        "method",
        "label",
        "group",
        "quantity",
        "value",
        "error",
        "low",
        "high",
        "unit",
        "text",
        "note",
    ]
    return frame[columns].astype(dict.fromkeys(("value", "error", "low", "high"), float))


def comparison_json(data: Sequence[MethodData], summaries: Mapping[str, Sequence[Quantity]]) -> dict[str, Any]:
    """The same as nested mappings: method, group, quantity."""
    result: dict[str, Any] = {"confidence": CONFIDENCE, "methods": {}}
    for method in data:
        groups: dict[str, Any] = {}
        for q in summaries[method.name]:
            entry = {k: v for k, v in asdict(q).items() if k not in ("group", "name") and v not in (None, "")}
            groups.setdefault(q.group, {})[q.name] = {"value": q.value, **entry}
        result["methods"][method.name] = {"label": method.label, "source": method.source, "groups": groups}
    return result
