"""The judgement after each round."""

from __future__ import annotations

import math

import pandas as pd

from separatrix.report.figure_registry import MethodTable
from separatrix.report.figures.convergence_by_round import reasons_to_stop
from separatrix.report.table_content import TablePage, group_row, one_table, text_row
from separatrix.sampling.criterion import shown_measures
from separatrix.sampling.mechanism_shares import Agreement


def content(frame: pd.DataFrame) -> TablePage:
    """What the judgement after each round said, and why each method's sampling stopped."""
    measures = shown_measures(frame)
    heads = ("round", "shots", "variables", *(m.label for m in measures), "mechanisms", "verdict")
    table_rows = []
    for label, reason in reasons_to_stop(frame, list(dict.fromkeys(frame["label"]))).items():
        rows = frame[frame["label"] == label].to_dict("records")
        table_rows.append(group_row(f"{label}: {reason}", len(heads)))
        bounds = [f"{m.side.label} {rows[-1][f'{m.id}_bound']:g}" for m in measures]
        table_rows.append(text_row("wanted", ["", "", *bounds, "", ""]))
        for row in rows:
            numbers = [f"{row[m.id]:.3g}" if math.isfinite(row[m.id]) else "–" for m in measures]
            shots = f"{row['shots']:.0f}"
            cells = [shots, row["variables"], *numbers, Agreement(row["mechanisms"]).label, row["verdict"]]
            table_rows.append(text_row(f"{row['round']:.0f}", cells))
    note = "–: the data cannot give the number; the verdict says why. Shots are those of all chains after the burn-in."
    return one_table("Convergence round by round", heads, table_rows, note)


TABLE = MethodTable(
    name="convergence_table",
    title="Convergence round by round",
    category="Sampling",
    section="sure",
    place=190,
    caption=(
        "Convergence after each round: shots so far, the variables of the coordinate, the criteria with their bounds, "
        "whether the shares of the mechanisms agree between chains from different starts, and the verdict. "
        "Interchangeable variables count as the same. After the name of each method: whether its sampling converged "
        "or stopped at ``max_rounds``; in the latter case its numbers are less certain than their intervals."
    ),
    data="convergence",
    content=content,
)
