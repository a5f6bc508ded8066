"""The judgement after each round."""

from __future__ import annotations

import html
import math

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.figures.convergence_by_round import reasons_to_stop
from separatrix.report.html_tables import page, row_html
from separatrix.report.quantities.convergence_quantities import MEASURES


def html_page(frame: pd.DataFrame) -> str:
    """What the judgement after each round said, and why each method's sampling stopped."""
    heads = ("round", "shots", "variables", *(m.title for m in MEASURES), "mechanisms", "verdict")
    body = []
    for label, reason in reasons_to_stop(frame, list(dict.fromkeys(frame["label"]))).items():
        rows = frame[frame["label"] == label].to_dict("records")
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{html.escape(f"{label}: {reason}")}</th></tr>\n')
        bounds = [f"{m.side} {rows[-1][f'{m.name}_bound']:g}" for m in MEASURES]
        body.append(row_html("wanted", ["", "", *bounds, "", ""]))
        for row in rows:
            numbers = [f"{row[m.name]:.3g}" if math.isfinite(row[m.name]) else "–" for m in MEASURES]
            shots = f"{row['shots']:.0f}"
            cells = [shots, row["variables"], *numbers, row["mechanisms"], row["verdict"]]
            body.append(row_html(f"{row['round']:.0f}", cells))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = "–: the data cannot give the number; the verdict says why. Shots are those of all chains after the burn-in."
    return page("Convergence round by round", head, "".join(body), words)


TABLE = Table(
    name="convergence_table",
    title="Convergence round by round",
    category="Sampling",
    section="sure",
    place=190,
    data="convergence",
    html=html_page,
)
