"""Basins, crossings and pulls by any collective variable, as a system file says them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from test_howtos import unpacked

from separatrix.config.load import load
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import System, build_system
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import read_geometry
from separatrix.core.section import check
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.states import outside_of
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine
from separatrix.potentials import build
from separatrix.report.inputs import load_with_files
from separatrix.sampling.shooting import Chain, first_path

DYNAMICS = {"time_step_fs": 0.5, "shift_fs": 2, "longest_half_fs": 200}
HNC = read_geometry("resources/hcn/hnc.xyz")[1]
DIFFERENCE = {
    "kind": "difference",
    "terms": [{"kind": "distance", "atoms": ["C", "H"]}, {"kind": "distance", "atoms": ["N", "H"], "weight": -1}],
}
NEAR_N = {"kind": "coordination", "pairs": [["N", "H"]], "r0_A": 1.4, "n": 6, "m": 12}


def described(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(read_yaml("config/systems/hcn.yaml"))
    data["coordinates"] |= {
        "C-H - N-H": DIFFERENCE,
        "from HNC": {"kind": "rmsd", "reference": "HNC"},
        "near N": NEAR_N,
    }
    data["basins"]["HCN"]["within"] = [{"coordinate": "C-H - N-H", "range_A": [-2.0, -0.6]}]
    data["basins"]["HNC"]["within"] = [
        {"coordinate": "C-H - N-H", "range_A": [0.6, 2.0]},
        {"coordinate": "from HNC", "range_A": [0.0, 0.3]},
    ]
    return data | changes


def with_boxes() -> dict[str, Any]:
    data = described()
    data["basins"]["HCN"] |= {"within": [{"coordinate": "near N", "range": [0.0, 0.25]}]}
    del data["basins"]["HNC"]["within"]
    data["basins"]["HNC"]["any"] = [
        {"within": [{"coordinate": "near N", "range": [0.75, 0.9]}]},
        {"within": [{"coordinate": "near N", "range": [0.85, 1.0]}, {"coordinate": "N-H", "range_A": [0.8, 1.2]}]},
    ]
    return data


def built(data: dict[str, Any]) -> System:
    return build_system(check(data, SystemSection, "x.yaml"), "x.yaml")


def rmsd(x: np.ndarray) -> float:
    """Of three atoms from HNC, angstrom, by the singular values."""
    a, b = x - x.mean(axis=0), HNC - HNC.mean(axis=0)
    s = np.linalg.svd(a.T @ b)[1]
    return float(10.0 * np.sqrt(max(((a**2).sum() + (b**2).sum() - 2.0 * s.sum()) / 3.0, 0.0)))


def by_difference(x: np.ndarray) -> str | None:
    d = 10.0 * (np.linalg.norm(x[0] - x[2]) - np.linalg.norm(x[1] - x[2]))
    if -2.0 <= d <= -0.6:
        return "HCN"
    return "HNC" if 0.6 <= d <= 2.0 and rmsd(x) <= 0.3 else None


def by_boxes(x: np.ndarray) -> str | None:
    length = 10.0 * np.linalg.norm(x[1] - x[2])
    number = 1.0 / (1.0 + (length / 1.4) ** 6)
    if number <= 0.25:
        return "HCN"
    return "HNC" if 0.75 <= number <= 0.9 or (0.85 <= number <= 1.0 and 0.8 <= length <= 1.2) else None


@pytest.mark.parametrize(("data", "answer"), [(described(), by_difference), (with_boxes(), by_boxes)])
def test_shooting_ends_where_an_independent_look_at_the_frames_says(data: dict[str, Any], answer: Any) -> None:
    system = built(data)
    potential = build("tblite", system.molecule, {"method": "GFN1-xTB"})
    engine = MDEngine(system.molecule, potential, DynamicsSettings(300.0, 0.5, 4, 200.0))
    top = np.array([[0.0, 0.0, 0.0], [0.117, 0.0, 0.0], [0.03, 0.115, 0.0]])
    path, label, _ = first_path(engine, system.basins, top, place=(1, ("first",)))
    chain = Chain(engine, system.basins, system.mechanism, path, label, shift=2, place=(1, ("chain",)))
    paths = [path[0]]
    for number in range(8):
        move = chain.move(number)
        if move.path is not None:
            paths.append(move.path[0])
    assert len(paths) > 1
    for x in paths:
        names = [answer(frame) for frame in x]
        assert {names[0], names[-1]} == {"HCN", "HNC"} and not any(names[1:-1])
        outside = outside_of(system.basins)
        assert [outside(frame) for frame in x] == [name is None for name in names]


def test_atoms_of_two_elements_do_not_change_places() -> None:
    data = described()
    data["basins"]["HNC"]["equivalent"] = [[["C", "N"]]]
    with pytest.raises(ConfigError, match=r"basins.HNC.equivalent.0.0: C, N are not of one element"):
        built(data)


def test_too_many_renumberings_are_refused_with_what_would_do() -> None:
    data = copy.deepcopy(read_yaml("config/systems/dnab.yaml"))
    symbols = read_geometry(data["basins"]["Z"]["geometry"])[0]
    six = [f"H{n}" for n, symbol in enumerate(symbols) if symbol == "H"][:6]
    data["basins"]["Z"]["equivalent"] = [[six], [six[:2]]]
    with pytest.raises(ConfigError, match=r"Z.equivalent: more than 120 renumberings follow.*a coordination number$"):
        built(data)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "distanse", "atoms": ["C", "H"]}, "coordinates.odd: kind: 'distanse' is not a kind of variable; did"),
        ({"kind": "rmsd", "reference": "HCM"}, "coordinates.odd: reference: 'HCM' is neither a basin"),
        ({"atoms": ["C", "H"]}, "coordinates.odd: key 'kind' is missing"),
    ],
)
def test_a_wrong_description_is_one_line(change: dict[str, Any], says: str) -> None:
    data = described()
    data["coordinates"]["odd"] = change
    with pytest.raises(ConfigError, match=says):
        built(data)


def test_a_range_in_the_wrong_unit_says_which_key() -> None:
    data = with_boxes()
    data["basins"]["HCN"]["within"] = [{"coordinate": "near N", "range_A": [0.0, 0.25]}]
    with pytest.raises(ConfigError, match="near N has no unit; give its range as range, not as range_A"):
        built(data)


@pytest.mark.parametrize(
    ("rates", "source", "says"),
    [
        ({"variables": ["size"]}, "paths", r"rates.umbrella.variables.0: 'size' is of the kind 'mdtraj', which OpenMM"),
        ({"methods": ["gfn1"]}, "paths", r"rates.umbrella.methods: the fitted coordinate may hold 'size'.*name the"),
        ({}, "restrained", r"committor.source: the fitted coordinate may hold 'size'.*leave it out of"),
    ],
)
def test_what_no_spring_can_hold_is_refused_at_once(
    tmp_path: Path, rates: dict[str, Any], source: str, says: str
) -> None:
    system = described()
    system["variables"]["extra"].append({"name": "size", "kind": "mdtraj", "function": "compute_rg"})
    file = tmp_path / "system.yaml"
    file.write_text(yaml.safe_dump(system))
    data = {
        "system": str(file),
        "methods": {"gfn1": {"potential": "tblite", "options": {"method": "GFN1-xTB"}, "dynamics": DYNAMICS}},
    }
    assert load(data).system.variables[-1].name == "size"
    with pytest.raises(ConfigError, match=says):
        load_with_files(data | {"rates": {"umbrella": rates}, "committor": {"source": source}})


@pytest.mark.parametrize(
    ("coordinates", "extra", "says"),
    [
        (
            {"height": {"kind": "z", "atoms": ["H"]}},
            [],
            r"coordinates.height: 'height' holds the z of an atom",
        ),
        (
            {},
            [{"kind": "x", "atoms": ["C"], "name": "x"}],
            r"variables.extra: 'x' holds the x of.*method gfn1",
        ),
    ],
)
def test_a_free_molecule_has_no_cartesian_coordinates(
    tmp_path: Path, coordinates: dict[str, Any], extra: list[dict[str, Any]], says: str
) -> None:
    system = described()
    system["coordinates"] |= coordinates
    system["variables"]["extra"] += extra
    file = tmp_path / "system.yaml"
    file.write_text(yaml.safe_dump(system))
    method = {"potential": "tblite", "options": {"method": "GFN1-xTB"}, "dynamics": DYNAMICS}
    with pytest.raises(ConfigError, match=says):
        load({"system": str(file), "methods": {"gfn1": method}})


# Mistakes -------------------------------------------------------------------------------------------------------------

TWIST, LENGTH = {"coordinate": "twist"}, {"coordinate": "S-S"}
PLUS, PULL, CROSSING = "basins.plus", "saddle_guesses.0.pull.0", "mechanism.crossing"
DIHEDRAL = {"kind": "dihedral", "atoms": ["H1", "S1", "S2", "H2"]}
S_S, S_H = {"kind": "distance", "atoms": ["S1", "S2"]}, {"kind": "distance", "atoms": ["S1", "H1"]}
ANGLE = {"kind": "angle", "atoms": ["H1", "S1", "S2"]}


def sums(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "difference", "terms": list(terms)}


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        # What bounds a basin
        (f"{PLUS}.within.0.coordinate", "twst", "'twst' is not a coordinate; did you mean 'twist'?"),
        (f"{PLUS}.within.0", TWIST, "twist is measured in degrees; give its range as range_deg"),
        (f"{PLUS}.within.0", TWIST | {"range_A": [55, 125]}, "give its range as range_deg, not as range_A"),
        (
            f"{PLUS}.within.0.range_deg",
            [125, 55],
            "the lower bound 125 is not below the upper bound 55; a dihedral runs upwards from the first: give [125, "
            "415] to go round by way of 270, or the lower one first",
        ),
        (
            f"{PLUS}.within.0",
            LENGTH | {"range_A": [3, 2]},
            "3 is not below the upper bound 2; give the lower one first",
        ),
        (f"{PLUS}.within.0.range_deg", [125], "needs at least 2 entries (lowest and highest value"),
        (f"{PLUS}.within.0.range_deg", [55, float("inf")], "a dihedral runs in a circle; give two finite angles"),
        (f"{PLUS}.within.0.range_deg", [float("inf"), 55], "a dihedral runs in a circle; give two finite angles"),
        (PLUS, {"geometry": "disulfane/plus.xyz"}, "nothing bounds it; give intervals that all hold in within, or"),
        (
            f"{PLUS}.any",
            [{"within": [TWIST | {"range_deg": [55, 125]}]}],
            "needs at least 2 entries (boxes of which one",
        ),
        # Where a geometry lies
        (
            "basins.minus.within.0.range_deg",
            [-150, 60],
            "basins.plus: overlaps basin minus; give one coordinate ranges",
        ),
        (
            f"{PLUS}.within.0.range_deg",
            [100, 125],
            "basins.plus.geometry: disulfane/plus.xyz lies in no basin, not in plus; ",
        ),
        (
            f"{PLUS}.geometry",
            "disulfane/minus.xyz",
            "disulfane/minus.xyz lies in minus, not in plus; change the file or",
        ),
        # Renumberings
        (f"{PLUS}.equivalent", [[["H1", "H9"]]], "'H9' is not a named atom; did you mean 'H2'?"),
        (f"{PLUS}.equivalent", [[["H1", "S1"]]], "H1, S1 are not of one element; give atoms that are alike"),
        (f"{PLUS}.equivalent", [[["H1", "H2"], ["H2", "H1"]]], "an atom is given twice; an atom changes places once"),
        (
            f"{PLUS}.equivalent",
            [["H1", "H2"]],
            "'H1' is not a list; give the cycle of names of atoms, such as [H1, H2, H3]",
        ),
        (f"{PLUS}.equivalent", [[["H1"]]], "needs at least 2 entries (cycle of names of atoms"),
        # Coordinates
        ("coordinates.twist.kind", "dihedrall", "'dihedrall' is not a kind of variable; did you mean 'dihedral'?"),
        ("coordinates.twist.atoms", ["H1", "S1", "S2"], "dihedral needs 4 atoms, 3 are given"),
        ("coordinates.twist.atoms", ["H1", "S1", "S2", "H1"], "an atom is given twice; give 4 different ones"),
        ("coordinates.S-S", sums(DIHEDRAL, ANGLE | {"weight": -1}), "a 'dihedral' jumps by its period; use its cosine"),
        ("coordinates.S-S", sums(S_S, ANGLE | {"weight": -1}), "must all have the same unit, not angstrom, degree"),
        ("coordinates.S-S", sums(S_S, S_H), "a difference needs weights of both signs; a sum is a linear_combination"),
        (
            "coordinates.S-S",
            {"kind": "coordination", "pairs": [["S1", "S2"]]},
            "r0_A: is missing; give a number above 0",
        ),
        (
            "coordinates.S-S",
            {"kind": "rmsd", "reference": "plsu"},
            "'plsu' is neither a basin (basins: plus, minus) nor a",
        ),
        # Pulls
        (PULL, TWIST | {"target_A": 1, "strength_kcal_mol_A2": 2}, "give its target as target_deg, not as target_A"),
        (PULL, TWIST | {"target_deg": 1, "strength_kcal_mol_A2": 2}, "give its strength as strength_kcal_mol, not as"),
        (f"{PULL}.strength_kcal_mol", -5, "-5 must be more than 0"),
        ("saddle_guesses.0.start", "pluss", "'pluss' is not a basin; did you mean 'plus'?"),
        # Crossings and mechanisms
        (CROSSING, TWIST | {"at_A": 3}, "give its value at the crossing as at_deg, not as at_A"),
        (
            CROSSING,
            TWIST | {"at_deg": 30, "between_deg": [0, 180]},
            "give at_deg, a value without its sign, or between_deg",
        ),
        (CROSSING, LENGTH | {"between_deg": [0, 180]}, "S-S does not run in a circle; give one value, as at_..."),
        (f"{CROSSING}.between_deg", [0, 360], "goes all the way round; give two different angles"),
        (
            f"{CROSSING}.between_deg",
            [90, 180],
            "twist of 90 lies in basin plus, which goes from 55 to 125; give a value out",
        ),
        (
            CROSSING,
            TWIST | {"at_deg": 30},
            "lie on the same side of 30 in twist (a dihedral counts without its sign; give",
        ),
        (
            CROSSING,
            LENGTH | {"at_A": 2.5, "ways": ["a", "b"]},
            "S-S does not run in a circle, so that there is one way",
        ),
        (f"{CROSSING}.ways", ["other", "b"], "two mechanisms are called 'other'; give each a name of its own"),
        ("mechanism.classes.0", LENGTH | {"name": "x", "above_deg": 2}, "give its bound as above_A, not as above_deg"),
        (
            "mechanism.classes.0",
            LENGTH | {"name": "x", "above_A": 2, "within_A": [2, 3]},
            "give a lower bound alone, or both bounds in within_A",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_remedy(
    key: str, value: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked("basins.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    data = read_yaml("disulfane/disulfane.yaml")
    assert built(data).mechanism.ways == ("by cis", "by trans")
    *path, last = (int(word) if word.isdecimal() else word for word in key.split("."))
    part = data
    for word in path:
        part = part[word]
    part[last] = value
    with pytest.raises(ConfigError) as error:
        built(data)
    message = str(error.value)
    assert says in message and "\n" not in message
    place = says.split(":")[0] if says.startswith("basins.") else key.split(".")[0]
    assert message.startswith(f"x.yaml: {place}")
