"""Which code is at work: version, commit of its repository, and whether the code differs from that commit.

In a clone the commit is read from the files of ``.git``, without a process; git is asked only whether the package has
changes, once per process and only when something is written. Elsewhere the metadata that pip keeps of an installed
package tell the commit, where it was installed from a repository.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from separatrix import __version__

PACKAGE = Path(__file__).resolve().parents[1]
"""Folder of the package."""

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REFERENCE = "ref: "


@dataclass(frozen=True)
class CodeVersion:
    """Version and commit of the code of a process.

    Attributes
    ----------
    version
        As in the package, such as ``0.1.0``.
    commit
        All digits; empty where there is no repository, and none on record.
    changed
        Whether the package's files differ from the commit ("dirty"). None where it is not known: no git on this
        machine, or another commit was checked out while the process ran.
    """

    version: str
    commit: str = ""
    changed: bool | None = False

    @property
    def commit_text(self) -> str:
        """The commit in words, such as ``commit 3f95a08..., with uncommitted changes``; empty where none is known."""
        if not self.commit:
            return ""
        changes = {False: "", True: ", with uncommitted changes", None: ", uncommitted changes not checked"}
        return f"commit {self.commit}{changes[self.changed]}"

    def __str__(self) -> str:
        return " ".join(filter(None, ("separatrix", self.version, self.commit_text and f"({self.commit_text})")))


@lru_cache(maxsize=1)
def code_version() -> CodeVersion:
    """Version, commit and state of the code that this process runs."""
    if _REPOSITORY is None:
        return CodeVersion(__version__, installed_commit())
    if not _COMMIT_AT_START:
        return CodeVersion(__version__)
    same = head_commit(_REPOSITORY) == _COMMIT_AT_START
    return CodeVersion(__version__, _COMMIT_AT_START, has_changes(PACKAGE) if same else None)


def repository_of(package: Path) -> Path | None:
    """Folder of git's files for the clone that holds a package's folder; None where there is none.

    A repository of somebody else that holds a copy of the package is none of ours: ours has the package at its top,
    beside a ``pyproject.toml`` of the package's name.
    """
    top = package.parent
    try:
        if not re.search(rf'^name = "{package.name}"$', (top / "pyproject.toml").read_text(), re.MULTILINE):
            return None
        if (top / ".git").is_dir():
            return top / ".git"
        # A work tree of its own has a file in place of the folder.
        kind, _, folder = (top / ".git").read_text().strip().partition(": ")
        return top / folder if kind == "gitdir" else None
    except (OSError, UnicodeDecodeError):
        return None


def head_commit(repository: Path) -> str:
    """The commit checked out, read from git's files; empty where they do not tell."""
    try:
        head = (repository / "HEAD").read_text().strip()
        if not head.startswith(_REFERENCE):
            return head if _COMMIT.fullmatch(head) else ""
        name = head.removeprefix(_REFERENCE)
        common = repository
        if (repository / "commondir").is_file():  # a work tree's branches are those of the main one
            common = repository / (repository / "commondir").read_text().strip()
        if (common / name).is_file():
            commit = (common / name).read_text().strip()
            return commit if _COMMIT.fullmatch(commit) else ""
        for line in (common / "packed-refs").read_text().splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name and _COMMIT.fullmatch(commit):
                return commit
    except (OSError, UnicodeDecodeError):
        pass
    return ""


def has_changes(folder: Path) -> bool | None:
    """Whether files below a folder differ from the commit checked out, or are new; None where git cannot tell."""
    command = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain", "--", "."]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        status = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(status.stdout.strip())


def installed_commit() -> str:
    """The commit that pip installed the package from, of its metadata (PEP 610); empty where there is none."""
    try:
        origin = json.loads(distribution(PACKAGE.name).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return ""
    commit = str(origin.get("vcs_info", {}).get("commit_id", ""))
    return commit if _COMMIT.fullmatch(commit) else ""


# Read when the code is loaded: what is checked out when a long job writes may be another commit than the one it runs.
_REPOSITORY = repository_of(PACKAGE)
_COMMIT_AT_START = head_commit(_REPOSITORY) if _REPOSITORY is not None else ""
