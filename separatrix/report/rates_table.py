"""Table of the rates of all methods: by every route, with what lies behind them, beside experiment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from separatrix.core import digits
from separatrix.core.units import KCAL
from separatrix.rates import free_energy, harmonic
from separatrix.rates.route import is_sampled, title_of
from separatrix.report.quantities.rate_quantities import lost_pairs, lost_paths
from separatrix.report.rates_frame import rates_frame
from separatrix.report.table_content import TablePage, TableRow, group_row, one_table, remark_row, text_cell
from separatrix.statistics.no_basin import KEY

#: Paths from the reactant that reach the last interface, below which the rate through interfaces is not trusted.
MIN_ARRIVALS = 10

#: Transmission coefficient below which the coordinate may be too poor for the errors of short windows.
POOR = 0.4

#: Windows that overlap by less than this give no error to trust.
LEAST_OVERLAP = 0.03

_HEADS = ("", "route", "temperature (K)", "rate (1/s)", "lifetime 1/k")


class RateRemark(NamedTuple):
    """A sentence on the rates of a method; `direction` is empty where it is on both."""

    text: str
    direction: str = ""


def content(contents: Sequence[Mapping[str, Any]], labels: Sequence[str], literature: pd.DataFrame | None) -> TablePage:
    """For each method and direction the rates, lifetimes, temperature laws, and whether routes agree.

    Parameters
    ----------
    contents
        ``rates.json`` of every method.
    labels
        Of the methods, in the same order.
    literature
        Measured values, see :func:`separatrix.report.literature.read_literature`; None: none.
    """
    frame = rates_frame(contents, labels)
    rows: list[TableRow] = []
    for method, label in zip(contents, labels, strict=True):
        rows.append(group_row(label, len(_HEADS), f"({method['source']})"))
        for row in frame[frame["label"] == label].to_dict("records"):
            rows += _rate_rows(row)
        rows += [remark_row(said.direction, said.text, len(_HEADS)) for said in _remarks(method)]
    if literature is not None and len(literature):
        rows.append(group_row("Experiment", len(_HEADS)))
        for row in literature.to_dict("records"):
            text = (
                f"{row['quantity']} {row['value']:g} ± {row['error']:g} {row['unit']}, {row['conditions']}, "
                f"{row['lowest_K']:g} to {row['highest_K']:g} K: {row['source']}"
            )
            rows.append(remark_row(_direction(row), text, len(_HEADS)))
    rules = contents[0]["rules"]
    note = (
        f"Harmonic rates: {rules['statistics']} vibrations ({harmonic.STATISTICS[rules['statistics']]}); low modes: "
        f"{harmonic.LOW_MODES[rules['low_modes']]}, cutoff {rules['cutoff']:g} cm⁻¹; tunnelling: "
        f"{harmonic.TUNNELLING[rules['tunnelling']]}. They have no statistical error; that of the method is larger. "
        "In brackets: interval of confidence 0.95. Dynamics is classical, vibrations in nature are quantised: "
        "what is to be held against experiment is a sampled rate times the ratio of the harmonic rate to the classical "
        "one of the same stationary points."
    )
    return one_table("Rates", _HEADS, rows, note)


def _direction(row: Mapping[str, Any]) -> str:
    return f"{row['from']} → {row['to']}"


def _rate_rows(row: Mapping[str, Any]) -> Iterator[TableRow]:
    """A rate, and where it is classical what quantised vibrations make of it; nothing where there is no rate."""
    if not math.isfinite(row["rate"]):
        return
    low, high = (10 ** row[end] if math.isfinite(row[end]) else math.nan for end in ("low", "high"))
    # The same digits as in the table of methods.
    rate, _, interval = digits.significant(row["rate"], low, high).partition(" (")
    small = [f"({interval}"] if interval else ["(no interval)"] if is_sampled(row["route"]) else []
    route = title_of(row["route"]) + (", reweighted" if row["how"] == "reweighted" else "")
    temperature = f"{row['temperature']:g}"
    cells = (
        text_cell(route),
        text_cell(temperature),
        text_cell(rate, *small),
        text_cell(digits.duration(row["lifetime"])),
    )
    yield TableRow(text_cell(_direction(row)), cells)
    if math.isfinite(factor := row["quantum_factor"]):
        text = (
            f"the same times the harmonic quantum/classical factor of {factor:.3g} (vibrations "
            f"{row['quantum_vibrations']:.3g}, tunnelling {row['tunnelling']:.3g})"
        )
        quantised = digits.significant(row["quantum_rate"], low * factor, high * factor)
        texts = (text, temperature, quantised, digits.duration(1.0 / row["quantum_rate"]))
        yield TableRow(text_cell(""), tuple(text_cell(each) for each in texts))


def _remarks(content: Mapping[str, Any]) -> Iterator[RateRemark]:
    """What is said of a method's rates."""
    yield from _harmonic_remarks(content)
    if content["along_coordinate"]:
        yield from _along_remarks(content)
    yield from _interface_remarks(content)
    yield from map(RateRemark, content["agreement"])


def _harmonic_remarks(content: Mapping[str, Any]) -> Iterator[RateRemark]:
    """Saddles, temperature laws and relaxation."""
    # Rates of earlier versions have no cautions.
    yield from map(RateRemark, (*channels_in_words(content), *content.get("cautions", ())))
    for law in content["laws"]:
        if law["law"] == "arrhenius":
            text = (
                f"Arrhenius, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K: activation energy "
                f"{law['energy']:.1f} kJ/mol ({law['energy'] / KCAL:.1f} kcal/mol), prefactor "
                f"{math.exp(law['ln_prefactor']):.2g} /s"
            )
        else:
            text = f"Eyring: enthalpy of activation {law['energy']:.1f} kJ/mol, entropy {round(law['entropy'])} J/mol/K"
        yield RateRemark(text, _direction(law))
    for entry in content["kinetics"]:
        if entry["temperature"] == content["temperature_K"]:
            shares = ", ".join(f"{name} {share:.3g}" for name, share in entry["equilibrium"].items())
            yield RateRemark(
                f"at {entry['temperature']:g} K populations relax with time constant "
                f"{digits.duration(entry['relaxation_time'])}, to {shares} (harmonic)"
            )


def channels_in_words(content: Mapping[str, Any]) -> list[str]:
    """A sentence for each saddle, its height and share of the harmonic rate; and one for guesses without one."""
    start, temperature = content["states"][0], content["temperature_K"]
    total = next(r for r in content["rates"] if (r["from"], r["temperature"]) == (start, temperature))
    sentences = []
    for channel, share in zip(content["channels"], total["shares"], strict=True):
        above = ", ".join(
            f"{energy / KCAL:.1f} kcal/mol above {name}" for name, energy in channel["energy_above"].items()
        )
        sentences.append(
            f"over {channel['saddle']}: {above}, {channel['imaginary']:.0f}i cm⁻¹, {share:.3g} of the harmonic rate at "
            f"{temperature:g} K (from guess {', '.join(channel['guesses'])})"
        )
    if content["without_saddle"]:
        reasons = (f"{name} ({why.removeprefix(f'{name}: ')})" for name, why in content["without_saddle"].items())
        sentences.append("guesses that led to none: " + "; ".join(reasons))
    return sentences


def _along_remarks(content: Mapping[str, Any]) -> Iterator[RateRemark]:
    """Free energy along the coordinate, its windows, and the transmission coefficient."""
    along = content["along_coordinate"]
    profile, kappa = along["profile"], along["transmission"]
    barrier = profile["rate"]
    yield RateRemark(
        f"free energy of {barrier['barrier_forward'] / KCAL:.1f} kcal/mol at r = {barrier['top']:.2f}, from "
        f"{barrier['n_frames']} frames (smallest overlap {barrier['worst_overlap']:.2f}); transmission coefficient "
        f"{kappa['kappa']:.2f} ± {_two_places(kappa['error'])} (positive flux {kappa['positive']:.2f} ± "
        f"{_two_places(kappa['positive_error'])}), {kappa['n_pairs']} pairs, {kappa['n_lost']} lost"
    )
    if (lost := lost_pairs(content)) is not None and lost.matters:
        yield RateRemark(
            f"{lost.count('pairs of halves')} left out, as a half failed or reached no basin: the rate may be "
            f"off by as much; give a larger {KEY}"
        )
    if kappa["kappa"] < POOR and not along["no_rate"]:
        yield RateRemark(
            f"transmission coefficient below {POOR:g}: by friction, or because r is a poor coordinate; then "
            "what is slow across r hides from the blocks and halves of short windows, and the interval is too "
            "narrow: give longer windows, or hold the rate through interfaces beside it"
        )
    if apart := profile.get("gaps_left"):
        at = ", ".join(f"{centre:.2f}" for centre in apart)
        yield RateRemark(
            f"windows overlap by less than {LEAST_OVERLAP:g} about r = {at}: the error there is not to be trusted"
        )
    if "drift" in profile:
        yield RateRemark(_of_drift(profile["drift"]))
    if text := _of_failures(profile):
        yield RateRemark(text)
    reweighted = along.get("reweighted") or {}
    for law in reweighted.get("laws", ()):
        low, high = law["energy_interval"]
        yield RateRemark(
            f"{_direction(law)} along r, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K "
            f"({reweighted['how']}): activation energy {law['energy']:.1f} kJ/mol ({low:.1f} to {high:.1f}), prefactor "
            f"{math.exp(law['ln_prefactor']):.2g} /s"
            + (f"; {law['quantum_energy']:.1f} with the quantum factors" if law.get("quantum_energy") else "")
        )
    if reweighted.get("left_out"):
        yield RateRemark(reweighted["left_out"])
    if along["no_rate"]:
        yield RateRemark(along["no_rate"])


def _two_places(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _of_drift(drift: Sequence[float] | None) -> str:
    """Whether the windows are in equilibrium, by their halves."""
    if drift is None:
        return "the windows are too short to tell whether they are in equilibrium: give more length_fs"
    change, error = drift
    text = f"rate from the second halves of the windows over that from the first: {math.exp(change):.2g}, "
    text += f"{abs(change) / error:.1f} errors from 1"
    if not free_energy.equilibrated((change, error)):
        text += (
            "; the windows are not in equilibrium and the interval does not know: give equilibration_fs and length_fs, "
            "and they go on from where they are"
        )
    return text


def _of_failures(profile: Mapping[str, Any]) -> str:
    """Parts of windows that failed and were done again, and windows that ended early."""
    parts = []
    if failures := profile.get("failures"):
        parts.append(f"{len(failures)} parts of windows failed and were done again; the last: {failures[-1]}")
    if early := profile.get("ended_early"):
        at = ", ".join(f"{window['centre']:.2f}" for window in early)
        parts.append(f"windows at r = {at} ended early: {early[-1]['reason']}")
    return "; ".join(parts)


def _interface_remarks(content: Mapping[str, Any]) -> Iterator[RateRemark]:
    """Flux, crossing probability, and whether the cycles suffice."""
    through = content.get("interfaces") or {}
    if not through:
        return
    if through.get("no_rate"):
        yield RateRemark(through["no_rate"])
        return
    rate = through["rate"]
    yield RateRemark(
        f"flux of {rate['flux']:.3g} /s through the first of {len(rate['crossings'])} interfaces "
        f"({rate['n_excursions']} excursions, {rate['n_unfinished']} without end), crossing probability "
        f"{rate['probability']:.3g}; shots: "
        + ", ".join(f"{count} {name}" for name, count in rate["outcomes"].items() if count)
    )
    if (lost := lost_paths(content)) is not None and lost.matters:
        yield RateRemark(
            f"{lost.count('shots')} reached neither state within rates.interfaces.longest_fs: the rate may be "
            "off by as much; give a larger longest_fs"
        )
    if rate["slowest"] > 0.5:
        yield RateRemark("paths change too slowly for the error to be trusted: give more cycles")
    if rate["n_arrivals"] < MIN_ARRIVALS:
        yield RateRemark(
            f"paths have come from the first interface to the last {rate['n_arrivals']} times only: what "
            "changes slowly may not be in equilibrium, and the rate far off; give more cycles"
        )
    # Where the blocks give no error, nothing says that the two halves are one.
    drift, error = rate["drift"], rate["ln_probability_error"]
    if drift is None or error is None or abs(drift) > 4.0 * error:
        yield RateRemark("the probability drifts from the first half of the cycles to the second: give more burn-in")
