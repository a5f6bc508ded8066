"""Files that a config and its system file name: what they are, and which of them lie outside the working folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from separatrix.config.loading import Config


def named(config: Config) -> Iterator[tuple[str, str]]:
    """Files that config and system name, and what they are; a file may come more than once."""
    from separatrix.workflow import theory_files  # which reads by `config`

    system = config.system
    for basin, path in system.geometries.items():
        yield str(path), f"starting geometry of basin {basin}"
    for path in system.reference_files:
        yield str(path), "geometry that a variable is measured against"
    if system.literature:
        yield str(system.literature), "measured activation energies and prefactors"
    for method in config.methods.values():
        for path in method.files:
            yield str(path), f"read by the engine of {method.label}"
    for path in config.data["theory"]:
        yield str(path), "surface of two variables"
        for other in theory_files.inputs(path):
            yield str(other), "read with a surface of two variables"
    for path in config.data["export"]["references"]:
        yield str(path), "papers that the config names"


def outside(config: Config) -> list[str]:
    """One line for each file that the research object copies from outside the working folder, links followed."""
    here, lines = Path.cwd().resolve(), {}
    for path, words in [(str(config.data["system"]), "the system file"), *named(config)]:
        file = Path(path)
        real = file.resolve()
        if here not in real.parents:
            link = f", a link to {real}" if here in file.absolute().parents and ".." not in file.parts else ""
            lines.setdefault(path, f"{path}{link} ({words})")
    return list(lines.values())
