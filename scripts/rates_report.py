"""Rates of all methods beside experiment: table and figures."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.report import rates_page as report

    report.write(
        snakemake.input.rates,
        snakemake.params.labels,
        dict(snakemake.output.items()),
        literature=str(snakemake.input.get("literature", "") or ""),
    )
