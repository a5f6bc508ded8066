"""The tables behind the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from toy_method import (
    broken,
    method,
    system,
)

from separatrix.report import figure_data
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities import summary as summaries_of


def test_figure_frames():
    data = [method(), broken()]
    summaries = {d.name: summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frames = figure_data.data_frames(Compared(data, summaries, system()))
    bars = frames["committor_histogram"]
    ours = bars[bars["method"] == "gfn-2"]
    assert ours["configurations"].sum() == 5
    assert ours["binomial"].sum() == pytest.approx(5.0)
    paths = frames["path_lengths"]
    assert paths[(paths["kind"] == "path") & (paths["method"] == "gfn-2")]["share"].sum() == pytest.approx(1.0)
    model = data[0].coordinate
    rows = frames["coefficients"].set_index(["method", "variable"]).loc[("gfn-2", "angle(a,b,c)")]
    spread = data[0].q[:, 0].std()
    assert rows["standardised"] == pytest.approx(model.coefficients[0] * spread)
    quantile = stats.t.ppf(0.975, model.block_count - 1)
    assert rows["high"] - rows["low"] == pytest.approx(2 * quantile * model.errors[1] * spread, rel=1e-9)
    both = frames["sets"].set_index(["set", "variable"])
    assert both.index.tolist() == [
        (0, "angle(a,b,c)"),
        (1, "angle(a,b,c)"),
        (1, "sin(turn)"),
        (2, "sin(turn)"),
        (3, "<still>"),
    ]
    assert both["role"].tolist() == ["best of 1", "best of 2", "best of 2", "for comparison", "for comparison"]
    judged = data[0].fit["sets"][1]
    one = both.loc[(1, "sin(turn)")]
    assert one["chosen"] and one["coefficient"] == judged["coefficients"][2] == pytest.approx(model.coefficients[1])
    assert (one["lower"], one["upper"]) == (judged["interval"]["lower"][2], judged["interval"]["upper"][2])
    assert one["lower"] < one["coefficient"] < one["upper"]
    assert one["resampled_lower"] == judged["bootstrap"]["lower"][2]
    assert one["per_observation"] == pytest.approx(model.log_likelihood / 60)
    assert one["held_out"] == data[0].fit["held_out"]["mean"]
    assert (rows["lower"], rows["upper"]) == (judged["interval"]["lower"][1], judged["interval"]["upper"][1])
    listed = frames["candidates"].set_index("variable")
    assert listed.loc["angle(a,b,c)", "near_duplicates"] == "twin (-0.99994)" and listed["chosen"].tolist() == [
        True,
        False,
    ]
    table = frames["calibration"]
    assert table[table["method"] == "gfn-2"]["shots"].sum() == 60
    levels = frames["energy_profile"].set_index(["method", "point"])["energy"]
    assert levels["gfn-2", "saddle"] == pytest.approx(30.0)
    costs = frames["cost"].set_index(["method", "kind", "part"])
    assert costs.loc[("gfn-2", "seconds", "sampling"), "value"] == 42.0
    assert costs.loc[("gfn-2", "seconds", "committor shots"), "value"] == 1.0
    assert costs.loc[("gfn-2", "evaluations", "first paths"), "value"] == 600
    each = costs.loc[("gfn-2", "seconds per path", "")]
    assert each["value"] == pytest.approx(45 / 36) and each["low"] < each["value"] < each["high"]
    assert "seconds per path" not in set(frames["cost"].query("method == 'broken-1'")["kind"])
    points = frames["shooting_points"]
    assert set(points["y_axis"]) == {"|turn| (degree)"} and set(points["x_axis"]) == {"bend (degree)"}
    assert points.loc[points["kind"] == "path", "y"].between(29.9, 150.1).all()
    assert isinstance(frames["mechanisms"], pd.DataFrame) and set(frames["mechanisms"]["method"]) == {"gfn-2"}
