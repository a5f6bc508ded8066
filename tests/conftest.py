"""What several tests need: the repository, DNAB, and a finished small run of the whole workflow."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

# A machine at work on something else is slow, and no example is wrong for that. The same examples each time, so that a
# failure is that of the latest change; HYPOTHESIS_PROFILE=explore looks for others.
hypothesis.settings.register_profile("separatrix", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "separatrix"))

ROOT = Path(__file__).resolve().parent.parent


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Software rendering: a test machine has no graphics card.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    # Paths in config files are relative to the repository.
    monkeypatch.chdir(ROOT)


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    # A script that ends in one line hears no further Ctrl-C; what runs it in this process goes on.
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def snakemake(*arguments: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
    """Run the workflow as a user does."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=1800)


def small_config(results: Path) -> dict:
    """The default comparison at the smallest size that still goes the whole way, without DFTB2."""
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    del data["methods"]["dftb2"]
    data["results_directory"] = str(results)
    data["stationary"]["quenches"] = 0
    data["sampling"] = {"chains": 2, "shots_per_round": 6, "min_rounds": 2, "max_rounds": 2}
    data["coordinate"] = {
        "max_variables": 1,
        "bootstrap": 5,
        "compare_with": [["cos(C6,N9,N10,C11)"]],
        "nonlinear_models": ["boosting"],
    }
    data["committor"] = {"configurations": 4, "shots_per_configuration": 4, "tolerance": 0.5, "batches": 2}
    data["rates"]["umbrella"] |= {"windows": 18, "equilibration_fs": 100, "length_fs": 400}
    data["rates"]["transmission"] = {"configurations": 6}
    data["committor"]["calibration"] = {"configurations": 3, "shots_per_configuration": 2}
    return data


def write_yaml(data: dict, path: Path) -> Path:
    """Write YAML and give the path back."""
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def model_config(results: Path) -> dict:
    """The example on a surface with known answers, with as many shots as its tests need."""
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    data["results_directory"] = str(results)
    data["sampling"] = {"chains": 2, "shots_per_round": 50, "min_rounds": 2, "max_rounds": 2}
    data["committor"] = {"configurations": 12, "shots_per_configuration": 24, "batches": 2}
    return data


@pytest.fixture(scope="session")
def model_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Config file and results folder of a finished run on the surface with known answers."""
    folder = tmp_path_factory.mktemp("model")
    return _run(model_config(folder / "results"), folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Config file and results folder of a finished small run; tests must not change either."""
    folder = tmp_path_factory.mktemp("dag")
    return _run(small_config(folder / "results"), folder)


def _run(data: dict, folder: Path) -> tuple[Path, Path]:
    results = Path(data["results_directory"])
    config = write_yaml(data, folder / "config.yaml")
    run = snakemake("--configfile", str(config), "--nolock")
    logs = "\n".join(f"== {f}\n{f.read_text()[-1500:]}" for f in sorted(results.glob("*/logs/*.log")))
    assert run.returncode == 0, f"{run.stderr[-4000:]}\n{logs}"
    return config, results


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser that draws; closed with its module, because Playwright keeps an event loop running while it is open."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: scripts/system-packages chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()
