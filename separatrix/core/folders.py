"""Folders that results are written to: new or empty ones, and those that carry our mark; nobody else's file is removed.

The config names the results folder, so a slip there must not cost anything: what is neither new, nor empty, nor ours is
refused in one line. Files of an earlier export are replaced one by one, and only while they are as they were written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.files import replacing
from separatrix.core.locks import LOCK
from separatrix.core.text import one_line, shown

MARK = ".separatrix"
"""The file that says that a folder is one of ours."""

_MARK_TEXT = "Results of Separatrix. With this file in it, the folder may be written to by further runs.\n"
_NEUTRAL = {".gitkeep", ".gitignore", ".DS_Store", "lost+found"}
"""What a folder may hold and still be empty."""

_SYSTEM = ("/proc", "/sys", "/dev", "/boot", "/etc", "/bin", "/sbin", "/lib", "/usr/bin", "/usr/sbin", "/usr/lib")
_ROOT = Path(__file__).resolve().parents[2]


def check_name(name: str) -> None:
    """Check that a text can be the path of a results folder, without a look at the file system.

    Raises
    ------
    ConfigError
        When it cannot, or when a shell, Snakemake or a reader would take it for something else.
    """
    remedy = "; give the path of a folder, such as results/run1"
    if not name or name != name.strip():
        raise ConfigError(f"{shown(name)} begins or ends with a blank{remedy}")
    if one_line(name) != name:
        raise ConfigError(f"{shown(name)} holds a character that cannot be seen{remedy}")
    if name.startswith(("~", "-")) or "~" in Path(name).parts:
        why = "is not expanded; write the home folder out" if "~" in name else "begins like an option"
        raise ConfigError(f"{shown(name)} {why}{remedy}")
    for characters, why in (
        ("{}", "braces are Snakemake's wildcards"),
        ("*?[]", "these stand for other names"),
        ("$`\\\"'<>|;&!", "a shell would read it as a command or a variable, which is not expanded"),
    ):
        refused = [c for c in name if c in characters]
        if refused:
            raise ConfigError(f"{shown(name)} holds {refused[0]} ({why}){remedy}")
    if "://" in name:
        raise ConfigError(f"{shown(name)} is an address{remedy} of this machine")
    for part in Path(name).parts:
        if part != part.strip():
            raise ConfigError(f"{shown(name)}: the name {shown(part)} begins or ends with a blank{remedy}")
        if len(os.fsencode(part)) > 255:
            raise ConfigError(f"{shown(name)}: a name of {len(os.fsencode(part))} bytes; file systems take at most 255")
    if len(os.fsencode(Path.cwd() / name)) > 3000:  # room for what lies in it; the limit is 4096
        raise ConfigError(f"{shown(name)}: a path of more than 3000 bytes{remedy}")


def check_results(name: str) -> None:
    """Check that results may be written to a folder: it is new, empty or ours, and no place where others keep things.

    Raises
    ------
    ConfigError
        When they may not; the message says why and what would do. Nothing is written.
    """
    check_name(name)
    remedy = "; give a new or an empty folder, such as results/run1"
    try:
        folder = Path(name).resolve()
        here, home = Path.cwd().resolve(), Path("~").expanduser().resolve()
        if Path(name).is_symlink() and not folder.exists():
            raise ConfigError(f"{name} is a link to {folder}, which is not there; make that folder{remedy}")
        # The root of a clone that the workflow is only read from is no place for results, either.
        for place, what in (
            (here, "the working folder"),
            (home, "your home folder"),
            (_ROOT, "the folder of Separatrix itself"),
        ):
            if folder == place or folder in place.parents:
                within = "" if folder == place else "a folder above "
                raise ConfigError(f"{name} is {within}{what}{remedy}")
        system = any(folder == Path(p) or Path(p) in folder.parents for p in _SYSTEM)
        if folder == Path("/") or (system and Path("/dev/shm") not in folder.parents):
            raise ConfigError(f"{name} is a folder of the operating system{remedy}")
        there = folder
        while not there.exists():
            there = there.parent
        if not there.is_dir():
            raise ConfigError(f"{name}: {there} is a file, not a folder{remedy}")
        if not os.access(there, os.W_OK | os.X_OK):
            raise ConfigError(f"{name}: nothing can be written to {there}{remedy}")
        foreign = [] if there != folder or is_ours(folder) else _content(folder)
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError
        why = getattr(error, "strerror", None) or "a loop of links"
        raise ConfigError(f"{name}: cannot be used as a folder ({why}){remedy}") from error
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise ConfigError(f"{name} holds what Separatrix has not written ({one_line(foreign[0])}{more}){remedy}")


def _content(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name not in _NEUTRAL)


def is_ours(folder: Path) -> bool:
    """Whether a folder holds results of ours: it carries our mark, or what versions before the mark have left."""
    mark = folder / MARK
    if mark.is_file() and not mark.is_symlink():
        return True
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (folder / ".lock").read_text().startswith("snakemake, process "):
            return True
    # What is copied elsewhere may have lost its hidden files.
    for check in folder.glob("*/check.json"):
        with contextlib.suppress(OSError, ValueError):
            content = json.loads(check.read_text())
            if isinstance(content, dict) and {"method", "usable", "nve_drift"} <= content.keys():
                return True
    return False


def mark(folder: Path | str) -> None:
    """Put our mark into a results folder, which is made if need be.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    file = Path(folder) / MARK
    if not file.is_file():
        with replacing(file) as temporary:
            temporary.write_text(_MARK_TEXT)


def results_of(path: Path | str) -> Path | None:
    """The results folder that a file lies in, known by what each run leaves there; None where it lies in none."""
    return next((folder for folder in Path(path).absolute().parents if is_results(folder)), None)


def is_results(folder: Path) -> bool:
    """Whether a folder carries the mark of our results, or the lock of a run."""
    if (folder / MARK).is_file():
        return True
    try:
        return (folder / LOCK).read_text().startswith("snakemake, process ")
    except (OSError, UnicodeDecodeError):
        return False


# --- a folder that is made anew -------------------------------------------------------------------------------------


@contextlib.contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A folder beside `out` to make its files in; it goes when the block ends, as do those of killed processes."""
    for stale in out.parent.glob(f".{out.name}.*.part"):
        number = stale.name.removeprefix(f".{out.name}.").removesuffix(".part")
        if not number.isdigit() or stale.is_symlink() or not stale.is_dir():
            continue
        with contextlib.suppress(OSError):
            if (stale / MARK).is_file():
                shutil.rmtree(stale)
            else:
                stale.rmdir()  # if it is empty
    folder = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True)
        (folder / MARK).write_text("Unfinished; may be removed.\n")
        yield folder
    finally:
        if (folder / MARK).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def record_of(out: Path) -> Path:
    """The file beside a folder that lists what we have written to it, with its SHA-256."""
    return out.with_name(f".{out.name}.json")


def written(out: Path, metadata: str) -> dict[str, set[str]]:
    """Files that we have written to a folder, and the SHA-256 that each may have.

    Parameters
    ----------
    out
        The folder.
    metadata
        Name of the RO-Crate metadata in it, which versions before the list go by.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError, KeyError):
        digests = json.loads(record_of(out).read_text())["files"]
        return {str(name): {str(value) for value in values} for name, values in digests.items()}
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError, KeyError):
        graph = json.loads((out / metadata).read_text())["@graph"]
        if any(e.get("@id") == "Snakefile" and e.get("name") == "Separatrix" for e in graph):
            digests = {str(e["@id"]): {str(e["sha256"])} for e in graph if "sha256" in e}
            return digests | {metadata: {digest(out / metadata)}}
    return {}


def remember(out: Path, metadata: str) -> None:
    """List what an earlier version has written to a folder, before Snakemake removes the metadata that says so."""
    if not record_of(out).is_file() and (files := written(out, metadata)):
        _write_record(out, files)


def _write_record(out: Path, files: Mapping[str, set[str]]) -> None:
    with replacing(record_of(out)) as temporary:
        temporary.write_text(
            json.dumps({"files": {name: sorted(files[name]) for name in sorted(files)}}, indent=1) + "\n"
        )


def install(staged: Path, out: Path, metadata: str) -> list[str]:
    """Move the files that have been made to where they belong, in place of those that we wrote there before.

    A file in their way that is not as we wrote it gets another name, and whatever else lies there stays.

    Parameters
    ----------
    staged
        As :func:`staging` gives it, filled.
    out
        The folder.
    metadata
        Name of the metadata, which comes last.

    Returns
    -------
    What lies in the folder now and is not ours, by path in it, sorted.

    Raises
    ------
    StoreError
        When a link or a file is where a folder must be, or nothing can be written.
    """
    files = sorted(p for p in staged.rglob("*") if p.is_file() and p != staged / MARK)
    new = {p.relative_to(staged).as_posix(): p for p in files}
    digests = {name: {digest(path)} for name, path in new.items()}
    old = written(out, metadata)
    # Until all is done a file may be the old one or the new one.
    expected = {name: old.get(name, set()) | digests.get(name, set()) for name in old | digests}
    _write_record(out, expected)
    for name in sorted(old.keys() - new.keys()):
        path = _inside(out, name)
        if path is not None and path.is_file() and not path.is_symlink() and digest(path) in expected[name]:
            path.unlink()
            _remove_empty(path.parent, out)
    for name in sorted(new, key=lambda n: (n == metadata, n)):
        path = _inside(out, name)
        if path is None:
            raise StoreError(
                f"{out}: {name} cannot be written: a link or a file is where a folder must be; move it away"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            if path.is_dir() and not path.is_symlink():
                raise StoreError(f"{path}: a folder is where a file must be; move it away")
            if path.is_symlink() or not path.is_file() or digest(path) not in expected[name]:
                path.rename(_free(path))
        new[name].replace(path)
    _write_record(out, digests)
    return sorted(
        p.relative_to(out).as_posix()
        for p in out.rglob("*")
        if (p.is_symlink() or not p.is_dir()) and p.relative_to(out).as_posix() not in new
    )


def _inside(out: Path, name: str) -> Path | None:
    """Path of a file of the folder; None where its way leads out of it or through what is no folder."""
    pure = Path(name)
    if pure.is_absolute() or ".." in pure.parts:
        return None
    way = out
    for part in pure.parts[:-1]:
        way = way / part
        if way.is_symlink() or (way.exists() and not way.is_dir()):
            return None
    return out / pure


def _free(path: Path) -> Path:
    """A name beside a file that is not taken."""
    number, free = 1, path.with_name(f"{path.name}.kept")
    while free.is_symlink() or free.exists():
        number += 1
        free = path.with_name(f"{path.name}.kept{number}")
    return free


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return
        folder = folder.parent


def digest(path: Path | str) -> str:
    """SHA-256 of a file's content."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
