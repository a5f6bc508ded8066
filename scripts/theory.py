"""Theory of diffusive rates on one surface."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.report import theory_page as report

    report.for_rule(snakemake.input.model, outputs=dict(snakemake.output.items()))
