"""All quantities of a method, and the tables of all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from separatrix.config.system import System
from separatrix.core.labelled import Answer
from separatrix.report.quantities.estimate import Estimate, MethodResults, estimates_of
from separatrix.report.quantity_catalogue import COMPARISON_COLUMNS, qualifiers_text
from separatrix.results.run import MethodData
from separatrix.statistics.correlated_series import CONFIDENCE


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by method; where two methods share one, the method's key is added."""
    every = list(labels.values())
    return {name: label if every.count(label) == 1 else f"{label} ({name})" for name, label in labels.items()}


def summarise(
    data: MethodData, system: System, rng: np.random.Generator, rates: Mapping[str, Any] | None = None
) -> list[Estimate]:
    """All quantities of one method; those of its rates where the content of ``rates.json`` is given."""
    return estimates_of(MethodResults(data, system, rng, rates))


def comparison_frame(summaries: Mapping[str, Sequence[Estimate]], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row per method and number; columns as in :data:`separatrix.report.quantity_catalogue.COMPARISON_COLUMNS`."""
    rows = [
        {
            "method": method,
            "label": labels[method],
            "group": q.group,
            "id": q.id,
            "of": qualifiers_text(q.of),
            "quantity": q.label,
            "value": q.value,
            "error": q.error,
            "low": q.low,
            "high": q.high,
            "interval_missing": Answer.of(q.interval_missing),
            "unit": q.unit,
            "verdict": q.verdict,
            "text": q.text,
            "note": q.note,
        }
        for method, estimates in summaries.items()
        for q in estimates
    ]
    frame = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    return frame.astype({name: kind for name, kind in COMPARISON_COLUMNS.items() if kind is float})


def comparison_json(data: Sequence[MethodData], summaries: Mapping[str, Sequence[Estimate]]) -> dict[str, Any]:
    """The same as nested mappings: method, then the key of each number."""
    result: dict[str, Any] = {"confidence": CONFIDENCE, "methods": {}}
    for method in data:
        numbers: dict[str, Any] = {}
        for q in summaries[method.name]:
            entry = {
                "id": q.id,
                "of": dict(q.of),
                "group": q.group,
                "label": q.label,
                "value": q.value,
                "unit": q.unit,
                "error": q.error,
                "low": q.low,
                "high": q.high,
                "verdict": q.verdict,
                "text": q.text,
                "note": q.note,
            }
            numbers[q.key] = {k: v for k, v in entry.items() if k == "value" or v not in (None, "", {})}
        result["methods"][method.name] = {"label": method.label, "source": method.source, "quantities": numbers}
    return result
