"""Basins, their bounds and overlaps, and the mechanism of a path."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from models import DoubleWell

from separatrix.cvs.kinds import KINDS
from separatrix.cvs.kinds.kind import STRAIGHT
from separatrix.cvs.states import Basin, Interval, MechanismClass, MechanismRule, basin_of, outside_of
from separatrix.cvs.variable import Variable
from separatrix.sampling.shooting import BasinVolume

TWIST = Variable("CNNC", "dihedral", (0, 1, 2, 3))
THETA9 = Variable("theta9", "angle", (0, 1, 2))
THETA10 = Variable("theta10", "angle", (1, 2, 3))
BOND = Variable("bond", "distance", (0, 1))


def frame(theta9: float, theta10: float, twist: float) -> np.ndarray:
    """Four atoms C-N-N-C of given angles and dihedral (degrees), bonds 0.14 and 0.125 nm, in nm."""
    a, b, t = np.radians([theta9, theta10, twist])
    n9, n10 = np.zeros(3), np.array([0.125, 0.0, 0.0])
    c6 = n9 + 0.14 * np.array([math.cos(a), math.sin(a), 0.0])
    c11 = n10 + 0.14 * np.array([-math.cos(b), math.sin(b) * math.cos(t), math.sin(b) * math.sin(t)])
    return np.array([c6, n9, n10, c11])


def inverting(theta10: float) -> np.ndarray:
    """Inversion at N10 in the plane: past 180 degrees the carbon comes out on the other side of the axis."""
    return frame(115.0, theta10, 0.0)


RULE = MechanismRule(
    crossing=TWIST,
    boundary=90.0,
    classes=(MechanismClass("inversion N9", THETA9, 145.0), MechanismClass("inversion N10", THETA10, 145.0)),
    otherwise="rotation",
)


# Coordinates ------------------------------------------------------------------------------------------------


@given(st.floats(60, 175), st.floats(60, 175), st.floats(-179, 179))
def test_coordinates_read_back_what_was_built(theta9, theta10, twist):
    x = frame(theta9, theta10, twist)
    assert BOND.value(x) == pytest.approx(1.4, abs=1e-9)
    assert THETA9.value(x) == pytest.approx(theta9, abs=1e-6)
    assert THETA10.value(x) == pytest.approx(theta10, abs=1e-6)
    assert abs(TWIST.value(x)) == pytest.approx(abs(twist), abs=1e-5)


# Intervals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "inside", "outside"),
    [
        (-40, 40, (-40, -39, 0, 40, 359, 320.5), (-41, 41, 180, -180, 300)),
        (140, 220, (140, 180, -180, -150, -140, 220), (139, -139, 0, 221)),
        (-200, -100, (-100, 180, 160, 170, -179), (-99, 159, 0, 90)),
        (170, -170 + 360, (175, -175, 180, -180), (169, -169, 0)),
        (-180, 180, (-180, 0, 180, 77), ()),
        (0, 400, (-180, 0, 180, 77), ()),
        (30, 30, (30, -330), (29.9, 30.1)),
    ],
)
def test_dihedral_interval(low, high, inside, outside):
    interval = Interval(TWIST, low, high)
    assert [v for v in inside if not interval.contains(v)] == []
    assert [v for v in outside if interval.contains(v)] == []


@pytest.mark.parametrize("coordinate", [BOND, THETA9])
def test_plain_interval_does_not_wrap_and_is_inclusive(coordinate):
    interval = Interval(coordinate, 10.0, 20.0)
    assert [interval.contains(v) for v in (9.999, 10.0, 15.0, 20.0, 20.001, 375.0)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


bounds = st.tuples(st.integers(-360, 360), st.integers(0, 380)).map(lambda p: (p[0], p[0] + p[1]))


@given(bounds, st.integers(-360, 720))
def test_dihedral_interval_against_enumeration(pair, value):
    low, high = pair
    covered = {degree % 360 for degree in range(low, high + 1)}
    assert Interval(TWIST, low, high).contains(value) == (value % 360 in covered)


@given(bounds, bounds)
def test_dihedral_overlap_against_enumeration(one, other):
    a = {degree % 360 for degree in range(one[0], one[1] + 1)}
    b = {degree % 360 for degree in range(other[0], other[1] + 1)}
    first, second = Interval(TWIST, *one), Interval(TWIST, *other)
    assert first.overlaps(second) == second.overlaps(first) == bool(a & b)


@given(bounds, bounds)
def test_plain_overlap_against_enumeration(one, other):
    a, b = set(range(one[0], one[1] + 1)), set(range(other[0], other[1] + 1))
    first, second = Interval(THETA9, *one), Interval(THETA9, *other)
    assert first.overlaps(second) == second.overlaps(first) == bool(a & b)


# Basins -----------------------------------------------------------------------------------------------------

Z = Basin("Z", (Interval(TWIST, -40, 40), Interval(THETA9, 0, 145), Interval(THETA10, 0, 145)))
E = Basin("E", (Interval(TWIST, 140, 220), Interval(THETA9, 0, 145), Interval(THETA10, 0, 145)))


@pytest.mark.parametrize(
    ("geometry", "name"),
    [
        (frame(120, 120, 10), "Z"),
        (frame(120, 120, 180), "E"),
        (frame(120, 120, 179.9), "E"),
        (frame(120, 120, -150), "E"),
        (frame(120, 120, 90), None),
        (frame(120, 150, 10), None),  # near linear the dihedral means nothing: not in the basin
        (frame(150, 120, 180), None),
    ],
)
def test_basins_of_dnab(geometry, name):
    assert basin_of(geometry, (Z, E)) == name


def test_all_intervals_must_hold_but_one_is_enough_to_be_disjoint():
    assert Z.disjoint(E)
    assert E.disjoint(Z)
    assert not Z.disjoint(Z)
    wide = Basin("wide", (Interval(TWIST, 30, 150), Interval(THETA9, 0, 145)))
    assert not Z.disjoint(wide)
    # Different coordinates never prove two basins apart, whatever their numbers.
    other = Basin("other", (Interval(Variable("x", "dihedral", (0, 1, 3, 2)), 140, 220),))
    assert not Z.disjoint(other)


pairs = st.lists(
    st.tuples(st.sampled_from([TWIST, THETA9, THETA10]), st.tuples(st.integers(0, 170), st.integers(0, 60))),
    min_size=1,
    max_size=3,
)


@given(pairs, pairs)
def test_disjoint_against_enumeration(one, other):
    """Disjoint means that no values of the coordinates satisfy both; coordinates are independent, at most one
    interval each."""
    assume(all(len({c.name for c, _ in side}) == len(side) for side in (one, other)))
    a = Basin("a", tuple(Interval(c, low, low + width) for c, (low, width) in one))
    b = Basin("b", tuple(Interval(c, low, low + width) for c, (low, width) in other))
    shared = True
    for coordinate in (TWIST, THETA9, THETA10):
        limits = [i for basin in (a, b) for i in basin.intervals if i.coordinate == coordinate]
        shared = shared and any(all(i.contains(v) for i in limits) for v in range(0, 231))
    assert a.disjoint(b) == (not shared)


def test_volume_of_a_snapshot():
    """A volume reads nm and compares angstrom; an engine's own snapshots are understood."""
    model = DoubleWell()
    engine = model.engine()
    left, right = (BasinVolume(b) for b in model.basins)
    assert (left.name, right.name) == ("A", "B")
    for x, expected in (
        (-1.0, (True, False)),
        (-0.86, (True, False)),
        (0.0, (False, False)),
        (1.0, (False, True)),
    ):
        snapshot = engine.snapshot(model.at(x), np.zeros((2, 3)))
        assert (left(snapshot), right(snapshot)) == expected
        engine.current_snapshot = snapshot
        assert (left(engine.current_snapshot), right(engine.current_snapshot)) == expected


# Mechanisms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [2.0, 7.0, 11.0])
@pytest.mark.parametrize("start", [120.0, 121.0, 123.5])
def test_inversion_through_linearity(step, start):
    """The dihedral jumps from 0 to 180 degrees where the angle passes 180; nothing lies between."""
    path = np.array([inverting(t) for t in np.arange(start, 241.0, step)])
    name, index = RULE.classify(path)
    assert name == "inversion N10"
    # The crossing lies between that frame and the next.
    assert start + index * step <= 180.0 <= start + (index + 1) * step
    assert RULE.classify(path[::-1])[0] == "inversion N10"


def test_inversion_at_the_other_nitrogen():
    path = np.array([frame(t, 115.0, 0.0) for t in np.arange(121.0, 241.0, 4.0)])
    assert RULE.classify(path)[0] == "inversion N9"
    assert RULE.classify(path[::-1])[0] == "inversion N9"


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_rotation(sign):
    path = np.array([frame(118.0, 122.0, sign * t) for t in np.arange(2.0, 180.0, 5.0)])
    name, index = RULE.classify(path)
    assert name == "rotation"
    assert 2.0 + 5.0 * index < 90.0 < 2.0 + 5.0 * (index + 1)


def test_the_angle_counts_only_where_the_path_crosses():
    """A path that straightens an angle well before it crosses by rotation is a rotation."""
    early = [frame(118.0, 120.0 + 40.0 * s, 10.0) for s in (0.2, 0.8, 1.0, 0.7, 0.1)]
    crossing = [frame(118.0, 120.0, t) for t in range(20, 180, 10)]
    assert RULE.classify(np.array(early + crossing))[0] == "rotation"


def test_the_larger_excess_wins():
    both = np.array([frame(150.0, 170.0, t) for t in (80.0, 100.0)])
    assert RULE.classify(both) == ("inversion N10", 0)
    both = np.array([frame(170.0, 150.0, t) for t in (80.0, 100.0)])
    assert RULE.classify(both) == ("inversion N9", 0)


def test_one_of_the_two_frames_around_the_crossing_is_enough():
    """A fast inversion can have only one frame above the bound."""
    assert RULE.classify(np.array([frame(115, 140, 0.0), frame(115, 172, 180.0)]))[0] == "inversion N10"
    assert RULE.classify(np.array([frame(115, 172, 0.0), frame(115, 140, 180.0)]))[0] == "inversion N10"
    assert RULE.classify(np.array([frame(115, 144, 0.0), frame(115, 144, 180.0)]))[0] == "rotation"


def test_the_last_crossing_decides():
    """Across by inversion, back, and finally across by rotation."""
    there = [inverting(t) for t in np.arange(123.0, 240.0, 6.0)]
    again = [frame(115.0, 120.0, t) for t in range(175, 0, -10)] + [frame(115.0, 120.0, t) for t in range(5, 180, 10)]
    name, index = RULE.classify(np.array(there + again))
    assert name == "rotation"
    assert index > len(there)


def test_no_crossing():
    assert RULE.classify(np.array([frame(118.0, 120.0, t) for t in (5.0, 30.0, 70.0, 40.0, 0.0)])) == (
        "none",
        -1,
    )
    assert RULE.classify(np.array([frame(118.0, 120.0, t) for t in (175.0, -170.0, 180.0)])) == ("none", -1)


def test_names_and_single_geometry():
    assert RULE.names == ("inversion N9", "inversion N10", "rotation")
    assert RULE.at(frame(115.0, 176.0, 60.0)) == "inversion N10"
    assert RULE.at(frame(120.0, 120.0, 90.0)) == "rotation"
    assert RULE.side(frame(120.0, 120.0, 80.0)) > 0 > RULE.side(frame(120.0, 120.0, -100.0))
    other = MechanismRule(TWIST, 60.0, (), "any")
    assert other.side(frame(120.0, 120.0, 50.0)) > 0 > other.side(frame(120.0, 120.0, 70.0))
    assert other.classify(np.array([frame(120.0, 120.0, t) for t in (40.0, 55.0, 65.0, 120.0)])) == ("any", 1)


# What is undefined decides nothing -----------------------------------------------------------------------------------

CIS = Basin("cis", (Interval(TWIST, -40, 40),))
TRANS = Basin("trans", (Interval(TWIST, 140, 220),))


@pytest.mark.parametrize("theta", [180.0, 179.5, 0.0, 0.5])
@pytest.mark.parametrize("twist", [0.0, 90.0, 180.0])
def test_a_straight_chain_lies_in_no_basin_of_its_dihedral(theta: float, twist: float) -> None:
    """The number that there is for it, 0 or whatever rounding makes, would put it into one of the two."""
    for x in (frame(theta, 120.0, twist), frame(120.0, theta, twist), frame(theta, theta, twist)):
        assert math.isnan(TWIST.deciding(x)) and math.isfinite(TWIST.value(x))
        assert basin_of(x, (CIS, TRANS)) is None and outside_of((CIS, TRANS))(x)
        assert CIS.undefined(x) == ["CNNC"]
        assert THETA9.deciding(x) == pytest.approx(THETA9.value(x)), "an angle of 180 degrees is one"


@pytest.mark.parametrize("theta", [180.0 - 1.2 * STRAIGHT, 1.2 * STRAIGHT])
def test_beside_the_straight_line_a_dihedral_is_one(theta: float) -> None:
    for twist, basin in ((10.0, "cis"), (170.0, "trans")):
        x = frame(120.0, theta, twist)
        assert basin_of(x, (CIS, TRANS)) == basin and not outside_of((CIS, TRANS))(x)
        assert TWIST.deciding(x) == TWIST.value(x)


def test_coincident_atoms_lie_in_no_basin_of_their_angle() -> None:
    x = frame(120.0, 120.0, 0.0)
    x[0] = x[1]
    bent = Basin("bent", (Interval(THETA9, 0, 145),))
    assert math.isnan(THETA9.deciding(x)) and not bent.contains(x) and bent.undefined(x) == ["theta9"]
    assert BOND.deciding(x) == 0.0
    folded = np.array([[0.1, 0, 0], [0, 0, 0], [0.2, 0, 0], [0.3, 0.1, 0]])
    assert bent.contains(folded), "0 degrees between two atoms on one side is an angle"


@pytest.mark.parametrize(
    ("kind", "undefined", "defined"),
    [
        ("dihedral", [(0, 1, 2), (1, 2, 3)], []),
        ("cos_dihedral", [(0, 1, 2), (1, 2, 3)], []),
        ("sin_dihedral", [(0, 1, 2), (1, 2, 3)], []),
        # Smooth where the second angle is straight.
        ("sin_angle_cos_dihedral", [(0, 1, 2)], [(1, 2, 3)]),
        ("sin_angle_sin_dihedral", [(0, 1, 2)], [(1, 2, 3)]),
        # a, b, c, d: b may lie on the axis a...c, but d, which says where the plane is, may not.
        ("in_plane_displacement", [(0, 2, 3)], [(0, 1, 2), (0, 1, 3)]),
        # o, a, b, c: three in a line make no plane.
        ("improper", [(1, 2, 3)], [(0, 1, 2), (0, 1, 3), (0, 2, 3)]),
    ],
)
@pytest.mark.parametrize(("off", "counts"), [(0.0, False), (0.8, False), (1.2, True)])
def test_a_line_undefines_a_kind_where_it_has_no_plane(
    kind: str, undefined: list, defined: list, off: float, counts: bool
) -> None:
    variable = Variable(kind, kind, (0, 1, 2, 3))
    for line in (*undefined, *defined):
        x = np.random.default_rng(4).normal(scale=0.12, size=(4, 3))
        i, j, k = line
        # The last atom goes on beyond the middle one, `off` degrees beside the line.
        arm, side = x[j] - x[i], np.cross(x[j] - x[i], [0.3, 0.5, 0.7])
        side *= np.linalg.norm(arm) / np.linalg.norm(side)
        turn = math.radians(off)
        # Displacements count the angle at another of the three atoms, which is straighter.
        x[k] = x[j] + 1.1 * (math.cos(turn) * arm + math.sin(turn) * side)
        assert math.isfinite(variable.value(x))
        if line in defined:
            assert variable.deciding(x) == pytest.approx(variable.value(x), abs=1e-9)
        elif off == 0.0 or kind.endswith("dihedral"):
            assert math.isnan(variable.deciding(x)) != counts


def test_a_frame_without_a_side_is_no_crossing() -> None:
    """Through the straight line and back on the same side: the dihedral was never past 90 degrees."""
    there = [frame(115.0, t, 10.0) for t in (150.0, 170.0, 179.8, 180.0, 179.8, 170.0, 150.0)]
    assert RULE.classify(np.array(there)) == ("none", -1)
    assert math.isnan(RULE.side(there[3]))
    assert RULE.classify(np.array([there[3]] * 3)) == ("none", -1)
    # Both ends known, what is between them is read with them.
    across = [frame(115.0, 120.0, 10.0), *there[2:5], frame(115.0, 120.0, 170.0)]
    assert RULE.classify(np.array(across)) == ("inversion N10", 2)


def test_a_class_that_is_undefined_at_the_crossing_does_not_win() -> None:
    rule = MechanismRule(BOND, 1.5, (MechanismClass("anti", TWIST, 90.0), MechanismClass("bent", THETA9, 170.0)), "syn")

    def stretched(theta9: float, bond: float, twist: float) -> np.ndarray:
        x = frame(theta9, 120.0, twist)
        x[0] *= bond / 1.4
        return x

    assert rule.classify(np.array([stretched(120.0, b, 150.0) for b in (1.4, 1.6)]))[0] == "anti"
    assert rule.classify(np.array([stretched(179.9, b, 150.0) for b in (1.4, 1.6)]))[0] == "bent"
    assert rule.classify(np.array([stretched(0.2, b, 150.0) for b in (1.4, 1.6)]))[0] == "syn"
    # One of the two frames is enough.
    assert rule.classify(np.array([stretched(0.2, 1.4, 150.0), stretched(120.0, 1.6, 150.0)]))[0] == "anti"
    assert rule.at(stretched(0.2, 1.5, 150.0)) == "syn"


# Boxes, renumberings, signed crossings --------------------------------------------------------------------------------

D = Variable(
    "d", "difference", terms=((1.0, Variable("a", "distance", (0, 1))), (-1.0, Variable("b", "distance", (2, 1))))
)


def test_boxes_and_renumberings_against_their_definition() -> None:
    box = (Interval(D, 0.3, 9.0),)
    basin = Basin("x", (Interval(BOND, 0.5, 2.0),), (box, (Interval(THETA10, 0, 60),)), (((0, 2), (2, 0)),))
    simple = [Basin("x", (Interval(BOND, 0.5, 2.0), *more)) for more in (box, (Interval(THETA10, 0, 60),))]
    rng, seen = np.random.default_rng(0), set()
    for x in rng.normal(scale=0.1, size=(300, 4, 3)):
        expected = any(b.contains(y) for b in simple for y in (x, x[[2, 1, 0, 3]]))
        assert basin.contains(x) == expected == (not outside_of((basin,))(x))
        seen.add(expected)
    assert seen == {True, False}


def test_basins_of_boxes_are_apart_where_each_box_is_from_each() -> None:
    def boxes(*bounds: tuple[float, float]) -> tuple[tuple[Interval, ...], ...]:
        return tuple((Interval(BOND, *pair),) for pair in bounds)

    one = Basin("one", (), boxes((1.0, 1.2), (2.0, 2.2)))
    apart, overlapping = Basin("a", (), boxes((1.4, 1.6), (2.4, 2.6))), Basin("b", (), boxes((1.4, 1.6), (2.1, 2.6)))
    assert one.disjoint(apart) and apart.disjoint(one)
    assert not one.disjoint(overlapping) and not overlapping.disjoint(one)


def test_what_is_made_of_undefined_terms_is_undefined() -> None:
    straight, both = frame(180.0, 120.0, 0.0), Variable("cosine", "cos_dihedral", (0, 1, 2, 3))
    folded = frame(120.0, 120.0, 0.0)
    folded[0] = folded[1]
    product = Variable("p", "product", terms=((1.0, BOND), (1.0, both)))
    difference = Variable("d", "difference", terms=((1.0, THETA9), (-1.0, THETA10)))
    for variable, x in ((product, straight), (difference, folded)):
        assert math.isnan(variable.deciding(x)) and math.isfinite(variable.value(x))
        assert not Basin("any", (Interval(variable, -999.0, 999.0),)).contains(x)
        assert math.isfinite(variable.deciding(frame(118.0, 122.0, 90.0)))


def test_a_difference_the_other_way_round_is_the_same_coordinate() -> None:
    swapped = D.permuted({0: 2, 2: 0})
    assert Interval(D, 0.3, 2.0).apart(Interval(swapped, 0.3, 2.0))
    assert not Interval(D, 0.3, 2.0).apart(Interval(swapped, -2.0, -0.3))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_which_way_round_a_dihedral_goes(sign: float) -> None:
    rule = MechanismRule(TWIST, (-90.0, 90.0), RULE.classes, "other", ("minus", "plus"))
    path = np.array([frame(118.0, 122.0, sign * t) for t in np.arange(2.0, 180.0, 5.0)])
    wanted = "plus" if sign > 0 else "minus"
    assert rule.classify(path)[0] == rule.classify(path[::-1])[0] == wanted
    assert rule.at(frame(118.0, 122.0, 85.0 * sign)) == wanted
    assert rule.classify(np.array([inverting(t) for t in np.arange(120.0, 241.0, 7.0)]))[0] == "inversion N10"


@pytest.mark.parametrize(("start", "stop", "way"), [(60.0, -60.0, "syn"), (60.0, 300.0, "anti"), (300.0, 60.0, "anti")])
def test_mirror_images_are_parted_by_a_signed_crossing(start: float, stop: float, way: str) -> None:
    rule = MechanismRule(TWIST, (0.0, 180.0), (), "other", ("syn", "anti"))
    path = np.array([frame(118.0, 122.0, t) for t in np.linspace(start, stop, 18)])
    assert rule.classify(path)[0] == way
    assert rule.side(path[0]) * rule.side(path[-1]) < 0


def test_a_class_above_a_bound_counts_a_dihedral_without_its_sign() -> None:
    rule = MechanismRule(BOND, 1.5, (MechanismClass("anti", TWIST, 100.0),), "other")
    for twist, name in ((150.0, "anti"), (-150.0, "anti"), (-60.0, "other"), (60.0, "other"), (180.0, "anti")):
        assert rule.at(frame(118.0, 122.0, twist)) == name


def test_a_class_within_signed_bounds() -> None:
    rule = MechanismRule(BOND, 1.5, (MechanismClass("left", TWIST, -120.0, -60.0, signed=True),), "other")
    assert rule.at(frame(118.0, 122.0, -90.0)) == "left"
    assert rule.at(frame(118.0, 122.0, 90.0)) == "other"


def test_classes_in_different_units_go_by_their_order() -> None:
    """5 degrees are neither more nor less than 0.1 angstrom."""
    bond, angle = MechanismClass("long", BOND, 1.3), MechanismClass("wide", THETA9, 100.0)
    x = frame(118.0, 122.0, 90.0)
    assert MechanismRule(TWIST, 90.0, (bond, angle), "other").at(x) == "long"
    assert MechanismRule(TWIST, 90.0, (angle, bond), "other").at(x) == "wide"
    other = MechanismClass("wider", THETA10, 100.0)
    assert MechanismRule(TWIST, 90.0, (angle, other), "other").at(x) == "wider"
    assert MechanismRule(TWIST, 90.0, (MechanismClass("long", BOND, 1.5), angle), "other").at(x) == "wide"


# Properties ---------------------------------------------------------------------------------------------------------

turns = st.integers(-3, 3)
degrees = st.floats(-180.0, 180.0)
walks = st.tuples(degrees, st.lists(st.floats(-80.0, 80.0), min_size=3, max_size=30)).map(
    lambda walk: np.concatenate([[walk[0]], walk[0] + np.cumsum(walk[1])])
)


def path_of(values: np.ndarray) -> np.ndarray:
    return np.array([frame(118.0, 122.0, value) for value in values])


@given(bounds, turns, turns, st.integers(-360, 360))
def test_a_whole_turn_of_an_interval_changes_nothing(pair, turn, other_turn, value):
    low, high = pair
    as_it_is = Interval(TWIST, low, high)
    turned = Interval(TWIST, low + 360 * turn, high + 360 * turn)
    assert turned.contains(value + 360 * other_turn) == as_it_is.contains(value)
    assert turned.overlaps(Interval(TWIST, value, value)) == as_it_is.contains(value)


@given(walks, st.tuples(degrees, st.floats(20.0, 340.0)), turns)
@settings(deadline=None)
def test_a_whole_turn_of_a_mechanism_changes_nothing(values, first, turn):
    low, high = first[0], first[0] + first[1]
    path = path_of(values)
    assume(min(abs((v - b + 180) % 360 - 180) for v in values for b in (low, high)) > 1e-6)

    def rule(shift: float) -> MechanismRule:
        left = MechanismClass("left", TWIST, low - 15.0 + shift, low + 15.0 + shift, signed=True)
        return MechanismRule(TWIST, (low + shift, high + shift), (left,), "other", ("first", "second"))

    assert rule(0.0).classify(path) == rule(360.0 * turn).classify(path)


@given(walks, st.tuples(degrees, st.floats(90.0, 270.0)))
@settings(deadline=None)
def test_which_way_round_against_the_walk_that_is_not_wrapped(values, first):
    """The boundary is that which lies, some whole turns away, between the values on both sides of the last crossing."""
    low, high = first[0], first[0] + first[1]
    assume(min(abs((v - b + 180) % 360 - 180) for v in values for b in (low, high)) > 1e-6)
    within = (values - low) % 360 < high - low
    crossings = [n for n in range(len(values) - 1) if within[n] != within[n + 1]]
    rule = MechanismRule(TWIST, (low, high), (), "other", ("first", "second"))
    if not crossings:
        assert rule.classify(path_of(values)) == ("none", -1)
        return
    a, b = sorted(values[crossings[-1] : crossings[-1] + 2])
    passed = [
        name
        for boundary, name in ((low, "first"), (high, "second"))
        if math.floor((b - boundary) / 360) > math.floor((a - boundary) / 360)
    ]
    name, index = rule.classify(path_of(values))
    assert [name] == passed and index == crossings[-1]


@pytest.mark.parametrize("start", [0.0, 25.0, -170.0])
def test_half_a_turn_one_way_is_not_half_a_turn_the_other_way(start: float) -> None:
    rule = MechanismRule(TWIST, (start - 90.0, start + 90.0), (), "other", ("minus", "plus"))
    there, back = (path_of(start + sign * np.linspace(0.0, 180.0, 19)) for sign in (1.0, -1.0))
    np.testing.assert_allclose(there[-1], back[-1], atol=1e-12)
    assert (rule.classify(there)[0], rule.classify(back)[0]) == ("plus", "minus")
    # A whole turn crosses by both; the last one counts.
    assert rule.classify(path_of(start + np.linspace(0.0, 180.0 + 170.0, 36)))[0] == "minus"


#: Of different kinds and units, some of them periodic.
ANY_KIND = (
    BOND,
    THETA10,
    TWIST,
    D,
    Variable("height", "improper", (0, 1, 2, 3)),
    Variable("near", "coordination", (0, 1, 0, 2, 0, 3), options={"r0_A": 1.5}),
    Variable("off", "rmsd", (0, 1, 2, 3), options={"reference_nm": frame(120.0, 110.0, 40.0).tolist()}),
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """An interval with bounds that are values which random geometries have."""
    variable, seed = draw(st.sampled_from(ANY_KIND)), draw(st.integers(0, 10**6))
    low, high = sorted(variable.value(x) for x in np.random.default_rng(seed).normal(scale=0.12, size=(2, 4, 3)))
    return Interval(variable, low, high)


boxes = st.lists(intervals(), min_size=1, max_size=3).map(tuple)
geometry = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed + 10**7).normal(scale=0.12, size=(4, 3)))


@given(boxes, geometry)
@settings(deadline=None)
def test_within_is_the_intersection_of_its_intervals(box, x):
    expected = all(Basin("one", (interval,)).contains(x) for interval in box)
    assert Basin("all", box).contains(x) == expected


@given(st.lists(boxes, min_size=2, max_size=4).map(tuple), st.just(()) | boxes, geometry)
@settings(deadline=None)
def test_any_is_the_union_of_its_boxes_within_what_always_holds(alternatives, always, x):
    expected = all(i.contains(i.coordinate.deciding(x)) for i in always)
    expected = expected and any(Basin("box", box).contains(x) for box in alternatives)
    basin = Basin("any", always, alternatives)
    assert basin.contains(x) == expected
    assert outside_of((basin,))(x) != expected
    assert bool(basin.missed(x)) != expected, "what is outside says so"


def group(*cycles: dict[int, int]) -> tuple[tuple[tuple[int, int], ...], ...]:
    return tuple(tuple(sorted(cycle.items())) for cycle in cycles)


#: All orders of atoms 1, 2, 3, but the given one.
THREE = group(
    *(dict(zip((1, 2, 3), order, strict=True)) for order in itertools.permutations((1, 2, 3)) if order != (1, 2, 3))
)


@given(boxes, geometry, st.permutations([1, 2, 3]))
@settings(deadline=None)
def test_a_basin_does_not_tell_equivalent_atoms_apart(box, x, order):
    basin = Basin("x", box, permutations=THREE)
    assert basin.contains(x) == basin.contains(x[[0, *order]])
    plain = Basin("x", box)
    renumbered = [x[[0, *order]] for order in itertools.permutations((1, 2, 3))]
    assert basin.contains(x) == any(plain.contains(y) for y in renumbered)


THREE_LENGTHS = tuple((1.0, Variable(f"to {n}", "distance", (0, n))) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("variable", "boxes"),
    [
        (Variable("near", "coordination", (0, 1, 0, 2, 0, 3), options={"r0_A": 1.5}), 1),
        (Variable("near", "coordination", (0, 1, 2, 0), options={"r0_A": 1.5}), 3),
        (Variable("height", "improper", (0, 1, 2, 3)), 2),
        (Variable("apart", "distance", (1, 2)), 3),
        (Variable("between", "angle", (1, 0, 2)), 3),
        (Variable("turn", "dihedral", (1, 2, 3, 0)), 6),
        (
            Variable(
                "sum", "linear_combination", terms=tuple((1.0, Variable(n, "distance", (0, int(n)))) for n in "123")
            ),
            1,
        ),
    ],
    ids=lambda value: getattr(value, "kind", str(value)),
)
def test_orders_of_atoms_that_make_no_difference_are_one_box(variable: Variable, boxes: int) -> None:
    basin = Basin("x", (Interval(variable, 0.1, 2.0),), permutations=THREE)
    assert len(basin.alternatives) == boxes
    asked = []
    for interval in (box[0] for box in basin.alternatives):
        object.__setattr__(interval.coordinate, "deciding", lambda x, name=variable.name: asked.append(name) or 9.0)
    assert outside_of((basin, Basin("again", basin.alternatives[0])))(frame(118.0, 122.0, 90.0))
    assert len(asked) == boxes, "each function once, though two basins ask"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].n_atoms or kind == "coordination"])
def test_one_order_stands_for_those_alone_that_give_the_same_value(kind: str) -> None:
    size = KINDS[kind].n_atoms or 4
    options = {"r0_A": 1.5} if kind == "coordination" else {}
    x = np.random.default_rng(5).normal(scale=0.12, size=(4, 3))
    made = [Variable("v", kind, order, options=options) for order in itertools.permutations(range(4), size)]
    for one, other in itertools.combinations(made, 2):
        same = one.value(x) == pytest.approx(other.value(x), abs=1e-9)
        assert (one.function == other.function) <= same
        if kind in ("distance", "angle", "dihedral", "improper", "coordination"):
            assert (one.function == other.function) == same
