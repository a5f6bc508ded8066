"""What the figures share: style, colours, panels, and the forms a chart is stored in.

`order` is always the list of the methods' labels, in the config's order; a method keeps its colour in all figures.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

import pandas as pd

from separatrix.core.files import replacing

if TYPE_CHECKING:
    import altair as alt


class _LazyAltair:
    """Altair, loaded when it is first used: the rules read the entries of all figures and draw none."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("altair"), name)


if TYPE_CHECKING:
    # What altair says that layers with properties are.
    Layers: TypeAlias = alt.LayerChart | alt.FacetChart
else:
    alt = _LazyAltair()
    Layers = Any


class RuleStyle(TypedDict, total=False):
    """How a straight line is drawn."""

    strokeWidth: float
    strokeDash: list[float]
    opacity: float
    color: str


# Okabe and Ito, Color Universal Design (2008), darkest first; yellow is left out, too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


# Tol, Colour Schemes (2021), muted: for basins, so that no basin looks like a method.
BASINS = ("#882255", "#44AA99", "#332288", "#DDCC77")


GREY = "#8a8a8a"


INK = "#333333"


IN_A_ROW = 3  # panels


def svg(chart: alt.TopLevelMixin) -> str:
    """A chart as SVG text."""
    with alt.data_transformers.enable("default", max_rows=None), io.StringIO() as text:
        chart.save(text, format="svg")
        return text.getvalue()


def forms(chart: alt.TopLevelMixin) -> dict[str, bytes]:
    """A chart in each of its forms, by the ending of its file: SVG and PDF for papers, Vega-Lite for the report."""
    with alt.data_transformers.enable("default", max_rows=None), io.BytesIO() as pdf:
        chart.save(pdf, format="pdf")
        return {".svg": svg(chart).encode(), ".pdf": pdf.getvalue(), ".json": chart.to_json(indent=None).encode()}


def save(chart: alt.TopLevelMixin, path: Path | str) -> None:
    """Write a chart as ``NAME.svg``, and beside it ``NAME.pdf`` and its Vega-Lite specification, ``NAME.json``."""
    for ending, content in forms(chart).items():
        with replacing(Path(path).with_suffix(ending)) as temporary:
            temporary.write_bytes(content)


def finish(chart: alt.TopLevelMixin, title: str, subtitle: Sequence[str] = ()) -> alt.TopLevelMixin:
    """A chart with its title, `subtitle` as lines below it, and the style of all figures."""
    heading = alt.TitleParams(title, subtitle=list(subtitle)) if subtitle else title
    return (
        chart.properties(title=heading, padding=10, background="white")
        .configure_title(
            fontSize=16, subtitleFontSize=13, subtitlePadding=6, anchor="start", color=INK, subtitleColor=INK, offset=12
        )
        .configure_axis(
            labelFontSize=12,
            titleFontSize=13,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=INK,
            gridColor="#ececec",
            labelLimit=260,
            titlePadding=8,
        )
        .configure_legend(
            labelFontSize=12, titleFontSize=12, titleFontWeight="normal", orient="bottom", labelLimit=260, symbolSize=90
        )
        .configure_header(labelFontSize=14, labelFontWeight="bold", labelColor=INK, labelPadding=6)
        .configure_view(stroke="#cccccc")
    )


def colour(order: Sequence[str], legend: bool = False) -> alt.Color:
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(order))]
    scale = alt.Scale(domain=list(order), range=colours)
    return alt.Color("label:N", scale=scale, legend=alt.Legend(title=None) if legend else None)


def panels(chart: Layers, frame: pd.DataFrame, order: Sequence[str]) -> alt.FacetChart:
    """One panel per method, three in a row."""
    present, header = present_labels(frame, order), alt.Header(title=None)
    # Only a grid that wraps needs `facet`; `column` keeps the heads in line.
    if len(present) <= IN_A_ROW:
        return chart.facet(column=alt.Column("label:N", sort=present, header=header), data=frame)
    return chart.facet(facet=alt.Facet("label:N", sort=present, header=header), columns=IN_A_ROW, data=frame)


def present_labels(frame: pd.DataFrame, order: Sequence[str]) -> list[str]:
    return [label for label in order if (frame["label"] == label).any()]


def of_kind(name: str) -> str:
    return f"datum.kind == '{name}'"


def nothing(title: str) -> alt.TopLevelMixin:
    """A chart that says there is nothing to show."""
    label = alt.Chart(pd.DataFrame({"text": ["no data"]})).mark_text(fontSize=14, color=GREY).encode(text="text:N")
    return finish(label.properties(width=300, height=80), title)


def whiskers(
    base: alt.Chart, low: str, high: str, along: Literal["x", "y"] = "y", **mark: Unpack[RuleStyle]
) -> alt.Chart:
    """Error bars between two columns; rows without an interval get none."""
    style: RuleStyle = {"strokeWidth": 2.0, **mark}
    rules = base.transform_filter(f"isValid(datum.{low}) && isValid(datum.{high})").mark_rule(**style)
    if along == "x":
        return rules.encode(x=f"{low}:Q", x2=f"{high}:Q")
    return rules.encode(y=f"{low}:Q", y2=f"{high}:Q")


def step_of_offset(pixels: float) -> alt.Step:
    """A height that grows with the offsets within a band, not with the bands."""
    return alt.Step(pixels, **{"for": "offset"})


def straight_line(**mark: Unpack[RuleStyle]) -> alt.Chart:
    """A straight line, drawn once per panel and not once per row."""
    return alt.Chart().transform_aggregate(rows="count()").mark_rule(**mark)


def row_header() -> alt.Header:
    return alt.Header(
        title=None, labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelPadding=-6
    )


def rows_of_bars(
    chart: Layers, rows: pd.DataFrame, order: Sequence[str], x: Literal["shared", "independent"] = "shared"
) -> alt.FacetChart:
    """Horizontal bars, one row of them per method."""
    return (
        chart.properties(width=420, height=alt.Step(22))
        .facet(row=alt.Row("label:N", sort=present_labels(rows, order), header=row_header()), data=rows, spacing=8)
        .resolve_scale(y="independent", x=x)
    )


def against_prediction(
    frame: pd.DataFrame, order: Sequence[str], measured: str, name: str, size: int, shape: alt.Shape | None = None
) -> alt.FacetChart:
    """Measured fractions over predicted committors, with intervals, and the diagonal where both are alike.

    Parameters
    ----------
    measured, name
        Column of the fraction, and what the axis calls it.
    size, shape
        Of the points.
    """
    to = frame["to"].iloc[0]
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart().encode(
        x=alt.X("predicted:Q", title=f"predicted committor to {to}", scale=unit),
        y=alt.Y(f"{measured}:Q", title=f"{name} to {to}", scale=unit),
        color=colour(order),
    )
    ends = pd.DataFrame({"predicted": [0.0, 1.0], measured: [0.0, 1.0]})
    diagonal = pd.concat([ends.assign(label=label, kind="model") for label in present_labels(frame, order)])
    model = (
        base.transform_filter(of_kind("model"))
        .mark_line(strokeDash=[5, 4], strokeWidth=1.5)
        .encode(color=alt.value(GREY))
    )
    shots = base.transform_filter(of_kind("data"))
    points = shots.mark_point(filled=True, size=size, opacity=0.9)
    chart = alt.layer(
        model,
        whiskers(shots, "low", "high", strokeWidth=1.2, opacity=0.6),
        points if shape is None else points.encode(shape=shape),
    )
    rows = pd.concat([frame.assign(kind="data"), diagonal])
    return panels(chart.properties(width=230, height=230), rows, order)


def colour_of_present(frame: pd.DataFrame, order: Sequence[str]) -> alt.Color:
    """Colour by method with a legend of those that are there; each has the colour that it has in all figures."""
    present = present_labels(frame, order)
    palette = [PALETTE[list(order).index(label) % len(PALETTE)] for label in present]
    return alt.Color("label:N", scale=alt.Scale(domain=present, range=palette), legend=alt.Legend(title=None))
