"""What snakemake-executor-plugin-slurm leaves undone: jobs of a killed master, and jobs that SLURM tells nothing of."""

from __future__ import annotations

import importlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any


def living_jobs(workdir: Path | str, run: Callable[..., Any] = subprocess.run) -> dict[str, list[str]]:
    """SLURM's numbers of our pending and running jobs from a working directory, by the executor's comment.

    The comment names the rule and its wildcards. Where SLURM gives no answer there are none.
    """
    command = ["squeue", "--me", "--noheader", "--format=%i|%k|%Z"]
    try:
        text = run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    jobs: dict[str, list[str]] = {}
    for line in text.splitlines():
        number, _, rest = line.strip().partition("|")
        comment, _, place = rest.rpartition("|")
        if place == str(workdir):
            jobs.setdefault(comment, []).append(number)
    return jobs


def patience() -> float:
    """Seconds until a job that SLURM knows no more is submitted again: SEPARATRIX_SLURM_PATIENCE, or 600."""
    return float(os.environ.get("SEPARATRIX_SLURM_PATIENCE", "600"))


def make_patient(plugin: Any = None, clock: Callable[[], float] = time.monotonic) -> bool:
    """Have the plugin's status checks survive what they do not by themselves; once, in the master.

    Seen with versions 2.6 and 2.8, each of which lets a run hang for ever:

    * When every query of a check fails, the plugin drops all jobs. Here they stay.
    * While slurmctld is away, it cannot read MinJobAge either, takes it for too short, and asks `sacct` in place of the
      `squeue` that was chosen, which without accounting fails on and on. Here the last known value counts.
    * A job that a crashed slurmctld has lost, or that was pushed out of the queue for good (PreemptMode=CANCEL), it
      waits for. Here such a job has failed after a while, and is tried again.

    Parameters
    ----------
    plugin
        Module of the plugin, where it is not the installed one.

    Returns
    -------
    Whether there was a plugin that could be helped.
    """
    try:
        plugin = plugin or importlib.import_module("snakemake_executor_plugin_slurm")
        query, min_job_age, check = plugin.query_job_status, plugin.get_min_job_age, plugin.Executor.check_active_jobs
    except (ImportError, AttributeError):
        return False
    if getattr(check, "patient", False):
        return True
    age = 10**6
    states: dict[str, str] | None = None
    since: dict[str, float] = {}

    def last_min_job_age() -> int:
        nonlocal age
        now = min_job_age()
        age = age if now is None else now
        return age

    async def remembered(*arguments: Any) -> Any:
        nonlocal states
        answer = await query(*arguments)
        states = answer[0]
        return answer

    async def check_active_jobs(self: Any, active_jobs: Sequence[Any]) -> AsyncIterator[Any]:
        nonlocal states
        states = None
        alive = [job async for job in check(self, active_jobs)]
        for job in active_jobs if states is None else alive:
            state = "" if states is None else states.get(job.external_jobid, "unknown")
            if state not in ("unknown", "PREEMPTED"):
                since.pop(job.external_jobid, None)
            elif clock() - since.setdefault(job.external_jobid, clock()) > patience():
                self.report_job_error(job, msg=f"SLURM job {job.external_jobid} is {state} and will not come back. ")
                continue
            yield job

    check_active_jobs.patient = True  # type: ignore[attr-defined]
    plugin.get_min_job_age, plugin.query_job_status = last_min_job_age, remembered
    plugin.Executor.check_active_jobs = check_active_jobs
    return True
