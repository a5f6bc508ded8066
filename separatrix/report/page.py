"""The report as one HTML file: it needs no network, no server and no other file."""

from __future__ import annotations

import base64
import json
import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import vl_convert
from markupsafe import Markup

from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate import reaction_coordinate
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json, replacing
from separatrix.core.plain import json_safe
from separatrix.report import charts, judged_method, methods_table, movies, origin, story, table_content, templates
from separatrix.report.figure_registry import SECTIONS
from separatrix.report.language import Phrases
from separatrix.report.literature import read_literature

log = logging.getLogger(__name__)

#: What is larger than this (bytes) is not embedded, so that the report stays below 30 MB: a file to save is named, a
#: live figure stays still, a still one is a PNG.
LARGEST = 4_000_000


def _bytes(path: Path | str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error


def data_uri(path: Path | str) -> str:
    """A file as a URI that holds it; empty for a file beyond :data:`LARGEST`."""
    kinds = {".svg": "image/svg+xml", ".pdf": "application/pdf", ".csv": "text/csv", ".json": "application/json"}
    content = _bytes(path)
    if len(content) > LARGEST:
        return ""
    return f"data:{kinds[Path(path).suffix]};base64,{base64.b64encode(content).decode()}"


def still(path: Path | str) -> str:
    """An SVG as a URI for an image, as a PNG where it is beyond :data:`LARGEST`; empty where that is, too."""
    if uri := data_uri(path):
        return uri
    try:
        content = vl_convert.svg_to_png(_bytes(path).decode(), scale=2)
    except (ValueError, RuntimeError) as error:
        # The rest of the report is worth having without it, and the page says where the figure is.
        log.warning("%s: cannot be made a PNG (%s)", path, str(error).partition("\n")[0])
        return ""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}" if len(content) <= LARGEST else ""


class Span(NamedTuple):
    """A piece of a paragraph: `kind` is ``text``, ``code``, ``strong`` or ``em``."""

    kind: str
    text: str


_MARKUP = re.compile(r"``(?P<code>.+?)``|\*\*(?P<strong>.+?)\*\*|(?<![*\w])\*(?P<em>[^*]+?)\*(?!\w)", re.DOTALL)


def caption(text: str) -> list[list[Span]]:
    """A caption of Snakemake's report: paragraphs of text, emphasis and literals of reStructuredText."""
    return [_spans(" ".join(p.split())) for p in re.split(r"\n\s*\n", text) if p.strip()]


def _spans(paragraph: str) -> list[Span]:
    spans, end = [], 0
    for match in _MARKUP.finditer(paragraph):
        spans.append(Span("text", paragraph[end : match.start()]))
        spans.append(Span(str(match.lastgroup), match[str(match.lastgroup)]))
        end = match.end()
    spans.append(Span("text", paragraph[end:]))
    return [span for span in spans if span.text]


def interactive(spec: dict[str, Any], phrase: Phrases) -> dict[str, Any]:
    """A Vega-Lite specification as Vega for the page: values on hovering, the page's language, no idle data."""
    spec = dict(spec)
    if "datasets" in spec:
        rest = json.dumps({key: value for key, value in spec.items() if key != "datasets"})
        spec["datasets"] = {name: _lean(rows, rest) for name, rows in spec["datasets"].items()}
    config = dict(spec.get("config", {}))
    config["mark"] = {**config.get("mark", {}), "tooltip": True}
    spec["config"] = config
    return compiled(_translated(spec, phrase.terms) if phrase.terms else spec)


def compiled(spec: dict[str, Any]) -> dict[str, Any]:
    """A Vega-Lite specification as Vega: what a browser would do for every reader is done once."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return vl_convert.vegalite_to_vega(spec, vl_version=version)


def _lean(rows: list[dict[str, Any]], rest: str) -> list[dict[str, Any]]:
    """Rows without the columns that a specification names nowhere, numbers to six digits; the label always stays."""
    used = {key for row in rows[:1] for key in row if key == "label" or re.search(rf"\b{re.escape(key)}\b", rest)}
    return [
        {key: float(f"{v:.6g}") if isinstance(v, float) else v for key, v in row.items() if key in used} for row in rows
    ]


def _translated(value: Any, terms: Mapping[str, str], key: str = "") -> Any:
    """Titles, and texts in them, by the dictionary; data stay as they are."""
    if key == "datasets":
        return value
    if isinstance(value, dict):
        return {k: _translated(v, terms, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_translated(v, terms, key) for v in value]
    return terms.get(value, value) if key in ("title", "text") and isinstance(value, str) else value


@cache
def _vega() -> Markup:
    """Vega, Vega-Lite and Vega-Embed in one script, as vl-convert has them."""
    # The library's types ask for an argument that may be left out.
    return templates.script(vl_convert.javascript_bundle())  # type: ignore[call-arg]


def figure_items(items: Sequence[Mapping[str, Any]], phrase: Phrases) -> dict[str, list[dict[str, Any]]]:
    """Figures and tables by section, each with all that the template shows.

    A figure without ``spec`` is too large to be live, one with an empty ``still`` too large for an image.

    Parameters
    ----------
    items
        For each: ``section``, ``name``, ``title``, ``caption`` (file), and ``figure`` (SVG; PDF and Vega-Lite beside
        it) with ``data`` (CSV or JSON), or ``table`` (HTML; its content is in :func:`table_content.data_file`).
    """
    by_section: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
    for item in items:
        entry: dict[str, Any] = {
            "id": item["name"].replace("/", "-"),
            "title": phrase.term(item["title"]),
            "caption": caption(_bytes(item["caption"]).decode()) if item.get("caption") else [],
        }
        if "figure" in item:
            figure = Path(item["figure"])
            try:
                spec = json.loads(_bytes(figure.with_suffix(".json")))
            except json.JSONDecodeError as error:
                raise StoreError(
                    f"{figure.with_suffix('.json')}: damaged ({error}); delete it and run again"
                ) from error
            entry["still"], entry["file"] = still(figure), f"{item['name']}{figure.suffix}"
            live = interactive(spec, phrase)
            if (size := len(json.dumps(live))) <= LARGEST:
                entry["spec"] = live
            else:
                log.info("%s: stays still, since %.1f MB are too much for a live figure", item["name"], size / 1e6)
            saved = {"SVG": figure, "PDF": figure.with_suffix(".pdf")}
            if item.get("data"):
                saved[Path(item["data"]).suffix[1:].upper()] = Path(item["data"])
            entry["saved"] = {kind: {"uri": data_uri(p), "name": p.name} for kind, p in saved.items()}
        else:
            entry["table"] = read_json(table_content.data_file(item["table"]))
        by_section[item["section"]].append(entry)
    return by_section


def track_chart(movie: movies.Movie, phrase: Phrases) -> dict[str, Any]:
    """Vega specification of the coordinates along a movie; its signal ``at`` is the frame."""
    rows = [
        {"frame": i, "time": t, "name": name, "value": values[i]}
        for name, values in movie.tracks.items()
        for i, t in enumerate(movie.time)
    ]
    x = {"field": "time", "type": "quantitative", "title": f"{phrase('time')} (fs)"}
    panels = []
    for number, name in enumerate(movie.tracks):
        colour = charts.PALETTE[number % len(charts.PALETTE)]
        y = {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}}
        panels.append(
            {
                "width": 380,
                "height": 70,
                "transform": [{"filter": {"field": "name", "equal": name}}],
                "layer": [
                    {"mark": {"type": "line", "color": colour}, "encoding": {"x": x, "y": y}},
                    {
                        "mark": {"type": "point", "opacity": 0.01, "size": 60, "color": colour, "tooltip": True},
                        "encoding": {"x": x, "y": y},
                    },
                    {
                        "transform": [{"filter": "datum.frame == at"}],
                        "mark": {"type": "point", "filled": True, "size": 90, "color": colour},
                        "encoding": {"x": x, "y": y},
                    },
                    {
                        "transform": [{"filter": "datum.frame == at"}],
                        "mark": {"type": "rule", "color": charts.INK, "strokeDash": [3, 3]},
                        "encoding": {"x": x},
                    },
                ],
            }
        )
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "params": [{"name": "at", "value": 0}],
        "vconcat": panels,
        "config": {"view": {"stroke": "#cccccc"}, "axis": {"titleFontWeight": "normal"}},
    }
    return compiled(spec)


def write(
    settings: Mapping[str, Any],
    shown: Sequence[Mapping[str, Any]],
    methods: Mapping[str, Mapping[str, Any]],
    comparison: Path | str,
    out: Path | str,
    *,
    literature: Path | str = "",
) -> None:
    """Write the report.

    Parameters
    ----------
    settings
        Of the stage ``report``.
    shown
        Figures and tables, see :func:`figure_items`.
    methods
        For each, by name: ``label``, ``rates`` (``rates.json``), ``coordinate`` (``coordinate.json``), ``paths``
        (``paths.nc`` of its chains), and whether it ``varies`` another.
    comparison
        ``comparison.json``.
    literature
        CSV of measured values; empty: none.

    Raises
    ------
    StoreError
        When a file is missing or damaged.
    """
    given = StageSettings("report", settings)
    system, phrase = given.system, Phrases(given.config.report.language)
    compared = read_json(comparison)["methods"]
    rates = {name: read_json(m["rates"]) for name, m in methods.items()}
    labels = {name: m["label"] for name, m in methods.items()}
    judged = {name: judged_method.judge(labels[name], compared[name]["quantities"], rates[name]) for name in methods}
    measured = read_literature(literature) if literature else None
    temperature = float(given.config.temperature_K)
    ends = {"reactant": system.reactant, "product": system.product}
    sections = figure_items(shown, phrase)
    films = []
    if system.molecule.n_atoms > 2:
        for name, method in methods.items():
            reaction = reaction_coordinate.from_results(read_json(method["coordinate"]))
            films += movies.of_method(labels[name], method["paths"], system, reaction)
    sentences = story.sentences(
        # What a scan varies has a section of its own.
        [judged[name] for name, method in methods.items() if not method["varies"]],
        {labels[n]: judged_method.disagreements(content) for n, content in rates.items()},
        measured,
        phrase,
        temperature=temperature,
        several=len(system.mechanism.names) > 1,
        **ends,
    )
    data = {
        "figures": {f["id"]: f["spec"] for part in sections.values() for f in part if "spec" in f},
        "movies": [
            {
                "title": _movie_title(film, {j.label for j in judged.values() if j.stays}, phrase),
                "xyz": film.xyz,
                "time": film.time,
                "chart": track_chart(film, phrase),
            }
            for film in films
        ],
        "phrases": {key: phrase(key) for key in ("play", "pause", "no_webgl")},
    }
    context = {
        "w": phrase,
        "language": phrase.language,
        "title": phrase("title", system=system.title, **ends),
        "subtitle": phrase("subtitle", methods=phrase.listed(list(labels.values())), temperature=f"{temperature:g}"),
        "sentences": sentences,
        "heads": methods_table.heads(phrase, **ends),
        "rows": _cells(methods_table.rows(list(judged.values()), phrase)),
        "experiment": [_parts(c) for c in methods_table.experimental_row(measured, system.reactant, phrase)],
        "sections": {name: part for name, part in sections.items() if part or name == "mechanism"},
        "labels": list(labels.values()),
        "movies": bool(films),
        "movie_caption": phrase("movie_caption", **ends),
        "sources": {labels[name]: compared[name]["source"] for name in methods},
        "origin": origin.sentences(
            phrase,
            [file for method in methods.values() for file in method["paths"]],
            given.data["config"],
            given.data["fingerprint"],
            given.config.seed,
        ),
        "data": json_safe(data),
        "scripts": [
            _vega(),
            *([templates.asset("3Dmol-min.js")] if films else []),
            templates.asset("report.js"),
        ],
    }
    text = templates.render("page.html.j2", **context)
    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("%s: %.1f MB, %d figures, %d movies", out, len(text.encode()) / 1e6, len(data["figures"]), len(films))


def _movie_title(film: movies.Movie, undetermined: Collection[str], phrase: Phrases) -> str:
    """Method and mechanism of a movie, and the mechanism's share where it is determined."""
    title = f"{film.label}: {phrase.term(film.mechanism)}"
    if film.label in undetermined:
        return title
    return f"{title}, {phrase('share_of', share=f'{film.share:.0%}')}"


def _cells(rows: Sequence[Sequence[tuple[str, float | str]]]) -> list[list[dict[str, Any]]]:
    """Cells as shown, in parts, and as sorted by; a missing number comes last, whichever way."""
    return [
        [
            {"parts": _parts(shown), "key": "" if isinstance(key, float) and math.isnan(key) else str(key)}
            for shown, key in row
        ]
        for row in rows
    ]


def _parts(shown: str) -> list[str]:
    """A number and its interval, neither of which a narrow page may break."""
    return re.split(r" (?=\()", shown, maxsplit=1)
