"""The real workflow, at its smallest size, on real engines."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import ROOT, snakemake, write_yaml

from separatrix.core.files import read_dataset

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
        drawn = committor["draws"]
        assert [len(drawn[d]["configurations"]) for d in ("separatrix", "calibration")] == [4, 3]
        assert drawn["separatrix"]["distribution"]["n_shots"] == 16
        assert committor["calibration"]["n_shots"] == 16 + 6
        assert {"found", "baseline", "constant"} <= {r["name"] for r in committor["ranking"]}
        baseline = next(r for r in committor["ranking"] if r["name"] == "baseline")
        assert baseline["variables"] == ["cos(C6,N9,N10,C11)", "sin(C6,N9,N10,C11)"]
        fit = json.loads((folder / "coordinate.json").read_text())
        assert fit["coordinate"]["log_likelihood"] > fit["null_log_likelihood"]
        assert len(fit["intervals"]["interval"]["lower"]) == 2 and len(fit["candidates"]) == 30
        assert [s["role"] for s in fit["sets"]] == ["best", "beside"]
        # The last judgement saw the shots that the coordinate is fitted to, and the same variables in place of others.
        last = json.loads((folder / "rounds/2.json").read_text())
        same = {g["variable"]: [other["name"] for other in g["alternatives"]] for g in fit["interchangeable"]}
        assert last["variables"] == fit["coordinate"]["names"] and last["interchangeable"] == same
        rates = json.loads((folder / "rates.json").read_text())
        there = next(r for r in rates["rates"] if (r["from"], r["temperature"]) == ("Z", 300.0))
        # Eyring's formula with the barrier alone is right to a power of ten or so.
        plain = sum(6.2e12 * np.exp(-c["energy_above"]["Z"] / (8.314e-3 * 300.0)) for c in rates["channels"])
        assert 0.05 < there["rate"] / plain < 50.0
        # Three guesses: each is behind a saddle, or has led to none.
        behind = [guess for c in rates["channels"] for guess in c["guesses"]]
        assert len(behind) + len(rates["without_saddle"]) == 3 and sum(there["shares"]) == pytest.approx(1.0)
        assert [law["law"] for law in rates["laws"]] == ["arrhenius", "eyring"] * 2
    along = json.loads((results / "gaff2/rates/free_energy.json").read_text())
    # The harmonic barrier of GAFF2 is 113 kJ/mol.
    assert 85.0 < along["rate"]["barrier_forward"] < 135.0 and not along["gaps_left"]
    assert "Arrhenius" in (results / "comparison/rates.html").read_text()
    for table, word in (("candidates", "angle(N9,N10,C11)"), ("sets", "for comparison"), ("chains", "started from")):
        assert word in (results / f"comparison/{table}.html").read_text()


def test_paths_are_reactive_and_weights_add_up(finished: Finished) -> None:
    from separatrix.config.load import load
    from separatrix.core.yaml_file import read_yaml
    from separatrix.cvs.states import basin_of
    from separatrix.results.path_files import split_paths

    file, results = finished
    system = load(read_yaml(file), [file]).system
    for chain in (1, 2):
        data = read_dataset(results / f"pm6/chain_{chain}/paths.nc")
        moves = read_dataset(results / f"pm6/chain_{chain}/shots.nc").sizes["shot"]
        assert int(data.multiplicity.sum()) == moves
        for track in split_paths(data):
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
    assert jobs["sample"] in (2, 4)  # the later rounds may show only once the first is judged
    assert not {"minimum", "saddle_search", "saddle"} & jobs.keys()
    assert not re.search(r"gaff2: (aimless|committor|first|lowest|saddle)", text)
    assert re.search(r"pm6: aimless shooting, chain 1, round 1", text)


def test_a_changed_reference_runs_what_is_measured_against_it(finished: Finished, tmp_path: Path) -> None:
    """The coordinate and all that judges by it, and no shot."""
    config, results = finished
    # A copy has no record of parameters, so that nothing but the age of files counts.
    copied = shutil.copytree(results, tmp_path / "results")
    reference = shutil.copy2(ROOT / "resources/dnab/dnab_Z.xyz", tmp_path / "reference.xyz")
    os.utime(reference, (1e9, 1e9))
    data = yaml.safe_load(config.read_text())
    system = yaml.safe_load((ROOT / data["system"]).read_text())
    system["variables"]["extra"].append({"kind": "rmsd", "reference": str(reference), "name": "off Z"})
    data |= {"results_directory": str(copied), "system": str(write_yaml(system, tmp_path / "system.yaml"))}
    changed = write_yaml(data, tmp_path / "config.yaml")
    run = snakemake("--configfile", str(changed), "--dry-run", "--nolock")
    assert "Nothing to be done" in run.stderr + run.stdout
    os.utime(reference)
    run = snakemake("--configfile", str(changed), "--dry-run", "--nolock")
    jobs = _jobs(run.stderr + run.stdout)
    assert run.returncode == 0, run.stderr[-3000:]
    assert jobs["assess"] >= 2
    assert not {"sample", "first_path", "minimum", "saddle_search", "check"} & jobs.keys()
    # What follows the assessments shows once they are there.
    for method in ("gaff2", "pm6"):
        for number in (1, 2):
            (copied / method / f"rounds/{number}.json").touch()
    run = snakemake("--configfile", str(changed), "--dry-run", "--nolock")
    jobs = _jobs(run.stderr + run.stdout)
    assert jobs["variables"] == jobs["coordinate"] == 2 and "sample" not in jobs


def test_the_division_into_rounds_does_not_matter(finished: Finished, tmp_path: Path) -> None:
    """Two rounds of six shots are one of twelve, whether the journal is there or not; and one of sixteen goes on."""
    from separatrix.config.load import load
    from separatrix.workflow import sampling_stages

    file, results = finished
    folder = results / "gaff2"
    data = yaml.safe_load(file.read_text())
    inputs = (folder / "minimum_E.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc")
    two_rounds = read_dataset(folder / "chain_1/shots.nc")
    n = two_rounds.sizes["shot"]
    shutil.copytree(folder / "chain_1/journal", tmp_path / "with journal")
    for shots in (12, 16):
        data["sampling"]["shots_per_round"] = shots
        settings = load(data).settings("sample", "gaff2")
        for journal in ("with journal", "without"):
            outputs = [tmp_path / f"{journal} {shots} {name}" for name in ("shots.nc", "paths.nc", "cost.json")]
            sampling_stages.sample(settings, 1, 1, *inputs, None, tmp_path / journal, *outputs)
            table = read_dataset(outputs[0])
            assert int(table.is_shot.sum()) == shots
            for key in ("outcome", "forward", "label", "positions", "velocities", "evaluations"):
                np.testing.assert_array_equal(table[key].values[:n], two_rounds[key].values, err_msg=key)
    # The paths of the two rounds, put together, are those of the one.
    whole, parts = (read_dataset(f) for f in (tmp_path / "without 12 paths.nc", folder / "chain_1/paths.nc"))
    for key in whole.variables:
        np.testing.assert_array_equal(whole[key].values, parts[key].values, err_msg=str(key))


def test_a_tighter_criterion_goes_on_with_a_finished_run(finished: Finished, tmp_path: Path) -> None:
    """More rounds, and none of those that are there is run again."""
    config, _ = finished
    data = yaml.safe_load(config.read_text())
    data["sampling"]["max_rounds"] = 5
    changed = write_yaml(data, tmp_path / "config.yaml")
    run = snakemake("--configfile", str(changed), "--dry-run", "--nolock")
    jobs = _jobs(run.stderr + run.stdout)
    assert run.returncode == 0, run.stderr[-3000:]
    assert jobs["assess"] >= 2
    assert "sample" not in jobs or jobs["sample"] <= 4
    assert not re.search(r"aimless shooting, chain \d, round [12] ", run.stderr + run.stdout)


def test_looser_criterion_stops_earlier(finished: Finished, tmp_path: Path) -> None:
    """With a criterion that always holds, one round is enough, and the assessment says that it has converged."""
    from separatrix.config.load import load
    from separatrix.workflow import assessment

    file, results = finished
    folder = results / "gaff2"
    data = yaml.safe_load(file.read_text())
    data["sampling"] |= {
        "min_rounds": 1,
        "convergence": {"information_error": 99, "r_hat": 99, "effective_samples": 0.01, "stable_rounds": 1},
    }
    settings = load(data).settings("assess", "gaff2")
    files = {
        name: [[folder / f"chain_{c}/round_{r}/{name}.nc" for r in (1, 2)] for c in (1, 2)]
        for name in ("shots", "paths")
    }
    assessment.assess(settings, 2, files["shots"], files["paths"], [folder / "rounds/1.json"], tmp_path / "2.json")
    loose = json.loads((tmp_path / "2.json").read_text())
    strict = json.loads((folder / "rounds/2.json").read_text())
    assert strict["stop"] and not strict["converged"]
    failing = {c["name"] for c in loose["criteria"] if not c["holds"]}
    # What is left is what no bound can loosen: a coordinate that beats a constant.
    assert failing <= {"coordinate"}
    assert loose["stop"]


def test_status_tells_what_is_there(finished: Finished) -> None:
    from separatrix.results.status import of_results

    _, results = finished
    found = {m.method: m for m in of_results(results)}
    assert set(found) == {"gaff2", "pm6"}
    for method in found.values():
        assert [c.state for c in method.chains] == ["done", "done"]
        assert method.committor_shots == method.committor_wanted == 16 + 6
        assert method.verdict.startswith("stopped after 2 rounds") or method.converged
        for chain in method.chains:
            table = xr.load_dataset(results / f"{method.method}/chain_{chain.chain}/shots.nc")
            assert (chain.moves, chain.shots) == (table.sizes["shot"], int(table.is_shot.sum()))
            assert chain.accepted == int(table.accepted.sum())
            assert chain.evaluations == int(table.evaluations.sum())
            assert (chain.round, chain.rounds_done, chain.shots_in_round, chain.shots_wanted) == (2, 2, 6, 6)
            cost = json.loads((results / f"{method.method}/chain_{chain.chain}/cost.json").read_text())
            assert chain.core_seconds == pytest.approx(cost["core_seconds"], abs=0.01)


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


def test_a_molecule_of_a_series_is_two_keys_after_the_base(tmp_path: Path) -> None:
    """Snakemake merges its config files, later ones first; the series in docs/examples.md stands on it."""
    folder = ROOT / "config/examples/azobenzenes"
    molecule = yaml.safe_load((folder / "NO2.yaml").read_text())
    results = tmp_path / "results"
    own = write_yaml(molecule | {"results_directory": str(results)}, tmp_path / "mine.yaml")
    run = snakemake("--dry-run", "--nolock", "--until", "harmonic", "--configfile", str(folder / "base.yaml"), str(own))
    assert run.returncode == 0, run.stderr
    jobs = _jobs(run.stderr + run.stdout)
    jobs.pop("total")
    assert jobs == {"minimum": 2, "saddle_search": 3, "saddle": 1, "harmonic": 1}
    assert f"{results}/gfn1/rates/harmonic.json" in run.stderr + run.stdout


def test_all_routes_to_the_rate_and_more_cycles_of_one(model_run: Finished, tmp_path: Path) -> None:
    """Windows give the free energy and start paths through interfaces; a longer chain begins with the shorter one."""
    file, results = model_run
    mine = tmp_path / "results"
    shutil.copytree(results, mine)
    data = yaml.safe_load(file.read_text())
    data["results_directory"] = str(mine)
    along = {"methods": ["coupled"], "variables": ["x", "y"]}
    windows = {"windows": 14, "equilibration_fs": 500, "length_fs": 4000, "friction_per_ps": 10}
    chain = {"pilot_moves": 30, "chains": 1, "cycles": 600, "burn_in": 60, "segment_fs": 1000}
    data["rates"] = {
        "umbrella": along | windows,
        "interfaces": along | chain,
        "transmission": {"configurations": 40},
        "harmonic": {"statistics": "classical", "low_modes": "harmonic", "tunnelling": "none"},
    }
    config = write_yaml(data, tmp_path / "config.yaml")
    folder = mine / "coupled/rates"
    run = snakemake("--configfile", str(config), "--nolock", "--until", "rates")
    assert run.returncode == 0, run.stderr[-3000:]
    assert (
        "paths through frames of windows come from the reactant"
        in (mine / "coupled/logs/interface_pilot.log").read_text()
    )
    content = json.loads((mine / "coupled/rates.json").read_text())
    found = {r["route"]: r["rate"] for r in content["routes"] if (r["from"], r["temperature"]) == ("A", 300.0)}
    assert set(found) == {"harmonic", "free energy", "interfaces"}
    # 8 kT and few paths: the right power of ten.
    assert all(abs(np.log10(rate / found["harmonic"])) < 1.0 for rate in found.values()), found
    short = xr.load_dataset(folder / "interface_chain_0.nc")
    data["rates"]["interfaces"]["cycles"] = 630
    write_yaml(data, config)
    again = snakemake("--configfile", str(config), "--nolock", "--until", "rates")
    assert again.returncode == 0, again.stderr[-3000:]
    assert set(_jobs(again.stderr)) == {"interface_chain", "interface_rate", "rates", "total"}
    longer = xr.load_dataset(folder / "interface_chain_0.nc")
    assert longer.sizes["cycle"] == 630
    for name in ("highest", "frames", "outcome", "source", "flux_frames", "flux_counts"):
        np.testing.assert_array_equal(longer[name][:600], short[name], err_msg=name)
