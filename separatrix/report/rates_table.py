"""Table of the rates of all methods: by every route, with what they rest on, and experiment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from separatrix.core import digits
from separatrix.rates import harmonic
from separatrix.rates.route import RouteRemark, direction_of, in_order, is_sampled, title_of
from separatrix.report.rates_frame import rates_frame
from separatrix.report.table_content import TablePage, TableRow, group_row, one_table, remark_row, text_cell

_HEADS = ("", "route", "temperature (K)", "rate (1/s)", "lifetime 1/k")


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
        remarks = [remark for route in in_order() for remark in route.remarks(method)]
        remarks += [RouteRemark(pair["text"]) for pair in method["agreement"]]
        rows += [remark_row(remark.direction, remark.text, len(_HEADS)) for remark in remarks]
    if literature is not None and len(literature):
        rows.append(group_row("Experiment", len(_HEADS)))
        for row in literature.to_dict("records"):
            text = (
                f"{row['quantity']} {row['value']:g} ± {row['error']:g} {row['unit']}, {row['conditions']}, "
                f"{row['lowest_K']:g} to {row['highest_K']:g} K: {row['source']}"
            )
            rows.append(remark_row(direction_of(row), text, len(_HEADS)))
    rules = contents[0]["rules"]
    note = (
        f"Harmonic rates: {rules['statistics']} vibrations ({harmonic.STATISTICS[rules['statistics']]}); low modes: "
        f"{harmonic.LOW_MODES[rules['low_modes']]}, cutoff {rules['cutoff']:g} cm⁻¹; tunnelling: "
        f"{harmonic.TUNNELLING[rules['tunnelling']]}. They have no statistical error; that of the method is larger. "
        "In brackets: interval of confidence 0.95. Dynamics is classical, vibrations in nature are quantised: "
        "compare with experiment a sampled rate times the ratio of the harmonic rate to the classical one of the same "
        "stationary points."
    )
    return one_table("Rates", _HEADS, rows, note)


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
    yield TableRow(text_cell(direction_of(row)), cells)
    if math.isfinite(factor := row["quantum_factor"]):
        text = (
            f"the same times the harmonic quantum/classical factor of {factor:.3g} (vibrations "
            f"{row['quantum_vibrations']:.3g}, tunnelling {row['tunnelling']:.3g})"
        )
        quantised = digits.significant(row["quantum_rate"], low * factor, high * factor)
        texts = (text, temperature, quantised, digits.duration(1.0 / row["quantum_rate"]))
        yield TableRow(text_cell(""), tuple(text_cell(each) for each in texts))
