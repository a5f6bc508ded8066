"""Molecular mechanics: OpenMM ForceField XML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openmm
from openmm import app

from ..errors import ConfigError
from ..molecule import Molecule
from .base import Option, Potential

OPTIONS: dict[str, Option] = {
    "file": Option(
        str,
        "path of an OpenMM ForceField XML file with a template for the molecule",
        required=True,
        is_file=True,
    ),
    # For a few dozen atoms the Reference platform is several times faster than CPU, and it works in doubles.
    "platform": Option(str, "OpenMM platform", choices=("Reference", "CPU", "CUDA", "OpenCL")),
}


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Force field without cutoff and without constraints.

    Raises
    ------
    ConfigError
        When the file cannot be read or has no template that fits the molecule.
    """
    path = Path(options["file"])
    try:
        forcefield = app.ForceField(str(path))
        # A CMMotionRemover would spoil reversibility; velocities are drawn without total momentum instead.
        system = forcefield.createSystem(
            molecule.topology(), nonbondedMethod=app.NoCutoff, constraints=None, removeCMMotion=False
        )
    except Exception as error:  # OpenMM raises bare Exception, ValueError and XML errors alike
        raise ConfigError(f"file: {path}: {str(error).splitlines()[0]}") from error
    platform = options.get("platform", "Reference")
    return Potential(system, f"{path.name} (OpenMM {openmm.version.version}, {platform})", platform=platform)
