"""Rates of all methods and of experiment, as the figures and the table of rates show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from separatrix.core.units import BOLTZMANN

EXPERIMENT = "experiment"
"""In place of a method's label and of a route: what was measured."""


@dataclass(frozen=True)
class ReportedRates:
    """What figures and tables of rates are made from.

    Attributes
    ----------
    contents
        ``rates.json`` of each method.
    labels
        Of the methods, in the same order.
    literature
        Literature values, as :func:`separatrix.report.literature.read_literature` reads them; None where the system
        names none.
    """

    contents: Sequence[Mapping[str, Any]]
    labels: Sequence[str]
    literature: pd.DataFrame | None = None

    @property
    def reactant(self) -> str:
        """The first of the two states."""
        return str(self.contents[0]["states"][0])

    @property
    def temperature(self) -> float:
        """Of the dynamics, K."""
        return float(self.contents[0]["temperature_K"])


def experiment_frame(literature: pd.DataFrame, start: str) -> pd.DataFrame:
    """Points of the experimental Arrhenius line from a basin, over its range of temperatures; empty without one."""
    here = literature[literature["from"] == start]
    energy, prefactor = (here[here["quantity"] == q] for q in ("activation energy", "prefactor"))
    if energy.empty or prefactor.empty:
        return pd.DataFrame(columns=["inverse", "log_rate"])
    low, high = float(energy["lowest_K"].iloc[0]), float(energy["highest_K"].iloc[0])
    t = 1.0 / np.linspace(1.0 / high, 1.0 / low, 20)
    ln_k = math.log(float(prefactor["value"].iloc[0])) - float(energy["value"].iloc[0]) / (BOLTZMANN * t)
    return pd.DataFrame(
        {
            "label": EXPERIMENT,
            "from": start,
            "to": energy["to"].iloc[0],
            "route": EXPERIMENT,
            "temperature": t,
            "inverse": 1000.0 / t,
            "rate": np.exp(ln_k),
            "log_rate": ln_k / math.log(10.0),
        }
    )
