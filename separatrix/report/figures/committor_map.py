"""Committor over two variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import INK, alt, finish, nothing, panels
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.figures.committor_calibration import measured_committors
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    drawn = data.committor["draws"].get("map")
    if not drawn:
        return []
    x_axis, y_axis = drawn["map"]
    return [
        {k: v for k, v in row.items() if k != "at"} | {"x": x, "y": y, "x_axis": x_axis, "y_axis": y_axis}
        for row in measured_committors(data, "map")
        for x, y in [row["at"]]
    ]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Measured committor over two variables."""
    title = "Committor over two variables"
    if frame.empty:
        return nothing(title)
    to = frame["to"].iloc[0]
    chart = (
        alt.Chart()
        .mark_point(filled=True, size=120, stroke=INK, strokeWidth=0.4, opacity=1)
        .encode(
            x=alt.X("x:Q", title=frame["x_axis"].iloc[0], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            y=alt.Y("y:Q", title=frame["y_axis"].iloc[0], scale=alt.Scale(zero=False)),
            # Both basins dark, the separatrix pale.
            color=alt.Color(
                "committor:Q",
                title=f"fraction to {to}",
                scale=alt.Scale(domain=[0, 1], domainMid=0.5, scheme="purpleorange"),
            ),
        )
        .properties(width=250, height=250)
    )
    return finish(panels(chart, frame, order), title)


FIGURE = MethodFigure(
    name="committor_map",
    title="Committor over two variables",
    category="Committor",
    section="sure",
    place=150,
    caption=(
        "Fraction of committor shots that reached the product, one configuration for each cell of the map that "
        "reactive paths visit. The separatrix is where the colour is palest. A coordinate of these two variables is "
        "right as far as it follows the colour."
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
                "x",
                "y",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "draw",
                "to",
                "x_axis",
                "y_axis",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
    needs="map",
)
