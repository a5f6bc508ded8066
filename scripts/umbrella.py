"""One batch of umbrella windows."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import umbrella

    umbrella.umbrella_windows(
        snakemake.params.settings,
        batch=int(snakemake.wildcards.batch),
        minima=snakemake.params.minima,
        saddle=snakemake.input.saddle,
        paths=snakemake.input.paths,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        journal=snakemake.params.journal,
        out=snakemake.output.windows,
    )
