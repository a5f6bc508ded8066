"""What is exported is read back whole by the programs that it is for."""

from __future__ import annotations

from pathlib import Path

import ase.io
import mdtraj
import numpy as np
import pytest

from separatrix.core.errors import StoreError
from separatrix.core.molecule import Molecule, read_geometry
from separatrix.results.path_export import export_path
from separatrix.results.path_files import write_paths

#: Elements of one and of two letters, also such whose first letter is another element; more atoms than three digits.
SYMBOLS = ("C", "Cl", "Br", "H", "Si", "Na", "O", "N", "F", "H") * 12
#: Ending -> precision of its positions, nm.
FORMATS = {"dcd": 1e-6, "trr": 1e-6, "nc": 1e-6, "xyz": 1e-6, "pdb": 6e-5, "xtc": 6e-4, "gro": 6e-4}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A paths file, and the positions of its path."""
    rng = np.random.default_rng(0)
    rest = 0.2 * np.stack(np.unravel_index(np.arange(len(SYMBOLS)), (5, 5, 5)), axis=1)
    track = np.stack([rest + 0.02 * rng.standard_normal((7, *rest.shape)), rng.standard_normal((7, *rest.shape))])
    file = tmp_path_factory.mktemp("export") / "paths.nc"
    settings = {"moves": [0], "labels": [1], "multiplicity": [1], "mechanisms": ["a"], "chain": 1, "frame": 2.5}
    write_paths([track], SYMBOLS, file, source="a test", start="saddle", **settings)
    return file, track[0]


@pytest.mark.parametrize("ending", FORMATS)
def test_by_mdtraj(path: tuple[Path, np.ndarray], tmp_path: Path, ending: str) -> None:
    file, track = path
    out = tmp_path / f"path.{ending}"
    assert export_path(file, out) == 7
    own = ending in ("pdb", "gro")
    topology = {} if own else {"top": Molecule(SYMBOLS, ()).mdtraj_topology()}
    found = mdtraj.load(str(out), **topology)
    assert np.abs(found.xyz - track).max() < FORMATS[ending]
    assert tuple(a.element.symbol for a in found.topology.atoms) == SYMBOLS or ending == "gro"
    if ending in ("trr", "nc", "xtc", "gro"):
        np.testing.assert_allclose(found.time, 0.0025 * np.arange(7), atol=1e-6)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("ending", ["xyz", "pdb"])
def test_by_ase(path: tuple[Path, np.ndarray], tmp_path: Path, ending: str) -> None:
    file, track = path
    out = tmp_path / f"path.{ending}"
    export_path(file, out)
    frames = [atoms for atoms in ase.io.read(out, index=":") if len(atoms)]
    assert len(frames) == 7
    assert all(tuple(atoms.get_chemical_symbols()) == SYMBOLS for atoms in frames)
    assert np.abs(0.1 * np.array([atoms.positions for atoms in frames]) - track).max() < FORMATS[ending]


def test_a_frame_of_the_path_is_a_geometry(path: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    file, track = path
    export_path(file, tmp_path / "path.xyz")
    lines = (tmp_path / "path.xyz").read_text().splitlines(keepends=True)[: 2 + len(SYMBOLS)]
    (tmp_path / "one.xyz").write_text("".join(lines))
    symbols, positions = read_geometry(tmp_path / "one.xyz", anywhere=True)
    assert symbols == SYMBOLS
    np.testing.assert_allclose(positions, track[0], atol=1e-8)


@pytest.mark.parametrize("ending", ["lammpstrj", "rst7", "h5", "docx", ""])
def test_what_cannot_be_written_is_one_line(path: tuple[Path, np.ndarray], tmp_path: Path, ending: str) -> None:
    with pytest.raises(StoreError, match="cannot be written") as error:
        export_path(path[0], tmp_path / f"path.{ending}")
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())
