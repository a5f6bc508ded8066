"""Paths as trajectories that other programs read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset
from separatrix.core.molecule import Molecule, bonds_from_distances
from separatrix.core.units import ANGSTROM, FEMTOSECOND
from separatrix.results.path_files import split_paths

#: Endings of trajectories that a path can be exported as; the others of MDTraj want a cell, or hold one frame.
EXPORTS = (".xyz", ".dcd", ".xtc", ".trr", ".nc", ".netcdf", ".pdb", ".pdb.gz", ".cif", ".gro", ".mdcrd", ".crd", ".h5")


def _xyz_frames(track: np.ndarray, symbols: Sequence[str], frame: float) -> str:
    """Frames (nm) in the XYZ format, angstrom, one every `frame` fs."""
    lines = []
    for number, positions in enumerate(track / ANGSTROM):
        lines += [str(len(symbols)), f"{number * frame:g} fs"]
        lines += [f"{s:2} {x:14.8f} {y:14.8f} {z:14.8f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    return "\n".join(lines) + "\n"


def export_path(source: Path | str, target: Path | str, index: int = -1) -> int:
    """Write one path of a paths file as a trajectory: XYZ, or what MDTraj can write.

    Parameters
    ----------
    source
        File written by :func:`write_paths`.
    target
        Trajectory; its ending says the format.
    index
        Number of the path in the file; negative counts from the end.

    Returns
    -------
    Number of frames.

    Raises
    ------
    StoreError
        When the file holds no such path or the format is unknown.
    """
    import mdtraj

    data = read_dataset(source)
    paths = split_paths(data)
    if not -len(paths) <= index < len(paths):
        raise StoreError(f"{source}: has paths 0 to {len(paths) - 1}, not {index}")
    track = paths[index][0]
    symbols = tuple(str(s) for s in data.symbol.values)
    molecule = Molecule(symbols, bonds_from_distances(symbols, track[0]))
    frame = float(data.attrs["frame_fs"]) * FEMTOSECOND
    trajectory = mdtraj.Trajectory(track, molecule.mdtraj_topology(), time=np.arange(len(track)) * frame)
    target = Path(target)
    if not target.name.lower().endswith(EXPORTS):
        raise StoreError(f"{target}: cannot be written (no format of a path); one of {', '.join(EXPORTS)} works")
    # MDTraj chooses the format by the ending, so the temporary name keeps it.
    temporary = target.with_name(f".part.{target.name}")
    try:
        if target.suffix.lower() == ".xyz":
            # MDTraj writes names of atoms, which are no elements to other readers.
            temporary.write_text(_xyz_frames(track, symbols, float(data.attrs["frame_fs"])))
        else:
            trajectory.save(str(temporary))
        temporary.replace(target)
    except Exception as error:  # some of its writers want a cell, or a package that is not there
        why = " ".join(str(error).replace("#", " ").split())[:120] or type(error).__name__
        raise StoreError(f"{target}: cannot be written ({why}); one of {', '.join(EXPORTS)} works") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return len(track)
