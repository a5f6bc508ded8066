"""Committor of each configuration against the coordinate there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import GREY, alt, colour, finish, nothing, panels, straight_line, whiskers
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.figures.committor_histogram import committed
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    k, n, entries = committed(data)
    return [
        {
            "r": entry["r"],
            "committor": float(k[i] / n[i]),
            "low": entry["low"],
            "high": entry["high"],
            "shots": int(n[i]),
            "to": data.committor["product"],
        }
        for i, entry in enumerate(entries)
    ]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Committor of each configuration against the coordinate there."""
    title = "Committor of each configuration"
    if frame.empty:
        return nothing(title)
    to = frame["to"].iloc[0]
    base = alt.Chart().encode(
        x=alt.X(
            "r:Q", title="predicted coordinate r", scale=alt.Scale(zero=False, padding=12), axis=alt.Axis(tickCount=5)
        ),
        y=alt.Y("committor:Q", title=f"fraction of shots to {to}", scale=alt.Scale(domain=[0, 1])),
        color=colour(order),
    )
    half = straight_line(strokeDash=[5, 4], color=GREY, strokeWidth=1.5).encode(y=alt.datum(0.5))
    marks = [
        half,
        whiskers(base, "low", "high", strokeWidth=1.2, opacity=0.6),
        base.mark_point(filled=True, size=55, opacity=0.9),
    ]
    chart = alt.layer(*marks).properties(width=230, height=220)
    return finish(panels(chart, frame, order), title)


FIGURE = MethodFigure(
    name="committor_points",
    title="Committor of each configuration",
    category="Committor",
    section="sure",
    place=130,
    caption=(
        "Fraction of committor shots that reached the product against the predicted coordinate of each configuration, "
        "with Wilson intervals of confidence 0.95. The coordinate misjudges configurations whose intervals exclude "
        "1/2."
    ),
    columns={
        **dict.fromkeys(
            (
                "r",
                "committor",
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
