"""Rates, temperature laws and what they mean as quantities of a comparison, from a method's ``rates.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from separatrix.core.units import KCAL
from separatrix.rates import kinetics
from separatrix.rates.left_out import lost_pairs
from separatrix.rates.route import by_trust, in_order, is_sampled
from separatrix.report.quantities.quantity import RATES, Quantity, Z, with_width
from separatrix.statistics.no_basin import KEY


def unsettled(route: Mapping[str, Any]) -> bool:
    """Whether a rate comes from windows that had not come to equilibrium, so that its interval cannot be trusted."""
    return route.get("settled") is False


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
            if (r["route"], r["temperature"]) == (name, content["temperature_K"]) and r["rate"] and not unsettled(r)
        }
        if rates.keys() == {start, end}:
            return name, kinetics.relaxation(rates[start], rates[end])
    return None


def rate_quantities(content: Mapping[str, Any]) -> list[Quantity]:
    """Rates by each route at each temperature, laws over temperature, relaxation and equilibrium.

    Parameters
    ----------
    content
        Of ``rates.json``.
    """
    found = [_rate(route) for route in content["routes"]]
    found += [_quantised(route) for route in content["routes"] if route.get("quantum_factor") and route["rate"]]
    found += [q for law in content["laws"] for q in _law(law, "harmonic")]
    along = content["along_coordinate"]
    found += [q for law in (along.get("reweighted") or {}).get("laws", ()) for q in _law(law, "free energy")]
    if kappa := along.get("transmission"):
        half = None if kappa["error"] is None else Z * kappa["error"]
        low, high = (None, None) if half is None else (kappa["kappa"] - half, kappa["kappa"] + half)
        lost = lost_pairs(content)
        text = f"{lost.count('pairs of halves')} left out: give a larger {KEY}" if lost and lost.matters else ""
        found.append(Quantity(RATES, "transmission coefficient", kappa["kappa"], low=low, high=high, text=text))
    found += [Quantity(RATES, **q._asdict()) for route in in_order() for q in route.quantities(content)]
    if relaxed := both_ways(content):
        route, of = relaxed
        at = f"{route}, {content['temperature_K']:g} K"
        reactant, product = content["states"]
        note = "from the rates in both directions"
        found += [
            Quantity(RATES, f"relaxation time, {at}", _finite(of.time), "s", note=f"1/(k + k'), {note}"),
            Quantity(RATES, f"share of {reactant} at equilibrium, {at}", of.share, note=note),
            Quantity(RATES, f"share of {product} at equilibrium, {at}", 1.0 - of.share, note=note),
        ]
        if math.isfinite(of.half_life):
            found.append(Quantity(RATES, f"half-life of {reactant}, {at}", of.half_life, "s", note=note))
    return [with_width(q) for q in found]


def _rate(route: Mapping[str, Any]) -> Quantity:
    """One rate; that of windows which had not settled has no interval, for the one on record does not know."""
    name = f"rate {route['from']} to {route['to']}, {route['route']}, {route['temperature']:g} K"
    value, (low, high) = _finite(route["rate"]), kinetics.interval(route) or (None, None)
    if value is None or not value:
        return Quantity(RATES, name, unit="1/s", note="no rate by this route")
    if not is_sampled(route["route"]):
        note = "harmonic transition-state theory; no statistical error"
    elif unsettled(route):
        low, high, note = None, None, "no interval: the windows had not come to equilibrium"
    elif low is None:
        note = "no interval: no error is known"
    else:
        note = "reweighted from the temperature of the dynamics" if route.get("how") == "reweighted" else "sampled"
    return Quantity(RATES, name, value, "1/s", low=low, high=high, note=note)


def _quantised(route: Mapping[str, Any]) -> Quantity:
    """A sampled rate, which is classical, times the quantum/classical factor of the harmonic rates."""
    of, factor = _rate(route), float(route["quantum_factor"])
    value, low, high = (None if v is None else factor * v for v in (of.value, of.low, of.high))
    note = f"classical rate times {factor:.3g}, quantum over classical of the harmonic rates; {of.note}"
    return Quantity(RATES, f"{of.name}, times quantum factor", value, "1/s", low=low, high=high, note=note)


def _law(law: Mapping[str, Any], route: str) -> list[Quantity]:
    """Activation energy and prefactor, or enthalpy and entropy of activation."""
    at = f"{law['from']} to {law['to']}, {route}"
    lowest, highest = law["temperatures"]
    note = f"{lowest:g} to {highest:g} K"
    if route == "harmonic":
        # The scatter about the line tells how straight it is, nothing of the rates' own errors.
        interval, of_prefactor = (None, None), (None, None)
        note += "; no statistical error"
    else:
        interval = law["energy_interval"]
        of_prefactor = [None if v is None else math.exp(v) for v in law["ln_prefactor_interval"]]
    if law.get("curvature_p") is not None and law["curvature_p"] < 0.05:
        note += "; the rates bend, so that a line is not enough"
    low, high = interval
    if law["law"] != "arrhenius":
        return [
            Quantity(RATES, f"enthalpy of activation, {at}", law["energy"], "kJ/mol", low=low, high=high, note=note),
            Quantity(RATES, f"entropy of activation, {at}", _finite(law["entropy"]), "J/mol/K", note=note),
        ]
    return [
        Quantity(
            RATES,
            f"activation energy, {at}",
            law["energy"],
            "kJ/mol",
            low=low,
            high=high,
            text=f"{law['energy'] / KCAL:.1f} kcal/mol",
            note=note,
        ),
        Quantity(
            RATES,
            f"prefactor, {at}",
            math.exp(law["ln_prefactor"]),
            "1/s",
            low=of_prefactor[0],
            high=of_prefactor[1],
            note=note,
        ),
    ]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
