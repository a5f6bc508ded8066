# Figures and tables of the methods. Some tables have data of their own.
FIGURE_DATA = {
    entry.name: comparison_file(f"data/{entry.name}.csv")
    for entry in shown(MethodFigure, MethodTable)
    if entry.rows
}
COMPARISON = [
    *(comparison_file(f"comparison.{ending}") for ending in ("csv", "json")),
    *files_of_entries(shown(MethodFigure, MethodTable)),
]


rule compare:
    input:
        # A function for each method, as in `all`.
        *(judged(method) for method in CONFIG.methods),
        [
            f
            for basin in CONFIG.system.basins
            for f in all_surfaces(f"minimum_{basin.name}.nc")
        ],
        all_surfaces("saddle.nc"),
        [
            f
            for chain in range(1, CONFIG.sections.sampling.chains + 1)
            for name in ("shots.nc", "paths.nc", "cost.json", "first_path.nc")
            for f in all_methods(f"chain_{chain}/{name}")
        ],
        all_methods("variables.nc"),
        all_methods("coordinate.json"),
        all_methods("committor.json"),
        all_methods("rates.json"),
    output:
        *FIGURE_DATA.values(),
        table=report(
            comparison_file("comparison.csv"),
            caption="../report/comparison_data.rst",
            category="Comparison",
            labels={"shows": "All quantities (CSV file)"},
        ),
        summary=comparison_file("comparison.json"),
    log:
        comparison_file("logs/compare.log"),
    benchmark:
        comparison_file("benchmarks/compare.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        stage=Stage("separatrix.workflow.reporting:compare_methods"),
        revision=Revision(2),
        settings=CONFIG.settings("compare"),
        folders={method: f"{RESULTS}/{method}" for method in CONFIG.methods},
        surfaces={
            method: f"{RESULTS}/{CONFIG.surface_of(method)}"
            for method in CONFIG.methods
        },
        chains=CONFIG.sections.sampling.chains,
        data=FIGURE_DATA,
    message:
        "comparison of the methods"
    script:
        "../../scripts/stage.py"


rule figures:
    input:
        *FIGURE_DATA.values(),
        captions_of(shown(MethodFigure, MethodTable)),
        table=comparison_file("comparison.csv"),
    output:
        table_data(shown(MethodTable)),
        **reported(shown(MethodFigure, MethodTable)),
        **other_forms(shown(MethodFigure)),
    log:
        comparison_file("logs/figures.log"),
    benchmark:
        comparison_file("benchmarks/figures.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        stage=Stage("separatrix.workflow.reporting:draw"),
        revision=Revision(1),
        data=FIGURE_DATA,
    message:
        "figures and tables of the report"
    script:
        "../../scripts/stage.py"


rule captions:
    output:
        **{entry.name: caption_file(entry.name) for entry in SHOWN},
    log:
        comparison_file("logs/captions.log"),
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=500,
        runtime=5,
    params:
        stage=Stage("separatrix.workflow.reporting:write_captions"),
        revision=Revision(1),
        # A function: in text, Snakemake would fill in what looks like a wildcard.
        captions=lambda wildcards: {entry.name: entry.caption for entry in SHOWN},
    message:
        "captions of figures and tables"
    script:
        "../../scripts/stage.py"
