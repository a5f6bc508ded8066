"""The data of the convergence round by round."""

from __future__ import annotations

import numpy as np
import pytest
from toy_method import (
    broken,
    method,
    system,
)

from separatrix.report import figure_data
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities import summary as summaries_of


def test_convergence_round_by_round():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frame = figure_data.data_frames(Compared(data, summaries, system()))["convergence"]
    assert list(zip(frame["method"], frame["round"], frame["shots"], strict=True)) == [
        *(("gfn-2", k, 60 * k) for k in (1, 2, 3)),
        *(("broken-1", k, 60 * k) for k in (1, 2)),
    ]
    first, last = frame.iloc[0], frame.iloc[2]
    assert first["variables"] == "angle(a,b,c); sin(turn)" and first["mechanisms"] == "agree"
    assert first["verdict"] == "goes on" and first["sampling_stopped"] == ""
    assert first["worst_effective_samples"] == 42 and first["worst_effective_samples_bound"] == 120
    assert last["clustered_information_error"] == pytest.approx(0.31 / 3)
    assert last["information_error_limit"] == pytest.approx(0.42 / 3)
    assert last["information_error_limit_bound"] == 0.11
    assert last["sampling_stopped"] == "because it converged, after 3 rounds"
    assert frame.iloc[4]["sampling_stopped"].startswith("because max_rounds was reached, after 2 rounds")
    assert frame.iloc[3:]["worst_r_hat"].isna().all() and (frame["worst_r_hat_bound"] == 1.05).all()
