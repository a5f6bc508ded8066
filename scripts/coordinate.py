"""Likelihood-maximised reaction coordinate."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import coordinate_stages

    coordinate_stages.reaction_coordinate(
        snakemake.params.settings, table=snakemake.input.table, out=snakemake.output.fit
    )
