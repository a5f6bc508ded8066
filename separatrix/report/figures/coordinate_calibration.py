"""Observed fractions of outcomes against the predicted committor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import against_prediction, alt, finish, nothing
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    table = data.fit.get("calibration")
    if not table:
        return []
    return [
        {
            "predicted": table["predicted"][i],
            "observed": table["observed"][i],
            "low": table["lower"][i],
            "high": table["upper"][i],
            "shots": count,
            "to": data.fit["product"],
        }
        for i, count in enumerate(table["count"])
        if count
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
        "Observed fraction of half-trajectories that reached the product, in groups of about equal number, against "
        "the committor that the coordinate predicts for them. Dashed: a perfect model. Vertical lines: Wilson "
        "intervals of confidence 0.95 with an effective number of shots, which accounts for their correlation. The "
        "coordinate was fitted to these shots, so that agreement is necessary and not sufficient: see the held-out "
        "likelihood and the committor distribution."
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
