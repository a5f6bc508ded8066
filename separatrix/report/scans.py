"""How rates and mechanisms change along a scan: a friction, a solvent, any key of a method that the config varies."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from separatrix.core.files import read_json, replacing
from separatrix.core.text import cells
from separatrix.rates import kinetics, tunnelling
from separatrix.report import charts

log = logging.getLogger(__name__)

_COLUMNS = ["kind", "of", "series", "value", "y", "low", "high"]


def frame(
    members: Sequence[Mapping[str, Any]],
    rates: Mapping[str, Mapping[str, Any]],
    shares: pd.DataFrame,
    temperature: float,
) -> pd.DataFrame:
    """A row per point: rates by each route, and shares of each mechanism.

    Parameters
    ----------
    members
        Of the scan, in order: ``method`` (name), ``of`` (label of what is varied) and ``value``; the method that is
        varied is one of them, with its own value or a word for none.
    rates
        Content of each method's ``rates.json``, by name.
    shares
        Table behind the figure of the mechanisms, with a column ``method``.
    temperature
        K, of the rates.

    Returns
    -------
    Columns kind (``rate``, ``theory`` or ``share``), of, series (route or mechanism), value, y (log10 of the rate in
    1/s, or the share), and low and high of its interval of confidence 0.95, NaN where there is none.
    """
    rows = []
    of_all = shares[(shares["kind"] == "all") & shares["method"].isin([m["method"] for m in members])]
    seen = list(dict.fromkeys(of_all["mechanism"]))
    for member in members:
        content, common = rates[member["method"]], {"of": member["of"], "value": member["value"]}
        start = content["states"][0]
        for route in content["routes"]:
            if (route["from"], route["temperature"]) == (start, temperature) and route["rate"]:
                bounds = kinetics.interval(route) or (math.nan, math.nan)
                y, low, high = (math.log10(k) for k in (route["rate"], *bounds))
                rows.append({"kind": "rate", "series": route["route"], "y": y, "low": low, "high": high, **common})
        mine = {r["mechanism"]: r for r in of_all[of_all["method"] == member["method"]].to_dict("records")}
        # A mechanism that others of the scan take, and this one does not, has a share of nothing here.
        untold = any(math.isnan(r["share"]) for r in mine.values())
        none = {"share": math.nan if untold else 0.0, "low": math.nan, "high": math.nan}
        for word in seen if mine else ():
            r = mine.get(word, none)
            rows.append(
                {"kind": "share", "series": word, "y": r["share"], "low": r["low"], "high": r["high"], **common}
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def kramers_line(content: Mapping[str, Any], of: str, frictions: Sequence[float], temperature: float) -> pd.DataFrame:
    """What Kramers' transmission makes of the rate of transition-state theory, over the range of the frictions.

    The latter is that along the coordinate, before recrossing, where that route gives a rate, else the harmonic one;
    and the frequency of the barrier is the imaginary one of the saddle that most of the harmonic rate goes over.

    Parameters
    ----------
    content
        ``rates.json`` of the method that is varied.
    of
        Its label.
    frictions
        1/ps.
    temperature
        K.
    """
    positive = [f for f in frictions if f > 0.0]
    if not positive:
        return pd.DataFrame(columns=_COLUMNS)
    start = content["states"][0]
    total = next(r for r in content["rates"] if (r["from"], r["temperature"]) == (start, temperature))
    main = content["channels"][int(np.argmax(total["shares"]))]
    along = content["along_coordinate"]
    # A top that is no dividing surface has no rate of transition-state theory either.
    usable = bool(along) and along["no_rate"] is None
    rate = along["profile"]["rate"]["forward"] if usable else total["rate"]
    name = "Kramers, from the free energy" if usable else "Kramers, from the harmonic rate"
    rows = []
    for friction in np.geomspace(min(positive), max(positive), 60):
        y = math.log10(rate * tunnelling.kramers(main["imaginary"], float(friction)))
        rows.append({"kind": "theory", "of": of, "series": name, "value": float(friction), "y": y})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _axis(values: Sequence[Any], title: str) -> tuple[alt.X, bool]:
    """The axis of a scan: of numbers, logarithmic where they span a power of ten; else the values as words."""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not numbers:
        return alt.X("value:N", title=title, sort=[str(v) for v in values], axis=alt.Axis(labelAngle=0)), False
    positive = [v for v in values if v > 0]
    wide = bool(positive) and max(positive) >= 10.0 * min(positive)
    scale = alt.Scale(type="log", nice=False) if wide else alt.Scale(zero=False)
    return alt.X("value:Q", title=title, scale=scale), wide


def plot(table: pd.DataFrame, kind: str, name: str, quantity: str, order: Sequence[Any]) -> alt.TopLevelMixin:
    """Rates, or shares, over the values of a scan.

    Parameters
    ----------
    table
        As :func:`frame` returns it, rows of :func:`kramers_line` included.
    kind
        ``rate`` or ``share``.
    name
        Of the scan.
    quantity
        What is varied, with its unit.
    order
        Its values, in order.
    """
    title = {"rate": f"Rate over {name}", "share": f"Mechanisms over {name}"}[kind]
    kinds = ("rate", "theory") if kind == "rate" else ("share",)
    rows = table[table["kind"].isin(kinds)]
    if rows.empty:
        return charts.nothing(title)
    axis, logarithmic = _axis(order, quantity)
    words = []
    if logarithmic:
        if (rows["value"] <= 0).any():
            words.append(f"{quantity} 0 has no place on this axis")
        rows = rows[rows["value"] > 0]
    elif axis.to_dict()["type"] == "nominal":
        rows = rows.assign(value=rows["value"].astype(str))
    if kind == "share" and rows["y"].isna().any():
        words.append("without a point: no chain changed its mechanism, so that shares are not determined")
    if kind == "share" and (rows["low"].isna() & rows["y"].notna()).any():
        words.append("without a bar: too few independent paths for an interval, or all by one mechanism")
    names = list(dict.fromkeys(zip(rows["of"], rows["series"], strict=True)))
    several = len({of for of, _ in names}) > 1
    rows = rows.assign(
        line=[f"{of}: {s}" if several else s for of, s in zip(rows["of"], rows["series"], strict=True)],
    )
    domain = list(dict.fromkeys(rows["line"]))
    palette = [charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(domain))]
    colour = alt.Color(
        "line:N", scale=alt.Scale(domain=domain, range=palette), legend=alt.Legend(title=None, columns=2)
    )
    heading = "log10 of the rate in 1/s" if kind == "rate" else "share of the reactive paths"
    scale = alt.Scale(zero=False) if kind == "rate" else alt.Scale(domain=[0, 1])
    y = alt.Y("y:Q", title=heading, scale=scale)
    base = alt.Chart(rows).encode(x=axis, color=colour)
    measured = base.transform_filter(alt.datum.kind != "theory")
    layers = [
        base.transform_filter(alt.datum.kind == "theory").mark_line(strokeDash=[6, 3], strokeWidth=1.8).encode(y=y),
        measured.mark_line(strokeWidth=1, opacity=0.5).encode(y=y),
        measured.mark_point(filled=True, size=70, opacity=1).encode(y=y),
        measured.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=2)
        .encode(y=alt.Y("low:Q", title=heading, scale=scale), y2="high:Q"),
    ]
    return charts.finish(alt.layer(*layers).properties(width=520, height=300), title, words)


def write(
    scan: Mapping[str, Any],
    rates: Mapping[str, Path | str],
    shares: Path | str,
    temperature: float,
    outputs: Mapping[str, Path | str],
) -> None:
    """Write both figures of a scan and the data behind them.

    Parameters
    ----------
    scan
        As :meth:`separatrix.config.configuration.Config.scan` returns it.
    rates
        ``rates.json`` of every method in it, by name.
    shares
        Table behind the figure of the mechanisms, CSV.
    temperature
        K.
    outputs
        ``rates`` and ``mechanisms`` (SVG; PDF and Vega-Lite come beside them) and ``data`` (CSV).
    """
    contents = {name: read_json(file) for name, file in rates.items()}
    table = frame(scan["members"], contents, pd.read_csv(shares), temperature)
    if scan["setting"] == "dynamics.friction_per_ps":
        frictions = [float(m["value"]) for m in scan["members"]]
        for name, of in scan["parents"].items():
            line = kramers_line(contents[name], of, frictions, temperature)
            table = pd.concat([table, line], ignore_index=True) if len(line) else table
    order = list(dict.fromkeys(m["value"] for m in scan["members"]))
    if all(isinstance(v, int | float) for v in order):
        order.sort()
    for name, kind in (("rates", "rate"), ("mechanisms", "share")):
        charts.save(plot(table, kind, scan["name"], scan["quantity"], order), outputs[name])
        log.info("%s", outputs[name])
    with replacing(outputs["data"]) as temporary:
        temporary.write_text(cells(table).to_csv(index=False))
