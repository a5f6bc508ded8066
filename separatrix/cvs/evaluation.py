"""Values and rates of many variables in many frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from separatrix.cvs.geometry_functions import as_frames, as_frames_and_velocities
from separatrix.cvs.kinds import COMPOUNDS, KINDS
from separatrix.cvs.kinds.kind import Options
from separatrix.cvs.variable import Variable
from separatrix.cvs.vectors import (
    Array,
)

#: Frames are worked through in blocks of about this many values, so that the temporaries stay in the cache.
BLOCK = 8192

_Leaf = tuple[str, tuple[int, ...], Options]


def _leaf(variable: Variable) -> _Leaf:
    return variable.kind, variable.atoms, variable.options


def _require_finite(frames: Array, what: str) -> None:
    bad = ~np.isfinite(frames).all(axis=(1, 2))
    if bad.any():
        raise ValueError(f"{what}: frame {int(np.argmax(bad))} holds a number that is not finite")


def evaluate(
    variables: Sequence[Variable], positions: ArrayLike, velocities: ArrayLike | None = None
) -> tuple[Array, Array | None]:
    """Values, and with velocities the rates, of m variables in n frames.

    `positions`: (n, N, 3) in nm. `velocities`: the same shape in nm/ps, or None. Returns the values (n, m),
    each in its variable's unit, and the rates (n, m) in that unit per ps, or None without velocities.
    Degenerate geometries give the finite answers listed at the top of :mod:`separatrix.cvs.kinds`.

    Each frame is worked out by itself: the answer does not depend on which other frames are given. All
    variables of a kind are worked out together, one that occurs several times (in compounds, say) once, and so is what
    several kinds have in common (a dihedral, for its cosine and its sine).

    Raises ValueError for other shapes, for numbers that are not finite, and for an atom index beyond N - 1.
    """
    if velocities is None:
        x, v = as_frames(positions, "positions"), None
    else:
        x, v = as_frames_and_velocities(positions, velocities)
    _require_finite(x, "positions")
    if v is not None:
        _require_finite(v, "velocities")
    n_frames, n_atoms = x.shape[:2]

    # What one kernel works out in one go: kernel, number of atoms, options -> kind -> atoms.
    by_kernel: dict[tuple[Callable[..., Any], int, Options], dict[str, dict[tuple[int, ...], None]]] = {}
    for variable in variables:
        for leaf in variable.leaves:
            if max(leaf.atoms) >= n_atoms:
                beyond = f"atom {max(leaf.atoms)} is not among the {n_atoms} given"
                raise ValueError(f"variable {variable.name!r}: {beyond}")
            key = (KINDS[leaf.kind].kernel, len(leaf.atoms), leaf.options)
            by_kernel.setdefault(key, {}).setdefault(leaf.kind, {})[leaf.atoms] = None
    # One row for each distinct function of atoms; those of a kind stand together.
    row_of: dict[_Leaf, int] = {}
    jobs = []
    width = 1
    for (kernel, size, options), kinds in by_kernel.items():
        union = list(dict.fromkeys(atoms for group in kinds.values() for atoms in group))
        place_of = {atoms: n for n, atoms in enumerate(union)}
        outputs = []
        for kind, group in kinds.items():
            rows = slice(len(row_of), len(row_of) + len(group))
            row_of.update({(kind, atoms, options): rows.start + n for n, atoms in enumerate(group)})
            same = list(group) == union
            outputs.append((KINDS[kind].finish, rows, slice(None) if same else [place_of[atoms] for atoms in group]))
        jobs.append((partial(kernel, **dict(options)), np.array(union).T, outputs))
        # The widest job sets the length of the blocks for all; a dihedral's four atoms are what it counts in.
        width = max(width, len(union) * max(1, size // 4))
    leaf_values = np.empty((len(row_of), n_frames))
    leaf_rates = None if v is None else np.empty_like(leaf_values)

    step = max(1, BLOCK // width)
    for start in range(0, n_frames, step):
        block = slice(start, start + step)
        # Frames last: the kernels then run along contiguous memory.
        x_block = np.ascontiguousarray(x[block].transpose(1, 2, 0))
        v_block = None if v is None else np.ascontiguousarray(v[block].transpose(1, 2, 0))
        for kernel, index, outputs in jobs:
            points = x_block[index].swapaxes(1, 2)
            motion = None if v_block is None else v_block[index].swapaxes(1, 2)
            result = kernel(points, motion)
            for finish, rows, picked in outputs:
                value, rate = finish(result)
                leaf_values[rows, block] = value[picked]
                if leaf_rates is not None and rate is not None:
                    leaf_rates[rows, block] = rate[picked]

    def assemble(variable: Variable) -> tuple[Array, Array | None]:
        if not variable.terms:
            row = row_of[_leaf(variable)]
            return leaf_values[row], None if leaf_rates is None else leaf_rates[row]
        parts = [assemble(term) for _, term in variable.terms]
        rates = None if leaf_rates is None else [rate for _, rate in parts if rate is not None]
        weights = [weight for weight, _ in variable.terms]
        return COMPOUNDS[variable.kind].combine(weights, [value for value, _ in parts], rates)

    values = np.empty((n_frames, len(variables)))
    rates = None if leaf_rates is None else np.empty_like(values)
    plain = [column for column, variable in enumerate(variables) if not variable.terms]
    rows_of_plain = [row_of[_leaf(variables[column])] for column in plain]
    values[:, plain] = leaf_values[rows_of_plain].T
    if rates is not None and leaf_rates is not None:
        rates[:, plain] = leaf_rates[rows_of_plain].T
    for column, variable in enumerate(variables):
        if variable.terms:
            value, rate = assemble(variable)
            values[:, column] = value
            if rates is not None and rate is not None:
                rates[:, column] = rate
    return values, rates


def gradient_of(variable: Variable, positions: ArrayLike) -> Array:
    """Gradient of a variable in one frame.

    Parameters
    ----------
    positions
        Shape (atoms, 3), nm.

    Returns
    -------
    In the variable's unit per nm, shape (atoms, 3).
    """

    def rate(x: Array, v: Array) -> Array:
        rates = evaluate([variable], x, v)[1]
        assert rates is not None  # velocities were given
        return rates[:, 0]

    return gradient_by_rate(rate, [variable], positions)


def gradient_by_rate(
    rate: Callable[[Array, Array], Array], variables: Iterable[Variable], positions: ArrayLike
) -> Array:
    """Gradient in one frame of a function of some variables.

    Parameters
    ----------
    rate
        Its time derivative, shape (n,), from positions and velocities of n frames. It is linear in the velocities, so a
        unit velocity picks out one component of the gradient.
    variables
        What it depends on.
    positions
        Shape (atoms, 3), nm.

    Returns
    -------
    In the function's unit per nm, shape (atoms, 3).
    """
    x = np.asarray(positions, dtype=np.float64)
    atoms = sorted({atom for variable in variables for leaf in variable.leaves for atom in leaf.atoms})
    units = np.zeros((len(atoms), 3, *x.shape))
    for n, atom in enumerate(atoms):
        units[n, range(3), atom, range(3)] = 1.0
    units = units.reshape(-1, *x.shape)
    gradient = np.zeros_like(x)
    gradient[atoms] = rate(np.broadcast_to(x, units.shape), units).reshape(-1, 3)
    return gradient
