"""Energies and geometries of the stationary points."""

from __future__ import annotations

import math
from functools import partial

from separatrix.config.system import System
from separatrix.core.units import KCAL
from separatrix.cvs.variable import Variable
from separatrix.report.quantities.estimate import Estimate, MethodResults
from separatrix.report.quantity_catalogue import Group, Quantity


def stationary_quantities(results: MethodResults) -> list[Estimate]:
    """Energies, wavenumbers and named coordinates of the minima and the saddle."""
    data, system = results.data, results.system
    energy = {b: p.energy / KCAL for b, p in data.minima.items()}
    top, r, p = data.saddle.energy / KCAL, system.reactant, system.product
    names = {"reactant": r, "product": p}
    mechanism = data.saddle.name
    estimates = [
        Estimate("level_of_theory", text=data.source),
        Estimate("reaction_energy", energy[r] - energy[p], names=names),
        Estimate("barrier_forward", top - energy[r], names=names),
        Estimate("barrier_backward", top - energy[p], names=names),
        Estimate("saddle_mechanism", verdict=mechanism, text=mechanism, note="by the geometry of the saddle"),
        Estimate("imaginary_wavenumber", float(-data.saddle.wavenumbers.min())),
    ]
    for name, point in {**data.minima, "saddle": data.saddle}.items():
        real = point.wavenumbers[point.wavenumbers > 0]
        for c in named_coordinates(system).values():
            value, of = c.deciding(point.positions), {"coordinate": c.name, "point": name}
            estimates.append(
                Estimate(
                    "coordinate_at_point", of=of, unit_given=c.unit, text="undefined", note="three atoms in a line"
                )
                if math.isnan(value)
                else Estimate("coordinate_at_point", value, of, unit_given=c.unit)
            )
        if real.size:  # the saddle of a single coordinate has none
            estimates.append(Estimate("lowest_wavenumber", float(real.min()), {"point": name}))
    return estimates


def named_coordinates(system: System) -> dict[str, Variable]:
    """The system's coordinates by name; those that its basins and its mechanism rule use come first."""
    rule = system.mechanism
    used = [i.coordinate for b in system.basins for i in b.bounded]
    used += [c for c in (rule.crossing, *(m.coordinate for m in rule.classes)) if c is not None]
    return {c.name: c for c in (*used, *system.coordinates)}


_point = partial(Quantity, group=Group.POINTS, estimates=stationary_quantities)
_geometry = partial(Quantity, group=Group.GEOMETRY, estimates=stationary_quantities)

QUANTITIES = (
    _point(
        id="level_of_theory",
        label="level of theory",
        description="The engine's own description of the potential.",
    ),
    _point(
        id="reaction_energy",
        label="{reactant} above {product}",
        unit="kcal/mol",
        description="Energy of the reactant's minimum above the product's.",
    ),
    _point(
        id="barrier_forward",
        label="saddle above {reactant}",
        unit="kcal/mol",
        description="Energy of the saddle above the reactant's minimum.",
    ),
    _point(
        id="barrier_backward",
        label="saddle above {product}",
        unit="kcal/mol",
        description="Energy of the saddle above the product's minimum.",
    ),
    _point(
        id="saddle_mechanism",
        label="mechanism at the saddle",
        description="Mechanism by the geometry of the saddle.",
        sampled=False,
    ),
    _point(
        id="imaginary_wavenumber",
        label="imaginary wavenumber",
        unit="cm-1",
        description="Magnitude of the imaginary wavenumber of the saddle.",
    ),
    _geometry(
        id="coordinate_at_point",
        label="{coordinate} at {point}",
        unit="",
        description="Value of a named coordinate of the system at a stationary point.",
    ),
    _geometry(
        id="lowest_wavenumber",
        label="lowest real wavenumber at {point}",
        unit="cm-1",
        description="Lowest real wavenumber of the normal modes of a stationary point.",
    ),
)
