"""How often each variable is chosen in resamples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import alt, colour, finish, nothing, rows_of_bars
from separatrix.report.figure_registry import MethodFigure
from separatrix.results.run import MethodData


def selection_rows(data: MethodData) -> list[dict[str, Any]]:
    frequency = data.fit.get("bootstrap")
    if not frequency or not frequency["n_boot"]:
        return []
    pairs = sorted(zip(frequency["frequency"], frequency["names"], strict=True), key=lambda p: (-(p[0] or 0), p[1]))
    chosen = set(data.fit["coordinate"]["names"])
    return [
        {"variable": n, "frequency": f, "chosen": n in chosen, "resamples": frequency["n_boot"]}
        for f, n in pairs
        if f or n in chosen
    ]


_LISTED = 8  # variables shown in the figure of selection frequencies


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """How often each variable is chosen when the choice is repeated on resampled data."""
    title = "Reaction coordinate: variables chosen in resamples"
    if frame.empty:
        return nothing(title)
    chosen = frame["chosen"].astype(str) == "True"
    rank = frame.groupby("label")["frequency"].rank(ascending=False, method="first")
    rows = frame[chosen | (rank <= _LISTED)].assign(role=chosen.map({True: "in the coordinate", False: "not in it"}))
    bars = (
        alt.Chart()
        .mark_bar(size=14)
        .encode(
            y=alt.Y("variable:N", title=None, sort=alt.EncodingSortField("frequency", order="descending")),
            x=alt.X(
                "frequency:Q", title="share of resamples", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")
            ),
            color=colour(order),
            opacity=alt.Opacity(
                "role:N",
                scale=alt.Scale(domain=["in the coordinate", "not in it"], range=[0.9, 0.35]),
                legend=alt.Legend(title=None),
            ),
        )
    )
    return finish(rows_of_bars(alt.layer(bars), rows, order), title)


FIGURE = MethodFigure(
    name="selection",
    title="Variables chosen in resamples",
    category="Reaction coordinate",
    section="coordinate",
    place=80,
    caption=(
        "How often each variable is selected when the selection is repeated on resampled blocks of the chains. Dark: "
        "variables of the coordinate fitted to all data. Low and even frequencies mean that many combinations "
        "describe the data equally well: the coordinate may predict, but its variables should not be read as the "
        "mechanism."
    ),
    columns={
        **dict.fromkeys(
            (
                "frequency",
                "resamples",
            ),
            float,
        ),
        **dict.fromkeys(("variable",), str),
        **dict.fromkeys(("chosen",), bool),
    },
    rows=lambda data, compared: selection_rows(data),
    chart=chart,
)
