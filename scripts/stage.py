"""Every job of the workflow: the stage that its rule names, called with the rule's inputs, outputs and parameters."""

from separatrix.workflow.scripting import logged

with logged(snakemake):
    from separatrix.workflow import run

    run(snakemake)
