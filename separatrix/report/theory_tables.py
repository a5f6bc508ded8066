"""Tables of a theory case: rates in the order of their bounds, and saddle-point avoidance in its three senses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from separatrix.report.figures.theory_surface import shown_separatrices
from separatrix.report.table_content import TableContent, TablePage, text_row
from separatrix.theory.outcome import Analysis, beside, word


def content(a: Analysis) -> TablePage:
    """What an analysis gives, and what it means."""
    tables = [_bounds(a), _approximations(a), _avoidance(a)]
    if measured := _measured(a):
        tables.append(measured)
    return TablePage(a.case.title, tuple(tables), tuple(a.verdict()))


def _bounds(a: Analysis) -> TableContent:
    exact = a.values["k_exact"]
    rows = []
    for name, k in a.bounds:
        alpha = a.values.get(f"{name}.alpha")
        rows.append((word(name), f"{k:.5g}", f"{k / exact:.4f}", "" if alpha is None else f"{alpha:.4f}"))
    return _table("Exact rate and upper bounds, lowest first", ("", "k", "k/k_exact", "α"), rows)


def _approximations(a: Analysis) -> TableContent:
    exact = a.values["k_exact"]
    rates = {"Langer": a.points.langer.k}
    rates |= {f"Kramers with parabolas, {name}": k for name, k in a.kramers_gaussian.items()}
    if a.sink:
        rates |= {"sink model, slowest decay": a.sink["k_inf"], "sink model, 1/mean time": a.sink["inverse_tau"]}
    rows = [(name, f"{k:.5g}", f"{k / exact:.4f}") for name, k in rates.items()]
    return _table("Approximations that are no bounds", ("", "k", "k/k_exact"), rows)


def _avoidance(a: Analysis) -> TableContent:
    names = [*shown_separatrices(a).values(), *(n for n in ("GZ_pmf_rd", "GZ_all") if n in a.separatrices)]
    rows = []
    for name in dict.fromkeys(names):
        line = a.separatrices[name]
        vectors = (line.SPA_vector, line.SPA_vector_Dmetric, line.flux_mean_offset, line.flux_rms_offset)
        rows.append((word(name), f"{line.phi_saddle:.4f}", *("" if v is None else _pair(v) for v in vectors)))
    heads = (
        "separatrix",
        "committor at the saddle",
        "way from the saddle",
        "the same, nearest in the metric 1/D",
        "mean of where the flux crosses",
        "its root mean square",
    )
    return _table("Saddle-point avoidance in three senses", heads, rows)


def _measured(a: Analysis) -> TableContent | None:
    rows = [
        (
            _pair((row["x"], row["y"])),
            f"{row['measured']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
            *(f"{row[key]:.3f}" if key in row else "" for key in ("exact", "GZ", "KLBS")),
            f"{row['z']:+.1f}",
        )
        for row in beside(a)
    ]
    heads = ("point", "measured by shooting", "exact", "GZ", "KLBS", "deviation, standard errors")
    return _table("Committors beside shooting", heads, rows) if rows else None


def _pair(value: Iterable[float]) -> str:
    # The sum turns -0.0 into 0.0.
    return "({:.4f}, {:.4f})".format(*(round(float(v), 4) + 0.0 for v in value))


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> TableContent:
    return TableContent(tuple(heads), tuple(text_row(row[0], row[1:]) for row in rows), title=title)
