from separatrix.report.figure_registry import shown_figures, shown_tables

# Figures and tables, from their entries in separatrix/report: name -> its category in the report, and its title there.
SHOWN_FIGURES = shown_figures(CONFIG.draws())
SHOWN_TABLES = shown_tables()
FIGURES = {name: (entry.category, entry.title) for name, entry in SHOWN_FIGURES.items()}
TABLES = {
    name: (entry.category, f"{entry.title} (table)")
    for name, entry in SHOWN_TABLES.items()
}

# Some tables have data of their own.
FIGURE_DATA = {
    name: comparison_file(f"data/{name}.csv")
    for name in (
        *FIGURES,
        *(name for name, entry in SHOWN_TABLES.items() if entry.rows),
    )
}
COMPARISON = [
    *(comparison_file(f"comparison.{ending}") for ending in ("csv", "json", "html")),
    *(comparison_file(f"{name}.svg") for name in FIGURES),
    *(comparison_file(f"{name}.html") for name in TABLES if name != "comparison"),
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
            for chain in range(1, CONFIG.data["sampling"]["chains"] + 1)
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
        revision=1,
        settings=CONFIG.settings("compare"),
        folders={method: f"{RESULTS}/{method}" for method in CONFIG.methods},
        surfaces={
            method: f"{RESULTS}/{CONFIG.surface_of(method)}"
            for method in CONFIG.methods
        },
        chains=CONFIG.data["sampling"]["chains"],
        data=FIGURE_DATA,
    message:
        "comparison of the methods"
    script:
        "../../scripts/stage.py"


rule figures:
    input:
        *FIGURE_DATA.values(),
        table=comparison_file("comparison.csv"),
    output:
        *(table_data(name) for name in TABLES),
        **reported(FIGURES, "svg"),
        **reported(TABLES, "html"),
        **other_forms(FIGURES),
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
        revision=1,
        data=FIGURE_DATA,
    message:
        "figures and tables of the report"
    script:
        "../../scripts/stage.py"
