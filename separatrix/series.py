"""A series of like molecules: harmonic rates against Hammett's substituent constants.

log10(k/k_H) = rho sigma (Hammett, J. Am. Chem. Soc. 1937, 59, 96): a line through the logarithms of the rates, by
ordinary least squares. The rates carry no statistical error, so that the scatter about the line is what the line leaves
out, and the intervals say how well so few molecules fix it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import statsmodels.api as sm

from . import figures, store
from .errors import StoreError
from .plain import Plain
from .units import KCAL

log = logging.getLogger(__name__)

COLUMNS = ("name", "sigma", "results")
#: Fewer points than this leave no scatter about a line.
FEWEST = 3


@dataclass(frozen=True)
class Line(Plain):
    """log10 k over sigma.

    Attributes
    ----------
    method
        Name.
    molecules
        How many.
    rho, rho_low, rho_high
        Slope, with its interval of confidence 0.95 by Student's t.
    intercept
        log10 k (1/s) at sigma = 0.
    r_squared
        Share of the variance that the line explains; NaN where all rates are the same.
    scatter
        Standard deviation about the line, in log10 k, by the degrees of freedom that are left.
    reference
        The molecule of sigma = 0, or empty where there is none, or more than one.
    rho_reference, rho_reference_low, rho_reference_high, scatter_reference
        The same of the line that is held through the reference, log10(k/k_H) = rho sigma, fitted to the others; None
        without one.
    mechanisms
        Mechanisms of the molecules. A line through rates of several mechanisms belongs to none of them.
    """

    method: str
    molecules: int
    rho: float
    rho_low: float
    rho_high: float
    intercept: float
    r_squared: float
    scatter: float
    reference: str
    rho_reference: float | None
    rho_reference_low: float | None
    rho_reference_high: float | None
    scatter_reference: float | None
    mechanisms: tuple[str, ...]


def read_series(file: Path | str) -> pd.DataFrame:
    """Molecules of a series: name, sigma and folder of results.

    Parameters
    ----------
    file
        CSV with the columns name, sigma and results; lines that begin with # are comments. Folders are looked for
        from the working folder, then beside the file.

    Raises
    ------
    StoreError
        One line, when the file cannot be used.
    """
    file = Path(file)
    try:
        # As text: 1.0 and NA may be names.
        frame = pd.read_csv(file, dtype=str, comment="#", skipinitialspace=True, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: not readable as CSV ({' '.join(str(error).split())})") from error
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise StoreError(f"{file}: column {missing[0]!r} is missing; there must be {', '.join(COLUMNS)}")
    frame = frame[list(COLUMNS)].apply(lambda column: column.fillna("").str.strip())
    twice = frame["name"][frame["name"].duplicated()]
    if len(twice):
        raise StoreError(f"{file}: {twice.iloc[0]!r} stands there twice")
    if len(frame) < FEWEST:
        raise StoreError(f"{file}: a line with its error needs {FEWEST} molecules or more, and there are {len(frame)}")
    rows = []
    for row in frame.to_dict("records"):
        try:
            sigma = float(row["sigma"])
        except ValueError:
            sigma = math.nan
        if not math.isfinite(sigma):
            raise StoreError(f"{file}: {row['name']}: sigma {row['sigma']!r} is not a number")
        folder = next((f for f in (Path(row["results"]), file.parent / row["results"]) if f.is_dir()), None)
        if folder is None or not row["results"]:
            raise StoreError(f"{file}: {row['name']}: {row['results'] or 'results'}: no such folder")
        rows.append({"name": row["name"], "sigma": sigma, "results": folder})
    return pd.DataFrame(rows)


def rates(members: pd.DataFrame) -> pd.DataFrame:
    """Harmonic rates of all molecules, reactant to product, at the temperature of the runs.

    Parameters
    ----------
    members
        As :func:`read_series` returns it.

    Returns
    -------
    A row per method and molecule, each method's in the order of the series: method, name, sigma, from, to, temperature
    (K), mechanism (of the saddle that most of the rate goes over), share (of it), barrier (kcal/mol), rate (1/s),
    log_rate, ln_rate and relative (log10 of the rate over that of the molecule of sigma = 0, NaN without one).

    Raises
    ------
    StoreError
        When a folder holds no harmonic rates, or the molecules are not of one reaction at one temperature.
    """
    rows = []
    for member in members.to_dict("records"):
        files = sorted(Path(member["results"]).glob("*/rates/harmonic.json"))
        if not files:
            raise StoreError(
                f"{member['results']}: no METHOD/rates/harmonic.json; "
                "run its config with `snakemake --until harmonic`, or the whole of it"
            )
        rows += [_row(member, file) for file in files]
    table = pd.DataFrame(rows)
    for column, words in (("temperature", "temperatures"), ("from", "reactants"), ("to", "products")):
        found = table.drop_duplicates(column)
        if len(found) > 1:
            one, other = found.iloc[0], found.iloc[1]
            raise StoreError(
                f"a series has one reaction at one temperature, but {words} differ: "
                f"{one[column]} of {one['name']}, {other[column]} of {other['name']}"
            )
    table = table.sort_values("method", kind="stable", ignore_index=True)
    table["log_rate"] = np.log10(table["rate"])
    table["ln_rate"] = np.log(table["rate"])
    table["relative"] = np.nan
    for _, mine in table.groupby("method"):
        zero = mine[mine["sigma"] == 0.0]
        if len(zero) == 1:
            table.loc[mine.index, "relative"] = mine["log_rate"] - float(zero["log_rate"].iloc[0])
    return table


def _row(member: dict[str, Any], file: Path) -> dict[str, Any]:
    """What one molecule contributes on one method."""
    content = store.read_json(file)
    try:
        (start, end), temperature = content["states"], content["temperature_K"]
        same = {"from": start, "to": end, "temperature": temperature}
        total = next(r for r in content["rates"] if same.items() <= r.items())
        largest = int(np.argmax(total["shares"]))
        main = next(r for r in content["by_channel"] if (same | {"channel": largest}).items() <= r.items())
        found = {
            "method": str(content["method"]),
            "name": member["name"],
            "sigma": member["sigma"],
            **same,
            "mechanism": content["channels"][largest]["mechanism"],
            "share": float(total["shares"][largest]),
            "barrier": main["barrier"] / KCAL,
            "rate": float(total["rate"]),
        }
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        raise StoreError(f"{file}: not the harmonic rates of a run") from error
    if not (math.isfinite(found["rate"]) and found["rate"] > 0.0):
        raise StoreError(f"{file}: a rate of {found['rate']:g} has no logarithm")
    return found


def fit(table: pd.DataFrame) -> list[Line]:
    """A line for each method.

    Parameters
    ----------
    table
        As :func:`rates` returns it.

    Raises
    ------
    StoreError
        When a method has fewer than three molecules, or all have one sigma.
    """
    return [_line(str(method), mine) for method, mine in table.groupby("method", sort=False)]


def _line(method: str, mine: pd.DataFrame) -> Line:
    sigma, log_rate = mine["sigma"].to_numpy(), mine["log_rate"].to_numpy()
    if len(mine) < FEWEST:
        raise StoreError(f"{method}: a line with its error needs {FEWEST} molecules or more, and there are {len(mine)}")
    if np.ptp(sigma) == 0.0:
        raise StoreError(f"{method}: all molecules have sigma {sigma[0]:g}, and there is no line through them")
    free = sm.OLS(log_rate, sm.add_constant(sigma, has_constant="add")).fit()
    low, high = free.conf_int(0.05)[1]
    spread = float(((log_rate - log_rate.mean()) ** 2).sum())
    zero = mine[mine["sigma"] == 0.0]
    held: dict[str, Any] = dict.fromkeys(("rho", "rho_low", "rho_high", "scatter"))
    if len(zero) == 1:
        others = sigma != 0.0
        through = sm.OLS(log_rate[others] - float(zero["log_rate"].iloc[0]), sigma[others]).fit()
        bounds = through.conf_int(0.05)[0]
        held = dict(zip(held, (through.params[0], *bounds, math.sqrt(through.scale)), strict=True))
    return Line(
        method=method,
        molecules=len(mine),
        rho=float(free.params[1]),
        rho_low=float(low),
        rho_high=float(high),
        intercept=float(free.params[0]),
        r_squared=float(1.0 - free.ssr / spread) if spread > 0.0 else math.nan,
        scatter=math.sqrt(free.scale),
        reference=str(zero["name"].iloc[0]) if len(zero) == 1 else "",
        rho_reference=_number(held["rho"]),
        rho_reference_low=_number(held["rho_low"]),
        rho_reference_high=_number(held["rho_high"]),
        scatter_reference=_number(held["scatter"]),
        mechanisms=tuple(dict.fromkeys(mine["mechanism"])),
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def plot(table: pd.DataFrame, lines: Sequence[Line]) -> alt.TopLevelMixin:
    """Rates over sigma, with each method's line.

    Parameters
    ----------
    table
        As :func:`rates` returns it.
    lines
        As :func:`fit` returns them.
    """
    order = [line.method for line in lines]
    relative = all(line.reference for line in lines)
    values = "relative" if relative else "log_rate"
    heading = f"log10(k / k of {lines[0].reference})" if relative else "log10 of the rate in 1/s"
    colour = alt.Color(
        "method:N",
        scale=alt.Scale(domain=order, range=[figures.PALETTE[i % len(figures.PALETTE)] for i in range(len(order))]),
        legend=alt.Legend(title=None) if len(order) > 1 else None,
    )
    x = alt.X("sigma:Q", title="substituent constant σ", scale=alt.Scale(zero=False, padding=25))
    y = alt.Y("value:Q", title=heading, scale=alt.Scale(zero=False, padding=15))
    points = table.assign(value=table[values])
    ends = []
    for line in lines:
        mine = table[table["method"] == line.method]
        shift = float((mine["log_rate"] - mine[values]).iloc[0])
        for sigma in (mine["sigma"].min(), mine["sigma"].max()):
            ends.append(
                {"method": line.method, "sigma": sigma, "value": line.intercept + line.rho * sigma - shift},
            )
    mechanisms = list(dict.fromkeys(table["mechanism"]))
    shape = alt.Shape(
        "mechanism:N",
        scale=alt.Scale(domain=mechanisms),
        legend=alt.Legend(title=None) if len(mechanisms) > 1 else None,
    )
    base = alt.Chart(points).encode(x=x, y=y, color=colour)
    layers = [
        alt.Chart(pd.DataFrame(ends)).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=colour),
        base.mark_point(filled=True, size=80, opacity=1).encode(shape=shape),
        base.mark_text(dy=-12, fontSize=12).encode(text="name:N"),
    ]
    start, end, temperature = table.iloc[0][["from", "to", "temperature"]]
    words = [
        f"{line.method}: ρ = {line.rho:.2f} ({line.rho_low:.2f} to {line.rho_high:.2f}), R² = {line.r_squared:.2f}, "
        f"scatter {line.scatter:.2f}"
        for line in lines
    ]
    title = f"Rate from {start} to {end} at {temperature:g} K"
    return figures.finish(alt.layer(*layers).properties(width=520, height=340), title, words)


def write(table: pd.DataFrame, lines: Sequence[Line], folder: Path | str) -> list[Path]:
    """Write ``rates.csv``, ``lines.csv`` and ``hammett.svg`` with its other forms, and give the three paths back."""
    folder = Path(folder)
    columns = pd.DataFrame([line.to_dict() | {"mechanisms": "; ".join(line.mechanisms)} for line in lines])
    written = []
    for name, content in (("rates.csv", table), ("lines.csv", columns)):
        with store.replacing(folder / name) as temporary:
            temporary.write_text(content.to_csv(index=False))
        written.append(folder / name)
    figures.save(plot(table, lines), folder / "hammett.svg")
    return [*written, folder / "hammett.svg"]
