"""Coordinates by the likelihood of committor shots."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from separatrix.report.figure_registry import Compared, MethodTable
from separatrix.report.table_cells import interval_text, minus
from separatrix.report.table_content import TablePage, group_row, one_table, text_row
from separatrix.results.run import MethodData
from separatrix.statistics.ranking import Coordinates


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    return [
        {
            "role": rank["name"],
            "variable": ", ".join(rank["variables"]),
            "per_shot": rank["log_likelihood_per_shot"],
            "brier": rank["brier"],
            "rms_error": rank["rms_error"],
            "rms_low": rank["rms_error_interval"][0],
            "rms_high": rank["rms_error_interval"][1],
            "behind": rank["behind"],
            "behind_low": rank["behind_interval"][0],
            "behind_high": rank["behind_interval"][1],
        }
        for rank in data.committor.get("ranking", [])
    ]


def content(frame: pd.DataFrame) -> TablePage:
    """Coordinates by the likelihood of committor shots that none was fitted to."""
    heads = (
        "coordinate",
        "variables",
        "ln L per shot",
        "behind the one found",
        "Brier score",
        "error of the committor",
    )
    roles = {role.value: role.label for role in Coordinates}
    table_rows = []
    for label, of_method in frame.groupby("label", sort=False):
        table_rows.append(group_row(str(label), len(heads)))
        for row in of_method.to_dict("records"):
            behind = ""
            if row["role"] != Coordinates.FITTED and math.isfinite(row["behind"]):
                behind = minus(f"{row['behind']:.3f}") + f" ({interval_text(row['behind_low'], row['behind_high'])})"
            error = ""
            if math.isfinite(row["rms_error"]):
                error = f"{row['rms_error']:.3f} ({interval_text(row['rms_low'], row['rms_high'])})"
            cells = [row["variable"], minus(f"{row['per_shot']:.4f}"), behind, f"{row['brier']:.4f}", error]
            table_rows.append(text_row(roles.get(str(row["role"]), str(row["role"])), cells))
    note = (
        "Best first, by ln L of the committor shots, which were made after the fits and used by none of them. Behind: "
        "ln L per shot that the coordinate found has more; surely so where the interval leaves out zero. Brier score: "
        "mean square of outcome minus prediction, 1/4 of a coin. Error of the committor: root mean square of committor "
        "minus prediction with the binomial noise taken out. Intervals of confidence 0.95 by a bootstrap over "
        "configurations, paired between coordinates."
    )
    return one_table("Coordinates ranked by committor shots", heads, table_rows, note)


TABLE = MethodTable(
    name="ranking",
    title="Coordinates ranked",
    category="Committor",
    section="sure",
    place=160,
    caption=(
        "The fitted coordinate, the best ones of other sizes, the baseline and a constant, ranked by the likelihood "
        "of committor shots that were made after the fits and used by none of them."
    ),
    data="ranking",
    content=content,
    rows=rows,
    columns={
        **dict.fromkeys(
            (
                "per_shot",
                "brier",
                "rms_error",
                "rms_low",
                "rms_high",
                "behind",
                "behind_low",
                "behind_high",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "role",
                "variable",
            ),
            str,
        ),
    },
)
