"""Candidate variables from bond graphs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from itertools import product as pairs_of
from typing import Any

from separatrix.cvs.kinds import default_name
from separatrix.cvs.specification import from_spec
from separatrix.cvs.variable import Variable


def enumerate_around(
    bonds: Sequence[tuple[int, int]],
    symbols: Sequence[str],
    centre_atoms: Sequence[int],
    n_bonds: int = 2,
    hydrogens: bool = False,
    names: Sequence[str] | None = None,
    *,
    one_three: bool = False,
    impropers: bool = False,
) -> list[Variable]:
    """Every distance, angle and dihedral near some atoms, from the bond graph.

    Taken are the internal coordinates all of whose atoms lie within `n_bonds` bonds of a centre atom: the
    distances of bonded pairs (with `one_three` also those of pairs bonded to a common atom), the angles i-j-k
    of two bonds, and the dihedrals i-j-k-l of three, each dihedral as its cosine and its sine; with `impropers`
    also the displacement of each atom of exactly three bonds out of the plane of its neighbours. Each coordinate
    occurs once (i-j is j-i, i-j-k-l is l-k-j-i, an improper is its centre and its neighbours in any order), written
    from the end with the lower index.

    `bonds`: pairs of atom indices, in any order and direction. `symbols`: one element symbol per atom.
    `hydrogens`: whether hydrogens take part (a centre atom always does). `names`: one name per atom, by
    default symbol and index (``N9``).

    The order is fixed by the graph alone: distances of bonds, 1-3 distances, angles, dihedrals (cosine, then
    sine), impropers, each sorted by atom indices. Names read ``distance(N9,N10)``, ``angle(N9,N10,C11)``,
    ``cos(C6,N9,N10,C11)``, ``sin(C6,N9,N10,C11)``, ``improper(C11,N10,C12,C16)`` (the centre first). Near an exactly
    linear angle every one has a finite value and rate (see the module).

    Raises ValueError for a negative `n_bonds`, no centre atom, an index that is not an atom, an atom bonded
    to itself, and names that are too few, too many, or not distinct.
    """
    n_atoms = len(symbols)
    labels = [f"{symbol}{n}" for n, symbol in enumerate(symbols)] if names is None else list(names)
    if len(labels) != n_atoms:
        raise ValueError(f"names: {len(labels)} for {n_atoms} atoms; give one for each")
    if len(set(labels)) != n_atoms:
        twice = next(label for n, label in enumerate(labels) if label in labels[:n])
        raise ValueError(f"names: {twice!r} names more than one atom; give each its own")
    if n_bonds < 0:
        raise ValueError(f"n_bonds: must be 0 or more, not {n_bonds}")
    if len(centre_atoms) == 0:
        raise ValueError("centre_atoms: give at least one")
    bond_ends = [atom for pair in bonds for atom in pair]
    for what, atoms in (("centre_atoms", centre_atoms), ("bonds", bond_ends)):
        for atom in atoms:
            if not 0 <= atom < n_atoms:
                raise ValueError(f"{what}: {atom} is not an atom; there are {n_atoms}, counted from 0")
    neighbours: list[set[int]] = [set() for _ in range(n_atoms)]
    for i, j in bonds:
        if i == j:
            raise ValueError(f"bonds: atom {i} is bonded to itself")
        neighbours[i].add(int(j))
        neighbours[j].add(int(i))

    centre = {int(atom) for atom in centre_atoms}
    near, shell = set(centre), set(centre)
    for _ in range(n_bonds):
        shell = {other for atom in shell for other in neighbours[atom]} - near
        near |= shell
    if not hydrogens:
        near = {atom for atom in near if symbols[atom] not in ("H", "D", "T") or atom in centre}
    bonded = {atom: sorted(neighbours[atom] & near) for atom in near}

    pairs = [(i, j) for i in sorted(near) for j in bonded[i] if i < j]
    angles = sorted((i, j, k) for j in near for i, k in combinations(bonded[j], 2))
    # A pair with a bond of its own (a three-membered ring) or with two common neighbours (a four-membered
    # one) is one distance all the same.
    across = sorted({(i, k) for i, _, k in angles} - set(pairs))
    # l != i leaves out three-membered rings, where i-j-k-i is no dihedral.
    torsions = sorted(
        min((i, j, k, l), (l, k, j, i))
        for j, k in pairs
        for i in bonded[j]
        for l in bonded[k]  # noqa: E741
        if i != k and l not in (i, j)
    )
    # The number of bonds is that in the molecule: an atom of four has no plane of neighbours, whichever take part.
    trigonal = [(i, *bonded[i]) for i in sorted(near) if len(neighbours[i]) == len(bonded[i]) == 3]
    wanted: list[tuple[str, tuple[int, ...]]] = [("distance", pair) for pair in pairs]
    wanted += [("distance", pair) for pair in across if one_three]
    wanted += [("angle", triple) for triple in angles]
    wanted += [(kind, four) for four in torsions for kind in ("cos_dihedral", "sin_dihedral")]
    wanted += [("improper", four) for four in trigonal if impropers]
    return [Variable(default_name(kind, ",".join(labels[a] for a in atoms)), kind, atoms) for kind, atoms in wanted]


def of_changed_bonds(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], names: Sequence[str]
) -> list[Variable]:
    """What a reaction changes most: the distances of the bonds that it breaks and forms, and their differences.

    Parameters
    ----------
    before, after
        Bonds of reactant and product, each the lower index first.
    names
        One name per atom, all distinct.

    Returns
    -------
    Distances, named as by :func:`enumerate_around`. Of a broken and a formed bond with an atom in common, or where
    there is one of each, also broken less formed, which goes from negative to positive in a transfer or substitution.
    """
    broken, formed = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    index = {name: i for i, name in enumerate(names)}

    def distance_between(pair: tuple[int, int]) -> dict[str, Any]:
        return {"kind": "distance", "atoms": [names[i] for i in pair]}

    variables = [from_spec(distance_between(pair), index) for pair in sorted({*broken, *formed})]
    for one, other in pairs_of(broken, formed):
        if set(one) & set(other) or len(broken) == len(formed) == 1:
            terms = [distance_between(one), distance_between(other) | {"weight": -1}]
            variables.append(from_spec({"kind": "difference", "terms": terms}, index))
    return variables
