"""Values of a reaction coordinate along a trajectory as a table: text, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import NamedTuple

from separatrix.coordinate.reaction_coordinate import Evaluation, ReactionCoordinate
from separatrix.coordinate.trajectories import Frames
from separatrix.core.text import cell, one_line


class FrameTable(NamedTuple):
    """Result of an evaluation as columns: names, units ("" for counts), and the rows."""

    names: list[str]
    units: list[str]
    rows: list[list[float | int]]


def frame_table(coordinate: ReactionCoordinate, frames: Frames, evaluation: Evaluation) -> FrameTable:
    """Columns: the place of a frame, r, p_B, then the variables."""
    names = [*frames.places, "r", "p_B", *(v.name for v in coordinate.variables)]
    units = [*("" for _ in frames.places), "1", "1", *(v.unit for v in coordinate.variables)]
    columns = [*(c.tolist() for c in frames.places.values()), evaluation.r.tolist(), evaluation.committor.tolist()]
    columns += evaluation.values.T.tolist()
    return FrameTable(names, units, [list(row) for row in zip(*columns, strict=True)])


def as_text(coordinate: ReactionCoordinate, content: FrameTable) -> str:
    """A table for the eye: the formula, then columns that line up."""
    heads = [name if unit in ("", "1") else f"{name}/{unit}" for name, unit in zip(*content[:2], strict=True)]
    cells = [[f"{x}" if isinstance(x, int) else f"{x:.4f}" for x in row] for row in content.rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *cells]]
    notes = [coordinate.formula, *([f"caution: {coordinate.caution}"] if coordinate.caution else [])]
    return "\n".join([*map(one_line, (*(f"# {note}" for note in notes), *lines)), ""])


def as_csv(content: FrameTable) -> str:
    """A table as CSV; units stand in the heads, in brackets."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heads = zip(content.names, content.units, strict=True)
    writer.writerow([cell(name) if unit in ("", "1") else cell(f"{name} [{unit}]") for name, unit in heads])
    writer.writerows(content.rows)
    return stream.getvalue()


def as_json(coordinate: ReactionCoordinate, content: FrameTable) -> str:
    """A table as JSON: formula, units, and a list of frames."""
    units = {name: unit for name, unit in zip(content.names, content.units, strict=True) if unit}
    frames = [dict(zip(content.names, row, strict=True)) for row in content.rows]
    head = {"formula": coordinate.formula, "reactant": coordinate.reactant, "product": coordinate.product}
    return json.dumps({**head, "units": units, "frames": frames}, indent=2, allow_nan=False)
