"""Each Hamiltonian by a second program: at displaced geometries, where an error of a term or a threshold shows.

Sparrow and MOPAC share AM1, RM1 and PM6 and are both installed. The programs `mopac` and `xtb` (packages of Debian) are
run where they are on the PATH; without them those tests alone are skipped. GAFF2 is held against Amber's file in
test_cross_checks.py. No second program was found for DFTB0, DFTB2, DFTB3, MNDO and PM3 of Sparrow's with its parameters
(DFTB+ has DFTB2 and DFTB3, where it is installed: test_dftbplus.py), nor for IPEA1-xTB and PM6-ORG.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest
from ase.build import molecule as ase_molecule
from models import dnab, numerical_gradient

from separatrix import potentials
from separatrix.core.molecule import Molecule, bonds_from_distances
from separatrix.core.units import ANGSTROM, BOHR, HARTREE, KCAL
from separatrix.potentials.engines.mopac import _triple_bonds, planar_nitrogen, short_carbon_bonds

UNIT = KCAL / ANGSTROM
MOPAC, XTB = shutil.which("mopac"), shutil.which("xtb")
needs_mopac = pytest.mark.skipif(not MOPAC, reason="the program mopac is not on the PATH (Debian: mopac)")
needs_xtb = pytest.mark.skipif(not XTB, reason="the program xtb is not on the PATH (Debian: xtb)")
CARBONS = ["C2H4", "C2H2", "2-butyne", "C3H4_D2d", "butadiene", "C6H6"]


@cache
def _named(name: str) -> tuple[Molecule, np.ndarray]:
    if name in ("E", "Z"):
        return dnab(name)
    atoms = ase_molecule(name)
    symbols, positions = tuple(atoms.get_chemical_symbols()), atoms.get_positions() * ANGSTROM
    return Molecule(symbols, bonds_from_distances(symbols, positions)), positions


def _displaced(name: str, sizes: tuple[float, ...] = (0.0, 0.003, 0.006)) -> list[np.ndarray]:
    """A geometry, and some of it whose coordinates are off by these sizes (nm)."""
    rng = np.random.default_rng(7)
    x = _named(name)[1]
    return [x + size * rng.standard_normal(x.shape) for size in sizes]


def _ours(word: str, options: dict, name: str, points: list[np.ndarray]) -> list[tuple[float, np.ndarray]]:
    """Energies (kcal/mol) and gradients (kcal/mol/angstrom)."""
    potential = potentials.build(word, _named(name)[0], options)
    answers = [potential.energy_and_gradient(x) for x in points]
    return [(energy / KCAL, gradient / UNIT) for energy, gradient in answers]


def _agree(ours, theirs, *, energy: float, force: float, absolute: bool = False) -> None:
    """Energies within `energy` kcal/mol, relative to the first unless absolute; gradients in kcal/mol/angstrom."""
    zero = (0.0, 0.0) if absolute else (ours[0][0], theirs[0][0])
    for (one, slope), (other, other_slope) in zip(ours, theirs, strict=True):
        print(one - zero[0] - other + zero[1], np.abs(slope - other_slope).max())
        assert one - zero[0] == pytest.approx(other - zero[1], abs=energy)
        np.testing.assert_allclose(slope, other_slope, atol=force)


# MOPAC and Sparrow ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CARBONS, "CH3NO2", "CH3CN", "E"])
@pytest.mark.parametrize("method", ["PM6", "AM1", "RM1"])
def test_mopac_and_sparrow(method, name):
    """Their constants differ, which shows in compressed bonds; the planarity term of nitrogen is MOPAC's alone."""
    points = _displaced(name)
    sparrow = _ours("sparrow", {"method": method, "max_scf_iterations": 500}, name, points)
    force = {"C2H2": 1.6, "CH3NO2": 2.6, "E": 1.6}.get(name, 0.7) if method == "PM6" else 0.4
    _agree(_ours("mopac", {"hamiltonian": method}, name, points), sparrow, energy=0.3, force=force)


# Gradients against the energy of the same program ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["CH3NO2", "2-butyne"])
@pytest.mark.parametrize(
    ("word", "options", "largest"),
    [
        *(("mopac", {"hamiltonian": h}, 0.1) for h in ("PM6", "PM6-D3H4", "PM7", "AM1", "RM1")),
        *(("sparrow", {"method": m}, 0.01) for m in ("DFTB0", "PM6", "PM3", "AM1", "RM1", "MNDO")),
        *(("tblite", {"method": m}, 0.01) for m in ("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB")),
    ],
    ids=lambda v: "-".join(v.values()) if isinstance(v, dict) else None,
)
def test_gradients_of_small_molecules(word, options, largest, name):
    molecule, x = _named(name)[0], _displaced(name, (0.002,))[0]
    potential = potentials.build(word, molecule, options)
    numerical = numerical_gradient(lambda y: potential.energy_and_gradient(y)[0], x, step=2e-4)
    np.testing.assert_allclose(potential.energy_and_gradient(x)[1], numerical, atol=largest * UNIT)


@pytest.mark.parametrize("name", ["E", "Z"])
@pytest.mark.parametrize("hamiltonian", ["PM6", "PM7"])
def test_errors_of_mopac_change_sign_in_the_mirror(hamiltonian, name):
    """So the mean over a geometry and its mirror image is right: what this package adds to MOPAC's gradient is, too."""
    molecule, x = _named(name)
    real, mirrored = (potentials.build("mopac", molecule, {"hamiltonian": hamiltonian}) for _ in range(2))
    mean = (real.energy_and_gradient(x)[1] - mirrored.energy_and_gradient(-x)[1]) / 2.0
    for atom, axis in ((1, 0), (1, 1), (1, 2), (17, 0), (17, 2), (3, 0), (9, 1), (10, 0), (12, 1), (19, 0)):
        shift = np.zeros_like(x)
        shift[atom, axis] = 2e-4
        near = real.energy_and_gradient(x + shift)[0] - real.energy_and_gradient(x - shift)[0]
        assert mean[atom, axis] == pytest.approx(near / 4e-4, abs=0.03 * UNIT)


# The wall on bonds between carbons -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_short_carbon_bonds_gradient(seed):
    rng = np.random.default_rng(seed)
    x = np.array([[0, 0, 0], [0.126, 0, 0], [0.254, 0, 0], [0, 0.5, 0.0]]) + 0.0008 * rng.standard_normal((4, 3))
    pairs = np.array([[0, 1], [1, 2], [0, 2]])
    energy, gradient = short_carbon_bonds(x, pairs)
    numerical = numerical_gradient(lambda y: short_carbon_bonds(y, pairs)[0], x, step=1e-6)
    np.testing.assert_allclose(gradient, numerical, atol=1e-2)
    assert 0.0 < energy < 24.0 * KCAL
    assert np.abs(gradient).max() > UNIT


def test_short_carbon_bonds_energy():
    """12 kcal/mol below 1.21 angstrom, none above 1.33; half-way 1/2 + 7.5/64 of it, by hand."""
    pair = np.array([[0, 1]])
    for length, energy in ((0.110, 12.0), (0.1209, 12.0), (0.127, 12.0 * (0.5 + 7.5 / 64)), (0.1331, 0.0), (0.4, 0.0)):
        x = np.array([[0, 0, 0], [0, length, 0]])
        assert short_carbon_bonds(x, pair)[0] / KCAL == pytest.approx(energy, abs=1e-9)


@pytest.mark.parametrize("hamiltonian", ["PM6", "PM6-D3H4", "PM6-ORG", "PM7", "AM1", "RM1"])
def test_no_hamiltonian_has_a_wall(hamiltonian):
    """Ethene: what the bond costs at 1.26 angstrom is no more than its force constant at rest asks for, and a little.

    MOPAC's function of the distance is worth 8 kcal/mol there.
    """
    molecule, x = _named("C2H4")
    potential = potentials.build("mopac", molecule, {"hamiltonian": hamiltonian})

    def energy(stretch: float) -> float:
        moved = x.copy()
        along = np.where(x[:, 2:] > 0, 1.0, -1.0) * np.array([[0, 0, 0.5]])
        return potential.energy_and_gradient(moved + stretch * along)[0] / KCAL

    rest = np.linalg.norm(x[0] - x[1])
    stretches = np.linspace(0.1335, 0.145, 6) - rest
    parabola = np.polynomial.Polynomial.fit(stretches, [energy(s) for s in stretches], 3)
    assert energy(0.126 - rest) == pytest.approx(parabola(0.126 - rest), abs=2.0)


@pytest.mark.parametrize(
    ("symbols", "bonds", "number"),
    [
        ("CCHH", ((0, 1), (0, 2), (1, 3)), 1),
        ("CCCCHH", ((0, 1), (1, 2), (2, 3), (0, 4), (3, 5)), 2),  # butadiyne
        ("CCCHHHH", ((0, 1), (1, 2), (0, 3), (0, 4), (2, 5), (2, 6)), 0),  # allene
        ("CCHHHH", ((0, 1), (0, 2), (0, 3), (1, 4), (1, 5)), 0),
        ("CNH", ((0, 1), (0, 2)), 0),
    ],
)
def test_number_of_triple_bonds(symbols, bonds, number):
    assert _triple_bonds(Molecule(tuple(symbols), bonds)) == number


# Programs of Debian --------------------------------------------------------------------------------------------


def _mopac(hamiltonian: str, molecule: Molecule, points: list[np.ndarray], folder) -> list[tuple[float, np.ndarray]]:
    """Of MOPAC 22; numbers in kcal/mol and kcal/mol/angstrom."""
    answers = []
    spin = {1: "", 2: " UHF DOUBLET", 3: " UHF TRIPLET"}[molecule.multiplicity]
    for x in points:
        head = f"{hamiltonian} 1SCF GRADIENTS PRECISE AUX(PRECISION=9) RELSCF=0.001 GEO-OK NOSYM{spin}"
        rows = [
            f"{s} {a:.10f} 1 {b:.10f} 1 {c:.10f} 1" for s, (a, b, c) in zip(molecule.symbols, x / ANGSTROM, strict=True)
        ]
        (folder / "a.mop").write_text("\n".join([head, "", "", *rows, ""]))
        subprocess.run([MOPAC, "a.mop"], cwd=folder, check=True, capture_output=True, timeout=120)
        text = (folder / "a.aux").read_text().replace("D+", "E+").replace("D-", "E-")
        heat = float(re.search(r"HEAT_OF_FORMATION:KCAL/MOL=(\S+)", text)[1])
        block = re.search(r"GRADIENTS:KCAL/MOL/ANGSTROM\[\d+\]=([-+.\dE\s]*)", text)[1]
        answers.append((heat, np.array(block.split(), dtype=float).reshape(-1, 3)))
    return answers


@needs_mopac
@pytest.mark.parametrize("name", [*CARBONS, "CH3NO2", "CH3CN", "CH3CONH2", "E", "Z"])
@pytest.mark.parametrize("hamiltonian", ["PM6", "PM6-D3H4", "PM7", "AM1", "RM1"])
def test_mopac_22(hamiltonian, name, tmp_path):
    """Heats themselves, and gradients without PM6's planarity term of nitrogen, which those of the program lack.

    The program is asked for central differences of its integrals (PRECISE), which its library does not make: this is
    what gradients differ by, 0.1 at most. In one C-H bond of a displaced DNAB the program is off by 0.28 (AM1).
    """
    # Beyond 1.27 angstrom MOPAC 22 does not count a triple bond.
    sizes = (0.0, 0.003) if name in ("C2H2", "2-butyne") else (0.0, 0.003, 0.006)
    molecule, points, force = _named(name)[0], _displaced(name, sizes), 0.4 if name in ("E", "Z") else 0.1
    ours = _ours("mopac", {"hamiltonian": hamiltonian, "scf_tolerance": 0.001}, name, points)
    if hamiltonian in ("PM6", "PM6-D3H4"):
        potential = potentials.build("mopac", molecule, {"hamiltonian": hamiltonian})
        for x, (_, slope) in zip(points, ours, strict=True):
            for centre, ligands in potential.seam.engine.nitrogens(x):
                slope -= planar_nitrogen(x, centre, ligands)[1] / UNIT
    _agree(ours, _mopac(hamiltonian, molecule, points, tmp_path), energy=1e-4, force=force, absolute=True)


@needs_mopac
@pytest.mark.parametrize(("name", "multiplicity"), [("CH3", 2), ("CH2_s3B1d", 3), ("O2", 3), ("NO", 2)])
@pytest.mark.parametrize("hamiltonian", ["PM6", "PM7", "AM1"])
def test_open_shells_of_mopac_22(hamiltonian, name, multiplicity, tmp_path):
    plain, x = _named(name)
    molecule = Molecule(plain.symbols, plain.bonds, {}, 0, multiplicity)
    potential = potentials.build("mopac", molecule, {"hamiltonian": hamiltonian, "scf_tolerance": 0.001})
    energy, gradient = potential.energy_and_gradient(x)
    theirs = _mopac(hamiltonian, molecule, [x], tmp_path)
    _agree([(energy / KCAL, gradient / UNIT)], theirs, energy=1e-4, force=0.05, absolute=True)


@needs_xtb
@pytest.mark.parametrize("name", ["C2H4", "CH3NO2", "CH3CONH2", "CH3SCH3", "E", "Z"])
@pytest.mark.parametrize("number", [1, 2])
def test_xtb(number, name, tmp_path):
    """Energies themselves."""
    molecule, points = _named(name)[0], _displaced(name)
    theirs = []
    for x in points:
        rows = [f"{s} {a:.10f} {b:.10f} {c:.10f}" for s, (a, b, c) in zip(molecule.symbols, x / ANGSTROM, strict=True)]
        (tmp_path / "a.xyz").write_text("\n".join([str(len(rows)), "", *rows, ""]))
        command = [XTB, "a.xyz", "--gfn", str(number), "--grad", "--acc", "0.01", "--norestart"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
        lines = (tmp_path / "gradient").read_text().replace("D", "E").splitlines()
        energy = float(re.search(r"SCF energy\s*=\s*(\S+)", lines[1])[1])
        slope = np.array([line.split() for line in lines[-1 - len(rows) : -1]], dtype=float)
        (tmp_path / "gradient").unlink()
        theirs.append((energy * HARTREE / KCAL, slope * HARTREE / BOHR / UNIT))
    ours = _ours("tblite", {"method": f"GFN{number}-xTB", "accuracy": 0.01}, name, points)
    _agree(ours, theirs, energy=0.005, force=0.01, absolute=True)


@pytest.mark.parametrize("after", ["PM6", "PM6-D3H4", "PM6-ORG", "PM7", "AM1"])
def test_no_hamiltonian_of_mopac_remembers_the_one_before(after: str) -> None:
    """In one process, against each alone in a fresh one: RM1 was 78 to 130 kcal/mol of methyl after the PM kinds."""
    x = np.array([[0.0, 0.0, 0.0], [0.108, 0.0, 0.0], [-0.054, 0.0935, 0.003], [-0.054, -0.0935, -0.002]])
    methyl = Molecule(symbols=("C", "H", "H", "H"), bonds=((0, 1), (0, 2), (0, 3)), multiplicity=2)
    potentials.build("mopac", methyl, {"hamiltonian": after}).energy_and_gradient(x)
    for hamiltonian, energy in {"RM1": 25.026705, "AM1": 29.998963, "PM6": 28.512678, "PM7": 28.510849}.items():
        found, _ = potentials.build("mopac", methyl, {"hamiltonian": hamiltonian}).energy_and_gradient(x)
        assert found / KCAL == pytest.approx(energy, abs=1e-4), hamiltonian
