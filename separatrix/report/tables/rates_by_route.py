"""Rates of all methods by every route."""

from __future__ import annotations

from separatrix.report.figure_registry import RatesTable
from separatrix.report.reported_rates import ReportedRates
from separatrix.report.table_content import TablePage


def content(rates: ReportedRates) -> TablePage:
    """For each method and direction the rates, lifetimes and temperature laws, and whether routes agree."""
    # The workflow reads all entries when it starts; what computes rates can wait.
    from separatrix.report import rates_table

    return rates_table.content(rates.contents, rates.labels, rates.literature)


TABLE = RatesTable(
    name="rates",
    title="Rates by every route",
    category="Rates",
    section="rate",
    place=350,
    caption=(
        "Rate constants k of every method by every route, with the mean time 1/k before a molecule reacts, "
        "temperature laws and relaxation, and experiment where the system file names literature values. In brackets: "
        "intervals of confidence 0.95."
    ),
    content=content,
)
