"""Configurations of one set of committor shots."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import committor_stages

    committor_stages.draw_configurations(
        snakemake.params.settings,
        paths=snakemake.input.paths,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        shots=snakemake.input.get("shots", ()),
        restrained=snakemake.input.get("restrained", ""),
        out=snakemake.output.configurations,
    )
