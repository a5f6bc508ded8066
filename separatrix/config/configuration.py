"""A checked configuration, and what each stage of the workflow depends on in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from separatrix import potentials
from separatrix.config.methods import Method
from separatrix.config.sections import committor_keys
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.method_keys import MethodSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.stage_names import GEOMETRY
from separatrix.config.system import System
from separatrix.config.variations import Variation, quantity_of
from separatrix.core.files import fingerprint
from separatrix.core.section import depends, names_of

GEOMETRY_DYNAMICS = {"time_step_fs": 1, "shift_fs": 1, "longest_half_fs": 100}
"""What stages are given that run no trajectory, so that they do not depend on how a method runs its own."""

_APART = ("system", "methods", "scans")
"""Keys of a config that a stage is given in a form of its own, or not at all."""


@dataclass(frozen=True)
class Config:
    """A checked configuration: its keys, and what each stage of the workflow needs of them.

    Attributes
    ----------
    data, system_data
        Plain data of the config and of its system file, defaults filled in and methods of scans among the methods: what
        stages get their parameters from. Whoever reads a key takes it from `sections`.
    system
        The molecule with its basins.
    methods
        Levels of theory by name.
    variations
        Of the methods that a scan makes, by name.
    section
        The keys that the config may have.
    notices
        Lines about what is still read and will not be for long, such as former names of keys.
    """

    data: Mapping[str, Any]
    system_data: Mapping[str, Any]
    system: System
    methods: Mapping[str, Method]
    variations: Mapping[str, Variation] = field(default_factory=dict)
    section: type[ConfigSection] = ConfigSection
    notices: tuple[str, ...] = ()

    @cached_property
    def sections(self) -> ConfigSection:
        """The keys of the config, typed; methods of a scan without their labels, which are in `methods`."""
        # A label that is made of the parent's and of the value may be longer than one that is given.
        methods = {
            name: {key: value for key, value in spec.items() if key != "label" or name not in self.variations}
            for name, spec in self.data["methods"].items()
        }
        return self.section.model_validate({**self.data, "methods": methods})

    @property
    def fingerprint(self) -> str:
        """Short hash of all that results depend on: config with its defaults, and system file.

        The folder of the results, the language of the report and what an export adds are left out.
        """
        apart = ("results_directory", "report", "export")
        settings = {key: value for key, value in self.data.items() if key not in apart}
        return fingerprint(settings, self.system_data)

    def surface_of(self, method: str) -> str:
        """Method whose minima, saddles and free energy a method takes: its own, or those of what it varies."""
        variation = self.variations.get(method)
        return variation.of if variation is not None and variation.keeps_the_surface else method

    def scan(self, name: str) -> dict[str, Any]:
        """What the figures of a scan show: its setting, the methods that are varied, and all members with their values.

        A method that is varied is a member itself, with its own value, unless the scan gives that value again.
        """
        spec = self.sections.scans[name]
        members: list[dict[str, Any]] = []
        for parent in spec.methods:
            own = self._own(parent, spec.setting)
            label = self.methods[parent].label
            if own not in spec.values:
                members.append({"method": parent, "of": label, "value": own})
            members += [
                {"method": Variation(name, parent, spec.setting, value).name, "of": label, "value": value}
                for value in spec.values
            ]
        quantity, unit = quantity_of(spec.setting.partition(".")[2])
        return {
            "name": name,
            "setting": spec.setting,
            "quantity": f"{quantity} ({unit.strip()})" if unit else quantity,
            "parents": {parent: self.methods[parent].label for parent in spec.methods},
            "members": members,
        }

    def _own(self, method: str, setting: str) -> Any:
        """Value of a setting in a method; where it gives none, what the engine takes, or `default` if nobody says."""
        spec = self.sections.methods[method]
        part, _, key = setting.partition(".")
        if part == "dynamics":
            value = getattr(spec.dynamics, key)
            return spec.dynamics.time_step_fs if value is None else value  # the frame alone may be absent
        if key in spec.options:
            return spec.options[key]
        default = potentials.options_of(spec.potential)[key].default
        return "default" if default is None else default

    def draws(self) -> dict[str, tuple[int, int]]:
        """Committor-test sets to make: at most how many configurations, and shots from each."""
        return committor_keys.sizes(self.sections.committor)

    def source(self, draw: str) -> str:
        """Where a set of committor shots has its configurations from.

        A path is a path, and calibration and map look beyond the separatrix, where the other sources have nothing; and
        the ensemble held at r = 0 is that of the found coordinate, not of the baseline.
        """
        source = self.sections.committor.source
        fits = draw == "separatrix" or (draw == "baseline" and source == "shooting points")
        return source if fits else "paths"

    def settings(self, stage: str, method: str | None = None, draw: str | None = None) -> dict[str, Any]:
        """Plain data that determines what a stage writes, and nothing else.

        Snakemake runs a job again when its parameters change; giving each stage only what it depends on is what
        keeps a change of one method, or of a later stage, from touching the rest.

        Parameters
        ----------
        stage
            Its name, as keys of the config give it.
        method
            Name of the method; None for ``compare`` and ``report``.
        draw
            Name of the set of committor shots, for ``draw`` and ``committor_shots``.
        """
        everything = {key: value for key, value in self.data.items() if key not in _APART}
        part = depends(self.section, everything, stage)
        base: dict[str, Any] = {
            "system": depends(SystemSection, self.system_data, stage, self.section),
            "temperature_K": part.pop("temperature_K"),
            "seed": part.pop("seed"),
        }
        if method is None:
            base["methods"] = {name: m.label for name, m in self.methods.items()}
            if "committor" in part:
                part["committor"] = committor_keys.of_comparison(part["committor"], self.draws())
            return base | part
        base |= {"name": method, "method": self._method(stage, method)}
        if "committor" in part:
            source = self.source(draw) if draw is not None else None
            part["committor"] = committor_keys.of_stage(part["committor"], stage, draw, source)
        if "rates" in part:
            part["rates"] = self._with_temperature(part["rates"])
        if draw is not None:
            part["draw"] = draw
        return base | part

    def _method(self, stage: str, name: str) -> dict[str, Any]:
        """What a stage depends on of a method."""
        part = depends(MethodSection, self.data["methods"][name], stage, self.section)
        without = GEOMETRY_DYNAMICS if GEOMETRY in names_of(self.section, stage) else {}
        return part | {"dynamics": {**without, **part.get("dynamics", {})}}

    def _with_temperature(self, rates: dict[str, Any]) -> dict[str, Any]:
        """The part of a stage in `rates`, its temperatures completed by that of the dynamics."""
        if "temperatures_K" not in rates:
            return rates
        temperatures = {float(self.sections.temperature_K), *map(float, rates["temperatures_K"])}
        return rates | {"temperatures_K": sorted(temperatures)}

    def start_of(self, chain: int) -> str:
        """Name of the geometry that a chain's first path is shot from; chains are numbered from 1."""
        starts = self.sections.sampling.starts
        return starts[(chain - 1) % len(starts)]

    def guess_number(self, name: str) -> int:
        """Number of a saddle guess in the system file, from 1."""
        return 1 + [g.name for g in self.system.saddle_guesses].index(name)
