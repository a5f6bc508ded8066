"""All quantities of all methods."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.quantities.quantity import COMMITTOR, CONVERGENCE, COORDINATE, COST, POINTS, RATES, SAMPLING
from separatrix.report.table_cells import HOW_UNCERTAIN, by_method
from separatrix.report.table_content import TablePage


def content(frame: pd.DataFrame) -> TablePage:
    """The main table."""
    frame = frame[
        ~frame["quantity"].str.startswith(("wall time, ", "chosen in resamples"))
        | (frame["quantity"] == "wall time, other stages")
    ]
    groups = (POINTS, SAMPLING, CONVERGENCE, COORDINATE, COMMITTOR, RATES, COST)
    return by_method(frame, "Comparison of the methods", groups, HOW_UNCERTAIN)


TABLE = Table(
    name="comparison",
    title="All methods",
    category="Comparison",
    section="details",
    place=220,
    data="comparison",
    content=content,
)
