"""The `separatrix` command: checks and exports around the workflow. The work itself is `snakemake`."""

from __future__ import annotations

import sys

from separatrix.cli import before_run, coordinate_commands, results_commands, theory_command
from separatrix.cli.app import app
from separatrix.core.errors import SeparatrixError, StoreError
from separatrix.core.text import one_line

#: Families of commands: importing one registers its commands.
FAMILIES = (before_run, results_commands, coordinate_commands, theory_command)


def main() -> None:
    """Entry point: an error raised on purpose is one line and exit status 1."""
    try:
        app()
    except SeparatrixError as error:
        if isinstance(error, StoreError) and error.damaged:
            from separatrix.results.verify import out_of_the_way

            error = out_of_the_way(error, "the next `snakemake` makes it again")
        print(f"separatrix: {one_line(str(error))}", file=sys.stderr)
        sys.exit(1)
