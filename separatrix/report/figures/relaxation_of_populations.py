"""Population of the reactant over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from separatrix.rates import kinetics
from separatrix.rates.route import by_trust
from separatrix.report.charts import GREY, alt, colour_of_present, finish, nothing
from separatrix.report.figure_registry import RatesFigure
from separatrix.report.quantities.rate_quantities import not_equilibrated
from separatrix.report.reported_rates import ReportedRates

COLUMNS = {
    **dict.fromkeys(("label", "route"), str),
    "temperature": float,
    "time": float,
    "state": str,
    "population": float,
}

_LANDMARKS = ((1e-9, "1 ns"), (1e-3, "1 ms"), (1.0, "1 s"), (3600.0, "1 h"), (86400.0, "1 day"), (31557600.0, "1 year"))


def rows(rates: ReportedRates) -> pd.DataFrame:
    """Population of each state after all has begun in the reactant, over times (s), at the temperature of the dynamics.

    Rates are those of the most trusted route that has both directions. The reactant is the first state.
    """
    rows = []
    for content, label in zip(rates.contents, rates.labels, strict=True):
        states, temperature = content["states"], content["temperature_K"]
        for route in by_trust():
            both = [
                (r["from"], r["to"], r["rate"])
                for r in content["routes"]
                if (r["route"], r["temperature"]) == (route, temperature) and r["rate"] and not not_equilibrated(r)
            ]
            if {start for start, _, _ in both} == set(states):
                break
        else:
            continue
        matrix = kinetics.rate_matrix(states, both)
        slowest = kinetics.relaxation_time(matrix)
        times = np.geomspace(0.01 * slowest, 10.0 * slowest, 80)
        for time, populations in zip(times, kinetics.populations(matrix, np.eye(len(states))[0], times), strict=True):
            for state, share in zip(states, populations, strict=True):
                rows.append((label, route, temperature, time, state, share))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """What is left of the reactant, over the logarithm of time."""
    if frame.empty:
        return nothing("Population of the reactant after all began there")
    start = frame["state"].iloc[0]
    title = f"Population of {start} after all began there, at {frame['temperature'].iloc[0]:g} K"
    reactant = frame[frame["state"] == start]
    colour = colour_of_present(frame, order)
    # A second and a year to read the axis by.
    low, high = reactant["time"].min(), reactant["time"].max()
    marks = pd.DataFrame([{"time": s, "words": w} for s, w in _LANDMARKS if low < s < high])
    lines = alt.Chart(reactant.drop(columns="temperature")).mark_line(strokeWidth=2)
    x = alt.X("time:Q", title="time (s)", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=8))
    y = alt.Y("population:Q", title=f"share of {start}", scale=alt.Scale(domain=[0, 1]))
    layers = [lines.encode(x=x, y=y, color=colour)]
    if len(marks):
        at = alt.Chart(marks).encode(x=x)
        layers.append(at.mark_rule(strokeDash=[3, 3], color=GREY))
        layers.append(at.mark_text(align="left", dx=4, color=GREY, fontSize=11).encode(y=alt.value(8), text="words:N"))
    routes = ", ".join(
        f"{label}: {route}"
        for label, route in reactant.drop_duplicates("label")[["label", "route"]].itertuples(index=False)
    )
    return finish(alt.layer(*layers).properties(width=520, height=280), title, [f"rates by route: {routes}"])


FIGURE = RatesFigure(
    name="relaxation",
    title="Relaxation of the populations",
    category="Rates",
    section="rate",
    place=340,
    caption=(
        "Population of the reactant after everything has begun there, over time, by the master equation over all "
        "channels at the temperature of the dynamics. The rates are those of the most trusted route that has both "
        "directions; the line under the title names it. They have no band here: the intervals are in the Arrhenius "
        "plot."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
