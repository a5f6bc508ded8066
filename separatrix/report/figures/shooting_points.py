"""Shooting points and paths in the plane of two variables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from separatrix.config.system import System
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.cvs.states import Basin
from separatrix.cvs.variable import Variable
from separatrix.report.charts import BASINS, GREY, INK, alt, finish, nothing, of_kind, panels
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.stationary_quantities import named_coordinates
from separatrix.results.run import MethodData


def projection(data: Sequence[MethodData], system: System) -> tuple[Variable, Variable | None]:
    """Two named coordinates to show the paths in, the second None where there is but one.

    They are that of the most frequent mechanism class and the crossing; without classes another coordinate and the
    crossing; without a crossing the first two.
    """
    rule = system.mechanism
    named = list(named_coordinates(system).values())
    if rule.crossing is None:
        return named[0], named[1] if len(named) > 1 else None
    if rule.classes:
        seen = [str(m) for d in data for c in d.chains for m in c.series(c.mechanism)] + [d.saddle.name for d in data]
        best = max(rule.classes, key=lambda c: seen.count(c.name))  # the first one of equals
        return best.coordinate, rule.crossing
    others = [c for c in named if c != rule.crossing]
    return (others[0], rule.crossing) if others else (rule.crossing, None)


def _axis(coordinate: Variable | None) -> str:
    """Axis title; dihedrals are shown without their sign, because mirror images are the same crossing."""
    if coordinate is None:
        return "move"
    name = coordinate.name if coordinate.period is None else f"|{coordinate.name}|"
    return name if coordinate.unit == "1" else f"{name} ({coordinate.unit})"


def _plane_values(coordinate: Variable | None, positions: np.ndarray, moves: Iterable[int]) -> list[float]:
    """Values of a coordinate, or the moves that the frames belong to where there is no coordinate."""
    if coordinate is None:
        return [float(m) for m in moves]
    return [round(float(coordinate.unsigned(x)), 2 if coordinate.unit == "degree" else 4) for x in positions]


def _plane_rows(data: MethodData, plane: tuple[Variable, Variable | None]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    axes = dict(zip(("x_axis", "y_axis"), map(_axis, plane), strict=True))
    for chain in data.chains:
        for i in np.flatnonzero(chain.sampled):
            track = chain.tracks[i]
            line = f"{data.name} {chain.number} {chain.made_by[i]}"
            moves = [chain.made_by[i]] * len(track)
            pairs = list(zip(*(_plane_values(c, track, moves) for c in plane), strict=True))
            rows += [
                {"kind": "path", "path": line, "frame": f, "x": a, "y": b, **axes} for f, (a, b) in enumerate(pairs)
            ]
            for f in _crossings(data.reaction, track):
                rows.append({"kind": "separatrix", "x": pairs[f][0], "y": pairs[f][1], **axes})
    for chain in data.chains:
        run, numbers = chain.points[chain.shots], np.flatnonzero(chain.shots)
        values = zip(*(_plane_values(c, run, numbers) for c in plane), chain.forward[chain.shots], strict=True)
        rows += [{"kind": "point", "x": a, "y": b, "reached": str(end), **axes} for a, b, end in values]
    return rows


def _crossings(reaction: ReactionCoordinate | None, track: np.ndarray) -> list[int]:
    """Frames next to which a path crosses r = 0, the nearer of each two."""
    if reaction is None:
        return []
    r = reaction.evaluate(track).r
    before = np.flatnonzero(np.sign(r[:-1]) * np.sign(r[1:]) < 0)
    return [int(i if abs(r[i]) <= abs(r[i + 1]) else i + 1) for i in before]


def _basin_rows(system: System, plane: tuple[Variable, Variable | None]) -> list[dict[str, Any]]:
    """Basins as rectangles in the plane; without an end where the basin has no bound on a coordinate."""
    across, along = plane
    if along is None:
        return []
    axes = dict(zip(("x_axis", "y_axis"), map(_axis, plane), strict=True))
    rows: list[dict[str, Any]] = []
    for basin in system.basins:
        bounds: dict[str, float] = {}
        for axis, coordinate in (("x", across), ("y", along)):
            low, high = _bounds(basin, coordinate)
            bounds |= {axis: low, f"{axis}2": high}
        if any(math.isfinite(v) for v in bounds.values()):
            rows.append({"kind": "basin", "reached": basin.name, **bounds, **axes})
    return rows


def _bounds(basin: Basin, coordinate: Variable) -> tuple[float, float]:
    """Range of a coordinate in a basin, as :func:`_plane_values` shows it; NaN where it has none."""
    for interval in basin.bounded:
        if interval.coordinate == coordinate:
            if coordinate.period is None:
                return interval.low, interval.high
            shown = [
                v
                for v in np.arange(0.0, coordinate.period / 2.0 + 0.5, 0.5)
                if interval.contains(v) or interval.contains(-v)
            ]
            return (min(shown), max(shown)) if shown else (math.nan, math.nan)
    return math.nan, math.nan


# Drawn of one method in the plane of shooting points: with all of a long run the report would hold tens of megabytes,
# and the panel would be one grey patch. The table keeps all.
MOST_PATHS, MOST_FRAMES, MOST_POINTS = 40, 100, 300


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Shooting points and reactive paths in the plane of two named coordinates."""
    title = "Shooting points and reactive paths"
    if frame.empty:
        return nothing(title)
    frame, left_out = _thinned(frame)
    points = frame[frame["kind"] == "point"]
    drawn = frame[frame["kind"].isin(["point", "basin"])]
    basins = sorted(set(drawn["reached"]) - {"none", "failed"})
    lost = [w for w in ("none", "failed") if (points["reached"] == w).any()]
    colours = [BASINS[i % len(BASINS)] for i in range(len(basins))] + [GREY] * len(lost)
    shapes = [("circle", "triangle-up", "square", "diamond")[i % 4] for i in range(len(basins))] + ["cross"] * len(lost)
    legend = alt.Legend(title="forward half-trajectory reached")
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=frame["x_axis"].iloc[0], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
        y=alt.Y("y:Q", title=frame["y_axis"].iloc[0], scale=alt.Scale(zero=False)),
    )
    paths = (
        base.transform_filter(of_kind("path"))
        .mark_line(color="#9a9a9a", opacity=0.3, strokeWidth=1)
        .encode(detail="path:N", order="frame:Q")
    )
    shots = (
        base.transform_filter(of_kind("point"))
        .mark_point(filled=True, size=42, opacity=0.85)
        .encode(
            color=alt.Color("reached:N", scale=alt.Scale(domain=basins + lost, range=colours), legend=legend),
            shape=alt.Shape("reached:N", scale=alt.Scale(domain=basins + lost, range=shapes), legend=legend),
        )
    )
    layers = [paths, shots]
    subtitle = []
    if (frame["kind"] == "basin").any():
        placed = frame["kind"] != "basin"
        ends = {axis: (frame.loc[placed, axis].min(), frame.loc[placed, axis].max()) for axis in ("x", "y")}
        frame = _bounded(frame, ends)
        # Under everything else; a basin keeps its colour, and needs no legend of its own.
        layers.insert(
            0,
            base.transform_filter(of_kind("basin"))
            .mark_rect(opacity=0.12, clip=True)
            .encode(
                x2="x2:Q",
                y2="y2:Q",
                color=alt.Color("reached:N", scale=alt.Scale(domain=basins + lost, range=colours), legend=legend),
            ),
        )
        subtitle.append("shaded: basins")
    if (frame["kind"] == "separatrix").any():
        crossings = base.transform_filter(of_kind("separatrix"))
        layers.append(crossings.mark_point(shape="diamond", size=26, strokeWidth=1.2, opacity=0.8, color=INK))
        subtitle.append("diamonds: where a path crosses r = 0, the predicted separatrix")
    chart = alt.layer(*layers).properties(width=250, height=250)
    return finish(panels(chart, frame, order), title, [*(["; ".join(subtitle)] if subtitle else []), *left_out])


def _thinned(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """No more of each method than a panel can show, drawn evenly in their order, and what was left out in words."""
    frame = frame.reset_index(drop=True)
    rows, notes, cut = list(frame.index[~frame["kind"].isin(["path", "point", "separatrix"])]), [], False
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
            notes.append(f"{label}: {', '.join(shown)}")
    if cut:
        notes.append(f"a path of more than {MOST_FRAMES} frames: {MOST_FRAMES} of them")
    return frame.loc[sorted(rows)], notes


def _evenly(items: list[Any], most: int) -> list[Any]:
    """At most `most` of the items, in their order, the first and the last among them."""
    if len(items) <= most:
        return items
    return [items[i * (len(items) - 1) // (most - 1)] for i in range(most)]


def _bounded(frame: pd.DataFrame, ends: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Basins as far as the other data reach, and a little beyond: their bounds may be far off, or missing."""
    basins = frame["kind"] == "basin"
    bounded = frame.copy()
    for axis, (low, high) in ends.items():
        margin = 0.05 * ((high - low) or 1.0)
        for column, missing in ((axis, low - margin), (f"{axis}2", high + margin)):
            values = bounded.loc[basins, column].astype(float).fillna(missing)
            bounded.loc[basins, column] = values.clip(low - margin, high + margin)
    return bounded


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    """Paths, their crossings of the separatrix, shooting points and basins in one plane for all methods."""
    plane = projection(compared.methods, compared.system)
    return _plane_rows(data, plane) + _basin_rows(compared.system, plane)


FIGURE = MethodFigure(
    name="shooting_points",
    title="Shooting points and paths",
    category="Sampling",
    section="mechanism",
    place=20,
    caption=(
        "Every shooting point after the burn-in, marked by the basin that its forward half-trajectory reached, and "
        "every accepted path (grey). The plane is that of the coordinate of the most frequent mechanism and the one "
        "that changes over at the crossing, or of the first two coordinates of the system; where there is only one, "
        "it is shown over the moves of the chains. Dihedrals are shown without their sign, since mirror images are "
        "the same crossing. Where an angle is close to 180° a dihedral is undefined and may jump. Of each method at "
        "most 40 paths, 300 points and 300 crossings of the separatrix are drawn, evenly from first to last, and at "
        "most 100 frames of a path; lines under the title give the numbers. The table behind the figure has all."
    ),
    columns={
        **dict.fromkeys(
            (
                "frame",
                "x",
                "y",
                "x2",
                "y2",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "kind",
                "path",
                "x_axis",
                "y_axis",
                "reached",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
