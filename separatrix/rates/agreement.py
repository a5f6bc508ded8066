"""Whether rates by several routes agree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from separatrix.rates import kinetics
from separatrix.rates.route import is_sampled


def agreement(routes: Sequence[Mapping[str, Any]], temperature: float, rules: Mapping[str, Any]) -> list[str]:
    """A sentence for each direction in which two routes give a rate at the temperature of the dynamics.

    A sampled rate, which is classical, is compared with the classical harmonic rate.
    """
    sentences = []
    for start in dict.fromkeys(r["from"] for r in routes):
        by_route = {r["route"]: r for r in routes if r["from"] == start and r["temperature"] == temperature}
        usable = [r for r in by_route.values() if r["rate"] and (not is_sampled(r["route"]) or kinetics.interval(r))]
        for one, other in itertools.combinations(usable, 2):
            where = f"{start} to {one['to']}"
            like = not is_sampled(one["route"]) and one.get("classical_rate") and rules["statistics"] == "quantum"
            names = f"{other['route']} over {one['route']}" + (", both classical" if like else "")
            unequilibrated = any(r.get("settled") is False for r in (one, other))
            difference = math.log(other["rate"] / (one["classical_rate"] if like else one["rate"]))
            half = math.hypot(_half_width(one), _half_width(other))
            low, high = difference - half, difference + half
            factor = f"{names}: {math.exp(difference):.2g} ({math.exp(low):.2g} to {math.exp(high):.2g})"
            why = "; the umbrella windows were not equilibrated" if unequilibrated else ""
            if low <= 0.0 <= high:
                sentences.append(f"{where}: the routes agree within errors; {factor}{why}")
                continue
            if not is_sampled(one["route"]):
                why += "; anharmonic, many minima, or recrossing"
                if rules["statistics"] == "quantum" and not like:
                    why += "; the harmonic rate has quantised vibrations, the dynamics none"
            sentences.append(f"{where}: the routes disagree beyond errors; {factor}{why}")
    return sentences


def _half_width(route: Mapping[str, Any]) -> float:
    """Half the interval of the logarithm of a rate; 0 of a harmonic one, which has none."""
    interval = kinetics.interval(route)
    return 0.5 * math.log(interval[1] / interval[0]) if interval else 0.0
