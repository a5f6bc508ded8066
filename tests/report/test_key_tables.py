"""Tables of config/README.md and the JSON schemas are those of the sections."""

from __future__ import annotations

import pytest
import yaml
from conftest import ROOT

from separatrix.core.section import json_schema
from separatrix.report import key_tables


def test_what_is_written_is_up_to_date() -> None:
    for file, content in key_tables.texts(ROOT).items():
        assert file.read_text() == content, f"{file} differs from the sections; run `make keys`"


def test_a_table_that_differs_is_seen() -> None:
    readme = (ROOT / key_tables.README).read_text()
    assert (
        key_tables.readme_text(readme.replace("| `sampling.chains` | | 2 |", "| `sampling.chains` | | 3 |")) == readme
    )


@pytest.mark.parametrize("name", list(key_tables.SCHEMAS))
def test_the_files_hold_the_schemas(name: str) -> None:
    text = (ROOT / f"workflow/schemas/{name}.schema.yaml").read_text()
    assert yaml.safe_load(text) == json_schema(key_tables.SCHEMAS[name])
