"""What is printed: text of users as it is, JSON and nothing else, and nobody's input is written over."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import mdtraj
import numpy as np
import pytest
import yaml
from conftest import ROOT, model_config, write_yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.terminal import Terminal
from separatrix.core.text import cell, one_line

SYMBOLS, Z = read_geometry(ROOT / "resources/dnab/dnab_Z.xyz")
FORMATS = ["dcd", "xtc", "trr", "nc", "pdb", "pdb.gz", "xyz", "gro", "netcdf", "mdcrd", "ncrst"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "separatrix.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def coordinate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from separatrix.coordinate import coordinate_file, reaction_coordinate
    from separatrix.cvs.variable import Variable

    one = Variable("=a[/x]", "cos_dihedral", (6, 9, 10, 11))
    made = reaction_coordinate.ReactionCoordinate(
        (one,), (0.7,), 0.1, "logistic", "[/Z]", "E", SYMBOLS, source="a test"
    )
    path = tmp_path_factory.mktemp("coordinate") / "r.yaml"
    coordinate_file.write(made, path)
    return path


def trajectory() -> mdtraj.Trajectory:
    topology = Molecule(SYMBOLS, bonds_from_distances(SYMBOLS, Z)).mdtraj_topology()
    return mdtraj.Trajectory(np.array([Z, Z]), topology, time=np.arange(2.0))


@pytest.mark.parametrize("ending", FORMATS)
def test_json_and_nothing_else(tmp_path: Path, coordinate: Path, ending: str) -> None:
    """Of every format that MDTraj writes without further packages; the C reader of DCD greets on standard output."""
    file = tmp_path / f"p.{ending}"
    (trajectory()[0] if ending == "ncrst" else trajectory()).save(str(file))
    top = ["--top", ROOT / "resources/dnab/dnab_Z.xyz"]
    found = run("evaluate", coordinate, file, *top, "--json")
    assert json.loads(found.stdout)["frames"][0].keys()
    table = tmp_path / "out.csv"
    found = run("evaluate", coordinate, file, *top, "--csv", table)
    assert found.stdout == ""
    # A spreadsheet would take the name for a formula.
    assert "'=a[/x]" in table.read_text().splitlines()[0]


def test_dcd_is_what_greets(tmp_path: Path) -> None:
    """Or this test holds nothing: read outside, the library does write to standard output."""
    trajectory().save(str(tmp_path / "p.dcd"))
    trajectory()[0].save(str(tmp_path / "top.pdb"))
    code = f"import mdtraj; mdtraj.load({str(tmp_path / 'p.dcd')!r}, top={str(tmp_path / 'top.pdb')!r})"
    loud = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "dcdplugin" in loud.stdout
    quiet = (
        "from separatrix.core.terminal import libraries_aside\nwith libraries_aside():\n    " + code + "\nprint('mine')"
    )
    found = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout == "mine\n" and "dcdplugin" in found.stderr
    # What C has buffered must not come out afterwards.
    quiet = (
        "import ctypes\nfrom separatrix.core.terminal import libraries_aside\nwith libraries_aside():\n"
        "    ctypes.CDLL(None).printf(b'loud'); print('louder')\nprint('mine')"
    )
    # Where Python does not buffer, C does not either.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    found = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert found.stdout == "mine\n" and "loud" in found.stderr and "louder" in found.stderr


@given(st.text(max_size=30))
def test_any_text_is_printed_as_it_is(text: str) -> None:
    """In lines, cells, heads and captions: no markup, no emoji codes, no control characters."""
    for words in (text, f"[red]{text}[/x]", f":smile: {text}[link=a]"):
        stream = io.StringIO()
        console = Terminal(file=stream, width=400)
        console.print(words, soft_wrap=True)
        lines = [one_line(line) for line in words.split("\n")]
        assert [line.rstrip() for line in stream.getvalue().split("\n")[: len(lines)]] == [x.rstrip() for x in lines]
        table = Table("head", title=words, caption=words)
        table.add_row(words)
        console.print(table)
        assert "\x1b" not in stream.getvalue()


@given(st.text())
def test_no_text_is_a_formula_of_a_spreadsheet(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r")) and cell(text).endswith(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "[/x]"),
        ("compare", "[/x]", "[/y]"),
        ("series", "[/x]"),
        ("theory", "[/x]"),
        ("cite", "[/x]"),
        ("plan", "[/x]"),
        ("check", "[/x]"),
        ("check", "config/config.yaml", "--method", "[/x]"),
        ("fit", "[/x]"),
        ("evaluate", "[/x]", "[/y]"),
        ("export", "[/x]", "[/y]"),
        ("export-coordinate", "[/x]", "[/y]"),
        ("committor-test", "[/x]\n\x1b[31m"),
    ],
)
def test_names_that_are_not_there_are_one_line(arguments: tuple[str, ...]) -> None:
    found = run(*arguments)
    assert found.returncode == 1 and found.stdout == ""
    (line,) = found.stderr.splitlines()
    assert "[/x]" in line and line.isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "x.csv", "--bootstrap", "1000000000000"),
        ("fit", "x.csv", "--bootstrap", "1e12"),
        ("fit", "x.csv", "--folds", "1000000000000"),
        ("fit", "x.csv", "--size", "1000000000000"),
        ("fit", "x.csv", "--seed", str(2**63)),
        ("fit", "x.csv", "--confidence", "nan"),
        ("committor-test", "x.csv", "--confidence", "nan"),
        ("compare", "a", "b", "--false-discovery-rate", "nan"),
        ("theory", "x.yaml", "--shoot", "1000000000000"),
        ("theory", "x.yaml", "--seed", "9" * 5000),
        ("plan", "--cores", "1000000000000"),
    ],
)
def test_numbers_on_the_command_line_have_bounds(arguments: tuple[str, ...]) -> None:
    found = run(*arguments)
    assert found.returncode == 2 and "Traceback" not in found.stderr and "nvalid value" in found.stderr


def test_what_is_read_is_not_written_over(tmp_path: Path, coordinate: Path) -> None:
    before = coordinate.read_bytes()
    (tmp_path / "link.yaml").symlink_to(coordinate)
    for out in (coordinate, tmp_path / "link.yaml"):
        for arguments in (("export-coordinate", coordinate, out), ("evaluate", coordinate, "x.dcd", "--csv", out)):
            found = run(*arguments)
            assert found.returncode == 1 and "is what is read; give another file" in found.stderr
            assert coordinate.read_bytes() == before


def test_a_config_whose_name_is_markup(tmp_path: Path) -> None:
    data = model_config(tmp_path / "results")
    system = yaml.safe_load((ROOT / data["system"]).read_text()) | {"name": "[/red] [link=http://a]b[/link] :smile:"}
    data["system"] = str(write_yaml(system, tmp_path / "[b]system.yaml"))
    data["methods"]["coupled"]["label"] = "[/x]"
    found = run("check", write_yaml(data, tmp_path / "b[old].yaml"))
    assert found.returncode == 0, found.stderr
    text = found.stdout.replace("\n", "")
    assert "b[old].yaml: [/red] [link=http://a]b[/link] :smile:, 2 atoms" in text.replace("  ", " ")
    as_json = run("check", tmp_path / "b[old].yaml", "--json")
    assert json.loads(as_json.stdout)[0]["method"] == "coupled"
