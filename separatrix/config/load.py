"""Loading of a configuration: every mistake is one line with file, key and remedy.

Nothing here evaluates what a user wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix import potentials
from separatrix.config import variations
from separatrix.config.configuration import Config
from separatrix.config.keys import Keys, file_of
from separatrix.config.methods import build_method
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import System, build_system
from separatrix.core import folders
from separatrix.core.errors import ConfigError
from separatrix.core.section import check
from separatrix.core.text import is_file, shown
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.variable import not_expressible

MOST_JOBS = 100_000
"""Jobs that Snakemake can plan in a reasonable time and memory."""


def _check_jobs(full: Mapping[str, Any], system: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Refuse a plan that is too large, before anything is built for it.

    Raises
    ------
    ConfigError
        When there may be more than `MOST_JOBS` jobs, every round being run.
    """
    methods = len(full["methods"])
    methods += sum(len(scan["methods"]) * len(scan["values"]) for scan in full["scans"].values())
    sampling, rules, rates = full["sampling"], full["committor"], full["rates"]
    draws = (
        1 + sum(rules[name]["configurations"] > 0 for name in ("baseline", "calibration", "path")) + ("map" in rules)
    )
    # Check, saddle, variables, coordinate, committor, rates: one each. A chain: its first path, rounds, and their sum.
    each = 8 + len(system["basins"]) + 2 * len(system["saddle_guesses"])
    each += sampling["chains"] * (2 + sampling["max_rounds"]) + sampling["max_rounds"]
    each += draws * (1 + rules["batches"])
    along, through = rates["umbrella"], rates["interfaces"]
    jobs = methods * each + len(along["methods"]) * (2 + along["batches"])
    jobs += len(through["methods"]) * (2 + through["chains"])
    if jobs > MOST_JOBS:
        parts = f"{methods} methods, {sampling['chains']} chains, {sampling['max_rounds']} rounds"
        message = f"up to {jobs} jobs ({parts}); at most {MOST_JOBS} can be planned, give less of one of these"
        raise Keys(file_of("sampling", files)).fail("sampling", message)


def _check_springs(full: Mapping[str, Any], system: System, files: Sequence[Path]) -> None:
    """Refuse a coordinate that is to be held by a spring in OpenMM, which cannot express one of its variables.

    Raises
    ------
    ConfigError
        At the first such variable: it would fail only when all sampling is done.
    """
    by_name = {variable.name: variable for variable in system.variables}
    umbrella, where = full["rates"]["umbrella"], Keys(file_of("rates", files))
    for i, name in enumerate(umbrella["variables"]):
        if lacking := not_expressible([by_name[name]]):
            raise where.fail(
                f"rates.umbrella.variables.{i}",
                f"{name!r} is of the kind {lacking[1]!r}, which OpenMM cannot hold by a spring; take another variable",
            )
    lacking = not_expressible(system.variables)
    if lacking is None:
        return
    what = f"the fitted coordinate may hold {lacking[0].name!r}, of the kind {lacking[1]!r}, which OpenMM cannot hold"
    remedy = "leave it out of the system's variables.extra"
    if umbrella["methods"] and not umbrella["variables"]:
        raise where.fail("rates.umbrella.methods", f"{what} by a spring; name the variables to use, or {remedy}")
    if full["committor"]["source"] == "restrained":
        raise Keys(file_of("committor", files)).fail(
            "committor.source", f"{what} at r = 0; take configurations from paths, or {remedy}"
        )


def load(
    data: Mapping[str, Any], files: Sequence[Path | str] = (), *, section: type[ConfigSection] = ConfigSection
) -> Config:
    """Check a configuration and build what it describes.

    Parameters
    ----------
    data
        The merged configuration, as Snakemake has read it.
    files
        The files it was read from, in order; errors name the one that holds the key.
    section
        The keys that it may have.

    Raises
    ------
    ConfigError
        At the first mistake, in one line: file, key, what is wrong, what would be right.
    """
    paths = [Path(f) for f in files]
    for path in paths:
        read_yaml(path)
    try:
        notices: list[str] = []
        full = check(data, section, "", notices)
    except ConfigError as error:
        message = str(error).removeprefix(": ")
        raise ConfigError(f"{file_of(message, paths)}: {message}") from error
    try:
        folders.check_name(full["results_directory"])
    except ConfigError as error:
        where = file_of("results_directory", paths)
        raise ConfigError(f"{where}: results_directory: {error}") from error
    system_file = Path(full["system"])
    if {*full["system"]} & {"{", "}"}:
        where = file_of("system", paths)
        raise ConfigError(
            f"{where}: system: Snakemake takes the braces of {shown(full['system'])} for wildcards; rename it"
        )
    if not is_file(system_file):
        where = file_of("system", paths)
        raise ConfigError(f"{where}: system: {str(system_file)[:300]} does not exist; give the path of a system file")
    system_data = check(read_yaml(system_file), SystemSection, str(system_file))
    _check_jobs(full, system_data, paths)
    system = build_system(system_data, str(system_file))
    if system.literature and not is_file(system.literature):
        raise ConfigError(
            f"{system_file}: literature: {system.literature[:300]} does not exist; give the path of a CSV file"
        )
    where = file_of("methods", paths)
    varied = variations.expand(full, paths)
    methods = {
        name: build_method(name, spec, full["temperature_K"], full["seed"], where)
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
    variations.check_labels(methods, varied, paths)
    committor, sampling = full["committor"], full["sampling"]
    if committor["batches"] > committor["configurations"]:
        where = file_of("committor", paths)
        raise ConfigError(f"{where}: committor.batches: more batches than configurations; give at most as many")
    keys = Keys(file_of("committor", paths))
    candidates = {v.name: None for v in system.variables}
    for at, names in (
        ("baseline", committor["baseline"]["variables"]),
        ("map", committor.get("map", {}).get("variables", [])),
    ):
        for i, name in enumerate(names):
            keys.look(candidates, name, f"committor.{at}.variables.{i}", "a candidate variable")
    if "adaptive" in committor and committor["adaptive"]["most_shots"] < committor["shots_per_configuration"]:
        raise keys.fail("committor.adaptive.most_shots", "is less than shots_per_configuration; give more")
    keys, candidates = Keys(file_of("coordinate", paths)), {v.name: None for v in system.variables}
    for i, names in enumerate(full["coordinate"]["compare_with"]):
        for j, name in enumerate(names):
            keys.look(candidates, name, f"coordinate.compare_with.{i}.{j}", "a candidate variable")
    keys = Keys(file_of("rates", paths))
    for route in ("umbrella", "interfaces"):
        for i, name in enumerate(full["rates"][route]["methods"]):
            keys.look(methods, name, f"rates.{route}.methods.{i}", "a method")
        for i, name in enumerate(full["rates"][route]["variables"]):
            keys.look(candidates, name, f"rates.{route}.variables.{i}", "a candidate variable")
    _check_springs(full, system, paths)
    where = file_of("sampling", paths)
    keys = Keys(where)
    if sampling["min_rounds"] > sampling["max_rounds"]:
        raise keys.fail("sampling.min_rounds", f"is more than max_rounds, {sampling['max_rounds']}")
    guesses = {"saddle": None} | {g.name: None for g in system.saddle_guesses}
    for i, start in enumerate(sampling["starts"]):
        keys.look(guesses, start, f"sampling.starts.{i}", "`saddle` or one of the system's saddle guesses")
    lines = tuple(f"{file_of(line, paths)}: {line}" for line in notices)
    return Config(full, system_data, system, methods, varied, section, lines)
