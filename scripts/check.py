"""Is the method's engine right, stable, and how fast."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.check(snakemake.params.settings, out=snakemake.output.health)
