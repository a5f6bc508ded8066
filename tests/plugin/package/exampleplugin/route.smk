rule example_rate:
    output:
        out=method_file("rates/example.json"),
    log:
        method_file("logs/example_rate.log"),
    resources:
        mem_mb=memory("example_rate"),
        runtime=runtime("example_rate"),
    params:
        stage=Stage("exampleplugin.stage:ask"),
        revision=Revision(1),
        settings=settings("example_rate"),
    message:
        "{wildcards.method}: people are asked for the rate"
    script:
        STAGE_SCRIPT
