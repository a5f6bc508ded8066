"""Measured activation energies and prefactors that a system file names."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from separatrix.core.errors import StoreError

_COLUMNS = ["quantity", "from", "to", "value", "error", "unit", "lowest_K", "highest_K", "conditions", "source"]
_NUMBERS = ("value", "error", "lowest_K", "highest_K")


def read_literature(file: Path | str) -> pd.DataFrame:
    """Literature values of a system.

    Parameters
    ----------
    file
        CSV with the columns quantity (``activation energy`` in kJ/mol or ``prefactor`` in 1/s), from, to (basins),
        value, error, unit, lowest_K, highest_K, conditions, source.

    Raises
    ------
    StoreError
        When the file cannot be read, a column is missing, a unit is not the one above, or a number is none or cannot
        be.
    """
    try:
        # As text: a basin may be called 1, or NA, and a word in place of a number is to be named as it is.
        frame = pd.read_csv(file, dtype=str, keep_default_na=False).fillna("")
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: not readable as CSV ({' '.join(str(error).split())})") from error
    missing = [c for c in _COLUMNS if c not in frame]
    if missing:
        raise StoreError(f"{file}: column {missing[0]!r} is missing; there must be {', '.join(_COLUMNS)}")
    units = {"activation energy": "kJ/mol", "prefactor": "1/s"}
    for row in frame.to_dict("records"):
        if units.get(row["quantity"]) != row["unit"]:
            raise StoreError(
                f"{file}: {row['quantity']!r} in {row['unit']!r}; give activation energy in kJ/mol or prefactor in 1/s"
            )
    for column in _NUMBERS:
        frame[column] = [_number_of(file, i, column, text) for i, text in enumerate(frame[column], start=1)]
    for i, row in enumerate(frame.to_dict("records"), start=1):
        for column, good, remedy in (
            ("value", row["value"] > 0.0 or row["quantity"] != "prefactor", "a prefactor is more than 0"),
            ("error", row["error"] >= 0.0, "give a standard error, 0 or more"),
            ("lowest_K", row["lowest_K"] > 0.0, "give a temperature above 0 K"),
            ("highest_K", row["highest_K"] >= row["lowest_K"], f"give at least lowest_K, {row['lowest_K']:g}"),
        ):
            if not good:
                raise StoreError(f"{file}: row {i}, column {column}: {row[column]:g} cannot be; {remedy}")
    return frame


def _number_of(file: Path | str, row: int, column: str, text: str) -> float:
    """A number of a table; rows count from 1 below the head."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise StoreError(f"{file}: row {row}, column {column}: {text!r} is not a finite number; give one")
    return number
