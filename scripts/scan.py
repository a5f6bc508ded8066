"""Rates and mechanisms over the values of a scan."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.report import scans

    scans.write(
        snakemake.params.scan,
        rates=dict(zip(snakemake.params.methods, snakemake.input.rates, strict=True)),
        shares=snakemake.input.shares,
        temperature=snakemake.params.temperature,
        outputs=dict(snakemake.output.items()),
    )
