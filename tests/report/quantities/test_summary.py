"""All quantities of a method, as CSV and JSON; awkward input."""

from __future__ import annotations

import numpy as np
import pytest
from toy_method import (
    broken,
    method,
    summary,
    system,
)

from separatrix.report.quantities import summary as summaries_of
from separatrix.report.quantity_catalogue import COMPARISON_COLUMNS
from separatrix.statistics.intervals import wilson_interval


def test_awkward_inputs():
    found = summary(broken())
    acceptance = found["acceptance"]
    assert acceptance.value == acceptance.low == 0.0 and acceptance.high == pytest.approx(wilson_interval(0, 18)[1])
    assert found["path_length_median"].value is None
    assert not any(name.startswith("mechanism_share") for name in found)
    assert "±" not in found["coordinate"].text and "no error" in found["coordinate"].note
    assert found["held_out_log_likelihood"].value is None
    assert found["wall_time[stage=minimum]"].value is None and found["wall_time_other_stages"].value is None
    assert found["core_time_per_path"].value is None
    assert found["core_time_per_path"].note == "no path was accepted"
    assert found["committor_spread"].value is not None


def test_frame_and_json_agree():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frame = summaries_of.comparison_frame(summaries, {d.name: d.label for d in data})
    assert list(dict.fromkeys(frame["method"])) == ["gfn-2", "broken-1"]
    assert list(frame) == list(COMPARISON_COLUMNS)
    nested = summaries_of.comparison_json(data, summaries)
    row = frame[(frame["method"] == "gfn-2") & (frame["id"] == "barrier_forward")].iloc[0]
    entry = nested["methods"]["gfn-2"]["quantities"]["barrier_forward"]
    assert entry["value"] == row["value"] == pytest.approx(26.0) and entry["unit"] == "kcal/mol"
    assert entry["label"] == row["quantity"] == "saddle above A" and entry["group"] == row["group"]
    given = frame.dropna(subset=["low", "high", "value"])
    assert (given["low"] <= given["value"]).all() and (given["value"] <= given["high"]).all()


def test_labels_are_told_apart():
    assert summaries_of.distinct({"a": "PM6", "b": "PM6", "c": "DFTB"}) == {"a": "PM6 (a)", "b": "PM6 (b)", "c": "DFTB"}
