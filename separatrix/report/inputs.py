"""Files that a config and its system file name: what they are, and which of them lie outside the working folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix.config.configuration import Config
from separatrix.config.keys import file_of
from separatrix.config.load import load
from separatrix.core.errors import ConfigError
from separatrix.theory import theory_files


def load_with_files(data: Mapping[str, Any], files: Sequence[Path | str] = ()) -> Config:
    """A configuration, checked with the surfaces and the references that it names.

    Parameters
    ----------
    data
        The merged configuration, as Snakemake has read it.
    files
        The files it was read from, in order; errors name the one that holds the key.

    Raises
    ------
    ConfigError
        At the first mistake, in one line: file, key, what is wrong, what would be right.
    """
    config = load(data, files)
    if config.data["theory"]:
        theory_files.check(config.data["theory"], file_of("theory", files))
    if config.data["export"]["references"]:
        from separatrix.report import citations  # pybtex is slow to import

        citations.check_files(config.data["export"]["references"], file_of("export", files))
    if further := config.data["sampling"]["convergence"]["further"]:
        from separatrix.sampling.criterion import CRITERIA  # slow to import, and seldom needed

        at = f"{file_of('sampling', files)}: sampling.convergence.further"
        for name in further:
            if name in CRITERIA.own():
                raise ConfigError(f"{at}: {name!r} is always judged; only criteria of packages are named here")
            try:
                CRITERIA[name]
            except ConfigError as error:
                raise ConfigError(f"{at}: {error}") from error
    # A path that Snakemake would fill in.
    where = str(files[-1]) if files else "the configuration"
    for path, description in named(config):
        if {*path} & {"{", "}"}:
            raise ConfigError(f"{where}: {path} ({description}): Snakemake takes braces for wildcards; rename the file")
    return config


def named(config: Config) -> Iterator[tuple[str, str]]:
    """Files that config and system name, and what they are; a file may come more than once."""
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
