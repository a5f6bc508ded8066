"""Everything behind the report as a research object that can be cited and used again."""

from pathlib import Path

from separatrix import crate
from separatrix.scripting import logged

with logged(snakemake):
    crate.export(
        snakemake.params.config,
        Path(snakemake.input.summary).parents[1],
        Path(snakemake.output.metadata).parent,
        tables=snakemake.input.tables,
    )
