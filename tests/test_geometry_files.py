"""Geometries from files: what is read here is what ASE reads, and everything else is left to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from separatrix.errors import ConfigError
from separatrix.molecule import read_geometry

ROWS = st.lists(
    st.tuples(st.sampled_from(["H", "C", "N", "Cl", "Br"]), *[st.floats(-1e3, 1e3, allow_nan=False)] * 3),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from(["", "E isomer", "energy=-3.2 units=kcal", 'Lattice="9 0 0 0 9 0 0 0 9"']), st.booleans())
def test_plain_files_are_read_as_ase_reads_them(tmp_path: Path, rows: list, comment: str, windows: bool) -> None:
    path = tmp_path / "molecule.xyz"
    lines = [str(len(rows)), comment, *(f"{s} {x!r} {y!r} {z!r}" for s, x, y, z in rows), ""]
    path.write_bytes(("\r\n" if windows else "\n").join(lines).encode())
    symbols, positions = read_geometry(path)
    expected = ase.io.read(path)
    assert symbols == tuple(expected.get_chemical_symbols())
    np.testing.assert_allclose(positions, 0.1 * expected.get_positions(), rtol=1e-12, atol=0.0)


def test_columns_of_another_order_are_heeded(tmp_path: Path) -> None:
    path = tmp_path / "molecule.xyz"
    path.write_text("1\nProperties=pos:R:3:species:S:1\n1.0 2.0 3.0 N\n")
    symbols, positions = read_geometry(path)
    assert symbols == ("N",)
    np.testing.assert_allclose(positions, [[0.1, 0.2, 0.3]])


def test_other_formats(tmp_path: Path) -> None:
    water = ase.Atoms("OH2", [[0.0, 0.0, 0.1], [0.0, 0.8, -0.5], [0.0, -0.8, -0.5]])
    for name in ("water.pdb", "water.gen", "water.extxyz"):
        ase.io.write(tmp_path / name, water)
        symbols, positions = read_geometry(tmp_path / name)
        assert symbols == ("O", "H", "H")
        np.testing.assert_allclose(positions, 0.1 * water.positions, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    ["", "2\n\nH 0 0 0\n", "1\n\nQq 0 0 0\n", "1\n\nH 0 0 far\n", "x\n\nH 0 0 0\n"],
    ids=["empty", "short", "no element", "no number", "no count"],
)
def test_what_is_no_geometry_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "molecule.xyz"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a readable geometry"):
        read_geometry(path)


def test_a_coordinate_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "molecule.xyz"
    path.write_text("1\n\nH 0 0 nan\n")
    with pytest.raises(ConfigError, match="not a finite number"):
        read_geometry(path)


def test_the_start_of_a_job_loads_no_more_than_it_needs() -> None:
    """Each of about a hundred jobs pays for what these import; Snakemake itself does for the first."""
    told = "import sys; print(*sorted(m for m in {names} if m in sys.modules))"
    heavy = ["ase.io", "openpathsampling", "matplotlib", "altair", "statsmodels", "scipy.stats", "pymbar"]
    for work in (
        "from separatrix import config; config.load(config.read_yaml('config/config.yaml'), ['config/config.yaml'])",
        "import separatrix.stages, separatrix.committor_stages, separatrix.rates.stages",
    ):
        run = subprocess.run(
            [sys.executable, "-c", f"{work}; {told.format(names=heavy)}"],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == []
