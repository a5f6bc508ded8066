"""Keys of `report`."""

from __future__ import annotations

from typing import Literal

from separatrix.core.section import Section, key


class ReportSection(Section):
    """The report."""

    language: Literal["en", "ja"] = key(
        "en",
        "language of its words",
        guide="language of the report's words: `en` or `ja`; files of figures and tables are English",
        stages=("report",),
    )
