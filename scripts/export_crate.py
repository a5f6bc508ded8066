"""Everything behind the report as a research object that can be cited and used again."""

import sys
from pathlib import Path

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.core.text import one_line
    from separatrix.report import crate

    foreign = crate.export(
        snakemake.params.config,
        Path(snakemake.input.summary).parents[1],
        Path(snakemake.output.metadata).parent,
        tables=snakemake.input.tables,
    )
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        words = "not written by Separatrix, or changed since, and left as it is"
        print(
            f"separatrix: {Path(snakemake.output.metadata).parent}: {one_line(foreign[0])}{more}: {words}",
            file=sys.stderr,
        )
