"""Lowest minimum of a basin."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.minimum(
        snakemake.params.settings,
        basin=snakemake.wildcards.basin,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
