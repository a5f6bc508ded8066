"""MODEL.yaml: a surface, its diffusion tensor and its states, checked; every mistake is one line.

Plain data only: YAML through a safe loader, JSON, CSV and netCDF; formulas through
:mod:`separatrix.theory.expressions`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from separatrix.core import user_data
from separatrix.core.errors import ConfigError
from separatrix.core.section import check
from separatrix.core.text import shown
from separatrix.core.units import BOLTZMANN
from separatrix.core.yaml_file import read_yaml
from separatrix.theory import diffusion as diffusion_module
from separatrix.theory import expressions, no_data, surfaces
from separatrix.theory.diffusion import COMPONENTS, Diffusion
from separatrix.theory.elements import Grid
from separatrix.theory.expressions import Expression
from separatrix.theory.model_keys import TheorySection
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import GridSurface, Surface

#: PyYAML takes 1e-4, which YAML 1.1 does not count as a number, for text
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")
_MOST_NODES = 4_000_000
_XY = ("x", "y")


@dataclass(frozen=True)
class Measured:
    """Committors measured by shooting: k of n committed shots from each point went to B.

    Attributes
    ----------
    points
        Shape (m, 2).
    k, n
        Shape (m,).
    """

    points: np.ndarray
    k: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class Case:
    """A checked MODEL.yaml.

    Attributes
    ----------
    name, title
        For tables and figures.
    surface, diffusion, beta
        U, D and 1/kT.
    state_a, state_b
        Conditions in x and y.
    domain
        (x0, x1, y0, y1).
    spacings
        Coarse and fine grid spacing along x and y, each of shape (2,).
    names, units
        Of the two variables.
    kramers_axis
        ``Kx`` or ``Ky`` when the file says so.
    saddle
        Where its search starts, when the file says so.
    points
        Points for committors, shape (m, 2), when the file gives them.
    measured
        Committors from shooting, when the file names some.
    anisotropy
        D_yy/D_xx of the scan.
    auto_patch
        Whether derivatives at stationary points come from a patch whose size is left to the program.
    notes
        What a reader of the results should know about the input.
    """

    name: str
    title: str
    surface: Surface
    diffusion: Diffusion
    beta: float
    state_a: Expression
    state_b: Expression
    domain: tuple[float, float, float, float]
    spacings: tuple[np.ndarray, np.ndarray]
    names: tuple[str, str] = _XY
    units: tuple[str, str] = ("", "")
    kramers_axis: str | None = None
    saddle: tuple[float, float] | None = None
    points: np.ndarray | None = None
    measured: Measured | None = None
    anisotropy: tuple[float, ...] = ()
    auto_patch: bool = False
    notes: tuple[str, ...] = ()

    def grids(self) -> tuple[Grid, Grid]:
        """The coarse grid and the fine one, whose nodes hold those of the coarse one."""
        coarse = Grid.of(self.domain, self.spacings[0])
        times = np.rint(self.spacings[0] / self.spacings[1]).astype(int)
        n, m = (np.array(coarse.shape) - 1) * times
        x0, x1, y0, y1 = self.domain
        return coarse, Grid(np.linspace(x0, x1, n + 1), np.linspace(y0, y1, m + 1))

    def with_diffusion(self, diffusion: Diffusion) -> Case:
        """The same with another D."""
        return dataclasses.replace(self, diffusion=diffusion)


def read(path: Path | str, case: str | None = None) -> Case:
    """Read a MODEL.yaml, or the same as JSON.

    Parameters
    ----------
    path
        The file.
    case
        Which one of a file that holds several under ``cases``.

    Raises
    ------
    ConfigError
        At the first mistake, in one line: file, key, what is wrong, what would be right.
    """
    path = Path(path)
    data, where = plain(path), str(path)
    if "cases" in data:
        cases = data["cases"]
        if not isinstance(cases, dict) or not all(isinstance(c, dict) for c in cases.values()):
            raise ConfigError(f"{where}: cases: is not a mapping of names to cases")
        if case is None:
            raise ConfigError(f"{where}: holds {len(cases)} cases; choose one with --case ({_few(cases)})")
        if case not in cases:
            raise ConfigError(f"{where}: cases: {case!r} is not there (known: {_few(cases)})")
        data, where = {"name": case, **cases[case]}, f"{where}: {case}"
    elif case is not None:
        raise ConfigError(f"{where}: holds one case alone; leave --case out")
    return build(data, where, folder=path.parent, name=case or path.stem)


def build(data: Mapping[str, Any], where: str, folder: Path | str = ".", name: str = "model") -> Case:
    """A Case from plain data.

    Parameters
    ----------
    data
        As in the file.
    where
        What errors name.
    folder
        Of the file: where files that it names are looked for, after the working folder.
    name
        When the data hold none.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    data = check(_numbers(data), TheorySection, where)
    beta = _beta(data, where)
    surface, auto_patch, notes = _surface(data, where, Path(folder), beta)
    domain = _domain(data, surface, where)
    spacings = _spacings(data, surface, domain, where)
    if isinstance(surface, surfaces.Formula):
        # Steps of the numerical derivatives: short beside a grid cell, long beside rounding.
        dx, dy = (float(s) for s in 0.1 * spacings[1])
        surface = dataclasses.replace(surface, steps=(dx, dy))
    states = [expressions.read(data[k], f"{where}: {k}", _XY, condition=True) for k in ("state_A", "state_B")]
    found = Case(
        name=data.get("name", name),
        title=data.get("title", data.get("name", name)),
        surface=surface,
        diffusion=_diffusion(data["D"], where, Path(folder), data, notes),
        beta=beta,
        state_a=states[0],
        state_b=states[1],
        domain=domain,
        spacings=spacings,
        names=tuple(data.get("names", _XY)),
        units=tuple(data.get("units", ("", ""))),
        kramers_axis=data.get("kramers_axis"),
        saddle=_pair(data["saddle"], f"{where}: saddle") if "saddle" in data else None,
        points=np.array([_pair(p, f"{where}: points") for p in data["points"]]) if data.get("points") else None,
        measured=_measured(data, where, Path(folder)),
        anisotropy=tuple(float(a) for a in data.get("anisotropy", ())),
        auto_patch=auto_patch,
        notes=tuple(notes),
    )
    for key, state in (("state_A", states[0]), ("state_B", states[1])):
        notes += _misfits(key, state, found.grids()[0])
    return dataclasses.replace(found, notes=tuple(notes))


# --- parts --------------------------------------------------------------------------------------------------------


def plain(path: Path | str) -> dict[str, Any]:
    """What a YAML or JSON file holds, numbers such as 1e-4 being numbers.

    Raises
    ------
    ConfigError
        When it cannot be read, or holds no mapping.
    """
    path = Path(path)
    data = _json(path) if path.suffix.lower() == ".json" else read_yaml(path)
    user_data.check(data, f"{path}: ")
    return _numbers(data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in JSON, of which a key that is given twice is refused: the last one would count silently."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {shown(key)} stands there a second time")
        found[key] = value
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not a text file'})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid JSON: {str(error)[:100]}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no mapping of keys to values")
    return data


def _few(names: Collection[str]) -> str:
    shown = [str(n) for n in list(names)[:8]]
    return ", ".join(shown) + (", ..." if len(names) > 8 else "")


def _numbers(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _numbers(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_numbers(value) for value in data]
    return float(data) if isinstance(data, str) and _FLOAT.fullmatch(data) else data


def _number(value: Any, where: str, what: str = "a number") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{where}: {value!r} is not {what}")
    return float(value)


def _pair(value: Any, where: str, least: float | None = None) -> tuple[float, float]:
    """One number for both variables, or one for each."""
    both = value if isinstance(value, list) else [value, value]
    if len(both) != 2:
        raise ConfigError(f"{where}: {value!r}; give one number, or one for x and one for y")
    one, other = (_number(v, where) for v in both)
    if least is not None and min(one, other) < least:
        raise ConfigError(f"{where}: {value!r} must be at least {least:g}")
    return one, other


def _beta(data: Mapping[str, Any], where: str) -> float:
    if ("beta" in data) == ("temperature_K" in data):
        raise ConfigError(f"{where}: beta: give either beta (1/energy) or temperature_K (energies in kJ/mol)")
    return _number(data["beta"], f"{where}: beta") if "beta" in data else 1.0 / (BOLTZMANN * data["temperature_K"])


def _surface(data: Mapping[str, Any], where: str, folder: Path, beta: float) -> tuple[Surface, bool, list[str]]:
    """The surface, whether the size of its patch is left open, and notes."""
    params = dict(data.get("params", {}))
    inner = params.pop("model", None)
    name = data.get("model", inner)
    if inner is not None and inner != name:
        raise ConfigError(f"{where}: model: {name!r} here and {inner!r} in params; give it once")
    given = [key for key in ("formula", "surface") if key in data] + (["model"] if name is not None else [])
    if len(given) != 1:
        what = " and ".join(given) if given else "none of them"
        raise ConfigError(f"{where}: model: give one of model, formula and surface (there: {what})")
    if given == ["surface"]:
        if params:
            raise ConfigError(f"{where}: params: a surface from a file has no parameters")
        return _from_file(data["surface"], where, folder, beta, tuple(data.get("names", _XY)))
    if given == ["formula"]:
        values = {key: _number(value, f"{where}: params.{key}") for key, value in params.items()}
        names = (*_XY, *values)
        return surfaces.Formula(expressions.read(data["formula"], f"{where}: formula", names), values), False, []
    if not isinstance(name, str):
        raise ConfigError(f"{where}: model: {name!r} is not the name of a model (known: {_known_models()})")
    if name in surfaces.MODELS:
        return surfaces.model(name, params, where), False, []
    return _of_engine(name, params, where), False, []


def _known_models() -> str:
    from separatrix.potentials.engines.model import SURFACES

    return ", ".join([*surfaces.MODELS, *(name for name, surface in SURFACES.items() if surface.dimension == 2)])


def _of_engine(name: str, params: Mapping[str, Any], where: str) -> Surface:
    """A surface of the engine `model`, in nm and kJ/mol, so that theory and sampling mean the same one."""
    from separatrix.potentials.engines import model as engine

    surface = engine.SURFACES.get(name)
    if surface is None or surface.dimension != 2:
        raise ConfigError(f"{where}: model: {name!r} is not a model (known: {_known_models()})")
    values = {key: value for key, value in surface.defaults.items() if not key.startswith("mass_")}
    for key, value in params.items():
        if key not in values:
            raise ConfigError(f"{where}: params: unknown key {key!r}; {name} has {', '.join(values)}")
        values[key] = _number(value, f"{where}: params.{key}")
    symbols = {engine.symbol(key): value for key, value in values.items()}
    return surfaces.Formula(expressions.read(surface.energy, f"{where}: model", (*_XY, *symbols)), symbols)


def _find(name: str, where: str, folder: Path) -> Path:
    for path in (Path(name), folder / name):
        if path.is_file():
            return path
    raise ConfigError(f"{where}: {name} does not exist; give a path from the working folder or from this file's folder")


def _from_file(
    spec: Mapping[str, Any], where: str, folder: Path, beta: float, names: tuple[str, str]
) -> tuple[Surface, bool, list[str]]:
    at = f"{where}: surface"
    path = _find(spec["file"], f"{at}.file", folder)
    grid = read_grid(path, spec.get("variable"), spec.get("x"), spec.get("y"), names)
    smoothing = _pair(spec.get("smoothing", 0.0), f"{at}.smoothing", 0.0)
    patch = _pair(spec.get("patch", 0.0), f"{at}.patch", 0.0)
    if min(patch) == 0 < max(patch):
        raise ConfigError(f"{at}.patch: {spec['patch']!r}; give two numbers above 0, or 0")
    if (words := no_data.complaint(grid.x, grid.y, beta * grid.values)) is not None:
        raise ConfigError(f"{path}: {words}")
    try:
        surface = GridSurface(grid.x, grid.y, grid.values, smoothing, patch)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    notes = _of_order(grid, path, "surface")
    if max(smoothing) > 0:
        notes.append(f"surface smoothed by a Gaussian of standard deviation {smoothing[0]:g}, {smoothing[1]:g}")
    if not surface.known.all():
        notes.append(f"{(~surface.known).mean():.0%} of the surface's nodes hold no value and are left out")
    return surface, "patch" not in spec, notes


@dataclass(frozen=True)
class GridData:
    """A field on a tensor grid, as a file has it.

    Attributes
    ----------
    x, y
        Nodes, ascending, shapes (n,) and (m,).
    values
        Shape (n, m).
    axes
        What the file calls x and y.
    by_order
        Whether nothing but their order in the file says which of the two is x.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    axes: tuple[str, str]
    by_order: bool


def _of_order(grid: GridData, path: Path, key: str) -> list[str]:
    """A note on axes that are told by nothing but their order."""
    if not grid.by_order:
        return []
    return [
        f"{path.name}: x is {grid.axes[0]}, y is {grid.axes[1]}, by their order in the file; {key}.x and .y name them"
    ]


def read_grid(
    path: Path | str,
    variable: str | None = None,
    x: str | None = None,
    y: str | None = None,
    names: tuple[str, str] = _XY,
) -> GridData:
    """A field on a tensor grid from netCDF or CSV.

    Parameters
    ----------
    path
        ``.nc``: a variable of two dimensions that have coordinates; ``.csv``: one line per node with a header, missing
        nodes become NaN.
    variable
        Name of the field; if absent the only one of two dimensions, or the first column that is no axis.
    x, y
        Names of the variables. If absent those that are called as in `names`, or x and y; then by the attribute `axis`
        of netCDF; then in their order.
    names
        Of the two variables in the model.

    Raises
    ------
    ConfigError
        When the file cannot be read as such.
    """
    path = Path(path)
    if path.suffix.lower() not in (".nc", ".csv"):
        raise ConfigError(f"{path}: a surface is read from netCDF (.nc) or CSV (.csv)")
    read = _from_netcdf if path.suffix.lower() == ".nc" else _from_csv
    try:
        found = read(path, variable, x, y, names)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{path}: cannot be read as a surface ({' '.join(str(error).split())[:120]})") from error
    order = np.argsort(found.x), np.argsort(found.y)
    return dataclasses.replace(found, x=found.x[order[0]], y=found.y[order[1]], values=found.values[np.ix_(*order)])


def _axes(
    known: Sequence[str], x: str | None, y: str | None, names: tuple[str, str], marked: Mapping[str, str]
) -> tuple[str, str, bool]:
    """Which of a file's names is x and which y, and whether their order alone says so.

    Parameters
    ----------
    known
        Names in the file that can be axes, in their order.
    x, y
        Those that the user gives.
    names
        Of the model's variables.
    marked
        Names by the axis, ``x`` or ``y``, that the file itself says they are.
    """
    given = [x, y]
    plain = {name.casefold(): name for name in known}
    for place, (name, letter) in enumerate(zip(names, _XY, strict=True)):
        for candidate in (plain.get(name.casefold()), plain.get(letter), marked.get(letter)):
            if given[place] is None and candidate is not None and candidate not in given:
                given[place] = candidate
    by_order = given == [None, None]
    first = given[0] or next((name for name in known if name not in given), known[-1])
    second = given[1] or next((name for name in known if name not in (first, given[1])), known[-1])
    return first, second, by_order


def _from_netcdf(path: Path, variable: str | None, x: str | None, y: str | None, names: tuple[str, str]) -> GridData:
    with xr.open_dataset(path, engine="netcdf4") as data:
        if variable is None:
            fields = [str(n) for n, v in data.data_vars.items() if v.ndim == 2 and v.dtype.kind == "f"]
            if len(fields) != 1:
                raise ConfigError(f"{path}: holds {len(fields)} fields of two dimensions; name one (`variable`)")
            variable = fields[0]
        if variable not in data.data_vars:
            raise ConfigError(
                f"{path}: variable {variable!r} is not there (known: {_few([str(n) for n in data.data_vars])})"
            )
        field = data[variable]
        if field.ndim != 2:
            raise ConfigError(f"{path}: {variable} has {field.ndim} dimensions, not two")
        for given in (x, y):
            if given is not None and given not in field.dims:
                raise ConfigError(
                    f"{path}: {given!r} is no dimension of {variable} ({_few([str(n) for n in field.sizes])})"
                )
        dims = [str(d) for d in field.dims]
        marked = {str(data[d].attrs.get("axis", "")).lower(): d for d in dims if d in data.coords}
        x, y, by_order = _axes(dims, x, y, names, marked)
        if x == y:
            raise ConfigError(f"{path}: {x!r} cannot be both x and y; the dimensions are {' and '.join(dims)}")
        for dim in (x, y):
            if dim not in data.coords:
                raise ConfigError(f"{path}: dimension {dim!r} has no coordinate values")
        field = field.transpose(x, y)
        xs, ys, values = (np.asarray(v, dtype=float) for v in (data[x].values, data[y].values, field.values))
        return GridData(xs, ys, values, (x, y), by_order)


def _from_csv(path: Path, variable: str | None, x: str | None, y: str | None, names: tuple[str, str]) -> GridData:
    table = pd.read_csv(path, skipinitialspace=True, comment="#")
    columns = [str(c).strip() for c in table.columns]
    table.columns = columns
    if all(_is_number(c) for c in columns):
        raise ConfigError(f"{path}: the first line holds numbers; give a header such as x,y,U")
    for name in (x, y, variable):
        if name is not None and name not in columns:
            raise ConfigError(f"{path}: column {name!r} is not there (known: {', '.join(columns[:8])})")
    if len(columns) < 3:
        raise ConfigError(f"{path}: three columns are needed, such as x,y,U")
    x, y, by_order = _axes([c for c in columns if c != variable], x, y, names, {})
    wanted = [x, y, variable or next((c for c in columns if c not in (x, y)), x)]
    if len(set(wanted)) != 3:
        raise ConfigError(f"{path}: three columns are needed, such as x,y,U")
    numbers = table[wanted].apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(numbers[wanted[:2]].to_numpy(float)).all():
        raise ConfigError(f"{path}: columns {wanted[0]} and {wanted[1]} hold something that is no number")
    numbers = _snapped(numbers, wanted[:2])
    if numbers.duplicated(wanted[:2]).any():
        raise ConfigError(f"{path}: a node stands there twice")
    grid = numbers.pivot(index=wanted[0], columns=wanted[1], values=wanted[2])
    if grid.size > _MOST_NODES or grid.size > 20 * len(numbers) + 100:
        raise ConfigError(f"{path}: the lines do not form a grid; give every pair of x and y")
    return GridData(grid.index.to_numpy(float), grid.columns.to_numpy(float), grid.to_numpy(float), (x, y), by_order)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _snapped(numbers: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Lines whose coordinates of one node, which may differ in their last digits, are one number.

    Steps between the sorted coordinates are then of two sizes, and the small ones are none, unless two lines would come
    to lie on one node.
    """
    found = numbers.copy()
    for axis in axes:
        nodes = np.unique(numbers[axis].to_numpy(float))
        steps = np.sort(np.diff(nodes))
        if len(steps) < 4:
            continue
        ratio = steps[1:] / steps[:-1]
        widest = int(ratio.argmax())
        if ratio[widest] < 20.0:
            continue
        group = np.concatenate([[0], np.cumsum(np.diff(nodes) > math.sqrt(steps[widest] * steps[widest + 1]))])
        centres = np.bincount(group, weights=nodes) / np.bincount(group)
        at = pd.Series(centres[group[np.searchsorted(nodes, numbers[axis].to_numpy(float))]], index=numbers.index)
        found[axis] = at
    return numbers if found.duplicated(axes).any() and not numbers.duplicated(axes).any() else found


def _domain(data: Mapping[str, Any], surface: Surface, where: str) -> tuple[float, float, float, float]:
    if "domain" in data:
        found = tuple(_number(v, f"{where}: domain") for v in data["domain"])
    elif isinstance(surface, GridSurface):
        found = (surface.x[0], surface.x[-1], surface.y[0], surface.y[-1])
    else:
        raise ConfigError(f"{where}: key 'domain' is missing (borders of the surface, [x0, x1, y0, y1])")
    x0, x1, y0, y1 = (float(v) for v in found)
    if x0 >= x1 or y0 >= y1:
        raise ConfigError(f"{where}: domain: {list(found)}; give [x0, x1, y0, y1] with x0 < x1 and y0 < y1")
    return x0, x1, y0, y1


def _spacings(data: Mapping[str, Any], surface: Surface, domain: Numbers, where: str) -> tuple[np.ndarray, np.ndarray]:
    at = f"{where}: grid_h"
    given = data.get("grid_h")
    if given is None:
        if not isinstance(surface, GridSurface):
            raise ConfigError(f"{where}: key 'grid_h' is missing (grid spacing, coarse and fine)")
        coarse = np.array([np.diff(surface.x).mean(), np.diff(surface.y).mean()])
        fine = 0.5 * coarse
    else:
        levels = given if isinstance(given, list) else [given]
        if len(levels) not in (1, 2):
            raise ConfigError(f"{at}: {given!r}; give one spacing, or the coarse and the fine one")
        coarse = np.array(_pair(levels[0], at))
        fine = np.array(_pair(levels[1], at)) if len(levels) == 2 else 0.5 * coarse
    if min(coarse.min(), fine.min()) <= 0:
        raise ConfigError(f"{at}: {given!r}; a spacing must be more than 0")
    ratio = coarse / fine
    if np.abs(ratio - np.rint(ratio)).max() > 1e-6 or np.rint(ratio).min() < 2 or np.ptp(np.rint(ratio)) > 0:
        raise ConfigError(f"{at}: {given!r}; the fine spacing must be the coarse one over 2, 3, ...")
    size = np.array([domain[1] - domain[0], domain[3] - domain[2]])
    if (size / coarse).min() < 4:
        raise ConfigError(f"{at}: {given!r}; fewer than four cells across the domain")
    if np.prod(size / fine) > _MOST_NODES:
        raise ConfigError(f"{at}: {given!r}; more than {_MOST_NODES:,} nodes, use a coarser grid")
    return coarse, fine


def _misfits(key: str, state: Expression, grid: Grid) -> list[str]:
    """Notes on borders of a state that are no lines of the coarse grid."""
    found = []
    for variable, nodes, h in zip(_XY, (grid.x, grid.y), grid.spacing, strict=True):
        for edge in state.edges(variable):
            place = (edge - nodes[0]) / h
            if 0 < place < len(nodes) - 1 and abs(place - round(place)) > 1e-6:
                found.append(
                    f"{key}: {variable} = {edge:g} is no line of the coarse grid (spacing {h:g}): "
                    "errors are of first order, and larger than estimated"
                )
    return found


def _diffusion(given: Any, where: str, folder: Path, data: Mapping[str, Any], notes: list[str]) -> Diffusion:
    at = f"{where}: D"
    if isinstance(given, Mapping):
        return _diffusion_mapping(given, at, folder, data, notes)
    if isinstance(given, list):
        rows = given
        if len(rows) == 2 and not any(isinstance(row, list) for row in rows):
            rows = [[rows[0], 0.0], [0.0, rows[1]]]
        if len(rows) != 2 or not all(isinstance(row, list) and len(row) == 2 for row in rows):
            raise ConfigError(f"{at}: {given!r} is not a 2 x 2 tensor; give [[D_xx, D_xy], [D_xy, D_yy]]")
        (xx, xy), (yx, yy) = ([_number(v, at) for v in row] for row in rows)
        if not math.isclose(xy, yx, rel_tol=1e-9, abs_tol=1e-12 * max(abs(xx), abs(yy))):
            raise ConfigError(f"{at}: {given!r} is not symmetric; D_xy and D_yx must be equal")
    else:
        xx = yy = _number(given, at, "a number, a 2 x 2 tensor or a mapping")
        xy = 0.0
    return _positive(diffusion_module.Constant(xx, xy, yy), at)


def _positive(found: diffusion_module.Constant, at: str) -> Diffusion:
    if not diffusion_module.positive(np.array([found.xx, found.xy, found.yy])):
        raise ConfigError(
            f"{at}: {found.matrix.tolist()} is not positive definite; D_xx, D_yy and D's determinant must be"
        )
    return found


def _diffusion_mapping(
    given: Mapping[str, Any], at: str, folder: Path, data: Mapping[str, Any], notes: list[str]
) -> Diffusion:
    kinds = {
        "formulas": {"xx", "xy", "yy"},
        "file": {"file", "x", "y", "xx", "xy", "yy"},
        "friction": {"masses_Da", "friction_per_ps"},
    }
    kind = "file" if "file" in given else "friction" if "masses_Da" in given else "formulas"
    for key in given:
        if key not in kinds[kind]:
            raise ConfigError(f"{at}: unknown key {key!r} (known: {', '.join(sorted(kinds[kind]))})")
    if kind == "friction":
        if "friction_per_ps" not in given or "temperature_K" not in data:
            raise ConfigError(f"{at}: masses_Da needs friction_per_ps beside it, and temperature_K in place of beta")
        masses = _pair(given["masses_Da"], f"{at}.masses_Da")
        friction = _number(given["friction_per_ps"], f"{at}.friction_per_ps")
        if min(*masses, friction) <= 0:
            raise ConfigError(f"{at}: masses and friction must be more than 0")
        # Einstein's relation; kJ/mol is Da nm^2/ps^2, so D comes in nm^2/ps.
        thermal = BOLTZMANN * data["temperature_K"]
        return diffusion_module.Constant(thermal / (masses[0] * friction), 0.0, thermal / (masses[1] * friction))
    if kind == "file":
        path = _find(given["file"], f"{at}.file", folder)
        grids, names = {}, tuple(data.get("names", _XY))
        for key in COMPONENTS:
            try:
                grid = read_grid(path, given.get(key, f"D_{key}"), given.get("x"), given.get("y"), names)
                with np.errstate(invalid="ignore", divide="ignore"):
                    jumps = no_data.complaint(grid.x, grid.y, np.log(grid.values)) if key != "xy" else None
                if jumps is not None:
                    raise ConfigError(
                        f"{path}: {given.get(key, f'D_{key}')} jumps by a factor of more than 100 between neighbouring "
                        "nodes: nodes without data must be NaN, or empty, or left out"
                    )
                grids[key] = GridSurface(grid.x, grid.y, grid.values)
                notes += _of_order(grid, path, "D") if key == "xx" else []
            except ConfigError:
                if key == "xy" and key not in given:
                    continue  # a diagonal tensor
                raise
            except ValueError as error:
                raise ConfigError(f"{path}: {error}") from error
        return diffusion_module.OnGrid(grids)
    for key in ("xx", "yy"):
        if key not in given:
            raise ConfigError(f"{at}: key {key!r} is missing; give formulas for xx, yy and, if it is not 0, xy")
    formulas = {key: expressions.read(value, f"{at}.{key}", _XY) for key, value in given.items()}
    return diffusion_module.Formulas(formulas)


def _measured(data: Mapping[str, Any], where: str, folder: Path) -> Measured | None:
    if "measured" not in data:
        return None
    scale = _pair(data.get("measured_scale", 1.0), f"{where}: measured_scale")
    return read_measured(_find(data["measured"], f"{where}: measured", folder), scale)


def read_measured(path: Path | str, scale: Numbers = (1.0, 1.0)) -> Measured:
    """Measured committors, from a CSV with columns x, y, k and n, or from the ``committor.json`` of a run.

    Parameters
    ----------
    path
        The file. A run's has the two variables if its config names them under ``committor.map``.
    scale
        Factors from the file's units of x and y to those of the surface.

    Raises
    ------
    ConfigError
        When a column is missing or a count is no count.
    """
    path = Path(path)
    numbers = _of_run(path) if path.suffix.lower() == ".json" else _of_csv(path)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise ConfigError(f"{path}: columns x, y, k and n must hold numbers, one line at least")
    k, n = numbers[:, 2], numbers[:, 3]
    if (k != np.rint(k)).any() or (n != np.rint(n)).any() or (k < 0).any() or (k > n).any() or (n < 1).any():
        raise ConfigError(f"{path}: k and n must be whole numbers with 0 <= k <= n and n >= 1")
    return Measured(numbers[:, :2] * np.asarray(scale), k.astype(int), n.astype(int))


def _of_run(path: Path) -> np.ndarray:
    """x, y, k and n of every configuration of a run that shots were committed from."""
    try:
        entries = [c for draw in _json(path)["draws"].values() for c in draw["configurations"]]
        rows = [(*c["at"], c["to_product"], c["to_product"] + c["to_reactant"]) for c in entries if "at" in c]
        found = np.array([row for row in rows if row[3] > 0], dtype=float)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: is no committor.json of a run") from error
    if found.ndim != 2 or found.shape[1] != 4:
        raise ConfigError(f"{path}: holds no two variables; name them in its config (committor.map.variables)")
    return found


def _of_csv(path: Path) -> np.ndarray:
    """x, y, k and n of every line."""
    try:
        table = pd.read_csv(path, skipinitialspace=True, comment="#")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read as CSV ({' '.join(str(error).split())[:120]})") from error
    for column in ("x", "y", "k", "n"):
        if column not in table.columns:
            raise ConfigError(f"{path}: column {column!r} is not there; give x, y, k and n")
    return table[["x", "y", "k", "n"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
