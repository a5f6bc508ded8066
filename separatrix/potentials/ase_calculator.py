"""Any ASE calculator, named by its dotted path: the door for machine-learned potentials and ASE-bound programs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import ase
import numpy as np
from ase.units import kJ, mol

from ..errors import ConfigError, PotentialError
from ..molecule import Molecule
from ..units import ANGSTROM
from .base import Option, Potential, python_potential

#: Packages that a config may name a calculator of. A config is data: it must not import what its author likes.
ALLOWED: tuple[str, ...] = (
    "ase.calculators",
    "aimnet",
    "dftd3",
    "dftd4",
    "gpaw",
    "mace",
    "nequip",
    "orb_models",
    "psi4",
    "separatrix.potentials.torchani_calculator",
    "tblite",
    "torchani",
    "xtb",
)

OPTIONS: dict[str, Option] = {
    "calculator": Option(str, "dotted path of an ASE calculator's class, e.g. tblite.ase.TBLite", required=True),
    "arguments": Option(dict, "keyword arguments of the class: numbers, text, lists and mappings"),
}

_EV = mol / kJ  # kJ/mol in one eV


class AseEngine:
    """One calculator; it is made anew to forget, because nothing in ASE's interface says what it keeps."""

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        self._class = calculator_class(options["calculator"])
        self._arguments = dict(options.get("arguments", {}))
        self._atoms = ase.Atoms(molecule.symbols)
        self._atoms.info["charge"] = molecule.charge
        self._atoms.info["spin"] = molecule.multiplicity
        # Calculators read charge and multiplicity from here (tblite) or from `info` (MACE, ORB, AIMNet).
        if molecule.charge:
            self._atoms.set_initial_charges([molecule.charge / len(self._atoms)] * len(self._atoms))
        if molecule.multiplicity > 1:
            share = (molecule.multiplicity - 1) / len(self._atoms)
            self._atoms.set_initial_magnetic_moments([share] * len(self._atoms))
        self._origin: np.ndarray | None = None
        self.restore()

    def restore(self) -> None:
        """A new calculator, converged at the remembered geometry where there is one."""
        self._atoms.calc = self._class(**self._arguments)
        self._cold = True

    def remember(self) -> None:
        """Keep the present geometry as the one that each restart begins from."""
        self._origin = self._atoms.get_positions()

    def _run(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        self._atoms.set_positions(positions)
        try:
            return self._atoms.get_potential_energy(), self._atoms.get_forces()
        except Exception as error:  # a calculator may raise what it likes; its own words are the reason
            self.restore()
            raise PotentialError(f"{self._class.__name__}: {' '.join(str(error).split())}") from error

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm."""
        if self._cold and self._origin is not None:
            self._run(self._origin)
        self._cold = False
        energy, forces = self._run(positions / ANGSTROM)
        return float(energy) * _EV, -np.asarray(forces, dtype=float) * (_EV / ANGSTROM)


def calculator_class(path: str) -> type:
    """The class behind a dotted path.

    Raises
    ------
    ConfigError
        When the path is not in an allowed package, or names nothing, or no calculator.
    """
    module, _, name = path.rpartition(".")
    if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in ALLOWED):
        raise ConfigError(f"calculator: {path!r} is not in a package that may be named here ({', '.join(ALLOWED)})")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise ConfigError(f"calculator: {module} cannot be imported ({error}); install the package") from error
    if not (isinstance(found, type) and hasattr(found, "get_property")):
        raise ConfigError(f"calculator: {module} has no ASE calculator {name!r}")
    return found


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """An ASE calculator as a Potential.

    Raises
    ------
    ConfigError
        When the calculator cannot be found or does not take the arguments.
    """
    try:
        engine = AseEngine(molecule, options)
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"arguments: {options['calculator']}: {' '.join(str(error).split())}") from error
    arguments = ", ".join(f"{k}={v}" for k, v in options.get("arguments", {}).items())
    return python_potential(molecule, engine, f"{options['calculator']}({arguments}) through ASE {ase.__version__}")
