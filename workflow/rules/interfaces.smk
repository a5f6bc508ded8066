# Rates through interfaces, for the methods that the config names: a pilot places them, chains sample their ensembles.


rule interface_pilot:
    input:
        unpack(windows_of_pilot),
        lambda wildcards: list(minima_files(wildcards).values()),
        engine_files,
        saddle=surface_file("saddle.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
    output:
        out=method_file("rates/interface_pilot.nc"),
    log:
        method_file("logs/interface_pilot.log"),
    benchmark:
        method_file("benchmarks/interface_pilot.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("interface_pilot"),
        runtime=runtime("interface_pilot"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("interface_pilot"),
    params:
        stage=Stage("separatrix.workflow.interfaces:interface_pilot"),
        revision=Revision(1),
        settings=settings("interface_pilot"),
        minima=minima_files,
        journal=method_file("rates/journal_interfaces"),
    message:
        "{wildcards.method}: interfaces are placed (progress: {log})"
    script:
        "../../scripts/stage.py"


rule interface_chain:
    input:
        lambda wildcards: list(minima_files(wildcards).values()),
        engine_files,
        saddle=surface_file("saddle.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
        pilot=method_file("rates/interface_pilot.nc"),
    output:
        out=method_file("rates/interface_chain_{batch}.nc"),
    log:
        method_file("logs/interface_chain_{batch}.log"),
    benchmark:
        method_file("benchmarks/interface_chain_{batch}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("interface_chain"),
        runtime=runtime("interface_chain"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("interface_chain"),
    params:
        stage=Stage("separatrix.workflow.interfaces:interface_chain"),
        revision=Revision(1),
        number=number("batch"),
        settings=settings("interface_chain"),
        minima=minima_files,
        journal=method_file("rates/journal_interfaces"),
    message:
        "{wildcards.method}: paths through interfaces, chain {wildcards.batch} (progress: {log})"
    script:
        "../../scripts/stage.py"


rule interface_rate:
    input:
        chains=[
            method_file(f"rates/interface_chain_{batch}.nc")
            for batch in range(CONFIG.sections.rates.interfaces.chains)
        ],
    output:
        out=method_file("rates/interfaces.json"),
    log:
        method_file("logs/interface_rate.log"),
    benchmark:
        method_file("benchmarks/interface_rate.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.interfaces:interface_rate"),
        revision=Revision(1),
        settings=settings("interface_rate"),
    message:
        "{wildcards.method}: rate through interfaces"
    script:
        "../../scripts/stage.py"
