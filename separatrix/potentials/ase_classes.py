"""Which ASE calculators a config may name, with which arguments, and how each takes charge and multiplicity.

`CALCULATORS` are those that a config may name by itself: classes that are made from plain data, start no program, and
load no file that the config names. (A file of a neural network is a program: to load it runs what is in it.) Any other
class needs a word of trust, see :mod:`separatrix.potentials.trust`; for such `PROGRAMS` says how it takes a charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from separatrix.potentials.potential import Option

_NUMBER = (int, float)


@dataclass(frozen=True)
class Takes:
    """How a class takes the charge and the multiplicity of a molecule.

    Attributes
    ----------
    charge, multiplicity
        Name of an argument, dotted where that is a mapping inside another; `ATOMS`: from the atoms that it is given;
        `ITSELF`: it refuses what it does not describe; None: not at all, so it is for neutral singlets.
    """

    charge: str | None = None
    multiplicity: str | None = None


ATOMS = "@atoms"
ITSELF = "@itself"


@dataclass(frozen=True)
class Calculator:
    """A class that a config may name.

    Attributes
    ----------
    arguments
        What it takes, as the options of an engine.
    takes
        How it takes charge and multiplicity.
    own_folder
        Whether it reads or writes files in its working folder.
    """

    arguments: Mapping[str, Option]
    takes: Takes = field(default_factory=Takes)
    own_folder: bool = False


_XTB = {
    "accuracy": Option(_NUMBER, "of the self-consistent field", minimum=1e-6),
    "electronic_temperature": Option(_NUMBER, "of the occupation of orbitals, K", minimum=0.0),
    "max_iterations": Option(int, "before the field counts as not converged", minimum=1),
    "cache_api": Option(bool, "keep the library's objects from call to call"),
}

CALCULATORS: dict[str, Calculator] = {
    "ase.calculators.emt.EMT": Calculator({"asap_cutoff": Option(bool, "cutoff as in Asap")}),
    "ase.calculators.lj.LennardJones": Calculator(
        {
            "epsilon": Option(_NUMBER, "depth of the well, eV"),
            "sigma": Option(_NUMBER, "distance of zero energy, angstrom", minimum=0.0),
            "rc": Option(_NUMBER, "cutoff, angstrom", minimum=0.0),
            "ro": Option(_NUMBER, "where a smooth cutoff begins, angstrom", minimum=0.0),
            "smooth": Option(bool, "whether the cutoff is smooth"),
        }
    ),
    "ase.calculators.morse.MorsePotential": Calculator(
        {
            "epsilon": Option(_NUMBER, "depth of the well, eV"),
            "r0": Option(_NUMBER, "distance of the minimum, angstrom", minimum=0.0),
            "rho0": Option(_NUMBER, "exponential prefactor"),
            "rcut1": Option(_NUMBER, "where the cutoff begins, in r0", minimum=0.0),
            "rcut2": Option(_NUMBER, "cutoff, in r0", minimum=0.0),
        }
    ),
    "tblite.ase.TBLite": Calculator(
        {
            **_XTB,
            "method": Option(str, "Hamiltonian", choices=("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB")),
            "charge": Option(_NUMBER, "total charge, e"),
            "multiplicity": Option(int, "spin multiplicity", minimum=1),
            "mixer": Option(str, "of the self-consistent field"),
            "mixer_memory": Option(int, "history vectors of the mixer", minimum=0),
            "mixer_damping": Option(_NUMBER, "of the mixer", minimum=0.0),
            "guess": Option(str, "of the wavefunction", choices=("sad", "eeq", "eeqbc")),
            "annealing": Option((int, float, list), "initial temperature, or that, hold and cycles"),
            "electric_field": Option(list, "uniform field, V/angstrom"),
            "spin_polarization": Option(_NUMBER, "scaling factor of the spin polarisation"),
            "solvation": Option(list, "name of a solvation model and its arguments"),
            **{f"{model}_solvation": Option((str, int, float, list), "solvent") for model in ("alpb", "gbsa")},
            **{f"{model}_solvation": Option((str, int, float), "solvent") for model in ("cosmo", "cpcm", "pcm")},
            **{f"{model}_solvation": Option((int, float, list), "dielectric constant") for model in ("gb", "gbe")},
            "verbosity": Option(int, "of what is printed", minimum=0),
        },
        Takes("charge", "multiplicity"),
    ),
    "xtb.ase.calculator.XTB": Calculator(
        {
            **_XTB,
            "method": Option(str, "Hamiltonian", choices=("GFN2-xTB", "GFN1-xTB", "GFN0-xTB", "IPEA-xTB", "GFN-FF")),
            "solvent": Option(str, "name of an implicit solvent"),
        },
        Takes(ATOMS, ATOMS),
        own_folder=True,  # GFN-FF keeps a topology there, and reads the one that it finds
    ),
    "dftd3.ase.DFTD3": Calculator(
        {
            "method": Option(str, "functional"),
            "damping": Option(str, "damping function"),
            "cache_api": _XTB["cache_api"],
        }
    ),
    "dftd4.ase.DFTD4": Calculator(
        {"method": Option(str, "functional"), "model": Option(str, "D4 or D4S"), "cache_api": _XTB["cache_api"]},
        Takes(ATOMS, None),
    ),
    "aimnet.calculators.AIMNet2ASE": Calculator(
        {
            # By name only: a path would be that of a file that runs.
            "base_calc": Option(
                str, "name of a model", choices=("aimnet2", "aimnet2_b973c", "aimnet2_wb97m", "aimnet2-2025")
            ),
            "charge": Option(int, "total charge, e"),
            "validate_species": Option(bool, "refuse elements that the model does not know"),
        },
        Takes("charge", None),
        own_folder=True,  # older versions take a file of the model's name from there
    ),
    "separatrix.potentials.torchani_calculator.ANI": Calculator(
        {"model": Option(str, "name of a model", choices=("ANI1x", "ANI1ccx", "ANI2x"))}, Takes(ITSELF, ITSELF)
    ),
}

#: Of classes that are not made to be named by a config alone: how they take charge and multiplicity.
PROGRAMS: dict[str, Takes] = {
    "ase.calculators.aims.Aims": Takes("charge", None),
    "ase.calculators.cp2k.CP2K": Takes("charge", "multiplicity"),
    "ase.calculators.dftb.Dftb": Takes("Hamiltonian_Charge", None),
    "ase.calculators.gamess_us.GAMESSUS": Takes("contrl.icharg", "contrl.mult"),
    "ase.calculators.gaussian.Gaussian": Takes("charge", "mult"),
    "ase.calculators.mopac.MOPAC": Takes("charge", ATOMS),
    "ase.calculators.nwchem.NWChem": Takes("charge", ATOMS),
    "ase.calculators.orca.ORCA": Takes("charge", "mult"),
    "ase.calculators.psi4.Psi4": Takes("charge", "multiplicity"),
    "ase.calculators.qchem.QChem": Takes("charge", "multiplicity"),
}

#: Arguments that say what calculators start, which is for ASE's own configuration to say.
COMMANDS = frozenset(
    {"command", "commands", "exe", "executable", "launch", "launcher", "mpi", "pbs", "process", "profile", "runner"}
)
#: Arguments that say where they read and write: each has a folder of its own, which nothing else touches.
PLACES = frozenset(
    {
        "atoms",
        "directory",
        "ignore_bad_restart_file",
        "incoordfile",
        "infile",
        "label",
        "log",
        "log_file",
        "logfile",
        "mdcoordfile",
        "outcoordfile",
        "outdir",
        "outfile",
        "perm",
        "restart",
        "scratch",
        "tmp_dir",
        "txt",
        "userscr",
    }
)
#: Parts of names of arguments that hold a path.
PATHS = frozenset({"dir", "directory", "file", "files", "folder", "path", "paths"})

#: Other names for charge and multiplicity: whatever a class does with them, they have to be those of the molecule.
CHARGES = frozenset({"charge", "icharg", "net_charge", "total_charge", "tot_charge", "hamiltonian_charge"})
MULTIPLICITIES = frozenset({"mult", "multiplicity", "spin_multiplicity"})
