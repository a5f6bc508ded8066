"""What an entry of the registry of collective variables holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from separatrix.core.text import is_file, near
from separatrix.cvs.scalars import angle_of
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    DEGREE_PER_RADIAN,
    Array,
)

#: Factors from nm and radian to our units, as Lepton (OpenMM, PLUMED) writes them.
ANGSTROM_FACTOR, DEGREE_FACTOR = repr(ANGSTROM_PER_NM), repr(DEGREE_PER_RADIAN)

Kernel = Callable[..., tuple[Array, Array | None]]
"""kernel(points, motion) -> (value, rate).

`points`: positions of the kind's atoms, shape (atoms, 3, ...), nm. `motion`: their velocities, same shape,
nm/ps, or None, and then the rate is None. Value and rate have the shape (...). The rate is linear in the
velocities. A kind with options takes them as keyword arguments.

Kinds that are functions of one thing (cosine and sine of a dihedral) share a kernel that gives that thing, and each
has a last step of its own, `Kind.finish`; `evaluate` then works the thing out once for all of them.
"""

Scalar = Callable[[NDArray[np.floating]], float]
"""Value of a variable in one frame, an array (N, 3) in nm. Plain floats where speed matters: it runs in every frame of
molecular dynamics (is the molecule in a basin yet?)."""

Options = tuple[tuple[str, Any], ...]


class Lookup:
    """What the atoms and the reference geometries in a description refer to.

    `atom_index`: the index of each name of an atom; None where a description gives indices.
    """

    def __init__(
        self,
        atom_index: Mapping[str, int] | None,
        references: Mapping[str, ArrayLike] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        self.atom_index = atom_index
        self.references = references or {}
        self.symbols = symbols

    def atoms(self, items: object, key: str) -> list[int]:
        """Indices of the atoms in a list; ValueError in one line that starts with the key."""
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise ValueError(f"{key}: must be a list, not {items!r}")
        return [self._atom(atom, f"{key}[{n}]") for n, atom in enumerate(items)]

    def _atom(self, atom: object, key: str) -> int:
        if self.atom_index is None:
            if isinstance(atom, bool) or not isinstance(atom, int) or atom < 0:
                raise ValueError(f"{key}: {atom!r} is not the index of an atom (a whole number from 0)")
            return atom
        if not isinstance(atom, str) or atom not in self.atom_index:
            raise ValueError(f"{key}: {atom!r} is not the name of an atom{did_you_mean(atom, self.atom_index)}")
        return self.atom_index[atom]

    def all_atoms(self) -> list[int]:
        """All atoms, which is what a kind of any number of atoms takes when none are given."""
        if self.atom_index is None:
            raise ValueError("atoms: is missing")
        return sorted(set(self.atom_index.values()))

    def reference(self, name: object) -> Array:
        """Positions (N, 3) in nm of a named geometry or of a geometry file."""
        if not isinstance(name, str):
            raise ValueError(f"reference: must be the name of a basin or the path of a geometry file, not {name!r}")
        if name in self.references:
            return np.asarray(self.references[name], dtype=np.float64)
        if not is_file(name):
            choices = f" (basins: {', '.join(self.references)})" if self.references else ""
            raise ValueError(f"reference: {name!r} is neither a basin{choices} nor a file")
        from separatrix.core.errors import ConfigError
        from separatrix.core.molecule import read_geometry  # which loads OpenMM

        try:
            symbols, positions = read_geometry(name)
        except ConfigError as error:
            raise ValueError(f"reference: {error}") from error
        if self.symbols is not None and tuple(symbols) != tuple(self.symbols):
            raise ValueError(f"reference: the atoms of {name} are not those of the system, in the same order")
        return positions


class Form(NamedTuple):
    """How the description of a kind is read, checked and written.

    Attributes
    ----------
    keys
        Its keys, besides ``name`` and ``kind``.
    read
        (kind, description, lookup) -> atoms, options, and what the default name has in brackets.
    check
        (kind, atoms, options) -> options, checked and with their defaults; ValueError in one line that starts with
        the key.
    write
        (atoms, options, atom -> what to write for it) -> the description.
    """

    keys: tuple[str, ...]
    read: Callable[[Kind, Mapping[str, Any], Lookup], tuple[list[int], dict[str, Any], str]]
    check: Callable[[Kind, tuple[int, ...], dict[str, Any]], dict[str, Any]]
    write: Callable[[tuple[int, ...], dict[str, Any], Callable[[int], Any]], dict[str, Any]]


def positive_number(options: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = options.get(key, default)
    if value is None:
        raise ValueError(f"{key}: is missing; give a number above 0")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{key}: must be a number above 0, not {value!r}")
    return float(value)


def check_distinct(atoms: Sequence[object]) -> None:
    repeated = [atom for n, atom in enumerate(atoms) if atom in atoms[:n]]
    if repeated:
        raise ValueError(f"atoms: {repeated[0]!r} is given more than once")


def check_count(kind: str, n_atoms: int, given: int) -> None:
    if given != n_atoms:
        raise ValueError(f"atoms: {kind!r} takes {n_atoms} atoms, not {given}")


def did_you_mean(name: object, choices: Collection[str]) -> str:
    """`; did you mean 'x'? The known ones are ...`, the first half only where something is close."""
    return f"{near(str(name), choices) or '.'} Known: {', '.join(sorted(choices))}"


def read_atoms(kind: Kind, spec: Mapping[str, Any], lookup: Lookup) -> tuple[list[int], dict[str, Any], str]:
    atoms = lookup.atoms(spec.get("atoms"), "atoms")
    check_count(kind.name, kind.n_atoms or 0, len(atoms))
    check_distinct(spec["atoms"])
    return atoms, {}, ",".join(str(atom) for atom in spec["atoms"])


def check_atoms(kind: Kind, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    check_count(kind.name, kind.n_atoms or 0, len(atoms))
    check_distinct(atoms)
    return {}


def write_atoms(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    return {"atoms": [label(atom) for atom in atoms]}


ATOMS = Form(("atoms",), read_atoms, check_atoms, write_atoms)


def as_it_is(result: Any) -> tuple[Array, Array | None]:
    return result


def as_written(atoms: tuple[int, ...]) -> tuple[int, ...]:
    return atoms


def either_way(atoms: tuple[int, ...]) -> tuple[int, ...]:
    """The lesser of an order of atoms and its reverse."""
    return min(atoms, atoms[::-1])


class Recipe(NamedTuple):
    """A kind in terms of what both OpenMM and PLUMED know: smooth wherever the kind is, through linear angles too.

    Lengths are nm and angles radian in both programs; the factors to angstrom and degree are in the expressions.

    Attributes
    ----------
    value
        Expression in Lepton's syntax. Without vectors, of ``q``: the distance of two atoms (nm), the angle of three or
        the torsion of four (radian), or a Cartesian coordinate (nm), by `measure`.
    measure
        ``distance``, ``angle``, ``torsion``, ``x``, ``y`` or ``z``.
    vectors
        Name -> the places, among the atoms, of its start and end; component x of vector f is ``fx``, nm.
    steps
        Name -> expression: what `value` is built from, each of earlier ones.
    """

    value: str
    measure: str = ""
    vectors: Mapping[str, tuple[int, int]] = {}
    steps: Mapping[str, str] = {}


class Action(NamedTuple):
    """A kind that OpenMM and PLUMED have as a function of their own.

    Attributes
    ----------
    plumed
        (atoms, options, name of the reference file) -> the action, without a label. Atoms count from 0 here, from 1
        in the action.
    openmm
        (atoms, options, number of particles) -> a force whose energy is the value.
    factor
        From the programs' unit to ours, as text; empty where they are the same.
    reference
        options -> positions (nm) of the atoms in the reference file, for an action that reads one.
    """

    plumed: Callable[[tuple[int, ...], Mapping[str, Any], str], str]
    openmm: Callable[[tuple[int, ...], Mapping[str, Any], int], Any]
    factor: str = ""
    reference: Callable[[Mapping[str, Any]], Array] | None = None


def cross_product(name: str, u: str, w: str) -> dict[str, str]:
    """Steps of a recipe: the components of u x w."""
    return {
        f"{name}x": f"{u}y*{w}z-{u}z*{w}y",
        f"{name}y": f"{u}z*{w}x-{u}x*{w}z",
        f"{name}z": f"{u}x*{w}y-{u}y*{w}x",
    }


def dot_product(u: str, w: str) -> str:
    """Expression of u . w in a recipe."""
    return f"({u}x*{w}x+{u}y*{w}y+{u}z*{w}z)"


Compiler = Callable[[tuple[int, ...], Mapping[str, Any]], Scalar]
"""(atoms, options) -> value in one frame."""


@dataclass(frozen=True)
class VariableEntry:
    """An entry of the registry of collective variables: a `Kind` or a `Compound`, and how the documentation shows it.

    Attributes
    ----------
    name
        The word that is written in the config.
    takes
        What it is given, in Markdown; by default the number of its atoms.
    shown_unit
        Its unit, where that is no fixed one.
    guide
        What it is, in Markdown; by default its meaning.
    """

    name: str
    takes: str = field(default="", kw_only=True)
    shown_unit: str = field(default="", kw_only=True)
    guide: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Kind(VariableEntry):
    """A kind of collective variable that is a function of atoms: one entry has all there is to know of it.

    Attributes
    ----------
    n_atoms
        Its number of atoms; None for any.
    unit
        Of its value, or how it follows from the options.
    kernel
        See `Kernel`.
    label
        The word in its default names.
    meaning
        In words; ``{0}`` stands for the first atom, ``{atoms}`` for all, ``{r0_A}`` for an option.
    finish
        What makes value and rate of the kernel's result.
    form
        How its description is read.
    period
        Of its value, which then is in degrees; None where it does not jump. A reaction coordinate is linear in its
        variables and takes none that jump; states, crossings and pulls do.
    canonical
        One order of the atoms for all that give the same value, so that a variable is known again in another.
    scalar
        Value in one frame; by default that of the kernel.
    deciding
        As `scalar`, but NaN where the geometry gives the value no meaning: what decides something asks this. By
        default `scalar`.
    export
        How OpenMM and PLUMED write it; None where they cannot.
    """

    n_atoms: int | None
    unit: str | Callable[[Mapping[str, Any]], str]
    kernel: Callable[..., Any]
    label: str
    meaning: str
    finish: Callable[[Any], tuple[Array, Array | None]] = as_it_is
    form: Form = ATOMS
    period: float | None = None
    canonical: Callable[[tuple[int, ...]], tuple[int, ...]] = as_written
    scalar: Compiler | None = None
    deciding: Compiler | None = None
    export: Recipe | Action | None = None

    def __post_init__(self) -> None:
        if self.period is not None and self.unit != "degree":
            raise ValueError(f"kind {self.name!r}: period: a value that runs in a circle is in 'degree'")

    def value_of(self, atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        """Value in one frame as a function of the positions."""
        if self.scalar is not None:
            return self.scalar(atoms, options)
        return self.kernel_value_of(atoms, options)

    def kernel_value_of(self, atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        """Value in one frame by the kernel: for few atoms NumPy's calls cost more than their arithmetic."""
        kernel, finish, picked = self.kernel, self.finish, list(atoms)

        def value(x: NDArray[np.floating]) -> float:
            points = np.asarray(x[picked], dtype=np.float64)[..., None]
            return float(finish(kernel(points, None, **options))[0][0])

        return value

    def deciding_value_of(self, atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        """Value in one frame, NaN where it has no meaning."""
        return self.value_of(atoms, options) if self.deciding is None else self.deciding(atoms, options)


def function_of_degrees(function: Callable[[float], float], degrees: Compiler) -> Compiler:
    """A function of an angle (radian), as a `deciding` made of that of the angle in degrees."""

    def compiler(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        value = degrees(atoms, options)
        return lambda x: function(math.radians(value(x)))

    return compiler


#: Angles this near to 0 or 180 degrees leave a dihedral undefined: atoms written to 0.001 angstrom, as in a PDB file,
#: turn a dihedral at such an angle by 3 degrees, and at exactly 180 degrees by anything.
STRAIGHT = 1.0


def unlike_a_line(kind: Kind, place: tuple[int, int, int]) -> Kind:
    """The kind with a `deciding` that is NaN where three of its atoms, given by their places, lie in a line."""

    def deciding(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
        value = kind.value_of(atoms, options)
        i, j, k = (atoms[n] for n in place)
        return lambda x: value(x) if STRAIGHT < angle_of(x, i, j, k) < 180.0 - STRAIGHT else math.nan

    return replace(kind, deciding=deciding)


@dataclass(frozen=True)
class Compound(VariableEntry):
    """A kind that is composed of other variables.

    Attributes
    ----------
    combine
        (weights, values, rates) -> value and rate.
    unit
        How its unit follows from theirs.
    at_least
        How many terms it takes at least.
    weighted
        Whether the terms have weights; the value then is the sum of weight times term.
    scalar
        (weights, values of the terms in one frame as functions) -> value in one frame as a function.
    expression
        (weights, labels of the terms) -> the value in Lepton's syntax.
    """

    combine: Callable[[Sequence[float], Sequence[Array], Sequence[Array] | None], tuple[Array, Array | None]]
    unit: Callable[[Sequence[str]], str]
    at_least: int
    weighted: bool
    scalar: Callable[[Sequence[float], Sequence[Scalar]], Scalar]
    expression: Callable[[Sequence[float], Sequence[str]], str]
