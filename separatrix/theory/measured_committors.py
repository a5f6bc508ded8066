"""Committors measured by shooting, from a table or from a run, to be compared with theory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from separatrix.core.errors import ConfigError
from separatrix.theory.json_file import read_json
from separatrix.theory.numbers import Numbers


@dataclass(frozen=True)
class MeasuredCommittors:
    """Committors measured by shooting: k of n committed shots from each point went to B.

    Attributes
    ----------
    points
        Shape (m, 2).
    k, n
        Shape (m,).
    """

    points: np.ndarray
    k: np.ndarray
    n: np.ndarray


def read_measured(path: Path | str, scale: Numbers = (1.0, 1.0)) -> MeasuredCommittors:
    """MeasuredCommittors committors, from a CSV with columns x, y, k and n, or from the ``committor.json`` of a run.

    Parameters
    ----------
    path
        The file. A run's has the two variables if its config names them under ``committor.map``.
    scale
        Factors from the file's units of x and y to those of the surface.

    Raises
    ------
    ConfigError
        When a column is missing or a count is no count.
    """
    path = Path(path)
    numbers = _of_run(path) if path.suffix.lower() == ".json" else _of_csv(path)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise ConfigError(f"{path}: columns x, y, k and n must hold numbers, one line at least")
    k, n = numbers[:, 2], numbers[:, 3]
    if (k != np.rint(k)).any() or (n != np.rint(n)).any() or (k < 0).any() or (k > n).any() or (n < 1).any():
        raise ConfigError(f"{path}: k and n must be whole numbers with 0 <= k <= n and n >= 1")
    return MeasuredCommittors(numbers[:, :2] * np.asarray(scale), k.astype(int), n.astype(int))


def _of_run(path: Path) -> np.ndarray:
    """x, y, k and n of every configuration of a run that shots were committed from."""
    try:
        entries = [c for draw in read_json(path)["draws"].values() for c in draw["configurations"]]
        rows = [(*c["at"], c["to_product"], c["to_product"] + c["to_reactant"]) for c in entries if "at" in c]
        measured = np.array([row for row in rows if row[3] > 0], dtype=float)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: is no committor.json of a run") from error
    if measured.ndim != 2 or measured.shape[1] != 4:
        raise ConfigError(f"{path}: holds no two variables; name them in its config (committor.map.variables)")
    return measured


def _of_csv(path: Path) -> np.ndarray:
    """x, y, k and n of every line."""
    try:
        table = pd.read_csv(path, skipinitialspace=True, comment="#")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read as CSV ({' '.join(str(error).split())[:120]})") from error
    for column in ("x", "y", "k", "n"):
        if column not in table.columns:
            raise ConfigError(f"{path}: column {column!r} is not there; give x, y, k and n")
    return table[["x", "y", "k", "n"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
