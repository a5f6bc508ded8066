"""Energies of reactant, saddle and product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.core.units import KCAL
from separatrix.report.charts import GREY, INK, alt, colour, finish, nothing, panels
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    system = compared.system
    zero = data.minima[system.product].energy
    points = [(system.reactant, data.minima[system.reactant], ""), ("saddle", data.saddle, data.saddle.name)]
    points.append((system.product, data.minima[system.product], ""))
    return [
        {
            "place": i,
            "point": name,
            "mechanism": word,
            "energy": round((p.energy - zero) / KCAL, 4),
            "zero": system.product,
        }
        for i, (name, p, word) in enumerate(points)
    ]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Energies of reactant, saddle and product over the product minimum, one panel per method."""
    title = "Energy profile"
    if frame.empty:
        return nothing(title)
    points = list(frame.sort_values("place")["point"].drop_duplicates())
    zero = frame["zero"].iloc[0]
    low, high = min(frame["energy"].min(), 0.0), max(frame["energy"].max(), 1.0)
    span = high - low
    base = alt.Chart().encode(
        x=alt.X("point:N", sort=points, title=None, axis=alt.Axis(labelAngle=0, ticks=False, domain=False)),
        y=alt.Y(
            "energy:Q",
            title=f"energy above {zero} (kcal/mol)",
            scale=alt.Scale(domain=[low - 0.16 * span, high + 0.2 * span], nice=False),
        ),
    )
    line = base.mark_line(strokeDash=[4, 4], color=GREY, strokeWidth=1.2).encode(order="place:Q")
    level = base.mark_tick(orient="horizontal", thickness=4, width=48).encode(color=colour(order))
    # Above the saddle and below the minima, where no line runs.
    value = base.mark_text(dy=alt.expr("datum.mechanism ? -24 : 15"), fontSize=12, color=INK).encode(
        text=alt.Text("energy:Q", format=".1f")
    )
    word = base.mark_text(dy=-10, fontSize=11, color=INK).encode(text="mechanism:N")
    chart = alt.layer(line, level, value, word).properties(width=230, height=260)
    return finish(panels(chart, frame, order), title)


FIGURE = MethodFigure(
    name="energy_profile",
    title="Energy profile",
    category="Stationary points",
    section="barrier",
    place=40,
    caption=(
        "Potential energies of the two minima and of the saddle between them, above the minimum of the product, at "
        "each level of theory, without zero-point vibration or entropy. The word over the saddle is the mechanism of "
        "its geometry. A level of theory may order the minima wrongly, and other saddles, of other mechanisms, may "
        "exist."
    ),
    columns={
        **dict.fromkeys(
            (
                "place",
                "energy",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "point",
                "mechanism",
                "zero",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
