"""Files of umbrella windows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.core.files import read_dataset
from separatrix.rates.mbar import FloatArray, Window


def window_of(run: Mapping[str, Any], stiffness: float) -> Window:
    return Window(
        float(run["centre"]),
        stiffness,
        np.asarray(run["r"]),
        np.asarray(run["speed"]),
        np.asarray(run["energy"]),
    )


def read_windows(file: Path | str) -> list[tuple[Window, FloatArray]]:
    """Windows of a file of the umbrella stage, each with the positions of its frames, nm."""
    data = read_dataset(file)
    stops = np.cumsum(data.frames.values)
    windows = []
    for centre, stop, n in zip(data.centre.values, stops, data.frames.values, strict=True):
        part = slice(stop - n, stop)
        window = Window(
            float(centre),
            float(data.attrs["stiffness_kJ_mol"]),
            data.r.values[part],
            data.speed.values[part],
            # Windows of earlier versions have none; they give the rate at their own temperature.
            data.energy.values[part] if "energy" in data else None,
        )
        windows.append((window, data.positions.values[part].astype(float)))
    return windows


def windows_with_failures(file: Path | str) -> list[dict[str, Any]]:
    """Of each window of a file its centre, why segments of it failed, and why it ended early."""
    data = read_dataset(file)
    # Windows of earlier versions know of no failures but the one that ended them.
    failures = data.failures.values if "failures" in data else [""] * len(data.centre)
    return [
        {"centre": float(centre), "failures": str(failed), "reason": str(reason)}
        for centre, failed, reason in zip(data.centre.values, failures, data.reason.values, strict=True)
    ]
