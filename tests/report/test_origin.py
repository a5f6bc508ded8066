"""What the page says of the code and the configuration that it comes from."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import xarray as xr

from separatrix.config.load import load
from separatrix.core.errors import StoreError
from separatrix.core.files import write_dataset
from separatrix.core.version import CodeVersion
from separatrix.core.yaml_file import read_yaml
from separatrix.report import origin
from separatrix.report.language import LANGUAGES, Phrases

COMMIT = "3f95a08c1b2d4e5f60718293a4b5c6d7e8f90123"


def with_history(file: Path, history: str) -> Path:
    xr.Dataset({"x": ("i", [1.0])}, attrs={"history": history}).to_netcdf(file)
    return file


def test_codes_are_those_on_record_in_the_results(tmp_path: Path):
    histories = [
        "2026-11-20T08:00:00Z separatrix 0.1.0",
        f"2026-11-24T08:00:00Z separatrix 0.2.0 (commit {COMMIT}, with uncommitted changes)",
        f"2026-11-22T08:00:00Z separatrix 0.2.0 (commit {COMMIT}, with uncommitted changes)",
        "made by hand",
    ]
    found = origin.written_by([with_history(tmp_path / f"{i}.nc", h) for i, h in enumerate(histories)])
    assert [str(record) for record in found] == [
        "separatrix 0.1.0, 2026-11-20",
        "separatrix 0.2.0 (commit 3f95a08c1b2d, with uncommitted changes), 2026-11-22 – 2026-11-24",
    ]


def test_what_the_library_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("separatrix.core.files.code_version", lambda: CodeVersion("9.9.9", COMMIT))
    write_dataset(xr.Dataset({"x": ("i", [1.0])}), tmp_path / "a.nc", title="t", source="s")
    (record,) = origin.written_by([tmp_path / "a.nc"])
    assert record.code == "separatrix 9.9.9 (commit 3f95a08c1b2d)" and record.first == record.last


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match=r"a\.nc: cannot be read"):
        origin.written_by([tmp_path / "a.nc"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_name_code_day_config_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str):
    monkeypatch.setattr(origin, "code_version", lambda: CodeVersion("0.3.0", COMMIT))
    file = with_history(tmp_path / "a.nc", "2026-11-20T08:00:00Z separatrix 0.1.0")
    told = origin.sentences(Phrases(language), [file], "c.yaml", "0123456789abcdef", 7)
    page, paths, config, _ = told
    assert "separatrix 0.3.0 (commit 3f95a08c1b2d)" in page and "20" in page
    assert "separatrix 0.1.0, 2026-11-20" in paths
    assert all(text in config for text in ("c.yaml", "0123456789abcdef", "7"))
    # Results without a record are not spoken of.
    assert len(origin.sentences(Phrases(language), [], "c.yaml", "0", 7)) == len(told) - 1


def test_the_fingerprint_of_a_config_is_that_of_its_calculation():
    data = read_yaml("config/config.yaml")
    first = load(copy.deepcopy(data)).fingerprint
    same = data | {"results_directory": "elsewhere", "report": {"language": "ja"}}
    assert load(copy.deepcopy(same)).fingerprint == first and len(first) == 16
    # A default that is written out is no change; another seed is one.
    assert load(copy.deepcopy(data | {"seed": data["seed"] + 1})).fingerprint != first
