"""Collective variables against MDTraj, hand values, numerical differentiation and brute-force enumeration."""

from __future__ import annotations

import itertools
import math
import timeit
import warnings
from dataclasses import replace
from typing import Any

import mdtraj as md
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from rdkit import Chem
from scipy.spatial.transform import Rotation

from separatrix.core.molecule import read_geometry
from separatrix.cvs import evaluation
from separatrix.cvs.enumeration import enumerate_around, of_changed_bonds
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.geometry_functions import angle, angle_rate, dihedral, dihedral_rate, distance, distance_rate
from separatrix.cvs.kinds import KINDS, REGISTRY
from separatrix.cvs.kinds.dihedrals import torsion
from separatrix.cvs.kinds.mdtraj_function import MDTRAJ
from separatrix.cvs.scalars import angle_of, dihedral_of, distance_of
from separatrix.cvs.specification import describe, from_spec, to_spec
from separatrix.cvs.variable import Variable

SMOOTH_AT_LINEAR_JKL = ["distance", "cos_angle", "sin_angle_cos_dihedral", "sin_angle_sin_dihedral"]


def chain(
    bonds: tuple[float, float, float] = (0.14, 0.125, 0.14),
    first: float = 115.0,
    second: float = 115.0,
    torsion: float = 180.0,
) -> np.ndarray:
    """Four atoms i, j, k, l (4, 3) in nm with these bond lengths; i-j-k, j-k-l, dihedral in degrees.

    Built by rotating about the axis j -> k, looked at along which a clockwise turn from i to l is positive.
    """
    a, b, t = np.radians([first, second, torsion])
    k = np.array([0.0, 0.0, bonds[1]])
    i = bonds[0] * np.array([math.sin(a), 0.0, math.cos(a)])
    end = k + bonds[2] * np.array([math.sin(b) * math.cos(t), math.sin(b) * math.sin(t), -math.cos(b)])
    return np.array([i, np.zeros(3), k, end])


#: A chain without symmetry: where superpositions onto it are not unique is far from what the tests look at.
REFERENCE = chain((0.14, 0.17, 0.11), 100.0, 125.0, 60.0)
ATOMS = {
    "in_plane_displacement": (1, 2, 3, 0),
    "angle": (1, 2, 3),
    "cos_angle": (1, 2, 3),
    "sin_angle": (1, 2, 3),
    "improper": (1, 0, 2, 3),
    "coordination": (0, 1, 3, 1, 0, 2),
    "rmsd": (0, 1, 2, 3),
    "mdtraj": (0, 1, 2, 3),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "coordination": {"r0_A": 1.6, "n": 6, "m": 12},
    "rmsd": {"reference_nm": REFERENCE.tolist()},
    "mdtraj": {"function": "compute_rg"},
}


def of(kind: str) -> Variable:
    """A variable of a kind on atoms 0, 1, 2, ... in the chain i, j, k, l."""
    atoms = ATOMS.get(kind, tuple(range(KINDS[kind].n_atoms or 4)))
    return Variable(kind, kind, atoms, options=OPTIONS.get(kind, {}))


def product(*factors: Variable) -> Variable:
    return Variable("product", "product", terms=tuple((1.0, factor) for factor in factors))


def mixture() -> Variable:
    """A difference of a difference: 0.5 (jkl - 2 ijk) + 1.5 ikl."""
    other, third = Variable("ijk", "angle", (0, 1, 2)), Variable("ikl", "angle", (0, 2, 3))
    inner = Variable("inner", "difference", terms=((1.0, of("angle")), (-2.0, other)))
    return Variable("outer", "difference", terms=((0.5, inner), (-1.5, third)))


# What MDTraj computes is in single precision, and has tests of its own.
# Without what other tests load as a package of its own.
OWN = [kind for kind in REGISTRY.own() if kind in KINDS]
OURS = [kind for kind in OWN if kind != "mdtraj" and KINDS[kind].period is None]
SMOOTH = product(of("sin_angle"), of("cos_dihedral"), of("cos_angle"))
ALL = [*(of(kind) for kind in OURS), mixture(), SMOOTH]
INTERNAL = [variable for variable in ALL if variable.kind not in ("x", "y", "z")]


# -----------------------------------------------------------------------------------------------------------
# Values
# -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def random_trajectory() -> md.Trajectory:
    topology = md.Topology()
    residue = topology.add_residue("MOL", topology.add_chain())
    for n in range(8):
        topology.add_atom(f"C{n}", md.element.carbon, residue)
    return md.Trajectory(np.random.default_rng(7).normal(scale=0.2, size=(300, 8, 3)), topology)


def test_plain_functions_agree_with_mdtraj(random_trajectory: md.Trajectory) -> None:
    x = random_trajectory.xyz
    for four in ([0, 1, 2, 3], [7, 2, 5, 0], [4, 6, 1, 3]):
        np.testing.assert_allclose(
            distance(x, *four[:2]), 10 * md.compute_distances(random_trajectory, [four[:2]])[:, 0], rtol=1e-5
        )
        # MDTraj works in single precision, and its arccos loses half the digits near 0 and 180 degrees.
        np.testing.assert_allclose(
            angle(x, *four[:3]), np.degrees(md.compute_angles(random_trajectory, [four[:3]]))[:, 0], atol=0.02
        )
        theirs = np.degrees(md.compute_dihedrals(random_trajectory, [four]))[:, 0]
        ours = dihedral(x, *four)
        assert (theirs > 5).any() and (theirs < -5).any()
        np.testing.assert_allclose((ours - theirs + 180) % 360 - 180, 0, atol=0.02)


def test_every_kind_agrees_with_what_mdtraj_makes_of_it(random_trajectory: md.Trajectory) -> None:
    t = random_trajectory
    phi = md.compute_dihedrals(t, [[0, 1, 2, 3]])[:, 0].astype(float)
    theta = md.compute_angles(t, [[1, 2, 3]])[:, 0].astype(float)
    expected = {
        "distance": 10 * md.compute_distances(t, [[0, 1]])[:, 0],
        "angle": np.degrees(theta),
        "cos_angle": np.cos(theta),
        "sin_angle": np.sin(theta),
        "dihedral": np.degrees(phi),
        "cos_dihedral": np.cos(phi),
        "sin_dihedral": np.sin(phi),
        "sin_angle_cos_dihedral": np.sin(theta) * np.cos(phi),
        "sin_angle_sin_dihedral": np.sin(theta) * np.sin(phi),
        **{kind: 10 * t.xyz[:, 0, axis] for axis, kind in enumerate("xyz")},
    }
    # Displacement of atom 2 from the axis 1...3 within the plane of 1, 3, 0: its perpendicular length times
    # the cosine of the dihedral 0-1-3-2 (that between the half planes of 0 and of 2 about the axis).
    off_axis = 10 * md.compute_distances(t, [[1, 2]])[:, 0] * np.sin(md.compute_angles(t, [[2, 1, 3]])[:, 0])
    expected["in_plane_displacement"] = off_axis * np.cos(md.compute_dihedrals(t, [[0, 1, 3, 2]])[:, 0])
    # Height of 1 over the plane of 0, 2, 3: the distance 1-0, its angle to the edge 0-2, and that of the two planes.
    # Seen from above, 0, 2, 3 turn counter-clockwise when the dihedral 1-0-2-3 is negative.
    edge = 10 * md.compute_distances(t, [[0, 1]])[:, 0] * np.sin(md.compute_angles(t, [[1, 0, 2]])[:, 0])
    expected["improper"] = -edge * np.sin(md.compute_dihedrals(t, [[1, 0, 2, 3]])[:, 0])
    ratio = 10 * md.compute_distances(t, [[0, 1], [3, 1], [0, 2]]).astype(float) / 1.6
    expected["coordination"] = ((1 - ratio**6) / (1 - ratio**12)).sum(axis=1)
    target = md.Trajectory(REFERENCE, t.topology.subset(range(4)))
    expected["rmsd"] = 10 * md.rmsd(t.atom_slice(range(4)), target)
    expected["mdtraj"] = 10 * md.compute_rg(t.atom_slice(range(4)))
    assert set(expected) == set(OWN)
    values, rates = evaluate([of(kind) for kind in OWN], t.xyz)
    assert rates is None and values.dtype == np.float64
    for column, kind in enumerate(OWN):
        np.testing.assert_allclose(
            values[:, column], expected[kind], atol=0.02 if kind in ("angle", "dihedral") else 5e-4
        )


@pytest.mark.parametrize("torsion", [-179.999999, -90.0, -1e-7, 0.0, 1e-7, 45.0, 90.0, 179.999999, 180.0])
@pytest.mark.parametrize("bend", [1e-5, 60.0, 120.0, 179.99, 179.99999])
def test_a_built_chain_gives_back_its_angles(torsion: float, bend: float) -> None:
    x = chain(second=bend, torsion=torsion)
    assert angle_of(x, 1, 2, 3) == pytest.approx(bend, abs=1e-11)
    assert angle(x[None], 1, 2, 3)[0] == pytest.approx(bend, abs=1e-11)
    # The direction of a bond 1e-7 off the axis is known to 1e-16 / 1e-7.
    tolerance = 1e-8 if 1 < bend < 179.9999 else 1e-6
    assert dihedral_of(x, 0, 1, 2, 3) == pytest.approx(torsion, abs=tolerance)
    assert dihedral(x[None], 0, 1, 2, 3)[0] == pytest.approx(torsion, abs=tolerance)


def test_dihedral_range_excludes_minus_180() -> None:
    flat = np.array([[0.1, 0.1, 0.0], [0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, -0.1, 0.0]])
    for z in (0.0, -0.0, 1e-300, -1e-300):  # the last one is -180 when rounded
        flat[3, 2] = z
        assert dihedral_of(flat, 0, 1, 2, 3) == 180.0
        assert dihedral(flat[None], 0, 1, 2, 3)[0] == 180.0


def test_hand_values() -> None:
    # Seen along j -> k (+z, away from the viewer), i at +x turns clockwise to l at +y: +90 by the IUPAC rule.
    x = np.array([[[0.1, 0, 0], [0, 0, 0], [0, 0, 0.1], [0, 0.1, 0.1]]])
    assert dihedral(x, 0, 1, 2, 3)[0] == pytest.approx(90.0)
    assert dihedral(x * [1, -1, 1], 0, 1, 2, 3)[0] == pytest.approx(-90.0)
    assert distance(x, 0, 2)[0] == pytest.approx(math.sqrt(2))  # angstrom
    assert angle(x, 0, 2, 1)[0] == pytest.approx(45.0)
    # a, b, c, d: b is 0.3 A off the axis towards d, and 0.2 A out of the plane, which does not count.
    y = np.array([[[0, 0, 0], [0.1, 0.03, 0.02], [0.25, 0, 0], [-0.1, 0.7, 0]]])
    bent = Variable("w", "in_plane_displacement", (0, 1, 2, 3))
    assert evaluate([bent], y)[0][0, 0] == pytest.approx(0.3)
    y[0, 3, 1] *= -1
    assert evaluate([bent], y)[0][0, 0] == pytest.approx(-0.3)


def test_displacement_out_of_a_plane_by_hand() -> None:
    x = np.array([[[0.05, 0.02, 0.03], [0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]])
    up = Variable("up", "improper", (0, 1, 2, 3))
    # Looked down upon from +z, a, b, c turn counter-clockwise; o is 0.3 A above them.
    assert evaluate([up], x)[0][0, 0] == pytest.approx(0.3)
    for turned in ((0, 2, 3, 1), (0, 3, 1, 2)):
        assert evaluate([Variable("up", "improper", turned)], x)[0][0, 0] == pytest.approx(0.3)
    assert evaluate([Variable("down", "improper", (0, 2, 1, 3))], x)[0][0, 0] == pytest.approx(-0.3)


@pytest.mark.parametrize(("n", "m"), [(6, 12), (1, 2), (4, 7), (12, 24)])
def test_coordination_by_hand(n: int, m: int) -> None:
    # Next to r0 the plain formula loses its digits; at r0 itself it is 0/0, and the limit is n/m.
    ratios = np.array([0.0, 1e-3, 0.5, 0.9, 1 - 1e-9, 1.0, 1 + 1e-9, 1.1, 2.0, 50.0, 1e30])
    x = np.zeros((len(ratios), 2, 3))
    x[:, 1, 2] = 0.25 * ratios
    v = np.zeros_like(x)
    v[:, 1, 2] = 0.25  # the ratio grows by 1 per ps
    pair = Variable("s", "coordination", (0, 1), options={"r0_A": 2.5, "n": n, "m": m})
    values, rates = evaluate([pair], x, v)
    assert rates is not None
    plain = np.delete(np.arange(len(ratios)), [4, 5, 6, 10])
    np.testing.assert_allclose(values[plain, 0], (1 - ratios[plain] ** n) / (1 - ratios[plain] ** m), rtol=1e-12)
    np.testing.assert_allclose(values[4:7, 0], n / m, atol=1e-7)
    assert 0 <= values[10, 0] < 1e-29
    at_r0 = n * (n - m) / (2 * m)  # derivative of the ratio of the two geometric sums at 1
    np.testing.assert_allclose(rates[4:7, 0], at_r0, atol=1e-6)
    # At coincident atoms the slope would depend on the direction for n = 1; the rate is 0 there by definition.
    assert rates[0, 0] == 0.0


@given(seed=st.integers(0, 2**32 - 1), n_atoms=st.integers(3, 12))
@settings(max_examples=60)
def test_rmsd_is_that_of_the_best_superposition(seed: int, n_atoms: int) -> None:
    rng = np.random.default_rng(seed)
    reference, x = rng.normal(scale=0.2, size=(2, n_atoms, 3)) + rng.normal(size=3)
    v = rng.normal(size=(n_atoms, 3))
    fit = Variable("d", "rmsd", tuple(range(n_atoms)), options={"reference_nm": reference.tolist()})
    at = (reference - reference.mean(0), x - x.mean(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three atoms: the fit is unique, but for a turn that moves nothing
        _, rssd = Rotation.align_vectors(at[1], at[0])
    values, rates = evaluate([fit], x[None], v[None])
    assert rates is not None
    assert values[0, 0] == pytest.approx(10 * rssd / math.sqrt(n_atoms), abs=1e-9)
    # The second derivative is 1/(gap of the two best fits); the numbers are the derivative only where that is wide.
    singular = np.linalg.svd(at[0].T @ at[1], compute_uv=False)
    sign = np.sign(np.linalg.det(at[0].T @ at[1]))
    if n_atoms > 3 and singular[1] + sign * singular[2] > 0.05 * singular[0]:
        assert rates[0, 0] == pytest.approx(central_difference(fit, x, v, 1e-4), abs=1e-5)


def test_rmsd_does_not_take_a_mirror_image_and_has_a_tip_at_its_reference() -> None:
    v = np.random.default_rng(0).normal(size=(1, 4, 3))
    turned = REFERENCE @ Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix() + 3.0
    values, rates = evaluate([of("rmsd")], np.array([turned, turned * [1, 1, -1]]), np.array([v[0], v[0]]))
    assert rates is not None
    assert values[0, 0] == pytest.approx(0.0, abs=1e-13) and values[1, 0] > 0.3
    assert evaluate([of("rmsd")], REFERENCE[None], v)[1] == pytest.approx(0.0, abs=1e-9)
    # Close to the reference no digits are lost: a stretch by 1e-9 nm of the last bond alone.
    near = REFERENCE.copy()
    near[3] += 1e-9 * (near[3] - near[2]) / np.linalg.norm(near[3] - near[2])
    assert 1e-10 < evaluate([of("rmsd")], near[None])[0][0, 0] < 1e-8


def test_compounds_by_hand() -> None:
    x, v = np.random.default_rng(11).normal(scale=0.2, size=(2, 9, 4, 3))
    length, bend, cosine = of("distance"), of("angle"), of("cos_dihedral")
    (d, a, c), (d_dot, a_dot, c_dot) = (part.T for part in evaluate([length, bend, cosine], x, v))
    made = [
        product(length, bend),
        product(length, length),
        product(cosine, cosine, cosine),
        Variable("scaled", "linear_combination", terms=((-3.0, length),)),
        Variable("mean", "linear_combination", terms=((0.5, bend), (0.5, Variable("t", "angle", (0, 1, 2))))),
        product(Variable("n", "difference", terms=((1, length), (2, Variable("e", "distance", (2, 3))))), cosine),
        Variable("sum", "difference", terms=((1.0, product(cosine, cosine)), (-2.0, cosine))),
    ]
    values, rates = evaluate(made, x, v)
    other, other_dot = (part[:, 0] for part in evaluate([Variable("e", "distance", (2, 3))], x, v))
    third, third_dot = (part[:, 0] for part in evaluate([Variable("t", "angle", (0, 1, 2))], x, v))
    n, n_dot = d + 2 * other, d_dot + 2 * other_dot
    expected = [d * a, d * d, c**3, -3 * d, (a + third) / 2, n * c, c * c - 2 * c]
    slopes = [d_dot * a + d * a_dot, 2 * d * d_dot, 3 * c * c * c_dot, -3 * d_dot, (a_dot + third_dot) / 2]
    slopes += [n_dot * c + n * c_dot, 2 * c * c_dot - 2 * c_dot]
    np.testing.assert_allclose(values.T, expected, rtol=1e-12)
    np.testing.assert_allclose(rates.T, slopes, rtol=1e-11)
    units = ["angstrom*degree", "angstrom^2", "1", "angstrom", "degree", "angstrom", "1"]
    assert [variable.unit for variable in made] == units
    assert product(product(length, length), product(length, bend)).unit == "angstrom^3*degree"


def test_a_dihedral_is_worked_out_once_for_its_cosine_and_its_sine(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def counting(points: np.ndarray, motion: np.ndarray | None) -> tuple:
        seen.append(points.shape)
        return torsion(points, motion)

    for kind in ("cos_dihedral", "sin_dihedral"):
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], kernel=counting))
    x = np.random.default_rng(0).normal(size=(5, 6, 3))
    wanted = [Variable("c", "cos_dihedral", (0, 1, 2, 3)), Variable("s", "sin_dihedral", (0, 1, 2, 3))]
    wanted += [Variable("s2", "sin_dihedral", (2, 3, 4, 5)), Variable("c3", "cos_dihedral", (1, 2, 3, 4))]
    values = evaluate([*wanted, product(wanted[0], wanted[1])], x)[0]
    assert seen == [(4, 3, 3, 5)]  # atoms, axes, dihedrals, frames
    phi = np.radians([dihedral(x, *variable.atoms) for variable in wanted])
    expected = [np.cos(phi[0]), np.sin(phi[1]), np.sin(phi[2]), np.cos(phi[3]), np.cos(phi[0]) * np.sin(phi[0])]
    np.testing.assert_allclose(values, np.array(expected).T, atol=1e-12)
    # As many of each, in another order.
    crossed = [wanted[0], wanted[3], Variable("s1", "sin_dihedral", (1, 2, 3, 4)), wanted[1]]
    expected = [np.cos(phi[0]), np.cos(phi[3]), np.sin(phi[3]), np.sin(phi[0])]
    np.testing.assert_allclose(evaluate(crossed, x)[0], np.array(expected).T, atol=1e-12)


# MDTraj's functions -----------------------------------------------------------------------------------------


def of_mdtraj(function: str, **options: Any) -> Variable:
    entry = MDTRAJ[function]
    part = {"part": entry.parts[-1]} if entry.parts else {}
    atoms = tuple(range(1, 1 + (entry.n_atoms or 5)))
    return Variable(function, "mdtraj", atoms, options={"function": function, **part, **options})


def test_functions_of_mdtraj_are_what_mdtraj_says(random_trajectory: md.Trajectory) -> None:
    t = random_trajectory
    part = t.atom_slice(range(1, 6))
    masses = [1.0, 2.0, 3.0, 4.0, 5.0]
    expected = {
        "compute_distances": 10 * md.compute_distances(t, [[1, 2]])[:, 0],
        "compute_angles": np.degrees(md.compute_angles(t, [[1, 2, 3]])[:, 0]),
        "compute_dihedrals": np.sin(md.compute_dihedrals(t, [[1, 2, 3, 4]])[:, 0]),
        "compute_rg": 10 * md.compute_rg(part),
        "principal_moments": 100 * md.principal_moments(part)[:, 2],
        "asphericity": 100 * md.asphericity(part),
        "acylindricity": 100 * md.acylindricity(part),
        "relative_shape_antisotropy": md.relative_shape_antisotropy(part),
    }
    assert set(expected) == set(MDTRAJ)
    found = [of_mdtraj(function) for function in expected]
    weighted = of_mdtraj("compute_rg", arguments={"masses": masses})
    # Far from the origin, where single precision would spoil what is not centred first.
    values = evaluate([*found, weighted], t.xyz.astype(float) + 100.0)[0]
    for column, (function, wanted) in enumerate(expected.items()):
        tolerance = 0.03 if function == "compute_angles" else 2e-5
        np.testing.assert_allclose(values[:, column], wanted, atol=tolerance, rtol=1e-5)
    np.testing.assert_allclose(values[:, -1], 10 * md.compute_rg(part, masses=np.array(masses)), rtol=1e-5)
    assert (np.abs(values[:, -1] - values[:, 3]) > 0.01).any()
    slow = of_mdtraj("compute_dihedrals", arguments={"opt": False, "periodic": False})
    np.testing.assert_allclose(evaluate([slow], t.xyz)[0][:, 0], expected["compute_dihedrals"], atol=2e-5)
    units = ["angstrom", "degree", "1", "angstrom", "angstrom^2", "angstrom^2", "angstrom^2", "1"]
    assert [variable.unit for variable in found] == units


def test_rates_of_mdtraj_functions_are_those_of_our_own() -> None:
    x = np.array([chain(torsion=t) for t in (180.0, -179.99, 90.0, 3.0)])
    v = np.random.default_rng(2).normal(scale=1.0, size=x.shape)
    pairs = [
        ("compute_distances", {}, Variable("d", "distance", (0, 1))),
        ("compute_angles", {}, Variable("a", "angle", (0, 1, 2))),
        ("compute_dihedrals", {"part": "cos"}, Variable("c", "cos_dihedral", (0, 1, 2, 3))),
        ("compute_dihedrals", {"part": "sin"}, Variable("s", "sin_dihedral", (0, 1, 2, 3))),
    ]
    for function, options, own in pairs:
        theirs = Variable("m", "mdtraj", own.atoms, options={"function": function, **options})
        found, expected = evaluate([theirs], x, v)[1], evaluate([own], x, v)[1]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=2e-3 * scale)
        # Another step, another error: it is the one that was asked for.
        wide = Variable("m", "mdtraj", own.atoms, options={"function": function, "step_fs": 8.0, **options})
        h = 0.008
        moved = [evaluate([theirs], x + s * h * v)[0] for s in (1, -1)]
        np.testing.assert_allclose(evaluate([wide], x, v)[1], (moved[0] - moved[1]) / (2 * h), atol=1e-4 * scale)


def test_where_mdtraj_has_no_number_there_is_a_zero() -> None:
    x = np.zeros((2, 4, 3))
    x[1] = chain()
    asked = [Variable(f, "mdtraj", ATOMS["mdtraj"], options={"function": f}) for f in ("relative_shape_antisotropy",)]
    asked.append(Variable("a", "mdtraj", (0, 1, 2), options={"function": "compute_angles"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, rates = evaluate(asked, x, np.zeros_like(x))
    assert (values[0] == 0).all() and (values[1] > 0).all() and (rates == 0).all()


def test_difference_of_angles_by_hand() -> None:
    x = chain(first=110.0, second=130.0)[None]
    value = evaluate(
        [Variable("d", "difference", terms=((1, of("angle")), (-0.5, Variable("t", "angle", (0, 1, 2)))))], x
    )
    assert value[0][0, 0] == pytest.approx(130 - 0.5 * 110)
    theta, other, third = (angle(x, *atoms)[0] for atoms in ((1, 2, 3), (0, 1, 2), (0, 2, 3)))
    assert evaluate([mixture()], x)[0][0, 0] == pytest.approx(0.5 * (theta - 2 * other) - 1.5 * third)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_one_frame_functions_equal_the_vectorised_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=rng.choice([0.05, 1.0]), size=(6, 3)).astype(rng.choice([np.float32, np.float64]))
    four = rng.permutation(6)[:4]
    assert abs(distance_of(x, *four[:2]) - distance(x[None], *four[:2])[0]) < 1e-10
    assert abs(angle_of(x, *four[:3]) - angle(x[None], *four[:3])[0]) < 1e-10
    assert abs(dihedral_of(x, *four) - dihedral(x[None], *four)[0]) < 1e-10


EVERY_FORM = [
    *(of(kind) for kind in OWN if kind != "mdtraj"),
    mixture(),
    SMOOTH,
    Variable("three", "linear_combination", terms=((2.0, of("distance")), (-1.0, of("rmsd")), (0.5, of("x")))),
    Variable("many", "coordination", tuple(n for n in range(60) for n in (n, 60)), options={"r0_A": 1.6}),
    Variable("steep", "coordination", (0, 1, 2, 3), options={"r0_A": 0.3, "n": 40, "m": 100}),
]


@pytest.mark.parametrize("variable", EVERY_FORM, ids=lambda v: v.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_in_one_frame_is_that_among_many(variable: Variable, dtype: type) -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(scale=0.15, size=(40, 61, 3)).astype(dtype)
    x[0, 1] = x[0, 0] + np.array([0.16, 0.0, 0.0], dtype=dtype)  # r0 itself, and next to it
    x[1, 1] = x[1, 0] + np.array([0.16 + 1e-7, 0.0, 0.0], dtype=dtype)
    x[2, 1] = x[2, 0]
    x[3, :4], x[4, :4] = REFERENCE, REFERENCE * [1, 1, -1]
    x[5, 1] = x[5, 0] + np.array([1e7, 0.0, 0.0], dtype=dtype)
    values = evaluate([variable], x)[0][:, 0]
    for decided in (variable.value, variable.deciding):
        found = np.array([decided(frame) for frame in x])
        defined = np.isfinite(found)
        assert defined.sum() > 30 and (decided is variable.deciding or defined.all())
        np.testing.assert_allclose(found[defined], values[defined], rtol=1e-11, atol=1e-9)


def test_one_frame_functions_are_fast_enough_for_every_step_of_dynamics() -> None:
    x = np.random.default_rng(0).normal(size=(34, 3))
    near = Variable("near", "coordination", (3, 9, 3, 20, 3, 33), options={"r0_A": 10.0})
    for call in (lambda: angle_of(x, 3, 9, 20), lambda: dihedral_of(x, 3, 9, 20, 33), lambda: near.deciding(x)):
        assert min(timeit.repeat(call, number=500, repeat=20)) / 500 < 15e-6


# -----------------------------------------------------------------------------------------------------------
# Rates
# -----------------------------------------------------------------------------------------------------------


def central_difference(variable: Variable, x: np.ndarray, v: np.ndarray, h: float) -> float:
    """Rate by central differences of the value along x + v t, of fourth order in h (ps)."""
    t = h * np.array([-2.0, -1.0, 1.0, 2.0])
    f = evaluate([variable], x + t[:, None, None] * v)[0][:, 0]
    return float((8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h))


def narrowest(x: np.ndarray) -> float:
    """The least height of a triangle of three of the atoms, nm: how near it is to a degenerate geometry."""
    heights = []
    for a, b, c in itertools.combinations(x, 3):
        sides = [np.linalg.norm(a - b), np.linalg.norm(b - c), np.linalg.norm(c - a)]
        heights.append(np.linalg.norm(np.cross(b - a, c - a)) / max(sides))
    return float(min(heights))


angles = st.floats(15.0, 165.0)
lengths = st.floats(0.08, 0.3)


@given(
    bonds=st.tuples(lengths, lengths, lengths),
    first=angles,
    second=angles | st.sampled_from([179.0, 179.9, 179.99, 180.01, 0.01]),
    torsion=st.floats(-180.0, 180.0) | st.sampled_from([-179.9999, 180.0, 179.9999, 0.0, 90.0]),
    seed=st.integers(0, 2**32 - 1),
)
@example(bonds=(0.14, 0.125, 0.14), first=120.0, second=179.99, torsion=180.0, seed=1)
@example(bonds=(0.14, 0.125, 0.14), first=179.99, second=120.0, torsion=-179.9999999, seed=2)
@settings(max_examples=150)
def test_rates_are_the_derivatives_of_the_values(
    bonds: tuple[float, float, float], first: float, second: float, torsion: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = chain(bonds, first, second, torsion) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    v = rng.normal(size=(4, 3))
    v /= np.linalg.norm(v, axis=1).max()  # the fastest atom moves at 1 nm/ps
    # The smallest length in the problem sets the time step, and how large rates are: the truncation error is
    # of the order (h / width)^4, the rounding error of 1e-16 / (h width).
    width = narrowest(x)
    assume(width > 5e-6)
    h = 2e-3 * width
    rates = evaluate(ALL, x[None], v[None])[1]
    assert rates is not None
    for column, variable in enumerate(ALL):
        if variable.kind == "rmsd":  # where its derivative is well-behaved is another question: see its own test
            continue
        numeric = central_difference(variable, x, v, h)
        scale = (180.0 if variable.unit == "degree" else 10.0) / width
        assert abs(rates[0, column] - numeric) < 1e-8 * scale, variable.kind


@pytest.mark.parametrize("torsion", [180.0, -179.99999, 179.99999, 0.0, -33.0])
def test_dihedral_rate_does_not_see_the_jump(torsion: float) -> None:
    x, h = chain(torsion=torsion), 1e-5
    v = np.zeros((4, 3))
    v[3] = np.cross([0, 0, 1], x[3] - x[2])  # turns l about the axis j -> k at 1 radian/ps
    assert dihedral_rate(x[None], v[None], 0, 1, 2, 3)[0] == pytest.approx(math.degrees(1.0))
    before, after = dihedral_of(x - h * v, 0, 1, 2, 3), dihedral_of(x + h * v, 0, 1, 2, 3)
    assert ((after - before + 180) % 360 - 180) / (2 * h) == pytest.approx(math.degrees(1.0), rel=1e-6)


def test_rate_functions_by_hand() -> None:
    x = chain(bonds=(0.1, 0.2, 0.1), second=180.0 - 1e-3)[None]
    v = np.zeros_like(x)
    v[0, 2, 2] = 0.3
    assert distance_rate(x, v, 1, 2)[0] == pytest.approx(3.0)  # 0.3 nm/ps in angstrom/ps
    # Pushing l at right angles to its bond towards the axis opens the angle at speed / bond length.
    radial = x[0, 3] - x[0, 2]
    v = np.zeros_like(x)
    sideways = np.cross(np.cross(radial, [0.0, 0.0, 1.0]), radial)
    v[0, 3] = 0.05 * sideways / np.linalg.norm(sideways)
    opening = angle_rate(x, v, 1, 2, 3)[0]
    assert opening == pytest.approx(math.degrees(0.05 / 0.1), rel=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_rigid_motion_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = chain(first=rng.uniform(10, 170), second=rng.uniform(10, 179.9), torsion=rng.uniform(-180, 180))
    x = x + rng.normal(size=3)
    omega, shift = rng.normal(size=3), rng.normal(size=3)
    v = np.cross(omega, x) + shift
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    values, rates = evaluate(INTERNAL, np.array([x, x @ rotation.T - shift]), np.array([v, v]))
    assert rates is not None
    np.testing.assert_allclose(values[0], values[1], atol=1e-8)
    np.testing.assert_allclose(rates[0], 0, atol=1e-8)
    mirrored = evaluate(INTERNAL, x[None] * [1, 1, -1])[0][0]
    odds = ("sin_dihedral", "sin_angle_sin_dihedral", "improper")
    odd = np.array([-1.0 if variable.kind in odds else 1.0 for variable in INTERNAL])
    same = [variable.kind != "rmsd" for variable in INTERNAL]  # the reference is not mirrored
    np.testing.assert_allclose(mirrored[same], (odd * values[0])[same], atol=1e-8)


# -----------------------------------------------------------------------------------------------------------
# Degenerate geometries
# -----------------------------------------------------------------------------------------------------------

LINE = np.array([[0.05, 0.12, 0.0], [0.0, 0.0, 0.0], [0.125, 0.0, 0.0], [0.265, 0.0, 0.0]])  # j, k, l on a line


@pytest.mark.parametrize(
    "x",
    [
        LINE,
        LINE[::-1],
        LINE * [1, 0, 0],
        np.zeros((4, 3)),
        chain(second=180.0),
        chain(0.0 * np.ones(3)),
        chain(first=0.0),
    ],
    ids=["jkl", "ijk", "all", "one point", "rounded", "zero bonds", "folded"],
)
def test_degenerate_geometries_are_finite_and_warn_of_nothing(x: np.ndarray) -> None:
    v = np.random.default_rng(3).normal(size=(1, 4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, rates = evaluate(ALL, x[None], v)
        scalars = [angle_of(x, 1, 2, 3), dihedral_of(x, 0, 1, 2, 3), distance_of(x, 0, 1)]
        vectors = [angle(x[None], 1, 2, 3)[0], dihedral(x[None], 0, 1, 2, 3)[0], distance(x[None], 0, 1)[0]]
    assert np.isfinite(values).all() and np.isfinite(rates).all()
    np.testing.assert_allclose(scalars, vectors, atol=1e-10)


def test_conventions_at_an_exactly_linear_angle() -> None:
    v = np.zeros((1, 4, 3))
    v[0, 3, 1] = 0.7  # l moves towards the side of i, at right angles to the line
    values, rates = evaluate(ALL, LINE[None], v)
    got = {variable.kind: (values[0, n], rates[0, n]) for n, variable in enumerate(ALL)}
    assert got["angle"] == (180.0, 0.0)
    assert got["sin_angle"] == (0.0, 0.0)
    assert got["cos_dihedral"] == (0.0, 0.0) and got["sin_dihedral"] == (0.0, 0.0)
    assert dihedral(LINE[None], 0, 1, 2, 3)[0] == 0.0 == dihedral_rate(LINE[None], v, 0, 1, 2, 3)[0]
    # The smooth ones have their true rates: d sin(bend)/dt = speed / bond length, and for the displacement of
    # k from the axis j...l, which l tilts towards i: minus the lever 0.125/0.265 times the speed.
    assert got["sin_angle_cos_dihedral"] == pytest.approx((0.0, 0.7 / 0.14), abs=1e-12)
    assert got["sin_angle_sin_dihedral"] == pytest.approx((0.0, 0.0), abs=1e-12)
    assert got["in_plane_displacement"] == pytest.approx((0.0, -10 * 0.7 * 0.125 / 0.265), abs=1e-12)


def test_products_are_smooth_through_linearity_where_the_dihedral_jumps() -> None:
    # l swings through the axis within the plane of i: the bend runs from -20 to 20 degrees.
    bend = np.radians(np.linspace(-20, 20, 401))
    x = np.repeat(LINE[None], len(bend), axis=0)
    x[:, 3] = x[:, 2] + 0.14 * np.stack([np.cos(bend), np.sin(bend), 0 * bend], axis=1)
    v = np.zeros_like(x)
    v[:, 3] = 0.14 * np.stack([-np.sin(bend), np.cos(bend), 0 * bend], axis=1)  # 1 radian/ps
    kinds = ["sin_angle_cos_dihedral", "in_plane_displacement", "cos_dihedral", "angle"]
    values, rates = evaluate([of(kind) for kind in kinds], x, v)
    assert rates is not None
    np.testing.assert_allclose(values[:, 0], np.sin(bend), atol=1e-14)
    np.testing.assert_allclose(rates[:, 0], np.cos(bend), atol=1e-12)
    # Area of the triangle j, k, l: half the axis times the height of k over it.
    axis = np.linalg.norm(x[:, 3] - x[:, 1], axis=1)
    np.testing.assert_allclose(values[:, 1], -10 * 0.125 * 0.14 * np.sin(bend) / axis, atol=1e-13)
    np.testing.assert_allclose(np.gradient(values[:, 1], bend)[1:-1], rates[1:-1, 1], atol=1e-4)
    np.testing.assert_allclose(values[:, 2], np.sign(np.round(bend, 12)), atol=1e-9)
    np.testing.assert_allclose(values[:, 3], 180 - np.degrees(abs(bend)), atol=1e-9)


def test_one_frame_functions_pass_nan_on() -> None:
    x = chain()
    x[3, 0] = math.nan
    assert math.isnan(dihedral_of(x, 0, 1, 2, 3)) and math.isnan(angle_of(x, 1, 2, 3))
    v = np.ones((1, 4, 3))
    for found in (dihedral(x[None], 0, 1, 2, 3), angle(x[None], 1, 2, 3), angle_rate(x[None], v, 1, 2, 3)):
        assert np.isnan(found).all()
    assert np.isnan(dihedral_rate(x[None], v, 0, 1, 2, 3)).all()
    assert np.isnan(distance_rate(x[None], v, 2, 3)).all()


# -----------------------------------------------------------------------------------------------------------
# evaluate
# -----------------------------------------------------------------------------------------------------------


def test_the_answer_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x, v = rng.normal(size=(2, 53, 4, 3))
    whole = evaluate(ALL, x, v)
    monkeypatch.setattr(evaluation, "BLOCK", 7)
    blocks = evaluate(ALL, x, v)
    singles = [evaluate([variable], x, v) for variable in reversed(ALL)][::-1]
    for n in (0, 1):
        assert whole[n].shape == (53, len(ALL)) and whole[n].flags.c_contiguous
        np.testing.assert_allclose(blocks[n], whole[n], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(np.hstack([s[n] for s in singles]), whole[n], rtol=1e-12, atol=1e-12)


def test_input_is_left_alone_and_may_be_single_precision() -> None:
    x = np.random.default_rng(5).normal(size=(3, 4, 3)).astype(np.float32)
    before = x.copy()
    values, rates = evaluate(ALL, x, x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(values, evaluate(ALL, x.astype(float))[0])
    assert rates is not None and rates.dtype == np.float64


def test_no_frames_and_no_variables() -> None:
    empty, rates = evaluate(ALL, np.zeros((0, 4, 3)), np.zeros((0, 4, 3)))
    assert empty.shape == (0, len(ALL)) == rates.shape
    assert evaluate([], np.zeros((5, 4, 3)))[0].shape == (5, 0)


@pytest.mark.parametrize(
    ("positions", "velocities", "says"),
    [
        (np.zeros((4, 3)), None, r"positions must have the shape \(frames, atoms, 3\), not \(4, 3\)"),
        (np.zeros((2, 4, 3)), np.zeros((1, 4, 3)), r"velocities must have the shape of the positions"),
        (np.zeros((2, 3, 3)), None, r"atom 3 is not among the 3 given"),
        (
            np.array([chain(), chain() * math.nan]),
            None,
            r"positions: frame 1 holds a number that is not finite",
        ),
        (
            chain()[None],
            np.full((1, 4, 3), math.inf),
            r"velocities: frame 0 holds a number that is not finite",
        ),
    ],
)
def test_evaluate_refuses(positions: np.ndarray, velocities: np.ndarray | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate(ALL, positions, velocities)


# -----------------------------------------------------------------------------------------------------------
# Variable
# -----------------------------------------------------------------------------------------------------------


def test_variable_is_a_plain_value() -> None:
    one = Variable("a", "angle", [np.int64(2), 1, 0])  # type: ignore[arg-type]
    assert one == Variable("a", "angle", (2, 1, 0)) and len({one, Variable("a", "angle", (2, 1, 0))}) == 1
    assert all(type(atom) is int for atom in one.atoms)
    assert [variable.unit for variable in ALL] == [*(KINDS[kind].unit for kind in OURS), "degree", "1"]
    assert {KINDS[kind].unit for kind in OURS} == {"angstrom", "degree", "1"}
    ours = of("coordination")
    assert dict(ours.options) == {"r0_A": 1.6, "n": 6, "m": 12} and hash(ours) == hash(of("coordination"))
    assert Variable("s", "coordination", (0, 1), options={"r0_A": 2, "n": 4}).options == (
        ("r0_A", 2.0),
        ("n", 4),
        ("m", 8),
    )
    for variable in (*ALL, of("mdtraj")):
        assert {variable: 1}[variable] == 1
        assert describe(variable).endswith(f", in {variable.unit}") == (variable.unit != "1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("", "angle", (0, 1, 2)), "name: must be a word"),
        (("a", "angel", (0, 1, 2)), "kind: 'angel' is not a kind of variable; did you mean 'angle'"),
        (("a", "difference", (), ((1, of("dihedral")), (-1, of("angle")))), r"terms\[0\]: a 'dihedral' jumps"),
        (("a", "angle", (0, 1)), "atoms: 'angle' takes 3 atoms, not 2"),
        (("a", "angle", (0, 1, 0)), "atoms: 0 is given more than once"),
        (("a", "angle", (0, 1, -1)), "atoms: must be indices from 0, not -1"),
        (("a", "angle", (0, 1, 2.5)), "atoms: must be indices"),
        (("a", "angle", (0, 1, 2), ((1, of("angle")),)), "terms: only difference, .* have them, not 'angle'"),
        (("a", "angle", (0, 1, 2), (), {"r0_A": 1}), "r0_A: is not an option of a 'angle'"),
        (("a", "product", (), ((1, of("angle")),)), "terms: a 'product' takes two or more, not 1"),
        (("a", "product", (), ((2, of("angle")), (1, of("angle")))), r"terms\[0\].weight: a 'product' takes none"),
        (("a", "linear_combination", (), ()), "terms: a 'linear_combination' takes one or more, not 0"),
        (("a", "difference", (), ((1, mixture()), (1, of("angle")))), r"terms\[0\]: its terms have terms again"),
        (("a", "coordination", (0, 1)), "r0_A: is missing"),
        (("a", "coordination", (0, 1, 2), (), {"r0_A": 1}), "pairs: there must be at least one, of two"),
        (("a", "coordination", (), (), {"r0_A": 1}), "pairs: there must be at least one"),
        (("a", "coordination", (0, 0), (), {"r0_A": 1}), r"pairs\[0\]: an atom is paired with itself"),
        (("a", "coordination", (0, 1, 1, 0), (), {"r0_A": 1}), r"pairs\[1\]: is given more than once"),
        (("a", "coordination", (0, 1), (), {"r0_A": -1}), "r0_A: must be a number above 0, not -1"),
        (("a", "coordination", (0, 1), (), {"r0_A": True}), "r0_A: must be a number above 0, not True"),
        (("a", "coordination", (0, 1), (), {"r0_A": 1, "n": 6.0}), "n: must be a whole number from 1 to 100"),
        (("a", "coordination", (0, 1), (), {"r0_A": 1, "m": 101}), "m: must be a whole number from 1 to 100"),
        (("a", "coordination", (0, 1), (), {"r0_A": 1, "n": 6, "m": 6}), "n: must be below m, 6"),
        (("a", "coordination", (0, 1), (), {"r0_A": 1, "k": 6}), "k: is not an option of a 'coordination'"),
        (("a", "rmsd", (0, 1)), "atoms: 'rmsd' takes 3 atoms or more, not 2"),
        (("a", "rmsd", (0, 1, 1)), "atoms: 1 is given more than once"),
        (("a", "rmsd", (0, 1, 2)), "reference_nm: is missing"),
        (("a", "rmsd", (0, 1, 2), (), {"reference_nm": [[0, 0, 0]]}), "reference_nm: must be 3 lists of 3 numbers"),
        (("a", "rmsd", (0, 1, 2), (), {"reference_nm": [["x"] * 3] * 3}), "reference_nm: must be 3 lists of 3"),
        (("a", "rmsd", (0, 1, 2), (), {"reference_nm": [[math.nan] * 3] * 3}), "reference_nm: must be 3 lists"),
        (("a", "mdtraj", (0, 1)), "function: None is not on the list. Known: acyl"),
        (("a", "mdtraj", (0, 1), (), {"function": "compute_dist"}), "did you mean 'compute_distances'"),
        (("a", "mdtraj", (0, 1, 2), (), {"function": "compute_distances"}), "arguments.atom_pairs: takes 2 atoms"),
        (("a", "mdtraj", (0,), (), {"function": "compute_rg"}), "atoms: takes 2 or more, not 1"),
        (("a", "mdtraj", (0, 1), (), {"function": "compute_rg", "part": 0}), "part: compute_rg gives one number"),
        (("a", "mdtraj", (0, 1), (), {"function": "principal_moments"}), "part: must be one of 0, 1, 2, not None"),
        (("a", "mdtraj", (0, 1), (), {"function": "principal_moments", "part": True}), "part: must be one of 0, 1"),
        (("a", "mdtraj", (0, 1), (), {"function": "principal_moments", "part": 1.0}), "part: must be one of 0, 1"),
        (("a", "mdtraj", (0, 1), (), {"function": "compute_rg", "step_fs": 0}), "step_fs: must be a number above 0"),
        (
            ("a", "mdtraj", (0, 1), (), {"function": "compute_rg", "arguments": {"mass": []}}),
            "arguments.mass: is not taken; did you mean 'masses'",
        ),
        (
            ("a", "mdtraj", (0, 1), (), {"function": "compute_rg", "arguments": {"masses": [1.0]}}),
            "arguments.masses: must be a list of 2 numbers, one for each atom",
        ),
        (
            ("a", "mdtraj", (0, 1), (), {"function": "compute_rg", "arguments": {"masses": [1.0, "__import__"]}}),
            "arguments.masses: must be a number above 0, not '__import__'",
        ),
        (
            ("a", "mdtraj", (0, 1), (), {"function": "compute_distances", "arguments": {"opt": "no"}}),
            "arguments.opt: must be true or false, not 'no'",
        ),
        (("a", "difference", (0, 1)), "atoms: a 'difference' takes 'terms'"),
        (("a", "difference", (), ((1, of("angle")),)), "terms: a 'difference' takes two or more, not 1"),
        (("a", "difference", (), ((1, of("angle")), (0, of("angle")))), r"terms\[1\].weight: must be a finite"),
        (("a", "difference", (), ((1, of("angle")), (1, of("distance")))), "same unit, not degree, angstrom"),
        (("a", "difference", (), ((1, of("angle")), (1, "x"))), "must be .weight, Variable. pairs"),
    ],
)
def test_variable_refuses(arguments: tuple, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        Variable(*arguments)
    assert "\n" not in str(error.value) and str(error.value).startswith(f"variable {arguments[0]!r}: ")


# -----------------------------------------------------------------------------------------------------------
# enumerate_around
# -----------------------------------------------------------------------------------------------------------

DNAB = Chem.AddHs(Chem.MolFromSmiles("CN(C)c1ccc(cc1)/N=N/c1ccc(cc1)[N+](=O)[O-]"))


def graph(molecule: Chem.Mol) -> tuple[list[tuple[int, int]], list[str]]:
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    return bonds, [atom.GetSymbol() for atom in molecule.GetAtoms()]


def brute_force(molecule: Chem.Mol, centre: list[int], n_bonds: int, hydrogens: bool) -> set[tuple]:
    """The coordinates around some atoms from RDKit's distance matrix and every ordered choice of atoms."""
    steps = Chem.GetDistanceMatrix(molecule)
    near = [
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if steps[centre, atom.GetIdx()].min() <= n_bonds and (hydrogens or atom.GetAtomicNum() > 1)
    ]
    return {
        min(choice, choice[::-1])
        for size in (2, 3, 4)
        for choice in itertools.permutations(near, size)
        if all(steps[a, b] == 1 for a, b in itertools.pairwise(choice))
    }


@pytest.mark.parametrize("n_bonds", [0, 1, 2, 3])
@pytest.mark.parametrize("hydrogens", [False, True])
@pytest.mark.parametrize("smiles", [None, "C1CC1C", "C1CCC1", "CC#CC", "O"])
def test_enumeration_is_complete_and_without_duplicates(smiles: str | None, n_bonds: int, hydrogens: bool) -> None:
    molecule = DNAB if smiles is None else Chem.AddHs(Chem.MolFromSmiles(smiles))
    centre = [9, 10] if smiles is None else [0]
    bonds, symbols = graph(molecule)
    found = enumerate_around(bonds, symbols, centre, n_bonds, hydrogens)
    torsions = [variable.atoms for variable in found if variable.kind == "cos_dihedral"]
    assert [variable.atoms for variable in found if variable.kind == "sin_dihedral"] == torsions
    once = [variable.atoms for variable in found if variable.kind != "sin_dihedral"]
    assert len(set(once)) == len(once)
    assert set(once) == brute_force(molecule, centre, n_bonds, hydrogens)
    assert len({variable.name for variable in found}) == len(found)
    shuffled = [(int(b), int(a)) for a, b in np.random.default_rng(1).permutation(bonds)] + bonds[:1]
    assert enumerate_around(shuffled, symbols, centre[::-1], n_bonds, hydrogens) == found


def test_names_and_order() -> None:
    bonds, symbols = graph(DNAB)
    names = [variable.name for variable in enumerate_around(bonds, symbols, [9, 10], 1)]
    assert names == [
        "distance(C6,N9)",
        "distance(N9,N10)",
        "distance(N10,C11)",
        "angle(C6,N9,N10)",
        "angle(N9,N10,C11)",
        "cos(C6,N9,N10,C11)",
        "sin(C6,N9,N10,C11)",
    ]
    mine = [f"x{n}" for n in range(len(symbols))]
    assert enumerate_around(bonds, symbols, [9, 10], 1, names=mine)[-1].name == "sin(x6,x9,x10,x11)"
    across = enumerate_around(bonds, symbols, [9, 10], 1, one_three=True)
    assert [v.name for v in across if v.name not in names] == ["distance(C6,N10)", "distance(N9,C11)"]
    # A centre atom takes part even if it is a hydrogen.
    assert [v.name for v in enumerate_around([(0, 1), (0, 2)], "OHH", [1], 2)] == ["distance(O0,H1)"]
    # In a ring of three the far atoms are bonded: that distance occurs once.
    ring = enumerate_around([(0, 1), (1, 2), (2, 0)], "CCC", [0], one_three=True)
    assert [variable.kind for variable in ring] == ["distance"] * 3 + ["angle"] * 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"names": ["a", "b"]}, "names: 2 for 3 atoms"),
        ({"names": ["a", "b", "a"]}, "names: 'a' names more than one atom"),
        ({"n_bonds": -1}, "n_bonds: must be 0 or more"),
        ({"centre_atoms": []}, "centre_atoms: give at least one"),
        ({"centre_atoms": [3]}, "centre_atoms: 3 is not an atom"),
        ({"bonds": [(0, -1)]}, "bonds: -1 is not an atom"),
        ({"bonds": [(1, 1)]}, "bonds: atom 1 is bonded to itself"),
    ],
)
def test_enumerate_refuses(change: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        enumerate_around(**{"bonds": [(0, 1)], "symbols": "CNO", "centre_atoms": [0], **change})


def test_impropers_are_those_of_trigonal_atoms_once_each() -> None:
    bonds, symbols = graph(DNAB)
    for n_bonds in (1, 2, 4):
        plain = enumerate_around(bonds, symbols, [9, 10], n_bonds)
        found = enumerate_around(bonds, symbols, [9, 10], n_bonds, impropers=True)
        assert found[: len(plain)] == plain
        near = {atom for variable in plain for atom in variable.atoms}
        neighbours = {a.GetIdx(): sorted(b.GetIdx() for b in a.GetNeighbors()) for a in DNAB.GetAtoms()}
        wanted = [(a, *neighbours[a]) for a in sorted(near) if len(neighbours[a]) == 3 and near >= {*neighbours[a]}]
        assert [variable.atoms for variable in found[len(plain) :]] == wanted
        assert {variable.kind for variable in found[len(plain) :]} <= {"improper"}
    assert next(v.name for v in found if v.kind == "improper") == "improper(C6,C5,C7,N9)"
    # A ring carbon with a hydrogen is trigonal too, but its plane is that of the hydrogen.
    named = [v.atoms[0] for v in enumerate_around(bonds, symbols, [9, 10], 4, hydrogens=True, impropers=True)]
    assert len(named) > len(wanted)
    # Four neighbours have no plane, not even when only three of them take part.
    methyl = enumerate_around([(0, 1), (0, 2), (0, 3), (0, 4)], "CCNOH", [0], 1, impropers=True)
    assert "improper" not in [variable.kind for variable in methyl]


# -----------------------------------------------------------------------------------------------------------
# from_spec
# -----------------------------------------------------------------------------------------------------------

INDEX = {"C6": 6, "N9": 9, "N10": 10, "C11": 11}
CNNC = ["C6", "N9", "N10", "C11"]


def test_from_spec_builds() -> None:
    for kind in OWN:
        entry = KINDS[kind]
        if entry.n_atoms is None:
            continue
        spec = {"name": "x", "kind": kind, "atoms": CNNC[: entry.n_atoms]}
        assert from_spec(spec, INDEX, periodic=True) == Variable("x", kind, (6, 9, 10, 11)[: entry.n_atoms])
    assert from_spec({"kind": "cos_dihedral", "atoms": CNNC}, INDEX).name == "cos(C6,N9,N10,C11)"
    assert from_spec({"kind": "distance", "atoms": CNNC[:2]}, INDEX).name == "distance(C6,N9)"


def test_from_spec_builds_differences() -> None:
    first, second = {"kind": "angle", "atoms": CNNC[:3]}, {"kind": "angle", "atoms": CNNC[1:]}
    built = from_spec(
        {"name": "dtheta", "kind": "difference", "terms": [{"weight": 1, **first}, {"weight": -1, **second}]},
        INDEX,
    )
    one = Variable("angle(C6,N9,N10)", "angle", (6, 9, 10))
    two = Variable("angle(N9,N10,C11)", "angle", (9, 10, 11))
    assert built == Variable("dtheta", "difference", terms=((1.0, one), (-1.0, two))) and built.unit == "degree"
    a, b = {"kind": "distance", "atoms": ["C6", "N9"]}, {"kind": "distance", "atoms": ["N10", "C11"]}
    plain = {"kind": "difference", "terms": [a, {"weight": -1, **b}]}
    assert from_spec(plain, INDEX).name == "d(C6,N9)-d(N10,C11)"
    nested = {
        "kind": "difference",
        "terms": [{"weight": -0.5, **b}, {"weight": 2, **plain}, {**a, "name": "CN"}],
    }
    assert from_spec(nested, INDEX).name == "-0.5*d(N10,C11)+2*(d(C6,N9)-d(N10,C11))+CN"


ANGLE = {"kind": "angle", "atoms": CNNC[:3]}
LENGTH = {"kind": "distance", "atoms": CNNC[:2]}
PAIRS = {"kind": "coordination", "pairs": [["C6", "N9"]]}
DOUBLE_WELL = "resources/models/double_well_A.xyz"


def test_from_spec_builds_products_and_combinations() -> None:
    cosine, sine = {"kind": "cos_dihedral", "atoms": CNNC}, {"kind": "sin_angle", "atoms": CNNC[1:]}
    built = from_spec({"kind": "product", "terms": [sine, cosine]}, INDEX)
    assert built.name == "sin_angle(N9,N10,C11)*cos(C6,N9,N10,C11)" and built.unit == "1"
    assert [weight for weight, _ in built.terms] == [1.0, 1.0]
    assert from_spec({"kind": "linear_combination", "terms": [{**LENGTH, "weight": 2}]}, INDEX).name == "2*d(C6,N9)"
    inner = {"kind": "difference", "terms": [{"weight": 1, **ANGLE}, {"weight": -1, **ANGLE, "name": "t"}]}
    assert from_spec({"kind": "product", "terms": [inner, LENGTH]}, INDEX).unit == "angstrom*degree"


def test_from_spec_builds_coordination_numbers() -> None:
    pairs = {"kind": "coordination", "pairs": [["C6", "N10"], ["C11", "N9"]], "r0_A": 2.5, "n": 4, "m": 9}
    built = from_spec(pairs, INDEX)
    assert built == Variable(built.name, "coordination", (6, 10, 11, 9), options={"r0_A": 2.5, "n": 4, "m": 9})
    assert built.name == "coordination(C6-N10,C11-N9)"
    groups = from_spec({"kind": "coordination", "groups": [["C6", "N9"], ["N9", "C6", "C11"]], "r0_A": 2}, INDEX)
    assert groups.atoms == (6, 9, 6, 11, 9, 11) and groups.name == "coordination(C6,N9;N9,C6,C11)"


def test_from_spec_builds_rmsds() -> None:
    file = "resources/dnab/dnab_Z.xyz"
    symbols, positions = read_geometry(file)
    some = {"kind": "rmsd", "reference": file, "atoms": ["N10", "C6", "N9"]}
    built = from_spec(some, INDEX)
    assert built.name == "rmsd(dnab_Z.xyz)" and built.atoms == (10, 6, 9)
    np.testing.assert_array_equal(dict(built.options)["reference_nm"], positions[[10, 6, 9]])
    basin = {**some, "reference": "Z", "name": "from Z"}
    assert from_spec(basin, INDEX, references={"Z": positions}).options == built.options
    every = from_spec({"kind": "rmsd", "reference": file}, {f"a{n}": n for n in range(34)}, symbols=symbols)
    assert every.atoms == tuple(range(34))
    assert evaluate([every], positions[None])[0][0, 0] == pytest.approx(0.0, abs=1e-12)


def test_from_spec_builds_functions_of_mdtraj() -> None:
    bend = {"kind": "mdtraj", "function": "compute_angles", "arguments": {"angle_indices": [CNNC[:3]], "opt": False}}
    built = from_spec(bend, INDEX)
    assert built.name == "mdtraj(compute_angles C6,N9,N10)" and built.atoms == (6, 9, 10)
    assert dict(built.options)["arguments"] == (("opt", False),) and dict(built.options)["step_fs"] == 0.5
    cosine = {"kind": "mdtraj", "function": "compute_dihedrals", "arguments": {"indices": [CNNC]}, "part": "cos"}
    assert from_spec(cosine, INDEX).name == "mdtraj(cos compute_dihedrals C6,N9,N10,C11)"
    assert from_spec({"kind": "mdtraj", "function": "compute_rg"}, INDEX).atoms == (6, 9, 10, 11)


@pytest.mark.parametrize(
    "variable",
    [
        *ALL,
        of("dihedral"),
        *(of_mdtraj(function) for function in MDTRAJ),
        of_mdtraj("compute_rg", arguments={"masses": [1.0, 2.0, 3.0, 4.0, 5.0]}, step_fs=1.0),
        of_mdtraj("compute_distances", arguments={"opt": False}),
    ],
    ids=lambda variable: variable.name,
)
def test_a_description_gives_the_variable_back(variable: Variable) -> None:
    names = [f"N{n}" for n in range(9)]
    assert from_spec(to_spec(variable), periodic=True) == variable
    index = {name: n for n, name in enumerate(names)}
    assert from_spec(to_spec(variable, names), index, periodic=True) == variable
    words = describe(variable, names)
    assert all(names[atom] in words for leaf in variable.leaves for atom in leaf.atoms)


def test_a_description_by_indices_takes_no_names_and_nothing_odd() -> None:
    for atom in ("C6", -1, 1.0, True, None):
        with pytest.raises(ValueError, match=r"variable: atoms\[1\]: .* is not the index of an atom"):
            from_spec({"kind": "distance", "atoms": [0, atom]})
    with pytest.raises(ValueError, match="variable: atoms: is missing"):
        from_spec({"kind": "rmsd", "reference_nm": [[0, 0, 0]] * 3})
    # YAML can make a list that holds itself.
    endless: dict = {"kind": "product", "terms": []}
    endless["terms"] += [endless, endless]
    with pytest.raises(ValueError, match=r"terms\[0\].terms\[0\].kind: a 'product' in a compound in a compound"):
        from_spec(endless)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            {"kind": "cos_dihedrl", "atoms": CNNC},
            ["kind: 'cos_dihedrl'", "did you mean 'cos_dihedral'", *KINDS],
        ),
        ({"kind": "zzz", "atoms": CNNC}, ["kind: 'zzz' is not a kind", "difference", *KINDS]),
        ({"kind": ["angle"], "atoms": CNNC}, ["kind: ['angle'] is not a kind"]),
        ({"kind": "dihedral", "atoms": CNNC}, ["kind: ", "use 'cos_dihedral' and 'sin_dihedral'"]),
        ({"atoms": CNNC}, ["kind: is missing", *KINDS]),
        ({"kind": "angle"}, ["atoms: must be a list, not None"]),
        ({"kind": "angle", "atoms": "C6"}, ["atoms: must be a list, not 'C6'"]),
        (
            {"kind": "angle", "atoms": ["C6", "N9", "N100"]},
            ["atoms[2]: 'N100' is not", "did you mean 'N10'", "C11"],
        ),
        ({"kind": "angle", "atoms": ["C6", "N9", 10]}, ["atoms[2]: 10 is not the name of an atom"]),
        ({"kind": "angle", "atoms": CNNC}, ["atoms: 'angle' takes 3 atoms, not 4"]),
        ({"kind": "angle", "atoms": ["C6", "N9", "C6"]}, ["atoms: 'C6' is given more than once"]),
        ({**ANGLE, "atom": 1}, ["atom: is not a key of a 'angle'; did you mean 'atoms'"]),
        ({**ANGLE, "weight": 1}, ["weight: is not a key"]),
        ({**ANGLE, "terms": []}, ["terms: is not a key"]),
        ({"kind": "difference", "atoms": CNNC}, ["atoms: is not a key of a 'difference'", "terms"]),
        ({"kind": "difference", "terms": []}, ["terms: a 'difference' takes two or more, not 0"]),
        (
            {"kind": "difference", "terms": [ANGLE, LENGTH]},
            ["terms: must all have the same unit", "angstrom"],
        ),
        ({"kind": "difference", "terms": [ANGLE, "x"]}, ["terms[1]: must be a mapping"]),
        ({"kind": "product", "terms": [ANGLE, {**ANGLE, "weight": 2}]}, ["terms[1].weight: is not a key of a 'angle'"]),
        ({"kind": "product", "terms": [ANGLE]}, ["terms: a 'product' takes two or more, not 1"]),
        ({"kind": "product", "terms": ANGLE}, ["terms: must be a list, not {"]),
        (
            {"kind": "product", "terms": [{"kind": "product", "terms": [{"kind": "product", "terms": []}] * 2}] * 2},
            ["terms[0].terms[0].kind: a 'product' in a compound in a compound"],
        ),
        (PAIRS, ["r0_A: is missing"]),
        ({**PAIRS, "r0_A": 1, "groups": []}, ["pairs: a 'coordination' takes either 'pairs' or 'groups'"]),
        ({"kind": "coordination", "r0_A": 1}, ["pairs: a 'coordination' takes either 'pairs' or 'groups'"]),
        ({**PAIRS, "r0_A": 1, "pairs": [CNNC]}, ["pairs[0]: takes 2 atoms, not 4"]),
        ({**PAIRS, "r0_A": 1, "pairs": "C6"}, ["pairs: must be a list of lists of atoms, not 'C6'"]),
        (
            {**PAIRS, "r0_A": 1, "pairs": [["C6", "N8"]]},
            ["pairs[0][1]: 'N8' is not the name of an atom; did you mean 'N9'"],
        ),
        ({"kind": "coordination", "r0_A": 1, "groups": [CNNC]}, ["groups: takes two lists of atoms, not 1"]),
        ({**PAIRS, "r0_A": 1, "r0": 2}, ["r0: is not a key of a 'coordination'; did you mean 'r0_A'"]),
        ({"kind": "rmsd", "atoms": CNNC}, ["reference: a 'rmsd' takes either 'reference'"]),
        ({"kind": "rmsd", "reference": 1}, ["reference: must be the name of a basin or the path"]),
        ({"kind": "rmsd", "reference": "Q"}, ["reference: 'Q' is neither a basin (basins: Z) nor a file"]),
        ({"kind": "rmsd", "reference": "Z", "atoms": ["C6", "N9"]}, ["atoms: 'rmsd' takes 3 atoms or more, not 2"]),
        ({"kind": "rmsd", "reference": "Makefile"}, ["reference: Makefile: not a readable geometry"]),
        ({"kind": "rmsd", "reference": DOUBLE_WELL}, ["reference: the atoms of", "not those of the system"]),
        ({"kind": "mdtraj"}, ["function: None is not on the list", *MDTRAJ]),
        ({"kind": "mdtraj", "function": "load"}, ["function: 'load' is not on the list", *MDTRAJ]),
        ({"kind": "mdtraj", "function": "__class__"}, ["function: '__class__' is not on the list"]),
        ({"kind": "mdtraj", "function": "compute_rg", "arguments": []}, ["arguments: must be a mapping"]),
        (
            {"kind": "mdtraj", "function": "compute_angles", "atoms": CNNC[:3]},
            ["atoms: compute_angles takes its atoms as arguments.angle_indices"],
        ),
        (
            {"kind": "mdtraj", "function": "compute_angles", "arguments": {"angle_indices": CNNC[:3]}},
            ["arguments.angle_indices: must be a list that holds one list of 3 atoms"],
        ),
        (
            {"kind": "mdtraj", "function": "compute_angles", "arguments": {"angle_indices": [["C6", "N9", "N"]]}},
            ["arguments.angle_indices[0][2]: 'N' is not the name of an atom"],
        ),
        (
            {"kind": "difference", "terms": [ANGLE, {**ANGLE, "weight": "1"}]},
            ["terms[1].weight: must be a number"],
        ),
        (
            {"kind": "difference", "terms": [ANGLE, {**ANGLE, "weight": 0}]},
            ["terms[1].weight: must be a finite"],
        ),
        (
            {"kind": "difference", "terms": [ANGLE, {**ANGLE, "kind": "angel"}]},
            ["terms[1].kind: 'angel'", "'angle'"],
        ),
        ({"kind": "difference", "terms": [{**ANGLE, "name": 3}, ANGLE]}, ["terms[0].name: must be a word"]),
    ],
)
def test_from_spec_refuses_in_one_clear_line(spec: dict, says: list[str]) -> None:
    for name in ({}, {"name": "my: cv"}):
        with pytest.raises(ValueError) as error:
            from_spec({**name, **spec}, INDEX, references={"Z": np.zeros((34, 3))}, symbols=["C"] * 34)
        message = str(error.value)
        assert message.startswith("variable 'my: cv': " if name else "variable: ") and "\n" not in message
        assert message.count("variable") - message.count("kind of variable") == 1
        for part in says:
            assert part in message


def test_from_spec_refuses_what_is_no_mapping_and_bad_names() -> None:
    with pytest.raises(ValueError, match="spec: must be a mapping"):
        from_spec(["angle"], INDEX)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name: must be a word, not 7"):
        from_spec({"name": 7, **ANGLE}, INDEX)


# Bonds that a reaction changes -------------------------------------------------------------------------------

NAMES = ["C0", "C1", "O", "H"]


def test_bonds_that_break_and_form_are_variables():
    """A transfer: what breaks, what forms, and the difference of both, from negative to positive."""
    before, after = [(0, 1), (1, 2), (2, 3)], [(0, 1), (1, 2), (0, 3)]
    found = of_changed_bonds(before, after, NAMES)
    assert [v.name for v in found] == ["distance(C0,H)", "distance(O,H)", "d(O,H)-d(C0,H)"]
    x = np.array([[0, 0, 0], [0.13, 0, 0], [0.2, 0.1, 0], [0.12, 0.15, 0.0]])
    formed, broken, difference = evaluate(found, x[None])[0][0]
    assert difference == pytest.approx(broken - formed)
    assert formed == pytest.approx(10.0 * np.hypot(0.12, 0.15))
    back = of_changed_bonds(after, before, NAMES)
    assert [v.name for v in back] == ["distance(C0,H)", "distance(O,H)", "d(C0,H)-d(O,H)"]


def test_bonds_that_stay_are_none():
    assert of_changed_bonds([(0, 1)], [(0, 1)], NAMES) == []
    # Two that break and none that forms: nothing to take a difference of.
    assert [v.kind for v in of_changed_bonds([(0, 1), (2, 3)], [], NAMES)] == ["distance", "distance"]
    # One of each without an atom in common (a [3,3] shift) has one; of more, only those that share an atom.
    assert [v.kind for v in of_changed_bonds([(0, 1)], [(2, 3)], NAMES)] == ["distance"] * 2 + ["difference"]
    assert [v.name for v in of_changed_bonds([(0, 1), (2, 3)], [(0, 2)], NAMES)][3:] == [
        "d(C0,C1)-d(C0,O)",
        "d(O,H)-d(C0,O)",
    ]


def test_a_difference_of_positive_weights_is_refused():
    """It would be a sum."""
    terms = [{"kind": "distance", "atoms": [0, 1]}, {"kind": "distance", "atoms": [1, 2]}]
    with pytest.raises(ValueError, match="difference needs weights of both signs"):
        from_spec({"kind": "difference", "terms": terms})
    assert from_spec({"kind": "linear_combination", "terms": terms}).name == "d(0,1)+d(1,2)"
