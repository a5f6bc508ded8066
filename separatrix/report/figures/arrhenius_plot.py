"""Rates over temperature, beside experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from separatrix.rates.route import is_sampled
from separatrix.report.charts import INK, PALETTE, alt, finish, nothing
from separatrix.report.figure_registry import RatesFigure
from separatrix.report.rates_frame import rates_frame
from separatrix.report.reported_rates import EXPERIMENT, ReportedRates, experiment_frame


def rows(rates: ReportedRates) -> pd.DataFrame:
    """Rates of all methods and, where the system names literature values, points of the measured line.

    The column `forward` says which are from the reactant to the product.
    """
    frame = rates_frame(rates.contents, rates.labels)
    if rates.literature is not None:
        measured = experiment_frame(rates.literature, rates.reactant)
        frame = pd.concat([frame, measured], ignore_index=True) if len(measured) else frame
    return frame.assign(forward=frame["from"] == rates.reactant)


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Logarithm of the rate over 1/T: harmonic lines, points along the coordinate, experiment dashed."""
    forward = frame[frame["forward"].astype(str) == "True"] if "forward" in frame else frame
    title = "Rate" if forward.empty else f"Rate from {forward['from'].iloc[0]} to {forward['to'].iloc[0]}"
    if forward.empty:
        return nothing(title)
    forward = forward.drop(columns="forward")
    measured = forward["route"] == EXPERIMENT
    computed = forward[~measured & forward["log_rate"].notna()]
    experiment = forward.loc[measured, ["inverse", "log_rate", "label"]]
    if computed.empty:
        return nothing(title)
    x = alt.X("inverse:Q", title="1000 K / temperature", scale=alt.Scale(zero=False))
    # Layers share an axis, and its title is lost unless all of them give the same.
    words_of_y = "log10 of the rate in 1/s"
    y = alt.Y("log_rate:Q", title=words_of_y, scale=alt.Scale(zero=False))
    labels = list(dict.fromkeys(computed["label"]))
    present = labels + ([EXPERIMENT] if len(experiment) else [])
    palette = [PALETTE[list(order).index(label) % len(PALETTE)] for label in labels]
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=present, range=[*palette, INK][: len(present)]),
        legend=alt.Legend(title=None),
    )
    sampled = computed["route"].map(is_sampled)
    smooth = computed[~sampled]
    lines = alt.Chart(smooth).mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=25))
    layers = [lines.encode(x=x, y=y, color=colour)]
    along = computed[sampled]
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
    subtitle = ["lines: harmonic; diamonds: sampled, along the coordinate or through interfaces"]
    if quantised:
        subtitle.append("diamonds: times the harmonic quantum/classical factor")
    if len(along) and "how" in along and (along["how"] == "reweighted").any():
        subtitle.append("hollow diamonds: along the coordinate, reweighted from the temperature of the dynamics")
    return finish(alt.layer(*layers).properties(width=520, height=340), title, subtitle)


FIGURE = RatesFigure(
    name="arrhenius",
    file="rates",
    title="Arrhenius plot",
    category="Rates",
    section="rate",
    place=310,
    caption=(
        "Logarithm of the rate constant against the inverse temperature. Lines: harmonic transition-state theory, "
        "which has no statistical error. Diamonds: free energy along the reaction coordinate with the transmission "
        "coefficient, or transition interface sampling, with intervals of confidence 0.95. Hollow diamonds: free "
        "energies reweighted by MBAR from the temperature of the dynamics, with the transmission coefficient of that "
        "temperature. Dashed: experiment."
    ),
    columns={
        **dict.fromkeys(("label", "from", "to", "route", "how"), str),
        **dict.fromkeys(("temperature", "inverse", "rate", "log_rate", "low", "high", "lifetime"), float),
        **dict.fromkeys(("quantum_factor", "quantum_vibrations", "tunnelling", "quantum_rate"), float),
        "forward": bool,
    },
    rows=rows,
    chart=chart,
)
