# Figures and tables of the report, and the order in which it shows them.


# Where this file lies, which is not the folder of the Snakefile when the rules are used as a module.
RULE_FOLDER = workflow.current_basedir


def caption(name):
    """File of the caption, the same as in Snakemake's own report."""
    file = RULE_FOLDER.join(f"../report/{name}.rst")
    if not file.is_local:
        return str(workflow.source_path(f"../report/{name}.rst"))
    # Not by way of the source cache, whose folder has another name in each run: the page would be made again.
    path = os.path.normpath(file.get_path_or_uri(secret_free=True))
    inside = os.path.commonpath([path, os.getcwd()]) == os.getcwd()
    return os.path.relpath(path) if inside else path


def figure(section, stem, title, words, data=""):
    """A figure of the report; PDF and Vega-Lite specification lie beside the SVG."""
    item = {"section": section, "name": stem, "title": title, "caption": caption(words)}
    return item | {
        "figure": comparison_file(f"{stem}.svg"),
        "data": comparison_file(data or f"{stem}.csv"),
    }


def table(section, stem, title, words):
    """A table of the report."""
    item = {"section": section, "name": stem, "title": title, "caption": caption(words)}
    return item | {"table": comparison_file(f"{stem}.html")}


def report_items():
    """Figures and tables of the report, in their order."""
    items = []
    entries = sorted(
        [*SHOWN_FIGURES.values(), *SHOWN_TABLES.values()], key=lambda entry: entry.place
    )
    for entry in entries:
        name = entry.name
        if name in SHOWN_FIGURES:
            items.append(
                figure(entry.section, name, entry.title, name, f"data/{name}.csv")
            )
        else:
            items.append(table(entry.section, name, entry.title, name))
    items.append(figure("rate", "rates", "Arrhenius plot", "rates_figure"))
    if ALONG:
        title = "Free energy along the coordinate"
        items.append(figure("rate", "free_energy", title, "free_energy"))
        title = "Transmission coefficient"
        items.append(figure("rate", "transmission", title, "transmission"))
    title = "Relaxation of the populations"
    items.append(figure("rate", "relaxation", title, "relaxation"))
    items.append(table("rate", "rates", "Rates by every route", "rates"))
    for scan in SCANS:
        for name, words in (("rates", "Rate"), ("mechanisms", "Mechanisms")):
            items.append(
                figure(
                    *("scans", f"scans/{scan}_{name}", f"{words} over {scan}"),
                    *(f"scan_{name}", f"scans/{scan}.csv"),
                )
            )
    for surface in THEORY:
        title = f"{surface}: rates and avoidance"
        items.append(table("theory", f"theory/{surface}/theory", title, "theory"))
        for name, words in (("surface", "separatrices"), ("anisotropy", "anisotropy")):
            items.append(
                figure(
                    *("theory", f"theory/{surface}/{name}", f"{surface}: {words}"),
                    *(f"theory_{name}", f"theory/{surface}/theory.json"),
                )
            )
    return items


def files_of(items):
    """Files that the items name."""
    found = []
    for item in items:
        found.append(item["caption"])
        if "table" in item:
            found += [item["table"], str(data_file(item["table"]))]
        else:
            stem = item["figure"].removesuffix("svg")
            found += [item["figure"], f"{stem}pdf", f"{stem}json", item["data"]]
    return found
