"""Geometries of trajectory files, and the reaction coordinate along them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from separatrix.coordinate.reaction_coordinate import Array, Evaluation, ReactionCoordinate
from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.files import read_dataset
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry

if TYPE_CHECKING:
    import mdtraj

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
        Position of each frame in the file: counts from 0 by name, shape (n,), such as ``path`` and ``frame``.
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
            topology: Any = topology_of(*read_geometry(top, first=True)) if Path(top).suffix == ".xyz" else str(top)
        elif _WITH_ATOMS.search(path.name.lower()):
            topology = None
        else:
            topology = topology_of(symbols)
        trajectory = mdtraj.load(str(path), **({} if topology is None else {"top": topology}))
    except Exception as error:  # whatever its readers make of a file that is not what its ending says
        why = " ".join(str(error).split())
        why = why if len(why) < 200 else f"{why[:200]} ..."
        raise StoreError(f"{path}: cannot be read with MDTraj ({why}); perhaps give --top") from error
    elements = [atom.element for atom in trajectory.topology.atoms]
    elements_of_all = (
        tuple(e.symbol for e in elements) if all(e is not None and e.symbol != "VS" for e in elements) else ()
    )
    count = {"frame": np.arange(trajectory.n_frames)}
    return Frames(trajectory.xyz.astype(np.float64), None, count, elements_of_all)


def topology_of(symbols: Sequence[str], positions: Array | None = None) -> mdtraj.Topology:
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
    for n, (own, other) in enumerate(zip(coordinate.symbols, frames.symbols, strict=False)):
        if own != other:
            raise ConfigError(f"atom {n} is {other} in the trajectory and {own} in the coordinate")
    try:
        return coordinate.evaluate(frames.positions, frames.velocities)
    except ValueError as error:
        raise ConfigError(f"the trajectory cannot be evaluated: {error}") from error
