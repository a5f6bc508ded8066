"""Committor counts made elsewhere: a CSV of successes and trials, or ATESA's committor_analysis.out."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from separatrix.core.errors import StoreError
from separatrix.core.text import one_line

MOST = 1_000_000
"""Shots of one configuration; tables of probabilities are as long as the largest."""

_RATIO = re.compile(r"([0-9]+)\s*/\s*([0-9]+)")
_WHOLE = re.compile(r"[0-9]+(\.0*)?")


def read_shots(path: Path | str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Successes, trials and uncommitted shots of each configuration.

    Parameters
    ----------
    path
        Either a CSV with columns ``k`` and ``n`` (with a header that names them, in any order and among others, or two
        columns without a header), or lines ``k/n`` after at most one line of words, as ATESA writes them. Empty lines
        and lines that begin with # are passed over. A column ``uncommitted`` may say how many shots reached no basin.

    Returns
    -------
    Shots that went forward, shots that committed at all, and shots that did not (0 where nothing is said of them), each
    of shape (n_configurations,).

    Raises
    ------
    StoreError
        When the file is missing or a line cannot be read; the message names file and line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not a text file'})") from error
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1)]
    lines = [(i, line) for i, line in lines if line and not line.startswith("#")]
    if not lines:
        raise StoreError(f"{path}: is empty; give lines such as 9/18, or a CSV with columns k and n")
    ratios = any(_RATIO.fullmatch(line) for _, line in lines[:2])
    pairs = _ratios(path, lines) if ratios else _columns(path, lines)
    if not pairs:
        raise StoreError(f"{path}: holds a header and no counts")
    for i, k, n, lost in pairs:
        if max(n, lost) > MOST:
            raise StoreError(
                f"{path}: line {i}: {max(n, lost)} shots; at most {MOST} of one configuration can be worked with"
            )
        if k > n:
            raise StoreError(f"{path}: line {i}: {k} of {n} shots went forward; there cannot be more than all")
    k, n, lost = np.array([counts for _, *counts in pairs]).T
    return k, n, lost


def _ratios(path: Path, lines: list[tuple[int, str]]) -> list[tuple[int, int, int, int]]:
    ratios = []
    for position, (i, line) in enumerate(lines):
        match = _RATIO.fullmatch(line)
        if match is None:
            if position == 0 and not line[0].isdigit():
                continue  # the header
            raise StoreError(f"{path}: line {i}: {line[:40]!r} is no count; give forward/committed, such as 9/18")
        ratios.append((i, _count(path, i, match[1]), _count(path, i, match[2]), 0))
    return ratios


def _count(path: Path, line: int, cell: str) -> int:
    """A whole number of a length that can be one."""
    if len(digits := cell.partition(".")[0].lstrip("0")) > 15:
        raise StoreError(f"{path}: line {line}: a count of {len(digits)} digits; give at most {MOST}")
    return int(digits or "0")


def _columns(path: Path, lines: list[tuple[int, str]]) -> list[tuple[int, int, int, int]]:
    separator = next((s for s in (",", ";", "\t") if s in lines[0][1]), None)
    rows = []
    for i, line in lines:
        try:
            rows.append((i, next(csv.reader([line], delimiter=separator)) if separator else line.split()))
        except csv.Error as error:
            raise StoreError(f"{path}: line {i}: cannot be taken apart ({error})") from error
    rows = [(i, [cell.strip() for cell in row]) for i, row in rows]
    header = [cell.lower() for cell in rows[0][1]]
    if any(_WHOLE.fullmatch(cell) for cell in header):
        at = [0, 1]
    else:
        if not {"k", "n"} <= set(header):
            raise StoreError(
                f"{path}: line {rows[0][0]}: columns {one_line(', '.join(header)[:60])}; there must be k and n"
            )
        at = [header.index(name) for name in ("k", "n", "uncommitted") if name in header]
        rows = rows[1:]
    columns = []
    for i, row in rows:
        if len(row) <= max(at):
            raise StoreError(f"{path}: line {i}: {len(row)} columns, at least {max(at) + 1} are needed")
        for cell in (row[k] for k in at):
            if not _WHOLE.fullmatch(cell):
                raise StoreError(f"{path}: line {i}: {cell[:40]!r} is not a count; give whole numbers, zero or more")
        counts = [_count(path, i, row[k]) for k in at]
        first, second, third = [*counts, *[0] * (3 - len(counts))]
        columns.append((i, first, second, third))
    return columns
