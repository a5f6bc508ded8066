# How a molecule crosses from one basin to another, at every level of theory named in the config file.
#
#   minima -> saddle -> first reactive path -> aimless-shooting chains, in rounds until converged -> variables
#          -> reaction coordinate
#          -> configurations on the predicted separatrix -> committor shots -> committor distribution
#          -> rate constants
#          -> comparison of the methods -> report

from snakemake.utils import min_version

min_version("9.0")


# A file given with --configfile takes the place of this one; merging the two would mix their methods.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/stationary.smk"
include: "workflow/rules/sampling.smk"
include: "workflow/rules/coordinate.smk"
include: "workflow/rules/committor.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/rates.smk"
include: "workflow/rules/interfaces.smk"


# Rules of routes to a rate that installed packages bring.
for route in ROUTES.entries().values():
    if route.rules:

        include: route.rules


include: "workflow/rules/scans.smk"
include: "workflow/rules/report_items.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"


onstart:
    hold_results()


if not workflow.modifier.is_main_snakefile():
    # Snakemake passes over `onstart` of a module, and of what the main file includes.
    hold_results_first()


localrules:
    all,
    assess,
    captions,
    chain,
    variables,
    coordinate,
    draw,
    committor,
    compare,
    export,
    figures,
    harmonic,
    interface_rate,
    rates,
    rates_report,
    report_page,
    saddle,
    scan,


rule all:
    default_target: True
    input:
        COMPARISON,
        RATES_RESULTS,
        SCAN_RESULTS,
        THEORY_RESULTS,
        REPORT,
        EXPORT_RESULTS,
        # A function for each method: of one function for all, Snakemake would make one method wait for another. And here,
        # so that a tightened criterion goes on with a finished run.
        *(judged(method) for method in CONFIG.methods),
        *(kept(method) for method in CONFIG.methods),
    message:
        f"everything the report shows is in {RESULTS}, and ready to be cited in {RESULTS}/export"
