# The theory of diffusive rates on the surfaces that the key `theory` names, each by a name of its own: its file's.
THEORY = theory_files.by_name(CONFIG.sections.theory)

THEORY_RESULTS = expand(
    [
        comparison_file("theory/{surface}/theory.json"),
        *files_of_entries(shown(SurfaceFigure, SurfaceTable)),
    ],
    surface=THEORY,
)


rule theory:
    input:
        lambda wildcards: theory_files.inputs(THEORY[wildcards.surface]),
        captions_of(shown(SurfaceFigure, SurfaceTable)),
        model=lambda wildcards: THEORY[wildcards.surface],
    output:
        table_data(shown(SurfaceTable)),
        **reported(shown(SurfaceFigure, SurfaceTable)),
        **other_forms(shown(SurfaceFigure)),
        **data_files(shown(SurfaceFigure)),
        json=comparison_file("theory/{surface}/theory.json"),
    log:
        comparison_file("theory/logs/{surface}.log"),
    benchmark:
        comparison_file("theory/benchmarks/{surface}.tsv")
    conda:
        "../../envs/separatrix.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        stage=Stage("separatrix.report.theory_page:for_rule"),
        revision=Revision(1),
    message:
        "theory of diffusive rates on {wildcards.surface}"
    script:
        "../../scripts/stage.py"
