"""The documentation as a site: built without a warning and without a network, from pages and from the code."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason='MkDocs is not installed: pip install "separatrix[docs]"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).resolve().parent.parent
    folder = tmp_path_factory.mktemp("site")
    # Any way out leads nowhere: whoever asks for a file of the network ends the build.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(root)}
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment, timeout=300)
    assert run.returncode == 0 and "WARNING" not in run.stderr, run.stdout + run.stderr
    return folder


def _pages(site: Path) -> dict[str, str]:
    return {str(p.relative_to(site)): p.read_text(encoding="utf-8") for p in site.rglob("*.html")}


@pytest.mark.xdist_group("docs")
def test_nothing_is_fetched(site: Path) -> None:
    for name, text in _pages(site).items():
        assert re.findall(r"""<(?:script|img|link|iframe)\b[^>]*(?:src|href)=["']?(?:https?:)?//""", text) == [], name
    for style in site.rglob("*.css"):
        assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", style.read_text(encoding="utf-8")), style


@pytest.mark.xdist_group("docs")
def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    pages = _pages(site)
    names = {name: set(re.findall(r"""\b(?:id|name)=["']?([^\s"'>]+)""", text)) for name, text in pages.items()}
    for name, text in pages.items():
        if name == "404.html":
            continue
        for link in re.findall(r"""<a\b[^>]*?href=["']?([^\s"'>]+)""", text):
            to, _, anchor = html.unescape(link).partition("#")
            if "://" in to or to.startswith("mailto:"):
                continue
            goal = os.path.normpath(Path(name).parent / to) if to else name
            assert (site / goal).exists(), f"{name}: {link}"
            assert not anchor or goal not in names or anchor in names[goal] | {"__top"}, f"{name}: {link}"


@pytest.mark.xdist_group("docs")
def test_pages_from_elsewhere(site: Path, root: Path) -> None:
    """The configuration, the commands and the modules are those of the repository."""
    from separatrix.cli.main import app

    configuration = (site / "configuration.html").read_text(encoding="utf-8").replace("<wbr>", "")
    keys = re.findall(r"^\| `([\w.]+)`", (root / "config/README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(keys) > 80 and [k for k in keys if f"<code>{k}</code>" not in configuration] == []
    commands = (site / "commands.html").read_text(encoding="utf-8")
    named = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    assert [n for n in named if f'id="{n}"' not in commands and f"id={n}" not in commands] == []
    for module in (
        "coordinate.selection",
        "sampling.shooting",
        "rates.free_energy",
        "theory.elements",
        "potentials.potential",
    ):
        text = (site / f"api/separatrix.{module}.html").read_text(encoding="utf-8")
        assert "Parameters" in text and not re.search(r":(?:func|class|data|meth|mod):`", text), module


@pytest.mark.xdist_group("docs")
def test_equations_are_drawn_and_references_found(site: Path) -> None:
    for name, text in _pages(site).items():
        assert not re.search(r"<code>[\w.]+</code>\]\[[\w.]*\]", text), name
        assert 'class="arithmatex"' not in text and "class=arithmatex" not in text, name
