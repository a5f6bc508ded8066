"""Sentences on rates through interfaces: flux, crossing probability, and whether the cycles suffice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from separatrix.rates.left_out import lost_paths
from separatrix.rates.route import RouteRemark

#: Paths from the reactant that reach the last interface, below which the rate is not trusted.
MIN_ARRIVALS = 10


def remarks(content: Mapping[str, Any]) -> Iterator[RouteRemark]:
    """Flux, crossing probability, and whether the cycles suffice."""
    through = content.get("interfaces") or {}
    if not through:
        return
    if through.get("no_rate"):
        yield RouteRemark(through["no_rate"])
        return
    rate = through["rate"]
    yield RouteRemark(
        f"flux of {rate['flux']:.3g} /s through the first of {len(rate['crossings'])} interfaces "
        f"({rate['n_flux_paths']} paths out of the reactant, {rate['n_unfinished']} without end), crossing probability "
        f"{rate['probability']:.3g}; shots: "
        + ", ".join(f"{count} {name}" for name, count in rate["outcomes"].items() if count)
    )
    if (lost := lost_paths(content)) is not None and lost.matters:
        yield RouteRemark(
            f"{lost.count('shots')} reached neither state within rates.interfaces.longest_fs: the rate may be "
            "wrong by as much; give a larger longest_fs"
        )
    if rate["slowest"] > 0.5:
        yield RouteRemark("paths change too slowly to trust the error: give more cycles")
    if rate["n_arrivals"] < MIN_ARRIVALS:
        yield RouteRemark(
            f"only {rate['n_arrivals']} paths have come from the first interface to the last: slow degrees of freedom "
            "may not be equilibrated and the rate may be far off; give more cycles"
        )
    # Where the blocks give no error, nothing shows that both halves of the cycles agree.
    drift, error = rate["drift"], rate["ln_probability_error"]
    if drift is None or error is None or abs(drift) > 4.0 * error:
        yield RouteRemark("the probability drifts from the first half of the cycles to the second: give more burn-in")
