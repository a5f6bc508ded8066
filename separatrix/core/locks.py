"""Locks of files and folders, which go with the process that holds them: one run at a time in a results folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
from pathlib import Path
from typing import IO

from separatrix.core.errors import StoreError

log = logging.getLogger(__name__)

LOCK = ".lock"
"""The file of a results folder that says which run is at work there."""

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
