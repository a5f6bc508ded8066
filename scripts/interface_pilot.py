"""Interfaces, placed by a pilot."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import interfaces

    interfaces.interface_pilot(
        snakemake.params.settings,
        minima=snakemake.params.minima,
        saddle=snakemake.input.saddle,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        journal=snakemake.params.journal,
        out=snakemake.output.pilot,
        windows=snakemake.input.get("windows", []),
    )
