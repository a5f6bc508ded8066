"""Whether rates by several routes agree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from separatrix.core.labelled import Labelled
from separatrix.core.plain import Plain
from separatrix.rates import kinetics
from separatrix.rates.route import is_sampled


class RouteVerdict(Labelled):
    """Whether two routes give one rate."""

    AGREE = "agree", "the routes agree within errors"
    DISAGREE = "disagree", "the routes disagree beyond errors"


@dataclass(frozen=True)
class RouteAgreement(Plain):
    """Two routes to one rate.

    Attributes
    ----------
    start, end
        Direction.
    routes
        Their names.
    ratio, low, high
        Rate by the second over that by the first, with its interval of confidence 0.95.
    verdict
        Whether they agree.
    text
        The same in a sentence.
    """

    start: str
    end: str
    routes: tuple[str, str]
    ratio: float
    low: float
    high: float
    verdict: RouteVerdict
    text: str


def agreement(
    routes: Sequence[Mapping[str, Any]], temperature: float, rules: Mapping[str, Any]
) -> list[RouteAgreement]:
    """Each two routes that give a rate in one direction at the temperature of the dynamics.

    A sampled rate, which is classical, is compared with the classical harmonic rate.
    """
    compared = []
    for start in dict.fromkeys(r["from"] for r in routes):
        by_route = {r["route"]: r for r in routes if r["from"] == start and r["temperature"] == temperature}
        usable = [r for r in by_route.values() if r["rate"] and (not is_sampled(r["route"]) or kinetics.interval(r))]
        for one, other in itertools.combinations(usable, 2):
            like = not is_sampled(one["route"]) and one.get("classical_rate") and rules["statistics"] == "quantum"
            names = f"{other['route']} over {one['route']}" + (", both classical" if like else "")
            unequilibrated = any(r.get("equilibrated") is False for r in (one, other))
            difference = math.log(other["rate"] / (one["classical_rate"] if like else one["rate"]))
            half = math.hypot(_half_width(one), _half_width(other))
            ratio, low, high = (math.exp(x) for x in (difference, difference - half, difference + half))
            verdict = RouteVerdict.AGREE if abs(difference) <= half else RouteVerdict.DISAGREE
            why = "; the umbrella windows were not equilibrated" if unequilibrated else ""
            if verdict == RouteVerdict.DISAGREE and not is_sampled(one["route"]):
                why += "; anharmonic, many minima, or recrossing"
                if rules["statistics"] == "quantum" and not like:
                    why += "; the harmonic rate has quantised vibrations, the dynamics none"
            text = f"{start} to {one['to']}: {verdict.label}; {names}: {ratio:.2g} ({low:.2g} to {high:.2g}){why}"
            compared.append(
                RouteAgreement(start, one["to"], (one["route"], other["route"]), ratio, low, high, verdict, text)
            )
    return compared


def _half_width(route: Mapping[str, Any]) -> float:
    """Half the interval of the logarithm of a rate; 0 of a harmonic one, which has none."""
    interval = kinetics.interval(route)
    return 0.5 * math.log(interval[1] / interval[0]) if interval else 0.0
