"""Bounds of the mean committor where shots reach no basin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toy_method import (
    method,
    summary,
)

from separatrix.core.plain import json_safe
from separatrix.statistics.committor_statistics import analyse


def test_committor_shots_in_no_basin_have_bounds():
    found = summary(method())
    assert found["lost_shots"].value == pytest.approx(2 / 41) and found["lost_shots"].text == ""
    low, high = (found[f"committor_mean_bound[basin={basin}]"].value for basin in "AB")
    assert low < found["committor_mean"].value < high
    # Where they matter the interval of the mean reaches from the one bound to the other, and there is no error.
    data = method()
    lost = json_safe(analyse([4] * 6, [8] * 6, n_uncommitted=[8] * 6, n_simulations=19).to_dict())
    draws = data.committor["draws"] | {"separatrix": data.committor["draws"]["separatrix"] | {"distribution": lost}}
    q = summary(replace(data, committor=data.committor | {"draws": draws}))["committor_mean"]
    assert q.value == 0.5 and q.low < 0.25 and q.high > 0.75 and q.error is None and "had they all" in q.note
