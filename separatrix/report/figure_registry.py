"""Figures and tables of the comparison: what an entry holds, and how entries are found.

A figure is one module with an object ``FIGURE``, a table one with an object ``TABLE``: of this library in
``separatrix/report/figures`` and ``separatrix/report/tables``, of an installed package by an entry point of the groups
``separatrix.figures`` and ``separatrix.tables``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from separatrix.core.registry import Registry

if TYPE_CHECKING:
    import altair as alt

    from separatrix.config.system import System
    from separatrix.report.quantities.quantity import Quantity
    from separatrix.report.table_content import TablePage
    from separatrix.results.run import MethodData

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Compared:
    """What the rows of a figure or table are made from.

    Attributes
    ----------
    methods
        All of them, in the config's order.
    summaries
        Quantities of each method by its name.
    system
        The system.
    """

    methods: Sequence[MethodData]
    summaries: Mapping[str, Sequence[Quantity]]
    system: System


@dataclass(frozen=True)
class Figure:
    """A figure of the comparison.

    Attributes
    ----------
    name
        Of the figure, of its files, of the table behind it and of its caption, ``workflow/report/NAME.rst``.
    title, category
        In the report; its place in Snakemake's own report.
    section, place
        Section of the report, one of :data:`separatrix.report.page.SECTIONS`, and its order there.
    columns
        Type of each column of the table behind it: `float`, `str` or `bool`. All tables have ``method`` and ``label``
        as well.
    rows
        Rows of one method.
    chart
        Chart of the table; the second argument are the methods' labels in their order.
    needs
        Set of committor-test configurations without which there is no such figure; empty: always shown.
    """

    name: str
    title: str
    category: str
    section: str
    place: int
    columns: Mapping[str, type]
    rows: Callable[[MethodData, Compared], Rows]
    chart: Callable[[pd.DataFrame, Sequence[str]], alt.TopLevelMixin]
    needs: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the comparison.

    Attributes
    ----------
    name, title, category, section, place
        As those of :class:`Figure`.
    data
        Name of the data that it is written from: ``comparison``, a figure, or the table itself if it has `rows`.
    content
        The table, from its data.
    rows, columns
        Rows of one method and the types of their columns, for a table with data of its own.
    """

    name: str
    title: str
    category: str
    section: str
    place: int
    data: str
    content: Callable[[pd.DataFrame], TablePage]
    rows: Callable[[MethodData, Compared], Rows] | None = None
    columns: Mapping[str, type] | None = None


FIGURES = Registry("a figure", "separatrix.figures", "separatrix.report.figures", Figure, "FIGURE")
TABLES = Registry("a table", "separatrix.tables", "separatrix.report.tables", Table, "TABLE")

COMPARISON_COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(("method", "label", "group", "quantity", "unit", "text", "note"), str),
    **dict.fromkeys(("value", "error", "low", "high"), float),
}
"""Type of each column of ``comparison.csv``."""


def shown_figures(draws: Sequence[str]) -> dict[str, Figure]:
    """Figures of a run by name, in the order of the report, given the sets of committor-test configurations."""
    return _in_order({n: f for n, f in FIGURES.entries().items() if not f.needs or f.needs in draws})


def shown_tables() -> dict[str, Table]:
    """Tables of a run by name, in the order of the report."""
    return _in_order(TABLES.entries())


def _in_order(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items(), key=lambda item: (item[1].place, item[0])))


def data_columns() -> dict[str, Mapping[str, type]]:
    """Columns of each table of data, by its name."""
    own = {name: table.columns or {} for name, table in TABLES.entries().items() if table.rows}
    return {name: figure.columns for name, figure in FIGURES.entries().items()} | own


def data_frames(compared: Compared) -> dict[str, pd.DataFrame]:
    """Data of each figure, and of each table that has its own, by name.

    Each has the columns `method` and `label`, methods in the config's order.
    """
    makers = {name: figure.rows for name, figure in FIGURES.entries().items()}
    makers |= {name: table.rows for name, table in TABLES.entries().items() if table.rows}
    frames = {}
    for name, rows in makers.items():
        made = [{"method": m.name, "label": m.label, **row} for m in compared.methods for row in rows(m, compared)]
        frames[name] = pd.DataFrame(made, columns=None if made else ["method", "label"])
    return frames
