"""Theory of diffusive rates on one surface."""

from separatrix.scripting import logged
from separatrix.theory import report

with logged(snakemake):
    report.for_rule(snakemake.input.model, outputs=dict(snakemake.output.items()))
