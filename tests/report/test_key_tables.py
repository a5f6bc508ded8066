"""Tables of the documentation and the JSON schemas are what sections and engines say."""

from __future__ import annotations

import pytest
import yaml
from conftest import ROOT

from separatrix.core.section_documents import json_schema
from separatrix.report import key_tables


def test_what_is_written_is_up_to_date() -> None:
    for file, content in key_tables.texts(ROOT).items():
        assert file.read_text() == content, f"{file} differs from the sections; run `make keys`"


@pytest.mark.parametrize(
    ("document", "line", "wrong"),
    [
        ("config/README.md", "| `sampling.chains` | | 2 |", "| `sampling.chains` | | 3 |"),
        ("config/README.md", "| `mopac` | `hamiltonian` | required |", "| `mopac` | `hamiltonian` | PM6 |"),
        ("config/README.md", "| | `worker_timeout_s` | 300 |", "| | `worker_timeout_s` | 200 |"),
        ("config/README.md", "| `surface.smoothing` | | 0.0 |", "| `surface.smoothing` | | 1 |"),
        ("docs/engines.md", "| 0.1, 400 |", "| 0.2, 400 |"),
        (
            "docs/quantities.md",
            "| `barrier_forward` | saddle above *reactant* | kcal/mol |",
            "| `barrier_forward` | E |",
        ),
        ("docs/quantities.md", "| `worst_r_hat` | worst R-hat | at most", "| `worst_r_hat` | worst R-hat | at least"),
    ],
)
def test_a_table_that_differs_is_seen(document: str, line: str, wrong: str) -> None:
    text = (ROOT / document).read_text()
    assert line in text and key_tables.with_tables(text.replace(line, wrong)) == text


def test_results_of_an_earlier_run_are_no_keys_to_readers() -> None:
    rows = key_tables.table(key_tables.sections()["theory"])
    assert "`state_A`" in rows and "`langer`" not in rows


@pytest.mark.parametrize("name", list(key_tables.sections()))
def test_the_files_hold_the_schemas(name: str) -> None:
    text = (ROOT / f"workflow/schemas/{name}.schema.yaml").read_text()
    assert yaml.safe_load(text) == json_schema(key_tables.sections()[name])
