"""Observed fractions of outcomes against the predicted committor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from separatrix.report.charts import against_prediction, alt, finish, nothing
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData
from separatrix.statistics.calibration import calibration_table
from separatrix.statistics.correlated_series import CONFIDENCE


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    p = data.coordinate.committor(data.q)
    # Bins of about equal number; ties (a separable coordinate predicts only 0 and 1) merge bins.
    bins = int(np.clip(len(p) // 12, 2, 8))
    edges = np.unique([0.0, *np.quantile(p, np.arange(1, bins) / bins), 1.0])
    table = calibration_table(p, data.to_product, edges, CONFIDENCE)
    return [
        {
            "predicted": float(table.predicted[i]),
            "observed": float(table.observed[i]),
            "low": float(table.lower[i]),
            "high": float(table.upper[i]),
            "shots": int(table.count[i]),
            "to": data.fit["product"],
        }
        for i in np.flatnonzero(table.count)
    ]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Observed fraction of outcomes against the committor that the coordinate predicts."""
    title = "Reaction coordinate: calibration"
    if frame.empty:
        return nothing(title)
    return finish(against_prediction(frame, order, "observed", "observed fraction", 80), title)


FIGURE = MethodFigure(
    name="calibration",
    title="Calibration",
    category="Reaction coordinate",
    section="coordinate",
    place=70,
    caption=(
        "Observed fraction of halves that reached the product, in groups of about equal number, against the committor "
        "that the coordinate predicts for them. Dashed: a model that is right. Vertical lines: Wilson intervals of "
        "confidence 0.95 with the shots taken as independent. The shots are those that the coordinate was fitted to, "
        "so agreement here is necessary and not sufficient: see the held-out likelihood and the committor "
        "distribution."
    ),
    columns={
        **dict.fromkeys(
            (
                "predicted",
                "observed",
                "low",
                "high",
                "shots",
            ),
            float,
        ),
        **dict.fromkeys(("to",), str),
    },
    rows=rows,
    chart=chart,
)
