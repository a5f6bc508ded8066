"""Functions of MDTraj.

MDTraj works in single precision: values to about 1e-6 of their size (an angle next to 180 degrees to 0.03 degree only),
rates by central differences along the velocities over `step_fs` either way, to about 1e-3. Where MDTraj gives no number
(angles of coincident atoms), value and rate are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from separatrix.cvs.kinds.kind import (
    Form,
    Kind,
    Lookup,
    check_distinct,
    did_you_mean,
    positive_number,
)
from separatrix.cvs.vectors import (
    ANGSTROM_PER_NM,
    DEGREE_PER_RADIAN,
    Array,
)


class MDTrajFunction(NamedTuple):
    """A function of MDTraj that a variable may be made of: one number, or a few, per frame and set of atoms.

    Attributes
    ----------
    unit
        Of the value after multiplication by `factor`.
    factor
        From MDTraj's unit (nm, radian) to ours.
    atoms_argument, n_atoms
        Name of the argument that holds the set of atoms, and their number; None for a function of all atoms.
    arguments
        Its other arguments that may be given, and their type; ``list`` stands for one number per atom.
    parts
        Which numbers may be made of the result: a function of the angle, or a place in the list.
    """

    unit: str
    factor: float
    atoms_argument: str | None = None
    n_atoms: int | None = None
    arguments: Mapping[str, type] = {}
    parts: tuple[str | int, ...] = ()


_PERIODIC: Mapping[str, type] = {"periodic": bool, "opt": bool}

#: The functions of MDTraj that a variable of the kind ``mdtraj`` may name. All of them depend on the shape alone, not
#: on elements, bonds or a unit cell (what is evaluated here has none), and are smooth enough to have rates.
MDTRAJ: dict[str, MDTrajFunction] = {
    "compute_distances": MDTrajFunction("angstrom", ANGSTROM_PER_NM, "atom_pairs", 2, _PERIODIC),
    "compute_angles": MDTrajFunction("degree", DEGREE_PER_RADIAN, "angle_indices", 3, _PERIODIC),
    "compute_dihedrals": MDTrajFunction("1", 1.0, "indices", 4, _PERIODIC, ("cos", "sin")),
    "compute_rg": MDTrajFunction("angstrom", ANGSTROM_PER_NM, arguments={"masses": list}),
    "principal_moments": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2, parts=(0, 1, 2)),
    "asphericity": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2),
    "acylindricity": MDTrajFunction("angstrom^2", ANGSTROM_PER_NM**2),
    "relative_shape_antisotropy": MDTrajFunction("1", 1.0),
}


def _mdtraj(
    points: Array,
    motion: Array | None,
    *,
    function: str,
    arguments: Sequence[tuple[str, Any]],
    part: str | int | None,
    step_fs: float,
) -> tuple[Array, Array | None]:
    import mdtraj  # only here: it takes a second to load

    entry = MDTRAJ[function]
    n_atoms, _, *shape = points.shape
    topology = mdtraj.Topology()
    residue = topology.add_residue("MOL", topology.add_chain())
    for _ in range(n_atoms):
        topology.add_atom("C", mdtraj.element.carbon, residue)
    keywords = {key: np.array(value) if isinstance(value, tuple) else value for key, value in arguments}
    if entry.atoms_argument is not None:
        keywords[entry.atoms_argument] = np.arange(n_atoms)[None]

    def value(x: Array) -> Array:
        # Single precision: the digits must not be spent on where the molecule is.
        frames = (x - x.mean(axis=0)).reshape(n_atoms, 3, -1).transpose(2, 0, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            result = getattr(mdtraj, function)(mdtraj.Trajectory(frames, topology), **keywords)
        result = np.asarray(result, dtype=np.float64).reshape(frames.shape[0], -1)
        if part in ("cos", "sin"):
            result = np.cos(result) if part == "cos" else np.sin(result)
        column = result[:, part if isinstance(part, int) else 0] * entry.factor
        return np.where(np.isfinite(column), column, 0.0).reshape(shape)

    if motion is None:
        return value(points), None
    step = step_fs / 1000.0
    return value(points), (value(points + step * motion) - value(points - step * motion)) / (2.0 * step)


def _mdtraj_function(function: object) -> MDTrajFunction:
    if not isinstance(function, str) or function not in MDTRAJ:
        raise ValueError(f"function: {function!r} is not on the list{did_you_mean(function, MDTRAJ)}")
    return MDTRAJ[function]


def _read_mdtraj(kind: Kind, spec: Mapping[str, Any], lookup: Lookup) -> tuple[list[int], dict[str, Any], str]:
    entry = _mdtraj_function(spec.get("function"))
    arguments = spec.get("arguments", {})
    if not isinstance(arguments, Mapping):
        raise ValueError(f"arguments: must be a mapping of keywords to values, not {arguments!r}")
    options = {key: spec[key] for key in ("function", "part", "step_fs") if key in spec}
    options["arguments"] = {key: value for key, value in arguments.items() if key != entry.atoms_argument}
    part = f"{spec['part']} " if "part" in spec else ""
    if entry.atoms_argument is None:
        atoms = lookup.atoms(spec["atoms"], "atoms") if "atoms" in spec else lookup.all_atoms()
        label = f"{part}{spec['function']}" + (f" {','.join(map(str, spec['atoms']))}" if "atoms" in spec else "")
        return atoms, options, label
    if "atoms" in spec:
        raise ValueError(f"atoms: {spec['function']} takes its atoms as arguments.{entry.atoms_argument}")
    sets = arguments.get(entry.atoms_argument)
    if isinstance(sets, str) or not isinstance(sets, Sequence) or len(sets) != 1:
        raise ValueError(
            f"arguments.{entry.atoms_argument}: must be a list that holds one list of {entry.n_atoms} atoms"
        )
    atoms = lookup.atoms(sets[0], f"arguments.{entry.atoms_argument}[0]")
    return atoms, options, f"{part}{spec['function']} {','.join(map(str, sets[0]))}"


def _check_mdtraj(kind: Kind, atoms: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    entry = _mdtraj_function(options.get("function"))
    check_distinct(atoms)
    if entry.n_atoms is not None and len(atoms) != entry.n_atoms:
        raise ValueError(f"arguments.{entry.atoms_argument}: takes {entry.n_atoms} atoms, not {len(atoms)}")
    if len(atoms) < 2:
        raise ValueError(f"atoms: takes 2 or more, not {len(atoms)}")
    given: dict[str, Any] = dict(options.get("arguments", {}))
    for key, value in given.items():
        if key not in entry.arguments:
            arguments = [*entry.arguments, *([entry.atoms_argument] if entry.atoms_argument else [])]
            raise ValueError(f"arguments.{key}: is not taken{did_you_mean(key, arguments)}")
        if entry.arguments[key] is bool:
            if not isinstance(value, bool):
                raise ValueError(f"arguments.{key}: must be true or false, not {value!r}")
            continue
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(atoms):
            raise ValueError(f"arguments.{key}: must be a list of {len(atoms)} numbers, one for each atom")
        given[key] = tuple(positive_number({f"arguments.{key}": item}, f"arguments.{key}") for item in value)
    part = options.get("part")
    if entry.parts and not any(part == each and type(part) is type(each) for each in entry.parts):
        raise ValueError(f"part: must be one of {', '.join(map(str, entry.parts))}, not {part!r}")
    if not entry.parts and part is not None:
        raise ValueError(f"part: {options['function']} gives one number; leave this key out")
    step = positive_number(options, "step_fs", 0.5)
    return {"function": options["function"], "arguments": tuple(sorted(given.items())), "part": part, "step_fs": step}


def _write_mdtraj(atoms: tuple[int, ...], options: dict[str, Any], label: Callable[[int], Any]) -> dict[str, Any]:
    entry = MDTRAJ[options["function"]]
    labels = [label(atom) for atom in atoms]
    arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in options["arguments"]}
    spec: dict[str, Any] = {"function": options["function"]}
    spec |= {"atoms": labels} if entry.atoms_argument is None else {}
    spec["arguments"] = arguments if entry.atoms_argument is None else {entry.atoms_argument: [labels], **arguments}
    return spec | ({} if options["part"] is None else {"part": options["part"]}) | {"step_fs": options["step_fs"]}


MDTRAJ_FUNCTION = Kind(
    "mdtraj",
    None,
    lambda options: MDTRAJ[options["function"]].unit,
    _mdtraj,
    "mdtraj",
    "MDTraj's {function} of atoms {atoms}",
    takes="by `function`",
    shown_unit="its own",
    guide="a function of MDTraj (below)",
    form=Form(("function", "atoms", "arguments", "part", "step_fs"), _read_mdtraj, _check_mdtraj, _write_mdtraj),
)

ENTRIES = (MDTRAJ_FUNCTION,)
