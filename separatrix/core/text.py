"""Text that a user wrote, on its way to a person: shown as it is, on one line, and never acted upon."""

from __future__ import annotations

import difflib
import reprlib
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode that cannot be seen, move the cursor, or turn the direction of writing."""

FORMULA = ("=", "+", "-", "@")
"""Beginnings of a cell that spreadsheets take for a formula."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxdict = 4
_short.maxlevel = 3
_short.maxlong = 40


def is_file(path: Path | str) -> bool:
    """Whether a path that a user wrote is that of a file; a name that no file can have is not."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long, a loop of links, a folder that may not be entered
        return False


def shown(value: Any) -> str:
    """A value as Python writes it, cut to the length of a message; cheap, however much the value holds."""
    if isinstance(value, int) and value.bit_length() > 1000:  # Python refuses to write much longer ones
        return f"a number of about {value.bit_length() * 3 // 10} digits"
    return one_line(_short.repr(value))


def hidden(text: str) -> list[str]:
    """Characters of a text that cannot be seen or that change how others are shown, each once."""
    return [c for c in dict.fromkeys(text) if not c.isprintable() and unicodedata.category(c) in _HIDDEN]


def one_line(text: str) -> str:
    """A text with what is no printed character written as codes, so that it stays on its line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """A text for a cell of a CSV file; what a spreadsheet would take for a formula is preceded by an apostrophe."""
    return f"'{text}" if text.startswith((*FORMULA, "\t", "\r")) else text


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with its texts as :func:`cell` gives them; numbers are as they are."""
    return frame.map(lambda value: cell(value) if isinstance(value, str) else value)


def near(word: str, choices: Iterable[str]) -> str:
    """A question that names the known word nearest to a word, as the end of an error; empty if none is near."""
    close = difflib.get_close_matches(word[:100], list(choices), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str], most: int = 30) -> str:
    """Names with commas between them, the first `most` of them."""
    names = list(names)
    return ", ".join(names[:most]) + (f", ... {len(names)} in all" if len(names) > most else "")
