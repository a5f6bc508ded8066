"""Potentials: right numbers at the seam, right gradients, no memory between shots, no silent faults.

Numerical derivatives are directional: the energy along a line through the geometry against the gradient along
it. The lines are single Cartesian components of chosen atoms, the amine nitrogen N1 among them, and random
ones over all atoms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import parmed
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DNAB, DoubleWell, dnab, forgets, numerical_gradient
from openmm import app, unit

from separatrix import potentials
from separatrix.core.errors import ConfigError, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, BOHR, HARTREE, KCAL
from separatrix.dynamics.stationary import relax
from separatrix.potentials import build, check_options
from separatrix.potentials.engines import mopac
from separatrix.potentials.engines.mopac import NitrogenLigands, planar_nitrogen
from separatrix.potentials.potential import Option, Seam, python_potential

FILE = str(DNAB / "gaff2.xml")
N1 = 1  # the amine nitrogen
UNIT = KCAL / ANGSTROM  # kJ/mol/nm in one kcal/mol/angstrom
ENGINES = {
    "pm6": ("mopac", {"hamiltonian": "PM6"}),
    "dftb2": ("sparrow", {"method": "DFTB2"}),
    "gfn1": ("tblite", {"method": "GFN1-xTB"}),
    "gfn2": ("tblite", {"method": "GFN2-xTB"}),
    "gfn1-ase": (
        "ase",
        {"calculator": "tblite.ase.TBLite", "arguments": {"method": "GFN1-xTB", "verbosity": 0}},
    ),
    "gfn1-worker": ("tblite", {"method": "GFN1-xTB", "worker": True}),
}


@pytest.fixture(scope="module")
def gaff2():
    return build("forcefield", dnab("E")[0], {"file": FILE})


@pytest.fixture(scope="module", params=list(ENGINES))
def quantum(request):
    """A quantum-chemical potential, its name, and a geometry near its own minimum of E, slightly shaken."""
    molecule, start = dnab("E")
    word, options = ENGINES[request.param]
    potential = build(word, molecule, options)
    relaxed = relax(molecule, potential.energy_and_gradient, start, fmax=3.0, steps=40)
    potential.remember(relaxed)
    shaken = relaxed + 0.003 * np.random.default_rng(11).standard_normal(relaxed.shape)
    return request.param, potential, shaken


def slope(energy, x: np.ndarray, direction: np.ndarray, step: float = 5e-4) -> float:
    """Derivative along a direction, central differences of fourth order."""
    near = energy(x + step * direction) - energy(x - step * direction)
    far = energy(x + 2 * step * direction) - energy(x - 2 * step * direction)
    return (8.0 * near - far) / (12.0 * step)


def component(shape: tuple[int, int], atom: int, axis: int) -> np.ndarray:
    direction = np.zeros(shape)
    direction[atom, axis] = 1.0
    return direction


# Force field ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isomer", ["E", "Z"])
def test_gaff2_equals_the_amber_files(gaff2, isomer):
    """The XML against the prmtop it was made from: energy and every force, also away from the minimum."""
    prmtop = app.AmberPrmtopFile(str(DNAB / "dnab.prmtop"))
    system = prmtop.createSystem(nonbondedMethod=app.NoCutoff, constraints=None, removeCMMotion=False)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    _, x = dnab(isomer)
    rng = np.random.default_rng(1)
    for size in (0.0, 0.002, 0.01):
        y = x + size * rng.standard_normal(x.shape)
        context.setPositions(y)
        state = context.getState(getEnergy=True, getForces=True)
        forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
        energy, gradient = gaff2.energy_and_gradient(y)
        assert energy == pytest.approx(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole), abs=1e-5)
        np.testing.assert_allclose(gradient, -forces, atol=1e-3)


def test_gaff2_masses_and_system(gaff2):
    molecule, _ = dnab("E")
    np.testing.assert_allclose(gaff2.masses, molecule.masses, rtol=3e-4)
    assert gaff2.system.getNumConstraints() == 0
    assert not any("CMMotion" in type(f).__name__ for f in gaff2.system.getForces())
    assert gaff2.platform == "Reference"


def test_gaff2_gradient(gaff2):
    _, x = dnab("Z")
    y = x + 0.003 * np.random.default_rng(2).standard_normal(x.shape)
    numerical = numerical_gradient(lambda z: gaff2.energy_and_gradient(z)[0], y)
    np.testing.assert_allclose(gaff2.energy_and_gradient(y)[1], numerical, atol=1e-3)


def test_forcefield_that_does_not_fit(tmp_path):
    molecule, _ = dnab("E")
    with pytest.raises(ConfigError, match=r"none\.xml does not exist"):
        build("forcefield", molecule, {"file": str(tmp_path / "none.xml")})
    broken = tmp_path / "broken.xml"
    broken.write_text("<ForceField><AtomTypes>")
    with pytest.raises(ConfigError, match=r"broken\.xml"):
        build("forcefield", molecule, {"file": str(broken)})
    with pytest.raises(ConfigError, match=r"[Nn]o template"):
        build("forcefield", PAIR, {"file": FILE})


def test_a_force_field_of_another_system_than_is_computed(tmp_path):
    """A periodic box, rigid water, and files for proteins: one line that says what would be right."""
    molecule, _ = dnab("E")
    boxed = parmed.load_file(str(DNAB / "dnab.prmtop"))
    boxed.box = [30.0, 30.0, 30.0, 90.0, 90.0, 90.0]
    boxed.save(str(tmp_path / "boxed.prmtop"))
    with pytest.raises(ConfigError, match=r"boxed\.prmtop: describes a periodic box.* of the molecule alone"):
        build("forcefield", molecule, {"file": str(tmp_path / "boxed.prmtop")})
    proteins = Path(openmm.app.__file__).parent / "data" / "amber14-all.xml"
    with pytest.raises(ConfigError, match=r"no template for all 34 atoms .* or its prmtop or top$"):
        build("forcefield", molecule, {"file": str(proteins)})


def test_rigid_water_is_refused(tmp_path):
    """A prmtop of one TIP3P water: OpenMM makes it rigid, whatever is asked for."""
    water = parmed.Structure()
    for name, number, mass, charge in (("O", 8, 15.999, -0.834), ("H1", 1, 1.008, 0.417), ("H2", 1, 1.008, 0.417)):
        kind = parmed.AtomType(name[0], None, mass, number)
        kind.set_lj_params(0.15 if number == 8 else 0.0, 1.7 if number == 8 else 0.5)
        atom = parmed.Atom(atomic_number=number, name=name, type=name[0], mass=mass, charge=charge)
        atom.atom_type = kind
        water.add_atom(atom, "WAT", 1)
    for i, j, length in ((0, 1, 0.9572), (0, 2, 0.9572), (1, 2, 1.5136)):
        kind = parmed.BondType(553.0, length)
        water.bond_types.append(kind)
        water.bonds.append(parmed.Bond(water.atoms[i], water.atoms[j], kind))
    water.bond_types.claim()
    parmed.amber.AmberParm.from_structure(water).save(str(tmp_path / "water.prmtop"))
    with pytest.raises(ConfigError, match=r"water\.prmtop: holds 3 constraints \(rigid water .* bonds flexible$"):
        build("forcefield", Molecule(("O", "H", "H"), ((0, 1), (0, 2))), {"file": str(tmp_path / "water.prmtop")})


def test_platform_that_is_not_on_this_machine(monkeypatch):
    """One line that names the option, the cause and the choice; and again where a driver has no device."""
    molecule, x = dnab("E")
    here = [openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())]
    absent = next((p for p in ("CUDA", "OpenCL") if p not in here), None)
    if absent is None:
        pytest.skip("OpenMM has every platform here")
    with pytest.raises(ConfigError, match=rf"^platform: OpenMM has no '{absent}' on this machine .*Reference.*: set"):
        build("forcefield", molecule, {"file": FILE, "platform": absent})

    def no_device(*_):
        raise openmm.OpenMMException("Error initializing\nCUDA: CUDA_ERROR_NO_DEVICE (100)")

    potential = build("forcefield", molecule, {"file": FILE})
    monkeypatch.setattr(openmm, "Context", no_device)
    with pytest.raises(PotentialError, match=r"^platform: .* Reference .*initializing CUDA: CUDA_ERROR_NO_DEVICE"):
        potential.energy_and_gradient(x)


# Quantum chemistry ------------------------------------------------------------------------------------------


def test_quantum_gradient(quantum):
    """Against the energy the same engine gives.

    Measured over all 102 components: PM6 0.023 kcal/mol/A rms and 0.08 at most (MOPAC differentiates its
    integrals numerically), DFTB2 0.013 and 0.05, GFN 0.005 at
    most; in a shaken geometry a little more. A lost term or a wrong
    unit is far beyond that: the planarity term of PM6 alone is above 0.5.
    """
    name, potential, x = quantum
    largest = {"pm6": 0.15, "dftb2": 0.10}.get(name, 0.02) * UNIT
    rms = {"pm6": 0.06, "dftb2": 0.04}.get(name, 0.01) * UNIT

    def energy(y):
        return potential.energy_and_gradient(y)[0]

    _, gradient = potential.energy_and_gradient(x)
    rng = np.random.default_rng(3)
    atoms = (N1, 3, 9, 10, 17, 25)
    directions = [component(x.shape, atom, axis) for atom in atoms for axis in range(3)]
    for _ in range(3):
        direction = rng.standard_normal(x.shape)
        directions.append(direction / np.linalg.norm(direction))
    error = np.array([slope(energy, x, d) - (gradient * d).sum() for d in directions])
    print(name, "kcal/mol/A: largest", np.abs(error).max() / UNIT, "rms", np.sqrt((error**2).mean()) / UNIT)
    assert np.abs(error).max() < largest
    assert np.sqrt((error**2).mean()) < rms
    # The gradient there is large enough for the comparison to mean something.
    assert np.abs(gradient).max() > 10.0 * UNIT


def test_quantum_energy_does_not_depend_on_where_the_molecule_is(quantum):
    """Moved and turned: the same energy, the gradient turned along (catches mixed-up axes and units)."""
    _, potential, x = quantum
    turn, _ = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    energy, gradient = potential.energy_and_gradient(x)
    moved_energy, moved_gradient = potential.energy_and_gradient(x @ turn.T + 0.5)
    assert moved_energy == pytest.approx(energy, abs=0.02)
    np.testing.assert_allclose(moved_gradient, gradient @ turn.T, atol=0.2 * UNIT)
    assert np.abs(gradient.sum(axis=0)).max() < 0.2 * UNIT


def test_quantum_restart_forgets(quantum):
    """After restart() the numbers are bit-identical whatever came before."""
    _, potential, x = quantum
    forgets(potential, x, (0.01, 0.01, 0.004, 0.004))


def test_quantum_restart_without_memory_starts_cold(quantum):
    """Also without remember(): a fresh potential gives what a used one gives after restart()."""
    name, _, x = quantum
    word, options = ENGINES[name]
    molecule, _ = dnab("E")
    used, fresh = build(word, molecule, options), build(word, molecule, options)
    used.energy_and_gradient(x + 0.005 * np.random.default_rng(6).standard_normal(x.shape))
    used.restart()
    energy, gradient = used.energy_and_gradient(x)
    expected, expected_gradient = fresh.energy_and_gradient(x)
    assert energy == expected
    np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("word", ["gaff2"])
def test_force_field_restart_forgets(gaff2, word):
    _, x = dnab("E")
    reference = gaff2.energy_and_gradient(x)
    gaff2.energy_and_gradient(x + 0.005 * np.random.default_rng(7).standard_normal(x.shape))
    gaff2.restart()
    again = gaff2.energy_and_gradient(x)
    assert again[0] == reference[0]
    np.testing.assert_array_equal(again[1], reference[1])


def test_pm6_heat_of_formation_of_water():
    """The heat of formation of water that MOPAC's tables give for PM6, -54.3 kcal/mol."""
    water = np.array([[0, 0, 0], [0.0959, 0, 0], [-0.0240, 0.0929, 0]])
    molecule = Molecule(("O", "H", "H"), ((0, 1), (0, 2)))
    potential = build("mopac", molecule, {"hamiltonian": "PM6"})
    relaxed = relax(molecule, potential.energy_and_gradient, water, fmax=0.1, steps=50)
    assert potential.energy_and_gradient(relaxed)[0] / KCAL == pytest.approx(-54.3, abs=0.3)


def test_sparrow_units():
    """DFTB2 of H2: energy near -0.67 hartree, bond of 1.4 bohr; a wrong unit would be off by factors."""
    molecule = Molecule(("H", "H"), ((0, 1),))
    potential = build("sparrow", molecule, {"method": "DFTB2"})
    x = np.array([[0, 0, 0], [0, 0, 0.08]])
    relaxed = relax(molecule, potential.energy_and_gradient, x, fmax=0.05, steps=50)
    assert np.linalg.norm(relaxed[1] - relaxed[0]) / BOHR == pytest.approx(1.4, abs=0.1)
    assert potential.energy_and_gradient(relaxed)[0] / HARTREE == pytest.approx(-0.67, abs=0.03)


# PM6's planar nitrogen --------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_planar_nitrogen_gradient(seed):
    """Against the numerical derivative of its own energy, nearly flat to strongly pyramidal."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(0.0, 0.06)
    corners = [[0.12 * np.cos(a), 0.12 * np.sin(a), height] for a in (0.0, 2.1, 4.2)]
    x = np.array([[0.3, 0.3, 0.3], [0.0, 0.0, 0.0], *corners]) + 0.005 * rng.standard_normal((5, 3))
    energy, gradient = planar_nitrogen(x, 1, (2, 3, 4))
    numerical = numerical_gradient(lambda y: planar_nitrogen(y, 1, (2, 3, 4))[0], x)
    np.testing.assert_allclose(gradient, numerical, atol=1e-6 + 1e-6 * np.abs(numerical).max())
    assert -0.5 * KCAL <= energy < 0.0
    assert not gradient[0].any()  # no ligand


def test_planar_nitrogen_energy():
    """Flat: -0.5 kcal/mol. Ideal tetrahedral angles: sum 328.4 degrees, by hand."""
    flat = np.array([[0, 0, 0], [0.1, 0, 0], [-0.05, 0.0866025403784, 0], [-0.05, -0.0866025403784, 0]])
    # At exactly flat the sum of angles has a cusp; the energy is what is asked here.
    assert planar_nitrogen(flat, 0, (1, 2, 3))[0] == pytest.approx(-0.5 * KCAL, rel=1e-6)
    corner = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1]]) * 0.06
    lack = np.radians(360.0 - 3.0 * np.degrees(np.arccos(-1.0 / 3.0)))
    assert planar_nitrogen(corner, 0, (1, 2, 3))[0] == pytest.approx(-0.5 * KCAL * np.exp(-10.0 * lack), rel=1e-9)


def test_pm6_gradient_needs_the_planar_nitrogen_term():
    """At a pyramidal N1 MOPAC's own gradient is off by over 0.5 kcal/mol/A; with the term it is right."""
    molecule, x = dnab("E")
    potential = build("mopac", molecule, ENGINES["pm6"][1])
    engine = potential.seam.engine
    assert [centre for centre, _ in engine.nitrogens(x)] == [N1, 17]
    ligands = dict(engine.nitrogens(x))[N1]
    arms = x[list(ligands)] - x[N1]
    normal = np.cross(arms[1] - arms[0], arms[2] - arms[0])
    normal /= np.linalg.norm(normal)
    x = x.copy()
    x[N1] += 0.008 * normal * np.sign(-(arms.mean(axis=0) @ normal) or 1.0)
    _, gradient = potential.energy_and_gradient(x)
    direction = np.zeros_like(x)
    direction[N1] = normal
    numerical = slope(lambda y: potential.energy_and_gradient(y)[0], x, direction)
    term = planar_nitrogen(x, N1, ligands)[1]
    with_term = ((gradient * direction).sum() - numerical) / UNIT
    without = (((gradient - term) * direction).sum() - numerical) / UNIT
    print("error at N1, kcal/mol/A: with the term", with_term, "without", without)
    assert abs(with_term) < 0.15
    assert abs(without) > 0.5


@pytest.mark.parametrize(("hamiltonian", "number"), [("PM6", 2), ("PM6-D3H4", 2), ("PM7", 0), ("AM1", 0), ("RM1", 0)])
def test_which_hamiltonians_get_the_term(hamiltonian, number):
    molecule, x = dnab("E")
    # The engine itself, in this process.
    potential = mopac.build(molecule, {"hamiltonian": hamiltonian, "dielectric_constant": 1.0, "scf_tolerance": 1.0})
    assert len(potential.seam.engine.nitrogens(x)) == number


@pytest.mark.parametrize(
    ("symbols", "lengths", "centres"),
    [
        ("NCCC", (1.46, 1.46, 1.46), [0]),  # a tertiary amine
        ("NCCH", (1.46, 1.46, 1.01), [0]),
        ("NCHH", (1.46, 1.01, 1.01), []),  # two hydrogens: MOPAC leaves it out
        ("NHHH", (1.01, 1.01, 1.01), []),
        ("NCC", (1.3, 1.3), []),  # azo
        ("NCCCC", (1.5, 1.5, 1.5, 1.5), []),  # ammonium
        ("NCCH", (1.46, 1.46, 1.23), [0]),  # 1.1 (0.75 + 0.37) = 1.232
        ("NCCH", (1.46, 1.46, 1.24), []),
        ("NCCC", (1.46, 1.46, 1.82), [0]),  # 1.2 (0.75 + 0.77) = 1.824
        ("NCCC", (1.46, 1.46, 1.83), []),
        ("NCCB", (1.46, 1.46, 1.56), [0]),  # 1.0 (0.75 + 0.82) = 1.57
        ("NCCB", (1.46, 1.46, 1.58), []),
        ("NCCS", (1.46, 1.46, 1.94), [0]),  # 1.1 (0.75 + 1.02) = 1.947
        ("NCCS", (1.46, 1.46, 1.95), []),
    ],
)
def test_which_nitrogens_get_the_term(symbols, lengths, centres):
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
    arms = corners[: len(lengths)] * np.array(lengths)[:, None]
    x = np.vstack([np.zeros(3), arms]) * ANGSTROM
    assert [c for c, _ in NitrogenLigands(symbols)(x)] == centres


def test_pm6_gradient_where_a_nitrogen_gains_a_ligand():
    """Methylformamidine and a proton: the nitrogen of C=N has a third ligand, which the start's bonds lack."""
    molecule = Molecule(tuple("CNNCHHHHHHH"), (), charge=1)
    x = np.array(
        [
            [0.0, 0.0, 0.0],
            [0.130, 0.0, 0.0],
            [-0.068, 0.117, 0.0],
            [0.205, 0.124, 0.008],
            [-0.055, -0.095, 0.0],
            [0.184, -0.086, -0.012],
            [-0.169, 0.117, 0.0],
            [-0.018, 0.205, 0.0],
            [0.311, 0.103, 0.02],
            [0.180, 0.186, 0.095],
            [0.184, 0.184, -0.083],
        ]
    )
    potential = build("mopac", molecule, ENGINES["pm6"][1])
    assert [c for c, _ in potential.seam.engine.nitrogens(x)] == [1]
    gradient = potential.energy_and_gradient(x)[1]
    term = planar_nitrogen(x, *potential.seam.engine.nitrogens(x)[0])[1]
    for atom, axis in ((1, 2), (5, 2), (3, 2)):
        numerical = slope(lambda y: potential.energy_and_gradient(y)[0], x, component(x.shape, atom, axis), step=1e-4)
        assert gradient[atom, axis] == pytest.approx(numerical, abs=0.1 * UNIT)
    assert np.abs(term).max() > 0.5 * UNIT


# Where a field starts from ----------------------------------------------------------------------------------


def test_a_cold_mopac_field_is_converged_twice(monkeypatch):
    """The first field from nothing can be an excited state (240 instead of 101 kcal/mol was seen)."""
    molecule, x = dnab("E")
    engine = build("mopac", molecule, ENGINES["pm6"][1]).seam.engine
    runs, plain = [], engine._run
    monkeypatch.setattr(engine, "_run", lambda y: runs.append(y) or plain(y))
    heat = engine.gradient(x)[0]
    assert len(runs) == 2
    engine.gradient(x)
    assert len(runs) == 3
    assert heat / KCAL == pytest.approx(100.4, abs=0.5)


def test_sparrow_starts_at_the_remembered_geometry(monkeypatch):
    molecule, x = dnab("E")
    potential = build("sparrow", molecule, ENGINES["dftb2"][1])
    potential.remember(x)
    engine = potential.seam.engine
    seen, plain = [], engine._calculate
    monkeypatch.setattr(engine, "_calculate", lambda y: seen.append(y) or plain(y))
    potential.restart()
    for shift in (0.001, 0.002):
        potential.energy_and_gradient(x + shift)
    np.testing.assert_array_equal(np.array(seen), [x, x + 0.001, x + 0.002])


# A field that does not converge -----------------------------------------------------------------------------


def test_sparrow_without_convergence_is_an_error_and_the_next_call_works():
    molecule, x = dnab("E")
    potential = build("sparrow", molecule, {"method": "DFTB2", "max_scf_iterations": 3})
    for _ in range(2):
        with pytest.raises(PotentialError, match="Sparrow"):
            potential.energy_and_gradient(x)
    potential.seam.engine._calculator.settings["max_scf_iterations"] = 100
    potential.restart()
    energy, gradient = potential.energy_and_gradient(x)
    fresh = build("sparrow", molecule, {"method": "DFTB2"}).energy_and_gradient(x)
    assert energy == fresh[0]
    np.testing.assert_array_equal(gradient, fresh[1])


def test_mopac_failure_is_an_error_and_the_next_call_works():
    """Two atoms on one spot: MOPAC returns empty arrays and says nothing."""
    molecule, x = dnab("E")
    potential = build("mopac", molecule, {"hamiltonian": "PM6"})
    good = potential.energy_and_gradient(x)
    bad = x.copy()
    bad[5] = bad[4]
    for restart in (lambda: None, potential.restart):
        with pytest.raises(PotentialError):
            potential.energy_and_gradient(bad)
        restart()
        again = potential.energy_and_gradient(x + 1e-9)
        assert again[0] == pytest.approx(good[0], abs=0.02)
        np.testing.assert_allclose(again[1], good[1], atol=0.2 * UNIT)


# The seam ---------------------------------------------------------------------------------------------------


class Spring:
    """A harmonic engine, which counts its calls and has faults on order."""

    def __init__(self):
        self.calls = self.restored = self.remembered = 0
        self.answer = None

    def gradient(self, positions):
        self.calls += 1
        if self.answer is not None:
            return self.answer
        return 0.5 * 3.0 * float((positions**2).sum()), 3.0 * positions

    def remember(self):
        self.remembered += 1

    def restore(self):
        self.restored += 1


X = np.array([[0.1, 0.2, 0.3], [-0.1, 0.0, 0.5]])
PAIR = Molecule(("N", "O"), ((0, 1),), multiplicity=2)


def test_seam_gives_energy_and_forces():
    """Forces are minus the gradient: the sign that everything else hangs on."""
    seam = Seam(Spring(), 2)
    energy, forces = seam.at(X)
    assert energy == pytest.approx(1.5 * (X**2).sum())
    np.testing.assert_array_equal(forces, -3.0 * X)
    # And through OpenMM back to a gradient.
    potential = python_potential(PAIR, Spring(), "spring")
    energy, gradient = potential.energy_and_gradient(X)
    assert energy == pytest.approx(1.5 * (X**2).sum())
    np.testing.assert_allclose(gradient, 3.0 * X, rtol=1e-12)


def test_seam_pushes_downhill():
    potential = python_potential(PAIR, Spring(), "spring")
    after = potential.run(X, np.zeros_like(X), time_step=1.0, steps=20)
    assert (after**2).sum() < (X**2).sum()
    # From rest at x, x(t) = x cos(sqrt(k / m) t).
    t = 20 * 0.001
    expected = X * np.cos(np.sqrt(3.0 / PAIR.masses[:, None]) * t)
    # OpenMM's leapfrog starts its velocities half a step late: an error of order dt.
    np.testing.assert_allclose(after, expected, atol=1e-4)


def test_seam_counts_and_remembers():
    seam = Seam(Spring(), 2)
    for _ in range(3):
        seam.at(X)
    seam.at(X.copy())
    assert (seam.calls, seam.evaluations, seam.engine.calls) == (4, 1, 1)
    seam.at(X + 1e-15)  # the key is exact
    assert (seam.calls, seam.evaluations) == (5, 2)
    seam.restart()
    assert seam.engine.restored == 1
    seam.at(X)
    assert (seam.calls, seam.evaluations) == (6, 3)
    assert seam.seconds > 0.0


def test_seam_forgets_the_oldest():
    seam = Seam(Spring(), 2, capacity=3)
    for k in range(4):
        seam.at(X + k)
    seam.at(X + 1)
    assert seam.evaluations == 4
    seam.at(X)
    assert seam.evaluations == 5


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((np.nan, np.zeros((2, 3))), "not finite"),
        ((np.inf, np.zeros((2, 3))), "not finite"),
        ((1.0, np.full((2, 3), np.nan)), "not finite"),
        ((1.0, np.array([[0, 0, 0], [0, np.inf, 0]])), "not finite"),
        ((1.0, np.zeros((3, 3))), r"shape \(3, 3\), not \(2, 3\)"),
        ((1.0, np.zeros(6)), "shape"),
        ((1.0, np.zeros((0, 3))), "shape"),
    ],
)
def test_seam_refuses_a_bad_answer(answer, message):
    seam = Seam(Spring(), 2)
    seam.engine.answer = answer
    with pytest.raises(PotentialError, match=message) as caught:
        seam.at(X)
    assert seam.error is caught.value
    # A bad answer is not remembered as a good one.
    seam.engine.answer = None
    assert seam.at(X)[0] == pytest.approx(1.5 * (X**2).sum())
    seam.restart()
    assert seam.error is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_seam_refuses_positions_that_are_not_finite(bad):
    seam = Seam(Spring(), 2)
    y = X.copy()
    y[1, 2] = bad
    with pytest.raises(PotentialError, match="positions are not finite"):
        seam.at(y)
    assert seam.engine.calls == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_answers_reach_the_caller_through_openmm(bad):
    """OpenMM passes on a NaN without a word; the caller must get the engine's own error."""
    potential = python_potential(PAIR, Spring(), "spring")
    potential.seam.engine.answer = (bad, np.zeros((2, 3)))
    with pytest.raises(PotentialError, match="energy or gradient is not finite"):
        potential.energy_and_gradient(X)
    with pytest.raises(PotentialError, match="energy or gradient is not finite"):
        potential.run(X, np.zeros_like(X), time_step=1.0, steps=3)
    potential.seam.engine.answer = None
    potential.restart()
    assert np.isfinite(potential.energy_and_gradient(X)[0])


def test_openmm_forces_are_checked_without_a_seam():
    """Two atoms on one spot in plain OpenMM."""
    potential = DoubleWell().potential()
    with pytest.raises(PotentialError):
        potential.energy_and_gradient(np.full((2, 3), np.nan))


def test_an_old_failure_is_not_given_as_the_reason_of_a_new_one():
    potential = python_potential(PAIR, Spring(), "spring")
    potential.seam.engine.answer = (np.nan, np.zeros((2, 3)))
    with pytest.raises(PotentialError):
        potential.energy_and_gradient(X)
    potential.restart()
    assert str(potential.reason(RuntimeError("something else"))) == "something else"


def test_remember_evaluates_first():
    potential = python_potential(PAIR, Spring(), "spring")
    potential.remember(X)
    assert (potential.seam.engine.calls, potential.seam.engine.remembered) == (1, 1)
    DoubleWell().potential().remember(DoubleWell().at(0.0))  # nothing to do without a seam
    DoubleWell().potential().restart()


# The registry -----------------------------------------------------------------------------------------------


def test_every_module_of_engines_is_one_whole_engine():
    assert {"forcefield", "mopac", "sparrow"} <= set(potentials.ENGINES.own()) <= set(potentials.ENGINES.names())
    for word in potentials.ENGINES.own():
        engine = potentials.ENGINES[word]
        assert engine.name == word and engine.summary and callable(engine.build)
        assert all(isinstance(option, Option) for option in engine.options.values())
        assert Path("envs", f"{engine.environment}.yaml").is_file()
        assert bool(engine.code) == bool(engine.url) == bool(engine.licence)
        assert 0 < engine.seconds_per_gradient <= 1 and engine.memory_MB >= 400
        assert engine.papers is not None or engine.unreferenced is not None


def test_unknown_potential_is_named_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"'mopacc' is not a potential; did you mean 'mopac'\?.*forcefield"):
        potentials.ENGINES["mopacc"]
    with pytest.raises(ConfigError, match=r"^'xyzzy' is not a potential \(known"):
        potentials.ENGINES["xyzzy"]


@pytest.mark.parametrize(
    ("word", "options", "message"),
    [
        ("mopac", {"hamiltonain": "PM6"}, r"^hamiltonain: .*no such option; did you mean 'hamiltonian'\?"),
        ("mopac", {"hamiltonian": "PM66"}, r"^hamiltonian: 'PM66' is not one of .*did you mean 'PM6'\?"),
        ("mopac", {"hamiltonian": 6}, "^hamiltonian: 6 is not a str"),
        ("mopac", {}, "^hamiltonian: missing; potential 'mopac' needs it"),
        (
            "mopac",
            {"hamiltonian": "PM6", "scf_tolerance": "tight"},
            "^scf_tolerance: 'tight' is not a int or float",
        ),
        ("mopac", {"hamiltonian": "PM6", "scf_tolerance": True}, "^scf_tolerance: True is not"),
        ("mopac", {"hamiltonian": "PM6", "dielectric_constant": 0.5}, "^dielectric_constant: 0.5 is below 1"),
        ("mopac", {"hamiltonian": "PM6", "scf_tolerance": float("nan")}, "^scf_tolerance: nan is not a finite number"),
        ("sparrow", {"method": "DFTB2", "max_scf_iterations": 0}, "^max_scf_iterations: 0 is below 1"),
        ("sparrow", {"method": "DFTB2", "max_scf_iterations": 2.5}, "^max_scf_iterations: 2.5 is not a int"),
        ("sparrow", {"method": "GFN2"}, "^method: 'GFN2' is not one of"),
        ("forcefield", {"file": FILE, "platform": "Referenz"}, r"^platform: .*did you mean 'Reference'\?"),
        (
            "forcefield",
            {"file": "/no/such/file.xml"},
            r"^file: /no/such/file\.xml does not exist; give the path",
        ),
    ],
)
def test_wrong_options(word, options, message):
    with pytest.raises(ConfigError, match=message):
        check_options(word, options)
    with pytest.raises(ConfigError, match=message):
        build(word, PAIR, options)


def test_right_options_pass():
    check_options("mopac", {"hamiltonian": "PM6", "dielectric_constant": 2, "scf_tolerance": 0.1})
    check_options("sparrow", {"method": "DFTB2", "scf_energy_tolerance_hartree": 1e-9, "max_scf_iterations": 50})
    check_options("forcefield", {"file": FILE, "platform": "CPU"})
