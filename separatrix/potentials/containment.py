"""What an engine does beyond giving numbers, and how it is kept from doing harm to the process it runs in."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import math
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from separatrix.core.errors import PotentialError


@contextlib.contextmanager
def standing_still() -> Iterator[None]:
    """Come back to the working folder, wherever an engine has gone: paths of outputs are relative to it."""
    here = os.getcwd()  # noqa: PTH109 (at each gradient, and several times as fast)
    try:
        yield
    finally:
        try:
            moved = os.getcwd() != here  # noqa: PTH109
        except FileNotFoundError:  # where it went is gone
            moved = True
        if moved:
            os.chdir(here)


def checked(answer: Any, n_atoms: int) -> tuple[float, np.ndarray]:
    """Energy and gradient of an engine as a number and an array of shape (n_atoms, 3), if they are that.

    Raises
    ------
    PotentialError
        When the answer is anything else, or not finite.
    """
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise PotentialError(f"the engine gave {_kind(answer)}, not an energy and a gradient")
    energy, gradient = np.asarray(answer[0]), np.asarray(answer[1])
    if energy.size != 1 or energy.dtype.kind not in "fiu":
        raise PotentialError(f"energy is {_kind(answer[0])}, not a number")
    if gradient.dtype.kind not in "fiu":
        raise PotentialError(f"gradient is {_kind(answer[1])} of {gradient.dtype}, not numbers")
    if gradient.shape != (n_atoms, 3):
        raise PotentialError(f"gradient has shape {gradient.shape}, not {(n_atoms, 3)}")
    number, gradient = float(energy.reshape(())[()]), gradient.astype(float, copy=False)
    if not math.isfinite(number + gradient.sum()):
        raise PotentialError("energy or gradient is not finite")
    return number, gradient


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


class Watch:
    """Says so on standard error when this process ends inside an engine: a crash or an exit in a library has no words.

    Another small process waits for the end of this one, and then looks at a byte of memory that both have: whether this
    one was inside an engine.
    """

    _CODE = (
        "import os,sys;sys.stdin.buffer.read();f,g=map(int,sys.argv[1:]);t=os.pread(f,4096,0)\n"
        "if t[:1]==b'1':\n"
        " w=os.pread(g,200,0).decode(errors='replace').partition('\\n')[0].rpartition('error: ')[2].strip()\n"
        " w=w or 'its library called exit, or it was killed'\n"
        " n=t[1:].rstrip(b'\\0').decode()\n"
        " sys.stderr.write(f'separatrix: the process ended inside potential {n!r} ({w}); with `worker: true` in the '"
        "'options of the method this costs one shot\\n')\n"
    )

    def __init__(self) -> None:
        # Open for as long as the process lives.
        self._flag = tempfile.TemporaryFile()  # noqa: SIM115
        self._flag.truncate(mmap.PAGESIZE)
        self._memory = mmap.mmap(self._flag.fileno(), mmap.PAGESIZE)
        self._crash = tempfile.TemporaryFile()  # noqa: SIM115
        if not faulthandler.is_enabled():
            faulthandler.enable(self._crash)
        descriptors = (self._flag.fileno(), self._crash.fileno())
        # In a group of its own: what ends this process by a signal to all of a terminal's is not to end it as well.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", self._CODE, *map(str, descriptors)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=descriptors,
            process_group=0,
        )
        self._owner = os.getpid()
        self._name = ""
        atexit.register(self.close)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """While this lasts the process is inside the engine of that name."""
        if name != self._name:
            self._name = name
            self._memory[1:] = name.encode()[:200].ljust(len(self._memory) - 1, b"\0")
        self._memory[0] = 0x31
        try:
            yield
        finally:
            self._memory[0] = 0x30

    def close(self) -> None:
        """End the other process; it has nothing to say."""
        if os.getpid() == self._owner:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait()


_watches: dict[int, Watch | None] = {}


def inside(name: str) -> contextlib.AbstractContextManager[None]:
    """While this lasts the process is inside the engine of that name, and watched; see :class:`Watch`."""
    me = os.getpid()
    if me not in _watches:
        try:
            _watches[me] = Watch()
        except OSError:  # no room for another process or file: the engine can do without
            _watches[me] = None
    watch = _watches[me]
    return contextlib.nullcontext() if watch is None else watch.inside(name)
