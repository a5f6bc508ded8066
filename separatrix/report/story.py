"""What the numbers say, in sentences and in one table, by stated rules: nothing here is written by hand.

The rules stand under the table of methods in the report, and in docs/report.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..compare import COMMITTOR, CONVERGENCE, COST, POINTS, SAMPLING
from ..rates.kinetics import interval
from ..rates.report import BEST_FIRST, time_words, unsettled
from .language import Words

#: What a method can be called, in the order of the story.
VERDICTS = ("sound", "not_converged", "not_tested", "off_centre", "spread")


@dataclass(frozen=True)
class Rate:
    """A rate constant and how it was found.

    Attributes
    ----------
    value, low, high
        1/s, with the interval of confidence 0.95; NaN where there is none.
    route
        One of :data:`separatrix.rates.report.BEST_FIRST`.
    """

    value: float
    low: float
    high: float
    route: str


@dataclass(frozen=True)
class Judged:
    """What the story tells of one method.

    Attributes
    ----------
    label
        Of the method.
    mechanism, share, paths
        Commonest mechanism, its share of the sampled paths, and how many different ones there are; empty, NaN and 0
        where nothing was sampled.
    stays
        Whether every chain keeps to one mechanism, so that shares say nothing about the others.
    barrier
        Saddle above the reactant, kcal/mol.
    rate
        From the reactant to the product; None where there is none.
    activation_energy
        Of Arrhenius, kJ/mol; NaN where there is none.
    numbers
        Further quantities by the names of the table's columns: value, low, high.
    verdict
        One of :data:`VERDICTS`: the first that applies of the last four, or else ``sound``.
    unsettled
        Whether there is a rate along the coordinate whose windows had not come to equilibrium.
    """

    label: str
    mechanism: str
    share: float
    paths: int
    stays: bool
    barrier: float
    rate: Rate | None
    activation_energy: float
    numbers: Mapping[str, tuple[float, float, float]]
    verdict: str
    unsettled: bool = False


def _number(groups: Mapping[str, Any], group: str, name: str) -> tuple[float, float, float]:
    """Value and interval of a quantity; NaN where there is none."""
    found = groups.get(group, {}).get(name, {})
    return tuple(math.nan if found.get(k) is None else float(found[k]) for k in ("value", "low", "high"))


def _text(groups: Mapping[str, Any], group: str, name: str) -> str:
    return str(groups.get(group, {}).get(name, {}).get("text", ""))


def best_rate(content: Mapping[str, Any], start: str, temperature: float) -> Rate | None:
    """The rate that counts, of all routes at a temperature: the most telling one that has an interval.

    The harmonic one counts without. One from windows that had not settled does not count: it may be off by any factor,
    and its interval does not know.
    """
    found = {}
    for route in content["routes"]:
        if (route["from"], route["temperature"]) != (start, temperature) or not route["rate"] or unsettled(route):
            continue
        value, bounds = float(route["rate"]), interval(route)
        if bounds is None and route["route"] != "harmonic":
            continue
        found[route["route"]] = Rate(value, *(bounds or (math.nan, math.nan)), route["route"])
    return next((found[name] for name in BEST_FIRST if name in found), None)


def judge(label: str, groups: Mapping[str, Any], rates: Mapping[str, Any]) -> Judged:
    """What the story tells of a method, from its part of ``comparison.json`` and its ``rates.json``."""
    start = rates["states"][0]
    shares = {
        name.removeprefix("share: "): float(entry["value"])
        for name, entry in groups.get(SAMPLING, {}).items()
        if name.startswith("share: ") and entry["value"] is not None
    }
    mechanism = max(shares, key=lambda name: shares[name], default="")
    paths = _number(groups, SAMPLING, "different paths")[0]
    laws = [law for law in rates["laws"] if law["law"] == "arrhenius" and law["from"] == start]
    centre = _number(groups, COMMITTOR, "mean committor")
    spread = _number(groups, COMMITTOR, "intrinsic standard deviation")
    explained = _number(groups, COMMITTOR, "spread to be expected")[0]
    off = centre[1] > 0.5 or centre[2] < 0.5
    # A missing bound compares as false with everything: without this it would count as a test that was stood.
    tells = off or all(math.isfinite(bound) for bound in (*centre[1:], *spread[1:]))
    if _text(groups, CONVERGENCE, "converged") != "yes":
        verdict = "not_converged"
    elif not tells or _text(groups, COMMITTOR, "verdict").startswith("inconclusive"):
        verdict = "not_tested"
    elif off:
        verdict = "off_centre"
    elif spread[1] > (explained if math.isfinite(explained) else 0.0):
        verdict = "spread"
    else:
        verdict = "sound"
    return Judged(
        label=label,
        mechanism=mechanism,
        share=shares.get(mechanism, math.nan),
        paths=0 if math.isnan(paths) else int(paths),
        stays="cannot be told" in _text(groups, CONVERGENCE, "mechanisms and starts"),
        barrier=_number(groups, POINTS, f"saddle above {start}")[0],
        rate=best_rate(rates, start, float(rates["temperature_K"])),
        activation_energy=float(laws[0]["energy"]) if laws else math.nan,
        numbers={
            "length": _number(groups, SAMPLING, "path length, median"),
            "acceptance": _number(groups, SAMPLING, "acceptance per shot"),
            "committor": centre,
            "spread": spread,
            "cost": _number(groups, COST, "core time per accepted path"),
        },
        verdict=verdict,
        unsettled=any(unsettled(route) and route["rate"] for route in rates["routes"]),
    )


def sentences(
    methods: Sequence[Judged],
    agreements: Mapping[str, Sequence[str]],
    literature: pd.DataFrame | None,
    words: Words,
    *,
    reactant: str,
    product: str,
    temperature: float,
    several: bool = True,
) -> dict[str, list[str]]:
    """The story, by section: mechanism, barrier, rate, sure, cost.

    Parameters
    ----------
    methods
        All of them, in order.
    agreements
        For each label, what is said of routes that disagree.
    literature
        Measured values of the system, if there are any.
    words
        Of the language.
    reactant, product, temperature
        Basins, and K of the dynamics.
    several
        Whether the system knows of more than one mechanism.
    """
    ends = {"reactant": reactant, "product": product}
    told: dict[str, list[str]] = {
        "mechanism": _mechanism(methods, words, several),
        "barrier": [],
        "rate": [],
        "sure": _sure(methods, words),
        "cost": [],
    }
    known = [m for m in methods if math.isfinite(m.barrier)]
    if known:
        items = [words("barrier_item", value=f"{m.barrier:.1f}", method=m.label) for m in known]
        told["barrier"].append(words("barrier", list=words.listed(items), **ends))
    told["rate"] = _rate(methods, words, temperature, ends)
    if apart := [m.label for m in methods if agreements.get(m.label)]:
        told["rate"].append(words("routes_disagree", methods=words.listed(apart)))
    if restless := [m.label for m in methods if m.unsettled]:
        told["rate"].append(words("unsettled", methods=words.listed(restless)))
    told["rate"] += _experiment(methods, literature, words, reactant)
    costs = [m for m in methods if math.isfinite(m.numbers["cost"][0])]
    if costs:
        items = [words("cost_item", value=time_words(m.numbers["cost"][0]), method=m.label) for m in costs]
        told["cost"].append(words("cost", list=words.listed(items)))
    return told


def _mechanism(methods: Sequence[Judged], words: Words, several: bool) -> list[str]:
    sampled = [m for m in methods if m.mechanism]
    if not sampled or not several:
        return []
    by: dict[str, list[Judged]] = {}
    for m in sampled:
        by.setdefault(m.mechanism, []).append(m)

    def blanks(group: Sequence[Judged]) -> dict[str, object]:
        weight = sum(m.paths for m in group)
        share = sum(m.share * m.paths for m in group) / weight if weight else math.nan
        return {"mechanism": words.term(group[0].mechanism), "share": f"{share:.0%}", "paths": weight}

    if len(sampled) == 1:
        told = [words("mechanism_one", method=sampled[0].label, **blanks(sampled))]
    elif len(by) == 1:
        told = [words("mechanism_all", mechanism=words.term(sampled[0].mechanism))]
    else:
        groups = [
            words("mechanism_by", methods=words.listed([m.label for m in group]), **blanks(group))
            for group in by.values()
        ]
        told = [words("mechanism_differ", by=words.listed(groups))]
    held = [m.label for m in sampled if m.stays]
    if held:
        told.append(words("mechanism_start", methods=_named(held, sampled, words)))
    return told


def _rate(methods: Sequence[Judged], words: Words, temperature: float, ends: Mapping[str, str]) -> list[str]:
    known = [(m, m.rate) for m in methods if m.rate is not None]
    if not known:
        return []
    items = [
        words(
            "rate_item",
            value=significant(rate.value, rate.low, rate.high),
            method=m.label,
            route=words(f"route_{rate.route.replace(' ', '_')}"),
            half_life=time_words(math.log(2.0) / rate.value),
        )
        for m, rate in known
    ]
    told = [words("rate", list=words.listed(items), temperature=f"{temperature:g}", **ends)]
    if len(known) > 1:
        slow, fast = (f(known, key=lambda pair: pair[1].value) for f in (min, max))
        factor = fast[1].value / slow[1].value
        told.append(words("rate_spread", fast=fast[0].label, slow=slow[0].label, factor=_plain(factor, 2)))
    return told


def _experiment(methods: Sequence[Judged], literature: pd.DataFrame | None, words: Words, reactant: str) -> list[str]:
    if literature is None or literature.empty:
        return []
    rows = literature[(literature["quantity"] == "activation energy") & (literature["from"] == reactant)]
    known = [m for m in methods if math.isfinite(m.activation_energy)]
    if rows.empty or not known:
        return []
    value, error = float(rows["value"].iloc[0]), float(rows["error"].iloc[0])
    measured = {"value": f"{value:g}", "error": f"{error:g}"}
    right = [m.label for m in known if abs(m.activation_energy - value) <= 2.0 * error]
    if right:
        return [words("experiment_agrees", methods=words.listed(right), **measured)]
    nearest = min(known, key=lambda m: abs(m.activation_energy - value))
    found = f"{nearest.activation_energy:.0f}"
    return [words("experiment_nearest", method=nearest.label, found=found, **measured)]


def _sure(methods: Sequence[Judged], words: Words) -> list[str]:
    told = []
    for verdict in VERDICTS:
        group = [m.label for m in methods if m.verdict == verdict]
        if group:
            told.append(words(verdict, methods=_named(group, methods, words)))
    return told


def _named(labels: Sequence[str], all_of: Sequence[Judged], words: Words) -> str:
    """Methods by name, or all of them in a word."""
    return words("all_methods") if len(labels) == len(all_of) > 2 else words.listed(labels)


def significant(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A number with its interval, as many digits as that allows; powers of ten only where plain digits are too many."""
    if not (math.isfinite(low) and high > low):
        return _plain(value, 3)
    if low > 0.0 and high > 3.0 * low:
        return f"{_plain(value, 2)} ({_plain(low, 2)} – {_plain(high, 2)})"
    # All three to the same place: two digits of the interval's half width.
    largest = math.floor(math.log10(max(abs(value), abs(low), abs(high))))
    power = 0 if -4 <= largest < 6 else largest
    scale = 10.0**power
    places = max(1 - math.floor(math.log10(0.5 * (high - low) / scale)), 0)
    shown = [f"{v / scale:.{places}f}" for v in (value, low, high)]
    return f"{shown[0]} ({shown[1]} – {shown[2]})" + (f" × 10{str(power).translate(_SUPERSCRIPT)}" if power else "")


def _plain(value: float, digits: int) -> str:
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    power = math.floor(math.log10(abs(value)))
    if not -4 <= power < 6:
        mantissa = f"{value / 10.0**power:.{max(digits - 1, 0)}f}"
        return f"{mantissa} × 10{str(power).translate(_SUPERSCRIPT)}"
    rounded = round(value, digits - 1 - power)
    return f"{rounded:.{max(digits - 1 - power, 0)}f}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rows(methods: Sequence[Judged], words: Words) -> list[list[tuple[str, float | str]]]:
    """The table of methods: for each the cells, as shown and as sorted by, in the order of :func:`heads`."""
    found = []
    for m in methods:
        rate = m.rate
        cells: list[tuple[str, float | str]] = [
            (m.label, m.label),
            (f"{words.term(m.mechanism)} {m.share:.0%}" if m.mechanism else "–", m.mechanism),
            (f"{m.barrier:.1f}" if math.isfinite(m.barrier) else "–", m.barrier),
            ("–", math.nan) if rate is None else (_marked(rate), rate.value),
            (f"{m.activation_energy:.0f}" if math.isfinite(m.activation_energy) else "–", m.activation_energy),
        ]
        for key in ("length", "acceptance", "committor", "spread", "cost"):
            value, low, high = m.numbers[key]
            cells.append((significant(value, low, high) if math.isfinite(value) else "–", value))
        cells.append((words(f"verdict_{m.verdict}"), m.verdict))
        found.append(cells)
    return found


def _marked(rate: Rate) -> str:
    """A rate, marked where it is the harmonic one, which knows of no recrossing."""
    return significant(rate.value, rate.low, rate.high) + (" ‡" if rate.route == "harmonic" else "")


def heads(words: Words, reactant: str, product: str) -> list[str]:
    """Heads of the table of methods."""
    keys = ("method", "mechanism", "barrier", "rate", "energy", "length", "acceptance", "committor", "spread", "cost")
    return [words(f"col_{key}", reactant=reactant, product=product) for key in (*keys, "verdict")]


def disagreements(content: Mapping[str, Any]) -> list[str]:
    """Of a method's ``rates.json``, what is said of routes that disagree."""
    return [text for text in content["agreement"] if "disagree" in text]


def experimental_row(literature: pd.DataFrame | None, reactant: str, words: Words) -> list[str]:
    """The row of experiment in the table of methods; empty where nothing was measured."""
    if literature is None or literature.empty:
        return []
    measured = literature[(literature["quantity"] == "activation energy") & (literature["from"] == reactant)]
    if measured.empty:
        return []
    first = measured.iloc[0]
    energy = f"{first['value']:g} ± {first['error']:g} ({first['lowest_K']:g} – {first['highest_K']:g} K)"
    return [words("experiment"), "", "", "", energy, "", "", "", "", "", ""]
