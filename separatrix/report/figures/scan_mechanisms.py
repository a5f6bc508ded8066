"""Shares of the mechanisms over a setting that the config varies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from separatrix.report.charts import alt
from separatrix.report.figure_registry import ScanFigure
from separatrix.report.scans import COLUMNS, ScanResults, over_values


def rows(results: ScanResults) -> pd.DataFrame:
    """Shares (kind ``share``) of each mechanism; NaN where they are not determined."""
    members, shares = results.scan["members"], results.shares
    of_all = shares[(shares["kind"] == "all") & shares["method"].isin([m["method"] for m in members])]
    mechanisms = list(dict.fromkeys(of_all["mechanism"]))
    rows = []
    for member in members:
        own = {r["mechanism"]: r for r in of_all[of_all["method"] == member["method"]].to_dict("records")}
        # A mechanism that others of the scan take, and this one does not, has a share of nothing here.
        undetermined = any(math.isnan(r["share"]) for r in own.values())
        none = {"share": math.nan if undetermined else 0.0, "low": math.nan, "high": math.nan}
        for mechanism in mechanisms if own else ():
            share = own.get(mechanism, none)
            values = {"y": share["share"], "low": share["low"], "high": share["high"]}
            rows.append({"kind": "share", "of": member["of"], "series": mechanism, "value": member["value"], **values})
    return results.frame(rows)


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Shares of the mechanisms over the values of the scan."""
    heading = "share of the reactive paths"
    return over_values(frame, "Mechanisms", heading, alt.Scale(domain=[0, 1]), _remarks)


def _remarks(rows: pd.DataFrame) -> list[str]:
    """Why there is no point, or no bar."""
    remarks = []
    if rows["y"].isna().any():
        remarks.append("no point: shares are not determined, since no chain changed its mechanism")
    if (rows["low"].isna() & rows["y"].notna()).any():
        remarks.append("no error bar: too few independent paths for an interval, or all by one mechanism")
    return remarks


FIGURE = ScanFigure(
    name="scan_mechanisms",
    file="mechanisms",
    title="Mechanisms over {scan}",
    category="Scans",
    section="scans",
    place=420,
    caption=(
        "Share of each mechanism among the sampled reactive paths over a setting that the config varies, with "
        "intervals of confidence 0.95 where there are some."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
