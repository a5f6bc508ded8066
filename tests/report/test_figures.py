"""Figures render with axes that name their units; tables are plain HTML with the numbers in them."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_method
from toy_method import broken, method, system, words

from separatrix.report import charts, figure_data, figure_registry, table_cells
from separatrix.report.figures import (
    committor_points,
    convergence_by_round,
    energy_profile,
    mechanisms,
    shooting_points,
)
from separatrix.report.quantities import summary
from separatrix.report.quantity_catalogue import COMPARISON_COLUMNS
from separatrix.report.table_content import text_cell
from separatrix.report.tables import (
    all_methods,
    candidates,
    chain_by_chain,
    convergence_rounds,
    coordinate_coefficients,
    stationary_points,
    variable_sets,
)

ROOT = Path(__file__).parents[2]

TITLES = {
    "energy_profile": ["energy above B (kcal/mol)"],
    "acceptance": ["shot", "accepted fraction of shots"],
    "convergence": [
        "shots, all chains",
        "information error (wanted: at most 0.11)",
        "information error, upper limit (wanted: at most 0.11)",
        "worst R-hat (wanted: at most 1.05)",
        "smallest effective sample size (wanted: at least 120)",
        "rounds with the same variables (wanted: at least 2)",
        "GFN-2: sampling stopped because it converged, after 3 rounds",
        "broken: sampling stopped because max_rounds was reached, after 2 rounds, without convergence",
    ],
    "path_lengths": ["duration of the path (fs)", "weighted share"],
    "mechanisms": ["share of the reactive paths"],
    "shooting_points": ["bend (degree)", "|turn| (degree)", "forward half-trajectory reached"],
    "coefficients": ["change of r per standard deviation of the variable"],
    "selection": ["share of resamples"],
    "calibration": ["predicted committor to B", "observed fraction to B"],
    "committor_histogram": ["fraction of shots to B", "configurations"],
    "committor_points": ["predicted coordinate r", "fraction of shots to B"],
    "committor_calibration": ["predicted committor to B", "fraction of shots to B", "over the map"],
    "committor_map": ["sin(turn)", "cos(turn)", "fraction to B"],
    "cost": [
        "time of all jobs (s)",
        "force evaluations",
        "core-seconds per accepted path",
        "force evaluations per accepted path",
    ],
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """All tables of a sound and a broken method, after a way through files, and the methods' labels."""
    folder = tmp_path_factory.mktemp("tables")
    data = [method(), broken()]
    summaries = {d.name: summary.summarise(d, system(), np.random.default_rng(1)) for d in data}
    frames = figure_data.data_frames(figure_registry.Compared(data, summaries, system()))
    frames["comparison"] = summary.comparison_frame(summaries, {d.name: d.label for d in data})
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    columns = {**figure_data.data_columns(), "comparison": COMPARISON_COLUMNS}
    return {n: figure_data.read_csv(folder / f"{n}.csv", columns[n]) for n in frames}, [d.label for d in data]


@pytest.mark.parametrize("name", TITLES)
def test_figure(stored, name):
    frames, order = stored
    svg = charts.svg(figure_registry.FIGURES[name].chart(frames[name], order))
    shown = words(svg)
    for title in TITLES[name]:
        assert title in shown
    assert "GFN-2" in shown
    assert not re.search(r"NaN|undefined|null", svg)
    assert "<script" not in svg and "<foreignObject" not in svg


@pytest.mark.parametrize("name", figure_registry.FIGURES.names())
def test_nothing_to_show(name):
    empty = pd.DataFrame(columns=["method", "label"])
    assert "no data" in words(charts.svg(figure_registry.FIGURES[name].chart(empty, ["GFN-2"])))


def test_many_methods(stored):
    """More methods than fit in a row, or than there are colours."""
    frames, _ = stored
    order = [f"method-{i}" for i in range(9)]
    frame = frames["energy_profile"]
    frame = frame[frame["label"] == "GFN-2"]
    many = pd.concat([frame.assign(label=label) for label in order])
    assert set(order) <= set(words(charts.svg(energy_profile.chart(many, order))))


def test_a_method_keeps_its_colour(stored):
    """The second of two methods is drawn in the second colour also where the first has nothing to show."""
    frames, order = stored
    frame = frames["committor_points"]
    only = frame[frame["label"] == order[1]]
    assert charts.PALETTE[1].lower() in charts.svg(committor_points.chart(only, order)).lower()


def plane(label: str, paths: int, frames: int, points: int) -> pd.DataFrame:
    """A method in the plane of two coordinates, as many crossings as points."""
    axes = {"method": label, "label": label, "x_axis": "a", "y_axis": "b"}
    rows = [
        {"kind": "path", "path": f"{label} 1 {p}", "frame": f, "x": 150 * f / frames, "y": 100 + p / 7}
        for p in range(paths)
        for f in range(frames)
    ]
    rows += [{"kind": "separatrix", "x": 90.0, "y": 100 + k / 9} for k in range(points)]
    rows += [{"kind": "point", "x": 85.0 + k / 90, "y": 110.0, "reached": "AB"[k % 2]} for k in range(points)]
    rows += [{"kind": "basin", "reached": "A", "x": -40.0, "x2": 40.0, "y": np.nan, "y2": np.nan}]
    return pd.DataFrame([axes | row for row in rows])


def test_a_long_run_is_thinned_and_the_figure_says_so():
    """Evenly, first and last among them, always the same; a short run is drawn whole."""
    many, few = plane("many", 130, 250, 1200), plane("few", 5, 30, 20)

    def drawn_of(*frames: pd.DataFrame) -> dict[str, Any]:
        text = charts.forms(shooting_points.chart(pd.concat(frames), [f["label"].iloc[0] for f in frames]))[".json"]
        assert len(text) < 1_000_000
        return json.loads(text)

    spec = drawn_of(many, few)
    rows = pd.DataFrame(spec["datasets"][spec["data"]["name"]])
    drawn = rows[(rows["label"] == "many") & (rows["kind"] == "path")]
    names = list(dict.fromkeys(drawn["path"]))
    assert len(names) == shooting_points.MOST_PATHS and (names[0], names[-1]) == ("many 1 0", "many 1 129")
    gaps = np.diff([int(name.split()[-1]) for name in names])
    assert gaps.min() >= 3 and gaps.max() <= 4
    for _, track in drawn.groupby("path"):
        assert len(track) == shooting_points.MOST_FRAMES and list(track["frame"].iloc[[0, -1]]) == [0, 249]
        assert track["frame"].is_monotonic_increasing and track["frame"].is_unique
    for kind in ("point", "separatrix"):
        assert len(rows[(rows["label"] == "many") & (rows["kind"] == kind)]) == shooting_points.MOST_POINTS
    assert len(rows[rows["label"] == "few"]) == len(few)
    assert spec["title"]["subtitle"][1:] == [
        "many: 40 of 130 paths, 300 of 1200 points, 300 of 1200 diamonds",
        "a path of more than 100 frames: 100 of them",
    ]
    assert drawn_of(many, few) == spec
    assert len(drawn_of(few)["title"]["subtitle"]) == 1
    caption = shooting_points.FIGURE.caption.split()
    for number in (shooting_points.MOST_PATHS, shooting_points.MOST_FRAMES, shooting_points.MOST_POINTS):
        assert str(number) in caption


def test_bounds_are_drawn_where_they_are(stored):
    """Each panel of the convergence has one dashed line, at its bound, and a line for each method with numbers."""
    frames, order = stored
    spec = convergence_by_round.chart(frames["convergence"], order).to_dict()
    drawn = []
    for panel in spec["concat"]:
        rule, line, points = panel["layer"]
        assert rule["mark"]["strokeDash"] and rule["encoding"]["y"]["field"] == "bound"
        # With a method's label the bound would go from the page with that method.
        assert all(row.keys() == {"bound"} for row in spec["datasets"][rule["data"]["name"]])
        drawn.append([row["bound"] for row in spec["datasets"][rule["data"]["name"]]])
        assert line["encoding"]["y"]["field"] == points["encoding"]["y"]["field"] == "value"
        low, high = line["encoding"]["y"]["scale"]["domain"]
        rows = spec["datasets"][line["data"]["name"]]
        assert {row["label"] for row in rows} == set(order)
        assert all(low <= row["value"] <= high for row in rows if row["value"] is not None)
        assert low <= drawn[-1][0] <= high
    assert drawn == [[0.11], [0.11], [1.05], [120.0], [2.0]]
    values = [row["value"] for row in spec["datasets"][spec["concat"][3]["layer"][1]["data"]["name"]]]
    assert values == [42.0, 84.0, 126.0, None, None]


def test_ticks_are_plain_numbers(stored):
    """Not 5e+1, whatever the bound."""
    frames, order = stored
    shown = words(charts.svg(convergence_by_round.chart(frames["convergence"].assign(worst_r_hat_bound=50.0), order)))
    assert "50" in shown and not any("e+" in word for word in shown)


class Cells(HTMLParser):
    """Collects the text of rows, and complains of unbalanced or foreign tags."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "br":
            self.rows[-1][-1] += "; "
        elif tag != "meta":
            self.open.append(tag)
        assert not any(key in ("src", "href", "onclick") for key, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def rows_of(text: str) -> dict[str, list[str]]:
    cells = Cells()
    cells.feed(text)
    assert not cells.open and "script" not in cells.tags
    return {row[0]: row[1:] for row in cells.rows}


def test_comparison_table(stored):
    rows = rows_of(all_methods.content(stored[0]["comparison"]).html())
    assert rows[""] == ["GFN-2", "broken"]
    assert rows["saddle above A (kcal/mol)"] == ["26.0", "26.0"]
    assert rows["moves: accepted"] == ["36", "0"]
    sound, poor = rows["acceptance per shot"]
    assert re.fullmatch(r"0\.4\d* \(0\.\d+ to 0\.\d+\)", sound)
    assert poor == "0.00 (≤ 0.18)"
    assert "no path was accepted" in rows["path length, median (fs)"][1]
    assert "±" in rows["mean committor"][0]
    assert rows["share: rotation"][1] == "–"
    assert rows["converged"] == ["yes", "no"]
    stopped = [
        "because it converged, after 3 rounds",
        "because max_rounds was reached, after 2 rounds, without convergence",
    ]
    assert rows["sampling stopped"] == stopped
    assert rows["worst R-hat"] == ["1.03 (wanted: at most 1.05)", "how R-hat stands"]
    assert rows["burn-in shots"] == ["0", "0"]
    assert rows["force evaluations, first paths"] == ["600", "not on record"]
    each = rows["core time per accepted path (s)"]
    assert re.fullmatch(r"1\.\d+ \(\d\.\d+ to \d\.\d+\)", each[0]) and each[1] == "no path was accepted"
    assert "wall time, other stages (s)" in rows and "wall time, minimum (s)" not in rows


def test_other_tables(stored):
    frames, _ = stored
    assert rows_of(stationary_points.content(frames["comparison"]).html())["bend at A (°)"] == ["120.0", "120.0"]
    assert "acceptance per shot, chain 2" in rows_of(chain_by_chain.content(frames["comparison"]).html())
    rows = rows_of(coordinate_coefficients.content(frames["coefficients"]).html())
    assert rows["angle(a,b,c)"][1] == "1/degree"
    assert rows["angle(a,b,c)"][4:6] == ["", ""]  # those of the broken method
    frame = frames["coefficients"]
    text = coordinate_coefficients.content(frame[frame["method"] == "gfn-2"]).html()
    assert "intervals: 10 pieces of 2 chains" in text
    for shown in rows_of(text)["angle(a,b,c)"][4:6]:
        assert re.fullmatch(r"0\.\d+ to \d\.\d+", shown)


def test_table_of_sets(stored):
    text = variable_sets.content(stored[0]["sets"]).html()
    assert "<still>" not in text
    cells = Cells()
    cells.feed(text)
    head, method, one, two, beside, problem = cells.rows
    assert head[:3] == ["set", "variables", "coefficient of r"]
    share = toy_method.method().fit["n_success"] / 60
    constant = -share * math.log(share) - (1.0 - share) * math.log(1.0 - share)
    assert method[0].startswith(f"GFN-2 (60 observations; a constant: −{constant:.4f}, held out −")
    assert one[:2] == ["best of 1", "angle(a,b,c)"] and beside[:2] == ["for comparison", "sin(turn)"]
    assert two[:2] == ["best of 2 *", "angle(a,b,c); sin(turn)"]
    assert re.fullmatch(r"[\d.]+ 1/degree; [\d.]+", two[2])
    for column in (3, 4):
        assert re.fullmatch(r"(−?[\d.]+ to [\d.]+(; )?){2}", two[column])
    assert re.fullmatch(r"−0\.\d{4}", two[5]) and re.fullmatch(r"−0\.\d+ ± 0\.\d+", two[6])
    assert problem == ["for comparison", "<still>", "not fitted: constant variables cannot be fitted: <still>"]


def test_table_of_candidates(stored):
    rows = rows_of(candidates.content(stored[0]["candidates"]).html())
    assert rows["variable"] == ["what it is", "kind", "unit", "origin", "GFN-2"]
    shown = "110.0 ± 3.0 * ≈ twin (−0.99994)"
    assert rows["angle(a,b,c)"] == ["angle a-b-c", "angle", "degree", "enumerated", shown]
    assert rows["<still>"] == ["what stays", "x", "", "given", "4.5, constant: left out"]
    text = candidates.content(stored[0]["candidates"]).html()
    assert "2 candidates: 1 enumerated from the bonds around" in text and "and 1 given there" in text


def test_tables_of_older_results():
    """Without what an older version has not written there is a table with no rows, and no error."""
    empty = pd.DataFrame(columns=["method", "label"])
    for table in (variable_sets.content, candidates.content):
        assert "<tbody>\n</tbody>" in table(empty).html()


def test_convergence_table(stored):
    cells = Cells()
    cells.feed(convergence_rounds.content(stored[0]["convergence"]).html())
    head, *rows = cells.rows
    assert head[:3] == ["round", "shots", "variables"] and head[5] == "worst R-hat"
    assert [len(row) for row in rows] == [1, 10, 10, 10, 10, 1, 10, 10, 10]
    assert rows[0] == ["GFN-2: sampling stopped because it converged, after 3 rounds"]
    assert rows[5][0].startswith("broken: sampling stopped because max_rounds was reached, after 2 rounds")
    bounds = ["at most 0.11", "at most 0.11", "at most 1.05", "at least 120", "at least 2"]
    assert rows[1] == rows[6] == ["wanted", "", "", *bounds, "", ""]
    # The information error and its upper limit.
    assert set(rows[3][3:5]) == {"0.155", "0.21"}
    rest = [*rows[3][:3], *rows[3][5:]]
    assert rest == ["2", "120", "angle(a,b,c); sin(turn)", "1.04", "84", "2", "agree", "goes on"]
    assert rows[8] == ["2", "120", "", "–", "–", "–", "–", "0", "agree", "stopped without it"]


def test_times_keep_their_digits():
    """A force field's milliseconds and a semi-empirical method's hours."""
    row = dict.fromkeys(("error", "low", "high"), float("nan")) | {"note": "", "text": "", "unit": "s"}
    row |= {"id": "core_time", "interval_missing": "no"}
    cells = [table_cells.quantity_cell(row | {"value": v}) for v in (0.0241, 7.345, 12345.6)]
    assert cells == [text_cell("0.0241"), text_cell("7.34"), text_cell("12346")]


def test_text_is_escaped(stored):
    frame = stored[0]["comparison"].assign(label="<b>&")
    frame["text"] = frame["text"].where(frame["text"] == "", "<script>alert(1)</script>")
    text = all_methods.content(frame).html()
    assert "<script" not in text and "&lt;b&gt;&amp;" in text


def test_every_figure_and_table_has_a_section_a_caption_and_its_own_name():
    entries = [*figure_registry.FIGURES.entries().values(), *figure_registry.TABLES.entries().values()]
    for entry in entries:
        assert entry.section in figure_registry.SECTIONS and entry.category and entry.caption
    of_methods = {f.name for f in entries if isinstance(f, figure_registry.MethodFigure)}
    assert set(TITLES) == of_methods
    assert not set(figure_registry.FIGURES.names()) & set(figure_registry.TABLES.names())
    assert len({entry.place for entry in entries}) == len(entries)
    assert "committor_map" in figure_registry.shown_figures(["map"])
    assert "committor_map" not in figure_registry.shown_figures(["separatrix"])


def test_entries_know_the_columns_of_their_data(stored):
    """What a table holds as numbers comes back from its file as numbers, and words stay words."""
    frames, _ = stored
    data = [method(), broken()]
    summaries = {d.name: summary.summarise(d, system(), np.random.default_rng(1)) for d in data}
    compared = figure_registry.Compared(data, summaries, system())
    columns = figure_data.data_columns()
    for name, frame in figure_data.data_frames(compared).items():
        for column in set(frame) - {"method", "label"}:
            number = pd.api.types.is_numeric_dtype(frame[column]) and frame[column].dtype != bool
            assert number == (columns[name][column] is float), (name, column)
            if number:
                assert pd.api.types.is_numeric_dtype(frames[name][column])


def test_shares_that_are_not_determined_have_words_and_no_bar():
    blank = {"kind": "all", "share": math.nan, "low": math.nan, "high": math.nan}
    rows = [
        {"method": "a", "label": "A", "mechanism": "rotation", "paths": 39, **blank},
        {"method": "b", "label": "B", "mechanism": "inversion", "paths": 42, **blank},
    ]
    shown = charts.svg(mechanisms.chart(pd.DataFrame(rows), ["A", "B"]))
    for text in ("A: not determined, 39 paths", "B: not determined, 42 paths"):
        assert f">{text}</text>" in shown
    assert 'aria-roledescription="bar"' not in shown and "NaN" not in shown
