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
from separatrix.report import comparison as compare
from separatrix.report import figures
from separatrix.report.rate_quantities import rate_quantities

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
        Outputs: the table behind each figure (CSV), by the names of :func:`separatrix.report.comparison.figure_frames`.
    """
    given = StageSettings("compare", settings)
    system, rules = given.system, given.committor(ComparisonSettings)
    labels = compare.distinct(given.labels)
    methods = [
        compare.read_method(
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
            *compare.summarise(m, system, stream(given.config.seed, m.name, "comparison")),
            *rate_quantities(read_json(Path(folders[m.name]) / "rates.json")),
        ]
        for m in methods
    }
    for name, quantities in summaries.items():
        log.info("%s: %d quantities", name, len(quantities))
    _write_csv(compare.comparison_frame(summaries, labels), table)
    write_json(compare.comparison_json(methods, summaries), summary)
    frames = compare.figure_frames(methods, summaries, system)
    for name, path in data.items():
        _write_csv(frames[name], path)


def draw(table: Path | str, data: Mapping[str, Path | str], outputs: Mapping[str, Path | str]) -> None:
    """Draw figures (SVG, PDF, Vega-Lite) and write tables (HTML).

    Parameters
    ----------
    table
        The comparison, as :func:`compare_methods` writes it.
    data
        Tables behind the figures, by name.
    outputs
        Files to write, by the names of :data:`separatrix.report.figures.CHARTS` and
        :data:`separatrix.report.figures.TABLES`.
    """
    frames = {name: _read_csv(path) for name, path in data.items()} | {"comparison": _read_csv(table)}
    order = list(dict.fromkeys(frames["comparison"]["label"]))
    for name, path in outputs.items():
        if name in figures.CHARTS:
            figures.save(figures.CHARTS[name](frames[name], order), path)
        elif name in figures.TABLES:
            write, source = figures.TABLES[name]
            with replacing(path) as temporary:
                temporary.write_text(write(frames[source]))
        else:
            continue  # the other forms of a figure
        log.info("%s", path)


def _write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)


def _read_csv(path: Path | str) -> pd.DataFrame:
    """A table; only in columns of numbers is an empty field a missing one, so a method may be called "nan"."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values={c: [""] for c in figures.NUMBERS})
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not readable as CSV ({error}); delete it and run again") from error
