"""The report."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.report import page

    page.write(
        snakemake.params.settings,
        snakemake.params.shown,
        snakemake.params.methods,
        snakemake.input.comparison,
        snakemake.output.page,
        literature=str(snakemake.input.get("literature", "") or ""),
    )
