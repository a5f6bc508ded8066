"""What every script of the workflow shares: its log file, and errors that a person can read."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from .errors import SeparatrixError, StoreError


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
        if isinstance(error, StoreError) and error.damaged and str(error.damaged) in {str(f) for f in snakemake.input}:
            # Out of the way: Snakemake then makes the file again, which for sampling means reading the journal.
            aside = error.damaged.with_name(f"{error.damaged.name}.damaged")
            error.damaged.replace(aside)
            error = StoreError(f"{error.damaged}: damaged, and moved to {aside.name}; the same command makes it again")
        log.error("error: %s", error)
        place = " ".join(f"{k}={v}" for k, v in snakemake.wildcards.items())
        print(f"separatrix: {snakemake.rule} {place}: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:  # nothing is swallowed: the traceback goes into the log as well, and the job fails with it
        log.exception("unexpected error")
        raise
    finally:
        handler.flush()
