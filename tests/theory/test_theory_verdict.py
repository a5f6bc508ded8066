"""Sentences of the verdict: each true of the numbers beside it, on surfaces where one of them used to be false."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from separatrix.theory import analysis, model_file, outcome
from separatrix.theory.ways import _turns

CORRELATED: dict[str, Any] = {
    "params": {"model": "LinearCoupled", "Delta": 8, "kappa": 12, "c": 1.0, "a": -2.0, "b": 0.1},
    "beta": 1.0,
    "D": [[1.0, 0.09], [0.09, 0.01]],
    "state_A": "x<=-0.8",
    "state_B": "x>=0.8",
    "domain": [-1.7, 1.7, -2.4, 2.4],
    "grid_h": [0.1, 0.05],
}
#: minima at x = -1, 0 and 1 in a curved valley
BETWEEN: dict[str, Any] = {
    "formula": "32*(x^2-1)^2*x^2 + 6*(y-0.5*x^2)^2 + 0.5*x",
    "beta": 1.0,
    "D": [1.0, 0.5],
    "state_A": "x<=-0.9 and y<=0.8",
    "state_B": "x>=0.9",
    "domain": [-1.5, 1.5, -1.2, 2.0],
    "grid_h": [0.1, 0.05],
}
PLAIN = CORRELATED | {"D": [1.0, 1.0], "state_A": "x<=-0.8 and y<=-0.8", "state_B": "x>=0.8 and y>=0.8"}


def analysed(data: dict[str, Any], **changes: Any) -> outcome.Analysis:
    return analysis.analyse(model_file.build({**data, **changes}, "m"))


def number(pattern: str, sentences: list[str]) -> float:
    (found,) = [match for match in (re.search(pattern, s) for s in sentences) if match]
    return float(found[1])


def relaxation(a: outcome.Analysis) -> float:
    """How many times too fast Langer's two rates relax."""
    both = a.points.langer.k * (1.0 + a.values["k_BA_exact"] / a.values["k_exact"])
    return both / a.values["spectral_gap"]


def test_it_is_the_klbs_direction_that_does_not_part_these_states() -> None:
    a = analysed(CORRELATED)
    assert "k_trial_Kx" in a.values and "k_trial_pmf" not in a.values
    said = a.verdict()
    sentence = "The KLBS direction does not part A from B, so that GZ has no KLBS trial to mix with Kramers along x."
    assert sentence in said and not any("parts A from B" in s for s in said)
    # Against k_AB Langer looks right; against the slowest relaxation it is not.
    assert number(r"Langer's rate is ([\d.]+) times k_AB", said) == pytest.approx(1.2, abs=0.1)
    assert number(r"and ([\d.]+) times too fast for the relaxation", said) == pytest.approx(relaxation(a), rel=0.01)
    assert relaxation(a) > 5.0
    assert a.between == [] and not any("Between A and B" in s for s in said)


def test_no_axis_parts_states_across_both() -> None:
    """States beyond lines across the KLBS direction, which overlap in x and in y."""
    e = analysed(PLAIN, D=[1.0, 0.3]).points.langer.e
    along = f"({e[0]:.6f})*x + ({e[1]:.6f})*y"
    reach = 0.7 * abs(float(e.sum()))
    a = analysed(PLAIN, D=[1.0, 0.3], state_A=f"{along} <= -{reach:.3f}", state_B=f"{along} >= {reach:.3f}")
    assert "k_trial_pmf" in a.values and not {"k_trial_Kx", "k_trial_Ky"} & set(a.values)
    assert "Neither x nor y parts A from B, so that GZ has no Kramers trial to mix with KLBS." in a.verdict()


def test_a_well_between_the_states_is_named() -> None:
    a = analysed(BETWEEN)
    assert [stop.kind for stop in a.way] == ["saddle", "minimum", "saddle"]
    np.testing.assert_allclose(a.way[1].point, [-0.5 / 64.0, 0.0], atol=1e-3)  # where 64 x + 0.5 is 0, to first order
    # x^2 (x^2 - 1)^2 is 4/27 high at x^2 = 1/3.
    np.testing.assert_allclose([s.point[0] for s in a.way[::2]], np.array([-1, 1]) / np.sqrt(3.0), atol=0.02)
    low = a.points.U_saddle - a.points.barrier_a
    heights = [s.energy - low for s in a.way[::2]]
    said = a.verdict()
    (sentence,) = [s for s in said if s.startswith("Between A and B lies a well")]
    assert [float(h) for h in re.findall(r"a saddle at \([^)]*\), ([\d.]+) kT", sentence)] == pytest.approx(
        heights, abs=0.006
    )
    assert "a minimum at (-0.00" in sentence
    assert any(s.endswith("it knows one of the 2 saddles on the way.") for s in said)
    assert number(r"and ([\d.]+) times too fast for the relaxation", said) == pytest.approx(relaxation(a), rel=0.01)
    plain = a.to_dict()["way"]
    assert [stop["kind"] for stop in plain] == ["saddle", "minimum", "saddle"]
    # A well that is part of a state is none between.
    a = analysed(BETWEEN, state_A="x<=0.2")
    assert [stop.kind for stop in a.way] == ["saddle"] and not any("Between" in s for s in a.verdict())


def test_where_langer_is_right_the_verdict_says_so() -> None:
    a = analysed(PLAIN)
    said = a.verdict()
    assert number(r"Langer's rate is within \d+% of the exact one \(([\d.]+) of it", said) == pytest.approx(
        a.points.langer.k / a.values["k_exact"], abs=1e-3
    )
    assert a.gap_share == pytest.approx(1.0, abs=0.02)
    assert [stop.kind for stop in a.way] == ["saddle"]
    np.testing.assert_allclose(a.way[0].point, a.points.saddle, atol=1e-6)


def test_what_the_reaction_diffusion_trial_gains_is_said_where_it_does() -> None:
    a = analysed(PLAIN, D=[1.0, 0.003], params={"model": "LinearCoupled", "Delta": 12, "kappa": 16, "a": -3.0})
    exact = a.values["k_exact"]
    said = a.verdict()
    above = number(r"GZ of KLBS and Kramers along y is (\d+)% above", said)
    assert above == pytest.approx(100.0 * (a.values["GZ_pmf_Ky.k"] / exact - 1.0), abs=0.51)
    gained = number(r"in place of Kramers' it is ([\d.]+)%", said)
    assert gained == pytest.approx(
        100.0 * (min(a.values["GZ_pmf_rd.k"], a.values["GZ_pmf_rdx.k"]) / exact - 1.0), abs=0.06
    )


def test_turns_of_a_profile() -> None:
    assert _turns(np.array([0.0, 3.0, 1.0, 0.5, 4.0, 0.0])) == [1, 3, 4]
    # Less than 1 kT deep.
    assert _turns(np.array([0.0, 3.0, 2.5, 4.0, 0.0])) == [3]
    assert _turns(np.array([0.0, 0.5, 0.0])) == [1]
    assert _turns(np.array([0.0, 5.0, 1.0, 3.0])) == [1]
