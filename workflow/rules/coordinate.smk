rule variables:
    input:
        *CONFIG.system.reference_files,
        shots=chain_files("shots.nc"),
    output:
        out=method_file("variables.nc"),
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
        stage=Stage("separatrix.workflow.coordinate_stages:variable_table"),
        revision=Revision(1),
        settings=settings("variables"),
    message:
        "{wildcards.method}: variables at the shooting points"
    script:
        "../../scripts/stage.py"


rule coordinate:
    input:
        *CONFIG.system.reference_files,
        table=method_file("variables.nc"),
    output:
        out=method_file("coordinate.json"),
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
        stage=Stage("separatrix.workflow.coordinate_stages:reaction_coordinate"),
        revision=Revision(2),
        settings=settings("coordinate"),
    message:
        "{wildcards.method}: likelihood-maximised reaction coordinate"
    script:
        "../../scripts/stage.py"
