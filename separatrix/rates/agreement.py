"""Whether rates by several routes agree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from separatrix.rates import kinetics


def agreement(routes: Sequence[Mapping[str, Any]], temperature: float, rules: Mapping[str, Any]) -> list[str]:
    """A sentence for each direction in which two routes give a rate at the temperature of the dynamics.

    A sampled one, which is classical, is held against the classical harmonic rate.
    """
    words = []
    for start in dict.fromkeys(r["from"] for r in routes):
        mine = {r["route"]: r for r in routes if r["from"] == start and r["temperature"] == temperature}
        usable = [r for r in mine.values() if r["rate"] and (r["route"] == "harmonic" or kinetics.interval(r))]
        for one, other in itertools.combinations(usable, 2):
            where = f"{start} to {one['to']}"
            like = one["route"] == "harmonic" and one.get("classical_rate") and rules["statistics"] == "quantum"
            names = f"{other['route']} over {one['route']}" + (", both classical" if like else "")
            unrested = any(r.get("settled") is False for r in (one, other))
            difference = math.log(other["rate"] / (one["classical_rate"] if like else one["rate"]))
            half = math.hypot(half_width(one), half_width(other))
            low, high = difference - half, difference + half
            factor = f"{names}: {math.exp(difference):.2g} ({math.exp(low):.2g} to {math.exp(high):.2g})"
            why = "; the windows of the free energy had not settled" if unrested else ""
            if low <= 0.0 <= high:
                words.append(f"{where}: the routes agree within errors; {factor}{why}")
                continue
            if one["route"] == "harmonic":
                why += "; anharmonic, many minima, or recrossing"
                if rules["statistics"] == "quantum" and not like:
                    why += "; the harmonic rate has quantised vibrations, the dynamics none"
            words.append(f"{where}: the routes disagree beyond errors; {factor}{why}")
    return words


def half_width(route: Mapping[str, Any]) -> float:
    """Half the interval of the logarithm of a rate; 0 of a harmonic one, which has none."""
    found = kinetics.interval(route)
    return 0.5 * math.log(found[1] / found[0]) if found else 0.0
