"""One batch of committor shots."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import committor_stages

    committor_stages.committor_shots(
        snakemake.params.settings,
        batch=int(snakemake.wildcards.batch),
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        configurations=snakemake.input.configurations,
        journal=snakemake.params.journal,
        out=snakemake.output.shots,
    )
