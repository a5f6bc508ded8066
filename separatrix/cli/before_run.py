"""Commands before a run: what a config costs, and whether its engines are right."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from separatrix.cli.app import app
from separatrix.core.terminal import Terminal, libraries_aside
from separatrix.core.text import one_line

if TYPE_CHECKING:
    from separatrix.workflow.engine_check import Health


@app.command()
def check(
    config: Annotated[Path, typer.Argument(help="Config file of a comparison.")] = Path("config/config.yaml"),
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list as JSON.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Check the files only; run no engine.")] = False,
    allow_programs: Annotated[
        bool,
        typer.Option(
            "--allow-programs",
            help="Let this config start programs and run code that it names, as SEPARATRIX_ALLOW_PROGRAMS=1 does.",
        ),
    ] = False,
) -> None:
    """Check a config file and the files it names, then each method's engine: is it there, right, stable, how fast.

    Each basin's geometry is relaxed. Exit status 1 when a method cannot be used, is off the tolerance that its engine
    declares, or has no minimum in a basin.
    """
    from separatrix import potentials
    from separatrix.core import bonding, folders
    from separatrix.core.errors import ConfigError
    from separatrix.core.yaml_file import read_yaml
    from separatrix.potentials import trust
    from separatrix.report.inputs import load_with_files, outside
    from separatrix.workflow.engine_check import check_method, package_notes

    if allow_programs:
        os.environ[trust.VARIABLE] = "1"
    checked = load_with_files(read_yaml(config), [config])
    try:
        folders.check_results(checked.sections.results_directory)
    except ConfigError as error:
        raise ConfigError(f"{config}: results_directory: {error}") from error
    system = checked.system
    for name in method or []:
        if name not in checked.methods:
            raise ConfigError(f"{config}: methods: {name!r} is not a method (known: {', '.join(checked.methods)})")
    console = Terminal(stderr=as_json)
    console.print(
        f"{config}: {system.name}, {system.molecule.n_atoms} atoms, {system.reactant} to {system.product}, "
        f"{len(system.variables)} candidate variable{'s' if len(system.variables) > 1 else ''}",
    )
    for line in checked.notices:
        console.print(line, soft_wrap=True)
    for line in bonding.lines(system.molecule, system.formed, system.broken, system.geometries):
        console.print(f"{config}: {line}", soft_wrap=True)
    for line in system.lines():
        console.print(f"{config}: {line}", soft_wrap=True)
    for line in outside(checked):
        console.print(f"{config}: goes into the research object from outside this folder: {line}", soft_wrap=True)
    for name in method or checked.methods:
        of = checked.methods[name]
        if foreign := potentials.foreign(of.potential, of.options):
            console.print(
                f"{config}: methods.{name}.options.{foreign.key}: {foreign.does}, as you have allowed",
                soft_wrap=True,
            )
    for line in package_notes(checked):
        console.print(f"{config}: {line}", soft_wrap=True)
    if quick:
        return
    checks: list[Health] = []
    with console.status("") as status, libraries_aside() if as_json else contextlib.nullcontext():
        for name in method or checked.methods:
            status.update(Text(one_line(f"checking {checked.methods[name].label}")))
            checks.append(check_method(system, checked.methods[name], minima=True))
    if as_json:
        print(json.dumps([health.to_dict() for health in checks], indent=2))
    else:
        console.print(_health_table(checks))
        # Not a column: in eighty of them there is no room for a sentence.
        for health in checks:
            if health.reason:
                console.print(f"{config}: methods.{health.method}: {health.reason}", soft_wrap=True)
    if not all(health.usable for health in checks):
        raise typer.Exit(1)


def _health_table(healths: list[Health]) -> Table:
    table = Table(
        "method",
        "usable",
        "computed by",
        "energy\nkcal/mol",
        "force error\nkcal/mol/A",
        "drift\nkcal/mol/ps",
        "ms per\ngradient",
        "calls\nper step",
    )
    for health in healths:
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
        )
    return table


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="Config file of a comparison.")] = Path("config/config.yaml"),
    results: Annotated[Path | None, typer.Option(help="Results of an earlier run to take costs from.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Cores to spread the work over.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Plan a comparison: core-hours per method from measured costs, and how many cores are worth using."""
    from separatrix import numeric_threads
    from separatrix.core.errors import ConfigError, PotentialError
    from separatrix.core.yaml_file import read_yaml
    from separatrix.report.inputs import load_with_files
    from separatrix.workflow.plan import plan as plan_of
    from separatrix.workflow.plan import worthwhile_cores

    checked = load_with_files(read_yaml(config), [config])
    with Terminal(stderr=True).status("measuring"), libraries_aside() if as_json else contextlib.nullcontext():
        try:
            plans = plan_of(checked, results, numeric_threads())
        except (ConfigError, PotentialError) as error:
            raise type(error)(f"{config}: {error}") from error
    total = sum(p.core_hours for p in plans)
    useful = worthwhile_cores(plans)
    if as_json:
        data = {"methods": [p.to_dict() for p in plans], "core_hours": total, "slurm_efficiency": useful}
        print(json.dumps(data | ({"hours": total / cores} if cores else {}), indent=2))
        return
    console = Terminal()
    table = Table(
        "method",
        "ms per\nstep",
        "steps\nper shot",
        "chains",
        "shots\nof each",
        "committor\nshots",
        "jobs",
        "core-\nhours",
        "min per\nround",
        box=box.SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    for p in plans:
        table.add_row(
            p.method,
            f"{p.ms_per_step:.3g}",
            f"{p.steps_per_shot:.0f}",
            str(p.chains),
            str(p.shots),
            str(p.committor_shots),
            str(p.jobs),
            f"{p.core_hours:.3g}",
            f"{p.round_minutes:.3g}",
        )
    console.print(table)
    for p in plans:
        console.print(f"{p.method}: {p.source}")
    console.print(
        f"{total:.3g} core-hours when every round is run"
        + (f"; {total / cores:.3g} hours on {cores} cores, were none of them ever idle" if cores else "")
    )
    shares = ", ".join(f"{n}: {share:.0%}" for n, share in useful.items())
    console.print(f"share of the time that goes into shots on SLURM, by cores: {shares}")
    if max(p.round_minutes for p in plans) < 10:
        console.print("rounds are short: more shots_per_round (or fewer, larger jobs) would waste less")
