"""Shares of the mechanisms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from separatrix.report.charts import (
    INK,
    alt,
    colour,
    finish,
    nothing,
    of_kind,
    present_labels,
    step_of_offset,
    whiskers,
)
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.estimate import pick
from separatrix.report.quantities.sampling_quantities import mechanisms_of
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    rows = []
    for word in mechanisms_of(data.chains):
        q = pick(compared.summaries[data.name], "mechanism_share", mechanism=word)
        paths = int(sum((c.mechanism[c.sampled] == word).sum() for c in data.chains))
        # NaN where shares are not determined: a column of nothing else is still one of numbers.
        share, low, high = (math.nan if v is None else v for v in (q.value, q.low, q.high))
        rows.append({"kind": "all", "mechanism": word, "share": share, "low": low, "high": high, "paths": paths})
        for chain in data.chains:
            one = pick(compared.summaries[data.name], "chain_mechanism_share", mechanism=word, chain=chain.number)
            if one.value is not None:
                rows.append({"kind": "chain", "chain": chain.number, "mechanism": word, "share": one.value})
    return rows


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Weighted share of each mechanism, all chains together and each alone."""
    title = "Mechanism shares"
    if frame.empty:
        return nothing(title)
    present = present_labels(frame, order)
    values = frame[["label", "share", "low", "high", "paths"]].values
    rows = frame.assign(
        words=[_share_words(*v) if k == "all" else "" for k, v in zip(frame["kind"], values, strict=True)]
    )
    base = alt.Chart(rows).encode(
        y=alt.Y("mechanism:N", title=None, sort=sorted(frame["mechanism"].unique())),
        yOffset=alt.YOffset("label:N", sort=present),
        x=alt.X(
            "share:Q", title="share of the reactive paths", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")
        ),
        color=colour(order, legend=True),
    )
    whole = base.transform_filter(of_kind("all"))
    numbers = whole.mark_text(align="left", fontSize=12).encode(x=alt.value(488), text="words:N", color=alt.value(INK))
    marks = [
        whole.mark_bar(opacity=0.6, size=16),
        base.transform_filter(of_kind("chain")).mark_tick(thickness=2, size=16).encode(color=alt.value(INK)),
        whiskers(whole.encode(color=alt.value(INK)), "low", "high", along="x"),
        numbers,
    ]
    return finish(alt.layer(*marks).properties(width=480, height=step_of_offset(24)), title)


def _share_words(label: str, share: float, low: float, high: float, paths: float) -> str:
    if not math.isfinite(share):
        # No bar tells by its colour which method it is.
        return f"{label}: not determined, {paths:.0f} paths"
    interval = f" ({low:.0%} to {high:.0%})" if math.isfinite(low) else ""
    return f"{share:.0%}{interval}, {paths:.0f} paths"


FIGURE = MethodFigure(
    name="mechanisms",
    title="Mechanism shares",
    category="Sampling",
    section="mechanism",
    place=10,
    caption=(
        "Share of each mechanism among the reactive paths, weighted by multiplicity, without the initial paths and "
        "the burn-in. Bars: all chains together, with the interval of confidence 0.95 where there is one. Dark ticks: "
        "single chains. At the right: the number of different paths. There is no bar where the shares are not "
        "determined, because no chain changed its mechanism or the shares depend on the starts of the chains. "
        "Mechanisms that no chain has visited cannot show here; see the group *Convergence* of the comparison."
    ),
    columns={
        **dict.fromkeys(
            (
                "share",
                "low",
                "high",
                "paths",
                "chain",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "kind",
                "mechanism",
            ),
            str,
        ),
    },
    rows=rows,
    chart=chart,
)
