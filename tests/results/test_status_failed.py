"""What `separatrix status` says of jobs that have failed."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from separatrix.cli.main import app
from separatrix.core.errors import StationaryError, StoreError
from separatrix.core.files import write_json
from separatrix.results import status
from separatrix.workflow.scripting import logged


def job(folder: Path, name: str, error: Exception | None, at: float) -> None:
    """Run a script's work that ends with an error, or well, as the workflow does."""
    log = folder / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    before, level, interrupt = root.handlers[:], root.level, signal.getsignal(signal.SIGINT)
    try:
        with logged(SimpleNamespace(log=[log], input=[], output=[], wildcards={}, rule=name)):
            logging.getLogger("separatrix").info("10:00:00 error: is what this line is about")
            if error is not None:
                raise error
    except (SystemExit, ZeroDivisionError):
        pass
    finally:
        for handler in root.handlers:
            handler.close()
        signal.signal(signal.SIGINT, interrupt)
        root.handlers[:] = before
        root.setLevel(level)
    os.utime(log, (at, at))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_json({}, tmp_path / "pm6" / "check.json")
    return tmp_path


def test_a_failed_stage_is_named_with_its_reason(results: Path) -> None:
    reason = "no saddle found; eclipsed: a minimum in no basin at CCCC 179.3 degree"
    job(results / "pm6", "minimum_A", None, 1.0)
    job(results / "pm6", "saddle", StationaryError(reason), 3.0)
    job(results / "pm6", "first_path_1", ZeroDivisionError("division by zero"), 2.0)
    (found,) = status.of_results(results)
    assert list(found.failed.items()) == [
        ("first_path_1", "ZeroDivisionError: division by zero"),
        ("saddle", reason),
    ]
    assert found.to_dict()["failed"]["saddle"] == reason
    shown = " ".join(CliRunner().invoke(app, ["status", str(results)]).stdout.split())
    assert f"pm6: saddle failed: {reason} pm6: last finished stage: check" in shown
    assert "pm6 failed" in shown


def test_a_job_that_was_mended_is_no_longer_failed(results: Path) -> None:
    job(results / "pm6", "saddle", StationaryError("no saddle found"), 1.0)
    job(results / "pm6", "saddle", None, 2.0)
    (found,) = status.of_results(results)
    assert found.failed == {}


def test_a_method_whose_first_stage_failed_is_there(tmp_path: Path) -> None:
    job(tmp_path / "gfn2", "check", StationaryError("no engine"), 1.0)
    (found,) = status.of_results(tmp_path)
    assert (found.method, found.stage, found.failed) == ("gfn2", "none", {"check": "no engine"})
    with pytest.raises(StoreError, match="no results of a run"):
        status.of_results(tmp_path / "gfn2")
