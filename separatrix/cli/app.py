"""The application that commands register with, and what several of them share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from separatrix.core.errors import StoreError
from separatrix.core.version import code_version

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="How a molecule crosses from one basin to another, and how fast.",
)


def _version(value: bool) -> None:
    if value:
        print(code_version())
        raise typer.Exit


def finite(value: float) -> float:
    if math.isnan(value):  # is neither below a minimum nor above a maximum
        raise typer.BadParameter("nan is not a number")
    return value


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """How a molecule crosses from one basin to another, and how fast."""


def refuse_inputs(out: Path, *inputs: Path | None) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    StoreError
        When it is the same file, by whatever name.
    """

    for path in inputs:
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise StoreError(f"{out}: is what is read; give another file to write to")
