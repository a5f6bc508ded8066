"""Rates of all methods beside experiment: a table, an Arrhenius plot, and the free energy along the coordinate."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from separatrix.core.files import read_json, replacing
from separatrix.core.text import cells
from separatrix.core.units import BOLTZMANN, KCAL
from separatrix.rates import kinetics
from separatrix.rates.route import by_trust, is_sampled
from separatrix.report import charts, rates_table, table_content
from separatrix.report.literature import read_literature
from separatrix.report.quantities.rate_quantities import unsettled
from separatrix.report.rates_frame import rates_frame

log = logging.getLogger(__name__)


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
    measured = read_literature(literature) if literature else None
    start, end = contents[0]["states"]
    frame = rates_frame(contents, labels)
    experiment = experiment_frame(measured, start) if measured is not None else pd.DataFrame()
    temperature, relaxation = float(contents[0]["temperature_K"]), relaxation_frame(contents, labels)
    drawn = {
        "figure": arrhenius_plot(frame, experiment, labels, start, end),
        "relaxation": relaxation_plot(relaxation, labels, start, temperature),
    }
    text = {
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
    table_content.save(rates_table.content(contents, labels, measured), outputs["table"])
    log.info("%s", outputs["table"])
    for name, content in text.items():
        with replacing(outputs[name]) as temporary:
            temporary.write_text(content)
        log.info("%s", outputs[name])
