"""What a shooting job spends outside the engine, measured in one run.

    python benchmarks/overhead.py [--results results] [--method pm6 --method dftb2] [--shots 20]

Prints, per method, the time of a shooting job past start-up (journal included) over its base, the inverse of it, and
force evaluations per integration step. The base is the time in the engine's own gradient call; where OpenMM computes
the forces itself, its bare stepping of the same number of steps. Needs the stationary points of a finished run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from separatrix.config.load import load
from separatrix.config.stage_settings import StageSettings
from separatrix.core.files import read_dataset
from separatrix.core.journal import Journal
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.md_engine import MDEngine
from separatrix.results.moves import Move, move_record
from separatrix.results.path_files import split_paths
from separatrix.sampling.shooting import Chain
from separatrix.workflow.engine_opening import open_engine


def measure(
    settings: dict, folder: Path, product: str, shots: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Time of a chain of `shots` shots, and where it goes; `clock` is asked at its start and at its end."""
    system, method, engine = open_engine(
        StageSettings("sample", settings), folder / f"minimum_{product}.nc", folder / "saddle.nc"
    )
    first = read_dataset(folder / "chain_1/first_path.nc")
    chain = Chain(
        engine,
        system.basins,
        system.mechanism,
        split_paths(first)[0],
        int(first.label[0]),
        shift=method.shift,
        place=(method.seed, (method.name, "benchmark")),
    )
    seam = engine.potential.seam
    steps, evaluations = engine.steps, engine.evaluations
    seconds = seam.seconds if seam else 0.0
    done: list[Move] = []
    with tempfile.TemporaryDirectory() as scratch, Journal(scratch) as journal:
        start = clock()
        while sum(m.is_shot for m in done) < shots:
            move = chain.move(len(done))
            journal.write(move.index, move_record(move))
            done.append(move)
        elapsed = clock() - start
    steps, evaluations = engine.steps - steps, engine.evaluations - evaluations
    # The base: the engine's own gradient calls; where OpenMM has the forces, its bare stepping of as many steps.
    base = seam.seconds - seconds if seam else bare_stepping(engine, steps)
    return {
        "ratio": elapsed / base,
        "share": base / elapsed,
        "per_step": evaluations / steps,
        "per_call": base / evaluations * 1e3,
        "per_shot": elapsed / shots,
        "steps": steps / shots,
    }


def bare_stepping(engine: MDEngine, steps: int) -> float:
    """Seconds that OpenMM takes for as many integration steps, all in one call."""
    start = time.perf_counter()
    engine.simulation.integrator.step(steps)
    return time.perf_counter() - start


def main() -> None:
    """Measure the methods asked for and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--method", action="append", help="default: all in the config")
    parser.add_argument("--shots", type=int, default=20)
    arguments = parser.parse_args()
    loaded = load(read_yaml(arguments.config), [arguments.config])
    print("method   time/base   base/time   evaluations/step   ms/evaluation   steps/shot   s/shot")
    for name in arguments.method or loaded.methods:
        m = measure(loaded.settings("sample", name), arguments.results / name, loaded.system.product, arguments.shots)
        print(
            f"{name:8s} {m['ratio']:8.3f} {m['share']:11.1%} {m['per_step']:18.3f} {m['per_call']:15.3f} "
            f"{m['steps']:12.0f} {m['per_shot']:8.3f}"
        )


if __name__ == "__main__":
    main()
