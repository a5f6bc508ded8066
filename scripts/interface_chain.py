"""One chain of paths through interfaces."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import interfaces

    interfaces.interface_chain(
        snakemake.params.settings,
        number=int(snakemake.wildcards.batch),
        minima=snakemake.params.minima,
        saddle=snakemake.input.saddle,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        pilot=snakemake.input.pilot,
        journal=snakemake.params.journal,
        out=snakemake.output.chain,
    )
