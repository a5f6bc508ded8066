"""What a stage of the workflow is given (:meth:`Config.settings`), as typed sections and checked objects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

from separatrix.config.methods import Method, build_method
from separatrix.config.package_sections import config_section
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import System, build_system
from separatrix.core.section import Section

OfCommittor = TypeVar("OfCommittor", bound=Section)


class StageSettings:
    """Settings of one stage, from the plain data that its rule passes.

    Parameters
    ----------
    stage
        Name of the stage. Keys that do not name it among their stages cannot be read.
    data
        As :meth:`separatrix.config.configuration.Config.settings` gives it for this stage.
    """

    def __init__(self, stage: str, data: Mapping[str, Any]) -> None:
        self.stage, self.data = stage, data

    @cached_property
    def config(self) -> ConfigSection:
        """The keys of the config that the stage depends on; those of `committor` by :meth:`committor`."""
        return config_section().of_stage(self.stage, {k: v for k, v in self.data.items() if k != "committor"})

    @cached_property
    def system(self) -> System:
        """The molecule with its basins."""
        return build_system(self.data["system"], "settings")

    @cached_property
    def system_keys(self) -> SystemSection:
        """The keys of the system file that the stage depends on."""
        return SystemSection.of_stage(self.stage, self.data["system"], config_section())

    @cached_property
    def method(self) -> Method:
        """The level of theory."""
        config = self.config
        return build_method(self.data["name"], self.data["method"], config.temperature_K, config.seed, "settings")

    @property
    def draw(self) -> str:
        """Name of the committor-test set."""
        return str(self.data["draw"])

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all methods, by their names."""
        return dict(self.data["methods"])

    def committor(self, section: type[OfCommittor]) -> OfCommittor:
        """What the stage depends on of the committor test, in the section of the stage (``committor_keys``)."""
        return section.of_stage(self.stage, self.data["committor"], config_section())
