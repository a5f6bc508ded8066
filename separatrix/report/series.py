"""A series of like molecules: harmonic rates against Hammett's substituent constants.

log10(k/k_H) = rho sigma (Hammett, J. Am. Chem. Soc. 1937, 59, 96): a line through the logarithms of the rates, by
ordinary least squares, for all mechanisms together and for each. The rates carry no statistical error, so that the
scatter about the line is what the line leaves out, and the intervals say how well so few molecules fix it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import statsmodels.api as sm

from separatrix.core.errors import StoreError
from separatrix.core.files import read_json, replacing
from separatrix.core.plain import Plain
from separatrix.core.text import cells
from separatrix.core.units import KCAL
from separatrix.rates.routes import harmonic_route
from separatrix.report import charts

COLUMNS = ("name", "sigma", "results")
#: Fewer points than this leave no scatter about a line.
FEWEST = 3
#: Harmonic rates of a method, below its folder.
HARMONIC = harmonic_route.ROUTE.files["harmonic"].path
#: In place of a mechanism: the rate over all saddles.
ALL = "all"


@dataclass(frozen=True)
class Line(Plain):
    """log10 k over sigma.

    Attributes
    ----------
    method
        Name.
    mechanism
        Whose rates these are, or `ALL`.
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
    """

    method: str
    mechanism: str
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
        raise StoreError(f"{file}: {twice.iloc[0]!r} is there twice")
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
    For each method and molecule, in the order of the series, a row of all saddles (`ALL`) and one per mechanism that a
    saddle was found for: method, name, sigma, from, to, temperature (K), mechanism, main (the mechanism itself; of
    `ALL`, the one with the largest share), share (of main, in the rate over all saddles), barrier (kcal/mol, of the
    main saddle), rate (1/s), log_rate, ln_rate and relative (log10 of the rate over that of the molecule of sigma = 0
    over all its saddles, NaN without one).

    Raises
    ------
    StoreError
        When a folder holds no harmonic rates, or the molecules are not of one reaction at one temperature.
    """
    rows = []
    for member in members.to_dict("records"):
        files = sorted(Path(member["results"]).glob(f"*/{HARMONIC}"))
        if not files:
            raise StoreError(
                f"{member['results']}: no METHOD/{HARMONIC}; "
                "run its config with `snakemake --until harmonic`, or the whole of it"
            )
        for file in files:
            rows += _rows(member, file)
    table = pd.DataFrame(rows)
    for column, plural in (("temperature", "temperatures"), ("from", "reactants"), ("to", "products")):
        distinct = table.drop_duplicates(column)
        if len(distinct) > 1:
            one, other = distinct.iloc[0], distinct.iloc[1]
            raise StoreError(
                f"a series has one reaction at one temperature, but {plural} differ: "
                f"{one[column]} of {one['name']}, {other[column]} of {other['name']}"
            )
    table = table.sort_values("method", kind="stable", ignore_index=True)
    table["log_rate"] = np.log10(table["rate"])
    table["ln_rate"] = np.log(table["rate"])
    table["relative"] = np.nan
    for _, of_method in table.groupby("method"):
        zero = of_method[(of_method["sigma"] == 0.0) & (of_method["mechanism"] == ALL)]
        if len(zero) == 1:
            table.loc[of_method.index, "relative"] = of_method["log_rate"] - float(zero["log_rate"].iloc[0])
    return table


def _rows(member: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    """What one molecule contributes on one method."""
    content = read_json(file)
    try:
        (start, end), temperature = content["states"], float(content["temperature_K"])
        same = {"from": start, "to": end, "temperature": temperature}
        total = next(r for r in content["rates"] if same.items() <= r.items())
        single = [r for r in content["by_channel"] if same.items() <= r.items()]
        # Each saddle's part in each mechanism: (rate, barrier).
        parts: dict[str, list[tuple[float, float]]] = {}
        for part in single:
            for mechanism, share in content["channels"][part["channel"]]["mechanisms"].items():
                parts.setdefault(mechanism, []).append((share * part["rate"], part["barrier"] / KCAL))
        rate = float(total["rate"])
        by_mechanism = {name: math.fsum(r for r, _ in parts_of) for name, parts_of in parts.items()}
        main = max(by_mechanism, key=lambda name: by_mechanism[name])
        common = {"method": str(content["method"]), "name": member["name"], "sigma": member["sigma"], **same}
        rows = [
            common
            | {
                "mechanism": mechanism,
                "main": own,
                "share": by_mechanism[own] / rate if rate else math.nan,
                "barrier": max(parts[own])[1],
                "rate": value,
            }
            for mechanism, own, value in ((ALL, main, rate), *((n, n, r) for n, r in by_mechanism.items()))
        ]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise StoreError(
            f"{file}: not the harmonic rates of a run of this version; run it again with `--forcerun harmonic`"
        ) from error
    for row in rows:
        if not (math.isfinite(row["rate"]) and row["rate"] > 0.0):
            raise StoreError(f"{file}: a rate of {row['rate']:g} has no logarithm")
    return rows


def fit(table: pd.DataFrame) -> list[Line]:
    """Lines of each method: of the rates over all saddles, and of each mechanism that three molecules have.

    Parameters
    ----------
    table
        As :func:`separatrix.report.series.rates` returns it.

    Raises
    ------
    StoreError
        When a method has fewer than three molecules, or all have one sigma.
    """
    lines = []
    for method, of_method in table.groupby("method", sort=False):
        lines.append(_line(str(method), ALL, of_method[of_method["mechanism"] == ALL]))
        for mechanism, rows in of_method[of_method["mechanism"] != ALL].groupby("mechanism"):
            if len(rows) >= FEWEST and np.ptp(rows["sigma"]) > 0.0:
                lines.append(_line(str(method), str(mechanism), rows))
    return lines


def _line(method: str, mechanism: str, rows: pd.DataFrame) -> Line:
    sigma, log_rate = rows["sigma"].to_numpy(), rows["log_rate"].to_numpy()
    if len(rows) < FEWEST:
        raise StoreError(f"{method}: a line with its error needs {FEWEST} molecules or more, and there are {len(rows)}")
    if np.ptp(sigma) == 0.0:
        raise StoreError(f"{method}: all molecules have sigma {sigma[0]:g}, and there is no line through them")
    free = sm.OLS(log_rate, sm.add_constant(sigma, has_constant="add")).fit()
    low, high = free.conf_int(0.05)[1]
    spread = float(((log_rate - log_rate.mean()) ** 2).sum())
    zero = rows[rows["sigma"] == 0.0]
    held: tuple[float | None, ...] = (None, None, None, None)
    if len(zero) == 1:
        others = sigma != 0.0
        through = sm.OLS(log_rate[others] - float(zero["log_rate"].iloc[0]), sigma[others]).fit()
        bounds = through.conf_int(0.05)[0]
        held = (float(through.params[0]), float(bounds[0]), float(bounds[1]), math.sqrt(through.scale))
    return Line(
        method=method,
        mechanism=mechanism,
        molecules=len(rows),
        rho=float(free.params[1]),
        rho_low=float(low),
        rho_high=float(high),
        intercept=float(free.params[0]),
        r_squared=float(1.0 - free.ssr / spread) if spread > 0.0 else math.nan,
        scatter=math.sqrt(free.scale),
        reference=str(zero["name"].iloc[0]) if len(zero) == 1 else "",
        rho_reference=held[0],
        rho_reference_low=held[1],
        rho_reference_high=held[2],
        scatter_reference=held[3],
    )


def plot(table: pd.DataFrame, lines: Sequence[Line]) -> alt.TopLevelMixin:
    """Rates over sigma, a panel per method: a colour and a line per mechanism, rings for all of them together.

    Parameters
    ----------
    table
        As :func:`separatrix.report.series.rates` returns it.
    lines
        As :func:`separatrix.report.series.fit` returns them.
    """
    methods = list(dict.fromkeys(table["method"]))
    relative = bool(table["relative"].notna().all())
    values = "relative" if relative else "log_rate"
    reference = next((line.reference for line in lines if line.mechanism == ALL), "")
    heading = f"log10(k / k of {reference})" if relative else "log10 of the rate in 1/s"
    mechanisms = sorted(set(table["mechanism"]) - {ALL})
    colour = alt.Color(
        "mechanism:N",
        scale=alt.Scale(
            domain=[*mechanisms, ALL],
            range=[*(charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(mechanisms))), charts.INK],
        ),
        legend=alt.Legend(title=None, columns=4),
    )
    x = alt.X("sigma:Q", title="substituent constant σ", scale=alt.Scale(zero=False, padding=25))
    y = alt.Y("value:Q", title=heading, scale=alt.Scale(zero=False, padding=15))
    panels = []
    for method in methods:
        rows = table[table["method"] == method]
        points = rows.assign(value=rows[values])
        shift = float((rows["log_rate"] - rows[values]).iloc[0])
        ends = [
            {"mechanism": line.mechanism, "sigma": sigma, "value": line.intercept + line.rho * sigma - shift}
            for line in lines
            if line.method == method and not (line.mechanism == ALL and len(mechanisms) > 1)
            for sigma in (rows["sigma"].min(), rows["sigma"].max())
        ]
        total = alt.Chart(points[points["mechanism"] == ALL]).encode(x=x, y=y)
        layers = [
            alt.Chart(pd.DataFrame(ends)).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=colour),
            alt.Chart(points[points["mechanism"] != ALL])
            .mark_point(filled=True, size=70, opacity=1)
            .encode(x=x, y=y, color=colour),
            total.mark_point(size=190, strokeWidth=1.5, opacity=1).encode(color=colour),
            total.mark_text(dy=-16, fontSize=12, color=charts.INK).encode(text="name:N"),
        ]
        panel = alt.layer(*layers).properties(width=520 if len(methods) == 1 else 340, height=340)
        panels.append(panel if len(methods) == 1 else panel.properties(title=method))
    start, end, temperature = table.iloc[0][["from", "to", "temperature"]]
    subtitle = [
        f"{line.method}, {line.mechanism}: ρ = {line.rho:.2f} ({line.rho_low:.2f} to {line.rho_high:.2f}), "
        f"R² = {line.r_squared:.2f}, scatter {line.scatter:.2f}"
        for line in lines
    ]
    chart = panels[0] if len(panels) == 1 else alt.hconcat(*panels)
    return charts.finish(chart, f"Rate from {start} to {end} at {temperature:g} K", subtitle)


def write(table: pd.DataFrame, lines: Sequence[Line], folder: Path | str) -> list[Path]:
    """Write ``rates.csv``, ``lines.csv`` and ``hammett.svg`` with its other forms, and give the three paths back."""
    folder = Path(folder)
    written = []
    for name, content in (("rates.csv", table), ("lines.csv", pd.DataFrame([line.to_dict() for line in lines]))):
        with replacing(folder / name) as temporary:
            temporary.write_text(cells(content).to_csv(index=False))
        written.append(folder / name)
    charts.save(plot(table, lines), folder / "hammett.svg")
    return [*written, folder / "hammett.svg"]
