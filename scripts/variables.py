"""Variables at the shooting points."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import coordinate_stages

    coordinate_stages.variable_table(snakemake.params.settings, shots=snakemake.input.shots, out=snakemake.output.table)
