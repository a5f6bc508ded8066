"""Free energy along the coordinate, from all umbrella windows."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import free_energy_profile

    free_energy_profile.free_energy_profile(
        snakemake.params.settings,
        minima=snakemake.params.minima,
        saddle=snakemake.input.saddle,
        paths=snakemake.input.paths,
        fit=snakemake.input.fit,
        table=snakemake.input.table,
        windows=snakemake.input.windows,
        journal=snakemake.params.journal,
        out=snakemake.output.profile,
        surface=snakemake.output.surface,
    )
