# Rate constants: from the stationary points of every method, and along the fitted coordinate for those that the config names.
RATES_RESULTS = files_of_entries(shown(RatesFigure, RatesTable))


rule harmonic:
    input:
        lambda wildcards: list(minima_files(wildcards).values()),
        # Where no guess leads to a saddle, that rule says why, and this one does not start.
        surface_file("saddle.nc"),
        searches=saddle_files,
    output:
        out=method_file("rates/harmonic.json"),
    log:
        method_file("logs/harmonic.log"),
    benchmark:
        method_file("benchmarks/harmonic.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.harmonic_rates:harmonic_rates"),
        revision=Revision(1),
        settings=settings("harmonic"),
        minima=minima_files,
    message:
        "{wildcards.method}: harmonic rates"
    script:
        "../../scripts/stage.py"


rule umbrella:
    input:
        lambda wildcards: list(minima_files(wildcards).values()),
        engine_files,
        saddle=surface_file("saddle.nc"),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
    output:
        out=method_file("rates/umbrella_{batch}.nc"),
    log:
        method_file("logs/umbrella_{batch}.log"),
    benchmark:
        method_file("benchmarks/umbrella_{batch}.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("umbrella"),
        runtime=runtime("umbrella"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("umbrella"),
    params:
        stage=Stage("separatrix.workflow.umbrella:umbrella_windows"),
        revision=Revision(1),
        batch=number("batch"),
        settings=settings("umbrella"),
        minima=minima_files,
        journal=method_file("rates/journal_umbrella"),
    message:
        "{wildcards.method}: umbrella windows, batch {wildcards.batch} (progress: {log})"
    script:
        "../../scripts/stage.py"


rule free_energy:
    input:
        lambda wildcards: list(minima_files(wildcards).values()),
        engine_files,
        saddle=surface_file("saddle.nc"),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
        windows=[
            method_file(f"rates/umbrella_{batch}.nc")
            for batch in range(CONFIG.sections.rates.umbrella.batches)
        ],
    output:
        out=method_file("rates/free_energy.json"),
        surface=method_file("rates/surface.nc"),
    log:
        method_file("logs/free_energy.log"),
    benchmark:
        method_file("benchmarks/free_energy.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("free_energy"),
        runtime=runtime("free_energy"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("free_energy"),
    params:
        stage=Stage("separatrix.workflow.free_energy_profile:free_energy_profile"),
        revision=Revision(1),
        settings=settings("free_energy"),
        minima=minima_files,
        journal=method_file("rates/journal_umbrella"),
    message:
        "{wildcards.method}: free energy along the coordinate (progress: {log})"
    script:
        "../../scripts/stage.py"


rule transmission:
    input:
        engine_files,
        minimum_file=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle_file=surface_file("saddle.nc"),
        profile=surface_file("rates/free_energy.json"),
        surface=surface_file("rates/surface.nc"),
    output:
        out=method_file("rates/transmission.json"),
    log:
        method_file("logs/transmission.log"),
    benchmark:
        method_file("benchmarks/transmission.tsv")
    conda:
        engine_env
    threads: THREADS
    resources:
        mem_mb=memory("transmission"),
        runtime=runtime("transmission"),
        gpu=graphics_cards,
        slurm_extra=after_predecessor("transmission"),
    params:
        stage=Stage("separatrix.workflow.transmission_shots:transmission_shots"),
        revision=Revision(1),
        settings=settings("transmission"),
        journal=method_file("rates/journal_transmission"),
    message:
        "{wildcards.method}: transmission coefficient (progress: {log})"
    script:
        "../../scripts/stage.py"


rule rates:
    input:
        unpack(route_files),
    output:
        out=method_file("rates.json"),
    log:
        method_file("logs/rates.log"),
    benchmark:
        method_file("benchmarks/rates.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.rate_routes:gather"),
        revision=Revision(3),
        settings=settings("rates"),
    message:
        "{wildcards.method}: rates by all routes"
    script:
        "../../scripts/stage.py"


rule rates_report:
    input:
        captions_of(shown(RatesFigure, RatesTable)),
        files=all_methods("rates.json"),
        literature=CONFIG.system.literature or [],
    output:
        table_data(shown(RatesTable)),
        **reported(shown(RatesFigure, RatesTable)),
        **other_forms(shown(RatesFigure)),
        **data_files(shown(RatesFigure)),
    log:
        comparison_file("logs/rates_report.log"),
    benchmark:
        comparison_file("benchmarks/rates_report.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        stage=Stage("separatrix.workflow.reporting:draw_rates"),
        revision=Revision(1),
        # A function: of a list, Snakemake would fill in what looks like a wildcard.
        labels=lambda wildcards: [m.label for m in CONFIG.methods.values()],
    message:
        "rates of all methods, beside experiment"
    script:
        "../../scripts/stage.py"
