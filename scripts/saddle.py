"""Saddle that sampling starts from."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    stages.saddle(
        snakemake.params.settings,
        searches=snakemake.input.searches,
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
