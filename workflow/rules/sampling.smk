rule first_path:
    input:
        # No sampling with an engine that is off its own tolerance.
        method_file("check.json"),
        engine_files,
        minimum_file=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle_file=surface_file("saddle.nc"),
        start_file=start_file,
    output:
        out=method_file("chain_{chain}/first_path.nc"),
    log:
        method_file("logs/first_path_{chain}.log"),
    benchmark:
        method_file("benchmarks/first_path_{chain}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("first_path"),
        runtime=runtime("first_path"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("first_path"),
    params:
        stage=Stage("separatrix.workflow.sampling_stages:find_first_path"),
        revision=Revision(1),
        chain=number("chain"),
        settings=settings("first_path"),
        start=lambda wildcards: CONFIG.start_of(int(wildcards.chain)),
    message:
        "{wildcards.method}: first reactive path of chain {wildcards.chain}, shot from: {params.start}"
    script:
        "../../scripts/stage.py"


rule sample:
    input:
        # Another round only once the last has been judged; judging it anew changes nothing in this one.
        lambda wildcards: [
            ancient(f"{RESULTS}/{wildcards.method}/rounds/{number}.json")
            for number in [int(wildcards.round) - 1]
            if number
        ],
        engine_files,
        minimum_file=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle_file=surface_file("saddle.nc"),
        first_file=method_file("chain_{chain}/first_path.nc"),
        previous=lambda wildcards: [
            f"{RESULTS}/{wildcards.method}/chain_{wildcards.chain}/round_{int(wildcards.round) - 1}/{name}.nc"
            for name in ("shots", "paths")
            if int(wildcards.round) > 1
        ],
    output:
        shots_out=method_file("chain_{chain}/round_{round}/shots.nc"),
        paths_out=method_file("chain_{chain}/round_{round}/paths.nc"),
        cost_out=method_file("chain_{chain}/round_{round}/cost.json"),
    log:
        method_file("logs/sample_{chain}_{round}.log"),
    benchmark:
        method_file("benchmarks/sample_{chain}_{round}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("sample"),
        runtime=runtime("sample"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("sample"),
    params:
        stage=Stage("separatrix.workflow.sampling_stages:sample"),
        revision=Revision(1),
        chain=number("chain"),
        number=number("round"),
        settings=settings("sample"),
        # Not an output: Snakemake deletes outputs before it repeats a job, and a killed chain goes on from this.
        journal=lambda wildcards: f"{RESULTS}/{wildcards.method}/chain_{wildcards.chain}/journal",
    message:
        "{wildcards.method}: aimless shooting, chain {wildcards.chain}, round {wildcards.round} (progress: {log})"
    script:
        "../../scripts/stage.py"


checkpoint assess:
    input:
        round_files("shots.nc"),
        round_files("paths.nc"),
        *CONFIG.system.reference_files,
        previous=lambda wildcards: [
            f"{RESULTS}/{wildcards.method}/rounds/{number}.json"
            for number in range(1, int(wildcards.round))
        ],
    output:
        out=method_file("rounds/{round}.json"),
    log:
        method_file("logs/assess_{round}.log"),
    benchmark:
        method_file("benchmarks/assess_{round}.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.assessment:assess"),
        revision=Revision(2),
        number=number("round"),
        settings=settings("assess"),
        shots=by_chain("shots.nc"),
        paths=by_chain("paths.nc"),
    message:
        "{wildcards.method}: has the sampling converged after round {wildcards.round}?"
    script:
        "../../scripts/stage.py"


rule chain:
    input:
        shots=rounds_of_chain("shots.nc"),
        paths=rounds_of_chain("paths.nc"),
        costs=rounds_of_chain("cost.json"),
    output:
        shots_out=method_file("chain_{chain}/shots.nc"),
        paths_out=method_file("chain_{chain}/paths.nc"),
        cost_out=method_file("chain_{chain}/cost.json"),
    log:
        method_file("logs/chain_{chain}.log"),
    benchmark:
        method_file("benchmarks/chain_{chain}.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.sampling_stages:gather_chain"),
        revision=Revision(1),
    message:
        "{wildcards.method}: the rounds of chain {wildcards.chain}, put together"
    script:
        "../../scripts/stage.py"
