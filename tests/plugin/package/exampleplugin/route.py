"""A route to a rate: a number that a rule of this package writes into a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteQuantity, RouteRates, RouteRemark, RouteWork


def rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    """The rate of `example.json`, 1/s, with its error."""
    entry = {"from": context.reactant, "to": context.product, "temperature": context.temperature}
    example = files["example"]
    return RouteRates([entry | {"rate": example["rate"], "ln_error": 0.1}], {"example": example})


def quantities(content: Mapping[str, Any]) -> Iterable[RouteQuantity]:
    """How many people were asked for the rate."""
    if content.get("example"):
        yield RouteQuantity("people", "people asked for the rate", content["example"]["people"])


def remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    """A sentence below the rates."""
    if content.get("example"):
        yield RouteRemark(f"{content['example']['people']} people were asked")


ROUTE = Route(
    name="example",
    title="a rate from a file",
    summary="a file",
    trust=0.5,
    files={"example": RouteFile("rates/example.json")},
    asked=lambda rates, method: True,
    rates=rates,
    quantities=quantities,
    remarks=remarks,
    citations=lambda rates: [("eyring1935", "the example's rate")],
    work=lambda config, method: RouteWork(steps=0.0, shots=0.0, jobs=1),
    absent={"example": {}},
    rules=str(Path(__file__).with_name("route.smk")),
)
