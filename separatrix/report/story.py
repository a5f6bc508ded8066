"""What the numbers say, in sentences, by stated rules: nothing here is written by hand.

The rules stand under the table of methods in the report, and in docs/report.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core.digits import duration, plain, significant
from separatrix.core.units import BOLTZMANN
from separatrix.rates.route import ROUTES
from separatrix.report.judged_method import LOST, Judged, MethodVerdict, Rate
from separatrix.report.language import Phrases


def sentences(
    methods: Sequence[Judged],
    agreements: Mapping[str, Sequence[str]],
    literature: pd.DataFrame | None,
    phrase: Phrases,
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
        For each label, the sentences on routes that disagree.
    literature
        Measured values of the system, if there are any.
    phrase
        Of the language.
    reactant, product, temperature
        Basins, and K of the dynamics.
    several
        Whether the system knows of more than one mechanism.
    """
    ends = {"reactant": reactant, "product": product}
    by_section: dict[str, list[str]] = {
        "mechanism": _mechanism(methods, phrase, several),
        "barrier": [],
        "rate": [],
        "sure": _sure(methods, phrase),
        "cost": [],
    }
    with_barrier = [m for m in methods if math.isfinite(m.barrier)]
    if with_barrier:
        items = [phrase("barrier_item", value=f"{m.barrier:.1f}", method=m.label) for m in with_barrier]
        by_section["barrier"].append(phrase("barrier", list=phrase.listed(items), **ends))
    by_section["rate"] = _rate(methods, phrase, temperature, ends)
    if apart := [m.label for m in methods if agreements.get(m.label)]:
        by_section["rate"].append(phrase("routes_disagree", methods=phrase.listed(apart)))
    if excluded := [m.label for m in methods if m.not_equilibrated]:
        by_section["rate"].append(phrase("not_equilibrated", methods=phrase.listed(excluded)))
    by_section["rate"] += _experimental_order(methods, literature, phrase, ends)
    by_section["rate"] += _experiment(methods, literature, phrase, reactant)
    by_section["rate"] += _experimental_rate(methods, literature, phrase, reactant)
    costs = [m for m in methods if math.isfinite(m.numbers["cost"][0])]
    if costs:
        items = [phrase("cost_item", value=significant(*m.numbers["cost"]), method=m.label) for m in costs]
        by_section["cost"].append(phrase("cost", list=phrase.listed(items)))
    return by_section


def _mechanism(methods: Sequence[Judged], phrase: Phrases, several: bool) -> list[str]:
    if not several:
        return []
    lines = _saddles(methods, phrase)
    free = [m for m in methods if m.mechanism and not m.stays]
    stuck = [m for m in methods if m.mechanism and m.stays]
    names = {m.mechanism for m in free}
    if len(free) > 1 and len(names) == 1 and not stuck:
        lines.append(phrase("mechanism_all", mechanism=mechanism_names(free[0], phrase)))
    elif free:
        items = [
            phrase(
                "mechanism_by",
                method=m.label,
                mechanism=mechanism_names(m, phrase),
                share=f"{m.share:.0%}",
                paths=m.paths,
            )
            for m in free
        ]
        key = "mechanism_differ" if len(names) > 1 else "mechanism_sampled"
        lines.append(phrase(key, by=phrase.set_apart(items)))
    for kinds, group in _grouped(stuck, lambda m: m.mechanism):
        named = phrase.listed([phrase.term(kind) for kind in kinds])
        lines.append(
            phrase("mechanism_start", methods=_named(group, stuck if not free else methods, phrase), kinds=named)
        )
    return lines


def _saddles(methods: Sequence[Judged], phrase: Phrases) -> list[str]:
    """Which saddles the searches found, and which guesses led to none."""
    lines = []
    for key, of in (("saddles", lambda m: m.saddles), ("without_saddle", lambda m: m.without_saddle)):
        items = [
            phrase(
                "of_methods", methods=phrase.listed(group), what=phrase.listed([phrase.term(name) for name in names])
            )
            for names, group in _grouped(methods, of)
        ]
        if items:
            lines.append(phrase(key, by=phrase.set_apart(items)))
    return lines


def _grouped(methods: Sequence[Judged], of: Callable[[Judged], Any]) -> list[tuple[Any, list[str]]]:
    """Labels of the methods with the same value; methods without one are left out."""
    groups: dict[Any, list[str]] = {}
    for m in methods:
        if of(m):
            groups.setdefault(of(m), []).append(m.label)
    return list(groups.items())


def mechanism_names(m: Judged, phrase: Phrases) -> str:
    """The mechanism, or all that were sampled where shares are not determined."""
    names = (m.mechanism,) if isinstance(m.mechanism, str) else m.mechanism
    return phrase.listed([phrase.term(name) for name in names])


def _rate(methods: Sequence[Judged], phrase: Phrases, temperature: float, ends: Mapping[str, str]) -> list[str]:
    with_rate = [(m, m.rate) for m in methods if m.rate is not None]
    if not with_rate:
        return []
    items = [
        phrase(
            "rate_item",
            value=significant(rate.value, rate.low, rate.high),
            method=m.label,
            route=_route_name(rate.route, phrase),
        )
        for m, rate in with_rate
    ]
    lines = [phrase("rate", list=phrase.set_apart(items), temperature=f"{temperature:g}", **ends)]
    if len(with_rate) > 1:
        slow, fast = (f(with_rate, key=lambda pair: pair[1].value) for f in (min, max))
        factor = fast[1].value / slow[1].value
        lines.append(phrase("rate_spread", fast=fast[0].label, slow=slow[0].label, factor=plain(factor)))
    return lines + _relaxation(methods, phrase, ends)


def _relaxation(methods: Sequence[Judged], phrase: Phrases, ends: Mapping[str, str]) -> list[str]:
    """How fast populations relax, to what, and which state is the stable one by each method."""
    relaxing = [(m, *m.relaxation) for m in methods if m.relaxation is not None]
    if not relaxing:
        return []
    items = [
        phrase(
            "relaxation_item",
            method=m.label,
            time=duration(of.time),
            share=_percent(of.share),
            half_life=phrase("half_life", time=duration(of.half_life)) if math.isfinite(of.half_life) else "",
            **ends,
        )
        for m, _, of in relaxing
    ]
    lines = [phrase("relaxation", by=phrase.set_apart(items), **ends)]
    # The reactant is the more stable state: with this method equilibrium is on its side.
    stays = [m for m, _, of in relaxing if of.share >= 0.5 + _EVEN]
    goes = [m for m, _, of in relaxing if of.share <= 0.5 - _EVEN]
    for m in stays:
        if math.isfinite(m.above) and m.above < 0.0:
            lines.append(phrase("reactant_below", method=m.label, value=f"{-m.above:.1f}", **ends))
    if stays and goes:
        both = [phrase.listed([m.label for m in group]) for group in (stays, goes)]
        lines.append(phrase("order_differs", stays=both[0], goes=both[1], **ends))
    return lines


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


def _experiment(
    methods: Sequence[Judged], literature: pd.DataFrame | None, phrase: Phrases, reactant: str
) -> list[str]:
    if literature is None or literature.empty:
        return []
    rows = literature[(literature["quantity"] == "activation energy") & (literature["from"] == reactant)]
    calculated = [m for m in methods if math.isfinite(m.activation_energy)]
    if rows.empty or not calculated:
        return []
    value, error = float(rows["value"].iloc[0]), float(rows["error"].iloc[0])
    measured = {"value": f"{value:g}", "error": f"{error:g}"}
    right = [m.label for m in calculated if abs(m.activation_energy - value) <= 2.0 * error]
    if right:
        return [phrase("experiment_agrees", methods=phrase.listed(right), **measured)]
    nearest = min(calculated, key=lambda m: abs(m.activation_energy - value))
    energy = f"{nearest.activation_energy:.0f}"
    return [phrase("experiment_nearest", method=nearest.label, energy=energy, **measured)]


def _arrhenius(literature: pd.DataFrame | None, start: str) -> dict[str, pd.Series]:
    """Measured activation energy and prefactor from a state, those there are."""
    if literature is None or literature.empty:
        return {}
    of_state = literature[literature["from"] == start]
    return {str(row["quantity"]): row for _, row in of_state[::-1].iterrows()}


def _experimental_order(
    methods: Sequence[Judged], literature: pd.DataFrame | None, phrase: Phrases, ends: Mapping[str, str]
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
    return [phrase("order_wrong", stable=stable, methods=phrase.listed(wrong))] if wrong else []


def _experimental_rate(
    methods: Sequence[Judged], literature: pd.DataFrame | None, phrase: Phrases, reactant: str
) -> list[str]:
    """Rates over that of experiment, at the temperature of the comparison nearest the middle of the measured range."""
    measured = _arrhenius(literature, reactant)
    if not {"activation energy", "prefactor"} <= measured.keys():
        return []
    energy, prefactor = measured["activation energy"], measured["prefactor"]
    low, high = float(energy["lowest_K"]), float(energy["highest_K"])
    temperatures = sorted({t for m in methods for t in m.rates if low <= t <= high})
    if not temperatures:
        return []
    at = min(temperatures, key=lambda t: abs(t - 0.5 * (low + high)))
    rate = float(prefactor["value"]) * math.exp(-float(energy["value"]) / (BOLTZMANN * at))
    items = [
        phrase(
            "experiment_rate_item",
            method=m.label,
            # Like with like: vibrations are quantised in experiment.
            factor=plain(m.rates[at].value * m.rates[at].quantum_factor / rate),
            route=_route_of(m.rates[at], phrase),
        )
        for m in methods
        if at in m.rates
    ]
    return [phrase("experiment_rate", temperature=f"{at:g}", value=plain(rate), list=phrase.set_apart(items))]


def _route_name(name: str, phrase: Phrases) -> str:
    """A route in the language of the report; that of an installed package as its entry has it."""
    key = f"route_{name.replace(' ', '_')}"
    return phrase(key) if key in phrase else ROUTES[name].summary if name in ROUTES else name


def _route_of(rate: Rate, phrase: Phrases) -> str:
    """The route, and the factor that is included in what is compared with experiment."""
    route = _route_name(rate.route, phrase)
    factor = rate.quantum_factor
    return route if factor == 1.0 else phrase("route_quantised", route=route, factor=f"{factor:.3g}")


def _sure(methods: Sequence[Judged], phrase: Phrases) -> list[str]:
    lines = []
    for what in LOST:
        items = [
            phrase("of_methods", methods=m.label, what=_share_text(*m.lost[what])) for m in methods if what in m.lost
        ]
        if items:
            lines.append(phrase(f"lost_{what}", by=phrase.set_apart(items)))
    for verdict in MethodVerdict:
        of_verdict = [m for m in methods if m.verdict == verdict]
        if of_verdict:
            more = {}
            if verdict == MethodVerdict.SOUND:
                # The spread that the test does not exclude is part of its result.
                ends = [(m.label, m.numbers["spread"][2]) for m in of_verdict]
                bounds = [phrase("of_methods", methods=n, what=plain(v) if math.isfinite(v) else "–") for n, v in ends]
                more["by"] = phrase.set_apart(bounds)
            lines.append(phrase(verdict, methods=_named([m.label for m in of_verdict], methods, phrase), **more))
    return lines


def _share_text(share: float, low: float, high: float) -> str:
    return f"{share:.0%} ({low:.0%} – {high:.0%})"


def _named(labels: Sequence[str], all_of: Sequence[Judged], phrase: Phrases) -> str:
    """Methods by name, or all of them in a word."""
    return phrase("all_methods") if len(labels) == len(all_of) > 2 else phrase.listed(labels)
