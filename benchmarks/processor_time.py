"""How long something takes, for the benchmarks beside this file."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Processor time of the shortest of several runs: what else the machine does only ever adds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
