"""The last stages of the workflow: from the files of all methods to tables, and from tables to figures."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix.config.sections.committor_keys import ComparisonSettings
from separatrix.config.stage_settings import StageSettings
from separatrix.core.files import read_json, replacing, write_json
from separatrix.core.seeds import stream
from separatrix.report import charts, figure_data, table_content
from separatrix.report.figure_registry import (
    FIGURES,
    TABLES,
    Compared,
    MethodFigure,
    MethodTable,
    RatesFigure,
    RatesTable,
    ScanFigure,
)
from separatrix.report.literature import read_literature
from separatrix.report.quantities import summary as summaries_of
from separatrix.report.quantity_catalogue import COMPARISON_COLUMNS
from separatrix.report.reported_rates import ReportedRates
from separatrix.report.scans import ScanResults
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
        :func:`separatrix.report.figure_data.data_frames`.
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
        m.name: summaries_of.summarise(
            m,
            system,
            stream(given.config.seed, m.name, "comparison"),
            read_json(Path(folders[m.name]) / "rates.json"),
        )
        for m in methods
    }
    for name, estimates in summaries.items():
        log.info("%s: %d quantities", name, len(estimates))
    figure_data.write_csv(summaries_of.comparison_frame(summaries, labels), table)
    write_json(summaries_of.comparison_json(methods, summaries), summary)
    frames = figure_data.data_frames(Compared(methods, summaries, system))
    for name, path in data.items():
        figure_data.write_csv(frames[name], path)


def draw(table: Path | str, data: Mapping[str, Path | str], outputs: Mapping[str, Path | str]) -> None:
    """Draw the figures of the methods (SVG, PDF, Vega-Lite) and write their tables (HTML, JSON).

    Parameters
    ----------
    table
        The comparison, as :func:`compare_methods` writes it.
    data
        Tables behind the figures, by name.
    outputs
        Files to write, by the names of figures and tables; others, which are the other forms of a figure, are written
        beside them.
    """
    columns = figure_data.data_columns()
    frames = {name: figure_data.read_csv(path, columns[name]) for name, path in data.items()}
    frames["comparison"] = figure_data.read_csv(table, COMPARISON_COLUMNS)
    labels = list(dict.fromkeys(frames["comparison"]["label"]))
    for name, path in outputs.items():
        if name in FIGURES and isinstance(figure := FIGURES[name], MethodFigure):
            charts.save(figure.chart(frames[name], labels), path)
            log.info("%s", path)
        elif name in TABLES and isinstance(shown_table := TABLES[name], MethodTable):
            table_content.save(shown_table.content(frames[shown_table.data]), path)
            log.info("%s", path)


def draw_rates(
    files: Sequence[Path | str],
    labels: Sequence[str],
    outputs: Mapping[str, Path | str],
    *,
    literature: Path | str = "",
) -> None:
    """Draw the figures of the rates, with the data behind them, and write their tables.

    Parameters
    ----------
    files
        ``rates.json`` of every method.
    labels
        Of the methods, in the same order.
    outputs
        Files to write: figures (SVG) and tables (HTML) by their names, and data (CSV) as ``NAME_data``.
    literature
        CSV of literature values; empty: none.
    """
    measured = read_literature(literature) if literature else None
    rates = ReportedRates([read_json(f) for f in files], labels, measured)
    for name, path in outputs.items():
        if name in FIGURES and isinstance(figure := FIGURES[name], RatesFigure):
            figure_data.draw(figure, figure.rows(rates), labels, outputs)
        elif name in TABLES and isinstance(shown_table := TABLES[name], RatesTable):
            table_content.save(shown_table.content(rates), path)
            log.info("%s", path)


def draw_scan(
    scan: Mapping[str, Any],
    rates: Mapping[str, Path | str],
    shares: Path | str,
    temperature: float,
    outputs: Mapping[str, Path | str],
) -> None:
    """Draw the figures of a scan, with the data behind them.

    Parameters
    ----------
    scan
        As :meth:`separatrix.config.configuration.Config.scan` returns it.
    rates
        ``rates.json`` of every method in it, by name.
    shares
        Table behind the figure of the mechanisms, CSV.
    temperature
        K.
    outputs
        Files to write: figures (SVG) by their names, and data (CSV) as ``NAME_data``.
    """
    contents = {name: read_json(file) for name, file in rates.items()}
    shares_of_methods = figure_data.read_csv(shares, figure_data.data_columns()["mechanisms"])
    results = ScanResults(scan, contents, shares_of_methods, temperature)
    labels = list(dict.fromkeys(member["of"] for member in scan["members"]))
    for name in outputs:
        if name in FIGURES and isinstance(figure := FIGURES[name], ScanFigure):
            figure_data.draw(figure, figure.rows(results), labels, outputs)


def write_captions(captions: Mapping[str, str], outputs: Mapping[str, Path | str]) -> None:
    """Write the captions of figures and tables, by name, to files (reStructuredText) by the same names."""
    for name, caption in captions.items():
        with replacing(outputs[name]) as temporary:
            temporary.write_text(f"{caption}\n", encoding="utf-8")
