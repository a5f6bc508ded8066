"""What `separatrix check` says of an engine, and its exit status."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT, write_yaml
from typer.testing import CliRunner

from separatrix import potentials
from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.config.methods import Method
from separatrix.config.system import System
from separatrix.core.errors import PotentialError
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.workflow import engine_check as health

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def _run(tmp_path: Path, *arguments: str, **methods: dict) -> tuple[int, list[dict], str]:
    data = copy.deepcopy(CONFIG)
    data["methods"] = {n: {**CONFIG["methods"]["pm6"], "label": n, **change} for n, change in methods.items()}
    file = write_yaml(data, tmp_path / "config.yaml")
    result = CliRunner().invoke(cli.app, ["check", str(file), "--json", *arguments])
    return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("[") else [], result.output


GAFF2 = {"potential": "forcefield", "options": {"file": "resources/dnab/gaff2.xml"}}


def test_a_good_engine(tmp_path: Path) -> None:
    code, found, _ = _run(tmp_path, gaff2=GAFF2)
    assert code == 0
    (entry,) = found
    wanted = {"method", "available", "version", "max_force_error", "nve_drift", "ms_per_gradient", "calls_per_step"}
    assert wanted | {"reason"} <= set(entry)
    assert entry["usable"] and entry["available"] and entry["reason"] == ""
    assert entry["max_force_error"] < 0.01
    assert abs(entry["nve_drift"]) < 0.5
    assert "gaff2.xml" in entry["version"]


def test_a_solver_that_cannot_converge_is_not_usable(tmp_path: Path) -> None:
    broken = {"potential": "tblite", "options": {"method": "GFN1-xTB", "max_scf_iterations": 2}}
    code, found, _ = _run(tmp_path, "--method", "broken", gaff2=GAFF2, broken=broken)
    assert code == 1
    (entry,) = found
    assert not entry["available"] and not entry["usable"]
    assert "SCF not converged" in entry["reason"]


def test_unknown_method_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    file = write_yaml(CONFIG, tmp_path / "config.yaml")
    monkeypatch.setattr("sys.argv", ["separatrix", "check", str(file), "--method", "pm7"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "'pm7' is not a method" in lines[0]


class _WrongForces:
    """A harmonic molecule whose gradient is 10 % too large."""

    def __init__(self, centre: np.ndarray) -> None:
        self.centre = centre

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        shift = positions - positions.mean(axis=0) - (self.centre - self.centre.mean(axis=0))
        return float(5e4 * (shift**2).sum()), 1.1e5 * shift

    def remember(self) -> None: ...

    def restore(self) -> None: ...


def test_wrong_forces_are_found() -> None:
    loaded = load(CONFIG)
    x = np.random.default_rng(1).normal(size=(34, 3)) * 0.1
    potential = potentials.potential.python_potential(loaded.system.molecule, _WrongForces(x), "wrong")
    y = x + 0.001 * np.random.default_rng(2).normal(size=x.shape)
    error = health.force_error(potential, y)
    _, gradient = potential.energy_and_gradient(y)
    assert error == pytest.approx(np.abs(gradient).max() / 11 / (KCAL / ANGSTROM), rel=1e-3)
    assert error > potential.force_tolerance


def test_job_stops_after_failures_in_a_row() -> None:
    from separatrix.sampling.rounds import stop_after

    stop_after(2, 3, "no convergence")
    with pytest.raises(PotentialError.__base__, match=r"3 shots in a row failed, the last because: no convergence"):
        stop_after(3, 3, "no convergence")


# Minima --------------------------------------------------------------------------------------------------------


def test_every_basin_is_relaxed(tmp_path: Path) -> None:
    code, found, _ = _run(tmp_path, gaff2=GAFF2)
    assert code == 0
    assert found[0]["minima"] == {"E": True, "Z": True}


def _double_well(barrier: float, tilt: float) -> tuple[System, Method]:
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    name = next(iter(data["methods"]))
    data["methods"] = {name: data["methods"][name]}
    data["methods"][name]["options"] = {
        "surface": "double-well-2d",
        "barrier_kJ_mol": barrier,
        "half_distance_nm": 0.1,
        "tilt_kJ_mol": tilt,
    }
    data.pop("rates", None)
    loaded = load(data)
    return loaded.system, loaded.methods[name]


def test_an_engine_without_a_minimum_in_a_basin_is_refused() -> None:
    """A double well so tilted that B is a slope: the walk from it ends in A, at x = -a of the tilted well."""
    system, method = _double_well(20.0, 0.0)
    assert health.check_method(system, method, steps=50, minima=True).minima == {"A": True, "B": True}
    system, method = _double_well(10.0, 40.0)
    assert health.check_method(system, method, steps=50).usable
    entry = health.check_method(system, method, steps=50, minima=True)
    assert entry.available and not entry.usable
    assert entry.minima == {"A": True, "B": False}
    assert (
        "no minimum in basin B: downhill from resources/models/double_well_B.xyz the engine reaches basin A, x -"
        in (entry.reason)
    )
    assert "\n" not in entry.reason


def test_a_basin_on_a_ridge_is_refused(tmp_path: Path) -> None:
    """Ammonia kept planar by its file's symmetry: forces vanish there, and yet it is no minimum."""
    from ase.build import molecule as ase_molecule
    from ase.io import write

    bent, flat = ase_molecule("NH3"), ase_molecule("NH3")
    positions = flat.get_positions()
    positions[:, 2] = 0.0
    flat.set_positions(positions)
    write(tmp_path / "bent.xyz", bent)
    write(tmp_path / "flat.xyz", flat)
    coordinates = {"tilt": {"kind": "dihedral", "atoms": ["N", "H1", "H2", "H3"]}}
    data = {
        "name": "NH3",
        "atoms": {"N": 0, "H1": 1, "H2": 2, "H3": 3},
        "coordinates": coordinates,
        "basins": {
            "bent": {
                "geometry": str(tmp_path / "bent.xyz"),
                "within": [{"coordinate": "tilt", "range_deg": [15, 90] if _tilt(bent) > 0 else [-90, -15]}],
            },
            "flat": {
                "geometry": str(tmp_path / "flat.xyz"),
                "within": [{"coordinate": "tilt", "range_deg": [-10, 10]}],
            },
        },
        "reaction": {"from": "bent", "to": "flat"},
        "saddle_guesses": [
            {
                "name": "none",
                "start": "flat",
                "pull": [{"coordinate": "tilt", "target_deg": 12, "strength_kcal_mol": 10}],
            }
        ],
        "variables": {"extra": [{"name": "tilt", "kind": "sin_dihedral", "atoms": ["N", "H1", "H2", "H3"]}]},
    }
    whole = {"system": str(write_yaml(data, tmp_path / "system.yaml")), "temperature_K": 300}
    options = {"potential": "tblite", "options": {"method": "GFN1-xTB"}}
    whole["methods"] = {"gfn1": {**CONFIG["methods"]["pm6"], **options}}
    loaded = load(whole)
    entry = health.check_method(loaded.system, loaded.methods["gfn1"], steps=50, minima=True)
    assert entry.minima == {"bent": True, "flat": False}
    assert "no minimum in basin flat" in entry.reason


def _tilt(atoms) -> float:
    return (atoms.get_dihedral(0, 1, 2, 3) + 180.0) % 360.0 - 180.0
