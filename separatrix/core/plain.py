"""Results as plain data: what JSON can hold, and a way for a dataclass to become it."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import fields
from typing import Any

import numpy as np


def json_safe(value: Any) -> Any:
    """Turn numpy scalars, arrays and containers of them into JSON types; NaN and infinities become None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return json_safe(value.tolist())
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else None
    return value


def one_line(message: BaseException | str, limit: int = 400) -> str:
    """Text, or what an error says, as one line: no newlines, no control or direction characters, not too long.

    An error is named by its kind, unless it is one of this project, whose messages stand by themselves; so a reason is
    never empty.
    """
    try:
        text = str(message)
    except Exception:  # even to say what is wrong may go wrong
        text = ""
    if isinstance(message, BaseException) and type(message).__module__ != "separatrix.core.errors":
        text = f"{type(message).__name__}: {text}" if text.strip() else type(message).__name__
    # Categories C: controls, directions and surrogates, which no terminal or file should get.
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * limit])
    line = " ".join(clean.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


class Plain:
    """Base of dataclasses whose fields are all numbers, words, arrays or containers of these."""

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types; NaN and infinities become None."""
        return {field.name: json_safe(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]
