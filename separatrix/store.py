"""Files: the only room that knows layouts. Plain netCDF4 with units and history, and JSON; written whole or not at all.

A file is written under a temporary name beside its own and renamed, so a file that carries its final name is
complete. Opening one runs no code: there are no pickles.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
import xarray as xr

from . import __version__
from .errors import StoreError
from .molecule import Molecule, bonds_from_distances
from .shooting import Move
from .stationary import StationaryPoint
from .units import FEMTOSECOND

CONVENTIONS = "CF-1.11"


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(data: Mapping[str, Any], path: Path | str) -> None:
    """Write JSON; NaN and infinity are refused, because other readers refuse them."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> dict[str, Any]:
    """Read JSON.

    Raises
    ------
    StoreError
        When the file is missing or damaged.
    """
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not readable as JSON ({error}); delete it and run again") from error


def write_dataset(dataset: xr.Dataset, path: Path | str, *, title: str, source: str) -> None:
    """Write a dataset as netCDF4 with a title, a source (the level of theory) and a history."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    dataset = dataset.assign_attrs(
        title=title, source=source, history=f"{stamp} separatrix {__version__}", Conventions=CONVENTIONS
    )
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="netcdf4", format="NETCDF4")


def read_dataset(path: Path | str) -> xr.Dataset:
    """Read a netCDF file into memory.

    Raises
    ------
    StoreError
        When the file is missing or damaged.
    """
    try:
        return xr.load_dataset(path, engine="netcdf4")
    except (OSError, ValueError, RuntimeError) as error:
        raise StoreError(f"{path}: not readable as netCDF ({error}); delete it and run again") from error


def _symbols(symbols: Sequence[str]) -> tuple[str, np.ndarray]:
    return "atom", np.array(symbols, dtype=object)


# --- stationary points ------------------------------------------------------------------------------------------


def write_stationary(point: StationaryPoint, symbols: Sequence[str], path: Path | str, *, source: str) -> None:
    """Write one stationary point: geometry, energy, normal modes."""
    data = xr.Dataset(
        {
            "symbol": _symbols(symbols),
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
        attrs={"name": point.name, "basin": point.basin or "", "joins": " ".join(point.joins)},
    )
    write_dataset(data, path, title=point.name, source=source)


def read_stationary(path: Path | str) -> StationaryPoint:
    """Read what :func:`write_stationary` wrote."""
    data = read_dataset(path)
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


# --- shots and paths --------------------------------------------------------------------------------------------

_TEXT = ("outcome", "forward", "backward", "reason", "mechanism")
_COUNTS = ("forward_frames", "backward_frames", "old_frames", "label", "evaluations", "steps")

_MEANING = {
    "outcome": "accepted; refused: same basin, path length, label off path; no outcome: no basin, failed; nothing "
    "run: off path",
    "forward": "basin reached by the forward half, or none, or failed",
    "backward": "basin reached by the backward half, or none, or failed",
    "reason": "why a half failed",
    "mechanism": "of the trial path, where it joins two basins",
    "forward_frames": "length of the forward half, shooting point included",
    "backward_frames": "length of the backward half, shooting point included",
    "old_frames": "length of the path before the move",
    "label": "label frame after the move",
    "evaluations": "force evaluations spent",
    "steps": "integration steps spent",
}


def write_shots(
    moves: Sequence[Move],
    symbols: Sequence[str],
    path: Path | str,
    *,
    chain: int,
    frame: float,
    source: str,
    place: tuple[int, tuple[str | int, ...]],
) -> None:
    """Write the shots table of a chain: one row per attempted move, in order.

    Parameters
    ----------
    moves
        All moves of the chain.
    symbols
        Element symbols.
    chain
        Number of the chain.
    frame
        Time between frames, fs.
    source
        Level of theory.
    place
        Root seed and the words that name the chain; with a move's number they give its random stream
        (:func:`separatrix.seeds.stream`).
    """
    blank = np.full((len(symbols), 3), np.nan)
    variables: dict[str, Any] = {
        "symbol": _symbols(symbols),
        "chain": ("shot", np.full(len(moves), chain)),
        "round": ("shot", np.zeros(len(moves), dtype=int)),
        "move": ("shot", np.array([m.index for m in moves], dtype=int)),
        "accepted": ("shot", np.array([m.accepted for m in moves], dtype="i1")),
        "is_shot": ("shot", np.array([m.is_shot for m in moves], dtype="i1"), {"comment": "halves were run"}),
        "positions": (
            ("shot", "atom", "xyz"),
            np.array([blank if m.positions is None else m.positions for m in moves]).reshape(-1, *blank.shape),
            {"units": "nm", "comment": "at the shooting point"},
        ),
        "velocities": (
            ("shot", "atom", "xyz"),
            np.array([blank if m.velocities is None else m.velocities for m in moves]).reshape(-1, *blank.shape),
            {"units": "nm ps-1", "comment": "at the shooting point"},
        ),
    }
    for key in _TEXT:
        values = np.array([getattr(m, key) for m in moves], dtype=object)
        variables[key] = ("shot", values, {"comment": _MEANING[key]})
    for key in _COUNTS:
        variables[key] = (
            "shot",
            np.array([getattr(m, key) for m in moves], dtype=int),
            {"comment": _MEANING[key]},
        )
    seed, words = place
    stream = " ".join([*(str(w) for w in words), "move N"])
    data = xr.Dataset(variables, attrs={"frame_fs": frame, "seed": seed, "random_stream": stream})
    write_dataset(data, path, title=f"aimless-shooting moves of chain {chain}", source=source)


def write_paths(
    paths: Sequence[np.ndarray],
    symbols: Sequence[str],
    target: Path | str,
    *,
    moves: Sequence[int],
    labels: Sequence[int],
    multiplicity: Sequence[int],
    mechanisms: Sequence[str],
    chain: int,
    frame: float,
    source: str,
) -> None:
    """Write reactive paths one after another (CF's contiguous ragged array).

    Parameters
    ----------
    paths
        Each of shape (2, n_frames, n_atoms, 3): positions in nm and velocities in nm/ps.
    moves
        Move that made each path; -1 for the initial one.
    labels
        Label frame of each path when it was made.
    multiplicity
        For how many moves each path was the chain's present path: its weight in averages.
    mechanisms
        Mechanism of each path.
    chain
        Number of the chain.
    frame
        Time between frames, fs.
    """
    every = np.concatenate(paths, axis=1)
    data = xr.Dataset(
        {
            "symbol": _symbols(symbols),
            "n_frames": ("path", [p.shape[1] for p in paths], {"sample_dimension": "frame"}),
            "move": ("path", list(moves), {"comment": "move that made the path; -1: the initial path"}),
            "label": ("path", list(labels)),
            "multiplicity": ("path", list(multiplicity), {"comment": "weight of the path in averages"}),
            "mechanism": ("path", np.array(mechanisms, dtype=object)),
            "chain": ("path", np.full(len(paths), chain)),
            "positions": (("frame", "atom", "xyz"), every[0], {"units": "nm"}),
            "velocities": (("frame", "atom", "xyz"), every[1], {"units": "nm ps-1"}),
        },
        attrs={"frame_fs": frame},
    )
    write_dataset(data, target, title=f"reactive paths of chain {chain}", source=source)


def split_paths(data: xr.Dataset) -> list[np.ndarray]:
    """Paths of a file written by :func:`write_paths`, each of shape (2, n_frames, n_atoms, 3)."""
    stops = np.cumsum(data.n_frames.values)
    both = np.array([data.positions.values, data.velocities.values])
    return [both[:, stop - n : stop] for stop, n in zip(stops, data.n_frames.values, strict=True)]


def committor_observations(table: xr.Dataset, observations: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Observations of the committor in a table of variables at shooting points.

    With fresh velocities v the reversed ones are as likely, so either half alone is an observation of p_B at the
    shooting point. The two of one shot stay neighbours, so that a bootstrap block holds both.

    Parameters
    ----------
    table
        ``variables.nc``.
    observations
        ``both halves`` or ``forward half``.

    Returns
    -------
    Row of the table of each observation; whether it reached the product; number of halves left out because they
    reached neither basin of the reaction.
    """
    halves = ["forward", "backward"] if observations == "both halves" else ["forward"]
    ends = np.stack([table[half].values.astype(str) for half in halves], axis=1).ravel()
    row = np.repeat(np.arange(table.sizes["shot"]), len(halves))
    use = np.isin(ends, [table.attrs["product"], table.attrs["reactant"]])
    return row[use], ends[use] == table.attrs["product"], int((~use).sum())


# --- the running record of a job --------------------------------------------------------------------------------


def fingerprint(*parts: Any) -> str:
    """Short hash of JSON-like data and arrays: what a running record is valid for."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


_REST = "json"


class Journal:
    """A directory with one small file per finished piece of work, each written whole, kept between attempts.

    Snakemake deletes a job's outputs before it runs the job again; the journal is not an output, so a job that
    was killed goes on where it stopped. It is locked while in use: a second copy of the job waits, then finds the
    work done.

    Parameters
    ----------
    directory
        Where; its name should carry a :func:`fingerprint` of everything the work depends on.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)

    def __enter__(self) -> Journal:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = (self.directory / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for stale in self.directory.glob(".*.part"):
            stale.unlink()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _file(self, index: int) -> Path:
        return self.directory / f"{index:06d}.npz"

    def write(self, index: int, record: Mapping[str, Any]) -> None:
        """Record piece number `index`: numbers, strings and arrays; None is left out."""
        arrays = {k: v for k, v in record.items() if isinstance(v, np.ndarray)}
        # One entry for all that is small: each entry of the archive costs as much as many force-field steps. There is
        # no fsync: what a crashed node loses is found damaged or missing, and computed again.
        rest = {k: v for k, v in record.items() if v is not None and k not in arrays}
        with replacing(self._file(index)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays, **{_REST: np.array(json.dumps(rest))})

    def read(self) -> list[dict[str, Any]]:
        """All pieces from number 0 on, up to the first that is missing or damaged.

        A damaged piece and all that follow it are removed: they are computed again, to the same numbers.
        """
        records = []
        while (file := self._file(len(records))).exists():
            try:
                with np.load(file, allow_pickle=False) as data:
                    rest = json.loads(str(data[_REST]))
                    records.append(rest | {k: data[k] for k in data.files if k != _REST})
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
                break
        for late in self.directory.glob("*.npz"):
            if late.stem.isdigit() and int(late.stem) >= len(records):
                late.unlink()
        return records


def move_record(move: Move) -> dict[str, Any]:
    """A move as a journal record."""
    return {name: getattr(move, name) for name in Move.__dataclass_fields__}


def move_from_record(record: Mapping[str, Any]) -> Move:
    """A move from a journal record."""
    return Move(**record)


def export_path(source: Path | str, target: Path | str, index: int = -1) -> int:
    """Write one path of a paths file as a trajectory that MDTraj can write.

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
    try:
        # MDTraj chooses the format by the ending, so the temporary name keeps it.
        temporary = target.with_name(f".part.{target.name}")
        trajectory.save(str(temporary))
        temporary.replace(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error}); endings such as .dcd, .xtc or .pdb work") from error
    return len(track)
