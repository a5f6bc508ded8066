"""The equilibrium ensemble near the predicted separatrix."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import committor_stages

    committor_stages.restrained_ensemble(
        snakemake.params.settings,
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        paths=snakemake.input.paths,
        fit=snakemake.input.fit,
        journal=snakemake.params.journal,
        out=snakemake.output.ensemble,
    )
