"""Running acceptance of the chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from separatrix.report.charts import alt, colour, finish, nothing, of_kind, panels, whiskers
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.report.quantities.estimate import pick
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for chain in data.chains:
        running = np.cumsum(chain.accepted) / np.arange(1, len(chain.accepted) + 1)
        rows += [
            {"kind": "chain", "chain": chain.number, "shot": i + 1, "acceptance": float(a)}
            for i, a in enumerate(running)
        ]
    q = pick(compared.summaries[data.name], "acceptance")
    last = max((len(c.accepted) for c in data.chains), default=0)
    return [*rows, {"kind": "all", "shot": last, "acceptance": q.value, "low": q.low, "high": q.high}]


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Running acceptance of every chain, and the acceptance of all with its interval."""
    title = "Acceptance"
    if frame.empty:
        return nothing(title)
    base = alt.Chart().encode(
        x=alt.X("shot:Q", title="shot"),
        y=alt.Y("acceptance:Q", title="accepted fraction of shots", scale=alt.Scale(domain=[0, 1])),
        color=colour(order),
    )
    running = base.transform_filter(of_kind("chain")).mark_line(opacity=0.6, strokeWidth=1.6).encode(detail="chain:N")
    final = base.transform_filter(of_kind("all")).encode(x=alt.X("place:Q", title="shot"))
    marks = [
        running,
        whiskers(final, "low", "high", strokeWidth=2.5),
        final.mark_point(filled=True, size=80, opacity=1),
    ]
    placed = frame.assign(place=frame["shot"] * 1.05)
    chart = alt.layer(*marks).properties(width=230, height=220)
    return finish(panels(chart, placed, order), title)


FIGURE = MethodFigure(
    name="acceptance",
    title="Acceptance",
    category="Sampling",
    section="sure",
    place=180,
    caption=(
        "Fraction of shots accepted so far, one line per chain, without the burn-in. At the right: the fraction of "
        "all chains with its interval of confidence 0.95, which accounts for the correlation of successive shots. "
        "Lines that end far apart mean that the chains are too short, or sample different regions."
    ),
    columns={
        **dict.fromkeys(
            (
                "chain",
                "shot",
                "acceptance",
                "low",
                "high",
            ),
            float,
        ),
        **dict.fromkeys(("kind",), str),
    },
    rows=rows,
    chart=chart,
)
