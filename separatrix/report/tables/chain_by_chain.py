"""What each chain says alone."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.quantities.quantity import CHAINS
from separatrix.report.table_cells import HOW_UNCERTAIN, by_method
from separatrix.report.table_content import TablePage


def content(frame: pd.DataFrame) -> TablePage:
    """What each chain says alone: do they agree?"""
    return by_method(frame, "Chain by chain", (CHAINS,), HOW_UNCERTAIN)


TABLE = Table(
    name="chains",
    title="Chain by chain",
    category="Sampling",
    section="sure",
    place=200,
    data="comparison",
    content=content,
)
