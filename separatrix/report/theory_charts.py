"""Figures of a theory case, in the style of the report's other figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from separatrix.report import charts
from separatrix.theory.geometry import level_lines
from separatrix.theory.outcome import Analysis, beside

if TYPE_CHECKING:
    from separatrix.report.theory_page import Result

_EXACT, _GZ, _KLBS, _KRAMERS = "exact", "GZ", "KLBS", "Kramers"
_COLOURS = {_EXACT: charts.INK, _GZ: "#0072B2", _KLBS: "#D55E00", _KRAMERS: "#009E73"}
_DASHES = {_EXACT: [1, 0], _GZ: [7, 3], _KLBS: [2, 2], _KRAMERS: [8, 3, 2, 3]}
_STEP = 2.0  # kT between level lines


def files(result: Result) -> dict[str, bytes]:
    """Content of the files of all figures, by file name: each as SVG, PDF and Vega-Lite."""
    drawn = {
        "surface": surface(result.analysis),
        "anisotropy": anisotropy(result.scan, result.analysis.case.title),
    }
    return {
        f"{name}{ending}": content for name, chart in drawn.items() for ending, content in charts.forms(chart).items()
    }


def shown_separatrices(a: Analysis) -> dict[str, str]:
    """Shown name -> committor."""
    axis = a.kramers_axis
    wanted = {
        _EXACT: ("exact",),
        _GZ: (f"GZ_pmf_{axis}", "GZ_all"),
        _KLBS: ("erf", "pmf"),
        _KRAMERS: (str(axis),),
    }
    found = {shown: [n for n in names if n in a.separatrices] for shown, names in wanted.items()}
    return {shown: names[0] for shown, names in found.items() if names}


def _rows(lines: Iterable[np.ndarray], **columns: object) -> list[dict[str, object]]:
    return [
        {"x": float(x), "y": float(y), "line": number, "order": order, **columns}
        for number, line in enumerate(lines)
        for order, (x, y) in enumerate(line)
    ]


def _axis(a: Analysis, i: int) -> str:
    return a.case.names[i] + (f" ({a.case.units[i]})" if a.case.units[i] else "")


def surface(a: Analysis) -> alt.TopLevelMixin:
    """The surface with its saddle, the separatrices, and committors measured by shooting where there are some.

    Level lines are 2 kT apart, up to 12 kT above the saddle. A separatrix is drawn where the surface is no higher.
    """
    elements = a.fine.elements
    height = elements.beta * (elements.energies - elements.reference)
    top = elements.beta * (a.points.U_saddle - elements.reference)
    ceiling = top + 12.0
    low = elements.nodes[height <= ceiling]
    levels = np.arange(_STEP, ceiling + 1e-9, _STEP)
    contours = [
        row
        for k, level in enumerate(levels)
        for row in _rows((_thin(line) for line in level_lines(elements, height, float(level))), group=k)
    ]
    curves = []
    for shown, name in shown_separatrices(a).items():
        for number, line in enumerate(a.separatrices[name].lines):
            at = elements.interpolate(height, line)
            pieces = np.split(line, np.flatnonzero(~(at <= ceiling)))
            for piece_number, piece in enumerate(pieces):
                keep = piece[elements.interpolate(height, piece) <= ceiling]
                if len(keep) > 1:
                    curves += [
                        row | {"line": f"{number} {piece_number}"} for row in _rows([_thin(keep)], separatrix=shown)
                    ]
    margin = 0.03 * np.ptp(low, axis=0)
    span = [(float(v - m), float(w + m)) for v, w, m in zip(low.min(axis=0), low.max(axis=0), margin, strict=True)]
    x = alt.X("x:Q", title=_axis(a, 0), scale=alt.Scale(domain=span[0], nice=False, zero=False))
    y = alt.Y("y:Q", title=_axis(a, 1), scale=alt.Scale(domain=span[1], nice=False, zero=False))
    order = [name for name in _COLOURS if any(row["separatrix"] == name for row in curves)]
    base = {"x": x, "y": y, "detail": ["line:N"], "order": "order:Q"}
    layers = [
        alt.Chart(pd.DataFrame(contours))
        .mark_line(strokeWidth=0.9, clip=True, color="#b9b9b9")
        .encode(
            x=x,
            y=y,
            detail=["line:N", "group:N"],
            order="order:Q",
        ),
        alt.Chart(pd.DataFrame(curves, columns=["x", "y", "line", "order", "separatrix"]))
        .mark_line(strokeWidth=2.4, clip=True)
        .encode(
            **base,
            color=alt.Color(
                "separatrix:N",
                scale=alt.Scale(domain=order, range=[_COLOURS[name] for name in order]),
                legend=alt.Legend(title="separatrix"),
            ),
            strokeDash=alt.StrokeDash(
                "separatrix:N",
                scale=alt.Scale(domain=order, range=[_DASHES[name] for name in order]),
                legend=alt.Legend(title="separatrix"),
            ),
        ),
        alt.Chart(pd.DataFrame({"x": [a.points.saddle[0]], "y": [a.points.saddle[1]]}))
        .mark_point(shape="cross", size=150, filled=True, color="#CC79A7", opacity=1)
        .encode(x=x, y=y),
    ]
    measured = beside(a)
    if measured:
        # Below the saddle's mark.
        layers.insert(-1, _measured(pd.DataFrame(measured), x, y))
    words = [
        f"level lines every {_STEP:g} kT; cross: the saddle, {top:.1f} kT; committor there: "
        f"{a.separatrices['exact'].phi_saddle:.3f}"
    ]
    if measured:
        words.append("circles: committor measured by shooting; a white one lies on the separatrix")
    chart = alt.layer(*layers).properties(width=460, height=420)
    return charts.finish(chart, a.case.title, words)


def _thin(line: np.ndarray, most: int = 400) -> np.ndarray:
    """A line of at most about so many points, its ends kept: an SVG needs no more."""
    step = max(len(line) // most, 1)
    return np.vstack([line[:-1:step], line[-1:]])


def _measured(frame: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    fill = alt.Fill(
        "measured:Q",
        scale=alt.Scale(scheme="purpleorange", domain=[0, 1]),
        legend=alt.Legend(title="measured committor", orient="right", gradientLength=160),
    )
    mark = alt.Chart(frame).mark_point(size=75, opacity=1, fillOpacity=1, stroke=charts.INK, strokeWidth=1)
    return mark.encode(x=x, y=y, fill=fill)


_SCANNED = {
    "Langer": "langer",
    "KLBS": "k_trial_erf",
    "Kramers x": "k_trial_Kx",
    "Kramers y": "k_trial_Ky",
    "GZ(KLBS, Kramers x)": "GZ_pmf_Kx.k",
    "GZ(KLBS, Kramers y)": "GZ_pmf_Ky.k",
    "GZ(KLBS, reaction-diffusion)": "GZ_pmf_rd.k",
}


def anisotropy(scan: Sequence[Mapping[str, float]], title: str) -> alt.TopLevelMixin:
    """k/k_exact of each approximation against D_yy/D_xx, and the committor at the saddle below."""
    title = f"{title}: anisotropy"
    if not scan:
        return charts.nothing(title)
    rows = [
        {"ratio": row["ratio"], "over": row[key] / row["k_exact"], "approximation": name}
        for row in scan
        for name, key in _SCANNED.items()
        if key in row
    ]
    order = list(dict.fromkeys(row["approximation"] for row in rows))
    colours = [charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(order))]
    x = alt.X("ratio:Q", title="D_yy / D_xx", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g"))
    rates = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("over:Q", title="k / k_exact", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g")),
            color=alt.Color(
                "approximation:N",
                sort=order,
                scale=alt.Scale(domain=order, range=colours),
                legend=alt.Legend(title=None, columns=2),
            ),
        )
        .properties(width=460, height=300)
    )
    committor = (
        alt.Chart(pd.DataFrame([{"ratio": r["ratio"], "phi": r["phi_saddle"]} for r in scan]))
        .mark_line(point={"color": charts.INK}, strokeWidth=2, color=charts.INK)
        .encode(x=x, y=alt.Y("phi:Q", title="committor at the saddle", scale=alt.Scale(domain=[0, 1])))
        .properties(width=460, height=140)
    )
    return charts.finish(alt.vconcat(rates, committor), title)
