"""What a shooting job spends outside the engine, measured in one run.

    python benchmarks/overhead.py [--results results] [--method pm6 --method dftb2] [--shots 20]

Prints, per method: the share of a shooting job's time past start-up that is spent in the engine's own gradient
call, and force evaluations per integration step at the seam. Needs the stationary points of a finished run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from separatrix import config, store
from separatrix.shooting import Chain, Move
from separatrix.stages import _engine


def measure(settings: dict, folder: Path, product: str, shots: int) -> dict[str, float]:
    """Time of a chain of `shots` shots, journal included, and where it goes."""
    system, method, engine = _engine(settings, folder / f"minimum_{product}.nc", folder / "saddle.nc")
    first = store.read_dataset(folder / "chain_1/first_path.nc")
    chain = Chain(
        engine,
        system.basins,
        system.mechanism,
        store.split_paths(first)[0],
        int(first.label[0]),
        shift=method.shift,
        place=(method.seed, (method.name, "benchmark")),
    )
    seam = engine.potential.seam
    if seam is None:
        raise SystemExit(f"{method.label}: OpenMM computes these forces itself; there is no seam to measure")
    steps, evaluations, seconds = engine.steps, seam.evaluations, seam.seconds
    done: list[Move] = []
    with tempfile.TemporaryDirectory() as scratch, store.Journal(scratch) as journal:
        start = time.perf_counter()
        while sum(m.is_shot for m in done) < shots:
            move = chain.move(len(done))
            journal.write(move.index, store.move_record(move))
            done.append(move)
        elapsed = time.perf_counter() - start
    steps, evaluations = engine.steps - steps, seam.evaluations - evaluations
    return {
        "share": (seam.seconds - seconds) / elapsed,
        "per_step": evaluations / steps,
        "per_call": (seam.seconds - seconds) / evaluations * 1e3,
        "per_shot": elapsed / shots,
        "steps": steps / shots,
    }


def main() -> None:
    """Measure the methods asked for and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--method", action="append", help="default: pm6 and dftb2")
    parser.add_argument("--shots", type=int, default=20)
    arguments = parser.parse_args()
    loaded = config.load(config.read_yaml(arguments.config), [arguments.config])
    print("method   in the gradient   evaluations/step   ms/gradient   steps/shot   s/shot")
    for name in arguments.method or ["pm6", "dftb2"]:
        m = measure(loaded.settings("sample", name), arguments.results / name, loaded.system.product, arguments.shots)
        print(
            f"{name:8s} {m['share']:15.1%} {m['per_step']:18.3f} {m['per_call']:13.1f} {m['steps']:12.0f} "
            f"{m['per_shot']:8.2f}"
        )


if __name__ == "__main__":
    main()
