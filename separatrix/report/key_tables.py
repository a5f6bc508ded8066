"""What is written from sections and registries: tables in the documentation, and the JSON schemas for editors.

``make keys`` writes them; a test fails when they differ from what they come from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from separatrix.config.package_sections import config_section
from separatrix.config.sections.system_keys import SystemSection
from separatrix.core.section import Section
from separatrix.core.section_documents import json_schema, rows
from separatrix.cvs.kinds import REGISTRY
from separatrix.cvs.kinds.kind import Kind
from separatrix.potentials import ENGINES, WORKER_OPTIONS
from separatrix.potentials.potential import Option
from separatrix.report.quantity_catalogue import CATALOGUE, Group
from separatrix.sampling.criterion import measures
from separatrix.theory.model_keys import TheorySection

DOCUMENTS = ("config/README.md", "docs/engines.md", "docs/quantities.md")
"""Files with tables; each is between ``<!-- keys of NAME: written by `make keys` -->`` and an end mark."""


def sections() -> dict[str, type[Section]]:
    """Sections that have a table and ``workflow/schemas/NAME.schema.yaml``, with the keys of installed packages."""
    return {"config": config_section(), "system": SystemSection, "theory": TheorySection}


_HEAD = "# Written by `make keys` from {module}.py, which holds what is said here.\n"


def _rows_of_table(header: Sequence[str], rows_: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for cells in rows_:
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells).replace("|  |", "| |") + " |")
    return "\n".join(lines).replace("|  |", "| |")


def table(section: type[Section]) -> str:
    """The keys of a section as a table in Markdown."""
    return _rows_of_table(
        ("key", "unit", "default", "meaning"),
        ((f"`{row.key}`", row.unit, row.default, row.meaning) for row in rows(section)),
    )


def _option(name: str, option: Option) -> tuple[str, str, str]:
    default = "none" if option.default is None else f"`{option.default}`"
    if isinstance(option.default, int | float) and not isinstance(option.default, bool):
        default = f"{option.default:g}"
    meaning = option.guide or option.meaning
    if option.choices and not option.guide:
        meaning = f"{meaning}: {', '.join(f'`{choice}`' for choice in option.choices)}"
    return f"`{name}`", option.shown_default or ("required" if option.required else default), meaning


def options_table() -> str:
    """What ``methods.NAME.options`` may hold with each engine, installed packages' among them."""
    engines = ENGINES.entries()
    lines = [
        (f"`{engine.name}`", *_option(name, option))
        for engine in engines.values()
        for name, option in engine.options.items()
    ]
    in_openmm = ", ".join(f"`{engine.name}`" for engine in engines.values() if engine.in_openmm)
    lines += [(f"all but {in_openmm}", *_option(name, option)) for name, option in WORKER_OPTIONS.items()]
    shown = [("" if i and line[0] == lines[i - 1][0] else line[0], *line[1:]) for i, line in enumerate(lines)]
    return _rows_of_table(("potential", "option", "default", "meaning"), shown)


def engines_table() -> str:
    """What each engine computes, by which program, and what a job with it asks for."""
    header = (
        "`potential`",
        "computes",
        "program",
        "licence",
        "conda environment",
        "s per gradient, MB assumed until measured",
    )
    return _rows_of_table(
        header,
        (
            (
                f"`{engine.name}`",
                engine.summary,
                f"[{engine.code}]({engine.url})" if engine.code else "",
                engine.licence,
                f"`envs/{engine.environment}.yaml`",
                f"{engine.seconds_per_gradient:g}, {engine.memory_MB}",
            )
            for engine in ENGINES.entries().values()
        ),
    )


def quantities_table() -> str:
    """The quantities of the comparison, group by group."""
    entries = sorted(CATALOGUE.entries().values(), key=lambda quantity: list(Group).index(quantity.group))
    shown = []
    for number, q in enumerate(entries):
        label = re.sub(r"\{(\w+)(:\w+)?\}", r"*\1*", q.label)
        group = "" if number and entries[number - 1].group == q.group else f"`{q.group}`"
        shown.append((group, f"`{q.id}`", label, "" if q.unit == "1" else q.unit, q.description))
    return _rows_of_table(("group", "id", "label", "unit", "what it is"), shown)


def variables_table() -> str:
    """The kinds of collective variables, a row for all in succession that differ in name alone."""
    units = {"angstrom": "Å"}
    shown: list[list[str]] = []
    for entry in REGISTRY.entries().values():
        takes, unit, meaning = entry.takes, entry.shown_unit, entry.guide
        if isinstance(entry, Kind):
            takes = takes or str(entry.n_atoms)
            unit = unit or units.get(str(entry.unit), str(entry.unit))
            meaning = meaning or entry.meaning.format(*"abcdefgh")
        if shown and shown[-1][1:] == [takes, unit, meaning]:
            shown[-1][0] += f", `{entry.name}`"
        else:
            shown.append([f"`{entry.name}`", takes, unit, meaning])
    return _rows_of_table(("kind", "atoms", "unit", "meaning"), shown)


def measures_table() -> str:
    """The numbers that the criteria of convergence judge."""
    return _rows_of_table(
        ("`measure`", "label", "has to be", "what it is"),
        ((f"`{m.id}`", m.label, f"{m.side.label} its bound", m.meaning) for m in measures()),
    )


def tables() -> dict[str, str]:
    """All tables, by the names in their marks."""
    of_sections = {name: table(section) for name, section in sections().items()}
    return of_sections | {
        "options": options_table(),
        "engines": engines_table(),
        "quantities": quantities_table(),
        "variables": variables_table(),
        "measures": measures_table(),
    }


def schema_text(section: type[Section]) -> str:
    """The JSON schema of a section as a YAML file."""
    head = _HEAD.format(module=section.__module__.replace(".", "/"))
    return head + yaml.safe_dump(json_schema(section), sort_keys=False, allow_unicode=True, width=120)


def with_tables(text: str) -> str:
    """A document with its tables as they should be."""
    for name, content in tables().items():
        begin, end = f"<!-- keys of {name}: written by `make keys` -->\n", f"<!-- end of keys of {name} -->\n"
        if begin in text:
            before, rest = text.split(begin)
            text = f"{before}{begin}\n{content}\n\n{end}{rest.split(end)[1]}"
    return text


def texts(root: Path) -> dict[Path, str]:
    """What each written file should hold, by its path."""
    schemas = {root / f"workflow/schemas/{name}.schema.yaml": schema_text(each) for name, each in sections().items()}
    return {root / name: with_tables((root / name).read_text(encoding="utf-8")) for name in DOCUMENTS} | schemas


if __name__ == "__main__":
    for file, content in texts(Path(*sys.argv[1:])).items():
        file.write_text(content, encoding="utf-8")
