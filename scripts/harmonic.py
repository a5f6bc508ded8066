"""Harmonic rates of a method."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import harmonic_rates

    harmonic_rates.harmonic_rates(
        snakemake.params.settings,
        minima=snakemake.params.minima,
        searches=snakemake.input.searches,
        out=snakemake.output.rates,
    )
