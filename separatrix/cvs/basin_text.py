"""Basins in words: what bounds them, how wide they are, and where their geometries lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from separatrix.cvs.states import Basin, Box, Interval


def basin_line(basin: Basin, positions: np.ndarray, labels: Sequence[str]) -> str:
    """A basin in one line.

    Parameters
    ----------
    basin
        The basin.
    positions
        A geometry in it, nm, shape (n_atoms, 3): the line gives the values there.
    labels
        Name of each atom.
    """
    parts = []
    if basin.intervals:
        parts.append(_box_text(basin.intervals, positions))
    if basin.boxes:
        boxes = "; or ".join(_box_text(box, positions) for box in basin.boxes)
        parts.append(f"{'with ' if parts else ''}one of {len(basin.boxes)} boxes: {boxes}")
    if basin.permutations:
        moved = sorted({atom for images in basin.permutations for atom, _ in images})
        atoms = ", ".join(labels[atom] for atom in moved)
        alternatives = len(basin.alternatives)
        counted = "1 box" if alternatives == 1 else f"{alternatives} boxes"
        parts.append(f"in any of {len(basin.permutations) + 1} numberings of {atoms} ({counted} in all)")
    return f"basin {basin.name}: {'; '.join(parts)}"


def _box_text(box: Box, positions: np.ndarray) -> str:
    return ", ".join(_interval_text(interval, positions) for interval in box)


def _interval_text(interval: Interval, positions: np.ndarray) -> str:
    coordinate = interval.coordinate
    value, width = coordinate.deciding(positions), interval.high - interval.low
    unit = "" if coordinate.unit == "1" else f" {coordinate.unit}"
    extent = f"{width:.3g} wide"
    if coordinate.period is not None:
        extent = "all round" if width >= coordinate.period else f"{width:.3g} of {coordinate.period:g}"
        value = interval.low + (value - interval.low) % coordinate.period
    return f"{coordinate.name} from {interval.low:g} to {interval.high:g}{unit} ({extent}; geometry at {value:.4g})"
