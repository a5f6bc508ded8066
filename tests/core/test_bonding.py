"""Bonds that form and break, and atoms whose numbers do not fit from one geometry to another."""

from __future__ import annotations

import random
import re
from pathlib import Path

import ase.build
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from separatrix.cli.main import app
from separatrix.config.configuration import Config
from separatrix.config.load import load
from separatrix.config.system import about_a_line
from separatrix.core import bonding
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.enumeration import enumerate_around

FAR = 10.0


def judge(symbols: str, one: str, other: str, near: str = "") -> str | None:
    """What is said of two graphs, bonds as ``0-1 1-2``; all atoms are far apart but the pairs named."""
    elements = symbols.split()
    graphs = [[tuple(sorted(map(int, bond.split("-")))) for bond in text.split()] for text in (one, other)]
    positions = np.zeros((len(elements), 3))
    positions[:, 0] = FAR * np.arange(len(elements))
    for i, j in (map(int, pair.split("-")) for pair in near.split()):
        positions[j] = positions[i] + [0.0, 0.17, 0.0]
    return bonding.misnumbered(elements, *graphs, positions)


@pytest.mark.parametrize(
    ("symbols", "formula"),
    [("C H N", "CHN"), ("O H H", "H2O"), ("Cl C H H H", "CH3Cl"), ("Na Cl", "ClNa"), ("Br C C O H H", "C2H2BrO")],
)
def test_sum_formula(symbols: str, formula: str) -> None:
    assert bonding.sum_formula(symbols.split()) == formula


ENOL = "0-1 0-3 0-4 1-2 1-5 2-6"  # C0 C1 O2 H3 H4 H5 H6
DIMER = "O C O H O C O H", "0-1 1-2 2-3 4-5 5-6 6-7", "0-1 1-2 3-4 4-5 5-6 0-7"


@pytest.mark.parametrize(
    ("symbols", "one", "other", "near"),
    [
        ("C C O H H H H", ENOL, "0-1 0-3 0-4 0-6 1-2 1-5", ""),  # vinyl alcohol to acetaldehyde
        ("Cl C H H H Cl", "0-1 1-2 1-3 1-4", "1-2 1-3 1-4 1-5", ""),  # identity substitution
        ("O C C C O H", "0-1 1-2 2-3 3-4 0-5", "0-1 1-2 2-3 3-4 4-5", ""),  # malonaldehyde's proton
        ("C C C C C C", "0-1 1-2 2-3 3-4 4-5", "0-1 1-2 3-4 4-5 0-5", ""),  # Cope: a mirror image of itself
        (*DIMER, "3-4 7-0"),  # two protons along two hydrogen bonds
        ("C C C C C C", "0-1 2-3 4-5", "0-1 2-3 4-5 1-2 3-4", ""),  # two bonds form: another graph
    ],
)
def test_reactions_pass_without_a_word(symbols: str, one: str, other: str, near: str) -> None:
    assert judge(symbols, one, other, near) is None


@pytest.mark.parametrize(
    ("symbols", "one", "other", "words"),
    [
        ("C C H H", "0-1 0-2 1-3", "0-1 0-3 1-2", "4 bonds change; with atoms H2 and H3 exchanged its"),
        # The product's hydrogens on carbon and oxygen exchanged.
        ("C C O H H H H", ENOL, "0-1 0-3 0-4 0-5 1-2 1-6", "with atoms H5 and H6 exchanged only 2 bonds change"),
        # Two methyl groups that change places with all that is on them.
        ("C N O C H H", "0-1 1-2 2-3 0-4 3-5", "1-3 1-2 0-2 0-4 3-5", "its bonds (are|may be) the same"),
        (*DIMER, "bonds change"),  # protons that would fly across 100 angstrom
        ("C C C C N N N N", "0-4 1-5 2-6 3-7", "0-1 2-3 4-5 6-7", "4 bonds form and 4 break: another order"),
    ],
)
def test_atoms_out_of_order_are_found(symbols: str, one: str, other: str, words: str) -> None:
    assert re.search(words, judge(symbols, one, other) or "")


@pytest.mark.parametrize("name", ["C2H6", "CH3CH2OH", "isobutane", "C6H6", "CH3CONH2"])
def test_any_order_of_a_real_molecule(name: str) -> None:
    """Shuffled atoms of each element: found wherever more than one bond forms and breaks, silent where none does."""
    atoms = ase.build.molecule(name)
    symbols, positions = atoms.get_chemical_symbols(), 0.1 * atoms.positions
    bonds = bonds_from_distances(tuple(symbols), positions)
    draw, found = random.Random(3), 0
    for _ in range(20):
        order = list(range(len(symbols)))
        for element in sorted(set(symbols)):
            mine = [i for i, s in enumerate(symbols) if s == element]
            for place, atom in zip(mine, draw.sample(mine, len(mine)), strict=True):
                order[place] = atom
        other = bonds_from_distances(tuple(symbols), positions[order])
        formed, _ = bonding.changes(bonds, other)
        found += len(formed) > 1
        assert (bonding.misnumbered(symbols, bonds, other, positions) is not None) == (len(formed) > 1)
    assert found > 5


def butane(folder: Path, swap: tuple[int, int] | None = None, **more: object) -> Path:
    """A config of butane, two atoms of anti exchanged."""
    lines = Path("tests/data/butane/anti.xyz").read_text().splitlines()
    if swap:
        i, j = (2 + atom for atom in swap)
        lines[i], lines[j] = lines[j], lines[i]
    (folder / "anti.xyz").write_text("\n".join(lines) + "\n")
    twist = {"kind": "dihedral", "atoms": ["C1", "C2", "C3", "C4"]}
    system = {
        "name": "butane",
        "atoms": {"C1": 0, "C2": 1, "C3": 2, "C4": 3},
        "coordinates": {"CCCC": twist},
        "basins": {
            "gauche": {
                "geometry": "tests/data/butane/gauche.xyz",
                "within": [{"coordinate": "CCCC", "range_deg": [40, 90]}],
            },
            "anti": {
                "geometry": str(folder / "anti.xyz"),
                "within": [{"coordinate": "CCCC", "range_deg": [150, 210]}],
            },
        },
        "reaction": {"from": "gauche", "to": "anti"},
        "saddle_guesses": [
            {
                "name": "eclipsed",
                "start": "gauche",
                "pull": [{"coordinate": "CCCC", "target_deg": 120, "strength_kcal_mol": 50}],
            }
        ],
        "variables": {"around": ["C2", "C3"], "bonds": 1},
    }
    (folder / "butane.yaml").write_text(yaml.safe_dump(system | more))
    data = {
        "system": str(folder / "butane.yaml"),
        "results_directory": str(folder / "results"),
        "temperature_K": 300,
        "methods": {
            "gfn2": {
                "potential": "tblite",
                "options": {"method": "GFN2-xTB"},
                "dynamics": {"time_step_fs": 1, "shift_fs": 10, "longest_half_fs": 2000},
            }
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(data))
    return folder / "config.yaml"


def test_exchanged_hydrogens_are_refused_unless_they_are_meant(tmp_path: Path) -> None:
    def loaded(**more: object) -> Config:
        file = butane(tmp_path, **more)
        return load(read_yaml(file), [file])

    assert loaded().system.formed == ()
    assert loaded(swap=(4, 5)).system.formed == (), "two hydrogens of one methyl group: a turn of it"
    with pytest.raises(ConfigError, match=r"anti\.geometry: from gauche, 4 bonds .* H4 and H11 exchanged") as error:
        loaded(swap=(4, 11))
    assert "trust_numbering: true" in str(error.value) and "\n" not in str(error.value)
    meant = loaded(swap=(4, 11), trust_numbering=True).system
    assert (meant.formed, meant.broken) == (((0, 11), (3, 4)), ((0, 4), (3, 11)))


def test_check_prints_formula_bonds_and_what_looks_like_bohr(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["check", "--quick", "config/examples/hcn.yaml"]).stdout
    assert "hcn.yaml: CHN, multiplicity 1\n" in said
    assert "hcn.yaml: bonds that form N-H, that break C-H\n" in said
    said = CliRunner().invoke(app, ["check", "--quick", str(butane(tmp_path))]).stdout
    assert "C4H10" in said and "bonds that" not in said and "bohr" not in said
    symbols, positions = read_geometry("tests/data/butane/anti.xyz")
    rows = "\n".join(f"{s} {x} {y} {z}" for s, (x, y, z) in zip(symbols, 18.8973 * positions, strict=True))
    (tmp_path / "bohr.xyz").write_text(f"14\n\n{rows}\n")
    found = bonding.lines(Molecule(symbols, (), charge=-1), (), (), {"anti": tmp_path / "bohr.xyz"})
    assert found[0] == "C4H10, charge -1, multiplicity 1"
    assert "anti: no two atoms are bonded" in found[1] and "in bohr?" in found[1]


def test_dihedrals_about_a_straight_chain_are_no_candidates(tmp_path: Path) -> None:
    """Propyne: about C-C#C-H every dihedral is noise; about a bent chain they stay."""
    propyne = ase.build.molecule("C3H4_C3v")
    symbols, positions = propyne.get_chemical_symbols(), 0.1 * propyne.positions
    bonds = bonds_from_distances(tuple(symbols), positions)
    labels = [f"{s}{i}" for i, s in enumerate(symbols)]
    found = enumerate_around(bonds, symbols, [0, 1], n_bonds=3, hydrogens=True, names=labels)
    dihedrals = [v for v in found if v.kind in ("cos_dihedral", "sin_dihedral")]
    assert dihedrals and all(about_a_line(v, positions) for v in dihedrals)
    file = butane(tmp_path)
    kept = load(read_yaml(file), [file]).system.variables
    assert {v.name for v in kept} >= {"cos(C1,C2,C3,C4)", "sin(C1,C2,C3,C4)"}
