"""Where a saddle guess leads."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import stationary_stages

    stationary_stages.pull_to_guess(
        snakemake.params.settings,
        guess=int(snakemake.wildcards.guess),
        minimum_file=snakemake.input.minimum,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
