"""Umbrella windows as they are recorded: the same frames however often they were stopped, and longer ones go on."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from models import BATH_1D

from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.journal import Journal
from separatrix.core.seeds import stream
from separatrix.cvs.specification import from_spec
from separatrix.dynamics import restraint
from separatrix.potentials.potential import python_potential
from separatrix.rates.windows import SEGMENT, WindowRunner

COORDINATE = ReactionCoordinate(
    (from_spec({"kind": "x", "atoms": [0], "name": "x"}),), (4.0,), 0.1, "logistic", "A", "B", ("C",)
)
POOL = np.array([BATH_1D.at(x) for x in (-1.0, -0.2, 0.5)])


def runner(left_out: int, wanted: int) -> WindowRunner:
    spring = restraint.HarmonicRestraint(
        BATH_1D.potential(), COORDINATE, time_step=4.0, friction=2.0, temperature=300.0
    )
    return WindowRunner(
        spring,
        30.0,
        POOL,
        COORDINATE.evaluate(POOL).r,
        np.array(BATH_1D.masses),
        5,
        left_out,
        wanted,
        lambda centre, *number: stream(1, f"{centre:.3f}", *number),
    )


def calls(made: WindowRunner) -> list[int]:
    """Steps of each run from now on."""
    found, run = [], made.spring.run

    def counted(*arguments, **named):
        found.append(named["steps"])
        return run(*arguments, **named)

    made.spring.run = counted
    return found


def same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_a_longer_window_goes_on_and_is_what_it_would_have_been(tmp_path: Path):
    short = runner(10, 60).run(-0.1, tmp_path / "a", {})
    assert short["r"].shape == short["speed"].shape == short["energy"].shape == (50,)
    assert short["positions"].shape == (50, 1, 3) and short["reason"] == ""
    long = runner(20, 4 * SEGMENT - 5)
    ran = calls(long)
    found = long.run(-0.1, tmp_path / "a", {})
    # Two of four segments were on record.
    assert ran == [5 * SEGMENT] * 2
    assert len(found["r"]) == 4 * SEGMENT - 25
    same({k: v[:40] for k, v in found.items() if k in ("r", "energy")}, {k: short[k][10:] for k in ("r", "energy")})
    same(found, runner(20, 4 * SEGMENT - 5).run(-0.1, tmp_path / "b", {}))


def test_a_killed_window_loses_a_segment_at_most(tmp_path: Path):
    whole = runner(0, 3 * SEGMENT).run(0.4, tmp_path / "whole", {})
    killed = runner(0, 3 * SEGMENT)
    run, done = killed.spring.run, []

    def dies(*arguments, **named):
        for frame in run(*arguments, **named):
            done.append(frame)
            if len(done) == SEGMENT + 7:
                raise KeyboardInterrupt
            yield frame

    killed.spring.run = dies
    with pytest.raises(KeyboardInterrupt):
        killed.run(0.4, tmp_path / "part", {})
    again = runner(0, 3 * SEGMENT)
    ran = calls(again)
    same(again.run(0.4, tmp_path / "part", {}), whole)
    assert len(ran) == 2


def failing(fails: set[int], left_out: int, wanted: int) -> WindowRunner:
    """A runner some of whose runs, by their number, have an engine that gives up on the way."""
    made, number = runner(left_out, wanted), itertools.count()
    run = made.spring.run

    def may_fail(*arguments, **named):
        this = next(number)
        for i, frame in enumerate(run(*arguments, **named)):
            if i == 7 and this in fails:
                raise PotentialError(f"no field in {this}")
            yield frame

    made.spring.run = may_fail
    return made


def test_a_segment_that_fails_is_done_again_with_other_noise(tmp_path: Path):
    whole = runner(10, 150).run(0.0, tmp_path / "a", {})
    found = failing({1}, 10, 150).run(0.0, tmp_path / "b", {})
    assert len(found["r"]) == 140 and found["reason"] == "" and found["failures"] == "no field in 1"
    np.testing.assert_array_equal(found["r"][:40], whole["r"][:40])
    assert not np.isclose(found["r"][40:], whole["r"][40:]).any()
    assert whole["failures"] == ""


def test_a_window_whose_engine_keeps_failing_ends_with_what_it_has(tmp_path: Path):
    found = failing({1, 2, 3}, 10, 200).run(0.0, tmp_path / "a", {})
    assert len(found["r"]) == SEGMENT - 10 and found["reason"] == "no field in 3"
    assert found["failures"].splitlines() == ["no field in 1", "no field in 2", "no field in 3"]
    # It is on record, and not tried again; frames before it are whole.
    again = runner(10, 200)
    ran = calls(again)
    same(again.run(0.0, tmp_path / "a", {}), found)
    assert ran == []
    assert runner(10, SEGMENT).run(0.0, tmp_path / "a", {})["reason"] == ""
    with pytest.raises(SamplingError, match=r"r = 0\.00 gave no frame: no field in 2"):
        failing({0, 1, 2}, 10, 200).run(0.0, tmp_path / "b", {})


class TwoStates:
    """A well in x for an engine whose field, when it starts anew beyond `edge`, converges to a state 400 kJ/mol up.

    A start from a field nearby keeps its state, however far it is led in small steps.
    """

    def __init__(self, edge: float, jumps: Callable[[int], bool] = lambda call: False) -> None:
        self.edge, self.jumps, self.upper, self.new, self.calls = edge, jumps, False, True, 0

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        x = positions[0, 0] / BATH_1D.a
        self.calls += 1
        if self.new:
            self.upper, self.new = x > self.edge, False
        up = 400.0 * (self.upper or self.jumps(self.calls))
        return 3.0 * x**2 + up, np.array([[6.0 * x / BATH_1D.a, 0.0, 0.0]])

    def remember(self) -> None: ...

    def restore(self) -> None:
        self.new = True


def with_engine(engine: TwoStates, pool: np.ndarray, wanted: int) -> WindowRunner:
    made = runner(0, wanted)
    potential = python_potential(BATH_1D.molecule, engine, "two states")
    spring = restraint.HarmonicRestraint(potential, COORDINATE, time_step=4.0, friction=2.0, temperature=300.0)
    return dataclasses.replace(made, spring=spring, pool=pool, pool_r=COORDINATE.evaluate(pool).r)


def test_no_window_starts_or_goes_on_in_another_electronic_state(tmp_path: Path):
    # Of five configurations near the centre the nearest begins in the upper state.
    pool = np.array([BATH_1D.at(x) for x in (0.31, 0.1, 0.12, 0.14, 0.16)])
    centre = float(COORDINATE.evaluate(pool).r[0])
    made = with_engine(TwoStates(0.3), pool, 6 * SEGMENT)
    found = made.run(centre, tmp_path / "a", {})
    ends = [segment["end"][0, 0] / BATH_1D.a for segment in Journal(tmp_path / "a").read()]
    assert found["failures"] == "" and (found["energy"] < 100.0).all()
    # Segments did end where the engine, left to itself, would have begun the next one in the upper state.
    assert sum(x > 0.3 for x in ends[:-1]) >= 2
    same(with_engine(TwoStates(0.3), pool, 6 * SEGMENT).run(centre, tmp_path / "b", {}), found)


def test_a_field_that_jumps_fails_its_segment(tmp_path: Path):
    pool = np.array([BATH_1D.at(0.1)])
    jumps = TwoStates(9.0, lambda call: 300 < call < 312)
    found = with_engine(jumps, pool, 2 * SEGMENT).run(0.5, tmp_path / "a", {})
    assert found["failures"].count("total energy changed by") == 1 and found["reason"] == ""
    assert len(found["r"]) == 2 * SEGMENT and (found["energy"] < 100.0).all()


def test_a_window_starts_from_what_is_nearest(tmp_path: Path):
    made = runner(0, 10)
    starts, run = [], made.spring.run

    def noted(start, **named):
        starts.append(start)
        return run(start, **named)

    made.spring.run = noted
    r = COORDINATE.evaluate(POOL).r
    for i, centre in enumerate((r[0] - 0.3, (r[0] + 2 * r[1]) / 3, r[2] + 0.3)):
        made.run(centre, tmp_path / str(i), {})
    np.testing.assert_array_equal(starts, POOL)
