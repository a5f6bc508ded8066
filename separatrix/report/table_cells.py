"""Cells of the tables of the report: numbers with their uncertainty, and tables with a column for each method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core import digits
from separatrix.core.digits import rounded
from separatrix.core.labelled import Answer
from separatrix.report.quantity_catalogue import format_of, group_label
from separatrix.report.table_content import TableCell, TablePage, TableRow, group_row, one_table, text_cell

_SHOWN_UNITS = {"1": "", "cm-1": "cm⁻¹", "degree": "°", "angstrom": "Å"}


def quantity_cell(row: Mapping[str, Any]) -> TableCell:
    """One quantity: value, error or interval, to sensible digits; the note appears on hovering.

    Parameters
    ----------
    row
        Of ``comparison.csv``.
    """
    note, text = str(row["note"] or ""), str(row["text"] or "")
    value, error, low, high = (float(row[k]) for k in ("value", "error", "low", "high"))
    if not math.isfinite(value):
        # Without a number there is a word, or the note says why there is nothing.
        return TableCell((text,), note=note) if text else TableCell(small=(note or "none",), note=note)
    small = []
    if math.isfinite(error) and error > 0:
        number = minus(" ± ".join(rounded(value, error)))
    elif math.isfinite(low) and high > low:
        number, _, interval = minus(digits.significant(value, low, high)).partition(" (")
        small.append(f"({interval.replace(' – ', ' to ')}")
    else:
        number = minus(format_of(str(row["id"]))(value, str(row["unit"])))
        if row["interval_missing"] == Answer.YES:
            small.append(f"({note})")
    if text:
        small.append(f"({text})")
    return TableCell((number,), tuple(small), note)


def minus(number: str) -> str:
    """A number with a true minus sign."""
    return number.replace("-", "−")


def by_method(frame: pd.DataFrame, title: str, groups: Sequence[str], note: str) -> TablePage:
    """Methods as columns, quantities as rows under the headings of their groups."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    cells = {(r["method"], (r["id"], r["of"])): r for r in frame.to_dict("records")}
    rows: list[TableRow] = []
    for group in groups:
        of_group = frame[frame["group"] == group]
        if of_group.empty:
            continue
        rows.append(group_row(group_label(group), len(methods) + 1))
        numbers = [list(zip(of_one["id"], of_one["of"], strict=True)) for of_one in _of_methods(of_group, methods)]
        for number in _merged(numbers):
            of_methods = [cells.get((m, number)) for m in methods]
            first = next(r for r in of_methods if r is not None)
            unit = _SHOWN_UNITS.get(first["unit"], first["unit"])
            head = text_cell(first["quantity"], f"({unit})") if unit else text_cell(first["quantity"])
            rows.append(TableRow(head, tuple(text_cell("–") if r is None else quantity_cell(r) for r in of_methods)))
    return one_table(title, ["", *(str(labels[m]) for m in methods)], rows, note)


def _of_methods(frame: pd.DataFrame, methods: Sequence[str]) -> list[pd.DataFrame]:
    return [frame[frame["method"] == method] for method in methods]


def _merged(lists: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, str]]:
    """All entries once; each that the first lists lack follows its predecessor in its own list."""
    result: list[tuple[str, str]] = []
    for numbers in lists:
        place = 0
        for number in numbers:
            if number in result:
                place = result.index(number) + 1
            else:
                result.insert(place, number)
                place += 1
    return result


HOW_UNCERTAIN = (
    "In brackets: interval of confidence 0.95. After ±: standard error. The text that appears over a number says how "
    "its uncertainty was estimated."
)

INTERVAL_NOTE = (
    "Intervals have confidence 0.95. Clustered: from the spread of the scores between blocks of shots, with "
    "Student's t. Resampled: percentiles of a bootstrap over the same blocks. Neither knows that the variables were "
    "chosen on the same data."
)


def both_intervals(row: Mapping[str, Any]) -> list[str]:
    """The clustered and the resampled interval of a coefficient, empty where there is none."""
    return [interval_text(row.get(f"{way}lower"), row.get(f"{way}upper")) for way in ("", "resampled_")]


def interval_text(low: Any, high: Any) -> str:
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if high == low:
        return minus(f"{low:.3g}")
    places = max(1 - math.floor(math.log10(0.5 * (high - low))), 0)
    return minus(f"{low:.{places}f} to {high:.{places}f}")
