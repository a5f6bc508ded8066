"""Rates over a setting that the config varies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from separatrix.rates import kinetics
from separatrix.report.charts import alt
from separatrix.report.figure_registry import ScanFigure
from separatrix.report.scans import COLUMNS, ScanResults, over_values

FRICTION = "dynamics.friction_per_ps"


def rows(results: ScanResults) -> pd.DataFrame:
    """Rates (kind ``rate``) by each route, log10 of 1/s; over a friction Kramers' line (kind ``theory``), too."""
    rows = []
    members = results.scan["members"]
    for member in members:
        content, common = results.rates[member["method"]], {"of": member["of"], "value": member["value"]}
        start = content["states"][0]
        for route in content["routes"]:
            if (route["from"], route["temperature"]) == (start, results.temperature) and route["rate"]:
                bounds = kinetics.interval(route) or (math.nan, math.nan)
                y, low, high = (math.log10(k) for k in (route["rate"], *bounds))
                rows.append({"kind": "rate", "series": route["route"], "y": y, "low": low, "high": high, **common})
    if results.scan["setting"] == FRICTION:
        frictions = [float(m["value"]) for m in members]
        for name, label in results.scan["parents"].items():
            rows += kramers_line(results.rates[name], label, frictions, results.temperature)
    return results.frame(rows)


def kramers_line(
    content: Mapping[str, Any], label: str, frictions: Sequence[float], temperature: float
) -> list[dict[str, Any]]:
    """What Kramers' transmission makes of the rate of transition-state theory, over the range of the frictions.

    The latter is that along the coordinate, before recrossing, where that route gives a rate, else the harmonic one;
    and the frequency of the barrier is the imaginary one of the saddle that most of the harmonic rate goes over.

    Parameters
    ----------
    content
        ``rates.json`` of the method that is varied.
    label
        Its label.
    frictions
        1/ps.
    temperature
        K.
    """
    from separatrix.rates import tunnelling

    positive = [f for f in frictions if f > 0.0]
    if not positive:
        return []
    start = content["states"][0]
    total = next(r for r in content["rates"] if (r["from"], r["temperature"]) == (start, temperature))
    main = content["channels"][int(np.argmax(total["shares"]))]
    along = content["along_coordinate"]
    # A top that is no dividing surface has no rate of transition-state theory either.
    usable = bool(along) and along["no_rate"] is None
    rate = along["profile"]["rate"]["forward"] if usable else total["rate"]
    name = "Kramers, from the free energy" if usable else "Kramers, from the harmonic rate"
    rows = []
    for friction in np.geomspace(min(positive), max(positive), 60):
        y = math.log10(rate * tunnelling.kramers(main["imaginary"], float(friction)))
        rows.append({"kind": "theory", "of": label, "series": name, "value": float(friction), "y": y})
    return rows


def chart(frame: pd.DataFrame, order: Sequence[str]) -> alt.TopLevelMixin:
    """Rates by each route over the values of the scan."""
    return over_values(frame, "Rate", "log10 of the rate in 1/s", alt.Scale(zero=False))


FIGURE = ScanFigure(
    name="scan_rates",
    file="rates",
    title="Rate over {scan}",
    category="Scans",
    section="scans",
    place=410,
    caption=(
        "Rate constant over a setting that the config varies, by every route, with intervals of confidence 0.95 where "
        "there are some. Dashed, over a friction: the rate of transition-state theory times Kramers' transmission "
        "coefficient for the saddle's frequency. Where a setting of the dynamics is varied, all values share one free "
        "energy and its error."
    ),
    columns=COLUMNS,
    rows=rows,
    chart=chart,
)
