"""Is the method's engine right, stable, and how fast."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import stationary_stages

    stationary_stages.check(snakemake.params.settings, out=snakemake.output.health)
