"""What `check` says of a basin."""

from __future__ import annotations

import numpy as np
import pytest

from separatrix.cvs.basin_text import basin_line
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable

X = np.array([[0.0, 0.1, 0.0], [0.0, 0.0, 0.0], [0.12, 0.0, 0.0], [0.12, -0.1, 0.01]])
LABELS = ["A", "B", "C", "D"]
BOND = Variable("bond", "distance", (1, 2))
TURN = Variable("turn", "dihedral", (0, 1, 2, 3))
NEAR = Variable("near", "coordination", (0, 1), options={"r0_A": 1.0})


@pytest.mark.parametrize(
    ("basin", "line"),
    [
        (
            Basin("a", (Interval(BOND, 1.0, 1.5), Interval(TURN, 140.0, 220.0))),
            "basin a: bond from 1 to 1.5 angstrom (0.5 wide; geometry at 1.2), "
            "turn from 140 to 220 degree (80 of 360; geometry at 174.3)",
        ),
        (
            Basin("b", (Interval(TURN, 0.0, 400.0),), ((Interval(NEAR, 0.0, 0.2),), (Interval(NEAR, 0.4, 1.0),))),
            "basin b: turn from 0 to 400 degree (all round; geometry at 174.3); with one of 2 boxes: near from 0 to "
            "0.2 (0.2 wide; geometry at 0.5); or near from 0.4 to 1 (0.6 wide; geometry at 0.5)",
        ),
        (
            Basin("c", (Interval(BOND, 1.0, 1.5),), permutations=(((2, 3), (3, 2)),)),
            "basin c: bond from 1 to 1.5 angstrom (0.5 wide; geometry at 1.2); "
            "in any of 2 numberings of C, D (2 boxes in all)",
        ),
    ],
)
def test_a_basin_in_words(basin: Basin, line: str) -> None:
    assert basin.contains(X)
    assert basin_line(basin, X, LABELS) == line
