"""The methods side by side: quantities with their uncertainty, and the tables behind the figures."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import reporting

    reporting.compare_methods(
        snakemake.params.settings,
        snakemake.params.folders,
        surfaces=snakemake.params.surfaces,
        chains=snakemake.params.chains,
        table=snakemake.output.table,
        summary=snakemake.output.summary,
        data={name: snakemake.output[name] for name in snakemake.params.figures},
    )
