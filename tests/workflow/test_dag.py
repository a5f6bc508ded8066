"""The real workflow, at its smallest size, on real engines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import snakemake, write_yaml

# One group: its tests share one finished run, on one worker.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

Finished = tuple[Path, Path]


def _jobs(stderr: str) -> dict[str, int]:
    """Rule -> number of jobs of a dry run."""
    table = stderr.partition("Job stats:")[2].partition("\n\n")[0]
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)$", table, flags=re.MULTILINE)}


def test_everything_is_there_and_means_something(finished: Finished) -> None:
    _, results = finished
    for method, name, barrier in (("gaff2", "rotation", 36.93), ("pm6", "inversion at N10", 14.92)):
        folder = results / method
        saddle = xr.open_dataset(folder / "saddle.nc")
        product = xr.open_dataset(folder / "minimum_E.nc")
        assert saddle.attrs["name"] == name
        assert set(saddle.attrs["joins"].split()) == {"Z", "E"}
        assert float(saddle.energy - product.energy) / 4.184 == pytest.approx(barrier, abs=0.3)
        assert (saddle.wavenumber.values < -20).sum() == 1
        for chain in (1, 2):
            shots = xr.open_dataset(folder / f"chain_{chain}/shots.nc")
            assert int(shots.is_shot.sum()) == 12
            ran = shots.isel(shot=shots.is_shot.values == 1)
            # Both halves of every shot were run to an end.
            assert set(np.concatenate([ran.forward.values, ran.backward.values])) <= {"Z", "E", "none", "failed"}
            accepted = ran.isel(shot=ran.accepted.values == 1)
            assert set(accepted.mechanism.values.astype(str)) <= {name}
            assert all(f != b for f, b in zip(accepted.forward.values, accepted.backward.values, strict=True))
            assert float(shots.evaluations.sum() / shots.steps.sum()) <= 1.05
        committor = json.loads((folder / "committor.json").read_text())
        assert len(committor["configurations"]) == 4
        assert committor["distribution"]["n_shots"] == 16
        fit = json.loads((folder / "coordinate.json").read_text())
        assert fit["coordinate"]["log_likelihood"] > fit["null_log_likelihood"]


def test_paths_are_reactive_and_weights_add_up(finished: Finished) -> None:
    from separatrix import config, store
    from separatrix.states import basin_of

    file, results = finished
    system = config.load(config.read_yaml(file), [file]).system
    for chain in (1, 2):
        data = store.read_dataset(results / f"pm6/chain_{chain}/paths.nc")
        moves = store.read_dataset(results / f"pm6/chain_{chain}/shots.nc").sizes["shot"]
        assert int(data.multiplicity.sum()) == moves
        for track in store.split_paths(data):
            where = [basin_of(x, system.basins) for x in track[0]]
            assert {where[0], where[-1]} == {"Z", "E"}
            assert set(where[1:-1]) == {None}


def test_nothing_changed_does_nothing(finished: Finished) -> None:
    config, _ = finished
    run = snakemake("--configfile", str(config), "--dry-run", "--nolock")
    assert "Nothing to be done" in run.stderr + run.stdout


def test_changing_one_method_runs_that_method_only(finished: Finished, tmp_path: Path) -> None:
    config, _ = finished
    data = yaml.safe_load(config.read_text())
    data["methods"]["pm6"]["dynamics"]["shift_fs"] = 3
    changed = write_yaml(data, tmp_path / "config.yaml")
    run = snakemake("--configfile", str(changed), "--dry-run", "--nolock")
    text = run.stderr + run.stdout
    jobs = _jobs(text)
    assert run.returncode == 0
    assert jobs["sample"] == 2
    assert "minimum" not in jobs and "saddle" not in jobs
    assert not re.search(r"gaff2: (aimless|committor|first|lowest|saddle)", text)
    assert re.search(r"pm6: aimless shooting, chain 1", text)


def test_more_shots_go_on_from_the_journal(finished: Finished, tmp_path: Path) -> None:
    """A longer chain begins with the very moves of the shorter one, whether resumed or run at once."""
    from separatrix import config, stages, store

    file, results = finished
    folder = results / "gaff2"
    data = yaml.safe_load(file.read_text())
    data["sampling"]["shots_per_chain"] = 16
    longer = config.load(data).settings("sample", "gaff2")
    inputs = (folder / "minimum_E.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc")
    tables = {}
    for how, journal in (("resumed", folder / "chain_1/journal"), ("at once", tmp_path / "journal")):
        stages.sample(longer, 1, *inputs, journal, tmp_path / f"{how}.nc", tmp_path / f"{how} paths.nc")
        tables[how] = store.read_dataset(tmp_path / f"{how}.nc")
    short = store.read_dataset(folder / "chain_1/shots.nc")
    for key in ("outcome", "forward", "label", "positions", "velocities", "evaluations"):
        np.testing.assert_array_equal(tables["resumed"][key].values, tables["at once"][key].values, err_msg=key)
        n = short.sizes["shot"]
        np.testing.assert_array_equal(tables["at once"][key].values[:n], short[key].values, err_msg=key)


def test_report_is_one_file_with_every_figure(finished: Finished, tmp_path: Path) -> None:
    config, results = finished
    report = tmp_path / "report.html"
    run = snakemake("--configfile", str(config), "--nolock", "--report", str(report))
    assert run.returncode == 0, run.stderr[-3000:]
    text = report.read_text()
    for category in ("Comparison", "Stationary points", "Sampling", "Reaction coordinate", "Committor"):
        assert category in text
    for item in (results / "comparison").glob("*.svg"):
        assert item.name in text, f"{item.name} is not in the report"
