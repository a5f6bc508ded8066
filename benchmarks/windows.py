"""How soon umbrella windows settle, by friction and by what the lightest atoms weigh, measured in one run.

    snakemake && python benchmarks/windows.py [--config config/config.yaml] [--method gaff2] [--length 5] [--repeats 16]

From the stationary points, paths and coordinate of a finished run: independent repeats of all windows, short ones, for
each friction, time step and lightest atom. ln k is that of transition-state theory along r over that of long windows
(--reference, each, ps). Its scatter is the error of one repeat, its mean the bias that short windows have; beside them
the error that one repeat tells of itself. All settings have windows of the same length, and those of steps of 2 fs half
the force evaluations of those of 1 fs.
"""

from __future__ import annotations

import argparse
import copy
import math
import multiprocessing
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.config.load import load
from separatrix.config.stage_settings import StageSettings
from separatrix.core.yaml_file import read_yaml
from separatrix.rates import free_energy, mbar
from separatrix.workflow.umbrella import Umbrella

#: Friction (1/ps), time step (fs), lightest atom (Da; None: as it is).
SETTINGS = ((2.0, 1.0, None), (0.5, 2.0, 12.0), (2.0, 2.0, 12.0), (5.0, 2.0, 12.0), (10.0, 2.0, 12.0))


def windows(
    settings: Mapping[str, Any], folder: Path, rules: Mapping[str, Any], seed: int
) -> tuple[list[mbar.Window], float]:
    """All windows of one repeat, and the temperature (K)."""
    mine = copy.deepcopy(dict(settings)) | {"seed": seed}
    kept = {k: v for k, v in mine["rates"]["umbrella"].items() if k not in ("time_step_fs", "lightest_atom_Da")}
    mine["rates"] = {"umbrella": kept | dict(rules)}
    given = StageSettings("umbrella", mine)
    system = given.system
    umbrella = Umbrella(
        given,
        {name: folder / f"minimum_{name}.nc" for name in (system.reactant, system.product)},
        folder / "saddle.nc",
        sorted(folder.glob("chain_*/paths.nc")),
        folder / "coordinate.json",
        folder / "variables.nc",
    )
    with tempfile.TemporaryDirectory() as journal:
        runs = [umbrella.window(float(centre), journal) for centre in umbrella.centres]
    made = [mbar.Window(run["centre"], umbrella.stiffness, run["r"], run["speed"], run["energy"]) for run in runs]
    return made, umbrella.method.dynamics.temperature


def ln_rate(job: tuple[Mapping[str, Any], Path, Mapping[str, Any], int, float | None]) -> tuple[float, float, float]:
    """Logarithm of the rate of one repeat, its error, and where its surface stands."""
    *how, seed, top = job
    made, temperature = windows(*how, seed)
    rate, _ = free_energy.surface_rate(made, temperature, rng=np.random.default_rng(seed), top=top)
    return math.log(rate.forward), rate.ln_forward_error, rate.top


def main() -> None:
    """Measure and print, as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/config.yaml")
    parser.add_argument("--results", help="the config's own if absent")
    parser.add_argument("--method", default="gaff2")
    parser.add_argument("--length", type=float, default=5.0, help="ps, after --equilibration")
    parser.add_argument("--equilibration", type=float, default=1.0, help="ps")
    parser.add_argument("--reference", type=float, default=100.0, help="ps")
    parser.add_argument("--repeats", type=int, default=16)
    arguments = parser.parse_args()
    found = load(read_yaml(arguments.config), [arguments.config])
    folder = Path(arguments.results or found.data["results_directory"]) / arguments.method
    settings = found.settings("umbrella", arguments.method)
    own = found.methods[arguments.method].dynamics.time_step
    lengths = {"equilibration_fs": 1000.0 * arguments.equilibration, "length_fs": 1000.0 * arguments.length}
    long = {"equilibration_fs": 5000.0, "length_fs": 1000.0 * arguments.reference, "friction_per_ps": 2.0}
    # Its own masses and time step, so that the heavier atoms are held against what they stand for.
    known, error, top = ln_rate((settings, folder, long | {"time_step_fs": own, "frame_fs": 20.0}, 1, None))
    print(f"ln k of windows of {arguments.reference:g} ps, steps of {own:g} fs: {known:.2f} ± {error:.2f}\n")
    heads = ("friction (1/ps)", "step (fs)", "lightest (Da)", "mean of ln(k / known)", "scatter", "error told")
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    with multiprocessing.Pool() as pool:
        for friction, step, lightest in SETTINGS:
            rules = lengths | {"friction_per_ps": friction, "time_step_fs": step}
            rules |= {} if lightest is None else {"lightest_atom_Da": lightest}
            jobs = [(settings, folder, rules, 1000 + i, top) for i in range(arguments.repeats)]
            made = np.array(pool.map(ln_rate, jobs, chunksize=1))
            off, scatter = made[:, 0].mean() - known, made[:, 0].std(ddof=1)
            cells = (
                f"{friction:g}",
                f"{step:g}",
                "as they are" if lightest is None else f"{lightest:g}",
                f"{off:+.2f} ± {scatter / math.sqrt(arguments.repeats):.2f}",
                f"{scatter:.2f}",
                f"{math.sqrt((made[:, 1] ** 2).mean()):.2f}",
            )
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
