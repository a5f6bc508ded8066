rule variables:
    input:
        shots=chain_files("shots.nc"),
        references=CONFIG.system.reference_files,
    output:
        table=method_file("variables.nc"),
    log:
        method_file("logs/variables.log"),
    benchmark:
        method_file("benchmarks/variables.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        settings=settings("variables"),
    message:
        "{wildcards.method}: variables at the shooting points"
    script:
        "../../scripts/variables.py"


rule coordinate:
    input:
        table=method_file("variables.nc"),
        references=CONFIG.system.reference_files,
    output:
        fit=method_file("coordinate.json"),
    log:
        method_file("logs/coordinate.log"),
    benchmark:
        method_file("benchmarks/coordinate.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=settings("coordinate"),
    message:
        "{wildcards.method}: likelihood-maximised reaction coordinate"
    script:
        "../../scripts/coordinate.py"
