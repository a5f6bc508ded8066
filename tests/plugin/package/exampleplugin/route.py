"""A route to a rate: a number that a file of the run holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates


def rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    """The rate of `example.json`, 1/s, with its error."""
    entry = {"from": context.reactant, "to": context.product, "temperature": context.temperature}
    return RouteRates([entry | {"rate": files["example"]["rate"], "ln_error": 0.1}], {})


ROUTE = Route(
    name="example",
    title="a rate from a file",
    summary="a file",
    trust=0.5,
    files={"example": RouteFile("rates/example.json")},
    asked=lambda rates, method: True,
    rates=rates,
    citations=lambda rates: [("eyring1935", "the example's rate")],
)
