rule check:
    input:
        str(CONFIG.system.geometries[CONFIG.system.reactant]),
        engine_files,
    output:
        out=method_file("check.json"),
    log:
        method_file("logs/check.log"),
    benchmark:
        method_file("benchmarks/check.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("check"),
        runtime=runtime("check"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("check"),
    params:
        stage=Stage("separatrix.workflow.stationary_stages:check"),
        revision=Revision(1),
        settings=settings("check"),
    message:
        "{wildcards.method}: forces against numerical derivatives, energy drift, speed"
    script:
        "../../scripts/stage.py"


rule minimum:
    input:
        lambda wildcards: str(CONFIG.system.geometries[wildcards.basin]),
        engine_files,
    output:
        out=method_file("minimum_{basin}.nc"),
        xyz=method_file("minimum_{basin}.xyz"),
    log:
        method_file("logs/minimum_{basin}.log"),
    benchmark:
        method_file("benchmarks/minimum_{basin}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("minimum"),
        runtime=runtime("minimum"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("minimum"),
    params:
        stage=Stage("separatrix.workflow.stationary_stages:minimum"),
        revision=Revision(1),
        basin=lambda wildcards: wildcards.basin,
        settings=settings("minimum"),
    message:
        "{wildcards.method}: lowest minimum of basin {wildcards.basin}"
    script:
        "../../scripts/stage.py"


rule guess:
    input:
        engine_files,
        minimum_file=lambda wildcards: f"{RESULTS}/{wildcards.method}/minimum_{start_of_guess(wildcards)}.nc",
    output:
        out=method_file("guess_{guess}.nc"),
        xyz=method_file("guess_{guess}.xyz"),
    log:
        method_file("logs/guess_{guess}.log"),
    benchmark:
        method_file("benchmarks/guess_{guess}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("guess"),
        runtime=runtime("guess"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("guess"),
    params:
        stage=Stage("separatrix.workflow.stationary_stages:pull_to_guess"),
        revision=Revision(1),
        guess=number("guess"),
        settings=settings("guess"),
    message:
        "{wildcards.method}: where saddle guess {wildcards.guess} leads"
    script:
        "../../scripts/stage.py"


rule saddle_search:
    input:
        engine_files,
        minimum_file=lambda wildcards: f"{RESULTS}/{wildcards.method}/minimum_{start_of_guess(wildcards)}.nc",
    output:
        out=method_file("saddle_{guess}.nc"),
        xyz=method_file("saddle_{guess}.xyz"),
    log:
        method_file("logs/saddle_search_{guess}.log"),
    benchmark:
        method_file("benchmarks/saddle_search_{guess}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("saddle_search"),
        runtime=runtime("saddle_search"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("saddle_search"),
    params:
        stage=Stage("separatrix.workflow.stationary_stages:saddle_search"),
        # A search that may find more raises the first number, and searches that found none are done again; a correction
        # that changes what was found raises both.
        revision=revision_of_search(3, sound_from=1),
        guess=number("guess"),
        settings=settings("saddle_search"),
    message:
        "{wildcards.method}: saddle from guess {wildcards.guess}, verified by one imaginary mode and a descent to both basins"
    script:
        "../../scripts/stage.py"


rule saddle:
    input:
        searches=saddle_files,
    output:
        out=method_file("saddle.nc"),
        xyz=method_file("saddle.xyz"),
    log:
        method_file("logs/saddle.log"),
    benchmark:
        method_file("benchmarks/saddle.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.stationary_stages:saddle"),
        revision=Revision(1),
        settings=settings("saddle"),
    message:
        "{wildcards.method}: the saddle that sampling starts from"
    script:
        "../../scripts/stage.py"
