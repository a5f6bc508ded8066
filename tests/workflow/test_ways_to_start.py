"""The ways the workflow is started: from a clone, as a module, from elsewhere; and what stops it, in one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, model_config, write_yaml

MODULE = """
from snakemake.utils import min_version

min_version("9.0")

configfile: "config/mine.yaml"

module separatrix:
    snakefile: {snakefile!r}
    config: config

use rule * from separatrix{prefix}
"""


def start(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake, with nothing but what `environment` changes."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--nocolor", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment}, timeout=600
    )


def one_line(run: subprocess.CompletedProcess[str]) -> str:
    """The line of ours in what a run that was refused says."""
    lines = [line for line in run.stderr.splitlines() if line.startswith("separatrix: ")]
    assert run.returncode != 0 and len(lines) == 1 and "Traceback" not in run.stderr, run.stderr
    return lines[0]


def jobs(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert run.returncode == 0, run.stderr[-3000:]
    table = (run.stdout + run.stderr).partition("Job stats:")[2].partition("\n\n")[0]
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)$", table, flags=re.MULTILINE)}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of a user's own, with a config and what it names."""
    data = model_config(Path("results"))
    for name in (data["system"], *re.findall(r"resources/\S+\.xyz", (ROOT / data["system"]).read_text())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    write_yaml(data, tmp_path / "config/mine.yaml")
    return tmp_path


@pytest.mark.parametrize("snakefile", ["workflow/Snakefile", "Snakefile"])
@pytest.mark.parametrize("prefix", ["", " as sep_*"])
def test_as_a_module(elsewhere: Path, snakefile: str, prefix: str) -> None:
    """As the workflow catalog deploys it: the rules stand in another folder, and the Snakefile in the user's."""
    text = MODULE.format(snakefile=str(ROOT / snakefile), prefix=prefix)
    (elsewhere / "workflow").mkdir()
    (elsewhere / "workflow/Snakefile").write_text(text)
    found = jobs(start("--dry-run", cwd=elsewhere))
    before = "sep_" if prefix else ""
    assert found[f"{before}report_page"] == found[f"{before}export"] == 1 and found[f"{before}sample"] == 2
    assert sorted(p.name for p in elsewhere.iterdir()) == [".snakemake", "config", "resources", "workflow"]


@pytest.mark.parametrize("snakefile", ["workflow/Snakefile", "Snakefile"])
def test_by_the_path_of_the_snakefile(elsewhere: Path, snakefile: str) -> None:
    """From the user's folder, and from the clone with `--directory`."""
    arguments = ("--dry-run", "--snakefile", str(ROOT / snakefile), "--configfile", "config/mine.yaml")
    here = jobs(start(*arguments, cwd=elsewhere))
    there = jobs(
        start(
            *arguments[:3],
            *("--configfile", str(elsewhere / "config/mine.yaml"), "--directory", str(elsewhere)),
            cwd=ROOT,
        )
    )
    assert here == there and here["sample"] == 2 and here["report_page"] == 1


@pytest.mark.slow
def test_a_module_runs_to_the_end(elsewhere: Path) -> None:
    data = yaml.safe_load((elsewhere / "config/mine.yaml").read_text())
    data["sampling"] = {"chains": 2, "shots_per_round": 12, "max_rounds": 1}
    data["committor"] = {"configurations": 4, "shots_per_configuration": 4, "batches": 1}
    write_yaml(data, elsewhere / "config/mine.yaml")
    text = MODULE.format(snakefile=str(ROOT / "workflow/Snakefile"), prefix=" as sep_*")
    (elsewhere / "Snakefile").write_text(text)
    run = start(cwd=elsewhere)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (elsewhere / "results/report.html").stat().st_size > 100_000
    assert (elsewhere / "results/export/workflow/rules/common.smk").is_file()
    assert (elsewhere / "results/.separatrix").is_file()


def test_without_the_package(elsewhere: Path, tmp_path: Path) -> None:
    """Catalog users have nothing but Snakemake at first: what it imports is not there."""
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "openmm.py").write_text("raise ModuleNotFoundError('none', name='openmm')\n")
    (elsewhere / "Snakefile").write_text(MODULE.format(snakefile=str(ROOT / "workflow/Snakefile"), prefix=""))
    run = start("--dry-run", cwd=elsewhere, PYTHONPATH=str(blocker))
    assert "package 'openmm' is not there" in one_line(run)


def test_a_python_whose_path_a_shell_acts_on(elsewhere: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's a"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    run = subprocess.run(
        [
            *(folder / "python", "-m", "snakemake", "--cores", "1", "--dry-run"),
            *("-s", ROOT / "Snakefile", "--configfile", "config/mine.yaml"),
        ],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *(p for p in sys.path if "site-packages" in p)])},
        timeout=300,
    )
    assert "move the environment" in one_line(run)


@pytest.mark.parametrize(
    ("results", "words"),
    [(".", "is the working folder"), ("config", "has not written"), ("a{b}", "braces"), ("~/x", "not expanded")],
)
def test_a_results_folder_that_is_not_ours(elsewhere: Path, results: str, words: str) -> None:
    data = yaml.safe_load((elsewhere / "config/mine.yaml").read_text()) | {"results_directory": results}
    file = write_yaml(data, elsewhere / "config/mine.yaml")
    before = sorted(str(p) for p in elsewhere.rglob("*"))
    run = start("-s", str(ROOT / "Snakefile"), "--configfile", "config/mine.yaml", cwd=elsewhere)
    line = one_line(run)
    assert "config/mine.yaml: results_directory: " in line and words in line
    after = sorted(str(p) for p in elsewhere.rglob("*") if ".snakemake" not in p.parts)
    assert after == before
    # The check says the same.
    run = subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "check", "--quick", str(file.relative_to(elsewhere))],
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and run.stderr.strip().endswith(line.partition("mine.yaml: ")[2])


class TestMake:
    """What would stop it only after minutes of building is told first."""

    @staticmethod
    def _place(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "Makefile", folder)
        env = {**os.environ, **environment}
        return subprocess.run(["make", "place"], cwd=folder, capture_output=True, text=True, env=env)

    @pytest.mark.parametrize("name", ["it's", "a b", 'a"b', "a$b", "a&b", "a;b", "a(b", "a\\b", "a\tb", "a`b"])
    def test_a_path_that_a_shell_acts_on(self, tmp_path: Path, name: str) -> None:
        run = self._place(tmp_path / name)
        assert run.returncode != 0 and "move the clone" in run.stderr.splitlines()[0]

    @pytest.mark.parametrize("name", ["läb.x-1_a", "b[x]", "a+b,c=d@e"])
    def test_a_path_that_none_does(self, tmp_path: Path, name: str) -> None:
        assert self._place(tmp_path / name).returncode == 0

    def test_no_cache_folder(self, tmp_path: Path) -> None:
        for name in ("HOME", "XDG_CACHE_HOME"):
            environment = {"XDG_CACHE_HOME": ""} | {name: "/proc/none"}
            run = self._place(tmp_path / name, **environment)
            assert run.returncode != 0 and "cannot be written to" in run.stderr.splitlines()[0], name

    def test_what_a_config_names_is_not_run(self, tmp_path: Path) -> None:
        """The results folder goes through a variable of the shell, and is refused before that."""
        (tmp_path / "mine.yaml").write_text(f"results_directory: '$(touch {tmp_path}/ran)`touch {tmp_path}/ran`'\n")
        text = (ROOT / "Makefile").read_text()
        code = re.search(r"RESULTS_OF = (.*?)\n\n", text, re.DOTALL)[1].replace("\\\n\t", "")
        line = f'results="$({sys.executable} -c \'{code}\' {tmp_path}/mine.yaml)" && echo "$results"'
        run = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
        assert run.stdout.startswith("$(touch"), run.stderr
        assert not (tmp_path / "ran").exists()
