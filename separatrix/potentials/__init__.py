"""Potentials: every level of theory as one OpenMM System.

A potential is one file of this package with a function ``build(molecule, options) -> Potential`` and a
dictionary ``OPTIONS`` that names its keywords. The registry below maps the config's word to that file; adding an
engine is one new file and one line here. A package of its own may register one through the entry-point group
``separatrix.potentials`` (name = config word, object = module), without touching this source.

A module may also have

* ``check(options)``: refuses options before anything runs;
* ``foreign(options)``: what they name that acts, so that a person has to allow it, see :mod:`.trust`;
* ``settle(molecule, options)``: the options as a worker process gets them, which stands in another folder;
* ``needs_worker(options)``, or ``NEEDS_WORKER = True``: the engine always runs in such a process.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from separatrix.core.errors import ConfigError, SeparatrixError
from separatrix.core.molecule import Molecule
from separatrix.core.plain import one_line
from separatrix.potentials import trust
from separatrix.potentials.base import Option, Potential, python_potential
from separatrix.potentials.containment import standing_still
from separatrix.potentials.electrons import check_engine
from separatrix.potentials.worker import NotAlone, WorkerEngine

REGISTRY: dict[str, str] = {
    "ase": "separatrix.potentials.ase_calculator",
    "dftbplus": "separatrix.potentials.dftbplus",
    "forcefield": "separatrix.potentials.forcefield",
    "model": "separatrix.potentials.model",
    "mopac": "separatrix.potentials.mopac",
    "sparrow": "separatrix.potentials.sparrow",
    "tblite": "separatrix.potentials.tblite",
}

#: Options of every engine that is not OpenMM's own.
WORKER_OPTIONS: dict[str, Option] = {
    "worker": Option(bool, "run the engine in a process of its own, so that its crash costs one shot and no more"),
    "worker_timeout_s": Option(
        (int, float), "seconds without an answer before the worker is killed", minimum=0.1, default=300
    ),
}


def known() -> list[str]:
    """Words that the config may use for `potential`, sorted."""
    return sorted({*REGISTRY, *(e.name for e in entry_points(group="separatrix.potentials"))})


def module_of(word: str) -> ModuleType:
    """The module behind a config word.

    Raises
    ------
    ConfigError
        When no potential of that name is registered, or the package that registers it is broken.
    """
    if word in REGISTRY:
        return importlib.import_module(REGISTRY[word])
    entries = entry_points(group="separatrix.potentials", name=word)
    if entries:
        return _load(word, list(entries))
    near = difflib.get_close_matches(word, known(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{word!r} is not a potential{hint} (known: {', '.join(known())})")


def _load(word: str, entries: list[EntryPoint]) -> ModuleType:
    """The module that a package has registered.

    Raises
    ------
    ConfigError
        When two packages have, it cannot be imported, or it is no engine.
    """
    if len({entry.value for entry in entries}) > 1:
        who = " and ".join(sorted(f"{_package(entry)} ({entry.value})" for entry in entries))
        raise ConfigError(f"{word!r} is registered by two packages, {who}; uninstall one")
    entry = entries[0]
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:  # importing runs whatever the package has in it
        raise ConfigError(
            f"{word!r} is registered by the package {_package(entry)} as {entry.value}, which cannot be imported "
            f"({one_line(error)}); mend or uninstall it"
        ) from error
    options = getattr(module, "OPTIONS", None)
    if not isinstance(options, Mapping) or not all(isinstance(option, Option) for option in options.values()):
        lack = "a dictionary OPTIONS of Option"
    elif not callable(getattr(module, "build", None)):
        lack = "a function build(molecule, options)"
    else:
        return module
    raise ConfigError(
        f"{word!r} is registered by the package {_package(entry)} as {entry.value}, which has not {lack} "
        "(docs/engines.md); mend or uninstall it"
    )


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module


def options_of(word: str) -> dict[str, Option]:
    """All options that a potential takes: its own, and for Python engines those of the worker process.

    Raises
    ------
    ConfigError
        When no potential of that name is registered.
    """
    module = module_of(word)
    return {**module.OPTIONS, **({} if getattr(module, "IN_OPENMM", False) else WORKER_OPTIONS)}


def check_options(word: str, options: Mapping[str, Any], *, settled: bool = False) -> None:
    """Check a method's engine options without loading the engine.

    Parameters
    ----------
    settled
        Whether they come from a process that has checked them, and may have completed them from the environment.

    Raises
    ------
    ConfigError
        On an option that the potential does not have, a value it does not take, a missing required one, or something
        that acts and that nobody has allowed.
    """
    table = options_of(word)
    for key, value in options.items():
        if key not in table:
            near = difflib.get_close_matches(key, list(table), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{key}: potential {word!r} has no such option{hint} (it has: {', '.join(table)})")
        table[key].check(key, value)
    for key, option in table.items():
        if option.required and key not in options:
            raise ConfigError(f"{key}: missing; potential {word!r} needs it ({option.meaning})")
    found = None if settled else foreign(word, options)
    if found is not None:
        trust.require(found)
    _hook(word, "check", None, options)


def foreign(word: str, options: Mapping[str, Any]) -> trust.Foreign | None:
    """What the options of a potential name that acts: a program, or code that no installed package brings."""
    return _hook(word, "foreign", None, options)


def _hook(word: str, name: str, default: Any, *arguments: Any) -> Any:
    """What a function that an engine's module may have gives, or a default where it has none.

    Raises
    ------
    ConfigError
        What the function says, or in one line whatever else it raises.
    """
    function = getattr(module_of(word), name, None)
    if function is None:
        return default
    try:
        return function(*arguments)
    except SeparatrixError:
        raise
    except Exception as error:  # a module of another package may raise what it likes
        raise ConfigError(f"potential {word!r}: its function {name}: {one_line(error)}") from error


def _in_worker(word: str, options: Mapping[str, Any]) -> bool:
    """Whether an engine is to run in a process of its own: because it must, the config says so, or nobody knows it."""
    module = module_of(word)
    if getattr(module, "NEEDS_WORKER", False) or _hook(word, "needs_worker", False, options):
        return True
    return bool(options.get("worker", word not in REGISTRY and not getattr(module, "IN_OPENMM", False)))


def build(word: str, molecule: Molecule, options: Mapping[str, Any], *, in_worker: bool = False) -> Potential:
    """Build the potential of a method.

    Parameters
    ----------
    word
        The config's word for the potential.
    molecule
        The molecule; its atom order is the System's.
    options
        The engine's options; see the `OPTIONS` of the file behind `word`.
    in_worker
        Whether this is the worker process that another one has asked for.

    Raises
    ------
    ConfigError
        On a wrong option, or a charge or multiplicity that this molecule cannot have, or the engine cannot do.
    """
    check_options(word, options, settled=in_worker)
    module = module_of(word)
    check_engine(word, module, molecule, options)
    own = {k: v for k, v in options.items() if k in module.OPTIONS}
    if in_worker or not _in_worker(word, options):
        return _build(word, module, molecule, own)
    # The worker stands in another directory.
    own = {k: str(Path(v).resolve()) if module.OPTIONS[k].is_file else v for k, v in own.items()}
    settled = _hook(word, "settle", own, molecule, own)
    timeout = options.get("worker_timeout_s", WORKER_OPTIONS["worker_timeout_s"].default)
    try:
        engine = WorkerEngine(word, molecule, settled, float(timeout))
    except NotAlone:
        if "worker" in options or getattr(module, "NEEDS_WORKER", False):
            raise
        return _build(word, module, molecule, own)  # nobody has asked for a process
    declared = dict(engine.declared)
    description, active = declared.pop("description"), declared.pop("active")
    declared["active"] = None if active is None else np.array(active)
    return python_potential(molecule, engine, f"{description}, in a process of its own", **declared)


def _build(word: str, module: ModuleType, molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Build an engine in this process; whatever it raises is one line, and where this process stands stays as it is."""
    try:
        with standing_still():
            potential = module.build(molecule, options)
    except SeparatrixError:
        raise
    except Exception as error:  # an engine may raise what it likes
        raise ConfigError(f"potential {word!r} cannot be built: {one_line(error)}") from error
    if not isinstance(potential, Potential):
        raise ConfigError(f"potential {word!r}: its build() gave a {type(potential).__name__}, not a Potential")
    if potential.seam is not None:
        potential.seam.name = word
    return potential


__all__ = [
    "REGISTRY",
    "Option",
    "Potential",
    "build",
    "check_engine",
    "check_options",
    "foreign",
    "known",
    "module_of",
    "options_of",
]
