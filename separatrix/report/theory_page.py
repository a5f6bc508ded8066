"""A MODEL.yaml worked through: results, figures and a page, for the command and for the workflow's rule."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from separatrix.core.errors import ConfigError, SeparatrixError
from separatrix.core.files import replacing, write_json
from separatrix.core.plain import json_safe
from separatrix.core.text import cells
from separatrix.report import theory_text
from separatrix.theory import analysis, measured_committors, model_file, trial_shooting
from separatrix.theory.analysis import Tell
from separatrix.theory.outcome import Analysis

log = logging.getLogger(__name__)

#: D_yy/D_xx of the scan when the file says nothing
ANISOTROPY = tuple(float(f"{r:.3g}") for r in np.logspace(0, -4, 9))


@dataclass(frozen=True)
class Result:
    """An analysis and, if asked for, a scan of the anisotropy."""

    analysis: Analysis
    scan: list[dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        content = self.analysis.to_dict()
        return content | {"scan": json_safe(self.scan)} if self.scan else content

    def show(self, console: Console) -> None:
        """Print it."""
        theory_text.show(self.analysis, console)
        if self.scan:
            console.print(theory_text.scan_table(self.scan))


def run(
    path: Path | str,
    *,
    case: str | None = None,
    measured: Path | str | None = None,
    shoot: int | None = None,
    scan: bool = False,
    seed: int = 1,
    tell: Tell | None = None,
) -> Result:
    """Read a MODEL.yaml and work it through.

    Parameters
    ----------
    path, case
        As for :func:`separatrix.theory.model_file.read`.
    measured
        CSV of committors measured by shooting, in place of the one that the file names.
    shoot
        Trajectories from each committor point, in place of measured ones.
    scan
        Whether to scan the anisotropy of D.
    seed
        Of the trajectories.
    tell
        Progress callback, called with the name of each step.

    Raises
    ------
    ConfigError
        When the input is wrong.
    TheoryError
        When it has no answer.
    """
    if measured is not None and shoot is not None:
        raise ConfigError("--shoot: committors are either measured or shot here; leave --measured or --shoot out")
    what = model_file.read(path, case)
    try:
        if scan and not what.diffusion.is_constant:
            raise ConfigError("anisotropy: D depends on position, so that there is no one D_yy/D_xx to scan")
        if measured is not None:
            what = dataclasses.replace(what, measured=measured_committors.read_measured(measured))
        if shoot is not None:
            if tell:
                tell("saddle")
            points = what.points if what.points is not None else analysis.committor_points(what)
            if tell:
                tell(f"{shoot} trajectories from each of {len(points)} points")
            shots = trial_shooting.brownian(what, points, shoot, np.random.default_rng(seed))
            what = dataclasses.replace(what, measured=shots)
        result = analysis.analyse(what, tell)
        rows = analysis.scan(what, what.anisotropy or ANISOTROPY, tell) if scan else []
    except SeparatrixError as error:
        # Errors of the mathematics know nothing of files.
        raise error if str(error).startswith(str(path)) else type(error)(f"{path}: {error}") from error
    return Result(result, rows)


def write(result: Result, folder: Path | str) -> Sequence[Path]:
    """Write figures with their data, tables (HTML, JSON) and the numbers (JSON) into a folder; the paths of all."""
    # Altair is slow to import, and results may be wanted without figures.
    from separatrix.report import charts, table_content
    from separatrix.report.figure_registry import FIGURES, TABLES, SurfaceFigure, SurfaceTable

    folder = Path(folder)
    written = []
    for table in TABLES.entries().values():
        if isinstance(table, SurfaceTable):
            page = folder / f"{table.file or table.name}.html"
            table_content.save(table.content(result), page)
            written += [page, table_content.data_file(page)]
    for figure in FIGURES.entries().values():
        if isinstance(figure, SurfaceFigure):
            path, frame = folder / (figure.file or figure.name), figure.rows(result)
            content = charts.forms(figure.chart(frame, []))
            content[".csv"] = cells(frame).to_csv(index=False).encode()
            for ending, form in content.items():
                with replacing(path.with_suffix(ending)) as temporary:
                    temporary.write_bytes(form)
                written.append(path.with_suffix(ending))
    write_json(result.to_dict(), folder / "theory.json")
    return [*written, folder / "theory.json"]


def for_rule(model: Path | str, *, outputs: Mapping[str, Path | str]) -> None:
    """What the rule `theory` does: all of the above for one MODEL.yaml, with a scan of the anisotropy if D has one.

    Parameters
    ----------
    model
        The file.
    outputs
        Files to write, all in one folder: ``json`` (``theory.json``) and those that :func:`write` makes beside it.
    """
    result = run(model, scan=model_file.read(model).diffusion.is_constant, tell=log.info)
    for sentence in result.analysis.verdict():
        log.info("%s", sentence)
    for path in write(result, Path(outputs["json"]).parent):
        log.info("%s", path)
