"""Any ASE calculator, named by its dotted path: the door for machine-learned potentials and ASE-bound programs.

What a config may name by itself is in :mod:`separatrix.potentials.ase_classes`. Other classes may start programs or
run code, so a person has to allow them (:mod:`separatrix.potentials.trust`). They run in a worker process, and in a
folder of their own in there: two chains at once must not read each other's files.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import os
import re
import shlex
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ase
import numpy as np
from ase.units import kJ, mol

from separatrix.core.errors import ConfigError, PotentialError, SeparatrixError
from separatrix.core.molecule import Molecule
from separatrix.core.plain import one_line
from separatrix.core.units import ANGSTROM
from separatrix.potentials import trust
from separatrix.potentials.ase_classes import (
    CALCULATORS,
    CHARGES,
    COMMANDS,
    MULTIPLICITIES,
    PATHS,
    PLACES,
    PROGRAMS,
    Takes,
)
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential

OPTIONS: dict[str, Option] = {
    "calculator": Option(
        str,
        "dotted path of an ASE calculator's class, e.g. tblite.ase.TBLite",
        required=True,
        guide=(
            "dotted path of an ASE calculator, such as `tblite.ase.TBLite`, "
            "[on the list or allowed by you](../docs/engines.md#security)"
        ),
    ),
    "arguments": Option(
        dict,
        "keyword arguments of the class: numbers, text, lists and mappings",
        guide="its keyword arguments, without charge and multiplicity, which are the system's",
    ),
}

_EV = mol / kJ  # kJ/mol in one eV
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_EVERY_CHARGE, _EVERY_MULTIPLICITY = 0, 1


# --- what a config may say ------------------------------------------------------------------------------------------


def foreign(options: Mapping[str, Any]) -> trust.Foreign | None:
    """What the options name that acts: any class that is not in the table."""
    path = options.get("calculator")
    if not isinstance(path, str) or not _DOTTED.fullmatch(path) or path in CALCULATORS:
        return None
    near = difflib.get_close_matches(path, CALCULATORS, n=1, cutoff=0.8)
    instead = f"did you mean {near[0]}?" if near else ""
    return trust.Foreign("calculator", path, f"{path} may start programs and run code", instead)


def check(options: Mapping[str, Any]) -> None:
    """Check the class and the names and types of its arguments; nothing is imported.

    Raises
    ------
    ConfigError
        When the path is none, or an argument is not one that a config may give.
    """
    path, arguments = options["calculator"], options.get("arguments", {})
    if not _DOTTED.fullmatch(path):
        raise ConfigError(f"calculator: {path!r} is not the dotted path of a class, like tblite.ase.TBLite")
    _check_plain(arguments, "arguments")
    if path in CALCULATORS:
        table = CALCULATORS[path].arguments
        for key, value in arguments.items():
            if key not in table:
                near = difflib.get_close_matches(key, list(table), n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ConfigError(
                    f"arguments.{key}: {path} takes no such argument{hint} (it takes: {', '.join(table)})"
                )
            table[key].check(f"arguments.{key}", value)
        return
    for key in arguments:
        if COMMANDS & {*key.lower().split("_")}:
            raise ConfigError(
                f"arguments.{key}: what a calculator starts is not for a config to say; leave this out and name the "
                "program in ASE's own configuration, the file that ASE_CONFIG_PATH names (docs/howto/engine.md)"
            )
        if key.lower() in PLACES:
            raise ConfigError(
                f"arguments.{key}: the calculator has a folder of its own, and starts anew; leave this out"
            )


def _check_plain(value: Any, at: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"{at}: the key {key!r} is no text; write it in quotation marks")
            _check_plain(item, f"{at}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_plain(item, f"{at}.{i}")
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise ConfigError(f"{at}: {value!r} is neither a number, text, a list nor a mapping")


def needs_worker(options: Mapping[str, Any]) -> bool:
    """Whether the class always runs in a process of its own: it may end that, or write files in its working folder."""
    calculator = CALCULATORS.get(options["calculator"])
    return calculator is None or calculator.own_folder


def settle(molecule: Molecule, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with full paths where arguments are named like a path and hold one: the worker runs elsewhere."""

    def absolute(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: absolute(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [absolute(key, v) for v in value]
        named = isinstance(value, str) and value and PATHS & {*key.lower().split("_")}
        if not (named and Path(value).exists()):
            return value
        return f"{Path(value).resolve()}{'/' if value.endswith('/') else ''}"  # some put the name of a file behind it

    return {**options, "arguments": absolute("arguments", options.get("arguments", {}))}


# --- charge and multiplicity ----------------------------------------------------------------------------------------


def with_charge(molecule: Molecule, path: str, calculator: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a class, with the charge and the multiplicity of the molecule where the class takes them.

    Raises
    ------
    ConfigError
        When an argument says otherwise, or nothing is known of how the class takes what is not 0 and 1.
    """
    complete = {key: dict(value) if isinstance(value, dict) else value for key, value in arguments.items()}
    takes = CALCULATORS[path].takes if path in CALCULATORS else PROGRAMS.get(path) or _guess(calculator)
    for what, value, how, names, every in (
        ("charge", molecule.charge, takes.charge, CHARGES, _EVERY_CHARGE),
        ("multiplicity", molecule.multiplicity, takes.multiplicity, MULTIPLICITIES, _EVERY_MULTIPLICITY),
    ):
        for key, own in _named(complete, {*names, how.lower()} if how else names):
            if own is not None and own != value:
                raise ConfigError(
                    f"arguments.{key}: {own!r} contradicts the system, whose {what} is {value}; leave it out, the "
                    f"{what} of the system is taken"
                )
        if how is None:
            if value != every:
                raise ConfigError(
                    f"{what}: the system has {value}, and calculator {path} takes no {what} that is known here; use "
                    f"another engine, or a system of {what} {every}"
                )
        elif not how.startswith("@"):
            _put(complete, how.split("."), value)
    if molecule.multiplicity > 1 and "spin_polarization" in (
        CALCULATORS[path].arguments if path in CALCULATORS else ()
    ):
        complete.setdefault(
            "spin_polarization", 1.0
        )  # as the engine `tblite` does, or states of spin lie the wrong way
    return complete


def describes(molecule: Molecule, options: Mapping[str, Any]) -> None:
    """Refuse a molecule whose charge or multiplicity the class does not take, as far as nothing has to be imported.

    Raises
    ------
    ConfigError
        As :func:`with_charge`.
    """
    path = options["calculator"]
    if path in CALCULATORS or path in PROGRAMS:
        with_charge(molecule, path, None, options.get("arguments", {}))


def _guess(calculator: Any) -> Takes:
    """How a class takes charge and multiplicity, by the names of its arguments."""
    try:
        names = {*inspect.signature(calculator).parameters}
    except (TypeError, ValueError):
        names = set()
    names |= {*(getattr(calculator, "default_parameters", None) or {})}
    multiplicity = next((name for name in ("multiplicity", "mult") if name in names), None)
    return Takes("charge" if "charge" in names else None, multiplicity)


def _named(arguments: Mapping[str, Any], names: set[str] | frozenset[str], at: str = "") -> Iterator[tuple[str, Any]]:
    """Arguments of some names (dotted, or the last part), however they are written."""
    for key, value in arguments.items():
        dotted = f"{at}{key}"
        if isinstance(value, dict):
            yield from _named(value, names, f"{dotted}.")
        elif dotted.lower() in names or key.lower() in names:
            yield dotted, value


def _put(arguments: dict[str, Any], way: list[str], value: Any) -> None:
    key = next((key for key in arguments if key.lower() == way[0].lower()), way[0])
    if len(way) == 1:
        arguments[key] = value
        return
    inner = arguments.setdefault(key, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"arguments.{key}: {inner!r} is not a mapping")
    _put(inner, way[1:], value)


# --- the engine -----------------------------------------------------------------------------------------------------


class AseEngine:
    """One calculator; it is made anew to forget, because nothing in ASE's interface says what it keeps.

    A calculator that may write files does so in a temporary folder, which is emptied when it forgets.
    """

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        path = options["calculator"]
        self._class = calculator_class(path)
        self._arguments = with_charge(molecule, path, self._class, options.get("arguments", {}))
        self._name = path.rpartition(".")[2]
        worker_of = os.environ.get("SEPARATRIX_STARTED_IN")
        self._started_in = Path(worker_of) if worker_of else Path.cwd()
        self._folder = None
        if needs_worker(options):
            # A worker's folder is removed with it, however it ends.
            self._folder = tempfile.TemporaryDirectory(prefix="separatrix-ase-", dir=Path.cwd() if worker_of else None)
        self._checks = path not in CALCULATORS
        self._atoms = ase.Atoms(molecule.symbols)
        self._atoms.info["charge"] = molecule.charge
        self._atoms.info["spin"] = molecule.multiplicity
        # Some read the totals as sums over the atoms, and cut them to whole numbers: all on one atom the sum is exact.
        if molecule.charge:
            self._atoms.set_initial_charges([molecule.charge, *[0] * (len(self._atoms) - 1)])
        if molecule.multiplicity > 1:
            self._atoms.set_initial_magnetic_moments([molecule.multiplicity - 1, *[0] * (len(self._atoms) - 1)])
        self._origin: np.ndarray | None = None
        self.restore()

    @contextlib.contextmanager
    def _in_folder(self) -> Iterator[None]:
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")  # ASE says the same at every call
            if self._folder is not None:
                stack.enter_context(contextlib.chdir(self._folder.name))
            yield

    def restore(self) -> None:
        """A new calculator, converged at the remembered geometry where there is one."""
        self._atoms.calc = None
        if self._folder is not None:
            for entry in Path(self._folder.name).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        with self._in_folder():
            self._atoms.calc = made = self._class(**self._arguments)
        if not hasattr(made, "get_property"):
            raise ConfigError(f"calculator: {self._name} made a {type(made).__name__}, which is no ASE calculator")
        self._find_program()
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None
        self._cold = True

    def _find_program(self) -> None:
        """Let a program that ASE's configuration names by a relative path be found from where this one was started."""
        profile = getattr(self._atoms.calc, "profile", None)
        command = getattr(profile, "command", None)
        if not isinstance(command, str):
            return
        with contextlib.suppress(ValueError, AttributeError):
            parts = shlex.split(command)
            # Joined to a path that is absolute, that stays as it is.
            there = [self._started_in / word for word in parts]
            full = [str(t) if "/" in w and t.is_file() else w for w, t in zip(parts, there, strict=True)]
            if full != parts and profile is not None:
                profile.command = shlex.join(full)

    def remember(self) -> None:
        """Keep the present geometry as the one that each restart begins from."""
        self._origin = self._atoms.get_positions()

    def _run(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        self._atoms.set_positions(positions)
        try:
            with self._in_folder():
                energy, forces = self._atoms.get_potential_energy(), self._atoms.get_forces()
        except SeparatrixError:
            raise
        except Exception as error:  # a calculator may raise what it likes; its own words are the reason
            reason = f"{self._name}: {one_line(error)}{self._last_words()}"
            try:
                self.restore()
            except Exception as second:  # the next geometry would fail on it
                reason += f"; it could not be started again ({one_line(second)})"
            raise PotentialError(reason) from error
        if self._checks:
            self._check_new(positions, energy, forces)
        return energy, forces

    def _last_words(self) -> str:
        """Last line of what a program has written, which says more of a failure than its status does."""
        if self._folder is None or not self._checks:
            return ""
        written = [p for p in Path(self._folder.name).glob("*") if p.suffix in (".out", ".log", ".err") and p.is_file()]
        for path in sorted(written, key=lambda p: p.stat().st_mtime, reverse=True):
            lines = path.read_bytes()[-2000:].decode(errors="replace").splitlines()
            if said := next((line for line in reversed(lines) if line.strip()), ""):
                return f"; {path.name} ends with: {one_line(said, 200)}"
        return ""

    def _check_new(self, positions: np.ndarray, energy: float, forces: np.ndarray) -> None:
        """A program that ends without an answer leaves that of the last geometry in its folder, and ASE reads that."""
        last, self._last = self._last, (positions.copy(), energy, np.array(forces))
        if last is None or np.array_equal(last[0], positions) or not np.any(forces):
            return
        if last[1] == energy and np.array_equal(last[2], forces):
            raise PotentialError(f"{self._name}: the same energy and forces as for the geometry before: no new answer")

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm."""
        if self._cold and self._origin is not None:
            self._run(self._origin)
        self._cold = False
        energy, forces = self._run(positions / ANGSTROM)
        return float(energy) * _EV, -np.asarray(forces, dtype=float) * (_EV / ANGSTROM)


def calculator_class(path: str) -> Any:
    """The class behind a dotted path, or the function that makes a calculator.

    Raises
    ------
    ConfigError
        When the path is neither in the table nor allowed by a person, or names nothing, or no calculator.
    """
    needed = foreign({"calculator": path})
    if needed is not None:
        trust.require(needed)
    module, _, name = path.rpartition(".")
    try:
        calculator = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # a package that is there may lack what it needs, and say so in any way
        raise ConfigError(
            f"calculator: {module} cannot be imported ({one_line(error)}); install the package"
        ) from error
    if isinstance(calculator, type):
        usable = hasattr(calculator, "get_property")
    else:  # a function that makes one: to call what a config names, `1` is not word enough
        usable = callable(calculator) and trust.allowed(path, by_name=True)
    if not usable:
        raise ConfigError(f"calculator: {module} has no ASE calculator {name!r}")
    return calculator


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """An ASE calculator as a Potential.

    Raises
    ------
    ConfigError
        When the calculator cannot be found, does not take the arguments, or does not describe the molecule.
    """
    try:
        engine = AseEngine(molecule, options)
    except SeparatrixError:
        raise
    except Exception as error:  # ASE's own kinds, and whatever a library raises
        name = options["calculator"]
        hint = "" if name in CALCULATORS else "; does ASE's configuration name the program (docs/howto/engine.md)?"
        raise ConfigError(f"arguments: {name}: {one_line(error)}{hint}") from error
    arguments = ", ".join(f"{k}={v}" for k, v in options.get("arguments", {}).items())
    return python_potential(
        molecule, engine, one_line(f"{options['calculator']}({arguments}) through ASE {ase.__version__}")
    )


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of a calculator that is part of this library; for others the key ``export.references`` is there."""
    return ("gao2020",) if "torchani" in str(options["calculator"]) else ()


def unreferenced(options: Mapping[str, Any]) -> str:
    """The calculator, unless its papers are known."""
    return "" if papers(options) else f"the calculator {options['calculator']}"


ENGINE = Engine(
    name="ase",
    build=build,
    options=OPTIONS,
    summary="any ASE calculator: machine-learned potentials, programs such as ORCA",
    papers=papers,
    unreferenced=unreferenced,
    seconds_per_gradient=1.0,
    memory_MB=3000,
    environment="ml",
    describes=describes,
    check=check,
    foreign=foreign,
    settle=settle,
    needs_worker=needs_worker,
)
