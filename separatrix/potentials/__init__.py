"""Potentials: every level of theory as one OpenMM System.

An engine is one module of :mod:`separatrix.potentials.engines` with an object ``ENGINE``, see
:class:`separatrix.potentials.engine.Engine`: it says how a potential is built, which options it takes, its papers, home
page and licence, what it costs, and the conda environment that it needs. A package of its own may register one through
the entry-point group ``separatrix.potentials`` (name = config word, object = module or `Engine`), without touching this
source.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core.errors import ConfigError, SeparatrixError
from separatrix.core.molecule import Molecule
from separatrix.core.plain import one_line
from separatrix.core.registry import Registry
from separatrix.potentials import trust
from separatrix.potentials.containment import standing_still
from separatrix.potentials.electrons import check_engine
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential
from separatrix.potentials.worker import NotAlone, WorkerEngine

ENGINES: Registry[Engine] = Registry(
    "a potential",
    "separatrix.potentials",
    "separatrix.potentials.engines",
    Engine,
    "ENGINE",
    one_per_module=True,
)

#: Options of every engine that is not OpenMM's own.
WORKER_OPTIONS: dict[str, Option] = {
    "worker": Option(
        bool,
        "run the engine in a process of its own, so that its crash costs one shot and no more",
        shown_default="`false`; `true` for engines of other packages",
        guide=(
            "run the engine in a process of its own: a crash, a hang or a call of exit then costs one shot; `dftbplus` "
            "and programs behind `ase` always do"
        ),
    ),
    "worker_timeout_s": Option(
        (int, float),
        "seconds without an answer before the worker is killed",
        minimum=0.1,
        default=300,
        guide="seconds without an answer before that process is killed and started anew",
    ),
}


def options_of(word: str) -> dict[str, Option]:
    """All options that a potential takes: its own, and for Python engines those of the worker process.

    Raises
    ------
    ConfigError
        When no potential of that name is registered.
    """
    engine = ENGINES[word]
    return {**engine.options, **({} if engine.in_openmm else WORKER_OPTIONS)}


def check_options(word: str, options: Mapping[str, Any], *, checked: bool = False) -> None:
    """Check a method's engine options without loading the engine.

    Parameters
    ----------
    checked
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
    acts = None if checked else foreign(word, options)
    if acts is not None:
        trust.require(acts)
    engine = ENGINES[word]
    if engine.check is not None:
        _call(engine, engine.check, options)


def foreign(word: str, options: Mapping[str, Any]) -> trust.Foreign | None:
    """What the options of a potential name that acts: a program, or code that no installed package brings."""
    engine = ENGINES[word]
    return None if engine.foreign is None else _call(engine, engine.foreign, options)


def _call(engine: Engine, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of an engine's entry gives.

    Raises
    ------
    ConfigError
        What the function says, or in one line whatever else it raises.
    """
    try:
        return function(*arguments)
    except SeparatrixError:
        raise
    except Exception as error:  # a module of another package may raise what it likes
        called = getattr(function, "__name__", "")
        raise ConfigError(f"potential {engine.name!r}: its function {called}: {one_line(error)}") from error


def _must_be_elsewhere(engine: Engine, options: Mapping[str, Any]) -> bool:
    """Whether an engine always runs in a process of its own."""
    return engine.needs_worker is not None and bool(_call(engine, engine.needs_worker, options))


def _in_worker(engine: Engine, options: Mapping[str, Any]) -> bool:
    """Whether an engine is to run in a process of its own: because it must, the config says so, or nobody knows it."""
    if _must_be_elsewhere(engine, options):
        return True
    return bool(options.get("worker", engine.name not in ENGINES.own() and not engine.in_openmm))


def build(word: str, molecule: Molecule, options: Mapping[str, Any], *, in_worker: bool = False) -> Potential:
    """Build the potential of a method.

    Parameters
    ----------
    word
        The config's word for the potential.
    molecule
        The molecule; its atom order is the System's.
    options
        The engine's options; see the `OPTIONS` of the module behind `word`.
    in_worker
        Whether this is the worker process that another one has asked for.

    Raises
    ------
    ConfigError
        On a wrong option, or a charge or multiplicity that this molecule cannot have, or the engine cannot do.
    """
    check_options(word, options, checked=in_worker)
    engine = ENGINES[word]
    check_engine(engine, molecule, options)
    own = {k: v for k, v in options.items() if k in engine.options}
    if in_worker or not _in_worker(engine, options):
        return _build(engine, molecule, own)
    # The worker runs in another directory.
    own = {k: str(Path(v).resolve()) if engine.options[k].is_file else v for k, v in own.items()}
    complete = own if engine.settle is None else _call(engine, engine.settle, molecule, own)
    timeout = options.get("worker_timeout_s", WORKER_OPTIONS["worker_timeout_s"].default)
    try:
        worker = WorkerEngine(word, molecule, complete, float(timeout))
    except NotAlone:
        if "worker" in options or _must_be_elsewhere(engine, options):
            raise
        return _build(engine, molecule, own)  # nobody has asked for a process
    declared = dict(worker.declared)
    description, active = declared.pop("description"), declared.pop("active")
    declared["active"] = None if active is None else np.array(active)
    return python_potential(molecule, worker, f"{description}, in a process of its own", **declared)


def _build(engine: Engine, molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Build an engine in this process; whatever it raises is one line, and this process's folder stays as it is."""
    try:
        with standing_still():
            potential = engine.build(molecule, options)
    except SeparatrixError:
        raise
    except Exception as error:  # an engine may raise what it likes
        raise ConfigError(f"potential {engine.name!r} cannot be built: {one_line(error)}") from error
    if not isinstance(potential, Potential):
        raise ConfigError(f"potential {engine.name!r}: its build() gave a {type(potential).__name__}, not a Potential")
    if potential.seam is not None:
        potential.seam.name = engine.name
    return potential


__all__ = [
    "ENGINES",
    "Engine",
    "Option",
    "Potential",
    "build",
    "check_engine",
    "check_options",
    "foreign",
    "options_of",
]
