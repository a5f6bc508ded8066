"""Configuration: data in, frozen dataclasses out; every mistake ends in one line that names file, key and remedy.

Nothing here evaluates what a user wrote. The JSON schemas in `workflow/schemas/` hold types, units, defaults and the
meaning of each key; what a schema cannot say (the atoms exist, the basins do not overlap, the potential is known) is
checked in :func:`load`.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import yaml

from separatrix import potentials
from separatrix.core import bonding, folders, user_data
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.text import is_file, one_line, shown
from separatrix.core.units import KCAL
from separatrix.cvs import variables
from separatrix.cvs.states import GEOMETRIES, Basin, Coordinate, Interval, MechanismClass, MechanismRule, basin_of
from separatrix.cvs.variables import Variable
from separatrix.dynamics.motion import DynamicsSettings
from separatrix.dynamics.stationary import Bias, Spring
from separatrix.workflow import inputs

#: A bond angle this near to 180 degrees (degrees) at rest is a straight one, which vibrates about the line.
STRAIGHT_AT_REST = 5.0

SCHEMAS = Path(__file__).resolve().parents[2] / "workflow" / "schemas"

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


@dataclass(frozen=True)
class SaddleGuess:
    """Where a saddle search starts: the minimum of a basin, pulled by biases."""

    name: str
    start: str
    biases: tuple[Bias | Spring, ...]


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
    coordinates: tuple[Coordinate, ...] = ()
    formed: tuple[tuple[int, int], ...] = ()
    broken: tuple[tuple[int, int], ...] = ()
    reference_files: tuple[str, ...] = ()
    literature: str = ""

    def basin(self, name: str) -> Basin:
        """The basin of that name."""
        return next(b for b in self.basins if b.name == name)


@dataclass(frozen=True)
class Method:
    """A level of theory and how it is run."""

    name: str
    label: str
    potential: str
    options: Mapping[str, Any]
    dynamics: DynamicsSettings
    shift: int
    seed: int

    @property
    def files(self) -> list[str]:
        """Files that the engine reads, as its options name them."""
        table = potentials.options_of(self.potential)
        return [value for key, value in self.options.items() if table[key].is_file]


@dataclass(frozen=True)
class Variation:
    """What a method of a scan is a variation of.

    Attributes
    ----------
    scan
        Name of the scan.
    of
        Name of the method that is varied.
    setting, value
        Its key, as in the config, and what that is set to.
    """

    scan: str
    of: str
    setting: str
    value: float | str | bool

    @property
    def name(self) -> str:
        """Of the method that comes of it; its folder."""
        return f"{self.of}-{self.scan}-{re.sub(r'[^A-Za-z0-9.]+', '-', str(self.value))}"

    @property
    def words(self) -> str:
        """What is different, for readers."""
        key = self.setting.partition(".")[2]
        if key in ("solvent", "solvation", "hamiltonian", "method"):
            return str(self.value)
        if key == "dielectric_constant":
            return f"ε = {self.value}"
        quantity, unit = quantity_of(key)
        return f"{quantity} {self.value}{unit}"

    @property
    def keeps_the_surface(self) -> bool:
        """Whether stationary points and free energies are those of the method that is varied."""
        return self.setting.startswith("dynamics.")


_UNITS = {"_per_ps": "/ps", "_fs": " fs", "_K": " K", "_hartree": " hartree"}


def quantity_of(key: str) -> tuple[str, str]:
    """What a key means, in words, and its unit, with a space before it where one belongs there."""
    for end, unit in _UNITS.items():
        if key.endswith(end):
            return key.removesuffix(end).replace("_", " "), unit
    return key.replace("_", " "), ""


# --- reading and checking -------------------------------------------------------------------------------------------


def read_yaml(path: Path | str) -> dict[str, Any]:
    """A YAML mapping.

    Raises
    ------
    ConfigError
        When the file is missing, is not YAML, repeats a key, or does not hold a mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8; save it as UTF-8"
        raise ConfigError(f"{path}: cannot be read ({why})") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    try:
        data = user_data.parse(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ConfigError(f"{path}: line {line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no mapping of keys to values")
    return data


@cache
def schema(name: str) -> dict[str, Any]:
    """A JSON schema of this project: ``config`` or ``system``; read once, for every job loads the configuration."""
    return user_data.SafeLoader((SCHEMAS / f"{name}.schema.yaml").read_text()).get_single_data()


def check(data: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """Check data against a schema and fill in the defaults.

    Parameters
    ----------
    data
        What the user wrote; not changed.
    name
        Of the schema.
    where
        File that errors name.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    user_data.check(data, f"{where}: " if where else "")
    full = copy.deepcopy(dict(data))
    rules = schema(name)
    errors = sorted(jsonschema.Draft202012Validator(rules).iter_errors(full), key=_weight)
    if errors:
        raise ConfigError(one_line(f"{where}: {_sentence(errors[0])}"))
    _fill(full, rules)
    return full


def _weight(error: jsonschema.ValidationError) -> tuple[int, str]:
    # An unknown key usually explains a missing one, so it is told first.
    order = {"additionalProperties": 0, "propertyNames": 0, "required": 2}
    return order.get(error.validator, 1), ".".join(str(p) for p in error.absolute_path)


def _sentence(error: jsonschema.ValidationError) -> str:
    path = ".".join(str(p) for p in error.absolute_path)
    at = f"{path}: " if path else ""
    meaning = error.schema.get("description", "")
    wanted, found = f" ({meaning})" if meaning else "", shown(error.instance)
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            unknown = next(k for k in error.instance if k not in known)
            return f"{at}unknown key {shown(unknown)}{_near(unknown, known)} (known: {', '.join(known)})"
        case "pattern" if error.validator_value == LABEL:
            return f"{at}{found} begins with {error.instance[0]!r}; a name begins with a letter, a digit or a bracket"
        case "propertyNames" | "pattern":
            return f"{at}{found} cannot be used as a name; use {meaning}"
        case "required":
            missing = next(k for k in error.validator_value if k not in error.instance)
            meaning = error.schema.get("properties", {}).get(missing, {}).get("description", "")
            return f"{at}key {missing!r} is missing{f' ({meaning})' if meaning else ''}"
        case "type":
            types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            found = "nothing" if error.instance is None else found
            remedy = f"; give the {meaning}" if meaning else ""
            words = " or ".join(_TYPES[t] for t in types)
            return f"{at}{found} is not {words}{remedy}{_as_yaml_reads(error.instance, types)}"
        case "enum":
            choices = [str(v) for v in error.validator_value]
            hint = _as_yaml_reads(error.instance, ["string"])
            return f"{at}{found} is not one of {', '.join(choices)}{_near(str(error.instance)[:100], choices)}{hint}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            words = {"minimum": "at least", "exclusiveMinimum": "more than"}
            words |= {"maximum": "at most", "exclusiveMaximum": "less than"}
            return f"{at}{found} must be {words[error.validator]} {_bound(error.validator_value)}{wanted}"
        case "minItems" | "maxItems" | "minProperties":
            bound = "at least" if error.validator.startswith("min") else "at most"
            return f"{at}needs {bound} {error.validator_value} entries{wanted}"
        case "minLength" | "maxLength":
            bound = "at least" if error.validator == "minLength" else "at most"
            return f"{at}{found} has {len(error.instance)} characters; {bound} {error.validator_value}{wanted}"
        case "uniqueItems":
            return f"{at}{found} holds one entry twice{wanted}"
    return f"{at}{one_line(error.message)[:200]}"


def _bound(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 or value % 1000 == 0 else str(value)


def _as_yaml_reads(value: Any, types: Sequence[str]) -> str:
    """What YAML 1.1 makes of a word or a number, where that explains an error."""
    if isinstance(value, bool) and "string" in types:
        return " (YAML reads yes, no, on, off, true and false as truth values: write the word in quotes)"
    if isinstance(value, str) and {"number", "integer"} & set(types) and user_data.as_number(value) is not None:
        return " (it is text to YAML; write it without quotes, with a point and a sign in the power, such as 1.0e+3)"
    return ""


LABEL = r"^[^=+@\s-]"
"""Pattern of what is shown to people: spreadsheets take other beginnings for formulas."""


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _listed(names: Iterable[str], most: int = 30) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f", ... {len(names)} in all" if len(names) > most else "")


def _fill(data: Any, rules: Mapping[str, Any]) -> None:
    if isinstance(data, dict):
        for key, sub in rules.get("properties", {}).items():
            if key not in data and "default" in sub:
                data[key] = copy.deepcopy(sub["default"])
            if key in data:
                _fill(data[key], sub)
        extra = rules.get("additionalProperties")
        if isinstance(extra, dict):
            for key in data.keys() - rules.get("properties", {}).keys():
                _fill(data[key], extra)
    elif isinstance(data, list):
        for item in data:
            _fill(item, rules.get("items", {}))


def named_files(paths: Sequence[str], where: str, key: str, kind: str) -> Iterator[tuple[str, str]]:
    """Files that a key of a config lists, each with the beginning of an error about it.

    Parameters
    ----------
    paths
        What the key holds.
    where, key
        The config file, and the key.
    kind
        What the files should be, for errors.

    Raises
    ------
    ConfigError
        At the first that does not exist.
    """
    for i, path in enumerate(paths):
        at = f"{where}: {key}.{i}"
        if not is_file(path):
            raise ConfigError(f"{at}: {path[:300]} does not exist; give the path of {kind}")
        yield at, path


def file_of(key: str, files: Sequence[Path | str]) -> str:
    """The last of the config files that holds the first word of a dotted key; else the last file."""
    first = key.split(".")[0].split(":")[0]
    for path in reversed([*files]):
        if first in read_yaml(path):
            return str(path)
    return str(files[-1]) if files else "the configuration"


# --- from data to objects -------------------------------------------------------------------------------------------


class _Keys:
    """Looks names up and complains with file and key."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, key: str, message: str) -> ConfigError:
        cut = message if len(message) <= 1000 else f"{message[:1000]} ..."
        return ConfigError(one_line(f"{self.where}: {key}: {cut}"))

    def look(self, table: Mapping[str, Any], name: str, key: str, what: str) -> Any:
        if name not in table:
            raise self.fail(key, f"{shown(name)} is not {what}{_near(name, table)} (known: {_listed(table)})")
        return table[name]

    def in_unit(
        self, item: Mapping[str, Any], at: str, coordinate: Coordinate, what: str, degree: str, angstrom: str
    ) -> str:
        """Which of two keys gives a quantity in the unit that belongs to a coordinate; the other must be absent."""
        wanted, other = (angstrom, degree) if coordinate.unit == "angstrom" else (degree, angstrom)
        if other in item or wanted not in item:
            instead = f", not as {other}" if other in item else ""
            raise self.fail(
                at, f"{coordinate.name} is measured in {coordinate.unit}; give its {what} as {wanted}{instead}"
            )
        return wanted


def build_system(data: Mapping[str, Any], where: str) -> System:
    """A System from checked data.

    Parameters
    ----------
    data
        As :func:`check` returns it for the schema ``system``.
    where
        File that errors name.

    Raises
    ------
    ConfigError
        On an unknown atom, coordinate, basin or kind, a key in the wrong unit, overlapping basins, a geometry outside
        its basin, or a crossing that does not part the basins of the reaction.
    """
    keys = _Keys(where)
    basins_data = data["basins"]
    # Where all is said by Cartesian coordinates, a field acts on each atom alone.
    field = all(spec["kind"] in ("x", "y", "z") for spec in data["coordinates"].values())
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
    coordinates: dict[str, Coordinate] = {}
    for name, spec in data["coordinates"].items():
        wanted = GEOMETRIES[spec["kind"]][0]
        at = f"coordinates.{name}.atoms"
        if len(spec["atoms"]) != wanted:
            raise keys.fail(at, f"{spec['kind']} needs {wanted} atoms, {len(spec['atoms'])} are given")
        indices = tuple(keys.look(atoms, a, at, "a named atom") for a in spec["atoms"])
        if len(set(indices)) != wanted:
            raise keys.fail(at, "an atom is given twice")
        coordinates[name] = Coordinate(name, spec["kind"], indices)
    basins = tuple(_build_basin(n, b, coordinates, keys) for n, b in basins_data.items())
    for i, one in enumerate(basins):
        for other in basins[i + 1 :]:
            if not one.disjoint(other):
                raise keys.fail(
                    f"basins.{one.name}",
                    f"overlaps basin {other.name}; give one coordinate ranges in both that do not meet",
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
    mechanism = _build_mechanism(data.get("mechanism"), coordinates, keys)
    _check_crossing(mechanism, [(names[reaction[end]], read[reaction[end]][1]) for end in ("from", "to")], keys)
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
        saddle_guesses=tuple(
            _build_guess(i, g, coordinates, names, keys) for i, g in enumerate(data["saddle_guesses"])
        ),
        mechanism=mechanism,
        # Most stages are not given them (`Config.settings`); the schema asks for them in a file.
        variables=(
            _build_variables(data["variables"], molecule, {n: x for n, (_, x) in read.items()}, reaction, keys)
            if "variables" in data
            else ()
        ),
        coordinates=tuple(coordinates.values()),
        literature=data.get("literature", ""),
        reference_files=_reference_files(
            data.get("variables", {}).get("extra", []), {n: b["geometry"] for n, b in basins_data.items()}
        ),
    )


def _build_basin(name: str, data: Mapping[str, Any], coordinates: Mapping[str, Coordinate], keys: _Keys) -> Basin:
    intervals = []
    for i, item in enumerate(data["within"]):
        at = f"basins.{name}.within.{i}"
        coordinate = keys.look(coordinates, item["coordinate"], f"{at}.coordinate", "a coordinate")
        key = keys.in_unit(item, at, coordinate, "range", "range_deg", "range_A")
        low, high = item[key]
        if low >= high:
            raise keys.fail(f"{at}.{key}", f"the lower bound {low:g} is not below the upper bound {high:g}")
        if coordinate.kind == "dihedral" and not (abs(low) <= 1e4 and abs(high) <= 1e4):
            raise keys.fail(f"{at}.{key}", "a dihedral runs in a circle; give two finite angles in degrees")
        intervals.append(Interval(coordinate, float(low), float(high)))
    return Basin(name, tuple(intervals))


def _build_guess(
    i: int,
    data: Mapping[str, Any],
    coordinates: Mapping[str, Coordinate],
    basins: Mapping[str, Basin],
    keys: _Keys,
) -> SaddleGuess:
    keys.look(basins, data["start"], f"saddle_guesses.{i}.start", "a basin")
    biases: list[Bias | Spring] = []
    for j, pull in enumerate(data["pull"]):
        at = f"saddle_guesses.{i}.pull.{j}"
        coordinate = keys.look(coordinates, pull["coordinate"], f"{at}.coordinate", "a coordinate")
        target = float(pull[keys.in_unit(pull, at, coordinate, "target", "target_deg", "target_A")])
        key = keys.in_unit(pull, at, coordinate, "strength", "strength_kcal_mol", "strength_kcal_mol_A2")
        strength = pull[key] * KCAL
        if coordinate.unit == "degree":
            biases.append(Bias(coordinate.atoms, target, strength))
        else:
            biases.append(Spring(coordinate, target, strength))
    return SaddleGuess(data["name"], data["start"], tuple(biases))


def _build_mechanism(
    data: Mapping[str, Any] | None, coordinates: Mapping[str, Coordinate], keys: _Keys
) -> MechanismRule:
    if data is None:
        return MechanismRule()

    def measured(item: Mapping[str, Any], at: str, what: str, word: str) -> tuple[Coordinate, float]:
        coordinate = keys.look(coordinates, item["coordinate"], f"{at}.coordinate", "a coordinate")
        return coordinate, float(item[keys.in_unit(item, at, coordinate, what, f"{word}_deg", f"{word}_A")])

    crossing, boundary = measured(data["crossing"], "mechanism.crossing", "value at the crossing", "at")
    classes = [
        MechanismClass(item["name"], *measured(item, f"mechanism.classes.{i}", "bound", "above"))
        for i, item in enumerate(data["classes"])
    ]
    rule = MechanismRule(crossing, boundary, tuple(classes), data["otherwise"])
    if len(set(rule.names)) != len(rule.names):
        raise keys.fail("mechanism", "two mechanisms carry the same name")
    return rule


def _check_crossing(rule: MechanismRule, ends: Sequence[tuple[Basin, np.ndarray]], keys: _Keys) -> None:
    """Refuse a crossing that does not part the basins of the reaction: their geometries, and all that lies in them."""
    coordinate = rule.crossing
    if coordinate is None:
        return
    unsigned = " (a dihedral counts without its sign)" if coordinate.kind == "dihedral" else ""
    for basin, _ in ends:
        for interval in basin.intervals:
            values = (rule.boundary, -rule.boundary) if unsigned else (rule.boundary,)
            if interval.coordinate == coordinate and any(map(interval.contains, values)):
                raise keys.fail(
                    "mechanism.crossing",
                    f"{coordinate.name} of {rule.boundary:g} lies in basin {basin.name}, which goes from "
                    f"{interval.low:g} to {interval.high:g}{unsigned}; give a value outside both basins",
                )
    for basin, x in ends:
        if np.isnan(rule.side(x)):
            at = f"{coordinate.name} is undefined at the geometry of {basin.name}, where its atoms lie in a line"
            raise keys.fail("mechanism.crossing", f"{at} or on each other; cross another coordinate")
    sides = {rule.side(x) > 0 for _, x in ends}
    if len(sides) == 1:
        at = " and ".join(f"{basin.name} ({coordinate.value(x):.4g})" for basin, x in ends)
        message = f"{at} lie on the same side of {rule.boundary:g} in {coordinate.name}{unsigned}; give a value between"
        raise keys.fail("mechanism.crossing", f"{message} them, or cross another coordinate")


def _build_variables(
    data: Mapping[str, Any],
    molecule: Molecule,
    geometries: Mapping[str, np.ndarray],
    reaction: Mapping[str, str],
    keys: _Keys,
) -> tuple[Variable, ...]:
    for name, atom in molecule.names.items():
        if molecule.labels.count(name) > 1:  # a variable would be of one or the other, and nobody would know of which
            other = next(i for i, label in enumerate(molecule.labels) if label == name and i != atom)
            message = f"atom {other} has no name of its own and goes by that one; give it a name, or this one another"
            raise keys.fail(f"atoms.{name}", message)
    centres = [keys.look(molecule.names, a, "variables.around", "a named atom") for a in data["around"]]
    found: list[Variable] = []
    if centres:
        bonds = {name: bonds_from_distances(molecule.symbols, x) for name, x in geometries.items()}
        # A bond that forms, and the angles about it, belong to the product's bonds alone.
        by_name = {
            variable.name: variable
            for graph in dict.fromkeys([molecule.bonds, *bonds.values()])
            for variable in variables.enumerate_around(
                graph,
                molecule.symbols,
                centres,
                n_bonds=data["bonds"],
                hydrogens=data["hydrogens"],
                names=molecule.labels,
                impropers=data["impropers"],
            )
        }
        changed = variables.of_changed_bonds(bonds[reaction["from"]], bonds[reaction["to"]], molecule.labels)
        found = list((by_name | {v.name: v for v in changed if v.name not in by_name}).values())
        # A dihedral about atoms that lie in a line in every basin is noise.
        found = [v for v in found if not all(_about_a_line(v, x) for x in geometries.values())]
    index = {label: i for i, label in enumerate(molecule.labels)}
    for i, spec in enumerate(data["extra"]):
        if isinstance(name := spec.get("name"), str) and not re.match(LABEL, name):
            raise keys.fail(f"variables.extra.{i}.name", f"{shown(name)} is no name; begin with a letter or a digit")
        try:
            found.append(variables.from_spec(spec, index, references=geometries, symbols=molecule.symbols))
        except ValueError as error:
            raise keys.fail(f"variables.extra.{i}", str(error)) from error
    if not found:
        raise keys.fail("variables", "there is no candidate; name bonded atoms in around, or variables in extra")
    names = [v.name for v in found]
    for name in names:
        if names.count(name) > 1:
            raise keys.fail("variables.extra", f"the name {name!r} is taken; give the variable another")
    return tuple(found)


def _about_a_line(variable: Variable, positions: np.ndarray) -> bool:
    """Whether a variable is a function of a dihedral that has a straight angle at a geometry."""
    if variable.kind not in ("cos_dihedral", "sin_dihedral"):
        return False
    i, j, k, l = variable.atoms  # noqa: E741
    angles = np.radians([variables.angle_of(positions, i, j, k), variables.angle_of(positions, j, k, l)])
    return bool((np.sin(angles) < np.sin(np.radians(STRAIGHT_AT_REST))).any())


def _reference_files(specs: Sequence[Mapping[str, Any]], geometries: Mapping[str, str]) -> tuple[str, ...]:
    """Geometry files that some variables name, by path or by basin, on whatever level; each once."""
    found: dict[str, None] = {}
    for spec in specs:
        if "reference" in spec:
            found[geometries.get(spec["reference"], spec["reference"])] = None
        found |= dict.fromkeys(_reference_files(spec.get("terms", []), geometries))
    return tuple(found)


def _multiple(value: float, unit: float) -> int | None:
    ratio = value / unit
    return round(ratio) if abs(ratio - round(ratio)) < 1e-6 and round(ratio) >= 1 else None


def build_method(name: str, data: Mapping[str, Any], temperature: float, seed: int, where: str) -> Method:
    """A Method from checked data.

    Raises
    ------
    ConfigError
        On an unknown potential or option, or times that do not fit together.
    """
    keys = _Keys(where)
    at = f"methods.{name}"
    try:
        potentials.module_of(data["potential"])
    except ConfigError as error:
        raise keys.fail(f"{at}.potential", str(error)) from error
    try:
        potentials.check_options(data["potential"], data["options"])
    except ConfigError as error:
        raise ConfigError(f"{where}: {at}.options.{error}") from error
    times = data["dynamics"]
    step = float(times["time_step_fs"])
    frame = float(times.get("frame_fs", step))
    steps = _multiple(frame, step)
    if steps is None:
        raise keys.fail(f"{at}.dynamics.frame_fs", f"{frame:g} fs is not a multiple of time_step_fs, {step:g}")
    shift = _multiple(float(times["shift_fs"]), frame)
    if shift is None:
        raise keys.fail(
            f"{at}.dynamics.shift_fs",
            f"{times['shift_fs']:g} fs is not a multiple of the frame, {frame:g} fs",
        )
    longest = float(times["longest_half_fs"])
    if longest < 4 * float(times["shift_fs"]):
        raise keys.fail(f"{at}.dynamics.longest_half_fs", f"{longest:g} fs is too short; give several times shift_fs")
    return Method(
        name=name,
        label=data.get("label", name),
        potential=data["potential"],
        options=dict(data["options"]),
        dynamics=DynamicsSettings(float(temperature), step, steps, longest, float(times.get("friction_per_ps", 0.0))),
        shift=shift,
        seed=int(seed),
    )


CHOICE = ("model", "observations", "max_variables", "search", "criterion", "inertial")
"""Keys of `coordinate` that decide which variables are chosen, and which coefficients they get."""


#: Stages that compute rates.
RATES = (
    "harmonic",
    "umbrella",
    "free_energy",
    "transmission",
    "interface_pilot",
    "interface_chain",
    "interface_rate",
    "rates",
)

#: Those that place something along a coordinate, which may be one of variables that the config names.
ALONG_COORDINATE = ("umbrella", "free_energy", "interface_pilot", "interface_chain")


@dataclass(frozen=True)
class Config:
    """A checked configuration: the data, and what each stage of the workflow needs of it."""

    data: Mapping[str, Any]
    system_data: Mapping[str, Any]
    system: System
    methods: Mapping[str, Method]
    variations: Mapping[str, Variation] = field(default_factory=dict)

    def surface_of(self, method: str) -> str:
        """Method whose minima, saddles and free energy a method takes: its own, or those of what it varies."""
        variation = self.variations.get(method)
        return variation.of if variation is not None and variation.keeps_the_surface else method

    def scan(self, name: str) -> dict[str, Any]:
        """What the figures of a scan show: its setting, the methods that are varied, and all members with their values.

        A method that is varied is a member itself, with its own value, unless the scan gives that value again.
        """
        spec = self.data["scans"][name]
        key = spec["setting"].partition(".")[2]
        members = []
        for parent in spec["methods"]:
            own = self._own(parent, spec["setting"])
            label = self.methods[parent].label
            if own not in spec["values"]:
                members.append({"method": parent, "of": label, "value": own})
            members += [
                {"method": Variation(name, parent, spec["setting"], value).name, "of": label, "value": value}
                for value in spec["values"]
            ]
        quantity, unit = quantity_of(key)
        return {
            "name": name,
            "setting": spec["setting"],
            "quantity": f"{quantity} ({unit.strip()})" if unit else quantity,
            "parents": {parent: self.methods[parent].label for parent in spec["methods"]},
            "members": members,
        }

    def _own(self, method: str, setting: str) -> Any:
        """Value of a setting in a method; where it gives none, what the engine takes, or `default` if nobody says."""
        spec = self.data["methods"][method]
        part, _, key = setting.partition(".")
        if key in spec[part]:
            return spec[part][key]
        if part == "dynamics":  # of its keys the frame alone may be absent
            return spec["dynamics"]["time_step_fs"]
        default = potentials.options_of(spec["potential"])[key].default
        return "default" if default is None else default

    def draws(self) -> dict[str, tuple[int, int]]:
        """Sets of committor shots to make: at most how many configurations, and shots from each."""
        rules = self.data["committor"]
        sizes = {"separatrix": rules} | {name: rules[name] for name in ("naive", "calibration", "path")}
        found = {name: (part["configurations"], part["shots_per_configuration"]) for name, part in sizes.items()}
        if "map" in rules:
            found["map"] = (rules["map"]["bins"] ** 2, rules["map"]["shots_per_configuration"])
        return {name: sizes for name, sizes in found.items() if sizes[0]}

    def source(self, draw: str) -> str:
        """Where a set of committor shots has its configurations from.

        A path is a path, and calibration and map look beyond the separatrix, where the other sources have nothing; and
        the ensemble held at r = 0 is that of the found coordinate, not of the naive one.
        """
        source = self.data["committor"]["source"]
        fits = draw == "separatrix" or (draw == "naive" and source == "shooting points")
        return source if fits else "paths"

    def _committor(self, stage: str, draw: str | None) -> dict[str, Any]:
        """What a committor stage depends on, of all that the config says of committors."""
        rules, sizes = self.data["committor"], self.draws()
        naive, pair = rules["naive"]["variables"], rules.get("map", {}).get("variables", [])
        if stage == "restrained":
            return {"tolerance": rules["tolerance"], "restraint": rules["restraint"]}
        if stage == "committor_shots":
            return {"shots": sizes[draw][1], "batches": rules["batches"], "adaptive": rules.get("adaptive")}
        if stage == "committor":
            return {"shots": {name: size[1] for name, size in sizes.items()}, "naive": naive, "map": pair}
        found: dict[str, Any] = {"source": self.source(draw), "n": sizes[draw][0]}
        if draw in ("separatrix", "naive"):
            found["tolerance"] = rules["tolerance"]
        if draw == "naive":
            found["naive"] = naive
        if draw == "map":
            found |= {"map": pair, "bins": rules["map"]["bins"]}
        return found

    def _rates(self, stage: str) -> dict[str, Any]:
        """What a rates stage depends on, of all that the config says of rates."""
        rules = self.data["rates"]
        windows = {key: value for key, value in rules["umbrella"].items() if key != "methods"}
        if stage == "harmonic":
            temperatures = sorted({float(self.data["temperature_K"]), *map(float, rules["temperatures_K"])})
            return {"temperatures_K": temperatures, "harmonic": rules["harmonic"]}
        chain = {key: value for key, value in rules["interfaces"].items() if key not in ("methods", "chains")}
        pilot = {key: value for key, value in chain.items() if key not in ("cycles", "burn_in", "refresh")}
        return {
            "umbrella": {"umbrella": windows},
            "free_energy": {
                "umbrella": windows,
                "transmission": rules["transmission"],
                "temperatures_K": sorted({float(self.data["temperature_K"]), *map(float, rules["temperatures_K"])}),
            },
            "transmission": {},
            "interface_pilot": {"interfaces": pilot},
            "interface_chain": {"interfaces": chain},
            "interface_rate": {},
            "rates": {},
        }[stage]

    def windows_of_pilot(self, method: str) -> bool:
        """Whether a method has umbrella windows along the variables of its interfaces, for the pilot to start from."""
        rules = self.data["rates"]
        along = rules["umbrella"]
        return method in along["methods"] and along["variables"] == rules["interfaces"]["variables"]

    def settings(self, stage: str, method: str | None = None, draw: str | None = None) -> dict[str, Any]:
        """Plain data that determines what a stage writes, and nothing else.

        Snakemake runs a job again when its parameters change; giving each stage only what it depends on is what
        keeps a change of one method, or of a later stage, from touching the rest.

        Parameters
        ----------
        stage
            ``minimum``, ``guess``, ``saddle_search``, ``saddle``, ``first_path``, ``sample``, ``assess``,
            ``variables``, ``coordinate``, ``restrained``, ``draw``, ``committor_shots``, ``committor``, one of
            `RATES`, ``compare`` or ``report``.
        method
            Name of the method; None for ``compare`` and ``report``.
        draw
            Name of the set of committor shots, for ``draw`` and ``committor_shots``.
        """
        system = dict(self.system_data)
        if stage not in ("assess", "variables", "coordinate", "draw", "committor", *ALONG_COORDINATE):
            system.pop("variables", None)
        system.pop("literature", None)  # for the report alone
        base: dict[str, Any] = {
            "system": system,
            "temperature_K": self.data["temperature_K"],
            "seed": self.data["seed"],
        }
        if method is None:
            labels = {name: m.label for name, m in self.methods.items()}
            rules = self.data["committor"]
            shots = {"draws": list(self.draws()), "batches": rules["batches"], "source": rules["source"]}
            if stage == "report":
                return base | {"methods": labels, "report": self.data["report"]}
            return base | {"methods": labels, "committor": shots}
        spec = dict(self.data["methods"][method])
        spec.pop("label", None)  # a name for tables and plots, which only the comparison makes
        if stage in ("minimum", "guess", "saddle_search", "saddle", "harmonic"):
            # Geometries do not depend on how trajectories are run.
            spec["dynamics"] = {"time_step_fs": 1, "shift_fs": 1, "longest_half_fs": 100}
        base |= {"name": method, "method": spec}
        part = {
            "minimum": "stationary",
            "guess": "stationary",
            "saddle_search": "stationary",
            "coordinate": "coordinate",
            "assess": "coordinate",
        }.get(stage)
        if part:
            base[part] = dict(self.data[part])
        if stage == "assess":
            # The rest tells more of the coordinate and does not change which one it is.
            base[part] = {key: base[part][key] for key in CHOICE}
        if stage in ("restrained", "draw", "committor_shots", "committor"):
            base["committor"] = self._committor(stage, draw)
        if stage in ("draw", "committor", *ALONG_COORDINATE):
            # The naive coordinate is fitted to what the found one was fitted to.
            base["coordinate"] = {key: self.data["coordinate"][key] for key in ("model", "observations")}
        if stage in RATES:
            base["rates"] = self._rates(stage)
        if draw is not None:
            base["draw"] = draw
        # How far sampling goes does not change what is sampled.
        keys = {
            "first_path": ("starts", "first_path_attempts"),
            "sample": ("rule", "shots_per_round", "burn_in"),
            "assess": ("starts", "min_rounds", "max_rounds", "convergence"),
        }.get(stage)
        if keys:
            base["sampling"] = {key: self.data["sampling"][key] for key in keys}
        if stage in ("sample", "committor_shots", "transmission", "interface_pilot", "interface_chain"):
            base["failures_in_a_row"] = self.data["failures_in_a_row"]
        return base

    def start_of(self, chain: int) -> str:
        """Name of the geometry that a chain's first path is shot from; chains are numbered from 1."""
        starts = self.data["sampling"]["starts"]
        return starts[(chain - 1) % len(starts)]

    def guess_number(self, name: str) -> int:
        """Number of a saddle guess in the system file, from 1."""
        return 1 + [g.name for g in self.system.saddle_guesses].index(name)


def system_from_settings(settings: Mapping[str, Any]) -> System:
    """The system of a stage from its :meth:`Config.settings`."""
    return build_system(settings["system"], "settings")


def from_settings(settings: Mapping[str, Any]) -> tuple[System, Method]:
    """The system and the method of a stage from its :meth:`Config.settings`."""
    system = system_from_settings(settings)
    method = build_method(settings["name"], settings["method"], settings["temperature_K"], settings["seed"], "settings")
    return system, method


MOST_JOBS = 100_000
"""Jobs that Snakemake can plan in a reasonable time and memory."""


def _check_jobs(full: Mapping[str, Any], system: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Refuse a plan that is too large, before anything is built for it.

    Raises
    ------
    ConfigError
        When there may be more than `MOST_JOBS` jobs, every round being run.
    """
    methods = len(full["methods"])
    methods += sum(len(scan["methods"]) * len(scan["values"]) for scan in full["scans"].values())
    sampling, rules, rates = full["sampling"], full["committor"], full["rates"]
    draws = 1 + sum(rules[name]["configurations"] > 0 for name in ("naive", "calibration", "path")) + ("map" in rules)
    # Check, saddle, variables, coordinate, committor, rates: one each. A chain: its first path, rounds, and their sum.
    each = 8 + len(system["basins"]) + 2 * len(system["saddle_guesses"])
    each += sampling["chains"] * (2 + sampling["max_rounds"]) + sampling["max_rounds"]
    each += draws * (1 + rules["batches"])
    along, through = rates["umbrella"], rates["interfaces"]
    jobs = methods * each + len(along["methods"]) * (2 + along["batches"])
    jobs += len(through["methods"]) * (2 + through["chains"])
    if jobs > MOST_JOBS:
        parts = f"{methods} methods, {sampling['chains']} chains, {sampling['max_rounds']} rounds"
        message = f"up to {jobs} jobs ({parts}); at most {MOST_JOBS} can be planned, give less of one of these"
        raise _Keys(file_of("sampling", files)).fail("sampling", message)


def _check_braces(config: Config, where: str) -> None:
    """Refuse files whose path Snakemake would fill in.

    Raises
    ------
    ConfigError
        At the first.
    """
    for path, words in inputs.named(config):
        if {*path} & {"{", "}"}:
            raise ConfigError(f"{where}: {path} ({words}): Snakemake takes braces for wildcards; rename the file")


def _expand_scans(full: dict[str, Any], files: Sequence[Path]) -> dict[str, Variation]:
    """Put a method for each value of each scan behind the methods, in place, and into the lists that name its parent.

    Raises
    ------
    ConfigError
        On an unknown method, potential or key, a value that an option does not take, or a name that is taken.
    """
    keys, methods, found = _Keys(file_of("scans", files)), dict(full["methods"]), {}
    for scan, spec in full["scans"].items():
        part, _, key = spec["setting"].partition(".")
        for i, parent in enumerate(spec["methods"]):
            keys.look(methods, parent, f"scans.{scan}.methods.{i}", "a method")
            if part == "dynamics":
                known = schema("config")["properties"]["methods"]["additionalProperties"]["properties"]["dynamics"]
                table = known["properties"]
            else:
                try:
                    table = potentials.options_of(methods[parent]["potential"])
                except ConfigError as error:
                    raise _Keys(file_of("methods", files)).fail(f"methods.{parent}.potential", str(error)) from error
            keys.look(table, key, f"scans.{scan}.setting", f"a key of {part} of {parent}")
            for j, value in enumerate(spec["values"]):
                if part == "options":
                    try:
                        table[key].check(key, value)
                    except ConfigError as error:
                        raise keys.fail(f"scans.{scan}.values.{j}", str(error)) from error
                variation = Variation(scan, parent, spec["setting"], value)
                if variation.name in full["methods"]:
                    raise keys.fail(f"scans.{scan}.values.{j}", f"the name {variation.name!r} is taken; give another")
                changed = copy.deepcopy(dict(methods[parent]))
                changed[part] = {**changed.get(part, {}), key: value}
                label = f"{changed.pop('label', parent)}, {variation.words}"
                checked = check({"system": full["system"], "methods": {variation.name: changed}}, "config", keys.where)
                full["methods"][variation.name] = checked["methods"][variation.name] | {"label": label}
                found[variation.name] = variation
    for route in ("umbrella", "interfaces"):
        named = full["rates"][route]["methods"]
        named += [name for name, variation in found.items() if variation.of in named]
    return found


def _check_labels(methods: Mapping[str, Method], variations: Mapping[str, Variation], files: Sequence[Path]) -> None:
    """Check that no two methods have one label, for tables and figures would take them for one method.

    Raises
    ------
    ConfigError
        At the first label that is taken.
    """
    seen: dict[str, str] = {}
    for name, method in methods.items():
        other = seen.setdefault(method.label, name)
        if other == name:
            continue
        if name in variations:
            at = f"scans.{variations[name].scan}"
            message = f"the label {method.label!r} of {name} is also that of {other}; leave one of them out"
            raise _Keys(file_of("scans", files)).fail(at, message)
        message = f"{method.label!r} is also the label of {other}; give it another"
        raise _Keys(file_of("methods", files)).fail(f"methods.{name}.label", message)


def load(data: Mapping[str, Any], files: Sequence[Path | str] = ()) -> Config:
    """Check a configuration and build what it describes.

    Parameters
    ----------
    data
        The merged configuration, as Snakemake has read it.
    files
        The files it was read from, in order; errors name the one that holds the key.

    Raises
    ------
    ConfigError
        At the first mistake, in one line: file, key, what is wrong, what would be right.
    """
    paths = [Path(f) for f in files]
    for path in paths:
        read_yaml(path)
    try:
        full = check(data, "config", "")
    except ConfigError as error:
        message = str(error).removeprefix(": ")
        raise ConfigError(f"{file_of(message, paths)}: {message}") from error
    try:
        folders.check_name(full["results_directory"])
    except ConfigError as error:
        where = file_of("results_directory", paths)
        raise ConfigError(f"{where}: results_directory: {error}") from error
    system_file = Path(full["system"])
    if {*full["system"]} & {"{", "}"}:
        where = file_of("system", paths)
        raise ConfigError(
            f"{where}: system: Snakemake takes the braces of {shown(full['system'])} for wildcards; rename it"
        )
    if not is_file(system_file):
        where = file_of("system", paths)
        raise ConfigError(f"{where}: system: {str(system_file)[:300]} does not exist; give the path of a system file")
    system_data = check(read_yaml(system_file), "system", str(system_file))
    _check_jobs(full, system_data, paths)
    system = build_system(system_data, str(system_file))
    if system.literature and not is_file(system.literature):
        raise ConfigError(
            f"{system_file}: literature: {system.literature[:300]} does not exist; give the path of a CSV file"
        )
    where = file_of("methods", paths)
    variations = _expand_scans(full, paths)
    methods = {
        name: build_method(name, spec, full["temperature_K"], full["seed"], where)
        for name, spec in full["methods"].items()
    }
    for method in methods.values():
        try:
            module = potentials.module_of(method.potential)
            potentials.check_engine(method.potential, module, system.molecule, method.options)
        except ConfigError as error:
            if str(error).startswith("arguments"):
                raise ConfigError(f"{where}: methods.{method.name}.options.{error}") from error
            raise ConfigError(f"{system_file}: {error} (method {method.name})") from error
    _check_labels(methods, variations, paths)
    if full["theory"]:
        from separatrix.workflow import theory_files  # which reads its files by this module

        theory_files.check(full["theory"], file_of("theory", paths))
    if full["export"]["references"]:
        from separatrix.report import citations

        citations.check_files(full["export"]["references"], file_of("export", paths))
    committor, sampling = full["committor"], full["sampling"]
    if committor["batches"] > committor["configurations"]:
        where = file_of("committor", paths)
        raise ConfigError(f"{where}: committor.batches: more batches than configurations; give at most as many")
    keys = _Keys(file_of("committor", paths))
    candidates = {v.name: None for v in system.variables}
    for at, names in (
        ("naive", committor["naive"]["variables"]),
        ("map", committor.get("map", {}).get("variables", [])),
    ):
        for i, name in enumerate(names):
            keys.look(candidates, name, f"committor.{at}.variables.{i}", "a candidate variable")
    if "adaptive" in committor and committor["adaptive"]["most_shots"] < committor["shots_per_configuration"]:
        raise keys.fail("committor.adaptive.most_shots", "is less than shots_per_configuration; give more")
    keys, candidates = _Keys(file_of("coordinate", paths)), {v.name: None for v in system.variables}
    for i, names in enumerate(full["coordinate"]["beside"]):
        for j, name in enumerate(names):
            keys.look(candidates, name, f"coordinate.beside.{i}.{j}", "a candidate variable")
    keys = _Keys(file_of("rates", paths))
    for route in ("umbrella", "interfaces"):
        for i, name in enumerate(full["rates"][route]["methods"]):
            keys.look(methods, name, f"rates.{route}.methods.{i}", "a method")
        for i, name in enumerate(full["rates"][route]["variables"]):
            keys.look(candidates, name, f"rates.{route}.variables.{i}", "a candidate variable")
    where = file_of("sampling", paths)
    keys = _Keys(where)
    if sampling["min_rounds"] > sampling["max_rounds"]:
        raise keys.fail("sampling.min_rounds", f"is more than max_rounds, {sampling['max_rounds']}")
    guesses = {"saddle": None} | {g.name: None for g in system.saddle_guesses}
    for i, start in enumerate(sampling["starts"]):
        keys.look(guesses, start, f"sampling.starts.{i}", "`saddle` or one of the system's saddle guesses")
    config = Config(full, system_data, system, methods, variations)
    _check_braces(config, str(paths[-1]) if paths else "the configuration")
    return config
