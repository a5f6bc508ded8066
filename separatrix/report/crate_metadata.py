"""What a research object says of itself: `ro-crate-metadata.json`, by the profiles of RO-Crate for workflow runs."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pybtex.database import Entry
from rocrate.model import ContextEntity, Person
from rocrate.model import File as CrateFile
from rocrate.rocrate import ROCrate

from separatrix.config.configuration import Config
from separatrix.config.sections.export_keys import AuthorSection
from separatrix.core import folders
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json
from separatrix.core.program import Code
from separatrix.core.version import code_version
from separatrix.report import citations, software
from separatrix.report.crate_folder import INPUTS, MAIN, OUTPUTS, README, CrateFolder, CrateItem
from separatrix.results.run import seconds_of

log = logging.getLogger(__name__)

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


def describe(stage: CrateFolder, config: Config, results: Path) -> None:
    """Write ``ro-crate-metadata.json``.

    Parameters
    ----------
    stage
        The folder with all that goes into the crate.
    config, results
        Of the run; the folder of its results.
    """
    crate = ROCrate(version="1.1")
    begun, ended = times(results, config.methods)
    title = title_of(config)
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


def title_of(config: Config) -> str:
    """System, reaction and methods in one line."""
    methods = ", ".join(m.label for m in config.methods.values())
    system = config.system
    return f"{system.name}, {system.reactant} to {system.product}: {methods}"


def _file(crate: ROCrate, stage: CrateFolder, name: str, item: CrateItem) -> CrateFile:
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


def _parameters(crate: ROCrate, stage: CrateFolder, files: Mapping[str, CrateFile]) -> dict[str, ContextEntity]:
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
    crate: ROCrate, stage: CrateFolder, files: Mapping[str, CrateFile], parameters: Mapping[str, ContextEntity]
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


def _application(crate: ROCrate, code: Code, papers: Mapping[str, ContextEntity]) -> ContextEntity:
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
