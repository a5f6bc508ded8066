"""Files: the only room that knows layouts. Plain netCDF4 with units and history, and JSON; written whole or not at all.

A file is written under a temporary name beside its own and renamed, so a file that carries its final name is
complete. Opening one runs no code: there are no pickles.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import itertools
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from separatrix import __version__
from separatrix.core import digest, folders
from separatrix.core.errors import StoreError
from separatrix.core.molecule import Molecule, bonds_from_distances
from separatrix.core.units import ANGSTROM, FEMTOSECOND
from separatrix.dynamics.stationary import SEARCH, StationaryPoint

if TYPE_CHECKING:
    from separatrix.sampling.shooting import Move

log = logging.getLogger(__name__)

CONVENTIONS = "CF-1.11"


# In a results folder, while a run is at work there and after.
LOCK = ".lock"

# Of files up to this size the very bytes are parsed that were held against their digest.
IN_MEMORY = 1 << 26


@contextlib.contextmanager
def replacing(path: Path | str, *, durable: bool = True) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends without an error.

    Parameters
    ----------
    path
        File to write.
    durable
        Whether file and folder are on the disk, not only in the system's memory, before this returns. A power cut may
        else leave an empty file under the name.

    Raises
    ------
    StoreError
        When it cannot be written: no space, no right to, a file system that is gone.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if durable:
            _to_disk(temporary)
        temporary.replace(path)
        if durable:
            # The new name is the folder's; not every file system takes this for one.
            with contextlib.suppress(OSError):
                _to_disk(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # No such call here; a full disk or an error of the device may show only now, and is told.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(number)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be written ({error.strerror or error}); once that is put right, the same command goes on"
    )


def write_json(data: Mapping[str, Any], path: Path | str) -> None:
    """Write JSON with the digest of its text as its last key; NaN and infinity are refused, as other readers do."""
    with replacing(path) as temporary:
        temporary.write_text(digest.json_text(data))


def read_json(path: Path | str) -> dict[str, Any]:
    """Read JSON, without the digest.

    Raises
    ------
    StoreError
        When the file is missing or damaged.
    """

    def parse(content: bytes | None) -> dict[str, Any]:
        found = json.loads(content or b"")
        return {k: v for k, v in found.items() if k != digest.KEY} if isinstance(found, dict) else found

    return _parsed(Path(path), ".json", parse)


_KINDS = {".json": "JSON", ".nc": "netCDF", ".npz": "archive"}


def _parsed(path: Path, kind: str, parse: Callable[[bytes | None], Any]) -> Any:
    """What `parse` makes of a file's bytes, which are first held against their digest; None: too many for memory."""
    try:
        if kind == ".nc" and path.stat().st_size > IN_MEMORY:
            content = None
            digest.check_file(path, kind)
        else:
            content = path.read_bytes()
            digest.check_bytes(content, kind)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from error
    except digest.Damaged as error:
        raise _damaged(path, kind, error) from error
    try:
        return parse(content)
    except MemoryError:
        raise
    except Exception as error:  # whatever a parser says of bytes without a digest
        raise _damaged(path, kind, error) from error


def _damaged(path: Path, kind: str, error: Exception) -> StoreError:
    why = " ".join(str(error).split())
    return StoreError(
        f"{path}: damaged, not whole {_KINDS[kind]} ({why}); delete it, and the same command makes it again",
        damaged=path,
    )


def results_of(path: Path | str) -> Path | None:
    """The results folder that a file lies in, known by what each run leaves there; None where it lies in none."""
    return next((folder for folder in Path(path).absolute().parents if is_results(folder)), None)


def is_results(folder: Path) -> bool:
    """Whether a folder carries the mark of our results, or the lock of a run."""
    if (folder / folders.MARK).is_file():
        return True
    try:
        return (folder / LOCK).read_text().startswith("snakemake, process ")
    except (OSError, UnicodeDecodeError):
        return False


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file to ``NAME.damaged``, or ``NAME.damaged-2`` where that is there already, and so on.

    Returns
    -------
    Its new name; None where the file has gone or become whole meanwhile: another job has made it again.

    Raises
    ------
    StoreError
        When it cannot be renamed.
    """
    try:
        if path.suffix in _KINDS and digest.check_file(path):
            return None
    except FileNotFoundError:
        return None
    except (OSError, digest.Damaged):
        pass
    names = (f"{path.name}.damaged{f'-{k}' if k > 1 else ''}" for k in itertools.count(1))
    aside = next(free for free in map(path.with_name, names) if not free.exists())
    try:
        path.replace(aside)
    except OSError as error:
        raise StoreError(
            f"{path}: damaged, and cannot be moved out of the way ({error.strerror or error})", damaged=path
        ) from error
    return aside


def write_dataset(dataset: xr.Dataset, path: Path | str, *, title: str, source: str) -> None:
    """Write a dataset as netCDF4 with a title, a source (the level of theory), a history, a checksum and a digest.

    The checksum is of the content, whatever program has written it; the digest of the bytes
    (:mod:`separatrix.core.digest`).

    Raises
    ------
    StoreError
        When it cannot be written, or does not read back as it was.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    dataset = dataset.assign_attrs(
        title=title, source=source, history=f"{stamp} separatrix {__version__}", Conventions=CONVENTIONS
    )
    with replacing(path) as temporary:
        try:
            dataset.assign_attrs(checksum=checksum(dataset)).to_netcdf(temporary, engine="netcdf4", format="NETCDF4")
            with temporary.open("r+b") as stream:
                digest.seal_netcdf(stream)
            # A full disk may show only now.
            read_dataset(temporary)
        except (RuntimeError, StoreError) as error:
            raise OSError(f"the disk may be full: {error}") from error


def read_dataset(path: Path | str) -> xr.Dataset:
    """Read a netCDF file into memory, its bytes held against their digest and its content against its checksum.

    Raises
    ------
    StoreError
        When the file is missing or damaged.
    """
    path = Path(path)

    def parse(content: bytes | None) -> xr.Dataset:
        if content is None:
            data = xr.load_dataset(path, engine="netcdf4")
        else:
            import netCDF4

            opened = netCDF4.Dataset(str(path), memory=content)
            data = xr.load_dataset(xr.backends.NetCDF4DataStore(opened))
        found = checksum(data)
        if data.attrs.get("checksum", found) != found:
            raise ValueError("its content does not fit its checksum")
        # How one file was encoded must not shorten the texts of the next that its data go into.
        return data.drop_encoding()

    return _parsed(path, ".nc", parse)


def checksum(data: xr.Dataset) -> str:
    """SHA-256 of a dataset's variables and attributes, those left out that differ from one writing to the next."""
    digest = hashlib.sha256()
    for name in sorted(str(n) for n in data.variables):
        variable = data[name]
        values = np.ascontiguousarray(variable.values)
        text = values.dtype.kind in "OSU"
        content = json.dumps([str(v) for v in values.ravel()]).encode() if text else values.tobytes()
        kind = "text" if text else values.dtype.str
        digest.update(json.dumps([name, variable.dims, variable.shape, kind]).encode() + content)
    fixed = {k: v for k, v in data.attrs.items() if k not in ("history", "checksum")}
    digest.update(json.dumps({k: str(v) for k, v in sorted(fixed.items())}).encode())
    return digest.hexdigest()


def _symbols(symbols: Sequence[str]) -> tuple[str, np.ndarray]:
    return "atom", np.array(symbols, dtype=object)


# --- stationary points ------------------------------------------------------------------------------------------


def write_stationary(point: StationaryPoint, symbols: Sequence[str], path: Path | str, *, source: str) -> None:
    """Write one stationary point: geometry, energy, normal modes; of a saddle, the revision of the search as well."""
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
        attrs={"name": point.name, "basin": point.basin or "", "joins": " ".join(point.joins)}
        | ({"search": SEARCH} if point.joins else {}),
    )
    write_dataset(data, path, title=point.name, source=source)


def write_no_saddle(
    reason: str,
    path: Path | str,
    *,
    source: str,
    symbols: Sequence[str] = (),
    found: Sequence[tuple[str, np.ndarray, float]] = (),
) -> None:
    """Write, in place of a stationary point, why a search has found none.

    Parameters
    ----------
    found
        Geometries that show it: what each is, positions (nm), energy (kJ/mol).
    """
    data = xr.Dataset(attrs={"reason": reason, "search": SEARCH})
    if found:
        what, positions, energies = zip(*found, strict=True)
        data["symbol"] = _symbols(symbols)
        data["geometry"] = "geometry", np.array(what, dtype=object)
        data["positions"] = ("geometry", "atom", "xyz"), np.array(positions), {"units": "nm"}
        data["energy"] = "geometry", np.array(energies), {"units": "kJ mol-1", "comment": "the engine's own zero"}
    write_dataset(data, path, title="no saddle", source=source)


def search_to_repeat(path: Path | str) -> int | None:
    """Revision of the search that a job is to be made with; None where one that stands is as good as a new one.

    A saddle that was found and verified stays one. A search that found none, perhaps for a fault since mended, does not
    outlive the code that made it. A file that is missing or damaged is made again.
    """
    try:
        attributes = read_dataset(path).attrs
    except StoreError:
        return SEARCH
    if "reason" in attributes:
        return SEARCH
    return int(attributes["search"]) if "search" in attributes else None


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


# --- shots and paths --------------------------------------------------------------------------------------------

_TEXT = ("outcome", "forward", "backward", "reason", "mechanism")
_COUNTS = ("forward_frames", "backward_frames", "old_frames", "label", "shift", "evaluations", "steps")

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
    "shift": "frames between neighbouring candidates",
    "evaluations": "force evaluations spent",
    "steps": "integration steps spent",
}


def write_shots(
    moves: Sequence[Move],
    symbols: Sequence[str],
    path: Path | str,
    *,
    chain: int,
    number: int,
    burn_in: Sequence[bool],
    frame: float,
    source: str,
    place: tuple[int, tuple[str | int, ...]],
) -> None:
    """Write the shots table of a chain's round: one row per attempted move, in order.

    Parameters
    ----------
    moves
        All moves of the round.
    symbols
        Element symbols.
    chain
        Number of the chain.
    number
        Number of the round, from 1.
    burn_in
        Whether each move belongs to the burn-in, which statistics leave out.
    frame
        Time between frames, fs.
    source
        Level of theory.
    place
        Root seed and the words that name the chain; with a move's number they give its random stream
        (:func:`separatrix.core.seeds.stream`).
    """
    blank = np.full((len(symbols), 3), np.nan)
    variables: dict[str, Any] = {
        "symbol": _symbols(symbols),
        "chain": ("shot", np.full(len(moves), chain)),
        "round": ("shot", np.full(len(moves), number)),
        "burn_in": ("shot", np.array(burn_in, dtype="i1"), {"comment": "left out of statistics"}),
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
    start: str,
    wanted: str | None = None,
    cost: Mapping[str, float] | None = None,
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
        For how many moves, burn-in left out, each path was the chain's present path: its weight in averages.
    mechanisms
        Mechanism of each path.
    chain
        Number of the chain.
    frame
        Time between frames, fs.
    source
        Level of theory.
    start
        Geometry that the chain's first path was shot from.
    wanted
        The one that was asked for, where no path was found from it; None: not on record.
    cost
        Attributes that say what the paths have cost.
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
        attrs={"frame_fs": frame, "start": start, **({} if wanted is None else {"wanted": wanted}), **(cost or {})},
    )
    write_dataset(data, target, title=f"reactive paths of chain {chain}", source=source)


def split_paths(data: xr.Dataset) -> list[np.ndarray]:
    """Paths of a file written by :func:`write_paths`, each of shape (2, n_frames, n_atoms, 3)."""
    stops = np.cumsum(data.n_frames.values)
    both = np.array([data.positions.values, data.velocities.values])
    return [both[:, stop - n : stop] for stop, n in zip(stops, data.n_frames.values, strict=True)]


def join_shots(sources: Sequence[Path | str], target: Path | str) -> None:
    """Put the shots tables of a chain's rounds, in order, into one."""
    tables = [read_dataset(f) for f in sources]
    data = xr.concat(tables, dim="shot", data_vars="minimal", combine_attrs="override")
    write_dataset(data, target, title=tables[0].attrs["title"], source=tables[0].attrs["source"])


def join_paths(sources: Sequence[Path | str], target: Path | str) -> None:
    """Put the paths of a chain's rounds, in order, into one file.

    A round begins with the path that the round before ended with; it is written once, its counts added up.
    """
    tables = [read_dataset(f) for f in sources]
    counts: list[int] = []
    of_frames, of_paths = [], []
    for table in tables:
        multiplicity = table.multiplicity.values.tolist()
        if counts:
            counts[-1] += multiplicity.pop(0)
            table = table.isel(path=slice(1, None), frame=slice(int(table.n_frames[0]), None))
        counts += multiplicity
        of_frames.append(table.drop_dims("path"))
        of_paths.append(table.drop_dims(["frame", "atom"]))
    options = {"data_vars": "minimal", "combine_attrs": "override"}
    data = xr.merge(
        [xr.concat(of_frames, dim="frame", **options), xr.concat(of_paths, dim="path", **options)],
        combine_attrs="override",
    )
    data["multiplicity"] = ("path", np.array(counts), data.multiplicity.attrs)
    write_dataset(data, target, title=tables[0].attrs["title"], source=tables[0].attrs["source"])


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
    row, _, ends, use = _halves(table, observations)
    return row[use], ends[use] == table.attrs["product"], int((~use).sum())


def committor_rates(table: xr.Dataset, observations: str) -> np.ndarray:
    """Rates of the variables at the same observations, shape (observations, variables), per ps.

    The backward half starts with the velocities reversed, so its rates have the other sign.
    """
    row, sign, _, use = _halves(table, observations)
    return table["rate"].transpose("shot", "variable").values[row[use]] * sign[use, None]


def _halves(table: xr.Dataset, observations: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row of the table, sign of the velocities, basin reached, and whether it counts, of every half that may."""
    halves = ["forward", "backward"] if observations == "both halves" else ["forward"]
    ends = np.stack([table[half].values.astype(str) for half in halves], axis=1).ravel()
    row = np.repeat(np.arange(table.sizes["shot"]), len(halves))
    sign = np.tile([1.0, -1.0][: len(halves)], table.sizes["shot"])
    return row, sign, ends, np.isin(ends, [table.attrs["product"], table.attrs["reactant"]])


# --- locks ------------------------------------------------------------------------------------------------------


# What file systems without locks answer: NFS without its lock daemon, Lustre without `flock`, Cray's (524, ENOTSUPP of
# the kernel, which has no name here).
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL, 524)


def lock(stream: IO[str], *, wait: bool = True) -> bool:
    """Take the lock of an open file, which goes with the process however that ends; there are no stale ones.

    A file system that knows no locks (some Lustre mounts) is taken as one where nobody else is at work.

    Returns
    -------
    Whether the lock was to be had; with `wait` it always is, in the end.

    Raises
    ------
    StoreError
        When the file system fails.
    """
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise StoreError(
                f"{stream.name}: cannot be locked ({error.strerror}); once that is put right, the same command goes on"
            ) from error
        log.warning("%s: the file system has no locks; never run two copies at once", stream.name)
    return True


_held: list[IO[str]] = []


def hold(folder: Path | str) -> None:
    """Keep a results folder to this process until it ends.

    Raises
    ------
    StoreError
        When another process has it, or it cannot be written to.
    """
    file = Path(folder) / LOCK
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+")
        stream.seek(0)
        who = stream.read().strip() or "another process"
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written to ({error.strerror})") from error
    if not lock(stream, wait=False):
        raise StoreError(f"{folder}: {who} is at work here; let it finish or stop it first")
    # Who it is that has the lock is for people, and not worth a run where the disk is full.
    with contextlib.suppress(OSError):
        os.ftruncate(stream.fileno(), 0)
        os.write(stream.fileno(), f"snakemake, process {os.getpid()} on {socket.gethostname()},\n".encode())
    _held.append(stream)


def check_writable(folder: Path | str) -> None:
    """Whether a results folder and the folders in it can be written to, as far as they are there, and have room.

    Raises
    ------
    StoreError
        When one cannot, or the disk is full.
    """
    folder = Path(folder)
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    for place in [there] if there != folder else [folder, *(f for f in folder.glob("*/") if f.is_dir())]:
        if not os.access(place, os.W_OK | os.X_OK):
            raise StoreError(f"{place}: cannot be written to (read-only); once it can, the same command goes on")
    probe = there / f".probe.{os.getpid()}.part"
    try:
        # Quotas and full disks say so only when bytes are written.
        with probe.open("wb") as stream:
            stream.write(bytes(1 << 16))
    except OSError as error:
        raise _unwritable(there, error) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


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
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = (self.directory / "lock").open("w")
            lock(self._lock)
            for stale in self.directory.glob(".*.part"):
                stale.unlink()
        except OSError as error:
            raise _unwritable(self.directory, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _file(self, index: int) -> Path:
        return self.directory / f"{index:06d}.npz"

    def about(self, data: Mapping[str, Any]) -> None:
        """Say what the record is of and how far it is to go, for those who look while the job runs."""
        write_json(data, self.directory / "about.json")

    def write(self, index: int, record: Mapping[str, Any]) -> None:
        """Record piece number `index`: numbers, strings and arrays; None is left out."""
        arrays = {k: v for k, v in record.items() if isinstance(v, np.ndarray)}
        # One entry for all that is small: each entry of the archive costs as much as many force-field steps. Nor does
        # this wait for the disk, which can take longer than a shot: what a power cut leaves of a record does not fit
        # its digest, and it is done again to the same numbers. The tables that are made of records are on the disk.
        rest = {k: v for k, v in record.items() if v is not None and k not in arrays}
        archive = io.BytesIO()
        np.savez(archive, **arrays, **{_REST: np.array(json.dumps(rest))})
        with replacing(self._file(index), durable=False) as temporary:
            temporary.write_bytes(digest.seal_archive(archive.getvalue()))

    def read(self, first: int = 0) -> list[dict[str, Any]]:
        """All pieces from number `first` on, up to the first that is missing or damaged.

        Of a damaged piece and those that follow it, see :meth:`piece`.
        """
        records = []
        while (record := self.piece(first + len(records))) is not None:
            records.append(record)
        return records

    def piece(self, index: int) -> dict[str, Any] | None:
        """Piece number `index`; None where it is missing or damaged.

        A damaged one is moved aside. All that follow are removed: they are computed again, to the same numbers.
        """
        file = self._file(index)
        try:
            return read_piece(file)
        except StoreError as error:
            if error.damaged and (aside := set_aside(file)):
                log.warning("%s: damaged, and moved to %s; it is done again, and what follows it", file, aside.name)
            for late in self.directory.glob("*.npz"):
                if late.stem.isdigit() and int(late.stem) >= index:
                    late.unlink(missing_ok=True)
            return None


def read_piece(file: Path, *, arrays: bool = True) -> dict[str, Any]:
    """A record of a journal.

    Parameters
    ----------
    file
        Written by :meth:`Journal.write`.
    arrays
        Whether its arrays are wanted, too.

    Raises
    ------
    StoreError
        When the file is missing or damaged.
    """

    def parse(content: bytes | None) -> dict[str, Any]:
        with np.load(io.BytesIO(content or b""), allow_pickle=False) as data:
            rest = json.loads(str(data[_REST]))
            return rest | ({k: data[k] for k in data.files if k != _REST} if arrays else {})

    return _parsed(file, ".npz", parse)


def move_record(move: Move) -> dict[str, Any]:
    """A move as a journal record."""
    return {field.name: getattr(move, field.name) for field in fields(move)}


def move_from_record(record: Mapping[str, Any]) -> Move:
    """A move from a journal record."""
    from separatrix.sampling.shooting import Move

    return Move(**{k: v for k, v in record.items() if k in Move.__dataclass_fields__})


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
