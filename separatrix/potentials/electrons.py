"""Charge and multiplicity: what a molecule can have, and what an engine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase.data import atomic_numbers

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.potentials.engine import Engine

_NOBLE = (2, 10, 18, 36, 54, 86)


def _valence(number: int) -> tuple[int, int]:
    """Electrons outside the noble-gas core of an element, and the orbitals of its valence shell (none left out)."""
    core = max((n for n in _NOBLE if n < number), default=0)
    if core == 0:
        return number, 1
    if core == 2:
        return number - core, 4
    return number - core, 9 if core < 54 else 16


def check_molecule(molecule: Molecule) -> None:
    """Refuse a charge or multiplicity that no molecule of these atoms can have.

    Electrons, unpaired ones and holes are counted in the valence shells: no level of theory here describes a molecule
    that has lost electrons of a core, or holds more than its valence orbitals do.

    Raises
    ------
    ConfigError
        In one line that begins with the key, ``charge`` or ``multiplicity``.
    """
    numbers = [atomic_numbers[s] for s in molecule.symbols]
    shells = [_valence(n) for n in numbers]
    charge, protons = molecule.charge, sum(numbers)
    electrons, outer, orbitals = protons - charge, sum(n for n, _ in shells) - charge, sum(n for _, n in shells)
    if electrons <= 0:
        raise ConfigError(f"charge: {charge:+d} leaves no electron of {protons}; give the total charge in e")
    if not 0 < outer <= 2 * orbitals:
        raise ConfigError(
            f"charge: {charge:+d} leaves {outer} valence electrons for {orbitals} valence orbitals; give the total "
            "charge in e"
        )
    unpaired = molecule.multiplicity - 1
    if unpaired % 2 != electrons % 2:
        raise ConfigError(
            f"multiplicity: {molecule.multiplicity} is not possible with {electrons} electrons (charge {charge:+d}); "
            f"give {'1, 3, ...' if electrons % 2 == 0 else '2, 4, ...'}, or the right charge"
        )
    most = min(outer, 2 * orbitals - outer)
    if unpaired > most:
        raise ConfigError(
            f"multiplicity: {molecule.multiplicity} needs {unpaired} unpaired electrons, and this molecule has room "
            f"for {most}; give at most {most + 1}"
        )


def check_engine(engine: Engine, molecule: Molecule, options: Mapping[str, Any]) -> None:
    """Refuse a molecule whose charge or multiplicity an engine does not describe.

    Raises
    ------
    ConfigError
        In one line that begins with the key, ``charge`` or ``multiplicity``.
    """
    if not engine.is_molecular:
        return
    check_molecule(molecule)
    able = None if engine.multiplicities is None else engine.multiplicities(options)
    if able is not None and molecule.multiplicity not in able:
        these = " or ".join(str(m) for m in range(1, 10) if m in able)
        level = next((options[key] for key in ("method", "hamiltonian", "calculator") if key in options), None)
        name = f"potential {engine.name!r}" if level is None else f"{level} of potential {engine.name!r}"
        raise ConfigError(f"multiplicity: {name} cannot do {molecule.multiplicity}, only {these}; take another engine")
    if engine.describes is not None:
        engine.describes(molecule, options)
