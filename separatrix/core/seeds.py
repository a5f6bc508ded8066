"""Random streams that are counted, not shared.

Every random number of a run belongs to a place in it: a method, a chain, a move. The stream of a place is a
Philox generator keyed by the root seed and that place, so results depend neither on the number of cores nor on
what was killed and resumed, and two places never share numbers.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *place: str | int) -> np.random.Generator:
    """Random generator of one place in a run.

    Parameters
    ----------
    seed
        Root seed of the run (the config's `seed`).
    place
        Words and numbers that name the place, e.g. ``("pm6", "chain", 1, "move", 17)``. Words enter through
        their CRC-32, which, unlike :func:`hash`, is the same in every process.
    """
    numbers = [zlib.crc32(p.encode()) if isinstance(p, str) else int(p) for p in place]
    # The count keeps apart places that differ by zeros at the end: SeedSequence pads short keys with zeros.
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([int(seed), len(numbers), *numbers])))
