"""Commands on coordinates and committors: fit, evaluation, other programs' formats, the committor test."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from separatrix.cli.app import app, finite, refuse_inputs
from separatrix.core.errors import StoreError
from separatrix.core.terminal import Terminal, libraries_aside

if TYPE_CHECKING:
    pass


@app.command("committor-test")
def committor_test(
    counts: Annotated[Path, typer.Argument(help="CSV with columns k and n, or lines k/n as ATESA writes them.")],
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, callback=finite, help="Of the intervals.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Test a committor distribution made anywhere: k of n committed shots of each configuration went forward.

    A column "uncommitted" gives the shots that reached no basin in time; where they matter, the verdict must hold had
    they all gone to the one basin, and to the other.
    """
    from separatrix.coordinate.committor_table import read_shots
    from separatrix.statistics.committor_statistics import analyse

    k, n, uncommitted = read_shots(counts)
    try:
        result = analyse(k, n, n_uncommitted=uncommitted, confidence=confidence)
    except ValueError as error:
        raise StoreError(f"{counts}: {error}") from error
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
        return
    low, high = result.intrinsic_sd_interval
    beta = "none" if result.beta is None else f"{result.beta[0]:.3g}, {result.beta[1]:.3g} ({result.beta_status})"
    for name, value in (
        ("configurations", str(result.n_configurations)),
        ("committed shots", f"{result.n_shots}, {result.n_success} of them forward"),
        *([("uncommitted shots", f"{result.n_uncommitted}")] if result.n_uncommitted else []),
        ("mean committor", f"{result.mean:.3f} ({result.mean_interval[0]:.3f} to {result.mean_interval[1]:.3f})"),
        ("intrinsic sd", f"{result.intrinsic_sd:.3f} ({low:.3f} to {high:.3f})"),
        ("beta distribution", beta),
        ("p, one common committor", f"{result.p_value_binomial:.3g}"),
        ("p, Kolmogorov-Smirnov, 1/2", f"{result.p_value_ks_half:.3g}"),
    ):
        print(f"{name:28s}{value}")
    print(result.verdict)


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
        refuse_inputs(csv, coordinate, trajectory, top)
    reaction_coordinate = coordinate_file.read(coordinate)
    with libraries_aside():
        frames = trajectories.read_frames(trajectory, top, reaction_coordinate.symbols)
    content = formats.frame_table(reaction_coordinate, frames, trajectories.along(reaction_coordinate, frames))
    if csv is not None:
        with replacing(csv) as temporary:
            temporary.write_text(formats.as_csv(content))
        print(f"{csv}: {len(content.rows)} frames", file=sys.stderr)
    if as_json:
        print(formats.as_json(reaction_coordinate, content))
    elif csv is None:
        print(formats.as_text(reaction_coordinate, content), end="")


@app.command("export-coordinate")
def export_coordinate(
    coordinate: Annotated[Path, typer.Argument(help="coordinate.json of a run, or the small file of a coordinate.")],
    out: Annotated[Path, typer.Argument(help="What to write: .yaml or .json, .dat (PLUMED), .xml (OpenMM).")],
) -> None:
    """Export a reaction coordinate: a small file that needs nothing else, PLUMED input, or an OpenMM force."""
    from separatrix.coordinate import coordinate_file

    refuse_inputs(out, coordinate)
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
        str, typer.Option(help="What is correlated: chain (its shots, over their measured memory), none, or runs of N.")
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
    ] = 10,
    nonlinear_models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="boosting|network",
            help="Hold a committor model that is not linear against the coordinate; may be given again.",
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(callback=finite, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of bootstrap and nonlinear models.")] = 1,
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
    from separatrix.coordinate.fit_options import Options
    from separatrix.coordinate.fitting import fit as fit_to
    from separatrix.coordinate.observations import read

    observations = read(
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
        nonlinear_models=tuple(dict.fromkeys(nonlinear_models or [])),
        confidence=confidence,
        seed=seed,
    )
    with _steps() as tell:
        report = fit_to(observations, options, tell)
    if as_json:
        print(json.dumps(report.printed(), indent=2, allow_nan=False))
    else:
        console = Terminal()
        show(report, console if console.is_terminal else Terminal(width=120))


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
