"""Rates of the approximations over the anisotropy of the diffusion tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from separatrix.report.charts import INK, PALETTE, alt, finish, nothing
from separatrix.report.figure_registry import SurfaceFigure

if TYPE_CHECKING:
    from separatrix.report.theory_page import Result

_SCANNED = {
    "Langer": "langer",
    "KLBS": "k_trial_erf",
    "Kramers x": "k_trial_Kx",
    "Kramers y": "k_trial_Ky",
    "GZ(KLBS, Kramers x)": "GZ_pmf_Kx.k",
    "GZ(KLBS, Kramers y)": "GZ_pmf_Ky.k",
    "GZ(KLBS, reaction-diffusion)": "GZ_pmf_rd.k",
}

COMMITTOR = "committor at the saddle"

COLUMNS: Mapping[str, type] = {"surface": str, "ratio": float, "approximation": str, "over": float, "phi": float}
"""Of the data: D_yy/D_xx; the approximation and its rate over the exact one, or the exact committor at the saddle."""


def rows(result: Result) -> pd.DataFrame:
    """k/k_exact of each approximation, and the exact committor at the saddle, over D_yy/D_xx."""
    rows = [
        {"ratio": row["ratio"], "approximation": name, "over": row[key] / row["k_exact"]}
        for row in result.scan
        for name, key in _SCANNED.items()
        if key in row
    ]
    rows += [{"ratio": row["ratio"], "approximation": COMMITTOR, "phi": row["phi_saddle"]} for row in result.scan]
    # Without a scan the title alone.
    return pd.DataFrame([{"surface": result.analysis.case.title} | row for row in rows or [{}]], columns=list(COLUMNS))


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """k/k_exact of each approximation against D_yy/D_xx, and the committor at the saddle below."""
    title = f"{frame['surface'].iloc[0]}: anisotropy" if len(frame) else "Anisotropy"
    if frame.empty or frame["ratio"].isna().all():
        return nothing(title)
    is_committor = frame["approximation"] == COMMITTOR
    rates = frame.loc[~is_committor, ["ratio", "over", "approximation"]]
    names = list(dict.fromkeys(rates["approximation"]))
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(names))]
    x = alt.X("ratio:Q", title="D_yy / D_xx", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g"))
    above = (
        alt.Chart(rates)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("over:Q", title="k / k_exact", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g")),
            color=alt.Color(
                "approximation:N",
                sort=names,
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(title=None, columns=2),
            ),
        )
        .properties(width=460, height=300)
    )
    below = (
        alt.Chart(frame.loc[is_committor, ["ratio", "phi"]])
        .mark_line(point=alt.OverlayMarkDef(color=INK), strokeWidth=2, color=INK)
        .encode(x=x, y=alt.Y("phi:Q", title=COMMITTOR, scale=alt.Scale(domain=[0, 1])))
        .properties(width=460, height=140)
    )
    return finish(alt.vconcat(above, below), title)


FIGURE = SurfaceFigure(
    name="theory_anisotropy",
    file="anisotropy",
    title="{surface}: anisotropy",
    category="Theory",
    section="theory",
    place=530,
    caption=(
        "Rate of each approximation over the exact one against the anisotropy of the diffusion tensor, at constant "
        "D_xx and correlation. Below: the exact committor at the saddle. Where Langer and KLBS leave 1, the harmonic "
        "picture of the saddle fails."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
