"""Keys that list names of other things in the config: methods, candidate variables.

A key says by its type what it lists. So names are checked, and methods of a scan join the lists that hold the method
which they vary, for every key of that type, also for those of installed packages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from separatrix.core.section import Distinct, Section, section_of


@dataclass(frozen=True)
class NamesOf:
    """What the names in a list are of, with its article, for errors."""

    what: str


METHODS, CANDIDATES = NamesOf("a method"), NamesOf("a candidate variable")

MethodNames = Annotated[list[str], Distinct, METHODS]
"""Names of methods; those that a scan makes of one of them join it."""

CandidateNames = Annotated[list[str], Distinct, CANDIDATES]
"""Names of candidate variables."""

CandidateSets = Annotated[
    list[
        Annotated[
            list[Annotated[str, Field(description="the name of a candidate variable")]],
            Distinct,
            Field(min_length=1, description="set of candidate variables"),
        ]
    ],
    CANDIDATES,
]
"""Sets of candidate variables."""


def lists_of(kind: NamesOf, section: type[Section], data: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """The lists of a kind in checked data, each with its dotted key; of sections with fixed names only."""
    for name, field in section.model_fields.items():
        value = data.get(field.alias or name)
        if value is None:
            continue
        here, inner = f"{at}{field.alias or name}", section_of(field.annotation)
        if kind in field.metadata:
            yield here, value
        elif inner is not None and isinstance(value, Mapping) and set(value) <= {*inner.model_fields}:
            yield from lists_of(kind, inner, value, f"{here}.")


def names_in(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """All names in a list, or in a list of lists, each with its dotted key."""
    for i, item in enumerate(value):
        if isinstance(item, str):
            yield f"{at}.{i}", item
        else:
            yield from names_in(item, f"{at}.{i}")
