"""Rates of all methods beside experiment: a table, an Arrhenius plot, and the free energy along the coordinate."""

from __future__ import annotations

import html
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from separatrix.core import digits
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json, replacing
from separatrix.core.text import cells
from separatrix.core.units import BOLTZMANN, KCAL
from separatrix.rates import free_energy, harmonic, kinetics
from separatrix.rates.route import by_trust, is_sampled, title_of
from separatrix.report import charts, html_tables
from separatrix.report.quantities.rate_quantities import lost_pairs, lost_paths, unsettled
from separatrix.statistics.no_basin import KEY

log = logging.getLogger(__name__)

_COLUMNS = ["quantity", "from", "to", "value", "error", "unit", "lowest_K", "highest_K", "conditions", "source"]
_NUMBERS = ("value", "error", "lowest_K", "highest_K")

#: Arrivals of paths from the reactant at the last interface without which the rate through interfaces is not trusted.
MIN_ARRIVALS = 10

#: Transmission coefficient below which the coordinate may be too poor for the errors of short windows.
POOR = 0.4


def read_literature(file: Path | str) -> pd.DataFrame:
    """Literature values of a system.

    Parameters
    ----------
    file
        CSV with the columns quantity (``activation energy`` in kJ/mol or ``prefactor`` in 1/s), from, to (basins),
        value, error, unit, lowest_K, highest_K, conditions, source.

    Raises
    ------
    StoreError
        When the file cannot be read, a column is missing, a unit is not the one above, or a number is none or cannot
        be.
    """
    try:
        # As text: a basin may be called 1, or NA, and a word in place of a number is to be named as it stands.
        frame = pd.read_csv(file, dtype=str, keep_default_na=False).fillna("")
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: not readable as CSV ({' '.join(str(error).split())})") from error
    missing = [c for c in _COLUMNS if c not in frame]
    if missing:
        raise StoreError(f"{file}: column {missing[0]!r} is missing; there must be {', '.join(_COLUMNS)}")
    units = {"activation energy": "kJ/mol", "prefactor": "1/s"}
    for row in frame.to_dict("records"):
        if units.get(row["quantity"]) != row["unit"]:
            raise StoreError(
                f"{file}: {row['quantity']!r} in {row['unit']!r}; give activation energy in kJ/mol or prefactor in 1/s"
            )
    for column in _NUMBERS:
        frame[column] = [_number_of(file, i, column, text) for i, text in enumerate(frame[column], start=1)]
    for i, row in enumerate(frame.to_dict("records"), start=1):
        for column, good, remedy in (
            ("value", row["value"] > 0.0 or row["quantity"] != "prefactor", "a prefactor is more than 0"),
            ("error", row["error"] >= 0.0, "give a standard error, 0 or more"),
            ("lowest_K", row["lowest_K"] > 0.0, "give a temperature above 0 K"),
            ("highest_K", row["highest_K"] >= row["lowest_K"], f"give at least lowest_K, {row['lowest_K']:g}"),
        ):
            if not good:
                raise StoreError(f"{file}: row {i}, column {column}: {row[column]:g} cannot be; {remedy}")
    return frame


def _number_of(file: Path | str, row: int, column: str, text: str) -> float:
    """A number of a table; rows count from 1 below the head."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise StoreError(f"{file}: row {row}, column {column}: {text!r} is not a finite number; give one")
    return found


def rates_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """A row per method, direction, route and temperature: rate (1/s), interval of confidence 0.95, lifetime (s).

    The lifetime is 1/k, the mean time before a molecule in the state reacts; what comes back does not count. A sampled
    rate is classical: `quantum_rate` is it times `quantum_factor`, that of the harmonic rates.
    """
    rows = []
    for content, label in zip(contents, labels, strict=True):
        for route in content["routes"]:
            k = route["rate"]
            low, high = kinetics.interval(route) or (math.nan, math.nan)
            rows.append(
                {
                    "label": label,
                    "from": route["from"],
                    "to": route["to"],
                    "route": route["route"],
                    "how": route.get("how", ""),
                    "temperature": route["temperature"],
                    "inverse": 1000.0 / route["temperature"],
                    "rate": k if k else math.nan,
                    "log_rate": math.log10(k) if k else math.nan,
                    "low": math.log10(low),
                    "high": math.log10(high),
                    "lifetime": 1.0 / k if k else math.nan,
                    "quantum_factor": route.get("quantum_factor", math.nan),
                    "quantum_vibrations": route.get("quantum_vibrations", math.nan),
                    "tunnelling": route.get("tunnelling", math.nan),
                    "quantum_rate": k * route.get("quantum_factor", math.nan) if k else math.nan,
                }
            )
    return pd.DataFrame(rows)


def experiment_frame(literature: pd.DataFrame, start: str) -> pd.DataFrame:
    """Points of the experimental Arrhenius line from a basin, over its range of temperatures."""
    mine = literature[literature["from"] == start]
    energy, prefactor = (mine[mine["quantity"] == q] for q in ("activation energy", "prefactor"))
    if energy.empty or prefactor.empty:
        return pd.DataFrame(columns=["inverse", "log_rate"])
    low, high = float(energy["lowest_K"].iloc[0]), float(energy["highest_K"].iloc[0])
    t = 1.0 / np.linspace(1.0 / high, 1.0 / low, 20)
    ln_k = math.log(float(prefactor["value"].iloc[0])) - float(energy["value"].iloc[0]) / (BOLTZMANN * t)
    return pd.DataFrame({"inverse": 1000.0 / t, "log_rate": ln_k / math.log(10.0), "label": "experiment"})


def arrhenius_plot(
    frame: pd.DataFrame, experiment: pd.DataFrame, order: Sequence[str], start: str, end: str
) -> alt.TopLevelMixin:
    """Logarithm of the rate over 1/T: harmonic lines, points along the coordinate, experiment dashed."""
    title = f"Rate from {start} to {end}"
    mine = frame[(frame["from"] == start) & frame["log_rate"].notna()]
    if mine.empty:
        return charts.nothing(title)
    x = alt.X("inverse:Q", title="1000 K / temperature", scale=alt.Scale(zero=False))
    # Layers share an axis, and its title is lost unless all of them give the same.
    words_of_y = "log10 of the rate in 1/s"
    y = alt.Y("log_rate:Q", title=words_of_y, scale=alt.Scale(zero=False))
    present = list(dict.fromkeys(mine["label"])) + (["experiment"] if len(experiment) else [])
    palette = [charts.PALETTE[list(order).index(label) % len(charts.PALETTE)] for label in dict.fromkeys(mine["label"])]
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=present, range=[*palette, charts.INK][: len(present)]),
        legend=alt.Legend(title=None),
    )
    sampled = mine["route"].map(is_sampled)
    smooth = mine[~sampled]
    layers = [
        alt.Chart(smooth).mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=25)).encode(x=x, y=y, color=colour)
    ]
    along = mine[sampled]
    quantised = "quantum_factor" in along and along["quantum_factor"].notna().any()
    if quantised:
        # Experiment and the harmonic lines have quantised vibrations.
        shift = np.log10(along["quantum_factor"].fillna(1.0))
        along = along.assign(**{name: along[name] + shift for name in ("log_rate", "low", "high")})
    if len(along):
        base = alt.Chart(along).encode(x=x, color=colour)
        filled = along["how"] != "reweighted" if "how" in along else np.ones(len(along), dtype=bool)
        for part, solid in ((along[filled], True), (along[~filled], False)):
            if len(part):
                points = alt.Chart(part).mark_point(shape="diamond", filled=solid, size=130, opacity=1)
                layers.append(points.encode(x=x, y=y, color=colour))
        layers.append(
            base.transform_filter("isValid(datum.low) && isValid(datum.high)")
            .mark_rule(strokeWidth=2)
            .encode(y=alt.Y("low:Q", title=words_of_y), y2="high:Q")
        )
    if len(experiment):
        layers.append(alt.Chart(experiment).mark_line(strokeWidth=3, strokeDash=[6, 3]).encode(x=x, y=y, color=colour))
    words = ["lines: harmonic; diamonds: by dynamics, along the coordinate or through interfaces"]
    if quantised:
        words.append("diamonds are times the harmonic quantum/classical factor")
    if len(along) and "how" in along and (along["how"] == "reweighted").any():
        words.append("hollow diamonds: along the coordinate, reweighted from the temperature of the dynamics")
    return charts.finish(alt.layer(*layers).properties(width=520, height=340), title, words)


def _palette(present: Sequence[str], order: Sequence[str]) -> list[str]:
    """Each method's colour, the same in all figures."""
    return [charts.PALETTE[list(order).index(label) % len(charts.PALETTE)] for label in present]


def profile_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """Free energy along each method's own coordinate, kcal/mol, with its interval."""
    rows = []
    for content, label in zip(contents, labels, strict=True):
        along = content["along_coordinate"]
        if not along:
            continue
        profile = along["profile"]["profile"]
        for r, energy, error in zip(profile["r"], profile["free_energy"], profile["error"], strict=True):
            if energy is not None:
                spread = 1.96 * (error or 0.0)
                rows.append(
                    {
                        "label": label,
                        "r": r,
                        "free_energy": energy / KCAL,
                        "low": (energy - spread) / KCAL,
                        "high": (energy + spread) / KCAL,
                    }
                )
    return pd.DataFrame(rows, columns=["label", "r", "free_energy", "low", "high"])


def profile_plot(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Free energy along the coordinate, with the interval of confidence 0.95 as a band."""
    title = "Free energy along the reaction coordinate"
    if frame.empty:
        return charts.nothing(title)
    present = [label for label in order if label in set(frame["label"])]
    palette = _palette(present, order)
    colour = alt.Color("label:N", scale=alt.Scale(domain=present, range=palette), legend=alt.Legend(title=None))
    base = alt.Chart(frame).encode(x=alt.X("r:Q", title="reaction coordinate r"), color=colour)
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title="free energy (kcal/mol)"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y="free_energy:Q")
    return charts.finish(alt.layer(band, line).properties(width=520, height=300), title)


def relaxation_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """Population of each state after all has begun in the reactant, over times (s), at the temperature of the dynamics.

    Rates are those of the first of dynamics and the harmonic ones that has both directions.
    """
    rows = []
    for content, label in zip(contents, labels, strict=True):
        states = content["states"]
        for route in by_trust():
            rates = [
                (r["from"], r["to"], r["rate"])
                for r in content["routes"]
                if (r["route"], r["temperature"]) == (route, content["temperature_K"])
                and r["rate"]
                and not unsettled(r)
            ]
            if {start for start, _, _ in rates} == set(states):
                break
        else:
            continue
        matrix = kinetics.rate_matrix(states, rates)
        time = kinetics.relaxation_time(matrix)
        times = np.geomspace(0.01 * time, 10.0 * time, 80)
        for at, populations in zip(times, kinetics.populations(matrix, np.eye(len(states))[0], times), strict=True):
            for state, share in zip(states, populations, strict=True):
                rows.append({"label": label, "route": route, "time": at, "state": state, "population": share})
    return pd.DataFrame(rows, columns=["label", "route", "time", "state", "population"])


def relaxation_plot(frame: pd.DataFrame, order: Sequence[str], start: str, temperature: float) -> alt.TopLevelMixin:
    """What is left of the reactant, over the logarithm of time."""
    title = f"Population of {start} after all began there, at {temperature:g} K"
    mine = frame[frame["state"] == start]
    if mine.empty:
        return charts.nothing(title)
    present = [label for label in order if label in set(mine["label"])]
    colour = alt.Color(
        "label:N", scale=alt.Scale(domain=present, range=_palette(present, order)), legend=alt.Legend(title=None)
    )
    # A second and a year to read the axis by.
    low, high = mine["time"].min(), mine["time"].max()
    marks = pd.DataFrame([{"time": s, "words": w} for s, w in _LANDMARKS if low < s < high])
    lines = alt.Chart(mine).mark_line(strokeWidth=2)
    x = alt.X("time:Q", title="time (s)", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=8))
    y = alt.Y("population:Q", title=f"share of {start}", scale=alt.Scale(domain=[0, 1]))
    layers = [lines.encode(x=x, y=y, color=colour)]
    if len(marks):
        at = alt.Chart(marks).encode(x=x)
        layers.append(at.mark_rule(strokeDash=[3, 3], color=charts.GREY))
        layers.append(
            at.mark_text(align="left", dx=4, color=charts.GREY, fontSize=11).encode(y=alt.value(8), text="words:N")
        )
    routes = ", ".join(
        f"{label}: {route}"
        for label, route in mine.drop_duplicates("label")[["label", "route"]].itertuples(index=False)
    )
    return charts.finish(alt.layer(*layers).properties(width=520, height=280), title, [f"rates by route: {routes}"])


_LANDMARKS = ((1e-9, "1 ns"), (1e-3, "1 ms"), (1.0, "1 s"), (3600.0, "1 h"), (86400.0, "1 day"), (31557600.0, "1 year"))


def transmission_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """Decay of each method's transmission coefficient to its plateau: time in fs, interval of confidence 0.95."""
    columns = ["label", "time", "kappa", "low", "high", "plateau", "plateau_low", "plateau_high", "plateau_from"]
    rows = []
    for content, label in zip(contents, labels, strict=True):
        along = content["along_coordinate"]
        if not along:
            continue
        found = along["transmission"]
        half = 1.96 * found["error"] if found["error"] is not None else math.nan
        plateau = (found["kappa"], found["kappa"] - half, found["kappa"] + half, found["plateau_from"])
        for time, kappa, error in zip(found["time"], found["kappa_of_time"], found["kappa_of_time_error"], strict=True):
            spread = 1.96 * error if error is not None else math.nan
            rows.append((label, time, kappa, kappa - spread, kappa + spread, *plateau))
    return pd.DataFrame(rows, columns=columns)


def transmission_plot(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """kappa(t) with the interval of confidence 0.95 as a band, and the plateau dashed."""
    title = "Transmission coefficient"
    if frame.empty:
        return charts.nothing(title)
    # The last halves come home long after all has been decided; what is shown ends at twice the latest plateau's start.
    settled = frame["plateau_from"].astype(float)
    if settled.notna().all():
        step = frame["time"][frame["time"] > 0.0].min()
        frame = frame[frame["time"] <= max(2.0 * settled.max(), 20.0 * step)]
    present = [label for label in order if label in set(frame["label"])]
    colour = alt.Color(
        "label:N", scale=alt.Scale(domain=present, range=_palette(present, order)), legend=alt.Legend(title=None)
    )
    words_of_y = "transmission coefficient"
    base = alt.Chart(frame).encode(x=alt.X("time:Q", title="time after the shot (fs)"), color=colour)
    # To the csv alone go the rows without an error: a band cannot have them.
    band = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_area(opacity=0.25)
        .encode(y=alt.Y("low:Q", title=words_of_y), y2="high:Q")
    )
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("kappa:Q", title=words_of_y))
    ends = frame.drop_duplicates("label")
    plateau = (
        alt.Chart(ends)
        .mark_rule(strokeWidth=1.5, strokeDash=[5, 4])
        .encode(y=alt.Y("plateau:Q", title=words_of_y), color=colour)
    )
    return charts.finish(alt.layer(band, line, plateau).properties(width=520, height=300), title)


def time_words(seconds: float) -> str:
    """A time in the unit that a reader thinks in."""
    if not math.isfinite(seconds):
        return "for ever"
    for size, name in (
        (31557600.0, "years"),
        (86400.0, "days"),
        (3600.0, "h"),
        (60.0, "min"),
        (1.0, "s"),
        (1e-3, "ms"),
        (1e-6, "µs"),
        (1e-9, "ns"),
    ):
        if seconds >= size:
            number = seconds / size
            return f"{digits.plain(number)} {name}"
    return f"{digits.plain(seconds / 1e-12)} ps"


def channels_in_words(content: Mapping[str, Any]) -> list[str]:
    """A sentence for each saddle, its height and share of the harmonic rate; and one for guesses without one."""
    start, temperature = content["states"][0], content["temperature_K"]
    total = next(r for r in content["rates"] if (r["from"], r["temperature"]) == (start, temperature))
    words = []
    for channel, share in zip(content["channels"], total["shares"], strict=True):
        above = ", ".join(
            f"{energy / KCAL:.1f} kcal/mol above {name}" for name, energy in channel["energy_above"].items()
        )
        words.append(
            f"over {channel['saddle']}: {above}, {channel['imaginary']:.0f}i cm⁻¹, {share:.3g} of the harmonic rate at "
            f"{temperature:g} K (from guess {', '.join(channel['guesses'])})"
        )
    if content["without_saddle"]:
        reasons = (f"{name} ({why.removeprefix(f'{name}: ')})" for name, why in content["without_saddle"].items())
        words.append("guesses that led to none: " + "; ".join(reasons))
    return words


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _of_drift(drift: Sequence[float] | None) -> str:
    """Whether the windows are in equilibrium, by their halves."""
    if drift is None:
        return "the windows are too short to tell whether they are in equilibrium: give more length_fs"
    change, error = drift
    words = f"rate from the second halves of the windows over that from the first: {math.exp(change):.2g}, "
    words += f"{abs(change) / error:.1f} errors from 1"
    if not free_energy.equilibrated((change, error)):
        words += (
            "; the windows are not in equilibrium and the interval does not know: give equilibration_fs and length_fs, "
            "and they go on from where they are"
        )
    return words


def _of_failures(profile: Mapping[str, Any]) -> str:
    """Parts of windows that failed and were done again, and windows that ended early."""
    words = []
    if failures := profile.get("failures"):
        words.append(f"{len(failures)} parts of windows failed and were done again; the last: {failures[-1]}")
    if early := profile.get("ended_early"):
        at = ", ".join(f"{window['centre']:.2f}" for window in early)
        words.append(f"windows at r = {at} ended early: {early[-1]['reason']}")
    return "; ".join(words)


def _of_other_temperatures(said: Mapping[str, Any]) -> list[str]:
    """Rows of the table on rates that were reweighted: how, their Arrhenius laws, and what was left out."""
    words = []
    for law in said.get("laws", ()):
        low, high = law["energy_interval"]
        words.append(
            f"{law['from']} → {law['to']} along r, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K "
            f"({said['how']}): activation energy {law['energy']:.1f} kJ/mol ({low:.1f} to {high:.1f}), prefactor "
            f"{math.exp(law['ln_prefactor']):.2g} /s"
            + (f"; {law['quantum_energy']:.1f} with the quantum factors" if law.get("quantum_energy") else "")
        )
    if said.get("left_out"):
        words.append(said["left_out"])
    return [f"<tr><th></th><td colspan='4'>{html.escape(line)}</td></tr>\n" for line in words]


def _of_direction(row: Mapping[str, Any], words: str) -> str:
    """A row of the table that says something of one direction."""
    direction = html.escape(f"{row['from']} → {row['to']}")
    return f"<tr><th>{direction}</th><td colspan='4'>{html.escape(words)}</td></tr>\n"


def table(contents: Sequence[Mapping[str, Any]], labels: Sequence[str], literature: pd.DataFrame | None) -> str:
    """HTML page: for each method and direction the rates, lifetimes, temperature laws, and whether routes agree."""
    heads = ("", "route", "temperature (K)", "rate (1/s)", "lifetime 1/k")
    body = []
    frame = rates_frame(contents, labels)
    for content, label in zip(contents, labels, strict=True):
        source = html.escape(content["source"])
        body.append(f'<tr class="group"><th colspan="5">{html.escape(label)} <small>({source})</small></th></tr>\n')
        for row in frame[frame["label"] == label].to_dict("records"):
            if not math.isfinite(row["rate"]):
                continue
            low, high = (10 ** row[end] if math.isfinite(row[end]) else math.nan for end in ("low", "high"))
            # The same digits as in the table of methods.
            rate, _, interval = digits.significant(row["rate"], low, high).partition(" (")
            if interval:
                rate += f" <small>({interval}</small>"
            elif is_sampled(row["route"]):
                rate += " <small>(no interval)</small>"
            body.append(
                f"<tr><th>{html.escape(row['from'])} → {html.escape(row['to'])}</th>"
                f"<td>{title_of(row['route'])}{', reweighted' if row['how'] == 'reweighted' else ''}</td>"
                f"<td>{row['temperature']:g}</td><td>{rate}</td><td>{time_words(row['lifetime'])}</td></tr>\n"
            )
            if math.isfinite(factor := row["quantum_factor"]):
                quantised = digits.significant(row["quantum_rate"], low * factor, high * factor)
                words = (
                    f"the same times the harmonic quantum/classical factor of {factor:.3g} (vibrations "
                    f"{row['quantum_vibrations']:.3g}, tunnelling {row['tunnelling']:.3g})"
                )
                body.append(
                    f"<tr><th></th><td>{words}</td><td>{row['temperature']:g}</td><td>{quantised}</td>"
                    f"<td>{time_words(1.0 / row['quantum_rate'])}</td></tr>\n"
                )
        # Rates of earlier versions have none.
        for words in (*channels_in_words(content), *content.get("cautions", ())):
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
        for law in content["laws"]:
            if law["law"] == "arrhenius":
                words = (
                    f"Arrhenius, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K: activation energy "
                    f"{law['energy']:.1f} kJ/mol ({law['energy'] / KCAL:.1f} kcal/mol), prefactor "
                    f"{math.exp(law['ln_prefactor']):.2g} /s"
                )
            else:
                words = (
                    f"Eyring: enthalpy of activation {law['energy']:.1f} kJ/mol, entropy "
                    f"{round(law['entropy'])} J/mol/K"
                )
            body.append(_of_direction(law, words))
        for entry in content["kinetics"]:
            if entry["temperature"] == content["temperature_K"]:
                shares = ", ".join(f"{name} {share:.3g}" for name, share in entry["equilibrium"].items())
                words = (
                    f"at {entry['temperature']:g} K populations relax with time constant "
                    f"{time_words(entry['relaxation_time'])}, to {shares} (harmonic)"
                )
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
        if along := content["along_coordinate"]:
            found, kappa = along["profile"]["rate"], along["transmission"]
            words = (
                f"free energy of {found['barrier_forward'] / KCAL:.1f} kcal/mol at r = {found['top']:.2f}, from "
                f"{found['n_frames']} frames (smallest overlap {found['worst_overlap']:.2f}); transmission coefficient "
                f"{kappa['kappa']:.2f} ± {_number(kappa['error'])} (positive flux {kappa['positive']:.2f} ± "
                f"{_number(kappa['positive_error'])}), {kappa['n_pairs']} pairs, {kappa['n_lost']} lost"
            )
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if (lost := lost_pairs(content)) is not None and lost.matters:
                words = (
                    f"{lost.count('pairs of halves')} left out, as a half failed or reached no basin: the rate may be "
                    f"off by as much; give a larger {KEY}"
                )
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if kappa["kappa"] < POOR and not along["no_rate"]:
                words = (
                    f"transmission coefficient below {POOR:g}: by friction, or because r is a poor coordinate; then "
                    "what is slow across r hides from the blocks and halves of short windows, and the interval is too "
                    "narrow: give longer windows, or hold the rate through interfaces beside it"
                )
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            if apart := along["profile"].get("gaps_left"):
                at = ", ".join(f"{centre:.2f}" for centre in apart)
                words = f"windows overlap by less than 0.03 about r = {at}: the error there is not to be trusted"
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if "drift" in along["profile"]:
                words = _of_drift(along["profile"]["drift"])
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            if words := _of_failures(along["profile"]):
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            body += _of_other_temperatures(along.get("reweighted") or {})
            if along["no_rate"]:
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(along['no_rate'])}</td></tr>\n")
        through = content.get("interfaces") or {}
        if through.get("no_rate"):
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(through['no_rate'])}</td></tr>\n")
        elif through:
            found = through["rate"]
            words = (
                f"flux of {found['flux']:.3g} /s through the first of {len(found['crossings'])} interfaces "
                f"({found['n_excursions']} excursions, {found['n_unfinished']} without end), crossing probability "
                f"{found['probability']:.3g}; shots: "
                + ", ".join(f"{count} {name}" for name, count in found["outcomes"].items() if count)
            )
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if (lost := lost_paths(content)) is not None and lost.matters:
                words = (
                    f"{lost.count('shots')} reached neither state within rates.interfaces.longest_fs: the rate may be "
                    "off by as much; give a larger longest_fs"
                )
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if found["slowest"] > 0.5:
                words = "paths change too slowly for the error to be trusted: give more cycles"
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            if found["n_arrivals"] < MIN_ARRIVALS:
                words = (
                    f"paths have come from the first interface to the last {found['n_arrivals']} times only: what "
                    "changes slowly may not be in equilibrium, and the rate far off; give more cycles"
                )
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            # Where the blocks give no error, nothing says that the two halves are one.
            drift, error = found["drift"], found["ln_probability_error"]
            if drift is None or error is None or abs(drift) > 4.0 * error:
                words = "the probability drifts from the first half of the cycles to the second: give more burn-in"
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
        for words in content["agreement"]:
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
    if literature is not None and len(literature):
        body.append('<tr class="group"><th colspan="5">Experiment</th></tr>\n')
        for row in literature.to_dict("records"):
            words = (
                f"{row['quantity']} {row['value']:g} ± {row['error']:g} {row['unit']}, {row['conditions']}, "
                f"{row['lowest_K']:g} to {row['highest_K']:g} K: {row['source']}"
            )
            body.append(_of_direction(row, words))
    first = contents[0]["rules"]
    words = (
        f"Harmonic rates: {first['statistics']} vibrations ({harmonic.STATISTICS[first['statistics']]}); low modes: "
        f"{harmonic.LOW_MODES[first['low_modes']]}, cutoff {first['cutoff']:g} cm⁻¹; tunnelling: "
        f"{harmonic.TUNNELLING[first['tunnelling']]}. They have no statistical error; that of the method is larger. "
        "In brackets: interval of confidence 0.95. Dynamics is classical, vibrations in nature are quantised: "
        "what is to be held against experiment is a sampled rate times the ratio of the harmonic rate to the classical "
        "one of the same stationary points."
    )
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    return html_tables.page("Rates", head, "".join(body), words)


def write(
    files: Sequence[Path | str],
    labels: Sequence[str],
    outputs: Mapping[str, Path | str],
    *,
    literature: Path | str = "",
) -> None:
    """Write table, figures and the data behind them.

    Parameters
    ----------
    files
        ``rates.json`` of every method.
    labels
        Of the methods, in the same order.
    outputs
        ``table``, ``figure``, ``data``, ``relaxation``, ``relaxation_data``, and where there is a coordinate
        ``profile``, ``profile_data``, ``transmission`` and ``transmission_data``.
    literature
        CSV of literature values; empty: none.
    """
    contents = [read_json(f) for f in files]
    known = read_literature(literature) if literature else None
    start, end = contents[0]["states"]
    frame = rates_frame(contents, labels)
    experiment = experiment_frame(known, start) if known is not None else pd.DataFrame()
    temperature, relaxation = float(contents[0]["temperature_K"]), relaxation_frame(contents, labels)
    drawn = {
        "figure": arrhenius_plot(frame, experiment, labels, start, end),
        "relaxation": relaxation_plot(relaxation, labels, start, temperature),
    }
    text = {
        "table": table(contents, labels, known),
        "data": cells(frame).to_csv(index=False),
        "relaxation_data": relaxation.to_csv(index=False),
    }
    if "profile" in outputs:
        profiles = profile_frame(contents, labels)
        drawn["profile"] = profile_plot(profiles, labels)
        text["profile_data"] = profiles.to_csv(index=False)
        decay = transmission_frame(contents, labels)
        drawn["transmission"] = transmission_plot(decay, labels)
        text["transmission_data"] = decay.to_csv(index=False)
    for name, chart in drawn.items():
        charts.save(chart, outputs[name])
        log.info("%s", outputs[name])
    for name, content in text.items():
        with replacing(outputs[name]) as temporary:
            temporary.write_text(content)
        log.info("%s", outputs[name])
