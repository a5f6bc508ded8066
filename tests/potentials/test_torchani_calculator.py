"""A machine-learned potential through the door for ASE calculators: TorchANI (`pip install separatrix[ml]`)."""

from __future__ import annotations

import time

import numpy as np
import pytest
from models import dnab

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.dynamics.stationary import relax
from separatrix.potentials import build

pytest.importorskip("torchani", reason="TorchANI is not installed: pip install separatrix[ml]")

UNIT = KCAL / ANGSTROM


def ani(molecule: Molecule, model: str = "ANI1x"):
    path = "separatrix.potentials.torchani_calculator.ANI"
    return build("ase", molecule, {"calculator": path, "arguments": {"model": model}})


@pytest.fixture(scope="module", params=["ANI1x", "ANI1ccx", "ANI2x"])
def potential(request):
    try:
        return ani(dnab("E")[0], request.param)
    except ConfigError as error:
        if "cannot be downloaded" in str(error):
            pytest.skip(str(error))
        raise


def test_gradient(potential):
    _, x = dnab("E")
    x = x + 0.003 * np.random.default_rng(2).standard_normal(x.shape)
    _, gradient = potential.energy_and_gradient(x)
    errors = []
    for direction in [*np.eye(x.size)[::5].reshape(-1, *x.shape), np.random.default_rng(3).standard_normal(x.shape)]:
        direction = direction / np.linalg.norm(direction)
        e = [potential.energy_and_gradient(x + k * 1e-5 * direction)[0] for k in (-2, -1, 1, 2)]
        numerical = (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * 1e-5)
        errors.append(((gradient * direction).sum() - numerical) / UNIT)
    print("largest error, kcal/mol/A:", np.abs(errors).max())
    assert np.abs(errors).max() < 1e-3  # double precision; what is left is the kinks of the networks


def test_e_lies_below_z(potential):
    energies = []
    for isomer in "EZ":
        molecule, start = dnab(isomer)
        x = relax(molecule, potential.energy_and_gradient, start, fmax=0.05, steps=500)
        energies.append(potential.energy_and_gradient(x)[0] / KCAL)
    print("Z - E, kcal/mol:", energies[1] - energies[0])
    assert 0.0 < energies[1] - energies[0] < 25.0


def test_restart_is_exact(potential):
    _, x = dnab("E")
    rng = np.random.default_rng(5)
    potential.remember(x)
    y = x + 0.002 * rng.standard_normal(x.shape)
    answers = []
    for _ in range(3):
        potential.restart()
        answers.append(potential.energy_and_gradient(y))
        potential.energy_and_gradient(x + 0.01 * rng.standard_normal(x.shape))
    for energy, gradient in answers[1:]:
        assert energy == answers[0][0]
        np.testing.assert_array_equal(gradient, answers[0][1])


def test_restart_is_cheap(potential):
    """The networks are read once per process, not once per shot."""
    start = time.perf_counter()
    for _ in range(20):
        potential.restart()
    assert time.perf_counter() - start < 1.0


def test_what_it_cannot_describe():
    molecule, _ = dnab("E")
    for changed in ({"charge": 1}, {"multiplicity": 3}):
        with pytest.raises(ConfigError, match="ANI1x describes neutral singlets only"):
            ani(Molecule(molecule.symbols, molecule.bonds, **changed))
    with pytest.raises(ConfigError, match="ANI1x does not know F, S"):
        ani(Molecule(("S", "F", "F"), ((0, 1), (0, 2))))
    with pytest.raises(ConfigError, match="'ANI3' is not one of ANI1x"):
        ani(molecule, "ANI3")
