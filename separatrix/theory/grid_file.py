"""A field on a tensor grid of two variables, from netCDF or CSV."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from separatrix.core.errors import ConfigError

_MOST_NODES = 4_000_000
_XY = ("x", "y")


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
        grid = read(path, variable, x, y, names)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{path}: cannot be read as a surface ({' '.join(str(error).split())[:120]})") from error
    order = np.argsort(grid.x), np.argsort(grid.y)
    return dataclasses.replace(grid, x=grid.x[order[0]], y=grid.y[order[1]], values=grid.values[np.ix_(*order)])


def _axes(
    dimensions: Sequence[str], x: str | None, y: str | None, names: tuple[str, str], marked: Mapping[str, str]
) -> tuple[str, str, bool]:
    """Which of a file's names is x and which y, and whether their order alone says so.

    Parameters
    ----------
    dimensions
        Names in the file that can be axes, in their order.
    x, y
        Those that the user gives.
    names
        Of the model's variables.
    marked
        Names by the axis, ``x`` or ``y``, that the file itself says they are.
    """
    given = [x, y]
    plain = {name.casefold(): name for name in dimensions}
    for place, (name, letter) in enumerate(zip(names, _XY, strict=True)):
        for candidate in (plain.get(name.casefold()), plain.get(letter), marked.get(letter)):
            if given[place] is None and candidate is not None and candidate not in given:
                given[place] = candidate
    by_order = given == [None, None]
    first = given[0] or next((name for name in dimensions if name not in given), dimensions[-1])
    second = given[1] or next((name for name in dimensions if name not in (first, given[1])), dimensions[-1])
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
                f"{path}: variable {variable!r} is not there (known: {few([str(n) for n in data.data_vars])})"
            )
        field = data[variable]
        if field.ndim != 2:
            raise ConfigError(f"{path}: {variable} has {field.ndim} dimensions, not two")
        for given in (x, y):
            if given is not None and given not in field.dims:
                raise ConfigError(
                    f"{path}: {given!r} is no dimension of {variable} ({few([str(n) for n in field.sizes])})"
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
        raise ConfigError(f"{path}: a node is there twice")
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
    snapped = numbers.copy()
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
        snapped[axis] = at
    return numbers if snapped.duplicated(axes).any() and not numbers.duplicated(axes).any() else snapped


def few(names: Collection[str]) -> str:
    shown = [str(n) for n in list(names)[:8]]
    return ", ".join(shown) + (", ..." if len(names) > 8 else "")
