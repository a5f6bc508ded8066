"""One batch of committor shots."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.committor_shots(
        snakemake.params.settings,
        batch=int(snakemake.wildcards.batch),
        minimum_file=snakemake.input.minimum,
        saddle_file=snakemake.input.saddle,
        configurations=snakemake.input.configurations,
        journal=snakemake.params.journal,
        out=snakemake.output.shots,
    )
