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

from separatrix import cli, config, health, potentials
from separatrix.errors import PotentialError
from separatrix.units import ANGSTROM, KCAL

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
    loaded = config.load(CONFIG)
    x = np.random.default_rng(1).normal(size=(34, 3)) * 0.1
    potential = potentials.base.python_potential(loaded.system.molecule, _WrongForces(x), "wrong")
    y = x + 0.001 * np.random.default_rng(2).normal(size=x.shape)
    error = health.force_error(potential, y)
    _, gradient = potential.energy_and_gradient(y)
    assert error == pytest.approx(np.abs(gradient).max() / 11 / (KCAL / ANGSTROM), rel=1e-3)
    assert error > potential.force_tolerance


def test_job_stops_after_failures_in_a_row() -> None:
    from separatrix.sampling import stop_after

    stop_after(2, 3, "no convergence")
    with pytest.raises(PotentialError.__base__, match=r"3 shots in a row failed, the last because: no convergence"):
        stop_after(3, 3, "no convergence")
