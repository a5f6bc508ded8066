"""Stage of the workflow that puts the rates of a method by all routes side by side."""

from __future__ import annotations

import math
from pathlib import Path

from separatrix.config.stage_settings import from_settings
from separatrix.core.files import read_json, write_json
from separatrix.core.plain import json_safe
from separatrix.rates import free_energy, kinetics
from separatrix.rates.agreement import agreement
from separatrix.rates.along_coordinate import hidden_barrier, reweighted_rates
from separatrix.workflow.engine_opening import Settings

#: Statistics and tunnelling of harmonic rates that mean the same as those of the dynamics.
CLASSICAL = ("classical", "none")


def gather(
    settings: Settings,
    harmonic_file: Path | str,
    out: Path | str,
    *,
    profile: Path | str = "",
    transmission_file: Path | str = "",
    interfaces: Path | str = "",
) -> None:
    """The rates of a method by all routes, side by side, and whether they agree."""
    system, method = from_settings(settings)
    content = read_json(harmonic_file)
    temperature = float(settings["temperature_K"])
    routes = [
        {
            "route": "harmonic",
            "from": r["from"],
            "to": r["to"],
            "temperature": r["temperature"],
            "rate": r["rate"],
            "ln_error": None,
            # Harmonic rates of earlier versions have none.
            "classical_rate": r.get("classical_rate"),
        }
        for r in content["rates"]
    ]
    factors = {
        (r["from"], r["temperature"]): {
            name: r[name] for name in ("quantum_factor", "quantum_vibrations", "tunnelling")
        }
        for r in content["rates"]
        if r.get("quantum_factor") and (content["rules"]["statistics"], content["rules"]["tunnelling"]) != CLASSICAL
    }
    along = {}
    if profile:
        found, kappa = read_json(profile), read_json(transmission_file)
        hidden = hidden_barrier(kappa, system.reactant, system.product)
        along = {"profile": found, "transmission": kappa, "no_rate": hidden}
        directions = (
            (system.reactant, system.product, "forward"),
            (system.product, system.reactant, "backward"),
        )
        for start, end, name in directions:
            value, spread = None, None
            if hidden is None:
                value = found["rate"][name] * kappa["kappa"]
                of_profile = found["rate"][f"ln_{name}_error"]
                spread = None if of_profile is None else math.hypot(of_profile, kappa["error"] / kappa["kappa"])
            routes.append(
                {
                    "route": "free energy",
                    "how": "sampled",
                    "from": start,
                    "to": end,
                    "temperature": temperature,
                    "rate": value,
                    "ln_error": spread,
                }
            )
        other = found.get("other_temperatures") or {}
        if hidden is None and other:
            further, along["reweighted"] = reweighted_rates(other, kappa, temperature, directions, factors)
            routes += further
        rested = free_energy.settled(found.get("drift"))
        for route in routes:
            if route["route"] == "free energy":
                route["settled"] = rested
    through = read_json(interfaces) if interfaces else {}
    if through:
        routes.append(
            {
                "route": "interfaces",
                "from": through["from"],
                "to": through["to"],
                "temperature": temperature,
                "rate": through["rate"].get("rate"),
                "ln_error": through["rate"].get("ln_error"),
                "low": through["rate"].get("low"),
                "high": through["rate"].get("high"),
            }
        )
    for route in routes:
        route["low"], route["high"] = kinetics.interval(route) or (None, None)
        if route["route"] != "harmonic":
            route |= factors.get((route["from"], route["temperature"]), {})
    whole = {
        **content,
        "label": method.label,
        "routes": routes,
        "along_coordinate": along,
        "interfaces": through,
        "agreement": agreement(routes, temperature, content["rules"]),
    }
    write_json(json_safe(whole), out)
