"""Geometries that break an engine: the half fails with a reason, and the engine is as good as new afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from separatrix import potentials
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.seeds import stream
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, maxwell_boltzmann, run_half

ENGINES = {
    "gaff2": ("forcefield", {"file": "resources/dnab/gaff2.xml"}),
    "pm6": ("mopac", {"hamiltonian": "PM6"}),
    "dftb2": ("sparrow", {"method": "DFTB2"}),
    "gfn2": ("tblite", {"method": "GFN2-xTB"}),
    "gfn1-ase": ("ase", {"calculator": "tblite.ase.TBLite", "arguments": {"method": "GFN1-xTB", "verbosity": 0}}),
}
NOWHERE = Basin("nowhere", (Interval(Variable("d", "distance", (9, 10)), 50.0, 60.0),))


@pytest.fixture(scope="module", params=list(ENGINES))
def ready(request: pytest.FixtureRequest) -> tuple[MDEngine, np.ndarray]:
    symbols, x = read_geometry("resources/dnab/dnab_E.xyz")
    molecule = Molecule(symbols, bonds_from_distances(symbols, x))
    word, options = ENGINES[request.param]
    potential = potentials.build(word, molecule, options)
    potential.remember(x)
    return MDEngine(molecule, potential, DynamicsSettings(300.0, 1.0, 1, 20.0)), x


def _half(engine: MDEngine, x: np.ndarray):
    engine.potential.restart()
    velocities = maxwell_boltzmann(x, engine.potential.masses, 300.0, stream(1, "containment"))
    return run_half(engine, engine.snapshot(x, velocities), [NOWHERE])


def _on_top(x: np.ndarray) -> np.ndarray:
    y = x.copy()
    y[9] = y[10] + 1e-5
    return y


def _clashing(x: np.ndarray) -> np.ndarray:
    """The nitro group pushed through the ring: bad, but not absurd."""
    y = x.copy()
    y[17:20] += 0.75 * (x[11] - x[17])
    return y


@pytest.mark.parametrize("spoil", [_on_top, _clashing])
def test_broken_geometry_is_a_failed_half(ready, spoil) -> None:
    engine, x = ready
    reference = _half(engine, x)
    assert reference.end == "none"
    broken = _half(engine, spoil(x))
    # A clash may be survived with energy conserved; then the half simply ran out of length.
    assert broken.end == "failed" or (spoil is _clashing and broken.end == "none")
    if broken.end == "failed":
        assert broken.reason and "\n" not in broken.reason
    again = _half(engine, x)
    assert again.end == "none"
    np.testing.assert_array_equal(again.positions, reference.positions)


def test_dissociated_molecule_takes_nothing_down(ready) -> None:
    engine, x = ready
    apart = _half(engine, 2.5 * x)
    assert apart.end in ("failed", "none")
    assert apart.end == "none" or apart.reason
    assert _half(engine, x).end == "none"
