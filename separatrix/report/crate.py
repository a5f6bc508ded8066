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
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from separatrix.config.configuration import Config
from separatrix.core import folders
from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset
from separatrix.core.molecule import Molecule, bonds_from_distances
from separatrix.core.units import ANGSTROM, FEMTOSECOND
from separatrix.core.version import code_version
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.report import citations, crate_metadata, inputs
from separatrix.report.crate_folder import CONFIG, INPUTS, MAIN, METADATA, OUTPUTS, README, CrateFolder, CrateItem
from separatrix.results.run import read_assessments
from separatrix.results.stationary_files import read_search, read_stationary
from separatrix.theory import model_file, theory_files

log = logging.getLogger(__name__)

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
            stage = CrateFolder(temporary)
            _inputs(stage, config, settings)
            _workflow(stage)
            for name in config.methods:
                _method(stage, config, name, results)
            for table in tables:
                _table(stage, Path(table), results / "comparison")
            bibliography = stage.place(citations.BIBLIOGRAPHY, CrateItem("papers that the run rests on, as BibTeX"))
            bibliography.write_text(citations.bibtex(config))
            stage.place(README, CrateItem("what is in this folder")).write_text(_readme(config))
            crate_metadata.describe(stage, config, results)
            foreign = folders.install(temporary, out, METADATA)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from error
    log.info("%s: %d files", out, len(stage.items) + 1)
    return foreign


def _inputs(stage: CrateFolder, config: Config, settings: Mapping[str, Any]) -> None:
    """Config and system file and what they name; files that go to ``inputs/`` are named there in them."""
    system = str(Path(config.sections.system))
    named = {system: CrateItem(INPUTS["system"], "system")}
    for path, description in inputs.named(config):
        named.setdefault(str(Path(path)), CrateItem(description, "input_files"))
    places: dict[str, str] = {}
    taken = {CONFIG, README, METADATA, citations.BIBLIOGRAPHY, *(name for name, _ in _workflow_files())}
    for path in named:
        places[path] = _inside(path, taken)
        taken.add(places[path])
    moved = {path: name for path, name in places.items() if name != Path(path).as_posix()}
    text = "# The configuration as it was used, defaults filled in.\n"
    content = _yaml(_renamed(_plain(settings) | _own_results(config), moved))
    stage.place(CONFIG, CrateItem(INPUTS["config"], "config")).write_text(text + content)
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
    stage: CrateFolder, path: str, name: str, item: CrateItem, content: dict[str, Any], moved: Mapping[str, str]
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


def _workflow(stage: CrateFolder) -> None:
    for name, path in _workflow_files():
        stage.copy(path, name, CrateItem("part of the workflow", licence="MIT"))


def _method(stage: CrateFolder, config: Config, name: str, results: Path) -> None:
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
        stage.copy(folder / file, f"data/{name}/{file}", CrateItem(f"{label}: {description}", parameter))
    for number in range(1, 1 + len(read_assessments(folder))):
        item = CrateItem(f"{label}: judgement of the sampling after round {number}", "judgements")
        stage.copy(folder / "rounds" / f"{number}.json", f"data/{name}/rounds/{number}.json", item)


def _point(stage: CrateFolder, point: StationaryPoint, symbols: Sequence[str], name: str, description: str) -> None:
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
    item = CrateItem(f"{description}; extended XYZ, angstrom", "stationary_points")
    ase.io.write(stage.place(name, item), atoms, format="extxyz")


def _trajectories(stage: CrateFolder, source: Path, folder: str, label: str) -> None:
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
    path = stage.place(f"{folder}/paths.nc", CrateItem(description, "trajectories"))
    whole.save_netcdf(str(path))
    with netCDF4.Dataset(path, "a") as file:
        file.title = description  # MDTraj writes the time and the name of the machine
        file.history = f"written by {code_version()}"
    item = CrateItem(f"{chain}: topology of the trajectories, and their first frame", "trajectories")
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
    table.to_csv(stage.place(f"{folder}/paths.csv", CrateItem(description, "trajectories")), index=False)


def _table(stage: CrateFolder, path: Path, folder: Path) -> None:
    """A table over all methods."""
    item = CrateItem(f"table behind the figure {path.stem}", "tables")
    if path.stem == "comparison":
        item = CrateItem(OUTPUTS["comparison"], "comparison")
    elif path.suffix == ".json":
        item = CrateItem(f"theory of the surface {path.parent.name}", "tables")
    stage.copy(path, f"data/comparison/{path.relative_to(folder).as_posix()}", item)


def _readme(config: Config) -> str:
    """What is in the folder, for people."""
    rules = config.sections.export
    lines = [
        f"# {crate_metadata.title_of(config)}",
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
