"""Shooting between basins in which atoms are equivalent: methoxy to hydroxymethyl, by any of three hydrogens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import System, build_system
from separatrix.core.errors import ConfigError, SamplingError
from separatrix.core.section import check
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine
from separatrix.potentials import build
from separatrix.results.moves import Move
from separatrix.sampling.shooting import Chain, first_path

SYMBOLS = "COHHH"
METHOXY = [[0, 0, 0], [1.37, 0, 0], [-0.38, 1.03, 0], [-0.38, -0.52, 0.9], [-0.38, -0.52, -0.9]]
HYDROXYMETHYL = [[0, 0, 0], [1.37, 0, 0], [1.67, 0.91, 0], [-0.51, -0.33, 0.9], [-0.51, -0.33, -0.9]]
#: The saddle on GFN1-xTB, by which the first hydrogen moves, nm.
SADDLE = np.array(
    [
        [-0.0127, -0.0086, -0.0048],
        [0.1186, 0.0347, 0.0009],
        [0.0178, 0.1050, -0.0037],
        [-0.0539, -0.0517, 0.0865],
        [-0.0457, -0.0521, -0.0992],
    ]
)
#: Which hydrogen moves -> order of the atoms of `SADDLE`.
TOPS = {1: [0, 1, 2, 3, 4], 2: [0, 1, 4, 2, 3], 3: [0, 1, 3, 4, 2]}


def box(n: int) -> list[dict[str, Any]]:
    """The hydrogen of that number is on the oxygen."""
    return [{"coordinate": f"O-H{n}", "range_A": [0.8, 1.15]}, {"coordinate": f"C-H{n}", "range_A": [1.6, 3.0]}]


EQUIVALENT = {"within": box(1), "equivalent": [[["H1", "H2", "H3"]], [["H1", "H2"]]]}
WRITTEN_OUT = {"any": [{"within": box(n)} for n in (1, 2, 3)]}
ONE_ALONE = {"within": box(1)}


def described(folder: Path, product: dict[str, Any], **more: Any) -> dict[str, Any]:
    for name, rows in (("methoxy", METHOXY), ("hydroxymethyl", HYDROXYMETHYL)):
        lines = [f"{s} {x} {y} {z}" for s, (x, y, z) in zip(SYMBOLS, rows, strict=True)]
        (folder / f"{name}.xyz").write_text("\n".join(["5", name, *lines, ""]))
    lengths = {f"{a}-H{n}": {"kind": "distance", "atoms": [a, f"H{n}"]} for a in "CO" for n in (1, 2, 3)}
    on_carbon = [{"coordinate": f"C-H{n}", "range_A": [0.9, 1.4]} for n in (1, 2, 3)]
    off_oxygen = [{"coordinate": f"O-H{n}", "range_A": [1.75, 3.0]} for n in (1, 2, 3)]
    return {
        "name": "methoxy",
        "multiplicity": 2,
        "atoms": {"C": 0, "O": 1, "H1": 2, "H2": 3, "H3": 4},
        "coordinates": lengths | {"on O": {"kind": "coordination", "groups": [["O"], ["H1", "H2", "H3"]], "r0_A": 1.3}},
        "basins": {
            "methoxy": {"geometry": str(folder / "methoxy.xyz"), "within": on_carbon + off_oxygen},
            "hydroxymethyl": {"geometry": str(folder / "hydroxymethyl.xyz"), **product},
        },
        "reaction": {"from": "methoxy", "to": "hydroxymethyl"},
        "saddle_guesses": [
            {
                "name": "shift",
                "start": "methoxy",
                "pull": [{"coordinate": "O-H1", "target_A": 1.2, "strength_kcal_mol_A2": 800}],
            }
        ],
        "variables": {"extra": [{"kind": "distance", "atoms": ["O", "H1"]}]},
        **more,
    }


def built(data: dict[str, Any]) -> System:
    return build_system(check(data, SystemSection, "x.yaml"), "x.yaml")


def shot(system: System, mover: int, moves: int) -> tuple[np.ndarray, int, list[Move]]:
    """First path, attempts, and moves of a chain that starts at the saddle of a hydrogen."""
    potential = build("tblite", system.molecule, {"method": "GFN1-xTB"})
    engine = MDEngine(system.molecule, potential, DynamicsSettings(300.0, 0.5, 2, 150.0))
    top = SADDLE[TOPS[mover]]
    path, label, attempts = first_path(engine, system.basins, top, place=(1, ("first",)), attempts=20)
    chain = Chain(engine, system.basins, system.mechanism, path, label, shift=2, place=(1, ("chain",)))
    return path, attempts, [chain.move(n) for n in range(moves)]


def state(x: np.ndarray) -> str:
    """What an independent look at a frame says: the state, and the number of the hydrogen that has moved."""
    to_carbon, to_oxygen = (10.0 * np.linalg.norm(x[2:] - x[atom], axis=1) for atom in (0, 1))
    if ((to_carbon >= 0.9) & (to_carbon <= 1.4) & (to_oxygen >= 1.75) & (to_oxygen <= 3.0)).all():
        return "methoxy"
    moved = (to_oxygen >= 0.8) & (to_oxygen <= 1.15) & (to_carbon >= 1.6) & (to_carbon <= 3.0)
    return "" if not moved.any() else f"hydroxymethyl {1 + int(np.argmax(moved))}"


@pytest.mark.parametrize("mover", [1, 2, 3])
def test_equivalent_atoms_are_shot_as_the_boxes_written_out(mover: int, tmp_path: Path) -> None:
    by_symmetry, by_hand = (built(described(tmp_path, product)) for product in (EQUIVALENT, WRITTEN_OUT))
    product = by_symmetry.basins[1]
    assert len(product.permutations) == 5 and len(product.alternatives) == 3, "two orders of the others are one box"
    path, attempts, moves = shot(by_symmetry, mover, 8)
    other_path, other_attempts, other_moves = shot(by_hand, mover, 8)
    assert attempts == other_attempts and np.array_equal(path, other_path)
    for one, other in zip(moves, other_moves, strict=True):
        assert (one.outcome, one.forward, one.backward, one.label) == (
            other.outcome,
            other.forward,
            other.backward,
            other.label,
        )
        assert (one.path is None) == (other.path is None)
        assert one.path is None or np.array_equal(one.path, other.path)
    paths = [path[0], *(move.path[0] for move in moves if move.path is not None)]
    assert len(paths) > 1
    for frames in paths:
        states = [state(x) for x in frames]
        assert {states[0], states[-1]} == {"methoxy", f"hydroxymethyl {mover}"} and not any(states[1:-1])
    reactive = {(move.index, {move.forward, move.backward} == {"methoxy", "hydroxymethyl"}) for move in moves}
    # A shot between the two is refused for its length, or the place of its label, alone.
    assert reactive == {(move.index, move.outcome in ("accepted", "path length", "label off path")) for move in moves}


def test_without_equivalence_the_other_hydrogens_have_no_product(tmp_path: Path) -> None:
    with pytest.raises(SamplingError, match=r"no reactive path in 20 shots .*methoxy/none"):
        shot(built(described(tmp_path, ONE_ALONE)), 2, 0)


@pytest.mark.parametrize(
    ("crossing", "refused"),
    [({"coordinate": "O-H1", "at_A": 1.4}, True), ({"coordinate": "on O", "at": 0.5}, False)],
)
def test_a_crossing_that_tells_equivalent_atoms_apart_is_refused(
    crossing: dict[str, Any], refused: bool, tmp_path: Path
) -> None:
    """A path of another hydrogen would never pass it."""
    data = described(tmp_path, EQUIVALENT, mechanism={"crossing": crossing, "classes": [], "otherwise": "shift"})
    if not refused:
        assert built(data).mechanism.crossing is not None
        return
    message = r"x.yaml: mechanism.crossing: O-H1 tells atoms apart that are equivalent in basin hydroxymethyl"
    with pytest.raises(ConfigError, match=message):
        built(data)
