rule first_path:
    input:
        # No sampling with an engine that is off its own tolerance.
        health=method_file("check.json"),
        minimum=method_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle=method_file("saddle.nc"),
        engine=engine_files,
    output:
        path=method_file("chain_{chain}/first_path.nc"),
    log:
        method_file("logs/first_path_{chain}.log"),
    benchmark:
        method_file("benchmarks/first_path_{chain}.tsv")
    conda:
        engine_env
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=settings("first_path"),
    message:
        "{wildcards.method}: first reactive path of chain {wildcards.chain}, shot from the saddle"
    script:
        "../../scripts/first_path.py"


rule sample:
    input:
        minimum=method_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle=method_file("saddle.nc"),
        first_path=method_file("chain_{chain}/first_path.nc"),
        engine=engine_files,
    output:
        shots=method_file("chain_{chain}/shots.nc"),
        paths=method_file("chain_{chain}/paths.nc"),
    log:
        method_file("logs/sample_{chain}.log"),
    benchmark:
        method_file("benchmarks/sample_{chain}.tsv")
    conda:
        engine_env
    resources:
        mem_mb=1500,
        runtime=240,
    params:
        settings=settings("sample"),
        # Not an output: Snakemake deletes outputs before it repeats a job, and a killed chain goes on from this.
        journal=lambda wildcards: f"{RESULTS}/{wildcards.method}/chain_{wildcards.chain}/journal",
    message:
        "{wildcards.method}: aimless shooting, chain {wildcards.chain} (progress: {log})"
    script:
        "../../scripts/sample.py"
