"""An engine in a process of its own: the same numbers, and nothing it does takes the chain down."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from separatrix import potentials
from separatrix.core.errors import ConfigError, EngineLost, PotentialError
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.seeds import stream
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, maxwell_boltzmann, run_half

OPTIONS = {"method": "GFN1-xTB"}


@pytest.fixture(scope="module")
def dnab() -> tuple[Molecule, np.ndarray]:
    symbols, positions = read_geometry("resources/dnab/dnab_E.xyz")
    return Molecule(symbols, bonds_from_distances(symbols, positions)), positions


@pytest.fixture
def working(dnab: tuple[Molecule, np.ndarray]):
    potential = potentials.build("tblite", dnab[0], {**OPTIONS, "worker": True})
    yield potential
    potential.seam.engine.close()


def test_same_numbers_as_in_process(dnab, working) -> None:
    molecule, x = dnab
    direct = potentials.build("tblite", molecule, OPTIONS)
    for potential in (direct, working):
        potential.remember(x)
        potential.restart()
    shaken = x + 0.001 * np.random.default_rng(1).standard_normal(x.shape)
    for y in (shaken, x):
        (energy, gradient), (again, gradient_again) = (p.energy_and_gradient(y) for p in (direct, working))
        assert energy == again
        np.testing.assert_array_equal(gradient, gradient_again)
    assert "in a process of its own" in working.description
    assert (direct.force_tolerance, direct.energy_jump) == (working.force_tolerance, working.energy_jump)


def test_killed_worker_is_one_error_and_then_the_same_numbers(dnab, working) -> None:
    _, x = dnab
    working.remember(x)
    working.restart()
    before = working.energy_and_gradient(x * 1.001)
    os.kill(working.seam.engine.pid, signal.SIGKILL)
    with pytest.raises(EngineLost, match="killed by signal 9"):
        working.energy_and_gradient(x * 1.002)
    working.restart()
    after = working.energy_and_gradient(x * 1.001)
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert working.seam.engine.restarts == 1


def test_hung_worker_is_killed_after_its_time(dnab) -> None:
    molecule, x = dnab
    # Time enough for an honest evaluation on a busy machine, and for the start.
    potential = potentials.build("tblite", molecule, {**OPTIONS, "worker": True, "worker_timeout_s": 15})
    potential.energy_and_gradient(x)
    potential.seam.engine._timeout = 1.0
    os.kill(potential.seam.engine.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(EngineLost, match=r"no answer in 1 s"):
        potential.energy_and_gradient(x * 1.001)
    assert time.monotonic() - start < 10.0
    potential.seam.engine._timeout = 60.0
    assert np.isfinite(potential.energy_and_gradient(x)[0])
    potential.seam.engine.close()


def test_worker_stands_in_its_own_directory(dnab, working) -> None:
    where = Path(f"/proc/{working.seam.engine.pid}/cwd").resolve()
    assert where != Path.cwd() and where.name.startswith("separatrix-")
    working.seam.engine.close()
    assert not where.exists()


def test_worker_death_during_a_half_is_a_failed_half(dnab, working) -> None:
    molecule, x = dnab
    settings = DynamicsSettings(300.0, 1.0, 1, 400.0)
    engine = MDEngine(molecule, working, settings)
    nowhere = Basin("nowhere", (Interval(Variable("d", "distance", (9, 10)), 5.0, 6.0),))
    velocities = maxwell_boltzmann(x, working.masses, 300.0, stream(1, "worker"))

    def kill() -> None:
        while engine.steps < 5:
            time.sleep(0.005)
        os.kill(working.seam.engine.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    half = run_half(engine, engine.snapshot(x, velocities), [nowhere])
    killer.join()
    assert half.end == "failed"
    assert "killed by signal 9" in half.reason
    # The chain goes on: the next half runs to its length.
    working.restart()
    engine.options["n_frames_max"] = 10
    assert run_half(engine, engine.snapshot(x, velocities), [nowhere]).end == "none"


def test_error_in_the_worker_keeps_its_words(dnab) -> None:
    molecule, x = dnab
    potential = potentials.build("tblite", molecule, {**OPTIONS, "max_scf_iterations": 2, "worker": True})
    for _ in range(2):  # the process lives on
        with pytest.raises(PotentialError, match="tblite: SCF not converged") as caught:
            potential.energy_and_gradient(x)
        assert not isinstance(caught.value, EngineLost)
    assert potential.seam.engine.restarts == 0
    potential.seam.engine.close()


def test_config_error_in_the_worker_is_one_line(dnab) -> None:
    with pytest.raises(ConfigError, match="solvents") as caught:
        potentials.build("tblite", dnab[0], {**OPTIONS, "solvent": "watr", "worker": True})
    assert "\n" not in str(caught.value)
