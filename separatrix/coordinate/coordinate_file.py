"""Reading and writing of reaction coordinates: YAML, JSON, PLUMED input, OpenMM XML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from separatrix.coordinate.openmm_force import openmm_force
from separatrix.coordinate.plumed import plumed
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate, from_dict, from_results
from separatrix.core.errors import ConfigError
from separatrix.core.files import read_json, replacing
from separatrix.core.yaml_file import read_yaml

if TYPE_CHECKING:
    pass


def read(path: Path | str) -> ReactionCoordinate:
    """A reaction coordinate: the small file, or ``coordinate.json`` of a run.

    Raises
    ------
    ConfigError
        In one line that says what is wrong with the file.
    StoreError
        When it is JSON and damaged.
    """
    path = Path(path)
    data = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no reaction coordinate")
    try:
        return from_results(data) if "coordinate" in data else from_dict(data)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def write(coordinate: ReactionCoordinate, path: Path | str) -> list[Path]:
    """Write a coordinate in the format that the ending of `path` says.

    ``.yaml``, ``.yml``, ``.json``: the small file. ``.dat``: PLUMED input (and a ``.pdb`` beside it for each RMSD).
    ``.xml``: an OpenMM CustomCVForce whose energy is r in kJ/mol, for `openmm.XmlSerializer.deserialize`.

    Returns
    -------
    The files that were written.

    Raises
    ------
    ConfigError
        For another ending, or a variable that the format cannot express.
    StoreError
        When a file cannot be written.
    """
    path = Path(path)
    texts: dict[str, str]
    try:
        if path.suffix in (".yaml", ".yml"):
            # Lists of numbers in one line: a reference geometry would else take a line per number.
            texts = {
                path.name: yaml.safe_dump(coordinate.to_dict(), sort_keys=False, default_flow_style=None, width=120)
            }
        elif path.suffix == ".json":
            texts = {path.name: json.dumps(coordinate.to_dict(), indent=2, allow_nan=False) + "\n"}
        elif path.suffix == ".dat":
            texts = plumed(coordinate, path.name)
        elif path.suffix == ".xml":
            import openmm

            texts = {path.name: openmm.XmlSerializer.serialize(openmm_force(coordinate))}
        else:
            raise ConfigError(f"{path}: unknown ending; known: .yaml, .json, .dat (PLUMED), .xml (OpenMM)")
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    for name, text in texts.items():
        with replacing(path.with_name(name)) as temporary:
            temporary.write_text(text)
    return [path.with_name(name) for name in texts]
