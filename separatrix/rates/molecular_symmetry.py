"""Symmetry numbers and chirality of geometries, and how many images of a saddle there are."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from separatrix.core.molecule import superposed
from separatrix.dynamics.motion import is_linear
from separatrix.dynamics.stationary import StationaryPoint

FloatArray = NDArray[np.float64]

#: kJ/mol; searches stop at a largest force, so that two of one point differ in energy by less than this.
SAME_ENERGY = 0.2


def principal_moments(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Principal moments of inertia, dalton nm^2, ascending, shape (3,)."""
    x = positions - np.average(positions, axis=0, weights=masses)
    tensor = np.einsum("i,ij,ik->jk", masses, x, x)
    return np.linalg.eigvalsh(np.trace(tensor) * np.eye(3) - tensor)


@dataclass(frozen=True)
class MolecularSymmetry:
    """Ways in which a geometry falls on itself, equal atoms exchanged.

    Attributes
    ----------
    number
        Of rotations, the symmetry number.
    chiral
        Whether no reflection does the same; a chiral saddle between achiral minima stands for two of one energy.
    """

    number: int
    chiral: bool

    @property
    def weight(self) -> float:
        """States of one energy that the geometry stands for, up to a factor that all geometries of a molecule share."""
        return (2.0 if self.chiral else 1.0) / self.number


def symmetry(positions: FloatArray, masses: FloatArray, tolerance: float = 0.02) -> MolecularSymmetry:
    """Symmetry number and chirality of a geometry; see :func:`operations`."""
    group = operations(positions, masses, tolerance)
    return MolecularSymmetry(sum(not reflected for reflected, _ in group), not any(reflected for reflected, _ in group))


def operations(
    positions: FloatArray, masses: FloatArray, tolerance: float = 0.02
) -> frozenset[tuple[bool, tuple[int, ...]]]:
    """Rotations and reflections that leave a molecule as it was, but for the numbering of equal atoms.

    Parameters
    ----------
    positions, masses
        nm, shape (n_atoms, 3), and dalton. Atoms of one mass are equal.
    tolerance
        By how much (nm) an atom may miss: searches stop at a largest force, and less is lost in zero-point motion.

    Returns
    -------
    Of each, whether it reflects, and the atom that each atom comes to lie on.
    """
    return _ways(positions, positions, masses, tolerance)


def _ways(
    positions: FloatArray, target: FloatArray, masses: FloatArray, tolerance: float = 0.02
) -> frozenset[tuple[bool, tuple[int, ...]]]:
    """The same that take one geometry to another, both of shape (n_atoms, 3); none where they differ in more."""
    x, y = (of - np.average(of, axis=0, weights=masses) for of in (positions, target))
    if len(x) < 2 or is_linear(x, masses) or is_linear(y, masses):
        if len(x) > 1 and not (is_linear(x, masses) and is_linear(y, masses)):
            return frozenset()
        straight = set()
        for moved in (_on_a_line(x), -_on_a_line(x)):
            onto = _matching(moved, _on_a_line(y), masses)
            if onto is not None and np.linalg.norm(moved - _on_a_line(y)[onto], axis=1).max() < tolerance:
                straight.add(tuple(onto.tolist()))
        return frozenset(itertools.product((False, True), straight))
    alike = masses[:, None] == masses
    alike &= np.abs(np.linalg.norm(x, axis=1)[:, None] - np.linalg.norm(y, axis=1)) < 2.0 * tolerance
    # Two atoms out of line with the centre fix an operation; those with the fewest likes make the shortest search.
    area, areas = (np.linalg.norm(np.cross(of[:, None], of[None]), axis=2) for of in (x, y))
    wide = np.argwhere(area > 0.25 * area.max())
    first, second = min(wide.tolist(), key=lambda pair: alike[pair[0]].sum() * alike[pair[1]].sum())
    apart, frame = np.linalg.norm(x[first] - x[second]), _frame(x[first], x[second])
    ways: set[tuple[bool, tuple[int, ...]]] = set()
    for a, b in itertools.product(np.flatnonzero(alike[first]), np.flatnonzero(alike[second])):
        if a == b or areas[a, b] < 0.05 * area.max() or abs(np.linalg.norm(y[a] - y[b]) - apart) > 4.0 * tolerance:
            continue
        for reflected in (False, True):
            moved = x @ frame * ([1.0, 1.0, -1.0] if reflected else 1.0) @ _frame(y[a], y[b]).T
            onto = _matching(moved, y, masses)
            if onto is not None and _misfit(moved, y[onto], masses) < tolerance:
                ways.add((reflected, tuple(onto.tolist())))
    return frozenset(ways)


def _on_a_line(x: FloatArray) -> FloatArray:
    """A straight molecule laid along one axis, shape (n_atoms, 3)."""
    return np.outer(x @ np.linalg.svd(x)[2][0], [1.0, 0.0, 0.0])


def of_passage(saddle: StationaryPoint, masses: FloatArray) -> tuple[MolecularSymmetry, bool]:
    """Symmetry of a saddle together with the direction in which it is passed, and whether another one turns that round.

    An operation that takes the imaginary mode to its opposite maps one end of the path on the other. It makes no two
    saddles one: the path over the saddle from left to right and the one from right to left are two (Pollak and
    Pechukas, J. Am. Chem. Soc. 1978, 100, 2984; Fernandez-Ramos et al., Theor. Chem. Acc. 2007, 118, 813).
    """
    x = saddle.positions - np.average(saddle.positions, axis=0, weights=masses)
    root = np.sqrt(masses)[:, None]
    weighted, mode = root * x, root * saddle.modes[0]
    permutations, turned = [], False
    for reflected, way in operations(saddle.positions, masses):
        onto = list(way)
        left, _, right = np.linalg.svd(weighted.T @ weighted[onto])
        handed = np.linalg.det(left @ right) * (-1.0 if reflected else 1.0)
        moved = mode @ left @ np.diag([1.0, 1.0, np.sign(handed)]) @ right
        # Of a mode that is not degenerate, as the only imaginary one is, the overlap is 1 or -1.
        if float((moved * mode[onto]).sum()) < -0.5 * float((mode**2).sum()):
            turned = True
        else:
            permutations.append(reflected)
    return MolecularSymmetry(permutations.count(False), True not in permutations), turned


def copies_of(
    reactant: StationaryPoint,
    product: StationaryPoint | None,
    saddle: StationaryPoint,
    masses: FloatArray,
    is_product: Callable[[FloatArray], bool] | None,
) -> float:
    """Factor gamma of :func:`rate`."""
    passage, turned = of_passage(saddle, masses)
    ratio = passage.weight / symmetry(reactant.positions, masses).weight
    degenerate = turned or (
        product is not None
        and abs(product.energy - reactant.energy) < SAME_ENERGY
        and bool(_ways(reactant.positions, product.positions, masses))
    )
    if degenerate and not turned:
        # No operation of the saddle swaps the equal ends; then its image with the ends swapped is a second saddle.
        ratio *= 2.0
    if degenerate and product is not None and is_product is not None:
        # Where ends are equal, images of the path may lead to others than the one that is asked for: the hydrogen
        # that goes round cyclopentadiene goes to either neighbour.
        images = [
            product.positions[list(way)] * (-1.0 if reflected else 1.0)
            for reflected, way in operations(reactant.positions, masses)
        ]
        ratio *= (sum(map(is_product, images)) or len(images)) / len(images)
    return ratio


def _frame(a: FloatArray, b: FloatArray) -> FloatArray:
    """Right-handed axes, in columns: along a, then in the plane of a and b."""
    one = a / np.linalg.norm(a)
    two = b - (b @ one) * one
    two /= np.linalg.norm(two)
    return np.column_stack([one, two, np.cross(one, two)])


def _matching(moved: FloatArray, x: FloatArray, masses: FloatArray) -> NDArray[np.int64] | None:
    """Atom of `x` that each moved atom lies on, of its own mass and each once; None where there is no such match."""
    distance = np.linalg.norm(moved[:, None] - x[None], axis=2)
    onto = np.where(masses[:, None] == masses, distance, np.inf).argmin(axis=1)
    return onto if len(set(onto.tolist())) == len(onto) else None


def _misfit(moved: FloatArray, target: FloatArray, masses: FloatArray) -> float:
    """How far the worst atom is off, after the best turn by mass."""
    return float(np.linalg.norm(superposed(moved, target, masses) - target, axis=1).max())
