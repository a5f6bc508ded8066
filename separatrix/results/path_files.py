"""Files of a chain: the table of its shots and its reactive paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.core.files import read_dataset, write_dataset
from separatrix.results.moves import Move
from separatrix.results.stationary_files import symbol_variable

_TEXT = ("outcome", "forward", "backward", "reason", "mechanism")
_COUNTS = ("forward_frames", "backward_frames", "old_frames", "label", "shift", "evaluations", "steps")

_MEANING = {
    "outcome": "accepted; refused: same basin, path length, label off path; no outcome: no basin, failed; nothing "
    "run: off path",
    "forward": "basin reached by the forward half, or none, or failed",
    "backward": "basin reached by the backward half, or none, or failed",
    "reason": "why a half failed",
    "mechanism": "of the trial path, where it joins two basins",
    "forward_frames": "length of the forward half, shooting point included",
    "backward_frames": "length of the backward half, shooting point included",
    "old_frames": "length of the path before the move",
    "label": "label frame after the move",
    "shift": "frames between neighbouring candidates",
    "evaluations": "force evaluations spent",
    "steps": "integration steps spent",
}


def write_shots(
    moves: Sequence[Move],
    symbols: Sequence[str],
    path: Path | str,
    *,
    chain: int,
    number: int,
    burn_in: Sequence[bool],
    frame: float,
    source: str,
    place: tuple[int, tuple[str | int, ...]],
) -> None:
    """Write the shots table of a chain's round: one row per attempted move, in order.

    Parameters
    ----------
    moves
        All moves of the round.
    symbols
        Element symbols.
    chain
        Number of the chain.
    number
        Number of the round, from 1.
    burn_in
        Whether each move belongs to the burn-in, which statistics leave out.
    frame
        Time between frames, fs.
    source
        Level of theory.
    place
        Root seed and the words that name the chain; with a move's number they give its random stream
        (:func:`separatrix.core.seeds.stream`).
    """
    blank = np.full((len(symbols), 3), np.nan)
    variables: dict[str, Any] = {
        "symbol": symbol_variable(symbols),
        "chain": ("shot", np.full(len(moves), chain)),
        "round": ("shot", np.full(len(moves), number)),
        "burn_in": ("shot", np.array(burn_in, dtype="i1"), {"comment": "left out of statistics"}),
        "move": ("shot", np.array([m.index for m in moves], dtype=int)),
        "accepted": ("shot", np.array([m.accepted for m in moves], dtype="i1")),
        "is_shot": ("shot", np.array([m.is_shot for m in moves], dtype="i1"), {"comment": "halves were run"}),
        "positions": (
            ("shot", "atom", "xyz"),
            np.array([blank if m.positions is None else m.positions for m in moves]).reshape(-1, *blank.shape),
            {"units": "nm", "comment": "at the shooting point"},
        ),
        "velocities": (
            ("shot", "atom", "xyz"),
            np.array([blank if m.velocities is None else m.velocities for m in moves]).reshape(-1, *blank.shape),
            {"units": "nm ps-1", "comment": "at the shooting point"},
        ),
    }
    for key in _TEXT:
        values = np.array([getattr(m, key) for m in moves], dtype=object)
        variables[key] = ("shot", values, {"comment": _MEANING[key]})
    for key in _COUNTS:
        variables[key] = (
            "shot",
            np.array([getattr(m, key) for m in moves], dtype=int),
            {"comment": _MEANING[key]},
        )
    seed, labels = place
    stream = " ".join([*(str(w) for w in labels), "move N"])
    data = xr.Dataset(variables, attrs={"frame_fs": frame, "seed": seed, "random_stream": stream})
    write_dataset(data, path, title=f"aimless-shooting moves of chain {chain}", source=source)


def write_paths(
    paths: Sequence[np.ndarray],
    symbols: Sequence[str],
    target: Path | str,
    *,
    moves: Sequence[int],
    labels: Sequence[int],
    multiplicity: Sequence[int],
    mechanisms: Sequence[str],
    chain: int,
    frame: float,
    source: str,
    start: str,
    wanted: str | None = None,
    cost: Mapping[str, float] | None = None,
) -> None:
    """Write reactive paths one after another (CF's contiguous ragged array).

    Parameters
    ----------
    paths
        Each of shape (2, n_frames, n_atoms, 3): positions in nm and velocities in nm/ps.
    moves
        Move that made each path; -1 for the initial one.
    labels
        Label frame of each path when it was made.
    multiplicity
        For how many moves, burn-in left out, each path was the chain's present path: its weight in averages.
    mechanisms
        Mechanism of each path.
    chain
        Number of the chain.
    frame
        Time between frames, fs.
    source
        Level of theory.
    start
        Geometry that the chain's first path was shot from.
    wanted
        The one that was asked for, where no path was found from it; None: not on record.
    cost
        Attributes that say what the paths have cost.
    """
    every = np.concatenate(paths, axis=1)
    data = xr.Dataset(
        {
            "symbol": symbol_variable(symbols),
            "n_frames": ("path", [p.shape[1] for p in paths], {"sample_dimension": "frame"}),
            "move": ("path", list(moves), {"comment": "move that made the path; -1: the initial path"}),
            "label": ("path", list(labels)),
            "multiplicity": ("path", list(multiplicity), {"comment": "weight of the path in averages"}),
            "mechanism": ("path", np.array(mechanisms, dtype=object)),
            "chain": ("path", np.full(len(paths), chain)),
            "positions": (("frame", "atom", "xyz"), every[0], {"units": "nm"}),
            "velocities": (("frame", "atom", "xyz"), every[1], {"units": "nm ps-1"}),
        },
        attrs={"frame_fs": frame, "start": start, **({} if wanted is None else {"wanted": wanted}), **(cost or {})},
    )
    write_dataset(data, target, title=f"reactive paths of chain {chain}", source=source)


def split_paths(data: xr.Dataset) -> list[np.ndarray]:
    """Paths of a file written by :func:`write_paths`, each of shape (2, n_frames, n_atoms, 3)."""
    stops = np.cumsum(data.n_frames.values)
    both = np.array([data.positions.values, data.velocities.values])
    return [both[:, stop - n : stop] for stop, n in zip(stops, data.n_frames.values, strict=True)]


def join_shots(sources: Sequence[Path | str], target: Path | str) -> None:
    """Put the shots tables of a chain's rounds, in order, into one."""
    tables = [read_dataset(f) for f in sources]
    data = xr.concat(tables, dim="shot", data_vars="minimal", combine_attrs="override")
    write_dataset(data, target, title=tables[0].attrs["title"], source=tables[0].attrs["source"])


def join_paths(sources: Sequence[Path | str], target: Path | str) -> None:
    """Put the paths of a chain's rounds, in order, into one file.

    A round begins with the path that the round before ended with; it is written once, its counts added up.
    """
    tables = [read_dataset(f) for f in sources]
    counts: list[int] = []
    of_frames, of_paths = [], []
    for table in tables:
        multiplicity = table.multiplicity.values.tolist()
        if counts:
            counts[-1] += multiplicity.pop(0)
            table = table.isel(path=slice(1, None), frame=slice(int(table.n_frames[0]), None))
        counts += multiplicity
        of_frames.append(table.drop_dims("path"))
        of_paths.append(table.drop_dims(["frame", "atom"]))
    frames = xr.concat(of_frames, dim="frame", data_vars="minimal", combine_attrs="override")
    paths = xr.concat(of_paths, dim="path", data_vars="minimal", combine_attrs="override")
    data = xr.merge([frames, paths], combine_attrs="override")
    data["multiplicity"] = ("path", np.array(counts), data.multiplicity.attrs)
    write_dataset(data, target, title=tables[0].attrs["title"], source=tables[0].attrs["source"])
