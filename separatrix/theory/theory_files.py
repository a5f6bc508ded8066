"""The MODEL.yaml files that a config names, looked at without working anything out: what the workflow needs to know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from separatrix.config.keys import named_files
from separatrix.core import section
from separatrix.core.errors import ConfigError
from separatrix.core.text import is_file

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # it becomes a folder's name


def by_name(paths: Sequence[str]) -> dict[str, str]:
    """The files by the name that their results carry, which is that of the file without its ending."""
    return {Path(path).stem: path for path in paths}


def check(paths: Sequence[str], where: str) -> None:
    """Check that every file is there and made as it should be; surfaces that it names may still be to come.

    Parameters
    ----------
    paths
        The key `theory` of a config.
    where
        The config file, which errors name.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    for at, path in named_files(paths, where, "theory", "a MODEL.yaml (docs/theory.md)"):
        name = Path(path).stem
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{at}: {path}: name the file with letters, digits, hyphens and underscores alone")
        other = by_name(paths)[name]
        if other != path:
            raise ConfigError(f"{at}: {path} and {other} have one name, and so would their results; rename a file")
        _data(path)


def inputs(path: str) -> list[str]:
    """Files that a MODEL.yaml names: those that are there, and those that a rule may yet make."""
    return list(named(path).values())


def named(path: str) -> dict[str, str]:
    """The same by the names that it gives them."""
    data = _data(path)
    files = [data.get("surface", {}).get("file"), data.get("measured")]
    if isinstance(data["D"], dict):
        files.append(data["D"].get("file"))
    return {name: _place(name, Path(path).parent) for name in files if isinstance(name, str)}


def _data(path: str) -> dict[str, Any]:
    from separatrix.theory import model_file, model_keys

    return section.check(model_file.plain(path), model_keys.TheorySection, path)


def _place(name: str, folder: Path) -> str:
    beside = folder / name
    return str(beside) if is_file(beside) and not is_file(name) else name
