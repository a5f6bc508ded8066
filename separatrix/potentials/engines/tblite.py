"""Extended tight binding in-process through `tblite`: GFN1-xTB, GFN2-xTB, IPEA1-xTB."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.units import BOHR, HARTREE
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential

OPTIONS: dict[str, Option] = {
    "method": Option(str, "Hamiltonian", choices=("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB"), required=True),
    "solvent": Option(
        str, "name of the implicit solvent; the gas phase if absent", default="none", shown_default="gas phase"
    ),
    "solvation": Option(str, "model of the implicit solvent", choices=("alpb", "gbsa"), default="alpb"),
    "accuracy": Option(
        (int, float), "of the self-consistent field, relative to tblite's default of 1", minimum=1e-6, default=1.0
    ),
    "electronic_temperature_K": Option(
        (int, float), "of the occupation of orbitals, K", minimum=0.0, shown_default="tblite's"
    ),
    "max_scf_iterations": Option(int, "before the field counts as not converged", minimum=1, default=250),
}


# tblite takes the electronic temperature as an energy in hartree.
_KELVIN = 3.166808578545117e-06


def _solvation(options: Mapping[str, Any]) -> str:
    return options.get("solvation", OPTIONS["solvation"].default)


class TbliteEngine:
    """One tblite calculator whose wavefunction is handed from call to call."""

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        from tblite import interface

        self._interface = interface
        numbers = np.array([atomic_numbers[s] for s in molecule.symbols])
        # The constructor wants positions; any that are apart will do, for each call brings its own.
        apart = np.arange(3.0 * len(numbers)).reshape(-1, 3)
        self._calculator = interface.Calculator(
            options["method"], numbers, apart, charge=float(molecule.charge), uhf=molecule.multiplicity - 1
        )
        self._calculator.set("verbosity", 0)
        self._calculator.set("accuracy", float(options.get("accuracy", OPTIONS["accuracy"].default)))
        most = options.get("max_scf_iterations", OPTIONS["max_scf_iterations"].default)
        self._calculator.set("max-iter", int(most))
        if "electronic_temperature_K" in options:
            self._calculator.set("temperature", options["electronic_temperature_K"] * _KELVIN)
        if molecule.multiplicity > 1:
            # Without it a triplet is as high as if its electrons did not exchange: 18 kcal/mol above the singlet of
            # CH2 where experiment has it 9 below. A closed shell does not change by it.
            self._calculator.add("spin-polarization", 1.0)
        if "solvent" in options:
            self._calculator.add(f"{_solvation(options)}-solvation", options["solvent"])
        self._result: Any = None
        self._remembered: Any = None

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm."""
        try:
            self._calculator.update(positions / BOHR)
            self._result = self._calculator.singlepoint(self._result)
            energy, gradient = self._result.get("energy"), self._result.get("gradient")
        except RuntimeError as error:
            self._result = None
            raise PotentialError(f"tblite: {' '.join(str(error).split())}") from error
        return float(energy) * HARTREE, np.array(gradient) * (HARTREE / BOHR)

    def remember(self) -> None:
        """Keep a copy of the present wavefunction."""
        self._remembered = self._interface.Result(self._result)

    def restore(self) -> None:
        """Take a fresh copy of the remembered wavefunction, or start from nothing."""
        self._result = None if self._remembered is None else self._interface.Result(self._remembered)


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Extended tight binding as a Potential.

    Raises
    ------
    ConfigError
        When `tblite` is not installed or does not know the solvent.
    """
    try:
        engine = TbliteEngine(molecule, options)
    except ImportError as error:
        raise ConfigError("potential 'tblite' needs the package tblite: pip install tblite") from error
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"tblite: {' '.join(str(error).split())}") from error
    solvent = f" in {options['solvent']} ({_solvation(options).upper()})" if "solvent" in options else ""
    return python_potential(molecule, engine, f"{options['method']}{solvent} (tblite {version('tblite')})")


_PAPERS = {"GFN1-xTB": "grimme2017", "GFN2-xTB": "bannwarth2019", "IPEA1-xTB": "asgeirsson2017"}


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The code, the Hamiltonian, and ALPB where there is a solvent."""
    return ("bannwarth2021", _PAPERS[options["method"]], *(("ehlert2021",) if options.get("solvent") else ()))


ENGINE = Engine(
    name="tblite",
    build=build,
    options=OPTIONS,
    summary="extended tight binding by tblite",
    code="tblite",
    url="https://tblite.readthedocs.io",
    licence="LGPL-3.0-or-later",
    papers=papers,
    seconds_per_gradient=0.1,
)
