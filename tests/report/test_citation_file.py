"""CITATION.cff against the schema of the Citation File Format 1.2.0, and against the code that it is about.

The schema in tests/data is that of https://doi.org/10.5281/zenodo.5171937, CC BY 4.0.
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import separatrix
from separatrix.report import citations


@pytest.fixture
def citation(root: Path) -> dict:
    content = yaml.safe_load((root / "CITATION.cff").read_text())
    # The schema wants dates as they are written.
    return content | {"date-released": content["date-released"].isoformat()}


@pytest.fixture
def validator(root: Path) -> jsonschema.Draft7Validator:
    schema = json.loads((root / "tests" / "data" / "cff-1.2.0.schema.json").read_text())
    return jsonschema.Draft7Validator(schema)


def test_it_is_valid(citation: dict, validator: jsonschema.Draft7Validator) -> None:
    assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(citation)] == []


@pytest.mark.parametrize("change", [{"version": []}, {"license": "no licence at all"}, {"date-released": "today"}])
def test_the_schema_would_tell(citation: dict, validator: jsonschema.Draft7Validator, change: dict) -> None:
    assert list(validator.iter_errors(citation | change))


def test_it_is_about_this_version(citation: dict) -> None:
    assert citation["version"] == separatrix.__version__
    assert citation["license"] == "MIT"


def test_its_papers_are_those_that_runs_cite(citation: dict) -> None:
    known = {e.fields.get("doi"): e for e in citations.every().entries.values()}
    for paper in citation["references"]:
        entry = known[paper["doi"]]
        assert citations.plain(entry.fields["title"]) == paper["title"]
        assert (entry.fields["volume"], entry.fields["year"]) == (str(paper["volume"]), str(paper["year"]))
        assert entry.fields["pages"].split("--")[0] == str(paper["start"])
        names = [" ".join(p.prelast_names + p.last_names) for p in entry.persons["author"]]
        assert names == [a["family-names"] for a in paper["authors"]]
