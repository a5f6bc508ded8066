"""What a config may not do by itself: start a program, or run code that it brings.

A config is data, and often somebody else's. Where its options name something that acts, a person has to say so where a
config cannot: in the environment variable `SEPARATRIX_ALLOW_PROGRAMS`, or by a flag of the command line that sets it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from separatrix.core.errors import ConfigError

#: Names, separated by commas, of what configs may start and run; `1` stands for all.
VARIABLE = "SEPARATRIX_ALLOW_PROGRAMS"


@dataclass(frozen=True)
class Foreign:
    """Something that options name and that acts.

    Attributes
    ----------
    key
        The option that names it.
    name
        What a person calls it in the environment variable.
    does
        What it does, as the rest of a sentence that begins with what the option holds.
    instead
        What can be done without any word of trust; empty if nothing.
    """

    key: str
    name: str
    does: str
    instead: str = ""


def allowed(name: str, *, by_name: bool = False) -> bool:
    """Whether a person has allowed something: by its name, or, where that is enough, everything."""
    names = {word.strip() for word in os.environ.get(VARIABLE, "").split(",")}
    return name in names or ("1" in names and not by_name)


def require(foreign: Foreign) -> None:
    """Refuse what nobody has allowed.

    Raises
    ------
    ConfigError
        When it is not in the environment variable.
    """
    if not allowed(foreign.name):
        instead = f"; {foreign.instead}" if foreign.instead else ""
        raise ConfigError(
            f"{foreign.key}: {foreign.does}, which a config may not do by itself: if you trust this one, set "
            f"{VARIABLE}={foreign.name} in the environment, or give `separatrix check` --allow-programs{instead} "
            "(docs/engines.md, Security)"
        )
