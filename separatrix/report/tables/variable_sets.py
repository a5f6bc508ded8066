"""The best sets of variables of each size."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.report.figure_registry import Compared, Table
from separatrix.report.figures.coefficients import coefficient_intervals
from separatrix.report.html_tables import INTERVALS, both_intervals, minus, page
from separatrix.report.quantities.quantity import rounded
from separatrix.results.run import MethodData


def rows(data: MethodData, compared: Compared) -> list[dict[str, Any]]:
    """The best sets of each size and those beside them: a row for each variable."""
    fit, rows = data.fit, []
    n = fit["coordinate"]["n_observations"]
    for number, judged in enumerate(fit.get("sets", [])):
        names = judged["variables"]
        head = {
            "set": number,
            "role": f"best of {len(names)}" if judged["role"] == "best" else "for comparison",
            "chosen": judged["chosen"],
            "observations": n,
            "constant_per_observation": fit["null_log_likelihood"] / n,
        }
        if "problem" in judged:
            units, extra = judged["units"], {"problem": judged["problem"]}
            rows += [head | extra | {"variable": v, "unit": u} for v, u in zip(names, units, strict=True)]
            continue
        held = judged["held_out"] or {"mean": None, "standard_error": None, "null_mean": None}
        head |= {
            "per_observation": judged["log_likelihood_per_observation"],
            "held_out": held["mean"],
            "held_out_error": held["standard_error"],
            "held_out_constant": held["null_mean"],
            "separable": judged["separable"],
            "problem": "",
        }
        both = coefficient_intervals(judged)
        for k, (name, unit) in enumerate(zip(names, judged["units"], strict=True), start=1):
            rows.append(head | {"variable": name, "unit": unit, "coefficient": judged["coefficients"][k], **both[k]})
    return rows


def html_page(frame: pd.DataFrame) -> str:
    """The best coordinate of each size, and those that the config puts beside them."""
    heads = (
        "set",
        "variables",
        "coefficient of r",
        "interval, clustered",
        "interval, resampled",
        "ln L per observation",
        "held-out ln L per observation",
    )
    body = []
    for _, method in frame.groupby("method", sort=False):
        first = method.iloc[0]
        constant = f"{first['observations']:.0f} observations; a constant: {first['constant_per_observation']:.4f}"
        held = method["held_out_constant"].dropna()
        if len(held):
            constant += f", held out {held.iloc[0]:.4f}"
        words = f"{html.escape(str(first['label']))} <small>({minus(constant)})</small>"
        body.append(f'<tr class="group"><th colspan="{len(heads)}">{words}</th></tr>\n')
        for _, rows in method.groupby("set", sort=False):
            body.append(_set_row(rows.to_dict("records")))
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    words = (
        "*: the number of variables that the criterion chooses. Held out: each chain in "
        f"turn is predicted from the others; the choice of variables is not repeated. {INTERVALS}"
    )
    return page("Best sets of variables", head, "".join(body), words)


def _set_row(rows: Sequence[Mapping[str, Any]]) -> str:
    """One set: a line for each variable within the cells."""
    first = rows[0]
    role = str(first["role"]) + (" *" if str(first["chosen"]) == "True" else "")

    def lines(texts: Sequence[str]) -> str:
        return "<br>".join(html.escape(text) for text in texts)

    names = lines([str(row["variable"]) for row in rows])
    if first["problem"]:
        note = f"not fitted: {first['problem']}"
        return f'<tr><th>{html.escape(role)}</th><td>{names}</td><td colspan="5">{html.escape(note)}</td></tr>\n'
    numbers = []
    for row in rows:
        unit = "" if row["unit"] == "1" else f" 1/{row['unit']}"
        numbers.append(minus(f"{row['coefficient']:.4g}") + unit)
    both = [both_intervals(row) for row in rows]
    total = minus(f"{first['per_observation']:.4f}")
    if str(first["separable"]) == "True":
        total += " (separable)"
    error = first["held_out_error"]
    held = "" if math.isnan(first["held_out"]) else minus(f"{first['held_out']:.4f}")
    if held and math.isfinite(error):
        held = minus(" ± ".join(rounded(first["held_out"], error)))
    cells = [names, lines(numbers), *(lines([pair[i] for pair in both]) for i in (0, 1)), total, held]
    return f"<tr><th>{html.escape(role)}</th>" + "".join(f"<td>{text}</td>" for text in cells) + "</tr>\n"


TABLE = Table(
    name="sets",
    title="Best sets of each size",
    category="Reaction coordinate",
    section="coordinate",
    place=100,
    data="sets",
    html=html_page,
    rows=rows,
    columns={
        **dict.fromkeys(
            (
                "set",
                "observations",
                "constant_per_observation",
                "per_observation",
                "held_out",
                "held_out_error",
                "held_out_constant",
                "coefficient",
                "lower",
                "upper",
                "resampled_lower",
                "resampled_upper",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "role",
                "separable",
                "problem",
                "variable",
                "unit",
                "blocks",
            ),
            str,
        ),
        **dict.fromkeys(("chosen",), bool),
    },
)
