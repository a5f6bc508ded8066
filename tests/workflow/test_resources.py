"""What jobs ask of a cluster, and the profile that takes them there."""

from __future__ import annotations

import asyncio
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from conftest import ROOT

from separatrix.config.configuration import Config
from separatrix.config.load import load
from separatrix.core.yaml_file import read_yaml
from separatrix.rates.routes.interface_route import windows_of_pilot
from separatrix.results.stage_costs import Measured, measured
from separatrix.workflow import resources, slurm

STAGES = ("check", "minimum", "guess", "saddle_search", "first_path", "sample", "restrained", "committor_shots")


@pytest.fixture(scope="module")
def loaded() -> Config:
    file = ROOT / "config/config.yaml"
    return load(read_yaml(file), [file])


@pytest.fixture(scope="module")
def many(loaded: Config) -> Config:
    """The same with five hundred times as many shots."""
    data = read_yaml(ROOT / "config/config.yaml")
    data["sampling"] |= {"shots_per_round": 10_000, "burn_in": {"shots": 1000}}
    data["committor"] |= {"configurations": 100, "shots_per_configuration": 1000, "batches": 10}
    return load(data)


def _folder(path: Path, **health: float) -> Path:
    (path / "check.json").write_text(json.dumps(health))
    return path


def test_measured_cost_comes_from_the_check_and_the_round_before(tmp_path: Path) -> None:
    assert measured(tmp_path) == Measured()
    _folder(tmp_path, ms_per_gradient=8.0, calls_per_step=1.25)
    assert measured(tmp_path) == Measured(0.01)
    cost = tmp_path / "chain_2/round_1/cost.json"
    cost.parent.mkdir(parents=True)
    cost.write_text('{"shots": 20, "core_seconds": 100.0}')
    assert measured(tmp_path, 2, 1) == Measured(0.01)
    assert measured(tmp_path, 2, 2) == Measured(0.01, 5.0)
    # Four threads were paid for, and the job took a quarter of that.
    assert measured(tmp_path, 2, 2, threads=4) == Measured(0.01, 1.25)
    assert measured(tmp_path, 1, 2) == Measured(0.01)
    for chain, steps in ((1, 900), (2, 1700)):
        file = tmp_path / f"chain_{chain}/cost.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"shots": 10, "steps": steps}))
    assert measured(tmp_path) == Measured(0.01, None, 130.0)


def test_interface_sampling_is_planned_by_the_length_of_the_paths_sampled() -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    rules = {"pilot_moves": 10, "cycles": 30, "burn_in": 10, "refresh": 4, "segment_fs": 100}
    data["rates"] = {"interfaces": rules | {"methods": ["pm6"]}}
    loaded = load(data)
    known = Measured(0.01, None, 80.0)
    # 25 interfaces, a hundred moves in all; segments of 100 steps, and a fifth for paths that end beyond them.
    walk = 12 * 100
    assert resources.seconds(loaded, "interface_chain", "pm6", known) == pytest.approx(
        1.5 * 0.01 * (walk + 25 * 40 * 80)
    )
    assert resources.seconds(loaded, "interface_pilot", "pm6", known) == pytest.approx(
        1.5 * 0.01 * (2 * walk + 25 * 60 * 80)
    )
    # While no length is known: the longest.
    longest = resources.seconds(loaded, "interface_chain", "pm6", Measured(0.01))
    assert longest == pytest.approx(1.5 * 0.01 * (walk + 25 * 40 * 2 * 400))


def test_a_pilot_that_starts_from_windows_has_room_for_their_frames() -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    rules = {"methods": ["pm6"], "variables": ["cos(C6,N9,N10,C11)"]}
    data["rates"]["umbrella"] |= rules
    data["rates"]["interfaces"] = {**rules, "pilot_moves": 10, "segment_fs": 100}
    loaded = load(data)
    assert windows_of_pilot(loaded.sections.rates, "pm6") and not windows_of_pilot(loaded.sections.rates, "gaff2")
    room = resources.memory(loaded, "interface_pilot", "pm6")
    data["rates"]["interfaces"]["variables"] = []
    other = load(data)
    assert not windows_of_pilot(other.sections.rates, "pm6")
    # 24 windows of 4080 frames of 35 atoms, 24 bytes each, twice.
    more = 2 * 24 * 102000 / 25 * 35 * 24 / 1e6
    assert room - resources.memory(other, "interface_pilot", "pm6") == pytest.approx(more, abs=100)


@pytest.mark.parametrize("text", ["", "{", '{"ms_per_gradient": null, "calls_per_step": null}', "{}"])
def test_unreadable_measurements_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "check.json").write_text(text)
    (tmp_path / "chain_1/round_1").mkdir(parents=True)
    (tmp_path / "chain_1/round_1/cost.json").write_text('{"shots": 0, "core_seconds": 0.0}')
    assert measured(tmp_path, 1, 2) == Measured()


@pytest.mark.parametrize("stage", STAGES)
def test_time_follows_the_measured_gradient(loaded: Config, stage: str) -> None:
    slow, fast = (resources.seconds(loaded, stage, "pm6", Measured(g)) for g in (0.08, 0.008))
    assert slow == pytest.approx(10 * fast)
    # Without a measurement it is what a slow machine would take.
    assert resources.seconds(loaded, stage, "pm6", Measured()) > fast


def test_estimates_cover_what_was_measured(loaded: Config) -> None:
    """Seconds and gradients of the default comparison; README.md has the numbers."""
    # 20 shots of PM6 took 3286 gradients at 8 ms in two rounds; 60 committor shots 2800.
    gradient = Measured(0.008)
    for stage, gradients in (("sample", 1643), ("committor_shots", 2800), ("minimum", 725), ("saddle_search", 700)):
        estimate = resources.seconds(loaded, stage, "pm6", gradient)
        assert gradients * 0.008 < estimate < 40 * gradients * 0.008, stage


def test_each_set_of_committor_shots_is_planned_by_its_own_size(loaded: Config) -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    pair = ["cos(C6,N9,N10,C11)", "angle(N9,N10,C11)"]
    data["committor"] = {
        "configurations": 20,
        "shots_per_configuration": 8,
        "batches": 5,
        "calibration": {"configurations": 11, "shots_per_configuration": 6},
        "map": {"variables": pair, "bins": 10, "shots_per_configuration": 2},
    }

    def half_trajectories(draw: str) -> float:
        # PM6: halves of 400 steps at most, half as much again to be safe.
        return resources.seconds(load(data), "committor_shots", "pm6", Measured(0.01), draw=draw) / (6.0)

    assert half_trajectories("separatrix") == pytest.approx(4 * 8)
    # The largest of the batches.
    assert half_trajectories("calibration") == pytest.approx(3 * 6)
    assert half_trajectories("map") == pytest.approx(20 * 2)
    data["committor"]["adaptive"] = {"half_width": 0.1, "most_shots": 30}
    assert half_trajectories("separatrix") == pytest.approx(4 * 30)


def test_restrained_ensemble_is_planned_by_its_length() -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    rules = {"walkers": 4, "equilibration_fs": 100, "length_fs": 400, "frame_fs": 5}
    data["committor"] |= {"source": "restrained", "restraint": rules}
    asked = resources.seconds(load(data), "restrained", "pm6", Measured(0.01))
    assert asked == pytest.approx(1.5 * 4 * 500 * 0.01)
    small = resources.memory(load(data), "restrained", "pm6")
    rules["length_fs"] = 1e7
    # 8 million frames of 34 atoms, 816 bytes each.
    assert resources.memory(load(data), "restrained", "pm6") - small == pytest.approx(3 * 6528, rel=0.01)


def test_later_rounds_are_planned_by_the_rounds_before(many: Config) -> None:
    known = Measured(0.008, 0.7)
    assert resources.seconds(many, "sample", "pm6", known, number=2) == pytest.approx(2 * 10_000 * 0.7)
    # The first has the burn-in too, and nothing but the longest that a shot can be.
    first = resources.seconds(many, "sample", "pm6", Measured(0.008), number=1)
    assert first == pytest.approx(1.5 * 11_000 * 2 * 400 * 0.008)


def test_each_attempt_asks_for_more_up_to_what_the_site_allows() -> None:
    asked = [resources.runtime(3600, attempt) for attempt in (1, 2, 3)]
    assert asked == [70, 140, 210]
    assert [resources.runtime(3600, attempt, longest=100) for attempt in (1, 2, 3)] == [70, 100, 100]
    assert resources.runtime(0) == 10
    assert resources.runtime(1e7, longest=1440) == 1440


def test_memory_follows_engine_size_and_attempt(loaded: Config, many: Config) -> None:
    small = resources.memory(loaded, "sample", "pm6")
    # Two Snakemakes and a script have taken 600 MB.
    assert 700 <= small <= 1500
    assert resources.memory(many, "sample", "pm6") > 3 * small
    assert resources.memory(many, "minimum", "pm6") == resources.memory(loaded, "minimum", "pm6")
    attempts = [resources.memory(loaded, "sample", "pm6", attempt) for attempt in (1, 2, 3)]
    assert attempts == sorted(set(attempts))
    data = read_yaml(ROOT / "config/config.yaml")
    data["methods"]["pm6"]["options"]["worker"] = True
    assert resources.memory(load(data), "check", "pm6") > resources.memory(loaded, "check", "pm6")


def test_memory_of_paths_follows_their_length_and_not_the_longest_that_is_allowed() -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    data["sampling"]["shots_per_round"] = 50
    asked = {}
    for limit in (1000, 10_000, 100_000):
        data["methods"]["pm6"]["dynamics"]["longest_half_fs"] = limit
        loaded = load(data)
        asked[limit] = resources.memory(loaded, "sample", "pm6", number=2)
        # Shots of 200 steps of half a femtosecond, frames of 1 fs: the limit makes no difference.
        known = Measured(0.01, 1.0, None, 200.0)
        measured = [resources.memory(loaded, "sample", "pm6", attempt, 2, known) for attempt in (1, 2, 3)]
        dynamics = loaded.methods["pm6"].dynamics
        paths = 2 * 3 * 50 * 200 * dynamics.time_step / dynamics.frame * 34 * 48 / 1e6
        assert measured == [100 * math.ceil(1.5 ** (k - 1) * (900 + paths * 2 ** (k - 1)) / 100) for k in (1, 2, 3)], (
            limit
        )
    # A guess has an upper bound, and a job that is killed for it asks for several times as much.
    assert asked[1000] < asked[10_000] <= asked[100_000] == 4900
    again = [resources.memory(loaded, "sample", "pm6", attempt) for attempt in (1, 2, 3, 4)]
    assert again[1] > 3 * again[0] and again[3] > 49_900, "what the longest paths there can be would take"


def test_length_of_shots_is_that_of_the_round_before_in_all_chains(tmp_path: Path) -> None:
    for chain, number, steps in ((1, 1, 1000), (2, 1, 3000), (1, 2, 500)):
        file = tmp_path / f"chain_{chain}/round_{number}/cost.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"shots": 10, "steps": steps, "core_seconds": 1.0}))
    found = [measured(tmp_path, chain, number).so_far for chain, number in ((1, 1), (2, 2), (1, 3), (1, 4))]
    assert found == [200.0, 200.0, 50.0, None]


def test_graphics_cards_are_asked_for_when_the_options_say_so(loaded: Config) -> None:
    from dataclasses import replace

    method = loaded.methods["gaff2"]
    for options, cards in (
        ({"file": "x.xml"}, 0),
        ({"file": "cuda.xml"}, 0),
        ({"platform": "Reference"}, 0),
        ({"platform": "CUDA"}, 1),
        ({"platform": "OpenCL"}, 1),
        ({"calculator": "mace.calculators.mace_mp", "arguments": {"device": "cuda"}}, 1),
        ({"arguments": {"model": {"device": "cuda:0"}}}, 1),
        ({"arguments": {"device": "cpu", "charge": 0}}, 0),
    ):
        assert resources.graphics_cards(replace(method, options=options)) == cards, options


def test_jobs_of_a_killed_master_are_found_by_folder_and_comment() -> None:
    text = (
        "17|rule_sample_wildcards_pm6_1_2|/runs/here\n"
        "18|rule_sample_wildcards_pm6_1_2|/runs/there\n"
        "19|rule_sample_wildcards_pm6_1_2|/runs/here\n"
        "20|rule_check_wildcards_pm6|/runs/here\n"
        "21|a|b|/runs/here\n"
        "\n"
    )

    def squeue(command, **_):
        assert command[:2] == ["squeue", "--me"]
        return subprocess.CompletedProcess(command, 0, text, "")

    assert slurm.living_jobs("/runs/here", squeue) == {
        "rule_sample_wildcards_pm6_1_2": ["17", "19"],
        "rule_check_wildcards_pm6": ["20"],
        "a|b": ["21"],
    }


@pytest.mark.parametrize("problem", [FileNotFoundError("squeue"), subprocess.CalledProcessError(1, "squeue")])
def test_no_slurm_is_no_jobs(problem: Exception) -> None:
    def squeue(*_, **__):
        raise problem

    assert slurm.living_jobs("/runs/here", squeue) == {}


class _Plugin:
    """The parts of the executor plugin that are made patient; what SLURM answers is set by the test."""

    def __init__(self) -> None:
        plugin = self
        self.answers: dict[str, str] | None = {}
        self.age: int | None = 300
        self.failed: list[str] = []

        async def query_job_status(command, logger):
            return (None, None) if plugin.answers is None else (plugin.answers, 0.1)

        class Executor:
            async def check_active_jobs(self, active_jobs):
                # As in the plugin: nothing is given back when no answer came.
                states, _ = await plugin.query_job_status("squeue", None)
                for job in active_jobs if states is not None else ():
                    if states.get(job.external_jobid) != "COMPLETED":
                        yield job

            def report_job_error(self, job, msg):
                plugin.failed.append(f"{job.external_jobid}: {msg}")

        self.query_job_status, self.get_min_job_age, self.Executor = query_job_status, lambda: plugin.age, Executor


def test_master_waits_out_slurm_and_gives_up_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPARATRIX_SLURM_PATIENCE", "100")
    plugin, now = _Plugin(), 0.0
    assert slurm.make_patient(plugin, clock=lambda: now)
    patched = plugin.Executor.check_active_jobs
    assert slurm.make_patient(plugin) and plugin.Executor.check_active_jobs is patched, "patched twice"
    jobs = [SimpleNamespace(external_jobid=str(k)) for k in (1, 2, 3)]

    async def check() -> str:
        return "".join([job.external_jobid async for job in plugin.Executor().check_active_jobs(jobs)])

    plugin.answers = {"1": "RUNNING", "2": "COMPLETED", "3": "PENDING"}
    assert asyncio.run(check()) == "13"
    # No answer: all are kept, and MinJobAge is what it was.
    assert plugin.get_min_job_age() == 300
    plugin.answers, plugin.age = None, None
    assert asyncio.run(check()) == "123"
    assert plugin.get_min_job_age() == 300
    # Lost by a slurmctld that crashed; preempted, and back before long; preempted for good.
    plugin.answers = {"2": "PREEMPTED", "3": "PREEMPTED"}
    assert asyncio.run(check()) == "123"
    now, plugin.answers = 90, {"2": "PENDING", "3": "PREEMPTED"}
    assert asyncio.run(check()) == "123"
    now, plugin.answers = 110, {"2": "PREEMPTED", "3": "PREEMPTED"}
    assert asyncio.run(check()) == "2"
    assert plugin.failed == [
        "1: SLURM job 1 is unknown and will not come back. ",
        "3: SLURM job 3 is PREEMPTED and will not come back. ",
    ]


def test_installed_plugin_has_what_is_made_patient() -> None:
    """In a process of its own, since it stays so."""
    code = "from separatrix.workflow import slurm; assert slurm.make_patient() and slurm.make_patient()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not slurm.make_patient(SimpleNamespace())


def test_snakemake_starts_without_what_only_jobs_need() -> None:
    """It starts twice in each job. OpenPathSampling would also give the root logger a handler, and double each line."""
    code = """
import logging, sys
from separatrix.config.configuration import Config
from separatrix.config.load import load
from separatrix.core.yaml_file import read_yaml

from separatrix.workflow import resources, slurm
from separatrix.theory import theory_files as files
load(read_yaml("config/config.yaml"))
assert not logging.getLogger().handlers
heavy = {"openpathsampling", "mdtraj", "matplotlib", "statsmodels", "arviz_stats", "scipy.stats"}
print(*sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


# The workflow and the profile -----------------------------------------------------------------------------------------


def test_rules_have_no_retries() -> None:
    """Inside a SLURM job they would count again: two become ten."""
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        assert not re.search(r"^\s+retries:", file.read_text(), flags=re.MULTILINE), file


def test_profile_is_what_it_should_be() -> None:
    profile = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    ordinary = yaml.safe_load((ROOT / "profiles/default/profile.yaml").read_text())
    # What is not about SLURM is as on a laptop.
    assert {k: profile[k] for k in ordinary} == ordinary
    assert profile["executor"] == "slurm"
    assert "slurm-array-jobs" not in profile and "groups" not in profile
    # An hour without slurmctld.
    assert profile["slurm-status-attempts"] / profile["max-status-checks-per-second"] >= 3600
    partitions = yaml.safe_load((ROOT / "profiles/slurm/partitions.yaml").read_text())
    assert partitions["partitions"]


def test_memory_of_umbrella_windows_follows_their_frames() -> None:
    data = read_yaml(ROOT / "config/config.yaml")
    data["rates"]["umbrella"] |= {"windows": 24, "batches": 2, "equilibration_fs": 0, "length_fs": 1e6, "frame_fs": 10}
    found = {stage: resources.memory(load(data), stage, "gaff2") for stage in ("umbrella", "free_energy")}
    data["rates"]["umbrella"]["length_fs"] = 2e6
    # 12 and 24 windows of 100,000 more frames, 34 atoms, twice.
    for stage, windows in (("umbrella", 12), ("free_energy", 24)):
        more = resources.memory(load(data), stage, "gaff2") - found[stage]
        assert more == pytest.approx(2 * windows * 1e5 * 34 * 3 * 8 / 1e6, rel=0.06)
