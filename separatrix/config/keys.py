"""Where a mistake is: the file and the key that an error names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix.core.errors import ConfigError
from separatrix.core.text import is_file, listed, near, one_line, shown
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.variable import Variable


def named_files(paths: Sequence[str], where: str, key: str, kind: str) -> Iterator[tuple[str, str]]:
    """Files that a key of a config lists, each with the beginning of an error about it.

    Parameters
    ----------
    paths
        What the key holds.
    where, key
        The config file, and the key.
    kind
        What the files should be, for errors.

    Raises
    ------
    ConfigError
        At the first that does not exist.
    """
    for i, path in enumerate(paths):
        at = f"{where}: {key}.{i}"
        if not is_file(path):
            raise ConfigError(f"{at}: {path[:300]} does not exist; give the path of {kind}")
        yield at, path


def file_of(key: str, files: Sequence[Path | str]) -> str:
    """The last of the config files that holds the first word of a dotted key; else the last file."""
    first = key.split(".")[0].split(":")[0]
    for path in reversed([*files]):
        if first in read_yaml(path):
            return str(path)
    return str(files[-1]) if files else "the configuration"


class Keys:
    """Looks names up and complains with file and key."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, key: str, message: str) -> ConfigError:
        cut = message if len(message) <= 1000 else f"{message[:1000]} ..."
        return ConfigError(one_line(f"{self.where}: {key}: {cut}"))

    def look(self, table: Mapping[str, Any], name: str, key: str, what: str) -> Any:
        if not isinstance(name, str) or name not in table:
            raise self.fail(key, f"{shown(name)} is not {what}{near(str(name), table)} (known: {listed(table)})")
        return table[name]

    def in_unit(
        self, item: Mapping[str, Any], at: str, coordinate: Variable, what: str, choices: tuple[str, str, str]
    ) -> str:
        """Which key gives a quantity in the unit that belongs to a coordinate; the others must be absent.

        `choices`: the keys for degrees, for angstrom, and for any other unit.
        """
        wanted = choices[{"degree": 0, "angstrom": 1}.get(coordinate.unit, 2)]
        other = next((key for key in choices if key != wanted and key in item), None)
        if other is not None or wanted not in item:
            instead = f", not as {other}" if other is not None else ""
            measured = "degrees" if coordinate.unit == "degree" else coordinate.unit
            unit = "has no unit" if coordinate.unit == "1" else f"is measured in {measured}"
            raise self.fail(at, f"{coordinate.name} {unit}; give its {what} as {wanted}{instead}")
        return wanted
