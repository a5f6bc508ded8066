"""A coordination number: a sum of rational switching functions of distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from separatrix.cvs.kinds.kind import (
    Action,
    Form,
    Kind,
    Lookup,
    Scalar,
    positive_number,
)
from separatrix.cvs.scalars import distance_of
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    COINCIDENT,
    Array,
    divide,
    dot,
)


def _powers(y: Array, count: int) -> tuple[Array, Array]:
    """1 + y + ... + y^(count - 1), and its derivative."""
    total, slope = np.ones_like(y), np.zeros_like(y)
    for _ in range(count - 1):
        slope = slope * y + total
        total = total * y + 1.0
    return total, slope


if TYPE_CHECKING:
    import openmm


def _coordination(points: Array, motion: Array | None, *, r0_A: float, n: int, m: int) -> tuple[Array, Array | None]:
    # Atoms a, b, a, b, ... of the pairs. (1 - x^n)/(1 - x^m) is the ratio of two geometric sums, which are smooth
    # at x = 1; beyond it they are written in 1/x, so that no power overflows.
    r = np.moveaxis(points[1::2] - points[::2], 1, 0)
    length = np.sqrt(dot(r, r))
    x = length * (ANGSTROM_PER_NM / r0_A)
    far = x > 1.0
    y = np.where(far, 1.0 / np.maximum(x, 1.0), x)
    over, over_slope = _powers(y, n)
    under, under_slope = _powers(y, m)
    factor = np.where(far, y ** (m - n), 1.0)
    ratio = over / under
    value = (ratio * factor).sum(axis=0)
    if motion is None:
        return value, None
    slope = (over_slope - ratio * under_slope) / under
    # d(ratio y^(m - n))/dx with dy/dx = -y^2.
    slope = np.where(far, -(slope * y + (m - n) * ratio) * y * factor, slope)
    r_dot = np.moveaxis(motion[1::2] - motion[::2], 1, 0)
    x_dot = divide(dot(r, r_dot) * (ANGSTROM_PER_NM / r0_A), length, ~(length <= COINCIDENT))
    return value, (slope * x_dot).sum(axis=0)


#: Pairs from which on the kernel is the faster way to a value in one frame.
_MANY = 40


def _in_one_frame(atoms: tuple[int, ...], options: Mapping[str, Any]) -> Scalar:
    pairs = list(zip(atoms[::2], atoms[1::2], strict=True))
    if len(pairs) >= _MANY:
        return COORDINATION.kernel_value_of(atoms, options)
    r0, n, m = options["r0_A"], options["n"], options["m"]
    expm1 = math.expm1

    def value(x: NDArray[np.floating]) -> float:
        total = 0.0
        for i, j in pairs:
            ratio = distance_of(x, i, j) / r0
            if ratio == 1.0:
                total += n / m
            elif ratio != 0.0:
                # (1 - x^n)/(1 - x^m) with x = exp(log), which keeps its digits at 1 and does not overflow beyond.
                log = math.log(ratio)
                if log > 0.0:
                    total += math.exp((n - m) * log) * expm1(-n * log) / expm1(-m * log)
                else:
                    total += expm1(n * log) / expm1(m * log)
            else:
                total += 1.0
        return total

    return value


def _read_coordination(kind: Kind, spec: Mapping[str, Any], lookup: Lookup) -> tuple[list[int], dict[str, Any], str]:
    if ("pairs" in spec) == ("groups" in spec):
        raise ValueError(f"pairs: a {kind.name!r} takes either 'pairs' or 'groups'")
    key = "pairs" if "pairs" in spec else "groups"
    items = spec[key]
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ValueError(f"{key}: must be a list of lists of atoms, not {items!r}")
    lists = [lookup.atoms(item, f"{key}[{n}]") for n, item in enumerate(items)]
    if key == "pairs":
        for n, pair in enumerate(lists):
            if len(pair) != 2:
                raise ValueError(f"pairs[{n}]: takes 2 atoms, not {len(pair)}")
        pairs = lists
        label = ",".join("-".join(str(atom) for atom in item) for item in items)
    else:
        if len(lists) != 2:
            raise ValueError(f"groups: takes two lists of atoms, not {len(lists)}")
        # Atoms in both groups: each pair counts once, and no atom is its own neighbour.
        pairs = [list(pair) for pair in dict.fromkeys((min(a, b), max(a, b)) for a in lists[0] for b in lists[1])]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        label = ";".join(",".join(str(atom) for atom in item) for item in items)
    return [atom for pair in pairs for atom in pair], {k: spec[k] for k in ("r0_A", "n", "m") if k in spec}, label


def _check_coordination(kind: Kind, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    pairs = [tuple(sorted(atoms[n : n + 2])) for n in range(0, len(atoms), 2)]
    if not pairs or len(atoms) % 2:
        raise ValueError("pairs: there must be at least one, of two atoms each")
    for n, pair in enumerate(pairs):
        if pair[0] == pair[1]:
            raise ValueError(f"pairs[{n}]: an atom is paired with itself")
        if pair in pairs[:n]:
            raise ValueError(f"pairs[{n}]: is given more than once")
    checked: dict[str, Any] = {"r0_A": positive_number(options, "r0_A")}
    n, m = options.get("n", 6), options.get("m")
    m = 2 * n if m is None and type(n) is int else m
    for key, power in (("n", n), ("m", m)):
        if type(power) is not int or not 1 <= power <= 100:
            raise ValueError(f"{key}: must be a whole number from 1 to 100, not {power!r}")
    if n >= m:
        raise ValueError(f"n: must be below m, {m}, so that far atoms do not count; not {n}")
    return checked | {"n": n, "m": m}


def _write_coordination(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    return {"pairs": [[label(a), label(b)] for a, b in zip(atoms[::2], atoms[1::2], strict=True)], **options}


def _pairs_in_order(atoms: tuple[int, ...]) -> tuple[int, ...]:
    pairs = sorted(tuple(sorted(pair)) for pair in zip(atoms[::2], atoms[1::2], strict=True))
    return tuple(atom for pair in pairs for atom in pair)


def _plumed(atoms: tuple[int, ...], options: Mapping[str, Any], file: str) -> str:
    groups = [",".join(str(atom + 1) for atom in atoms[side::2]) for side in (0, 1)]
    switch = f"R_0={options['r0_A'] / ANGSTROM_PER_NM!r} NN={options['n']} MM={options['m']}"
    return f"COORDINATION GROUPA={groups[0]} GROUPB={groups[1]} PAIR {switch} NOPBC"


def _geometric_sum(count: int) -> str:
    """1 + x + ... + x^(count - 1): (1 - x^n)/(1 - x^m) without its gap at x = 1."""
    text = "1"
    for _ in range(count - 1):
        text = f"1+x*({text})"
    return text


def _openmm(atoms: tuple[int, ...], options: Mapping[str, Any], n_particles: int) -> openmm.Force:
    import openmm

    over, under = (_geometric_sum(options[key]) for key in ("n", "m"))
    force = openmm.CustomBondForce(f"({over})/({under}); x=r/{options['r0_A'] / ANGSTROM_PER_NM!r}")
    for a, b in zip(atoms[::2], atoms[1::2], strict=True):
        force.addBond(a, b, [])
    return force


COORDINATION = Kind(
    "coordination",
    None,
    "1",
    _coordination,
    "coordination",
    "sum of (1 - (d/r0)^{n})/(1 - (d/r0)^{m}) over the distances d of the pairs of atoms {pairs}, r0 = {r0_A} A",
    takes="`pairs` or `groups`",
    guide="sum over pairs of (1 − (d/r₀)ⁿ)/(1 − (d/r₀)ᵐ): `r0_A`, `n` (6), `m` (2 n)",
    form=Form(("pairs", "groups", "r0_A", "n", "m"), _read_coordination, _check_coordination, _write_coordination),
    canonical=_pairs_in_order,
    scalar=_in_one_frame,
    export=Action(_plumed, _openmm),
)

ENTRIES = (COORDINATION,)
