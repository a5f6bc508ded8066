# Rate constants: from the stationary points of every method, and along the fitted coordinate for those that the config names.
RATES_RESULTS = [
    *(comparison_file(f"rates.{ending}") for ending in ("html", "svg", "csv")),
    comparison_file("relaxation.svg"),
    comparison_file("relaxation.csv"),
]
if ALONG:
    RATES_RESULTS += [
        comparison_file("free_energy.svg"),
        comparison_file("free_energy.csv"),
        comparison_file("transmission.svg"),
        comparison_file("transmission.csv"),
    ]


rule harmonic:
    input:
        minima=lambda wildcards: list(minima_files(wildcards).values()),
        searches=saddle_files,
        # Where no guess leads to a saddle, that rule says why, and this one does not start.
        saddle=surface_file("saddle.nc"),
    output:
        rates=method_file("rates/harmonic.json"),
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
        settings=settings("harmonic"),
        minima=minima_files,
    message:
        "{wildcards.method}: harmonic rates"
    script:
        "../../scripts/harmonic.py"


rule umbrella:
    input:
        minima=lambda wildcards: list(minima_files(wildcards).values()),
        saddle=surface_file("saddle.nc"),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
        engine=engine_files,
    output:
        windows=method_file("rates/umbrella_{batch}.nc"),
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
        settings=settings("umbrella"),
        minima=minima_files,
        journal=method_file("rates/journal_umbrella"),
    message:
        "{wildcards.method}: umbrella windows, batch {wildcards.batch} (progress: {log})"
    script:
        "../../scripts/umbrella.py"


rule free_energy:
    input:
        minima=lambda wildcards: list(minima_files(wildcards).values()),
        saddle=surface_file("saddle.nc"),
        paths=chain_files("paths.nc"),
        fit=method_file("coordinate.json"),
        table=method_file("variables.nc"),
        windows=[
            method_file(f"rates/umbrella_{batch}.nc")
            for batch in range(CONFIG.data["rates"]["umbrella"]["batches"])
        ],
        engine=engine_files,
    output:
        profile=method_file("rates/free_energy.json"),
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
        settings=settings("free_energy"),
        minima=minima_files,
        journal=method_file("rates/journal_umbrella"),
    message:
        "{wildcards.method}: free energy along the coordinate (progress: {log})"
    script:
        "../../scripts/free_energy.py"


rule transmission:
    input:
        minimum=surface_file(f"minimum_{CONFIG.system.product}.nc"),
        saddle=surface_file("saddle.nc"),
        profile=surface_file("rates/free_energy.json"),
        surface=surface_file("rates/surface.nc"),
        engine=engine_files,
    output:
        transmission=method_file("rates/transmission.json"),
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
        settings=settings("transmission"),
        journal=method_file("rates/journal_transmission"),
    message:
        "{wildcards.method}: transmission coefficient (progress: {log})"
    script:
        "../../scripts/transmission.py"


rule rates:
    input:
        unpack(route_files),
    output:
        rates=method_file("rates.json"),
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
        settings=settings("rates"),
    message:
        "{wildcards.method}: rates by all routes"
    script:
        "../../scripts/rates.py"


rule rates_report:
    input:
        rates=all_methods("rates.json"),
        literature=CONFIG.system.literature or [],
    output:
        **(
            {
                "profile": report(
                    comparison_file("free_energy.svg"),
                    caption="../report/free_energy.rst",
                    category="Rates",
                    labels={"shows": "Free energy along the coordinate"},
                ),
                "profile_data": comparison_file("free_energy.csv"),
                "transmission": report(
                    comparison_file("transmission.svg"),
                    caption="../report/transmission.rst",
                    category="Rates",
                    labels={"shows": "Transmission coefficient"},
                ),
                "transmission_data": comparison_file("transmission.csv"),
                **other_forms(["free_energy", "transmission"]),
            }
            if ALONG
            else {}
        ),
        **other_forms(["rates", "relaxation"]),
        table=report(
            comparison_file("rates.html"),
            caption="../report/rates.rst",
            category="Rates",
            labels={"shows": "Rates by every route (table)"},
        ),
        figure=report(
            comparison_file("rates.svg"),
            caption="../report/rates_figure.rst",
            category="Rates",
            labels={"shows": "Arrhenius plot"},
        ),
        data=comparison_file("rates.csv"),
        relaxation=report(
            comparison_file("relaxation.svg"),
            caption="../report/relaxation.rst",
            category="Rates",
            labels={"shows": "Relaxation of the populations"},
        ),
        relaxation_data=comparison_file("relaxation.csv"),
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
        # A function: of a list, Snakemake would fill in what looks like a wildcard.
        labels=lambda wildcards: [m.label for m in CONFIG.methods.values()],
    message:
        "rates of all methods, beside experiment"
    script:
        "../../scripts/rates_report.py"
