"""What each chain says alone."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.html_tables import HOW, grouped
from separatrix.report.quantities.quantity import CHAINS


def html_page(frame: pd.DataFrame) -> str:
    """What each chain says alone: do they agree?"""
    return grouped(frame, "Chain by chain", (CHAINS,), HOW)


TABLE = Table(
    name="chains",
    title="Chain by chain",
    category="Sampling",
    section="sure",
    place=200,
    data="comparison",
    html=html_page,
)
