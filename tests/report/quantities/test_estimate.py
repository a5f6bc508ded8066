"""Intervals have a width and hold their value, or are none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_method import (
    chain,
    committor_of,
    method,
    system,
)

from separatrix.report.quantities import summary as summaries_of
from separatrix.report.quantities.estimate import Estimate, with_width
from separatrix.results import run


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(run.OUTCOMES), min_size=2, max_size=60), st.integers(0, 3), st.integers(0, 10**6))
def test_every_interval_has_a_width_and_holds_its_value(outcomes: list[str], turns: int, seed: int):
    """Of any chains: all refused, all accepted, of one length or of many, by one mechanism or by two."""
    rng = np.random.default_rng(seed)
    data = method()
    one = chain(1, outcomes, first_length=30)
    kinds = ["initial", *("inversion" if turns and i % (turns + 1) == 0 else "rotation" for i in one.made_by[1:])]
    k = rng.integers(0, 9, 5) * rng.integers(0, 2)
    chains = (replace(one, mechanism=np.array(kinds)), chain(2, outcomes[::-1]))
    committor = committor_of(k.tolist(), [8] * 5)
    for q in summaries_of.summarise(replace(data, chains=chains, committor=committor), system(), rng):
        if q.low is None and q.high is None:
            continue
        assert q.low < q.high and q.low <= q.value <= q.high, q
        # At an end only where nothing lies beyond it: a share of 0 or 1, a spread of 0, and what is made of a share.
        possible = (0.0, 1.0) if not q.id.endswith("_per_path") else (q.low,)
        assert q.low < q.value < q.high or q.value in possible, q


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.5, 0.4, 0.7, (0.4, 0.7)),
        (0.5, 0.5, 0.5, (None, None)),
        (0.5, 0.6, 0.7, (0.5, 0.7)),
        (0.5, 0.1, 0.4, (0.1, 0.5)),
        (0.5, math.nan, 0.7, (None, None)),
        (0.5, 0.1, math.inf, (None, None)),
        (None, 0.1, 0.2, (None, None)),
        (0.5, None, 0.7, (None, None)),
    ],
)
def test_an_interval_has_a_width_and_holds_its_value_or_is_none(value, low, high, expected):
    found = with_width(Estimate("acceptance", value, low=low, high=high, note="how"))
    assert (found.low, found.high) == expected and found.value == value
    if low == high:
        assert found.note == "no interval: the resamples do not vary; how" and found.interval_missing
