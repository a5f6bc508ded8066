"""What the HTML tables share: pages without scripts or links."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core import digits
from separatrix.report.quantities.quantity import RATES, rounded

STYLE = (
    "body{font-family:sans-serif;font-size:14px;color:#222;background:#fff;margin:16px}"
    "table{border-collapse:collapse}"
    "th,td{padding:5px 12px;text-align:left;vertical-align:top;border-bottom:1px solid #e4e4e4;max-width:26em}"
    "thead th{border-bottom:2px solid #333;vertical-align:bottom}"
    "tr.group th{padding-top:16px;border-bottom:1px solid #333;font-size:15px}"
    "tbody th{font-weight:normal;white-space:nowrap}"
    "small{color:#666}"
    "p{max-width:60em;color:#444}"
    "div{overflow-x:auto}"
)


_PLACES = {"kcal/mol": 1, "degree": 1, "angstrom": 3, "cm-1": 0, "fs": 0, "kJ/mol": 1, "J/mol/K": 0}


_SHOWN_UNITS = {"1": "", "cm-1": "cm⁻¹", "degree": "°", "angstrom": "Å"}


def cell(row: Mapping[str, object]) -> str:
    """HTML of one quantity: value, error or interval, to sensible digits; the note appears on hovering.

    Parameters
    ----------
    row
        With the keys of :class:`separatrix.report.quantities.quantity.Quantity`.
    """
    note = str(row["note"] or "")
    value, error, low, high = (float(row[k]) for k in ("value", "error", "low", "high"))  # type: ignore[arg-type]
    if not math.isfinite(value):
        # Without a number there is a word, or the note says why there is nothing.
        shown = html.escape(str(row["text"])) if row["text"] else f"<small>{html.escape(note) or 'none'}</small>"
        return _hover(shown, note)
    if math.isfinite(error) and error > 0:
        shown = minus(" ± ".join(rounded(value, error)))
    elif math.isfinite(low) and high > low:
        number, _, interval = minus(digits.significant(value, low, high)).partition(" (")
        shown = f"{number} <small>({interval.replace(' – ', ' to ')}</small>"
    else:
        estimate = row.get("group") == RATES and row["unit"] in ("1/s", "s")
        shown = minus(digits.plain(value) if estimate else _plain(value, str(row["unit"])))
        if note.startswith(("no interval", "no error")):
            shown += f" <small>({html.escape(note)})</small>"
    if row["text"]:
        shown += f" <small>({html.escape(str(row['text']))})</small>"
    return _hover(shown, note)


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


def _hover(shown: str, note: str) -> str:
    return f'<td title="{html.escape(note, quote=True)}">{shown}</td>' if note else f"<td>{shown}</td>"


def page(title: str, head: str, body: str, words: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><div><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}"
        f"</tbody></table></div>\n<p>{html.escape(words)}</p></body></html>\n"
    )


def grouped(frame: pd.DataFrame, title: str, groups: Sequence[str], words: str) -> str:
    """Methods as columns, quantities as rows under the heads of their groups."""
    methods = list(dict.fromkeys(frame["method"]))
    labels = dict(zip(frame["method"], frame["label"], strict=True))
    cells = {(r["method"], r["group"], r["quantity"]): r for r in frame.to_dict("records")}
    body = []
    for group in groups:
        mine = frame[frame["group"] == group]
        if mine.empty:
            continue
        body.append(f'<tr class="group"><th colspan="{len(methods) + 1}">{html.escape(group)}</th></tr>\n')
        for name in _merged([list(mine[mine["method"] == m]["quantity"]) for m in methods]):
            rows = [cells.get((m, group, name)) for m in methods]
            unit = next(_SHOWN_UNITS.get(r["unit"], r["unit"]) for r in rows if r is not None)
            heading = html.escape(name) + (f" <small>({html.escape(unit)})</small>" if unit else "")
            body.append(
                f"<tr><th>{heading}</th>" + "".join("<td>–</td>" if r is None else cell(r) for r in rows) + "</tr>\n"
            )
    head = "<th></th>" + "".join(f"<th>{html.escape(str(labels[m]))}</th>" for m in methods)
    return page(title, head, "".join(body), words)


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


def row_html(name: str, cells: Sequence[object]) -> str:
    return f"<tr><th>{html.escape(name)}</th>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in cells) + "</tr>\n"


HOW = (
    "In brackets: interval of confidence 0.95. After ±: standard error. The text that appears over a number says how "
    "its uncertainty was found."
)


INTERVALS = (
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
