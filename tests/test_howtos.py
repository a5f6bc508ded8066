"""The files that a how-to shows are what they say: they load, check prints what the page shows, saddles are found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from separatrix.cli.main import app
from separatrix.config.load import load
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import build_system
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import read_geometry
from separatrix.core.section import check
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.stationary import find_minimum, find_saddle
from separatrix.potentials import build


def unpacked(page: str, folder: Path) -> str:
    """Write the files of a page, those of its blocks that have a title, into a folder; the page's text."""
    text = (ROOT / "docs/howto" / page).read_text(encoding="utf-8")
    for name, content in re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', text, flags=re.MULTILINE | re.DOTALL):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "resources").symlink_to(ROOT / "resources")
    return text


@pytest.mark.parametrize("page", ["basins.md", "molecule.md"])
def test_check_says_what_the_page_shows(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = unpacked(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    configs = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.glob("*/config.yaml"))
    printed = {}
    for config in configs:
        result = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["check", "--quick", config])
        assert result.exit_code == 0, result.output
        printed[config] = result.output.splitlines()
    shown = re.findall(r"^\$ \.venv/bin/separatrix check (?:--quick )?(\S+)\n(.*?)(?=^[$`┏])", text, re.M | re.S)
    assert shown and {config for config, _ in shown} <= set(configs)
    for config, lines in shown:
        assert lines.splitlines() == printed[config]


def test_saddles_of_the_page_are_where_its_pulls_lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked("basins.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    mechanisms = {}
    for name in ("transfer", "methoxy", "disulfane"):
        loaded = load(read_yaml(f"{name}/config.yaml"), [f"{name}/config.yaml"])
        system, (method,) = loaded.system, loaded.methods.values()
        potential = build(method.potential, system.molecule, method.options)
        for guess in system.saddle_guesses:
            basin = system.basin(guess.start)
            start = read_geometry(system.geometries[basin.name])[1]
            if name == "transfer":
                start[2, 1] += 0.02  # nm: off the line
            else:
                start = find_minimum(system.molecule, potential, start, basin, system.basins, fmax=0.05).positions
            saddle = find_saddle(
                system.molecule, potential, start, guess.biases, system.basins, name=guess.name, fmax=0.05
            )
            assert set(saddle.joins) == {system.reactant, system.product}
            mechanisms[guess.name] = system.mechanism.at(saddle.positions)
    assert mechanisms == {
        "half way": "direct",
        "half a bond to N": "direct",
        "hydrogen between C and O": "shift",
        "by cis": "by cis",
        "by trans": "by trans",
    }


def test_boxes_of_the_page_load(tmp_path: Path) -> None:
    text = unpacked("basins.md", tmp_path)
    (fragment,) = re.findall(r"^```yaml\n(basins:.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "boxes.yaml").write_text(fragment, encoding="utf-8")
    data = read_yaml(str(tmp_path / "transfer/hcn.yaml"))
    data["coordinates"]["N-H"] = {"kind": "distance", "atoms": ["N", "H"]}
    data["basins"]["HNC"] = read_yaml(str(tmp_path / "boxes.yaml"))["basins"]["HNC"]
    with pytest.raises(ConfigError, match=r"basins.HCN: overlaps basin HNC"):
        build_system(check(data, SystemSection, "x.yaml"), "x.yaml")
    data["basins"]["HCN"]["within"] = [{"coordinate": "near N", "range": [0.0, 0.25]}]
    system = build_system(check(data, SystemSection, "x.yaml"), "x.yaml")
    assert len(system.basin("HNC").alternatives) == 2
