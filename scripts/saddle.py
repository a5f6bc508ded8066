"""Verified saddle between the basins."""

from separatrix import stages
from separatrix.scripting import logged

with logged(snakemake):
    basins = snakemake.params.settings["system"]["basins"]
    stages.saddle(
        snakemake.params.settings,
        minima=dict(zip(basins, snakemake.input.minima, strict=True)),
        out=snakemake.output.point,
        xyz=snakemake.output.xyz,
    )
