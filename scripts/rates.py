"""Rates of a method by all routes."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import rate_routes

    rate_routes.gather(
        snakemake.params.settings,
        snakemake.input.harmonic,
        snakemake.output.rates,
        profile=snakemake.input.get("profile", ""),
        transmission_file=snakemake.input.get("transmission", ""),
        interfaces=snakemake.input.get("interfaces", ""),
    )
