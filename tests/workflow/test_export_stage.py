"""The research object of a real run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import mdtraj
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import snakemake, write_yaml
from pybtex.database import parse_file

from separatrix.core import folders
from separatrix.core.files import read_dataset, read_json
from separatrix.report import crate_folder
from separatrix.results.path_files import split_paths

# The finished run of test_dag.py.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

Finished = tuple[Path, Path]


def test_everything_behind_the_report_is_in_it(finished: Finished) -> None:
    _, results = finished
    out = results / "export"
    graph = {e["@id"]: e for e in json.loads((out / crate_folder.METADATA).read_text())["@graph"]}
    files = {name: e for name, e in graph.items() if "File" in e["@type"]}
    there = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert set(files) == there - {crate_folder.METADATA}
    assert all(folders.digest(out / name) == e["sha256"] for name, e in files.items())
    tables = {f"data/comparison/{p.relative_to(results / 'comparison')}" for p in results.glob("comparison/**/*.csv")}
    assert tables and tables <= set(files)
    for method in ("gaff2", "pm6"):
        assert {f"data/{method}/{n}" for n in ("minimum_Z.xyz", "saddle.xyz", "rates.json", "rounds/2.json")} <= set(
            files
        )
    codes = {e["name"]: e["softwareVersion"] for e in graph.values() if e["@type"] == "SoftwareApplication"}
    said = read_json(results / "pm6" / "check.json")["version"]
    assert codes["MOPAC"] in said and "SCINE Sparrow" not in codes
    assert {"moussa2026", "shirts2008"} <= set(parse_file(str(out / "references.bib")).entries)
    run = graph["#run"]
    assert run["startTime"] < run["endTime"]


@pytest.mark.parametrize("method", ["gaff2", "pm6"])
def test_trajectories_are_those_of_the_chains(finished: Finished, method: str) -> None:
    _, results = finished
    for chain in (1, 2):
        paths = split_paths(read_dataset(results / method / f"chain_{chain}" / "paths.nc"))
        folder = results / "export" / "data" / method / f"chain_{chain}"
        whole = mdtraj.load(folder / "paths.nc", top=folder / "topology.pdb")
        table = pd.read_csv(folder / "paths.csv")
        assert whole.n_frames == sum(p.shape[1] for p in paths)
        for row, path in zip(table.itertuples(), paths, strict=True):
            assert np.abs(whole.xyz[row.first_frame : row.first_frame + row.frames] - path[0]).max() < 1e-4


def test_another_licence_writes_it_anew_and_runs_nothing_else(finished: Finished, tmp_path: Path) -> None:
    config, _ = finished
    data = yaml.safe_load(config.read_text())
    data["export"] |= {"licence": "CC0-1.0"}
    other = write_yaml(data, tmp_path / config.name)  # the report says the name
    run = snakemake("--configfile", str(other), "--dry-run", "--nolock")
    text = run.stderr + run.stdout
    assert run.returncode == 0, text
    table = text.partition("Job stats:")[2].partition("\n\n")[0]
    assert set(re.findall(r"^(\w+)\s+\d+$", table, flags=re.MULTILINE)) - {"all", "total"} == {"export"}
