"""Are the files of a run still those that were written? Each is held against a digest of all its bytes.

What is read back carries its digest (:mod:`separatrix.core.digest`). Of other files, tables (CSV), figures and pages,
the job that writes them leaves one in ``.sha256/`` of the results folder; the research object has a list of its own.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from separatrix.core import digest, folders
from separatrix.core.errors import SeparatrixError, StoreError
from separatrix.core.files import read_dataset, read_json, replacing, set_aside
from separatrix.core.folders import is_results, results_of
from separatrix.core.journal import read_piece

FOLDER = ".sha256"
METADATA = "ro-crate-metadata.json"

# Files without a digest are read by a process of their own, which may die of them or never end.
_PATIENCE = 60.0
_READERS: dict[str, Callable[[Path], Any]] = {".json": read_json, ".nc": read_dataset, ".npz": read_piece}


@dataclass
class Damage:
    """A damaged file.

    Attributes
    ----------
    path
        The file.
    reason
        How the damage shows.
    aside
        Where it has been moved to; None where it has not.
    """

    path: Path
    reason: str
    aside: Path | None = None

    def __str__(self) -> str:
        line = f"{self.path}: damaged ({self.reason})"
        return line if self.aside is None else f"{line}; moved to {self.aside.name}"


@dataclass
class Verified:
    """What :func:`verify` has found.

    Attributes
    ----------
    results
        The results folder.
    whole, without
        Files that fit their digest, and files that have none.
    damaged
        Files that do not.
    missing
        Files that a job has left a digest of, and that are gone.
    """

    results: Path
    whole: int = 0
    without: int = 0
    damaged: list[Damage] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged or missing."""
        return not self.damaged and not self.missing

    def to_dict(self) -> dict[str, Any]:
        """JSON-like form."""
        return json.loads(json.dumps(asdict(self), default=str)) | {"is_whole": self.is_whole}

    def lines(self) -> list[str]:
        """What there is to say: a line for each file that is damaged or missing, and the sum."""
        texts = [str(damage) for damage in self.damaged] + [f"{file}: missing" for file in self.missing]
        last = f"{self.results}: {self.whole} files are as they were written"
        if self.without:
            last += f", {self.without} have no SHA-256 (of an older version, or not ours)"
        if not self.is_whole:
            last += (
                f"; {len(self.damaged)} damaged, {len(self.missing)} missing: the same `snakemake` command as before "
                "makes them again"
            )
        return [*texts, last]


# --- files that do not carry their digest ---------------------------------------------------------------------------


def _note(path: Path) -> Path | None:
    """Where the digest of a file without one of its own is kept; None outside of results."""
    root = results_of(path)
    return None if root is None else root / FOLDER / f"{path.absolute().relative_to(root)}.sha256"


def forget(files: Iterable[str | Path]) -> None:
    """Remove the digests that earlier jobs have left of files that are about to be written."""
    for file in files:
        note = _note(Path(file))
        if note is not None:
            with contextlib.suppress(OSError):
                note.unlink(missing_ok=True)


def remember(files: Iterable[str | Path]) -> None:
    """Leave a digest of each file that carries none. Where that is not to be had, the file goes without."""
    for file in map(Path, files):
        note = _note(file)
        if note is None or not file.is_file():
            continue
        with contextlib.suppress(OSError, StoreError, digest.Damaged):
            if file.suffix in _READERS and digest.check_file(file):
                continue
            with replacing(note) as temporary:
                temporary.write_text(f"{folders.digest(file)}  {file.name}\n")


def check(file: Path) -> bool:
    """Hold a file against its digest, wherever that is.

    Returns
    -------
    Whether it has one, which it then fits.

    Raises
    ------
    separatrix.core.digest.Damaged
        When it does not fit.
    OSError
        When it cannot be read.
    """
    note = _note(file)
    if note is not None and note.is_file():
        if not re.fullmatch(f"{folders.digest(file)}  {re.escape(file.name)}\n", note.read_text(errors="replace")):
            raise digest.Damaged(f"its bytes are not those that the SHA-256 in {FOLDER} is of")
        return True
    if file.suffix not in _READERS or digest.check_file(file):
        return file.suffix in _READERS
    if file.suffix == ".json":
        # A part of one has no digest, either.
        try:
            json.loads(file.read_bytes())
        except (ValueError, RecursionError) as error:
            raise digest.Damaged(f"not whole JSON: {error}") from error
    return False


def check_inputs(files: Iterable[str | Path]) -> None:
    """Hold files that do not carry their digest against that which their job has left.

    Raises
    ------
    StoreError
        Of the first that does not fit.
    """
    for file in map(Path, files):
        with contextlib.suppress(OSError):  # whoever reads it will say so
            try:
                if (note := _note(file)) is not None and note.is_file():
                    check(file)
            except digest.Damaged as error:
                raise StoreError(f"{file}: damaged ({error})", damaged=file) from error


def out_of_the_way(error: SeparatrixError, remedy: str, inputs: Container[str] = ()) -> SeparatrixError:
    """What to say of an error; where it is of a damaged file of results, that is moved aside.

    Parameters
    ----------
    error
        The error.
    remedy
        What makes the file again.
    inputs
        Files that count as results wherever they lie.
    """
    damaged = error.damaged if isinstance(error, StoreError) else None
    if damaged is None or not (str(damaged) in inputs or results_of(damaged)):
        return error
    try:
        aside = set_aside(damaged)
    except StoreError as other:
        return other
    moved = f", and moved to {aside.name}" if aside else ""
    return StoreError(f"{damaged}: damaged{moved}; {remedy}")


# --- a whole results folder -----------------------------------------------------------------------------------------


def repair(results: Path | str, largest: int) -> list[Damage]:
    """Move damaged files aside before a run begins, so that this very run makes them again.

    Parameters
    ----------
    results
        The results folder.
    largest
        Size in bytes up to which a file is looked at; larger ones are held against their digest when they are read.

    Raises
    ------
    StoreError
        When one cannot be moved.
    """
    moved = []
    for file in files(Path(results)):
        # A chain looks at its own journal.
        if file.suffix == ".npz" or file.stat().st_size > largest:
            continue
        try:
            check(file)
        except digest.Damaged as error:
            moved.append(_moved(Damage(file, str(error))))
        except OSError:
            continue
    return [damage for damage in moved if damage.aside]


def verify(results: Path | str, *, move: bool = True) -> Verified:
    """Hold every file of a results folder against its digest, journals and research object too.

    Parameters
    ----------
    results
        The results folder.
    move
        Whether damaged files are moved aside (:func:`separatrix.core.files.set_aside`), for the next run to make
        them again.

    Raises
    ------
    StoreError
        When there are no results, or a damaged file cannot be moved.
    """
    results = Path(results)
    result = Verified(results)
    if not is_results(results):
        raise StoreError(f"{results}: no results of a run; give the results_directory of its config")
    for file in files(results):
        try:
            if check(file):
                result.whole += 1
                continue
            result.without += 1
            reason = _readable(file) if file.suffix in _READERS else ""
        except digest.Damaged as error:
            reason = str(error)
        except FileNotFoundError:
            continue  # a job has it in work
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            result.damaged.append(Damage(file, reason))
    crate = _of_crate(results, result)
    result.missing += [file for file in _noted(results) if not file.exists()]
    if move:
        for damage in result.damaged:
            if results / "export" not in damage.path.parents:
                _moved(damage)
        if crate:
            # An output of the job that writes all of it.
            (results / "export/references.bib").unlink(missing_ok=True)
    return result


def _moved(damage: Damage) -> Damage:
    damage.aside = set_aside(damage.path)
    return damage


def files(results: Path) -> Iterator[Path]:
    """All files of results but those that no job reads: logs, locks, what is being written, what has been set aside.

    The research object is left out, too: it has a list of its own.
    """
    for place, below, names in os.walk(results):
        here = Path(place)
        below[:] = sorted(f for f in below if f not in ("logs", "benchmarks") and not f.startswith("."))
        if here == results and "export" in below:
            below.remove("export")
        for name in sorted(names):
            if not (name.startswith(".") or name == "lock" or re.search(r"\.damaged(-\d+)?\Z", name)):
                yield here / name


def _noted(results: Path) -> Iterator[Path]:
    for note in sorted((results / FOLDER).rglob("*.sha256")):
        yield results / note.relative_to(results / FOLDER).with_suffix("")


def _of_crate(results: Path, result: Verified) -> bool:
    """Hold the files of the research object against the list in it; whether any is damaged or missing.

    They stay where they are: the job that writes the folder keeps what it finds changed under another name.
    """
    folder = results / "export"
    digests = folders.written(folder, METADATA)
    bad = False
    for name, expected in sorted(digests.items()):
        file = folder / name
        if not file.is_file():
            result.missing.append(file)
            bad = True
        elif folders.digest(file) not in expected:
            result.damaged.append(Damage(file, "its bytes are not those that were exported"))
            bad = True
        else:
            result.whole += 1
    return bad


def _read(file: Path, answer: Any) -> None:
    try:
        _READERS[file.suffix](file)
    except StoreError as error:
        answer.send(str(error).removeprefix(f"{file}: ").split("; delete it")[0])
    else:
        answer.send("")


def _readable(file: Path) -> str:
    """What is wrong with a file without a digest, as far as reading it tells; empty: nothing."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    reader = context.Process(target=_read, args=(file, there))
    reader.start()
    there.close()
    try:
        if not here.poll(_PATIENCE):
            return f"reading it takes more than {_PATIENCE:.0f} s"
        return str(here.recv())
    except EOFError:
        reader.join()
        return f"reading it ends in signal {-(reader.exitcode or 0)}"
    finally:
        reader.kill()
        reader.join()
