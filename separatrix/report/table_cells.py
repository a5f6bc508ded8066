"""Cells of the tables of the report: numbers with their uncertainty, and tables with a column for each method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core import digits
from separatrix.report.quantities.quantity import RATES, rounded
from separatrix.report.table_content import TableCell, TablePage, TableRow, group_row, one_table, text_cell

_PLACES = {"kcal/mol": 1, "degree": 1, "angstrom": 3, "cm-1": 0, "fs": 0, "kJ/mol": 1, "J/mol/K": 0}

_SHOWN_UNITS = {"1": "", "cm-1": "cm⁻¹", "degree": "°", "angstrom": "Å"}


def quantity_cell(row: Mapping[str, Any]) -> TableCell:
    """One quantity: value, error or interval, to sensible digits; the note appears on hovering.

    Parameters
    ----------
    row
        With the keys of :class:`separatrix.report.quantities.quantity.Quantity`.
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
        estimate = row.get("group") == RATES and row["unit"] in ("1/s", "s")
        number = minus(digits.plain(value) if estimate else _plain(value, str(row["unit"])))
        if note.startswith(("no interval", "no error")):
            small.append(f"({note})")
    if text:
        small.append(f"({text})")
    return TableCell((number,), tuple(small), note)


def minus(number: str) -> str:
    """A number with a true minus sign."""
    return number.replace("-", "−")


def _plain(value: float, unit: str) -> str:
    if unit in _PLACES:
        places = _PLACES[unit]
        return f"{round(value, places) + 0.0:.{places}f}"  # the sum turns -0.0 into 0.0
    if unit in ("s", "ms") and value >= 100:
        return f"{value:.0f}"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e12 else digits.plain(value, 3)


def by_method(frame: pd.DataFrame, title: str, groups: Sequence[str], note: str) -> TablePage:
    """Methods as columns, quantities as rows under the headings of their groups."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    cells = {(r["method"], r["group"], r["quantity"]): r for r in frame.to_dict("records")}
    rows: list[TableRow] = []
    for group in groups:
        of_group = frame[frame["group"] == group]
        if of_group.empty:
            continue
        rows.append(group_row(group, len(methods) + 1))
        for name in _merged([list(of_group[of_group["method"] == m]["quantity"]) for m in methods]):
            of_methods = [cells.get((m, group, name)) for m in methods]
            unit = next(_SHOWN_UNITS.get(r["unit"], r["unit"]) for r in of_methods if r is not None)
            head = text_cell(name, f"({unit})") if unit else text_cell(name)
            rows.append(TableRow(head, tuple(text_cell("–") if r is None else quantity_cell(r) for r in of_methods)))
    return one_table(title, ["", *(str(labels[m]) for m in methods)], rows, note)


def _merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """All entries once; each that the first lists lack follows its predecessor in its own list."""
    result: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name in result:
                place = result.index(name) + 1
            else:
                result.insert(place, name)
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
