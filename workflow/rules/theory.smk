# The theory of diffusive rates on the surfaces that the key `theory` names, each by a name of its own: its file's.
THEORY = theory_files.by_name(CONFIG.data["theory"])

THEORY_RESULTS = [
    comparison_file(f"theory/{surface}/{name}")
    for surface in THEORY
    for name in ("theory.json", "theory.html", "surface.svg", "anisotropy.svg")
]


rule theory:
    input:
        lambda wildcards: theory_files.inputs(THEORY[wildcards.surface]),
        model=lambda wildcards: THEORY[wildcards.surface],
    output:
        table_data("theory/{surface}/theory"),
        **other_forms(["surface", "anisotropy"], "theory/{{surface}}/{}"),
        json=comparison_file("theory/{surface}/theory.json"),
        page=report(
            comparison_file("theory/{surface}/theory.html"),
            caption="../report/theory.rst",
            category="Theory",
            labels={"shows": "{surface}: rates and avoidance (table)"},
        ),
        surface=report(
            comparison_file("theory/{surface}/surface.svg"),
            caption="../report/theory_surface.rst",
            category="Theory",
            labels={"shows": "{surface}: separatrices"},
        ),
        anisotropy=report(
            comparison_file("theory/{surface}/anisotropy.svg"),
            caption="../report/theory_anisotropy.rst",
            category="Theory",
            labels={"shows": "{surface}: anisotropy"},
        ),
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
        revision=1,
    message:
        "theory of diffusive rates on {wildcards.surface}"
    script:
        "../../scripts/stage.py"
