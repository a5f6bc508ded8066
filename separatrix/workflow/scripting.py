"""What every script of the workflow shares: its log file, and errors that a person can read."""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from separatrix.core.errors import SeparatrixError
from separatrix.core.text import one_line

# A disk or a file system that is full, read-only or failing, whoever was writing to it.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.ESTALE)


class _LogFile(logging.FileHandler):
    """A log file that costs no job anything: it may lie on the disk that is full."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def _log_file(name: str) -> logging.Handler:
    try:
        return _LogFile(name, mode="w")
    except OSError:
        return logging.NullHandler()


@contextlib.contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Run a script's work with its log in Snakemake's `log:` file, and its files held against their digests.

    An error raised on purpose, a disk that fails and Ctrl-C end in one line in the log and on the terminal, and exit
    status 1; any other error keeps its traceback. Scripts import what they need within, so that this is true from their
    beginning.
    """
    handler = _log_file(str(snakemake.log[0]))
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("separatrix").setLevel(logging.INFO)
    logging.captureWarnings(True)
    warnings.simplefilter("once")
    log = logging.getLogger("separatrix")
    try:
        from separatrix.results import verify  # heavy, like all that the scripts import

        verify.forget(snakemake.output)
        verify.check_inputs(snakemake.input)
        yield
        verify.remember(snakemake.output)
    except SeparatrixError as error:
        inputs = {str(f) for f in snakemake.input}
        # For sampling, to make it again means to read the journal.
        _end(snakemake, log, str(verify.out_of_the_way(error, "the same command makes it again", inputs)))
    except OSError as error:
        if error.errno not in _DISK:
            log.exception("unexpected error")
            raise
        what = f"{error.filename}: " if error.filename else ""
        _end(snakemake, log, f"{what}{error.strerror}; once that is put right, the same command goes on")
    except KeyboardInterrupt:
        _end(snakemake, log, "asked to stop (SIGINT); the same command does it again")
    except Exception:  # nothing is swallowed: the traceback goes into the log as well, and the job fails with it
        log.exception("unexpected error")
        raise
    finally:
        handler.flush()


def _end(snakemake: Any, log: logging.Logger, message: str) -> None:
    """End the process with one line, whatever other signals come meanwhile."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    message = one_line(message)
    log.error("error: %s", message)
    place = " ".join(f"{k}={v}" for k, v in snakemake.wildcards.items())
    print(f"separatrix: {snakemake.rule} {place}: {message}", file=sys.stderr)
    sys.exit(1)
