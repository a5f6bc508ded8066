"""Killed, stopped, starved of disk or damaged, a run goes on to the very same tables."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import ROOT, model_config, snakemake, write_yaml

# One group: its tests share finished runs, on one worker.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

Finished = tuple[Path, Path]

RUN = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from separatrix.config.load import load
    from separatrix.core.yaml_file import read_yaml
    from separatrix.core.errors import SeparatrixError
    from separatrix.workflow import sampling_stages
    file, folder, out = (Path(a) for a in sys.argv[1:])
    loaded = load(read_yaml(file), [file])
    try:
        sampling_stages.sample(
            loaded.settings("sample", folder.name), 1, 1, folder / f"minimum_{loaded.system.product}.nc",
            folder / "saddle.nc", folder / "chain_1/first_path.nc", None,
            out / "journal", out / "shots.nc", out / "paths.nc", out / "cost.json",
        )
    except SeparatrixError as error:
        sys.exit(f"separatrix: {error}")
    """
)


def _start(file: Path, folder: Path, out: Path, **options) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(file), str(folder), str(out)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def _same(a: Path, b: Path) -> None:
    one, other = xr.load_dataset(a), xr.load_dataset(b)
    assert set(one.variables) == set(other.variables)
    for key in one.variables:
        np.testing.assert_array_equal(one[key].values, other[key].values, err_msg=f"{a}: {key}")


def _same_results(a: Path, b: Path) -> None:
    """All tables of two runs; what things cost and when they were done is left out."""
    names = {f.relative_to(a) for f in a.rglob("*.nc")}
    assert names == {f.relative_to(b) for f in b.rglob("*.nc")}
    for name in names:
        _same(a / name, b / name)
    for name in ("*/coordinate.json", "*/committor.json", "*/rounds/*.json"):
        files = [f.relative_to(a) for f in a.glob(name)]
        assert files
        for file in files:
            assert json.loads((a / file).read_text()) == json.loads((b / file).read_text()), file


# One job --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "number"), [("gaff2", signal.SIGKILL), ("pm6", signal.SIGKILL), ("pm6", signal.SIGTERM)]
)
def test_killed_chain_resumes_to_the_same_numbers(
    finished: Finished, tmp_path: Path, method: str, number: signal.Signals
) -> None:
    file, results = finished
    ended = 0
    for wanted in (1, 3, 5):
        process = _start(file, results / method, tmp_path)
        limit = time.monotonic() + 240
        while len(list(tmp_path.glob("journal/*/0*.npz"))) < wanted and process.poll() is None:
            assert time.monotonic() < limit, "the chain does not get on"
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(number)
            ended += 1
        _, text = process.communicate()
        if not (tmp_path / "shots.nc").exists():
            assert not (tmp_path / "paths.nc").exists()
            if number == signal.SIGTERM:
                # Told to stop, it says so in one line and how to go on.
                assert "asked to stop (SIGTERM)" in text
                assert "the same command goes on from there" in text
    assert ended >= 1
    assert _start(file, results / method, tmp_path).wait() == 0
    _same(tmp_path / "shots.nc", results / method / "chain_1/round_1/shots.nc")
    _same(tmp_path / "paths.nc", results / method / "chain_1/round_1/paths.nc")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_chain_ended_at_random_moments(model_run: Finished, tmp_path: Path, number: signal.Signals) -> None:
    """Dozens of times, at any moment, between shots, in them, while a record is being written."""
    from separatrix.config.load import load
    from separatrix.core.errors import SeparatrixError
    from separatrix.core.yaml_file import read_yaml
    from separatrix.workflow import sampling_stages

    file, results = model_run
    folder = results / "coupled"
    settings = load(read_yaml(file), [file]).settings("sample", "coupled")
    settings["sampling"]["shots_per_round"] = 400
    inputs = (folder / "minimum_B.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc")

    def run(out: Path) -> None:
        outputs = [out / name for name in ("journal", "shots.nc", "paths.nc", "cost.json")]
        sampling_stages.sample(settings, 1, 1, *inputs, None, *outputs)

    def child(out: Path) -> None:
        try:
            run(out)
        except SeparatrixError:
            os._exit(1)
        except BaseException:
            os._exit(2)
        os._exit(0)

    (tmp_path / "whole").mkdir()
    run(tmp_path / "whole")
    out = tmp_path / "pieces"
    out.mkdir()
    moments = random.Random(7)
    ended = 0
    for _ in range(80):
        if (pid := os.fork()) == 0:
            child(out)
        time.sleep(moments.uniform(0.02, 0.3))
        os.kill(pid, number)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            break
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 1
        ended += 1
    else:
        run(out)  # a busy machine gets no further in such short times; what counts is that it was ended often
    assert ended >= 15
    for name in ("shots.nc", "paths.nc"):
        _same(out / name, tmp_path / "whole" / name)
    assert not list(out.glob("journal/*/.*.part"))


def test_damaged_record_is_done_again(finished: Finished, tmp_path: Path) -> None:
    file, results = finished
    assert _start(file, results / "gaff2", tmp_path).wait() == 0
    for name in ("shots.nc", "paths.nc"):
        (tmp_path / name).unlink()
    records = sorted(tmp_path.glob("journal/*/0*.npz"))
    records[4].write_bytes(records[4].read_bytes()[:100])
    assert _start(file, results / "gaff2", tmp_path).wait() == 0
    _same(tmp_path / "shots.nc", results / "gaff2/chain_1/round_1/shots.nc")


def test_failures_in_a_row_stop_the_job_and_lose_nothing(finished: Finished, tmp_path: Path, monkeypatch) -> None:
    """After three good shots the engine is ill for four; once it is well the chain goes on, and nothing is hidden."""
    from separatrix.config.load import load
    from separatrix.core.errors import PotentialError, SamplingError
    from separatrix.core.yaml_file import read_yaml
    from separatrix.dynamics import md_engine as dynamics
    from separatrix.workflow import sampling_stages

    file, results = finished
    folder = results / "gaff2"
    settings = load(read_yaml(file), [file]).settings("sample", "gaff2")
    settings["failures_in_a_row"] = 4
    settings["sampling"]["shots_per_round"] = 12
    inputs = (folder / "minimum_E.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc")
    outputs = [tmp_path / name for name in ("journal", "shots.nc", "paths.nc", "cost.json")]
    honest, halves = dynamics.MDEngine.run, 0

    def failing(self, *arguments, **options):
        nonlocal halves
        halves += 1
        if halves > 6:
            raise PotentialError("the engine is ill")
        return honest(self, *arguments, **options)

    monkeypatch.setattr(dynamics.MDEngine, "run", failing)
    with pytest.raises(SamplingError, match="4 shots in a row failed, the last because: the engine is ill"):
        sampling_stages.sample(settings, 1, 1, *inputs, None, *outputs)
    assert not outputs[1].exists() and not outputs[2].exists()
    good = xr.load_dataset(folder / "chain_1/shots.nc")
    records = sorted((tmp_path / "journal").glob("*/0*.npz"))
    ran = [str(o) != "off path" for o in good.outcome.values]
    assert len(records) >= 3 + 4
    monkeypatch.setattr(dynamics.MDEngine, "run", honest)
    sampling_stages.sample(settings, 1, 1, *inputs, None, *outputs)
    table = xr.load_dataset(outputs[1])
    n = int(np.searchsorted(np.cumsum(ran), 3)) + 1
    np.testing.assert_array_equal(table.outcome.values[:n], good.outcome.values[:n])
    assert (table.outcome.values == "failed").sum() == 4
    assert set(table.reason.values[table.outcome.values == "failed"]) == {"the engine is ill"}


def test_two_copies_at_once_do_the_work_once(finished: Finished, tmp_path: Path) -> None:
    file, results = finished
    first, second = (_start(file, results / "gaff2", tmp_path) for _ in range(2))
    assert first.wait() == 0 and second.wait() == 0
    _same(tmp_path / "shots.nc", results / "gaff2/chain_1/round_1/shots.nc")


# A disk that is full ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [600, 30_000])
def test_file_that_cannot_be_written_is_one_line(finished: Finished, tmp_path: Path, largest: int) -> None:
    """No file may grow beyond a bound: records fail at the small one, tables at the large one."""
    file, results = finished
    process = _start(
        file,
        results / "gaff2",
        tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
    )
    _, text = process.communicate()
    assert process.returncode == 1
    assert len(text.strip().splitlines()) == 1
    assert "cannot be written" in text and "the same command goes on" in text
    assert not list(tmp_path.glob("*.nc"))
    assert _start(file, results / "gaff2", tmp_path).wait() == 0
    _same(tmp_path / "shots.nc", results / "gaff2/chain_1/round_1/shots.nc")
    _same(tmp_path / "paths.nc", results / "gaff2/chain_1/round_1/paths.nc")


@pytest.fixture
def small_disk(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here (needs root and the right to mount)")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_loses_nothing(finished: Finished, small_disk: Path) -> None:
    file, results = finished
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(250_000))
    process = _start(file, results / "gaff2", small_disk)
    _, text = process.communicate()
    assert process.returncode == 1
    assert len(text.strip().splitlines()) == 1
    assert "cannot be written" in text
    assert not list(small_disk.glob("*.nc"))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert _start(file, results / "gaff2", small_disk).wait() == 0
    _same(small_disk / "shots.nc", results / "gaff2/chain_1/round_1/shots.nc")


# The whole workflow -----------------------------------------------------------------------------------------------


def _stamps(folder: Path) -> set[tuple[Path, int]]:
    """Files of a run as they are; the lock, which Snakemake's start-up takes, is no file of a job."""
    found = set()
    for place, _, names in os.walk(folder):
        for file in (Path(place) / name for name in names if name != ".lock"):
            # A temporary file may have been renamed meanwhile.
            with contextlib.suppress(FileNotFoundError):
                found.add((file, file.stat().st_mtime_ns))
    return found


def test_killed_workflow_ends_with_the_same_tables(model_run: Finished, tmp_path: Path) -> None:
    """kill -9 of Snakemake and of all its jobs, again and again; the same command goes on, no lock in its way."""
    _, results = model_run
    config = write_yaml(model_config(tmp_path / "results"), tmp_path / "config.yaml")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", str(config)]
    said = tmp_path / "said.txt"
    moments = random.Random(11)
    kills = 0
    for attempt in range(5):
        # The last one is left alone: on a busy machine none of the others may have come to an end.
        patience = moments.uniform(1.0, 8.0) if attempt < 4 else 900.0
        before = _stamps(tmp_path / "results")
        with said.open("w") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True, text=True
            )
        # The clock starts with the first thing that a job writes: before that a kill would hit the start-up only.
        limit = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < limit and _stamps(tmp_path / "results") <= before:
            time.sleep(0.05)
        at_work = time.monotonic() < limit
        try:
            process.wait(patience if at_work else 0)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert at_work, f"no job has written anything: {said.read_text()[-3000:]}"
            kills += 1
            continue
        assert process.returncode == 0, said.read_text()[-3000:]
        break
    assert kills >= 3
    _same_results(results, tmp_path / "results")


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for k in range(len(data) // 3, len(data) // 3 + 64):
        data[k] ^= 0xFF
    file.write_bytes(bytes(data))


def test_damaged_and_missing_results_are_made_again_by_one_run(model_run: Finished, tmp_path: Path) -> None:
    """A table, a verdict that the main process itself reads, and a file that nothing missing depends on."""
    file, results = model_run
    kept = tmp_path / "kept"
    shutil.copytree(results, kept)
    paths, verdict = results / "coupled/chain_1/round_2/paths.nc", results / "coupled/rounds/1.json"
    try:
        _flip(paths)
        verdict.write_bytes(verdict.read_bytes()[:300])
        (results / "coupled/committor.json").unlink()
        run = snakemake("--configfile", str(file))
        assert run.returncode == 0, run.stderr[-3000:]
        for victim in (paths, verdict):
            assert f"separatrix: {victim}: damaged (" in run.stderr
            assert f"moved to {victim.name}.damaged; it is made again" in run.stderr
            victim.with_name(f"{victim.name}.damaged").unlink()
        assert "Traceback" not in run.stderr
        _same_results(kept, results)
    finally:
        # Other tests share the run: what fails here must not fail there.
        shutil.rmtree(results)
        shutil.copytree(kept, results)


def test_damaged_verdict_ends_a_dry_run_in_one_line(model_run: Finished) -> None:
    file, results = model_run
    verdict = results / "coupled/rounds/1.json"
    whole, stamp = verdict.read_bytes(), verdict.stat()
    try:
        verdict.write_bytes(whole[:300])
        os.utime(verdict, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        run = snakemake("--configfile", str(file), "--dry-run")
        assert run.returncode == 1 and "Traceback" not in run.stderr
        assert f"separatrix: {verdict}: damaged, not whole JSON" in run.stderr
        assert verdict.exists()
    finally:
        verdict.write_bytes(whole)
        os.utime(verdict, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def test_everything_that_a_method_keeps_is_made_again(model_run: Finished, tmp_path: Path) -> None:
    """Files that nothing missing depends on, each removed in turn: a dry run plans the job that makes it."""
    file, results = model_run
    kept = tmp_path / "kept"
    shutil.copytree(results, kept)
    try:
        for name in (
            "minimum_A.xyz",
            "saddle_1.nc",
            "chain_2/round_1/cost.json",
            "chain_1/first_path.nc",
            "check.json",
        ):
            (results / "coupled" / name).unlink()
            run = snakemake("--configfile", str(file), "--dry-run")
            assert run.returncode == 0 and f"Missing output files: {results}/coupled/{name}" in run.stdout, name
            shutil.copy2(kept / "coupled" / name, results / "coupled" / name)
    finally:
        shutil.rmtree(results)
        shutil.copytree(kept, results)


def test_disk_that_fills_while_the_workflow_runs(model_run: Finished, small_disk: Path) -> None:
    """Results, journals and logs lie on it: a line for each job that fails, and the same command goes on."""
    _, results = model_run
    subprocess.run(["mount", "-o", "remount,size=24m", str(small_disk)], check=True)
    place = small_disk / "results"
    shutil.copytree(results, place)
    shutil.rmtree(place / "coupled/chain_2")
    config = write_yaml(model_config(place), small_disk / "config.yaml")
    room = shutil.disk_usage(small_disk).free
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(room - 150_000))
    run = snakemake("--configfile", str(config))
    assert run.returncode == 1
    assert "Traceback" not in run.stderr and "Logging error" not in run.stderr
    said = [line for line in run.stderr.splitlines() if line.startswith("separatrix: ")]
    assert said and all("No space left on device); once that is put right, the same command goes on" in s for s in said)
    with ballast.open("ab") as stream, contextlib.suppress(OSError):
        stream.write(bytes(1 << 20))
        stream.flush()
    full = snakemake("--configfile", str(config))
    # Nothing can be done where not even the beginning of a file finds room.
    assert full.returncode == 1 and f"separatrix: {place}: cannot be written (No space left" in full.stderr
    assert "rule" not in full.stderr.split("Building DAG")[-1]
    ballast.unlink()
    again = snakemake("--configfile", str(config))
    assert again.returncode == 0, again.stderr[-3000:]
    _same_results(results, place)


def test_results_that_cannot_be_written_to(model_run: Finished, small_disk: Path) -> None:
    _, results = model_run
    subprocess.run(["mount", "-o", "remount,size=24m", str(small_disk)], check=True)
    place = small_disk / "results"
    shutil.copytree(results, place)
    (place / "report.html").unlink()
    config = write_yaml(model_config(place), small_disk / "config.yaml")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    run = snakemake("--configfile", str(config))
    assert run.returncode == 1
    assert len([line for line in run.stderr.splitlines() if line.startswith("separatrix: ")]) == 1
    assert "written to" in run.stderr and "WorkflowError" not in run.stderr and "Traceback" not in run.stderr


def test_ctrl_c_ends_without_a_traceback(tmp_path: Path) -> None:
    """From the beginning of a script on, whatever it is at: before that it is Snakemake's own start-up."""
    results = tmp_path / "results"
    config = write_yaml(model_config(results), tmp_path / "config.yaml")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--nocolor", "--configfile", str(config)]
    for patience in (0.0, 1.0):
        before = set(results.glob("*/logs/*.log"))
        with (tmp_path / "said.txt").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        limit = time.monotonic() + 300
        # A log is there as soon as a script has begun.
        while set(results.glob("*/logs/*.log")) <= before and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(patience)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)
        said = (tmp_path / "said.txt").read_text()
        assert process.returncode != 0
        assert "Traceback" not in said and "KeyboardInterrupt" not in said, said[-3000:]
        for file in results.glob("*/logs/*.log"):
            file.unlink()


def test_only_one_run_at_a_time(model_run: Finished) -> None:
    from separatrix.core.errors import StoreError
    from separatrix.core.locks import hold

    file, results = model_run
    holder = "import sys, time; from separatrix.core.locks import hold; hold(sys.argv[1]); print('held', flush=True)"
    held = subprocess.Popen(
        [sys.executable, "-c", f"{holder}; time.sleep(60)", str(results)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert held.stdout.readline() == "held\n"
        run = snakemake("--configfile", str(file), "--forcerun", "figures")
        assert run.returncode == 1
        assert f"process {held.pid}" in run.stderr and "is at work here" in run.stderr
        with pytest.raises(StoreError, match="is at work here"):
            hold(results)
    finally:
        held.kill()
        held.wait()
    # The lock went with the process.
    assert snakemake("--configfile", str(file), "--forcerun", "figures").returncode == 0
