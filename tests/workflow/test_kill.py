"""A chain that is killed goes on to the very same table; damaged records are done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

# One group: its tests share one finished run, on one worker.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag")]

Finished = tuple[Path, Path]

RUN = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from separatrix import config, stages
    file, folder, out = (Path(a) for a in sys.argv[1:])
    settings = config.load(config.read_yaml(file), [file]).settings("sample", folder.name)
    stages.sample(
        settings, 1, folder / "minimum_E.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc",
        out / "journal", out / "shots.nc", out / "paths.nc",
    )
    """
)


def _start(file: Path, folder: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(file), str(folder), str(out)])


def _same(a: Path, b: Path) -> None:
    one, other = xr.load_dataset(a), xr.load_dataset(b)
    for key in one.variables:
        np.testing.assert_array_equal(one[key].values, other[key].values, err_msg=str(key))


@pytest.mark.parametrize("method", ["gaff2", "pm6"])
def test_killed_chain_resumes_to_the_same_numbers(finished: Finished, tmp_path: Path, method: str) -> None:
    file, results = finished
    kills = 0
    for wanted in (2, 5, 9):
        process = _start(file, results / method, tmp_path)
        limit = time.monotonic() + 240
        while len(list(tmp_path.glob("journal/*/0*.npz"))) < wanted and process.poll() is None:
            assert time.monotonic() < limit, "the chain does not get on"
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        if not (tmp_path / "shots.nc").exists():
            assert not (tmp_path / "paths.nc").exists()
    assert kills >= 1
    assert _start(file, results / method, tmp_path).wait() == 0
    _same(tmp_path / "shots.nc", results / method / "chain_1/shots.nc")
    _same(tmp_path / "paths.nc", results / method / "chain_1/paths.nc")


def test_damaged_record_is_done_again(finished: Finished, tmp_path: Path) -> None:
    file, results = finished
    assert _start(file, results / "gaff2", tmp_path).wait() == 0
    for name in ("shots.nc", "paths.nc"):
        (tmp_path / name).unlink()
    records = sorted(tmp_path.glob("journal/*/0*.npz"))
    records[4].write_bytes(records[4].read_bytes()[:100])
    assert _start(file, results / "gaff2", tmp_path).wait() == 0
    _same(tmp_path / "shots.nc", results / "gaff2/chain_1/shots.nc")


def test_failures_in_a_row_stop_the_job_and_lose_nothing(finished: Finished, tmp_path: Path, monkeypatch) -> None:
    """After three good shots the engine is ill for four; once it is well the chain goes on, and nothing is hidden."""
    from separatrix import config, dynamics, stages
    from separatrix.errors import PotentialError, SamplingError

    file, results = finished
    folder = results / "gaff2"
    settings = config.load(config.read_yaml(file), [file]).settings("sample", "gaff2")
    settings["failures_in_a_row"] = 4
    inputs = (folder / "minimum_E.nc", folder / "saddle.nc", folder / "chain_1/first_path.nc")
    outputs = (tmp_path / "journal", tmp_path / "shots.nc", tmp_path / "paths.nc")
    honest, halves = dynamics.Engine.generate, 0

    def failing(self, *arguments, **options):
        nonlocal halves
        halves += 1
        if halves > 6:
            raise PotentialError("the engine is ill")
        return honest(self, *arguments, **options)

    monkeypatch.setattr(dynamics.Engine, "generate", failing)
    with pytest.raises(SamplingError, match="4 shots in a row failed, the last because: the engine is ill"):
        stages.sample(settings, 1, *inputs, *outputs)
    assert not outputs[1].exists() and not outputs[2].exists()
    good = xr.load_dataset(folder / "chain_1/shots.nc")
    records = sorted((tmp_path / "journal").glob("*/0*.npz"))
    ran = [str(o) != "off path" for o in good.outcome.values]
    assert len(records) >= 3 + 4
    monkeypatch.setattr(dynamics.Engine, "generate", honest)
    stages.sample(settings, 1, *inputs, *outputs)
    table = xr.load_dataset(outputs[1])
    n = int(np.searchsorted(np.cumsum(ran), 3)) + 1
    np.testing.assert_array_equal(table.outcome.values[:n], good.outcome.values[:n])
    assert (table.outcome.values == "failed").sum() == 4
    assert set(table.reason.values[table.outcome.values == "failed"]) == {"the engine is ill"}


def test_two_copies_at_once_do_the_work_once(finished: Finished, tmp_path: Path) -> None:
    file, results = finished
    first, second = (_start(file, results / "gaff2", tmp_path) for _ in range(2))
    assert first.wait() == 0 and second.wait() == 0
    _same(tmp_path / "shots.nc", results / "gaff2/chain_1/shots.nc")
