"""The report."""

from separatrix.report import page
from separatrix.scripting import logged

with logged(snakemake):
    page.write(
        snakemake.params.settings,
        snakemake.params.shown,
        snakemake.params.methods,
        snakemake.input.comparison,
        snakemake.output.page,
        literature=str(snakemake.input.get("literature", "") or ""),
    )
