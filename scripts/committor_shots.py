"""One batch of committor shots."""

from separatrix.scripting import logged

with logged(snakemake):
    from separatrix import committor_stages

    committor_stages.committor_shots(
        snakemake.params.settings,
        batch=int(snakemake.wildcards.batch),
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        configurations=snakemake.input.configurations,
        journal=snakemake.params.journal,
        out=snakemake.output.shots,
    )
