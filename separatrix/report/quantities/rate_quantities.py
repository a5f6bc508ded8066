"""Rates, temperature laws and what they mean as quantities of a comparison, from a method's ``rates.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from separatrix.core.units import KCAL
from separatrix.rates import kinetics
from separatrix.rates.left_out import lost_pairs
from separatrix.rates.route import Route, RouteQuantity, by_trust, in_order, is_sampled
from separatrix.rates.routes import free_energy_route, harmonic_route
from separatrix.report.quantities.estimate import Estimate, MethodResults, Z, finite
from separatrix.report.quantity_catalogue import Group, Quantity, estimated, estimated_times
from separatrix.statistics.no_basin import KEY


def not_equilibrated(route: Mapping[str, Any]) -> bool:
    """Whether a rate comes from windows that had not come to equilibrium, so that its interval cannot be trusted."""
    return route.get("equilibrated") is False


def both_ways(content: Mapping[str, Any]) -> tuple[str, kinetics.Relaxation] | None:
    """How populations relax at the temperature of the dynamics, by the most telling route that has both directions.

    Returns
    -------
    The route, and what becomes of molecules that all begin in the reactant; None where no route has both directions.
    """
    start, end = content["states"]
    for name in by_trust():
        rates = {
            r["from"]: float(r["rate"])
            for r in content["routes"]
            if (r["route"], r["temperature"]) == (name, content["temperature_K"])
            and r["rate"]
            and not not_equilibrated(r)
        }
        if rates.keys() == {start, end}:
            return name, kinetics.relaxation(rates[start], rates[end])
    return None


def rate_quantities(results: MethodResults) -> list[Estimate]:
    """Rates by each route at each temperature, laws over temperature, relaxation and equilibrium."""
    content = results.rates
    if content is None:
        return []
    estimates = [_rate(route) for route in content["routes"]]
    estimates += [_quantised(route) for route in content["routes"] if route.get("quantum_factor") and route["rate"]]
    estimates += [q for law in content["laws"] for q in _law(law, harmonic_route.ROUTE)]
    along = content["along_coordinate"]
    estimates += [
        q for law in (along.get("reweighted") or {}).get("laws", ()) for q in _law(law, free_energy_route.ROUTE)
    ]
    if kappa := along.get("transmission"):
        half = None if kappa["error"] is None else Z * kappa["error"]
        low, high = (None, None) if half is None else (kappa["kappa"] - half, kappa["kappa"] + half)
        lost = lost_pairs(content)
        text = f"{lost.count('pairs of halves')} left out: give a larger {KEY}" if lost and lost.matters else ""
        estimates.append(Estimate("transmission_coefficient", kappa["kappa"], low=low, high=high, text=text))
    estimates += [_route_number(route, number) for route in in_order() for number in route.quantities(content)]
    if relaxed := both_ways(content):
        route, of = relaxed
        at = {"route": route, "temperature": content["temperature_K"]}
        reactant, product = content["states"]
        note = "from the rates in both directions"
        estimates += [
            Estimate("relaxation_time", finite(of.time), at, note=f"1/(k + k'), {note}"),
            Estimate("equilibrium_share", of.share, {"state": reactant, **at}, note=note),
            Estimate("equilibrium_share", 1.0 - of.share, {"state": product, **at}, note=note),
        ]
        if math.isfinite(of.half_life):
            estimates.append(Estimate("half_life", of.half_life, {"state": reactant, **at}, note=note))
    return estimates


def _route_number(route: Route, number: RouteQuantity) -> Estimate:
    """A number of a route other than its rates."""
    return Estimate(
        "route_number",
        number.value,
        {"route": route.name, "number": number.id},
        low=number.low,
        high=number.high,
        text=number.text,
        note=number.note,
        unit_given=number.unit,
        names={"number": number.label},
    )


def rate_qualifiers(route: Mapping[str, Any]) -> dict[str, str | float]:
    """What tells a rate from others: direction, route and temperature (K)."""
    return {name: route[name] for name in ("from", "to", "route", "temperature")}


def _rate(route: Mapping[str, Any]) -> Estimate:
    """One rate; that of windows that are not equilibrated has no interval: the one on record does not know."""
    of = rate_qualifiers(route)
    value, (low, high) = finite(route["rate"]), kinetics.interval(route) or (None, None)
    if value is None or not value:
        return Estimate("rate", of=of, note="no rate by this route")
    if not is_sampled(route["route"]):
        note = "harmonic transition-state theory; no statistical error"
    elif not_equilibrated(route):
        low, high, note = None, None, "no interval: the windows had not come to equilibrium"
    elif low is None:
        note = "no interval: no error is known"
    else:
        note = "reweighted from the temperature of the dynamics" if route.get("how") == "reweighted" else "sampled"
    missing = low is None and is_sampled(route["route"])
    return Estimate("rate", value, of, low=low, high=high, interval_missing=missing, note=note)


def _quantised(route: Mapping[str, Any]) -> Estimate:
    """A sampled rate, which is classical, times the quantum/classical factor of the harmonic rates."""
    of, factor = _rate(route), float(route["quantum_factor"])
    value, low, high = (None if v is None else factor * v for v in (of.value, of.low, of.high))
    note = f"classical rate times {factor:.3g}, quantum over classical of the harmonic rates; {of.note}"
    # The note begins with the factor, and is no reason.
    return replace(of, id="rate_quantised", value=value, low=low, high=high, interval_missing=False, note=note)


def _law(law: Mapping[str, Any], route: Route) -> list[Estimate]:
    """Activation energy and prefactor, or enthalpy and entropy of activation."""
    at = {"from": law["from"], "to": law["to"], "route": route.name}
    lowest, highest = law["temperatures"]
    note = f"{lowest:g} to {highest:g} K"
    low = high = low_prefactor = high_prefactor = None
    if route.sampled:
        low, high = law["energy_interval"]
        low_prefactor, high_prefactor = (None if v is None else math.exp(v) for v in law["ln_prefactor_interval"])
    else:
        # The scatter about the line tells how straight it is, nothing of the rates' own errors.
        note += "; no statistical error"
    if law.get("curvature_p") is not None and law["curvature_p"] < 0.05:
        note += "; the rates bend, so that a line is not enough"
    energy = law["energy"]
    if law["law"] != "arrhenius":
        return [
            Estimate("activation_enthalpy", energy, at, low=low, high=high, note=note),
            Estimate("activation_entropy", finite(law["entropy"]), at, note=note),
        ]
    prefactor, text = math.exp(law["ln_prefactor"]), f"{energy / KCAL:.1f} kcal/mol"
    return [
        Estimate("activation_energy", energy, at, low=low, high=high, text=text, note=note),
        Estimate("prefactor", prefactor, at, low=low_prefactor, high=high_prefactor, note=note),
    ]


_quantity = partial(Quantity, group=Group.RATES, estimates=rate_quantities)
_law_quantity = partial(_quantity, unit="kJ/mol")

QUANTITIES = (
    _quantity(
        id="rate",
        label="rate {from} to {to}, {route}, {temperature:g} K",
        unit="1/s",
        description="Rate constant by one route at one temperature.",
        format=estimated,
        logarithmic=True,
    ),
    _quantity(
        id="rate_quantised",
        label="rate {from} to {to}, {route}, {temperature:g} K, times quantum factor",
        unit="1/s",
        description="Rate from classical dynamics times the ratio of quantum to classical harmonic rate.",
        format=estimated,
        logarithmic=True,
    ),
    _law_quantity(
        id="activation_energy",
        label="activation energy, {from} to {to}, {route}",
        description="Slope of Arrhenius' law over the temperatures of the rates.",
    ),
    _quantity(
        id="prefactor",
        label="prefactor, {from} to {to}, {route}",
        unit="1/s",
        description="Prefactor of Arrhenius' law.",
        format=estimated,
        logarithmic=True,
    ),
    _law_quantity(
        id="activation_enthalpy",
        label="enthalpy of activation, {from} to {to}, {route}",
        description="Enthalpy of activation of Eyring's law.",
    ),
    _quantity(
        id="activation_entropy",
        label="entropy of activation, {from} to {to}, {route}",
        unit="J/mol/K",
        description="Entropy of activation of Eyring's law.",
    ),
    _quantity(
        id="transmission_coefficient",
        label="transmission coefficient",
        description="Share of the flux through the dividing surface that is not turned back.",
    ),
    _quantity(
        id="route_number",
        label="{number}",
        unit="",
        description="A number of a route other than its rates, as the route names it.",
        format=estimated_times,
    ),
    _quantity(
        id="relaxation_time",
        label="relaxation time, {route}, {temperature:g} K",
        unit="s",
        description="Time in which the populations of both states relax, from the rates in both directions.",
        format=estimated,
    ),
    _quantity(
        id="equilibrium_share",
        label="share of {state} at equilibrium, {route}, {temperature:g} K",
        description="Share of the molecules in one state at equilibrium.",
    ),
    _quantity(
        id="half_life",
        label="half-life of {state}, {route}, {temperature:g} K",
        unit="s",
        description="Time after which half of the molecules have left a state.",
        format=estimated,
    ),
)
