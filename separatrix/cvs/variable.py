"""A collective variable: a named function of the geometry."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.cvs.kinds import COMPOUNDS, KINDS, problem_with
from separatrix.cvs.kinds.kind import Compound, Options, Scalar


@dataclass(frozen=True)
class Variable:
    """A collective variable: a named function of the geometry. Hashable, and cheap to make.

    Attributes
    ----------
    name
        What it is called in tables and files.
    kind
        A word of `KINDS` or `COMPOUNDS`.
    atoms
        Atom indices (from 0), in the order of the table in :mod:`separatrix.cvs.kinds`; those of a ``coordination`` are
        the pairs one after another. Of a kind in `KINDS` only.
    terms
        (weight, Variable) pairs, of a kind in `COMPOUNDS` only. The terms may be compounds of plain kinds, no deeper.
    options
        What else a kind needs, as a mapping or as its items: ``r0_A``, ``n``, ``m`` of a ``coordination``;
        ``reference_nm`` of an ``rmsd``; ``function``, ``arguments``, ``part``, ``step_fs`` of an ``mdtraj``.

    Raises
    ------
    ValueError
        In one line, where that is not so.
    """

    name: str
    kind: str
    atoms: tuple[int, ...] = ()
    terms: tuple[tuple[float, Variable], ...] = ()
    options: Options = ()

    def __post_init__(self) -> None:
        try:
            self._normalise()
        except ValueError as error:
            raise ValueError(f"variable {self.name!r}: {error}") from None

    def _normalise(self) -> None:
        """Turn the fields into plain tuples of plain numbers; ValueError in a line that starts with the key."""
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError("name: must be a word, not empty")
        problem = problem_with(self.kind)
        if problem is not None:
            raise ValueError(problem)
        if self.kind in COMPOUNDS:
            self._normalise_terms(COMPOUNDS[self.kind])
            return
        if self.terms:
            raise ValueError(f"terms: only {', '.join(COMPOUNDS)} have them, not {self.kind!r}")
        try:
            object.__setattr__(self, "atoms", tuple(operator.index(atom) for atom in self.atoms))
        except TypeError:
            raise ValueError(f"atoms: must be indices (whole numbers from 0), not {self.atoms!r}") from None
        if any(atom < 0 for atom in self.atoms):
            raise ValueError(f"atoms: must be indices from 0, not {min(self.atoms)}")
        form, options = KINDS[self.kind].form, dict(self.options)
        checked = form.check(KINDS[self.kind], self.atoms, options)
        for key in options:
            if key not in checked:
                raise ValueError(f"{key}: is not an option of a {self.kind!r}")
        object.__setattr__(self, "options", tuple(checked.items()))

    def _normalise_terms(self, compound: Compound) -> None:
        if self.atoms or self.options:
            raise ValueError(f"atoms: a {self.kind!r} takes 'terms', not atoms of its own")
        try:
            object.__setattr__(self, "terms", tuple((float(w), term) for w, term in self.terms))
        except (TypeError, ValueError):
            raise ValueError(f"terms: must be (weight, Variable) pairs, not {self.terms!r}") from None
        if not all(isinstance(term, Variable) for _, term in self.terms):
            raise ValueError(f"terms: must be (weight, Variable) pairs, not {self.terms!r}")
        if len(self.terms) < compound.at_least:
            number = "one" if compound.at_least == 1 else "two"
            raise ValueError(f"terms: a {self.kind!r} takes {number} or more, not {len(self.terms)}")
        for n, (weight, term) in enumerate(self.terms):
            if not math.isfinite(weight) or weight == 0.0:
                raise ValueError(f"terms[{n}].weight: must be a finite number other than 0, not {weight}")
            if not compound.weighted and weight != 1.0:
                raise ValueError(f"terms[{n}].weight: a {self.kind!r} takes none; weigh it in a 'linear_combination'")
            if term.period is not None:
                raise ValueError(f"terms[{n}]: a {term.kind!r} jumps by its period; use its cosine or sine")
            if any(inner.terms for _, inner in term.terms):
                raise ValueError(f"terms[{n}]: its terms have terms again; write it with one level less")
        compound.unit([term.unit for _, term in self.terms])

    @property
    def unit(self) -> str:
        """Unit of the value, such as ``angstrom``, ``degree``, ``1``, ``angstrom*degree``; a rate is per ps of it."""
        if self.terms:
            return COMPOUNDS[self.kind].unit([term.unit for _, term in self.terms])
        unit = KINDS[self.kind].unit
        return unit if isinstance(unit, str) else unit(dict(self.options))

    @property
    def period(self) -> float | None:
        """Period of the value, in its unit; None where it does not jump."""
        return None if self.terms else KINDS[self.kind].period

    @cached_property
    def value(self) -> Scalar:
        """The value in one frame, as a function of positions (N, 3) in nm; a number everywhere, as for pictures."""
        return self._in_one_frame("value")

    @cached_property
    def deciding(self) -> Scalar:
        """The value in one frame as far as it means something, NaN where it does not: for whatever decides by it.

        An angle with coincident atoms means nothing, nor does a dihedral with an angle within `STRAIGHT` degrees of a
        straight line.
        """
        return self._in_one_frame("deciding")

    def _in_one_frame(self, which: str) -> Scalar:
        if self.terms:
            weights = [weight for weight, _ in self.terms]
            return COMPOUNDS[self.kind].scalar(weights, [getattr(term, which) for _, term in self.terms])
        kind = KINDS[self.kind]
        compile_ = kind.value_of if which == "value" else kind.deciding_value_of
        return compile_(self.atoms, dict(self.options))

    def unsigned(self, positions: NDArray[np.floating]) -> float:
        """The value in one frame, but of a periodic one the absolute value: mirror images are the same crossing."""
        return self.value(positions) if self.period is None else abs(self.value(positions))

    @cached_property
    def function(self) -> tuple[Any, ...]:
        """What it is a function of, without its name: equal for two variables that have one value everywhere."""
        if not self.terms:
            return self.kind, KINDS[self.kind].canonical(self.atoms), self.options
        kind = "sum" if COMPOUNDS[self.kind].weighted else self.kind
        return kind, tuple(sorted(((term.function, weight) for weight, term in self.terms), key=repr))

    def permuted(self, images: Mapping[int, int]) -> Variable:
        """The same variable of other atoms.

        Parameters
        ----------
        images
            Index of an atom -> index of the atom in its place; atoms that are not in it stay.
        """
        if self.terms:
            return replace(self, terms=tuple((weight, term.permuted(images)) for weight, term in self.terms))
        return replace(self, atoms=tuple(images.get(atom, atom) for atom in self.atoms))

    @property
    def leaves(self) -> Iterator[Variable]:
        """The variables of kinds in `KINDS` that it is made of: its terms, or itself."""
        if not self.terms:
            yield self
        for _, term in self.terms:
            yield from term.leaves


#: Kinds that change when a molecule as a whole is shifted or turned.
CARTESIAN = ("x", "y", "z")


def not_expressible(variables: Iterable[Variable]) -> tuple[Variable, str] | None:
    """The first variable that OpenMM and PLUMED cannot express, and the kind that is why; None where there is none."""
    for variable in variables:
        for leaf in variable.leaves:
            if KINDS[leaf.kind].export is None:
                return variable, leaf.kind
    return None
