"""Energies and geometries of the stationary points."""

from __future__ import annotations

import pandas as pd

from separatrix.report.figure_registry import MethodTable
from separatrix.report.quantity_catalogue import Group
from separatrix.report.table_cells import by_method
from separatrix.report.table_content import TablePage


def content(frame: pd.DataFrame) -> TablePage:
    """Energies and geometries of the stationary points."""
    note = "Energies are those of the potential, without zero-point vibration."
    if (frame["unit"] == "degree").any():
        note += " Dihedrals carry their sign."
    return by_method(frame, "Stationary points", (Group.POINTS, Group.GEOMETRY), note)


TABLE = MethodTable(
    name="stationary_points",
    title="Energies and geometries",
    category="Stationary points",
    section="barrier",
    place=50,
    caption=(
        "Energies, wavenumbers and named coordinates of the minima and the saddle. A minimum has no imaginary "
        "wavenumber, the saddle one. A dihedral is undefined where one of its angles is close to 180°."
    ),
    data="comparison",
    content=content,
)
