"""The rounds of a chain, put together."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import sampling_stages

    sampling_stages.gather_chain(
        shots=snakemake.input.shots,
        paths=snakemake.input.paths,
        costs=snakemake.input.costs,
        shots_out=snakemake.output.shots,
        paths_out=snakemake.output.paths,
        cost_out=snakemake.output.cost,
    )
