"""Free energy along the reaction coordinate of each method."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from separatrix.core.units import KCAL
from separatrix.report.charts import alt, colour_of_present, finish, nothing
from separatrix.report.figure_registry import RatesFigure
from separatrix.report.reported_rates import ReportedRates

COLUMNS = {"label": str, **dict.fromkeys(("r", "free_energy", "low", "high"), float)}


def rows(rates: ReportedRates) -> pd.DataFrame:
    """Free energy along each method's own coordinate, kcal/mol, with its interval of confidence 0.95."""
    rows = []
    for content, label in zip(rates.contents, rates.labels, strict=True):
        along = content["along_coordinate"]
        if not along:
            continue
        profile = along["profile"]["profile"]
        for r, energy, error in zip(profile["r"], profile["free_energy"], profile["error"], strict=True):
            if energy is not None:
                spread = 1.96 * (error or 0.0)
                low, high = (energy - spread) / KCAL, (energy + spread) / KCAL
                rows.append({"label": label, "r": r, "free_energy": energy / KCAL, "low": low, "high": high})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Free energy along the coordinate, with the interval of confidence 0.95 as a band."""
    title = "Free energy along the reaction coordinate"
    if frame.empty:
        return nothing(title)
    x = alt.X("r:Q", title="reaction coordinate r")
    base = alt.Chart(frame).encode(x=x, color=colour_of_present(frame, order))
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title="free energy (kcal/mol)"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y="free_energy:Q")
    return finish(alt.layer(band, line).properties(width=520, height=300), title)


FIGURE = RatesFigure(
    name="free_energy",
    title="Free energy along the coordinate",
    category="Rates",
    section="rate",
    place=320,
    needs="free energy",
    caption=(
        "Free energy along the reaction coordinate of each method, from umbrella windows combined by MBAR. Bands: "
        "intervals of confidence 0.95 by a bootstrap over blocks of the windows. r = 0 is the predicted separatrix."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
