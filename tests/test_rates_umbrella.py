"""Umbrella windows as they are recorded: the same frames however often they were stopped, and longer ones go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import BATH_1D

from separatrix import biased, variables
from separatrix.coordinate_file import ReactionCoordinate
from separatrix.errors import PotentialError, SamplingError
from separatrix.rates.windows import SEGMENT, WindowRunner
from separatrix.seeds import stream

COORDINATE = ReactionCoordinate(
    (variables.from_spec({"kind": "x", "atoms": [0], "name": "x"}),), (4.0,), 0.1, "logistic", "A", "B", ("C",)
)
POOL = np.array([BATH_1D.at(x) for x in (-1.0, -0.2, 0.5)])


def runner(left_out: int, wanted: int) -> WindowRunner:
    spring = biased.Spring(BATH_1D.potential(), COORDINATE, time_step=4.0, friction=2.0, temperature=300.0)
    return WindowRunner(
        spring,
        30.0,
        POOL,
        COORDINATE.evaluate(POOL).r,
        np.array(BATH_1D.masses),
        5,
        left_out,
        wanted,
        lambda centre, segment: stream(1, f"{centre:.3f}", segment),
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


def test_a_window_whose_engine_fails_keeps_what_it_has(tmp_path: Path):
    def failing(at: int, left_out: int, wanted: int) -> WindowRunner:
        made, done = runner(left_out, wanted), []
        run = made.spring.run

        def fails(*arguments, **named):
            for frame in run(*arguments, **named):
                done.append(frame)
                if len(done) > at:
                    raise PotentialError("no field")
                yield frame

        made.spring.run = fails
        return made

    found = failing(70, 10, 200).run(0.0, tmp_path / "a", {})
    assert len(found["r"]) == 60 and found["reason"] == "no field"
    # It is on record, and not tried again; frames before it are whole.
    again = runner(10, 200)
    ran = calls(again)
    same(again.run(0.0, tmp_path / "a", {}), found)
    assert ran == []
    assert runner(10, 65).run(0.0, tmp_path / "a", {})["reason"] == ""
    with pytest.raises(SamplingError, match=r"r = 0\.00 gave no frame: no field"):
        failing(5, 10, 200).run(0.0, tmp_path / "b", {})


def test_a_window_starts_from_what_is_nearest(tmp_path: Path):
    made = runner(0, 10)
    starts, run = [], made.spring.run

    def noted(start, **named):
        starts.append(start)
        return run(start, **named)

    made.spring.run = noted
    r = COORDINATE.evaluate(POOL).r
    for i, centre in enumerate((-9.0, (r[0] + 2 * r[1]) / 3, 9.0)):
        made.run(centre, tmp_path / str(i), {})
    np.testing.assert_array_equal(starts, POOL)
