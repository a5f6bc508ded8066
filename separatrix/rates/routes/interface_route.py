"""Route to a rate: flux times crossing probability through interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates, RouteRemark, RouteWork

#: Interfaces that are taken as usual before a pilot has placed them: 15 orders of magnitude, at a quarter each.
INTERFACES = 25
#: Cycles of a pilot in units of `pilot_moves`, as a rule; there are more where an interface is hard to cross.
PILOT_CYCLES = 6


def _rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    content = files["interfaces"]
    rate = {key: content["rate"].get(key) for key in ("rate", "ln_error", "low", "high")}
    about = {"from": content["from"], "to": content["to"], "temperature": context.temperature}
    return RouteRates([about | rate], {"interfaces": content})


def _remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    # Not at the top: Snakemake reads the entries for each job.
    from separatrix.rates.remarks.interface_remarks import remarks

    return remarks(content)


def _citations(rates: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "vanerp2003", "sampling through interfaces"
    yield "vanerp2007", "exchange of paths between interfaces"
    yield "roet2022", "among all of them at once"


def _work(config: Any, method: str) -> RouteWork:
    rules, dynamics = config.data["rates"]["interfaces"], config.methods[method].dynamics
    cycles = rules["burn_in"] + rules["cycles"]
    # About one MD segment in A per path that leaves; the pilot equilibrates A, and its paths place interfaces.
    segments = 2 * rules["pilot_moves"] + rules["chains"] * cycles / rules["refresh"]
    shots = INTERFACES * (PILOT_CYCLES * rules["pilot_moves"] + rules["chains"] * cycles)
    # Pilot and chains; the rate is computed by the main process.
    return RouteWork(segments * rules["stretch_fs"] / dynamics.time_step, shots, 1 + rules["chains"])


ROUTE = Route(
    name="interfaces",
    title="flux times crossing probability through interfaces",
    summary="interface sampling",
    trust=2.0,
    files={"interfaces": RouteFile("rates/interfaces.json")},
    asked=lambda rates, method: method in rates["interfaces"]["methods"],
    rates=_rates,
    remarks=_remarks,
    citations=_citations,
    absent={"interfaces": {}},
    work=_work,
)
