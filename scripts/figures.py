"""Figures and tables of the report."""

from separatrix import reporting
from separatrix.scripting import logged

with logged(snakemake):
    data = dict(snakemake.input.items())
    reporting.draw(data.pop("table"), data, outputs=dict(snakemake.output.items()))
