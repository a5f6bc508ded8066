"""Everything behind the report as a research object that can be cited and used again."""

from separatrix import crate
from separatrix.scripting import logged

with logged(snakemake):
    crate.export(snakemake.params.config, snakemake.params.results, snakemake.params.folder)
