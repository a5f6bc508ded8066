# Settings that the config varies: rates and mechanisms over their values, beside the comparison of all methods.
SCANS = CONFIG.sections.scans

SCAN_RESULTS = expand(files_of_entries(shown(ScanFigure)), scan=SCANS)


rule scan:
    input:
        lambda wildcards: [
            f"{RESULTS}/{method}/rates.json" for method in methods_of_scan(wildcards)
        ],
        captions_of(shown(ScanFigure)),
        shares=comparison_file("data/mechanisms.csv"),
    output:
        **reported(shown(ScanFigure)),
        **other_forms(shown(ScanFigure)),
        **data_files(shown(ScanFigure)),
    log:
        comparison_file("logs/scan_{scan}.log"),
    benchmark:
        comparison_file("benchmarks/scan_{scan}.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.reporting:draw_scan"),
        revision=Revision(1),
        scan=lambda wildcards: CONFIG.scan(wildcards.scan),
        rates=lambda wildcards: {
            method: f"{RESULTS}/{method}/rates.json"
            for method in methods_of_scan(wildcards)
        },
        temperature=float(CONFIG.sections.temperature_K),
    message:
        "rates and mechanisms over {wildcards.scan}"
    script:
        "../../scripts/stage.py"
