"""MODEL.yaml: a surface, its diffusion tensor and its states, checked; every mistake is one line.

Plain data only: YAML through a safe loader, JSON, CSV and netCDF; formulas through
:mod:`separatrix.theory.expressions`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core import user_data
from separatrix.core.errors import ConfigError
from separatrix.core.section import check
from separatrix.core.units import BOLTZMANN
from separatrix.core.yaml_file import read_yaml
from separatrix.theory import diffusion as diffusion_module
from separatrix.theory import expressions, no_data, surfaces
from separatrix.theory.diffusion import COMPONENTS, Diffusion
from separatrix.theory.elements import Grid
from separatrix.theory.expressions import Expression
from separatrix.theory.grid_file import GridData, few, read_grid
from separatrix.theory.json_file import read_json
from separatrix.theory.measured_committors import MeasuredCommittors, read_measured
from separatrix.theory.model_keys import (
    FormulaDiffusion,
    FrictionDiffusion,
    GridDiffusion,
    GridSection,
    TheorySection,
)
from separatrix.theory.numbers import Numbers
from separatrix.theory.surfaces import GridSurface, Surface

#: PyYAML takes 1e-4, which YAML 1.1 does not count as a number, for text
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")
_MOST_NODES = 4_000_000
_XY = ("x", "y")


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
    measured: MeasuredCommittors | None = None
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
            raise ConfigError(f"{where}: holds {len(cases)} cases; choose one with --case ({few(cases)})")
        if case not in cases:
            raise ConfigError(f"{where}: cases: {case!r} is not there (known: {few(cases)})")
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
    keys = TheorySection.model_validate(check(_numbers(data), TheorySection, where))
    beta = _beta(keys, where)
    surface, auto_patch, notes = _surface(keys, where, Path(folder), beta)
    domain = _domain(keys, surface, where)
    spacings = _spacings(keys, surface, domain, where)
    if isinstance(surface, surfaces.Formula):
        # Steps of the numerical derivatives: short beside a grid cell, long beside rounding.
        dx, dy = (float(s) for s in 0.1 * spacings[1])
        surface = dataclasses.replace(surface, steps=(dx, dy))
    state_a = expressions.read(keys.state_A, f"{where}: state_A", _XY, condition=True)
    state_b = expressions.read(keys.state_B, f"{where}: state_B", _XY, condition=True)
    case = Case(
        name=keys.name or name,
        title=keys.title or keys.name or name,
        surface=surface,
        diffusion=_diffusion(keys, where, Path(folder), notes),
        beta=beta,
        state_a=state_a,
        state_b=state_b,
        domain=domain,
        spacings=spacings,
        names=_names(keys),
        units=(keys.units[0], keys.units[1]),
        kramers_axis=keys.kramers_axis,
        saddle=None if keys.saddle is None else pair(keys.saddle),
        points=np.array([pair(point) for point in keys.points]) if keys.points else None,
        measured=_measured(keys, where, Path(folder)),
        anisotropy=tuple(float(a) for a in keys.anisotropy),
        auto_patch=auto_patch,
        notes=tuple(notes),
    )
    for key, state in (("state_A", state_a), ("state_B", state_b)):
        notes += _misfits(key, state, case.grids()[0])
    return dataclasses.replace(case, notes=tuple(notes))


# --- parts --------------------------------------------------------------------------------------------------------


def plain(path: Path | str) -> dict[str, Any]:
    """What a YAML or JSON file holds, numbers such as 1e-4 being numbers.

    Raises
    ------
    ConfigError
        When it cannot be read, or holds no mapping.
    """
    path = Path(path)
    data = read_json(path) if path.suffix.lower() == ".json" else read_yaml(path)
    user_data.check(data, f"{path}: ")
    return _numbers(data)


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


def pair(value: float | Sequence[float]) -> tuple[float, float]:
    """One number for both variables, or one for each."""
    one, other = value if isinstance(value, Sequence) else (value, value)
    return float(one), float(other)


def _names(keys: TheorySection) -> tuple[str, str]:
    return keys.names[0], keys.names[1]


def _beta(keys: TheorySection, where: str) -> float:
    if keys.beta is not None and keys.temperature_K is None:
        return float(keys.beta)
    if keys.temperature_K is not None and keys.beta is None:
        return 1.0 / (BOLTZMANN * float(keys.temperature_K))
    raise ConfigError(f"{where}: beta: give either beta (1/energy) or temperature_K (energies in kJ/mol)")


def _surface(keys: TheorySection, where: str, folder: Path, beta: float) -> tuple[Surface, bool, list[str]]:
    """The surface, whether the size of its patch is left open, and notes."""
    params = dict(keys.params)
    inner = params.pop("model", None)
    name = inner if keys.model is None else keys.model
    if inner is not None and inner != name:
        raise ConfigError(f"{where}: model: {name!r} here and {inner!r} in params; give it once")
    ways = {"formula": keys.formula, "surface": keys.surface, "model": name}
    given = [way for way, value in ways.items() if value is not None]
    if len(given) != 1:
        what = " and ".join(given) if given else "none of them"
        raise ConfigError(f"{where}: model: give one of model, formula and surface (there: {what})")
    if keys.surface is not None:
        if params:
            raise ConfigError(f"{where}: params: a surface from a file has no parameters")
        return _from_file(keys.surface, where, folder, beta, _names(keys))
    if keys.formula is not None:
        values = {key: _number(value, f"{where}: params.{key}") for key, value in params.items()}
        names = (*_XY, *values)
        return surfaces.Formula(expressions.read(keys.formula, f"{where}: formula", names), values), False, []
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
    keys: GridSection, where: str, folder: Path, beta: float, names: tuple[str, str]
) -> tuple[Surface, bool, list[str]]:
    at = f"{where}: surface"
    path = _find(keys.file, f"{at}.file", folder)
    grid = read_grid(path, keys.variable, keys.x, keys.y, names)
    smoothing, patch = pair(keys.smoothing), pair(0.0 if keys.patch is None else keys.patch)
    for key, value, both in (("smoothing", keys.smoothing, smoothing), ("patch", keys.patch, patch)):
        if min(both) < 0:
            raise ConfigError(f"{at}.{key}: {value!r} must be at least 0")
    if min(patch) == 0 < max(patch):
        raise ConfigError(f"{at}.patch: {keys.patch!r}; give two numbers above 0, or 0")
    if (complaint := no_data.complaint(grid.x, grid.y, beta * grid.values)) is not None:
        raise ConfigError(f"{path}: {complaint}")
    try:
        surface = GridSurface(grid.x, grid.y, grid.values, smoothing, patch)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    notes = _of_order(grid, path, "surface")
    if max(smoothing) > 0:
        notes.append(f"surface smoothed by a Gaussian of standard deviation {smoothing[0]:g}, {smoothing[1]:g}")
    if not surface.known.all():
        notes.append(f"{(~surface.known).mean():.0%} of the surface's nodes hold no value and are left out")
    return surface, keys.patch is None, notes


def _of_order(grid: GridData, path: Path, key: str) -> list[str]:
    """A note on axes that only their order identifies."""
    if not grid.by_order:
        return []
    return [
        f"{path.name}: x is {grid.axes[0]}, y is {grid.axes[1]}, by their order in the file; {key}.x and .y name them"
    ]


def _domain(keys: TheorySection, surface: Surface, where: str) -> tuple[float, float, float, float]:
    if keys.domain is not None:
        borders = [_number(v, f"{where}: domain") for v in keys.domain]
    elif isinstance(surface, GridSurface):
        borders = [surface.x[0], surface.x[-1], surface.y[0], surface.y[-1]]
    else:
        raise ConfigError(f"{where}: key 'domain' is missing (borders of the surface, [x0, x1, y0, y1])")
    x0, x1, y0, y1 = (float(v) for v in borders)
    if x0 >= x1 or y0 >= y1:
        raise ConfigError(f"{where}: domain: {borders}; give [x0, x1, y0, y1] with x0 < x1 and y0 < y1")
    return x0, x1, y0, y1


def _spacings(keys: TheorySection, surface: Surface, domain: Numbers, where: str) -> tuple[np.ndarray, np.ndarray]:
    at, given = f"{where}: grid_h", keys.grid_h
    if given is None:
        if not isinstance(surface, GridSurface):
            raise ConfigError(f"{where}: key 'grid_h' is missing (grid spacing, coarse and fine)")
        coarse = np.array([np.diff(surface.x).mean(), np.diff(surface.y).mean()])
        fine = 0.5 * coarse
    else:
        levels = given if isinstance(given, list) else [given]
        coarse = np.array(pair(levels[0]))
        fine = np.array(pair(levels[1])) if len(levels) == 2 else 0.5 * coarse
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
    notes = []
    for variable, nodes, h in zip(_XY, (grid.x, grid.y), grid.spacing, strict=True):
        for edge in state.edges(variable):
            place = (edge - nodes[0]) / h
            if 0 < place < len(nodes) - 1 and abs(place - round(place)) > 1e-6:
                notes.append(
                    f"{key}: {variable} = {edge:g} is no line of the coarse grid (spacing {h:g}): "
                    "errors are of first order, and larger than estimated"
                )
    return notes


def _diffusion(keys: TheorySection, where: str, folder: Path, notes: list[str]) -> Diffusion:
    at, given = f"{where}: D", keys.D
    if isinstance(given, dict):
        if "file" in given:
            of_grid = GridDiffusion.model_validate(check(given, GridDiffusion, at))
            return _diffusion_from_file(of_grid, at, folder, _names(keys), notes)
        if "masses_Da" in given:
            if "friction_per_ps" not in given or keys.temperature_K is None:
                raise ConfigError(
                    f"{at}: masses_Da needs friction_per_ps beside it, and temperature_K in place of beta"
                )
            of_friction = FrictionDiffusion.model_validate(check(given, FrictionDiffusion, at))
            return _from_friction(of_friction, float(keys.temperature_K), at)
        for key in ("xx", "yy"):
            if key not in given and not set(given) - {"xx", "yy", "xy"}:
                raise ConfigError(f"{at}: key {key!r} is missing; give formulas for xx, yy and, if it is not 0, xy")
        formulas = FormulaDiffusion.model_validate(check(given, FormulaDiffusion, at))
        parts = {"xx": formulas.xx, "yy": formulas.yy, "xy": formulas.xy}
        return diffusion_module.Formulas(
            {key: expressions.read(text, f"{at}.{key}", _XY) for key, text in parts.items() if text is not None}
        )
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


def _positive(diffusion: diffusion_module.Constant, at: str) -> Diffusion:
    if not diffusion_module.positive(np.array([diffusion.xx, diffusion.xy, diffusion.yy])):
        raise ConfigError(
            f"{at}: {diffusion.matrix.tolist()} is not positive definite; D_xx, D_yy and D's determinant must be"
        )
    return diffusion


def _from_friction(keys: FrictionDiffusion, temperature: float, at: str) -> Diffusion:
    """Einstein's relation; kJ/mol is Da nm^2/ps^2, so D comes in nm^2/ps."""
    masses, friction = pair(keys.masses_Da), float(keys.friction_per_ps)
    if min(masses) <= 0:
        raise ConfigError(f"{at}.masses_Da: {keys.masses_Da!r} must be more than 0")
    thermal = BOLTZMANN * temperature
    return diffusion_module.Constant(thermal / (masses[0] * friction), 0.0, thermal / (masses[1] * friction))


def _diffusion_from_file(
    keys: GridDiffusion, at: str, folder: Path, names: tuple[str, str], notes: list[str]
) -> Diffusion:
    path = _find(keys.file, f"{at}.file", folder)
    fields = {"xx": keys.xx, "xy": keys.xy or "D_xy", "yy": keys.yy}
    grids = {}
    for key in COMPONENTS:
        try:
            grid = read_grid(path, fields[key], keys.x, keys.y, names)
            with np.errstate(invalid="ignore", divide="ignore"):
                jumps = no_data.complaint(grid.x, grid.y, np.log(grid.values)) if key != "xy" else None
            if jumps is not None:
                raise ConfigError(
                    f"{path}: {fields[key]} jumps by a factor of more than 100 between neighbouring "
                    "nodes: nodes without data must be NaN, or empty, or left out"
                )
            grids[key] = GridSurface(grid.x, grid.y, grid.values)
            notes += _of_order(grid, path, "D") if key == "xx" else []
        except ConfigError:
            if key == "xy" and keys.xy is None:
                continue  # a diagonal tensor
            raise
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error
    return diffusion_module.OnGrid(grids)


def _measured(keys: TheorySection, where: str, folder: Path) -> MeasuredCommittors | None:
    if keys.measured is None:
        return None
    return read_measured(_find(keys.measured, f"{where}: measured", folder), pair(keys.measured_scale))
