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
from types import ModuleType
from typing import Any

from ..errors import ConfigError
from ..molecule import Molecule
from .base import Option, Potential

REGISTRY: dict[str, str] = {
    "forcefield": "separatrix.potentials.forcefield",
    "mopac": "separatrix.potentials.mopac",
    "sparrow": "separatrix.potentials.sparrow",
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


def check_options(word: str, options: Mapping[str, Any]) -> None:
    """Check a method's engine options without loading the engine.

    Raises
    ------
    ConfigError
        On an option that the potential does not have, a value it does not take, or a missing required one.
    """
    table: Mapping[str, Option] = module_of(word).OPTIONS
    for key, value in options.items():
        if key not in table:
            near = difflib.get_close_matches(key, list(table), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{key}: potential {word!r} has no such option{hint} (it has: {', '.join(table)})")
        table[key].check(key, value)
    for key, option in table.items():
        if option.required and key not in options:
            raise ConfigError(f"{key}: missing; potential {word!r} needs it ({option.meaning})")


def build(word: str, molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Build the potential of a method.

    Parameters
    ----------
    word
        The config's word for the potential.
    molecule
        The molecule; its atom order is the System's.
    options
        The engine's options; see the `OPTIONS` of the file behind `word`.

    Raises
    ------
    ConfigError
        On a wrong option, or when the engine cannot describe this molecule.
    """
    check_options(word, options)
    return module_of(word).build(molecule, options)


__all__ = ["REGISTRY", "Option", "Potential", "build", "check_options", "known", "module_of"]
