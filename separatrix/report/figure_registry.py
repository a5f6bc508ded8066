"""Figures and tables of the report: what an entry holds, and how entries are found.

A figure is one module with an object ``FIGURE``, a table one with an object ``TABLE``: of this library in
``separatrix/report/figures`` and ``separatrix/report/tables``, of an installed package by an entry point of the groups
``separatrix.figures`` and ``separatrix.tables``. The class of the entry says what the figure is made from:

========================  ==============================================  =================================
class                     its data are made from                          one for
========================  ==============================================  =================================
:class:`MethodFigure`     all results of one method after another         the comparison
:class:`RatesFigure`      the rates of all methods, and experiment        the comparison
:class:`ScanFigure`       rates and mechanisms over a varied setting      each scan
:class:`SurfaceFigure`    the theory of diffusive rates                   each surface of ``theory``
========================  ==============================================  =================================

Tables have the same classes. A chart is drawn from the figure's data alone, which lie as CSV in the results.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from separatrix.core.registry import Registry

if TYPE_CHECKING:
    import altair as alt

    from separatrix.config.system import System
    from separatrix.report.quantities.estimate import Estimate
    from separatrix.report.reported_rates import ReportedRates
    from separatrix.report.scans import ScanResults
    from separatrix.report.table_content import TablePage
    from separatrix.report.theory_page import Result
    from separatrix.results.run import MethodData

Rows = list[dict[str, Any]]

#: Sections of the report in their order; those with nothing to show are left out.
SECTIONS = ("mechanism", "barrier", "rate", "scans", "coordinate", "sure", "theory", "cost", "details")


@dataclass(frozen=True)
class Compared:
    """What the rows of a figure or table of the methods are made from.

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
    summaries: Mapping[str, Sequence[Estimate]]
    system: System


@dataclass(frozen=True, kw_only=True)
class ReportItem:
    """What figures and tables have in common.

    Attributes
    ----------
    name
        Of the entry, unique among figures and tables: letters, digits and ``_``.
    title
        In the report; `{scan}` or `{surface}` stands for the name of what it shows.
    category
        Its place in Snakemake's own report.
    section, place
        Section of the report, one of :data:`SECTIONS`, and its order there.
    caption
        reStructuredText: what is shown, how uncertain it is, and what it cannot show. Both reports have it.
    file
        Name of its files, where that is not `name`.
    needs
        What a run must have for such an item: a committor-test set, or ``free energy``, rates along the coordinate;
        empty: always shown.
    pattern
        Path of its files in the folder ``comparison`` of the results, without the ending.

    Raises
    ------
    ValueError
        When one of these cannot be.
    """

    name: str
    title: str
    category: str
    section: str
    place: int
    caption: str
    file: str = ""
    needs: str = ""
    pattern: ClassVar[str] = "{file}"

    def __post_init__(self) -> None:
        for key, value in (("name", self.name), ("file", self.file or self.name)):
            if not re.fullmatch(r"\w+", value, flags=re.ASCII):
                raise ValueError(f"{key} {value!r} names files; write it with letters, digits and _")
        if self.section not in SECTIONS:
            raise ValueError(f"{self.name}: section {self.section!r} is none; give one of {', '.join(SECTIONS)}")
        if not self.caption.strip():
            raise ValueError(f"{self.name}: caption is empty; say what is shown and how uncertain it is")
        if marks := re.search(r"\{[{%#]", self.caption):
            raise ValueError(f"{self.name}: caption holds {marks[0]!r}, which Snakemake's report would act on")

    @property
    def stem(self) -> str:
        """Path of its files in the folder ``comparison``, without the ending; `{scan}` or `{surface}` may be in it."""
        return self.pattern.replace("{file}", self.file or self.name)


@dataclass(frozen=True, kw_only=True)
class Figure(ReportItem):
    """A figure: one of the classes below.

    Attributes
    ----------
    columns
        Type of each column of the data behind it: `float`, `str`, `bool`, or `object` for numbers or words.
    chart
        Chart of the data; the second argument are the methods' labels in their order.
    """

    columns: Mapping[str, type]
    chart: Callable[[pd.DataFrame, Sequence[str]], alt.TopLevelMixin]

    @property
    def data(self) -> str:
        """Path of its data in the folder ``comparison``."""
        return f"{self.stem}.csv"


@dataclass(frozen=True, kw_only=True)
class MethodFigure(Figure):
    """A figure of the methods: `rows` gives those of one method; ``method`` and ``label`` are put before them."""

    rows: Callable[[MethodData, Compared], Rows]

    @property
    def data(self) -> str:
        """Path of its data in the folder ``comparison``."""
        return f"data/{self.stem}.csv"


@dataclass(frozen=True, kw_only=True)
class RatesFigure(Figure):
    """A figure of the rates: `rows` gives those of all methods."""

    rows: Callable[[ReportedRates], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class ScanFigure(Figure):
    """A figure of each scan: `rows` gives those of one."""

    rows: Callable[[ScanResults], pd.DataFrame]
    pattern: ClassVar[str] = "scans/{scan}_{file}"


@dataclass(frozen=True, kw_only=True)
class SurfaceFigure(Figure):
    """A figure of each surface of the theory: `rows` gives those of one."""

    rows: Callable[[Result], pd.DataFrame]
    pattern: ClassVar[str] = "theory/{surface}/{file}"


@dataclass(frozen=True, kw_only=True)
class Table(ReportItem):
    """A table as a page of HTML: one of the classes below."""


@dataclass(frozen=True, kw_only=True)
class MethodTable(Table):
    """A table of the methods.

    Attributes
    ----------
    data
        Name of the data that it is written from: ``comparison``, a figure, or the table itself if it has `rows`.
    content
        The table, from its data.
    rows, columns
        As those of :class:`MethodFigure`, for a table with data of its own.
    """

    data: str
    content: Callable[[pd.DataFrame], TablePage]
    rows: Callable[[MethodData, Compared], Rows] | None = None
    columns: Mapping[str, type] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RatesTable(Table):
    """A table of the rates; `content` makes it."""

    content: Callable[[ReportedRates], TablePage]


@dataclass(frozen=True, kw_only=True)
class SurfaceTable(Table):
    """A table of each surface of the theory; `content` makes it."""

    content: Callable[[Result], TablePage]
    pattern: ClassVar[str] = "theory/{surface}/{file}"


FIGURES = Registry("a figure", "separatrix.figures", "separatrix.report.figures", Figure, "FIGURE")
TABLES = Registry("a table", "separatrix.tables", "separatrix.report.tables", Table, "TABLE")


def shown_figures(available: Collection[str]) -> dict[str, Figure]:
    """Figures of a run by name, in the order of the report, given what the run has of what figures may need."""
    return _in_order({n: f for n, f in FIGURES.entries().items() if not f.needs or f.needs in available})


def shown_tables(available: Collection[str] = ()) -> dict[str, Table]:
    """Tables of a run by name, in the order of the report; `available` as in :func:`shown_figures`."""
    return _in_order({n: t for n, t in TABLES.entries().items() if not t.needs or t.needs in available})


def _in_order(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items(), key=lambda item: (item[1].place, item[0])))
