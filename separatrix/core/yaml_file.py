"""Reading of YAML files that a user wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from separatrix.core import user_data
from separatrix.core.errors import ConfigError


def read_yaml(path: Path | str) -> dict[str, Any]:
    """A YAML mapping.

    Raises
    ------
    ConfigError
        When the file is missing, is not YAML, repeats a key, or does not hold a mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8; save it as UTF-8"
        raise ConfigError(f"{path}: cannot be read ({why})") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    try:
        data = user_data.parse(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ConfigError(f"{path}: line {line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds no mapping of keys to values")
    return data
