"""What the pages and figures of rates say, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from separatrix import figures
from separatrix.rates import report


def content(**rates: tuple[float | None, float | None]) -> dict:
    """rates.json of a method: forward and backward rate by route."""
    routes = [
        {
            "route": name.replace("_", " "),
            "from": start,
            "to": end,
            "temperature": 300.0,
            "rate": rate,
            "ln_error": None,
        }
        for name, both in rates.items()
        for start, end, rate in (("A", "B", both[0]), ("B", "A", both[1]))
    ]
    return {"states": ["A", "B"], "temperature_K": 300.0, "routes": routes}


def test_populations_relax_in_closed_form_by_the_best_route():
    both = content(harmonic=(1.0, 1.0), free_energy=(3e-3, 1e-3))
    one_way = content(harmonic=(2.0, 0.5), free_energy=(None, None), interfaces=(7.0, None))
    frame = report.relaxation_frame([both, one_way, content(harmonic=(None, None))], ["m", "n", "none"])
    assert frame.groupby("label")["route"].unique().map(list).to_dict() == {"m": ["free energy"], "n": ["harmonic"]}
    for label, forward, backward in (("m", 3e-3, 1e-3), ("n", 2.0, 0.5)):
        mine = frame[(frame["label"] == label) & (frame["state"] == "A")]
        end = backward / (forward + backward)
        expected = end + (1.0 - end) * np.exp(-(forward + backward) * mine["time"])
        np.testing.assert_allclose(mine["population"], expected, rtol=1e-9)
        assert mine["time"].max() * (forward + backward) == pytest.approx(10.0)
    np.testing.assert_allclose(frame.groupby(["label", "time"])["population"].sum(), 1.0)
    shown = figures.svg(report.relaxation_plot(frame, ["m", "n"], "A", 300.0))
    for words in ("time (s)", "share of A", "1 s", "rates by route: m: free energy, n: harmonic"):
        assert f">{words}</text>" in shown, words


def test_no_rates_no_relaxation():
    empty = report.relaxation_frame([content(harmonic=(math.nan, None))], ["m"])
    assert empty.empty and list(empty.columns) == ["label", "route", "time", "state", "population"]
    assert "Population of A" in figures.svg(report.relaxation_plot(pd.DataFrame(empty), ["m"], "A", 300.0))


def test_saddles_stand_with_their_shares():
    words = report.channels_in_words(
        {
            "states": ["A", "B"],
            "temperature_K": 300.0,
            "rates": [
                {"from": "A", "temperature": 400.0, "shares": [0.5, 0.5]},
                {"from": "A", "temperature": 300.0, "shares": [0.9, 0.1]},
            ],
            "channels": [
                {"saddle": "left", "guesses": ["x", "y"], "energy_above": {"A": 41.84, "B": 20.92}, "imaginary": 80.4},
                {"saddle": "right", "guesses": ["z"], "energy_above": {"A": 46.0, "B": 25.0}, "imaginary": 90.0},
            ],
            "without_saddle": {"w": "w: the saddle joins B to itself", "v": "no saddle within 80 cycles"},
        }
    )
    assert words[0] == (
        "over left: 10.0 kcal/mol above A, 5.0 kcal/mol above B, 80i cm⁻¹, 0.9 of the harmonic rate at 300 K (from "
        "guess x, y)"
    )
    assert words[2] == "guesses that led to none: w (the saddle joins B to itself); v (no saddle within 80 cycles)"
