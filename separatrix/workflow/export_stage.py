"""The last stage: everything behind the report as a research object that can be cited and used again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from separatrix.core.text import one_line
from separatrix.report import crate


def export(
    config: Mapping[str, Any],
    summary: Path | str,
    tables: Sequence[Path | str],
    metadata: Path | str,
) -> None:
    """Write the research object, and name on the terminal what lies in its folder and is not ours.

    Parameters
    ----------
    config
        The configuration, as Snakemake has read it.
    summary
        ``comparison.json``, in the folder ``comparison`` of the results.
    tables
        See :func:`separatrix.report.crate.export`.
    metadata
        Output: the RO-Crate metadata, in the folder to write.
    """
    folder = Path(metadata).parent
    foreign = crate.export(config, Path(summary).parents[1], folder, tables=tables)
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        reason = "not written by Separatrix, or changed since, and left as it is"
        print(f"separatrix: {folder}: {one_line(foreign[0])}{more}: {reason}", file=sys.stderr)
