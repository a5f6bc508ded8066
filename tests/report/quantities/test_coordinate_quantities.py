"""Numbers of the coordinate and of its committor shots are those of the files."""

from __future__ import annotations

import numpy as np
import pytest
from toy_method import (
    broken,
    method,
    summary,
)


def test_coordinate_and_committor():
    data = method()
    found, model = summary(data), data.coordinate
    text = found["coordinate"].text
    assert text.startswith("r = (") and "angle(a,b,c)/degree" in text and "·sin(turn)" in text and "±" in text
    assert "between blocks of correlated shots" in found["coordinate"].note
    assert found["log_likelihood"].value == model.log_likelihood
    held = found["held_out_log_likelihood"]
    assert held.value == data.fit["held_out"]["mean"] and held.low == data.fit["held_out"]["lower"] < held.value
    assert found["committor_mean"].value == pytest.approx(np.mean([1 / 8, 4 / 8, 7 / 8, 3 / 7, 0]))
    assert found["committor_uncommitted"].value == 2 and found["committor_failed"].value == 1
    assert (
        found["committor_spread_expected"].value == 0.05
        and "0.040 from the errors" in found["committor_spread_expected"].note
    )
    assert found["baseline_committor_mean"].value == found["committor_mean"].value
    assert found["baseline_committor_configurations"].note == "drawn at the baseline"
    score = data.committor["calibration"]
    assert found["brier_score"].value == score["brier"] and found["calibration_verdict"].text == score["verdict"]
    behind = {r["name"]: r["behind"] for r in data.committor["ranking"]}
    gain = found["committor_log_likelihood_gain[over=baseline]"]
    assert gain.value == behind["baseline"] and "cos(turn)" in gain.note


def test_models_beyond_the_linear_one():
    found = summary(method())
    q = found["held_out_gain[model=boosting, variables=chosen]"]
    assert (q.value, q.error, q.low, q.high) == (0.02, 0.03, -0.05, 0.09) and "same 10 folds" in q.note
    assert "held_out_gain[model=boosting, variables=all]" in found
    assert not any(name.startswith("held_out_gain") for name in summary(broken()))
