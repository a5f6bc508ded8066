"""The `separatrix` command: checks and exports around the workflow. The work itself is `snakemake`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from . import __version__
from .errors import SeparatrixError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="How a molecule crosses from one basin to another, and how fast.",
)


def _version(value: bool) -> None:
    if value:
        print(f"separatrix {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """How a molecule crosses from one basin to another, and how fast."""


@app.command()
def check(
    config: Annotated[Path, typer.Argument(help="Config file of a comparison.")] = Path("config/config.yaml"),
) -> None:
    """Check a config file, and the files it names, without running anything."""
    from .config import load, read_yaml

    checked = load(read_yaml(config), [config])
    system = checked.system
    print(
        f"{config}: {system.name}, {system.molecule.n_atoms} atoms, {system.reactant} to {system.product}, "
        f"{len(system.variables)} candidate variables"
    )
    table = Table("method", "potential", "step / fs", "frame / fs", "shift / fs", "longest half / fs")
    for method in checked.methods.values():
        times = method.dynamics
        table.add_row(
            method.label,
            f"{method.potential} {' '.join(str(v) for v in method.options.values())}",
            *(f"{t:g}" for t in (times.time_step, times.frame, method.shift * times.frame, times.longest_half)),
        )
    Console().print(table)


@app.command()
def export(
    paths: Annotated[Path, typer.Argument(help="A paths.nc or first_path.nc of a chain.")],
    out: Annotated[Path, typer.Argument(help="Trajectory to write; MDTraj knows the ending (.dcd, .xtc, .pdb).")],
    index: Annotated[int, typer.Option("--path", help="Number of the path in the file, from 0; -1: the last.")] = -1,
) -> None:
    """Export one reactive path as a trajectory for VMD, PyMOL or MDTraj."""
    from .store import export_path

    frames = export_path(paths, out, index)
    print(f"{out}: {frames} frames")


def main() -> None:
    """Entry point: an error raised on purpose is one line and exit status 1."""
    try:
        app()
    except SeparatrixError as error:
        print(f"separatrix: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
