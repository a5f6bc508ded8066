"""Saddle that sampling starts from."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import stationary_stages

    stationary_stages.saddle(
        snakemake.params.settings,
        searches=snakemake.input.searches,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
