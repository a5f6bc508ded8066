"""What the pages and figures of rates say, against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from separatrix.core.errors import StoreError
from separatrix.rates.remarks.harmonic_remarks import saddle_sentences
from separatrix.report import charts, rates_table
from separatrix.report.figures import relaxation_of_populations as relaxation
from separatrix.report.literature import read_literature
from separatrix.report.reported_rates import ReportedRates


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
    frame = relaxation.rows(ReportedRates([both, one_way, content(harmonic=(None, None))], ["m", "n", "none"]))
    assert frame.groupby("label")["route"].unique().map(list).to_dict() == {"m": ["free energy"], "n": ["harmonic"]}
    for label, forward, backward in (("m", 3e-3, 1e-3), ("n", 2.0, 0.5)):
        mine = frame[(frame["label"] == label) & (frame["state"] == "A")]
        end = backward / (forward + backward)
        expected = end + (1.0 - end) * np.exp(-(forward + backward) * mine["time"])
        np.testing.assert_allclose(mine["population"], expected, rtol=1e-9)
        assert mine["time"].max() * (forward + backward) == pytest.approx(10.0)
    np.testing.assert_allclose(frame.groupby(["label", "time"])["population"].sum(), 1.0)
    shown = charts.svg(relaxation.chart(frame, ["m", "n"]))
    for words in (
        "Population of A after all began there, at 300 K",
        "time (s)",
        "share of A",
        "1 s",
        "rates by route: m: free energy, n: harmonic",
    ):
        assert f">{words}</text>" in shown, words


def test_no_rates_no_relaxation():
    empty = relaxation.rows(ReportedRates([content(harmonic=(math.nan, None))], ["m"]))
    assert empty.empty and list(empty.columns) == list(relaxation.FIGURE.columns)
    assert "Population of the reactant" in charts.svg(relaxation.chart(empty, ["m"]))


def test_saddles_stand_with_their_shares():
    words = saddle_sentences(
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


HEAD = "quantity,from,to,value,error,unit,lowest_K,highest_K,conditions,source\n"
GOOD = {"quantity": "activation energy", "from": "NA", "to": "1", "value": "102", "error": "3", "unit": "kJ/mol"}
GOOD |= {"lowest_K": "458", "highest_K": "548", "conditions": "", "source": "a paper"}


def literature(folder: Path, **changed: str) -> Path:
    """A table of two rows, the second of them changed."""
    rows = [GOOD, {**GOOD, **changed}]
    file = folder / "mine.csv"
    file.write_text(HEAD + "".join(",".join(row.values()) + "\n" for row in rows))
    return file


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"value": "about 100"}, "column value: 'about 100' is not a finite number"),
        ({"value": "inf"}, "column value: 'inf' is not"),
        (
            {"value": "0", "quantity": "prefactor", "unit": "1/s"},
            "column value: 0 cannot be; a prefactor is more than 0",
        ),
        ({"error": ""}, "column error: '' is not a finite number"),
        ({"error": "-3"}, "column error: -3 cannot be"),
        ({"lowest_K": "n/a"}, "column lowest_K: 'n/a' is not"),
        ({"lowest_K": "0"}, "column lowest_K: 0 cannot be"),
        ({"highest_K": "300"}, "column highest_K: 300 cannot be; give at least lowest_K, 458"),
    ],
)
def test_bad_numbers_of_experiment_are_one_clear_line(tmp_path: Path, changed: dict, words: str):
    with pytest.raises(StoreError) as caught:
        read_literature(literature(tmp_path, **changed))
    assert f"mine.csv: row 2, {words}" in str(caught.value) and "\n" not in str(caught.value)


def test_experiment_is_read_as_it_stands(tmp_path: Path):
    frame = read_literature(literature(tmp_path, error="0", value="-1.5e1"))
    assert frame[["value", "error", "lowest_K"]].to_numpy().tolist() == [[102.0, 3.0, 458.0], [-15.0, 0.0, 458.0]]
    # Names of basins, whatever they are.
    assert frame.loc[0, ["from", "to", "conditions"]].tolist() == ["NA", "1", ""]


def test_names_of_basins_are_text_and_no_markup(tmp_path: Path):
    law = {"law": "arrhenius", "from": "<i>", "to": "B", "temperatures": [300.0, 400.0], "energy": 50.0}
    whole = content(harmonic=(1.0, 2.0)) | {
        "source": "a model",
        "laws": [law | {"ln_prefactor": 30.0}],
        "kinetics": [],
        "channels": [],
        "rates": [{"from": "A", "temperature": 300.0, "shares": []}],
        "without_saddle": {},
        "along_coordinate": {},
        "agreement": [],
        "rules": {"statistics": "classical", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "none"},
    }
    known = read_literature(literature(tmp_path, **{"from": "<b>", "to": "B&C"}))
    page = rates_table.content([whole], ["m"], known).html()
    assert "<th>&lt;i&gt; → B</th>" in page and "<th>&lt;b&gt; → B&amp;C</th>" in page
    assert "<i>" not in page and "<b>" not in page
