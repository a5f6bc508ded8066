"""Harmonic rates of a method."""

from separatrix.rates import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.harmonic_rates(
        snakemake.params.settings,
        minima=snakemake.params.minima,
        searches=snakemake.input.searches,
        out=snakemake.output.rates,
    )
