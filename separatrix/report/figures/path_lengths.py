"""Durations of the reactive paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import INK, alt, colour, finish, nothing, of_kind, present_labels, row_header
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.estimate import pick
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    total = sum(int(c.multiplicity[c.sampled].sum()) for c in data.chains)
    rows: list[dict[str, Any]] = [
        {"kind": "path", "chain": c.number, "length": float(d), "share": float(w) / total}
        for c in data.chains
        for d, w in zip(c.duration[c.sampled], c.multiplicity[c.sampled], strict=True)
    ]
    for kind in ("lower quartile", "median", "upper quartile"):
        q = pick(compared.summaries[data.name], f"path_length_{kind.replace(' ', '_')}")
        rows.append({"kind": kind, "length": q.value, "low": q.low, "high": q.high})
    return rows


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Weighted distribution of the duration of reactive paths, with median and quartiles."""
    title = "Length of the reactive paths"
    paths = frame[frame["kind"] == "path"] if "kind" in frame else frame
    if paths.empty:
        return nothing(title)
    step = _round_step(float(paths["length"].max()) / 45.0)
    binned = (
        paths.assign(start=(paths["length"] // step) * step)
        .groupby(["label", "start"], as_index=False)["share"]
        .sum()
        .assign(kind="bin", end=lambda f: f["start"] + step)
    )
    marks = frame[frame["kind"] != "path"].dropna(subset=["length"])
    rows = pd.concat([binned, marks.assign(words=[_median_words(*v) for v in marks[["length", "low", "high"]].values])])
    present = present_labels(rows, order)
    x = alt.X("start:Q", title="duration of the path (fs)", axis=alt.Axis(tickCount=10))
    bars = (
        alt.Chart()
        .transform_filter(of_kind("bin"))
        .mark_bar(opacity=0.55)
        .encode(
            x=x,
            x2="end:Q",
            y=alt.Y("share:Q", title="weighted share", axis=alt.Axis(format="%", tickCount=4)),
            y2=alt.Y2Datum(0),
            color=colour(order),
        )
    )
    base = alt.Chart().encode(x="length:Q")
    middle = base.transform_filter(of_kind("median"))
    band = (
        middle.transform_filter("isValid(datum.low)").mark_rect(color=INK, opacity=0.16).encode(x="low:Q", x2="high:Q")
    )
    rule = middle.mark_rule(color=INK, strokeWidth=2)
    sides = base.transform_filter("indexof(datum.kind, 'quartile') > 0").mark_rule(
        color=INK, strokeWidth=1.2, strokeDash=[4, 3]
    )
    numbers = middle.mark_text(align="right", fontSize=12, color=INK, baseline="bottom").encode(
        text="words:N", x=alt.value(620), y=alt.value(-5)
    )
    chart = alt.layer(band, bars, sides, rule, numbers).properties(width=620, height=110)
    return finish(chart.facet(row=alt.Row("label:N", sort=present, header=row_header()), data=rows, spacing=10), title)


def _median_words(length: float, low: float, high: float) -> str:
    interval = f" ({low:.0f} to {high:.0f})" if math.isfinite(low) else " (no interval)"
    return f"median {length:.0f} fs{interval}"


def _round_step(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= value)


FIGURE = MethodFigure(
    name="path_lengths",
    title="Length of the reactive paths",
    category="Sampling",
    section="mechanism",
    place=30,
    caption=(
        "Duration of the reactive paths, weighted by the number of moves for which each was the present path, without "
        "the initial paths and the burn-in. Solid line: median. Grey band: its interval of confidence 0.95, from a "
        "bootstrap over segments of the chains. Dashed lines: quartiles. Paths end where they enter a basin, so that "
        "durations depend on the definition of the basins."
    ),
    columns={
        **dict.fromkeys(
            (
                "chain",
                "length",
                "share",
                "low",
                "high",
            ),
            float,
        ),
        **dict.fromkeys(("kind",), str),
    },
    rows=rows,
    chart=chart,
)
