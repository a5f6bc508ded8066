"""Rate through interfaces, from all chains."""

from separatrix.rates import interface_stages
from separatrix.scripting import logged

with logged(snakemake):
    interface_stages.interface_rate(
        snakemake.params.settings,
        chains=snakemake.input.chains,
        out=snakemake.output.rate,
    )
