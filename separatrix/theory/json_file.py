"""JSON of a user, as plain data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from separatrix.core.errors import ConfigError
from separatrix.core.text import shown


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in JSON, of which a key that is given twice is refused: the last one would count silently."""
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise ValueError(f"key {shown(key)} is given a second time")
        unique[key] = value
    return unique


def read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not a text file'})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid JSON: {str(error)[:100]}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no mapping of keys to values")
    return data
