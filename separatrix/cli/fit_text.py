"""The tables that ``separatrix fit`` prints."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from separatrix.coordinate.fit_report import Report
from separatrix.coordinate.fitting import committor_text
from separatrix.coordinate.nonlinear_models import beats_linear

RIVALS = 6
"""Sets of the chosen size that are listed."""


def show(report: Report, console: Console) -> None:
    """Print a report."""
    for block in _blocks(report):
        console.print(block, highlight=False, markup=False, soft_wrap=isinstance(block, str))


def _blocks(report: Report) -> Iterator[RenderableType]:
    seen, best, search = report.observations, report.best, report.selection
    yield (
        f"{seen.path} ({seen.kind}): {best.n_observations} observations, {best.n_success} of them to {seen.product}; "
        f"{len(seen.names)} variables{'' if seen.rates is None else ' with rates'}"
    )
    yield formula(report)
    state = "the verified maximum" if best.converged and not best.separable else "not a maximum"
    yield f"p_B = {committor_text(best.model)}, ln L = {best.log_likelihood:.4f}, {state}"
    yield _coefficients(report)
    yield f"blocks: {best.block_description}"
    yield (
        f"information error {_number(best.information_error, '.3f')} as ATESA defines it, "
        f"{_number(best.clustered_information_error, '.3f')} between blocks "
        f"(upper limit {_number(best.information_error_limit, '.3f')}, which sampling would stop by)"
    )
    if report.inertial is not None:
        yield _rates(report)
    yield _sizes(report)
    if search.two_line is not None:
        yield f"two-line test (ATESA): {search.two_line} variables"
    yield _rivals(report)
    for group in report.groups:
        others = ", ".join(
            f"{other.name} (ln L {-other.loss:+.1f}, correlation {other.correlation:+.2f})"
            for other in group.alternatives
        )
        share = report.frequency_of(group.names)
        yield f"interchangeable with {group.variable}: {others}" + (
            "" if share is None else f"; one of them is chosen in {share:.0%} of the resamples"
        )
    if report.chosen.held_out is not None:
        yield _held_out(report)
    yield (
        f"{search.n_fits:,} fits and {search.n_refits} exact ones in {report.cpu_seconds:.3g} s of processor time, "
        f"{report.total_cpu_seconds:.3g} s in all"
    )
    yield f"search: {search.search}"
    for note in report.notes:
        yield f"note: {note}"


def formula(report: Report) -> str:
    """The coordinate as it is written down."""
    best = report.best
    scaled = " (variables scaled to [0, 1])" if report.options.normalise else ""
    terms = "".join(f" {a:+.5g} {name}" for a, name in zip(best.coefficients, best.names, strict=True))
    return f"r = {best.intercept:.5g}{terms}{scaled}"


def _number(value: float, how: str) -> str:
    return format(value, how) if math.isfinite(value) else "-"


def _table(*columns: str, title: str, long: int = 0) -> Table:
    """An empty table; the first column and the one numbered `long` hold names, which may take several lines."""
    table = Table(title=title, title_justify="left", min_width=len(title), box=box.SIMPLE_HEAD, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k in (0, long) else "right", no_wrap=k not in (0, long))
    return table


def _coefficients(report: Report) -> Table:
    best, resampled, clustered = report.best, report.chosen.resampled, report.best.clustered_errors
    percent = f"{report.options.confidence:.0%}"
    table = _table(
        "", "coefficient", "error", "clustered", f"{percent} interval", "resampled", "chosen", title="coordinate"
    )
    a = np.array([best.intercept, *best.coefficients])
    for k, name in enumerate(("intercept", *best.names)):
        share = report.frequency_of([name]) if k else None
        table.add_row(
            name,
            f"{a[k]:.5g}",
            _number(best.standard_errors[k], ".2g"),
            "-" if clustered is None else _number(clustered[k], ".2g"),
            _interval(report.chosen.lower[k], report.chosen.upper[k]),
            "-" if resampled is None else _interval(resampled.lower[k], resampled.upper[k]),
            "" if share is None else f"{share:.0%}",
        )
    return table


def _interval(lower: float, upper: float) -> str:
    return f"{lower:.4g} to {upper:.4g}" if math.isfinite(lower) and math.isfinite(upper) else "-"


def _rates(report: Report) -> Table:
    inertial = report.inertial
    assert inertial is not None  # asked by the caller
    size = len(report.best.names)
    errors = inertial.standard_errors
    table = _table(
        "", "coefficient", "error", "of the rate", "error", title=f"with rates: ln L = {inertial.log_likelihood:.4f}"
    )
    for k, name in enumerate(inertial.names[:size]):
        table.add_row(
            name,
            f"{inertial.coefficients[k]:.5g}",
            _number(errors[1 + k], ".2g"),
            f"{inertial.coefficients[size + k]:.5g}",
            _number(errors[1 + size + k], ".2g"),
        )
    return table


def _sizes(report: Report) -> Table:
    search = report.selection
    table = _table(
        "",
        "ln L",
        "AIC",
        "BIC",
        "ext. BIC",
        "greedy misses",
        "best set",
        title=f"number of variables{_with_rates(report)}",
        long=6,
    )
    size = len(report.best.names)
    gaps = search.greedy_gap
    rows = [(0, search.null_log_likelihood, "none")]
    rows += [(k, lines[0].log_likelihood, ", ".join(lines[0].names)) for k, lines in search.top.items()]
    for k, value, names in rows:
        table.add_row(
            f"{k}{' *' if k == size else ''}",
            f"{value:.2f}",
            *(f"{search.costs[name][k]:.2f}" for name in ("aic", "bic", "ebic")),
            f"{gaps[k]:.2f}" if k in gaps else "",
            names,
        )
    return table


def _with_rates(report: Report) -> str:
    return "" if report.inertial is None else ", fitted with their rates"


def _rivals(report: Report) -> Table:
    size = len(report.best.names)
    table = _table("", "ln L", title=f"sets of {size} variable{'s' * (size > 1)}{_with_rates(report)}")
    for line in report.rivals[:RIVALS]:
        table.add_row(", ".join(line.names), f"{line.log_likelihood:.2f}{' separable' if line.separable else ''}")
    return table


def _held_out(report: Report) -> Table:
    held = report.chosen.held_out
    assert held is not None  # asked by the caller
    table = _table(
        "", "ln L per observation", "over the coordinate", title=f"held out, {len(held.groups)} folds of whole blocks"
    )
    table.add_row("constant committor", f"{held.null_mean:.4f}", f"{held.null_mean - held.mean:+.4f}")
    table.add_row("this coordinate", f"{held.mean:.4f}", "")
    for model in report.nonlinear_models:
        variables = "its variables" if model.variables == "chosen" else "all variables"
        table.add_row(
            f"{model.name}, {variables}",
            f"{model.mean:.4f}",
            f"{model.gain:+.4f} +- {_number(model.standard_error, '.4f')}{' (better)' if beats_linear(model) else ''}",
        )
    return table
