"""The table of methods at the top of the report: cells as shown, and as sorted by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from separatrix.core.digits import significant
from separatrix.rates.route import is_sampled
from separatrix.report.judged_method import Judged, Rate
from separatrix.report.language import Phrases
from separatrix.report.story import mechanism_names


def rows(methods: Sequence[Judged], phrase: Phrases) -> list[list[tuple[str, float | str]]]:
    """The table of methods: for each the cells, as shown and as sorted by, in the order of :func:`heads`."""
    table = []
    for m in methods:
        rate = m.rate
        cells: list[tuple[str, float | str]] = [
            (m.label, m.label),
            (_mechanism_cell(m, phrase), m.mechanism if isinstance(m.mechanism, str) else " ".join(m.mechanism)),
            (f"{m.barrier:.1f}" if math.isfinite(m.barrier) else "–", m.barrier),
            ("–", math.nan) if rate is None else (_marked(rate), rate.value),
            (f"{m.activation_energy:.0f} ‡" if math.isfinite(m.activation_energy) else "–", m.activation_energy),
        ]
        for key in ("length", "acceptance", "committor", "spread", "cost"):
            value, low, high = m.numbers[key]
            cells.append((significant(value, low, high) if math.isfinite(value) else "–", value))
        cells.append((phrase(f"verdict_{m.verdict}"), m.verdict))
        table.append(cells)
    return table


def _mechanism_cell(m: Judged, phrase: Phrases) -> str:
    """The mechanism with its share; § where shares are not determined."""
    if not m.mechanism:
        return "–"
    return f"{mechanism_names(m, phrase)} §" if m.stays else f"{mechanism_names(m, phrase)} {m.share:.0%}"


def _marked(rate: Rate) -> str:
    """A rate, marked where it is the harmonic one, which knows of no recrossing."""
    return significant(rate.value, rate.low, rate.high) + ("" if is_sampled(rate.route) else " ‡")


def heads(phrase: Phrases, reactant: str, product: str) -> list[str]:
    """Heads of the table of methods."""
    keys = ("method", "mechanism", "barrier", "rate", "energy", "length", "acceptance", "committor", "spread", "cost")
    return [phrase(f"col_{key}", reactant=reactant, product=product) for key in (*keys, "verdict")]


def experimental_row(literature: pd.DataFrame | None, reactant: str, phrase: Phrases) -> list[str]:
    """The row of experiment in the table of methods; empty where nothing was measured."""
    if literature is None or literature.empty:
        return []
    measured = literature[(literature["quantity"] == "activation energy") & (literature["from"] == reactant)]
    if measured.empty:
        return []
    first = measured.iloc[0]
    energy = f"{first['value']:g} ± {first['error']:g} ({first['lowest_K']:g} – {first['highest_K']:g} K)"
    return [phrase("experiment"), "", "", "", energy, "", "", "", "", "", ""]
