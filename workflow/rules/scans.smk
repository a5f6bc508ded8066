# Settings that the config varies: rates and mechanisms over their values, beside the comparison of all methods.
SCANS = CONFIG.data["scans"]

SCAN_RESULTS = [
    comparison_file(f"scans/{scan}_{name}")
    for scan in SCANS
    for name in ("rates.svg", "mechanisms.svg")
]


rule scan:
    input:
        lambda wildcards: [
            f"{RESULTS}/{method}/rates.json" for method in methods_of_scan(wildcards)
        ],
        shares=comparison_file("data/mechanisms.csv"),
    output:
        **other_forms(["rates", "mechanisms"], "scans/{{scan}}_{}"),
        rates=report(
            comparison_file("scans/{scan}_rates.svg"),
            caption="../report/scan_rates.rst",
            category="Scans",
            labels={"shows": "Rate over {scan}"},
        ),
        mechanisms=report(
            comparison_file("scans/{scan}_mechanisms.svg"),
            caption="../report/scan_mechanisms.rst",
            category="Scans",
            labels={"shows": "Mechanisms over {scan}"},
        ),
        data=comparison_file("scans/{scan}.csv"),
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
        stage=Stage("separatrix.report.scans:write"),
        revision=1,
        scan=lambda wildcards: CONFIG.scan(wildcards.scan),
        rates=lambda wildcards: {
            method: f"{RESULTS}/{method}/rates.json"
            for method in methods_of_scan(wildcards)
        },
        temperature=float(CONFIG.data["temperature_K"]),
    message:
        "rates and mechanisms over {wildcards.scan}"
    script:
        "../../scripts/stage.py"
