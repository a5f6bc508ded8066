"""Rate along a coordinate against brute force over the Kramers turnover, measured in one run.

    python benchmarks/turnover.py [--walkers 3000] [--time 40] [--pairs 20000] [--frames 8000] [--seed 1]

A double well (12.5 kJ/mol, 6 Da, minima at ±0.05 nm, 300 K; states |x| > 0.03 nm) with Langevin dynamics, at frictions
from 0.3 to 100 per ps. For each, rates in 1/ps: by `separatrix.rates.free_energy` and `.transmission`, from exactly
drawn frames of umbrella windows and shots off their top; of free walkers in equilibrium, counted from state to state;
the same where a state also demands an energy 2 kT below the barrier, so that only what stays counts; and by Kramers'
formula for a parabolic barrier (Physica 1940, 7, 284). The deviation is that of the first two, in errors. All is drawn
anew at each friction, so that deviations are independent.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rate_models import Walker
from surface_models import Surface, pairs

from separatrix.rates import free_energy, mbar
from separatrix.rates.transmission import transmission

FRICTIONS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


def along_coordinate(walker: Walker, frames: int, count: int, seed: int) -> tuple[float, float, float, float]:
    """Rate (1/ps) and the error of its logarithm, transmission coefficient and its error."""
    rng = np.random.default_rng(seed)
    surface = Surface(walker.barrier, walker.tilt, masses=(walker.mass, walker.mass), a=walker.a)
    windows = surface.windows(rng, frames, count=17, temperature=walker.temperature)
    rate, _ = free_energy.surface_rate(windows, walker.temperature, rng=rng)
    found = mbar.combine(windows, walker.temperature)
    start = found.r[free_energy.on_surface(found, rate, count, rng)] * walker.a
    kappa = transmission(pairs(walker, count, rng, start), 1000.0 * walker.frame, rng=rng)
    error = math.hypot(rate.ln_forward_error, kappa.error / kappa.kappa)
    return rate.forward * kappa.kappa * 1e-12, error, kappa.kappa, kappa.error


def main() -> None:
    """Measure and print, as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--walkers", type=int, default=3000)
    parser.add_argument("--time", type=float, default=40.0, help="ps")
    parser.add_argument("--pairs", type=int, default=20000)
    parser.add_argument("--frames", type=int, default=8000, help="of each window")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    heads = (
        "friction (1/ps)", "κ", "along r: ln k", "error", "free walkers: ln k", "error", "deviation (errors)",
        "walkers that stay: ln k", "error", "Kramers: ln k",
    )  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for number, friction in enumerate(FRICTIONS):
        seed = 100 * arguments.seed + 10 * number
        walker = Walker(friction)
        bound = Walker(friction, below=2.0 * walker.kt)
        k, error, kappa, of_kappa = along_coordinate(walker, arguments.frames, arguments.pairs, seed)
        free, of_free = walker.brute(arguments.walkers, arguments.time, seed + 1)
        stays, of_stays = bound.brute(arguments.walkers, arguments.time, seed + 2)
        deviation = math.log(k / free) / math.hypot(error, of_free)
        cells = (
            f"{friction:g}", f"{kappa:.3f} ± {of_kappa:.3f}", f"{math.log(k):.3f}", f"{error:.3f}",
            f"{math.log(free):.3f}", f"{of_free:.3f}", f"{deviation:.1f}", f"{math.log(stays):.2f}", f"{of_stays:.2f}",
            f"{math.log(walker.kramers()):.2f}",
        )  # fmt: skip
        print("| " + " | ".join(cells).replace("-", "−") + " |", flush=True)


if __name__ == "__main__":
    main()
