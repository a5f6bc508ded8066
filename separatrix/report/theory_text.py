"""The results of a theory case in sentences and tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from separatrix.theory.outcome import Analysis, beside, word


def show(a: Analysis, console: Console) -> None:
    """Print an analysis: stationary points, rates in the order of the bounds, avoidance, and a verdict."""
    p, exact = a.points, a.values["k_exact"]
    beta = a.case.beta
    lines = [
        f"{a.case.title}",
        f"saddle ({p.saddle[0]:.4g}, {p.saddle[1]:.4g}), {beta * p.barrier_a:.2f} kT above the minimum of A at "
        f"({p.min_a[0]:.4g}, {p.min_a[1]:.4g}); minimum of B at ({p.min_b[0]:.4g}, {p.min_b[1]:.4g})",
        f"k_AB = {exact:.5g}, k_BA = {a.values['k_BA_exact']:.5g}"
        + (f", spectral gap = {a.values['spectral_gap']:.5g}" if "spectral_gap" in a.values else ""),
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False)
    console.print(_rates(a))
    console.print(_avoidance(a))
    measured = _measured(a)
    if measured is not None:
        console.print(measured)
    for sentence in a.verdict():
        console.print(f"- {sentence}", highlight=False, markup=False)


def _rates(a: Analysis) -> Table:
    exact = a.values["k_exact"]
    table = Table(
        "rate from A to B",
        "k",
        "k/k_exact",
        "alpha",
        "grid error",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="first the exact rate and its upper bounds, lowest first; below them approximations that are no bounds",
    )
    for name, k in a.bounds:
        key = "k_exact" if name == "exact" else f"{name}.k" if name.startswith("GZ_") else f"k_trial_{name}"
        alpha = a.values.get(f"{name}.alpha")
        table.add_row(
            word(name),
            f"{k:.5g}",
            f"{k / exact:.4f}",
            "" if alpha is None else f"{alpha:.4f}",
            f"{a.errors[key]:.0e}",
        )
    table.add_section()
    others = {"Langer": a.points.langer.k}
    others |= {f"Kramers with parabolas, {name}": k for name, k in a.kramers_gaussian.items()}
    if a.sink:
        others["sink model, slowest decay"] = a.sink["k_inf"]
    for name, k in others.items():
        table.add_row(name, f"{k:.5g}", f"{k / exact:.4f}", "", "")
    return table


def _avoidance(a: Analysis) -> Table:
    table = Table(
        "separatrix",
        "committor\nat saddle",
        "way from saddle",
        "in metric 1/D",
        "flux crosses: mean",
        "rms",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    axis = a.kramers_axis
    names = ["exact", "GZ_all", f"GZ_pmf_{axis}", f"GZ_erf_{axis}", "GZ_pmf_rd", "pmf", "erf", str(axis)]

    def pair(value: np.ndarray | None) -> str:
        # The sum turns -0.0 into 0.0.
        return "" if value is None else "({:.4f}, {:.4f})".format(*(round(float(v), 4) + 0.0 for v in value))

    for name in names:
        line = a.separatrices.get(name)
        if line is not None:
            table.add_row(
                word(name),
                f"{line.phi_saddle:.4f}",
                pair(line.SPA_vector),
                pair(line.SPA_vector_Dmetric),
                pair(line.flux_mean_offset),
                pair(line.flux_rms_offset),
            )
    return table


def _measured(a: Analysis) -> Table | None:
    rows = beside(a)
    if not rows:
        return None
    table = Table(
        *a.case.names,
        "measured",
        "interval",
        "shots",
        "exact",
        "GZ",
        "KLBS",
        "z",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="committors measured by shooting (Wilson interval of 0.95); z: deviation from exact in standard errors",
    )
    for row in rows:
        table.add_row(
            f"{row['x']:.4g}",
            f"{row['y']:.4g}",
            f"{row['measured']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['n']:.0f}",
            *(f"{row[name]:.3f}" if name in row else "" for name in ("exact", "GZ", "KLBS")),
            f"{row['z']:+.1f}",
        )
    return table


def scan_table(rows: Sequence[Mapping[str, float]]) -> Table:
    """Rates over the exact one against the anisotropy of D."""
    shown = {"Langer": "langer", "KLBS": "k_trial_erf", "Kx": "k_trial_Kx", "Ky": "k_trial_Ky", "rd": "k_trial_rd"}
    shown |= {"GZ(pmf, Ky)": "GZ_pmf_Ky.k", "GZ(pmf, rd)": "GZ_pmf_rd.k", "GZ all": "GZ_all.k"}
    shown = {name: key for name, key in shown.items() if any(key in row for row in rows)}
    table = Table("D_yy/D_xx", "k_exact", *shown, "committor\nat saddle", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(
            f"{row['ratio']:.3g}",
            f"{row['k_exact']:.4g}",
            *(f"{row[key] / row['k_exact']:.4g}" if key in row else "" for key in shown.values()),
            f"{row['phi_saddle']:.4f}",
        )
    return table
