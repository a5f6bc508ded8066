"""An engine: every bond a spring, 0.12 nm long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from separatrix.core.molecule import Molecule
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential


class Springs:
    """Harmonic bonds. Nothing is carried from one call to the next."""

    def __init__(self, molecule: Molecule, stiffness: float) -> None:
        self._bonds = np.array(molecule.bonds).reshape(-1, 2)
        self._stiffness = stiffness  # kJ/mol/nm^2
        self._length = 0.12  # nm

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm at positions in nm."""
        arms = positions[self._bonds[:, 0]] - positions[self._bonds[:, 1]]
        lengths = np.linalg.norm(arms, axis=1)
        stretch = lengths - self._length
        pull = (self._stiffness * stretch / lengths)[:, None] * arms
        gradient = np.zeros_like(positions)
        np.add.at(gradient, self._bonds[:, 0], pull)
        np.add.at(gradient, self._bonds[:, 1], -pull)
        return 0.5 * self._stiffness * float((stretch**2).sum()), gradient

    def remember(self) -> None:
        """Nothing to keep."""

    def restore(self) -> None:
        """Nothing to go back to."""


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Springs as a Potential."""
    return python_potential(molecule, Springs(molecule, float(options.get("stiffness", 1e5))), "springs 1.0")


ENGINE = Engine(
    name="springs",
    build=build,
    options={"stiffness": Option((int, float), "of every bond, kJ/mol/nm^2", minimum=0.0, default=1e5)},
    summary="harmonic bonds",
    code="Springs",
    url="https://example.org/springs",
    licence="MIT",
    papers=lambda options: ("hooke1678",),
    bibtex="@book{hooke1678, author = {Robert Hooke}, title = {De Potentia Restitutiva}, publisher = {John Martyn}, "
    "address = {London}, year = {1678}}",
    seconds_per_gradient=0.02,
    memory_MB=450,
)
