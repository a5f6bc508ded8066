"""Rates and mechanisms along a scan: a friction, a solvent, any key of a method that the config varies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from separatrix.report.charts import PALETTE, alt, finish, nothing

COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(("scan", "quantity", "kind", "of", "series"), str),
    "value": object,
    **dict.fromkeys(("y", "low", "high"), float),
}
"""Of the data behind both figures: name of the scan, what is varied with its unit, kind of the row, label of the method
that is varied, route or mechanism, value that is varied, what is shown over it, and its interval of confidence 0.95."""


@dataclass(frozen=True)
class ScanResults:
    """What the figures of a scan are made from.

    Attributes
    ----------
    scan
        As :meth:`separatrix.config.configuration.Config.scan` returns it: ``members`` have ``method`` (name), ``of``
        (label of what is varied) and ``value``.
    rates
        Content of each method's ``rates.json``, by name.
    shares
        Table behind the figure of the mechanisms, with a column ``method``.
    temperature
        K, of the rates.
    """

    scan: Mapping[str, Any]
    rates: Mapping[str, Mapping[str, Any]]
    shares: pd.DataFrame
    temperature: float

    def frame(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Rows as a table, with the name of the scan and of what it varies."""
        common = {"scan": self.scan["name"], "quantity": self.scan["quantity"]}
        return pd.DataFrame([common | dict(row) for row in rows], columns=list(COLUMNS))


def in_order(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers by size, words as they come."""
    unique = list(dict.fromkeys(values))
    return sorted(unique) if _are_numbers(unique) else unique


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _axis(values: Sequence[Any], title: str) -> tuple[alt.X, bool]:
    """The axis of a scan: of numbers, logarithmic where they span a power of ten; else the values as words."""
    if not _are_numbers(values):
        return alt.X("value:N", title=title, sort=[str(v) for v in values], axis=alt.Axis(labelAngle=0)), False
    positive = [v for v in values if v > 0]
    wide = bool(positive) and max(positive) >= 10.0 * min(positive)
    scale = alt.Scale(type="log", nice=False) if wide else alt.Scale(zero=False)
    return alt.X("value:Q", title=title, scale=scale), wide


def over_values(
    rows: pd.DataFrame,
    what: str,
    heading: str,
    scale: alt.Scale,
    remarks: Callable[[pd.DataFrame], list[str]] | None = None,
) -> alt.TopLevelMixin:
    """What is measured over the values of a scan, with intervals; rows of the kind ``theory`` are dashed lines.

    Parameters
    ----------
    rows
        With :data:`COLUMNS`.
    what
        Begins the title.
    heading, scale
        Of the axis of `y`.
    remarks
        Lines below the title, from the rows that are drawn.
    """
    if rows.empty:
        return nothing(f"{what} over a scan")
    title, quantity = f"{what} over {rows['scan'].iloc[0]}", str(rows["quantity"].iloc[0])
    values = in_order(rows.loc[rows["kind"] != "theory", "value"].tolist())
    numeric = _are_numbers(values)
    axis, logarithmic = _axis(values, quantity)
    subtitle = []
    if logarithmic:
        if (rows["value"] <= 0).any():
            subtitle.append(f"{quantity} 0 cannot be shown on this axis")
        rows = rows[rows["value"] > 0]
    elif not numeric:
        rows = rows.assign(value=rows["value"].astype(str))
    if remarks is not None:
        subtitle += remarks(rows)
    names = list(dict.fromkeys(zip(rows["of"], rows["series"], strict=True)))
    several = len({of for of, _ in names}) > 1
    rows = rows.drop(columns=["scan", "quantity"]).assign(
        line=[f"{of}: {s}" if several else s for of, s in zip(rows["of"], rows["series"], strict=True)],
    )
    domain = list(dict.fromkeys(rows["line"]))
    palette = [PALETTE[i % len(PALETTE)] for i in range(len(domain))]
    colour = alt.Color(
        "line:N", scale=alt.Scale(domain=domain, range=palette), legend=alt.Legend(title=None, columns=2)
    )
    y = alt.Y("y:Q", title=heading, scale=scale)
    base = alt.Chart(rows).encode(x=axis, color=colour)
    measured = base.transform_filter(alt.datum.kind != "theory")
    layers = [
        base.transform_filter(alt.datum.kind == "theory").mark_line(strokeDash=[6, 3], strokeWidth=1.8).encode(y=y),
        measured.mark_line(strokeWidth=1, opacity=0.5).encode(y=y),
        measured.mark_point(filled=True, size=70, opacity=1).encode(y=y),
        measured.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=2)
        .encode(y=alt.Y("low:Q", title=heading, scale=scale), y2="high:Q"),
    ]
    return finish(alt.layer(*layers).properties(width=520, height=300), title, subtitle)
