"""The running record of a job: one small file per finished piece of work, kept between attempts."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core import digest
from separatrix.core.errors import StoreError
from separatrix.core.files import parsed, replacing, set_aside, unwritable, write_json
from separatrix.core.locks import lock

log = logging.getLogger(__name__)

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
            raise unwritable(self.directory, error) from error
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
        records: list[Any] = []
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

    return parsed(file, ".npz", parse)
