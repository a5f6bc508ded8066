"""Rates of a method by all routes."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import rate_routes

    rate_routes.gather(snakemake.params.settings, snakemake.output.rates, **dict(snakemake.input.items()))
