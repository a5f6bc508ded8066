"""`snakemake --profile profiles/slurm` on a real SLURM: the whole comparison, and every way that a job can end.

SLURM is started here, on this machine. A run's own part is short and the waiting long, so all of them are played at
once, some at a time, each in a working directory of its own, and each is a test.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import slurm_cluster
import xarray as xr
import yaml
from conftest import ROOT, small_config, write_yaml
from slurm_cluster import BROKEN_OFF, Cluster, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

# What a site without accounting does to the profile.
NO_ACCOUNTING = {
    "# slurm-status-command: squeue": "slurm-status-command: squeue",
    "slurm-efficiency-report: true": "slurm-efficiency-report: false",
}
# What a site would not choose: no time to wait.
HERE = (
    *("--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2"),
    *("--max-status-checks-per-second", "1"),
    *("--latency-wait", "10"),
)
SHOTS = "results/coupled/chain_1/round_1/shots.nc"
STARTED: list[subprocess.Popen[bytes]] = []
# The netCDF library crashes when two threads are in it at a time.
READING = threading.Lock()
PLAYS: dict[str, Callable[[Stage], float]] = {}


@dataclass
class Place:
    """A working directory with a copy of the repository: what a user has after a clone.

    Attributes
    ----------
    folder
        Where.
    cluster
        The SLURM that its jobs go to.
    nice
        How far its processes, and its jobs, stand back behind those of others.
    latest
        The Snakemake that was started last.
    """

    folder: Path
    cluster: Cluster
    nice: int = 10
    latest: subprocess.Popen[bytes] | None = None

    def snakemake(self, *arguments: str, log: str = "master.log") -> subprocess.Popen[bytes]:
        """Start Snakemake as a user does."""
        command = ["nice", "-n", str(self.nice), sys.executable, "-m", "snakemake"]
        command += ["--configfile", "config.yaml", "--nocolor", *arguments]
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONWARNINGS": "ignore", "SEPARATRIX_SLURM_PATIENCE": "40"},
                start_new_session=True,
            )
        STARTED.append(process)
        self.latest = process
        return process

    def local(self, *targets: str) -> None:
        """The same workflow without SLURM, to its end."""
        self.end(self.snakemake("--cores", "2", *targets))

    def master(self, *targets: str, partition: str = "") -> subprocess.Popen[bytes]:
        """Start Snakemake with the profile."""
        where = ("--default-resources", f"slurm_partition={partition}") if partition else ()
        return self.snakemake("--profile", "profiles/slurm", *HERE, *where, "--", *targets)

    def end(self, process: subprocess.Popen[bytes], seconds: float = 1800) -> None:
        """Wait until a run is through."""
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = "none: it hangs"
            os.killpg(process.pid, signal.SIGKILL)
        assert code == 0, f"exit status {code}\n{self.story()}"

    def story(self) -> str:
        """What is known of the runs here."""
        logs = [self.folder / "master.log", *sorted(self.folder.glob(".snakemake/slurm_logs/*/*/*.log"))]
        told = "\n".join(f"== {f.name}\n{f.read_text(errors='replace')[-3000:]}" for f in logs if f.exists())
        with contextlib.suppress(AssertionError):
            told += "\n" + "\n".join(map(str, self.jobs()))
        return told

    def jobs(self) -> list[dict[str, str]]:
        """SLURM jobs from here, in the order of their numbers."""
        return self.cluster.jobs(self.folder)

    def told_to_stop(self, job: str) -> bool:
        """Whether a SLURM job has ended by itself after a signal, and has said so."""
        return any("asked to stop (SIGTERM)" in f.read_text() for f in self.folder.glob(f".snakemake/**/{job}.log"))

    def records(self) -> dict[str, tuple[int, int]]:
        """Inode and time of each record in the journal of chain 1: a record that is written again has others."""
        found = {}
        for file in self.folder.glob("results/coupled/chain_1/journal/*/[0-9]*.npz"):
            with contextlib.suppress(FileNotFoundError):
                found[file.name] = (file.stat().st_ino, file.stat().st_mtime_ns)
        return found

    def in_the_middle(self) -> dict[str, str]:
        """Wait until the chain is well under way, and stop it there, so that a fault cannot come too late; its job.

        SLURM wakes it before it tells it to end.
        """

        def under_way() -> bool:
            assert not (self.latest and self.latest.poll()), self.story()
            return len(self.records()) >= 100

        until(under_way, "the first shots", 400, pause=0.1)
        send(self.sampling(), signal.SIGSTOP)
        return self.jobs()[-1]

    def goes_on(self) -> None:
        """Wake what was stopped in the middle."""
        send(self.sampling(), signal.SIGCONT)

    def sampling(self) -> list[int]:
        """Processes that sample here."""
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = file.read_text(errors="replace").split("\0")
                if len(words) > 1 and Path(words[1]).is_relative_to(self.folder / ".snakemake/scripts"):
                    found.append(int(file.parent.name))
        return found


@dataclass
class Stage:
    """What a play needs.

    Attributes
    ----------
    cluster
        The SLURM.
    prepared
        Place where the analytic model is ready to be sampled.
    undisturbed
        Place where chain 1 was sampled without SLURM.
    alone
        Results of the small comparison, run without SLURM at the same time.
    folder
        For what a play makes.
    """

    cluster: Cluster
    prepared: Place
    undisturbed: Place
    alone: Future[Path]
    folder: Path

    def place(self, name: str) -> Place:
        """A copy of the prepared place."""
        shutil.copytree(self.prepared.folder, self.folder / name)
        return Place(self.folder / name, self.cluster)

    def goes_on(self, place: Place, before: dict[str, tuple[int, int]], master: subprocess.Popen[bytes]) -> None:
        """The run ends well; what was on record was left alone, nothing was done twice, and the tables are the same."""
        assert len(before) < len(self.undisturbed.records()), "the fault came too late to be one"
        place.goes_on()
        place.end(master)
        after = place.records()
        assert before.items() <= after.items(), place.story()
        # Of two processes at the same moves the slower would leave younger records under smaller numbers.
        times = [after[name][1] for name in sorted(after)]
        assert times == sorted(times)
        assert sorted(after) == sorted(self.undisturbed.records())
        for name in ("shots", "paths"):
            same(place.folder / f"results/coupled/chain_1/round_1/{name}.nc", self.undisturbed.folder)


def same(file: Path, other: Path) -> None:
    """A table is, bit for bit, the one in another place."""
    name = file.relative_to(next(p for p in file.parents if p.name == "results"))
    with READING:
        one, two = xr.load_dataset(file), xr.load_dataset(other / "results" / name)
    assert set(one.variables) == set(two.variables)
    for key in one.variables:
        np.testing.assert_array_equal(one[key].values, two[key].values, err_msg=f"{file}: {key}")


def play(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """A function that is played in the background, and is a test."""

    def timed(stage: Stage) -> float:
        began = time.monotonic()
        function(stage)
        return time.monotonic() - began

    PLAYS[function.__name__] = timed
    return function


def copy_repository(folder: Path) -> None:
    """What a clone has, as it is in this moment, with a profile for a site without accounting."""
    folder.mkdir()
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("workflow", "scripts", "config", "resources", "profiles", "envs", "separatrix"):
        shutil.copytree(ROOT / name, folder / name)
    profile = folder / "profiles/slurm/profile.yaml"
    text = profile.read_text()
    for line, other in NO_ACCOUNTING.items():
        assert text.count(f"\n{line}\n") == 1
        text = text.replace(f"\n{line}\n", f"\n{other}\n")
    profile.write_text(text)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A SLURM of our own, down again in the end."""
    if os.environ.get("SEPARATRIX_TEST_SLURM") != "1":
        pytest.skip("starts a SLURM of its own, as root, for several minutes: set SEPARATRIX_TEST_SLURM=1")
    if why := slurm_cluster.missing():
        pytest.skip(why)
    slurm_cluster.stop_stale()
    # A test session that is told to end takes SLURM down too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        started = Cluster(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()
            signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def stage(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The analytic model with everything that sampling starts from, and sampled once without SLURM."""
    folder = tmp_path_factory.mktemp("slurm")
    prepared, undisturbed = (Place(folder / name, cluster) for name in ("prepared", "undisturbed"))
    copy_repository(prepared.folder)
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    data["results_directory"] = "results"
    data["sampling"] = {"chains": 1, "shots_per_round": 600, "max_rounds": 1}
    write_yaml(data, prepared.folder / "config.yaml")
    prepared.local("results/coupled/chain_1/first_path.nc")
    shutil.copytree(prepared.folder, undisturbed.folder)
    undisturbed.local(SHOTS)
    return Stage(cluster, prepared, undisturbed, Future(), folder)


@pytest.fixture(scope="module")
def plays(stage: Stage, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[float]]]:
    """The plays that were asked for, under way."""
    items = (i for i in request.session.items if i.module is request.module)
    wanted = [i.callspec.params["name"] for i in items if hasattr(i, "callspec")]
    with ThreadPoolExecutor(6) as pool:
        under_way = {name: pool.submit(PLAYS[name], stage) for name in wanted}
        try:
            stage.alone.set_result(request.getfixturevalue("finished")[1])
        except Exception as error:
            stage.alone.set_exception(error)
        yield under_way
        # Only what a test session that is broken off leaves under way.
        BROKEN_OFF.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in STARTED:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    BROKEN_OFF.clear()


# The plays ------------------------------------------------------------------------------------------------------------


@play
def the_whole_comparison(stage: Stage) -> None:
    """DNAB by two methods, on two nodes: the same tables as without SLURM, and nothing left lying about."""
    folder = stage.folder / "comparison"
    copy_repository(folder)
    write_yaml(small_config(Path("results")), folder / "config.yaml")
    # This is what takes longest; all else can wait for it.
    place = Place(folder, stage.cluster, nice=0)
    before = {f.name for f in folder.iterdir()}
    place.end(place.master())
    assert {f.name for f in folder.iterdir()} - before <= {"results", ".snakemake", "master.log"}
    results, alone = folder / "results", stage.alone.result()
    names = {f.relative_to(alone) for f in alone.rglob("*.nc")}
    assert len(names) > 40 and names == {f.relative_to(results) for f in results.rglob("*.nc")}
    for name in names:
        same(results / name, alone.parent)
    for pattern in ("*/coordinate.json", "*/committor.json", "*/rounds/*.json", "*/rates.json", "*/rates/*.json"):
        files = [f.relative_to(alone) for f in alone.glob(pattern)]
        assert files
        for file in files:
            assert (results / file).read_text() == (alone / file).read_text(), file
    assert (results / "comparison/comparison.csv").exists() and (results / "report.html").exists()
    assert "Failed to retrieve job data" not in (folder / "master.log").read_text()
    jobs = place.jobs()
    assert {j["node"] for j in jobs} == set(slurm_cluster.PARTITIONS["main"])
    # Another play takes slurmctld away: what starts just then finds none, and is submitted again.
    lost = [j for j in jobs if j["state"] != "COMPLETED"]
    for job in lost:
        (log,) = folder.glob(f".snakemake/slurm_logs/**/{job['id']}.log")
        assert job["state"] == "FAILED" and "Unable to contact slurm controller" in log.read_text(), job
    # Short rules stay with the master, and a batch of committor shots is one job; there are two sets of two.
    counts = Counter(j["comment"].partition("_wildcards_")[0].removeprefix("rule_") for j in jobs if j not in lost)
    twice = {"check": 1, "minimum": 2, "saddle_search": 3, "first_path": 2, "sample": 4, "committor_shots": 4}
    assert counts == {rule: 2 * n for rule, n in twice.items()} | {"umbrella": 2, "free_energy": 1, "transmission": 1}


@play
def a_killed_master(stage: Stage) -> None:
    """kill -9 of Snakemake, twice; its job lives on.

    The second master cannot take the job over, so it submits another, which SLURM starts only when the first has
    ended: no processor is held by a job that waits. The second job then finds all moves on record. The third master
    comes after both, takes what they have left for what it is, and submits nothing.
    """
    place = stage.place("master")
    first = place.master(SHOTS)
    job = place.in_the_middle()
    os.killpg(first.pid, signal.SIGKILL)
    second = place.master(SHOTS)
    until(lambda: len(place.jobs()) == 2, "the second job", 200)
    twin = place.jobs()[-1]
    assert twin["state"] == "PENDING" and twin["reason"] == "Dependency"
    before = place.records()
    os.killpg(second.pid, signal.SIGKILL)
    place.goes_on()
    until(lambda: {job["id"], twin["id"]} <= ended(place), "the end of both jobs", 400)
    assert len(place.records()) == len(stage.undisturbed.records())
    stage.goes_on(place, before, place.master(SHOTS))
    assert [j["state"] for j in place.jobs()] == ["COMPLETED"] * 2


@play
def a_cancelled_job(stage: Stage) -> None:
    """`scancel`: the job stops cleanly, and is submitted again."""
    place = stage.place("cancelled")
    master = place.master(SHOTS)
    job = place.in_the_middle()
    stage.cluster.ask("scancel", job["id"])
    before = until(lambda: job["id"] in ended(place) and place.records(), "the end of the job", 200)
    stage.goes_on(place, before, master)
    assert [j["state"] for j in place.jobs()] == ["CANCELLED", "COMPLETED"]
    assert place.told_to_stop(job["id"])


def ended(place: Place) -> set[str]:
    """Jobs that are over."""
    states = ("CANCELLED", "COMPLETED", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT")
    return {j["id"] for j in place.jobs() if j["state"] in states}


@play
def a_job_at_its_time_limit(stage: Stage) -> None:
    """It stops cleanly, and the next attempt asks for more time. SLURM looks at time limits every 30 s."""
    place = stage.place("time limit")
    master = place.master(SHOTS)
    job = place.in_the_middle()
    stage.cluster.ask("scontrol", "update", f"JobId={job['id']}", "EndTime=now+2")
    before = until(lambda: job["id"] in ended(place) and place.records(), "the end of the job", 200)
    stage.goes_on(place, before, master)
    first, second = place.jobs()
    assert (first["state"], second["state"]) == ("TIMEOUT", "COMPLETED")
    assert place.told_to_stop(job["id"])
    assert minutes(second) > minutes(job)


def minutes(job: dict[str, str]) -> int:
    """Time limit of a job of some hours at most."""
    hours, minutes, _ = f"0:{job['limit']}".split(":")[-3:]
    return 60 * int(hours) + int(minutes)


@play
def a_preempted_job(stage: Stage) -> None:
    """An urgent job takes the node; SLURM puts ours back into the queue, and it goes on afterwards."""
    place = stage.place("preempted")
    master = place.master(SHOTS, partition="cheap")
    job = place.in_the_middle()
    stage.cluster.urgent_job(job["node"])
    until(lambda: place.jobs()[-1]["state"] == "PENDING", "preemption", 200)
    stage.goes_on(place, place.records(), master)
    assert [j["id"] for j in place.jobs()] == [job["id"]]
    assert "Restarts=1" in stage.cluster.ask("scontrol", "show", "job", job["id"])


@play
def a_job_pushed_out_for_good(stage: Stage) -> None:
    """PreemptMode=CANCEL: SLURM does not put the job back, so Snakemake submits another, after a while."""
    place = stage.place("pushed out")
    master = place.master(SHOTS, partition="cheapest")
    job = place.in_the_middle()
    stage.cluster.urgent_job(job["node"])
    before = until(lambda: job["id"] in ended(place) and place.records(), "the end of the job", 200)
    stage.goes_on(place, before, master)
    assert [j["state"] for j in place.jobs()] == ["PREEMPTED", "COMPLETED"]
    assert place.told_to_stop(job["id"])
    assert f"SLURM job {job['id']} is PREEMPTED and will not come back" in place.story()


@play
def a_job_that_slurm_has_lost(stage: Stage) -> None:
    """squeue tells nothing of the job any more, as after a crash of slurmctld; it is submitted again, after a while.

    The executor asks for all jobs of a run by the run's name, so a job of another name is out of its sight.
    """
    place = stage.place("lost")
    master = place.master(SHOTS)
    job = place.in_the_middle()
    stage.cluster.ask("scontrol", "update", f"JobId={job['id']}", "JobName=lost")
    stage.cluster.ask("scancel", job["id"])
    before = until(lambda: job["id"] in ended(place) and place.records(), "the end of the job", 200)
    stage.goes_on(place, before, master)
    assert [j["state"] for j in place.jobs()] == ["CANCELLED", "COMPLETED"]
    assert f"SLURM job {job['id']} is unknown and will not come back" in place.story()


# In front of the script that samples. In the middle of the chain it takes more memory than the job has asked for, and
# stops there until it is killed; the next time it takes as much again and goes on.
HUNGRY = """
import os, pathlib, signal, threading, time

def eat():
    place = pathlib.Path("results/coupled/chain_1/journal")
    while sum(1 for _ in place.glob("*/[0-9]*.npz")) < 100 or not pathlib.Path("megabytes").exists():
        time.sleep(0.02)
    again = pathlib.Path("eaten").exists()
    pathlib.Path("eaten").touch()
    global eaten
    # 500 MB are there without.
    eaten = b"x" * int((1.2 * int(pathlib.Path("megabytes").read_text()) - 400) * 1e6)
    if not again:
        os.kill(os.getpid(), signal.SIGSTOP)

threading.Thread(target=eat, daemon=True).start()
"""


@play
def a_job_that_runs_out_of_memory(stage: Stage) -> None:
    """It is killed at once, and the next attempt asks for more; what is on record stays."""
    place = stage.place("memory")
    script = place.folder / "scripts/stage.py"
    hungry = textwrap.indent(HUNGRY, "    ")
    script.write_text(f'if snakemake.rule == "sample":\n{hungry}\n{script.read_text()}')
    master = place.master(SHOTS)
    (job,) = until(place.jobs, "the job", 400)
    (place.folder / "megabytes").write_text(str(stage.cluster.megabytes(job["id"])))
    before = until(lambda: job["id"] in ended(place) and place.records(), "its end", 400)
    stage.goes_on(place, before, master)
    first, second = place.jobs()
    assert (first["state"], second["state"]) == ("FAILED", "COMPLETED")
    assert stage.cluster.megabytes(second["id"]) > 1.2 * stage.cluster.megabytes(first["id"])
    assert not place.told_to_stop(job["id"])
    assert "exceeded memory limit" in place.story()


@play
def a_node_that_loses_power(stage: Stage) -> None:
    """Its slurmd and all that ran there are gone at once; SLURM starts the job again on another node."""
    place = stage.place("power")
    master = place.master(SHOTS, partition="frail")
    job = place.in_the_middle()
    stage.cluster.cut_power(job["node"])
    stage.goes_on(place, place.records(), master)
    (again,) = place.jobs()
    assert again["id"] == job["id"] and again["node"] != job["node"]


@play
def a_node_out_of_reach(stage: Stage) -> None:
    """Only its slurmd is gone: the job lives on while SLURM starts its twin, which waits and finds the work done.

    The job's processes are stopped until the twin is there, so that both are.
    """
    place = stage.place("reach")
    master = place.master(SHOTS, partition="remote")
    job = place.in_the_middle()
    processes = stage.cluster.steps(job["node"], job["id"])
    send(processes, signal.SIGSTOP)
    before = place.records()
    stage.cluster.kill(job["node"])
    twin = until(
        lambda: [j for j in place.jobs() if j["state"] == "RUNNING" and j["node"] != job["node"]], "the twin", 200
    )
    until(lambda: waiting(stage.cluster, twin[0]), "the twin to wait", 200)
    assert place.records() == before
    send(processes, signal.SIGCONT)
    stage.goes_on(place, before, master)
    # Both bear one number, so SLURM takes the end of the first one's step for that of the twin's, and kills the twin
    # where it is not through by then. Snakemake then submits another, which finds the work done.
    *lost, last = place.jobs()
    assert [(j["id"], j["node"], j["state"]) for j in lost] in ([], [(job["id"], twin[0]["node"], "FAILED")])
    assert (last["node"], last["state"]) == (twin[0]["node"], "COMPLETED")
    assert bool(lost) == (last["id"] != job["id"])


def send(processes: list[int], number: signal.Signals) -> None:
    """A signal to those that are still there."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def waiting(cluster: Cluster, job: dict[str, str]) -> bool:
    """Whether a process of a job waits for a lock."""
    waiters = {line.split()[5] for line in Path("/proc/locks").read_text().splitlines() if "->" in line}
    return bool(waiters & {str(pid) for pid in cluster.steps(job["node"], job["id"])})


@play
def a_method_on_a_graphics_card(stage: Stage) -> None:
    """`platform: CUDA` brings a job to the node with graphics cards; these are none, so it fails."""
    folder = stage.folder / "cards"
    copy_repository(folder)
    data = small_config(Path("results"))
    data["methods"]["gaff2"]["options"]["platform"] = "CUDA"
    write_yaml(data, folder / "config.yaml")
    place = Place(folder, stage.cluster)
    master = place.snakemake("--profile", "profiles/slurm", *HERE, "--retries", "0", "--", "results/gaff2/check.json")
    assert master.wait(400) == 1, place.story()
    (job,) = place.jobs()
    assert (job["node"], job["state"]) == ("node1", "FAILED")
    assert "gpu:1" in stage.cluster.ask("scontrol", "show", "job", job["id"])
    assert any("CUDA" in f.read_text() for f in place.folder.glob(f".snakemake/slurm_logs/**/{job['id']}.log"))


@play
def a_controller_that_restarts(stage: Stage) -> None:
    """slurmctld is away for a while: the job does not notice, and the master waits."""
    place = stage.place("controller")
    master = place.master(SHOTS)
    job = place.in_the_middle()
    before = place.records()
    stage.cluster.kill("slurmctld", signal.SIGTERM)
    place.goes_on()
    time.sleep(20)
    stage.cluster.start_controller()
    stage.goes_on(place, before, master)
    assert [(j["id"], j["state"]) for j in place.jobs()] == [(job["id"], "COMPLETED")]


@pytest.mark.parametrize("name", PLAYS)
def test_on_slurm(name: str, plays: dict[str, Future[float]]) -> None:
    print(f"{name}: {plays[name].result():.0f} s")
