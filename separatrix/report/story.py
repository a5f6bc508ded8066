"""What the numbers say, in sentences and in one table, by stated rules: nothing here is written by hand.

The rules stand under the table of methods in the report, and in docs/report.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pandas as pd

from separatrix.core.digits import duration, plain, significant
from separatrix.core.labelled import Answer
from separatrix.core.units import BOLTZMANN
from separatrix.rates.agreement import RouteVerdict
from separatrix.rates.kinetics import Relaxation, interval
from separatrix.rates.left_out import lost_pairs, lost_paths
from separatrix.rates.route import ROUTES, by_trust, is_sampled
from separatrix.report.language import Words
from separatrix.report.quantities.rate_quantities import both_ways, unsettled
from separatrix.report.quantities.sampling_quantities import Losses
from separatrix.statistics.committor_statistics import Judgement

#: What can be given up before it reaches a basin: half-trajectories, committor shots, pairs, paths of interfaces.
LOST = ("halves", "shots", "pairs", "interfaces")


class MethodVerdict(StrEnum):
    """What a method can be called, in the order of the story; the languages have the words, by these values."""

    SOUND = "sound"
    NOT_CONVERGED = "not_converged"
    NOT_TESTED = "not_tested"
    OFF_CENTRE = "off_centre"
    SPREAD = "spread"


@dataclass(frozen=True)
class Rate:
    """A rate constant and how it was found.

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
        Mechanisms of the saddles found, the lowest rate-determining first as on record; guesses that led to none.
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
    unsettled
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
    unsettled: bool = False
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
    """The rate that counts, of all routes at a temperature: the most telling one that has an interval.

    The harmonic one counts without. One from windows that had not settled does not count: it may be off by any factor,
    and its interval does not know.
    """
    found = {}
    for route in content["routes"]:
        if (route["from"], route["temperature"]) != (start, temperature) or not route["rate"] or unsettled(route):
            continue
        value, bounds = float(route["rate"]), interval(route)
        if bounds is None and is_sampled(route["route"]):
            continue
        found[route["route"]] = Rate(
            value, *(bounds or (math.nan, math.nan)), route["route"], float(route.get("quantum_factor") or 1.0)
        )
    return next((found[name] for name in by_trust() if name in found), None)


def judge(label: str, numbers: Numbers, rates: Mapping[str, Any]) -> Judged:
    """What the story tells of a method, from its numbers in ``comparison.json`` and its ``rates.json``."""
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
    # A missing bound compares as false with everything: without this it would count as a test that was stood.
    tells = off or all(math.isfinite(bound) for bound in (*centre[1:], *spread[1:]))
    if _verdict(numbers, "converged") != Answer.YES:
        verdict = MethodVerdict.NOT_CONVERGED
    elif not tells or _verdict(numbers, "committor_verdict") == Judgement.INCONCLUSIVE:
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
        unsettled=any(unsettled(route) and route["rate"] for route in rates["routes"]),
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
    found = {}
    for key, id in (("halves", "lost_halves"), ("shots", "lost_shots")):
        if _verdict(numbers, id) == Losses.MATTER:
            found[key] = _number(numbers, id)
    for key, lost in (("pairs", lost_pairs(rates)), ("interfaces", lost_paths(rates))):
        if lost is not None and lost.matters:
            found[key] = (lost.share, lost.low, lost.high)
    return found


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
    told["rate"] += _experimental_order(methods, literature, words, ends)
    told["rate"] += _experiment(methods, literature, words, reactant)
    told["rate"] += _experimental_rate(methods, literature, words, reactant)
    costs = [m for m in methods if math.isfinite(m.numbers["cost"][0])]
    if costs:
        items = [words("cost_item", value=significant(*m.numbers["cost"]), method=m.label) for m in costs]
        told["cost"].append(words("cost", list=words.listed(items)))
    return told


def _mechanism(methods: Sequence[Judged], words: Words, several: bool) -> list[str]:
    if not several:
        return []
    told = _saddles(methods, words)
    free = [m for m in methods if m.mechanism and not m.stays]
    stuck = [m for m in methods if m.mechanism and m.stays]
    names = {m.mechanism for m in free}
    if len(free) > 1 and len(names) == 1 and not stuck:
        told.append(words("mechanism_all", mechanism=_kinds(free[0], words)))
    elif free:
        items = [
            words("mechanism_by", method=m.label, mechanism=_kinds(m, words), share=f"{m.share:.0%}", paths=m.paths)
            for m in free
        ]
        key = "mechanism_differ" if len(names) > 1 else "mechanism_sampled"
        told.append(words(key, by=words.set_apart(items)))
    for kinds, group in _grouped(stuck, lambda m: m.mechanism):
        named = words.listed([words.term(kind) for kind in kinds])
        told.append(words("mechanism_start", methods=_named(group, stuck if not free else methods, words), kinds=named))
    return told


def _saddles(methods: Sequence[Judged], words: Words) -> list[str]:
    """Which saddles the searches found, and which guesses led to none."""
    told = []
    for key, of in (("saddles", lambda m: m.saddles), ("without_saddle", lambda m: m.without_saddle)):
        items = [
            words("of_methods", methods=words.listed(group), what=words.listed([words.term(name) for name in names]))
            for names, group in _grouped(methods, of)
        ]
        if items:
            told.append(words(key, by=words.set_apart(items)))
    return told


def _grouped(methods: Sequence[Judged], of: Callable[[Judged], Any]) -> list[tuple[Any, list[str]]]:
    """Labels of the methods of which the same is said; those of which nothing is said are left out."""
    groups: dict[Any, list[str]] = {}
    for m in methods:
        if of(m):
            groups.setdefault(of(m), []).append(m.label)
    return list(groups.items())


def _kinds(m: Judged, words: Words) -> str:
    """The mechanism, or all that were sampled where shares are not determined."""
    names = (m.mechanism,) if isinstance(m.mechanism, str) else m.mechanism
    return words.listed([words.term(name) for name in names])


def _rate(methods: Sequence[Judged], words: Words, temperature: float, ends: Mapping[str, str]) -> list[str]:
    known = [(m, m.rate) for m in methods if m.rate is not None]
    if not known:
        return []
    items = [
        words(
            "rate_item",
            value=significant(rate.value, rate.low, rate.high),
            method=m.label,
            route=_route_name(rate.route, words),
        )
        for m, rate in known
    ]
    told = [words("rate", list=words.set_apart(items), temperature=f"{temperature:g}", **ends)]
    if len(known) > 1:
        slow, fast = (f(known, key=lambda pair: pair[1].value) for f in (min, max))
        factor = fast[1].value / slow[1].value
        told.append(words("rate_spread", fast=fast[0].label, slow=slow[0].label, factor=plain(factor)))
    return told + _relaxation(methods, words, ends)


def _relaxation(methods: Sequence[Judged], words: Words, ends: Mapping[str, str]) -> list[str]:
    """How fast populations relax, to what, and which state is the stable one by each method."""
    known = [(m, *m.relaxation) for m in methods if m.relaxation is not None]
    if not known:
        return []
    items = [
        words(
            "relaxation_item",
            method=m.label,
            time=duration(of.time),
            share=_percent(of.share),
            half_life=words("half_life", time=duration(of.half_life)) if math.isfinite(of.half_life) else "",
            **ends,
        )
        for m, _, of in known
    ]
    told = [words("relaxation", by=words.set_apart(items), **ends)]
    # The reactant stays: what was named the reaction does not happen by this method.
    stays = [m for m, _, of in known if of.share >= 0.5 + _EVEN]
    goes = [m for m, _, of in known if of.share <= 0.5 - _EVEN]
    for m in stays:
        if math.isfinite(m.above) and m.above < 0.0:
            told.append(words("reactant_below", method=m.label, value=f"{-m.above:.1f}", **ends))
    if stays and goes:
        both = [words.listed([m.label for m in group]) for group in (stays, goes)]
        told.append(words("order_differs", stays=both[0], goes=both[1], **ends))
    return told


#: Shares this near to one half say nothing of an order.
_EVEN = 0.01


def _percent(share: float) -> str:
    """A share in per cent, never 0 or 100 where it is neither."""
    for digits in range(6):
        shown = f"{100.0 * share:.{digits}f}"
        # Rounding may change a small share by a tenth at most.
        if 0.0 < float(shown) < 100.0 and abs(float(shown) - 100.0 * share) <= 10.0 * share:
            return f"{shown}%"
    return "< 0.00001%" if share < 0.5 else "> 99.99999%"


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
    energy = f"{nearest.activation_energy:.0f}"
    return [words("experiment_nearest", method=nearest.label, energy=energy, **measured)]


def _arrhenius(literature: pd.DataFrame | None, start: str) -> dict[str, pd.Series]:
    """Measured activation energy and prefactor from a state, those there are."""
    if literature is None or literature.empty:
        return {}
    mine = literature[literature["from"] == start]
    return {str(row["quantity"]): row for _, row in mine[::-1].iterrows()}


def _experimental_order(
    methods: Sequence[Judged], literature: pd.DataFrame | None, words: Words, ends: Mapping[str, str]
) -> list[str]:
    """Which methods put the states in another order than activation energies measured in both directions do."""
    forth, back = (_arrhenius(literature, ends[key]).get("activation energy") for key in ("reactant", "product"))
    if forth is None or back is None:
        return []
    above = float(back["value"]) - float(forth["value"])
    if abs(above) <= 2.0 * math.hypot(float(forth["error"]), float(back["error"])):
        return []
    wrong = [m.label for m in methods if math.isfinite(m.above) and m.above * above < 0.0]
    stable = ends["product"] if above > 0.0 else ends["reactant"]
    return [words("order_wrong", stable=stable, methods=words.listed(wrong))] if wrong else []


def _experimental_rate(
    methods: Sequence[Judged], literature: pd.DataFrame | None, words: Words, reactant: str
) -> list[str]:
    """Rates over that of experiment, at the temperature of the comparison nearest the middle of the measured range."""
    measured = _arrhenius(literature, reactant)
    if not {"activation energy", "prefactor"} <= measured.keys():
        return []
    energy, prefactor = measured["activation energy"], measured["prefactor"]
    low, high = float(energy["lowest_K"]), float(energy["highest_K"])
    known = sorted({t for m in methods for t in m.rates if low <= t <= high})
    if not known:
        return []
    at = min(known, key=lambda t: abs(t - 0.5 * (low + high)))
    rate = float(prefactor["value"]) * math.exp(-float(energy["value"]) / (BOLTZMANN * at))
    items = [
        words(
            "experiment_rate_item",
            method=m.label,
            # Like with like: vibrations are quantised in experiment.
            factor=plain(m.rates[at].value * m.rates[at].quantum_factor / rate),
            route=_route_of(m.rates[at], words),
        )
        for m in methods
        if at in m.rates
    ]
    return [words("experiment_rate", temperature=f"{at:g}", value=plain(rate), list=words.set_apart(items))]


def _route_name(name: str, words: Words) -> str:
    """A route in the language of the report; that of an installed package as its entry has it."""
    key = f"route_{name.replace(' ', '_')}"
    return words(key) if key in words else ROUTES[name].summary if name in ROUTES else name


def _route_of(rate: Rate, words: Words) -> str:
    """The route, and the factor that is in what is held against experiment."""
    route = _route_name(rate.route, words)
    factor = rate.quantum_factor
    return route if factor == 1.0 else words("route_quantised", route=route, factor=f"{factor:.3g}")


def _sure(methods: Sequence[Judged], words: Words) -> list[str]:
    told = []
    for what in LOST:
        items = [
            words("of_methods", methods=m.label, what=_share_words(*m.lost[what])) for m in methods if what in m.lost
        ]
        if items:
            told.append(words(f"lost_{what}", by=words.set_apart(items)))
    for verdict in MethodVerdict:
        mine = [m for m in methods if m.verdict == verdict]
        if mine:
            more = {}
            if verdict == MethodVerdict.SOUND:
                # What a test could not see is part of what it says.
                ends = [(m.label, m.numbers["spread"][2]) for m in mine]
                bounds = [words("of_methods", methods=n, what=plain(v) if math.isfinite(v) else "–") for n, v in ends]
                more["by"] = words.set_apart(bounds)
            told.append(words(verdict, methods=_named([m.label for m in mine], methods, words), **more))
    return told


def _share_words(share: float, low: float, high: float) -> str:
    return f"{share:.0%} ({low:.0%} – {high:.0%})"


def _named(labels: Sequence[str], all_of: Sequence[Judged], words: Words) -> str:
    """Methods by name, or all of them in a word."""
    return words("all_methods") if len(labels) == len(all_of) > 2 else words.listed(labels)


def rows(methods: Sequence[Judged], words: Words) -> list[list[tuple[str, float | str]]]:
    """The table of methods: for each the cells, as shown and as sorted by, in the order of :func:`heads`."""
    found = []
    for m in methods:
        rate = m.rate
        cells: list[tuple[str, float | str]] = [
            (m.label, m.label),
            (_mechanism_cell(m, words), m.mechanism if isinstance(m.mechanism, str) else " ".join(m.mechanism)),
            (f"{m.barrier:.1f}" if math.isfinite(m.barrier) else "–", m.barrier),
            ("–", math.nan) if rate is None else (_marked(rate), rate.value),
            (f"{m.activation_energy:.0f} ‡" if math.isfinite(m.activation_energy) else "–", m.activation_energy),
        ]
        for key in ("length", "acceptance", "committor", "spread", "cost"):
            value, low, high = m.numbers[key]
            cells.append((significant(value, low, high) if math.isfinite(value) else "–", value))
        cells.append((words(f"verdict_{m.verdict}"), m.verdict))
        found.append(cells)
    return found


def _mechanism_cell(m: Judged, words: Words) -> str:
    """The mechanism with its share; § where shares are not determined."""
    if not m.mechanism:
        return "–"
    return f"{_kinds(m, words)} §" if m.stays else f"{_kinds(m, words)} {m.share:.0%}"


def _marked(rate: Rate) -> str:
    """A rate, marked where it is the harmonic one, which knows of no recrossing."""
    return significant(rate.value, rate.low, rate.high) + ("" if is_sampled(rate.route) else " ‡")


def heads(words: Words, reactant: str, product: str) -> list[str]:
    """Heads of the table of methods."""
    keys = ("method", "mechanism", "barrier", "rate", "energy", "length", "acceptance", "committor", "spread", "cost")
    return [words(f"col_{key}", reactant=reactant, product=product) for key in (*keys, "verdict")]


def disagreements(content: Mapping[str, Any]) -> list[str]:
    """Of a method's ``rates.json``, what is said of routes that disagree."""
    return [pair["text"] for pair in content["agreement"] if pair["verdict"] == RouteVerdict.DISAGREE]


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
