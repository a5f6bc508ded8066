"""What the numbers say of one method: its verdict, the rate that counts, and what the report needs besides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from separatrix.core.labelled import Answer
from separatrix.rates.agreement import RouteVerdict
from separatrix.rates.kinetics import Relaxation, interval
from separatrix.rates.left_out import lost_pairs, lost_paths
from separatrix.rates.route import by_trust, is_sampled
from separatrix.report.quantities.rate_quantities import both_ways, not_equilibrated
from separatrix.report.quantities.sampling_quantities import Losses
from separatrix.statistics.committor_statistics import Judgement

#: What can be given up before it reaches a basin: half-trajectories, committor shots, pairs, paths of interfaces.
LOST = ("halves", "shots", "pairs", "interfaces")


class MethodVerdict(StrEnum):
    """Verdict on a method, in the order of the story; the languages have a phrase for each value."""

    SOUND = "sound"
    NOT_CONVERGED = "not_converged"
    NOT_TESTED = "not_tested"
    OFF_CENTRE = "off_centre"
    SPREAD = "spread"


@dataclass(frozen=True)
class Rate:
    """A rate constant and the route that it is from.

    Attributes
    ----------
    value, low, high
        1/s, with the interval of confidence 0.95; NaN where there is none.
    route
        Name of a :class:`separatrix.rates.route.Route`.
    quantum_factor
        Of a sampled rate, which is classical: what takes it to quantised vibrations, by the harmonic rates; else 1.
    """

    value: float
    low: float
    high: float
    route: str
    quantum_factor: float = 1.0


@dataclass(frozen=True)
class Judged:
    """What the story tells of one method.

    Attributes
    ----------
    label
        Of the method.
    mechanism, share, paths
        Commonest mechanism, its share of the sampled paths, and how many different ones there are; empty, NaN and 0
        where nothing was sampled. Without a share the mechanisms are all those that were sampled.
    stays
        Whether chains were sampled and shares of mechanisms are not determined by them: none changed its mechanism, or
        the shares depend on where chains were started.
    saddles, without_saddle
        Mechanisms of the saddles, the lowest rate-determining one first; guesses that led to none.
    barrier
        Saddle above the reactant, kcal/mol.
    rate
        From the reactant to the product; None where there is none.
    activation_energy
        Of Arrhenius, kJ/mol; NaN where there is none.
    numbers
        Further quantities by the names of the table's columns: value, low, high.
    verdict
        The first that applies of the last four, or else ``sound``.
    not_equilibrated
        Whether there is a rate along the coordinate whose windows had not come to equilibrium.
    relaxation
        Route, and how populations relax at the temperature of the dynamics; None where no route has both directions.
    above
        Energy of the reactant above the product, kcal/mol.
    lost
        Halves that reached no basin, where they are enough to move a result: what (:data:`LOST`) -> share, low, high.
    rates
        The rate that counts at each temperature (K) that there is one at.
    """

    label: str
    mechanism: str | tuple[str, ...]
    share: float
    paths: int
    stays: bool
    barrier: float
    rate: Rate | None
    activation_energy: float
    numbers: Mapping[str, tuple[float, float, float]]
    verdict: MethodVerdict
    not_equilibrated: bool = False
    saddles: tuple[str, ...] = ()
    without_saddle: tuple[str, ...] = ()
    relaxation: tuple[str, Relaxation] | None = None
    above: float = math.nan
    lost: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    rates: Mapping[float, Rate] = field(default_factory=dict)


Numbers = Mapping[str, Mapping[str, Any]]  # of a method in comparison.json, by the key of each


def _number(numbers: Numbers, key: str) -> tuple[float, float, float]:
    """Value and interval of a quantity; NaN where there is none."""
    entry = numbers.get(key, {})
    value, low, high = (math.nan if entry.get(k) is None else float(entry[k]) for k in ("value", "low", "high"))
    return value, low, high


def _verdict(numbers: Numbers, key: str) -> str:
    """Verdict of a quantity; empty where there is none."""
    return str(numbers.get(key, {}).get("verdict", ""))


def best_rate(content: Mapping[str, Any], start: str, temperature: float) -> Rate | None:
    """The rate that stands for a method at a temperature: that of the most trusted route which has an interval.

    The harmonic one needs none. One from windows that are not equilibrated is excluded: it may be wrong by any factor,
    which its interval does not include.
    """
    by_route = {}
    for route in content["routes"]:
        if (
            (route["from"], route["temperature"]) != (start, temperature)
            or not route["rate"]
            or not_equilibrated(route)
        ):
            continue
        value, bounds = float(route["rate"]), interval(route)
        if bounds is None and is_sampled(route["route"]):
            continue
        by_route[route["route"]] = Rate(
            value, *(bounds or (math.nan, math.nan)), route["route"], float(route.get("quantum_factor") or 1.0)
        )
    return next((by_route[name] for name in by_trust() if name in by_route), None)


def judge(label: str, numbers: Numbers, rates: Mapping[str, Any]) -> Judged:
    """What the report says of a method, from its numbers in ``comparison.json`` and its ``rates.json``."""
    start = rates["states"][0]
    of_mechanism = {
        str(entry["of"]["mechanism"]): entry["value"] for entry in numbers.values() if entry["id"] == "mechanism_share"
    }
    shares = {name: float(value) for name, value in of_mechanism.items() if value is not None}
    sampled = tuple(of_mechanism)
    stays = bool(sampled) and not shares
    mechanism = sampled if stays else max(shares, key=lambda name: shares[name], default="")
    paths = _number(numbers, "different_paths")[0]
    laws = [law for law in rates["laws"] if law["law"] == "arrhenius" and law["from"] == start]
    centre = _number(numbers, "committor_mean")
    spread = _number(numbers, "committor_spread")
    explained = _number(numbers, "committor_spread_expected")[0]
    off = centre[1] > 0.5 or centre[2] < 0.5
    # A missing bound compares as false with everything: without this it would count as a test that was passed.
    decides = off or all(math.isfinite(bound) for bound in (*centre[1:], *spread[1:]))
    if _verdict(numbers, "converged") != Answer.YES:
        verdict = MethodVerdict.NOT_CONVERGED
    elif not decides or _verdict(numbers, "committor_verdict") == Judgement.INCONCLUSIVE:
        verdict = MethodVerdict.NOT_TESTED
    elif off:
        verdict = MethodVerdict.OFF_CENTRE
    elif spread[1] > (explained if math.isfinite(explained) else 0.0):
        verdict = MethodVerdict.SPREAD
    else:
        verdict = MethodVerdict.SOUND
    return Judged(
        label=label,
        mechanism=mechanism,
        share=math.nan if stays else shares.get(str(mechanism), math.nan),
        paths=0 if math.isnan(paths) else int(paths),
        stays=stays,
        barrier=_number(numbers, "barrier_forward")[0],
        rate=best_rate(rates, start, float(rates["temperature_K"])),
        activation_energy=float(laws[0]["energy"]) if laws else math.nan,
        numbers={
            "length": _number(numbers, "path_length_median"),
            "acceptance": _number(numbers, "acceptance"),
            "committor": centre,
            "spread": spread,
            "cost": _number(numbers, "core_time_per_path"),
        },
        verdict=verdict,
        not_equilibrated=any(not_equilibrated(route) and route["rate"] for route in rates["routes"]),
        saddles=tuple(dict.fromkeys(str(channel["saddle"]) for channel in rates.get("channels", ()))),
        without_saddle=tuple(rates.get("without_saddle", ())),
        relaxation=both_ways(rates),
        above=_number(numbers, "reaction_energy")[0],
        lost=_lost(numbers, rates),
        rates={
            float(t): rate
            for t in dict.fromkeys(route["temperature"] for route in rates["routes"])
            if (rate := best_rate(rates, start, t)) is not None
        },
    )


def _lost(numbers: Numbers, rates: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Shares of what reached no basin in time, where they are enough to move a result."""
    shares = {}
    for key, id in (("halves", "lost_halves"), ("shots", "lost_shots")):
        if _verdict(numbers, id) == Losses.MATTER:
            shares[key] = _number(numbers, id)
    for key, lost in (("pairs", lost_pairs(rates)), ("interfaces", lost_paths(rates))):
        if lost is not None and lost.matters:
            shares[key] = (lost.share, lost.low, lost.high)
    return shares


def disagreements(content: Mapping[str, Any]) -> list[str]:
    """Sentences of a method's ``rates.json`` on routes that disagree."""
    return [pair["text"] for pair in content["agreement"] if pair["verdict"] == RouteVerdict.DISAGREE]
