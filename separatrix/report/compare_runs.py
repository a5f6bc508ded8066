"""Two runs, side by side: which quantities differ beyond their errors.

Each quantity of the one run is held against the same of the other: those of ``comparison/comparison.json``, and the
rates of each method's ``rates.json``.

* The error of a difference comes from the two intervals, from those sides of them that face each other: with A below B
  it is sqrt((high_A - A)^2 + (B - low_B)^2) / 1.96. This is the method of variance estimates recovery (Zou and Donner,
  Stat. Med. 2008, 27, 1693), which for two shares with Wilson intervals is Newcombe's (Stat. Med. 1998, 17, 873). It
  needs no symmetric interval.
* Rates, times and costs are compared by their logarithms.
* A mean over chains has Student's interval for their number. Where an interval is Student's, the error is larger than
  the standard error, so that few samples claim no more than they can.
* Many quantities are compared at once, and of a hundred equal ones five would seem to differ at confidence 0.95. So
  p-values are adjusted after Benjamini and Hochberg (J. R. Stat. Soc. B 1995, 57, 289): of the quantities that are
  called different, the share that is not is expected to stay below the false-discovery rate. That holds for
  independent and for positively dependent tests; those here share their chains, so it is a guide and no proof.

The runs are taken as independent. Two runs with one seed may share random numbers, and then differ by less than this
expects.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from statsmodels.stats.multitest import multipletests

from separatrix.core.digits import rounded
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json
from separatrix.core.labelled import Labelled
from separatrix.core.plain import json_safe
from separatrix.rates.routes import interface_route
from separatrix.report.quantities.estimate import Z
from separatrix.report.quantity_catalogue import CATALOGUE, Group, Qualifiers, group_label, key_of
from separatrix.statistics.correlated_series import CONFIDENCE


class RunVerdict(Labelled):
    """Whether a quantity is another one in another run."""

    DIFFERS = "differs", "differs"
    AGREES = "agrees", "agrees"
    UNKNOWN = "cannot tell", "cannot tell"
    EQUAL = "equal", "equal"


_RATIOS = ("1/s", "s", "ms", "fs")


@dataclass(frozen=True)
class RunQuantity:
    """A quantity of one method in one run; `low` and `high` bound the interval of confidence 0.95, or are None.

    `id` is that of the catalogue; `group` and `label` are its place, and what it is called.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    text: str = ""
    id: str = field(default="", compare=False)
    group: str = field(default="", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True)
class Difference:
    """A quantity in both runs.

    Attributes
    ----------
    method, key, group, quantity, unit
        Which one: its key is what it is addressed by, and `quantity` its label.
    a, b
        In the two runs.
    scale
        ``log`` where logarithms are compared, else ``linear``.
    errors
        B minus A in combined standard errors; None where they are not known.
    p_value, adjusted
        Two-sided, alone, and for all that are compared.
    verdict
        Nothing can be told where no error is known.
    note
        Why nothing can be told.
    """

    method: str
    key: str
    group: str
    quantity: str
    unit: str
    a: RunQuantity
    b: RunQuantity
    scale: str
    errors: float | None
    p_value: float | None
    adjusted: float | None
    verdict: RunVerdict
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes
    ----------
    a, b
        Their folders.
    rate
        False-discovery rate.
    differences
        Every quantity that both have, method by method.
    methods_only
        Methods of one run only, by run (``a``, ``b``).
    quantities_only
        Method, group, key and label of quantities of methods in both that stand in one only, by run.
    conditions
        What the methods say of themselves that is not the same: method, what, in A, in B.
    """

    a: str
    b: str
    rate: float
    differences: tuple[Difference, ...]
    methods_only: Mapping[str, tuple[str, ...]]
    quantities_only: Mapping[str, tuple[tuple[str, str, str, str], ...]]
    conditions: tuple[tuple[str, str, str, str], ...]

    @property
    def counts(self) -> dict[RunVerdict, int]:
        """Number of quantities by verdict."""
        numbers = Counter(d.verdict for d in self.differences)
        return {verdict: numbers[verdict] for verdict in RunVerdict}

    @property
    def tested(self) -> int:
        """Number of quantities with a p-value."""
        return sum(d.p_value is not None for d in self.differences)

    @property
    def alone(self) -> int:
        """How many would be called different if each were the only one."""
        return sum(d.p_value is not None and d.p_value < 1.0 - CONFIDENCE for d in self.differences)

    def shown(self, everything: bool) -> tuple[Difference, ...]:
        """All quantities, or those that differ."""
        return tuple(d for d in self.differences if everything or d.verdict == RunVerdict.DIFFERS)

    def to_dict(self, everything: bool = False) -> dict[str, Any]:
        """As JSON types; of the quantities, all or those that differ."""
        return json_safe(
            {
                "a": self.a,
                "b": self.b,
                "confidence": CONFIDENCE,
                "false_discovery_rate": self.rate,
                "tested": self.tested,
                "differ_if_tested_alone": self.alone,
                "counts": self.counts,
                "conditions": [dict(zip(("method", "what", "a", "b"), row, strict=True)) for row in self.conditions],
                "methods_only_in": dict(self.methods_only),
                "quantities_only_in": {
                    run: [dict(zip(("method", "group", "key", "quantity"), row, strict=True)) for row in rows]
                    for run, rows in self.quantities_only.items()
                },
                "quantities": [asdict(d) for d in self.shown(everything)],
            }
        )


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What one run says: entries by method and key; and what each method says of itself."""

    entries: Mapping[str, Mapping[str, RunQuantity]]
    conditions: Mapping[str, Mapping[str, str]]


def read_run(folder: Path | str) -> Run:
    """All quantities of a run.

    Raises
    ------
    StoreError
        When the run has no comparison yet, or a file is damaged.
    """
    folder = Path(folder)
    file = folder / "comparison" / "comparison.json"
    if not file.is_file():
        raise StoreError(
            f"{folder}: has no comparison yet (comparison/comparison.json); give the results of a run that has finished"
        )
    content = read_json(file)
    if any("groups" in about for about in content.get("methods", {}).values() if isinstance(about, Mapping)):
        raise StoreError(
            f"{file}: an earlier version wrote it, without ids of quantities; make it again: "
            "snakemake --forcerun compare, with the config of the run"
        )
    entries: dict[str, dict[str, RunQuantity]] = {}
    conditions: dict[str, dict[str, str]] = {}
    try:
        for method, about in content["methods"].items():
            entries[method] = _quantities(about["quantities"])
            conditions[method] = {"level of theory": str(about["source"])}
            rates = folder / method / "rates.json"
            if rates.is_file():
                rates_content = read_json(rates)
                entries[method] |= _rates(rates_content)
                conditions[method]["temperature of the dynamics, K"] = f"{rates_content['temperature_K']:g}"
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StoreError(f"{folder}: not the results of a run that this version can read ({error!r})") from error
    return Run(entries, conditions)


def _quantities(numbers: Mapping[str, Mapping[str, Any]]) -> dict[str, RunQuantity]:
    """Quantities of a method but its chains, which have no partners in another run, and its rates (:func:`_rates`)."""
    read = {}
    for key, q in numbers.items():
        if q["group"] in (Group.CHAINS, Group.RATES) or q["id"] in CONDITIONS:
            continue
        value, error = q["value"], q.get("error")
        low, high = q.get("low"), q.get("high")
        if low is None and value is not None and error:
            low, high = value - Z * error, value + Z * error
        text = q.get("text", "") if value is None else ""
        read[key] = RunQuantity(value, q.get("unit", "1"), low, high, text, q["id"], q["group"], q["label"])
    return read


#: Quantities that say what a method is.
CONDITIONS = ("level_of_theory",)


def _rates(content: Mapping[str, Any]) -> dict[str, RunQuantity]:
    """Rates by every route, temperature laws and transmission coefficients of a method."""
    read: dict[str, RunQuantity] = {}

    def add(
        id: str, of: Qualifiers, label: str, value: float | None, low: float | None = None, high: float | None = None
    ) -> None:
        read[key_of(id, of)] = RunQuantity(value, CATALOGUE[id].unit, low, high, "", id, Group.RATES, label)

    own = content["temperature_K"]
    through = content.get("interfaces", {}).get("rate", {})
    for route in content["routes"]:
        where = {"from": route["from"], "to": route["to"], "route": route["route"]}
        # That of the dynamics by this name, so that runs at two temperatures meet.
        of_dynamics = route["temperature"] == own
        at = "temperature of the dynamics" if of_dynamics else f"{route['temperature']:g} K"
        label = f"rate {route['from']} to {route['to']}, {route['route']}, {at}"
        value, error = route["rate"], route["ln_error"]
        # Runs of earlier versions have no interval here, and that through interfaces in one place alone.
        source = through if route["route"] == interface_route.ROUTE.name and route.get("low") is None else route
        low, high = source.get("low"), source.get("high")
        if low is None and value and error:
            low, high = value * math.exp(-Z * error), value * math.exp(Z * error)
        add(
            "rate",
            {**where, "temperature": "dynamics" if of_dynamics else route["temperature"]},
            label,
            value,
            low,
            high,
        )
    for law in content["laws"]:
        # No interval: that of the fit tells how straight the line is, nothing of the rates' own errors.
        arrhenius = law["law"] == "arrhenius"
        what = "activation energy" if arrhenius else "enthalpy of activation"
        where = {"from": law["from"], "to": law["to"]}
        label = f"{what} {law['from']} to {law['to']}"
        add("activation_energy" if arrhenius else "activation_enthalpy", where, label, law["energy"])
    kappa = content.get("along_coordinate", {}).get("transmission")
    if kappa and kappa["error"]:
        half, value = Z * kappa["error"], kappa["kappa"]
        label = CATALOGUE["transmission_coefficient"].label
        add("transmission_coefficient", {}, label, value, value - half, value + half)
    return read


# --- comparing ------------------------------------------------------------------------------------------------------


def compare_runs(
    a: Path | str, b: Path | str, *, methods: Sequence[str] = (), rate: float = 1.0 - CONFIDENCE
) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    a, b
        Their results folders.
    methods
        Only these; empty: all.
    rate
        False-discovery rate.

    Raises
    ------
    StoreError
        When a run cannot be read, or has no such method, or the two have none in common.
    """
    one, other = read_run(a), read_run(b)
    for name in methods:
        for folder, run in ((a, one), (b, other)):
            if name not in run.entries:
                raise StoreError(f"{folder}: has no method {name!r} (it has: {', '.join(run.entries)})")
    both = [m for m in one.entries if m in other.entries and (not methods or m in methods)]
    if not both:
        raise StoreError(f"{a} and {b} have no method in common ({', '.join(one.entries)}; {', '.join(other.entries)})")
    differences, only_a, only_b, conditions = [], [], [], []
    for method in both:
        first, theirs = one.entries[method], other.entries[method]
        differences += [compare_entries(method, key, first[key], theirs[key]) for key in first if key in theirs]
        only_a += [(method, q.group, key, q.label) for key, q in first.items() if key not in theirs]
        only_b += [(method, q.group, key, q.label) for key, q in theirs.items() if key not in first]
        said, heard = one.conditions[method], other.conditions[method]
        conditions += [
            (method, what, said[what], heard[what]) for what in said if what in heard and said[what] != heard[what]
        ]
    return Comparison(
        a=str(a),
        b=str(b),
        rate=rate,
        differences=judge(differences, rate),
        methods_only={
            "a": () if methods else tuple(m for m in one.entries if m not in other.entries),
            "b": () if methods else tuple(m for m in other.entries if m not in one.entries),
        },
        quantities_only={"a": tuple(only_a), "b": tuple(only_b)},
        conditions=tuple(conditions),
    )


def compare_entries(method: str, key: str, a: RunQuantity, b: RunQuantity) -> Difference:
    """One quantity of both runs; whether it differs beyond errors is for :func:`judge` to say."""
    difference = Difference(method, key, a.group, a.label, a.unit, a, b, "linear", None, None, None, RunVerdict.UNKNOWN)
    if a.unit != b.unit:
        return replace(difference, note=f"units: {a.unit} and {b.unit}")
    if a.value is None or b.value is None:
        if a.value is None and b.value is None:
            if a.text == b.text:
                return replace(difference, verdict=RunVerdict.EQUAL)
            if a.id in CATALOGUE and not CATALOGUE[a.id].sampled:
                return replace(difference, verdict=RunVerdict.DIFFERS)
            return replace(difference, note="words")
        return replace(difference, note=f"no value in {'A' if a.value is None else 'B'}")
    if a == b or (a.value == b.value and None in (a.low, b.low)):
        return replace(difference, verdict=RunVerdict.EQUAL)
    blind = [name for name, entry in (("A", a), ("B", b)) if entry.low is None or entry.high is None]
    if blind:
        return replace(difference, note="no error known" + (f" in {blind[0]}" if len(blind) == 1 else ""))
    ratio = a.unit in _RATIOS or (a.id in CATALOGUE and CATALOGUE[a.id].logarithmic)
    log = ratio and all(entry.low is not None and entry.low > 0.0 for entry in (a, b))
    errors = _in_errors(a, b, math.log if log else float)
    if errors is None:
        return replace(difference, note="an interval has no width")
    p = float(2.0 * scipy.stats.norm.sf(abs(errors)))
    return replace(difference, scale="log" if log else "linear", errors=errors, p_value=p)


def _in_errors(a: RunQuantity, b: RunQuantity, scale: Any) -> float | None:
    """B minus A over its standard error, from those sides of the intervals that face each other."""
    first, theirs = scale(a.value), scale(b.value)
    near_a, near_b = (a.high, b.low) if first <= theirs else (a.low, b.high)
    error = math.hypot(scale(near_a) - first, scale(near_b) - theirs) / Z
    return (theirs - first) / error if error > 0.0 else None


def judge(differences: Sequence[Difference], rate: float) -> tuple[Difference, ...]:
    """Adjust the p-values for their number (Benjamini and Hochberg), and call each difference by its name."""
    tested = [i for i, d in enumerate(differences) if d.p_value is not None]
    judged = list(differences)
    if tested:
        reject, adjusted, _, _ = multipletests([judged[i].p_value for i in tested], alpha=rate, method="fdr_bh")
        for i, apart, p in zip(tested, reject, np.asarray(adjusted), strict=True):
            judged[i] = replace(
                judged[i], adjusted=float(p), verdict=RunVerdict.DIFFERS if apart else RunVerdict.AGREES
            )
    return tuple(judged)


# --- for people -----------------------------------------------------------------------------------------------------


def show(comparison: Comparison, console: Console, everything: bool = False) -> None:
    """Print a comparison: what differs, or all quantities, and what only one run has."""
    for block in _blocks(comparison, everything):
        console.print(block, highlight=False, markup=False, soft_wrap=isinstance(block, str))


_COUNTED = (RunVerdict.DIFFERS, RunVerdict.AGREES, RunVerdict.EQUAL, RunVerdict.UNKNOWN)


def _blocks(comparison: Comparison, everything: bool) -> Iterator[RenderableType]:
    yield f"A: {comparison.a}"
    yield f"B: {comparison.b}"
    for method, what, a, b in comparison.conditions:
        yield f"{method}: {what}: {a} in A, {b} in B"
    rows = comparison.shown(everything)
    if rows:
        yield _table(rows)
    differ, agree, equal, unknown = (comparison.counts[v] for v in _COUNTED)
    yield (
        f"{len(comparison.differences)} quantities in both: {differ} differ, {agree} agree, {equal} are equal, "
        f"of {unknown} nothing can be told (other words, or numbers without an error)"
    )
    if comparison.tested:
        yield (
            f"{comparison.tested} compared with errors; false-discovery rate {comparison.rate:g} (Benjamini-Hochberg). "
            f"Tested each alone at {1 - CONFIDENCE:.2g}, {comparison.alone} would differ; by chance alone, "
            f"{comparison.tested * (1 - CONFIDENCE):.1f} would"
        )
    for run, names in comparison.methods_only.items():
        if names:
            yield f"methods in {run.upper()} only: {', '.join(names)}"
    for run, quantities in comparison.quantities_only.items():
        for method in dict.fromkeys(row[0] for row in quantities):
            alone = [f"{group_label(group)}: {label}" for m, group, _, label in quantities if m == method]
            yield f"{method}: in {run.upper()} only: {'; '.join(alone)}"


def _table(rows: Sequence[Difference]) -> Table:
    table = Table("method", "quantity", "A", "B", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("errors\napart", justify="right")
    table.add_column("p,\nadjusted", justify="right")
    table.add_column("verdict")
    method = ""
    for d in rows:
        if method and d.method != method:
            table.add_section()
        unit = "" if d.unit in ("1", "") else f", {d.unit}"
        table.add_row(
            d.method if d.method != method else "",
            f"{d.quantity}{unit}",
            _value_text(d.a),
            _value_text(d.b),
            "" if d.errors is None else f"{d.errors:+.1f}",
            "" if d.adjusted is None else f"{d.adjusted:.2g}",
            d.verdict.label + (f" ({d.note})" if d.note else ""),
        )
        method = d.method
    return table


def _value_text(entry: RunQuantity) -> str:
    """A value with its interval, as many digits as the interval is worth."""
    if entry.value is None:
        return entry.text or "none"
    if entry.low is None or entry.high is None:
        return f"{entry.value:.5g}"
    if entry.low > 0.0 and entry.high > 3.0 * entry.low:
        return f"{entry.value:.2g} ({entry.low:.2g} to {entry.high:.2g})"
    half = 0.5 * (entry.high - entry.low)
    value, low, high = (rounded(v, half)[0] for v in (entry.value, entry.low, entry.high))
    return f"{value} ({low} to {high})"
