"""Charge, multiplicity and open shells: what is refused, and what the engines that are left make of it."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from conftest import ROOT, write_yaml
from models import DNAB, dnab, forgets, numerical_gradient

from separatrix import potentials
from separatrix.config.load import load
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.dynamics.stationary import relax
from separatrix.potentials.electrons import check_molecule

UNIT = KCAL / ANGSTROM
METHYLENE = np.array([[0, 0, 0], [0, 0.088, 0.065], [0, -0.088, 0.065]])
METHYL = np.array([[0, 0, 0], [0.108, 0, 0], [-0.054, 0.0935, 0.003], [-0.054, -0.0935, -0.002]])
OXYGEN = np.array([[0, 0, 0], [0, 0, 0.121]])
NDDO = [("mopac", {"hamiltonian": h}) for h in ("PM6", "PM6-D3H4", "PM6-ORG", "PM7", "AM1", "RM1")]
NDDO += [("sparrow", {"method": m}) for m in ("PM6", "PM3", "AM1", "RM1", "MNDO")]
GFN = [("tblite", {"method": m}) for m in ("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB")]
OPEN = [NDDO[0], NDDO[3], NDDO[4], *GFN, *NDDO[6:]]


def _star(symbols: str, multiplicity: int, charge: int = 0) -> Molecule:
    """The first atom bound to all others."""
    return Molecule(tuple(symbols), tuple((0, i) for i in range(1, len(symbols))), {}, charge, multiplicity)


# What a molecule can have ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbols", "charge", "multiplicity", "message"),
    [
        ("CNH", 1, 1, r"^multiplicity: 1 is not possible with 13 electrons \(charge \+1\); give 2, 4, \.\.\., or the"),
        ("CNH", 0, 2, r"^multiplicity: 2 is not possible with 14 electrons \(charge \+0\); give 1, 3, "),
        ("CNH", 14, 1, r"^charge: \+14 leaves no electron of 14"),
        ("CNH", 20, 1, r"^charge: \+20 leaves no electron of 14"),
        ("CNH", 10, 1, r"^charge: \+10 leaves 0 valence electrons"),
        ("CNH", -10, 1, r"^charge: -10 leaves 20 valence electrons for 9 valence orbitals"),
        ("HH", 0, 5, r"^multiplicity: 5 needs 4 unpaired electrons, and .* room for 2; give at most 3"),
        ("OO", 0, 7, r"room for 4; give at most 5"),
        ("FH", 0, 5, r"room for 2; give at most 3"),
        (("He",), 0, 3, r"room for 0; give at most 1"),
    ],
)
def test_impossible_charges_and_multiplicities(symbols, charge, multiplicity, message):
    with pytest.raises(ConfigError, match=message) as caught:
        check_molecule(Molecule(tuple(symbols), (), {}, charge, multiplicity))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("symbols", "charge", "multiplicity"),
    [
        ("CNH", 1, 2),
        ("CNH", 0, 3),
        ("HH", 1, 2),
        ("HH", 0, 3),
        ("H", 0, 2),
        ("OO", 0, 3),
        ("OO", -1, 2),
        ("OH", -1, 1),
        ("CHH", 0, 3),
        ("SFFFFFF", 0, 1),
        (("Br", "Br"), -1, 2),
        (("Fe", "C", "O"), 2, 5),
        (("Cl", "C", "H", "H", "H", "Cl"), -1, 1),
        (("Xe", "F", "F"), 0, 1),
    ],
)
def test_possible_charges_and_multiplicities(symbols, charge, multiplicity):
    check_molecule(Molecule(tuple(symbols), (), {}, charge, multiplicity))


# Every engine refuses, as soon as a config is read -------------------------------------------------------------

METHODS = {
    "mopac": {"hamiltonian": "PM6"},
    "tblite": {"method": "GFN1-xTB"},
    "sparrow": {"method": "DFTB2"},
    "dftbplus": {"method": "DFTB2"},
    "ase": {"calculator": "tblite.ase.TBLite", "arguments": {"method": "GFN1-xTB"}},
    "forcefield": {"file": str(DNAB / "gaff2.xml")},
}


def _load(tmp_path, word, charge, multiplicity):
    system = yaml.safe_load((ROOT / "config/systems/hcn.yaml").read_text())
    system |= {"charge": charge, "multiplicity": multiplicity}
    data = yaml.safe_load((ROOT / "config/examples/hcn.yaml").read_text())
    data["system"] = str(write_yaml(system, tmp_path / "system.yaml"))
    data.pop("rates", None)
    dynamics = next(iter(data["methods"].values()))["dynamics"]
    data["methods"] = {"one": {"potential": word, "options": METHODS[word], "dynamics": dynamics}}
    return load(data)


@pytest.mark.parametrize("word", list(METHODS))
@pytest.mark.parametrize(
    ("charge", "multiplicity", "key"), [(1, 1, "multiplicity"), (0, 2, "multiplicity"), (20, 1, "charge")]
)
def test_no_engine_takes_what_no_molecule_has(tmp_path, word, charge, multiplicity, key):
    with pytest.raises(ConfigError, match=rf"system\.yaml: {key}: .* \(method one\)$") as caught:
        _load(tmp_path, word, charge, multiplicity)
    assert "\n" not in str(caught.value)
    molecule = Molecule(("C", "N", "H"), ((0, 1), (0, 2)), {}, charge, multiplicity)
    with pytest.raises(ConfigError, match=f"^{key}: "):
        potentials.build(word, molecule, METHODS[word])


@pytest.mark.parametrize(
    ("word", "multiplicity", "able"),
    [("sparrow", 3, "1 or 2"), ("dftbplus", 3, "1"), ("forcefield", 3, "1 or 2")],
)
def test_an_engine_says_which_multiplicities_it_can_do(tmp_path, word, multiplicity, able):
    message = rf"system\.yaml: multiplicity: .*potential '{word}' cannot do {multiplicity}, only {able}; take another"
    with pytest.raises(ConfigError, match=message):
        _load(tmp_path, word, 0, multiplicity)


def test_what_is_possible_is_read(tmp_path):
    for word, charge, multiplicity in (("mopac", 1, 2), ("tblite", 0, 3), ("sparrow", 1, 2), ("ase", 0, 3)):
        molecule = _load(tmp_path, word, charge, multiplicity).system.molecule
        assert (molecule.charge, molecule.multiplicity) == (charge, multiplicity)


def test_a_model_has_no_electrons():
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    assert load(data).methods
    atom = Molecule(("H",), (), {}, 3, 4)
    assert potentials.build("model", atom, {"surface": "double-well-1d"}).active.shape == (1, 3)


@pytest.mark.parametrize("file", ["gaff2.xml", "dnab.prmtop"])
def test_charges_of_a_force_field_add_up_to_that_of_the_system(file):
    molecule, _ = dnab("E")
    options = {"file": str(DNAB / file)}
    potentials.build("forcefield", molecule, options)
    for charge in (2, -2):
        charged = Molecule(molecule.symbols, molecule.bonds, charge=charge)
        with pytest.raises(
            ConfigError, match=r"^file: .*add up to [+-]0\.0.. e, and the system's charge is [+-]2; correct"
        ):
            potentials.build("forcefield", charged, options)


# Open shells ---------------------------------------------------------------------------------------------------


def _energy(word, options, symbols, x, multiplicity, charge=0) -> float:
    """Of the relaxed molecule, kcal/mol."""
    molecule = _star(symbols, multiplicity, charge)
    potential = potentials.build(word, molecule, options)
    relaxed = relax(molecule, potential.energy_and_gradient, x, fmax=0.2, steps=100)
    return potential.energy_and_gradient(relaxed)[0] / KCAL


@pytest.mark.parametrize(
    ("word", "options"), [*GFN, *NDDO], ids=lambda v: v if isinstance(v, str) else next(iter(v.values()))
)
def test_singlet_and_triplet(word, options):
    """Experiment: CH2's triplet is 9.0 kcal/mol below its singlet, that of O2 22.5.

    Extended tight binding is within 10 of both. NDDO Hamiltonians pair electrons too reluctantly in CH2, 24 to 42; a
    quintet or a triplet without spin polarisation would be 190 and 20 off to the other side.
    """
    gaps = [
        _energy(word, options, symbols, x, 1) - _energy(word, options, symbols, x, 3)
        for symbols, x in (("CHH", METHYLENE), ("OO", OXYGEN))
    ]
    print(word, options, gaps)
    if word == "tblite":
        assert gaps == pytest.approx([9.0, 22.5], abs=10.0)
    else:
        assert 20.0 < gaps[0] < 45.0
        assert 20.0 < gaps[1] < 65.0


@pytest.mark.parametrize("method", ["PM6", "AM1", "RM1"])
@pytest.mark.parametrize(
    ("symbols", "x", "multiplicity"), [("CHHH", METHYL, 2), ("CHH", METHYLENE, 3), ("OO", OXYGEN, 3)]
)
def test_open_shells_by_mopac_and_by_sparrow(method, symbols, x, multiplicity):
    """Two programs, one spin state: the change of the energy with the geometry, and the gradient."""
    molecule = _star(symbols, multiplicity)
    one = potentials.build("mopac", molecule, {"hamiltonian": method})
    other = potentials.build("sparrow", molecule, {"method": method})
    y = 1.05 * x
    changes = [(p.energy_and_gradient(y)[0] - p.energy_and_gradient(x)[0]) / KCAL for p in (one, other)]
    assert changes[0] == pytest.approx(changes[1], abs=0.02)
    gradients = [p.energy_and_gradient(y)[1] for p in (one, other)]
    np.testing.assert_allclose(*gradients, atol=0.2 * UNIT)
    assert np.abs(gradients[0]).max() > 10.0 * UNIT


def test_heat_of_formation_of_methyl():
    """28.5 kcal/mol, as a doublet in PM6; its quartet is at 235."""
    assert _energy("mopac", {"hamiltonian": "PM6"}, "CHHH", METHYL, 2) == pytest.approx(28.5, abs=0.5)


@pytest.mark.parametrize(("word", "options"), OPEN, ids=lambda v: v if isinstance(v, str) else next(iter(v.values())))
@pytest.mark.parametrize(("symbols", "x", "multiplicity"), [("CHHH", METHYL, 2), ("CHH", METHYLENE, 3)])
def test_forces_and_restart_of_open_shells(word, options, symbols, x, multiplicity):
    """Against numerical differences; and after restart() the same bits whatever came before."""
    potential = potentials.build(word, _star(symbols, multiplicity), options)
    y = x + 0.003 * np.random.default_rng(1).standard_normal(x.shape)
    gradient = potential.energy_and_gradient(y)[1]
    numerical = numerical_gradient(lambda z: potential.energy_and_gradient(z)[0], y, step=2e-4)
    np.testing.assert_allclose(gradient, numerical, atol=potential.force_tolerance * UNIT)
    assert np.abs(gradient).max() > 10.0 * UNIT
    potential.remember(x)
    forgets(potential, x, (0.004, 0.004))


def test_mopac_starts_an_open_shell_from_the_remembered_matrices():
    engine = potentials.build("mopac", _star("CHH", 3), {"hamiltonian": "PM6"}).seam.engine
    engine.gradient(METHYLENE)
    engine.remember()
    alpha, beta = (np.array(m) for m in (engine._state.pa, engine._state.pb))
    assert alpha.size == beta.size > 0
    assert np.abs(alpha - beta).max() > 0.1
    engine.gradient(1.1 * METHYLENE)
    engine.restore()
    np.testing.assert_array_equal(engine._state.pa, alpha)
    np.testing.assert_array_equal(engine._state.pb, beta)


@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB", "IPEA1-xTB"])
def test_spin_polarisation_leaves_a_closed_shell_alone(method):
    molecule, x = dnab("E")
    plain = potentials.build("tblite", molecule, {"method": method})
    polarised = potentials.build("tblite", molecule, {"method": method})
    polarised.seam.engine._calculator.add("spin-polarization", 1.0)
    (energy, gradient), (other, other_gradient) = (p.energy_and_gradient(x) for p in (plain, polarised))
    assert energy == pytest.approx(other, abs=1e-4)
    np.testing.assert_allclose(gradient, other_gradient, atol=0.02 * UNIT)  # of the convergence of the field
