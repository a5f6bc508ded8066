"""Is the method's engine right, stable, and how fast."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix import stages

    stages.check(snakemake.params.settings, out=snakemake.output.health)
