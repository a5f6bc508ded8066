"""Saddle that sampling starts from."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix import stages

    stages.saddle(
        snakemake.params.settings,
        searches=snakemake.input.searches,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
