"""DFTB+: what is written to it, how it is spoken to, and, where it is installed, its numbers.

Three kinds of tests:

* of the input files and of what is said when something is missing: these always run;
* of the protocol, against `fake_dftbplus.c`, a library with the same C interface and a harmonic energy: these say that
  the C signatures, the worker process and the forgetting of charges are right, and nothing about DFTB; they need a C
  compiler;
* of the real library: they need DFTBPLUS_LIB, and SLAKO_DIR with the folders mio-1-1 and 3ob-3-1 in it.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from models import dnab, forgets

from separatrix.core.errors import ConfigError, EngineLost, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.seeds import stream
from separatrix.core.units import ANGSTROM, BOHR, HARTREE, KCAL
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, maxwell_boltzmann, run_half
from separatrix.dynamics.stationary import relax
from separatrix.potentials import build
from separatrix.potentials.engines.dftbplus import geometry_text, input_text

UNIT = KCAL / ANGSTROM
WATER = Molecule(("O", "H", "H"), ((0, 1), (0, 2)))
APART = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]])


def close(potential) -> None:
    potential.seam.engine.close()


def fill(folder: Path, symbols: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for a in symbols:
        for b in symbols:
            (folder / f"{a}-{b}.skf").touch()
    return folder


@pytest.fixture
def nothing(monkeypatch):
    """A machine without DFTB+ and without parameters."""
    for name in ("DFTBPLUS_LIB", "SLAKO_DIR", "DFTBPLUS_PARAM_DIR", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr("sys.prefix", "/nonexistent")
    monkeypatch.setenv("SEPARATRIX_ALLOW_PROGRAMS", "dftbplus")  # else `library` is refused


# Input ------------------------------------------------------------------------------------------------------


def test_input_of_dnab_dftb3():
    molecule, _ = dnab("E")
    text = input_text(molecule, {"method": "DFTB3", "slater_koster_directory": "/sk", "dispersion": "D3BJ"})
    assert (
        text
        == """Geometry = GenFormat {
  <<< "geometry.gen"
}
Hamiltonian = DFTB {
  Charge = 0.0
  SCC = Yes
  MaxAngularMomentum {
    C = "p"
    N = "p"
    O = "p"
    H = "s"
  }
  SlaterKosterFiles = Type2FileNames {
    Prefix = "/sk/"
    Separator = "-"
    Suffix = ".skf"
  }
  ThirdOrderFull = Yes
  HubbardDerivs {
    C = -0.1492
    N = -0.1535
    O = -0.1575
    H = -0.1857
  }
  HCorrection = Damping {
    Exponent = 4.00
  }
  Dispersion = DftD3 {
    s6 = 1.0
    s8 = 3.209
    Damping = BeckeJohnson {
      a1 = 0.746
      a2 = 4.191
    }
  }
  SCCTolerance = 1.000e-08
  MaxSCCIterations = 200
  ConvergentSCCOnly = Yes
  Filling = Fermi {
    Temperature [K] = 0.000000
  }
}
Analysis {
  CalculateForces = Yes
}
Options {
  WriteDetailedOut = No
}
ParserOptions {
  ParserVersion = 13
  WriteHSDInput = No
}
"""
    )


def test_input_of_dnab_dftb2():
    molecule, _ = dnab("E")
    options = {"method": "DFTB2", "slater_koster_directory": "/sk", "dispersion": "D4"}
    text = input_text(
        molecule, {**options, "scc_tolerance": 1e-6, "max_scc_iterations": 50, "electronic_temperature_K": 300}
    )
    assert "ThirdOrder" not in text and "HubbardDerivs" not in text and "HCorrection" not in text
    assert "DftD4" in text and "s8 = 1.2916225" in text
    assert "SCCTolerance = 1.000e-06" in text and "MaxSCCIterations = 50" in text and "= 300.0" in text


def test_input_of_an_anion_in_solution():
    molecule = Molecule(("O", "H"), ((0, 1),), charge=-1)
    text = input_text(
        molecule, {"method": "DFTB2", "slater_koster_directory": "/sk", "solvent": "/p.txt", "solvation": "alpb"}
    )
    assert "Charge = -1.0" in text
    assert 'Solvation = GeneralisedBorn {\n    ParamFile = "/p.txt"\n    ALPB = Yes\n' in text


def test_input_of_xtb():
    text = input_text(WATER, {"method": "GFN2-xTB"})
    assert 'Hamiltonian = xTB {\n  Charge = 0.0\n  Method = "GFN2-xTB"\n  SCCTolerance' in text
    assert "300.0" in text


def test_geometry_of_dnab():
    molecule, _ = dnab("E")
    lines = geometry_text(molecule).splitlines()
    assert lines[:2] == ["34 C", "C N O H"] and len(lines) == 36
    assert [lines[1].split()[int(line.split()[1]) - 1] for line in lines[2:]] == list(molecule.symbols)
    x = np.array([line.split()[2:] for line in lines[2:]], dtype=float)
    assert np.linalg.norm(np.diff(x, axis=0), axis=1).min() > 1.0


# What is missing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^library: libdftbplus is not found; install .*conda-forge: dftbplus.*DFTBPLUS_LIB$"),
        ({"library": "/no/libdftbplus.so"}, "^library: /no/libdftbplus.so does not exist; install"),
        ({"library": "LIB"}, "^slater_koster_directory: missing; DFTB3 .* 3ob-3-1 from dftb.org, or set SLAKO_DIR$"),
        ({"library": "LIB", "slater_koster_directory": "SK"}, "^slater_koster_directory: .* has no file H-O.skf; get"),
        ({"library": "LIB", "method": "DFTB4"}, "^method: 'DFTB4' is not one of"),
        ({"library": "LIB", "method": "DFTB2", "dispersion": "D3BJ", "slater_koster_directory": "FULL"}, "use D4"),
        ({"library": "LIB", "slater_koster_directory": "FULL", "solvent": "water.txt"}, "^solvent: water.txt does not"),
        ({"library": "LIB", "slater_koster_directory": "FULL", "solvation": "alpb"}, "^solvation: needs a solvent"),
        ({"library": "LIB", "method": "GFN1-xTB", "dispersion": "D4"}, "^dispersion: GFN1-xTB has its own"),
        ({"library": "LIB", "method": "GFN1-xTB", "solvent": "water"}, "^solvent: DFTB.* none for GFN1-xTB; .*tblite"),
        ({"library": "LIB", "method": "GFN1-xTB"}, "^library: .*install DFTB"),  # a file, but no library
    ],
)
def test_what_is_missing_is_said_in_one_line(nothing, tmp_path, options, message):
    (tmp_path / "libdftbplus.so").write_text("no library")
    fill(tmp_path / "part", "H")
    fill(tmp_path / "full", "OH")
    places = {"LIB": tmp_path / "libdftbplus.so", "SK": tmp_path / "part", "FULL": tmp_path / "full"}
    options = {"method": "DFTB3", **{k: str(places.get(v, v)) for k, v in options.items()}}
    with pytest.raises(ConfigError, match=message) as caught:
        build("dftbplus", WATER, options)
    assert "\n" not in str(caught.value)


def test_environment_names_library_and_parameters(nothing, tmp_path, monkeypatch):
    monkeypatch.setenv("DFTBPLUS_LIB", "/no/where.so")
    with pytest.raises(ConfigError, match=r"^DFTBPLUS_LIB: /no/where.so does not exist"):
        build("dftbplus", WATER, {"method": "GFN1-xTB"})
    (tmp_path / "lib.so").touch()
    monkeypatch.setenv("DFTBPLUS_LIB", str(tmp_path / "lib.so"))
    monkeypatch.setenv("SLAKO_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^SLAKO_DIR: .* has no file H-H.skf; get the parameter set mio-1-1"):
        build("dftbplus", WATER, {"method": "DFTB2"})
    fill(tmp_path / "mio-1-1", "OH")
    with pytest.raises(ConfigError, match=r"^library: .*lib.so"):  # now only the library is wrong
        build("dftbplus", WATER, {"method": "DFTB2"})


def test_molecules_it_cannot_describe(nothing, tmp_path):
    (tmp_path / "lib.so").touch()
    options = {"method": "DFTB3", "library": str(tmp_path / "lib.so")}
    with pytest.raises(ConfigError, match=r"^multiplicity: DFTB3 of potential 'dftbplus' cannot do 3, only 1;"):
        build("dftbplus", Molecule(("O", "O"), ((0, 1),), multiplicity=3), options)
    with pytest.raises(ConfigError, match="no parameters for Si"):
        build("dftbplus", Molecule(("Si", "O"), ((0, 1),)), options)


# Protocol ---------------------------------------------------------------------------------------------------


def compiled(folder: Path, minor: int = 4) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the stand-in of libdftbplus")
    source, library = Path(__file__).parents[1] / "fake_dftbplus.c", folder / f"libfake{minor}.so"
    subprocess.run([compiler, "-shared", "-fPIC", f"-DAPI_MINOR={minor}", "-o", library, source], check=True)
    return str(library)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Options that run the stand-in; not DFTB."""
    monkeypatch.setenv("SEPARATRIX_ALLOW_PROGRAMS", "dftbplus")  # else `library` is refused
    return {
        "method": "DFTB2",
        "library": compiled(tmp_path),
        "slater_koster_directory": str(fill(tmp_path / "s", "OH")),
    }


def test_protocol_units_and_files(fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    # Paths in a config are relative to where the run was started, not to where the worker stands.
    potential = build("dftbplus", WATER, {**fake, "slater_koster_directory": "s", "library": "libfake4.so"})
    energy, gradient = potential.energy_and_gradient(APART)
    assert energy == pytest.approx(0.125 * HARTREE * 2 * (0.1 / BOHR) ** 2, rel=1e-12)
    np.testing.assert_allclose(gradient, 0.25 * HARTREE / BOHR * APART / BOHR, rtol=1e-12)
    assert f"DFTB2 with {tmp_path}/s (DFTB+, interface 0.4.0)" in potential.description
    scratch = potential.seam.engine._scratch
    assert (scratch / "dftb_in.hsd").is_file() and (scratch / "geometry.gen").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    close(potential)
    assert not scratch.exists()


def test_protocol_stop_of_the_process_is_one_error(fake):
    potential = build("dftbplus", WATER, fake)
    potential.remember(APART)
    potential.restart()
    before = potential.energy_and_gradient(1.1 * APART)
    said = "ended with status 1: -> SCC is NOT converged, maximal SCC iterations"
    with pytest.raises(PotentialError, match=said) as caught:
        potential.energy_and_gradient(0.1 * APART)
    # The library has judged the geometry, and would again.
    assert not isinstance(caught.value, EngineLost)
    potential.restart()
    after = potential.energy_and_gradient(1.1 * APART)
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert potential.seam.engine.restarts == 1
    close(potential)


@pytest.mark.parametrize("remembered", [True, False])
def test_protocol_restart_forgets(fake, remembered):
    potential = build("dftbplus", WATER, fake)
    if remembered:
        potential.remember(APART)
    energies = []
    for stray in (1.2, 1.3, 1.4):
        potential.restart()
        energies.append([potential.energy_and_gradient(f * APART)[0] for f in (1.1, 1.15)])
        potential.energy_and_gradient(stray * APART)
        potential.seam.forget()
        assert potential.energy_and_gradient(1.1 * APART)[0] != energies[-1][0]  # the stand-in does remember
    assert energies[0] == energies[1] == energies[2]
    assert potential.seam.engine.restarts == 0
    close(potential)


def test_protocol_refused_input_is_a_config_error(fake, monkeypatch):
    monkeypatch.setenv("FAKE_DFTBPLUS_REFUSES", "1")
    with pytest.raises(
        ConfigError, match=r"^potential 'dftbplus' does not start: .*Invalid hamiltonian\. Line"
    ) as caught:
        build("dftbplus", WATER, fake)
    assert "\n" not in str(caught.value)


def test_protocol_old_library(fake, tmp_path):
    with pytest.raises(ConfigError, match=r"^library: its interface is 0\.3\.0, older than 0\.4\.0; install DFTB"):
        build("dftbplus", WATER, {**fake, "library": compiled(tmp_path, 3)})


# The real library -------------------------------------------------------------------------------------------

REAL = {
    "DFTB2": {"method": "DFTB2"},
    "DFTB3": {"method": "DFTB3"},
    "DFTB3-D3BJ": {"method": "DFTB3", "dispersion": "D3BJ"},
    "DFTB3-D4": {"method": "DFTB3", "dispersion": "D4"},
    "GFN1": {"method": "GFN1-xTB"},
    "GFN2": {"method": "GFN2-xTB"},
}
real = pytest.mark.skipif(
    not (os.environ.get("DFTBPLUS_LIB") and os.environ.get("SLAKO_DIR")),
    reason="DFTB+ is not tested: set DFTBPLUS_LIB (libdftbplus.so, with tblite and s-dftd3) and SLAKO_DIR"
    " (folders mio-1-1 and 3ob-3-1)",
)


@pytest.fixture(scope="module", params=list(REAL))
def dftb(request):
    molecule, start = dnab("E")
    potential = build("dftbplus", molecule, REAL[request.param])
    x = relax(molecule, potential.energy_and_gradient, start, fmax=3.0, steps=40)
    potential.remember(x)
    yield potential, x + 0.003 * np.random.default_rng(11).standard_normal(x.shape)
    close(potential)


@real
def test_gradient(dftb):
    potential, x = dftb
    _, gradient = potential.energy_and_gradient(x)
    rng = np.random.default_rng(3)
    errors = []
    for direction in [*np.eye(x.size)[::7].reshape(-1, *x.shape), *rng.standard_normal((5, *x.shape))]:
        direction = direction / np.linalg.norm(direction)
        e = [potential.energy_and_gradient(x + k * 2e-4 * direction)[0] for k in (-2, -1, 1, 2)]
        numerical = (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * 2e-4)
        errors.append(((gradient * direction).sum() - numerical) / UNIT)
    print("largest error, kcal/mol/A:", np.abs(errors).max())
    assert np.abs(errors).max() < 0.005


@real
def test_restart_is_exact(dftb):
    potential, x = dftb
    forgets(potential, x, (0.01, 0.004, 0.002))
    assert potential.seam.engine.restarts == 0


@real
def test_dynamics_conserves_energy(dftb):
    """Without the energy jump that counts as a failed half."""
    potential, x = dftb
    molecule, _ = dnab("E")
    potential.restart()
    engine = MDEngine(molecule, potential, DynamicsSettings(300.0, 1.0, 1, 100.0))
    nowhere = Basin("nowhere", (Interval(Variable("d", "distance", (9, 10)), 50.0, 60.0),))
    velocities = maxwell_boltzmann(x, potential.masses, 300.0, stream(1, "dftbplus"))
    half = run_half(engine, engine.snapshot(x, velocities), [nowhere])
    assert half.end == "none", half.reason


@real
def test_field_that_does_not_converge_is_contained():
    molecule, x = dnab("E")
    potential = build("dftbplus", molecule, {"method": "DFTB3", "max_scc_iterations": 2})
    for _ in range(2):
        with pytest.raises(PotentialError, match=r"ended with status .*SCC is NOT converged"):
            potential.energy_and_gradient(x)
    close(potential)


@real
def test_two_atoms_on_one_spot_are_contained(dftb):
    potential, x = dftb
    potential.restart()
    reference = potential.energy_and_gradient(x)
    y = x.copy()
    y[9] = y[10] + 1e-7
    with pytest.raises(PotentialError):
        potential.energy_and_gradient(y)
    potential.restart()
    again = potential.energy_and_gradient(x)
    assert again[0] == reference[0]
    np.testing.assert_array_equal(again[1], reference[1])


@real
@pytest.mark.parametrize(
    ("word", "method", "same"),
    [
        ("sparrow", "DFTB2", 0.05),
        ("sparrow", "DFTB3", 0.05),
        ("tblite", "GFN1-xTB", 1e-4),
        ("tblite", "GFN2-xTB", 1e-4),
    ],
)
def test_energies_as_sparrow_and_tblite_have_them(word, method, same):
    """Z above E, each relaxed by DFTB+: the other program's energies at these geometries (kcal/mol)."""
    ours, theirs = [], []
    for isomer in "EZ":
        molecule, start = dnab(isomer)
        potential = build("dftbplus", molecule, {"method": method})
        x = relax(molecule, potential.energy_and_gradient, start, fmax=0.5, steps=200)
        ours.append(potential.energy_and_gradient(x)[0] / KCAL)
        theirs.append(build(word, molecule, {"method": method}).energy_and_gradient(x)[0] / KCAL)
        close(potential)
    print(method, "Z - E, kcal/mol:", ours[1] - ours[0], word, theirs[1] - theirs[0])
    assert ours[1] - ours[0] == pytest.approx(theirs[1] - theirs[0], abs=same)
    assert ours == pytest.approx(theirs, abs=same)


@real
def test_z_over_e_dftb3():
    energies = []
    for isomer in "EZ":
        molecule, start = dnab(isomer)
        potential = build("dftbplus", molecule, {"method": "DFTB3"})
        x = relax(molecule, potential.energy_and_gradient, start, fmax=0.05, steps=1000)
        energies.append(potential.energy_and_gradient(x)[0] / KCAL)
        close(potential)
    print("DFTB3 Z - E, kcal/mol:", energies[1] - energies[0])
    assert energies[1] - energies[0] == pytest.approx(3.3, abs=0.2)


@real
def test_charge_reaches_it():
    """Protonated water against water: a proton affinity in the range of chemistry, not of a lost charge."""
    water = np.array([[0, 0, 0], [0.0959, 0, 0], [-0.0240, 0.0929, 0]])
    hydronium = np.vstack([water, [-0.05, -0.05, 0.065]])
    energies = []
    for molecule, x in (
        (WATER, water),
        (Molecule(("O", "H", "H", "H"), ((0, 1), (0, 2), (0, 3)), charge=1), hydronium),
    ):
        potential = build("dftbplus", molecule, {"method": "DFTB3"})
        relaxed = relax(molecule, potential.energy_and_gradient, x, fmax=1.0, steps=100)
        energies.append(potential.energy_and_gradient(relaxed)[0] / KCAL)
        close(potential)
    print("E(H3O+) - E(H2O), kcal/mol:", energies[1] - energies[0])
    assert -60.0 < energies[1] - energies[0] < 0.0  # with the charge lost, below -140: a hydrogen atom more
