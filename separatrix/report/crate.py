"""Everything behind a report as one folder that can be cited and used again: a Workflow Run RO-Crate.

The folder holds the config as it was used and all files that it names, the workflow, coordinates and reactive
trajectories in formats that other programs read, tables, results as JSON, and the papers that the run rests on.
``ro-crate-metadata.json`` describes every file (size, SHA-256, licence) and the run, after the profile Workflow Run
Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) on RO-Crate 1.1 (https://w3id.org/ro/crate/1.1).

The folder has the layout of the repository, and config and system name the files where they lie in it, so that
`snakemake` can be run in it where Separatrix and the engines are installed.
"""

from __future__ import annotations

import json
import logging
import mimetypes
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pybtex.database import Entry
from rocrate.model import ContextEntity, Person
from rocrate.model import File as CrateFile
from rocrate.rocrate import ROCrate

from separatrix.config.configuration import Config
from separatrix.config.sections.export_keys import AuthorSection
from separatrix.core import folders
from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset, read_json
from separatrix.core.molecule import Molecule, bonds_from_distances
from separatrix.core.units import ANGSTROM, FEMTOSECOND
from separatrix.core.version import code_version
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.report import citations, inputs, software
from separatrix.results.run import read_assessments, seconds_of
from separatrix.results.stationary_files import read_search, read_stationary
from separatrix.theory import model_file, theory_files

log = logging.getLogger(__name__)

METADATA = "ro-crate-metadata.json"
README = "README.md"
MAIN = "Snakefile"
CONFIG = "config/config.yaml"

ROOT = Path(__file__).resolve().parents[2]

WORKFLOW = (
    MAIN,
    "workflow/rules/*.smk",
    "workflow/schemas/*.yaml",
    "workflow/report/*",
    "scripts/*.py",
    "envs/*.yaml",
    "profiles/*/profile.yaml",
    "requirements.lock",
    "LICENSE",
    "CITATION.cff",
)
"""Files of the workflow, from the root of the repository."""

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)

TERMS = {"sha256": "http://schema.org/sha256", "creditText": "http://schema.org/creditText"}
"""Of schema.org, and younger than the context of RO-Crate 1.1."""

FORMATS = {
    ".nc": "application/x-netcdf",
    ".xyz": "chemical/x-xyz",
    ".pdb": "chemical/x-pdb",
    ".csv": "text/csv",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".cff": "application/yaml",
    ".bib": "application/x-bibtex",
    ".md": "text/markdown",
    ".xml": "application/xml",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".svg": "image/svg+xml",
    ".html": "text/html",
}


@dataclass
class _Item:
    """A file of the crate: what it is, the parameter of the workflow that it is a value of, its licence, where that is
    not the data's, and the path that the config names, where that is another."""

    description: str
    parameter: str = ""
    licence: str = ""
    original: str = ""


INPUTS = {
    "config": "the comparison: methods, sampling, rates",
    "system": "the molecule, its basins, saddle guesses and candidate variables",
    "input_files": "geometries, force fields, literature values, surfaces and BibTeX files that config and system name",
}
OUTPUTS = {
    "stationary_points": "minima and saddles of every method",
    "trajectories": "reactive trajectories of every method and chain",
    "judgements": "how each engine was checked, and whether the sampling converged, round by round",
    "coordinates": "the reaction coordinate of every method",
    "committors": "committors on the predicted separatrix, and how good the coordinate is",
    "rates": "rate constants by every route",
    "comparison": "every quantity of every method with its uncertainty",
    "tables": "what the figures are drawn from",
}


@dataclass
class _Stage:
    """The folder while it is filled, and what is in it."""

    folder: Path
    items: dict[str, _Item] = field(default_factory=dict)

    def place(self, name: str, item: _Item) -> Path:
        """Path to write a file of the crate to."""
        if name in self.items:
            raise StoreError(f"{self.folder}: {name} is there twice")
        self.items[name] = item
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def copy(self, source: Path | str, name: str, item: _Item) -> None:
        """Copy a file into the crate."""
        try:
            shutil.copyfile(source, self.place(name, item))
        except OSError as error:
            raise StoreError(f"{source}: cannot be read ({error.strerror or error})") from error


def export(
    settings: Mapping[str, Any], results: Path | str, out: Path | str, *, tables: Sequence[Path | str]
) -> list[str]:
    """Write the research object of a finished run, file by file in place of an older one when the new one is whole.

    What lies in the folder and has not been written by us stays, and so does what has been changed since.

    Parameters
    ----------
    settings
        The configuration, as Snakemake has read it.
    results
        Folder of the run's results.
    out
        Folder to write.
    tables
        Tables over all methods, in the folder ``comparison`` of the results: CSV files, ``comparison.json`` and the
        ``theory.json`` of each surface.

    Returns
    -------
    What lies in the folder and is not ours, by path in it; it is left as it is.

    Raises
    ------
    ConfigError
        When the configuration cannot be used.
    StoreError
        When a result is missing or damaged, or the folder cannot be written.
    """
    config, results, out = inputs.load_with_files(settings), Path(results), Path(out)
    try:
        with folders.staging(out) as temporary:
            stage = _Stage(temporary)
            _inputs(stage, config, settings)
            _workflow(stage)
            for name in config.methods:
                _method(stage, config, name, results)
            for table in tables:
                _table(stage, Path(table), results / "comparison")
            bibliography = stage.place(citations.BIBLIOGRAPHY, _Item("papers that the run rests on, as BibTeX"))
            bibliography.write_text(citations.bibtex(config))
            stage.place(README, _Item("what is in this folder")).write_text(_readme(config))
            _describe(stage, config, results)
            foreign = folders.install(temporary, out, METADATA)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from error
    log.info("%s: %d files", out, len(stage.items) + 1)
    return foreign


# --- what goes in ---------------------------------------------------------------------------------------------------


def _inputs(stage: _Stage, config: Config, settings: Mapping[str, Any]) -> None:
    """Config and system file and what they name; files that go to ``inputs/`` are named there in them."""
    system = str(Path(config.sections.system))
    named = {system: _Item(INPUTS["system"], "system")}
    for path, description in inputs.named(config):
        named.setdefault(str(Path(path)), _Item(description, "input_files"))
    places: dict[str, str] = {}
    taken = {CONFIG, README, METADATA, citations.BIBLIOGRAPHY, *(name for name, _ in _workflow_files())}
    for path in named:
        places[path] = _inside(path, taken)
        taken.add(places[path])
    moved = {path: name for path, name in places.items() if name != Path(path).as_posix()}
    text = "# The configuration as it was used, defaults filled in.\n"
    content = _yaml(_renamed(_plain(settings) | _own_results(config), moved))
    stage.place(CONFIG, _Item(INPUTS["config"], "config")).write_text(text + content)
    theory = {str(Path(path)) for path in config.sections.theory}
    for path, item in named.items():
        item.original = Path(path).name if path in moved else ""  # not where it lay on this machine
        if path == system:
            _copy_renamed(stage, path, places[path], item, read_yaml(path), moved)
        elif path in theory:
            # It may name files that lie beside it.
            names = {name: moved.get(str(Path(at)), name) for name, at in theory_files.named(path).items()}
            _copy_renamed(stage, path, places[path], item, model_file.plain(path), names)
        else:
            stage.copy(path, places[path], item)


def _own_results(config: Config) -> dict[str, str]:
    """Where a run in the crate writes to: as the config says, but nowhere outside the crate."""
    folder = Path(config.sections.results_directory)
    return {"results_directory": "results"} if folder.is_absolute() or ".." in folder.parts else {}


def _copy_renamed(
    stage: _Stage, path: str, name: str, item: _Item, content: dict[str, Any], moved: Mapping[str, str]
) -> None:
    """Copy a file; where it names one that lies elsewhere in the crate, write it anew with the name changed."""
    changed = _renamed(content, moved)
    if changed == content:
        stage.copy(path, name, item)
        return
    text = json.dumps(changed, indent=2) if Path(path).suffix.lower() == ".json" else _yaml(changed)
    stage.place(name, item).write_text(text)


def _renamed(value: Any, moved: Mapping[str, str]) -> Any:
    """Plain data with each file that it names where it lies in the crate."""
    if isinstance(value, dict):
        return {key: _renamed(item, moved) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, moved) for item in value]
    # A config may say ./x where the path of the file is known as x.
    return moved.get(value, moved.get(str(Path(value)), value)) if isinstance(value, str) else value


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    """Mappings and lists of Snakemake's own kinds as plain ones, which YAML can write."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _inside(path: str, taken: Container[str]) -> str:
    """Where a file goes: its own place, if that lies below the working folder and is free, else ``inputs/``."""
    pure = Path(path)
    name, number = pure.as_posix(), 2
    # What the crate holds of its own, such as its README, has its place, too.
    if pure.is_absolute() or ".." in pure.parts or pure.parts[0] == "data" or name in taken:
        name = f"inputs/{pure.name}"
    while name in taken:
        name, number = f"inputs/{number}_{pure.name}", number + 1
    return name


def _workflow_files() -> Iterator[tuple[str, Path]]:
    """Files of the workflow: place in the crate, and where they lie here."""
    for pattern in WORKFLOW:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                yield path.relative_to(ROOT).as_posix(), path


def _workflow(stage: _Stage) -> None:
    for name, path in _workflow_files():
        stage.copy(path, name, _Item("part of the workflow", licence="MIT"))


def _method(stage: _Stage, config: Config, name: str, results: Path) -> None:
    """Stationary points, trajectories and results of one method."""
    folder, label = results / name, config.methods[name].label
    symbols = config.system.molecule.symbols
    if config.surface_of(name) == name:
        for basin in config.system.basins:
            source = folder / f"minimum_{basin.name}.nc"
            description = f"{label}: lowest minimum of {basin.name}"
            _point(stage, read_stationary(source), symbols, f"data/{name}/minimum_{basin.name}.xyz", description)
        point = read_stationary(folder / "saddle.nc")
        _point(stage, point, symbols, f"data/{name}/saddle.xyz", f"{label}: saddle that sampling starts from")
        for guess in range(1, 1 + len(config.system.saddle_guesses)):
            source = folder / f"saddle_{guess}.nc"
            result = read_search(source) if source.is_file() else ""
            if isinstance(result, StationaryPoint):
                description = f"{label}: saddle from guess {guess}, joins {' and '.join(result.joins)}"
                _point(stage, result, symbols, f"data/{name}/saddle_{guess}.xyz", description)
    for chain in range(1, 1 + config.sections.sampling.chains):
        _trajectories(stage, folder / f"chain_{chain}" / "paths.nc", f"data/{name}/chain_{chain}", label)
    for file, parameter, description in (
        ("check.json", "judgements", "check of the engine"),
        ("coordinate.json", "coordinates", "reaction coordinate, and all that it was chosen from"),
        ("committor.json", "committors", "committors of all configurations"),
        ("rates.json", "rates", "rates by every route"),
    ):
        stage.copy(folder / file, f"data/{name}/{file}", _Item(f"{label}: {description}", parameter))
    for number in range(1, 1 + len(read_assessments(folder))):
        item = _Item(f"{label}: judgement of the sampling after round {number}", "judgements")
        stage.copy(folder / "rounds" / f"{number}.json", f"data/{name}/rounds/{number}.json", item)


def _point(stage: _Stage, point: StationaryPoint, symbols: Sequence[str], name: str, description: str) -> None:
    """A stationary point as extended XYZ; energy in kJ/mol, of the engine's own zero."""
    import ase
    import ase.io

    atoms = ase.Atoms(symbols, positions=point.positions / ANGSTROM)
    atoms.info = {
        "name": point.name,
        "energy_kJ_mol": point.energy,
        "imaginary_modes": int((point.wavenumbers < 0.0).sum()),
        "lowest_wavenumber_per_cm": float(point.wavenumbers.min()),
    }
    item = _Item(f"{description}; extended XYZ, angstrom", "stationary_points")
    ase.io.write(stage.place(name, item), atoms, format="extxyz")


def _trajectories(stage: _Stage, source: Path, folder: str, label: str) -> None:
    """All paths of a chain, one after another, as AMBER NetCDF with a PDB topology and a table of where each begins."""
    import mdtraj
    import netCDF4

    data = read_dataset(source)
    positions = data.positions.values
    symbols = tuple(str(s) for s in data.symbol.values)
    topology = Molecule(symbols, bonds_from_distances(symbols, positions[0])).mdtraj_topology()
    counts = data.n_frames.values
    frame = float(data.attrs["frame_fs"])
    time = np.concatenate([np.arange(n) for n in counts]) * frame * FEMTOSECOND
    whole = mdtraj.Trajectory(positions, topology, time=time)
    chain = f"{label}, chain {int(data.chain[0])}"
    description = f"{chain}: the initial and all accepted paths, one after another; AMBER NetCDF, every {frame:g} fs"
    path = stage.place(f"{folder}/paths.nc", _Item(description, "trajectories"))
    whole.save_netcdf(str(path))
    with netCDF4.Dataset(path, "a") as file:
        file.title = description  # MDTraj writes the time and the name of the machine
        file.history = f"written by {code_version()}"
    item = _Item(f"{chain}: topology of the trajectories, and their first frame", "trajectories")
    whole[0].save_pdb(str(stage.place(f"{folder}/topology.pdb", item)))
    table = pd.DataFrame(
        {
            "path": np.arange(len(counts)),
            "first_frame": np.cumsum(counts) - counts,
            "frames": counts,
            "move": data.move.values,
            "multiplicity": data.multiplicity.values,
            "mechanism": data.mechanism.values.astype(str),
        }
    )
    description = (
        f"{chain}: first frame (from 0) and length of each path, the move that made it (-1: the initial one), its "
        "weight in averages, its mechanism"
    )
    table.to_csv(stage.place(f"{folder}/paths.csv", _Item(description, "trajectories")), index=False)


def _table(stage: _Stage, path: Path, folder: Path) -> None:
    """A table over all methods."""
    item = _Item(f"table behind the figure {path.stem}", "tables")
    if path.stem == "comparison":
        item = _Item(OUTPUTS["comparison"], "comparison")
    elif path.suffix == ".json":
        item = _Item(f"theory of the surface {path.parent.name}", "tables")
    stage.copy(path, f"data/comparison/{path.relative_to(folder).as_posix()}", item)


# --- what is said of it ---------------------------------------------------------------------------------------------


def _describe(stage: _Stage, config: Config, results: Path) -> None:
    """Write ``ro-crate-metadata.json``."""
    crate = ROCrate(version="1.1")
    begun, ended = times(results, config.methods)
    title = _title(config)
    root = crate.root_dataset
    root["name"] = title
    root["description"] = (
        f"{config.system.title}, {config.system.reactant} to {config.system.product}: transition paths, reaction "
        "coordinates, committors and rate constants by "
        f"{', '.join(m.label for m in config.methods.values())}; made with Separatrix {code_version().version}"
    )
    root["datePublished"] = ended.date().isoformat()
    root["license"] = _licence(crate, config.sections.export.licence)
    root["conformsTo"] = [
        crate.add(ContextEntity(crate, uri, {"@type": "CreativeWork", "name": name, "version": version}))
        for uri, name, version in PROFILES
    ]
    crate.metadata.extra_terms.update(TERMS)
    crate.metadata["conformsTo"] = [
        {"@id": "https://w3id.org/ro/crate/1.1"},
        {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
    ]
    people = [_person(crate, author) for author in config.sections.export.authors]
    if people:
        root["author"] = _one(people)
    entries = citations.bibliography(config).entries
    papers = {key: _paper(crate, key, entry) for key, entry in entries.items()}
    root["citation"] = list(papers.values())
    files = {name: _file(crate, stage, name, item) for name, item in sorted(stage.items.items())}
    files[README]["about"] = root
    parameters = _parameters(crate, stage, files)
    workflow = _main_workflow(crate, stage, files, parameters)
    workflow["softwareRequirements"] = [
        _application(crate, code, papers) for code in software.of_run(config, _health(config, results))
    ]
    root["mainEntity"] = workflow
    action = crate.add(
        ContextEntity(
            crate,
            "#run",
            {
                "@type": "CreateAction",
                "name": f"Run of Separatrix: {title}",
                "description": "Snakemake ran the workflow on the config and made all that lies under data/. The times "
                "are those of its jobs' records, from the beginning of the first to the end of the last.",
                "startTime": begun.isoformat(timespec="seconds"),
                "endTime": ended.isoformat(timespec="seconds"),
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
    )
    action["instrument"] = workflow
    action["object"] = [files[n] for n, item in sorted(stage.items.items()) if item.parameter in INPUTS]
    action["result"] = [files[n] for n, item in sorted(stage.items.items()) if item.parameter in OUTPUTS]
    if people:
        action["agent"] = _one(people)
    root["mentions"] = action
    crate.write(stage.folder)


def _title(config: Config) -> str:
    methods = ", ".join(m.label for m in config.methods.values())
    system = config.system
    return f"{system.name}, {system.reactant} to {system.product}: {methods}"


def _file(crate: ROCrate, stage: _Stage, name: str, item: _Item) -> CrateFile:
    path = stage.folder / name
    properties: dict[str, Any] = {
        "name": path.name,
        "description": item.description,
        "contentSize": str(path.stat().st_size),
        "sha256": folders.digest(path),
        "encodingFormat": FORMATS.get(path.suffix) or mimetypes.guess_type(name)[0] or "text/plain",
    }
    if item.original:
        properties["alternateName"] = item.original
    if name == MAIN:
        properties["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    entity = crate.add_file(path, name, properties=properties)
    if item.licence:
        entity["license"] = _licence(crate, item.licence)
    return entity


def _parameters(crate: ROCrate, stage: _Stage, files: Mapping[str, CrateFile]) -> dict[str, ContextEntity]:
    """The workflow's inputs and outputs, each with the files that are its values in this run."""
    entities = {}
    for name, description in {**INPUTS, **OUTPUTS}.items():
        values = [files[n] for n, item in sorted(stage.items.items()) if item.parameter == name]
        if not values:
            continue
        properties = {
            "@type": "FormalParameter",
            "name": name,
            "description": description,
            "additionalType": "File",
            "valueRequired": name in ("config", "system"),
            "multipleValues": len(values) > 1,
            "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        }
        entity = crate.add(ContextEntity(crate, f"#parameter-{name}", properties))
        entity["workExample"] = _one(values)
        for value in values:
            value["exampleOfWork"] = entity
        entities[name] = entity
    return entities


def _main_workflow(
    crate: ROCrate, stage: _Stage, files: Mapping[str, CrateFile], parameters: Mapping[str, ContextEntity]
) -> CrateFile:
    """The Snakefile, as the workflow that was run."""
    language = ContextEntity(
        crate,
        "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
        {
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
            "url": {"@id": "https://snakemake.readthedocs.io"},
        },
    )
    workflow = files[MAIN]
    workflow["name"] = "Separatrix"
    workflow["description"] = "transition path sampling, reaction coordinates, committors and rates at levels of theory"
    workflow["encodingFormat"] = "text/x-python"
    workflow["version"] = code_version().version
    workflow["programmingLanguage"] = crate.add(language)
    workflow["conformsTo"] = {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"}
    workflow["input"] = [entity for name, entity in parameters.items() if name in INPUTS]
    workflow["output"] = [entity for name, entity in parameters.items() if name in OUTPUTS]
    workflow["hasPart"] = [
        files[n] for n, item in sorted(stage.items.items()) if item.licence and n.endswith((".smk", ".py"))
    ]
    return workflow


def _licence(crate: ROCrate, licence: str) -> ContextEntity:
    """A licence by its SPDX expression or the address of its text."""
    if licence.startswith("http"):
        uri = licence
    elif " " in licence:  # an expression of several has no page of its own
        uri = f"#licence-{licence.replace(' ', '-')}"
    else:
        uri = f"https://spdx.org/licenses/{licence}"
    return crate.get(uri) or crate.add(ContextEntity(crate, uri, {"@type": "CreativeWork", "name": licence}))


def _person(crate: ROCrate, author: AuthorSection) -> Person:
    uri = f"https://orcid.org/{author.orcid}" if author.orcid else f"#author-{_slug(author.name)}"
    person = crate.add(Person(crate, uri, {"name": author.name}))
    if author.affiliation:
        place = f"#organization-{_slug(author.affiliation)}"
        properties = {"@type": "Organization", "name": author.affiliation}
        person["affiliation"] = crate.get(place) or crate.add(ContextEntity(crate, place, properties))
    return person


def _one(values: list) -> Any:
    """A single value alone, as RO-Crate wants it; several as they are."""
    return values[0] if len(values) == 1 else values


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text).split())


def _paper(crate: ROCrate, key: str, entry: Entry) -> ContextEntity:
    fields = entry.fields
    doi = fields.get("doi", "")
    properties: dict[str, Any] = {"@type": "ScholarlyArticle", "name": citations.plain(fields.get("title", key))}
    if people := citations.authors(entry):
        properties["creditText"] = ", ".join(people)
    if "year" in fields:
        properties["datePublished"] = fields["year"]
    if "journal" in fields:
        properties["publication"] = " ".join(
            citations.plain(fields[part]) for part in ("journal", "volume", "pages") if part in fields
        )
    return crate.add(ContextEntity(crate, f"https://doi.org/{doi}" if doi else f"#paper-{key}", properties))


def _application(crate: ROCrate, code: software.Code, papers: Mapping[str, ContextEntity]) -> ContextEntity:
    uri = code.url or f"#{_slug(code.name)}"
    if crate.get(uri) is not None:  # the same code in another version
        uri = f"{uri}#{_slug(code.version)}"
    properties: dict[str, Any] = {"@type": "SoftwareApplication", "name": code.name, "softwareVersion": code.version}
    if code.url:
        properties["url"] = {"@id": code.url} if uri != code.url else code.url
    if code.statement:
        properties["description"] = code.statement
    entity = crate.add(ContextEntity(crate, uri, properties))
    entity["license"] = _licence(crate, code.licence)
    cited = [papers[key] for key in code.references if key in papers]
    if cited:
        entity["citation"] = _one(cited)
    return entity


def _health(config: Config, results: Path) -> dict[str, dict[str, Any]]:
    return {name: read_json(results / name / "check.json") for name in config.methods}


def times(results: Path | str, methods: Iterable[str]) -> tuple[datetime, datetime]:
    """When the first job of a run began and the last one ended.

    Snakemake writes a job's wall time when the job ends, so the time of that file less its content is the beginning.
    A damaged record counts as an end alone; where there is none at all, the times of the results stand in.

    Parameters
    ----------
    results
        Folder of the results.
    methods
        Names of the methods; what others have left there does not count.
    """
    results = Path(results)
    begun, ended = [], []
    for name in [*methods, "comparison"]:
        for path in (results / name).glob("benchmarks/*.tsv"):
            if path.stem == "export":
                continue
            end = path.stat().st_mtime
            begun.append(end - (seconds_of(path) or 0.0))
            ended.append(end)
    if not begun:
        ended = [p.stat().st_mtime for name in methods for p in (results / name).rglob("*") if p.is_file()]
        begun = ended
    if not begun:
        raise StoreError(f"{results}: holds no results of these methods")
    return tuple(datetime.fromtimestamp(t, UTC) for t in (min(begun), max(ended)))  # type: ignore[return-value]


def _readme(config: Config) -> str:
    """What is in the folder, for people."""
    rules = config.sections.export
    lines = [
        f"# {_title(config)}",
        "",
        f"{config.system.title}. Made with Separatrix {code_version().version}; a Workflow Run RO-Crate: "
        f"`{METADATA}` describes every file with its size and SHA-256.",
        "",
        f"Licence of the data: {rules.licence}; of the workflow: MIT.",
        "",
        "| where | what |",
        "|---|---|",
        "| `config/`, files beside it that it names | the config as it was used, and its inputs |",
        "| `Snakefile`, `workflow/`, `scripts/` | the workflow |",
        "| `data/METHOD/*.xyz` | minima and saddles, extended XYZ |",
        "| `data/METHOD/chain_N/paths.nc`, `topology.pdb` | reactive trajectories, AMBER NetCDF for MDTraj and VMD |",
        "| `data/METHOD/chain_N/paths.csv` | where each path begins, its length, weight and mechanism |",
        "| `data/METHOD/*.json` | check of the engine, coordinate, committors, rates; `rounds/`: convergence |",
        "| `data/comparison/` | all quantities with their uncertainty, and the tables behind the figures |",
        f"| `{citations.BIBLIOGRAPHY}` | the papers below |",
        "",
    ]
    if rules.authors:
        lines[2:2] = [", ".join(author.name for author in rules.authors), ""]
    lines += ["## Papers", "", "| key | used for |", "|---|---|"]
    papers = citations.used(config)
    for key in citations.bibliography(config).entries:
        lines.append(f"| {key} | {papers.get(key, 'named in the config')} |")
    if missing := citations.unnamed(config):
        lines += ["", f"No reference is known here for: {'; '.join(missing)}."]
    return "\n".join(lines) + "\n"
