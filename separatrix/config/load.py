"""Loading of a configuration: every mistake is one line with file, key and remedy.

Nothing here evaluates what a user wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix import potentials
from separatrix.config import variations
from separatrix.config.configuration import Config
from separatrix.config.keys import Keys, file_of
from separatrix.config.listed_names import CANDIDATES, METHODS, NamesOf, lists_of, names_in
from separatrix.config.methods import Method, build_method
from separatrix.config.package_sections import config_section
from separatrix.config.sections import committor_keys
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import System, build_system
from separatrix.core import folders
from separatrix.core.errors import ConfigError
from separatrix.core.section import check
from separatrix.core.text import is_file, shown
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.variable import CARTESIAN, not_expressible

MOST_JOBS = 100_000
"""Jobs that Snakemake can plan in a reasonable time and memory."""


def _jobs_of_method(sections: ConfigSection, basins: int, guesses: int) -> int:
    """Jobs of a method, every round being run, without those of routes to a rate that have rules of their own."""
    sampling = sections.sampling
    # Check, saddle, variables, coordinate, committor, rates: one each. A chain: its first path, rounds, and their sum.
    jobs = 8 + basins + 2 * guesses + sampling.chains * (2 + sampling.max_rounds) + sampling.max_rounds
    return jobs + len(committor_keys.sizes(sections.committor)) * (1 + sections.committor.batches)


def number_of_jobs(config: Config) -> int:
    """Jobs of all methods, every round being run, without those of routes to a rate that have rules of their own."""
    system = config.system
    return len(config.methods) * _jobs_of_method(config.sections, len(system.basins), len(system.saddle_guesses))


def check_number_of_jobs(jobs: int, methods: int, sections: ConfigSection, files: Sequence[Path | str]) -> None:
    """Refuse more jobs than Snakemake can plan.

    Raises
    ------
    ConfigError
        When there are more than `MOST_JOBS`.
    """
    if jobs > MOST_JOBS:
        sampling = sections.sampling
        parts = f"{methods} methods, {sampling.chains} chains, {sampling.max_rounds} rounds"
        message = f"up to {jobs} jobs ({parts}); at most {MOST_JOBS} can be planned, give less of one of these"
        raise Keys(file_of("sampling", files)).fail("sampling", message)


def _check_springs(sections: ConfigSection, system: System, files: Sequence[Path]) -> None:
    """Refuse a committor test that holds a coordinate by a spring in OpenMM, which cannot express one of its variables.

    Raises
    ------
    ConfigError
        At the first such variable: it would fail only when all sampling is done.
    """
    if sections.committor.source == "restrained" and (lacking := not_expressible(system.variables)):
        raise Keys(file_of("committor", files)).fail(
            "committor.source",
            f"the fitted coordinate may hold {lacking[0].name!r}, of the kind {lacking[1]!r}, which OpenMM cannot hold "
            "at r = 0; take configurations from paths, or leave it out of the system's variables.extra",
        )


def _check_names(config: Config, files: Sequence[Path]) -> None:
    """Check that every name in a list of methods or candidate variables is the name of one.

    Raises
    ------
    ConfigError
        At the first that is not.
    """
    named: dict[NamesOf, dict[str, Any]] = {METHODS: dict(config.methods)}
    named[CANDIDATES] = {variable.name: variable for variable in config.system.variables}
    for kind, names in named.items():
        for key, value in lists_of(kind, config.section, config.data):
            keys = Keys(file_of(key, files))
            for at, name in names_in(value, key):
                keys.look(names, name, at, kind.what)


def _check_cartesian(system: System, methods: Iterable[Method], where: str) -> None:
    """Refuse Cartesian coordinates of a molecule that is free to move and turn, where they mean nothing.

    Raises
    ------
    ConfigError
        At the first one.
    """
    molecular = [method.name for method in methods if potentials.ENGINES[method.potential].is_molecular]
    if not molecular:
        return
    named = [(f"coordinates.{variable.name}", variable) for variable in system.coordinates]
    named += [("variables.extra", variable) for variable in system.variables]
    for key, variable in named:
        for leaf in variable.leaves:
            if leaf.kind in CARTESIAN:
                raise Keys(where).fail(
                    key,
                    f"{variable.name!r} holds the {leaf.kind} of an atom, which means nothing for a molecule that "
                    f"moves and turns as it likes (method {molecular[0]}); take distances, angles or dihedrals",
                )


def load(
    data: Mapping[str, Any], files: Sequence[Path | str] = (), *, section: type[ConfigSection] | None = None
) -> Config:
    """Check a configuration and build what it describes.

    Parameters
    ----------
    data
        The merged configuration, as Snakemake has read it.
    files
        The files it was read from, in order; errors name the one that holds the key.
    section
        The keys that it may have; None: all, those of installed packages among them.

    Raises
    ------
    ConfigError
        At the first mistake, in one line: file, key, what is wrong, what would be right.
    """
    paths = [Path(f) for f in files]
    section = config_section() if section is None else section
    for path in paths:
        read_yaml(path)
    try:
        notices: list[str] = []
        full = check(data, section, "", notices)
    except ConfigError as error:
        message = str(error).removeprefix(": ")
        raise ConfigError(f"{file_of(message, paths)}: {message}") from error
    sections = section.model_validate(full)
    try:
        folders.check_name(sections.results_directory)
    except ConfigError as error:
        where = file_of("results_directory", paths)
        raise ConfigError(f"{where}: results_directory: {error}") from error
    where, system_file = file_of("system", paths), Path(sections.system)
    if {*sections.system} & {"{", "}"}:
        raise ConfigError(
            f"{where}: system: Snakemake takes the braces of {shown(sections.system)} for wildcards; rename it"
        )
    if not is_file(system_file):
        raise ConfigError(f"{where}: system: {str(system_file)[:300]} does not exist; give the path of a system file")
    system_data = check(read_yaml(system_file), SystemSection, str(system_file))
    # Before anything is built for them; those of routes to a rate come later.
    n_methods = len(sections.methods) + sum(len(scan.methods) * len(scan.values) for scan in sections.scans.values())
    each = _jobs_of_method(sections, len(system_data["basins"]), len(system_data["saddle_guesses"]))
    check_number_of_jobs(n_methods * each, n_methods, sections, paths)
    system = build_system(system_data, str(system_file))
    if system.literature and not is_file(system.literature):
        raise ConfigError(
            f"{system_file}: literature: {system.literature[:300]} does not exist; give the path of a CSV file"
        )
    where = file_of("methods", paths)
    varied = variations.expand(full, paths, section)
    methods = {
        name: build_method(name, spec, sections.temperature_K, sections.seed, where)
        for name, spec in full["methods"].items()
    }
    for method in methods.values():
        try:
            engine = potentials.ENGINES[method.potential]
            potentials.check_engine(engine, system.molecule, method.options)
        except ConfigError as error:
            if str(error).startswith("arguments"):
                raise ConfigError(f"{where}: methods.{method.name}.options.{error}") from error
            raise ConfigError(f"{system_file}: {error} (method {method.name})") from error
    _check_cartesian(system, methods.values(), str(system_file))
    variations.check_labels(methods, varied, paths)
    lines = tuple(f"{file_of(line, paths)}: {line}" for line in notices)
    config = Config(full, system_data, system, methods, varied, section, lines)
    committor, sampling = sections.committor, sections.sampling
    keys = Keys(file_of("committor", paths))
    if committor.batches > committor.configurations:
        raise keys.fail("committor.batches", "more batches than configurations; give at most as many")
    if committor.adaptive is not None and committor.adaptive.most_shots < committor.shots_per_configuration:
        raise keys.fail("committor.adaptive.most_shots", "is less than shots_per_configuration; give more")
    _check_names(config, paths)
    _check_springs(sections, system, paths)
    keys = Keys(file_of("sampling", paths))
    if sampling.min_rounds > sampling.max_rounds:
        raise keys.fail("sampling.min_rounds", f"is more than max_rounds, {sampling.max_rounds}")
    guesses = {"saddle": None} | {g.name: None for g in system.saddle_guesses}
    for i, start in enumerate(sampling.starts):
        keys.look(guesses, start, f"sampling.starts.{i}", "`saddle` or one of the system's saddle guesses")
    return config
