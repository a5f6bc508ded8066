"""First reactive path of a chain."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import sampling_stages

    sampling_stages.find_first_path(
        snakemake.params.settings,
        chain=int(snakemake.wildcards.chain),
        start=snakemake.params.start,
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        start_file=snakemake.input.start,
        out=snakemake.output.path,
    )
