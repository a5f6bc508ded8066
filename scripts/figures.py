"""Figures and tables of the report."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix import reporting

    data = dict(snakemake.input.items())
    reporting.draw(data.pop("table"), data, outputs=dict(snakemake.output.items()))
