"""Rate through interfaces, from all chains."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import interfaces

    interfaces.interface_rate(
        snakemake.params.settings,
        chains=snakemake.input.chains,
        out=snakemake.output.rate,
    )
