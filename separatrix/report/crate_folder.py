"""The folder of a research object while it is filled, and what is in it."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from separatrix.core.errors import StoreError

log = logging.getLogger(__name__)

METADATA = "ro-crate-metadata.json"
README = "README.md"
MAIN = "Snakefile"
CONFIG = "config/config.yaml"


@dataclass
class CrateItem:
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
class CrateFolder:
    """The folder while it is filled, and what is in it."""

    folder: Path
    items: dict[str, CrateItem] = field(default_factory=dict)

    def place(self, name: str, item: CrateItem) -> Path:
        """Path to write a file of the crate to."""
        if name in self.items:
            raise StoreError(f"{self.folder}: {name} is there twice")
        self.items[name] = item
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def copy(self, source: Path | str, name: str, item: CrateItem) -> None:
        """Copy a file into the crate."""
        try:
            shutil.copyfile(source, self.place(name, item))
        except OSError as error:
            raise StoreError(f"{source}: cannot be read ({error.strerror or error})") from error
