"""What is written from the sections of a config: the tables of config/README.md and the JSON schemas for editors.

``make keys`` writes both; a test fails when they differ from the sections.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from separatrix.config.package_sections import config_section
from separatrix.config.sections.system_keys import SystemSection
from separatrix.core.section import Section, json_schema, rows
from separatrix.theory.model_keys import TheorySection

README = "config/README.md"


def sections() -> dict[str, type[Section]]:
    """Sections whose keys README lists, by the names in its marks; a schema ``workflow/schemas/NAME.schema.yaml`` has each.

    Keys of installed packages are among them.
    """
    return {"config": config_section(), "system": SystemSection, "theory": TheorySection}


_HEAD = "# Written by `make keys` from {module}.py, which holds what is said here.\n"


def table(section: type[Section]) -> str:
    """The keys of a section as a table in Markdown."""
    lines = ["| key | unit | default | meaning |", "|---|---|---|---|"]
    for row in rows(section):
        cells = [f"`{row.key}`", row.unit, row.default, row.meaning]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells).replace("|  |", "| |") + " |")
    return "\n".join(lines)


def schema_text(section: type[Section]) -> str:
    """The JSON schema of a section as a YAML file."""
    head = _HEAD.format(module=section.__module__.replace(".", "/"))
    return head + yaml.safe_dump(json_schema(section), sort_keys=False, allow_unicode=True, width=120)


def readme_text(text: str) -> str:
    """A README with its tables as the sections give them; they stand between marks ``<!-- keys of NAME -->``."""
    for name, section in sections().items():
        begin, end = f"<!-- keys of {name}: written by `make keys` -->\n", f"<!-- end of keys of {name} -->\n"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table(section)}\n\n{end}{rest.split(end)[1]}"
    return text


def texts(root: Path) -> dict[Path, str]:
    """What each written file should hold, by its path."""
    schemas = {root / f"workflow/schemas/{name}.schema.yaml": schema_text(each) for name, each in sections().items()}
    return {root / README: readme_text((root / README).read_text(encoding="utf-8")), **schemas}


if __name__ == "__main__":
    for file, content in texts(Path(*sys.argv[1:])).items():
        file.write_text(content, encoding="utf-8")
