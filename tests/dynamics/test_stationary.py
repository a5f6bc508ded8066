"""Stationary points: derivatives, units, and known answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest
from models import DNAB, dnab, numerical_gradient

from separatrix.config.load import load
from separatrix.core.errors import EngineLost, PotentialError, StationaryError
from separatrix.core.files import read_dataset
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.units import ANGSTROM, KCAL, wavenumber
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics import stationary
from separatrix.dynamics.motion import is_linear
from separatrix.dynamics.pulls import CosinePull
from separatrix.dynamics.stationary import (
    NoSaddle,
    StationaryPoint,
    biased,
    find_minimum,
    find_saddle,
    hessian,
    normal_modes,
    relax,
    walk_to_saddle,
)
from separatrix.dynamics.walks import Unfinished, descend, follow_mode
from separatrix.potentials import build
from separatrix.potentials.potential import python_potential
from separatrix.results.stationary_files import read_search, search_revision, write_stationary
from separatrix.workflow import stationary_stages

# Normal modes -----------------------------------------------------------------------------------------------

# cm^-1 of 1 mdyn/angstrom on 1 dalton: the textbook constant of Wilson, Decius and Cross
WAVENUMBER = 1302.79
MDYN = 602.214076 * 100.0  # kJ/mol/nm^2 in one mdyn/angstrom = 100 N/m


def springs(pairs: dict[tuple[int, int], float], rest: np.ndarray):
    """Harmonic springs (kJ/mol/nm^2) between atoms, at rest in a given geometry."""
    lengths = {p: np.linalg.norm(rest[p[0]] - rest[p[1]]) for p in pairs}

    def surface(x):
        energy, gradient = 0.0, np.zeros_like(x)
        for (i, j), k in pairs.items():
            apart = x[i] - x[j]
            r = np.linalg.norm(apart)
            energy += 0.5 * k * (r - lengths[i, j]) ** 2
            pull = k * (r - lengths[i, j]) * apart / r
            gradient[i] += pull
            gradient[j] -= pull
        return energy, gradient

    return surface


def test_diatomic_wavenumber():
    """CO with 19.02 mdyn/angstrom: 2170 cm^-1 (the force constant of any textbook)."""
    x = np.array([[0.0, 0.0, 0.0], [0.05, 0.06, 0.0807]])
    masses = np.array([12.0, 15.9949])
    matrix = hessian(springs({(0, 1): 19.02 * MDYN}, x), x)
    wavenumbers, modes = normal_modes(matrix, x, masses)
    mu = masses.prod() / masses.sum()
    assert wavenumbers.shape == (1,)
    assert wavenumbers[0] == pytest.approx(WAVENUMBER * np.sqrt(19.02 / mu), rel=1e-4)
    assert wavenumbers[0] == pytest.approx(2170.0, abs=3.0)
    # The mode lies along the bond, keeps the centre of mass, and has unit mass-weighted norm.
    assert (masses[:, None] * modes[0] ** 2).sum() == pytest.approx(1.0)
    assert np.abs((masses[:, None] * modes[0]).sum(axis=0)).max() < 1e-10
    along = (modes[0, 1] - modes[0, 0]) @ (x[1] - x[0])
    assert abs(along) == pytest.approx(
        np.linalg.norm(modes[0, 1] - modes[0, 0]) * np.linalg.norm(x[1] - x[0]), rel=1e-6
    )


def test_equilateral_triangle():
    """X3 with equal springs: A1' at sqrt(3 k / m), E' twice at sqrt(3 k / 2 m)."""
    x = 0.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]])
    matrix = hessian(springs({(0, 1): MDYN, (0, 2): MDYN, (1, 2): MDYN}, x), x)
    wavenumbers, modes = normal_modes(matrix, x, np.full(3, 4.0))
    expected = WAVENUMBER * np.sqrt(np.array([1.5, 1.5, 3.0]) / 4.0)
    np.testing.assert_allclose(wavenumbers, expected, rtol=1e-4)
    gram = np.einsum("iax,jax,a->ij", modes, modes, np.full(3, 4.0))
    np.testing.assert_allclose(gram, np.eye(3), atol=1e-10)


def test_linear_triatomic():
    """O-C-O with springs: symmetric k/m_O, antisymmetric k (1/m_O + 2/m_C); two of 3 N - 5 modes are zero."""
    x = np.array([[-0.116, 0, 0], [0, 0, 0], [0.116, 0, 0]])
    masses = np.array([15.9949, 12.0, 15.9949])
    matrix = hessian(springs({(0, 1): 15.5 * MDYN, (1, 2): 15.5 * MDYN}, x), x, step=1e-5)
    wavenumbers, _ = normal_modes(matrix, x, masses)
    assert len(wavenumbers) == 4
    assert np.abs(wavenumbers[:2]).max() < 5.0
    symmetric = WAVENUMBER * np.sqrt(15.5 / masses[0])
    antisymmetric = WAVENUMBER * np.sqrt(15.5 * (1.0 / masses[0] + 2.0 / masses[1]))
    np.testing.assert_allclose(wavenumbers[2:], [symmetric, antisymmetric], rtol=1e-4)


@pytest.mark.parametrize("off", [0.0, 1e-5, 1e-4, 1e-3])  # nm
def test_a_linear_molecule_that_a_search_left_a_trifle_bent_keeps_both_bends(off: float):
    """H-C-N with springs and k (1 + cos angle): 3 N - 5 modes, two of them bends of one wavenumber in closed form."""
    x = np.array([[-0.106, 0, 0], [0, 0, 0], [0.115, 0, 0]])
    masses = np.array([1.008, 12.011, 14.007])
    bend = CosinePull(Variable("bend", "angle", (0, 1, 2)), 180.0, 120.0)
    surface = biased(springs({(0, 1): 6.0 * MDYN, (1, 2): 18.0 * MDYN}, x), [bend])
    bent = x.copy()
    bent[0, 1] = off
    wavenumbers, modes = normal_modes(hessian(surface, bent, step=1e-5), bent, masses)
    assert len(wavenumbers) == 4 and modes.shape == (4, 3, 3)
    a, b = 0.106, 0.115
    inverse_mass = 1 / (a**2 * masses[0]) + 1 / (b**2 * masses[2]) + (1 / a + 1 / b) ** 2 / masses[1]
    np.testing.assert_allclose(wavenumbers[:2], wavenumber(120.0 * inverse_mass), rtol=2e-3)


def test_a_bent_molecule_is_not_linear():
    masses = np.array([1.008, 12.011, 14.007])
    x = np.array([[-0.106, 0, 0], [0, 0, 0], [0.115, 0, 0]])
    assert is_linear(x, masses) and is_linear(x[:2], masses[:2]) and not is_linear(x[:1], masses[:1])
    x[0, 1] = 0.003
    assert not is_linear(x, masses)
    surface = springs({(0, 1): 6.0 * MDYN, (1, 2): 18.0 * MDYN, (0, 2): MDYN}, x)
    assert len(normal_modes(hessian(surface, x), x, masses)[0]) == 3


def test_imaginary_modes_are_negative():
    x = np.array([[0.0, 0.0, 0.0], [0.11, 0.0, 0.0]])
    matrix = hessian(springs({(0, 1): -MDYN}, x), x)
    wavenumbers, _ = normal_modes(matrix, x, np.array([2.0, 2.0]))
    assert wavenumbers[0] == pytest.approx(-WAVENUMBER, rel=1e-4)


def test_hessian_of_a_quadratic_is_exact_and_symmetric():
    rng = np.random.default_rng(2)
    a = rng.standard_normal((9, 9))
    a = a + a.T
    x = rng.standard_normal((3, 3))
    found = hessian(lambda y: (0.5 * y.ravel() @ a @ y.ravel(), (a @ y.ravel()).reshape(3, 3)), x)
    np.testing.assert_allclose(found, a, atol=1e-9)
    np.testing.assert_array_equal(found, found.T)


# Walks ------------------------------------------------------------------------------------------------------

DIATOMIC = Molecule(("N", "O"), ((0, 1),))


def test_relax_finds_a_minimum_and_obeys_fmax():
    x = 0.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]])
    surface = springs({(0, 1): MDYN, (0, 2): MDYN, (1, 2): MDYN}, x)
    molecule = Molecule(("O", "O", "O"), ())
    y = relax(molecule, surface, x + 0.01 * np.random.default_rng(3).standard_normal((3, 3)), fmax=0.01, steps=200)
    assert np.linalg.norm(surface(y)[1], axis=1).max() <= 0.01 * KCAL / ANGSTROM
    distances = [np.linalg.norm(y[i] - y[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(distances, 0.1, atol=1e-5)


class Isomers:
    """Four atoms in a chain: stiff bonds and angles, and a torsion barrier; cis and trans are the minima.

    V = 1/2 k sum (r - r0)^2 + 1/2 h sum (cos angle - cos angle0)^2
        + 1/2 barrier (1 - cos 2 phi) + 1/2 gap (1 + cos phi).
    The saddle has cos phi = gap / (4 barrier), the rest unstrained, and the energy follows by hand.
    """

    barrier, gap = 100.0, 20.0

    def gradient(self, x):
        return self.energy(x), numerical_gradient(self.energy, x, 1e-4)

    def energy(self, x):
        k, h = 2.0e5, 500.0
        u = x[1:] - x[:-1]
        r = np.linalg.norm(u, axis=1)
        cosines = [-(u[i] @ u[i + 1]) / r[i] / r[i + 1] for i in (0, 1)]
        a, b = np.cross(u[0], u[1]), np.cross(u[1], u[2])
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        strain = 0.5 * k * ((r - 0.13) ** 2).sum() + 0.5 * h * sum((c + 0.5) ** 2 for c in cosines)
        return strain + self.barrier * (1.0 - cosine**2) + 0.5 * self.gap * (1.0 + cosine)

    def remember(self):
        pass

    def restore(self):
        pass

    @property
    def top(self) -> tuple[float, float]:
        """cos phi and energy at the saddle."""
        c = self.gap / (4.0 * self.barrier)
        return c, self.barrier * (1.0 - c**2) + 0.5 * self.gap * (1.0 + c)


TWIST = Variable("twist", "dihedral", (0, 1, 2, 3))
CIS = Basin("cis", (Interval(TWIST, -40, 40),))
TRANS = Basin("trans", (Interval(TWIST, 140, 220),))
PULL = CosinePull(Variable("twist", "dihedral", (0, 1, 2, 3)), 90.0, 400.0)
CHAIN = Molecule(("C", "N", "N", "C"), ((0, 1), (1, 2), (2, 3)))


def chain_at(phi: float, r: float = 0.13, degrees: float = 120.0) -> np.ndarray:
    a, p = np.radians([degrees, phi])
    return np.array(
        [
            [r * np.cos(a), r * np.sin(a), 0],
            [0, 0, 0],
            [r, 0, 0],
            [r - r * np.cos(a), r * np.sin(a) * np.cos(p), r * np.sin(a) * np.sin(p)],
        ]
    )


@pytest.fixture
def isomers():
    return python_potential(CHAIN, Isomers(), "isomers")


@pytest.mark.parametrize(("phi", "r", "degrees"), [(75.0, 0.13, 120.0), (105.0, 0.133, 115.0), (-80.0, 0.128, 124.0)])
def test_walk_to_a_known_saddle(isomers, phi, r, degrees):
    x = walk_to_saddle(isomers.energy_and_gradient, chain_at(phi, r, degrees), fmax=0.01, cycles=80)
    energy, gradient = isomers.energy_and_gradient(x)
    cosine, top = Isomers().top
    assert np.linalg.norm(gradient, axis=1).max() < 0.01 * KCAL / ANGSTROM
    assert np.cos(np.radians(TWIST.value(x))) == pytest.approx(cosine, abs=1e-3)
    assert energy == pytest.approx(top, abs=1e-3)


def test_walk_that_does_not_arrive(isomers):
    with pytest.raises(StationaryError, match="no saddle within 2 cycles"):
        walk_to_saddle(isomers.energy_and_gradient, chain_at(60.0, 0.14), fmax=1e-6, cycles=2)


def test_find_saddle_and_minima_of_the_chain(isomers):
    basins = (CIS, TRANS)
    saddle = find_saddle(CHAIN, isomers, chain_at(20.0), [PULL], basins, name="rotation", fmax=0.02)
    cis = find_minimum(CHAIN, isomers, chain_at(25.0, 0.135), CIS, basins, fmax=0.02)
    trans = find_minimum(CHAIN, isomers, chain_at(160.0, 0.125), TRANS, basins, fmax=0.02)
    assert sorted(saddle.joins) == ["cis", "trans"]
    assert (saddle.n_imaginary, cis.n_imaginary, trans.n_imaginary) == (1, 0, 0)
    assert (cis.basin, trans.basin, saddle.basin) == ("cis", "trans", None)
    assert cis.energy - trans.energy == pytest.approx(20.0, abs=2e-3)
    assert saddle.energy - trans.energy == pytest.approx(Isomers().top[1], abs=2e-3)
    assert len(saddle.wavenumbers) == 6
    assert saddle.evaluations > 25


@pytest.mark.parametrize(("phi", "r", "degrees"), [(75.0, 0.13, 120.0), (105.0, 0.133, 115.0), (-80.0, 0.128, 124.0)])
def test_following_one_mode_ends_at_the_same_saddle(isomers, phi, r, degrees):
    x = follow_mode(isomers.energy_and_gradient, chain_at(phi, r, degrees), fmax=0.01)
    energy, gradient = isomers.energy_and_gradient(x)
    cosine, top = Isomers().top
    assert np.linalg.norm(gradient, axis=1).max() < 0.01 * KCAL / ANGSTROM
    assert np.cos(np.radians(TWIST.value(x))) == pytest.approx(cosine, abs=1e-3)
    assert energy == pytest.approx(top, abs=1e-3)


def test_following_a_mode_does_not_mind_the_noise_of_a_field():
    """Forces that are off by up to 0.03 kcal/mol/A, as of PM6: no second way up is made of them."""
    shape, rng = Isomers(), np.random.default_rng(5)
    noise = 0.03 * KCAL / ANGSTROM

    def surface(x):
        energy, gradient = shape.gradient(x)
        return energy, gradient + rng.uniform(-noise, noise, x.shape)

    x = follow_mode(surface, chain_at(75.0, 0.134, 112.0), fmax=0.1)
    assert shape.energy(x) == pytest.approx(shape.top[1], abs=0.02)


def test_following_a_mode_goes_down_across_it_from_a_ridge_too():
    """V = -2000 x^2 + ((y/w)^2 - 1)^2 + 1000 z^2 from beside y = 0, where y falls as well: saddles are at y = +-w."""
    w = 0.05

    def surface(x):
        a, b, c = x[0]
        slope = np.array([[-4000.0 * a, 4.0 * b / w**2 * ((b / w) ** 2 - 1.0), 2000.0 * c]])
        return -2000.0 * a**2 + ((b / w) ** 2 - 1.0) ** 2 + 1000.0 * c**2, slope

    x = follow_mode(surface, np.array([[0.01, 0.1 * w, 0.01]]), fmax=1e-4, isolated=False)
    np.testing.assert_allclose(x, [[0.0, w, 0.0]], atol=1e-5)


def test_a_walk_that_does_not_arrive_has_a_second_start(isomers, monkeypatch):
    def lost(surface, x, **_):
        raise Unfinished("no saddle within 80 cycles", x, surface(x)[0])

    monkeypatch.setattr(stationary, "walk_to_saddle", lost)
    find = partial(find_saddle, CHAIN, isomers, chain_at(20.0), basins=(CIS, TRANS), name="rotation", fmax=0.02)
    saddle = find([PULL])
    assert sorted(saddle.joins) == ["cis", "trans"]
    assert saddle.energy == pytest.approx(Isomers().top[1], abs=2e-3)
    # Both starts fail: where the first has ended is told and kept.
    monkeypatch.setattr(stationary, "follow_mode", lost)
    with pytest.raises(
        NoSaddle, match=r"80 cycles; .*\(the first ended at twist -?\d+.* degree, \d.* above cis"
    ) as error:
        find([PULL], coordinates=(TWIST,))
    ((what, positions, energy),) = error.value.geometries
    assert what == "end of the walk" and energy == pytest.approx(isomers.energy_and_gradient(positions)[0])


# Descents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("barrier", [2.0, 8.0])  # kJ/mol
def test_a_saddle_on_a_soft_mode_is_accepted(barrier):
    """Its forces are smaller than those that end a descent from a high one."""
    shape = Isomers()
    shape.barrier, shape.gap = barrier, 1.0
    potential = python_potential(CHAIN, shape, "isomers")
    saddle = find_saddle(CHAIN, potential, chain_at(20.0), [PULL], (CIS, TRANS), name="rotation", fmax=0.02)
    assert sorted(saddle.joins) == ["cis", "trans"]
    assert saddle.energy == pytest.approx(shape.top[1], abs=2e-3)


def test_the_path_down_is_that_of_steepest_descent():
    """On V = -a x^2/2 + b y^2/2 + x^4/4 the path from the saddle is the x axis, and from beside it a known curve."""
    masses = np.array([1.0])

    def surface(x):
        a, b, _ = x[0]
        return -200.0 * a**2 + 400.0 * b**2, np.array([[-400.0 * a, 800.0 * b, 0.0]])

    start = np.array([[0.001, 0.02, 0.0]])
    matrix = np.diag([-400.0, 800.0, 0.0])
    track = []

    def arrived(x, energy, force):
        track.append(x[0].copy())
        return x[0, 0] > 0.04

    descend(surface, np.zeros((1, 3)), start, matrix, masses, arrived=arrived, isolated=False)
    a, b = np.array(track)[:, :2].T
    # dx/dt = 400 x, dy/dt = -800 y: y x^2 is constant.
    np.testing.assert_allclose(b, 0.02 * (0.001 / a) ** 2, rtol=1e-4)
    arcs = np.linalg.norm(np.diff(np.array(track), axis=0), axis=1)
    assert arcs.max() <= 0.005 + 1e-9 and len(arcs) >= 8


def butane():
    """Butane on GFN2-xTB: molecule, potential, basins gauche and anti, minimum gauche, and the pull to 120 degrees."""
    symbols, start = read_geometry("tests/data/butane/gauche.xyz")
    molecule = Molecule(symbols, bonds_from_distances(symbols, start))
    potential = build("tblite", molecule, {"method": "GFN2-xTB"})
    twist = Variable("CCCC", "dihedral", (0, 1, 2, 3))
    gauche, anti = Basin("gauche", (Interval(twist, 40, 90),)), Basin("anti", (Interval(twist, 150, 210),))
    mirror = Basin("mirror", (Interval(twist, -90, -40),))
    minimum = find_minimum(molecule, potential, start, gauche, (gauche, anti), fmax=0.05)
    pull = CosinePull(twist, 120.0, 50.0 * KCAL)
    find = partial(find_saddle, molecule, potential, minimum.positions, [pull], name="eclipsed", fmax=0.05)
    return twist, minimum, partial(find, coordinates=(twist,)), (gauche, anti, mirror)


def test_butane():
    """1.970 kcal/mol, as by a climbing band; the largest force on the way down is 0.5 kcal/mol/A at 8 degrees off."""
    twist, minimum, find, (gauche, anti, mirror) = butane()
    saddle = find(basins=(gauche, anti))
    assert sorted(saddle.joins) == ["anti", "gauche"]
    assert (saddle.energy - minimum.energy) / KCAL == pytest.approx(1.970, abs=0.005)
    assert saddle.wavenumbers[0] == pytest.approx(-114.8, abs=1.0)
    assert twist.value(saddle.positions) == pytest.approx(120.4, abs=0.5)
    # Without a basin for anti, what lies between is told by its values and kept.
    with pytest.raises(NoSaddle) as error:
        find(basins=(gauche, mirror))
    text = str(error.value)
    assert "reaches no basin: a minimum in no basin at CCCC " in text and "kcal/mol below gauche" in text
    assert "the saddle at CCCC 120.4 degree, 1.97 kcal/mol above gauche, 115i" in text and "\n" not in text
    names, places, energies = zip(*error.value.geometries, strict=True)
    assert names[0] == "saddle" and names[-1].startswith("descent along ")
    assert abs(twist.value(places[-1])) == pytest.approx(180.0, abs=2.0)
    assert (energies[-1] - minimum.energy) / KCAL == pytest.approx(-0.60, abs=0.03)


def test_a_quench_that_finds_a_lower_conformer_is_kept():
    """One basin with two minima: from cis, 20 kJ/mol up, heat leads to trans, and trans is what is found."""
    shape = Isomers()
    shape.barrier = 8.0
    # Light ends, which turn far in the time of a quench.
    molecule = Molecule(("H", "N", "N", "H"), CHAIN.bonds)
    potential = python_potential(molecule, shape, "isomers")
    both = Basin("both", (Interval(TWIST, -180, 180),))
    find = partial(find_minimum, molecule, potential, chain_at(20.0), both, (both,), fmax=0.02, temperature=1500.0)
    cis, lowest = find(quenches=0), find(quenches=4, rng=np.random.default_rng(1))
    assert abs(TWIST.value(cis.positions)) < 5.0
    assert abs(TWIST.value(lowest.positions)) > 175.0
    assert cis.energy - lowest.energy == pytest.approx(20.0, abs=0.01)


def test_minimum_must_lie_in_its_basin(isomers):
    with pytest.raises(
        StationaryError, match=r"basin trans: the minimum found from its geometry lies in cis: .* degree \(.* to .*\)$"
    ):
        find_minimum(CHAIN, isomers, chain_at(30.0), TRANS, (CIS, TRANS), fmax=0.02)


def test_a_ridge_is_stepped_off(isomers):
    """Exactly at the saddle there is no force; the imaginary mode is seen and followed down."""
    phi = np.degrees(np.arccos(Isomers().top[0]))
    basins = (CIS, TRANS)
    found = []
    for basin in basins:
        try:
            found.append(find_minimum(CHAIN, isomers, chain_at(phi), basin, basins, fmax=0.02).basin)
        except StationaryError as error:
            assert "lies in" in str(error)
    assert len(found) == 1


def test_saddle_that_joins_a_basin_to_itself_is_refused(isomers):
    both = Basin("both", (Interval(TWIST, 140, 220 + 200),))
    with pytest.raises(StationaryError, match="joins both to itself"):
        find_saddle(CHAIN, isomers, chain_at(70.0), [PULL], (both,), name="rotation", fmax=0.02)


def test_saddle_with_no_basin_below_is_refused(isomers):
    narrow = Basin("narrow", (Interval(TWIST, 60, 61),))
    with pytest.raises(StationaryError, match="reaches no basin"):
        find_saddle(CHAIN, isomers, chain_at(80.0), [PULL], (narrow,), name="rotation", fmax=0.02)


# DNAB with GAFF2 --------------------------------------------------------------------------------------------

CNNC = Variable("CNNC", "dihedral", (6, 9, 10, 11))
ANGLES = (Variable("theta9", "angle", (6, 9, 10)), Variable("theta10", "angle", (9, 10, 11)))
Z = Basin("Z", (Interval(CNNC, -40, 40), *(Interval(a, 0, 145) for a in ANGLES)))
E = Basin("E", (Interval(CNNC, 140, 220), *(Interval(a, 0, 145) for a in ANGLES)))


@pytest.fixture(scope="module")
def gaff2():
    molecule, e = dnab("E")
    _, z = dnab("Z")
    potential = build("forcefield", molecule, {"file": str(DNAB / "gaff2.xml")})
    minimum_e = find_minimum(molecule, potential, e, E, (Z, E), fmax=0.02)
    minimum_z = find_minimum(molecule, potential, z, Z, (Z, E), fmax=0.02)
    return molecule, potential, minimum_e, minimum_z


def test_gaff2_minima(gaff2):
    _, _, e, z = gaff2
    # 9.981 at full convergence, whatever conformer the quenches start from.
    assert (z.energy - e.energy) / KCAL == pytest.approx(9.981, abs=0.005)
    for point in (e, z):
        assert point.n_imaginary == 0
        assert len(point.wavenumbers) == 96
        assert 2900.0 < point.wavenumbers[-1] < 3300.0  # a C-H stretch: units of length, mass and energy
    assert (e.basin, z.basin) == ("E", "Z")


@pytest.mark.parametrize(("side", "height", "imaginary"), [("Z", 36.940, -139.5), ("E", 36.956, -141.0)])
def test_gaff2_rotation_saddle(gaff2, side, height, imaginary):
    """Two saddles, 0.016 kcal/mol apart, that differ in the turn of the rings; the start decides."""
    molecule, potential, e, z = gaff2
    pull = CosinePull(CNNC, 90.0, 150.0 * KCAL)
    start = {"Z": z, "E": e}[side].positions
    saddle = find_saddle(molecule, potential, start, [pull], (Z, E), name="rotation", fmax=0.02)
    assert (saddle.energy - e.energy) / KCAL == pytest.approx(height, abs=0.006)
    assert saddle.wavenumbers[0] == pytest.approx(imaginary, abs=1.0)
    assert saddle.n_imaginary == 1
    assert abs(CNNC.value(saddle.positions)) == pytest.approx(88.0, abs=1.0)
    assert sorted(saddle.joins) == ["E", "Z"]


def test_gaff2_minimum_in_the_wrong_basin(gaff2):
    molecule, potential, _, z = gaff2
    with pytest.raises(StationaryError, match="lies in Z"):
        find_minimum(molecule, potential, z.positions, E, (Z, E), fmax=0.05)


def test_gaff2_quench_finds_a_minimum_not_higher(gaff2):
    molecule, potential, e, _ = gaff2
    kept = find_minimum(
        molecule, potential, e.positions, E, (Z, E), fmax=0.05, quenches=1, rng=np.random.default_rng(0)
    )
    assert kept.energy <= e.energy + 0.02 * KCAL
    assert kept.basin == "E"


@pytest.mark.slow
def test_inversion_at_the_other_nitrogen_on_pm6():
    """The first walk does not arrive, since noise makes second ways up among soft modes; the second start does."""
    molecule, start = dnab("E")
    potential = build("mopac", molecule, {"hamiltonian": "PM6"})
    e = find_minimum(molecule, potential, start, E, (Z, E), fmax=0.05)
    pull = CosinePull(ANGLES[0], 180.0, 150.0 * KCAL)
    saddle = find_saddle(molecule, potential, e.positions, [pull], (Z, E), name="inversion at N9", fmax=0.05)
    assert (saddle.energy - e.energy) / KCAL == pytest.approx(26.4, abs=0.05)
    assert saddle.wavenumbers[0] == pytest.approx(-622.0, abs=5.0)
    assert ANGLES[0].value(saddle.positions) > 165.0 and sorted(saddle.joins) == ["E", "Z"]


# A molecule whose minima are linear --------------------------------------------------------------------------------


def hcn():
    """Config, potential and exactly linear starting geometries of the example of HCN, on GFN1-xTB."""
    file = "config/examples/hcn.yaml"
    checked = load(read_yaml(file), [file])
    system, method = checked.system, checked.methods["gfn1"]
    starts = {name: read_geometry(path)[1] for name, path in system.geometries.items()}
    return system, build(method.potential, system.molecule, method.options), starts


def test_saddle_between_linear_minima():
    """No force points off the line from an exactly linear start, and still the saddle beside it is found."""
    system, potential, starts = hcn()
    points = {}
    for basin in system.basins:
        points[basin.name] = find_minimum(
            system.molecule, potential, starts[basin.name], basin, system.basins, fmax=0.05
        )
        wavenumbers = points[basin.name].wavenumbers
        assert wavenumbers.shape == (4,)
        assert wavenumbers[0] == pytest.approx(wavenumbers[1], abs=3.0), "two bends of one wavenumber"
        assert 500.0 < wavenumbers[0] < 1000.0 and wavenumbers[2] > 2000.0 and wavenumbers[3] > 3000.0
    (guess,) = system.saddle_guesses
    start = points[guess.start].positions
    saddle = find_saddle(system.molecule, potential, start, guess.biases, system.basins, name=guess.name, fmax=0.05)
    assert set(saddle.joins) == {"HCN", "HNC"} and saddle.wavenumbers.shape == (3,)
    assert not is_linear(saddle.positions, system.molecule.masses)
    assert saddle.energy > points["HNC"].energy > points["HCN"].energy


def test_walk_from_a_symmetric_start_stays_finite():
    """No force along either falling direction, so that the walk has nothing to divide, and goes down the third."""

    def surface(x: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, c = x[0]
        slope = np.array([[-800.0 * a, -400.0 * b, 400.0 * (c - 0.05)]])
        return -400.0 * a**2 - 200.0 * b**2 + 200.0 * (c - 0.05) ** 2, slope

    found = walk_to_saddle(surface, np.zeros((1, 3)), fmax=1e-5, cycles=50, isolated=False)
    np.testing.assert_allclose(found, [[0.0, 0.0, 0.05]], atol=1e-5)


# The stage -------------------------------------------------------------------------------------------------


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the stage with a search that ends in an error; the file that it writes."""
    loaded = load(read_yaml("config/config.yaml"))
    out = tmp_path / "saddle_1.nc"

    def run(error: Exception) -> Path:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(
            stationary_stages, "open_method", lambda _: (loaded.system, None, SimpleNamespace(description="x"))
        )
        monkeypatch.setattr(stationary_stages, "anchor", lambda *_: None)
        monkeypatch.setattr(
            stationary_stages, "read_stationary", lambda _: SimpleNamespace(positions=np.zeros((34, 3)))
        )
        monkeypatch.setattr(stationary_stages.stationary, "find_saddle", fail)
        stationary_stages.saddle_search(loaded.settings("saddle_search", "pm6"), 1, "", out)
        return out

    run.out = out
    return run


@pytest.mark.parametrize("kind", [PotentialError, StationaryError])
def test_a_guess_that_leads_nowhere_is_an_answer(search, kind: type[Exception]) -> None:
    assert read_search(search(kind("the field did not converge"))) == "the field did not converge"


def test_what_was_refused_is_kept(search) -> None:
    places = np.random.default_rng(0).standard_normal((2, 34, 3))
    found = [("saddle", places[0], -3.0), ("descent along +mode 1", places[1], -9.0)]
    file = search(NoSaddle("inversion: the descent\nreaches no basin", found))
    assert read_search(file) == "inversion: the descent\nreaches no basin"
    data = read_dataset(file)
    np.testing.assert_allclose(data.positions.values, places)
    assert list(data.geometry.values) == ["saddle", "descent along +mode 1"] and list(data.energy.values) == [
        -3.0,
        -9.0,
    ]
    frames = ase.io.read(file.with_suffix(".xyz"), index=":")
    np.testing.assert_allclose([f.positions for f in frames], 10.0 * places, atol=1e-6)


def test_a_search_that_found_nothing_does_not_outlive_its_code(search) -> None:
    """A saddle that was found stays, unless the saddles of its revision are wrong."""
    assert search_revision(search.out, 3) == 3, "nothing there"
    search(StationaryError("no saddle within 80 cycles"))
    assert search_revision(search.out, 99) == 99
    point = StationaryPoint("s", None, np.zeros((2, 3)), 0.0, np.zeros(1), np.zeros((1, 2, 3)), 0.0, 1, ("a", "b"))
    write_stationary(point, ["H", "H"], search.out, source="x", revision=99)
    assert search_revision(search.out, 100) == 99 and search_revision(search.out, 100, sound_from=99) == 99
    assert search_revision(search.out, 101, sound_from=100) == 101
    write_stationary(point, ["H", "H"], search.out, source="x")
    assert search_revision(search.out, 100) == 1, "one that was found before revisions were on record"
    search.out.write_bytes(b"\0" * 100)
    assert search_revision(search.out, 100) == 100


def test_a_search_records_the_revision_of_its_rule(search, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(read_yaml("config/config.yaml"))
    ends = (loaded.system.reactant, loaded.system.product)
    saddle = read_geometry(loaded.system.geometries[loaded.system.reactant])[1]
    n = len(saddle)
    point = StationaryPoint("s", None, saddle, 0.0, np.full(1, -100.0), np.zeros((1, n, 3)), 0.0, 1, ends)
    search(StationaryError("this sets the stage up"))
    monkeypatch.setattr(stationary_stages.stationary, "find_saddle", lambda *_, **__: point)
    stationary_stages.saddle_search(loaded.settings("saddle_search", "pm6"), 1, "", search.out, revision=7)
    assert search_revision(search.out, 9) == 7


def test_an_engine_that_is_lost_leaves_no_answer(search) -> None:
    """Else a passing failure would stand in the file for good."""
    with pytest.raises(EngineLost, match="no answer in 300 s"):
        search(EngineLost("the worker process gave no answer in 300 s and was killed"))
    assert not search.out.exists()
