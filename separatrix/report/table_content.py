"""Tables of the report as data: what their HTML pages and the report page show.

A table is made once, as a :class:`TablePage`; :func:`save` writes it as an HTML page of its own and as JSON, from which
the report page takes it. Only the templates turn text into HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from separatrix.core.files import replacing, write_json
from separatrix.report import templates


@dataclass(frozen=True)
class TableCell:
    """A cell.

    Attributes
    ----------
    lines
        Text, in lines one under the other.
    small
        Texts in grey after it: an interval, a unit, a remark.
    note
        Appears when the pointer rests on the cell; empty: none.
    span
        Number of columns it takes.
    """

    lines: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    note: str = ""
    span: int = 1


@dataclass(frozen=True)
class TableRow:
    """A row: the cell that names it, and the others.

    Attributes
    ----------
    head
        Its name.
    cells
        The other cells.
    group
        Whether it is the heading of the rows below it.
    """

    head: TableCell
    cells: tuple[TableCell, ...] = ()
    group: bool = False


@dataclass(frozen=True)
class TableContent:
    """A table.

    Attributes
    ----------
    heads
        Names of the columns.
    rows
        From top to bottom.
    note
        Paragraph below it; empty: none.
    title
        Heading above it, where a page has several tables.
    """

    heads: tuple[str, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class TablePage:
    """One or more tables that are shown together.

    Attributes
    ----------
    title
        Of the page.
    tables
        From top to bottom.
    sentences
        List above them, below the title as a heading; empty: neither.
    """

    title: str
    tables: tuple[TableContent, ...]
    sentences: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """For JSON and for the templates."""
        return asdict(self)

    def html(self) -> str:
        """The page as an HTML file without scripts or links."""
        return templates.render("table_page.html.j2", page=self.to_dict())


def text_cell(text: object, *small: str, span: int = 1) -> TableCell:
    """A cell of one line; it may have texts in grey after it."""
    return TableCell((str(text),), small, span=span)


def text_row(name: str, cells: Iterable[object]) -> TableRow:
    """A row of cells of one line."""
    return TableRow(text_cell(name), tuple(text_cell(c) for c in cells))


def remark_row(name: str, remark: str, columns: int) -> TableRow:
    """A row with a sentence across all columns of a table after the first."""
    return TableRow(text_cell(name), (text_cell(remark, span=columns - 1),))


def group_row(title: str, columns: int, small: str = "") -> TableRow:
    """The heading of the rows below it, across all columns; it may have a text in grey after it."""
    return TableRow(text_cell(title, *([small] if small else []), span=columns), group=True)


def one_table(title: str, heads: Sequence[str], rows: Iterable[TableRow], note: str) -> TablePage:
    """A page of one table with a paragraph below it."""
    return TablePage(title, (TableContent(tuple(heads), tuple(rows), note),))


def data_file(page: Path | str) -> Path:
    """Where the content of a table is as JSON, given its HTML page."""
    page = Path(page)
    return page.parent / "tables" / f"{page.stem}.json"


def save(content: TablePage, path: Path | str) -> None:
    """Write a table as an HTML page, and as JSON to :func:`data_file`.

    Raises
    ------
    StoreError
        When a file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(content.html(), encoding="utf-8")
    write_json(content.to_dict(), data_file(path))
