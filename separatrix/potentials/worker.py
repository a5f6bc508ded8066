"""An engine in a process of its own: one that may crash, hang, call exit, or write files in its working folder.

The two processes speak over pipes in plain bytes: a JSON line that names engine, molecule and options, then requests of
one letter (with raw float64 positions) and answers of one letter (with raw float64 numbers, or a message). Nothing is
pickled. The worker runs in a scratch directory of its own, and what its libraries print goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from separatrix.core.errors import ConfigError, EngineLost, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.core.plain import one_line
from separatrix.potentials.containment import checked

if TYPE_CHECKING:
    from separatrix.potentials.potential import Potential

log = logging.getLogger(__name__)

#: What the child's Potential declares of itself and the near end takes over.
DECLARED = ("energy_jump", "force_tolerance", "drift_tolerance", "caution", "isolated")

#: What a library writes to this file in its scratch directory is quoted when it stops the process.
OUTPUT = "output.txt"

#: Seconds that a process has for its start, at least: on a busy machine, or from a slow file system, imports take long.
START = 300.0
#: Seconds that a process has to end after it has closed its pipes.
_TO_END = 5.0

_GRADIENT, _REMEMBER, _RESTORE = b"g", b"m", b"r"
_OK, _FAILED, _BAD_CONFIG, _NOT_ALONE = b"+", b"-", b"!", b"?"


class NotAlone(ConfigError):
    """A potential is more than its engine, which is all that a process of its own can hold."""


class WorkerEngine:
    """The near end: an engine as the seam sees it, run by a child process that is started anew when it is lost.

    Parameters
    ----------
    word, molecule, options
        What the child builds; see :func:`separatrix.potentials.build`.
    timeout
        Seconds without an answer after which the child counts as hung and is killed.

    Raises
    ------
    ConfigError
        When the child cannot build the engine.
    EngineLost
        When the child does not start in time, or something kills it.
    """

    #: For the seam: nothing that the engine does touches this process.
    in_own_process = True

    def __init__(self, word: str, molecule: Molecule, options: Mapping[str, Any], timeout: float) -> None:
        self._hello = {
            "word": word,
            "options": dict(options),
            "molecule": {
                "symbols": molecule.symbols,
                "bonds": molecule.bonds,
                "charge": molecule.charge,
                "multiplicity": molecule.multiplicity,
            },
        }
        self._n_atoms = molecule.n_atoms
        self._timeout = timeout
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None
        # Geometries at which the state was remembered, in order: a new child walks through them.
        self._walk: list[np.ndarray] = []
        self._last: np.ndarray | None = None
        self.restarts = -1
        self._ended_by_itself = False
        self.declared: dict[str, Any] = {}
        self._start()

    @property
    def pid(self) -> int | None:
        """Process number of the child, or None while there is none."""
        return None if self._child is None else self._child.pid

    def gradient(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm; a lost child is an error of this call and of no other."""
        if self._child is None:
            self._start()
        self._last = positions.copy()
        answer = self._ask(_GRADIENT + np.ascontiguousarray(positions, dtype=float).tobytes())
        numbers = np.frombuffer(answer, dtype=float)
        if numbers.size != 1 + 3 * self._n_atoms:
            raise PotentialError(f"the worker gave {numbers.size} numbers, not {1 + 3 * self._n_atoms}")
        return float(numbers[0]), numbers[1:].reshape(-1, 3).copy()

    def remember(self) -> None:
        """Keep the present electronic state, in the child and as the geometry that it came from."""
        if self._last is not None:
            self._walk.append(self._last)
        self._ask(_REMEMBER)

    def restore(self) -> None:
        """Go back to the remembered state; a child that is lost is started when it is next needed."""
        if self._child is not None:
            try:
                self._ask(_RESTORE)
            except EngineLost as error:
                log.warning("%s", error)

    def close(self) -> None:
        """End the child and remove its scratch directory."""
        if self._child is not None:
            self._cleanup()
            self._child = None

    def _start(self) -> None:
        self.restarts += 1
        try:
            hello = json.dumps(self._hello).encode() + b"\n"
        except (TypeError, ValueError) as error:
            raise ConfigError(f"potential {self._hello['word']!r}: {one_line(error)}") from error
        try:
            self._scratch = Path(tempfile.mkdtemp(prefix="separatrix-"))
            self._child = subprocess.Popen(
                # -P: what an engine leaves in the scratch directory is not to be imported.
                [sys.executable, "-P", "-m", "separatrix.potentials.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._scratch,
                env=_environment(),
                process_group=0,  # the programs that it starts end with it
            )
        except OSError as error:
            raise EngineLost(f"a worker process cannot be started ({one_line(error)})") from error
        self._cleanup = weakref.finalize(self, _end, self._child, self._scratch)
        try:
            self.declared = json.loads(self._ask(hello, max(START, self._timeout), "did not start"))
        except (ConfigError, PotentialError) as error:
            if self.restarts and isinstance(error, ConfigError):  # it did start, once
                raise PotentialError(str(error)) from error
            if self.restarts or isinstance(error, ConfigError):
                raise
            # What ends the process by itself would do so again; a signal or too little time need not.
            kind = EngineLost if isinstance(error, EngineLost) and not self._ended_by_itself else ConfigError
            raise kind(f"potential {self._hello['word']!r} does not start: {error}") from error
        for positions in self._walk:
            self._ask(_GRADIENT + positions.tobytes())
            self._ask(_REMEMBER)
        if self.restarts:
            log.warning("the worker was started anew (%d times by now)", self.restarts)

    def _ask(self, message: bytes, limit: float | None = None, lack: str = "gave no answer") -> bytes:
        limit = self._timeout if limit is None else limit
        try:
            requests = self._running().stdin
            assert requests is not None  # started with a pipe
            requests.write(message)
            requests.flush()
            deadline = time.monotonic() + limit
            status = self._read(1, deadline)
            (size,) = struct.unpack("<q", self._read(8, deadline))
            body = self._read(size, deadline)
        except (BrokenPipeError, EOFError) as error:
            output = _last_words(self._scratch / OUTPUT) if self._scratch is not None else ""
            how = self._lose()
            # A library that says why it stopped has judged this geometry (a field that does not converge).
            kind = PotentialError if output else EngineLost
            raise kind(f"the worker process {how}{output}") from error
        except TimeoutError as error:
            self._lose(at_once=True)
            raise EngineLost(f"the worker process {lack} in {limit:g} s and was killed") from error
        except BaseException:  # an interrupt leaves half a conversation behind
            self.close()
            raise
        if status in (_BAD_CONFIG, _NOT_ALONE):
            self.close()
            raise (ConfigError if status == _BAD_CONFIG else NotAlone)(body.decode())
        if status == _FAILED:
            raise PotentialError(body.decode())
        return body

    def _running(self) -> subprocess.Popen[bytes]:
        """The child, where there is one."""
        assert self._child is not None, "a child is started before it is asked"
        return self._child

    def _read(self, size: int, deadline: float) -> bytes:
        answers = self._running().stdout
        assert answers is not None  # started with a pipe
        pipe = answers.fileno()
        parts = b""
        while len(parts) < size:
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(pipe, size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def _lose(self, *, at_once: bool = False) -> str:
        """End a child that is lost; how it ended by itself, if it did."""
        child = self._running()
        gone = at_once
        deadline = time.monotonic() + _TO_END
        # It keeps its number until it is waited for, so that nobody else's group is killed in its place.
        while not gone and time.monotonic() < deadline:
            gone = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
            if not gone:
                time.sleep(0.01)
        self.close()
        code = child.returncode
        self._ended_by_itself = gone and code >= 0
        if not gone:
            return f"closed its pipes, did not end within {_TO_END:g} s, and was killed"
        return f"was killed by signal {-code}{_name_of(-code)}" if code < 0 else f"ended with status {code}"


def _environment() -> dict[str, str]:
    """Of the child, which must find this package and all that is named by a relative path from another directory."""
    here = Path.cwd()
    environment = {**os.environ, "SEPARATRIX_STARTED_IN": str(here)}
    for name, begin in (("PYTHONPATH", [str(Path(__file__).resolve().parents[2])]), ("ASE_CONFIG_PATH", [])):
        places = begin + [str(here / place) for place in os.environ.get(name, "").split(os.pathsep) if place]
        if places:
            environment[name] = os.pathsep.join(places)
    return environment


def _name_of(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


def _last_words(path: Path) -> str:
    try:
        _, sign, text = path.read_text(errors="replace").rpartition("ERROR!")
    except OSError:
        return ""
    return f": {one_line(text, 300)}" if sign else ""


def _end(child: subprocess.Popen[bytes], scratch: Path) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    shutil.rmtree(scratch, ignore_errors=True)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """The far end: build the engine that the first line names, then answer until the near end goes."""
    from separatrix.potentials import build

    def answer(status: bytes, body: bytes) -> None:
        answers.write(status + struct.pack("<q", len(body)) + body)
        answers.flush()

    hello = json.loads(requests.readline())
    molecule = Molecule(
        symbols=tuple(hello["molecule"]["symbols"]),
        bonds=tuple((int(i), int(j)) for i, j in hello["molecule"]["bonds"]),
        charge=hello["molecule"]["charge"],
        multiplicity=hello["molecule"]["multiplicity"],
    )
    try:
        potential = build(hello["word"], molecule, hello["options"], in_worker=True)
    except ConfigError as error:
        answer(_BAD_CONFIG, one_line(error, 2000).encode())
        return
    if not _is_alone(potential, molecule):
        answer(
            _NOT_ALONE,
            f"potential {hello['word']!r} is more than an engine: it cannot run with `worker: true`".encode(),
        )
        return
    assert potential.seam is not None  # an engine alone, as was asked above
    engine = potential.seam.engine
    declared = {k: getattr(potential, k) for k in DECLARED} | {"description": potential.description}
    declared = {k: v.item() if isinstance(v, np.generic) else v for k, v in declared.items()}
    declared["active"] = None if potential.active is None else np.asarray(potential.active).tolist()
    answer(_OK, json.dumps(declared).encode())
    while request := requests.read(1):
        try:
            body = b""
            if request == _GRADIENT:
                positions = np.frombuffer(requests.read(24 * molecule.n_atoms), dtype=float).reshape(-1, 3)
                energy, gradient = checked(engine.gradient(positions), molecule.n_atoms)
                body = np.concatenate([[energy], gradient.ravel()]).tobytes()
            elif request == _REMEMBER:
                engine.remember()
            elif request == _RESTORE:
                engine.restore()
            answer(_OK, body)
        except SystemExit:  # to end the process was its wish
            raise
        except BaseException as error:  # whatever a library raises is a failure of this evaluation
            answer(_FAILED, one_line(error).encode())


def _is_alone(potential: Potential, molecule: Molecule) -> bool:
    """Whether a potential is nothing but its engine: no force of OpenMM beside it, no masses but the molecule's."""
    system = potential.system
    return (
        potential.seam is not None
        and system.getNumForces() == 1
        and system.getNumConstraints() == 0
        and potential.platform == "Reference"
        and np.allclose(potential.masses, molecule.masses)
    )


def main() -> None:
    """Keep the pipes for the conversation; what libraries write to standard output goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    threading.Thread(target=_follow, args=(requests.fileno(), Path.cwd()), daemon=True).start()
    serve(requests, answers)


def _follow(requests: int, scratch: Path) -> None:
    """End this process and what it has started as soon as the near end is gone, in whatever way that has ended."""
    poll = select.poll()
    poll.register(requests, 0)  # a hang-up is reported unasked
    poll.poll()
    shutil.rmtree(scratch, ignore_errors=True)
    if os.getpgrp() == os.getpid():  # as the near end starts it
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
