"""Committor observations from files: what a coordinate is fitted to.

An observation is a configuration that was shot from, described by its variables (and their rates, if wanted), and
the basin that the trajectory reached. Three kinds of file hold them; which one it is shows in its content:

``netCDF``
    The ``variables.nc`` of a run of Separatrix.
``CSV``
    Cells parted by commas, semicolons or tabs, with a header line. One column is the outcome, every other one a
    variable, but for ``chain``, if there is one, and ``<name>_rate``, the time derivative of the variable
    ``<name>``.
``ATESA``
    The text files of ATESA's aimless shooting (``as_raw.out``, ``as_decorr_*.out``; GitHub team-mayes/atesa), one line
    per observation: ``A <- 1.23 4.56`` or ``B <- ...``, B counted as the product. The variables have no names; here
    they are CV1, CV2, ... as there. With rates, these are the second half of the columns.

Empty lines and lines that begin with # are passed over. Whatever is wrong with a file is an :class:`ObservationError`
of one line, with the line number where there is one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from separatrix.coordinate.search import rate_name
from separatrix.coordinate.shot_observations import committor_observations, committor_rates
from separatrix.core.errors import SeparatrixError, StoreError
from separatrix.core.files import read_dataset
from separatrix.statistics.blocks import Dependence

CHAIN = "chain"
"""The column of a CSV file that names the chain of each observation."""

OUTCOME = "outcome"
"""The column of a CSV file that holds the outcomes, unless another is named."""

_LARGEST = 1e100  # squares of what is larger overflow, and no variable of a molecule is
_ATESA = re.compile(r"\s*(\S+)\s*<-(.*)", re.DOTALL)
_PAIRS = (("A", "B"), ("0", "1"), ("false", "true"))
_WHAT = "observations are read from a variables.nc, a CSV file with a header, or lines 'A <- 1.23 4.56' of ATESA"


class ObservationError(SeparatrixError):
    """A file of observations cannot be used; the message names file, line and remedy."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Observations of the committor.

    Attributes
    ----------
    path, kind
        Where they are from; ``netCDF``, ``CSV`` or ``ATESA``.
    names, units
        Of the variables; a unit that the file does not tell is empty.
    values
        Shape (observations, variables), in these units.
    rates
        Time derivatives, same shape, per unit of time of the file (ps in ours); None unless asked for.
    outcome
        Shape (observations,): whether the product was reached.
    chain
        Chain of each observation; None where the file does not tell.
    reactant, product
        Names of the basins.
    left_out
        Observations that reached neither and are left out.
    """

    path: Path
    kind: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray
    rates: np.ndarray | None
    outcome: np.ndarray
    chain: tuple[str, ...] | None
    reactant: str
    product: str
    left_out: int = 0

    def normalised(self) -> Observations:
        """Every variable, and every rate, scaled by its own least and largest value to [0, 1], as ATESA does.

        What does not vary becomes 0. The scaled variables have no unit.
        """
        return replace(
            self,
            units=("",) * len(self.names),
            values=_scaled(self.values),
            rates=None if self.rates is None else _scaled(self.rates),
        )

    def dependence(self, how: str = "chain") -> Dependence:
        """How the observations may depend on one another.

        Consecutive observations of a chain with the same variables are of one shot: its two half-trajectories.

        Parameters
        ----------
        how
            ``chain``, ``none`` or a number, as :meth:`separatrix.statistics.blocks.Dependence.of` takes it.
        """
        return Dependence.of(self.chain, len(self.outcome), how, self.values)


def _scaled(values: np.ndarray) -> np.ndarray:
    width = np.ptp(values, axis=0)
    return (values - values.min(axis=0)) / np.where(width > 0.0, width, 1.0)


def _listed(items: Sequence[str], most: int = 8) -> str:
    """Names for a message, cut short."""
    shown = [item if len(item) <= 40 else item[:37] + "..." for item in items[:most]]
    return ", ".join(shown) + (", ..." if len(items) > most else "")


def _quoted(text: str) -> str:
    """What a file says, fit for a line of a message."""
    shown = text if len(text) <= 40 else text[:37] + "..."
    return ascii(shown)


def read(
    path: Path | str,
    *,
    rates: bool = False,
    ignore_rates: bool = False,
    halves: str = "both halves",
    outcome: str | None = None,
    product: str | None = None,
    reactant: str | None = None,
    skip: Sequence[str] = (),
) -> Observations:
    """Read observations.

    Parameters
    ----------
    path
        A file of one of the three kinds that the module describes.
    rates
        Also read the rates, for inertial likelihood maximisation.
    ignore_rates
        The second half of the columns of an ATESA file are rates, but leave them out. (The other kinds say by name
        what is a rate.)
    halves
        ``both halves`` or ``forward half``: which half-trajectories of a shot of a netCDF file are observations.
        The backward one starts with the velocities reversed, so its rates have the other sign.
    outcome
        Column of a CSV file with the outcomes.
    product, reactant
        Outcomes of a CSV file, other than A and B or 0 and 1. With both, other outcomes are left out and counted;
        with the product alone there must be two.
    skip
        Variables to leave out; what they hold does not matter.

    Raises
    ------
    ObservationError
        When the file cannot be used.
    """
    path = Path(path)
    if rates and ignore_rates:
        raise ObservationError(f"{path}: rates cannot be both used (inertial) and ignored; give one")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ObservationError(f"{path}: cannot be read ({error.strerror or error}); {_WHAT}") from error
    if content[:4] == b"\x89HDF" or content[:3] == b"CDF":
        kind = "netCDF"
    else:
        text = _decode(content, path)
        first = next((line for line in text.split("\n") if line.strip()), "")
        kind = "ATESA" if _ATESA.fullmatch(first) else "CSV"
    if kind != "CSV" and (outcome, product, reactant) != (None, None, None):
        raise ObservationError(f"{path}: an outcome column, a product or a reactant can only be named for a CSV file")
    if kind != "ATESA" and ignore_rates:
        raise ObservationError(f"{path}: only an ATESA file has rates that can be ignored; leave that option out")
    if kind == "netCDF":
        return _read_netcdf(path, rates, halves, skip)
    if kind == "ATESA":
        return _read_atesa(text, path, rates, ignore_rates, skip)
    return _read_csv(text, path, rates, OUTCOME if outcome is None else outcome, (reactant, product), skip)


def _unskipped(names: Sequence[str], skip: Sequence[str], path: Path) -> list[int]:
    """Places of the variables that are not skipped."""
    for name in skip:
        if name not in names:
            raise ObservationError(f"{path}: no variable {_quoted(name)} to skip; there are {_listed(names)}")
    columns = [k for k, name in enumerate(names) if name not in skip]
    if not columns:
        raise ObservationError(f"{path}: every variable is skipped; keep one at least")
    return columns


def _decode(content: bytes, path: Path) -> str:
    """Text of a file, lines ending in a line feed."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ObservationError(f"{path}, line {line}: not text (byte {content[error.start]:#04x}); {_WHAT}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ObservationError(f"{path}, line {line}: not text (a zero byte); {_WHAT}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Empty, so that the numbers of the other lines stay.
    text = "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))
    if not text.strip():
        raise ObservationError(f"{path}: empty; {_WHAT}")
    return text


def _number(token: str) -> float | None:
    """The number that a token is, or None."""
    try:
        value = float(token)
    except ValueError:
        return None
    # Python reads 1_000 as a number; in a file it is a slip.
    return value if abs(value) <= _LARGEST and "_" not in token else None


def _numbers(tokens: Sequence[str], where: Sequence[str], path: Path, line: int) -> list[float]:
    """The numbers of a line; `where` says for each token what it is, in words."""
    try:
        values = [float(token) for token in tokens]
        usable = all(abs(value) <= _LARGEST for value in values) and not any("_" in token for token in tokens)
    except ValueError:
        usable = False
    if usable:
        return values
    place, token = next((k, token) for k, token in enumerate(tokens) if _number(token) is None)
    what = "empty" if not token.strip() else f"{_quoted(token)}, not a number"
    if token.strip() and re.fullmatch(r"[+-]?(nan|inf|infinity|[\d.]+(e[+-]?\d+)?)", token.strip(), re.IGNORECASE):
        what = f"{_quoted(token)}, not a number up to {_LARGEST:g}"
    raise ObservationError(
        f"{path}, line {line}: {where[place]} is {what}; give a number like 1.23 or -4.5e-6, or leave the line out"
    )


# --- ATESA ------------------------------------------------------------------------------------------------------


def _read_atesa(text: str, path: Path, rates: bool, ignore_rates: bool, skip: Sequence[str]) -> Observations:
    rows: list[list[float]] = []
    outcome: list[bool] = []
    where: list[str] = []
    first = 0
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        match = _ATESA.fullmatch(content)
        if match is None or match[1] not in ("A", "B"):
            raise ObservationError(
                f"{path}, line {line}: {_quoted(content.strip())} does not start with 'A <- ' or 'B <- ', the basin "
                "reached and its arrow; leave out what reached neither"
            )
        tokens = match[2].split()
        if not rows:
            first, where = line, [f"value {k}" for k in range(1, len(tokens) + 1)]
            if not tokens:
                raise ObservationError(f"{path}, line {line}: no value after the arrow; write 'A <- 1.23 4.56'")
            if (rates or ignore_rates) and len(tokens) % 2:
                raise ObservationError(
                    f"{path}, line {line}: {len(tokens)} values cannot be as many variables as rates; "
                    "give a rate for every variable, or take the file as one without rates"
                )
        elif len(tokens) != len(where):
            raise ObservationError(
                f"{path}, line {line}: {len(tokens)} values where line {first} has {len(where)}; "
                "every line needs the same number"
            )
        rows.append(_numbers(tokens, where, path, line))
        outcome.append(match[1] == "B")
    values = np.array(rows)
    count = values.shape[1] // 2 if rates or ignore_rates else values.shape[1]
    names = [f"CV{k}" for k in range(1, count + 1)]
    columns = _unskipped(names, skip, path)
    return Observations(
        path=path,
        kind="ATESA",
        names=tuple(names[k] for k in columns),
        units=("",) * len(columns),
        values=np.ascontiguousarray(values[:, columns]),
        rates=np.ascontiguousarray(values[:, [count + k for k in columns]]) if rates else None,
        outcome=np.array(outcome),
        chain=None,
        reactant="A",
        product="B",
    )


# --- CSV --------------------------------------------------------------------------------------------------------


def _read_csv(
    text: str,
    path: Path,
    rates: bool,
    outcome: str,
    named: tuple[str | None, str | None],
    skip: Sequence[str],
) -> Observations:
    header, rows, lines = _csv_rows(text, path, outcome)
    if not rows:
        raise ObservationError(f"{path}: a header but no observation; add one line per observation")
    said = [row[header.index(outcome)].strip() for row in rows]
    went, use, basins = _csv_outcomes(said, lines[1:], path, *named)
    names = [name for name in header if name not in (outcome, CHAIN)]
    rate_columns = {rate_name(name) for name in names}
    names = [name for name in names if name not in rate_columns]
    if not names:
        raise ObservationError(f"{path}, line {lines[0]}: no column with a variable beside '{outcome}'; add one")
    names = [names[k] for k in _unskipped(names, skip, path)]
    if rates:
        lacking = [rate_name(name) for name in names if rate_name(name) not in header]
        if lacking:
            raise ObservationError(
                f"{path}, line {lines[0]}: no column {_listed(lacking)}; an inertial fit needs the rate of every "
                "variable, in a column '<name>_rate'"
            )

    def columns(wanted: Sequence[str]) -> np.ndarray:
        places, where = [header.index(name) for name in wanted], [f"column {_quoted(name)}" for name in wanted]
        return np.array(
            [_numbers([row[k] for k in places], where, path, line) for row, line in zip(rows, lines[1:], strict=True)]
        )

    values = columns(names)[use]
    speed = columns([rate_name(name) for name in names])[use] if rates else None
    chain = [row[header.index(CHAIN)].strip() for row in rows] if CHAIN in header else None
    return Observations(
        path=path,
        kind="CSV",
        names=tuple(names),
        units=("",) * len(names),
        values=values,
        rates=speed,
        outcome=went[use],
        chain=None if chain is None else tuple(label for label, used in zip(chain, use, strict=True) if used),
        reactant=basins[0],
        product=basins[1],
        left_out=int((~use).sum()),
    )


def _delimiter(text: str, outcome: str) -> str:
    """What parts the cells of the header such that one of them is the outcome; a comma if nothing does."""
    header = next(line for line in text.split("\n") if line.strip())
    for delimiter in ",;\t":
        if outcome in (cell.strip().strip('"') for cell in header.split(delimiter)) and delimiter in header:
            return delimiter
    return ","


def _csv_rows(text: str, path: Path, outcome: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows, and the line each of them ends on, the header's first."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text, outcome))
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            lines.append(reader.line_num)
            if not header:
                header = [cell.strip() for cell in row]
                _check_header(header, path, lines[0], outcome)
            elif len(row) != len(header):
                raise ObservationError(
                    f"{path}, line {lines[-1]}: {len(row)} cells where the header (line {lines[0]}) has "
                    f"{len(header)}; every line needs the same number"
                )
            else:
                rows.append(row)
    except csv.Error as error:
        raise ObservationError(
            f"{path}, line {reader.line_num}: not comma-separated text ({error}); {_WHAT}"
        ) from error
    return header, rows, lines


def _check_header(header: list[str], path: Path, line: int, outcome: str) -> None:
    """Refuse a header that lacks the outcome, a name, or names two columns alike."""
    if outcome not in header:
        if len(header) == 1:
            raise ObservationError(
                f"{path}, line {line}: not a header of columns parted by commas, semicolons or tabs; {_WHAT}"
            )
        raise ObservationError(
            f"{path}, line {line}: no column {_quoted(outcome)} among {_listed([_quoted(name) for name in header])}; "
            f"name the column of outcomes '{OUTCOME}', or say with --outcome which one it is"
        )
    for k, name in enumerate(header):
        if not name:
            raise ObservationError(f"{path}, line {line}: column {k + 1} has no name; name every column")
        if name in header[:k]:
            raise ObservationError(f"{path}, line {line}: two columns are named {_quoted(name)}; rename one")


def _plain_outcome(said: str) -> str:
    """An outcome as the pairs have it: pandas writes 1.0, spreadsheets TRUE."""
    if said.lower() in ("true", "false"):
        return said.lower()
    return {0.0: "0", 1.0: "1"}.get(_number(said), said)  # type: ignore[arg-type]


def _csv_outcomes(
    said: list[str], lines: list[int], path: Path, reactant: str | None, product: str | None
) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Whether each reached the product, whether it is to be used, and the names of the two basins."""
    distinct = list(dict.fromkeys(said))
    seen = _listed([_quoted(name) for name in distinct])
    if product is None:
        plain = [_plain_outcome(name) for name in said]
        pair = next((pair for pair in _PAIRS if set(plain) <= set(pair)), None)
        if pair is None:
            expected = next((pair for pair in _PAIRS if plain[0] in pair), _PAIRS[0])
            line, odd = next(
                (line, name) for line, name, is_ in zip(lines, said, plain, strict=True) if is_ not in expected
            )
            raise ObservationError(
                f"{path}, line {line}: outcome {_quoted(odd)}; outcomes are A and B, or 0 and 1, the second being "
                "the product; for other names say with --product which one it is"
            )
        if reactant is not None:
            raise ObservationError(f"{path}: --reactant alone leaves the product open; give --product")
        pair_names = pair if pair[0] == "A" else ("reactant (0)", "product (1)")
        return np.array([name == pair[1] for name in plain]), np.ones(len(said), dtype=bool), pair_names
    if product not in distinct:
        raise ObservationError(f"{path}: no outcome is {_quoted(product)}, the product; there are {seen}")
    others = [name for name in distinct if name != product]
    if reactant is None:
        if len(others) > 1:
            raise ObservationError(
                f"{path}: {len(distinct)} outcomes, {seen}; say with --reactant which one counts against "
                f"{_quoted(product)}, and the others are left out"
            )
        reactant = others[0] if others else "not the product"
    elif reactant == product or reactant not in others:
        raise ObservationError(f"{path}: no outcome is {_quoted(reactant)}, the reactant; there are {seen}")
    names = np.array(said)
    return names == product, (names == product) | (names == reactant), (reactant, product)


# --- netCDF -----------------------------------------------------------------------------------------------------


def _read_netcdf(path: Path, rates: bool, halves: str, skip: Sequence[str]) -> Observations:
    try:
        table = read_dataset(path)
    except StoreError as error:
        raise ObservationError(str(error)) from error
    needed = ["variable", "value", "chain", "forward"] + (["rate"] if rates else [])
    if halves == "both halves":
        needed.append("backward")
    lacking = [name for name in needed if name not in table.variables]
    lacking += [name for name in ("reactant", "product") if name not in table.attrs]
    if "value" in lacking and "positions" in table.variables:
        raise ObservationError(
            f"{path}: positions, but no variables; give the variables.nc of the same method, which the workflow's rule "
            "`variables` makes from the shots"
        )
    if lacking:
        raise ObservationError(
            f"{path}: no {_listed(lacking)} in it; give the variables.nc of a run of this version of Separatrix"
        )
    try:
        return from_table(table, path, rates, halves, skip)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        why = " ".join(str(error).split())
        raise ObservationError(f"{path}: not a variables.nc ({why}); give that of a run of Separatrix") from error


def from_table(
    table: xr.Dataset, path: Path, rates: bool = False, halves: str = "both halves", skip: Sequence[str] = ()
) -> Observations:
    """Observations of a table of variables at shooting points.

    Parameters
    ----------
    table
        ``variables.nc``.
    path
        Its file, for messages.
    rates, halves, skip
        As in :func:`read`.

    Raises
    ------
    ObservationError
        When no half-trajectory reached a basin of the reaction, or a value is not a number.
    """
    columns = _unskipped([str(name) for name in table["variable"].values], skip, path)
    table = table.isel(variable=columns)
    names = tuple(str(name) for name in table["variable"].values)
    reactant, product = str(table.attrs["reactant"]), str(table.attrs["product"])
    row, went, left_out = committor_observations(table, halves)
    if not row.size:
        raise ObservationError(f"{path}: no half-trajectory reached {reactant} or {product}; run more shots per chain")
    values = table["value"].transpose("shot", "variable").values[row].astype(float)
    speed = committor_rates(table, halves) if rates else None
    for what, array in (("value", values), ("rate", speed)):
        broken = (
            [] if array is None else [n for n, bad in zip(names, ~np.isfinite(array).all(axis=0), strict=True) if bad]
        )
        if broken:
            raise ObservationError(
                f"{path}: the {what} of {_listed(broken)} is not a number everywhere; skip that variable"
            )
    units = [str(unit) for unit in table["unit"].values] if "unit" in table.variables else [""] * len(names)
    return Observations(
        path=path,
        kind="netCDF",
        names=names,
        units=tuple(units),
        values=values,
        rates=speed,
        outcome=went,
        chain=tuple(str(label) for label in table["chain"].values[row]),
        reactant=reactant,
        product=product,
        left_out=left_out,
    )
