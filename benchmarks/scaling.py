"""How well chains share a machine, measured; and how far they would scale on a cluster, simulated.

    python benchmarks/scaling.py [--results results] [--method pm6] [--shots 10]

The first part runs a chain alone and then one on each core, a process each, and prints the efficiency (time alone over
time beside the others). The second part prints what `separatrix.plan` expects on SLURM for 1 to 10,000 chains, from the
overheads measured there (docs/cluster.md says how) and from these assumptions: as many cores as chains, an assessment
after each of five rounds, work per round that varies by 5 % between chains.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

from separatrix import config
from separatrix.plan import SLURM, efficiency


def work(arguments: tuple[Path, Path, str, int]) -> float:
    """Seconds that a chain's shots take in this process, start-up left out."""
    from overhead import measure

    file, results, method, shots = arguments
    loaded = config.load(config.read_yaml(file), [file])
    found = measure(loaded.settings("sample", method), results / method, loaded.system.product, shots)
    return found["per_shot"] * shots


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
        start = time.perf_counter()
        together = pool.map(work, jobs, chunksize=1)
        elapsed = time.perf_counter() - start
    share = alone / (sum(together) / len(together))
    print(
        f"{arguments.method}: {alone:.2f} s alone, {sum(together) / len(together):.2f} s beside {arguments.cores - 1}"
    )
    print(f"efficiency on {arguments.cores} cores: {share:.1%} (all of it took {elapsed:.2f} s)")
    minutes = (1, 10, 30, 120)
    print(f"\nSLURM, {SLURM.start:g} s per start, {SLURM.submit:g} s per submission, {SLURM.notice:g} s per round")
    print("chains   " + "".join(f"{m:>8d} min/round" for m in minutes))
    for n in (1, 10, 100, 1000, 10_000):
        shares = (efficiency(n, n, 60.0 * m, rounds=5) for m in minutes)
        print(f"{n:<9d}" + "".join(f"{s:>18.1%}" for s in shares))


if __name__ == "__main__":
    main()
