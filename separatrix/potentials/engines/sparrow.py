"""SCINE Sparrow: DFTB and NDDO methods with their parameters inside the package (`scine-sparrow`)."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.units import BOHR, HARTREE
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential

log = logging.getLogger(__name__)

OPTIONS: dict[str, Option] = {
    "method": Option(
        str,
        "electronic-structure method",
        choices=("DFTB0", "DFTB2", "DFTB3", "PM6", "PM3", "AM1", "RM1", "MNDO"),
        required=True,
    ),
    "scf_energy_tolerance_hartree": Option(float, "self-consistence criterion, hartree", minimum=1e-14, default=1e-7),
    "max_scf_iterations": Option(int, "before the field counts as not converged", minimum=1, default=100),
}

#: Sparrow's name of a setting -> the option
_SETTINGS = {
    "self_consistence_criterion": "scf_energy_tolerance_hartree",
    "max_scf_iterations": "max_scf_iterations",
}


def multiplicities(options: Mapping[str, Any]) -> Container[int] | None:
    """Multiplicities of a method; None for all.

    NDDO methods are unrestricted and do any. Sparrow's DFTB has no spin polarisation: two unpaired electrons do not
    exchange, and a triplet is too high (of CH2 4 kcal/mol above the singlet where experiment has it 9 below).
    """
    return (1, 2) if options["method"].startswith("DFTB") else None


class SparrowEngine:
    """One Sparrow calculator that keeps its density from call to call."""

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        import scine_sparrow  # noqa: F401  (registers the calculators)
        import scine_utilities as scine

        self._scine = scine
        self._elements = [getattr(scine.ElementType, s) for s in molecule.symbols]
        self._calculator = scine.core.get_calculator(options["method"], "Sparrow")
        self._calculator.log = scine.core.Log.silent()
        settings = self._calculator.settings
        settings["molecular_charge"] = molecule.charge
        settings["spin_multiplicity"] = molecule.multiplicity
        if "self_consistence_criterion" in settings.as_dict():
            for name, key in _SETTINGS.items():
                settings[name] = options.get(key, OPTIONS[key].default)
        self._origin: np.ndarray | None = None
        self._last: np.ndarray | None = None
        self._cold = True

    def _calculate(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = positions / BOHR
        if self._cold:
            # Giving the structure anew is what resets Sparrow's density guess.
            self._calculator.structure = self._scine.AtomCollection(self._elements, scaled)
            self._calculator.set_required_properties([self._scine.Property.Energy, self._scine.Property.Gradients])
            self._cold = False
        else:
            self._calculator.positions = scaled
        try:
            answer = self._calculator.calculate("")
        except RuntimeError as error:
            self._cold = True
            raise PotentialError(f"Sparrow: {' '.join(str(error).split())}") from error
        # A field that ran out of iterations is returned like any other; only this flag tells.
        if not answer.successful_calculation:
            self._cold = True
            raise PotentialError("Sparrow: the self-consistent field did not converge")
        return answer.energy, np.array(answer.gradients)

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm."""
        if self._cold and self._origin is not None:
            self._calculate(self._origin)
        energy, gradient = self._calculate(positions)
        self._last = positions.copy()
        return energy * HARTREE, gradient * (HARTREE / BOHR)

    def remember(self) -> None:
        """Keep the last geometry: a field converged there is what each restart begins from."""
        self._origin = self._last

    def restore(self) -> None:
        """Start cold, at the remembered geometry where there is one."""
        self._cold = True


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Sparrow as a Potential.

    Raises
    ------
    ConfigError
        When `scine-sparrow` is not installed.
    """
    try:
        engine = SparrowEngine(molecule, options)
    except ImportError as error:
        raise ConfigError("potential 'sparrow' needs the package scine-sparrow: pip install scine-sparrow") from error
    name = f"{options['method']} (SCINE Sparrow {version('scine-sparrow')})"
    if options["method"] != "DFTB3":
        return python_potential(molecule, engine, name, force_tolerance=0.25, drift_tolerance=2.0)
    caution = "Sparrow's analytic DFTB3 gradient is off by 1 to 6 kcal/mol/angstrom; prefer DFTB2"
    log.warning("%s", caution)
    return python_potential(molecule, engine, name, force_tolerance=1.5, drift_tolerance=5.0, caution=caution)


_PAPERS = {
    "AM1": "dewar1985",
    "MNDO": "dewar1977",
    "PM3": "stewart1989",
    "PM6": "stewart2007",
    "RM1": "rocha2006",
    "DFTB0": "porezag1995",
    "DFTB2": "elstner1998",
    "DFTB3": "gaus2011",
}


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Sparrow, and the method."""
    return ("bosia2023", _PAPERS[options["method"]])


ENGINE = Engine(
    name="sparrow",
    build=build,
    options=OPTIONS,
    summary="DFTB and NDDO methods by SCINE Sparrow",
    code="SCINE Sparrow",
    url="https://scine.ethz.ch/download/sparrow",
    licence="BSD-3-Clause",
    papers=papers,
    seconds_per_gradient=0.1,
    multiplicities=multiplicities,
)
