"""Figures and tables of the report."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import reporting

    data = dict(snakemake.input.items())
    reporting.draw(data.pop("table"), data, outputs=dict(snakemake.output.items()))
