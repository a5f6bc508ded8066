"""The rule `coordinate` on observations made up with a known answer: what `coordinate.json` holds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from separatrix.config.load import load
from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate import committor_model, fitting, observations
from separatrix.coordinate.committor_model import coefficient_intervals
from separatrix.coordinate.fit_options import FOLDS, Options
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_dataset, write_dataset
from separatrix.core.molecule import read_geometry
from separatrix.cvs.evaluation import evaluate
from separatrix.workflow import coordinate_stages, interfaces, umbrella

CHAINS, SHOTS = 3, 60
BASELINE, BEST = "cos(C6,N9,N10,C11)", "angle(N9,N10,C11)"


def settings(**rules: Any) -> dict[str, Any]:
    data = yaml.safe_load(Path("config/config.yaml").read_text())
    data["coordinate"] = {"max_variables": 2, "bootstrap": 6, "compare_with": [[BASELINE], [BASELINE, BEST]]} | rules
    return load(data).settings("coordinate", "gaff2")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise around the Z form; the outcome follows the angle at N10 alone."""
    system = StageSettings("coordinate", settings()).system
    _, start = read_geometry(system.geometries["Z"])
    rng = np.random.default_rng(7)
    n = CHAINS * SHOTS
    x = start + rng.normal(scale=0.008, size=(n, *start.shape))
    values, rates = evaluate(system.variables, x, rng.normal(size=x.shape))
    names = [v.name for v in system.variables]
    theta = values[:, names.index(BEST)]
    ends = rng.random((n, 2)) < 1.0 / (1.0 + np.exp(-(theta - theta.mean())[:, None] * 0.5))
    words = np.where(ends, "E", "Z").astype(object)
    # An artefact that the report must show: a candidate that stays, and one that follows another.
    values[:, names.index("distance(C5,C6)")] = 1.4
    values[:, names.index("distance(C6,C7)")] = 2.0 - 3.0 * values[:, names.index("distance(N9,N10)")]
    data = xr.Dataset(
        {
            "variable": ("variable", np.array(names, dtype=object)),
            "unit": ("variable", np.array([v.unit for v in system.variables], dtype=object)),
            "value": (("shot", "variable"), values),
            "rate": (("shot", "variable"), rates),
            "chain": ("shot", np.repeat(np.arange(1, CHAINS + 1), SHOTS)),
            "forward": ("shot", words[:, 0]),
            "backward": ("shot", words[:, 1]),
        },
        attrs={"reactant": "Z", "product": "E", "source": "made up"},
    )
    file = tmp_path_factory.mktemp("stage") / "variables.nc"
    write_dataset(data, file, title="made up", source="made up")
    return file


def fitted(table: Path, out: Path, **rules: Any) -> dict[str, Any]:
    coordinate_stages.reaction_coordinate(settings(**rules), table, out)
    return json.loads(out.read_text())


def test_intervals_of_the_coefficients(table: Path, tmp_path: Path) -> None:
    """Both kinds, against the library asked directly; and the same bytes a second time."""
    found = fitted(table, tmp_path / "fit.json")
    assert found["coordinate"]["names"] == [BEST]
    seen = observations.read(table)
    q = seen.values[:, [seen.names.index(BEST)]]
    direct = committor_model.fit(q, seen.outcome, [BEST], dependence=seen.dependence())
    blocks = found["intervals"]["blocks"]
    assert blocks == {"count": direct.block_count, "what": direct.block_description, "memory": direct.memory}
    assert CHAINS * SHOTS / 12 < blocks["count"] < CHAINS * SHOTS / 4 + 3  # independent shots: a memory of one or so
    lower, upper = coefficient_intervals(direct, 0.95)
    interval = found["intervals"]["interval"]
    np.testing.assert_allclose([interval["lower"], interval["upper"]], [lower, upper], rtol=1e-9)
    assert interval["errors"] == "clustered" and interval["confidence"] == 0.95
    resampled = found["intervals"]["bootstrap"]
    assert resampled["n_boot"] == 24 and resampled["names"] == [BEST]
    value = found["coordinate"]["coefficients"][0]
    assert lower[1] < value < upper[1] and resampled["lower"][1] < value < resampled["upper"][1]
    assert 0.4 < (resampled["upper"][1] - resampled["lower"][1]) / (upper[1] - lower[1]) < 1.6
    again = tmp_path / "again.json"
    fitted(table, again)
    assert again.read_bytes() == (tmp_path / "fit.json").read_bytes()


def test_sets_side_by_side(table: Path, tmp_path: Path) -> None:
    found = fitted(table, tmp_path / "fit.json", compare_with=[[BASELINE], [BEST, BASELINE], ["distance(C5,C6)"]])
    sets = found["sets"]
    assert [(s["role"], s["chosen"], len(s["variables"])) for s in sets] == [
        ("best", True, 1),
        ("best", False, 2),
        ("beside", False, 1),
        ("beside", False, 2),
        ("beside", False, 1),
    ]
    best, pair, baseline, both, still = sets
    assert still["problem"] == "constant variables cannot be fitted: distance(C5,C6)"
    assert baseline["log_likelihood"] < best["log_likelihood"] < both["log_likelihood"] <= pair["log_likelihood"]
    assert best["log_likelihood"] == found["coordinate"]["log_likelihood"]
    assert best["held_out"]["mean"] == found["held_out"]["mean"] > baseline["held_out"]["mean"]
    assert len(baseline["held_out"]["groups"]) == FOLDS and baseline["units"] == ["1"] and best["units"] == ["degree"]


def test_candidates_are_listed(table: Path, tmp_path: Path) -> None:
    found = {c["name"]: c for c in fitted(table, tmp_path / "fit.json")["candidates"]}
    assert list(found) == [str(v) for v in read_dataset(table).variable.values]
    one = found[BEST]
    assert (one["meaning"], one["kind"], one["unit"]) == ("angle N9-N10-C11, in degree", "angle", "degree")
    assert one["origin"] == "enumerated" and found["theta10-theta9"]["origin"] == "given"
    assert found["distance(C5,C6)"]["constant"] and not one["constant"]
    twin = {"name": "distance(N9,N10)", "correlation": pytest.approx(-1.0)}
    assert found["distance(C6,C7)"]["near_duplicates"] == [twin]
    values = read_dataset(table).value.values
    assert one["standard_deviation"] == pytest.approx(values[:, list(found).index(BEST)].std())


def test_models_beyond_the_linear_one(table: Path, tmp_path: Path) -> None:
    assert fitted(table, tmp_path / "fit.json")["beyond_linear"] == []
    found = fitted(table, tmp_path / "fit.json", nonlinear_models=["boosting"])
    assert [m["variables"] for m in found["beyond_linear"]] == ["chosen", "all"]
    # The truth is linear: there is nothing to gain.
    for model in found["beyond_linear"]:
        assert model["lower"] < 0.0
        assert model["gain"] == pytest.approx(model["mean"] - found["held_out"]["mean"])


def test_one_chain_has_intervals_and_held_out_likelihood(table: Path, tmp_path: Path) -> None:
    data = read_dataset(table)
    alone = data.isel(shot=data.chain.values == 1)
    file = tmp_path / "variables.nc"
    write_dataset(alone, file, title="one chain", source="made up")
    found = fitted(file, tmp_path / "fit.json", nonlinear_models=["boosting"], compare_with=[])
    assert found["held_out"] == found["sets"][0]["held_out"]
    assert found["intervals"]["interval"]["errors"] == "clustered"
    assert len(found["held_out"]["groups"]) == FOLDS and len(found["beyond_linear"]) == 2


def test_assessment_depends_on_no_more_than_the_choice(tmp_path: Path) -> None:
    """What only tells more of the coordinate must not make Snakemake judge all rounds anew."""
    data = yaml.safe_load(Path("config/config.yaml").read_text())
    other = copy.deepcopy(data)
    other["coordinate"] |= {"bootstrap": 7, "compare_with": [], "nonlinear_models": []}
    assert load(data).settings("assess", "pm6") == load(other).settings("assess", "pm6")
    assert load(data).settings("coordinate", "pm6") != load(other).settings("coordinate", "pm6")
    for change in ({"max_variables": 2}, {"inertial": True}, {"search": "greedy"}, {"criterion": "bic"}):
        chosen = copy.deepcopy(data)
        chosen["coordinate"] |= change
        assert load(data).settings("assess", "pm6") != load(chosen).settings("assess", "pm6"), change


@pytest.mark.parametrize("observed", ["both halves", "forward half"])
def test_the_rule_chooses_what_the_command_chooses(table: Path, tmp_path: Path, observed: str) -> None:
    """Inertial, greedy, by AIC: `separatrix fit` on the same file, its options said otherwise."""
    rules = {"inertial": True, "search": "greedy", "criterion": "aic", "max_variables": 3, "observations": observed}
    found = fitted(table, tmp_path / "fit.json", **rules)
    options = Options(max_variables=3, search="greedy", criterion="aic", bootstrap=0, folds=0)
    report = fitting.fit(observations.read(table, rates=True, halves=observed), options).printed()
    assert found["coordinate"]["names"] == report["variables"]
    assert found["coordinate"]["log_likelihood"] == pytest.approx(report["log_likelihood"], abs=1e-9)
    size = len(report["variables"])
    inertial = found["inertial"][str(size)]
    assert inertial["names"][size:] == [f"{name}_rate" for name in report["variables"]]
    assert inertial == report["inertial"][str(size)]
    assert found["criterion"] == "aic" and found["n_fits"] == report["n_fits"]
    assert fitted(table, tmp_path / "plain.json", **rules | {"inertial": False})["inertial"] is None


def test_velocities_of_the_backward_half_are_reversed(tmp_path: Path) -> None:
    """What commits a half is its velocity alone: only with the sign turned does the fit see it, in both halves."""
    rng = np.random.default_rng(3)
    system = StageSettings("coordinate", settings()).system
    names = [v.name for v in system.variables]
    values, rates = rng.normal(size=(2, 200, len(names)))
    push = rates[:, names.index(BEST)]
    data = xr.Dataset(
        {
            "variable": ("variable", np.array(names, dtype=object)),
            "unit": ("variable", np.array([v.unit for v in system.variables], dtype=object)),
            "value": (("shot", "variable"), values),
            "rate": (("shot", "variable"), rates),
            "chain": ("shot", np.arange(200) // 100),
            "forward": ("shot", np.where(rng.normal(size=200) < 3.0 * push, "E", "Z").astype(object)),
            "backward": ("shot", np.where(rng.normal(size=200) < -3.0 * push, "E", "Z").astype(object)),
        },
        attrs={"reactant": "Z", "product": "E", "source": "made up"},
    )
    write_dataset(data, tmp_path / "variables.nc", title="made up", source="made up")
    rules = {"max_variables": 1, "bootstrap": 0, "compare_with": []}
    found = fitted(tmp_path / "variables.nc", tmp_path / "fit.json", inertial=True, **rules)
    assert found["coordinate"]["names"] == [BEST] and found["inertial"]["1"]["coefficients"][1] > 0.5
    assert found["beats_null"]
    assert not fitted(tmp_path / "variables.nc", tmp_path / "fit.json", **rules)["beats_null"]


@pytest.mark.parametrize(("route", "stage"), [("umbrella", "umbrella"), ("interfaces", "interface_chain")])
def test_variables_that_cannot_be_fitted_are_named_by_their_key(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str, stage: str
) -> None:
    """A variable that never changes, in `rates.umbrella.variables` or `rates.interfaces.variables`."""
    data = yaml.safe_load(Path("config/config.yaml").read_text())
    data["rates"] = {route: {"methods": ["gaff2"], "variables": ["distance(C5,C6)"]}}
    given = StageSettings(stage, load(data).settings(stage, "gaff2"))
    module, make = {
        "umbrella": (umbrella, lambda fit: umbrella.Umbrella(given, points, "", [], fit, table)),
        "interfaces": (interfaces, lambda fit: interfaces.InterfaceSampling(given, points, "", fit, table)),
    }[route]
    points = {"Z": "", "E": ""}
    potential = SimpleNamespace(masses=None, description="an engine")
    monkeypatch.setattr(module, "open_method", lambda given: (given.system, given.method, potential))
    monkeypatch.setattr(module, "anchor", lambda *_: None)
    monkeypatch.setattr(module, "read_stationary", lambda _: SimpleNamespace(positions=np.zeros((34, 3))))
    monkeypatch.setattr(interfaces, "MDEngine", lambda *_: SimpleNamespace())
    fit = tmp_path / "fit.json"
    fitted(table, fit)
    with pytest.raises(SamplingError, match=rf"^rates\.{route}\.variables cannot be fitted: "):
        make(fit)
