"""Energies and geometries of the stationary points."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import Table
from separatrix.report.html_tables import grouped
from separatrix.report.quantities.quantity import GEOMETRY, POINTS


def html_page(frame: pd.DataFrame) -> str:
    """Energies and geometries of the stationary points."""
    words = "Energies are those of the potential, without zero-point vibration."
    if (frame["unit"] == "degree").any():
        words += " Dihedrals carry their sign."
    return grouped(frame, "Stationary points", (POINTS, GEOMETRY), words)


TABLE = Table(
    name="stationary_points",
    title="Energies and geometries",
    category="Stationary points",
    section="barrier",
    place=50,
    data="comparison",
    html=html_page,
)
