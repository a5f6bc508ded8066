"""Rates of all methods beside experiment: table and figures."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix.rates import report

    report.write(
        snakemake.input.rates,
        snakemake.params.labels,
        dict(snakemake.output.items()),
        literature=str(snakemake.input.get("literature", "") or ""),
    )
