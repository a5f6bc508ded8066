"""Commands on the results of a run: its state, its files, export, citation, and runs compared with each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from separatrix.cli.app import app, finite, refuse_inputs
from separatrix.core.terminal import Terminal

if TYPE_CHECKING:
    from separatrix.results.status import MethodStatus


@app.command()
def status(
    results: Annotated[Path, typer.Argument(help="Results folder of a run.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a list as JSON.")] = False,
) -> None:
    """Show how far a run is: rounds, shots, acceptance, failures, convergence and cost. Jobs are not disturbed."""
    from separatrix.results.status import of_results

    statuses = of_results(results)
    if as_json:
        print(json.dumps([method.to_dict() for method in statuses], indent=2))
        return
    console = Terminal()
    console.print(_status_table(statuses))
    for method in statuses:
        # First of all, what keeps the run from going on.
        lines = [f"{job} failed: {why}" for job, why in method.failed.items()]
        lines.append(method.verdict or f"last finished stage: {method.stage}")
        if method.committor_wanted:
            lines.append(f"committor shots: {method.committor_shots} of {method.committor_wanted}")
        lines += method.warnings
        lines += [f"{n} failed: {why}" for why, n in sorted(method.failures.items(), key=lambda item: -item[1])]
        for line in lines:
            console.print(f"{method.method}: {line}")


def _status_table(statuses: list[MethodStatus]) -> Table:
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
    for method in statuses:
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
            table.add_row(method.method, "", "failed" if method.failed else "")
        table.add_section()
    return table


@app.command()
def export(
    paths: Annotated[Path, typer.Argument(help="A paths.nc or first_path.nc of a chain.")],
    out: Annotated[
        Path,
        typer.Argument(help="Trajectory to write, by its ending: .xyz, .dcd, .nc (AMBER), .pdb, .xtc (to 0.01 A)."),
    ],
    index: Annotated[int, typer.Option("--path", help="Number of the path in the file, from 0; -1: the last.")] = -1,
) -> None:
    """Export one reactive path as a trajectory for VMD, PyMOL or MDTraj."""
    from separatrix.results.path_export import export_path

    refuse_inputs(out, paths)
    frames = export_path(paths, out, index)
    print(f"{out}: {frames} frames")


@app.command("compare")
def compare_command(
    results_a: Annotated[Path, typer.Argument(help="Results folder of a run that has finished.")],
    results_b: Annotated[Path, typer.Argument(help="That of another: a temperature, a version, a cluster.")],
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every quantity, not only those that differ.")] = False,
    false_discovery_rate: Annotated[
        float,
        typer.Option(min=1e-6, max=0.5, callback=finite, help="Expected share of false ones among those that differ."),
    ] = 0.05,
    fail_on_difference: Annotated[
        bool, typer.Option("--fail-on-difference", help="Exit status 1 when anything differs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Compare two runs: which quantities differ beyond their errors.

    Errors come from the intervals of confidence 0.95, on the sides that face
    each other; rates, times and costs are compared by their logarithms. p-values
    are adjusted for the number of quantities (Benjamini-Hochberg).
    """
    from separatrix.report.compare_runs import RunVerdict, compare_runs, show

    comparison = compare_runs(results_a, results_b, methods=method or (), rate=false_discovery_rate)
    if as_json:
        print(json.dumps(comparison.to_dict(everything), indent=2, allow_nan=False))
    else:
        console = Terminal()
        show(comparison, console if console.is_terminal else Terminal(width=140), everything)
    if fail_on_difference and comparison.counts[RunVerdict.DIFFERS]:
        raise typer.Exit(1)


@app.command()
def cite(
    source: Annotated[Path, typer.Argument(help="Results folder of a run that has finished, or a config file.")] = Path(
        "results"
    ),
) -> None:
    """Print the papers that a run rests on, as BibTeX: engines, levels of theory, methods and codes."""
    from separatrix.report import citations

    print(citations.of(source), end="")


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="Results folder of a run.")] = Path("results"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; move nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Hold every file of a run against the SHA-256 that it was written with; move damaged ones aside.

    A damaged file becomes NAME.damaged, and the next `snakemake` makes it again.
    Exit status 1 when one is damaged or missing.
    """
    from separatrix.results.verify import verify as verify_results

    result = verify_results(results, move=not dry_run)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        for line in result.lines():
            print(line)
    if not result.is_whole:
        raise typer.Exit(1)


@app.command()
def series(
    file: Annotated[Path, typer.Argument(help="CSV with the columns name, sigma and results (folder of a run).")],
    out: Annotated[Path | None, typer.Option(help="Folder for tables (CSV) and figure (SVG, PDF, Vega-Lite).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Set the harmonic rates of like molecules against substituent constants: Hammett's rho, by method."""
    from separatrix.core.plain import json_safe
    from separatrix.report import series as of_series

    table = of_series.rates(of_series.read_series(file))
    lines = of_series.fit(table)
    if out is not None:
        for path in of_series.write(table, lines, out):
            print(path, file=sys.stderr)
    if as_json:
        rows = json_safe(table.to_dict("records"))
        print(json.dumps({"rates": rows, "lines": [line.to_dict() for line in lines]}, indent=2, allow_nan=False))
        return
    console = Terminal()
    shown = Table(
        "method", "molecule", "sigma", "mechanism", "share", "barrier\nkcal/mol", "k\n1/s", "ln k", box=box.SIMPLE_HEAD
    )
    for row in table[table["mechanism"] == of_series.ALL].to_dict("records"):
        shown.add_row(
            row["method"],
            row["name"],
            f"{row['sigma']:.2f}",
            row["main"],
            f"{row['share']:.0%}",
            f"{row['barrier']:.2f}",
            f"{row['rate']:.3g}",
            f"{row['ln_rate']:.2f}",
        )
    console.print(shown)
    first = table.iloc[0]
    console.print(f"{first['from']} to {first['to']} at {first['temperature']:g} K, log10 k = log10 k0 + rho sigma:")
    for line in lines:
        console.print(
            f"{line.method}, {line.mechanism}: rho {line.rho:.2f} ({line.rho_low:.2f} to {line.rho_high:.2f}), "
            f"R2 {line.r_squared:.2f}, scatter {line.scatter:.2f}, {line.molecules} molecules"
        )
        if line.rho_reference is not None:
            console.print(
                f"  held through {line.reference}: rho {line.rho_reference:.2f} ({line.rho_reference_low:.2f} to "
                f"{line.rho_reference_high:.2f}), scatter {line.scatter_reference:.2f}"
            )
    for method, rates in table[table["mechanism"] == of_series.ALL].groupby("method", sort=False):
        if rates["main"].nunique() > 1:
            console.print(
                f"{method}: mechanisms differ ({', '.join(dict.fromkeys(rates['main']))}); judge each by its own line"
            )
