"""Lowest minimum of a basin."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import stationary_stages

    stationary_stages.minimum(
        snakemake.params.settings,
        basin=snakemake.wildcards.basin,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
