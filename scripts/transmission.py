"""Transmission coefficient, from shots off the dividing surface."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import transmission_shots

    transmission_shots.transmission_shots(
        snakemake.params.settings,
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        profile=snakemake.input.profile,
        surface=snakemake.input.surface,
        journal=snakemake.params.journal,
        out=snakemake.output.transmission,
    )
