"""HTML comes from templates that escape what they are given, and from nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from separatrix.report import table_content, templates

REPORT = Path(templates.__file__).parent
TEMPLATES = sorted(path.name for path in (REPORT / "templates").iterdir())
BAD = "<img src=x onerror=alert(1)>\"'&\n"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;\n"

#: What would be HTML in a string: the start or the end of an element, or a declaration; no named group of a pattern.
TAG = re.compile(r"(?<!\?P)</?[a-z][a-z0-9]*(\s[^<>]*)?/?>|<!doctype", re.IGNORECASE)


def test_there_are_templates():
    assert {"page.html.j2", "table_page.html.j2", "tables.html.j2"} <= set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_escapes(name: str):
    environment = templates.environment()
    assert environment.autoescape is True
    source = (REPORT / "templates" / name).read_text()
    # Nothing in it turns that off, and a name that is not given is an error.
    tree = environment.parse(source)
    assert not list(tree.find_all((jinja2.nodes.ScopedEvalContextModifier, jinja2.nodes.EvalContextModifier)))
    filters = {node.name for node in tree.find_all(jinja2.nodes.Filter)}
    assert not filters & {"safe", "forceescape", "xmlattr", "urlize"}, filters
    assert environment.undefined is jinja2.StrictUndefined


def test_only_files_of_the_package_are_taken_as_they_are():
    """What is marked as HTML in Python is a style sheet or script of the package, or a library's script."""
    marked = {p.name for p in REPORT.rglob("*.py") if re.search(r"Markup\(", p.read_text())}
    assert marked == {"templates.py"}
    assert isinstance(templates.asset("table.css"), Markup) and "</" not in templates.asset("table.css")
    assert "</script" not in templates.asset("report.js").lower()


def strings(path: Path) -> list[str]:
    """All strings of a module but its docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
    ]


@pytest.mark.parametrize("path", sorted(REPORT.rglob("*.py")), ids=lambda path: str(path.relative_to(REPORT)))
def test_no_module_of_the_report_writes_html(path: Path):
    assert [text for text in strings(path) if TAG.search(text)] == []
    assert "import html" not in path.read_text()


def test_what_counts_as_html(tmp_path: Path):
    """The test above sees an f-string with an element, and no comparison or placeholder."""
    module = tmp_path / "m.py"
    module.write_text('"""<p>"""\na = f"<td>{1}</td>"\nb = "a < b > c", "->", "</(?=script)", "(?P<em>.)"\n')
    assert [text for text in strings(module) if TAG.search(text)] == ["<td>", "</td>"]


def test_every_text_of_a_table_is_escaped():
    cell = table_content.TableCell((BAD, BAD), (BAD,), note=BAD, span=2)
    rows = (table_content.group_row(BAD, 3, BAD), table_content.TableRow(cell, (cell,)))
    table = table_content.TableContent((BAD,), rows, note=BAD, title=BAD)
    text = table_content.TablePage(BAD, (table,), (BAD,)).html()
    # Title twice, a sentence, the table's title, its head, its group of two, two cells of four, the paragraph.
    assert text.count(ESCAPED) == 2 + 1 + 1 + 1 + 2 + 8 + 1
    assert "<img" not in text


def test_a_cell_has_lines_and_remarks():
    def shown(cell: table_content.TableCell) -> str:
        text = table_content.one_table("T", ["a"], [table_content.TableRow(cell)], "").html()
        found = re.search(r"<tbody>\n<tr>(.*)</tr>\n</tbody>", text)
        assert found
        return found[1]

    assert shown(table_content.TableCell(("1", "2"), ("(3)", "(4)"))) == (
        "<th>1<br>2 <small>(3)</small> <small>(4)</small></th>"
    )
    assert shown(table_content.TableCell(small=("none",), note="n", span=2)) == (
        '<th colspan="2" title="n"><small>none</small></th>'
    )


def test_a_missing_name_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="page"):
        templates.render("table_page.html.j2")
