"""Coefficients of the reaction coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from separatrix.report.charts import INK, alt, colour, finish, nothing, rows_of_bars, straight_line, whiskers
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.figures.chosen_in_resamples import selection_rows
from separatrix.report.quantities.coefficient_errors import coefficient_errors
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    model = data.coordinate
    errors = coefficient_errors(model)
    spread = data.q.std(axis=0)
    frequency = {row["variable"]: row["frequency"] for row in selection_rows(data)}
    none = {"lower": None, "upper": None}
    intervals: list[dict[str, Any]] = next(
        (coefficient_intervals(s) for s in data.fit.get("sets", []) if s["chosen"]), [none] * (len(model.names) + 1)
    )
    rows = [
        {
            "variable": "intercept",
            "unit": "1",
            "coefficient": model.intercept,
            "error": errors.values[0],
            "note": errors.note,
            **intervals[0],
        }
    ]
    for k, name in enumerate(model.names):
        error, value = errors.values[k + 1], float(model.coefficients[k])
        rows.append(
            {
                "variable": name,
                "unit": data.fit["units"].get(name, "1"),
                "coefficient": value,
                "error": error,
                "note": errors.note,
                "spread": float(spread[k]),
                "standardised": value * spread[k],
                "low": _scaled(intervals[k + 1]["lower"], spread[k]),
                "high": _scaled(intervals[k + 1]["upper"], spread[k]),
                "frequency": frequency.get(name),
                **intervals[k + 1],
            }
        )
    return rows


def _scaled(end: float | None, spread: float) -> float | None:
    """End of an interval of a coefficient, per standard deviation of its variable."""
    return None if end is None else end * float(spread)


def coefficient_intervals(judged: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Both intervals of each coefficient of a set, intercept first: by clustered errors, and resampled."""
    clustered, drawn = judged["interval"], judged["bootstrap"] or {}
    blocks = judged["blocks"]["what"]
    return [
        {
            "lower": clustered["lower"][k],
            "upper": clustered["upper"][k],
            "resampled_lower": drawn["lower"][k] if drawn else None,
            "resampled_upper": drawn["upper"][k] if drawn else None,
            "blocks": blocks,
        }
        for k in range(len(judged["coefficients"]))
    ]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Standardised coefficients of the coordinate with their intervals."""
    title = "Reaction coordinate: weight of its variables"
    rows = frame[frame["standardised"].notna()] if "standardised" in frame else frame.iloc[:0]
    if rows.empty:
        return nothing(title)
    axis = "change of r per standard deviation of the variable"
    y = alt.Y("variable:N", title=None, sort=alt.EncodingSortField("size", order="descending"))
    base = alt.Chart().encode(y=y)
    bars = base.mark_bar(size=14, opacity=0.75).encode(x=alt.X("standardised:Q", title=axis), color=colour(order))
    zero = straight_line(color=INK).encode(x=alt.datum(0))
    chart = alt.layer(bars, whiskers(base, "low", "high", along="x", strokeWidth=1.8), zero)
    # Without an error the size of a coefficient means nothing, and one scale for all would hide the others.
    x_scale: Literal["shared", "independent"] = "independent" if rows["low"].isna().any() else "shared"
    return finish(rows_of_bars(chart, rows.assign(size=rows["standardised"].abs()), order, x=x_scale), title)


FIGURE = MethodFigure(
    name="coefficients",
    title="Weight of the variables",
    category="Reaction coordinate",
    section="coordinate",
    place=60,
    caption=(
        "Coefficients of the reaction coordinate times the standard deviation of their variable over the shooting "
        "points: how far r moves when the variable does. Lines: intervals of confidence 0.95 from the scores of "
        "blocks of correlated shots, with Student's t; they ignore that the variables were selected on the same data. "
        "No line: the coordinate separates the outcomes perfectly, and the size of its coefficients has no meaning. "
        "Positive: towards the product."
    ),
    columns={
        **dict.fromkeys(
            (
                "coefficient",
                "error",
                "lower",
                "upper",
                "resampled_lower",
                "resampled_upper",
                "spread",
                "standardised",
                "low",
                "high",
                "frequency",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "variable",
                "unit",
                "note",
                "blocks",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
