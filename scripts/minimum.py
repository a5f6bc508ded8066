"""Lowest minimum of a basin."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix import stages

    stages.minimum(
        snakemake.params.settings,
        basin=snakemake.wildcards.basin,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
