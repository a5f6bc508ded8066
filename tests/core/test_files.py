"""Many jobs on one file system: what one writes is whole whenever another reads it, and none waits for another."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import xarray as xr

from separatrix.core.files import read_dataset, read_json, write_dataset, write_json
from separatrix.core.journal import Journal

WRITERS, TIMES, SIZE = 4, 10, 2000


def _write(folder: Path, number: int, barrier) -> None:
    """What a job does, many times over: one file that all of them write, one of its own, and its journal."""
    table = xr.Dataset({"value": ("row", np.full(SIZE, float(number)))})
    barrier.wait()
    with Journal(folder / f"journal_{number}") as journal:
        for i in range(TIMES):
            write_json({"writer": number, "rest": [number] * SIZE}, folder / "shared.json")
            write_dataset(table, folder / "shared.nc", title="", source="")
            write_dataset(table, folder / f"own_{number}.nc", title="", source="")
            journal.write(i, {"x": np.full(3, float(number)), "number": i})


def test_files_are_whole_while_many_write_them(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS + 1)
    writers = [context.Process(target=_write, args=(tmp_path, k, barrier)) for k in range(WRITERS)]
    for writer in writers:
        writer.start()
    barrier.wait(60)
    seen = set()
    while any(writer.is_alive() for writer in writers):
        if (tmp_path / "shared.nc").exists():
            values = read_dataset(tmp_path / "shared.nc").value.values
            assert values.shape == (SIZE,) and len(set(values)) == 1
            data = read_json(tmp_path / "shared.json")
            assert data["rest"] == [data["writer"]] * SIZE
            seen.add(data["writer"])
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert len(seen) > 1, "they wrote one after the other"
    for k in range(WRITERS):
        assert (read_dataset(tmp_path / f"own_{k}.nc").value.values == k).all()
        with Journal(tmp_path / f"journal_{k}") as journal:
            records = journal.read()
        assert [r["number"] for r in records] == list(range(TIMES))
        assert all((r["x"] == k).all() for r in records)
    # Nothing half-written is left behind.
    assert not list(tmp_path.glob("**/*.part"))


def _hold(folder: Path, ready) -> None:
    with Journal(folder / "journal_1"):
        ready.wait()
        time.sleep(60)


def test_a_job_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    hanging = context.Process(target=_hold, args=(tmp_path, ready))
    hanging.start()
    try:
        ready.wait(60)
        started = time.monotonic()
        with Journal(tmp_path / "journal_2") as journal:
            journal.write(0, {"x": np.zeros(3)})
        assert time.monotonic() - started < 30.0
        assert hanging.is_alive()
    finally:
        hanging.kill()
        hanging.join()
