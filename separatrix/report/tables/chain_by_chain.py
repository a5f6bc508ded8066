"""What each chain says alone."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import MethodTable
from separatrix.report.quantity_catalogue import Group
from separatrix.report.table_cells import HOW_UNCERTAIN, by_method
from separatrix.report.table_content import TablePage


def content(frame: pd.DataFrame) -> TablePage:
    """What each chain says alone: do they agree?"""
    return by_method(frame, "Chain by chain", (Group.CHAINS,), HOW_UNCERTAIN)


TABLE = MethodTable(
    name="chains",
    title="Chain by chain",
    category="Sampling",
    section="sure",
    place=200,
    caption=(
        "Start of each chain, its shift (tuned in the burn-in, where the config asks for it), and its own acceptance, "
        "median path length and mechanism shares. Chains that agree do not prove convergence; chains that disagree "
        "disprove it."
    ),
    data="comparison",
    content=content,
)
