"""The research object: every file with its checksum, entities that the profile asks for, data that reads back."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ase.io
import mdtraj
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, write_yaml
from pybtex.database import parse_file, parse_string
from typer.testing import CliRunner

from separatrix.cli import main as cli
from separatrix.config.configuration import Config
from separatrix.config.load import load
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.core import folders
from separatrix.core.errors import ConfigError, SeparatrixError, StoreError
from separatrix.core.files import read_json, write_json
from separatrix.core.molecule import read_geometry
from separatrix.core.section import check
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.report import crate, crate_folder, crate_metadata, inputs
from separatrix.report.inputs import load_with_files
from separatrix.results.path_files import write_paths
from separatrix.results.stationary_files import write_no_saddle, write_stationary
from separatrix.theory import theory_files

FRAMES = (5, 7, 4)
TABLES = ("comparison.json", "comparison.csv", "rates.csv", "data/cost.csv", "scans/f.csv", "theory/slow/theory.json")
METHODS = {"gaff2": "gaff2.xml (OpenMM 8.6.1, Reference)", "pm6": "PM6 (MOPAC through mopactools 0.1.4)"}


def settings_of(root: Path) -> dict[str, Any]:
    data = yaml.safe_load((root / "config/config.yaml").read_text())
    data["methods"] = {name: data["methods"][name] for name in METHODS}
    data["export"] = {
        "licence": "CC0-1.0",
        "authors": [
            {"name": "Josiah Carberry", "orcid": "0000-0002-1825-0097", "affiliation": "Brown University"},
            {"name": "A. N. Other"},
        ],
    }
    return check(data, ConfigSection, "")


def export(settings: dict[str, Any], results: Path, out: Path) -> None:
    """As the rule does it."""
    crate.export(settings, results, out, tables=[results / "comparison" / name for name in TABLES])


def frames_of(method: str, chain: int) -> list[np.ndarray]:
    """Paths of a chain, positions and velocities."""
    rng = np.random.default_rng([len(method), chain])
    _, start = read_geometry("resources/dnab/dnab_E.xyz")
    return [
        np.array([start + rng.normal(0.0, 0.02, (n, *start.shape)), rng.normal(0.0, 1.0, (n, *start.shape))])
        for n in FRAMES
    ]


def point(name: str, energy: float, wavenumbers: list[float]) -> StationaryPoint:
    symbols, positions = read_geometry("resources/dnab/dnab_Z.xyz")
    modes = np.zeros((len(wavenumbers), len(symbols), 3))
    return StationaryPoint(name, None, positions, energy, np.array(wavenumbers), modes, 0.1, 10, ("Z", "E"))


@pytest.fixture
def settings(root: Path) -> dict[str, Any]:
    return settings_of(root)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A finished run to change."""
    return finished_run(tmp_path / "results")


def finished_run(folder: Path) -> Path:
    """A finished run, made up, with all that a research object is made of."""
    symbols, _ = read_geometry("resources/dnab/dnab_E.xyz")
    for method, words in METHODS.items():
        here = folder / method
        for basin, energy in (("Z", 10.0), ("E", -5.5)):
            write_stationary(point(basin, energy, [20.0]), symbols, here / f"minimum_{basin}.nc", source=words)
        write_stationary(point("saddle", 120.0, [-400.0, 30.0]), symbols, here / "saddle.nc", source=words)
        # Guess 1 leads to a saddle, guess 2 to none, guess 3 was never followed.
        write_stationary(point("rotation", 130.0, [-90.0]), symbols, here / "saddle_1.nc", source=words)
        write_no_saddle("it fell back", here / "saddle_2.nc", source=words)
        for chain in (1, 2):
            write_paths(
                frames_of(method, chain),
                symbols,
                here / f"chain_{chain}" / "paths.nc",
                moves=[-1, 3, 8],
                labels=[0, 1, 2],
                multiplicity=[0, 5, 2],
                mechanisms=["rotation", "rotation", "inversion at N10"],
                chain=chain,
                frame=2.0,
                source=words,
                start="saddle",
            )
        for number, stop in ((1, False), (2, True), (3, True)):
            write_json({"stop": stop}, here / "rounds" / f"{number}.json")
        write_json({"version": words}, here / "check.json")
        for name in ("coordinate", "committor", "rates"):
            write_json({"of": method, "what": name}, here / f"{name}.json")
        record(here / "benchmarks" / "sample.tsv", 100.0, ended=5000.0)
    record(folder / "pm6" / "benchmarks" / "check.tsv", 30.0, ended=4000.0)
    record(folder / "left over" / "benchmarks" / "check.tsv", 30.0, ended=10.0)
    record(folder / "comparison" / "benchmarks" / "figures.tsv", 5.0, ended=6000.0)
    record(folder / "comparison" / "benchmarks" / "export.tsv", 5.0, ended=9000.0)
    write_json({"methods": {}}, folder / "comparison" / "comparison.json")
    for name in (*TABLES[1:], "data/left_over.csv"):
        file = folder / "comparison" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("method,value\npm6,1\n")
    return folder


def record(path: Path, seconds: float, ended: float) -> None:
    """What Snakemake writes when a job ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\n{seconds}\t0:00:01\n")
    os.utime(path, (ended, ended))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A research object to look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        results = finished_run(tmp_path_factory.mktemp("shared") / "results")
        export(settings_of(ROOT), results, results / "export")
    return results / "export"


@pytest.fixture
def made(settings: dict[str, Any], results: Path) -> Path:
    out = results / "export"
    export(settings, results, out)
    return out


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    """Entities by identifier; there must be one of each."""
    content = json.loads((folder / crate_folder.METADATA).read_text())
    entities = {entity["@id"]: entity for entity in content["@graph"]}
    assert len(entities) == len(content["@graph"])
    return entities


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def kinds(entity: dict[str, Any]) -> set[str]:
    return set(listed(entity["@type"]))


def names(value: Any) -> list[str]:
    return [item["@id"] for item in listed(value)]


def test_every_file_is_listed_with_its_size_and_checksum(shared: Path) -> None:
    entities = graph(shared)
    files = {name: e for name, e in entities.items() if "File" in kinds(e)}
    there = {p.relative_to(shared).as_posix() for p in shared.rglob("*") if p.is_file()} - {crate_folder.METADATA}
    assert set(files) == there == set(names(entities["./"]["hasPart"]))
    for name, entity in files.items():
        command = ["sha256sum", str(shared / name)]
        digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
        assert entity["sha256"] == digest, name
        assert entity["contentSize"] == str((shared / name).stat().st_size)
        assert entity["encodingFormat"] and entity["description"] and entity["name"]


def test_what_the_profile_asks_for_is_there(shared: Path) -> None:
    entities = graph(shared)
    root, descriptor = entities["./"], entities[crate_folder.METADATA]
    assert names(descriptor["conformsTo"])[0] == "https://w3id.org/ro/crate/1.1"
    assert descriptor["about"] == {"@id": "./"}
    assert names(root["conformsTo"]) == [uri for uri, _, _ in crate_metadata.PROFILES]
    assert all(entities[uri]["version"] == number for uri, _, number in crate_metadata.PROFILES)
    workflow = entities[root["mainEntity"]["@id"]]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} <= kinds(workflow)
    assert entities[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    (run,) = (entities[i] for i in names(root["mentions"]))
    assert kinds(run) == {"CreateAction"} and names(run["instrument"]) == [workflow["@id"]]
    assert {"config/config.yaml", "config/systems/dnab.yaml", "resources/dnab/gaff2.xml"} <= set(names(run["object"]))
    assert {"data/pm6/chain_2/paths.nc", "data/comparison/comparison.json"} <= set(names(run["result"]))
    for side, values in (("input", "object"), ("output", "result")):
        of_parameters = set()
        for i in names(workflow[side]):
            parameter = entities[i]
            assert kinds(parameter) == {"FormalParameter"} and parameter["additionalType"] == "File"
            for file in names(parameter["workExample"]):
                assert entities[file]["exampleOfWork"] == {"@id": i}
                of_parameters.add(file)
        assert of_parameters == set(names(run[values]))
    assert {n for n in entities if n.startswith("data/")} == set(names(run["result"]))


def test_nothing_points_nowhere(shared: Path) -> None:
    content = json.loads((shared / crate_folder.METADATA).read_text())
    entities = graph(shared)
    context, terms = content["@context"]
    assert context == "https://w3id.org/ro/crate/1.1/context" and set(terms) == {"sha256", "creditText"}

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict) and set(value) == {"@id"}:
            yield value["@id"]
        elif isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from references(item)

    for entity in entities.values():
        for target in references(entity):
            assert target in entities or target.startswith("https://"), (entity["@id"], target)


def test_codes_have_versions_licences_and_papers(shared: Path) -> None:
    entities = graph(shared)
    codes = {e["name"]: e for e in entities.values() if "SoftwareApplication" in kinds(e)}
    assert {"Separatrix", "Snakemake", "OpenMM", "MOPAC", "Python", "OpenPathSampling", "scikit-learn"} <= set(codes)
    assert "SCINE Sparrow" not in codes
    assert codes["MOPAC"]["softwareVersion"] == "0.1.4"
    assert codes["MOPAC"]["description"] == METHODS["pm6"]
    assert codes["Python"]["softwareVersion"] == ".".join(map(str, sys.version_info[:3]))
    assert names(codes["MOPAC"]["citation"]) == ["https://doi.org/10.21105/joss.08025"]
    required = names(entities["Snakefile"]["softwareRequirements"])
    assert {entities[i]["name"] for i in required} == set(codes)
    for code in codes.values():
        assert code["softwareVersion"] and entities[code["license"]["@id"]]["name"]


def test_licence_and_authors_come_through(made: Path, settings: dict[str, Any], results: Path) -> None:
    entities = graph(made)
    root = entities["./"]
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC0-1.0"}
    assert entities["Snakefile"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    first, second = (entities[i] for i in names(root["author"]))
    assert (first["@id"], first["name"]) == ("https://orcid.org/0000-0002-1825-0097", "Josiah Carberry")
    assert entities[first["affiliation"]["@id"]]["name"] == "Brown University"
    assert second["name"] == "A. N. Other"
    assert names(entities["#run"]["agent"]) == names(root["author"])
    settings = copy.deepcopy(settings)
    settings["export"] = {"licence": "https://example.org/terms", "authors": []}
    export(settings, results, made)
    root = graph(made)["./"]
    assert root["license"] == {"@id": "https://example.org/terms"} and "author" not in root


def test_the_run_lasts_from_its_first_job_to_its_last(shared: Path) -> None:
    run = graph(shared)["#run"]
    begun, ended = (datetime.fromisoformat(run[key]) for key in ("startTime", "endTime"))
    assert begun == datetime.fromtimestamp(4000.0 - 30.0, UTC)
    assert ended == datetime.fromtimestamp(6000.0, UTC)  # neither the export itself nor another run's leftovers
    assert graph(shared)["./"]["datePublished"] == "1970-01-01"


@pytest.mark.parametrize("method", METHODS)
def test_trajectories_read_back(shared: Path, method: str) -> None:
    for chain in (1, 2):
        folder = shared / "data" / method / f"chain_{chain}"
        whole = mdtraj.load(folder / "paths.nc", top=folder / "topology.pdb")
        table = pd.read_csv(folder / "paths.csv")
        assert list(table["frames"]) == list(FRAMES) and whole.n_frames == sum(FRAMES)
        assert list(table["move"]) == [-1, 3, 8] and list(table["multiplicity"]) == [0, 5, 2]
        assert list(table["mechanism"]) == ["rotation", "rotation", "inversion at N10"]
        for row, path in zip(table.itertuples(), frames_of(method, chain), strict=True):
            part = whole[row.first_frame : row.first_frame + row.frames]
            assert np.abs(part.xyz - path[0]).max() < 1e-4
            np.testing.assert_allclose(part.time, np.arange(row.frames) * 0.002, atol=1e-6)
        symbols, _ = read_geometry("resources/dnab/dnab_E.xyz")
        assert [a.element.symbol for a in whole.topology.atoms] == list(symbols)


def test_stationary_points_read_back(shared: Path) -> None:
    folder = shared / "data" / "pm6"
    assert {p.name for p in folder.glob("*.xyz")} == {"minimum_Z.xyz", "minimum_E.xyz", "saddle.xyz", "saddle_1.xyz"}
    atoms = ase.io.read(folder / "saddle.xyz")
    symbols, positions = read_geometry("resources/dnab/dnab_Z.xyz")
    assert atoms.get_chemical_symbols() == list(symbols)
    np.testing.assert_allclose(atoms.positions * 0.1, positions, atol=1e-8)
    assert atoms.info["energy_kJ_mol"] == 120.0 and atoms.info["imaginary_modes"] == 1


def test_tables_are_those_of_this_config(shared: Path) -> None:
    folder = shared / "data" / "comparison"
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == set(TABLES)
    assert graph(shared)["data/comparison/theory/slow/theory.json"]["description"] == "theory of the surface slow"


def test_judgements_end_where_sampling_stopped(shared: Path) -> None:
    assert {p.name for p in (shared / "data" / "pm6" / "rounds").iterdir()} == {"1.json", "2.json"}


def test_config_is_the_one_that_was_used(shared: Path, settings: dict[str, Any]) -> None:
    assert yaml.safe_load((shared / "config/config.yaml").read_text()) == settings


def test_workflow_runs_from_the_folder(settings: dict[str, Any], results: Path, tmp_path: Path, root: Path) -> None:
    export(settings, results, tmp_path / "object")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--nocolor"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    run = subprocess.run(command, cwd=tmp_path / "object", capture_output=True, text=True, env=environment, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "sample" in run.stdout + run.stderr


def test_files_from_elsewhere_go_into_inputs(settings: dict[str, Any], results: Path, tmp_path: Path) -> None:
    shutil.copy("resources/dnab/gaff2.xml", tmp_path / "mine.xml")
    (tmp_path / "other").mkdir()
    shutil.copy("resources/dnab/gaff2.xml", tmp_path / "other" / "mine.xml")
    settings["methods"]["gaff2"]["options"]["file"] = str(tmp_path / "mine.xml")
    extra = copy.deepcopy(settings["methods"]["gaff2"]) | {"label": "GAFF2 again"}
    extra["options"]["file"] = str(tmp_path / "other" / "mine.xml")
    settings["methods"]["again"] = extra
    shutil.copytree(results / "gaff2", results / "again")
    export(settings, results, results / "export")
    entities = graph(results / "export")
    assert entities["inputs/mine.xml"]["alternateName"] == "mine.xml"
    assert "alternateName" not in entities["resources/dnab/dnab_E.xyz"]
    assert entities["inputs/2_mine.xml"]["alternateName"] == "mine.xml"


def loads_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The config of a research object, loaded in it; all that it names must lie in it."""
    monkeypatch.chdir(folder)
    found = load(read_yaml("config/config.yaml"), ["config/config.yaml"])
    for name, _ in inputs.named(found):
        assert not Path(name).is_absolute() and Path(name).is_file(), name
    return found


def test_files_from_elsewhere_are_named_where_they_lie(
    settings: dict[str, Any], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the config, in the system file, and in a MODEL.yaml; what lies in its place keeps its name."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree("resources/dnab", elsewhere)
    system = read_yaml("config/systems/dnab.yaml")
    system["basins"]["Z"]["geometry"] = str(elsewhere / "dnab_Z.xyz")
    system["literature"] = str(elsewhere / "literature.csv")
    rmsd = {"kind": "rmsd", "reference": str(elsewhere / "dnab_E.xyz"), "name": "to E"}
    system["variables"]["extra"].append({"kind": "difference", "terms": [rmsd, rmsd | {"weight": -1}], "name": "none"})
    settings["system"] = str(write_yaml(system, elsewhere / "mine.yaml"))
    settings["methods"]["gaff2"]["options"]["file"] = str(elsewhere / "gaff2.xml")
    settings["export"]["references"] = [str(elsewhere / "gaff2.bib")]
    (elsewhere / "shots.csv").write_text("x,y,k,n\n0,0,1,2\n")
    (elsewhere / "D.nc").write_text("diffusion")
    model = read_yaml("config/examples/theory_slow.yaml")
    model |= {"measured": str(elsewhere / "shots.csv"), "D": {"file": "D.nc"}}  # the one by its path, the other beside
    settings["theory"] = [str(write_yaml(model, elsewhere / "slow.yaml"))]
    export(settings, results, results / "export")
    found = loads_alone(results / "export", monkeypatch)
    assert found.methods["gaff2"].options["file"] == "inputs/gaff2.xml"
    assert found.system.literature == "inputs/literature.csv"
    assert found.system.reference_files == ("inputs/dnab_E.xyz",)
    assert {n: str(p) for n, p in found.system.geometries.items()} == {
        "Z": "inputs/dnab_Z.xyz",
        "E": "resources/dnab/dnab_E.xyz",
    }
    assert theory_files.inputs("inputs/slow.yaml") == ["inputs/shots.csv", "inputs/D.nc"]
    # A file that names nothing that was moved is the file itself.
    assert folders.digest("resources/dnab/dnab_E.xyz") == folders.digest(ROOT / "resources/dnab/dnab_E.xyz")


@pytest.mark.parametrize("name", ["references.bib", "README.md", "Snakefile", "LICENSE"])
def test_a_file_with_the_name_of_one_of_its_own_goes_into_inputs(
    settings: dict[str, Any], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for part in ("config", "resources"):
        (folder / part).symlink_to(ROOT / part)
    shutil.copy("resources/dnab/gaff2.bib", folder / name)
    monkeypatch.chdir(folder)
    settings["export"]["references"] = [f"./{name}"]
    export(settings, results, results / "export")
    mine, own = (results / "export" / place for place in (f"inputs/{name}", name))
    assert mine.read_bytes() == (folder / name).read_bytes() != own.read_bytes()
    assert graph(results / "export")[f"inputs/{name}"]["alternateName"] == name
    assert loads_alone(results / "export", monkeypatch).data["export"]["references"] == [f"inputs/{name}"]


def test_an_older_one_is_replaced_only_by_a_whole_one(made: Path, settings: dict[str, Any], results: Path) -> None:
    (made / "stale.txt").write_text("of an older run")
    (results / ".export.12345.part").mkdir()  # of a job that was killed
    (results / "pm6" / "rates.json").unlink()
    with pytest.raises(StoreError, match=r"pm6/rates.json: cannot be read"):
        export(settings, results, made)
    assert (made / "stale.txt").exists()
    assert [p.name for p in results.iterdir() if p.name.startswith(".")] == [".export.json"]
    write_json({}, results / "pm6" / "rates.json")
    before = (made / "data/pm6/rates.json").read_text()
    (made / "data/comparison/data/cost.csv").write_text("with a remark")
    tables = [results / "comparison" / name for name in TABLES if "scans" not in name and "cost" not in name]
    assert crate.export(settings, results, made, tables=tables) == ["data/comparison/data/cost.csv", "stale.txt"]
    assert (made / "data/pm6/rates.json").read_text() != before
    # A table that this run does not make any more goes; what is not ours stays.
    assert not (made / "data/comparison/scans").exists() and (made / "stale.txt").read_text() == "of an older run"


class TestNothingOfOthersIsLost:
    """Whatever lies in the folder and was not written by us, or was changed since, is there afterwards."""

    def test_notes_and_changed_files(self, made: Path, settings: dict[str, Any], results: Path) -> None:
        for name in ("my_notes.txt", "data/pm6/mine.csv", ".hidden/note"):
            (made / name).parent.mkdir(exist_ok=True)
            (made / name).write_text("mine")
        (made / crate_folder.README).write_text("with a remark")
        # As Snakemake does before it runs the job again.
        for name in (crate_folder.METADATA, "references.bib"):
            (made / name).unlink()
        foreign = crate.export(settings, results, made, tables=[results / "comparison" / name for name in TABLES])
        assert foreign == [".hidden/note", "README.md.kept", "data/pm6/mine.csv", "my_notes.txt"]
        assert (made / "README.md.kept").read_text() == "with a remark"
        assert (made / crate_folder.README).read_text().startswith("# ")
        assert all((made / name).read_text() == "mine" for name in foreign if "README" not in name)
        # Again: nothing else is moved.
        assert crate.export(settings, results, made, tables=[results / "comparison" / n for n in TABLES]) == foreign

    def test_an_export_of_a_version_without_the_list(self, made: Path, settings: dict[str, Any], results: Path) -> None:
        folders.record_of(made).unlink()
        (made / crate_folder.README).write_text("with a remark")
        folders.remember(made, crate_folder.METADATA)
        (made / crate_folder.METADATA).unlink()
        write_json({"new": 1}, results / "pm6" / "rates.json")
        foreign = crate.export(settings, results, made, tables=[results / "comparison" / name for name in TABLES])
        assert foreign == ["README.md.kept"]

    def test_a_folder_that_was_there_first(self, settings: dict[str, Any], results: Path) -> None:
        out = results / "export"
        (out / "data").mkdir(parents=True)
        (out / "Snakefile").write_text("mine")
        (out / "data" / "pm6").symlink_to(results / "pm6")
        with pytest.raises(StoreError, match=r"export: data/pm6/\S+ cannot be written: a link or a file"):
            export(settings, results, out)
        assert read_json(results / "pm6/rates.json") == {"of": "pm6", "what": "rates"}
        (out / "data" / "pm6").unlink()
        assert crate.export(settings, results, out, tables=[]) == ["Snakefile.kept"]
        assert (out / "Snakefile.kept").read_text() == "mine"

    def test_folders_that_look_like_ours(self, settings: dict[str, Any], results: Path) -> None:
        """Only what a killed export has left goes."""
        kept = [results / ".export.mine.part", results / ".export.77.part"]
        for folder in kept:
            folder.mkdir()
            (folder / "note").write_text("mine")
        left = results / ".export.78.part"
        left.mkdir()
        (left / folders.MARK).write_text("")
        (left / "half.nc").write_text("")
        export(settings, results, results / "export")
        assert all((folder / "note").is_file() for folder in kept) and not left.exists()


def test_the_same_run_gives_the_same_object(made: Path, settings: dict[str, Any], results: Path) -> None:
    before = (made / crate_folder.METADATA).read_text()
    export(settings, results, made)
    assert (made / crate_folder.METADATA).read_text() == before


def test_bibliography_goes_with_it_and_is_printed(made: Path, results: Path) -> None:
    entries = parse_file(str(made / "references.bib"), bib_format="bibtex").entries
    assert {"moussa2026", "stewart2007", "shirts2008"} <= set(entries) and "bosia2023" not in entries
    printed = CliRunner().invoke(cli.app, ["cite", str(results)])
    assert printed.exit_code == 0
    assert set(parse_string(printed.stdout, "bibtex").entries) == set(entries)
    cited = graph(made)["./"]["citation"]
    assert len(cited) == len(entries)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"licence": "no such thing"}, "export.licence"),
        ({"authors": [{"name": "X", "orcid": "1825-0097"}]}, "export.authors.0.orcid"),
        ({"authors": [{"orcid": "0000-0002-1825-0097"}]}, "export.authors.0"),
        ({"references": ["no/such.bib"]}, "no/such.bib does not exist"),
    ],
)
def test_a_wrong_key_is_one_line(root: Path, change: dict, words: str) -> None:
    data = yaml.safe_load((root / "config/config.yaml").read_text())
    data["export"] = change
    with pytest.raises(ConfigError) as caught:
        load_with_files(data)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["export", "comparison"])
def test_a_method_must_not_take_a_folder_that_is_not_its_own(root: Path, name: str) -> None:
    data = yaml.safe_load((root / "config/config.yaml").read_text())
    data["methods"][name] = data["methods"].pop("pm6")
    with pytest.raises(SeparatrixError, match=name):
        load(data)
