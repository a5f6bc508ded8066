"""A figure: how many shots each chain has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import alt, colour, finish, nothing
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    """Shots of each chain of a method."""
    return [{"chain": chain.number, "shots": int(chain.shots.sum())} for chain in data.chains]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """A bar for each chain."""
    title = "Shots of each chain"
    if frame.empty:
        return nothing(title)
    x, y = alt.X("chain:O", title="chain"), alt.Y("shots:Q", title="shots after the burn-in")
    bars = alt.Chart(frame).mark_bar().encode(x=x, y=y, color=colour(order, legend=True))
    return finish(bars.properties(width=300, height=200), title)


FIGURE = MethodFigure(
    name="chain_shots",
    title="Shots of each chain",
    category="Sampling",
    section="sure",
    place=185,
    caption="Shots of each chain after the burn-in. They are *counted*, so that there is no error bar.",
    columns={"chain": float, "shots": float},
    rows=rows,
    chart=chart,
)
