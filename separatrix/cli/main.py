"""The `separatrix` command: checks and exports around the workflow. The work itself is `snakemake`."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from separatrix import __version__
from separatrix.core.errors import SeparatrixError, StoreError
from separatrix.core.terminal import Terminal, libraries_aside
from separatrix.core.text import one_line

if TYPE_CHECKING:
    from separatrix.results.status import MethodStatus
    from separatrix.workflow.engine_check import Health

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


def _finite(value: float) -> float:
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
    from separatrix.workflow.engine_check import check_method, engine_notes

    if allow_programs:
        os.environ[trust.VARIABLE] = "1"
    checked = load_with_files(read_yaml(config), [config])
    try:
        folders.check_results(checked.data["results_directory"])
    except ConfigError as error:
        raise ConfigError(f"{config}: results_directory: {error}") from error
    system = checked.system
    for name in method or []:
        if name not in checked.methods:
            raise ConfigError(f"{config}: methods: {name!r} is not a method (known: {', '.join(checked.methods)})")
    console = Terminal(stderr=as_json)
    console.print(
        f"{config}: {system.name}, {system.molecule.n_atoms} atoms, {system.reactant} to {system.product}, "
        f"{len(system.variables)} candidate variables",
    )
    for line in bonding.lines(system.molecule, system.formed, system.broken, system.geometries):
        console.print(f"{config}: {line}", soft_wrap=True)
    for line in outside(checked):
        console.print(f"{config}: goes into the research object from outside this folder: {line}", soft_wrap=True)
    for name in method or checked.methods:
        of = checked.methods[name]
        if found := potentials.foreign(of.potential, of.options):
            console.print(
                f"{config}: methods.{name}.options.{found.key}: {found.does}, as you have allowed",
                soft_wrap=True,
            )
    for line in engine_notes(checked):
        console.print(f"{config}: {line}", soft_wrap=True)
    if quick:
        return
    found = []
    with console.status("") as status, libraries_aside() if as_json else contextlib.nullcontext():
        for name in method or checked.methods:
            status.update(Text(one_line(f"checking {checked.methods[name].label}")))
            found.append(check_method(system, checked.methods[name], minima=True))
    if as_json:
        print(json.dumps([health.to_dict() for health in found], indent=2))
    else:
        console.print(_health_table(found))
        # Not a column: in eighty of them there is no room for a sentence.
        for health in found:
            if health.reason:
                console.print(f"{config}: methods.{health.method}: {health.reason}", soft_wrap=True)
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
        )
    return table


@app.command()
def status(
    results: Annotated[Path, typer.Argument(help="Results folder of a run.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a list as JSON.")] = False,
) -> None:
    """Show how far a run is: rounds, shots, acceptance, failures, convergence and cost. Jobs are not disturbed."""
    from separatrix.results.status import of_results

    found = of_results(results)
    if as_json:
        print(json.dumps([method.to_dict() for method in found], indent=2))
        return
    console = Terminal()
    console.print(_status_table(found))
    for method in found:
        # First of all, what keeps the run from going on.
        lines = [f"{job} failed: {why}" for job, why in method.failed.items()]
        lines.append(method.verdict or f"last finished stage: {method.stage}")
        if method.committor_wanted:
            lines.append(f"committor shots: {method.committor_shots} of {method.committor_wanted}")
        lines += method.warnings
        lines += [f"{n} failed: {why}" for why, n in sorted(method.failures.items(), key=lambda item: -item[1])]
        for line in lines:
            console.print(f"{method.method}: {line}")


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
            table.add_row(method.method, "", "failed" if method.failed else "")
        table.add_section()
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


@app.command("committor-test")
def committor_test(
    counts: Annotated[Path, typer.Argument(help="CSV with columns k and n, or lines k/n as ATESA writes them.")],
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, callback=_finite, help="Of the intervals.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Test a committor distribution made anywhere: k of n committed shots of each configuration went forward.

    A column "uncommitted" gives the shots that reached no basin in time; where they matter, the verdict must hold had
    they all gone to the one basin, and to the other.
    """
    from separatrix.coordinate.committor_table import read_shots
    from separatrix.core.errors import StoreError
    from separatrix.statistics.committor_statistics import analyse

    k, n, uncommitted = read_shots(counts)
    try:
        found = analyse(k, n, n_uncommitted=uncommitted, confidence=confidence)
    except ValueError as error:
        raise StoreError(f"{counts}: {error}") from error
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    low, high = found.intrinsic_sd_interval
    beta = "none" if found.beta is None else f"{found.beta[0]:.3g}, {found.beta[1]:.3g} ({found.beta_status})"
    for name, value in (
        ("configurations", str(found.n_configurations)),
        ("committed shots", f"{found.n_shots}, {found.n_success} of them forward"),
        *([("uncommitted shots", f"{found.n_uncommitted}")] if found.n_uncommitted else []),
        ("mean committor", f"{found.mean:.3f} ({found.mean_interval[0]:.3f} to {found.mean_interval[1]:.3f})"),
        ("intrinsic sd", f"{found.intrinsic_sd:.3f} ({low:.3f} to {high:.3f})"),
        ("beta distribution", beta),
        ("p, one common committor", f"{found.p_value_binomial:.3g}"),
        ("p, Kolmogorov-Smirnov, 1/2", f"{found.p_value_ks_half:.3g}"),
    ):
        print(f"{name:28s}{value}")
    print(found.verdict)


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

    _refuse_inputs(out, paths)
    frames = export_path(paths, out, index)
    print(f"{out}: {frames} frames")


@app.command()
def evaluate(
    coordinate: Annotated[Path, typer.Argument(help="coordinate.json of a run, or the small file of a coordinate.")],
    trajectory: Annotated[Path, typer.Argument(help="Any format of MDTraj, or paths.nc, shots.nc and the like.")],
    top: Annotated[Path | None, typer.Option(help="Topology, where the trajectory says nothing of its atoms.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write a CSV file instead of printing.")] = None,
) -> None:
    """Evaluate a reaction coordinate along a trajectory: r, the committor p_B and the variables, frame by frame."""
    from separatrix.coordinate import coordinate_file, formats, trajectories
    from separatrix.core.files import replacing

    if csv is not None:
        _refuse_inputs(csv, coordinate, trajectory, top)
    found = coordinate_file.read(coordinate)
    with libraries_aside():
        frames = trajectories.read_frames(trajectory, top, found.symbols)
    content = formats.table(found, frames, trajectories.along(found, frames))
    if csv is not None:
        with replacing(csv) as temporary:
            temporary.write_text(formats.as_csv(content))
        print(f"{csv}: {len(content.rows)} frames", file=sys.stderr)
    if as_json:
        print(formats.as_json(found, content))
    elif csv is None:
        print(formats.as_text(found, content), end="")


@app.command("export-coordinate")
def export_coordinate(
    coordinate: Annotated[Path, typer.Argument(help="coordinate.json of a run, or the small file of a coordinate.")],
    out: Annotated[Path, typer.Argument(help="What to write: .yaml or .json, .dat (PLUMED), .xml (OpenMM).")],
) -> None:
    """Export a reaction coordinate: a small file that needs nothing else, PLUMED input, or an OpenMM force."""
    from separatrix.coordinate import coordinate_file

    _refuse_inputs(out, coordinate)
    for path in coordinate_file.write(coordinate_file.read(coordinate), out):
        print(path)


@app.command()
def fit(
    file: Annotated[
        Path, typer.Argument(help="variables.nc of a run, a CSV file, or a file of ATESA (as_decorr_*.out).")
    ],
    model: Annotated[
        str, typer.Option(metavar="logistic|erf", help="p_B = (1 + tanh r)/2 or (1 + erf r)/2.")
    ] = "logistic",
    max_variables: Annotated[
        int | None, typer.Option(min=1, max=100, help="Most variables tried; 3, or what --size or the criterion needs.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, max=100, help="This many variables, whatever the criterion says.")
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            metavar="auto|exhaustive|greedy|exchange",
            help="auto: exhaustive up to three variables, exchange beyond; greedy: addition alone.",
        ),
    ] = "auto",
    criterion: Annotated[
        str,
        typer.Option(
            metavar="ebic|bic|aic|two-line",
            help="What chooses their number: extended BIC, which charges for the search; two-line: ATESA's test.",
        ),
    ] = "ebic",
    inertial: Annotated[
        bool,
        typer.Option(
            "--inertial",
            help="Fit with the rates of the variables: of a variables.nc, of the columns <name>_rate of a CSV file, or "
            "the second half of the columns of an ATESA file.",
        ),
    ] = False,
    ignore_rates: Annotated[
        bool,
        typer.Option("--ignore-rates", help="The second half of the columns of an ATESA file are rates: drop them."),
    ] = False,
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Scale each variable by its least and largest value, as ATESA does.")
    ] = False,
    blocks: Annotated[
        str, typer.Option(help="What is correlated: chain (if the file names them), none, or runs of N observations.")
    ] = "chain",
    forward_half: Annotated[
        bool, typer.Option("--forward-half", help="Of a variables.nc, take the forward halves only.")
    ] = False,
    outcome: Annotated[str | None, typer.Option(help="Column of outcomes of a CSV file; default: outcome.")] = None,
    product: Annotated[
        str | None, typer.Option(help="Outcome of a CSV file that counts as product, other than B or 1.")
    ] = None,
    reactant: Annotated[
        str | None, typer.Option(help="Outcome of a CSV file that counts as reactant; further ones are left out.")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this variable out; may be given again.")] = None,
    bootstrap: Annotated[int, typer.Option(min=0, max=100_000, help="Resamples of the search; 0: no bootstrap.")] = 50,
    folds: Annotated[
        int, typer.Option(min=0, max=10_000, help="Folds of the held-out likelihood, whole blocks; 0: none.")
    ] = 5,
    beyond: Annotated[
        list[str] | None,
        typer.Option(
            metavar="boosting|network",
            help="Hold a committor model that is not linear against the coordinate; may be given again.",
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(callback=_finite, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of bootstrap and models beyond.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit a reaction coordinate to committor observations by exact maximum likelihood, and say how far to trust it.

    A CSV file has a header. Its column `outcome` holds A (reactant) and B
    (product), or 0 and 1; `chain`, if it is there, the chain of an observation;
    `<name>_rate` the rate of the variable `<name>`; any other column a variable.

    A line of an ATESA file is `A <- 1.23 4.56` or `B <- ...`; with --inertial
    the second half of its values are rates.
    """
    from separatrix.cli.fit_text import show
    from separatrix.coordinate.fitting import Options
    from separatrix.coordinate.fitting import fit as fit_to
    from separatrix.coordinate.observations import read

    found = read(
        file,
        rates=inertial,
        ignore_rates=ignore_rates,
        halves="forward half" if forward_half else "both halves",
        outcome=outcome,
        product=product,
        reactant=reactant,
        skip=skip or [],
    )
    if max_variables is None:
        max_variables = max(8 if criterion == "two-line" else 3, size or 0)
    options = Options(
        model=model,
        max_variables=max_variables,
        search=search,
        criterion=criterion,
        size=size,
        normalise=normalise,
        blocks=blocks,
        bootstrap=bootstrap,
        folds=folds,
        beyond=tuple(dict.fromkeys(beyond or [])),
        confidence=confidence,
        seed=seed,
    )
    with _steps() as tell:
        report = fit_to(found, options, tell)
    if as_json:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    else:
        console = Terminal()
        show(report, console if console.is_terminal else Terminal(width=120))


@app.command()
def theory(
    model: Annotated[
        Path, typer.Argument(help="MODEL.yaml: surface, beta, D, states, grid (docs/theory.md); or JSON.")
    ],
    case: Annotated[str | None, typer.Option(help="Which case of a file that holds several under `cases`.")] = None,
    measured: Annotated[
        Path | None, typer.Option(help="CSV of committors measured by shooting (x, y, k, n), to set beside the theory.")
    ] = None,
    shoot: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            help="Shoot so many Brownian trajectories from each committor point, and set them beside.",
        ),
    ] = None,
    scan: Annotated[
        bool, typer.Option("--scan", help="Rates against D_yy/D_xx too; the values are the key `anisotropy`.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for figures (SVG, PDF, Vega-Lite), page (HTML) and numbers (JSON).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the trajectories.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rates, committors and the separatrix of a free-energy surface by every approximation, beside the exact answer.

    Langer, Kramers, KLBS, their variational combination (GZ) and the
    reaction-diffusion trial, in the order of the variational bounds, and
    saddle-point avoidance in its three senses.
    """
    from separatrix.report import theory_page as report

    with Terminal(stderr=True).status("") as status:
        result = report.run(
            model,
            case=case,
            measured=measured,
            shoot=shoot,
            scan=scan,
            seed=seed,
            tell=lambda words: status.update(Text(one_line(f"theory: {words}"))),
        )
    if figures is not None:
        for path in report.write(result, figures):
            print(path, file=sys.stderr)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2, allow_nan=False))
    else:
        console = Terminal()
        result.show(console if console.is_terminal else Terminal(width=120))


@app.command("compare")
def compare_command(
    results_a: Annotated[Path, typer.Argument(help="Results folder of a run that has finished.")],
    results_b: Annotated[Path, typer.Argument(help="That of another: a temperature, a version, a cluster.")],
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every quantity, not only those that differ.")] = False,
    false_discovery_rate: Annotated[
        float,
        typer.Option(min=1e-6, max=0.5, callback=_finite, help="Expected share of false ones among those that differ."),
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
    from separatrix.report.compare_runs import compare_runs, show

    found = compare_runs(results_a, results_b, methods=method or (), rate=false_discovery_rate)
    if as_json:
        print(json.dumps(found.to_dict(everything), indent=2, allow_nan=False))
    else:
        console = Terminal()
        show(found, console if console.is_terminal else Terminal(width=140), everything)
    if fail_on_difference and found.counts["differs"]:
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

    found = verify_results(results, move=not dry_run)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        for line in found.lines():
            print(line)
    if not found.is_whole:
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
    for method, mine in table[table["mechanism"] == of_series.ALL].groupby("method", sort=False):
        if mine["main"].nunique() > 1:
            console.print(
                f"{method}: mechanisms differ ({', '.join(dict.fromkeys(mine['main']))}); judge each by its own line"
            )


def _refuse_inputs(out: Path, *inputs: Path | None) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    StoreError
        When it is the same file, by whatever name.
    """
    from separatrix.core.errors import StoreError

    for path in inputs:
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise StoreError(f"{out}: is what is read; give another file to write to")


@contextlib.contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """Progress of named steps on stderr, with the time left; nothing where that is no terminal."""
    console = Terminal(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        auto_refresh=False,  # a thread of its own would add to the processor time that is measured
        transient=True,
        disable=not console.is_terminal,
    )
    tasks: dict[str, TaskID] = {}
    shown = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal shown
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)
        if time.monotonic() - shown > 0.2:
            shown = time.monotonic()
            bar.refresh()

    with bar:
        yield tell


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
