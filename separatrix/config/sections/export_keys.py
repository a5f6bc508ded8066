"""Keys of `export`: the research object."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from separatrix.core.section import LABEL, Section, key


class AuthorSection(Section):
    """An author of the data."""

    name: str = key(..., "full name", min_length=1, max_length=200, pattern=LABEL)
    orcid: str | None = key(
        None,
        "ORCID identifier, four groups of four with hyphens",
        pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$(?!\n)",
    )
    affiliation: str | None = key(None, "institution", min_length=1, max_length=200, pattern=LABEL)


class ExportSection(Section):
    """The research object under results/export."""

    licence: str = key(
        "CC-BY-4.0",
        "licence of the data, by its SPDX identifier or the address of its text",
        guide="licence of the data in `results/export`: an SPDX identifier, or the address of its text",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9.+-]*|https?://[^ ]+)$(?!\n)",
    )
    authors: list[AuthorSection] = key(
        [],
        "authors of the data",
        guide="authors of the data: `name`, and if you like `orcid` (`0000-0002-1825-0097`) and `affiliation`",
    )
    references: list[Annotated[str, Field(description="path of a BibTeX file")]] = key(
        [],
        "BibTeX files of what has no reference here, such as the force field",
        guide=(
            "BibTeX files with the papers of what Separatrix knows no reference for: a force field, an ASE calculator"
        ),
    )
