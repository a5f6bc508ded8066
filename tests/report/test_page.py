"""The report's parts: movies, captions, charts without idle data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
from models import dnab

from separatrix.config.load import load
from separatrix.config.system import System
from separatrix.core.errors import StoreError
from separatrix.core.units import ANGSTROM
from separatrix.core.yaml_file import read_yaml
from separatrix.report import charts, movies, page, table_content, templates
from separatrix.report.language import Phrases
from separatrix.results.path_files import write_paths

MOLECULE, E = dnab("E")
_, Z = dnab("Z")
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def system() -> System:
    return load(read_yaml("config/config.yaml")).system


def turned(x: np.ndarray) -> np.ndarray:
    q = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    return x @ (q * np.linalg.det(q)) + RNG.normal(size=3)


# Movies ---------------------------------------------------------------------------------------------------------------


def test_superposition_takes_turns_and_shifts_away_and_nothing_else():
    frames = np.array([turned(Z + 0.02 * i * (E - Z)) for i in range(6)])
    found = movies.superposed(frames, MOLECULE.masses)
    assert np.abs(found[0] - (frames[0] - np.average(frames[0], axis=0, weights=MOLECULE.masses))).max() < 1e-12
    for before, after in zip(frames, found, strict=True):
        distances = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (before, after)]
        np.testing.assert_allclose(*distances, atol=1e-12)
        # Not mirrored: the handedness of three bonds stays.
        volumes = [np.linalg.det(x[[1, 5, 9]] - x[20]) for x in (before, after)]
        assert volumes[0] == pytest.approx(volumes[1])
    steps = np.sqrt(np.average(((found[1:] - found[:-1]) ** 2).sum(-1), axis=1, weights=MOLECULE.masses))
    assert steps.max() < 0.02


def write_chain(file: Path, chain: int, made: list[tuple[int, int, str, int]]) -> None:
    """Each path: frames, move, mechanism, multiplicity; every other one runs backwards."""
    paths = []
    for number, (frames, *_) in enumerate(made):
        share = np.linspace(0.0, 1.0, frames)[:, None, None]
        x = (1.0 - share) * Z + share * E
        paths.append(np.array([x[::-1] if number % 2 else x, np.zeros_like(x)]))
    write_paths(
        paths,
        MOLECULE.symbols,
        file,
        moves=[m[1] for m in made],
        labels=[1] * len(made),
        multiplicity=[m[3] for m in made],
        mechanisms=[m[2] for m in made],
        chain=chain,
        frame=2.0,
        source="a test",
        start="saddle",
    )


def test_a_movie_of_median_length_for_each_mechanism(tmp_path: Path, system: System):
    one, two = tmp_path / "1.nc", tmp_path / "2.nc"
    # The initial path and one without weight count for nothing.
    write_chain(one, 1, [(99, -1, "rotation", 9), (10, 0, "rotation", 1), (14, 3, "rotation", 1)])
    write_chain(two, 2, [(12, 1, "rotation", 3), (40, 2, "rotation", 0), (301, 7, "inversion at N10", 1)])
    found = movies.of_method("m", [one, two], system, None)
    assert [(f.mechanism, f.chain, f.move) for f in found] == [("rotation", 2, 1), ("inversion at N10", 2, 7)]
    assert [f.share for f in found] == pytest.approx([5 / 6, 1 / 6])
    assert len(found[0].time) == 12 and found[0].time[-1] == 22.0
    # Thinned, ends kept, from the reactant to the product although it ran the other way.
    assert len(found[1].time) == movies.MOST_FRAMES and found[1].time[-1] == 600.0
    for film in found:
        track = film.tracks["CNNC (°)"]
        assert abs(track[0]) < 5.0 and abs(abs(track[-1]) - 180.0) < 5.0
        assert len(track) == len(film.time) == film.xyz.count("frame ")
    lines = found[0].xyz.splitlines()
    first = np.array([[float(v) for v in line.split()[1:]] for line in lines[2 : 2 + MOLECULE.n_atoms]]) * ANGSTROM
    assert [line.split()[0] for line in lines[2 : 2 + MOLECULE.n_atoms]] == list(MOLECULE.symbols)
    lengths = [np.linalg.norm(x[9] - x[10]) for x in (first, Z)]
    assert lengths[0] == pytest.approx(lengths[1], abs=2e-4)


def test_nothing_sampled_no_movie(tmp_path: Path, system: System):
    write_chain(tmp_path / "1.nc", 1, [(10, -1, "rotation", 9)])
    assert movies.of_method("m", [tmp_path / "1.nc"], system, None) == []


# Figures --------------------------------------------------------------------------------------------------------------


def chart() -> alt.Chart:
    rows = pd.DataFrame({"label": ["a", "b"], "time": [1.23456789, 2.0], "value": [1.0, 2.0], "idle": ["x", "y"]})
    encoding = {"x": alt.X("time:Q", title="time (fs)"), "y": "value:Q", "color": "label:N"}
    return alt.Chart(rows).mark_point().encode(**encoding).properties(title="Acceptance")


def item(folder: Path, **changed: Any) -> dict[str, Any]:
    charts.save(chart(), folder / "f.svg")
    (folder / "f.csv").write_text("time,value\n")
    (folder / "f.rst").write_text("One *thing* & ``another``.\n\nMore.\n")
    base = {"section": "cost", "name": "scans/f", "title": "Acceptance", "caption": str(folder / "f.rst")}
    return base | {"figure": str(folder / "f.svg"), "data": str(folder / "f.csv"), **changed}


def test_a_figure_in_all_its_forms(tmp_path: Path):
    found = page.figure_items([item(tmp_path)], Phrases("ja"))["cost"][0]
    assert found["id"] == "scans-f" and found["title"] == "採択率"
    assert found["caption"] == [
        [("text", "One "), ("em", "thing"), ("text", " & "), ("code", "another"), ("text", ".")],
        [("text", "More.")],
    ]
    text = page_of({"cost": [found]})
    assert "<p>One <em>thing</em> &amp; <code>another</code>.</p><p>More.</p>" in text
    assert {kind: file["name"] for kind, file in found["saved"].items()} == {
        "SVG": "f.svg",
        "PDF": "f.pdf",
        "CSV": "f.csv",
    }
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF-")
    spec = found["spec"]
    (rows,) = [one["values"] for one in spec["data"] if "values" in one]
    # Numbers to six digits, no column that nothing shows, and the label, which the page hides methods by.
    assert rows == [{"label": "a", "time": 1.23457, "value": 1.0}, {"label": "b", "time": 2.0, "value": 2.0}]
    assert "tooltip" in spec["marks"][0]["encode"]["update"]
    assert spec["title"]["text"] == "採択率" and "時間 (fs)" in [axis.get("title") for axis in spec["axes"]]


def test_large_files_are_named_and_not_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = item(tmp_path)
    monkeypatch.setattr(page, "LARGEST", 1000)
    saved = page.figure_items([made], Phrases("en"))["cost"][0]["saved"]
    assert saved["PDF"]["uri"] == "" and saved["CSV"]["uri"].startswith("data:text/csv;base64,")


def page_of(sections: dict[str, Any], **changed: Any) -> str:
    """The page with all that the template asks for."""
    told = dict.fromkeys(("mechanism", "barrier", "rate", "sure", "cost"), ())
    empty = dict.fromkeys(("language", "title", "subtitle", "movie_caption", "data"), "")
    lists = {
        "heads": [],
        "rows": [],
        "experiment": [],
        "labels": [],
        "scripts": [],
        "sources": {},
        "movies": False,
        "origin": [],
    }
    given = empty | lists | {"w": Phrases("en"), "sentences": told, "sections": sections, **changed}
    return templates.render("page.html.j2", **given)


def with_much_in_it(file: Path, size: int) -> None:
    file.write_text(file.read_text().replace("</svg>", f"<desc>{'x' * size}</desc></svg>"))


@pytest.mark.parametrize("largest", [200_000, 1000])
def test_a_large_figure_is_never_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int):
    """The live one stays still, the still one is a PNG; where that is too large as well, the page says where it is."""
    rows = pd.DataFrame({"label": "a", "time": np.arange(9000.0), "value": 1.0})
    made = item(tmp_path)
    charts.save(chart().properties(data=rows), tmp_path / "f.svg")
    with_much_in_it(tmp_path / "f.svg", 300_000)
    monkeypatch.setattr(page, "LARGEST", largest)
    (found,) = page.figure_items([made], Phrases("en"))["cost"]
    assert "spec" not in found
    text = page_of({"cost": [found]})
    assert "data-figure" not in text and 'class="live"' not in text
    if largest == 1000:
        assert found["still"] == "" and "<img" not in text
        assert "see scans/f.svg in the folder comparison of the results" in text
    else:
        assert (
            '<img class="still" src="data:image/png;base64,iVBOR' in text
            and "too many values to be interactive" in text
        )


def test_a_live_figure_may_lack_its_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = item(tmp_path)
    with_much_in_it(tmp_path / "f.svg", 30_000)
    monkeypatch.setattr(page.vl_convert, "svg_to_png", lambda *_, **__: bytes(30_000))
    monkeypatch.setattr(page, "LARGEST", 20_000)
    (found,) = page.figure_items([made], Phrases("ja"))["cost"]
    text = page_of({"cost": [found]})
    # Of the same class as an image, so that it is shown on paper and not beside the live figure.
    assert '<p class="still note">' in text and "scans/f.svg" in text
    assert 'data-figure="scans-f"' in text and '<div class="live">' in text


def test_a_still_that_cannot_be_drawn_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "f.svg").write_text("<svg" + " " * 2000)
    monkeypatch.setattr(page, "LARGEST", 1000)
    assert page.still(tmp_path / "f.svg") == ""
    assert re.fullmatch(r".*f\.svg: cannot be made a PNG \(.+\)", caplog.messages[0])


def test_what_users_write_is_escaped():
    """In sentences, tables and labels; only what was made for the page goes in as it is."""
    bad = "<img src=x onerror=alert(1)>"
    sentences = dict.fromkeys(("mechanism", "barrier", "rate", "sure", "cost"), (bad,))
    rows, more = [[{"parts": [bad], "key": bad}]], {"labels": [bad, "b"], "sources": {bad: bad}, "origin": [bad]}
    more |= {"heads": [bad], "experiment": [bad], "title": bad, "subtitle": bad, "movie_caption": bad}
    text = page_of({}, sentences=sentences, rows=rows, **more)
    assert bad not in text and text.count("&lt;img src=x onerror=alert(1)&gt;") > 10


@pytest.mark.parametrize("ending", [".svg", ".pdf", ".json", ".csv", ".rst"])
def test_a_missing_file_is_named(tmp_path: Path, ending: str):
    made = item(tmp_path)
    (tmp_path / f"f{ending}").unlink()
    with pytest.raises(StoreError, match=rf"f\{ending}: cannot be read"):
        page.figure_items([made], Phrases("en"))


def test_a_damaged_chart_is_named(tmp_path: Path):
    made = item(tmp_path)
    (tmp_path / "f.json").write_text('{"half')
    with pytest.raises(StoreError, match=r"f\.json: damaged"):
        page.figure_items([made], Phrases("en"))


def test_a_table_without_its_page(tmp_path: Path):
    content = table_content.one_table("T", ["a"], [table_content.text_row("b", ["1"])], "words < more")
    table_content.save(content, tmp_path / "t.html")
    of_table = {"section": "cost", "name": "t", "title": "T", "table": str(tmp_path / "t.html")}
    text = page_of(page.figure_items([of_table], Phrases("en")))
    assert "<td>1</td>" in text and "<p>words &lt; more</p>" in text
    # The same as on its own page, and one page only.
    body = re.search("<div><table>.*</p>", (tmp_path / "t.html").read_text(), flags=re.DOTALL)
    assert body and body[0] in text and text.count("<body") == text.count("<style") == 1
    (tmp_path / "tables" / "t.json").write_text("<p>")
    with pytest.raises(StoreError, match=r"tables/t\.json: damaged"):
        page.figure_items([of_table], Phrases("en"))


def test_scripts_cannot_end_their_element():
    value = {"a": "</script><script>alert(1)</script>", "b": "1 </ 2", "<!--<script>": ["<!-- <SCRIPT", "分"]}
    text = page_of({}, data=value)
    safe = re.search(r'id="report-data">(.*?)</script>', text, flags=re.DOTALL)[1]
    # After "<!--<script" a browser would take the end of this element for the end of that one.
    assert "<" not in safe and json.loads(safe) == value and "分" in safe
    assert templates.script("x = '</SCRIPT>'") == "x = '<\\/SCRIPT>'"
    # What is no such end stays: JavaScript has regular expressions with these signs.
    assert templates.script("x.replace(/</g,'')") == "x.replace(/</g,'')"
