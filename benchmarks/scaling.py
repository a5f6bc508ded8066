"""How well chains share a machine, measured; and how far they would scale on a cluster, simulated.

    python benchmarks/scaling.py [--results results] [--method pm6] [--shots 10]

The first part runs a chain alone and then one on each core, a process each, and prints the efficiency (time alone over
time beside the others): of the clock, which anything else on the machine spoils, and of processor time, which it hardly
does. The second part prints what `separatrix.workflow.plan` expects on SLURM for 1 to 10,000 chains, from the overheads
measured there (docs/cluster.md says how) and from these assumptions: a core per chain, or as many as the profile has
jobs in the queue; an assessment after each of five rounds; work per round that varies by 5 % between chains; a queue
that starts a job as soon as a core is free.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

from separatrix.config.load import load
from separatrix.core.yaml_file import read_yaml
from separatrix.workflow.plan import SLURM, efficiency


def work(arguments: tuple[Path, Path, str, int]) -> tuple[float, float]:
    """Seconds that a chain's shots take in this process, start-up left out: of the clock, and of processor time."""
    from overhead import measure

    file, results, method, shots = arguments
    loaded = load(read_yaml(file), [file])
    used = []

    def clock() -> float:
        used.append(time.process_time())
        return time.perf_counter()

    found = measure(loaded.settings("sample", method), results / method, loaded.system.product, shots, clock)
    return found["per_shot"] * shots, used[-1] - used[0]


def main() -> None:
    """Measure, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--method", default="pm6")
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    job = (arguments.config, arguments.results, arguments.method, arguments.shots)
    jobs = [job] * arguments.cores
    context = multiprocessing.get_context("spawn")
    with context.Pool(arguments.cores) as pool:
        pool.map(abs, range(arguments.cores))  # start-up
        alone = pool.apply(work, (job,))
        together = pool.map(work, jobs, chunksize=1)
    for what, one, many in zip(("clock", "processor time"), alone, zip(*together, strict=True), strict=True):
        mean = sum(many) / len(many)
        print(
            f"{arguments.method}, {what}: {one:.2f} s alone, {mean:.2f} s beside {arguments.cores - 1} more; "
            f"efficiency on {arguments.cores} cores {one / mean:.1%}"
        )
    minutes = (1, 10, 30, 120, 480, 1440)
    print(f"\nSLURM, {SLURM.start:g} s per start, {SLURM.submit:g} s per submission, {SLURM.notice:g} s per round")
    for most in (10_000, 100):
        print(f"\nchains, on {most:,} cores at most" + "".join(f"{m:>7d} min" for m in minutes))
        for n in (1, 10, 100, 1000, 10_000):
            shares = (efficiency(n, min(n, most), 60.0 * m, rounds=5) for m in minutes)
            print(f"{n:<{27 + len(f'{most:,}')}d}" + "".join(f"{s:>11.1%}" for s in shares))


if __name__ == "__main__":
    main()
