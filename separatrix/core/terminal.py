"""What is printed: text of users as it is, and nothing of libraries where a program reads the output."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from separatrix.core.text import one_line


class Terminal(Console):
    """A console that prints what it is given: no markup, no emoji codes, no colouring, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """As the console would, with what cannot be seen written as codes; line ends of tables' heads stay."""
        plain = "\n".join(one_line(line) for line in text.split("\n"))
        return super().render_str(plain, **options)


@contextlib.contextmanager
def libraries_aside() -> Iterator[None]:
    """Let what libraries print to standard output go to standard error, that of C libraries included.

    MDTraj's readers and some engines greet on standard output, which is where JSON goes.
    """
    libc = ctypes.CDLL(None)
    try:
        sys.stdout.flush()
        original = os.dup(1)
    except OSError:  # closed; there is nothing to keep clean
        yield
        return
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        # What C has buffered must go before the descriptor is that of the output again.
        libc.fflush(None)
        sys.stderr.flush()
        os.dup2(original, 1)
        os.close(original)
