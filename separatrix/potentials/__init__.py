"""Potentials: every level of theory as one OpenMM System.

A potential is one file of this package with a function ``build(molecule, options) -> Potential`` and a
dictionary ``OPTIONS`` that names its keywords. The registry below maps the config's word to that file; adding an
engine is one new file and one line here. A package of its own may register one through the entry-point group
``separatrix.potentials`` (name = config word, object = module), without touching this source.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ConfigError
from ..molecule import Molecule
from .base import Option, Potential, python_potential
from .electrons import check_engine
from .worker import WorkerEngine

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
        When no potential of that name is registered.
    """
    if word in REGISTRY:
        return importlib.import_module(REGISTRY[word])
    for entry in entry_points(group="separatrix.potentials", name=word):
        return entry.load()
    near = difflib.get_close_matches(word, known(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{word!r} is not a potential{hint} (known: {', '.join(known())})")


def options_of(word: str) -> dict[str, Option]:
    """All options that a potential takes: its own, and for Python engines those of the worker process.

    Raises
    ------
    ConfigError
        When no potential of that name is registered.
    """
    module = module_of(word)
    return {**module.OPTIONS, **({} if getattr(module, "IN_OPENMM", False) else WORKER_OPTIONS)}


def check_options(word: str, options: Mapping[str, Any]) -> None:
    """Check a method's engine options without loading the engine.

    Raises
    ------
    ConfigError
        On an option that the potential does not have, a value it does not take, or a missing required one.
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
    check_options(word, options)
    module = module_of(word)
    check_engine(word, module, molecule, options)
    own = {k: v for k, v in options.items() if k in module.OPTIONS}
    if in_worker or not (options.get("worker") or getattr(module, "NEEDS_WORKER", False)):
        return module.build(molecule, own)
    # The worker stands in another directory.
    own = {k: str(Path(v).resolve()) if module.OPTIONS[k].is_file else v for k, v in own.items()}
    if hasattr(module, "settle"):
        own = module.settle(molecule, own)
    timeout = options.get("worker_timeout_s", WORKER_OPTIONS["worker_timeout_s"].default)
    engine = WorkerEngine(word, molecule, own, float(timeout))
    declared = dict(engine.declared)
    description = declared.pop("description")
    return python_potential(molecule, engine, f"{description}, in a process of its own", **declared)


__all__ = [
    "REGISTRY",
    "Option",
    "Potential",
    "build",
    "check_engine",
    "check_options",
    "known",
    "module_of",
    "options_of",
]
