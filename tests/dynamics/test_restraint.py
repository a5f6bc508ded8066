"""A spring on the reaction coordinate: the ensemble that it holds, and the one that the weights make of it."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from models import BATH_1D, DoubleWell

from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.seeds import stream
from separatrix.cvs.specification import from_spec
from separatrix.dynamics import restraint
from separatrix.potentials import Potential

SLOPE = 4.0  # of r in x/angstrom: r = 1 lies half a well's distance from the top


def coordinate(slope: float = SLOPE) -> ReactionCoordinate:
    x = from_spec({"kind": "x", "atoms": [0], "name": "x"})
    return ReactionCoordinate((x,), (slope,), 0.1, "logistic", "A", "B", ("C",))


def spring(lightest: float | None = None) -> restraint.HarmonicRestraint:
    return restraint.HarmonicRestraint(
        BATH_1D.potential(), coordinate(), time_step=4.0, friction=50.0, temperature=300.0, lightest=lightest
    )


def density(function, centre: float, stiffness: float) -> float:
    """Average of a function of r over exp(-(V + spring)/kT), by quadrature."""
    x = np.linspace(-0.09, 0.09, 20001)
    r = 0.1 + SLOPE * 10.0 * x
    weight = np.exp(-(BATH_1D.energy(x[None]) + 0.5 * stiffness * (r - centre) ** 2) / BATH_1D.kt)
    return float((function(r) * weight).sum() / weight.sum())


def blocks(values: np.ndarray, weight: np.ndarray, count: int = 20) -> tuple[float, float]:
    parts = [
        (v * w).sum() / w.sum()
        for v, w in zip(np.array_split(values, count), np.array_split(weight, count), strict=True)
    ]
    return float((values * weight).sum() / weight.sum()), float(np.std(parts, ddof=1) / np.sqrt(count))


@pytest.mark.parametrize("lightest", [None, 24.0])
def test_the_spring_holds_the_ensemble_it_should_and_weights_take_it_away(lightest: float | None):
    """Whatever the atom weighs."""
    stiffness = restraint.stiffness_for(0.4, 300.0)
    frames = list(
        spring(lightest).run(
            BATH_1D.at(0.0), centre=0.3, stiffness=stiffness, steps=60_000, every=5, rng=stream(1, "run")
        )
    )
    r = np.array([f.r for f in frames])
    np.testing.assert_allclose(r, [0.1 + SLOPE * 10.0 * f.positions[0, 0] for f in frames], atol=1e-6)
    # The potential energy is that of the surface, without the spring.
    np.testing.assert_allclose(
        [f.energy for f in frames], [BATH_1D.energy(f.positions[0, :1]) for f in frames], atol=1e-4
    )
    one = np.ones_like(r)
    for function in (lambda r: r, np.square):
        mean, error = blocks(function(r), one)
        assert abs(mean - density(function, 0.3, stiffness)) < 4.0 * error < 0.08
    # Within a window the weighted ensemble is that of the surface itself.
    inside = np.abs(r - 0.3) <= 0.5
    weight = restraint.unbiased_weight(r, 0.3, stiffness, 300.0)

    def exact(function) -> float:
        window = density(lambda r: np.abs(r - 0.3) <= 0.5, 0.0, 0.0)
        return density(lambda r: function(r) * (np.abs(r - 0.3) <= 0.5), 0.0, 0.0) / window

    for function in (lambda r: r, np.square):
        mean, error = blocks(function(r[inside]), weight[inside])
        assert abs(mean - exact(function)) < 4.0 * error < 0.04
    plain, error = blocks(np.square(r[inside] - 0.3), one[inside])
    assert abs(plain - exact(lambda r: (r - 0.3) ** 2)) > 3.0 * error  # the weights are needed


def test_a_run_depends_on_its_stream_alone():
    held = spring()

    def run(seed: int) -> np.ndarray:
        frames = held.run(BATH_1D.at(0.0), centre=0.0, stiffness=30.0, steps=40, every=10, rng=stream(seed, "run"))
        return np.array([f.positions for f in frames])

    first = run(1)
    other = run(2)
    np.testing.assert_array_equal(run(1), first)
    assert not np.array_equal(first, other)


def test_a_run_goes_on_where_another_has_ended():
    held = spring()
    rules = {"centre": 0.0, "stiffness": 30.0, "every": 10}
    rng, start = stream(1, "run"), BATH_1D.at(0.0)
    velocities = np.zeros_like(start)
    velocities[0, 0] = 0.3
    parts = []
    for _ in range(2):
        parts += list(held.run(start, steps=20, rng=rng, velocities=velocities, **rules))
        start, velocities = parts[-1].positions, held.velocities()
    first = np.zeros_like(start)
    first[0, 0] = 0.3
    whole = held.run(BATH_1D.at(0.0), steps=40, rng=stream(1, "run"), velocities=first, **rules)
    np.testing.assert_allclose([f.positions for f in parts], [f.positions for f in whole], atol=1e-12)


def test_a_time_step_that_is_too_long_is_told():
    """Three steps to a period of the spring: energy is not kept, and nothing else would say so."""
    frequency = np.sqrt(2.0 * 40.0**2 * 3000.0 / BATH_1D.masses[0])  # of a spring of 6000 kJ/mol; r = 40 x
    held = restraint.HarmonicRestraint(
        BATH_1D.potential(), coordinate(), time_step=2000.0 * np.pi / 3.3 / frequency, friction=0.1, temperature=300.0
    )
    rules = {"centre": 0.0, "stiffness": 6000.0, "every": 1, "rng": stream(1)}
    with pytest.raises(PotentialError, match=r"total energy changed by [+-].* kJ/mol in"):
        list(held.run(BATH_1D.at(-0.3), steps=400, **rules))


def test_light_atoms_are_heavier_and_the_others_as_they_were():
    potential = DoubleWell().potential()
    potential.system.setParticleMass(1, 40.0)
    masses = potential.masses.copy()
    assert masses[0] < 30.0 < masses[1]
    bond = from_spec({"kind": "distance", "atoms": [0, 1], "name": "bond"})
    symbols = tuple(DoubleWell().molecule.symbols)
    r = ReactionCoordinate((bond,), (1.0,), 0.0, "logistic", "A", "B", symbols)
    held = restraint.HarmonicRestraint(potential, r, time_step=1.0, friction=1.0, temperature=300.0, lightest=30.0)
    assert [held.potential.system.getParticleMass(i)._value for i in range(2)] == [30.0, 40.0]
    # What the atoms weigh in truth is still known: rates need it.
    np.testing.assert_array_equal(potential.masses, masses)
    assert list(held.masses) == [30.0, 40.0]
    # Fresh velocities are those of the masses that move.
    drawn = []
    for seed in range(300):
        next(held.run(DoubleWell().at(-0.02), centre=0.0, stiffness=0.0, steps=1, every=1, rng=stream(seed)))
        drawn.append(held.velocities())
    kinetic = 0.5 * (np.array(drawn) ** 2).sum(axis=2).mean(axis=0) * held.masses
    np.testing.assert_allclose(kinetic, 1.5 * BATH_1D.kt, rtol=0.2)


def test_a_coordinate_that_openmm_cannot_hold_is_refused_in_one_line():
    odd = from_spec({"kind": "mdtraj", "name": "rg", "function": "compute_rg", "atoms": [0, 1]})
    with pytest.raises(SamplingError, match="cannot be held by a spring"):
        restraint.HarmonicRestraint(
            BATH_1D.potential(),
            ReactionCoordinate((odd,), (1.0,), 0.0, "logistic", "A", "B", ("C",)),
            time_step=1.0,
            friction=1.0,
            temperature=300.0,
        )


# Any kind of variable -------------------------------------------------------------------------------------------------

START = np.array([[0.0, 0.0, 0.0], [0.14, 0.02, 0.0], [0.2, 0.15, 0.03], [0.05, 0.22, 0.12]])
LENGTH, OTHER = {"kind": "distance", "atoms": [0, 1]}, {"kind": "distance", "atoms": [2, 3]}
#: Description of a variable, and the factor by which r is that: r then spreads by 0.05 with little room for the atoms.
HELD = {
    "angle": ({"kind": "angle", "atoms": [0, 1, 2]}, 0.05),
    "cos_dihedral": ({"kind": "cos_dihedral", "atoms": [0, 1, 2, 3]}, 3.0),
    "improper": ({"kind": "improper", "atoms": [1, 0, 2, 3]}, 3.0),
    "coordination": ({"kind": "coordination", "pairs": [[0, 1], [2, 3]], "r0_A": 1.6}, 3.0),
    "rmsd": ({"kind": "rmsd", "reference_nm": (1.3 * START).tolist(), "atoms": [0, 1, 2, 3]}, 3.0),
    "difference": ({"kind": "difference", "terms": [LENGTH, OTHER | {"weight": -1}]}, 3.0),
    "product": ({"kind": "product", "terms": [LENGTH, OTHER]}, 2.0),
}


def loose_atoms() -> Potential:
    """Four atoms that weak springs keep near where they start: the spring on r is all that they feel of a force."""
    system = openmm.System()
    force = openmm.CustomExternalForce("0.5*k*((x-x0)^2+(y-y0)^2+(z-z0)^2)")
    force.addGlobalParameter("k", 4000.0)
    for name in ("x0", "y0", "z0"):
        force.addPerParticleParameter(name)
    for n, place in enumerate(START):
        system.addParticle(12.0)
        force.addParticle(n, place)
    system.addForce(force)
    return Potential(system, "loose atoms", isolated=False)


@pytest.mark.parametrize("name", HELD)
def test_a_spring_holds_a_coordinate_of_any_kind(name: str) -> None:
    """r goes where the spring is, and spreads as the temperature says: the force is the gradient of that r."""
    spec, factor = HELD[name]
    variable = from_spec(spec | {"name": name})
    reaction = ReactionCoordinate((variable,), (factor,), 0.0, "logistic", "A", "B", ("C",) * 4)
    held = restraint.HarmonicRestraint(loose_atoms(), reaction, time_step=1.0, friction=20.0, temperature=300.0)
    width, centre = 0.05, factor * variable.value(START) - 0.2
    stiffness = restraint.stiffness_for(width, 300.0)
    rng = stream(1, "spring", name)
    frames = list(held.run(START, centre=centre, stiffness=stiffness, steps=12_000, every=10, rng=rng))
    r = np.array([frame.r for frame in frames[200:]])
    # Of a spring that is much stiffer than all else; the room for the atoms and their springs move it a little.
    assert abs(r.mean() - centre) < 0.5 * width
    assert r.std() == pytest.approx(width, rel=0.15)
