"""The measures of convergence, round by round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import IN_A_ROW, INK, Layers, alt, colour, finish, nothing, present_labels
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.convergence_quantities import why_stopped
from separatrix.results.run import MethodData
from separatrix.sampling.criterion import Measure, judged_measures, measures, shown_measures


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    rows = []
    for number, a in enumerate(data.assessments, start=1):
        row: dict[str, Any] = {"round": number, "shots": a["n_shots"], "variables": "; ".join(a["variables"])}
        for judged in judged_measures(a):
            row |= {judged.measure.id: judged.value, f"{judged.measure.id}_bound": judged.bound}
        stopped = why_stopped(data.assessments) if number == len(data.assessments) else ""
        rows.append(
            row | {"mechanisms": a["mechanisms"]["outcome"], "verdict": a["verdict"], "sampling_stopped": stopped}
        )
    return rows


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Each measure of convergence against the shots, with the bound that it has to pass, and why sampling stopped."""
    title = "Convergence of the sampling"
    if frame.empty:
        return nothing(title)
    panels = [_measure(frame, order, measure) for measure in shown_measures(frame)]
    chart = alt.concat(*panels, columns=IN_A_ROW, spacing=25)
    return finish(chart, title, [f"{label}: {reason}" for label, reason in reasons_to_stop(frame, order).items()])


def reasons_to_stop(frame: pd.DataFrame, order: Sequence[str]) -> dict[str, str]:
    """Why the sampling of each method stopped, by label."""
    ends = frame[frame["sampling_stopped"] != ""].set_index("label")["sampling_stopped"]
    return {label: f"sampling stopped {ends[label]}" for label in present_labels(frame, order)}


def _measure(frame: pd.DataFrame, order: Sequence[str], measure: Measure) -> Layers:
    """One measure against the shots, one line per method, and its bound."""
    rows = frame.assign(value=frame[measure.id], bound=frame[f"{measure.id}_bound"])
    wanted = ", ".join(f"{bound:g}" for bound in sorted(rows["bound"].unique()))
    heading = alt.TitleParams(
        f"{measure.label} (wanted: {measure.side.label} {wanted})", fontSize=12.5, fontWeight="normal", offset=6
    )
    x = alt.X(
        "shots:Q",
        title="shots, all chains",
        scale=alt.Scale(domain=[0, 1.05 * rows["shots"].max()], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    y = _measure_axis(measure, pd.concat([rows["value"], rows["bound"]]))
    base = alt.Chart(rows).encode(x=x, y=y, color=colour(order, legend=True))
    # Without a label: the bound is no method's, and the page hides the rows of hidden methods.
    bounds = rows[["bound"]].drop_duplicates()
    bound = alt.Chart(bounds).mark_rule(strokeDash=[5, 4], color=INK, strokeWidth=1.5)
    marks = [
        bound.encode(y="bound:Q"),
        # A missing number breaks the line; in words for screen readers it would be "null".
        base.mark_line(strokeWidth=1.6, opacity=0.8, aria=False),
        base.mark_point(filled=True, size=60, opacity=1),
    ]
    return alt.layer(*marks).properties(width=280, height=180, title=heading)


def _measure_axis(measure: Measure, values: pd.Series) -> alt.Y:
    """An axis that begins where its measure does; the others are logarithmic, with the ticks 1, 2, 5, 10 and so on."""
    low, high = values[values > 0].min(), values.max()
    if measure.axis_begins is not None:
        begin = min(measure.axis_begins, low)
        scale = alt.Scale(domain=[begin, begin + 1.08 * (high - begin)], nice=False, zero=False)
        whole = {"values": list(range(0, math.ceil(high) + 1, math.ceil(high / 6)))} if begin == 0 else {"tickCount": 5}
        return alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(format="~r", **whole))
    domain = [low / 1.3, high * 1.3]
    decades = range(math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1])) + 1)
    ticks = [m * 10.0**k for k in decades for m in (1, 2, 5) if domain[0] <= m * 10.0**k <= domain[1]]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    return alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(values=ticks, format="~r"))


FIGURE = MethodFigure(
    name="convergence",
    title="Convergence",
    category="Sampling",
    section="sure",
    place=170,
    caption=(
        "The convergence criteria after each round, against the shots of all chains without the burn-in. Dashed: the "
        "bound of the config. Sampling ends when all criteria hold and the mechanisms do not depend on the starts of "
        "the chains, or else after ``max_rounds``; the lines under the title report which. The information error is "
        "the mean standard error of the coefficients between blocks of correlated shots, for variables scaled to [0, "
        "1]; its upper limit counts. R-hat and the effective sample size are the worst of the coordinate and its "
        "variables. No point: the data could not give the number, and the table *Convergence round by round* reports "
        "why. A jump when the variables change is no sign of divergence; a line that still drifts is a sign that more "
        "shots are needed."
    ),
    columns={
        **dict.fromkeys(
            (
                "round",
                "shots",
                *(name for m in measures() for name in (m.id, f"{m.id}_bound")),
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "variables",
                "mechanisms",
                "verdict",
                "sampling_stopped",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
