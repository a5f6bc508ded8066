"""Molecular mechanics: OpenMM ForceField XML, Amber prmtop and GROMACS top files."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openmm
from openmm import app

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.potentials import trust
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, registered_platform

OPTIONS: dict[str, Option] = {
    "file": Option(
        str,
        "path of an OpenMM ForceField XML file with a template for the molecule",
        required=True,
        is_file=True,
        guide="OpenMM ForceField XML with a template that fits the molecule, Amber prmtop, or GROMACS top",
    ),
    # For a few dozen atoms the Reference platform is several times faster than CPU, and it works in doubles.
    "platform": Option(
        str,
        "OpenMM platform",
        choices=("Reference", "CPU", "CUDA", "OpenCL"),
        default="Reference",
        guide="OpenMM platform: `Reference` (fastest for a few dozen atoms, double precision), `CPU`, `CUDA`, `OpenCL`",
    ),
}

#: Sums of charges that are given to four or five digits are off by this much at most, e.
_CHARGE_ERROR = 0.01


def multiplicities(options: Mapping[str, Any]) -> tuple[int, int]:
    """The ground state of molecules with an even and an odd number of electrons; a force field knows no other."""
    return 1, 2


def foreign(options: Mapping[str, Any]) -> trust.Foreign | None:
    """Python code in an OpenMM ForceField file, or in one that it includes: OpenMM runs it as it reads the file.

    A file that cannot be read says so when the potential is built.
    """
    path = Path(options.get("file", ""))
    if path.suffix.lower() in _TABLES or not path.is_file():
        return None
    seen: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        # What comes with OpenMM is trusted as OpenMM is.
        if file in seen or file.is_relative_to(_OPENMM):
            continue
        seen.add(file)
        status = file.stat()
        code, included = _scan(file, status.st_mtime_ns, status.st_size)
        if code:
            return trust.Foreign("file", "forcefield", f"{path}: runs Python code ({code} in {file.name})")
        for name in included:
            waiting += [
                place.resolve() for place in (file.parent / name, path.parent / name, Path(name)) if place.is_file()
            ]
    return None


_TABLES = (".prmtop", ".parm7", ".top")
_OPENMM = Path(app.__file__).resolve().parent / "data"


@functools.lru_cache(maxsize=64)
def _scan(file: Path, mtime: int, size: int) -> tuple[str, tuple[str, ...]]:
    """The first thing in a ForceField file that is run as Python, and the files that it includes."""
    included = []
    try:
        for _, element in ElementTree.iterparse(file):
            if element.tag in ("Script", "InitializationScript"):
                return f"<{element.tag}>", ()
            # OpenMM takes what is written here as an expression of Python.
            if element.get("useDispersionCorrection", "True").strip() not in ("True", "False", "0", "1"):
                return "useDispersionCorrection", ()
            if element.tag == "Include" and "file" in element.attrib:
                included.append(element.attrib["file"])
    except (
        ElementTree.ParseError,
        LookupError,
        ValueError,
        OSError,
    ):  # OpenMM reads it with the same parser, and fails as well
        return "", ()
    return "", tuple(included)


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """Force field without cutoff and without constraints.

    Raises
    ------
    ConfigError
        When the file cannot be read, or does not describe the molecule atom by atom; or when the platform is not there.
    """
    platform = options.get("platform", OPTIONS["platform"].default)
    registered_platform(platform)
    path = Path(options["file"])
    # A CMMotionRemover would spoil reversibility; velocities are drawn without total momentum instead.
    how = {"nonbondedMethod": app.NoCutoff, "constraints": None, "removeCMMotion": False}
    try:
        match path.suffix.lower():
            case ".prmtop" | ".parm7":
                described = app.AmberPrmtopFile(str(path))
                system, topology = described.createSystem(**how), described.topology
            case ".top":
                described = app.GromacsTopFile(str(path), includeDir=str(path.parent))
                system, topology = described.createSystem(**how), described.topology
            case _:
                topology = molecule.topology()
                system = app.ForceField(str(path)).createSystem(topology, **how)
    except Exception as error:  # OpenMM raises bare Exception, ValueError and XML errors alike
        reason = (str(error) or type(error).__name__).splitlines()[0]
        if reason.startswith("No template found"):
            # OpenMM's advice is about residues of proteins, and here the whole molecule is one residue.
            reason = (
                f"no template for all {len(molecule.symbols)} atoms and bonds of the molecule as one residue; give a "
                "file that has one (those for proteins have one for each amino acid), or its prmtop or top"
            )
        raise ConfigError(f"file: {path}: {reason}") from error
    symbols = tuple(a.element.symbol if a.element else "?" for a in topology.atoms())
    if symbols != molecule.symbols:
        raise ConfigError(f"file: {path}: its atoms are not those of the geometry files, in the same order")
    if topology.getPeriodicBoxVectors() is not None:
        raise ConfigError(
            f"file: {path}: describes a periodic box, and force fields are computed here without one (no cutoff, no "
            "Ewald sum): another system than the file means; give a file of the molecule alone, without box"
        )
    if count := system.getNumConstraints():
        raise ConfigError(
            f"file: {path}: holds {count} constraints (rigid water or bonds to hydrogen), which reversible dynamics "
            "here cannot have; give a file of the molecule alone, with all its bonds flexible"
        )
    _check_charge(system, molecule.charge, path)
    return Potential(system, f"{path.name} (OpenMM {openmm.version.version}, {platform})", platform=platform)


def _check_charge(system: openmm.System, charge: int, path: Path) -> None:
    """Refuse a file whose partial charges do not add up to the charge of the system."""
    for force in system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            partial = [force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles())]
            if abs(sum(partial) - charge) > _CHARGE_ERROR:
                raise ConfigError(
                    f"file: {path}: its partial charges add up to {sum(partial):+.3f} e, and the system's charge is "
                    f"{charge:+d}; correct one of them"
                )


ENGINE = Engine(
    name="forcefield",
    build=build,
    options=OPTIONS,
    summary="force fields of OpenMM, Amber and GROMACS files",
    unreferenced=lambda options: f"the force field of {Path(str(options['file'])).name}",
    seconds_per_gradient=0.005,
    multiplicities=multiplicities,
    foreign=foreign,
    in_openmm=True,
)
