"""What every script of the workflow shares: its log file, and errors that a person can read."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from .errors import SeparatrixError


@contextlib.contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Run a script's work with its log in Snakemake's `log:` file.

    An error raised on purpose ends in one line in the log and on the terminal, and exit status 1; any other one
    keeps its traceback.
    """
    handler = logging.FileHandler(str(snakemake.log[0]), mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("separatrix").setLevel(logging.INFO)
    logging.captureWarnings(True)
    warnings.simplefilter("once")
    log = logging.getLogger("separatrix")
    try:
        yield
    except SeparatrixError as error:
        log.error("error: %s", error)
        place = " ".join(f"{k}={v}" for k, v in snakemake.wildcards.items())
        print(f"separatrix: {snakemake.rule} {place}: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:  # nothing is swallowed: the traceback goes into the log as well, and the job fails with it
        log.exception("unexpected error")
        raise
    finally:
        handler.flush()
