"""What it costs a job to start: processor time to import each stage, over that of the libraries that every stage needs.

    python benchmarks/startup.py [--repeats 15] [--against CHECKOUT MODULE]

Each import is a process of its own; imports take turns, so that a busy machine slows all of them down alike, and each
is divided by the libraries' time of the same turn. Printed are medians. With ``--against`` the same is measured for a
module of another checkout, which needs nothing but this environment.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "numpy, xarray, pandas, yaml, openmm"


def modules() -> list[str]:
    """Modules of all stages, as the rules name them."""
    rules = "".join(file.read_text() for file in sorted((ROOT / "workflow/rules").glob("*.smk")))
    return sorted(set(re.findall(r'Stage\("([\w.]+):', rules)))


def seconds(imported: str, folder: Path) -> float:
    """Processor time, user and system, of a process that imports something in a checkout, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", f"import {imported}"], check=True, cwd=folder, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratios(wanted: Mapping[str, tuple[str, Path]], repeats: int) -> dict[str, float]:
    """Median over all turns of each import's time over that of the libraries."""
    found: dict[str, list[float]] = {name: [] for name in wanted}
    for turn in range(repeats + 1):
        unit = seconds(LIBRARIES, ROOT)
        for name, (imported, folder) in wanted.items():
            ratio = seconds(imported, folder) / unit
            if turn:  # the first turn writes byte code
                found[name].append(ratio)
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--against", nargs=2, metavar=("CHECKOUT", "MODULE"))
    options = parser.parse_args()
    chosen = {name: (name, ROOT) for name in modules()}
    if options.against:
        folder, module = options.against
        chosen[f"{module} of {folder}"] = (module, Path(folder).resolve())
    for name, ratio in ratios(chosen, options.repeats).items():
        print(f"{ratio:6.2f}  {name}")
