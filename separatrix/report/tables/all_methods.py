"""All quantities of all methods."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.html_tables import HOW, grouped
from separatrix.report.quantities.quantity import COMMITTOR, CONVERGENCE, COORDINATE, COST, POINTS, RATES, SAMPLING


def html_page(frame: pd.DataFrame) -> str:
    """The main table."""
    frame = frame[
        ~frame["quantity"].str.startswith(("wall time, ", "chosen in resamples"))
        | (frame["quantity"] == "wall time, other stages")
    ]
    groups = (POINTS, SAMPLING, CONVERGENCE, COORDINATE, COMMITTOR, RATES, COST)
    return grouped(frame, "Comparison of the methods", groups, HOW)


TABLE = Table(
    name="comparison",
    title="All methods",
    category="Comparison",
    section="details",
    place=220,
    data="comparison",
    html=html_page,
)
