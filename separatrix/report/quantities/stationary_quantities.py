"""Energies and geometries of the stationary points."""

from __future__ import annotations

import math

from separatrix.config.system import System
from separatrix.core.units import KCAL
from separatrix.cvs.variable import Variable
from separatrix.report.quantities.quantity import GEOMETRY, POINTS, Quantity
from separatrix.results.run import MethodData


def stationary_quantities(data: MethodData, system: System) -> list[Quantity]:
    """Energies, wavenumbers and named coordinates of the minima and the saddle."""
    energy = {b: p.energy / KCAL for b, p in data.minima.items()}
    top, r, p = data.saddle.energy / KCAL, system.reactant, system.product
    found = [
        Quantity(POINTS, f"{r} above {p}", energy[r] - energy[p], "kcal/mol"),
        Quantity(POINTS, f"saddle above {r}", top - energy[r], "kcal/mol"),
        Quantity(POINTS, f"saddle above {p}", top - energy[p], "kcal/mol"),
        Quantity(POINTS, "mechanism at the saddle", text=data.saddle.name, note="by the geometry of the saddle"),
        Quantity(POINTS, "imaginary wavenumber", float(-data.saddle.wavenumbers.min()), "cm-1"),
    ]
    for name, point in {**data.minima, "saddle": data.saddle}.items():
        real = point.wavenumbers[point.wavenumbers > 0]
        for c in named_coordinates(system).values():
            value = c.deciding(point.positions)
            words = {"text": "undefined", "note": "three atoms in a line"} if math.isnan(value) else {"value": value}
            found.append(Quantity(GEOMETRY, f"{c.name} at {name}", unit=c.unit, **words))
        if real.size:  # the saddle of a single coordinate has none
            found.append(Quantity(GEOMETRY, f"lowest real wavenumber at {name}", float(real.min()), "cm-1"))
    return found


def named_coordinates(system: System) -> dict[str, Variable]:
    """The system's coordinates by name; those that its basins and its mechanism rule use come first."""
    rule = system.mechanism
    used = [i.coordinate for b in system.basins for i in b.bounded]
    used += [c for c in (rule.crossing, *(m.coordinate for m in rule.classes)) if c is not None]
    return {c.name: c for c in (*used, *system.coordinates)}
