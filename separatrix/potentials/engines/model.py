"""Analytic surfaces of one or two coordinates, whose answers are known without this program.

A surface is an external field, not a molecule: coordinate x is that of atom 0 along the x axis, coordinate y that of
atom 1 along the y axis, and nothing else moves (`Potential.active`). So each coordinate has a mass of its own, and a
geometry file has one atom, of any element, per coordinate. Momentum is not conserved (`Potential.isolated` is false).

A surface is one entry of `SURFACES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import openmm

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential

_NUMBER = (int, float)

#: option -> its name in the expressions below, and what the config accepts
_PARAMETERS: dict[str, tuple[str, Option]] = {
    "barrier_kJ_mol": ("barrier", Option(_NUMBER, "height of the double well's barrier", minimum=0.0)),
    "half_distance_nm": ("a", Option(_NUMBER, "half the distance between the double well's minima", minimum=1e-6)),
    "tilt_kJ_mol": ("tilt", Option(_NUMBER, "energy of x = a above x = 0 that is added to the double well")),
    "force_constant_kJ_mol_nm2": ("k", Option(_NUMBER, "force constant of the harmonic coordinate", minimum=1e-6)),
    "slope": ("c", Option(_NUMBER, "c: the harmonic coordinate rests at y = c x")),
    "coupling_kJ_mol_nm2": ("g", Option(_NUMBER, "g of the coupling -g x y")),
    "length_nm": ("length", Option(_NUMBER, "length of the published unit", minimum=1e-6)),
    "energy_kJ_mol": ("energy", Option(_NUMBER, "energy of the published unit", minimum=1e-6)),
}

_MASSES = {
    "mass_x_Da": Option(_NUMBER, "mass of the coordinate x", minimum=1e-3),
    "mass_y_Da": Option(_NUMBER, "mass of the coordinate y", minimum=1e-3),
}


@dataclass(frozen=True)
class ModelSurface:
    """One surface.

    Attributes
    ----------
    energy
        Expression for OpenMM, kJ/mol, in x and y (nm) and the names of parameters.
    defaults
        Its parameters by option, masses included; one mass per coordinate.
    """

    energy: str
    defaults: Mapping[str, float]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return sum(key in _MASSES for key in self.defaults)


_DOUBLE_WELL = "barrier*((x/a)^2 - 1)^2 + tilt*x/a"
_DOUBLE_WELL_DEFAULTS = {"barrier_kJ_mol": 20.0, "half_distance_nm": 0.05, "tilt_kJ_mol": 0.0}

#: K. Mueller and L. D. Brown, Theor. Chim. Acta 1979, 53, 75: A, a, b, c, x0, y0
_MUELLER_BROWN = (
    (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
    (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
    (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
    (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
)

SURFACES: dict[str, ModelSurface] = {
    "double-well-1d": ModelSurface(_DOUBLE_WELL, {**_DOUBLE_WELL_DEFAULTS, "mass_x_Da": 12.0}),
    # The potential of mean force along x is the double well itself, whatever c: only dynamics feels the coupling.
    "double-well-2d": ModelSurface(
        f"{_DOUBLE_WELL} + 0.5*k*(y - c*x)^2",
        {
            **_DOUBLE_WELL_DEFAULTS,
            "force_constant_kJ_mol_nm2": 20000.0,
            "slope": 0.5,
            "mass_x_Da": 12.0,
            "mass_y_Da": 12.0,
        },
    ),
    # A solvent that follows the solute deepens the wells: g^2 x^2 / 2k comes off the potential of mean force along x.
    "solute-solvent": ModelSurface(
        f"{_DOUBLE_WELL} + 0.5*k*y^2 - g*x*y",
        {
            **_DOUBLE_WELL_DEFAULTS,
            "force_constant_kJ_mol_nm2": 4000.0,
            "coupling_kJ_mol_nm2": 4000.0,
            "mass_x_Da": 12.0,
            "mass_y_Da": 100.0,
        },
    ),
    "mueller-brown": ModelSurface(
        "energy*("
        + " + ".join(
            f"({A})*exp(({a})*(u - ({x0}))^2 + ({b})*(u - ({x0}))*(v - ({y0})) + ({c})*(v - ({y0}))^2)"
            for A, a, b, c, x0, y0 in _MUELLER_BROWN
        )
        + "); u = x/length; v = y/length",
        {"length_nm": 0.1, "energy_kJ_mol": 1.0, "mass_x_Da": 12.0, "mass_y_Da": 12.0},
    ),
}


def _defaults_of(parameter: str) -> str:
    """The default of a parameter, for tables: that of each surface where they differ."""
    values = {name: surface.defaults[parameter] for name, surface in SURFACES.items() if parameter in surface.defaults}
    if len(set(values.values())) == 1:
        return f"{next(iter(values.values())):g}"
    return "; ".join(f"{value:g} (`{name}`)" for name, value in values.items())


OPTIONS: dict[str, Option] = {
    "surface": Option(
        str,
        "analytic surface for tests with known answers, one atom per coordinate",
        choices=tuple(SURFACES),
        required=True,
    ),
    **{
        key: replace(option, shown_default=_defaults_of(key))
        for key, option in {**{key: option for key, (_, option) in _PARAMETERS.items()}, **_MASSES}.items()
    },
}


def symbol(option: str) -> str:
    """The name that a parameter, by its option, has in a surface's expression."""
    return _PARAMETERS[option][0]


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """A surface as a Potential.

    Raises
    ------
    ConfigError
        When the surface has no such parameter, or the geometry not one atom per coordinate.
    """
    name = options["surface"]
    surface = SURFACES[name]
    for key in options:
        if key != "surface" and key not in surface.defaults:
            raise ConfigError(f"{key}: surface {name!r} has no such parameter (it has: {', '.join(surface.defaults)})")
    n = surface.dimension
    if molecule.n_atoms != n:
        raise ConfigError(
            f"surface: {name!r} needs a geometry of {n} atoms, one per coordinate, not {molecule.n_atoms}"
        )
    values = {key: float(options.get(key, default)) for key, default in surface.defaults.items()}
    system = openmm.System()
    for key in list(_MASSES)[:n]:
        system.addParticle(values[key])
    force = openmm.CustomCompoundBondForce(n, f"{surface.energy}; x = x1" + ("; y = y2" if n == 2 else ""))
    for key, (symbol, _) in _PARAMETERS.items():
        if key in values:
            force.addGlobalParameter(symbol, values[key])
    force.addBond(list(range(n)), [])
    system.addForce(force)
    return Potential(
        system,
        f"{name} (analytic, OpenMM {openmm.version.version})",
        isolated=False,
        active=np.eye(n, 3, dtype=bool),
    )


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """That of the surface by Müller and Brown."""
    return ("muller1979",) if options.get("surface") == "mueller-brown" else ()


ENGINE = Engine(
    name="model",
    build=build,
    options=OPTIONS,
    summary="analytic surfaces of one or two coordinates",
    papers=papers,
    unreferenced=lambda options: "",
    seconds_per_gradient=0.001,
    in_openmm=True,
    is_molecular=False,
)
