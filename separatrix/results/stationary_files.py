"""Files of stationary points, and of searches that found none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset, write_dataset
from separatrix.dynamics.stationary import StationaryPoint


def symbol_variable(symbols: Sequence[str]) -> tuple[str, np.ndarray]:
    return "atom", np.array(symbols, dtype=object)


def write_stationary(
    point: StationaryPoint, symbols: Sequence[str], path: Path | str, *, source: str, revision: int | None = None
) -> None:
    """Write one stationary point: geometry, energy, normal modes; of a saddle search, its revision as well."""
    data = xr.Dataset(
        {
            "symbol": symbol_variable(symbols),
            "positions": (("atom", "xyz"), point.positions, {"units": "nm"}),
            "energy": ((), point.energy, {"units": "kJ mol-1", "comment": "the engine's own zero"}),
            "wavenumber": ("mode", point.wavenumbers, {"units": "cm-1", "comment": "negative: imaginary"}),
            "normal_mode": (
                ("mode", "atom", "xyz"),
                point.modes,
                {"units": "nm", "norm": "mass-weighted, 1 Da nm2"},
            ),
            "largest_gradient": ((), point.gradient, {"units": "kJ mol-1 nm-1"}),
            "gradient_evaluations": ((), point.evaluations),
        },
        attrs={"name": point.name, "basin": point.basin or "", "joins": " ".join(point.joins)}
        | ({} if revision is None else {"revision": revision}),
    )
    write_dataset(data, path, title=point.name, source=source)


def write_no_saddle(
    reason: str,
    path: Path | str,
    *,
    source: str,
    symbols: Sequence[str] = (),
    geometries: Sequence[tuple[str, np.ndarray, float]] = (),
) -> None:
    """Write, in place of a stationary point, why a search has found none.

    Parameters
    ----------
    geometries
        Those that show it: what each is, positions (nm), energy (kJ/mol).
    """
    data = xr.Dataset(attrs={"reason": reason})
    if geometries:
        what, positions, energies = zip(*geometries, strict=True)
        data["symbol"] = symbol_variable(symbols)
        data["geometry"] = "geometry", np.array(what, dtype=object)
        data["positions"] = ("geometry", "atom", "xyz"), np.array(positions), {"units": "nm"}
        data["energy"] = "geometry", np.array(energies), {"units": "kJ mol-1", "comment": "the engine's own zero"}
    write_dataset(data, path, title="no saddle", source=source)


def search_revision(path: Path | str, current: int, sound_from: int = 1) -> int:
    """Revision of the saddle search that a file is to be made with.

    A saddle that was found and verified stays one: what was sampled from it is not run again because the search has
    become better. A search that found none, perhaps for a fault since mended, does not outlive the code that made it. A
    file that is missing or damaged is made again.

    Parameters
    ----------
    path
        File of the search, as far as there is one.
    current
        Revision of the present code.
    sound_from
        The earliest revision whose saddles are still right.
    """
    try:
        attributes = read_dataset(path).attrs
    except StoreError:
        return current
    made_with = int(attributes.get("revision", 1))
    return made_with if "reason" not in attributes and made_with >= sound_from else current


def read_search(path: Path | str) -> StationaryPoint | str:
    """The point that a search has found, or the reason why there is none."""
    data = read_dataset(path)
    return str(data.attrs["reason"]) if "reason" in data.attrs else _stationary(data)


def read_stationary(path: Path | str) -> StationaryPoint:
    """Read what :func:`write_stationary` wrote."""
    return _stationary(read_dataset(path))


def _stationary(data: xr.Dataset) -> StationaryPoint:
    return StationaryPoint(
        name=data.attrs["name"],
        basin=data.attrs["basin"] or None,
        positions=data.positions.values,
        energy=float(data.energy),
        wavenumbers=data.wavenumber.values,
        modes=data.normal_mode.values,
        gradient=float(data.largest_gradient),
        evaluations=int(data.gradient_evaluations),
        joins=tuple(data.attrs["joins"].split()),
    )
