"""Distribution of the committor on the predicted separatrix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from separatrix.report.charts import INK, alt, colour, finish, nothing, of_kind, panels
from separatrix.report.figure_registry import Compared, MethodFigure
from separatrix.results.run import MethodData
from separatrix.statistics.committor_statistics import binomial_expectation


def committed(data: MethodData) -> tuple[np.ndarray, np.ndarray, list[Mapping[str, Any]]]:
    """k to the product, n committed, and the entries, of the configurations with a committed shot."""
    drawn = data.committor["draws"]["separatrix"]["configurations"]
    entries = [c for c in drawn if c["to_product"] + c["to_reactant"] > 0]
    k = np.array([c["to_product"] for c in entries], dtype=int)
    return k, k + np.array([c["to_reactant"] for c in entries], dtype=int), entries


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    k, n, _ = committed(data)
    if k.size == 0:
        return []
    most = int(n.max())
    count = most + 1 if most <= 12 else 11
    # Bins are centred on the possible fractions 0, 1/n, ... 1, so that none falls on an edge.
    edges = (np.arange(count + 1) - 0.5) / (count - 1) if count > 1 else np.array([-0.5, 0.5, 1.5])
    observed = np.histogram(k / n, bins=edges)[0]
    binomial, _ = binomial_expectation(n, 0.5, edges)
    beta = data.committor["draws"]["separatrix"]["distribution"]["beta"]
    fitted = None if beta is None else beta_binomial_expectation(n, beta, edges)
    return [
        {
            "low": float(edges[i]),
            "high": float(edges[i + 1]),
            "centre": float(0.5 * (edges[i] + edges[i + 1])),
            "configurations": int(observed[i]),
            "binomial": float(binomial[i]),
            "beta_binomial": None if fitted is None else float(fitted[i]),
            "to": data.committor["product"],
        }
        for i in range(len(observed))
    ]


def beta_binomial_expectation(n: ArrayLike, beta: Sequence[float], edges: ArrayLike) -> np.ndarray:
    """Expected histogram of k/n when the committors are beta distributed.

    Parameters
    ----------
    n
        Shots of each configuration, shape (m,).
    beta
        Parameters (a, b) of the beta distribution.
    edges
        Of the bins, shape (bins + 1,).

    Returns
    -------
    Expected number of configurations in each bin, shape (bins,).
    """
    expected = np.zeros(len(np.asarray(edges)) - 1)
    for shots, count in zip(*np.unique(np.asarray(n, dtype=int), return_counts=True), strict=True):
        k = np.arange(shots + 1)
        weights = count * scipy.stats.betabinom.pmf(k, shots, *beta)
        expected += np.histogram(k / shots, bins=edges, weights=weights)[0]
    return expected


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Distribution of the committor on the predicted separatrix, with two expectations."""
    title = "Committor distribution on the predicted separatrix"
    if frame.empty:
        return nothing(title)
    to = frame["to"].iloc[0]
    names = {"binomial": "perfect coordinate (binomial, 1/2)", "beta_binomial": "beta-binomial fit"}
    curves = frame.melt(["label", "centre"], list(names), "curve", "expected").dropna(subset=["expected"])
    curves = curves.assign(curve=curves["curve"].map(names), kind="curve")
    rows = pd.concat([frame.assign(kind="bin"), curves])
    most = math.ceil(max(rows["configurations"].max(), rows["expected"].max()))
    whole = alt.Axis(values=list(range(0, most + 1, math.ceil(most / 8))))
    bars = (
        alt.Chart()
        .transform_filter(of_kind("bin"))
        .mark_bar(opacity=0.5, stroke="white")
        .encode(
            x=alt.X(
                "low:Q",
                title=f"fraction of shots to {to}",
                scale=alt.Scale(domain=[frame["low"].min(), frame["high"].max()], nice=False),
                axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f"),
            ),
            x2="high:Q",
            y=alt.Y("configurations:Q", title="configurations", axis=whole),
            y2=alt.Y2Datum(0),
            color=colour(order),
        )
    )
    base = (
        alt.Chart()
        .transform_filter(of_kind("curve"))
        .encode(x="centre:Q", y=alt.Y("expected:Q", title="configurations", axis=whole))
    )
    style = alt.StrokeDash(
        "curve:N",
        scale=alt.Scale(domain=list(names.values()), range=[[5, 4], [1, 0]]),
        legend=alt.Legend(title=None, symbolStrokeColor=INK, symbolStrokeWidth=2),
    )
    lines = base.mark_line(color=INK, strokeWidth=1.8).encode(strokeDash=style)
    chart = alt.layer(bars, lines).properties(width=250, height=220)
    return finish(panels(chart, rows, order), title)


FIGURE = MethodFigure(
    name="committor_histogram",
    title="Committor distribution",
    category="Committor",
    section="sure",
    place=120,
    caption=(
        "Fractions of committor shots that reached the product: a histogram over the configurations on the predicted "
        "separatrix. Dashed: a perfect coordinate, where every committor is 1/2 and only binomial noise remains. "
        "Solid: the beta-binomial fit, a distribution of committors plus binomial noise (absent where it does not "
        "exist). A histogram broader than the dashed line means that the coordinate misses a variable; one that is "
        "not centred on 1/2, that the separatrix is misplaced."
    ),
    columns={
        **dict.fromkeys(
            (
                "low",
                "high",
                "centre",
                "configurations",
                "binomial",
                "beta_binomial",
            ),
            float,
        ),
        **dict.fromkeys(("to",), str),
    },
    rows=rows,
    chart=chart,
)
