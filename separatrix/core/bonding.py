"""What the bonds of two geometries of one molecule say: which form and break, and whether the atoms are in order."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from separatrix.core.molecule import Molecule, bonds_from_distances, closest, read_geometry
from separatrix.core.units import ANGSTROM

Bond = tuple[int, int]

#: Bonds that a reaction may form, and as many that it may break, before it is taken for another molecule.
MOST = 3

#: Elements between which a hydrogen passes along a hydrogen bond, and how long (angstrom) that is at most.
_HYDROGEN_BONDED = frozenset(("N", "O", "F", "S", "Cl"))
_HYDROGEN_BOND = 2.6


def sum_formula(symbols: Iterable[str]) -> str:
    """Sum formula in Hill's order: C, H, then the others by the alphabet; without carbon all by the alphabet."""
    counts = Counter(symbols)
    first = [s for s in ("C", "H") if s in counts] if "C" in counts else []
    order = [*first, *sorted(counts.keys() - set(first))]
    return "".join(f"{s}{counts[s] if counts[s] > 1 else ''}" for s in order)


def changes(one: Collection[Bond], other: Collection[Bond]) -> tuple[tuple[Bond, ...], tuple[Bond, ...]]:
    """Bonds that form and bonds that break from one geometry to another."""
    before, after = set(one), set(other)
    return tuple(sorted(after - before)), tuple(sorted(before - after))


def misnumbered(
    symbols: Sequence[str], one: Collection[Bond], other: Collection[Bond], positions: np.ndarray
) -> str | None:
    """What speaks for it that the atoms of the other geometry are numbered in another way; None where nothing does.

    A reaction in which more than one bond forms or breaks is held against the same with equal atoms exchanged: when
    fewer bonds change then, or none, one of the files is probably in another order. Hydrogens that pass along hydrogen
    bonds may do so by any number.

    Parameters
    ----------
    symbols
        Element symbols, the same in both.
    one, other
        Bonds of the two geometries.
    positions
        Of the first, nm, shape (n_atoms, 3).
    """
    formed, broken = changes(one, other)
    if len(formed) <= 1 and len(broken) <= 1:
        return None
    if _along_hydrogen_bonds(symbols, formed, broken, positions):
        return None
    before, after = set(one), set(other)
    swaps: list[Bond] = []
    left = len(before ^ after)
    while left:
        best = min(_exchanges(symbols, before, after), default=None)
        if best is None or best[0] >= left:
            break
        left, _, i, j = best
        after = {_renamed(bond, i, j) for bond in after}
        swaps.append((i, j))
    total = len(formed) + len(broken)
    if swaps:
        pairs = ", ".join(f"{symbols[i]}{i} and {symbols[j]}{j}" for i, j in swaps[:4])
        more = f" and {len(swaps) - 4} pairs more" if len(swaps) > 4 else ""
        bonds = f"only {left} bonds change" if left else "its bonds are the same"
        return f"{total} bonds change; with atoms {pairs}{more} exchanged {bonds}"
    if _alike(symbols, before, after):
        return f"{total} bonds change; with its atoms numbered in another way its bonds may be the same"
    if max(len(formed), len(broken)) > MOST:
        return f"{len(formed)} bonds form and {len(broken)} break: another order of the atoms, or another molecule"
    return None


def _along_hydrogen_bonds(
    symbols: Sequence[str], formed: Sequence[Bond], broken: Sequence[Bond], positions: np.ndarray
) -> bool:
    def partner(bond: Bond) -> str:
        """The heavy atom's element in a bond of a hydrogen, else nothing."""
        pair = [symbols[a] for a in bond]
        return next((s for s in pair if s != "H"), "") if "H" in pair else ""

    near = all(np.linalg.norm(positions[i] - positions[j]) < _HYDROGEN_BOND * ANGSTROM for i, j in formed)
    return near and all(partner(bond) in _HYDROGEN_BONDED for bond in (*formed, *broken))


def _exchanges(symbols: Sequence[str], before: set[Bond], after: set[Bond]) -> Iterable[tuple[int, bool, int, int]]:
    """Of each pair of equal atoms that matters: bonds that differ once they are exchanged, heaviness, they."""
    touched = sorted({a for bond in before ^ after for a in bond})
    of = {a: {b for b in after if a in b} for a in range(len(symbols))}
    differ = len(before ^ after)
    for i, j in combinations(range(len(symbols)), 2):
        if symbols[i] == symbols[j] and (i in touched or j in touched):
            old = of[i] | of[j]
            new = {_renamed(bond, i, j) for bond in old}
            # A bond of the other geometry counts 1 where the first has none there, and leaves 1 uncounted where it has.
            change = sum(1 if b not in before else -1 for b in new) - sum(1 if b not in before else -1 for b in old)
            # Of two that are as good, hydrogens are the likelier ones.
            yield differ + change, symbols[i] != "H", i, j


def _renamed(bond: Bond, i: int, j: int) -> Bond:
    a, b = ({i: j, j: i}.get(atom, atom) for atom in bond)
    return (a, b) if a < b else (b, a)


def _alike(symbols: Sequence[str], one: set[Bond], other: set[Bond]) -> bool:
    """Whether colour refinement finds no difference between two graphs, which all but proves that they are one."""
    classes = []
    for bonds in (one, other):
        neighbours: dict[int, list[int]] = {i: [] for i in range(len(symbols))}
        for i, j in bonds:
            neighbours[i].append(j)
            neighbours[j].append(i)
        colours: list[object] = list(symbols)
        for _ in symbols:
            shades = [(colours[i], sorted(str(colours[n]) for n in near)) for i, near in neighbours.items()]
            # Named by content, so that the names of the two graphs mean the same.
            colours = [hashlib.sha256(repr(shade).encode()).hexdigest() for shade in shades]
        classes.append(Counter(colours))
    return classes[0] == classes[1]


def lines(
    molecule: Molecule, formed: Sequence[Bond], broken: Sequence[Bond], geometries: Mapping[str, Path]
) -> list[str]:
    """Lines about a system: its sum formula, the bonds that form and break, and what looks like another unit."""
    charge = "" if not molecule.charge else f", charge {molecule.charge:+d}"
    texts = [f"{sum_formula(molecule.symbols)}{charge}, multiplicity {molecule.multiplicity}"]
    parts = [
        f"{word} " + ", ".join(f"{molecule.labels[i]}-{molecule.labels[j]}" for i, j in bonds)
        for word, bonds in (("form", formed), ("break", broken))
        if bonds
    ]
    if parts:
        texts.append(f"bonds that {', that '.join(parts)}")
    for name, path in geometries.items():
        symbols, positions = read_geometry(path, anywhere=True)
        if len(symbols) > 2 and not bonds_from_distances(symbols, positions):
            i, j, nearest = closest(positions / ANGSTROM)
            texts.append(
                f"{name}: no two atoms are bonded, the nearest ({symbols[i]}{i}, {symbols[j]}{j}) are {nearest:.2f} "
                f"angstrom apart: is {path} in bohr?"
            )
    return texts
