"""A real SLURM on this machine: munged, slurmctld, and a slurmd for each of several virtual nodes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

CONF = Path("/etc/slurm/slurm.conf")
GRES = CONF.with_name("gres.conf")
MARK = "# written by separatrix/tests/slurm; process"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")

# Set when a test session is told to end, so that nothing waits on.
BROKEN_OFF = threading.Event()

# Job steps find no configuration but /etc/slurm/slurm.conf: SLURM_CONF does not reach them.
TEMPLATE = """\
{mark} {pid}
ClusterName=separatrix
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
# A requeued job waits for the credentials of its first start to expire; 120 s by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=8
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
MpiDefault=none
PropagatePrioProcess=1
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# A step that takes more memory than its job has asked for is killed, as at sites with control groups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
# Pretended processors and graphics cards.
SlurmdParameters=config_overrides
GresTypes=gpu
SelectType=select/cons_tres
# To the least loaded node, so that few jobs use both nodes, too.
SelectTypeParameters=CR_Core_Memory,CR_LLN
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=8
# A node whose job does not end for so long is drained, and slurmctld may be away for that long here.
UnkillableStepTimeout=300
SlurmdTimeout=15
SlurmctldTimeout=10
MessageTimeout=10
# squeue goes on telling how a job ended.
MinJobAge=3600
{nodes}
{partitions}
"""

# Two ordinary nodes, one of them with graphics cards; twice two of which one is to be lost; one where urgent jobs push
# cheap ones back into the queue, and one where they push them out for good.
PARTITIONS = {
    "main": ("node1", "node2"),
    "frail": ("node3", "node4"),
    "remote": ("node5", "node6"),
    "cheap": ("node7",),
    "cheapest": ("node8",),
}
NODES = tuple(node for nodes in PARTITIONS.values() for node in nodes)


def missing() -> str:
    """Why no SLURM can be started here; empty when one can."""
    if os.geteuid() != 0:
        return "slurmctld and slurmd need root"
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"no {', '.join(absent)}: scripts/system-packages slurm-wlm munge"
    for file in (CONF, GRES):
        if file.exists():
            first = file.read_text().partition("\n")[0]
            if not first.startswith(MARK):
                return f"{file} belongs to a SLURM that is not ours"
            if _alive(int(first.split()[-1])):
                return f"another test session has its SLURM in {CONF}"
    return ""


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def until(condition: Callable[[], object], what: str, seconds: float = 60.0, pause: float = 0.4) -> object:
    """Wait for something that is true, and give it back."""
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert not BROKEN_OFF.is_set(), f"waited for {what} when the tests were broken off"
        assert time.monotonic() < limit, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(pause)
    return value


def _ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [d for child in children.read_text().split() for d in descendants(int(child))]
    return found


class Cluster:
    """The daemons, their folder, and what one asks of them.

    Parameters
    ----------
    folder
        For state, logs and sockets; short, since a socket's path may have 107 characters.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Write the configuration, start everything, and wait until all nodes are idle."""
        controller, *ports = _ports(1 + len(NODES))
        lines = [
            f"NodeName={name} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={port} "
            f"CPUs=8 RealMemory=64000 State=UNKNOWN{' Gres=gpu:2' if name == 'node1' else ''}"
            for name, port in zip(NODES, ports, strict=True)
        ]
        partitions = [
            f"PartitionName={name} Nodes={','.join(nodes)} Default={'YES' if name == 'main' else 'NO'} PriorityTier=1"
            f"{' PreemptMode=CANCEL' if name == 'cheapest' else ''}"
            for name, nodes in PARTITIONS.items()
        ]
        urgent = ",".join(PARTITIONS["cheap"] + PARTITIONS["cheapest"])
        partitions.append(f"PartitionName=urgent Nodes={urgent} PriorityTier=10 PreemptMode=OFF")
        for sub in ("state", *(f"spool.{name}" for name in NODES)):
            (self.folder / sub).mkdir(parents=True)
        CONF.parent.mkdir(exist_ok=True)
        CONF.write_text(
            TEMPLATE.format(
                mark=MARK,
                pid=os.getpid(),
                host=socket.gethostname(),
                port=controller,
                folder=self.folder,
                nodes="\n".join(lines),
                partitions="\n".join(partitions),
            )
        )
        GRES.write_text(f"{MARK} {os.getpid()}\nNodeName=node1 Name=gpu File=/dev/null,/dev/zero\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        # A folder of its own, with the rights that munged insists on.
        self.folder.chmod(0o755)
        options = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "log-file": "munge.log"}
        options["seed-file"] = "munge.seed"
        self._run(
            "munged", "munged", "--foreground", "--force", *(f"--{k}={self.folder / v}" for k, v in options.items())
        )
        until((self.folder / "munge.socket").exists, "munged")
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        until(lambda: self.nodes().count("idle") == len(NODES), "idle nodes")

    def _run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def start_controller(self) -> None:
        """Start slurmctld, with whatever state it left."""
        self._run("slurmctld", "slurmctld", "-D")

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        self._run(name, "slurmd", "-D", "-N", name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a daemon, by itself."""
        process = self._daemons.pop(name)
        process.send_signal(number)
        process.wait()

    def cut_power(self, name: str) -> None:
        """End the slurmd of a node and everything that runs there."""
        victims = self.steps(name)
        self.kill(name)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def steps(self, name: str, job: str = "") -> list[int]:
        """All processes of a node's job steps, of one job if given; slurmstepd only where no job is given."""
        marks = [f"SLURMD_NODENAME={name}\0".encode(), f"SLURM_JOB_ID={job}\0".encode() if job else b""]
        roots = []
        for file in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if all(mark in file.read_bytes() for mark in marks):
                    roots.append(int(file.parent.name))
        if job:
            return roots
        managers = set()
        for pid in roots:
            with contextlib.suppress(OSError):
                parent = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
                if "slurmstepd" in (Path("/proc") / str(parent) / "comm").read_text():
                    managers.add(parent)
        # The managers first: they would report the death of their tasks.
        return [*managers, *(d for pid in roots for d in descendants(pid))]

    def stop(self) -> None:
        """End everything, and leave no trace in /etc/slurm."""
        with contextlib.suppress(subprocess.SubprocessError, AssertionError):
            subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=20)
            until(lambda: not self.jobs(states="running,completing,pending"), "the end of all jobs", 15)
        for name in NODES:
            for pid in self.steps(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for name in (*NODES, "slurmctld", "munged"):
            if name in self._daemons:
                self.kill(name, signal.SIGTERM if name == "munged" else signal.SIGKILL)
        for file in (CONF, GRES):
            if file.exists() and file.read_text().startswith(f"{MARK} {os.getpid()}\n"):
                file.unlink()

    # What one asks.

    def ask(self, *command: str) -> str:
        """Output of a SLURM command, asked again while the controller is away."""

        def answer() -> list[str]:
            run = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if run.returncode == 0:
                return [run.stdout]
            assert "Unable to contact" in run.stderr or "timed out" in run.stderr, f"{command}: {run.stderr}"
            return []

        return until(answer, " ".join(command), 90)[0]

    def urgent_job(self, node: str) -> None:
        """Submit a job that takes a whole node, for a second, before all others."""
        where = ("-p", "urgent", "-w", node, "-c", "8", "-D", str(self.folder), "-o", "/dev/null")
        self.ask("sbatch", *where, "--wrap", "sleep 1")

    def megabytes(self, job: str) -> int:
        """Memory that a job has asked for."""
        told = self.ask("scontrol", "show", "job", job)
        amount, unit = re.search(r"MinMemoryNode=([0-9.]+)([MG])", told).groups()
        return round(float(amount) * {"M": 1, "G": 1024}[unit])

    def nodes(self) -> list[str]:
        """State of each node."""
        run = subprocess.run(
            ["sinfo", "-h", "-N", "-p", ",".join(PARTITIONS), "-o", "%t"], capture_output=True, text=True
        )
        return run.stdout.split() if run.returncode == 0 else []

    def jobs(self, workdir: Path | None = None, states: str = "all") -> list[dict[str, str]]:
        """Jobs, the latest last; of one working directory if given."""
        fields = {"id": "i", "state": "T", "node": "N", "comment": "k", "workdir": "Z", "partition": "P", "name": "j"}
        fields |= {"limit": "l", "reason": "r"}
        text = self.ask(
            "squeue", "--noheader", f"--states={states}", "-S", "i", "-o", "|".join(f"%{c}" for c in fields.values())
        )
        rows = [dict(zip(fields, line.split("|"), strict=True)) for line in text.splitlines()]
        return [r for r in rows if workdir is None or r["workdir"] == str(workdir)]


def stop_stale() -> None:
    """End what a killed test session has left: whatever has a file open in the folder that its configuration names."""
    if not CONF.exists():
        return
    lines: Iterable[str] = CONF.read_text().splitlines()
    folder = Path(next(line.partition("=")[2] for line in lines if line.startswith("StateSaveLocation="))).parent
    left = Cluster(folder)
    pids = {pid for name in NODES for pid in left.steps(name)}
    for file in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if file.readlink().is_relative_to(folder):
                pids.add(int(file.parts[2]))
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    CONF.unlink()
    GRES.unlink(missing_ok=True)
