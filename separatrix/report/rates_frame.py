"""Rates of all methods by every route, as a data frame: what the table and the figures of the rates show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.rates import kinetics


def rates_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """A row per method, direction, route and temperature: rate (1/s), interval of confidence 0.95, lifetime (s).

    The lifetime is 1/k, the mean time before a molecule in the state reacts; what comes back does not count. A sampled
    rate is classical: `quantum_rate` is it times `quantum_factor`, that of the harmonic rates.
    """
    rows = []
    for content, label in zip(contents, labels, strict=True):
        for route in content["routes"]:
            k = route["rate"]
            low, high = kinetics.interval(route) or (math.nan, math.nan)
            rows.append(
                {
                    "label": label,
                    "from": route["from"],
                    "to": route["to"],
                    "route": route["route"],
                    "how": route.get("how", ""),
                    "temperature": route["temperature"],
                    "inverse": 1000.0 / route["temperature"],
                    "rate": k if k else math.nan,
                    "log_rate": math.log10(k) if k else math.nan,
                    "low": math.log10(low),
                    "high": math.log10(high),
                    "lifetime": 1.0 / k if k else math.nan,
                    "quantum_factor": route.get("quantum_factor", math.nan),
                    "quantum_vibrations": route.get("quantum_vibrations", math.nan),
                    "tunnelling": route.get("tunnelling", math.nan),
                    "quantum_rate": k * route.get("quantum_factor", math.nan) if k else math.nan,
                }
            )
    return pd.DataFrame(rows)
