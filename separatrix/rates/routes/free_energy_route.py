"""Route to a rate: free energy along the coordinate from umbrella windows, times a transmission coefficient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates, RouteRemark, RouteWork


def _rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    # Not at the top: Snakemake reads the entries for each job, and these load scipy.
    from separatrix.rates import free_energy
    from separatrix.rates.along_coordinate import hidden_barrier, reweighted_rates

    profile, kappa = files["profile"], files["transmission"]
    no_rate = hidden_barrier(kappa, context.reactant, context.product)
    content: dict[str, Any] = {"profile": profile, "transmission": kappa, "no_rate": no_rate}
    rates: list[dict[str, Any]] = []
    for start, end, direction in context.directions:
        value, ln_error = None, None
        if no_rate is None:
            value = profile["rate"][direction] * kappa["kappa"]
            of_profile = profile["rate"][f"ln_{direction}_error"]
            ln_error = None if of_profile is None else math.hypot(of_profile, kappa["error"] / kappa["kappa"])
        rates.append(
            {
                "how": "sampled",
                "from": start,
                "to": end,
                "temperature": context.temperature,
                "rate": value,
                "ln_error": ln_error,
            }
        )
    other = profile.get("other_temperatures") or {}
    if no_rate is None and other:
        further, content["reweighted"] = reweighted_rates(
            other, kappa, context.temperature, context.directions, context.quantum_factors
        )
        rates += further
    equilibrated = free_energy.equilibrated(profile.get("drift"))
    return RouteRates([rate | {"settled": equilibrated} for rate in rates], {"along_coordinate": content})


def _remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    # Not at the top: Snakemake reads the entries for each job.
    from separatrix.rates.remarks.along_coordinate_remarks import remarks

    return remarks(content)


def _citations(rates: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "torrie1977", "umbrella windows along the coordinate"
    yield "shirts2008", "free energy from the windows (MBAR)"
    if "lightest_atom_Da" in rates["umbrella"]:
        yield "feenstra1999", "heavier hydrogens in the windows"
    yield "chandler1978", "transmission coefficient"
    yield "vanerp2003", "effective positive flux"


def _work(config: Any, method: str) -> RouteWork:
    windows, dynamics = config.data["rates"]["umbrella"], config.methods[method].dynamics
    # A method of a scan of dynamics has the free energy from the method that it varies.
    own = config.surface_of(method) == method
    length = windows["equilibration_fs"] + windows["length_fs"]
    steps = own * windows["windows"] * length / windows.get("time_step_fs", dynamics.time_step)
    # Umbrella windows, free energy, transmission coefficient.
    return RouteWork(steps, config.data["rates"]["transmission"]["configurations"], own * (windows["batches"] + 1) + 1)


ROUTE = Route(
    name="free energy",
    title="free energy along r, with recrossing",
    summary="free energy and recrossing",
    trust=3.0,
    files={
        "profile": RouteFile("rates/free_energy.json", of_surface=True),
        "transmission": RouteFile("rates/transmission.json"),
    },
    asked=lambda rates, method: method in rates["umbrella"]["methods"],
    rates=_rates,
    remarks=_remarks,
    citations=_citations,
    absent={"along_coordinate": {}},
    work=_work,
)
