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

from .. import figures, store
from ..errors import StoreError
from ..units import BOLTZMANN, KCAL
from . import harmonic

log = logging.getLogger(__name__)

_COLUMNS = ["quantity", "from", "to", "value", "error", "unit", "lowest_K", "highest_K", "conditions", "source"]


#: Arrivals of paths from the reactant at the last interface without which the rate through interfaces is not trusted.
MIN_ARRIVALS = 10


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
        When the file cannot be read, a column is missing, or a unit is not the one above.
    """
    try:
        frame = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: not readable as CSV ({error})") from error
    missing = [c for c in _COLUMNS if c not in frame]
    if missing:
        raise StoreError(f"{file}: column {missing[0]!r} is missing; there must be {', '.join(_COLUMNS)}")
    units = {"activation energy": "kJ/mol", "prefactor": "1/s"}
    for row in frame.to_dict("records"):
        if units.get(row["quantity"]) != row["unit"]:
            raise StoreError(
                f"{file}: {row['quantity']!r} in {row['unit']!r}; give activation energy in kJ/mol or prefactor in 1/s"
            )
    return frame


def rates_frame(contents: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> pd.DataFrame:
    """A row per method, direction, route and temperature: rate (1/s), interval of confidence 0.95, half-life (s)."""
    rows = []
    for content, label in zip(contents, labels, strict=True):
        for route in content["routes"]:
            k, error = route["rate"], route["ln_error"]
            known = error is not None and math.isfinite(error) and k
            rows.append(
                {
                    "label": label,
                    "from": route["from"],
                    "to": route["to"],
                    "route": route["route"],
                    "temperature": route["temperature"],
                    "inverse": 1000.0 / route["temperature"],
                    "rate": k if k else math.nan,
                    "log_rate": math.log10(k) if k else math.nan,
                    "low": math.log10(k) - 1.96 * error / math.log(10.0) if known else math.nan,
                    "high": math.log10(k) + 1.96 * error / math.log(10.0) if known else math.nan,
                    "half_life": math.log(2.0) / k if k else math.nan,
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
        return figures.nothing(title)
    x = alt.X("inverse:Q", title="1000 K / temperature", scale=alt.Scale(zero=False))
    # Layers share an axis, and its title is lost unless all of them give the same.
    words_of_y = "log10 of the rate in 1/s"
    y = alt.Y("log_rate:Q", title=words_of_y, scale=alt.Scale(zero=False))
    present = list(dict.fromkeys(mine["label"])) + (["experiment"] if len(experiment) else [])
    palette = [
        figures.PALETTE[list(order).index(label) % len(figures.PALETTE)] for label in dict.fromkeys(mine["label"])
    ]
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=present, range=[*palette, figures.INK][: len(present)]),
        legend=alt.Legend(title=None),
    )
    smooth = mine[mine["route"] == "harmonic"]
    layers = [
        alt.Chart(smooth).mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=25)).encode(x=x, y=y, color=colour)
    ]
    along = mine[mine["route"] != "harmonic"]
    if len(along):
        base = alt.Chart(along).encode(x=x, color=colour)
        layers.append(base.mark_point(shape="diamond", filled=True, size=130, opacity=1).encode(y=y))
        layers.append(
            base.transform_filter("isValid(datum.low) && isValid(datum.high)")
            .mark_rule(strokeWidth=2)
            .encode(y=alt.Y("low:Q", title=words_of_y), y2="high:Q")
        )
    if len(experiment):
        layers.append(alt.Chart(experiment).mark_line(strokeWidth=3, strokeDash=[6, 3]).encode(x=x, y=y, color=colour))
    words = ["lines: harmonic; diamonds: by dynamics, along the coordinate or through interfaces"]
    return figures.finish(alt.layer(*layers).properties(width=520, height=340), title, words)


def _palette(present: Sequence[str], order: Sequence[str]) -> list[str]:
    """Each method's colour, the same in all figures."""
    return [figures.PALETTE[list(order).index(label) % len(figures.PALETTE)] for label in present]


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
        return figures.nothing(title)
    present = [label for label in order if label in set(frame["label"])]
    palette = _palette(present, order)
    colour = alt.Color("label:N", scale=alt.Scale(domain=present, range=palette), legend=alt.Legend(title=None))
    base = alt.Chart(frame).encode(x=alt.X("r:Q", title="reaction coordinate r"), color=colour)
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title="free energy (kcal/mol)"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y="free_energy:Q")
    return figures.finish(alt.layer(band, line).properties(width=520, height=300), title)


_ROUTES = {
    "harmonic": "harmonic transition-state theory",
    "free energy": "free energy along r, with recrossing",
    "interfaces": "flux times crossing probability through interfaces",
}


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
            return f"{number:.3g} {name}" if number < 1e5 else f"{number:.1e} {name}"
    return f"{seconds / 1e-12:.3g} ps"


def table(contents: Sequence[Mapping[str, Any]], labels: Sequence[str], literature: pd.DataFrame | None) -> str:
    """HTML page: for each method and direction the rates, half-lives, temperature laws, and whether routes agree."""
    heads = ("", "route", "temperature (K)", "rate (1/s)", "half-life")
    body = []
    frame = rates_frame(contents, labels)
    for content, label in zip(contents, labels, strict=True):
        source = html.escape(content["source"])
        body.append(f'<tr class="group"><th colspan="5">{html.escape(label)} <small>({source})</small></th></tr>\n')
        for row in frame[frame["label"] == label].to_dict("records"):
            if not math.isfinite(row["rate"]):
                continue
            rate = f"{row['rate']:.3g}"
            if math.isfinite(row["low"]):
                rate += f" <small>({10 ** row['low']:.2g} to {10 ** row['high']:.2g})</small>"
            elif row["route"] != "harmonic":
                rate += " <small>(no interval)</small>"
            body.append(
                f"<tr><th>{html.escape(row['from'])} → {html.escape(row['to'])}</th><td>{_ROUTES[row['route']]}</td>"
                f"<td>{row['temperature']:g}</td><td>{rate}</td><td>{time_words(row['half_life'])}</td></tr>\n"
            )
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
            body.append(f"<tr><th>{law['from']} → {law['to']}</th><td colspan='4'>{html.escape(words)}</td></tr>\n")
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
                f"{kappa['kappa']:.2f} ± {kappa['error']:.2f} (positive flux {kappa['positive']:.2f} ± "
                f"{kappa['positive_error']:.2f}), {kappa['n_pairs']} pairs, {kappa['n_lost']} lost"
            )
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if along["no_rate"]:
                body.append(f"<tr><th></th><td colspan='4'>{html.escape(along['no_rate'])}</td></tr>\n")
        if through := content.get("interfaces"):
            found = through["rate"]
            words = (
                f"flux of {found['flux']:.3g} /s through the first of {len(found['crossings'])} interfaces "
                f"({found['n_excursions']} excursions, {found['n_unfinished']} without end), crossing probability "
                f"{found['probability']:.3g}; shots: "
                + ", ".join(f"{count} {name}" for name, count in found["outcomes"].items() if count)
            )
            body.append(f"<tr><th></th><td colspan='4'>{html.escape(words)}</td></tr>\n")
            if found["slowest"] > 0.5:
                words = "paths change too slowly for the error to be trusted: give more cycles"
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            if found["n_arrivals"] < MIN_ARRIVALS:
                words = (
                    f"paths have come from the first interface to the last {found['n_arrivals']} times only: what "
                    "changes slowly may not be in equilibrium, and the rate far off; give more cycles and stretches"
                )
                body.append(f"<tr><th></th><td colspan='4'>{words}</td></tr>\n")
            if found["drift"] is None or abs(found["drift"]) > 4.0 * found["ln_probability_error"]:
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
            body.append(f"<tr><th>{row['from']} → {row['to']}</th><td colspan='4'>{html.escape(words)}</td></tr>\n")
    first = contents[0]["rules"]
    words = (
        f"Harmonic rates: {first['statistics']} vibrations ({harmonic.STATISTICS[first['statistics']]}); low modes: "
        f"{harmonic.LOW_MODES[first['low_modes']]}, cutoff {first['cutoff']:g} cm⁻¹; tunnelling: "
        f"{harmonic.TUNNELLING[first['tunnelling']]}. They have no statistical error; that of the method is larger. "
        "In brackets: interval of confidence 0.95."
    )
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    return figures.page("Rates", head, "".join(body), words)


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
        ``table``, ``figure``, ``data``, and where there is one ``profile`` and ``profile_data``.
    literature
        CSV of literature values; empty: none.
    """
    contents = [store.read_json(f) for f in files]
    known = read_literature(literature) if literature else None
    start, end = contents[0]["states"]
    frame = rates_frame(contents, labels)
    experiment = experiment_frame(known, start) if known is not None else pd.DataFrame()
    text = {
        "table": table(contents, labels, known),
        "figure": figures.svg(arrhenius_plot(frame, experiment, labels, start, end)),
        "data": frame.to_csv(index=False),
    }
    if "profile" in outputs:
        profiles = profile_frame(contents, labels)
        text |= {"profile": figures.svg(profile_plot(profiles, labels)), "profile_data": profiles.to_csv(index=False)}
    for name, path in outputs.items():
        with store.replacing(path) as temporary:
            temporary.write_text(text[name])
        log.info("%s", path)
