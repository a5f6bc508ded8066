"""The `separatrix` command: checks and exports around the workflow. The work itself is `snakemake`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from . import __version__
from .errors import SeparatrixError

if TYPE_CHECKING:
    from .health import Health
    from .status import MethodStatus

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
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list as JSON.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Check the files only; run no engine.")] = False,
) -> None:
    """Check a config file and the files it names, then each method's engine: is it there, right, stable, how fast.

    Exit status 1 when a method cannot be used, or is off the tolerance that its engine declares.
    """
    from .config import load, read_yaml
    from .errors import ConfigError
    from .health import check_method

    checked = load(read_yaml(config), [config])
    system = checked.system
    for name in method or []:
        if name not in checked.methods:
            raise ConfigError(f"{config}: methods: {name!r} is not a method (known: {', '.join(checked.methods)})")
    console = Console(stderr=as_json)
    console.print(
        f"{config}: {system.name}, {system.molecule.n_atoms} atoms, {system.reactant} to {system.product}, "
        f"{len(system.variables)} candidate variables",
        highlight=False,
    )
    if quick:
        return
    found = []
    with console.status("") as status:
        for name in method or checked.methods:
            status.update(f"checking {checked.methods[name].label}")
            found.append(check_method(system, checked.methods[name]))
    if as_json:
        print(json.dumps([health.to_dict() for health in found], indent=2))
    else:
        console.print(_health_table(found))
    if not all(health.usable for health in found):
        raise typer.Exit(1)


def _health_table(found: list[Health]) -> Table:
    table = Table(
        "method",
        "usable",
        "computed by",
        "energy\nkcal/mol",
        "force error\nkcal/mol/A",
        "drift\nkcal/mol/ps",
        "ms per\ngradient",
        "calls\nper step",
        "note",
    )
    for health in found:
        numbers = [
            (health.energy, ".2f"),
            (health.max_force_error, ".3f"),
            (health.nve_drift, ".2f"),
            (health.ms_per_gradient, ".2f"),
            (health.calls_per_step, ".3f"),
        ]
        table.add_row(
            health.method,
            "yes" if health.usable else "no",
            health.version,
            *("" if value is None else format(value, how) for value, how in numbers),
            health.reason,
        )
    return table


@app.command()
def status(
    results: Annotated[Path, typer.Argument(help="Results folder of a run.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a list as JSON.")] = False,
) -> None:
    """Show how far a run is: rounds, shots, acceptance, failures, convergence and cost. Jobs are not disturbed."""
    from .status import of_results

    found = of_results(results)
    if as_json:
        print(json.dumps([method.to_dict() for method in found], indent=2))
        return
    console = Console()
    console.print(_status_table(found))
    for method in found:
        lines = [method.verdict or f"last finished stage: {method.stage}"]
        if method.committor_wanted:
            lines.append(f"committor shots: {method.committor_shots} of {method.committor_wanted}")
        lines += [f"{n} failed: {why}" for why, n in sorted(method.failures.items(), key=lambda item: -item[1])]
        for line in lines:
            console.print(f"{method.method}: {line}", highlight=False, markup=False)


def _status_table(found: list[MethodStatus]) -> Table:
    table = Table(
        "method",
        "chain",
        "state",
        "round",
        "shots",
        "in all",
        "acc.",
        "failed",
        "core-min",
        "left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="shots: done and wanted in the round; acc.: accepted; left: minutes to the end of the round",
    )
    for method in found:
        for k, c in enumerate(method.chains):
            table.add_row(
                method.method if k == 0 else "",
                str(c.chain),
                c.state,
                str(c.round),
                f"{c.shots_in_round}/{c.shots_wanted}",
                str(c.shots),
                "" if c.acceptance is None else f"{c.acceptance:.0%}",
                str(c.failed),
                f"{c.core_seconds / 60:.1f}",
                "" if c.seconds_left is None else f"{c.seconds_left / 60:.1f}",
            )
        if not method.chains:
            table.add_row(method.method)
        table.add_section()
    return table


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
