"""The report of a real run in a real browser, without a network: every figure, the movie, the table, a phone, paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import snakemake, write_yaml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

Finished = tuple[Path, Path]


class Page:
    """The report in a window, with what it said and what it asked the network for."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        settings = {"viewport": {"width": 1200, "height": 900}, "offline": True, "accept_downloads": True, **options}
        self.context = browser.new_context(**settings)
        self.tab = self.context.new_page()
        self.tab.on("console", lambda m: m.type in ("error", "warning") and self.said.append(m.text))
        self.tab.on("pageerror", lambda e: self.said.append(str(e)))
        self.tab.on("request", lambda r: r.url.startswith(("http", "ws")) and self.asked.append(r.url))
        self.tab.goto(file.as_uri())

    def ask(self, expression: str, argument: Any = None) -> Any:
        return self.tab.evaluate(expression, argument)


@pytest.fixture(scope="module")
def opened(finished: Finished, browser: Any) -> Iterator[Page]:
    page = Page(browser, finished[1] / "report.html")
    page.ask("() => separatrix.ready")
    page.ask("() => separatrix.drawAll()")
    yield page
    page.context.close()


def test_one_file_without_network_and_without_a_complaint(finished: Finished, opened: Page) -> None:
    assert opened.asked == [] and opened.ask("() => separatrix.failures") == []
    # A browser without a graphics card says so itself.
    assert [s for s in opened.said if "GPU stall" not in s and "GL Driver" not in s] == []
    assert (finished[1] / "report.html").stat().st_size < 30e6
    text = (finished[1] / "report.html").read_text()
    assert str(finished[1]) not in text and not re.search(r"""(?:src|href)=["']https?:""", text)


def test_every_figure_is_drawn(finished: Finished, opened: Page) -> None:
    shown = opened.ask("() => [...document.querySelectorAll('figure.chart')].map((f) => f.dataset.figure)")
    stems = {f.stem for f in (finished[1] / "comparison").glob("*.svg")}
    assert set(shown) == stems and len(stems) >= 16
    for name in shown:
        figure = opened.tab.locator(f"#figure-{name}")
        assert "drawn" in figure.get_attribute("class"), name
        # Marks, and not an empty frame: as many as the still figure has, or about.
        marks = opened.ask(
            "(f) => document.querySelectorAll(`#figure-${f} .live svg [role='graphics-symbol']`).length", name
        )
        assert marks > 0, name
        box = figure.locator(".live svg").bounding_box()
        assert box["width"] > 200 and box["height"] > 60, name


def test_values_appear_on_hovering(opened: Page) -> None:
    figure = opened.tab.locator("#figure-energy_profile")
    figure.scroll_into_view_if_needed()
    mark = figure.locator(
        ".live svg path[aria-roledescription='point'], .live svg path[aria-roledescription='tick']"
    ).first.bounding_box()
    opened.tab.mouse.move(mark["x"] + 0.5 * mark["width"], mark["y"] + 0.5 * mark["height"])
    tip = opened.tab.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5000)
    assert re.search(r"\d", tip.inner_text())


def test_methods_are_hidden_and_shown_again(opened: Page) -> None:
    count = "() => document.querySelectorAll(\"#figure-coefficients .live svg [aria-roledescription='bar']\").length"
    before = opened.ask(count)
    box = opened.tab.locator("input.method[value='PM6']")
    box.uncheck()
    opened.tab.wait_for_function(f"({count})() < {before}")
    assert opened.ask("() => [...document.querySelectorAll('#methods tbody tr')].filter((r) => !r.hidden).length") == 1
    box.check()
    opened.tab.wait_for_function(f"({count})() === {before}")
    assert opened.ask("() => [...document.querySelectorAll('#methods tbody tr')].filter((r) => !r.hidden).length") == 2


def test_the_table_sorts_both_ways(opened: Page) -> None:
    column = opened.ask(
        "() => [...document.querySelectorAll('#methods thead th')].findIndex((h) => /saddle/.test(h.innerText))"
    )
    head = opened.tab.locator("#methods thead th").nth(column).locator("button")
    keys = (
        f"() => [...document.querySelectorAll('#methods tbody tr')].map((r) => Number(r.cells[{column}].dataset.key))"
    )
    for way in (1, -1):
        head.click()
        found = opened.ask(keys)
        assert found == sorted(found, reverse=way < 0) and len(set(found)) == 2


def test_story_and_table_say_what_the_files_say(finished: Finished, opened: Page) -> None:
    text = opened.tab.locator("#in-short").inner_text()
    heights = []
    for method in ("gaff2", "pm6"):
        ends = [xr.open_dataset(finished[1] / method / f"{name}.nc") for name in ("saddle", "minimum_Z")]
        heights.append(float(ends[0].energy - ends[1].energy) / 4.184)
    assert f"The saddle is {heights[0]:.1f} (GAFF2) and {heights[1]:.1f} (PM6) kcal/mol above Z." in text
    assert "102 ± 3" in text and "rotation" in text and "inversion at N10" in text


def test_the_movie_plays_in_step_with_the_curves(opened: Page) -> None:
    tab = opened.tab
    assert opened.ask("() => !!separatrix.movie.viewer"), "no WebGL"
    choices = tab.locator("#movie-choice option").all_inner_texts()
    assert any(c.startswith("GAFF2: rotation") for c in choices) and any(c.startswith("PM6") for c in choices)
    tab.locator("#movie").scroll_into_view_if_needed()
    at = "() => [separatrix.movie.frame, separatrix.movie.viewer.getFrame(), separatrix.movie.chart.view.signal('at')]"
    last = opened.ask("() => separatrix.movie.frames - 1")
    tab.locator("#movie-frame").fill(str(last))
    tab.wait_for_function(f"({at})().every((v) => v === {last})")
    still = tab.locator("#movie-view canvas").screenshot()
    tab.locator("#movie-play").click()
    tab.wait_for_function(f"separatrix.movie.frame !== {last}")
    tab.locator("#movie-play").click()
    assert opened.ask("() => separatrix.movie.playing") is False
    tab.locator("#movie-frame").fill("0")
    tab.wait_for_function(f"({at})().every((v) => v === 0)")
    # Something is there to see, and it has moved.
    first = tab.locator("#movie-view canvas").screenshot()
    assert len(_colours(first)) > 20 and first != still
    # Another path: another number of frames, from the first on.
    tab.locator("#movie-choice").select_option(index=len(choices) - 1)
    tab.wait_for_function("(title) => separatrix.movie.current.title === title", arg=choices[-1])
    tab.wait_for_function("separatrix.movie.frame === 0")
    assert tab.locator("#movie-time").inner_text() == "0.0 fs"


def _colours(png: bytes) -> set[tuple[int, ...]]:
    import io

    from PIL import Image

    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return {tuple(c) for c in image.reshape(-1, 3)[::7]}


def test_files_can_be_saved(finished: Finished, opened: Page) -> None:
    for kind, suffix in (("SVG", "svg"), ("PDF", "pdf"), ("CSV", "csv")):
        with opened.tab.expect_download() as download:
            opened.tab.locator("#figure-acceptance .save a", has_text=kind).click()
        saved = Path(download.value.path()).read_bytes()
        folder = "comparison/data" if suffix == "csv" else "comparison"
        assert download.value.suggested_filename == f"acceptance.{suffix}"
        assert saved == (finished[1] / folder / f"acceptance.{suffix}").read_bytes()


def test_links_within_the_page_lead_somewhere(opened: Page) -> None:
    links = "[...document.querySelectorAll('a[href^=\"#\"]')]"
    broken = f"() => {links}.map((a) => a.hash).filter((h) => !document.querySelector(h))"
    assert opened.ask(broken) == []


def test_on_a_phone_nothing_hangs_over_the_edge(finished: Finished, browser: Any) -> None:
    page = Page(
        browser, finished[1] / "report.html", viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True
    )
    page.ask("() => separatrix.ready")
    page.ask("() => separatrix.drawAll()")
    assert page.ask("() => document.documentElement.scrollWidth") <= 390
    size = page.ask("() => parseFloat(getComputedStyle(document.querySelector('.story li')).fontSize)")
    assert size >= 14
    page.context.close()


def test_on_paper_still_figures_stand_in_for_live_ones(opened: Page) -> None:
    opened.tab.emulate_media(media="print")
    heights = "[f.querySelector('.still').offsetHeight > 20, f.querySelector('.live').offsetHeight]"
    look = f"() => [...document.querySelectorAll('figure.chart')].map((f) => {heights})"
    assert all(still and live == 0 for still, live in opened.ask(look))
    assert opened.ask("() => document.querySelector('.toggles').offsetHeight") == 0
    pdf = opened.tab.pdf(format="A4")
    opened.tab.emulate_media(media="screen")
    assert pdf.startswith(b"%PDF-") and len(pdf) > 100_000


def test_without_scripts_everything_can_be_read(finished: Finished, browser: Any) -> None:
    page = Page(browser, finished[1] / "report.html", java_script_enabled=False)
    for figure in page.tab.locator("figure.chart").all():
        assert figure.locator("img.still").bounding_box()["height"] > 20
    assert "JavaScript" in page.tab.locator("noscript").first.inner_text()
    page.context.close()


def test_in_japanese(finished: Finished, browser: Any, tmp_path: Path) -> None:
    """The report alone is made again, and its words are Japanese."""
    config, results = finished
    copied = shutil.copytree(results, tmp_path / "results")
    data = yaml.safe_load(config.read_text()) | {"results_directory": str(copied), "report": {"language": "ja"}}
    (copied / "report.html").unlink()
    run = snakemake("--configfile", str(write_yaml(data, tmp_path / "config.yaml")), "--nolock")
    assert run.returncode == 0, run.stderr[-3000:]
    assert set(re.findall(r"Rule: (\w+)", run.stderr)) == {"report_page", "all"}
    page = Page(browser, copied / "report.html")
    page.ask("() => separatrix.drawAll()")
    text = page.tab.locator("body").inner_text()
    assert page.tab.locator("html").get_attribute("lang") == "ja"
    assert "要約" in text and "鞍点は Z より" in text and "ミッター分布" in text
    assert "採択率" in page.tab.locator("#figure-acceptance .live").inner_text()
    assert page.said == []
    page.context.close()
