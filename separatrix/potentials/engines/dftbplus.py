"""DFTB+ (23.1 or newer) through the C interface of its library: DFTB2, DFTB3, GFN1-xTB, GFN2-xTB.

On any error the library stops the process it is in, and it writes files into that process's folder. So this engine
always runs in a worker process, which runs in a scratch directory of its own.

Parameters that are not in Slater-Koster files:

* maximum angular momenta, Hubbard derivatives and the exponent 4.00 of the hydrogen damping: 3ob-3-1 (M. Gaus, A. Goez,
  M. Elstner, J. Chem. Theory Comput. 9, 338 (2013); M. Gaus et al., ibid. 10, 1518 (2014); M. Kubillus et al., ibid.
  11, 332 (2015));
* D3(BJ) for 3ob: Kubillus et al.; D4 with three-body terms for mio and 3ob: B. Hourahine et al., J. Chem. Phys. 152,
  124101 (2020).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, BOHR, HARTREE
from separatrix.potentials import trust
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, Potential, python_potential

OPTIONS: dict[str, Option] = {
    "method": Option(
        str,
        "Hamiltonian; closed shells only",
        choices=("DFTB2", "DFTB3", "GFN1-xTB", "GFN2-xTB"),
        required=True,
    ),
    "slater_koster_directory": Option(
        str,
        "folder of the Slater-Koster files (mio-1-1 for DFTB2, 3ob-3-1 for DFTB3)",
        shown_default="`SLAKO_DIR`",
        guide=(
            "folder of the files `C-N.skf` …, for DFTB2 (mio-1-1) and DFTB3 (3ob-3-1); `SLAKO_DIR` may also hold "
            "folders of these names"
        ),
    ),
    "library": Option(
        str,
        "path of libdftbplus.so",
        shown_default="`DFTBPLUS_LIB`",
        guide=(
            "path of `libdftbplus.so`, [if you allow it](../docs/engines.md#security); else it is looked for in the "
            "conda environment and by the system's loader"
        ),
    ),
    "dispersion": Option(
        str,
        "correction for dispersion",
        choices=("none", "D3BJ", "D4"),
        default="none",
        guide="correction for dispersion: `none`, `D3BJ` (DFTB3), `D4` (DFTB2, DFTB3)",
    ),
    "solvent": Option(
        str,
        "GBSA or ALPB parameter file of an implicit solvent; the gas phase if absent",
        default="none",
        shown_default="gas phase",
        guide=("parameter file of an implicit solvent, or its name in `DFTBPLUS_PARAM_DIR`; with DFTB2 and DFTB3 only"),
    ),
    "solvation": Option(str, "model of the implicit solvent", choices=("gbsa", "alpb"), default="gbsa"),
    "scc_tolerance": Option((int, float), "self-consistency criterion on charges, e", minimum=1e-14, default=1e-8),
    "max_scc_iterations": Option(int, "before the field counts as not converged", minimum=1, default=200),
    "electronic_temperature_K": Option(
        (int, float), "of the occupation of orbitals, K", minimum=0.0, shown_default="0; xTB 300"
    ),
}

_ORBITALS = {"H": "s", **dict.fromkeys(("C", "N", "O", "F"), "p"), **dict.fromkeys(("P", "S", "Cl", "Br", "I"), "d")}
_HUBBARD_DERIVATIVES = {
    "H": -0.1857,
    "C": -0.1492,
    "N": -0.1535,
    "O": -0.1575,
    "F": -0.1623,
    "P": -0.1400,
    "S": -0.1100,
    "Cl": -0.0697,
    "Br": -0.0573,
    "I": -0.0433,
}
_SETS = {"DFTB2": "mio-1-1", "DFTB3": "3ob-3-1"}
_DISPERSION: dict[tuple[str, str], str] = {
    ("DFTB3", "D3BJ"): "DftD3 {\n    s6 = 1.0\n    s8 = 3.209\n    Damping = BeckeJohnson {\n      a1 = 0.746\n"
    "      a2 = 4.191\n    }\n  }",
    (
        "DFTB2",
        "D4",
    ): "DftD4 {\n    s6 = 1.0\n    s8 = 1.2916225\n    s9 = 1.0\n    a1 = 0.5965326\n    a2 = 4.8778602\n  }",
    (
        "DFTB3",
        "D4",
    ): "DftD4 {\n    s6 = 1.0\n    s8 = 0.6635015\n    s9 = 1.0\n    a1 = 0.5523240\n    a2 = 4.3537076\n  }",
}
_INSTALL = "install DFTB+ 23.1 or newer (conda-forge: dftbplus), and name its libdftbplus.so here or in DFTBPLUS_LIB"
_OUTPUT = "output.txt"  # the worker quotes its end when the library stops the process


def _value(options: Mapping[str, Any], key: str) -> Any:
    return options.get(key, OPTIONS[key].default)


def multiplicities(options: Mapping[str, Any]) -> tuple[int]:
    """Closed shells: its input here has no spin constants."""
    return (1,)


def foreign(options: Mapping[str, Any]) -> trust.Foreign | None:
    """A shared library runs as soon as it is loaded."""
    if "library" not in options:
        return None
    instead = "leave it out and set DFTBPLUS_LIB to that path"
    return trust.Foreign("library", "dftbplus", f"loads and runs {options['library']}", instead)


def check(options: Mapping[str, Any]) -> None:
    """Refuse paths that would end the line of DFTB+'s input that they stand in, and go on as input.

    Raises
    ------
    ConfigError
        At the first one.
    """
    for key in ("slater_koster_directory", "solvent"):
        if not {*options.get(key, "")}.isdisjoint("\"'\n\r{}<>"):
            raise ConfigError(
                f"{key}: {options[key]!r} holds a character that DFTB+ takes for its own; rename the path"
            )


def settle(molecule: Molecule, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with full paths, taken from the config or the environment, and checked before a process is started.

    Raises
    ------
    ConfigError
        When the library, a Slater-Koster file or a parameter file is missing, or the options do not fit together.
    """
    method = options["method"]
    complete = {**options, "library": _library(options.get("library"))}
    dispersion = _value(options, "dispersion")
    if method in _SETS:
        unknown = sorted({*molecule.symbols} - {*_ORBITALS})
        if unknown:
            raise ConfigError(
                f"method: {method} in potential 'dftbplus' has no parameters for {', '.join(unknown)}"
                f" (it has them for {', '.join(_ORBITALS)})"
            )
        complete["slater_koster_directory"] = _slater_koster(method, molecule, options.get("slater_koster_directory"))
        if dispersion != "none" and (method, dispersion) not in _DISPERSION:
            raise ConfigError(f"dispersion: no {dispersion} parameters are published for {method} with mio; use D4")
        if "solvent" in options:
            complete["solvent"] = _solvent(options["solvent"])
    else:
        if dispersion != "none":
            raise ConfigError(f"dispersion: {method} has its own; leave this out")
        if "solvent" in options:
            raise ConfigError(f"solvent: DFTB+ has none for {method}; use potential 'tblite'")
    if "solvation" in options and "solvent" not in options:
        raise ConfigError("solvation: needs a solvent")
    return complete


def _library(named: str | None) -> str:
    source = "library"
    if named is None and os.environ.get("DFTBPLUS_LIB"):
        named, source = os.environ["DFTBPLUS_LIB"], "DFTBPLUS_LIB"
    if named is not None:
        if Path(named).is_file():
            return str(Path(named).resolve())
        if os.sep not in named:  # the loader looks for it
            return named
        raise ConfigError(f"{source}: {named} does not exist; {_INSTALL}")
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    for prefix in filter(None, (os.environ.get("CONDA_PREFIX"), sys.prefix)):
        path = Path(prefix, "lib", f"libdftbplus{suffix}")
        if path.is_file():
            return str(path)
    library = ctypes.util.find_library("dftbplus")
    if library is None:
        raise ConfigError(f"library: libdftbplus is not found; {_INSTALL}")
    return library


def _slater_koster(method: str, molecule: Molecule, named: str | None) -> str:
    get = f"get the parameter set {_SETS[method]} from dftb.org"
    source, places = "slater_koster_directory", [named] if named else []
    if named is None:
        root = os.environ.get("SLAKO_DIR")
        if not root:
            raise ConfigError(f"{source}: missing; {method} needs Slater-Koster files: {get}, or set SLAKO_DIR")
        source, places = "SLAKO_DIR", [root, str(Path(root, _SETS[method]))]
    names = [f"{a}-{b}.skf" for a, b in itertools.product(sorted({*molecule.symbols}), repeat=2)]
    lacks = [[name for name in names if not Path(place, name).is_file()] for place in places]
    for place, lack in zip(places, lacks, strict=True):
        if not lack:
            return str(Path(place).resolve())
    raise ConfigError(f"{source}: {places[0]} has no file {lacks[0][0]}; {get}")


def _solvent(named: str) -> str:
    root = os.environ.get("DFTBPLUS_PARAM_DIR", "")
    for path in (Path(named), Path(root, named), Path(root, "gbsa", named)):
        if path.is_file():
            return str(path.resolve())
    raise ConfigError(
        f"solvent: {named} does not exist, nor in DFTBPLUS_PARAM_DIR; give a GBSA or ALPB parameter file of DFTB+"
    )


def geometry_text(molecule: Molecule) -> str:
    """The file `geometry.gen`: the species; any positions will do, for each call brings its own."""
    species = list(dict.fromkeys(molecule.symbols))
    lines = [f"{molecule.n_atoms} C", " ".join(species)]
    for i, symbol in enumerate(molecule.symbols):
        lines.append(f"{i + 1} {species.index(symbol) + 1} {BOHR / ANGSTROM * 4.0 * i:.6f} 0.0 0.0")
    return "\n".join(lines) + "\n"


def input_text(molecule: Molecule, options: Mapping[str, Any]) -> str:
    """The file `dftb_in.hsd`, from checked options."""
    method = options["method"]
    species = list(dict.fromkeys(molecule.symbols))
    tight_binding = method in _SETS
    temperature = options.get("electronic_temperature_K", 0.0 if tight_binding else 300.0)
    lines = [
        "Geometry = GenFormat {",
        '  <<< "geometry.gen"',
        "}",
        f"Hamiltonian = {'DFTB' if tight_binding else 'xTB'} {{",
        f"  Charge = {molecule.charge:.1f}",
    ]
    if tight_binding:
        lines += [
            "  SCC = Yes",
            "  MaxAngularMomentum {",
            *(f'    {s} = "{_ORBITALS[s]}"' for s in species),
            "  }",
            "  SlaterKosterFiles = Type2FileNames {",
            f'    Prefix = "{options["slater_koster_directory"]}/"',
            '    Separator = "-"',
            '    Suffix = ".skf"',
            "  }",
        ]
    else:
        lines += [f'  Method = "{method}"']
    if method == "DFTB3":
        lines += [
            "  ThirdOrderFull = Yes",
            "  HubbardDerivs {",
            *(f"    {s} = {_HUBBARD_DERIVATIVES[s]:.4f}" for s in species),
            "  }",
            "  HCorrection = Damping {",
            "    Exponent = 4.00",
            "  }",
        ]
    if _value(options, "dispersion") != "none":
        lines += [f"  Dispersion = {_DISPERSION[method, options['dispersion']]}"]
    if "solvent" in options:
        lines += [
            "  Solvation = GeneralisedBorn {",
            f'    ParamFile = "{options["solvent"]}"',
            f"    ALPB = {'Yes' if _value(options, 'solvation') == 'alpb' else 'No'}",
            "  }",
        ]
    lines += [
        f"  SCCTolerance = {_value(options, 'scc_tolerance'):.3e}",
        f"  MaxSCCIterations = {_value(options, 'max_scc_iterations')}",
        "  ConvergentSCCOnly = Yes",
        "  Filling = Fermi {",
        f"    Temperature [K] = {temperature:.6f}",
        "  }",
        "}",
        "Analysis {",
        "  CalculateForces = Yes",
        "}",
        "Options {",
        "  WriteDetailedOut = No",
        "}",
        "ParserOptions {",
        "  ParserVersion = 13",  # DFTB+ 23.1; newer ones convert
        "  WriteHSDInput = No",
        "}",
    ]
    return "\n".join(lines) + "\n"


class DftbPlusEngine:
    """One DFTB+ instance, which starts each field from the charges of the last call.

    Nothing in the interface sets these charges. To forget them the instance is ended and made anew (some 20 ms for
    34 atoms), and the first field after that is converged at the remembered geometry. One process may hold one instance
    at a time, which is what this does.
    """

    def __init__(self, molecule: Molecule, options: Mapping[str, Any]) -> None:
        Path("geometry.gen").write_text(geometry_text(molecule))
        Path("dftb_in.hsd").write_text(input_text(molecule, options))
        self._shape = (molecule.n_atoms, 3)
        self._library = _declare(ctypes.CDLL(options["library"]))
        self._instance = ctypes.c_void_p()
        self._origin: np.ndarray | None = None
        self._last: np.ndarray | None = None
        # An input that is not accepted ends the process here.
        self._open()
        self._close()

    def _open(self) -> None:
        tree = ctypes.c_void_p()
        self._library.dftbp_init(ctypes.byref(self._instance), _OUTPUT.encode())
        self._library.dftbp_get_input_from_file(ctypes.byref(self._instance), b"dftb_in.hsd", ctypes.byref(tree))
        self._library.dftbp_process_input(ctypes.byref(self._instance), ctypes.byref(tree))
        if hasattr(self._library, "dftbp_input_final"):  # newer than 23.1
            self._library.dftbp_input_final(ctypes.byref(tree))
        self._cold = True

    def _close(self) -> None:
        if self._instance:
            self._library.dftbp_final(ctypes.byref(self._instance))
        self._instance = ctypes.c_void_p()

    def _run(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        energy, gradient = ctypes.c_double(), np.empty(self._shape)
        self._library.dftbp_set_coords(ctypes.byref(self._instance), _doubles(positions / BOHR))
        self._library.dftbp_get_energy(ctypes.byref(self._instance), ctypes.byref(energy))
        self._library.dftbp_get_gradients(ctypes.byref(self._instance), _doubles(gradient))
        return energy.value, gradient

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm; a field that does not converge ends the process."""
        if not self._instance:
            self._open()
        if self._cold and self._origin is not None:
            self._run(self._origin)
        self._cold = False
        energy, gradient = self._run(positions)
        self._last = positions.copy()
        return energy * HARTREE, gradient * (HARTREE / BOHR)

    def remember(self) -> None:
        """Keep the present geometry as the one that each restart begins from."""
        self._origin = self._last

    def restore(self) -> None:
        """End the instance; the next one begins at the remembered geometry."""
        self._close()


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """State the C signatures; both handles are structures that hold one pointer."""
    handle, doubles = ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_double)
    integer = ctypes.POINTER(ctypes.c_int)
    signatures = {
        "dftbp_api": [integer, integer, integer],
        "dftbp_init": [handle, ctypes.c_char_p],
        "dftbp_get_input_from_file": [handle, ctypes.c_char_p, handle],
        "dftbp_process_input": [handle, handle],
        "dftbp_set_coords": [handle, doubles],
        "dftbp_get_energy": [handle, doubles],
        "dftbp_get_gradients": [handle, doubles],
        "dftbp_final": [handle],
    }
    if hasattr(library, "dftbp_input_final"):
        signatures["dftbp_input_final"] = [handle]
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, None
    return library


def _doubles(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _api(library: ctypes.CDLL) -> tuple[int, int, int]:
    numbers = [ctypes.c_int() for _ in range(3)]
    library.dftbp_api(*(ctypes.byref(n) for n in numbers))
    major, minor, patch = (n.value for n in numbers)
    return major, minor, patch


def build(molecule: Molecule, options: Mapping[str, Any]) -> Potential:
    """DFTB+ as a Potential; to be called in a worker process, with checked options.

    Raises
    ------
    ConfigError
        When the library cannot be loaded, is no DFTB+, or is older than 23.1.
    """
    options = settle(molecule, options)
    try:
        api = _api(_declare(ctypes.CDLL(options["library"])))
    except (OSError, AttributeError) as error:
        raise ConfigError(f"library: {' '.join(str(error).split())}; {_INSTALL}") from error
    interface = ".".join(map(str, api))  # the library does not tell its release
    if api < (0, 4, 0):
        raise ConfigError(f"library: its interface is {interface}, older than 0.4.0; {_INSTALL}")
    engine = DftbPlusEngine(molecule, options)
    parts = [options["method"]]
    if _value(options, "dispersion") != "none":
        parts[0] += f"-{options['dispersion']}"
    if "solvent" in options:
        parts.append(f"in {Path(options['solvent']).stem} ({_value(options, 'solvation').upper()})")
    if "slater_koster_directory" in options:
        parts.append(f"with {options['slater_koster_directory']}")
    return python_potential(molecule, engine, f"{' '.join(parts)} (DFTB+, interface {interface})")


_PAPERS = {
    "DFTB2": ("elstner1998",),
    "DFTB3": ("gaus2011", "gaus2013"),  # the second: the parameters, 3ob
    "GFN1-xTB": ("grimme2017",),
    "GFN2-xTB": ("bannwarth2019",),
}
_PAPERS_OF_DISPERSION = {"D3BJ": ("grimme2011",), "D4": ("caldeweyher2019",)}


def papers(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The program, the Hamiltonian, the correction for dispersion, and the solvent where there is one."""
    dispersion = _PAPERS_OF_DISPERSION.get(options.get("dispersion", "none"), ())
    solvent = ("ehlert2021",) if options.get("solvent") else ()
    return ("hourahine2020", *_PAPERS[options["method"]], *dispersion, *solvent)


ENGINE = Engine(
    name="dftbplus",
    build=build,
    options=OPTIONS,
    summary="DFTB and extended tight binding by libdftbplus",
    code="DFTB+",
    url="https://dftbplus.org",
    licence="LGPL-3.0-or-later",
    papers=papers,
    seconds_per_gradient=0.2,
    memory_MB=600,
    environment="dftbplus",
    multiplicities=multiplicities,
    check=check,
    foreign=foreign,
    settle=settle,
    needs_worker=lambda options: True,
)
