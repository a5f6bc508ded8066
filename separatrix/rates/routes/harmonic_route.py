"""Route to a rate: harmonic transition-state theory from stationary points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates, RouteRemark

if TYPE_CHECKING:
    from separatrix.config.sections.rates_keys import RatesSection

#: Statistics and tunnelling of harmonic rates that mean the same as those of the dynamics.
CLASSICAL = ("classical", "none")


def _rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    content = files["harmonic"]
    rates = [
        {
            "from": rate["from"],
            "to": rate["to"],
            "temperature": rate["temperature"],
            "rate": rate["rate"],
            "ln_error": None,
            # Harmonic rates of earlier versions have none.
            "classical_rate": rate.get("classical_rate"),
        }
        for rate in content["rates"]
    ]
    factors = {
        (rate["from"], rate["temperature"]): {
            name: rate[name] for name in ("quantum_factor", "quantum_vibrations", "tunnelling")
        }
        for rate in content["rates"]
        if rate.get("quantum_factor") and (content["rules"]["statistics"], content["rules"]["tunnelling"]) != CLASSICAL
    }
    return RouteRates(rates, content, factors)


def _remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    # Not at the top: Snakemake reads the entries for each job.
    from separatrix.rates.remarks.harmonic_remarks import remarks

    return remarks(content)


def _citations(rates: RatesSection) -> Iterable[tuple[str, str]]:
    rules = rates.harmonic
    if rules.low_modes == "raised":
        yield "ribeiro2011", "low modes of the harmonic rates"
    if rules.low_modes == "interpolated":
        yield "grimme2012", "low modes of the harmonic rates"
    if rules.tunnelling != "none":
        yield {"wigner": "wigner1932", "eckart": "eckart1930"}[rules.tunnelling], "tunnelling"


ROUTE = Route(
    name="harmonic",
    title="harmonic transition-state theory",
    summary="harmonic transition-state theory",
    trust=1.0,
    sampled=False,
    files={"harmonic": RouteFile("rates/harmonic.json")},
    asked=lambda rates, method: True,
    rates=_rates,
    remarks=_remarks,
    citations=_citations,
)
