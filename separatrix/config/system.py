"""The system file: a molecule with its basins, saddle guesses, mechanism and candidate variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.config.coordinates import (
    SaddleGuess,
    build_basin,
    build_coordinates,
    build_guess,
    build_mechanism,
    check_crossing,
    in_a_field,
)
from separatrix.config.keys import Keys
from separatrix.core import bonding
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.section import LABEL
from separatrix.core.text import shown
from separatrix.cvs.basin_text import basin_line
from separatrix.cvs.enumeration import enumerate_around, of_changed_bonds
from separatrix.cvs.scalars import angle_of
from separatrix.cvs.specification import from_spec
from separatrix.cvs.states import Basin, MechanismRule, basin_of
from separatrix.cvs.variable import CARTESIAN, Variable, not_expressible

#: A bond angle this near to 180 degrees (degrees) at rest is a straight one, which vibrates about the line.
STRAIGHT_AT_REST = 5.0


@dataclass(frozen=True)
class System:
    """A molecule with its basins, saddle guesses, mechanism rule, candidate variables and named coordinates.

    `formed` and `broken` are the bonds that the geometry of the product has and that of the reactant has not, and the
    other way round.
    `reference_files` are those that the variables are measured against: what they hold is part of a variable.
    `literature` is a file of measured rates, empty if there is none.
    """

    name: str
    title: str
    molecule: Molecule
    basins: tuple[Basin, ...]
    geometries: Mapping[str, Path]
    reactant: str
    product: str
    saddle_guesses: tuple[SaddleGuess, ...]
    mechanism: MechanismRule
    variables: tuple[Variable, ...]
    coordinates: tuple[Variable, ...] = ()
    formed: tuple[tuple[int, int], ...] = ()
    broken: tuple[tuple[int, int], ...] = ()
    reference_files: tuple[str, ...] = ()
    literature: str = ""

    def basin(self, name: str) -> Basin:
        """The basin of that name."""
        return next(b for b in self.basins if b.name == name)

    def lines(self) -> list[str]:
        """Each basin in words, and the candidate variables that other programs do not have."""
        field = all(leaf.kind in CARTESIAN for variable in self.coordinates for leaf in variable.leaves)
        lines = [
            basin_line(basin, read_geometry(self.geometries[basin.name], anywhere=field)[1], self.molecule.labels)
            for basin in self.basins
        ]
        for variable in self.variables:
            if lacking := not_expressible([variable]):
                lines.append(
                    f"candidate {variable.name} is of the kind {lacking[1]!r}, which PLUMED and OpenMM have not: a "
                    "reaction coordinate that holds it is not written for them, nor held by a spring"
                )
        return lines


def build_system(data: Mapping[str, Any], where: str) -> System:
    """A System from checked data.

    Parameters
    ----------
    data
        As :func:`separatrix.core.section.check` returns it for a :class:`SystemSection`.
    where
        File that errors name.

    Raises
    ------
    ConfigError
        On an unknown atom, coordinate, basin or kind, a key in the wrong unit, overlapping basins, a geometry outside
        its basin, or a crossing that does not part the basins of the reaction.
    """
    keys = Keys(where)
    basins_data = data["basins"]
    # Where all is said by Cartesian coordinates, a field acts on each atom alone.
    field = all(in_a_field(spec) for spec in data["coordinates"].values())
    read = {n: read_geometry(b["geometry"], anywhere=field) for n, b in basins_data.items()}
    first = next(iter(basins_data))
    symbols, positions = read[first]
    for name, (other, _) in read.items():
        if other != symbols:
            raise keys.fail(f"basins.{name}.geometry", f"its atoms are not those of basin {first}, in the same order")
    atoms = data["atoms"]
    for name, index in atoms.items():
        if index >= len(symbols):
            raise keys.fail(
                f"atoms.{name}",
                f"index {index} is too large; {first}'s geometry has atoms 0 to {len(symbols) - 1}",
            )
    if len(set(atoms.values())) != len(atoms):
        raise keys.fail("atoms", "two names point to the same atom; give each atom one name")
    molecule = Molecule(
        symbols=symbols,
        bonds=bonds_from_distances(symbols, positions),
        names=dict(atoms),
        charge=data["charge"],
        multiplicity=data["multiplicity"],
    )
    geometries = {name: x for name, (_, x) in read.items()}
    coordinates = build_coordinates(data["coordinates"], molecule, geometries, keys)
    basins = tuple(build_basin(n, b, coordinates, molecule, keys) for n, b in basins_data.items())
    for i, one in enumerate(basins):
        for second in basins[i + 1 :]:
            if not one.disjoint(second):
                raise keys.fail(
                    f"basins.{one.name}",
                    f"overlaps basin {second.name}; give one coordinate ranges in both that do not meet",
                )
    for basin in basins:
        if not basin.contains(read[basin.name][1]):
            inside = basin_of(read[basin.name][1], basins) or "no basin"
            file = basins_data[basin.name]["geometry"]
            for name in basin.undefined(read[basin.name][1]):
                raise keys.fail(
                    f"basins.{basin.name}.geometry",
                    f"{name} is undefined at {file}, where its atoms lie in a line or on each other; take another",
                )
            raise keys.fail(
                f"basins.{basin.name}.geometry",
                f"{file} lies in {inside}, not in {basin.name}; change the file or the ranges",
            )
    names = {b.name: b for b in basins}
    reaction = data["reaction"]
    for end in ("from", "to"):
        keys.look(names, reaction[end], f"reaction.{end}", "a basin")
    if reaction["from"] == reaction["to"]:
        raise keys.fail("reaction", "from and to are the same basin")
    bonds = {name: bonds_from_distances(symbols, x) for name, (_, x) in read.items()}
    start = reaction["from"]
    if not field and not data["trust_numbering"]:
        for name in read:
            if why := bonding.misnumbered(symbols, bonds[start], bonds[name], read[start][1]):
                raise keys.fail(
                    f"basins.{name}.geometry",
                    f"from {start}, {why}; put the atoms in the same order, or, if this is the reaction, set "
                    "trust_numbering: true",
                )
    formed, broken = bonding.changes(bonds[start], bonds[reaction["to"]])
    mechanism = build_mechanism(data.get("mechanism"), coordinates, keys)
    check_crossing(mechanism, [(names[reaction[end]], read[reaction[end]][1]) for end in ("from", "to")], keys)
    return System(
        name=data["name"],
        title=data.get("title", data["name"]),
        molecule=molecule,
        basins=basins,
        geometries={n: Path(b["geometry"]) for n, b in basins_data.items()},
        reactant=reaction["from"],
        product=reaction["to"],
        formed=() if field else formed,
        broken=() if field else broken,
        saddle_guesses=tuple(build_guess(i, g, coordinates, names, keys) for i, g in enumerate(data["saddle_guesses"])),
        mechanism=mechanism,
        # Most stages are not given them (`Config.settings`); the schema asks for them in a file.
        variables=(
            _build_variables(data["variables"], molecule, geometries, reaction, keys) if "variables" in data else ()
        ),
        coordinates=tuple(coordinates.values()),
        literature=data.get("literature", ""),
        reference_files=_reference_files(
            [*data["coordinates"].values(), *data.get("variables", {}).get("extra", [])],
            {n: b["geometry"] for n, b in basins_data.items()},
        ),
    )


def _build_variables(
    data: Mapping[str, Any],
    molecule: Molecule,
    geometries: Mapping[str, np.ndarray],
    reaction: Mapping[str, str],
    keys: Keys,
) -> tuple[Variable, ...]:
    for name, atom in molecule.names.items():
        if molecule.labels.count(name) > 1:  # a variable would be of one or the other, and nobody would know of which
            other = next(i for i, label in enumerate(molecule.labels) if label == name and i != atom)
            message = f"atom {other} has no name of its own and goes by that one; give it a name, or this one another"
            raise keys.fail(f"atoms.{name}", message)
    centres = [keys.look(molecule.names, a, "variables.around", "a named atom") for a in data["around"]]
    variables: list[Variable] = []
    if centres:
        bonds = {name: bonds_from_distances(molecule.symbols, x) for name, x in geometries.items()}
        # A bond that forms, and the angles about it, belong to the product's bonds alone.
        by_name = {
            variable.name: variable
            for graph in dict.fromkeys([molecule.bonds, *bonds.values()])
            for variable in enumerate_around(
                graph,
                molecule.symbols,
                centres,
                n_bonds=data["bonds"],
                hydrogens=data["hydrogens"],
                names=molecule.labels,
                impropers=data["impropers"],
            )
        }
        changed = of_changed_bonds(bonds[reaction["from"]], bonds[reaction["to"]], molecule.labels)
        variables = list((by_name | {v.name: v for v in changed if v.name not in by_name}).values())
        # A dihedral about atoms that lie in a line in every basin is noise.
        variables = [v for v in variables if not all(about_a_line(v, x) for x in geometries.values())]
    index = {label: i for i, label in enumerate(molecule.labels)}
    for i, spec in enumerate(data["extra"]):
        if isinstance(name := spec.get("name"), str) and not re.match(LABEL, name):
            raise keys.fail(f"variables.extra.{i}.name", f"{shown(name)} is no name; begin with a letter or a digit")
        try:
            variables.append(from_spec(spec, index, references=geometries, symbols=molecule.symbols))
        except ValueError as error:
            raise keys.fail(f"variables.extra.{i}", str(error)) from error
    if not variables:
        raise keys.fail("variables", "there is no candidate; name bonded atoms in around, or variables in extra")
    names = [v.name for v in variables]
    for name in names:
        if names.count(name) > 1:
            raise keys.fail("variables.extra", f"the name {name!r} is taken; give the variable another")
    return tuple(variables)


def about_a_line(variable: Variable, positions: np.ndarray) -> bool:
    """Whether a variable is a function of a dihedral that has a straight angle at a geometry."""
    if variable.kind not in ("cos_dihedral", "sin_dihedral"):
        return False
    i, j, k, l = variable.atoms  # noqa: E741
    angles = np.radians([angle_of(positions, i, j, k), angle_of(positions, j, k, l)])
    return bool((np.sin(angles) < np.sin(np.radians(STRAIGHT_AT_REST))).any())


def _reference_files(specs: Sequence[Mapping[str, Any]], geometries: Mapping[str, str]) -> tuple[str, ...]:
    """Geometry files that some variables name, by path or by basin, on whatever level; each once."""
    files: dict[str, None] = {}
    for spec in specs:
        if "reference" in spec:
            files[geometries.get(spec["reference"], spec["reference"])] = None
        files |= dict.fromkeys(_reference_files(spec.get("terms", []), geometries))
    return tuple(files)
