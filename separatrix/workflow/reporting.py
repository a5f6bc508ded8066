"""The last stages of the workflow: from the files of all methods to tables, and from tables to figures."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from separatrix.config.sections.committor_keys import ComparisonSettings
from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json, replacing, write_json
from separatrix.core.seeds import stream
from separatrix.report import charts, figure_registry, table_content
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities import summary as summaries_of
from separatrix.report.quantities.rate_quantities import rate_quantities
from separatrix.results.run import read_method

log = logging.getLogger(__name__)


def compare_methods(
    settings: Mapping[str, Any],
    folders: Mapping[str, Path | str],
    *,
    surfaces: Mapping[str, Path | str],
    chains: int,
    table: Path | str,
    summary: Path | str,
    data: Mapping[str, Path | str],
) -> None:
    """Compare the methods.

    Parameters
    ----------
    settings
        Of the stage ``compare``.
    folders
        Each method's folder in the results directory.
    surfaces
        Folder that each method has its stationary points from.
    chains
        Number of chains per method.
    table, summary
        Outputs: one row per method and quantity (CSV), and the same as JSON.
    data
        Outputs: the table behind each figure (CSV), by the names of
        :func:`separatrix.report.figure_registry.data_frames`.
    """
    given = StageSettings("compare", settings)
    system, rules = given.system, given.committor(ComparisonSettings)
    labels = summaries_of.distinct(given.labels)
    methods = [
        read_method(
            folders[name],
            name,
            label,
            surface=surfaces[name],
            basins=[b.name for b in system.basins],
            chains=chains,
            draws=rules.draws,
            batches=rules.batches,
            restrained=rules.source == "restrained",
            guesses=len(system.saddle_guesses),
        )
        for name, label in labels.items()
    ]
    summaries = {
        m.name: [
            *summaries_of.summarise(m, system, stream(given.config.seed, m.name, "comparison")),
            *rate_quantities(read_json(Path(folders[m.name]) / "rates.json")),
        ]
        for m in methods
    }
    for name, quantities in summaries.items():
        log.info("%s: %d quantities", name, len(quantities))
    _write_csv(summaries_of.comparison_frame(summaries, labels), table)
    write_json(summaries_of.comparison_json(methods, summaries), summary)
    frames = figure_registry.data_frames(Compared(methods, summaries, system))
    for name, path in data.items():
        _write_csv(frames[name], path)


def draw(table: Path | str, data: Mapping[str, Path | str], outputs: Mapping[str, Path | str]) -> None:
    """Draw figures (SVG, PDF, Vega-Lite) and write tables (HTML, JSON).

    Parameters
    ----------
    table
        The comparison, as :func:`compare_methods` writes it.
    data
        Tables behind the figures, by name.
    outputs
        Files to write, by the names of :data:`separatrix.report.figure_registry.FIGURES` and
        :data:`separatrix.report.figure_registry.TABLES`.
    """
    columns = figure_registry.data_columns()
    frames = {name: _read_csv(path, columns[name]) for name, path in data.items()}
    frames["comparison"] = _read_csv(table, figure_registry.COMPARISON_COLUMNS)
    order = list(dict.fromkeys(frames["comparison"]["label"]))
    for name, path in outputs.items():
        if name in figure_registry.FIGURES:
            charts.save(figure_registry.FIGURES[name].chart(frames[name], order), path)
        elif name in figure_registry.TABLES:
            entry = figure_registry.TABLES[name]
            table_content.save(entry.content(frames[entry.data]), path)
        else:
            continue  # the other forms of a figure
        log.info("%s", path)


def _write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)


def _read_csv(path: Path | str, columns: Mapping[str, type]) -> pd.DataFrame:
    """A table; only in columns of numbers is an empty field a missing one, so a method may be called "nan"."""
    words = ["method", "label", *(name for name, kind in columns.items() if kind is str)]
    numbers = {name: [""] for name, kind in columns.items() if kind is float}
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=numbers, dtype=dict.fromkeys(words, str))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not readable as CSV ({error}); delete it and run again") from error
