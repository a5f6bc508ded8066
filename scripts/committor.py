"""What the committor shots say: distribution on the separatrix, calibration, ranking of coordinates."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import committor_stages

    committor_stages.committor_analysis(
        snakemake.params.settings,
        configurations=snakemake.input.configurations,
        shots=snakemake.input.shots,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        out=snakemake.output.analysis,
    )
