"""Theory of diffusive rates on one surface."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix.theory import report

    report.for_rule(snakemake.input.model, outputs=dict(snakemake.output.items()))
