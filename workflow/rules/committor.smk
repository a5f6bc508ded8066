rule separatrix:
    input:
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
    output:
        configurations=method_file("separatrix.nc"),
    log:
        method_file("logs/separatrix.log"),
    benchmark:
        method_file("benchmarks/separatrix.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        settings=settings("separatrix"),
    message:
        "{wildcards.method}: configurations on the predicted separatrix"
    script:
        "../../scripts/configurations.py"


rule committor_shots:
    input:
        minimum=method_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle=method_file("saddle.nc"),
        configurations=method_file("separatrix.nc"),
        engine=engine_files,
    output:
        shots=method_file("committor/shots_{batch}.nc"),
    log:
        method_file("logs/committor_shots_{batch}.log"),
    benchmark:
        method_file("benchmarks/committor_shots_{batch}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("committor_shots"),
        runtime=runtime("committor_shots"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("committor_shots"),
    params:
        settings=settings("committor_shots"),
        journal=lambda wildcards: f"{RESULTS}/{wildcards.method}/committor/journal_{wildcards.batch}",
    message:
        "{wildcards.method}: committor shots, batch {wildcards.batch} (progress: {log})"
    script:
        "../../scripts/committor_shots.py"


rule committor:
    input:
        configurations=method_file("separatrix.nc"),
        shots=lambda wildcards: [
            f"{RESULTS}/{wildcards.method}/committor/shots_{batch}.nc"
            for batch in range(CONFIG.data["committor"]["batches"])
        ],
        fit=method_file("coordinate.json"),
    output:
        distribution=method_file("committor.json"),
    log:
        method_file("logs/committor.log"),
    benchmark:
        method_file("benchmarks/committor.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        settings=settings("committor"),
    message:
        "{wildcards.method}: committor distribution on the predicted separatrix"
    script:
        "../../scripts/committor.py"
