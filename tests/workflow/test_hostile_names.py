"""Names that mean something to HTML, Rich, Snakemake, reStructuredText or Vega, through the whole workflow."""

from __future__ import annotations

import copy
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, model_config, snakemake, write_yaml

from separatrix.core.text import FORMULA

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

SCRIPT = "<script>window.acted=1<br>"
LABEL = "`a <javascript:window.acted=2>`_ |x| *b* " + SCRIPT + "{x} [/red] ${y} '\" &amp;"
IMAGE = '<img src=x onerror="window.acted=3">{wildcards.method} [/red] `a`_'
X, Y = 'X"<b>x', "Y'}{y[link]"
QX, QY = "x<i>{q}", "y[/y]"


def hostile(folder: Path) -> Path:
    """A config of the double well with such names everywhere."""
    system = yaml.safe_load((ROOT / "config/systems/double_well.yaml").read_text())
    system |= {"name": SCRIPT + "n", "title": IMAGE, "atoms": {X: 0, Y: 1}}
    system["coordinates"] = {QX: {"kind": "x", "atoms": [X]}, QY: {"kind": "y", "atoms": [Y]}}
    for basin in system["basins"].values():
        basin["within"][0]["coordinate"] = QX
    guess = system["saddle_guesses"][0]
    guess["name"] = "{rule} " + SCRIPT
    guess["pull"][0]["coordinate"] = QX
    system["mechanism"] = {
        "crossing": {"coordinate": QX, "at_A": 0.0},
        "classes": [{"name": SCRIPT + "{m} [/m]", "coordinate": QY, "above_A": 0.0}],
        "otherwise": "other '\" \\ {{}} <style>",
    }
    v = [SCRIPT + "v", "y';window.acted=4;//[/a]{y}", "X...Y"]
    kinds = [{"kind": "x", "atoms": [X]}, {"kind": "y", "atoms": [Y]}, {"kind": "distance", "atoms": [X, Y]}]
    system["variables"]["extra"] = [{"name": name} | kind for name, kind in zip(v, kinds, strict=True)]
    data = model_config(folder / "results")
    data["system"] = str(write_yaml(system, folder / "system.yaml"))
    data["methods"]["coupled"]["label"] = LABEL
    data["sampling"] = {"chains": 2, "shots_per_round": 16, "max_rounds": 1, "starts": [guess["name"]]}
    small = {"configurations": 4, "shots_per_configuration": 4}
    data["committor"] = small | {"batches": 1, "calibration": small, "map": {"variables": v[:2], "bins": 3}}
    data["coordinate"] = {"max_variables": 2, "compare_with": [v[2:]], "bootstrap": 5}
    data["scans"] = {"fr": {"methods": ["coupled"], "setting": "dynamics.friction_per_ps", "values": [5]}}
    data["export"] = {"authors": [{"name": SCRIPT, "affiliation": IMAGE}]}
    return write_yaml(data, folder / "c[old].yaml")


def command(*arguments: str) -> str:
    run = subprocess.run([sys.executable, "-m", "separatrix.cli", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    config = hostile(folder)
    done = snakemake("--configfile", str(config), "--nolock")
    assert done.returncode == 0, done.stderr[-3000:]
    done = snakemake("--configfile", str(config), "--nolock", "--report", str(folder / "results/provenance.html"))
    assert done.returncode == 0, done.stderr[-3000:]
    return config, folder / "results"


def test_nothing_acts_in_a_browser(run: tuple[Path, Path], browser: Any) -> None:
    _, results = run
    files = [results / "report.html", results / "provenance.html"]
    files += [*results.glob("comparison/**/*.html"), *results.glob("comparison/**/*.svg")]
    assert len(files) > 15
    for file in files:
        page = browser.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_timeout(2000 if file.parent == results else 100)
        assert page.evaluate("window.acted === undefined"), file
        assert page.evaluate("document.querySelectorAll('img[src=x], a[href^=javascript]').length") == 0, file
        if file.parent != results or file.name == "report.html":
            assert not said, (file, said)
        page.close()


def test_names_are_shown_as_they_are(run: tuple[Path, Path]) -> None:
    config, results = run
    with (results / "comparison/rates.csv").open(newline="") as stream:
        assert LABEL in {row["label"] for row in csv.DictReader(stream)}
    for file in results.glob("comparison/**/*.csv"):
        with file.open(newline="") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    number = cell.lstrip("+-")[:1]
                    assert not cell.startswith(FORMULA) or number.isdigit() or number in (".", "i"), (file, row)
    assert "c[old].yaml: " + SCRIPT + "n" in command("check", "--quick", str(config)).replace("\n", "")
    shown = command("fit", str(results / "coupled/variables.nc"), "--bootstrap", "0")
    assert "[/a]{y}" in shown
    command("status", str(results))
    command("compare", str(results), str(results), "--all")
    command("plan", str(config), "--results", str(results))
    graph = json.loads((results / "export/ro-crate-metadata.json").read_text())["@graph"]
    # What lies outside goes in by its name alone; where it was on this machine is told to nobody.
    assert str(config.parent) not in json.dumps(graph)
    assert str(config.parent) not in (results / "export/config/config.yaml").read_text()
    assert yaml.safe_load((results / "export/config/config.yaml").read_text())["results_directory"] == "results"


def test_what_goes_in_from_outside_is_told(tmp_path: Path) -> None:
    data = copy.deepcopy(model_config(tmp_path / "results"))
    (tmp_path / "passwd").write_text("method,Ea\n")
    system = yaml.safe_load((ROOT / data["system"]).read_text()) | {"literature": str(tmp_path / "passwd")}
    data["system"] = str(write_yaml(system, tmp_path / "system.yaml"))
    config = write_yaml(data, tmp_path / "mine.yaml")
    for said in (
        command("check", "--quick", str(config)).replace("\n", " "),
        snakemake("--configfile", str(config), "--until", "minimum").stderr,
    ):
        assert f"from outside this folder: {tmp_path}/passwd (measured activation energies" in said
        assert f"from outside this folder: {tmp_path}/system.yaml (the system file)" in said
