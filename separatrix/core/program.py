"""A code that a run uses, as reports and exports name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A code.

    Attributes
    ----------
    name
        As its authors write it.
    url
        Home page.
    licence
        SPDX expression.
    package
        Of Python; empty where it is none.
    references
        Keys of its papers in ``references.bib``.
    version
        As found; empty until then.
    statement
        What else it says of itself.
    """

    name: str
    url: str
    licence: str
    package: str = ""
    references: tuple[str, ...] = ()
    version: str = ""
    statement: str = ""
