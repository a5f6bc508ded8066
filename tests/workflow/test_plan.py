"""What a comparison will cost: the schedule against closed forms, and a plan from measured costs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import openmm
import pytest
import xarray as xr
import yaml
from conftest import ROOT, snakemake, write_yaml

from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.core.files import write_dataset
from separatrix.core.yaml_file import read_yaml
from separatrix.workflow import plan
from separatrix.workflow.plan import Overhead, efficiency

NOTHING = Overhead(start=0.0, submit=0.0, notice=0.0)


def test_without_overhead_or_spread_nothing_is_lost():
    assert efficiency(8, 8, 100.0, rounds=3, spread=0.0, overhead=NOTHING) == pytest.approx(1.0)
    assert efficiency(8, 4, 100.0, rounds=3, spread=0.0, overhead=NOTHING) == pytest.approx(1.0)
    # Five jobs on four cores take the time of eight.
    assert efficiency(5, 4, 100.0, spread=0.0, overhead=NOTHING) == pytest.approx(5 / 8)


def test_one_chain_pays_all_overheads_each_round():
    overhead = Overhead(start=7.0, submit=2.0, notice=11.0)
    assert efficiency(1, 1, 80.0, rounds=4, spread=0.0, overhead=overhead) == pytest.approx(80 / 100)


def test_the_last_submitted_sets_the_end():
    overhead = Overhead(start=0.0, submit=3.0, notice=0.0)
    assert efficiency(10, 10, 60.0, spread=0.0, overhead=overhead) == pytest.approx(60 / (60 + 30))


def test_a_round_waits_for_its_slowest_chain():
    """The largest of n normal variates, for a small spread."""
    expected = np.random.default_rng(1).normal(size=(4000, 64)).max(axis=1).mean()
    found = efficiency(64, 64, 100.0, rounds=400, spread=0.02, overhead=NOTHING)
    assert 1.0 / found == pytest.approx(1.0 + 0.02 * expected, abs=0.004)


def test_plan_takes_costs_from_an_earlier_run(tmp_path: Path):
    file = Path("config/config.yaml")
    data = read_yaml(file)
    data["methods"] = {"gaff2": data["methods"]["gaff2"]}
    loaded = load(data, [])
    for chain, seconds in ((1, 30.0), (2, 50.0)):
        folder = tmp_path / f"gaff2/chain_{chain}/round_1"
        folder.mkdir(parents=True)
        write_dataset(xr.Dataset(), folder / "shots.nc", title="", source="")
        (folder / "cost.json").write_text(json.dumps({"steps": 4000, "shots": 10, "core_seconds": seconds}))
    (found,) = plan.plan(loaded, tmp_path)
    assert found.ms_per_step == pytest.approx(10.0)
    assert found.steps_per_shot == pytest.approx(400.0)
    rules = data["sampling"]
    shots = rules["chains"] * rules["max_rounds"] * rules["shots_per_round"]
    assert found.sampling_core_hours == pytest.approx(shots * 4.0 / 3600)
    # Both sets that the default config makes, on the separatrix and over all predictions.
    sets = [loaded.data["committor"], loaded.data["committor"]["calibration"]]
    committor = sum(s["configurations"] * s["shots_per_configuration"] for s in sets)
    assert committor == found.committor_shots == 10 * 6 + 6 * 6
    assert found.committor_core_hours == pytest.approx(committor * 2.0 / 3600)
    assert found.core_hours > found.sampling_core_hours + found.committor_core_hours
    (timed,) = plan.plan(loaded, tmp_path / "nothing")
    assert timed.steps_per_shot == pytest.approx(1200.0) and "timed here" in timed.source


def test_plan_counts_every_set_and_the_restrained_ensemble(tmp_path: Path):
    data = read_yaml(Path("config/config.yaml"))
    data["methods"] = {"gaff2": data["methods"]["gaff2"]}
    (plain,) = _plan(data, tmp_path)
    data["committor"] |= {
        "configurations": 125,
        "shots_per_configuration": 8,
        "batches": 5,
        "baseline": {"configurations": 10, "shots_per_configuration": 4},
        "path": {"configurations": 7, "shots_per_configuration": 3},
        "map": {"variables": ["cos(C6,N9,N10,C11)", "angle(N9,N10,C11)"], "bins": 6, "shots_per_configuration": 2},
    }
    (found,) = _plan(data, tmp_path)
    assert found.committor_shots == 1000 + 40 + 6 * 6 + 21 + 36 * 2
    # A shot has 400 steps of 10 ms, and a committor shot half of them.
    assert found.committor_core_hours == pytest.approx(found.committor_shots * 2.0 / 3600)
    assert found.jobs - plain.jobs == 5 * 5 - 2 * 2
    data["committor"] |= {"source": "restrained", "restraint": {"walkers": 3, "equilibration_fs": 50, "length_fs": 250}}
    (held,) = _plan(data, tmp_path)
    # Steps of 0.5 fs.
    assert held.committor_core_hours - found.committor_core_hours == pytest.approx(3 * 600 * 0.01 / 3600)
    assert held.jobs == found.jobs + 1
    assert held.committor_shots == found.committor_shots


def test_plan_counts_the_rates_of_methods_that_ask_for_them(tmp_path: Path):
    data = read_yaml(Path("config/config.yaml"))
    data["methods"] = {"gaff2": data["methods"]["gaff2"]}
    rules = {"windows": 10, "equilibration_fs": 100, "length_fs": 400, "batches": 3}
    data["rates"] = {"umbrella": rules | {"methods": []}, "transmission": {"configurations": 20}}
    (plain,) = _plan(data, tmp_path)
    assert plain.rates_core_hours == 0.0
    data["rates"]["umbrella"]["methods"] = ["gaff2"]
    (found,) = _plan(data, tmp_path)
    # Ten windows of 1000 steps of 0.5 fs, and twenty shots of 400 steps, 10 ms each.
    assert found.rates_core_hours == pytest.approx((10 * 1000 + 20 * 400) * 0.01 / 3600)
    assert found.core_hours - plain.core_hours == pytest.approx(found.rates_core_hours)
    assert found.jobs == plain.jobs + 5
    rules = {"pilot_moves": 10, "chains": 2, "cycles": 20, "burn_in": 5, "refresh": 5, "segment_fs": 100}
    data["rates"]["interfaces"] = rules | {"methods": ["gaff2"]}
    (more,) = _plan(data, tmp_path)
    # 25 interfaces, 60 moves of the pilot and 50 of the chains at each; 20 segments and twice 5, of 200 steps.
    steps = 25 * (60 + 50) * 400 + 30 * 200
    assert more.rates_core_hours - found.rates_core_hours == pytest.approx(steps * 0.01 / 3600)
    assert more.jobs == found.jobs + 3


def _plan(data: dict, results: Path) -> list[plan.MethodPlan]:
    """From shots of 400 steps that took 10 ms each."""
    folder = results / "gaff2/chain_1/round_1"
    folder.mkdir(parents=True, exist_ok=True)
    write_dataset(xr.Dataset(), folder / "shots.nc", title="", source="")
    (folder / "cost.json").write_text(json.dumps({"steps": 4000, "shots": 10, "core_seconds": 40.0}))
    return plan.plan(load(data, []), results)


def test_a_thousand_committor_shots_are_a_few_jobs(tmp_path: Path):
    """The plan's number of jobs is what Snakemake would send off in a dry run, which sees one round."""
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    data["results_directory"] = str(tmp_path / "results")
    data["sampling"] = {"chains": 3, "shots_per_round": 50, "max_rounds": 2, "min_rounds": 1}
    data["committor"] = {"configurations": 125, "shots_per_configuration": 8, "batches": 4, "source": "restrained"}
    data["rates"] = {
        "umbrella": {"methods": ["coupled"], "batches": 3},
        "interfaces": {"methods": ["coupled"], "chains": 2},
    }
    jobs = _dry_run(write_yaml(data, tmp_path / "config.yaml"))
    # A thousand on the separatrix, and the calibration's sixty: four batches each.
    assert jobs["committor_shots"] == 2 * 4
    snakefile = (ROOT / "Snakefile").read_text()
    local = re.findall(r"^    (\w+),$", snakefile.partition("localrules:")[2].partition("\n\n\n")[0], re.MULTILINE)
    sent = {rule: n for rule, n in jobs.items() if rule not in local}
    assert set(sent) == {
        *("check", "minimum", "saddle_search", "first_path", "sample"),
        *("restrained", "committor_shots", "umbrella", "free_energy", "transmission"),
        *("interface_pilot", "interface_chain"),
    }
    assert plan.plan(load(data, []), tmp_path)[0].jobs == sum(sent.values()) + sent["sample"]


def _dry_run(file: Path) -> Counter[str]:
    """Rule -> number of jobs."""
    run = snakemake("--configfile", str(file), "--dry-run", "--nolock", "--quiet", "rules")
    text = run.stdout + run.stderr
    assert run.returncode == 0, text
    table = text.partition("count\n")[2].partition("total")[0]
    return Counter({m[1]: int(m[2]) for m in re.finditer(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)})


def test_machine_without_the_platform_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """`separatrix plan` and `separatrix check` name the file, the method and the option."""
    data = read_yaml(Path("config/config.yaml"))
    data["methods"] = {"gaff2": data["methods"]["gaff2"]}
    data["methods"]["gaff2"]["options"]["platform"] = "CUDA"
    data["results_directory"] = str(tmp_path / "results")
    file = tmp_path / "cards.yaml"
    file.write_text(yaml.safe_dump(data))
    platforms = [openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())]
    if "CUDA" in platforms:
        pytest.skip("OpenMM has the platform here")
    for command in ("plan", "check"):
        monkeypatch.setattr("sys.argv", ["separatrix", command, str(file)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 1
        (line,) = (line for line in "\n".join(capsys.readouterr()).splitlines() if "platform" in line)
        assert f"{file}: methods.gaff2: platform: OpenMM has no 'CUDA' on this machine" in line
        assert "it has Reference" in line
