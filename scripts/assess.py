"""Whether the sampling of a method has converged."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import sampling_stages

    sampling_stages.assess(
        snakemake.params.settings,
        number=int(snakemake.wildcards.round),
        shots=snakemake.params.shots,
        paths=snakemake.params.paths,
        previous=snakemake.input.previous,
        out=snakemake.output.verdict,
    )
