"""One answer to each question: errors and intervals of the same data are the same wherever they are reported.

Of one ``variables.nc`` the fit is asked by the rule `coordinate` (``coordinate.json``) and by ``separatrix fit
--json``; the comparison and the data of the figures are made from the former, and the last round was judged by the
same shots.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_method
import xarray as xr
import yaml
from models import slow_shots

from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate import fitting
from separatrix.core.files import read_dataset, write_dataset
from separatrix.report.figure_data import data_frames
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities import summary as summaries_of
from separatrix.workflow import coordinate_stages

Answers = dict[str, Any]


def command(capsys: pytest.CaptureFixture, *arguments: str) -> Answers:
    """What ``separatrix fit --json`` prints, run in this process."""
    old, sys.argv = sys.argv, ["separatrix", "fit", *arguments, "--json"]
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, capsys.readouterr().err
    finally:
        sys.argv = old
    return json.loads(capsys.readouterr().out)


def asked_alike(written: Answers) -> list[str]:
    """Options of the command that ask what the config asked."""
    options = written["options"]
    words = [f"--{key}={options[key]}" for key in ("model", "search", "criterion", "bootstrap", "folds", "seed")]
    words += [f"--max-variables={options['max_variables']}", f"--confidence={options['confidence']}"]
    words += [f"--nonlinear-models={name}" for name in options["nonlinear_models"]]
    return words + (["--forward-half"] if written["observations"] == "forward half" else [])


def same(a: Any, b: Any) -> bool:
    """Equal but for the last digits that a CSV file or another order of a sum leaves."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if a is None or b is None or isinstance(a, str | bool):
        return a is b or a == b
    return a == pytest.approx(b, rel=1e-9, abs=1e-12)


def check_command(written: Answers, printed: Answers) -> None:
    """``coordinate.json`` and what the command prints of the same file."""
    for key in ("coordinate", "intervals", "held_out", "bootstrap", "calibration", "interchangeable", "beyond_linear"):
        assert same(written[key], printed[key]), key
    chosen = next(s for s in written["sets"] if s["chosen"])
    for key in (
        "errors",
        "standard_errors",
        "clustered_standard_errors",
        "interval",
        "blocks",
        "information_error_limit",
    ):
        assert same(chosen[key], printed[key]), key
    fit = written["coordinate"]
    assert same(chosen["errors"], np.sqrt(np.diag(fit["clustered_covariance"])).tolist())
    for key in ("information_error", "clustered_information_error", "information_error_limit"):
        assert same(chosen[key], fit[key]), key
    assert same(chosen["held_out"], written["held_out"])
    assert {key: chosen[key] for key in ("interval", "blocks", "bootstrap")} == written["intervals"]


def check_tables(written: Answers, comparison: pd.DataFrame, frames: dict[str, pd.DataFrame]) -> None:
    """``coordinate.json`` and the comparison and figures' data of one method."""
    fit, held = written["coordinate"], written["held_out"]
    chosen = next(s for s in written["sets"] if s["chosen"])
    quantities = comparison.set_index("quantity")
    row = quantities.loc["held-out ln L per observation"]
    assert same([row["value"], row["error"], row["low"], row["high"]], [held[k] for k in HELD])
    assert fit["block_description"] in quantities.loc["coordinate", "note"]
    for model in written["beyond_linear"]:
        words = {"chosen": "its variables", "all": "all variables"}[model["variables"]]
        row = quantities.loc[f"held-out gain of gradient boosting, {words}"]
        assert same([row["value"], row["error"], row["low"], row["high"]], [model[k] for k in GAIN])
    shown = frames["coefficients"]
    assert shown["variable"].tolist() == ["intercept", *fit["names"]]
    assert same(shown["error"].tolist(), chosen["errors"])
    for end in ("lower", "upper"):
        assert same(shown[end].tolist(), chosen["interval"][end])
        assert same(shown[f"resampled_{end}"].tolist(), chosen["bootstrap"][end])
    drawn = shown.iloc[1:]
    assert same((drawn["low"] / drawn["spread"]).tolist(), chosen["interval"]["lower"][1:])
    assert same((drawn["high"] / drawn["spread"]).tolist(), chosen["interval"]["upper"][1:])
    sets = frames["sets"]
    for number, judged in enumerate(written["sets"]):
        rows = sets[sets["set"] == number]
        assert same(rows["lower"].tolist(), judged["interval"]["lower"][1:])
        assert same(rows["upper"].tolist(), judged["interval"]["upper"][1:])
        assert same(rows["held_out_error"].iloc[0], judged["held_out"]["standard_error"])
    table, bins = written["calibration"], frames["calibration"]
    full = [k for k, count in enumerate(table["count"]) if count]
    for column, key in (("low", "lower"), ("high", "upper"), ("observed", "observed")):
        assert same(bins[column].tolist(), [table[key][k] for k in full])


HELD = ("mean", "standard_error", "lower", "upper")
GAIN = ("gain", "standard_error", "lower", "upper")


SLOW = "angle(N9,N10,C11)"


def settings(stage: str = "coordinate") -> dict[str, Any]:
    """The default example, asked for all that has an error: what a stage depends on, and no more."""
    data = yaml.safe_load(Path("config/config.yaml").read_text())
    others = [["cos(C6,N9,N10,C11)"], [SLOW]]
    data["coordinate"] = {"max_variables": 2, "bootstrap": 6, "compare_with": others, "nonlinear_models": ["boosting"]}
    return load(data).settings(stage, "gaff2")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two chains with a hidden mode that lives for eight shots: independent errors would be half of the true ones."""
    system = StageSettings("coordinate", settings()).system
    rng = np.random.default_rng(4)
    q, outcome, chain = slow_shots(rng, 2, 120, 8.0)
    values = rng.normal(size=(240, len(system.variables)))
    names = [v.name for v in system.variables]
    values[:, names.index(SLOW)] = 110.0 + 4.0 * q[::2]
    ends = np.where(outcome.reshape(-1, 2), system.product, system.reactant).astype(object)
    ends[7, 1] = "nowhere"
    data = xr.Dataset(
        {
            "variable": ("variable", np.array(names, dtype=object)),
            "unit": ("variable", np.array([v.unit for v in system.variables], dtype=object)),
            "value": (("shot", "variable"), values),
            "chain": ("shot", chain[::2] + 1),
            "forward": ("shot", ends[:, 0]),
            "backward": ("shot", ends[:, 1]),
        },
        attrs={"reactant": system.reactant, "product": system.product, "source": "made up"},
    )
    file = tmp_path_factory.mktemp("one") / "variables.nc"
    write_dataset(data, file, title="made up", source="made up")
    return file


@pytest.fixture(scope="module")
def written(table: Path) -> Answers:
    """``coordinate.json`` of the table."""
    out = table.with_name("coordinate.json")
    coordinate_stages.reaction_coordinate(settings(), table, out)
    return json.loads(out.read_text())


def test_the_rule_and_the_command_answer_alike(table: Path, written: Answers, capsys: pytest.CaptureFixture) -> None:
    assert SLOW in written["coordinate"]["names"] and written["n_left_out"] == 1
    check_command(written, command(capsys, str(table), *asked_alike(written)))
    # and there is something to be told apart
    fit = written["coordinate"]
    assert fit["memory"] > 3.0
    assert fit["clustered_covariance"][1][1] > 2.5 * fit["covariance"][1][1]
    assert written["calibration"]["design_effect"] > 2.0


def test_what_rounds_are_judged_by_is_the_same_number(table: Path, written: Answers) -> None:
    rules = StageSettings("assess", settings("assess")).config.coordinate
    seen = coordinate_stages.observed(rules, read_dataset(table), table)
    _, judged = fitting.choose(seen, coordinate_stages.search_options(rules))
    assert same(judged.to_dict(), written["coordinate"])
    q = np.array([[100.0] * len(judged.names)])
    x = np.array([1.0, *q[0]])
    assert judged.r_error(q)[0] == pytest.approx(
        np.sqrt(x @ np.array(written["coordinate"]["clustered_covariance"]) @ x)
    )


def test_the_comparison_and_the_figures_show_what_the_fit_has(written: Answers) -> None:
    data = replace(toy_method.method(), fit=written, q=_chosen_columns(written))
    summaries = {data.name: summaries_of.summarise(data, toy_method.system(), np.random.default_rng(1))}
    comparison = summaries_of.comparison_frame(summaries, {data.name: data.label})
    frames = data_frames(Compared([data], summaries, toy_method.system()))
    check_tables(written, comparison, frames)


def _chosen_columns(written: Answers) -> np.ndarray:
    """Values with the spread of the chosen variables: their standardised coefficients want no more."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(200, len(written["coordinate"]["names"])))


@pytest.mark.slow
def test_one_answer_in_a_whole_run(model_run: tuple[Path, Path], capsys: pytest.CaptureFixture) -> None:
    """All files of a finished run, read as they stand."""
    _, results = model_run
    comparison = pd.read_csv(results / "comparison/comparison.csv")
    data = {name: pd.read_csv(results / f"comparison/data/{name}.csv") for name in FIGURES}
    folders = [f.parent for f in sorted(results.glob("*/coordinate.json"))]
    assert folders
    for folder in folders:
        found = json.loads((folder / "coordinate.json").read_text())
        check_command(found, command(capsys, str(folder / "variables.nc"), *asked_alike(found)))
        frames = {name: frame[frame["method"] == folder.name] for name, frame in data.items()}
        check_tables(found, comparison[comparison["method"] == folder.name], frames)
        last = json.loads(max((folder / "rounds").glob("*.json"), key=lambda f: int(f.stem)).read_text())
        for key in ("information_error", "clustered_information_error", "information_error_limit"):
            assert same(last[key], found["coordinate"][key])


FIGURES = ("coefficients", "sets", "calibration")
