"""The data behind figures and tables, their files, and what is drawn from them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from separatrix.core.errors import StoreError
from separatrix.core.files import replacing
from separatrix.core.text import cells
from separatrix.report import charts
from separatrix.report.figure_registry import FIGURES, TABLES, Compared, Figure, MethodFigure, MethodTable

log = logging.getLogger(__name__)


def _of_methods() -> dict[str, MethodFigure | MethodTable]:
    """Entries that have rows of each method, by name."""
    entries = [*FIGURES.entries().values(), *TABLES.entries().values()]
    return {e.name: e for e in entries if isinstance(e, MethodFigure) or (isinstance(e, MethodTable) and e.rows)}


def data_columns() -> dict[str, Mapping[str, type]]:
    """Columns of the data of each figure or table of the methods, by name."""
    return {name: entry.columns for name, entry in _of_methods().items()}


def data_frames(compared: Compared) -> dict[str, pd.DataFrame]:
    """Data of each figure of the methods, and of each table of them that has its own, by name.

    Each has the columns `method` and `label`, methods in the config's order.
    """
    frames = {}
    for name, entry in _of_methods().items():
        made = [
            {"method": m.name, "label": m.label, **row}
            for m in compared.methods
            for row in (entry.rows(m, compared) if entry.rows else ())
        ]
        frames[name] = pd.DataFrame(made, columns=None if made else ["method", "label"])
    return frames


def write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)


def read_csv(path: Path | str, columns: Mapping[str, type]) -> pd.DataFrame:
    """A table; only in columns of numbers is an empty field a missing one, so a method may be called "nan".

    Raises
    ------
    StoreError
        When it cannot be read, or is of an earlier version.
    """
    texts = ["method", "label", *(name for name, kind in columns.items() if kind is str)]
    numbers = {name: [""] for name, kind in columns.items() if kind is float}
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=numbers, dtype=dict.fromkeys(texts, str))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not readable as CSV ({error}); delete it and run again") from error
    if "id" in columns and "id" not in frame:
        raise StoreError(f"{path}: an earlier version wrote it, without ids of quantities; delete it and run again")
    return frame


def draw(entry: Figure, frame: pd.DataFrame, labels: Sequence[str], outputs: Mapping[str, Path | str]) -> None:
    """Draw a figure and write the data behind it.

    Parameters
    ----------
    entry, frame
        The figure and its data.
    labels
        Of the methods, in their order.
    outputs
        Among them the figure (SVG; PDF and Vega-Lite come beside it) by its name, and its data as ``NAME_data``.
    """
    charts.save(entry.chart(frame, labels), outputs[entry.name])
    write_csv(cells(frame), outputs[f"{entry.name}_data"])
    log.info("%s", outputs[entry.name])
