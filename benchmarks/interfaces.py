"""Rates through interfaces against brute force over the Kramers turnover, and whether their errors hold.

    python benchmarks/interfaces.py [--cycles 4000] [--repeats 12] [--short 1000] [--seed 1]

The double well of `turnover.py` (12.5 kJ/mol, 6 Da, minima at ±0.05 nm, 300 K; states |x| > 0.03 nm). At frictions of
10/ps and below states also demand an energy 2 kT below the barrier, so that what has crossed stays. The first table has
one rate of two chains at each friction and that of free walkers, counted from state to state, in 1/ps. The second has
`--repeats` independent rates of shorter chains at each: the mean and the scatter of ln(k / known), the error that they
told, and how often a path's place went from the first ensemble to the last. Without friction the known rate is that of
transition-state theory, exact in one dimension.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rate_models import Walker

from separatrix.core.seeds import stream
from separatrix.rates.tis.chain import run_chain
from separatrix.rates.tis.interface_rate import InterfaceRate, rate_of_chains
from separatrix.rates.tis.pilot import Rules, place_interfaces

FRICTIONS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


def walker_of(friction: float) -> Walker:
    """The double well at a friction (1/ps)."""
    bound = 0.0 < friction <= 10.0
    return Walker(friction, below=2.0 * Walker(friction).kt if bound else -math.inf)


def through_interfaces(walker: Walker, cycles: int, seed: int) -> InterfaceRate:
    """Rate of two chains, with segments of 0.8 ps and a path in every other cycle."""
    rules = Rules(0.25, 40, cycles=cycles, burn_in=50, refresh=2, segment_frames=200)
    start, top = np.asarray(-walker.a), np.asarray(0.0)

    def streams(*place):
        return lambda *words: stream(seed, *place, *words)

    def keep(make):
        return make()

    found = place_interfaces(walker, start, top, rules, streams("pilot"), keep)
    chains = [run_chain(walker, start, found, rules, streams("chain", c), keep) for c in range(2)]
    return rate_of_chains(chains, found.interfaces, walker.frame)


def line(*cells: str) -> None:
    """A row of a table of Markdown."""
    print("| " + " | ".join(cells).replace("-", "−") + " |", flush=True)


def main() -> None:
    """Measure and print, as two tables of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=4000, help="of each of two chains, first table")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--short", type=int, default=1000, help="cycles of each of two chains, second table")
    parser.add_argument("--walkers", type=int, default=1000)
    parser.add_argument("--time", type=float, default=100.0, help="ps")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = {0.0: (Walker(0.0).tst(), 0.0)}
    heads = (
        "friction (1/ps)",
        "interfaces",
        "error of ln k",
        "free walkers",
        "error of ln k",
        "Kramers",
        "deviation (errors)",
    )
    line(*heads)
    print("|" + "---|" * len(heads))
    for friction in FRICTIONS[1:]:
        walker = walker_of(friction)
        known[friction] = walker.brute(arguments.walkers, arguments.time, 3)
        k, error = known[friction]
        found = through_interfaces(walker, arguments.cycles, arguments.seed)
        rate = found.rate * 1e-12
        off = math.log(rate / k) / math.hypot(found.ln_error, error)
        line(
            f"{friction:g}", f"{rate:.4f}", f"{found.ln_error:.2f}", f"{k:.4f}", f"{error:.3f}",
            f"{walker.kramers():.4f}", f"{off:.1f}",
        )  # fmt: skip
    heads = ("friction (1/ps)", "mean of ln(k / known)", "scatter", "error told (root mean square)", "arrivals")
    print()
    line(*heads)
    print("|" + "---|" * len(heads))
    for friction in FRICTIONS:
        runs = [
            through_interfaces(walker_of(friction), arguments.short, 1000 * arguments.seed + k)
            for k in range(arguments.repeats)
        ]
        off = np.log([r.rate * 1e-12 / known[friction][0] for r in runs])
        mean = math.hypot(off.std(ddof=1) / math.sqrt(len(off)), known[friction][1])
        told = math.sqrt(np.mean([r.ln_error**2 for r in runs]))
        round_trips = np.mean([r.n_arrivals for r in runs])
        line(
            f"{friction:g}", f"{off.mean():.2f} ± {mean:.2f}", f"{off.std(ddof=1):.2f}", f"{told:.2f}",
            f"{round_trips:.0f}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
