"""From a system file: its coordinates, and the basins, pulls and mechanisms that are defined by them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from separatrix.config.keys import Keys
from separatrix.core.molecule import Molecule
from separatrix.core.units import KCAL
from separatrix.cvs.kinds import KINDS, kind_names
from separatrix.cvs.specification import from_spec
from separatrix.cvs.states import Basin, Box, Interval, MechanismClass, MechanismRule
from separatrix.cvs.variable import CARTESIAN, Variable
from separatrix.dynamics.pulls import CosinePull, HarmonicPull

Coordinates = Mapping[str, Variable]

#: Renumberings of atoms that a basin may count as the same; each costs the time of a basin in every frame.
MOST_PERMUTATIONS = 120


@dataclass(frozen=True)
class SaddleGuess:
    """Where a saddle search starts: the minimum of a basin, pulled by biases."""

    name: str
    start: str
    biases: tuple[CosinePull | HarmonicPull, ...]


def in_a_field(spec: object) -> bool:
    """Whether a description of a variable is of Cartesian coordinates alone."""
    if not isinstance(spec, Mapping):
        return False
    terms = spec.get("terms")
    if isinstance(terms, Sequence) and not isinstance(terms, str) and terms:
        return all(in_a_field(term) for term in terms)
    return spec.get("kind") in CARTESIAN


def build_coordinates(
    data: Mapping[str, Any], molecule: Molecule, geometries: Mapping[str, np.ndarray], keys: Keys
) -> dict[str, Variable]:
    """The named coordinates: any collective variable, those that jump by a period too.

    Parameters
    ----------
    data
        Name -> description, as :func:`from_spec` takes it.
    molecule
        Gives the names of atoms.
    geometries
        Basin -> positions, nm, which an RMSD may be measured from.

    Raises
    ------
    ConfigError
        On a description that is wrong.
    """
    coordinates: dict[str, Variable] = {}
    index = {label: i for i, label in enumerate(molecule.labels)} | dict(molecule.names)
    for name, spec in data.items():
        if "kind" not in spec:
            raise keys.fail(f"coordinates.{name}", f"key 'kind' is missing (known: {', '.join(kind_names())})")
        kind = KINDS.get(spec["kind"]) if isinstance(spec["kind"], str) else None
        atoms = spec.get("atoms")
        # Plain lists of atoms are checked key by key, for an error that names the key.
        if kind is not None and kind.n_atoms is not None and isinstance(atoms, Sequence) and not isinstance(atoms, str):
            at = f"coordinates.{name}.atoms"
            if len(atoms) != kind.n_atoms:
                raise keys.fail(at, f"{kind.name} needs {kind.n_atoms} atoms, {len(atoms)} are given")
            indices = [keys.look(index, atom, at, "a named atom") for atom in atoms]
            if len(set(indices)) != kind.n_atoms:
                raise keys.fail(at, f"an atom is given twice; give {kind.n_atoms} different ones")
        if "name" in spec:
            raise keys.fail(f"coordinates.{name}.name", "a coordinate is called by its key; leave this one out")
        try:
            coordinates[name] = from_spec(
                {**spec, "name": name}, index, references=geometries, symbols=molecule.symbols, periodic=True
            )
        except ValueError as error:
            raise keys.fail(f"coordinates.{name}", str(error).removeprefix(f"variable {name!r}: ")) from error
    return coordinates


def _build_box(items: Sequence[Mapping[str, Any]], at: str, coordinates: Coordinates, keys: Keys) -> Box:
    intervals = []
    for i, item in enumerate(items):
        here = f"{at}.{i}"
        coordinate = keys.look(coordinates, item["coordinate"], f"{here}.coordinate", "a coordinate")
        key = keys.in_unit(item, here, coordinate, "range", ("range_deg", "range_A", "range"))
        intervals.append(Interval(coordinate, *_bounds(item[key], coordinate, f"{here}.{key}", keys)))
    return tuple(intervals)


def _bounds(pair: Sequence[float], coordinate: Variable, at: str, keys: Keys) -> tuple[float, float]:
    low, high = pair
    if coordinate.period is not None and not (abs(low) <= 1e4 and abs(high) <= 1e4):
        raise keys.fail(at, f"a {coordinate.kind} runs in a circle; give two finite angles in degrees")
    if low >= high:
        remedy = "give the lower one first"
        if coordinate.period is not None and low > high:
            turned = high + coordinate.period * math.ceil((low - high) / coordinate.period)
            remedy = (
                f"a {coordinate.kind} runs upwards from the first: give [{low:g}, {turned:g}] to go round by way of "
            )
            remedy += f"{0.5 * (low + turned):g}, or the lower one first"
        raise keys.fail(at, f"the lower bound {low:g} is not below the upper bound {high:g}; {remedy}")
    return float(low), float(high)


def build_basin(name: str, data: Mapping[str, Any], coordinates: Coordinates, molecule: Molecule, keys: Keys) -> Basin:
    """A basin.

    Raises
    ------
    ConfigError
        On an unknown coordinate or atom, a key in the wrong unit, no bound at all, or a renumbering of unlike atoms.
    """
    at = f"basins.{name}"
    within = _build_box(data.get("within", ()), f"{at}.within", coordinates, keys)
    boxes = tuple(
        _build_box(box["within"], f"{at}.any.{i}.within", coordinates, keys)
        for i, box in enumerate(data.get("any", ()))
    )
    if not within and not boxes:
        raise keys.fail(at, "nothing bounds it; give intervals that all hold in within, or several boxes in any")
    cycles = data.get("equivalent", ())
    return Basin(name, within, boxes, _permutations(cycles, f"{at}.equivalent", molecule, keys))


def _permutations(
    generators: Sequence[Sequence[Sequence[str]]], at: str, molecule: Molecule, keys: Keys
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """All renumberings but the identity that follow from some, each given as cycles of atoms."""
    index = {label: i for i, label in enumerate(molecule.labels)} | dict(molecule.names)
    basic: list[dict[int, int]] = []
    for n, cycles in enumerate(generators):
        images: dict[int, int] = {}
        for m, cycle in enumerate(cycles):
            here = f"{at}.{n}.{m}"
            atoms = [keys.look(index, atom, here, "a named atom") for atom in cycle]
            if len(set(atoms)) != len(atoms) or images.keys() & set(atoms):
                raise keys.fail(here, "an atom is given twice; an atom changes places once in a renumbering")
            if len({molecule.symbols[atom] for atom in atoms}) > 1:
                raise keys.fail(here, f"{', '.join(cycle)} are not of one element; give atoms that are alike")
            images |= dict(zip(atoms, (*atoms[1:], atoms[0]), strict=True))
        basic.append(images)
    group: dict[tuple[tuple[int, int], ...], None] = {(): None}
    waiting: list[tuple[tuple[int, int], ...]] = [()]
    while waiting:
        before = dict(waiting.pop())
        for images in basic:
            after = {atom: images.get(before.get(atom, atom), before.get(atom, atom)) for atom in {*before, *images}}
            moved = tuple(sorted((atom, image) for atom, image in after.items() if atom != image))
            if moved not in group:
                group[moved] = None
                waiting.append(moved)
        if len(group) > MOST_PERMUTATIONS:
            raise keys.fail(
                at,
                f"more than {MOST_PERMUTATIONS} renumberings follow, and each is looked at in every frame; "
                "bound a coordinate that does not tell these atoms apart, such as a coordination number",
            )
    return tuple(moved for moved in group if moved)


def build_guess(
    i: int, data: Mapping[str, Any], coordinates: Coordinates, basins: Mapping[str, Basin], keys: Keys
) -> SaddleGuess:
    """A saddle guess.

    Raises
    ------
    ConfigError
        On an unknown basin or coordinate, or a key in the wrong unit.
    """
    keys.look(basins, data["start"], f"saddle_guesses.{i}.start", "a basin")
    biases: list[CosinePull | HarmonicPull] = []
    for j, pull in enumerate(data["pull"]):
        at = f"saddle_guesses.{i}.pull.{j}"
        coordinate = keys.look(coordinates, pull["coordinate"], f"{at}.coordinate", "a coordinate")
        target = float(pull[keys.in_unit(pull, at, coordinate, "target", ("target_deg", "target_A", "target"))])
        strengths = ("strength_kcal_mol", "strength_kcal_mol_A2", "strength_kcal_mol")
        strength = pull[keys.in_unit(pull, at, coordinate, "strength", strengths)] * KCAL
        kind = CosinePull if coordinate.unit == "degree" else HarmonicPull
        biases.append(kind(coordinate, target, strength))
    return SaddleGuess(data["name"], data["start"], tuple(biases))


def build_mechanism(data: Mapping[str, Any] | None, coordinates: Coordinates, keys: Keys) -> MechanismRule:
    """The mechanism rule.

    Raises
    ------
    ConfigError
        On an unknown coordinate, a key in the wrong unit, or a name that is given twice.
    """
    if data is None:
        return MechanismRule()
    item, at = data["crossing"], "mechanism.crossing"
    crossing = keys.look(coordinates, item["coordinate"], f"{at}.coordinate", "a coordinate")
    boundary: float | tuple[float, float]
    ways = tuple(item.get("ways", ()))
    if "between_deg" in item:
        if crossing.period is None:
            raise keys.fail(f"{at}.between_deg", f"{crossing.name} does not run in a circle; give one value, as at_...")
        if "at_deg" in item:
            raise keys.fail(at, "give at_deg, a value without its sign, or between_deg, two with their signs; not both")
        boundary = _bounds(item["between_deg"], crossing, f"{at}.between_deg", keys)
        if boundary[1] - boundary[0] >= crossing.period:
            raise keys.fail(f"{at}.between_deg", "goes all the way round; give two different angles")
    else:
        key = keys.in_unit(item, at, crossing, "value at the crossing", ("at_deg", "at_A", "at"))
        boundary = float(item[key])
        if crossing.period is not None and not 0.0 < boundary < 0.5 * crossing.period:
            half = 0.5 * crossing.period
            raise keys.fail(f"{at}.{key}", f"{boundary:g} is no absolute value of {crossing.name}; give 0 to {half:g}")
    if ways and crossing.period is None:
        raise keys.fail(f"{at}.ways", f"{crossing.name} does not run in a circle, so that there is one way only")
    classes = []
    for i, entry in enumerate(data["classes"]):
        here = f"mechanism.classes.{i}"
        coordinate = keys.look(coordinates, entry["coordinate"], f"{here}.coordinate", "a coordinate")
        within = [key for key in ("within_deg", "within_A", "within") if key in entry]
        if within:
            key = keys.in_unit(entry, here, coordinate, "bounds", ("within_deg", "within_A", "within"))
            low, high = _bounds(entry[key], coordinate, f"{here}.{key}", keys)
            if any(above in entry for above in ("above_deg", "above_A", "above")):
                raise keys.fail(here, f"give a lower bound alone, or both bounds in {key}")
            classes.append(MechanismClass(entry["name"], coordinate, low, high, signed=True))
        else:
            key = keys.in_unit(entry, here, coordinate, "bound", ("above_deg", "above_A", "above"))
            classes.append(MechanismClass(entry["name"], coordinate, float(entry[key])))
    rule = MechanismRule(crossing, boundary, tuple(classes), data["otherwise"], ways)
    if len(set(rule.names)) != len(rule.names):
        repeated = next(name for n, name in enumerate(rule.names) if name in rule.names[:n])
        raise keys.fail("mechanism", f"two mechanisms are called {repeated!r}; give each a name of its own")
    return rule


def check_crossing(rule: MechanismRule, ends: Sequence[tuple[Basin, np.ndarray]], keys: Keys) -> None:
    """Refuse a crossing that does not part the basins of the reaction: their geometries, and all that lies in them.

    A geometry of a basin counts in all numberings that are the same to the basin.

    Raises
    ------
    ConfigError
        Where that is so.
    """
    coordinate = rule.crossing
    if coordinate is None:
        return
    single = not isinstance(rule.boundary, tuple)
    unsigned = " (a dihedral counts without its sign; give between_deg where it should not)"
    unsigned = unsigned if single and coordinate.period is not None else ""
    at = f"{rule.boundary:g}" if single else " and ".join(f"{value:g}" for value in rule.boundaries)
    for basin, _ in ends:
        for box in basin.alternatives:
            held = [interval for interval in box if interval.coordinate == coordinate]
            for value in rule.boundaries:
                if held and all(interval.contains(value) for interval in held):
                    interval, passed = held[0], at if single else f"{value:g}"
                    raise keys.fail(
                        "mechanism.crossing",
                        f"{coordinate.name} of {passed} lies in basin {basin.name}, which goes from "
                        f"{interval.low:g} to {interval.high:g}{unsigned}; give a value outside both basins",
                    )
    for basin, x in ends:
        if np.isnan(rule.side(x)):
            place = f"{coordinate.name} is undefined at the geometry of {basin.name}, where its atoms lie in a line"
            raise keys.fail("mechanism.crossing", f"{place} or on each other; cross another coordinate")
    for basin, x in ends:
        for images in basin.permutations:
            order = np.arange(len(x))
            order[[atom for atom, _ in images]] = [image for _, image in images]
            if not rule.side(x[order]) * rule.side(x) > 0.0:
                raise keys.fail(
                    "mechanism.crossing",
                    f"{coordinate.name} tells atoms apart that are equivalent in basin {basin.name}: with some of them "
                    "renumbered its geometry is not on the same side; cross a coordinate that does not change then",
                )
    sides = {rule.side(x) > 0 for _, x in ends}
    if len(sides) == 1:
        places = " and ".join(f"{basin.name} ({coordinate.value(x):.4g})" for basin, x in ends)
        message = f"{places} lie on the same side of {at} in {coordinate.name}{unsigned}; give a value between"
        raise keys.fail("mechanism.crossing", f"{message} them, or cross another coordinate")
