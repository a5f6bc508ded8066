"""Files that a config and its system file name: what they are, and which of them lie outside the working folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix.config.configuration import Config
from separatrix.config.keys import Keys, file_of
from separatrix.config.load import check_number_of_jobs, load, number_of_jobs
from separatrix.core.errors import ConfigError
from separatrix.rates.route import asked_routes, in_order
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
    sections = config.sections
    _check_routes(config, files)
    if sections.theory:
        theory_files.check(sections.theory, file_of("theory", files))
    if sections.export.references:
        from separatrix.report import citations  # pybtex is slow to import

        citations.check_files(sections.export.references, file_of("export", files))
    if further := sections.sampling.convergence.further:
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


def _check_routes(config: Config, files: Sequence[Path | str]) -> None:
    """Refuse what the routes to a rate cannot do with a configuration, and more jobs of theirs than can be planned.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    for route in in_order():
        for key, message in route.mistakes(config):
            raise Keys(file_of(key, files)).fail(key, message)
    rates, methods = config.sections.rates, [*config.methods]
    jobs = sum(route.work(config, name).jobs for name in methods for route in asked_routes(rates, name))
    check_number_of_jobs(number_of_jobs(config) + jobs, len(methods), config.sections, files)


def named(config: Config) -> Iterator[tuple[str, str]]:
    """Files that config and system name, and what they are; a file may come more than once."""
    system = config.system
    for basin, path in system.geometries.items():
        yield str(path), f"starting geometry of basin {basin}"
    for reference in system.reference_files:
        yield str(reference), "geometry that a variable is measured against"
    if system.literature:
        yield str(system.literature), "measured activation energies and prefactors"
    for method in config.methods.values():
        for file in method.files:
            yield str(file), f"read by the engine of {method.label}"
    for surface in config.sections.theory:
        yield str(surface), "surface of two variables"
        for other in theory_files.inputs(surface):
            yield str(other), "read with a surface of two variables"
    for bibliography in config.sections.export.references:
        yield str(bibliography), "papers that the config names"


def outside(config: Config) -> list[str]:
    """One line for each file that the research object copies from outside the working folder, links followed."""
    here = Path.cwd().resolve()
    lines: dict[str, str] = {}
    for path, description in [(config.sections.system, "the system file"), *named(config)]:
        file = Path(path)
        real = file.resolve()
        if here not in real.parents:
            link = f", a link to {real}" if here in file.absolute().parents and ".." not in file.parts else ""
            lines.setdefault(path, f"{path}{link} ({description})")
    return list(lines.values())
