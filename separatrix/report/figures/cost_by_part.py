"""Time and force evaluations of each part of the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import Layers, alt, colour, finish, nothing, step_of_offset, whiskers
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.cost_quantities import (
    core_seconds_of,
    evaluations_of,
    stage_label,
    stage_seconds,
)
from separatrix.report.quantities.estimate import pick
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    wall = {stage_label(stage): value for stage, (value, _) in stage_seconds(data).items()}
    # In the order of the work: what comes before the first paths, they and the sampling, and what comes after.
    before = {part: wall.pop(part, None) for part in map(stage_label, ("minimum", "saddle_search"))}
    seconds, evaluations = (
        {part.label: value for part, value in costs(data).items()} for costs in (core_seconds_of, evaluations_of)
    )
    totals = {"seconds": {**before, **seconds, **wall}, "evaluations": evaluations}
    rows: list[dict[str, Any]] = [
        {"kind": kind, "part": part, "value": value}
        for kind, parts in totals.items()
        for part, value in parts.items()
        if value
    ]
    for kind, id in (("evaluations", "force_evaluations_per_path"), ("seconds", "core_time_per_path")):
        q = pick(compared.summaries[data.name], id)
        if q.value:
            rows.append({"kind": f"{kind} per path", "part": "", "value": q.value, "low": q.low, "high": q.high})
    return rows


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Time and force evaluations of each part of the work and of an accepted path, on logarithmic axes."""
    title = "Cost"
    if frame.empty:
        return nothing(title)
    # A logarithmic axis has no place for zero.
    frame = frame[frame["value"] > 0]
    axes = {
        "seconds": ("time of all jobs (s)", "~r"),
        "evaluations": ("force evaluations", "~s"),
        "seconds per path": ("core-seconds per accepted path", "~r"),
        "evaluations per path": ("force evaluations per accepted path", "~s"),
    }
    panels = [
        _cost_panel(frame[frame["kind"] == kind], order, *axis)
        for kind, axis in axes.items()
        if kind in set(frame["kind"])
    ]
    return finish(alt.concat(*panels, columns=2, spacing=30), title) if panels else nothing(title)


def _cost_panel(rows: pd.DataFrame, order: Sequence[str], axis: str, digits: str) -> Layers:
    """One kind of cost: a row for each part of the work, or for each method where there are no parts."""
    x = alt.X("value:Q", title=axis, scale=alt.Scale(type="log"), axis=alt.Axis(format=digits, tickCount=5))
    base = alt.Chart(rows).encode(x=x, color=colour(order, legend=True))
    if rows["part"].any():
        y = alt.Y("part:N", title=None, sort=list(dict.fromkeys(rows["part"])), axis=alt.Axis(grid=True))
        base, height = base.encode(y=y, yOffset=alt.YOffset("label:N", sort=list(order))), step_of_offset(11)
    else:
        y = alt.Y("label:N", title=None, sort=list(order), axis=alt.Axis(grid=True))
        base, height = base.encode(y=y), alt.Step(22)
    marks = [whiskers(base, "low", "high", along="x"), base.mark_point(filled=True, size=75, opacity=1)]
    return alt.layer(*marks).properties(width=300, height=height)


FIGURE = MethodFigure(
    name="cost",
    title="Cost",
    category="Cost",
    section="cost",
    place=210,
    caption=(
        "Above: time and force evaluations of each part of the work. First paths and sampling have a record of their "
        "own, which includes the burn-in and stays right when a chain is killed and resumed; their times are core- "
        "seconds of the shots. Times of all other parts are wall times, summed over the jobs, including their start. "
        "Below: cost of one accepted path, that is all of the sampling, its burn-in and the first paths over the "
        "number of paths accepted after the burn-in. Lines: intervals of confidence 0.95, in which only the number of "
        "accepted paths is random; none where the acceptance has none. All axes are logarithmic. Times depend on the "
        "load of the machine; parts without a record are missing."
    ),
    columns={
        **dict.fromkeys(
            (
                "value",
                "low",
                "high",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "kind",
                "part",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
