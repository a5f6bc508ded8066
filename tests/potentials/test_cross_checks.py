"""The same theory by two programs, or by two routes."""

from __future__ import annotations

import numpy as np
import pytest

from separatrix import potentials
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.potentials.engines.mopac import planar_nitrogen

UNIT = KCAL / ANGSTROM


@pytest.fixture(scope="module")
def isomers() -> tuple[Molecule, list[np.ndarray]]:
    symbols, e = read_geometry("resources/dnab/dnab_E.xyz")
    _, z = read_geometry("resources/dnab/dnab_Z.xyz")
    return Molecule(symbols, bonds_from_distances(symbols, e)), [e, z]


def _answers(word: str, options: dict, molecule: Molecule, points: list[np.ndarray]):
    potential = potentials.build(word, molecule, options)
    return [potential.energy_and_gradient(x) for x in points]


def test_am1_by_mopac_and_by_sparrow(isomers) -> None:
    """Two programs, one Hamiltonian: measured 0.008 kcal/mol between the isomers, 0.13 kcal/mol/A in the gradient.

    What is left of the gradient is MOPAC's numerical differentiation of integrals.
    """
    mopac = _answers("mopac", {"hamiltonian": "AM1"}, *isomers)
    sparrow = _answers("sparrow", {"method": "AM1"}, *isomers)
    difference = [(a[1][0] - a[0][0]) / KCAL for a in (mopac, sparrow)]
    assert difference[0] == pytest.approx(difference[1], abs=0.05)
    for (_, one), (_, other) in zip(mopac, sparrow, strict=True):
        assert np.abs(one - other).max() < 0.25 * UNIT
        assert np.abs(one).max() > 10 * UNIT


def test_pm6_by_mopac_and_by_sparrow(isomers) -> None:
    """They agree once MOPAC's planarity term of nitrogen, which Sparrow does not have, is taken out."""
    molecule, points = isomers
    potential = potentials.build("mopac", molecule, {"hamiltonian": "PM6"})
    sparrow = _answers("sparrow", {"method": "PM6", "max_scf_iterations": 500}, molecule, points)
    mopac = []
    for x in points:
        energy, gradient = potential.energy_and_gradient(x)
        for centre, ligands in potential.seam.engine.nitrogens(x):
            extra, slope = planar_nitrogen(x, centre, ligands)
            energy, gradient = energy - extra, gradient - slope
        mopac.append((energy, gradient))
    difference = [(a[1][0] - a[0][0]) / KCAL for a in (mopac, sparrow)]
    assert difference[0] == pytest.approx(difference[1], abs=0.05)
    for (_, one), (_, other) in zip(mopac, sparrow, strict=True):
        assert np.abs(one - other).max() < 0.4 * UNIT


def test_gfn1_directly_and_through_ase(isomers) -> None:
    direct = _answers("tblite", {"method": "GFN1-xTB"}, *isomers)
    arguments = {"method": "GFN1-xTB", "verbosity": 0}
    through_ase = _answers("ase", {"calculator": "tblite.ase.TBLite", "arguments": arguments}, *isomers)
    for (energy, gradient), (other, gradient_other) in zip(direct, through_ase, strict=True):
        assert energy == pytest.approx(other, abs=0.01)
        np.testing.assert_allclose(gradient, gradient_other, atol=0.001 * UNIT)


def test_gaff2_from_xml_and_from_prmtop(isomers) -> None:
    xml = _answers("forcefield", {"file": "resources/dnab/gaff2.xml"}, *isomers)
    prmtop = _answers("forcefield", {"file": "resources/dnab/dnab.prmtop"}, *isomers)
    for (energy, gradient), (other, gradient_other) in zip(xml, prmtop, strict=True):
        assert energy == pytest.approx(other, abs=1e-4)
        np.testing.assert_allclose(gradient, gradient_other, atol=1e-3)


def test_gaff2_from_gromacs_top(isomers, tmp_path) -> None:
    import parmed

    amber = parmed.load_file("resources/dnab/dnab.prmtop", xyz="resources/dnab/dnab.inpcrd")
    amber.save(str(tmp_path / "dnab.top"))
    xml = _answers("forcefield", {"file": "resources/dnab/gaff2.xml"}, *isomers)
    top = _answers("forcefield", {"file": str(tmp_path / "dnab.top")}, *isomers)
    # GROMACS files carry rounded parameters and their own Coulomb constant.
    for (energy, gradient), (other, gradient_other) in zip(xml, top, strict=True):
        assert energy == pytest.approx(other, abs=0.2)
        np.testing.assert_allclose(gradient, gradient_other, atol=0.05 * UNIT)


@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB"])
def test_charge_and_multiplicity_are_honoured(method) -> None:
    """Hydroxyl: anion, radical and cation are three different systems; wrong counts would give the same number."""
    x = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.097]])
    energies = []
    for charge, multiplicity in ((-1, 1), (0, 2), (1, 3)):
        molecule = Molecule(("O", "H"), ((0, 1),), charge=charge, multiplicity=multiplicity)
        energies.append(_answers("tblite", {"method": method}, molecule, [x])[0][0] / KCAL)
    anion, radical, cation = energies
    # Electron affinity and ionisation energy of OH are 42 and 300 kcal/mol; GFN shifts both by about 112 by its
    # construction. Signs and sizes are what is at stake.
    assert -250 < anion - radical < -42
    assert 250 < cation - radical < 600


@pytest.mark.parametrize(
    ("word", "options"), [("mopac", {"hamiltonian": "PM6"}), ("sparrow", {"method": "DFTB2"})], ids=["pm6", "dftb2"]
)
def test_charge_is_honoured_by(word, options) -> None:
    """Hydroxide and hydroxonium differ from a neutral count by far more than any error of the method."""
    x = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.097]])
    charged = _answers(word, options, Molecule(("O", "H"), ((0, 1),), charge=-1), [x])[0][0]
    cation = _answers(word, options, Molecule(("O", "H"), ((0, 1),), charge=1), [x])[0][0]
    assert abs(cation - charged) / KCAL > 150
