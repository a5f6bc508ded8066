"""A route to a rate: a number that people are asked for, by a rule of this package and with keys of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exampleplugin.section import ExampleRateSection
from separatrix.core.section import section_in
from separatrix.rates.route import Route, RouteContext, RouteFile, RouteQuantity, RouteRates, RouteRemark, RouteWork
from separatrix.results.stage_costs import StageCost

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.sections.rates_keys import RatesSection


def asked(rates: RatesSection, method: str) -> bool:
    """Whether people are asked for the rate of a method."""
    return method in section_in(rates, "example", ExampleRateSection).methods


def mistakes(config: Config) -> Iterable[tuple[str, str]]:
    """Nobody asks thirteen people."""
    if section_in(config.sections.rates, "example", ExampleRateSection).people == 13:
        yield "rates.example.people", "13 is not a number of people to ask; give another"


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
    asked=asked,
    mistakes=mistakes,
    rates=rates,
    quantities=quantities,
    remarks=remarks,
    citations=lambda rates: [("eyring1935", "the example's rate")],
    work=lambda config, method: RouteWork(steps=0.0, shots=0.0, jobs=1),
    costs={"example_rate": StageCost(lambda job: 100.0)},
    absent={"example": {}},
    rules=str(Path(__file__).with_name("route.smk")),
)
