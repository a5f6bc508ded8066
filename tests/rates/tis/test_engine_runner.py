"""Dynamics for interface sampling: the order parameter may be a coordinate of any kind of variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import openmm
import pytest

from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.molecule import Molecule
from separatrix.cvs.specification import from_spec
from separatrix.cvs.states import Basin, Interval
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine
from separatrix.potentials import Potential
from separatrix.rates.tis.engine_runner import EngineRunner
from separatrix.rates.tis.transition_paths import NEITHER, PRODUCT, REACTANT

MASSES = np.array([12.0, 14.0, 1.0, 16.0])
LENGTH, OTHER = {"kind": "distance", "atoms": [0, 1]}, {"kind": "distance", "atoms": [2, 3]}
SPECS: dict[str, dict[str, Any]] = {
    "angle": {"kind": "angle", "atoms": [0, 1, 2]},
    "cos_dihedral": {"kind": "cos_dihedral", "atoms": [0, 1, 2, 3]},
    "coordination": {"kind": "coordination", "pairs": [[0, 1], [2, 3]], "r0_A": 1.6},
    "rmsd": {
        "kind": "rmsd",
        "reference_nm": [[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0, 0.2]],
        "atoms": [0, 1, 2, 3],
    },
    "difference": {"kind": "difference", "terms": [LENGTH, OTHER | {"weight": -1}]},
    "product": {"kind": "product", "terms": [LENGTH, OTHER]},
}


def runner(reaction: ReactionCoordinate, ceiling: float) -> EngineRunner:
    """Atoms without forces; the reactant is where the length of 0-1 is below 2 angstrom, the product where above 3."""
    system = openmm.System()
    for mass in MASSES:
        system.addParticle(mass)
    molecule = Molecule(("C", "N", "H", "O"), ((0, 1), (2, 3)))
    engine = MDEngine(molecule, Potential(system, "no forces"), DynamicsSettings(300.0, 0.5, 2, 10.0))
    length = from_spec(LENGTH)
    low, high = (Basin(n, (Interval(length, *b),)) for n, b in (("A", (0.0, 2.0)), ("B", (3.0, 99.0))))
    return EngineRunner(engine, low, high, lambda x: reaction.evaluate(x).r, reaction.gradient, ceiling)


def of(name: str) -> ReactionCoordinate:
    variable = from_spec(SPECS[name] | {"name": name})
    return ReactionCoordinate((variable,), (0.7,), -0.3, "logistic", "A", "B", ("C", "N", "H", "O"))


@pytest.mark.parametrize("name", SPECS)
def test_velocities_along_the_order_parameter_carry_all_of_its_change(name: str) -> None:
    reaction = of(name)
    x, v = np.random.default_rng(2).normal(scale=0.1, size=(2, 4, 3))
    along = runner(reaction, 9.9).along(x, v)

    def change(velocities: np.ndarray) -> float:
        step = 1e-6
        ahead, behind = reaction.evaluate(np.array([x + step * velocities, x - step * velocities])).r
        return float(ahead - behind) / (2.0 * step)

    assert change(along) == pytest.approx(change(v), rel=1e-5) and abs(change(v)) > 1e-3
    rest = v - along
    assert abs(change(rest)) < 1e-5 * abs(change(v))
    # The two parts are orthogonal as kinetic energy measures it, so that one may be turned round without the other.
    assert abs((MASSES[:, None] * along * rest).sum()) < 1e-9 * (MASSES[:, None] * v * v).sum()


@pytest.mark.parametrize("name", SPECS)
def test_the_state_of_the_reactant_ends_where_the_order_parameter_exceeds_its_ceiling(name: str) -> None:
    reaction = of(name)
    x = np.random.default_rng(3).normal(scale=0.1, size=(60, 4, 3))
    order = reaction.evaluate(x).r
    ceiling = float(np.median(order))
    length = 10.0 * np.linalg.norm(x[:, 0] - x[:, 1], axis=1)
    expected = np.where(length >= 3.0, PRODUCT, np.where((length <= 2.0) & (order <= ceiling), REACTANT, NEITHER))
    assert len(set(expected)) == 3
    assert (runner(reaction, ceiling).sides(x, np.zeros_like(x)) == expected).all()
