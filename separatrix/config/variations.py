"""Scans: methods that vary one setting of another method."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from separatrix import potentials
from separatrix.config.keys import Keys, file_of
from separatrix.config.listed_names import METHODS, lists_of
from separatrix.config.methods import Method
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.method_keys import DynamicsSection
from separatrix.core.errors import ConfigError
from separatrix.core.section import check


@dataclass(frozen=True)
class Variation:
    """What a method of a scan is a variation of.

    Attributes
    ----------
    scan
        Name of the scan.
    of
        Name of the method that is varied.
    setting, value
        Its key, as in the config, and what that is set to.
    """

    scan: str
    of: str
    setting: str
    value: float | str | bool

    @property
    def name(self) -> str:
        """Of the method that comes of it; its folder."""
        return f"{self.of}-{self.scan}-{re.sub(r'[^A-Za-z0-9.]+', '-', str(self.value))}"

    @property
    def difference(self) -> str:
        """What is different, for readers."""
        key = self.setting.partition(".")[2]
        if key in ("solvent", "solvation", "hamiltonian", "method"):
            return str(self.value)
        if key == "dielectric_constant":
            return f"ε = {self.value}"
        quantity, unit = quantity_of(key)
        return f"{quantity} {self.value}{unit}"

    @property
    def keeps_the_surface(self) -> bool:
        """Whether stationary points and free energies are those of the method that is varied."""
        return self.setting.startswith("dynamics.")


_UNITS = {"_per_ps": "/ps", "_fs": " fs", "_K": " K", "_hartree": " hartree"}


def quantity_of(key: str) -> tuple[str, str]:
    """What a key means, in words, and its unit, with a space before it where one belongs there."""
    for end, unit in _UNITS.items():
        if key.endswith(end):
            return key.removesuffix(end).replace("_", " "), unit
    return key.replace("_", " "), ""


def expand(full: dict[str, Any], files: Sequence[Path], section: type[ConfigSection]) -> dict[str, Variation]:
    """Put a method for each value of each scan behind the methods, in place, and into the lists that name its parent.

    Parameters
    ----------
    full
        The checked config.
    files
        Its files, for errors.
    section
        The keys that it may have.

    Raises
    ------
    ConfigError
        On an unknown method, potential or key, a value that an option does not take, or a name that is taken.
    """
    keys, sections = Keys(file_of("scans", files)), section.model_validate(full)
    methods, made = dict(full["methods"]), {}
    for scan, spec in sections.scans.items():
        part, _, key = spec.setting.partition(".")
        for i, parent in enumerate(spec.methods):
            keys.look(methods, parent, f"scans.{scan}.methods.{i}", "a method")
            if part == "dynamics":
                names: Mapping[str, object] = DynamicsSection.model_fields
            else:
                try:
                    names = options = potentials.options_of(sections.methods[parent].potential)
                except ConfigError as error:
                    raise Keys(file_of("methods", files)).fail(f"methods.{parent}.potential", str(error)) from error
            keys.look(names, key, f"scans.{scan}.setting", f"a key of {part} of {parent}")
            for j, value in enumerate(spec.values):
                if part == "options":
                    try:
                        options[key].check(key, value)
                    except ConfigError as error:
                        raise keys.fail(f"scans.{scan}.values.{j}", str(error)) from error
                variation = Variation(scan, parent, spec.setting, value)
                if variation.name in full["methods"]:
                    raise keys.fail(f"scans.{scan}.values.{j}", f"the name {variation.name!r} is taken; give another")
                changed = copy.deepcopy(dict(methods[parent]))
                changed[part] = {**changed.get(part, {}), key: value}
                label = f"{changed.pop('label', parent)}, {variation.difference}"
                checked = check(
                    {"system": sections.system, "methods": {variation.name: changed}}, ConfigSection, keys.where
                )
                full["methods"][variation.name] = checked["methods"][variation.name] | {"label": label}
                made[variation.name] = variation
    for _, named in lists_of(METHODS, section, full):
        named += [name for name, variation in made.items() if variation.of in named]
    return made


def check_labels(methods: Mapping[str, Method], variations: Mapping[str, Variation], files: Sequence[Path]) -> None:
    """Check that no two methods have one label, for tables and figures would take them for one method.

    Raises
    ------
    ConfigError
        At the first label that is taken.
    """
    seen: dict[str, str] = {}
    for name, method in methods.items():
        other = seen.setdefault(method.label, name)
        if other == name:
            continue
        if name in variations:
            at = f"scans.{variations[name].scan}"
            message = f"the label {method.label!r} of {name} is also that of {other}; leave one of them out"
            raise Keys(file_of("scans", files)).fail(at, message)
        message = f"{method.label!r} is also the label of {other}; give it another"
        raise Keys(file_of("methods", files)).fail(f"methods.{name}.label", message)
