"""Committor distribution on the predicted separatrix."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.committor_distribution(
        snakemake.params.settings,
        configurations=snakemake.input.configurations,
        shots=snakemake.input.shots,
        fit=snakemake.input.fit,
        out=snakemake.output.distribution,
    )
