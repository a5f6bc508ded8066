"""Configurations on the predicted separatrix."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.separatrix(
        snakemake.params.settings,
        paths=snakemake.input.paths,
        fit=snakemake.input.fit,
        out=snakemake.output.configurations,
    )
