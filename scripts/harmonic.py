"""Harmonic rates of a method."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix.rates import stages

    stages.harmonic_rates(
        snakemake.params.settings,
        minima=snakemake.params.minima,
        searches=snakemake.input.searches,
        out=snakemake.output.rates,
    )
