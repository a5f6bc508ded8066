"""Coefficients of the reaction coordinate of each method."""

from __future__ import annotations

import html
import math

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.html_tables import INTERVALS, both_intervals, minus, page, row_html
from separatrix.report.quantities.quantity import rounded


def html_page(frame: pd.DataFrame) -> str:
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
            value = minus(" ± ".join(rounded(row["coefficient"], error)) if known else f"{row['coefficient']:.4g}")
            unit = "" if row["unit"] == "1" else f"1/{row['unit']}"
            numbers = [minus(f"{row[k]:.3g}") if math.isfinite(row[k]) else "" for k in ("spread", "standardised")]
            share = f"{row['frequency']:.0%}" if math.isfinite(row["frequency"]) else ""
            body.append(row_html(str(row["variable"]), [value, unit, *numbers, *both_intervals(row), share]))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = (
        "r is dimensionless: a coefficient carries the inverse unit of its variable. r = 0 is the predicted "
        f"separatrix. {INTERVALS}"
    )
    return page("Reaction coordinates", head, "".join(body), words)


TABLE = Table(
    name="coordinates",
    title="Coefficients",
    category="Reaction coordinate",
    section="coordinate",
    place=90,
    data="coefficients",
    html=html_page,
)
