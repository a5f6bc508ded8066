"""Costs, on chains small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toy_method import (
    chain,
    method,
    summary,
    with_burn_in,
)

from separatrix.statistics.intervals import wilson_interval


def test_burn_in_counts_as_cost():
    data = method()
    burnt = replace(data, chains=tuple(map(with_burn_in, data.chains)))
    found = summary(burnt)
    # 36 paths are accepted after the burn-in, 10 in it, and cost.json, which says 999, is not asked.
    assert found["force_evaluations_per_path"].value == pytest.approx((84 * 101 + 600) / 36)


def test_cost():
    found = summary(method())
    assert found["force_evaluations_per_step"].value == pytest.approx(1.01)
    assert found["force_evaluations[part=stationary_points]"].value == 300
    assert found["force_evaluations[part=first_paths]"].value == 600
    assert found["force_evaluations[part=sampling]"].value == 84 * 101
    assert found["core_time[part=first_paths]"].value == 3.0 and found["core_time[part=sampling]"].value == 42.0
    assert found["core_time_per_shot"].value == 0.5
    assert found["core_time_per_evaluation"].value == pytest.approx(500 / 101)
    assert found["wall_time[stage=minimum]"].value == 5.0
    assert found["wall_time_other_stages"].value == 12.0  # eight stages, one of them with two jobs
    assert not any(name.startswith(("wall_time[stage=sam", "wall_time[stage=first")) for name in found)


def test_cost_of_an_accepted_path():
    """By hand: 84 shots, 36 of them accepted; and the interval is that of the number of accepted paths."""
    found = summary(method())
    acceptance = found["acceptance"]
    for name, unit, spent in (("force_evaluations", "1", 8484 + 600), ("core_time", "s", 42 + 3)):
        q = found[f"{name}_per_path"]
        assert q.unit == unit and q.value == pytest.approx(spent / 36)
        assert q.low == pytest.approx(spent / (84 * acceptance.high))
        assert q.high == pytest.approx(spent / (84 * acceptance.low))
        assert q.low < q.value < q.high


def test_cost_of_an_accepted_path_where_all_are_accepted():
    """Nothing varied: the shots count as independent, and it can only cost more."""
    data = method()
    all_accepted = replace(data, chains=(chain(1, ["accepted"] * 20),))
    q = summary(all_accepted)["force_evaluations_per_path"]
    assert q.value == pytest.approx((20 * 101 + 300) / 20)
    assert q.low == q.value and q.high == pytest.approx(q.value / wilson_interval(20, 20)[0])


@pytest.mark.parametrize("known", [{}, {"evaluations": 300.0}])
def test_unknown_cost_of_first_paths(known: dict[str, float]):
    """One first path without a record makes their sum unknown, not smaller."""
    data = method()
    first, second = data.chains
    found = summary(replace(data, chains=(first, replace(second, first_path_cost=known))))
    assert found["core_time[part=first_paths]"].value is None
    assert found["core_time[part=first_paths]"].note == "not on record"
    q = found["core_time_per_path"]
    assert q.value == pytest.approx(42 / 36) and "first paths are not on record" in q.note
    counted = found["force_evaluations[part=first_paths]"].value
    assert counted == (600 if known else None)
    assert found["force_evaluations_per_path"].value == pytest.approx((8484 + (counted or 0)) / 36)
