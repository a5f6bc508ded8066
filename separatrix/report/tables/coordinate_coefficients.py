"""Coefficients of the reaction coordinate of each method."""

from __future__ import annotations

import math

import pandas as pd

from separatrix.core.digits import rounded
from separatrix.report.figure_registry import MethodTable
from separatrix.report.table_cells import INTERVAL_NOTE, both_intervals, minus
from separatrix.report.table_content import TablePage, group_row, one_table, text_row


def content(frame: pd.DataFrame) -> TablePage:
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
    table_rows = []
    for _, rows in frame.groupby("method", sort=False):
        label, note = str(rows["label"].iloc[0]), str(rows["note"].iloc[0])
        blocks = str(rows["blocks"].iloc[0]) if "blocks" in rows else ""
        if blocks:
            note += f"; intervals: {blocks}"
        table_rows.append(group_row(label, len(heads), f"({note})"))
        for row in rows.to_dict("records"):
            error = row["error"]
            has_error = math.isfinite(error) and error > 0
            value = minus(" ± ".join(rounded(row["coefficient"], error)) if has_error else f"{row['coefficient']:.4g}")
            unit = "" if row["unit"] == "1" else f"1/{row['unit']}"
            numbers = [minus(f"{row[k]:.3g}") if math.isfinite(row[k]) else "" for k in ("spread", "standardised")]
            share = f"{row['frequency']:.0%}" if math.isfinite(row["frequency"]) else ""
            table_rows.append(text_row(str(row["variable"]), [value, unit, *numbers, *both_intervals(row), share]))
    below = (
        "r is dimensionless: a coefficient carries the inverse unit of its variable. r = 0 is the predicted "
        f"separatrix. {INTERVAL_NOTE}"
    )
    return one_table("Reaction coordinates", heads, table_rows, below)


TABLE = MethodTable(
    name="coordinates",
    title="Coefficients",
    category="Reaction coordinate",
    section="coordinate",
    place=90,
    caption=(
        "Coefficients of the reaction coordinate with their standard errors and intervals, in inverse units of the "
        "variables; r has no unit. Last column: share of block-bootstrap resamples in which the variable was selected "
        "again."
    ),
    data="coefficients",
    content=content,
)
