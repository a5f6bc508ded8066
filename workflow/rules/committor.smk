rule restrained:
    input:
        engine_files,
        minimum_file=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle_file=surface_file("saddle.nc"),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
    output:
        out=method_file("committor/restrained.nc"),
    log:
        method_file("logs/restrained.log"),
    benchmark:
        method_file("benchmarks/restrained.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("restrained"),
        runtime=runtime("restrained"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("restrained"),
    params:
        stage=Stage("separatrix.workflow.committor_stages:restrained_ensemble"),
        revision=Revision(1),
        settings=settings("restrained"),
        journal=method_file("committor/journal_restrained"),
    message:
        "{wildcards.method}: equilibrium ensemble near the predicted separatrix (progress: {log})"
    script:
        "../../scripts/stage.py"


rule draw:
    input:
        unpack(sources_of_draw),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
    output:
        out=method_file("committor/{draw}/configurations.nc"),
    log:
        method_file("logs/draw_{draw}.log"),
    benchmark:
        method_file("benchmarks/draw_{draw}.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.committor_stages:draw_configurations"),
        revision=Revision(2),
        settings=settings_of_draw("draw"),
    message:
        "{wildcards.method}: configurations for committor shots ({wildcards.draw})"
    script:
        "../../scripts/stage.py"


rule committor_shots:
    input:
        engine_files,
        minimum_file=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle_file=surface_file("saddle.nc"),
        configurations=method_file("committor/{draw}/configurations.nc"),
    output:
        out=method_file("committor/{draw}/shots_{batch}.nc"),
    log:
        method_file("logs/committor_shots_{draw}_{batch}.log"),
    benchmark:
        method_file("benchmarks/committor_shots_{draw}_{batch}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("committor_shots"),
        runtime=runtime("committor_shots"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("committor_shots"),
    params:
        stage=Stage("separatrix.workflow.committor_stages:committor_shots"),
        revision=Revision(1),
        batch=number("batch"),
        settings=settings_of_draw("committor_shots"),
        journal=method_file("committor/{draw}/journal_{batch}"),
    message:
        "{wildcards.method}: committor shots ({wildcards.draw}), batch {wildcards.batch} (progress: {log})"
    script:
        "../../scripts/stage.py"


rule committor:
    input:
        configurations=[
            method_file(f"committor/{draw}/configurations.nc")
            for draw in CONFIG.draws()
        ],
        shots=[
            method_file(f"committor/{draw}/shots_{batch}.nc")
            for draw in CONFIG.draws()
            for batch in range(CONFIG.sections.committor.batches)
        ],
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
    output:
        out=method_file("committor.json"),
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
        stage=Stage("separatrix.workflow.committor_stages:committor_analysis"),
        revision=Revision(2),
        settings=settings("committor"),
    message:
        "{wildcards.method}: what the committor shots say of the coordinate"
    script:
        "../../scripts/stage.py"
