"""The command for diffusive rates on a model surface."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from separatrix.cli.app import app
from separatrix.core.terminal import Terminal
from separatrix.core.text import one_line

if TYPE_CHECKING:
    pass


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
    from separatrix.report import theory_page

    with Terminal(stderr=True).status("") as status:
        result = theory_page.run(
            model,
            case=case,
            measured=measured,
            shoot=shoot,
            scan=scan,
            seed=seed,
            tell=lambda text: status.update(Text(one_line(f"theory: {text}"))),
        )
    if figures is not None:
        for path in theory_page.write(result, figures):
            print(path, file=sys.stderr)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2, allow_nan=False))
    else:
        console = Terminal()
        result.show(console if console.is_terminal else Terminal(width=120))
