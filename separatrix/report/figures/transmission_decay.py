"""Decay of the transmission coefficient to its plateau."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from separatrix.report.charts import alt, colour_of_present, finish, nothing
from separatrix.report.figure_registry import RatesFigure
from separatrix.report.reported_rates import ReportedRates

COLUMNS = {
    "label": str,
    **dict.fromkeys(
        ("time", "kappa", "low", "high", "plateau", "plateau_low", "plateau_high", "plateau_from"),
        float,
    ),
}


def rows(rates: ReportedRates) -> pd.DataFrame:
    """Decay of each method's transmission coefficient to its plateau: time in fs, interval of confidence 0.95."""
    rows = []
    for content, label in zip(rates.contents, rates.labels, strict=True):
        along = content["along_coordinate"]
        if not along:
            continue
        measured = along["transmission"]
        half = 1.96 * measured["error"] if measured["error"] is not None else math.nan
        kappa = measured["kappa"]
        plateau = (kappa, kappa - half, kappa + half, measured["plateau_from"])
        for time, value, error in zip(
            measured["time"], measured["kappa_of_time"], measured["kappa_of_time_error"], strict=True
        ):
            spread = 1.96 * error if error is not None else math.nan
            rows.append((label, time, value, value - spread, value + spread, *plateau))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """kappa(t) with the interval of confidence 0.95 as a band, and the plateau dashed."""
    title = "Transmission coefficient"
    if frame.empty:
        return nothing(title)
    # The last half-trajectories end long after all is decided: the axis ends at twice the latest start of a plateau.
    start = frame["plateau_from"].astype(float)
    if start.notna().all():
        step = frame["time"][frame["time"] > 0.0].min()
        frame = frame[frame["time"] <= max(2.0 * start.max(), 20.0 * step)]
    colour = colour_of_present(frame, order)
    words_of_y = "transmission coefficient"
    base = alt.Chart(frame).encode(x=alt.X("time:Q", title="time after the shot (fs)"), color=colour)
    # Rows without an error are in the CSV alone: a band cannot have them.
    band = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_area(opacity=0.25)
        .encode(y=alt.Y("low:Q", title=words_of_y), y2="high:Q")
    )
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("kappa:Q", title=words_of_y))
    ends = frame.drop_duplicates("label")
    plateau = (
        alt.Chart(ends)
        .mark_rule(strokeWidth=1.5, strokeDash=[5, 4])
        .encode(y=alt.Y("plateau:Q", title=words_of_y), color=colour)
    )
    return finish(alt.layer(band, line, plateau).properties(width=520, height=300), title)


FIGURE = RatesFigure(
    name="transmission",
    title="Transmission coefficient",
    category="Rates",
    section="rate",
    place=330,
    needs="free energy",
    caption=(
        "Transmission coefficient against time, from pairs of half-trajectories started on the dividing surface of "
        "the profile: the share of the flux through it that has stayed on the other side. It starts at 1 and falls as "
        "trajectories recross. Dashed: the plateau, which multiplies the rate of transition-state theory. Bands: "
        "intervals of confidence 0.95 by a bootstrap over configurations."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
