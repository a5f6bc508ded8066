"""All quantities of all methods."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import MethodTable
from separatrix.report.quantity_catalogue import Group, details
from separatrix.report.table_cells import HOW_UNCERTAIN, by_method
from separatrix.report.table_content import TablePage

GROUPS = (
    Group.POINTS,
    Group.SAMPLING,
    Group.CONVERGENCE,
    Group.COORDINATE,
    Group.COMMITTOR,
    Group.RATES,
    Group.COST,
)


def content(frame: pd.DataFrame) -> TablePage:
    """The main table."""
    return by_method(frame[~frame["id"].isin(details())], "Comparison of the methods", GROUPS, HOW_UNCERTAIN)


TABLE = MethodTable(
    name="comparison",
    title="All methods",
    category="Comparison",
    section="details",
    place=220,
    caption=(
        "All methods. In brackets: intervals of confidence 0.95. After ±: standard errors. Resting the pointer on a "
        "number shows how its uncertainty was found.\n\n"
        "Acceptance and mechanism shares have the Wilson interval of an effective number of trials: the moves over "
        "their statistical inefficiency, and for shares never more than the number of different paths. Shares are not "
        "given where no chain changed its mechanism. Quantiles of the path length are weighted by multiplicity, "
        "without the initial paths, and have bootstrap intervals over segments of the chains. The burn-in is excluded "
        "from everything but the cost.\n\n"
        "Watch for: sampling that stopped because ``max_rounds`` was reached (group *Convergence*), held-out ln L "
        "below that of a constant (the coordinate was fitted to noise), chains that disagree (table *Chain by "
        "chain*), mechanism shares that depend on the start, and verdicts *inconclusive*, which do not prove a good "
        "coordinate. No interval covers a mechanism that no chain has visited."
    ),
    data="comparison",
    content=content,
)
