# The report: one HTML file with everything that is worth showing, story first.
REPORT = f"{RESULTS}/report.html"


rule report_page:
    input:
        files_of(report_items()),
        all_methods("rates.json"),
        all_methods("coordinate.json"),
        [
            path
            for chain in range(1, CONFIG.sections.sampling.chains + 1)
            for path in all_methods(f"chain_{chain}/paths.nc")
        ],
        comparison=comparison_file("comparison.json"),
        literature=CONFIG.system.literature or [],
    output:
        out=REPORT,
    log:
        comparison_file("logs/report.log"),
    benchmark:
        comparison_file("benchmarks/report.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        stage=Stage("separatrix.report.page:write"),
        revision=Revision(1),
        settings=CONFIG.settings("report")
        | {
            # All of them: the later ones may change a few keys only.
            "config": ", ".join(
                os.path.basename(file)
                for file in ([*workflow.configfiles] or ["config.yaml"])
            ),
            "fingerprint": CONFIG.fingerprint,
        },
        shown=report_items(),
        methods={
            name: {
                "label": method.label,
                "varies": name in CONFIG.variations,
                "rates": f"{RESULTS}/{name}/rates.json",
                "coordinate": f"{RESULTS}/{name}/coordinate.json",
                "paths": [
                    f"{RESULTS}/{name}/chain_{chain}/paths.nc"
                    for chain in range(1, CONFIG.sections.sampling.chains + 1)
                ],
            }
            for name, method in CONFIG.methods.items()
        },
    message:
        f"the report, {REPORT}"
    script:
        "../../scripts/stage.py"
