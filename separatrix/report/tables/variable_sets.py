"""The best sets of variables of each size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core.digits import rounded
from separatrix.report.figure_registry import Compared, MethodTable
from separatrix.report.figures.coefficients import coefficient_intervals
from separatrix.report.table_cells import INTERVAL_NOTE, both_intervals, minus
from separatrix.report.table_content import TableCell, TablePage, TableRow, group_row, one_table, text_cell
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    """The best sets of each size and those beside them: a row for each variable."""
    fit, rows = data.fit, []
    n = fit["coordinate"]["n_observations"]
    for number, judged in enumerate(fit.get("sets", [])):
        names = judged["variables"]
        head = {
            "set": number,
            "role": f"best of {len(names)}" if judged["role"] == "best" else "for comparison",
            "chosen": judged["chosen"],
            "observations": n,
            "constant_per_observation": fit["null_log_likelihood"] / n,
        }
        if "problem" in judged:
            units, extra = judged["units"], {"problem": judged["problem"]}
            rows += [head | extra | {"variable": v, "unit": u} for v, u in zip(names, units, strict=True)]
            continue
        held = judged["held_out"] or {"mean": None, "standard_error": None, "null_mean": None}
        head |= {
            "per_observation": judged["log_likelihood_per_observation"],
            "held_out": held["mean"],
            "held_out_error": held["standard_error"],
            "held_out_constant": held["null_mean"],
            "separable": judged["separable"],
            "problem": "",
        }
        both = coefficient_intervals(judged)
        for k, (name, unit) in enumerate(zip(names, judged["units"], strict=True), start=1):
            rows.append(head | {"variable": name, "unit": unit, "coefficient": judged["coefficients"][k], **both[k]})
    return rows


def content(frame: pd.DataFrame) -> TablePage:
    """The best coordinate of each size, and those that the config puts beside them."""
    heads = (
        "set",
        "variables",
        "coefficient of r",
        "interval, clustered",
        "interval, resampled",
        "ln L per observation",
        "held-out ln L per observation",
    )
    table_rows = []
    for _, method in frame.groupby("method", sort=False):
        first = method.iloc[0]
        constant = f"{first['observations']:.0f} observations; a constant: {first['constant_per_observation']:.4f}"
        held = method["held_out_constant"].dropna()
        if len(held):
            constant += f", held out {held.iloc[0]:.4f}"
        table_rows.append(group_row(str(first["label"]), len(heads), f"({minus(constant)})"))
        for _, of_set in method.groupby("set", sort=False):
            table_rows.append(_set_row(of_set.to_dict("records")))
    note = (
        "*: the number of variables that the criterion chooses. Held out: folds of whole blocks of "
        f"shots, each predicted from the others; the choice of variables is not repeated. {INTERVAL_NOTE}"
    )
    return one_table("Best sets of variables", heads, table_rows, note)


def _set_row(rows: Sequence[Mapping[str, Any]]) -> TableRow:
    """One set: a line for each variable within the cells."""
    first = rows[0]
    role = str(first["role"]) + (" *" if str(first["chosen"]) == "True" else "")

    names = TableCell(tuple(str(row["variable"]) for row in rows))
    if first["problem"]:
        return TableRow(text_cell(role), (names, text_cell(f"not fitted: {first['problem']}", span=5)))
    numbers = []
    for row in rows:
        unit = "" if row["unit"] == "1" else f" 1/{row['unit']}"
        numbers.append(minus(f"{row['coefficient']:.4g}") + unit)
    both = [both_intervals(row) for row in rows]
    total = minus(f"{first['per_observation']:.4f}")
    if str(first["separable"]) == "True":
        total += " (separable)"
    error = first["held_out_error"]
    held = "" if math.isnan(first["held_out"]) else minus(f"{first['held_out']:.4f}")
    if held and math.isfinite(error):
        held = minus(" ± ".join(rounded(first["held_out"], error)))
    in_lines = [numbers, [pair[0] for pair in both], [pair[1] for pair in both], [total], [held]]
    return TableRow(text_cell(role), (names, *(TableCell(tuple(texts)) for texts in in_lines)))


TABLE = MethodTable(
    name="sets",
    title="Best sets of each size",
    category="Reaction coordinate",
    section="coordinate",
    place=100,
    caption=(
        "The most likely coordinates in one, two and three variables, and those that the config names for comparison "
        "(``coordinate.compare_with``). More variables always fit better to the data of the fit, but not necessarily "
        "to held-out data."
    ),
    data="sets",
    content=content,
    rows=rows,
    columns={
        **dict.fromkeys(
            (
                "set",
                "observations",
                "constant_per_observation",
                "per_observation",
                "held_out",
                "held_out_error",
                "held_out_constant",
                "coefficient",
                "lower",
                "upper",
                "resampled_lower",
                "resampled_upper",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "role",
                "separable",
                "problem",
                "variable",
                "unit",
                "blocks",
            ),
            str,
        ),
        **dict.fromkeys(("chosen",), bool),
    },
)
