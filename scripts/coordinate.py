"""Likelihood-maximised reaction coordinate."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.reaction_coordinate(snakemake.params.settings, table=snakemake.input.table, out=snakemake.output.fit)
