"""A digest of all bytes of a file, in the file itself: what is damaged is known before any parser meets it.

A flipped bit is content to JSON, and may crash HDF5 or keep it busy for ever. So a file that is read back ends in the
SHA-256 of all bytes before it, where its format leaves room for that and other programs look past it: an archive
(``.npz``) in the comment at its end, netCDF in bytes behind its data that its own header counts as part of the file,
JSON in its last key. Files without a digest, of an older version or of another program, are read as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

KEY = "sha256"

_SIZE = 80
_TRAILER = re.compile(rb"\nsha256 ([0-9a-f]{64}) sha256\n\Z")
_TEXT = re.compile(rb'"sha256": "([0-9a-f]{64})"\n}\n\Z')
# Of a digest that is itself damaged something is left: a word, or a run of its digits.
_TRACE, _TEXT_TRACE = re.compile(rb"sha256|[0-9a-f]{24}"), re.compile(rb'"sha256"|[0-9a-f]{40}')

_HDF5 = b"\x89HDF\r\n\x1a\n"
_END_OF_ARCHIVE = b"PK\x05\x06"
_CHUNK = 1 << 20
_HEAD = 96


class Damaged(ValueError):
    """The bytes of a file are not those that were written; the message says how that shows."""


def json_text(data: Mapping[str, Any]) -> str:
    """JSON whose last key is the digest of all before its value; NaN and infinity are refused (`ValueError`)."""
    body = json.dumps({k: v for k, v in data.items() if k != KEY}, indent=2, allow_nan=False)
    head = body.removesuffix("}").rstrip("\n") + (",\n" if len(body) > 2 else "\n") + f'  "{KEY}": "'
    return f'{head}{hashlib.sha256(head.encode()).hexdigest()}"\n}}\n'


def seal_archive(archive: bytes) -> bytes:
    """An archive (zip without a comment) with its digest as its comment."""
    start = archive[:-2] + struct.pack("<H", _SIZE)
    return start + _trailer(hashlib.sha256(start))


def seal_netcdf(stream: BinaryIO) -> None:
    """Put the digest behind a netCDF-4 file that is open for reading and writing.

    Its header says that the file is so much longer, so that a file cut short is never whole again.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(0)
    stream.write(_lengthened(head))
    length = stream.seek(0, 2)
    stream.seek(0)
    digest = _digest_of(stream, length)
    stream.seek(length)
    stream.write(_trailer(digest))


def _trailer(digest: Any) -> bytes:
    digest.update(b"\nsha256 ")
    return f"\nsha256 {digest.hexdigest()} sha256\n".encode()


def check_bytes(content: bytes, kind: str) -> bool:
    """Hold the bytes of a file against their digest.

    Parameters
    ----------
    content
        The whole file.
    kind
        Ending of its name: ``.json``, ``.nc`` or ``.npz``.

    Returns
    -------
    Whether there is a digest, which they then fit.

    Raises
    ------
    Damaged
        When they do not fit it, when it is damaged itself, or when the file has been cut short.
    """
    expected, covered = _expected(content[:_HEAD], content[-_SIZE - 22 :], len(content), kind)
    return expected is not None and _compare(hashlib.sha256(memoryview(content)[:covered]), expected)


def check_file(path: Path, kind: str | None = None) -> bool:
    """The same for a file of any size, which is not kept in memory; OSError where it cannot be read."""
    with path.open("rb") as stream:
        length = stream.seek(0, 2)
        stream.seek(0)
        head = stream.read(_HEAD)
        stream.seek(max(0, length - _SIZE - 22))
        expected, covered = _expected(head, stream.read(), length, kind or path.suffix)
        if expected is None:
            return False
        stream.seek(0)
        return _compare(_digest_of(stream, covered), expected)


def _digest_of(stream: BinaryIO, length: int) -> Any:
    digest = hashlib.sha256()
    while length > 0 and (chunk := stream.read(min(_CHUNK, length))):
        digest.update(chunk)
        length -= len(chunk)
    return digest


def _compare(digest: Any, expected: str) -> bool:
    if digest.hexdigest() != expected:
        raise Damaged("its bytes are not those that the SHA-256 at its end is of")
    return True


def _expected(head: bytes, tail: bytes, length: int, kind: str) -> tuple[str | None, int]:
    """The digest at the end of a file, None where there is none; how many bytes it is of."""
    if length == 0:
        raise Damaged("it is empty")
    whole, trace = (_TEXT, _TEXT_TRACE) if kind == ".json" else (_TRAILER, _TRACE)
    match = whole.search(tail)
    if match:
        return match[1].decode(), length - (len(tail) - match.start(1))
    if trace.search(tail[-_SIZE:]):
        raise Damaged("the SHA-256 at its end is not whole")
    # What follows keeps parts of a file from being taken for a file without a digest.
    if kind == ".npz" and not (tail[-22:].startswith(_END_OF_ARCHIVE) and tail.endswith(b"\0\0")):
        raise Damaged("it does not end as an archive does")
    if (
        kind == ".nc"
        and head.startswith(_HDF5[:length])
        and (end := _HEAD if length < _HEAD else _end(head) or 0) > length
    ):
        raise Damaged(f"it has been cut short, to {length} bytes of at least {end}")
    return None, 0


# --- the superblock of HDF5 -------------------------------------------------------------------------------------------


def _place(head: bytes) -> int | None:
    """Where the superblock has the end of the file, as 8 bytes; None for versions that are not known."""
    if len(head) < _HEAD or not head.startswith(_HDF5):
        return None
    version = head[8]
    if version in (0, 1) and head[13] == 8:
        return 40 + 4 * version
    return 28 if version in (2, 3) and head[9] == 8 else None


def _end(head: bytes) -> int | None:
    """The end of the file as the superblock has it."""
    place = _place(head)
    return None if place is None else int(struct.unpack_from("<Q", head, place)[0])


def _lengthened(head: bytes) -> bytes:
    """The first bytes of a file of HDF5, with the digest counted in its length; unchanged where they are not known."""
    place, end = _place(head), _end(head)
    if place is None or end is None:
        return head
    changed = bytearray(head)
    struct.pack_into("<Q", changed, place, end + _SIZE)
    if place == 28:
        struct.pack_into("<I", changed, 44, _lookup3(bytes(changed[:44])))
    return bytes(changed)


def _lookup3(key: bytes) -> int:
    """Bob Jenkins' hash (lookup3, little-endian), which HDF5 keeps its headers by."""

    def turn(x: int, k: int) -> int:
        return ((x << k) | (x >> (32 - k))) & 0xFFFFFFFF

    a = b = c = (0xDEADBEEF + len(key)) & 0xFFFFFFFF
    while len(key) > 12:
        x, y, z = struct.unpack("<3I", key[:12])
        key = key[12:]
        a, b, c = (a + x) & 0xFFFFFFFF, (b + y) & 0xFFFFFFFF, (c + z) & 0xFFFFFFFF
        for k in (4, 6, 8, 16, 19, 4):
            a = ((a - c) & 0xFFFFFFFF) ^ turn(c, k)
            c = (c + b) & 0xFFFFFFFF
            a, b, c = b, c, a
    x, y, z = struct.unpack("<3I", key.ljust(12, b"\0"))
    a, b, c = (a + x) & 0xFFFFFFFF, (b + y) & 0xFFFFFFFF, (c + z) & 0xFFFFFFFF
    for k in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - turn(b, k)) & 0xFFFFFFFF
        a, b, c = b, c, a
    return b
