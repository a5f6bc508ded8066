"""Variables at the shooting points."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.variable_table(snakemake.params.settings, shots=snakemake.input.shots, out=snakemake.output.table)
