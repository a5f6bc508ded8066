"""Collective variables, all together against one at a time, measured in one run.

    python benchmarks/variables.py [--config config/config.yaml] [--frames 2000] [--repeat 5]

Prints, for the candidate variables of a system and without and with their rates, the time per value

* of `variables.evaluate`,
* of a Python function per variable and frame, in plain floats (`math`),
* of a Python function per variable and frame that calls MDTraj, as ATESA's expressions do, on a frame that is at hand,
  and on one that it takes out of a trajectory,
* of MDTraj's own functions on all frames at once,

and how many times longer than ours each takes; then the time per value of every kind, beside that of the function of
MDTraj which gives the same, called once for all frames. The one-at-a-time ways are timed
on a part of the frames, and take rates as differences of two values, which is the least a rate costs there. All
ways are compared with one another before anything is timed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import mdtraj
import numpy as np
from processor_time import seconds

from separatrix.config.load import load
from separatrix.core.molecule import read_geometry
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.kinds import KINDS
from separatrix.cvs.variable import Variable

Point = Sequence[float]


def distance(a: Point, b: Point) -> float:
    """Distance in angstrom."""
    return 10.0 * math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


def angle(a: Point, b: Point, c: Point) -> float:
    """Angle in radian."""
    ux, uy, uz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    wx, wy, wz = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    along = ux * wx + uy * wy + uz * wz
    return math.acos(along / math.sqrt((ux * ux + uy * uy + uz * uz) * (wx * wx + wy * wy + wz * wz)))


def dihedral(a: Point, b: Point, c: Point, d: Point) -> float:
    """Dihedral in radian."""
    fx, fy, fz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    gx, gy, gz = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    hx, hy, hz = d[0] - c[0], d[1] - c[1], d[2] - c[2]
    ax, ay, az = fy * gz - fz * gy, fz * gx - fx * gz, fx * gy - fy * gx
    bx, by, bz = hy * gz - hz * gy, hz * gx - hx * gz, hx * gy - hy * gx
    sine = math.sqrt(gx * gx + gy * gy + gz * gz) * (fx * bx + fy * by + fz * bz)
    return math.atan2(sine, ax * bx + ay * by + az * bz)


#: A function of a frame, whatever the way in question takes for one.
Way = Callable[[Any], Any]


def one_by_one(variable: Variable, basic: Callable[[str, tuple[int, ...]], Way], m: ModuleType) -> Way:
    """A variable as a function of a frame.

    Parameters
    ----------
    basic
        Makes the function for a distance, an angle or a dihedral of some atoms.
    m
        Where sine, cosine and degrees come from: `math` or `numpy`.
    """
    if variable.terms:
        parts = [(weight, one_by_one(term, basic, m)) for weight, term in variable.terms]
        return lambda x: sum(weight * part(x) for weight, part in parts)
    i = variable.atoms
    match variable.kind:
        case "distance":
            return basic("distance", i)
        case "angle":
            bend = basic("angle", i)
            return lambda x: m.degrees(bend(x))
        case "cos_dihedral" | "sin_dihedral":
            turn, wave = basic("dihedral", i), getattr(m, variable.kind[:3])
            return lambda x: wave(turn(x))
        case "sin_angle_cos_dihedral":
            bend, turn = basic("angle", i[1:]), basic("dihedral", i)
            return lambda x: m.sin(bend(x)) * m.cos(turn(x))
        case "in_plane_displacement":
            a, b, c, d = i
            length, bend, turn = basic("distance", (a, b)), basic("angle", (b, a, c)), basic("dihedral", (b, a, c, d))
            return lambda x: length(x) * m.sin(bend(x)) * m.cos(turn(x))
    raise SystemExit(f"{variable.name}: kind {variable.kind} is not among those compared; give another config")


def in_floats(kind: str, atoms: tuple[int, ...]) -> Way:
    """A call of the functions above, on a frame that is a list of lists."""
    function = {"distance": distance, "angle": angle, "dihedral": dihedral}[kind]
    return lambda x: function(*[x[atom] for atom in atoms])


def in_mdtraj(kind: str, atoms: tuple[int, ...]) -> Way:
    """A call of MDTraj, on a trajectory of one frame."""
    function, factor = getattr(mdtraj, f"compute_{kind}s"), 10.0 if kind == "distance" else 1.0
    return lambda t: factor * function(t, np.array([atoms]))[0][0]


def mdtraj_at_once(ways: list[Way], wanted: dict[str, list], t: mdtraj.Trajectory) -> np.ndarray:
    """All variables in all frames from one call of MDTraj per kind."""
    columns = {}
    for kind, atoms in wanted.items():
        found = getattr(mdtraj, f"compute_{kind}s")(t, np.array(atoms)) * (10.0 if kind == "distance" else 1.0)
        columns |= {(kind, tuple(four)): found[:, n] for n, four in enumerate(atoms)}
    return np.array([way(columns) for way in ways]).T


def same_by_mdtraj(kind: str, variables: Sequence[Variable]) -> Callable[[mdtraj.Trajectory], np.ndarray] | None:
    """Values (frames, variables) of a kind by MDTraj's function for it, or None where it has none."""
    atoms = np.array([variable.atoms for variable in variables])
    if kind == "distance":
        return lambda t: 10.0 * mdtraj.compute_distances(t, atoms)
    if kind in ("angle", "cos_angle", "sin_angle"):
        finish = {"angle": np.degrees, "cos_angle": np.cos, "sin_angle": np.sin}[kind]
        return lambda t: finish(mdtraj.compute_angles(t, atoms))
    if kind in ("dihedral", "cos_dihedral", "sin_dihedral"):
        turn = {"dihedral": np.degrees, "cos_dihedral": np.cos, "sin_dihedral": np.sin}[kind]
        return lambda t: turn(mdtraj.compute_dihedrals(t, atoms))
    if kind == "rmsd":
        references = [np.array(dict(variable.options)["reference_nm"]) for variable in variables]

        def rmsd(t: mdtraj.Trajectory) -> np.ndarray:
            columns = []
            for order, reference in zip(atoms, references, strict=True):
                topology = t.topology.subset(range(len(order)))  # a slice would put the atoms in their order
                target = mdtraj.Trajectory(reference, topology)
                columns.append(10.0 * mdtraj.rmsd(mdtraj.Trajectory(t.xyz[:, order], topology), target))
            return np.array(columns).T

        return rmsd
    return None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    system = load(read_yaml(arguments.config), [arguments.config]).system
    _, start = read_geometry(system.geometries[system.reactant])
    rng = np.random.default_rng(1)
    x = start + rng.normal(scale=0.01, size=(arguments.frames, *start.shape))
    v = rng.normal(scale=0.5, size=x.shape)
    chosen, m = list(system.variables), len(system.variables)

    few, fewer = min(arguments.frames, 50), min(arguments.frames, 5)
    lists = x[:few].tolist()
    by_hand = [one_by_one(variable, in_floats, math) for variable in chosen]
    topology = system.molecule.mdtraj_topology()
    single = [mdtraj.Trajectory(frame[None], topology) for frame in x[:fewer]]
    by_mdtraj = [one_by_one(variable, in_mdtraj, math) for variable in chosen]
    wanted: dict[str, list[tuple[int, ...]]] = {}

    def collect(kind: str, atoms: tuple[int, ...]) -> Way:
        if atoms not in wanted.setdefault(kind, []):
            wanted[kind].append(atoms)
        return itemgetter((kind, atoms))

    arrays = [one_by_one(variable, collect, np) for variable in chosen]
    every = mdtraj.Trajectory(x, topology)

    def floats() -> list[list[float]]:
        return [[way(frame) for way in by_hand] for frame in lists]

    def mdtraj_calls() -> list[list[float]]:
        return [[way(frame) for way in by_mdtraj] for frame in single]

    def mdtraj_calls_on_slices() -> list[list[float]]:
        return [[way(every[n]) for way in by_mdtraj] for n in range(fewer)]

    ours, _ = evaluate(chosen, x)
    np.testing.assert_allclose(floats(), ours[:few], atol=1e-9)
    np.testing.assert_allclose(mdtraj_calls(), ours[:fewer], atol=0.02)
    np.testing.assert_allclose(mdtraj_at_once(arrays, wanted, every), ours, atol=0.02)

    value = seconds(lambda: evaluate(chosen, x), arguments.repeat) / (m * len(x))
    rated = seconds(lambda: evaluate(chosen, x, v), arguments.repeat) / (m * len(x))
    by_floats = seconds(floats, arguments.repeat) / (m * few)
    by_calls = seconds(mdtraj_calls, arguments.repeat) / (m * fewer)
    by_slices = seconds(mdtraj_calls_on_slices, arguments.repeat) / (m * fewer)
    at_once = seconds(lambda: mdtraj_at_once(arrays, wanted, every), arguments.repeat) / (m * len(x))
    print(f"{m} variables of {system.name}, {len(x)} frames; time per value, and over ours")
    print(f"{'':44s}{'values':>12s}{'':>8s}{'with rates':>12s}")
    print(f"{'variables.evaluate':44s}{value * 1e9:9.0f} ns{'':8s}{rated * 1e9:9.0f} ns")
    for name, cost in (
        ("one function in floats", by_floats),
        ("one function that calls MDTraj", by_calls),
        ("the same, which takes the frame", by_slices),
        ("MDTraj's functions on all frames at once", at_once),
    ):
        print(f"{name:44s}{cost * 1e9:9.0f} ns{cost / value:7.1f}x{2 * cost * 1e9:9.0f} ns{2 * cost / rated:7.1f}x")

    part = every[:500]
    print(f"\n{'kind (20 variables of each)':28s}{'values':>12s}{'with rates':>12s}{'MDTraj':>12s}")
    for kind, entry in KINDS.items():
        size = entry.n_atoms or 6
        options = {
            "coordination": {"r0_A": 2.5},
            "rmsd": {"reference_nm": start[:size].tolist()},
            "mdtraj": {"function": "compute_rg"},
        }.get(kind, {})
        some = []
        for n in range(20):
            atoms = rng.permutation(len(start))[:size] if kind != "rmsd" else np.roll(np.arange(size), n % 3)
            some.append(Variable(f"{kind} {n}", kind, tuple(atoms), options=options))
        cost = [seconds(partial(evaluate, some, x[:500], moving), 3) for moving in (None, v[:500])]
        line = f"{kind:28s}" + "".join(f"{c / (20 * 500) * 1e9:9.0f} ns" for c in cost)
        theirs = same_by_mdtraj(kind, some)
        if theirs is not None:
            off = theirs(part) - evaluate(some, x[:500])[0]
            off = (off + 180.0) % 360.0 - 180.0 if kind == "dihedral" else off
            assert np.abs(off).max() < 0.05, kind
            by_mdtraj_at_once = seconds(partial(theirs, part), 3)
            line += f"{by_mdtraj_at_once / (20 * 500) * 1e9:9.0f} ns{by_mdtraj_at_once / cost[0]:7.1f}x"
        print(line)


if __name__ == "__main__":
    main()
