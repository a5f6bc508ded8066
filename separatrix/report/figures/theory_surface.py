"""A free-energy surface with its saddle and separatrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from separatrix.report.charts import INK, alt, finish, nothing
from separatrix.report.figure_registry import SurfaceFigure

if TYPE_CHECKING:
    from separatrix.report.theory_page import Result
    from separatrix.theory.outcome import Analysis

EXACT, GZ, KLBS, KRAMERS = "exact", "GZ", "KLBS", "Kramers"
COLOURS = {EXACT: INK, GZ: "#0072B2", KLBS: "#D55E00", KRAMERS: "#009E73"}
_DASHES = {EXACT: [1, 0], GZ: [7, 3], KLBS: [2, 2], KRAMERS: [8, 3, 2, 3]}
_STEP = 2.0  # kT between level lines
_ABOVE = 12.0  # kT above the saddle, where the picture ends

COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(("surface", "x_axis", "y_axis", "kind"), str),
    **dict.fromkeys(("x", "y"), float),
    **dict.fromkeys(("line", "separatrix"), str),
    **dict.fromkeys(("order", "height", "committor"), float),
}
"""Of the data: kind is ``level``, ``separatrix``, ``saddle``, ``measured`` or ``corner`` (of what is drawn); lines have
their number, and points on them their order; height in kT above the zero of the surface."""


def shown_separatrices(a: Analysis) -> dict[str, str]:
    """Committor of each separatrix that is drawn, by its shown name."""
    axis = a.kramers_axis
    wanted = {
        EXACT: ("exact",),
        GZ: (f"GZ_pmf_{axis}", "GZ_all"),
        KLBS: ("erf", "pmf"),
        KRAMERS: (str(axis),),
    }
    present = {shown: [n for n in names if n in a.separatrices] for shown, names in wanted.items()}
    return {shown: names[0] for shown, names in present.items() if names}


def rows(result: Result) -> pd.DataFrame:
    """Level lines 2 kT apart up to 12 kT above the saddle, separatrices where the surface is no higher, the saddle, and
    committors measured by shooting where there are some."""
    from separatrix.theory.geometry import level_lines
    from separatrix.theory.outcome import beside

    a = result.analysis
    elements = a.fine.elements
    height = elements.beta * (elements.energies - elements.reference)
    top = float(elements.beta * (a.points.U_saddle - elements.reference))
    ceiling = top + _ABOVE
    rows: list[dict[str, Any]] = []
    for level in np.arange(_STEP, ceiling + 1e-9, _STEP):
        lines = (_thin(line) for line in level_lines(elements, height, float(level)))
        rows += _points(lines, kind="level", height=float(level))
    for shown, name in shown_separatrices(a).items():
        for number, line in enumerate(a.separatrices[name].lines):
            at = elements.interpolate(height, line)
            for piece_number, piece in enumerate(np.split(line, np.flatnonzero(~(at <= ceiling)))):
                low = piece[elements.interpolate(height, piece) <= ceiling]
                if len(low) > 1:
                    points = _points([_thin(low)], kind="separatrix", separatrix=shown)
                    rows += [point | {"line": f"{number} {piece_number}"} for point in points]
    x, y = (float(v) for v in a.points.saddle)
    rows.append(
        {"kind": "saddle", "x": x, "y": y, "height": top, "committor": float(a.separatrices["exact"].phi_saddle)}
    )
    rows += [{"kind": "measured", "x": m["x"], "y": m["y"], "committor": m["measured"]} for m in beside(a)]
    drawn = elements.nodes[height <= ceiling]
    rows += [{"kind": "corner", "x": float(at[0]), "y": float(at[1])} for at in (drawn.min(axis=0), drawn.max(axis=0))]
    common = {"surface": a.case.title, "x_axis": _axis(a, 0), "y_axis": _axis(a, 1)}
    return pd.DataFrame([common | row for row in rows], columns=list(COLUMNS))


def _points(lines: Iterable[np.ndarray], **columns: object) -> list[dict[str, Any]]:
    return [
        {"x": float(x), "y": float(y), "line": str(number), "order": order, **columns}
        for number, line in enumerate(lines)
        for order, (x, y) in enumerate(line)
    ]


def _axis(a: Analysis, i: int) -> str:
    return a.case.names[i] + (f" ({a.case.units[i]})" if a.case.units[i] else "")


def _thin(line: np.ndarray, most: int = 400) -> np.ndarray:
    """A line of at most about so many points, its ends kept: an SVG needs no more."""
    step = max(len(line) // most, 1)
    return np.vstack([line[:-1:step], line[-1:]])


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """The surface with its saddle, the separatrices, and committors measured by shooting where there are some."""
    if frame.empty:
        return nothing("Separatrices")
    part = {kind: frame[frame["kind"] == kind] for kind in ("level", "separatrix", "saddle", "measured", "corner")}
    saddle = part["saddle"].iloc[0]
    x, y = (_scaled_axis(axis, part["corner"][axis], str(frame[f"{axis}_axis"].iloc[0])) for axis in ("x", "y"))
    x_axis = alt.X("x:Q", **x)
    y_axis = alt.Y("y:Q", **y)
    present = [name for name in COLOURS if (part["separatrix"]["separatrix"] == name).any()]
    legend = alt.Legend(title="separatrix")
    colours = alt.Scale(domain=present, range=[COLOURS[name] for name in present])
    dashes = alt.Scale(domain=present, range=[_DASHES[name] for name in present])
    layers: list[alt.Chart] = [
        alt.Chart(part["level"][["x", "y", "line", "order", "height"]])
        .mark_line(strokeWidth=0.9, clip=True, color="#b9b9b9")
        .encode(x=x_axis, y=y_axis, detail=["line:N", "height:N"], order="order:Q"),
        alt.Chart(part["separatrix"][["x", "y", "line", "order", "separatrix"]])
        .mark_line(strokeWidth=2.4, clip=True)
        .encode(
            x=x_axis,
            y=y_axis,
            detail=["line:N"],
            order="order:Q",
            color=alt.Color("separatrix:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("separatrix:N", scale=dashes, legend=legend),
        ),
        alt.Chart(part["saddle"][["x", "y"]])
        .mark_point(shape="cross", size=150, filled=True, color="#CC79A7", opacity=1)
        .encode(x=x_axis, y=y_axis),
    ]
    subtitle = [
        f"level lines every {_STEP:g} kT; cross: the saddle, {saddle['height']:.1f} kT; committor there: "
        f"{saddle['committor']:.3f}"
    ]
    if len(part["measured"]):
        # Below the saddle's mark.
        layers.insert(-1, _measured(part["measured"][["x", "y", "committor"]], x_axis, y_axis))
        subtitle.append("circles: committor measured by shooting; a white one lies on the separatrix")
    chart = alt.layer(*layers).properties(width=460, height=420)
    return finish(chart, str(frame["surface"].iloc[0]), subtitle)


def _scaled_axis(axis: str, ends: pd.Series, title: str) -> dict[str, Any]:
    """Title and scale of an axis, with a margin on both sides."""
    low, high = float(ends.min()), float(ends.max())
    margin = 0.03 * (high - low)
    return {"title": title, "scale": alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)}


def _measured(frame: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    fill = alt.Fill(
        "committor:Q",
        scale=alt.Scale(scheme="purpleorange", domain=[0, 1]),
        legend=alt.Legend(title="measured committor", orient="right", gradientLength=160),
    )
    mark = alt.Chart(frame).mark_point(size=75, opacity=1, fillOpacity=1, stroke=INK, strokeWidth=1)
    return mark.encode(x=x, y=y, fill=fill)


FIGURE = SurfaceFigure(
    name="theory_surface",
    file="surface",
    title="{surface}: separatrices",
    category="Theory",
    section="theory",
    place=520,
    caption=(
        "The free-energy surface with its saddle, and the separatrix (committor 1/2) by the exact solution, by KLBS, "
        "by Kramers along the slow variable and by GZ, which combines the last two. Circles: committors measured by "
        "shooting, where the file of the surface names some. Separatrices are drawn up to 12 kT above the saddle."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
