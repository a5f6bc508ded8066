"""Sections of the config that installed packages bring.

A package registers one by an entry point of the group ``separatrix.sections``, whose name is the dotted key of the
section: ``rates.myroute``. Its keys then are part of every check, of the parameters of the stages that they name, and
of the tables and schemas that ``make keys`` writes; without the package they are unknown keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from separatrix.config.sections.config_keys import ConfigSection
from separatrix.core.errors import ConfigError
from separatrix.core.registry import Registry
from separatrix.core.section import Section, extended


@dataclass(frozen=True)
class PackageSection:
    """A section of the config that a package brings.

    Attributes
    ----------
    name
        Its dotted key, below sections of Separatrix.
    section
        Its keys; all have defaults, for a config that says nothing of them.
    description
        What it is, in a few words.
    """

    name: str
    section: type[Section]
    description: str


#: Sections of installed packages. Those of Separatrix itself are fields of :class:`ConfigSection`.
SECTIONS: Registry[PackageSection] = Registry(
    "a section of an installed package",
    "separatrix.sections",
    "separatrix.config.sections",
    PackageSection,
    "SECTION",
)


def config_section() -> type[ConfigSection]:
    """The keys that a config may have, those of installed packages among them.

    Raises
    ------
    ConfigError
        When a package is broken, or its section has no place in the config: one line.
    """
    return _with(tuple(SECTIONS[name] for name in SECTIONS.plugins()))


@lru_cache(maxsize=16)
def _with(added: tuple[PackageSection, ...]) -> type[ConfigSection]:
    section = ConfigSection
    for each in added:
        try:
            section = extended(section, each.name.split("."), each.section, each.description)
        except ConfigError as error:
            package = SECTIONS.plugins().get(each.name, each.section.__module__)
            raise ConfigError(f"the package {package} registers the section {each.name!r}, {error}") from error
    return section
