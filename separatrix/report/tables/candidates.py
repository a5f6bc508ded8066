"""Candidate variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from separatrix.coordinate.interchangeable import NEAR_DUPLICATES
from separatrix.core.digits import rounded
from separatrix.report.figure_registry import Compared, MethodTable
from separatrix.report.table_cells import minus
from separatrix.report.table_content import TablePage, one_table, text_row
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    """Every candidate variable: what it is, how far it varies, and which others the data hardly tell from it."""
    chosen = set(data.fit["coordinate"]["names"])
    return [
        {
            "variable": c["name"],
            "kind": c["kind"],
            "unit": c["unit"],
            "meaning": c["meaning"],
            "origin": c["origin"],
            "mean": c["mean"],
            "spread": c["standard_deviation"],
            "chosen": c["name"] in chosen,
            "constant": c["constant"],
            "near_duplicates": "; ".join(f"{t['name']} ({t['correlation']:+.5f})" for t in c["near_duplicates"]),
        }
        for c in data.fit.get("candidates", [])
    ]


def content(frame: pd.DataFrame) -> TablePage:
    """What could have entered the coordinate, with the range it was seen in."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    seen = {(r["method"], r["variable"]): r for r in frame.to_dict("records")}
    first: dict[str, Mapping[str, Any]] = {}
    for row in frame.to_dict("records"):
        first.setdefault(row["variable"], row)
    table_rows = []
    for name, row in first.items():
        cells = [row["meaning"], row["kind"], "" if row["unit"] == "1" else row["unit"], row["origin"]]
        cells += [_range(seen.get((m, name))) for m in methods]
        table_rows.append(text_row(name, cells))
    heads = ["variable", "what it is", "kind", "unit", "origin", *(str(labels[m]) for m in methods)]
    origins = [row["origin"] for row in first.values()]
    note = (
        f"{len(first)} candidates: {origins.count('enumerated')} enumerated from the bonds around the atoms that the "
        f"system file names, each once, and {origins.count('given')} given there. For each method: mean ± standard "
        "deviation at the shooting points. A candidate that does not vary is left out of the fit. ≈: those whose "
        f"correlation coefficient with it is beyond ±{NEAR_DUPLICATES:g}; no fit can tell which of them is meant. *: "
        "in the coordinate."
    )
    return one_table("Candidate variables", heads, table_rows, note)


def _range(row: Mapping[str, Any] | None) -> str:
    """Mean and standard deviation of a candidate with one method, and remarks on it."""
    if row is None:
        return "–"
    if str(row["constant"]) == "True":
        return minus(f"{row['mean']:.4g}") + ", constant: left out"
    shown = minus(" ± ".join(rounded(row["mean"], row["spread"])))
    shown += " *" if str(row["chosen"]) == "True" else ""
    return shown + (f" ≈ {minus(str(row['near_duplicates']))}" if row["near_duplicates"] else "")


TABLE = MethodTable(
    name="candidates",
    title="Candidate variables",
    category="Reaction coordinate",
    section="coordinate",
    place=110,
    caption=(
        "All variables that could enter the reaction coordinate, with their meaning and the range of the shooting "
        "points. Atoms are counted from 0."
    ),
    data="candidates",
    content=content,
    rows=rows,
    columns={
        **dict.fromkeys(
            (
                "mean",
                "spread",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "variable",
                "kind",
                "unit",
                "meaning",
                "origin",
                "near_duplicates",
            ),
            str,
        ),
        **dict.fromkeys(
            (
                "chosen",
                "constant",
            ),
            bool,
        ),
    },
)
