"""A fitted reaction coordinate as a small file that needs nothing else, and what may be made of it elsewhere.

r = intercept + sum of coefficient times variable; p_B = (1 + tanh r)/2 (`logistic`) or (1 + erf r)/2 (`erf`) is the
chance to reach the product before the reactant; r = 0 is the predicted separatrix. r and p_B have no unit. The file
says what each variable is (kind, atoms counted from 0, unit, meaning in words), so that any program can evaluate it.

* `read`, `write`: the file, YAML or JSON; `read` also takes `coordinate.json` of a run;
* `read_frames`, `ReactionCoordinate.evaluate`: the coordinate along a trajectory;
* `plumed`: an input of PLUMED 2 (its text is checked by a small interpreter in the tests, not by PLUMED);
* `openmm_force`: an `openmm.CustomCVForce` whose energy is r, or any function of r.

The two exports have one source, `export` of the entry of each kind (:mod:`separatrix.cvs.kinds`). Lengths are nm and
angles radian in both programs; the factors to angstrom and degree are in the expressions.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray
from scipy import special

from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.files import read_dataset, read_json, replacing
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.text import cell, one_line
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.kinds import COMPOUNDS, KINDS
from separatrix.cvs.kinds.base import Action, Recipe
from separatrix.cvs.specification import describe, from_spec, to_spec
from separatrix.cvs.variable import Variable
from separatrix.cvs.vectors import ANGSTROM_PER_NM

if TYPE_CHECKING:
    import mdtraj
    import openmm

Array = NDArray[np.float64]

FORMAT = "separatrix reaction coordinate 1"

CONVENTIONS = (
    "atoms are counted from 0; lengths in angstrom, angles in degree; reference_nm in nm; a coefficient has the "
    "inverse unit of its variable; r and p_B have no unit"
)


class Model(NamedTuple):
    """p_B as a function of r: computed, in words, and as Lepton (OpenMM, PLUMED) writes it."""

    committor: Any
    words: str
    lepton: str


MODELS = {
    "logistic": Model(lambda r: special.expit(2.0 * r), "(1 + tanh r)/2", "1/(1+exp(-2*r))"),
    "erf": Model(lambda r: special.ndtr(math.sqrt(2.0) * r), "(1 + erf r)/2", "0.5*(1+erf(r))"),
}


@dataclass(frozen=True)
class Evaluation:
    """A coordinate in n frames.

    Attributes
    ----------
    r, committor
        Shape (n,), without unit.
    values
        Shape (n, variables), each in its variable's unit.
    r_rate, rates
        Time derivatives, 1/ps and unit/ps; None without velocities.
    """

    r: Array
    committor: Array
    values: Array
    r_rate: Array | None = None
    rates: Array | None = None


@dataclass(frozen=True)
class ReactionCoordinate:
    """A reaction coordinate that can be evaluated.

    Attributes
    ----------
    variables, coefficients
        What it is made of; a coefficient has the inverse unit of its variable.
    intercept
        Without unit.
    model
        A word of `MODELS`.
    reactant, product
        Names of the basins; p_B is the chance to reach the product first.
    symbols
        Element symbol of every atom of the molecule.
    source
        Level of theory.
    caution
        Why not to trust it, if so.
    """

    variables: tuple[Variable, ...]
    coefficients: tuple[float, ...]
    intercept: float
    model: str
    reactant: str
    product: str
    symbols: tuple[str, ...]
    source: str = ""
    caution: str = ""

    @property
    def formula(self) -> str:
        """r in one line."""
        terms = [f"{c:+.6g}*[{v.name}]" for c, v in zip(self.coefficients, self.variables, strict=True)]
        return " ".join([f"r = {self.intercept:.6g}", *terms])

    def evaluate(self, positions: ArrayLike, velocities: ArrayLike | None = None) -> Evaluation:
        """r, p_B and the variables.

        Parameters
        ----------
        positions
            Shape (n, atoms, 3), nm.
        velocities
            The same shape, nm/ps.

        Raises
        ------
        ValueError
            For other shapes, another number of atoms, and numbers that are not finite.
        """
        x = np.asarray(positions, dtype=np.float64)
        if x.ndim == 3 and x.shape[1] != len(self.symbols):
            raise ValueError(f"{x.shape[1]} atoms are given; the coordinate is one of {len(self.symbols)}")
        values, rates = evaluate(self.variables, x, velocities)
        slopes = np.array(self.coefficients)
        r = self.intercept + values @ slopes
        committor = MODELS[self.model].committor(r)
        return Evaluation(r, committor, values, None if rates is None else rates @ slopes, rates)

    def gradient(self, positions: ArrayLike) -> Array:
        """Gradient of r.

        Parameters
        ----------
        positions
            One frame, shape (atoms, 3), nm.

        Returns
        -------
        1/nm, shape (atoms, 3).
        """
        x = np.asarray(positions, dtype=np.float64)
        atoms = sorted({a for v in self.variables for leaf in v.leaves for a in leaf.atoms})
        # dr/dt is linear in the velocities, so a unit velocity picks out one component of the gradient.
        units = np.zeros((len(atoms), 3, *x.shape))
        for n, atom in enumerate(atoms):
            units[n, range(3), atom, range(3)] = 1.0
        units = units.reshape(-1, *x.shape)
        gradient = np.zeros_like(x)
        gradient[atoms] = self.evaluate(np.broadcast_to(x, units.shape), units).r_rate.reshape(-1, 3)
        return gradient

    def to_dict(self) -> dict[str, Any]:
        """The small file as plain data."""
        entries = [
            {
                "name": variable.name,
                "coefficient": coefficient,
                "unit": variable.unit,
                "meaning": describe(variable),
                **{key: value for key, value in to_spec(variable).items() if key != "name"},
            }
            for variable, coefficient in zip(self.variables, self.coefficients, strict=True)
        ]
        committor = f"{MODELS[self.model].words}, the chance to reach {self.product} before {self.reactant}"
        data = {
            "format": FORMAT,
            "formula": {"r": self.formula, "p_B": committor, "separatrix": "r = 0"},
            "conventions": CONVENTIONS,
            "source": self.source,
            "caution": self.caution,
            "reactant": self.reactant,
            "product": self.product,
            "symbols": list(self.symbols),
            "model": self.model,
            "intercept": self.intercept,
            "variables": entries,
        }
        return {key: value for key, value in data.items() if value != ""}


# --- reading and writing ----------------------------------------------------------------------------------------


def read(path: Path | str) -> ReactionCoordinate:
    """A reaction coordinate: the small file, or ``coordinate.json`` of a run.

    Raises
    ------
    ConfigError
        In one line that says what is wrong with the file.
    StoreError
        When it is JSON and damaged.
    """
    path = Path(path)
    data = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no reaction coordinate")
    try:
        return from_results(data) if "coordinate" in data else from_dict(data)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def from_dict(data: Mapping[str, Any]) -> ReactionCoordinate:
    """Inverse of :meth:`ReactionCoordinate.to_dict`.

    Raises
    ------
    ValueError
        In one line that starts with the key.
    """
    found = data.get("format")
    if found != FORMAT:
        raise ValueError(f"format: is {found!r}, not {FORMAT!r}; this is no reaction coordinate")
    entries = data.get("variables")
    if not isinstance(entries, list) or not entries:
        raise ValueError("variables: must be a list of one variable or more")
    made, coefficients = [], []
    for n, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise ValueError(f"variables[{n}]: must be a mapping, not {entry!r}")
        spec = {key: value for key, value in entry.items() if key not in ("coefficient", "unit", "meaning")}
        try:
            made.append(from_spec(spec))
        except ValueError as error:
            raise ValueError(f"variables[{n}]: {error}") from None
        if entry.get("unit", made[-1].unit) != made[-1].unit:
            raise ValueError(f"variables[{n}].unit: is {entry['unit']!r}, but the kind has {made[-1].unit!r}")
        coefficients.append(_number(entry.get("coefficient"), f"variables[{n}].coefficient"))
    return _checked(made, coefficients, data, data)


def from_results(data: Mapping[str, Any]) -> ReactionCoordinate:
    """The coordinate of a run, from the content of its ``coordinate.json``.

    Raises
    ------
    ValueError
        In one line that starts with the key.
    """
    for key in ("variables", "symbols"):
        if key not in data:
            raise ValueError(
                f"{key}: is missing: this file names its variables and does not say what they are, as those of "
                "older versions; make it again (delete it, then snakemake), or give the small file of a coordinate"
            )
    fit = data["coordinate"]
    try:
        specs = {spec["name"]: spec for spec in data["variables"]}
        made = [from_spec(specs[name]) for name in fit["names"]]
        coefficients = [_number(c, "coordinate.coefficients") for c in fit["coefficients"]]
        caution = []
        if fit.get("separable"):
            caution.append("the outcomes can be told apart without error: only the sign of r means anything")
        elif not fit.get("converged", True):
            caution.append("the fit did not converge")
        if not data.get("beats_null", True):
            caution.append("the coordinate is no better than a constant")
    except (KeyError, TypeError) as error:
        raise ValueError(f"coordinate: is not that of a run ({error!r})") from error
    return _checked(made, coefficients, fit, {**data, "caution": "; ".join(caution)})


def _checked(
    made: Sequence[Variable], coefficients: Sequence[float], fit: Mapping[str, Any], data: Mapping[str, Any]
) -> ReactionCoordinate:
    if len(coefficients) != len(made):
        raise ValueError(f"coefficients: {len(coefficients)} for {len(made)} variables; give one for each")
    names = [variable.name for variable in made]
    if len(set(names)) != len(names):
        raise ValueError("variables: two bear the same name; give each its own")
    model = fit.get("model")
    if model not in MODELS:
        raise ValueError(f"model: is {model!r}; known: {', '.join(MODELS)}")
    text = {key: data.get(key, "") for key in ("reactant", "product", "source", "caution")}
    for key, value in text.items():
        if not isinstance(value, str) or (key in ("reactant", "product") and not value):
            raise ValueError(f"{key}: must be a word, not {value!r}")
    symbols = data.get("symbols")
    if not isinstance(symbols, list) or not symbols or not all(isinstance(s, str) for s in symbols):
        raise ValueError("symbols: must be a list of the element symbols of all atoms")
    for n, variable in enumerate(made):
        beyond = max(max(leaf.atoms) for leaf in variable.leaves)
        if beyond >= len(symbols):
            raise ValueError(f"variables[{n}]: atom {beyond} is not among the {len(symbols)} in symbols")
    intercept = _number(fit.get("intercept"), "intercept")
    return ReactionCoordinate(tuple(made), tuple(coefficients), intercept, model, symbols=tuple(symbols), **text)


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key}: must be a finite number, not {value!r}")
    return float(value)


def write(coordinate: ReactionCoordinate, path: Path | str) -> list[Path]:
    """Write a coordinate in the format that the ending of `path` says.

    ``.yaml``, ``.yml``, ``.json``: the small file. ``.dat``: PLUMED input (and a ``.pdb`` beside it for each RMSD).
    ``.xml``: an OpenMM CustomCVForce whose energy is r in kJ/mol, for `openmm.XmlSerializer.deserialize`.

    Returns
    -------
    The files that were written.

    Raises
    ------
    ConfigError
        For another ending, or a variable that the format cannot express.
    StoreError
        When a file cannot be written.
    """
    path = Path(path)
    texts: dict[str, str]
    try:
        if path.suffix in (".yaml", ".yml"):
            # Lists of numbers in one line: a reference geometry would else take a line per number.
            texts = {
                path.name: yaml.safe_dump(coordinate.to_dict(), sort_keys=False, default_flow_style=None, width=120)
            }
        elif path.suffix == ".json":
            texts = {path.name: json.dumps(coordinate.to_dict(), indent=2, allow_nan=False) + "\n"}
        elif path.suffix == ".dat":
            texts = plumed(coordinate, path.name)
        elif path.suffix == ".xml":
            import openmm

            texts = {path.name: openmm.XmlSerializer.serialize(openmm_force(coordinate))}
        else:
            raise ConfigError(f"{path}: unknown ending; known: .yaml, .json, .dat (PLUMED), .xml (OpenMM)")
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    for name, text in texts.items():
        with replacing(path.with_name(name)) as temporary:
            temporary.write_text(text)
    return [path.with_name(name) for name in texts]


# --- trajectories -----------------------------------------------------------------------------------------------

# Formats of MDTraj that say which atoms they hold; the others need a topology.
_WITH_ATOMS = re.compile(r"\.(pdb|pdbx|cif|mmcif)(\.gz)?$|\.(h5|hdf5|lh5|gro|mol2|arc|gsd|hoomdxml)$")


@dataclass(frozen=True)
class Frames:
    """Geometries of a file.

    Attributes
    ----------
    positions
        Shape (n, atoms, 3), nm.
    velocities
        The same shape, nm/ps; None where the file has none.
    places
        Where each frame stands in the file: counts from 0 by name, shape (n,), such as ``path`` and ``frame``.
    symbols
        Element symbols, where the file or its topology has them.
    """

    positions: Array
    velocities: Array | None
    places: dict[str, NDArray[np.int64]]
    symbols: tuple[str, ...]


def read_frames(path: Path | str, top: Path | str | None = None, symbols: Sequence[str] = ()) -> Frames:
    """The geometries of a trajectory: any format of MDTraj, or a netCDF file of `results/` that holds positions.

    Rows of ``shots.nc`` of which nothing was run are left out. Molecules must be whole: there are no periodic images.

    Parameters
    ----------
    top
        File with the topology (any format of MDTraj, or XYZ), for trajectories that do not say which atoms they hold.
    symbols
        Element symbols that stand for the topology when there is no `top`.

    Raises
    ------
    StoreError
        When a file is missing, cannot be read, or holds no frame.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    frames = (_own(path) if path.suffix == ".nc" else None) or _foreign(path, top, symbols)
    if not len(frames.positions):
        raise StoreError(f"{path}: holds no frame")
    return frames


def _foreign(path: Path, top: Path | str | None, symbols: Sequence[str]) -> Frames:
    """Frames of a file that MDTraj reads."""
    import mdtraj

    try:
        if top is not None:
            topology: Any = _topology(*read_geometry(top, first=True)) if Path(top).suffix == ".xyz" else str(top)
        elif _WITH_ATOMS.search(path.name.lower()):
            topology = None
        else:
            topology = _topology(symbols)
        trajectory = mdtraj.load(str(path), **({} if topology is None else {"top": topology}))
    except Exception as error:  # whatever its readers make of a file that is not what its ending says
        why = " ".join(str(error).split())
        why = why if len(why) < 200 else f"{why[:200]} ..."
        raise StoreError(f"{path}: cannot be read with MDTraj ({why}); perhaps give --top") from error
    elements = [atom.element for atom in trajectory.topology.atoms]
    known = tuple(e.symbol for e in elements) if all(e is not None and e.symbol != "VS" for e in elements) else ()
    count = {"frame": np.arange(trajectory.n_frames)}
    return Frames(trajectory.xyz.astype(np.float64), None, count, known)


def _topology(symbols: Sequence[str], positions: Array | None = None) -> mdtraj.Topology:
    bonds = () if positions is None else bonds_from_distances(tuple(symbols), positions)
    return Molecule(tuple(symbols), bonds).mdtraj_topology()


def _own(path: Path) -> Frames | None:
    """Frames of a file of ours; None when it is a trajectory of AMBER, whose format is netCDF too."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as raw:
            if "AMBER" in str(getattr(raw, "Conventions", "")).upper():
                return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from error
    data = read_dataset(path)
    if "positions" not in data or data.positions.dims[-2:] != ("atom", "xyz"):
        raise StoreError(f"{path}: holds no positions; give paths.nc, shots.nc or a trajectory")
    positions = data.positions.values.reshape(-1, *data.positions.shape[-2:])
    velocities = data.velocities.values.reshape(positions.shape) if "velocities" in data else None
    count = np.arange(len(positions))
    if "n_frames" in data:
        lengths = data.n_frames.values
        path_of = np.repeat(np.arange(len(lengths)), lengths)
        places = {"path": path_of, "frame": count - np.repeat(np.cumsum(lengths) - lengths, lengths)}
    else:
        places = {"frame" if len(data.positions.dims) == 2 else str(data.positions.dims[0]): count}
    use = np.isfinite(positions).all(axis=(1, 2))
    return Frames(
        positions[use],
        None if velocities is None else velocities[use],
        {name: numbers[use] for name, numbers in places.items()},
        tuple(str(s) for s in data.symbol.values),
    )


def along(coordinate: ReactionCoordinate, frames: Frames) -> Evaluation:
    """The coordinate in the frames of a file.

    Raises
    ------
    ConfigError
        When the file holds other atoms than the coordinate's.
    """
    theirs, ours = frames.positions.shape[1], len(coordinate.symbols)
    if theirs != ours:
        raise ConfigError(f"the trajectory has {theirs} atoms, and the coordinate is one of {ours}")
    for n, (mine, other) in enumerate(zip(coordinate.symbols, frames.symbols, strict=False)):
        if mine != other:
            raise ConfigError(f"atom {n} is {other} in the trajectory and {mine} in the coordinate")
    try:
        return coordinate.evaluate(frames.positions, frames.velocities)
    except ValueError as error:
        raise ConfigError(f"the trajectory cannot be evaluated: {error}") from error


class Table(NamedTuple):
    """Result of an evaluation as columns: names, units ("" for counts), and the rows."""

    names: list[str]
    units: list[str]
    rows: list[list[float | int]]


def table(coordinate: ReactionCoordinate, frames: Frames, found: Evaluation) -> Table:
    """Columns: the place of a frame, r, p_B, then the variables."""
    names = [*frames.places, "r", "p_B", *(v.name for v in coordinate.variables)]
    units = [*("" for _ in frames.places), "1", "1", *(v.unit for v in coordinate.variables)]
    columns = [*(c.tolist() for c in frames.places.values()), found.r.tolist(), found.committor.tolist()]
    columns += found.values.T.tolist()
    return Table(names, units, [list(row) for row in zip(*columns, strict=True)])


def as_text(coordinate: ReactionCoordinate, content: Table) -> str:
    """A table for the eye: the formula, then columns that line up."""
    heads = [name if unit in ("", "1") else f"{name}/{unit}" for name, unit in zip(*content[:2], strict=True)]
    cells = [[f"{x}" if isinstance(x, int) else f"{x:.4f}" for x in row] for row in content.rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *cells]]
    notes = [coordinate.formula, *([f"caution: {coordinate.caution}"] if coordinate.caution else [])]
    return "\n".join([*map(one_line, (*(f"# {note}" for note in notes), *lines)), ""])


def as_csv(content: Table) -> str:
    """A table as CSV; units stand in the heads, in brackets."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heads = zip(content.names, content.units, strict=True)
    writer.writerow([cell(name) if unit in ("", "1") else cell(f"{name} [{unit}]") for name, unit in heads])
    writer.writerows(content.rows)
    return stream.getvalue()


def as_json(coordinate: ReactionCoordinate, content: Table) -> str:
    """A table as JSON: formula, units, and a list of frames."""
    units = {name: unit for name, unit in zip(content.names, content.units, strict=True) if unit}
    frames = [dict(zip(content.names, row, strict=True)) for row in content.rows]
    head = {"formula": coordinate.formula, "reactant": coordinate.reactant, "product": coordinate.product}
    return json.dumps({**head, "units": units, "frames": frames}, indent=2, allow_nan=False)


# --- other programs ---------------------------------------------------------------------------------------------


def not_expressible(variables: Iterable[Variable]) -> tuple[Variable, str] | None:
    """The first variable that OpenMM and PLUMED cannot express, and the kind that is why; None where there is none."""
    for variable in variables:
        for leaf in variable.leaves:
            if KINDS[leaf.kind].export is None:
                return variable, leaf.kind
    return None


def _labels(coordinate: ReactionCoordinate) -> dict[Variable, str]:
    """Labels of the variables (q1, q2, ...) and of the terms that they are made of (t1, ...), each once.

    Raises
    ------
    ValueError
        When one of them has no counterpart in the other programs.
    """
    labels: dict[tuple[Any, ...], str] = {}
    result: dict[Variable, str] = {}

    def name(variable: Variable, prefix: str) -> None:
        for _, term in variable.terms:
            name(term, "t")
        lacking = not_expressible([variable])
        if lacking is not None:
            raise ValueError(f"variable {variable.name!r}: kind {lacking[1]!r} has no counterpart in this format")
        # The name does not count: the same function is worked out once.
        content = (variable.kind, variable.atoms, variable.options, tuple((w, result[t]) for w, t in variable.terms))
        number = 1 + sum(label.startswith(prefix) for label in labels.values())
        result[variable] = labels.setdefault(content, f"{prefix}{number}")

    for variable in coordinate.variables:
        name(variable, "q")
    return result


def _once(labels: Mapping[Variable, str]) -> list[tuple[str, Variable]]:
    """Each label with what it stands for, terms before what is made of them."""
    return list({label: (label, variable) for variable, label in labels.items()}.values())


def _compound(variable: Variable, labels: Mapping[Variable, str]) -> str:
    weights = [weight for weight, _ in variable.terms]
    return COMPOUNDS[variable.kind].expression(weights, [labels[term] for _, term in variable.terms])


def _action(variable: Variable) -> Action | None:
    """The function that both programs have for a variable, if so."""
    export = None if variable.terms else KINDS[variable.kind].export
    return export if isinstance(export, Action) else None


# --- PLUMED -----------------------------------------------------------------------------------------------------

_ACTIONS = {"distance": "DISTANCE", "angle": "ANGLE", "torsion": "TORSION"}


def plumed(coordinate: ReactionCoordinate, name: str = "plumed.dat") -> dict[str, str]:
    """PLUMED 2 input that computes the variables, r and p_B and prints them to COLVAR.

    Parameters
    ----------
    name
        Of the file; the reference geometries of RMSD variables go into PDB files named after it (three decimals of an
        angstrom, which is PDB's own limit).

    Returns
    -------
    Text by file name.

    Raises
    ------
    ValueError
        When a variable has no counterpart in PLUMED.
    """
    labels = _labels(coordinate)
    files: dict[str, str] = {}
    lines = [
        f"# {coordinate.formula}",
        f"# p_B = {MODELS[coordinate.model].words}: chance to reach {coordinate.product} before {coordinate.reactant}",
        "# PLUMED counts atoms from 1. Inputs are in nm and radian; q1, q2, ... are in the units given below.",
        *([f"# {coordinate.source}"] if coordinate.source else []),
        *([f"# caution: {coordinate.caution}"] if coordinate.caution else []),
        "UNITS LENGTH=nm ENERGY=kj/mol TIME=ps",
    ]
    for label, variable in _once(labels):
        lines.append(f"# {label}: {variable.name}: {describe(variable)}, atoms counted from 0")
        action = _action(variable)
        if action is not None:
            options, file = dict(variable.options), f"{name.removesuffix('.dat')}_{label}.pdb"
            if action.reference is not None:
                files[file] = _pdb(variable, action.reference(options), coordinate.symbols)
            raw = f"{label}_nm" if action.factor else label
            lines.append(f"{raw}: {action.plumed(variable.atoms, options, file)}")
            if action.factor:
                lines.append(_custom(label, f"{action.factor}*q", {"q": raw}))
        elif variable.terms:
            lines.append(_combination(label, variable, labels))
        else:
            lines += _plumed_leaf(label, variable)
    lines += [
        "# the reaction coordinate, and the committor that it predicts",
        f"r_0: COMBINE ARG={','.join(labels[v] for v in coordinate.variables)} "
        f"COEFFICIENTS={','.join(repr(c) for c in coordinate.coefficients)} PERIODIC=NO",
        _custom("r", f"{coordinate.intercept!r}+s", {"s": "r_0"}),
        _custom("p_B", MODELS[coordinate.model].lepton, {"r": "r"}),
        f"PRINT ARG=r,p_B,{','.join(dict.fromkeys(labels[v] for v in coordinate.variables))} FILE=COLVAR STRIDE=1",
    ]
    return {name: "\n".join(lines) + "\n", **files}


def _custom(label: str, function: str, arguments: Mapping[str, str]) -> str:
    """A CUSTOM action; `arguments`: the name of each in the function, and its label."""
    inputs = f"ARG={','.join(arguments.values())} VAR={','.join(arguments)}"
    return f"{label}: CUSTOM {inputs} FUNC={function} PERIODIC=NO"


def _combination(label: str, variable: Variable, labels: Mapping[Variable, str]) -> str:
    if COMPOUNDS[variable.kind].weighted:
        weights: dict[str, float] = {}
        for weight, term in variable.terms:  # an argument may stand there once only
            weights[labels[term]] = weights.get(labels[term], 0.0) + weight
        coefficients = ",".join(repr(w) for w in weights.values())
        return f"{label}: COMBINE ARG={','.join(weights)} COEFFICIENTS={coefficients} PERIODIC=NO"
    terms = {labels[term]: labels[term] for _, term in variable.terms}
    return _custom(label, _compound(variable, labels), terms)


def _plumed_leaf(label: str, variable: Variable) -> list[str]:
    atoms = [atom + 1 for atom in variable.atoms]
    recipe = KINDS[variable.kind].export
    assert isinstance(recipe, Recipe)
    if recipe.measure in _ACTIONS:
        listed = ",".join(str(a) for a in atoms)
        measure = f"{label}_q: {_ACTIONS[recipe.measure]} ATOMS={listed} NOPBC"
        return [measure, _custom(label, recipe.value, {"q": f"{label}_q"})]
    if recipe.measure:
        measure = f"{label}_q: POSITION ATOM={atoms[0]} NOPBC"
        return [measure, _custom(label, recipe.value, {"q": f"{label}_q.{recipe.measure}"})]
    known: dict[str, str] = {}
    lines = []
    for vector, (start, end) in recipe.vectors.items():
        lines.append(f"{label}_{vector}: DISTANCE ATOMS={atoms[start]},{atoms[end]} COMPONENTS NOPBC")
        known |= {f"{vector}{axis}": f"{label}_{vector}.{axis}" for axis in "xyz"}
    for step, expression in {**recipe.steps, "": recipe.value}.items():
        used = {word: known[word] for word in dict.fromkeys(re.findall(r"[a-z]+", expression)) if word in known}
        known[step] = f"{label}_{step}" if step else label
        lines.append(_custom(known[step], expression, used))
    return lines


def _pdb(variable: Variable, positions: Array, symbols: Sequence[str]) -> str:
    reference = ANGSTROM_PER_NM * positions
    reference = reference - reference.mean(axis=0)  # large numbers would not fit the columns
    lines = [f"REMARK reference of {variable.name}; weights: all 1"]
    for atom, place in zip(variable.atoms, reference, strict=True):
        element, columns = symbols[atom], "".join(f"{value:8.3f}" for value in place)
        lines.append(f"ATOM  {atom + 1:5d} {element:>2s}   MOL A   1    {columns}  1.00  1.00          {element:>2s}")
    return "\n".join([*lines, "END", ""])


# --- OpenMM -----------------------------------------------------------------------------------------------------


def openmm_expression(coordinate: ReactionCoordinate, energy: str = "r") -> str:
    """Energy function of :func:`openmm_force`: the energy, then what r, p_B and compound variables are."""
    labels = _labels(coordinate)
    terms = [f"({c!r})*{labels[v]}" for c, v in zip(coordinate.coefficients, coordinate.variables, strict=True)]
    parts = [energy, f"p_B={MODELS[coordinate.model].lepton}", "+".join([f"r=({coordinate.intercept!r})", *terms])]
    # Lepton wants a definition to stand behind what uses it.
    for label, variable in reversed(_once(labels)):
        if variable.terms:
            parts.append(f"{label}={_compound(variable, labels)}")
        elif (action := _action(variable)) is not None and action.factor:
            parts.append(f"{label}={action.factor}*{label}_nm")
    return "; ".join(parts)


def openmm_force(
    coordinate: ReactionCoordinate,
    energy: str = "r",
    parameters: Mapping[str, float] | None = None,
    n_particles: int | None = None,
) -> openmm.CustomCVForce:
    """A force whose energy is a function of the reaction coordinate.

    Its collective variables are the coordinate's variables q1, q2, ... (and t1, ..., the terms of compound ones) in
    angstrom, degree or without unit; ``q1_nm`` of an RMSD is in nm.

    Parameters
    ----------
    energy
        Expression, kJ/mol, in ``r``, ``p_B`` and the parameters, such as ``0.5*k*(r-r0)^2`` for umbrella sampling.
    parameters
        Global parameters of the context and their default values.
    n_particles
        Number of particles of the System, if it has more than the coordinate's atoms, which must come first.

    Raises
    ------
    ValueError
        When a variable has no counterpart in OpenMM, or a parameter bears a name that is taken.
    """
    import openmm

    labels = _labels(coordinate)
    force = openmm.CustomCVForce(openmm_expression(coordinate, energy))
    for key, value in (parameters or {}).items():
        if key in ("r", "p_B") or re.fullmatch(r"[qt]\d+(_nm)?", key):
            raise ValueError(f"parameter {key!r}: this name is taken; choose another")
        force.addGlobalParameter(key, float(value))
    count = len(coordinate.symbols) if n_particles is None else n_particles
    for label, variable in _once(labels):
        if not variable.terms:
            action = _action(variable)
            name = f"{label}_nm" if action is not None and action.factor else label
            force.addCollectiveVariable(name, _openmm_leaf(variable, count))
    return force


def _openmm_leaf(variable: Variable, n_particles: int) -> openmm.Force:
    import openmm

    atoms, options = list(variable.atoms), dict(variable.options)
    action = _action(variable)
    if action is not None:
        return action.openmm(variable.atoms, options, n_particles)
    recipe = KINDS[variable.kind].export
    assert isinstance(recipe, Recipe)
    if recipe.measure == "distance":
        force = openmm.CustomBondForce(f"{recipe.value}; q=r")
        force.addBond(*atoms, [])
    elif recipe.measure == "angle":
        force = openmm.CustomAngleForce(f"{recipe.value}; q=theta")
        force.addAngle(*atoms, [])
    elif recipe.measure == "torsion":
        force = openmm.CustomTorsionForce(f"{recipe.value}; q=theta")
        force.addTorsion(*atoms, [])
    elif recipe.measure:
        force = openmm.CustomExternalForce(f"{recipe.value}; q={recipe.measure}")
        force.addParticle(atoms[0], [])
    else:
        steps = [f"{name}={expression}" for name, expression in reversed(list(recipe.steps.items()))]
        components = [
            f"{vector}{axis}={axis}{end + 1}-{axis}{start + 1}"
            for vector, (start, end) in recipe.vectors.items()
            for axis in "xyz"
        ]
        force = openmm.CustomCompoundBondForce(len(atoms), "; ".join([recipe.value, *steps, *components]))
        force.addBond(atoms, [])
    return force
