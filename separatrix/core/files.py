"""Reading and writing of files: plain netCDF4 with units and history, and JSON; written whole or not at all.

A file is written under a temporary name beside its own and renamed, so a file that carries its final name is
complete. Opening one runs no code: there are no pickles.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from separatrix.core import digest
from separatrix.core.errors import StoreError
from separatrix.core.version import code_version

if TYPE_CHECKING:
    import xarray as xr

CONVENTIONS = "CF-1.11"

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
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # No such call here; a full disk or an error of the device may show only now, and is reported.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(number)


def unwritable(path: Path, error: OSError) -> StoreError:
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
        data = json.loads(content or b"")
        return {k: v for k, v in data.items() if k != digest.KEY} if isinstance(data, dict) else data

    return parsed(Path(path), ".json", parse)


_KINDS = {".json": "JSON", ".nc": "netCDF", ".npz": "archive"}


def parsed(path: Path, kind: str, parse: Callable[[bytes | None], Any]) -> Any:
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

    The history has the time (UTC) and version and commit of the code; the checksum, by which two runs are compared,
    leaves it out. The checksum is of the content, whatever program has written it; the digest of the bytes
    (:mod:`separatrix.core.digest`).

    Raises
    ------
    StoreError
        When it cannot be written, or does not read back as it was.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    dataset = dataset.assign_attrs(
        title=title, source=source, history=f"{stamp} {code_version()}", Conventions=CONVENTIONS
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
    import xarray as xr  # heavy, and those who only write text need none

    path = Path(path)

    def parse(content: bytes | None) -> xr.Dataset:
        if content is None:
            data = xr.load_dataset(path, engine="netcdf4")
        else:
            import netCDF4

            opened = netCDF4.Dataset(str(path), memory=content)
            data = xr.load_dataset(xr.backends.NetCDF4DataStore(opened))
        computed = checksum(data)
        if data.attrs.get("checksum", computed) != computed:
            raise ValueError("its content does not fit its checksum")
        # How one file was encoded must not shorten the texts of the next that its data go into.
        return data.drop_encoding()

    return parsed(path, ".nc", parse)


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
        raise unwritable(there, error) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def fingerprint(*parts: Any) -> str:
    """Short hash of JSON-like data and arrays: what a running record is valid for."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]
