"""Pulls: energies and gradients of any kind of variable, and where a pulled molecule arrives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import numerical_gradient

from separatrix.config.load import load
from separatrix.core.molecule import read_geometry
from separatrix.core.units import KCAL
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.kinds import KINDS, REGISTRY
from separatrix.cvs.variable import Variable
from separatrix.dynamics.pulls import CosinePull, HarmonicPull, Pull
from separatrix.dynamics.stationary import biased, find_saddle, pulled, relax
from separatrix.potentials import build


def bent(degrees: float) -> np.ndarray:
    """Three atoms with a given angle at the middle one, in a general orientation, and a bystander."""
    a = np.radians(degrees)
    x = np.array([[0.12, 0, 0], [0, 0, 0], [0.15 * np.cos(a), 0.15 * np.sin(a), 0], [0.3, 0.2, 0.1]])
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    return x @ turn.T


def check(bias: CosinePull, x: np.ndarray) -> None:
    energy, gradient = bias(x)
    numerical = numerical_gradient(lambda y: bias(y)[0], x)
    assert np.abs(gradient - numerical).max() < 1e-5 * bias.strength
    # A pull neither pushes nor turns the molecule.
    assert np.abs(gradient.sum(axis=0)).max() < 1e-9 * bias.strength
    assert np.abs(np.cross(x, gradient).sum(axis=0)).max() < 1e-9 * bias.strength
    assert -1e-10 <= energy <= 2.0 * bias.strength + 1e-10


@given(st.floats(5, 175), st.sampled_from([180.0, 0.0, 120.0, 90.0, 45.0]))
@settings(max_examples=40)
def test_angle_pull(degrees, target):
    bias = CosinePull(Variable("bend", "angle", (0, 1, 2)), target, 700.0)
    x = bent(degrees)
    check(bias, x)
    assert bias(x)[0] == pytest.approx(700.0 * (1.0 - np.cos(np.radians(degrees - target))), abs=1e-8)


@pytest.mark.parametrize("degrees", [180.0, 179.9999, 179.9, 179.0, 0.1])
def test_angle_pull_to_180_at_linearity(degrees):
    """An angle of 180 degrees is an ordinary point of a pull to 180: no force there, a smooth one near it."""
    bias = CosinePull(Variable("bend", "angle", (0, 1, 2)), 180.0, 700.0)
    x = bent(degrees)
    check(bias, x)
    if degrees == 180.0:
        assert np.abs(bias(x)[1]).max() < 1e-9
        assert bias(x)[0] == pytest.approx(0.0, abs=1e-10)


@given(
    st.floats(60, 160),
    st.floats(60, 160),
    st.floats(-180, 180),
    st.sampled_from([0.0, 90.0, -60.0, 180.0, 77.0]),
)
@settings(max_examples=40)
def test_dihedral_pull(one, other, twist, target):
    a, b, t = np.radians([one, other, twist])
    x = np.array(
        [
            [0.14 * np.cos(a), 0.14 * np.sin(a), 0.0],
            [0.0, 0.0, 0.0],
            [0.125, 0.0, 0.0],
            [0.125 - 0.15 * np.cos(b), 0.15 * np.sin(b) * np.cos(t), 0.15 * np.sin(b) * np.sin(t)],
            [0.4, 0.4, 0.4],
        ]
    )
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    x = x @ turn.T + 0.2
    bias = CosinePull(Variable("twist", "dihedral", (0, 1, 2, 3)), target, 300.0)
    check(bias, x)
    # Same sense of rotation as the coordinates of states and variables.
    value = Variable("t", "dihedral", (0, 1, 2, 3)).value(x)
    assert bias(x)[0] == pytest.approx(300.0 * (1.0 - np.cos(np.radians(value - target))), abs=1e-6)


@pytest.mark.parametrize("degrees", [180.0, 179.5])
def test_what_is_undefined_is_not_pulled(degrees):
    """Near a straight line the force on a dihedral has no bound, and at it no direction."""
    x = bent(degrees)
    energy, gradient = CosinePull(Variable("twist", "dihedral", (0, 1, 2, 3)), 0.0, 300.0)(x)
    assert energy == 300.0 and not gradient.any()
    x[0] = x[1]
    energy, gradient = CosinePull(Variable("bend", "angle", (0, 1, 2)), 90.0, 300.0)(x)
    assert energy == 300.0 and not gradient.any()


def test_pulls_add_up():
    pulls = [
        CosinePull(Variable("bend", "angle", (0, 1, 2)), 180.0, 100.0),
        CosinePull(Variable("twist", "dihedral", (0, 1, 2, 3)), 90.0, 50.0),
    ]
    x = bent(100.0)

    def flat(y):
        return 7.0, np.ones_like(y)

    energy, gradient = biased(flat, pulls)(x)
    assert energy == pytest.approx(7.0 + sum(p(x)[0] for p in pulls))
    np.testing.assert_allclose(gradient, 1.0 + sum(p(x)[1] for p in pulls))


# Any kind of variable -------------------------------------------------------------------------------------------------

REFERENCE = np.random.default_rng(3).normal(scale=0.12, size=(4, 3))
OPTIONS: dict[str, dict[str, Any]] = {
    "coordination": {"r0_A": 1.8},
    "rmsd": {"reference_nm": REFERENCE.tolist()},
}
#: MDTraj's functions are in single precision, with rates by differences.
KINDS_OF_ATOMS = [kind for kind in REGISTRY.own() if kind in KINDS and kind != "mdtraj"]


def of(kind: str) -> Variable:
    return Variable(kind, kind, tuple(range(KINDS[kind].n_atoms or 4)), options=OPTIONS.get(kind, {}))


def compound(kind: str, *terms: tuple[float, Variable]) -> Variable:
    return Variable(kind, kind, terms=terms)


LENGTH, OTHER = of("distance"), Variable("other", "distance", (2, 3))
BENT = Variable("ijl", "angle", (0, 1, 3))
VARIABLES = [
    *(of(kind) for kind in KINDS_OF_ATOMS),
    compound("difference", (1.0, LENGTH), (-0.5, OTHER)),
    compound("difference", (1.0, of("angle")), (-1.0, BENT)),
    compound("linear_combination", (2.0, of("coordination")), (3.0, of("cos_dihedral"))),
    compound("product", (1.0, LENGTH), (1.0, OTHER)),
]


def pull_on(variable: Variable, target: float) -> Pull:
    return (CosinePull if variable.unit == "degree" else HarmonicPull)(variable, target, 40.0)


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: f"{v.name}-{v.unit}")
@pytest.mark.parametrize("seed", range(3))
def test_the_force_of_a_pull_is_the_negative_slope_of_its_energy(variable: Variable, seed: int) -> None:
    x = np.random.default_rng(seed).normal(scale=0.12, size=(5, 3))
    value = variable.value(x)
    bias = pull_on(variable, value + (33.0 if variable.unit == "degree" else 0.7))
    energy, gradient = bias(x)
    by_hand = 40.0 * (1.0 - np.cos(np.radians(33.0))) if variable.unit == "degree" else 0.5 * 40.0 * 0.7**2
    assert energy == pytest.approx(by_hand, rel=1e-9)
    numerical = numerical_gradient(lambda y: bias(y)[0], x)
    np.testing.assert_allclose(gradient, numerical, atol=2e-6 * np.abs(numerical).max())
    assert np.abs(numerical).max() > 0.1 and not gradient[4].any(), "the bystander is not pulled"
    opposite = pull_on(variable, value - (33.0 if variable.unit == "degree" else 0.7))(x)[1]
    np.testing.assert_allclose(opposite, -gradient, rtol=1e-6, atol=1e-9 * np.abs(gradient).max())


def test_a_pull_has_the_period_of_what_it_pulls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the turn of a ring that looks the same after half of it."""
    monkeypatch.setitem(KINDS, "half_turn", replace(KINDS["dihedral"], name="half_turn", period=180.0))
    variable = Variable("turn", "half_turn", (0, 1, 2, 3))
    x = np.random.default_rng(1).normal(scale=0.12, size=(4, 3))
    value = variable.value(x)
    assert CosinePull(variable, value + 180.0, 10.0)(x)[0] == pytest.approx(0.0, abs=1e-9)
    assert CosinePull(variable, value + 90.0, 10.0)(x)[0] == pytest.approx(20.0)
    bias = CosinePull(variable, value + 20.0, 10.0)
    numerical = numerical_gradient(lambda y: bias(y)[0], x)
    np.testing.assert_allclose(bias(x)[1], numerical, atol=2e-6 * np.abs(numerical).max())


# Where a pulled molecule arrives --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hcn() -> tuple[Any, Any, np.ndarray]:
    """System, potential and minimum of HCN, a little bent, for a straight one has no way out of its line."""
    file = "config/examples/hcn.yaml"
    checked = load(read_yaml(file), [file])
    method = checked.methods["gfn1"]
    potential = build(method.potential, checked.system.molecule, method.options)
    start = read_geometry(checked.system.geometries["HCN"])[1] + [[0, 0, 0], [0, 0, 0], [0, 0.02, 0]]
    return checked.system, potential, start


TRANSFER = compound(
    "difference", (1.0, Variable("C-H", "distance", (0, 2))), (-1.0, Variable("N-H", "distance", (1, 2)))
)
NEAR_N = Variable("near N", "coordination", (1, 2), options={"r0_A": 1.4})


def towards_hnc() -> Variable:
    reference = read_geometry("resources/hcn/hnc.xyz")[1]
    return Variable("from HNC", "rmsd", (0, 1, 2), options={"reference_nm": reference.tolist()})


@pytest.mark.parametrize(
    ("variable", "target", "strength", "tolerance"),
    [(TRANSFER, -0.2, 800.0, 0.05), (NEAR_N, 0.5, 4000.0, 0.05), (towards_hnc(), 0.4, 4000.0, 0.05)],
    ids=["difference", "coordination", "rmsd"],
)
def test_a_pulled_molecule_arrives(
    hcn: tuple[Any, Any, np.ndarray], variable: Variable, target: float, strength: float, tolerance: float
) -> None:
    system, potential, start = hcn
    assert abs(variable.value(start) - target) > 5.0 * tolerance
    bias = HarmonicPull(variable, target, strength * KCAL)
    surface = potential.energy_and_gradient
    x = pulled(system.molecule, surface, start, [bias])
    assert variable.value(x) == pytest.approx(target, abs=tolerance)
    # At rest the molecule pulls back with the force of the spring.
    tight = relax(system.molecule, biased(surface, [bias]), x, fmax=0.05, steps=400)
    back, spring = surface(tight)[1], bias(tight)[1]
    assert np.abs(spring).max() > 100.0
    np.testing.assert_allclose(back, -spring, atol=0.05 * KCAL * 10.0 * 1.01)


def test_pulls_on_any_kind_lead_to_the_same_saddle(hcn: tuple[Any, Any, np.ndarray]) -> None:
    system, potential, start = hcn
    by_lengths = system.saddle_guesses[0].biases
    by_difference = (HarmonicPull(TRANSFER, -0.2, 4000.0 * KCAL),)
    by_number = (HarmonicPull(NEAR_N, 0.5, 4000.0 * KCAL),)
    energies = []
    for biases in (by_lengths, by_difference, by_number):
        saddle = find_saddle(system.molecule, potential, start, biases, system.basins, name="saddle", fmax=0.05)
        assert set(saddle.joins) == {"HCN", "HNC"} and saddle.n_imaginary == 1
        energies.append(saddle.energy / KCAL)
    assert energies[1:] == pytest.approx(energies[:1] * 2, abs=0.01)
