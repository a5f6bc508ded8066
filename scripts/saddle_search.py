"""Saddle that a guess leads to."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import stationary_stages

    stationary_stages.saddle_search(
        snakemake.params.settings,
        guess=int(snakemake.wildcards.guess),
        minimum_file=snakemake.input.minimum,
        out=snakemake.output.found,
        xyz=snakemake.output.xyz,
    )
