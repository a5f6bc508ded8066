"""A round of an aimless-shooting chain."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import sampling_stages

    sampling_stages.sample(
        snakemake.params.settings,
        chain=int(snakemake.wildcards.chain),
        number=int(snakemake.wildcards.round),
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        first_file=snakemake.input.first_path,
        previous=tuple(snakemake.input.previous) or None,
        journal=snakemake.params.journal,
        shots_out=snakemake.output.shots,
        paths_out=snakemake.output.paths,
        cost_out=snakemake.output.cost,
    )
