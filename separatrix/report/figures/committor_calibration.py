"""Measured against predicted committor of each configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import INK, against_prediction, alt, finish, nothing
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData

DRAWS = {
    "separatrix": "on the separatrix",
    "baseline": "on the baseline separatrix",
    "calibration": "at all predictions",
    "path": "along a path",
    "map": "over the map",
}
"""Sets of committor shots in words."""


def measured_committors(data: MethodData, draw: str) -> list[dict[str, Any]]:
    """Measured beside predicted committor of every configuration of a set that shots were committed from."""
    measured = []
    for c in data.committor["draws"][draw]["configurations"]:
        n = c["to_product"] + c["to_reactant"]
        if n:
            measured.append(
                {
                    "predicted": c["predicted"],
                    "committor": c["to_product"] / n,
                    "low": c["low"],
                    "high": c["high"],
                    "shots": n,
                    "draw": DRAWS[draw],
                    "frame": c["frame"],
                    "at": c.get("at"),
                    "to": data.committor["product"],
                }
            )
    return measured


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    rows = [row for draw in data.committor["draws"] for row in measured_committors(data, draw)]
    return [{k: v for k, v in row.items() if k != "at"} for row in rows]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Measured against predicted committor of every configuration that was shot from."""
    title = "Committor: measured against predicted"
    if frame.empty:
        return nothing(title)
    sets = list(dict.fromkeys(frame["draw"]))
    shape = alt.Shape(
        "draw:N",
        scale=alt.Scale(domain=sets, range=["circle", "triangle-up", "square", "diamond", "cross"][: len(sets)]),
        legend=alt.Legend(title="configurations", symbolFillColor=INK, symbolStrokeColor=INK),
    )
    return finish(against_prediction(frame, order, "committor", "fraction of shots", 60, shape), title)


FIGURE = MethodFigure(
    name="committor_calibration",
    title="Measured against predicted committor",
    category="Committor",
    section="sure",
    place=140,
    caption=(
        "Fraction of committor shots that reached the product against the committor that the coordinate predicts, for "
        "every configuration of the committor test, with Wilson intervals of confidence 0.95. Dashed: a perfect "
        "coordinate. The fit used none of these shots."
    ),
    columns={
        **dict.fromkeys(
            (
                "predicted",
                "committor",
                "low",
                "high",
                "shots",
                "frame",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "draw",
                "to",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
