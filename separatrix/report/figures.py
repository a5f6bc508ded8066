"""Figures and tables of the report. Every function takes a table (a DataFrame, as in ``results/comparison/data``).

A figure comes back as an Altair chart and is stored in three forms (:func:`save`). A table comes back as HTML without
scripts or links. `order` is always the list of the methods' labels, in the config's order;
a method keeps its colour in all figures.
"""

from __future__ import annotations

import html
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from separatrix.coordinate.interchangeable import NEAR_DUPLICATES
from separatrix.core import digits
from separatrix.core.files import replacing
from separatrix.report.comparison import (
    CHAINS,
    COMMITTOR,
    CONVERGENCE,
    COORDINATE,
    COST,
    GEOMETRY,
    MEASURES,
    POINTS,
    RATES,
    SAMPLING,
    Measure,
    rounded,
)

# Okabe and Ito, Color Universal Design (2008), darkest first; yellow is left out, too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Tol, Colour Schemes (2021), muted: for basins, so that no basin looks like a method.
BASINS = ("#882255", "#44AA99", "#332288", "#DDCC77")
GREY = "#8a8a8a"
INK = "#333333"

# fmt: off
NUMBERS = frozenset({
    "value", "error", "low", "high", "place", "energy", "chain", "shot", "acceptance", "length", "share", "frame",
    "x", "y", "x2", "y2", "coefficient", "spread", "standardised", "frequency", "predicted", "observed", "shots",
    "paths", "resamples", "centre", "per_shot", "brier", "rms_error", "rms_low", "rms_high", "behind", "behind_low",
    "behind_high", "configurations", "binomial", "beta_binomial", "r", "committor", "round",
    "lower", "upper", "resampled_lower", "resampled_upper", "set", "observations", "per_observation", "mean",
    "constant_per_observation", "held_out", "held_out_error", "held_out_constant",
    *(m.name for m in MEASURES), *(f"{m.name}_bound" for m in MEASURES),
})
# fmt: on
"""Columns that hold numbers, in any of the tables."""

_IN_A_ROW = 3  # panels
_LISTED = 8  # variables shown in the figure of selection frequencies
_BEGINS = {"worst_r_hat": 1.0, "stable_for": 0.0}  # where the axes of these measures begin
# Drawn of one method in the plane of shooting points: with all of a long run the report would hold tens of megabytes,
# and the panel would be one grey patch. The table keeps all.
MOST_PATHS, MOST_FRAMES, MOST_POINTS = 40, 100, 300


# --- what the figures share -----------------------------------------------------------------------------------------


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


def _finish(chart: alt.TopLevelMixin, title: str, words: Sequence[str] = ()) -> alt.TopLevelMixin:
    """A chart with its title, `words` as lines below it, and the style of all figures."""
    heading = alt.TitleParams(title, subtitle=list(words)) if words else title
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


def _colour(order: Sequence[str], legend: bool = False) -> alt.Color:
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(order))]
    scale = alt.Scale(domain=list(order), range=colours)
    return alt.Color("label:N", scale=scale, legend=alt.Legend(title=None) if legend else None)


def _panels(chart: alt.LayerChart, frame: pd.DataFrame, order: Sequence[str]) -> alt.FacetChart:
    """One panel per method, three in a row."""
    present = _present(frame, order)
    names = {"shorthand": "label:N", "sort": present, "header": alt.Header(title=None)}
    # Only a grid that wraps needs `facet`; `column` keeps the heads in line.
    if len(present) <= _IN_A_ROW:
        facet = chart.facet(column=alt.Column(**names), data=frame)
    else:
        facet = chart.facet(facet=alt.Facet(**names), columns=_IN_A_ROW, data=frame)
    return facet


def _present(frame: pd.DataFrame, order: Sequence[str]) -> list[str]:
    return [label for label in order if (frame["label"] == label).any()]


def _kind(name: str) -> str:
    return f"datum.kind == '{name}'"


def _nothing(title: str) -> alt.TopLevelMixin:
    """A chart that says there is nothing to show."""
    words = alt.Chart(pd.DataFrame({"text": ["no data"]})).mark_text(fontSize=14, color=GREY).encode(text="text:N")
    return _finish(words.properties(width=300, height=80), title)


def _whiskers(base: alt.Chart, low: str, high: str, along: str = "y", **mark: float) -> alt.Chart:
    """Error bars between two columns; rows without an interval get none."""
    given = base.transform_filter(f"isValid(datum.{low}) && isValid(datum.{high})").mark_rule(
        **{"strokeWidth": 2, **mark}
    )
    return given.encode(**{along: f"{low}:Q", f"{along}2": f"{high}:Q"})


def _line(**mark: object) -> alt.Chart:
    """A straight line, drawn once per panel and not once per row."""
    return alt.Chart().transform_aggregate(rows="count()").mark_rule(**mark)


#: what figures made elsewhere share with these
finish, nothing = _finish, _nothing


# --- figures --------------------------------------------------------------------------------------------------------


def energy_profile(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Energies of reactant, saddle and product over the product minimum, one panel per method."""
    title = "Energy profile"
    if frame.empty:
        return _nothing(title)
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
    level = base.mark_tick(orient="horizontal", thickness=4, width=48).encode(color=_colour(order))
    # Above the saddle and below the minima, where no line runs.
    value = base.mark_text(dy=alt.expr("datum.mechanism ? -24 : 15"), fontSize=12, color=INK).encode(
        text=alt.Text("energy:Q", format=".1f")
    )
    word = base.mark_text(dy=-10, fontSize=11, color=INK).encode(text="mechanism:N")
    chart = alt.layer(line, level, value, word).properties(width=230, height=260)
    return _finish(_panels(chart, frame, order), title)


def acceptance(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Running acceptance of every chain, and the acceptance of all with its interval."""
    title = "Acceptance"
    if frame.empty:
        return _nothing(title)
    base = alt.Chart().encode(
        x=alt.X("shot:Q", title="shot"),
        y=alt.Y("acceptance:Q", title="accepted fraction of shots", scale=alt.Scale(domain=[0, 1])),
        color=_colour(order),
    )
    running = base.transform_filter(_kind("chain")).mark_line(opacity=0.6, strokeWidth=1.6).encode(detail="chain:N")
    final = base.transform_filter(_kind("all")).encode(x=alt.X("place:Q", title="shot"))
    marks = [
        running,
        _whiskers(final, "low", "high", strokeWidth=2.5),
        final.mark_point(filled=True, size=80, opacity=1),
    ]
    placed = frame.assign(place=frame["shot"] * 1.05)
    chart = alt.layer(*marks).properties(width=230, height=220)
    return _finish(_panels(chart, placed, order), title)


def convergence(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Each measure of convergence against the shots, with the bound that it has to pass, and why sampling stopped."""
    title = "Convergence of the sampling"
    if frame.empty:
        return _nothing(title)
    panels = [_measure(frame, order, measure) for measure in MEASURES]
    chart = alt.concat(*panels, columns=_IN_A_ROW, spacing=25)
    return _finish(chart, title, [f"{label}: {words}" for label, words in _reasons(frame, order).items()])


def _reasons(frame: pd.DataFrame, order: Sequence[str]) -> dict[str, str]:
    """Why the sampling of each method stopped, by label."""
    ends = frame[frame["sampling_stopped"] != ""].set_index("label")["sampling_stopped"]
    return {label: f"sampling stopped {ends[label]}" for label in _present(frame, order)}


def _measure(frame: pd.DataFrame, order: Sequence[str], measure: Measure) -> alt.LayerChart:
    """One measure against the shots, one line per method, and its bound."""
    rows = frame.assign(value=frame[measure.name], bound=frame[f"{measure.name}_bound"])
    wanted = ", ".join(f"{bound:g}" for bound in sorted(rows["bound"].unique()))
    heading = alt.TitleParams(
        f"{measure.title} (wanted: {measure.side} {wanted})", fontSize=12.5, fontWeight="normal", offset=6
    )
    x = alt.X(
        "shots:Q",
        title="shots, all chains",
        scale=alt.Scale(domain=[0, 1.05 * rows["shots"].max()], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    y = _measure_axis(measure, pd.concat([rows["value"], rows["bound"]]))
    base = alt.Chart(rows).encode(x=x, y=y, color=_colour(order, legend=True))
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
    if measure.name in _BEGINS:
        begin = min(_BEGINS[measure.name], low)
        scale = alt.Scale(domain=[begin, begin + 1.08 * (high - begin)], nice=False, zero=False)
        whole = {"values": list(range(0, math.ceil(high) + 1, math.ceil(high / 6)))} if begin == 0 else {"tickCount": 5}
        return alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(format="~r", **whole))
    domain = [low / 1.3, high * 1.3]
    decades = range(math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1])) + 1)
    ticks = [m * 10.0**k for k in decades for m in (1, 2, 5) if domain[0] <= m * 10.0**k <= domain[1]]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    return alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(values=ticks, format="~r"))


def path_lengths(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Weighted distribution of the duration of reactive paths, with median and quartiles."""
    title = "Length of the reactive paths"
    paths = frame[frame["kind"] == "path"] if "kind" in frame else frame
    if paths.empty:
        return _nothing(title)
    step = _round_step(float(paths["length"].max()) / 45.0)
    binned = (
        paths.assign(start=(paths["length"] // step) * step)
        .groupby(["label", "start"], as_index=False)["share"]
        .sum()
        .assign(kind="bin", end=lambda f: f["start"] + step)
    )
    marks = frame[frame["kind"] != "path"].dropna(subset=["length"])
    rows = pd.concat([binned, marks.assign(words=[_median_words(*v) for v in marks[["length", "low", "high"]].values])])
    present = _present(rows, order)
    x = alt.X("start:Q", title="duration of the path (fs)", axis=alt.Axis(tickCount=10))
    bars = (
        alt.Chart()
        .transform_filter(_kind("bin"))
        .mark_bar(opacity=0.55)
        .encode(
            x=x,
            x2="end:Q",
            y=alt.Y("share:Q", title="weighted share", axis=alt.Axis(format="%", tickCount=4)),
            y2=alt.Y2Datum(0),
            color=_colour(order),
        )
    )
    base = alt.Chart().encode(x="length:Q")
    middle = base.transform_filter(_kind("median"))
    band = (
        middle.transform_filter("isValid(datum.low)").mark_rect(color=INK, opacity=0.16).encode(x="low:Q", x2="high:Q")
    )
    rule = middle.mark_rule(color=INK, strokeWidth=2)
    sides = base.transform_filter("indexof(datum.kind, 'quartile') > 0").mark_rule(
        color=INK, strokeWidth=1.2, strokeDash=[4, 3]
    )
    words = middle.mark_text(align="right", fontSize=12, color=INK, baseline="bottom").encode(
        text="words:N", x=alt.value(620), y=alt.value(-5)
    )
    chart = alt.layer(band, bars, sides, rule, words).properties(width=620, height=110)
    return _finish(
        chart.facet(row=alt.Row("label:N", sort=present, header=_row_header()), data=rows, spacing=10), title
    )


def _median_words(length: float, low: float, high: float) -> str:
    interval = f" ({low:.0f} to {high:.0f})" if math.isfinite(low) else " (no interval)"
    return f"median {length:.0f} fs{interval}"


def _row_header() -> alt.Header:
    return alt.Header(
        title=None, labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelPadding=-6
    )


def _round_step(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= value)


def mechanisms(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Weighted share of each mechanism, all chains together and each alone."""
    title = "Mechanism shares"
    if frame.empty:
        return _nothing(title)
    present = _present(frame, order)
    values = frame[["label", "share", "low", "high", "paths"]].values
    rows = frame.assign(
        words=[_share_words(*v) if k == "all" else "" for k, v in zip(frame["kind"], values, strict=True)]
    )
    base = alt.Chart(rows).encode(
        y=alt.Y("mechanism:N", title=None, sort=sorted(frame["mechanism"].unique())),
        yOffset=alt.YOffset("label:N", sort=present),
        x=alt.X(
            "share:Q", title="share of the reactive paths", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")
        ),
        color=_colour(order, legend=True),
    )
    whole = base.transform_filter(_kind("all"))
    words = whole.mark_text(align="left", fontSize=12).encode(x=alt.value(488), text="words:N", color=alt.value(INK))
    marks = [
        whole.mark_bar(opacity=0.6, size=16),
        base.transform_filter(_kind("chain")).mark_tick(thickness=2, size=16).encode(color=alt.value(INK)),
        _whiskers(whole.encode(color=alt.value(INK)), "low", "high", along="x"),
        words,
    ]
    height = alt.Step(24, **{"for": "offset"})
    return _finish(alt.layer(*marks).properties(width=480, height=height), title)


def _share_words(label: str, share: float, low: float, high: float, paths: float) -> str:
    if not math.isfinite(share):
        # No bar tells by its colour which method it is.
        return f"{label}: not determined, {paths:.0f} paths"
    interval = f" ({low:.0%} to {high:.0%})" if math.isfinite(low) else ""
    return f"{share:.0%}{interval}, {paths:.0f} paths"


def shooting_points(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Shooting points and reactive paths in the plane of two named coordinates."""
    title = "Shooting points and reactive paths"
    if frame.empty:
        return _nothing(title)
    frame, left_out = _thinned(frame)
    points = frame[frame["kind"] == "point"]
    drawn = frame[frame["kind"].isin(["point", "basin"])]
    basins = sorted(set(drawn["reached"]) - {"none", "failed"})
    lost = [w for w in ("none", "failed") if (points["reached"] == w).any()]
    colours = [BASINS[i % len(BASINS)] for i in range(len(basins))] + [GREY] * len(lost)
    shapes = [("circle", "triangle-up", "square", "diamond")[i % 4] for i in range(len(basins))] + ["cross"] * len(lost)
    legend = alt.Legend(title="forward half reached")
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=frame["x_axis"].iloc[0], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
        y=alt.Y("y:Q", title=frame["y_axis"].iloc[0], scale=alt.Scale(zero=False)),
    )
    paths = (
        base.transform_filter(_kind("path"))
        .mark_line(color="#9a9a9a", opacity=0.3, strokeWidth=1)
        .encode(detail="path:N", order="frame:Q")
    )
    shots = (
        base.transform_filter(_kind("point"))
        .mark_point(filled=True, size=42, opacity=0.85)
        .encode(
            color=alt.Color("reached:N", scale=alt.Scale(domain=basins + lost, range=colours), legend=legend),
            shape=alt.Shape("reached:N", scale=alt.Scale(domain=basins + lost, range=shapes), legend=legend),
        )
    )
    layers = [paths, shots]
    words = []
    if (frame["kind"] == "basin").any():
        placed = frame["kind"] != "basin"
        ends = {axis: (frame.loc[placed, axis].min(), frame.loc[placed, axis].max()) for axis in ("x", "y")}
        frame = _bounded(frame, ends)
        # Under everything else; a basin keeps its colour, and needs no legend of its own.
        layers.insert(
            0,
            base.transform_filter(_kind("basin"))
            .mark_rect(opacity=0.12, clip=True)
            .encode(
                x2="x2:Q",
                y2="y2:Q",
                color=alt.Color("reached:N", scale=alt.Scale(domain=basins + lost, range=colours), legend=legend),
            ),
        )
        words.append("shaded: basins")
    if (frame["kind"] == "separatrix").any():
        crossings = base.transform_filter(_kind("separatrix"))
        layers.append(crossings.mark_point(shape="diamond", size=26, strokeWidth=1.2, opacity=0.8, color=INK))
        words.append("diamonds: where a path crosses r = 0, the predicted separatrix")
    chart = alt.layer(*layers).properties(width=250, height=250)
    return _finish(_panels(chart, frame, order), title, [*(["; ".join(words)] if words else []), *left_out])


def _thinned(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """No more of each method than a panel can show, drawn evenly in their order, and what was left out in words."""
    frame = frame.reset_index(drop=True)
    rows, words, cut = list(frame.index[~frame["kind"].isin(["path", "point", "separatrix"])]), [], False
    for label, method in frame.groupby("label", sort=False):
        shown = []
        tracks = [list(track.index) for _, track in method[method["kind"] == "path"].groupby("path", sort=False)]
        drawn = _evenly(tracks, MOST_PATHS)
        if len(drawn) < len(tracks):
            shown.append(f"{len(drawn)} of {len(tracks)} paths")
        for track in drawn:
            rows += _evenly(track, MOST_FRAMES)
            cut = cut or len(track) > MOST_FRAMES
        for kind, name in (("point", "points"), ("separatrix", "diamonds")):
            all_of = list(method.index[method["kind"] == kind])
            some = _evenly(all_of, MOST_POINTS)
            rows += some
            if len(some) < len(all_of):
                shown.append(f"{len(some)} of {len(all_of)} {name}")
        if shown:
            words.append(f"{label}: {', '.join(shown)}")
    if cut:
        words.append(f"a path of more than {MOST_FRAMES} frames: {MOST_FRAMES} of them")
    return frame.loc[sorted(rows)], words


def _evenly(items: list[Any], most: int) -> list[Any]:
    """At most `most` of the items, in their order, the first and the last among them."""
    if len(items) <= most:
        return items
    return [items[i * (len(items) - 1) // (most - 1)] for i in range(most)]


def _bounded(frame: pd.DataFrame, ends: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Basins as far as the other data reach, and a little beyond: their bounds may be far off, or missing."""
    basins = frame["kind"] == "basin"
    found = frame.copy()
    for axis, (low, high) in ends.items():
        margin = 0.05 * ((high - low) or 1.0)
        for column, missing in ((axis, low - margin), (f"{axis}2", high + margin)):
            values = found.loc[basins, column].astype(float).fillna(missing)
            found.loc[basins, column] = values.clip(low - margin, high + margin)
    return found


def coefficients(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Standardised coefficients of the coordinate with their intervals."""
    title = "Reaction coordinate: weight of its variables"
    rows = frame[frame["standardised"].notna()] if "standardised" in frame else frame.iloc[:0]
    if rows.empty:
        return _nothing(title)
    axis = "change of r per standard deviation of the variable"
    y = alt.Y("variable:N", title=None, sort=alt.EncodingSortField("size", order="descending"))
    base = alt.Chart().encode(y=y)
    bars = base.mark_bar(size=14, opacity=0.75).encode(x=alt.X("standardised:Q", title=axis), color=_colour(order))
    zero = _line(color=INK).encode(x=alt.datum(0))
    chart = alt.layer(bars, _whiskers(base, "low", "high", along="x", strokeWidth=1.8), zero)
    # Without an error the size of a coefficient means nothing, and one scale for all would hide the others.
    x_scale = "independent" if rows["low"].isna().any() else "shared"
    return _finish(_rows_of_bars(chart, rows.assign(size=rows["standardised"].abs()), order, x=x_scale), title)


def _rows_of_bars(chart: alt.LayerChart, rows: pd.DataFrame, order: Sequence[str], x: str = "shared") -> alt.FacetChart:
    return (
        chart.properties(width=420, height=alt.Step(22))
        .facet(row=alt.Row("label:N", sort=_present(rows, order), header=_row_header()), data=rows, spacing=8)
        .resolve_scale(y="independent", x=x)
    )


def selection(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """How often each variable is chosen when the choice is repeated on resampled data."""
    title = "Reaction coordinate: variables chosen in resamples"
    if frame.empty:
        return _nothing(title)
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
            color=_colour(order),
            opacity=alt.Opacity(
                "role:N",
                scale=alt.Scale(domain=["in the coordinate", "not in it"], range=[0.9, 0.35]),
                legend=alt.Legend(title=None),
            ),
        )
    )
    return _finish(_rows_of_bars(alt.layer(bars), rows, order), title)


def _against_prediction(
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
        color=_colour(order),
    )
    ends = pd.DataFrame({"predicted": [0.0, 1.0], measured: [0.0, 1.0]})
    diagonal = pd.concat([ends.assign(label=label, kind="model") for label in _present(frame, order)])
    model = (
        base.transform_filter(_kind("model"))
        .mark_line(strokeDash=[5, 4], strokeWidth=1.5)
        .encode(color=alt.value(GREY))
    )
    shots = base.transform_filter(_kind("data"))
    points = shots.mark_point(filled=True, size=size, opacity=0.9)
    chart = alt.layer(
        model,
        _whiskers(shots, "low", "high", strokeWidth=1.2, opacity=0.6),
        points if shape is None else points.encode(shape=shape),
    )
    rows = pd.concat([frame.assign(kind="data"), diagonal])
    return _panels(chart.properties(width=230, height=230), rows, order)


def calibration(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Observed fraction of outcomes against the committor that the coordinate predicts."""
    title = "Reaction coordinate: calibration"
    if frame.empty:
        return _nothing(title)
    return _finish(_against_prediction(frame, order, "observed", "observed fraction", 80), title)


def committor_histogram(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Distribution of the committor on the predicted separatrix, with two expectations."""
    title = "Committor distribution on the predicted separatrix"
    if frame.empty:
        return _nothing(title)
    to = frame["to"].iloc[0]
    names = {"binomial": "perfect coordinate (binomial, 1/2)", "beta_binomial": "beta-binomial fit"}
    curves = frame.melt(["label", "centre"], list(names), "curve", "expected").dropna(subset=["expected"])
    curves = curves.assign(curve=curves["curve"].map(names), kind="curve")
    rows = pd.concat([frame.assign(kind="bin"), curves])
    most = math.ceil(max(rows["configurations"].max(), rows["expected"].max()))
    whole = alt.Axis(values=list(range(0, most + 1, math.ceil(most / 8))))
    bars = (
        alt.Chart()
        .transform_filter(_kind("bin"))
        .mark_bar(opacity=0.5, stroke="white")
        .encode(
            x=alt.X(
                "low:Q",
                title=f"fraction of shots to {to}",
                scale=alt.Scale(domain=[frame["low"].min(), frame["high"].max()], nice=False),
                axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f"),
            ),
            x2="high:Q",
            y=alt.Y("configurations:Q", title="configurations", axis=whole),
            y2=alt.Y2Datum(0),
            color=_colour(order),
        )
    )
    base = (
        alt.Chart()
        .transform_filter(_kind("curve"))
        .encode(x="centre:Q", y=alt.Y("expected:Q", title="configurations", axis=whole))
    )
    style = alt.StrokeDash(
        "curve:N",
        scale=alt.Scale(domain=list(names.values()), range=[[5, 4], [1, 0]]),
        legend=alt.Legend(title=None, symbolStrokeColor=INK, symbolStrokeWidth=2),
    )
    lines = base.mark_line(color=INK, strokeWidth=1.8).encode(strokeDash=style)
    chart = alt.layer(bars, lines).properties(width=250, height=220)
    return _finish(_panels(chart, rows, order), title)


def committor_points(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Committor of each configuration against the coordinate there."""
    title = "Committor of each configuration"
    if frame.empty:
        return _nothing(title)
    to = frame["to"].iloc[0]
    base = alt.Chart().encode(
        x=alt.X(
            "r:Q", title="predicted coordinate r", scale=alt.Scale(zero=False, padding=12), axis=alt.Axis(tickCount=5)
        ),
        y=alt.Y("committor:Q", title=f"fraction of shots to {to}", scale=alt.Scale(domain=[0, 1])),
        color=_colour(order),
    )
    half = _line(strokeDash=[5, 4], color=GREY, strokeWidth=1.5).encode(y=alt.datum(0.5))
    marks = [
        half,
        _whiskers(base, "low", "high", strokeWidth=1.2, opacity=0.6),
        base.mark_point(filled=True, size=55, opacity=0.9),
    ]
    chart = alt.layer(*marks).properties(width=230, height=220)
    return _finish(_panels(chart, frame, order), title)


def committor_calibration(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Measured against predicted committor of every configuration that was shot from."""
    title = "Committor: measured against predicted"
    if frame.empty:
        return _nothing(title)
    sets = list(dict.fromkeys(frame["draw"]))
    shape = alt.Shape(
        "draw:N",
        scale=alt.Scale(domain=sets, range=["circle", "triangle-up", "square", "diamond", "cross"][: len(sets)]),
        legend=alt.Legend(title="configurations", symbolFillColor=INK, symbolStrokeColor=INK),
    )
    return _finish(_against_prediction(frame, order, "committor", "fraction of shots", 60, shape), title)


def committor_map(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Measured committor over two variables."""
    title = "Committor over two variables"
    if frame.empty:
        return _nothing(title)
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
    return _finish(_panels(chart, frame, order), title)


def cost(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Time and force evaluations of each part of the work and of an accepted path, on logarithmic axes."""
    title = "Cost"
    if frame.empty:
        return _nothing(title)
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
    return _finish(alt.concat(*panels, columns=2, spacing=30), title) if panels else _nothing(title)


def _cost_panel(rows: pd.DataFrame, order: Sequence[str], axis: str, digits: str) -> alt.LayerChart:
    """One kind of cost: a row for each part of the work, or for each method where there are no parts."""
    y, offset = alt.Y("label:N", title=None, sort=list(order), axis=alt.Axis(grid=True)), {}
    if rows["part"].any():
        y = alt.Y("part:N", title=None, sort=list(dict.fromkeys(rows["part"])), axis=alt.Axis(grid=True))
        offset = {"yOffset": alt.YOffset("label:N", sort=list(order))}
    x = alt.X("value:Q", title=axis, scale=alt.Scale(type="log"), axis=alt.Axis(format=digits, tickCount=5))
    base = alt.Chart(rows).encode(y=y, x=x, color=_colour(order, legend=True), **offset)
    marks = [_whiskers(base, "low", "high", along="x"), base.mark_point(filled=True, size=75, opacity=1)]
    height = alt.Step(11, **{"for": "offset"}) if offset else alt.Step(22)
    return alt.layer(*marks).properties(width=300, height=height)


CHARTS: Mapping[str, Callable[[pd.DataFrame, Sequence[str]], alt.TopLevelMixin]] = {
    draw.__name__: draw
    for draw in (
        energy_profile,
        acceptance,
        convergence,
        path_lengths,
        mechanisms,
        shooting_points,
        coefficients,
        selection,
        calibration,
        committor_histogram,
        committor_points,
        committor_calibration,
        committor_map,
        cost,
    )
}
"""Figures by name; the table that a figure is drawn from carries the same name."""


# --- tables ---------------------------------------------------------------------------------------------------------

_STYLE = (
    "body{font-family:sans-serif;font-size:14px;color:#222;background:#fff;margin:16px}"
    "table{border-collapse:collapse}"
    "th,td{padding:5px 12px;text-align:left;vertical-align:top;border-bottom:1px solid #e4e4e4;max-width:26em}"
    "thead th{border-bottom:2px solid #333;vertical-align:bottom}"
    "tr.group th{padding-top:16px;border-bottom:1px solid #333;font-size:15px}"
    "tbody th{font-weight:normal;white-space:nowrap}"
    "small{color:#666}"
    "p{max-width:60em;color:#444}"
    "div{overflow-x:auto}"
)
STYLE = _STYLE

_PLACES = {"kcal/mol": 1, "degree": 1, "angstrom": 3, "cm-1": 0, "fs": 0, "kJ/mol": 1, "J/mol/K": 0}
_SHOWN_UNITS = {"1": "", "cm-1": "cm⁻¹", "degree": "°", "angstrom": "Å"}


def cell(row: Mapping[str, object]) -> str:
    """HTML of one quantity: value, error or interval, to sensible digits; the note appears on hovering.

    Parameters
    ----------
    row
        With the keys of :class:`separatrix.report.comparison.Quantity`.
    """
    note = str(row["note"] or "")
    value, error, low, high = (float(row[k]) for k in ("value", "error", "low", "high"))  # type: ignore[arg-type]
    if not math.isfinite(value):
        # Without a number there is a word, or the note says why there is nothing.
        shown = html.escape(str(row["text"])) if row["text"] else f"<small>{html.escape(note) or 'none'}</small>"
        return _hover(shown, note)
    if math.isfinite(error) and error > 0:
        shown = _minus(" ± ".join(rounded(value, error)))
    elif math.isfinite(low) and high > low:
        number, _, interval = _minus(digits.significant(value, low, high)).partition(" (")
        shown = f"{number} <small>({interval.replace(' – ', ' to ')}</small>"
    else:
        estimate = row.get("group") == RATES and row["unit"] in ("1/s", "s")
        shown = _minus(digits.plain(value) if estimate else _plain(value, str(row["unit"])))
        if note.startswith(("no interval", "no error")):
            shown += f" <small>({html.escape(note)})</small>"
    if row["text"]:
        shown += f" <small>({html.escape(str(row['text']))})</small>"
    return _hover(shown, note)


def _minus(number: str) -> str:
    """A number with a true minus sign."""
    return number.replace("-", "−")


def _plain(value: float, unit: str) -> str:
    if unit in _PLACES:
        places = _PLACES[unit]
        return f"{round(value, places) + 0.0:.{places}f}"  # the sum turns -0.0 into 0.0
    if unit in ("s", "ms") and value >= 100:
        return f"{value:.0f}"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e12 else digits.plain(value, 3)


def _hover(shown: str, note: str) -> str:
    return f'<td title="{html.escape(note, quote=True)}">{shown}</td>' if note else f"<td>{shown}</td>"


def _page(title: str, head: str, body: str, words: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><div><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}"
        f"</tbody></table></div>\n<p>{html.escape(words)}</p></body></html>\n"
    )


#: what tables made elsewhere share with these
page = _page


def _grouped(frame: pd.DataFrame, title: str, groups: Sequence[str], words: str) -> str:
    """Methods as columns, quantities as rows under the heads of their groups."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    cells = {(r["method"], r["group"], r["quantity"]): r for r in frame.to_dict("records")}
    body = []
    for group in groups:
        mine = frame[frame["group"] == group]
        if mine.empty:
            continue
        body.append(f'<tr class="group"><th colspan="{len(methods) + 1}">{html.escape(group)}</th></tr>\n')
        for name in _merged([list(mine[mine["method"] == m]["quantity"]) for m in methods]):
            rows = [cells.get((m, group, name)) for m in methods]
            unit = next(_SHOWN_UNITS.get(r["unit"], r["unit"]) for r in rows if r is not None)
            heading = html.escape(name) + (f" <small>({html.escape(unit)})</small>" if unit else "")
            body.append(
                f"<tr><th>{heading}</th>" + "".join("<td>–</td>" if r is None else cell(r) for r in rows) + "</tr>\n"
            )
    head = "<th></th>" + "".join(f"<th>{html.escape(str(labels[m]))}</th>" for m in methods)
    return _page(title, head, "".join(body), words)


def _merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """All entries once; each that the first lists lack follows its predecessor in its own list."""
    result: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name in result:
                place = result.index(name) + 1
            else:
                result.insert(place, name)
                place += 1
    return result


_HOW = (
    "In brackets: interval of confidence 0.95. After ±: standard error. The text that appears over a number says how "
    "its uncertainty was found."
)


def comparison_table(frame: pd.DataFrame) -> str:
    """The main table."""
    frame = frame[
        ~frame["quantity"].str.startswith(("wall time, ", "chosen in resamples"))
        | (frame["quantity"] == "wall time, other stages")
    ]
    groups = (POINTS, SAMPLING, CONVERGENCE, COORDINATE, COMMITTOR, RATES, COST)
    return _grouped(frame, "Comparison of the methods", groups, _HOW)


def stationary_table(frame: pd.DataFrame) -> str:
    """Energies and geometries of the stationary points."""
    words = "Energies are those of the potential, without zero-point vibration."
    if (frame["unit"] == "degree").any():
        words += " Dihedrals carry their sign."
    return _grouped(frame, "Stationary points", (POINTS, GEOMETRY), words)


def chains_table(frame: pd.DataFrame) -> str:
    """What each chain says alone: do they agree?"""
    return _grouped(frame, "Chain by chain", (CHAINS,), _HOW)


def convergence_table(frame: pd.DataFrame) -> str:
    """What the judgement after each round said, and why each method's sampling stopped."""
    heads = ("round", "shots", "variables", *(m.title for m in MEASURES), "mechanisms", "verdict")
    body = []
    for label, reason in _reasons(frame, list(dict.fromkeys(frame["label"]))).items():
        rows = frame[frame["label"] == label].to_dict("records")
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{html.escape(f"{label}: {reason}")}</th></tr>\n')
        bounds = [f"{m.side} {rows[-1][f'{m.name}_bound']:g}" for m in MEASURES]
        body.append(_row("wanted", ["", "", *bounds, "", ""]))
        for row in rows:
            numbers = [f"{row[m.name]:.3g}" if math.isfinite(row[m.name]) else "–" for m in MEASURES]
            shots = f"{row['shots']:.0f}"
            cells = [shots, row["variables"], *numbers, row["mechanisms"], row["verdict"]]
            body.append(_row(f"{row['round']:.0f}", cells))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = "–: the data cannot give the number; the verdict says why. Shots are those of all chains after the burn-in."
    return _page("Convergence round by round", head, "".join(body), words)


def _row(name: str, cells: Sequence[object]) -> str:
    return f"<tr><th>{html.escape(name)}</th>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in cells) + "</tr>\n"


def coordinate_table(frame: pd.DataFrame) -> str:
    """Coefficients of the reaction coordinate of each method."""
    heads = (
        "variable",
        "coefficient of r",
        "unit",
        "standard deviation at the shooting points",
        "change of r per standard deviation",
        "interval, clustered",
        "interval, resampled",
        "chosen in resamples",
    )
    body = []
    for _, rows in frame.groupby("method", sort=False):
        label, note = str(rows["label"].iloc[0]), str(rows["note"].iloc[0])
        blocks = str(rows["blocks"].iloc[0]) if "blocks" in rows else ""
        if blocks:
            note += f"; intervals: {blocks}"
        words = f"{html.escape(label)} <small>({html.escape(note)})</small>"
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{words}</th></tr>\n')
        for row in rows.to_dict("records"):
            error = row["error"]
            known = math.isfinite(error) and error > 0
            value = _minus(" ± ".join(rounded(row["coefficient"], error)) if known else f"{row['coefficient']:.4g}")
            unit = "" if row["unit"] == "1" else f"1/{row['unit']}"
            numbers = [_minus(f"{row[k]:.3g}") if math.isfinite(row[k]) else "" for k in ("spread", "standardised")]
            share = f"{row['frequency']:.0%}" if math.isfinite(row["frequency"]) else ""
            body.append(_row(str(row["variable"]), [value, unit, *numbers, *_both_intervals(row), share]))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = (
        "r is dimensionless: a coefficient carries the inverse unit of its variable. r = 0 is the predicted "
        f"separatrix. {_INTERVALS}"
    )
    return _page("Reaction coordinates", head, "".join(body), words)


_INTERVALS = (
    "Intervals have confidence 0.95. Clustered: from the spread of the scores between blocks of shots, with "
    "Student's t. Resampled: percentiles of a bootstrap over the same blocks. Neither knows that the variables were "
    "chosen on the same data."
)


def _both_intervals(row: Mapping[str, Any]) -> list[str]:
    """The clustered and the resampled interval of a coefficient, empty where there is none."""
    return [_interval(row.get(f"{way}lower"), row.get(f"{way}upper")) for way in ("", "resampled_")]


def _interval(low: Any, high: Any) -> str:
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if high == low:
        return _minus(f"{low:.3g}")
    places = max(1 - math.floor(math.log10(0.5 * (high - low))), 0)
    return _minus(f"{low:.{places}f} to {high:.{places}f}")


def ranking_table(frame: pd.DataFrame) -> str:
    """Coordinates by the likelihood of committor shots that none was fitted to."""
    heads = (
        "coordinate",
        "variables",
        "ln L per shot",
        "behind the one found",
        "Brier score",
        "error of the committor",
    )
    roles = {"found": "the one found", "naive": "naive", "constant": "a constant"}
    body = []
    for label, rows in frame.groupby("label", sort=False):
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{html.escape(str(label))}</th></tr>\n')
        for row in rows.to_dict("records"):
            behind = ""
            if row["role"] != "found" and math.isfinite(row["behind"]):
                behind = _minus(f"{row['behind']:.3f}") + f" ({_interval(row['behind_low'], row['behind_high'])})"
            error = ""
            if math.isfinite(row["rms_error"]):
                error = f"{row['rms_error']:.3f} ({_interval(row['rms_low'], row['rms_high'])})"
            cells = [row["variable"], _minus(f"{row['per_shot']:.4f}"), behind, f"{row['brier']:.4f}", error]
            body.append(_row(roles.get(str(row["role"]), str(row["role"])), cells))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = (
        "Best first, by ln L of the committor shots, which were made after the fits and used by none of them. Behind: "
        "ln L per shot that the coordinate found has more; surely so where the interval leaves out zero. Brier score: "
        "mean square of outcome minus prediction, 1/4 of a coin. Error of the committor: root mean square of committor "
        "minus prediction with the binomial noise taken out. Intervals of confidence 0.95 by a bootstrap over "
        "configurations, paired between coordinates."
    )
    return _page("Coordinates ranked by committor shots", head, "".join(body), words)


def sets_table(frame: pd.DataFrame) -> str:
    """The best coordinate of each size, and those that the config puts beside them."""
    heads = (
        "set",
        "variables",
        "coefficient of r",
        "interval, clustered",
        "interval, resampled",
        "ln L per observation",
        "held-out ln L per observation",
    )
    body = []
    for _, method in frame.groupby("method", sort=False):
        first = method.iloc[0]
        constant = f"{first['observations']:.0f} observations; a constant: {first['constant_per_observation']:.4f}"
        held = method["held_out_constant"].dropna()
        if len(held):
            constant += f", held out {held.iloc[0]:.4f}"
        words = f"{html.escape(str(first['label']))} <small>({_minus(constant)})</small>"
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{words}</th></tr>\n')
        for _, rows in method.groupby("set", sort=False):
            body.append(_set_row(rows.to_dict("records")))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = (
        "*: the number of variables that the criterion chooses. Held out: each chain in "
        f"turn is predicted from the others; the choice of variables is not repeated. {_INTERVALS}"
    )
    return _page("Best sets of variables", head, "".join(body), words)


def _set_row(rows: Sequence[Mapping[str, Any]]) -> str:
    """One set: a line for each variable within the cells."""
    first = rows[0]
    role = str(first["role"]) + (" *" if str(first["chosen"]) == "True" else "")

    def lines(texts: Sequence[str]) -> str:
        return "<br>".join(html.escape(text) for text in texts)

    names = lines([str(row["variable"]) for row in rows])
    if first["problem"]:
        note = f"not fitted: {first['problem']}"
        return f'<tr><th>{html.escape(role)}</th><td>{names}</td><td colspan="5">{html.escape(note)}</td></tr>\n'
    numbers = []
    for row in rows:
        unit = "" if row["unit"] == "1" else f" 1/{row['unit']}"
        numbers.append(_minus(f"{row['coefficient']:.4g}") + unit)
    both = [_both_intervals(row) for row in rows]
    total = _minus(f"{first['per_observation']:.4f}")
    if str(first["separable"]) == "True":
        total += " (separable)"
    error = first["held_out_error"]
    held = "" if math.isnan(first["held_out"]) else _minus(f"{first['held_out']:.4f}")
    if held and math.isfinite(error):
        held = _minus(" ± ".join(rounded(first["held_out"], error)))
    cells = [names, lines(numbers), *(lines([pair[i] for pair in both]) for i in (0, 1)), total, held]
    return f"<tr><th>{html.escape(role)}</th>" + "".join(f"<td>{text}</td>" for text in cells) + "</tr>\n"


def candidates_table(frame: pd.DataFrame) -> str:
    """What could have entered the coordinate, with the range it was seen in."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    seen = {(r["method"], r["variable"]): r for r in frame.to_dict("records")}
    known: dict[str, Mapping[str, Any]] = {}
    for row in frame.to_dict("records"):
        known.setdefault(row["variable"], row)
    body = []
    for name, row in known.items():
        cells = [row["meaning"], row["kind"], "" if row["unit"] == "1" else row["unit"], row["origin"]]
        cells += [_range(seen.get((m, name))) for m in methods]
        body.append(_row(name, cells))
    heads = ["variable", "what it is", "kind", "unit", "origin", *(str(labels[m]) for m in methods)]
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    origins = [row["origin"] for row in known.values()]
    words = (
        f"{len(known)} candidates: {origins.count('enumerated')} enumerated from the bonds around the atoms that the "
        f"system file names, each once, and {origins.count('given')} given there. For each method: mean ± standard "
        "deviation at the shooting points. A candidate that does not vary is left out of the fit. ≈: those whose "
        f"correlation coefficient with it is beyond ±{NEAR_DUPLICATES:g}; no fit can tell which of them is meant. *: "
        "in the coordinate."
    )
    return _page("Candidate variables", head, "".join(body), words)


def _range(row: Mapping[str, Any] | None) -> str:
    """Mean and standard deviation of a candidate with one method, and what is to be known of it there."""
    if row is None:
        return "–"
    if str(row["constant"]) == "True":
        return _minus(f"{row['mean']:.4g}") + ", constant: left out"
    shown = _minus(" ± ".join(rounded(row["mean"], row["spread"])))
    shown += " *" if str(row["chosen"]) == "True" else ""
    return shown + (f" ≈ {_minus(str(row['near_duplicates']))}" if row["near_duplicates"] else "")


TABLES: Mapping[str, tuple[Callable[[pd.DataFrame], str], str]] = {
    "comparison": (comparison_table, "comparison"),
    "stationary_points": (stationary_table, "comparison"),
    "chains": (chains_table, "comparison"),
    "convergence_table": (convergence_table, "convergence"),
    "coordinates": (coordinate_table, "coefficients"),
    "sets": (sets_table, "sets"),
    "candidates": (candidates_table, "candidates"),
    "ranking": (ranking_table, "ranking"),
}
"""Table -> function and the data it is written from."""
