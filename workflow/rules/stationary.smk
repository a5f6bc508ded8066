rule minimum:
    input:
        geometry=lambda wildcards: str(CONFIG.system.geometries[wildcards.basin]),
        engine=engine_files,
    output:
        point=method_file("minimum_{basin}.nc"),
        xyz=method_file("minimum_{basin}.xyz"),
    params:
        settings=settings("minimum"),
    log:
        method_file("logs/minimum_{basin}.log"),
    benchmark:
        method_file("benchmarks/minimum_{basin}.tsv")
    resources:
        mem_mb=1500,
        runtime=30,
    conda:
        "../../envs/separatrix.yaml"
    message:
        "{wildcards.method}: lowest minimum of basin {wildcards.basin}"
    script:
        "../../scripts/minimum.py"


rule saddle:
    input:
        minima=expand(method_file("minimum_{basin}.nc"), basin=[b.name for b in CONFIG.system.basins], allow_missing=True),
        engine=engine_files,
    output:
        point=method_file("saddle.nc"),
        xyz=method_file("saddle.xyz"),
    params:
        settings=settings("saddle"),
    log:
        method_file("logs/saddle.log"),
    benchmark:
        method_file("benchmarks/saddle.tsv")
    resources:
        mem_mb=1500,
        runtime=60,
    conda:
        "../../envs/separatrix.yaml"
    message:
        "{wildcards.method}: saddle, verified by one imaginary mode and a descent to both basins"
    script:
        "../../scripts/saddle.py"
