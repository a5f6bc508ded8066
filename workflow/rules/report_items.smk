# Figures and tables of the report, and the order in which it shows them.


def report_item(entry, wildcard="", name=""):
    """A figure or table of the report, of one scan or surface where it is made for each."""

    def filled(text):
        return text.replace(f"{{{wildcard}}}", name) if wildcard else text

    stem = filled(entry.stem)
    item = {"section": entry.section, "name": stem, "title": filled(entry.title)}
    item |= {"caption": caption_file(entry.name)}
    shown_file = comparison_file(f"{stem}.{file_ending(entry)}")
    if isinstance(entry, Figure):
        # PDF and Vega-Lite specification lie beside the SVG.
        item |= {"figure": shown_file, "data": comparison_file(filled(entry.data))}
    else:
        item |= {"table": shown_file}
    return item


def report_items():
    """Figures and tables of the report, in their order."""
    items = [
        report_item(entry)
        for entry in shown(MethodFigure, MethodTable, RatesFigure, RatesTable)
    ]
    for scan in SCANS:
        items += [report_item(entry, "scan", scan) for entry in shown(ScanFigure)]
    for surface in THEORY:
        items += [
            report_item(entry, "surface", surface)
            for entry in shown(SurfaceFigure, SurfaceTable)
        ]
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
