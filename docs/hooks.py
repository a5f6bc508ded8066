"""What the site has beside the pages in this folder.

Pages that stand elsewhere in the repository (README.md, config/README.md) are taken from there; the API has a page for
each module and the commands have one, from their own words; links are those of the repository, so that they lead
somewhere in a viewer of Markdown, too; equations become MathML, which a browser draws without a script.
"""

from __future__ import annotations

import ast
import html
import os
import posixpath
import re
from pathlib import Path
from typing import Any

import griffe
import latex2mathml.converter
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent

#: Page of the site -> file of the repository.
ELSEWHERE = {
    "index.md": "README.md",
    "configuration.md": "config/README.md",
    "benchmarks.md": "benchmarks/README.md",
    "dnab.md": "resources/dnab/README.md",
    "changelog.md": "CHANGELOG.md",
}

#: Packages that only the workflow and the command need; all others are shown, a part of the API for each.
INNER = {"cli", "workflow"}


def first_sentence(path: Path) -> str:
    """First paragraph of a module's docstring."""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(words.split("\n\n")[0].split())


def parts() -> dict[str, str]:
    """Packages of the API: name -> first sentence of its docstring."""
    top = ROOT / "separatrix"
    folders = sorted(path.parent.relative_to(top) for path in top.rglob("__init__.py"))
    return {
        ".".join(("separatrix", *folder.parts)): first_sentence(top / folder / "__init__.py")
        for folder in folders
        if folder.parts and folder.parts[0] not in INNER
    }


def modules(part: str) -> dict[str, str]:
    """Pages of a part: name -> first sentence of its docstring. The package itself comes first."""
    folder = ROOT / part.replace(".", "/")
    paths = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    return {part: first_sentence(folder / "__init__.py")} | {f"{part}.{p.stem}": first_sentence(p) for p in paths}


def on_config(config: Any) -> Any:
    """The menu of the API: an entry for each module, by parts."""
    for entry in config.nav:
        if "API" in entry:
            for part in parts():
                title = part.removeprefix("separatrix.")
                entry["API"].append(
                    {title: [{name.removeprefix("separatrix."): f"api/{name}.md"} for name in modules(part)]}
                )
    return config


def on_files(files: Any, config: Any) -> Any:
    """Pages that are not files of this folder."""
    pages = {page: (ROOT / source).read_text(encoding="utf-8") for page, source in ELSEWHERE.items()}
    pages["commands.md"] = commands()
    pages["figures.md"] = figures()
    index = [
        "# API\n",
        "Lengths are nm, times ps, masses dalton, energies kJ/mol, angles degrees, unless a name says otherwise.\n",
    ]
    for part, sentence in parts().items():
        index += [f"## {part.removeprefix('separatrix.')}\n", f"{_markdown(sentence)}\n", "| module | |", "|---|---|"]
        for name, said in modules(part).items():
            index.append(f"| [`{name}`]({name}.md) | {_markdown(said)} |")
            pages[f"api/{name}.md"] = f"::: {name}\n"
        index.append("")
    pages["api/index.md"] = "\n".join(index)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def commands() -> str:
    """The page of the commands, from their own help."""
    import click
    import typer

    from separatrix.cli.main import app

    group = typer.main.get_command(app)
    text = ["# Commands\n", "What `separatrix COMMAND --help` prints. The work itself is done by `snakemake`.\n"]
    with click.Context(group, info_name="separatrix") as above:
        for name, command in group.commands.items():
            with click.Context(command, parent=above, info_name=name):
                arguments = [
                    p.name.upper() if p.required else f"[{p.name.upper()}]"
                    for p in command.params
                    if p.param_type_name == "argument"
                ]
                usage = " ".join(["[OPTIONS]", *arguments])
                said = re.sub(r"(?<!\n)\n(?!\n)", " ", (command.help or "").strip())
                text += [f"## {name}\n", f"```\nseparatrix {name} {usage}\n```\n", f"{said}\n"]
                rows = []
                for parameter in command.params:
                    shown = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
                    default = parameter.default
                    if default in (None, False, ()) or callable(default) or "Sentinel" in type(default).__name__:
                        default = ""
                    words = (getattr(parameter, "help", None) or "").replace("|", "\\|").replace("<", "&lt;")
                    rows.append(f"| `{shown}` | {f'`{default}`' if default != '' else ''} | {words} |")
                rows = [row for row in rows if "`--help`" not in row]
                if rows:
                    text += ["| | default | |", "|---|---|---|", *rows, ""]
    return "\n".join(text)


def figures() -> str:
    """The page of figures and tables, from their entries, those of installed packages among them."""
    from separatrix.report.figure_registry import FIGURES, SECTIONS, TABLES, Figure

    text = [
        "# Figures and tables\n",
        "All that the [report](report.md) can show, by its sections. Files are in `results/comparison`; beside each "
        "SVG lie a PDF and the Vega-Lite specification (JSON), and a CSV holds all that the figure is drawn from.\n",
    ]
    entries = [*FIGURES.entries().values(), *TABLES.entries().values()]
    for section in SECTIONS:
        shown = sorted((e for e in entries if e.section == section), key=lambda entry: entry.place)
        text += [f"## {section.capitalize()}\n"] if shown else []
        for entry in shown:
            names = [f"{entry.stem}.svg", entry.data] if isinstance(entry, Figure) else [f"{entry.stem}.html"]
            title = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), entry.title)
            files = ", ".join(f"`{name}`" for name in names)
            text += [f"### {title}\n", f"{files}\n", f"{_markdown(entry.caption)}\n"]
    return "\n".join(text)


def _source(page: str) -> str:
    """File of the repository that a page is made of."""
    return ELSEWHERE.get(page, f"docs/{page}")


_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<to>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links of the repository as links of the site; what the site has no page of keeps its words."""
    here = page.file.src_uri
    pages = {source: p for p, source in ELSEWHERE.items()}

    def replaced(found: re.Match[str]) -> str:
        to = found["to"]
        if "://" in to or to.startswith("mailto:"):
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(_source(here)), to))
        goal = pages.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if goal is None:
            return found["text"] if (ROOT / target).exists() else found[0]
        relative = os.path.relpath(goal, posixpath.dirname(here) or ".").replace(os.sep, "/")
        return f"{found['image']}[{found['text']}]({relative}{found['anchor'] or ''})"

    if here.startswith("api/") or here in ("commands.md", "figures.md"):
        return markdown
    blocks = re.split(r"(^```.*?^```)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(block if block.startswith("```") else _LINK.sub(replaced, block) for block in blocks)


def on_page_content(text: str, **_: Any) -> str:
    """Equations as MathML; keys in tables may be broken at their points, and nowhere else."""

    def drawn(display: str, before: str = "", after: str = "") -> Any:
        return lambda found: (
            before + latex2mathml.converter.convert(html.unescape(found[1]).strip(), display=display) + after
        )

    text = re.sub(
        r"(<td[^>]*><code>)([\w.]+)(</code>)", lambda found: found[1] + found[2].replace(".", ".<wbr>") + found[3], text
    )
    text = re.sub(
        r'<div class="arithmatex">\\\[(.*?)\\\]</div>',
        drawn("block", '<div class="equation">', "</div>"),
        text,
        flags=re.DOTALL,
    )
    return re.sub(r'<span class="arithmatex">\\\((.*?)\\\)</span>', drawn("inline"), text, flags=re.DOTALL)


def _markdown(text: str, scope: griffe.Object | None = None) -> str:
    """Names of a docstring, written with the roles of Sphinx, as links where the API has a page of them."""

    def named(found: re.Match[str]) -> str:
        name = found[1].lstrip("~")
        if scope is None:
            return f"`{name}`"
        for path in (name, f"separatrix.{name}", f"{scope.module.path}.{name}", f"{scope.path}.{name}"):
            if path.startswith("separatrix.") and _there(scope, path):
                return f"[`{name}`][{path}]"
        return f"`{name}`"

    text = re.sub(r":(?:class|data|func|meth|mod|attr|exc):`([^`]+)`", named, text)
    return text.replace("``", "`")


def _one_by_one(text: str) -> str:
    """Parameters that share a line in the style of Google, `k, n: shape (m,)`, with a line each."""

    def apart(found: re.Match[str]) -> str:
        return "\n".join(f"{found[1]}{name}: {found[3]}" for name in found[2].split(", "))

    return re.sub(r"^( +)([a-z_]\w*(?:, [a-z_]\w*)+): (.*)$", apart, text, flags=re.MULTILINE)


def _there(scope: griffe.Object, path: str) -> bool:
    try:
        found = scope.modules_collection.get_member(path)
    except KeyError:
        return False
    return not any(part.startswith("_") for part in path.split(".")) and (found.is_module or bool(found.docstring))


class Roles(griffe.Extension):
    """Docstrings with the roles of Sphinx, for a site of Markdown."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """After all modules have been read."""
        self._visit(pkg)

    def _visit(self, thing: griffe.Object) -> None:
        if thing.docstring:
            thing.docstring.value = _one_by_one(_markdown(thing.docstring.value, thing))
        for member in thing.members.values():
            if not member.is_alias:
                self._visit(member)
