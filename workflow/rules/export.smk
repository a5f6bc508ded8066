# Everything behind the report in one folder that can be cited and used again: an RO-Crate.
EXPORT = f"{RESULTS}/export"

# Not all that lies in the folder: an earlier config may have left a table there that this one does not make.
EXPORT_TABLES = [
    file
    for file in dict.fromkeys(
        [
            *COMPARISON,
            *FIGURE_DATA.values(),
            *RATES_RESULTS,
            *SCAN_RESULTS,
            *THEORY_RESULTS,
        ]
    )
    if file.endswith((".csv", "comparison.json", "theory.json"))
]

EXPORT_RESULTS = [f"{EXPORT}/ro-crate-metadata.json", f"{EXPORT}/references.bib"]


rule export:
    input:
        # A function for each method, as in `all`.
        *(judged(method) for method in CONFIG.methods),
        [
            file
            for basin in CONFIG.system.basins
            for file in all_surfaces(f"minimum_{basin.name}.nc")
        ]
        + all_surfaces("saddle.nc"),
        [
            file
            for chain in range(1, CONFIG.sections.sampling.chains + 1)
            for file in all_methods(f"chain_{chain}/paths.nc")
        ],
        [
            file
            for name in ("check", "coordinate", "committor", "rates")
            for file in all_methods(f"{name}.json")
        ],
        CONFIG.sections.export.references,
        tables=EXPORT_TABLES,
        summary=comparison_file("comparison.json"),
    output:
        EXPORT_RESULTS[1],
        metadata=EXPORT_RESULTS[0],
    log:
        comparison_file("logs/export.log"),
    benchmark:
        comparison_file("benchmarks/export.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        stage=Stage("separatrix.workflow.export_stage:export"),
        revision=Revision(1),
        config=config,
    message:
        "research object: everything behind the report"
    script:
        "../../scripts/stage.py"
