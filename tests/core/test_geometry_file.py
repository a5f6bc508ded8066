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

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import read_geometry

ROWS = st.lists(
    st.tuples(st.sampled_from(["H", "C", "N", "Cl", "Br"]), *[st.floats(-1e3, 1e3, allow_nan=False)] * 3),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from(["", "E isomer", "energy=-3.2 units=kcal"]), st.booleans())
def test_plain_files_are_read_as_ase_reads_them(tmp_path: Path, rows: list, comment: str, windows: bool) -> None:
    path = tmp_path / "molecule.xyz"
    lines = [str(len(rows)), comment, *(f"{s} {x!r} {y!r} {z!r}" for s, x, y, z in rows), ""]
    path.write_bytes(("\r\n" if windows else "\n").join(lines).encode())
    symbols, positions = read_geometry(path, anywhere=True)
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
    ["", "2\n\nH 0 0 0\n", "1\n\nQq 0 0 0\n", "1\n\nH 0 0 far\n", "x\n\nH 0 0 0\n", "1\n\nH 0 0\n", "1\n"],
    ids=["empty", "short", "no element", "no number", "no count", "no z", "no rows"],
)
def test_what_is_no_geometry_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "molecule.xyz"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"not a readable geometry \(") as error:
        read_geometry(path)
    assert "\n" not in str(error.value)


CYANIDE = ["C 0.0 0.0 0.0", "N 0.0 0.0 1.15", "H 0.0 0.0 -1.07"]


def xyz(path: Path, rows: list[str], comment: str = "", count: int | None = None) -> Path:
    path.write_text("\n".join([str(len(rows) if count is None else count), comment, *rows, ""]))
    return path


@pytest.mark.parametrize(
    "rows",
    [
        ["6 0.0 0.0 0.0", "7 0.0 0.0 1.15", "1 0.0 0.0 -1.07"],
        ["c 0.0D0 0.0D+00 0", "n 0 0 1.15D+00", "h 0 0 -10.7d-1"],
        ["C\t0\t0\t0\t0.3", "N 0 0 1.15 -0.4", "H 0 0 -1.07 0.1"],
    ],
    ids=["atomic numbers", "Fortran's exponents", "a fifth column"],
)
def test_other_ways_to_write_the_same(tmp_path: Path, rows: list[str]) -> None:
    symbols, positions = read_geometry(xyz(tmp_path / "a.xyz", rows))
    assert symbols == ("C", "N", "H")
    np.testing.assert_allclose(positions[:, 2], [0.0, 0.115, -0.107], atol=1e-12)


def test_a_topology_may_be_the_trajectory_itself(tmp_path: Path) -> None:
    rows = [*CYANIDE, "3", "Properties=species:S:1:pos:R:3", "C 0 0 0", "N 0 0 1.3", "H 0 0 -1.2"]
    for comment in ("", "Properties=species:S:1:pos:R:3"):
        symbols, positions = read_geometry(xyz(tmp_path / "a.xyz", rows, comment, 3), first=True)
        assert symbols == ("C", "N", "H") and positions[1, 2] == pytest.approx(0.115)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = xyz(tmp_path / "a.xyz", CYANIDE)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_geometry(path)[0] == ("C", "N", "H")


@pytest.mark.parametrize(
    ("rows", "comment", "count", "words"),
    [
        ([*CYANIDE, "3", "second", *CYANIDE], "", 3, "holds several frames, the second from line 6 on"),
        ([*CYANIDE, "H 0 0 5"], "", 3, r"line 6: 'H 0 0 5' follows the 3 atoms"),
        ([], "", 0, "holds no atoms"),
        ([*CYANIDE, "X 1 0 0"], "", None, "line 6: 'X' is a dummy atom"),
        (["0 0 0 0", *CYANIDE], "", None, "line 3: '0' is a dummy atom"),
        (["C1 0 0 0", *CYANIDE[1:]], "", None, "line 3: 'C1' is not an element"),
        (["119 0 0 0", *CYANIDE[1:]], "", None, "line 3: '119' is not an element"),
        (["CA 0 0 0", *CYANIDE[1:]], "", None, "line 3: 'CA' is Ca, or the name of an atom C"),
        ([*CYANIDE[:2], "D 0 0 -1.07"], "", None, "line 5: 'D' is an isotope"),
        (["C 0 0 1_0", *CYANIDE[1:]], "", None, "line 3: '1_0' is not a number"),
        (CYANIDE, 'Lattice="9 0 0 0 9 0 0 0 9"', None, "has a periodic cell"),
        (CYANIDE, 'Lattice="4 0 0 0 4 0 0 0 3" Properties=species:S:1:pos:R:3 pbc="T T T"', None, "a periodic cell"),
        ([f"{row} {m}" for row, m in zip(CYANIDE, (13.0, 14.0, 2.0), strict=True)],
         "Properties=species:S:1:pos:R:3:masses:R:1", None, r"gives atom 0 \(C\) the mass 13"),
        ([f"{row} {m}" for row, m in zip(CYANIDE, (12.011, 14.007, 2.014), strict=True)],
         "Properties=species:S:1:pos:R:3:mass:R:1", None, r"gives atom 2 \(H\) the mass 2.014"),
        (["CA 0 0 0", *CYANIDE[1:]], "Properties=species:S:1:pos:R:3", None, "'CA' is Ca, or"),
        (CYANIDE, "Properties=species:S:1:pos:R:3:forces:R:3", None, "3 columns|4 columns, where Properties names 7"),
        (["C 0 0 0", "N 0 0 0.115", "H 0 0 -0.107"], "", None, r"atoms 0 \(C\) and 2 \(H\) are 0.107 angstrom apart"),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_what_is_more_or_other_than_one_molecule_is_refused(
    tmp_path: Path, rows: list[str], comment: str, count: int | None, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        read_geometry(xyz(tmp_path / "a.xyz", rows, comment, count))
    assert "\n" not in str(error.value)


def test_columns_beside_the_positions_do_no_harm(tmp_path: Path) -> None:
    """Forces, charges and a box that is not periodic, as ASE writes them."""
    rows = [f"{row} 0.1 0.2 0.3" for row in CYANIDE]
    comment = 'Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 energy=-3.2 pbc="F F F"'
    assert read_geometry(xyz(tmp_path / "a.xyz", rows, comment))[0] == ("C", "N", "H")


def pdb_line(name: str, z: float, element: str, place: str = " ") -> str:
    return f"HETATM    1 {name:<4}{place}LIG A   1       0.000   0.000{z:8.3f}  1.00  0.00          {element:>2}\n"


def test_pdb(tmp_path: Path) -> None:
    """MDTraj reads names and ASE guesses by them; what counts is the column of elements."""
    path = tmp_path / "a.pdb"
    elements = ("C", "N", "H")
    places = (0.0, 1.15, -1.07)
    names = (" CA", " NA", " HG")
    whole = [pdb_line(n, z, e) for n, z, e in zip(names, places, elements, strict=True)]
    path.write_text("".join(["CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1\n", *whole, "END\n"]))
    assert read_geometry(path)[0] == elements
    path.write_text("".join([whole[0], pdb_line(" NA", 1.15, ""), whole[2]]))
    with pytest.raises(ConfigError, match=r"line 2: atom 'NA' has no element in columns 77 and 78"):
        read_geometry(path)
    path.write_text("".join([*whole, pdb_line(" HG", -1.9, "H", "B")]))
    with pytest.raises(ConfigError, match=r"line 4: atom 'HG' is an alternate location"):
        read_geometry(path)
    path.write_text("".join(["MODEL 1\n", *whole, "ENDMDL\n", "MODEL 2\n", *whole, "ENDMDL\n"]))
    with pytest.raises(ConfigError, match="holds 2 frames"):
        read_geometry(path)
    path.write_text("".join(["CRYST1    9.000    9.000    9.000  90.00  90.00  90.00 P 1\n", *whole]))
    with pytest.raises(ConfigError, match="has a periodic cell"):
        read_geometry(path)


def test_formats_of_which_ase_takes_the_first_molecule_only(tmp_path: Path) -> None:
    atoms = ase.Atoms("CNH", [[0, 0, 0], [0, 0, 1.15], [0, 0, -1.07]])
    path = tmp_path / "a.sdf"
    ase.io.write(path, atoms)
    assert read_geometry(path)[0] == ("C", "N", "H")
    path.write_text(path.read_text() * 2)
    with pytest.raises(ConfigError, match="holds several molecules"):
        read_geometry(path)
    atoms.set_masses([12.011, 14.007, 2.014])
    ase.io.write(path, atoms)
    with pytest.raises(ConfigError, match="names an isotope"):
        read_geometry(path)
    ase.io.write(tmp_path / "a.traj", atoms)
    with pytest.raises(ConfigError, match=r"gives atom 2 \(H\) the mass 2.014"):
        read_geometry(tmp_path / "a.traj")
    ase.io.write(tmp_path / "two.traj", [ase.Atoms("HF", [[0, 0, 0], [0, 0, 0.9]])] * 2)
    with pytest.raises(ConfigError, match="holds 2 frames"):
        read_geometry(tmp_path / "two.traj")


@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.pdb", "a.gen", "a.mol", "a.sdf", "a.json", "a.traj", "coord"])
def test_any_other_text_is_one_line(tmp_path: Path, name: str) -> None:
    for text in ("methods:\n  gfn2: {potential: tblite}\n", "\x00\x01\xff", "import os\n", "{}\n", "\n\n\n"):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigError) as error:
            read_geometry(tmp_path / name)
        assert "\n" not in str(error.value) and name in str(error.value)


def test_atoms_of_a_field_may_stand_anywhere(tmp_path: Path) -> None:
    path = xyz(tmp_path / "a.xyz", ["He 0 0 0", "He 0 0 0"])
    assert read_geometry(path, anywhere=True)[0] == ("He", "He")
    with pytest.raises(ConfigError, match="0 angstrom apart"):
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
        "from separatrix.config.load import load; from separatrix.core.yaml_file import read_yaml; "
        "load(read_yaml('config/config.yaml'), ['config/config.yaml'])",
        "from separatrix.workflow import committor_stages, free_energy_profile, rate_routes, sampling_stages, umbrella",
    ):
        run = subprocess.run(
            [sys.executable, "-c", f"{work}; {told.format(names=heavy)}"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == []
