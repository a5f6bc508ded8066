"""A method's results, read from its files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from separatrix.coordinate import reaction_coordinate
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.coordinate.shot_observations import committor_observations
from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset, read_json
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.results.path_files import split_paths
from separatrix.results.stationary_files import read_stationary

OUTCOMES = ("accepted", "same basin", "path length", "label off path", "no basin", "failed", "off path")
"""What can become of a move, as in :class:`separatrix.results.moves.Move`."""


STAGES = ("minimum", "saddle_search", "variables", "coordinate", "restrained", "draw", "committor_shots", "committor")
"""Rules that Snakemake times, in their order; first paths and sampling keep a record of their own."""


@dataclass(frozen=True, eq=False)
class ChainData:
    """Moves and paths of one chain.

    Attributes
    ----------
    number
        Of the chain.
    frame
        Time between frames in fs.
    outcome, forward
        Of each move, shape (n_moves,): one of :data:`OUTCOMES`; the basin that the forward half reached.
    backward
        The basin that the backward half reached, ``none`` or ``failed``; empty where nothing was run.
    burn_in
        Whether each move belongs to the burn-in, shape (n_moves,).
    points
        Shooting points, nm, shape (n_moves, n_atoms, 3); NaN where nothing was run.
    made_by
        Move that made each path, shape (n_paths,); -1 for the initial path.
    multiplicity
        Weight of each path, shape (n_paths,): moves after which it was the present one.
    mechanism
        Of each path, shape (n_paths,).
    tracks
        Positions along each path, nm, each of shape (n_frames, n_atoms, 3).
    cost
        Content of ``cost.json``: what all moves have cost, burn-in included.
    first_path_cost
        ``evaluations`` and ``core_seconds`` of the first path; empty when they are not on record.
    start, wanted
        Geometry that the first path was shot from, and the one that the config asks for.
    shift
        Distance of neighbouring shooting-point candidates in each move, frames, shape (n_moves,).
    """

    number: int
    frame: float
    outcome: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    burn_in: np.ndarray
    points: np.ndarray
    made_by: np.ndarray
    multiplicity: np.ndarray
    mechanism: np.ndarray
    tracks: tuple[np.ndarray, ...]
    cost: Mapping[str, float]
    first_path_cost: Mapping[str, float]
    start: str
    wanted: str
    shift: np.ndarray

    @property
    def shots(self) -> np.ndarray:
        """Whether halves were run in each move and it came after the burn-in, shape (n_moves,)."""
        return (self.outcome != "off path") & ~self.burn_in

    @property
    def burn_in_shots(self) -> int:
        """Shots of the burn-in."""
        return int(((self.outcome != "off path") & self.burn_in).sum())

    @property
    def accepted(self) -> np.ndarray:
        """1.0 for an accepted shot, 0.0 for a refused one, after the burn-in, shape (n_shots,)."""
        return (self.outcome[self.shots] == "accepted").astype(float)

    @property
    def sampled(self) -> np.ndarray:
        """Whether each path was drawn by the chain (the initial one was not) and has weight, shape (n_paths,)."""
        return (self.made_by >= 0) & (self.multiplicity > 0)

    @property
    def duration(self) -> np.ndarray:
        """Length of each path in fs, shape (n_paths,)."""
        return np.array([(len(t) - 1) * self.frame for t in self.tracks])

    def series(self, of_path: np.ndarray) -> np.ndarray:
        """A property of the paths as a series over the moves; the initial path is left out."""
        return np.repeat(of_path[self.sampled], self.multiplicity[self.sampled])


@dataclass(frozen=True, eq=False)
class MethodData:
    """All that one method has given.

    Attributes
    ----------
    name, label, source
        Key and label in the config; the engine's description of itself.
    minima, saddle
        Stationary points; `minima` by basin.
    chains
        Aimless-shooting chains.
    assessments
        Content of ``rounds/N.json``: the judgement after each round, in order; the last one ended the sampling.
    fit
        Content of ``coordinate.json``.
    q, to_product
        Variables of the coordinate at the observations that were fitted to, shape (n, k), and whether the half went
        to the product, shape (n,).
    committor
        Content of ``committor.json``.
    seconds
        Wall time of each job of :data:`STAGES`; None for a job whose record is missing.
    reaction
        The fitted coordinate, to be evaluated on frames.
    """

    name: str
    label: str
    source: str
    minima: Mapping[str, StationaryPoint]
    saddle: StationaryPoint
    chains: tuple[ChainData, ...]
    assessments: tuple[Mapping[str, Any], ...]
    fit: Mapping[str, Any]
    q: np.ndarray
    to_product: np.ndarray
    committor: Mapping[str, Any]
    seconds: Mapping[str, Sequence[float | None]]
    reaction: ReactionCoordinate | None = None

    @property
    def coordinate(self) -> Coordinate:
        """The fitted reaction coordinate."""
        return Coordinate.from_dict(self.fit["coordinate"])


def read_chain(folder: Path | str) -> ChainData:
    """One chain from the files in its folder."""
    folder = Path(folder)
    table, ways = read_dataset(folder / "shots.nc"), read_dataset(folder / "paths.nc")
    first = read_dataset(folder / "first_path.nc").attrs
    return ChainData(
        number=int(table.chain.values[0]),
        frame=float(table.attrs["frame_fs"]),
        outcome=table.outcome.values.astype(str),
        forward=table.forward.values.astype(str),
        backward=table.backward.values.astype(str),
        burn_in=table.burn_in.values == 1,
        points=table.positions.values,
        made_by=ways.move.values,
        multiplicity=ways.multiplicity.values,
        mechanism=ways.mechanism.values.astype(str),
        tracks=tuple(track[0] for track in split_paths(ways)),
        cost=read_json(folder / "cost.json"),
        first_path_cost={key: float(first[key]) for key in ("evaluations", "core_seconds") if key in first},
        start=str(first["start"]),
        wanted=str(first.get("wanted", first["start"])),
        shift=table["shift"].values,
    )


def read_assessments(folder: Path | str) -> tuple[dict[str, Any], ...]:
    """Assessments of a method up to the one that says stop; those of a longer run, made before, may lie behind it."""
    assessments: list[dict[str, Any]] = []
    while not assessments or not assessments[-1]["stop"]:
        assessments.append(read_json(Path(folder) / "rounds" / f"{len(assessments) + 1}.json"))
    return tuple(assessments)


def read_method(
    folder: Path | str,
    name: str,
    label: str,
    *,
    surface: Path | str,
    basins: Sequence[str],
    chains: int,
    draws: Sequence[str],
    batches: int,
    restrained: bool = False,
    guesses: int = 0,
) -> MethodData:
    """All files of one method's folder.

    Parameters
    ----------
    folder
        Of the method, in the results directory.
    name, label
        The method's key and label.
    surface
        Folder of the method that it has its stationary points from.
    basins
        Names of the basins.
    chains, batches
        Numbers of chains, and of batches of each set of committor shots.
    draws
        Names of these sets.
    restrained
        Whether an ensemble was held at the separatrix.
    guesses
        Number of saddle guesses.

    Raises
    ------
    StoreError
        When a file is missing or damaged. A missing benchmark is no error.
    """
    folder, surface = Path(folder), Path(surface)
    own = {"restrained": restrained, "minimum": surface == folder, "saddle_search": surface == folder}
    fit = read_json(folder / "coordinate.json")
    table = read_dataset(folder / "variables.nc")
    row, to_product, _ = committor_observations(table, fit["observations"])
    variables = [str(v) for v in table.variable.values]
    try:
        columns = [variables.index(n) for n in fit["coordinate"]["names"]]
    except ValueError as error:
        raise StoreError(f"{folder}: coordinate.json does not belong to variables.nc; run again") from error
    suffixes: dict[str, Iterable[Any]] = {
        "minimum": basins,
        "saddle_search": range(1, 1 + guesses),
        "draw": draws,
        "committor_shots": [f"{draw}_{batch}" for draw in draws for batch in range(batches)],
    }
    return MethodData(
        name=name,
        label=label,
        source=table.attrs["source"],
        minima={b: read_stationary(surface / f"minimum_{b}.nc") for b in basins},
        saddle=read_stationary(surface / "saddle.nc"),
        chains=tuple(read_chain(folder / f"chain_{k}") for k in range(1, chains + 1)),
        assessments=read_assessments(folder),
        fit=fit,
        q=table.value.values[row][:, columns],
        to_product=to_product,
        committor=read_json(folder / "committor.json"),
        seconds={
            stage: [
                seconds_of(folder / "benchmarks" / f"{stage}{end}.tsv")
                for end in ([f"_{s}" for s in suffixes[stage]] if stage in suffixes else [""])
            ]
            for stage in STAGES
            if own.get(stage, True)
        },
        reaction=reaction_coordinate.from_results(fit),
    )


def seconds_of(path: Path) -> float | None:
    """Wall time in a benchmark file of Snakemake, or None."""
    try:
        value = pd.to_numeric(pd.read_csv(path, sep="\t")["s"], errors="coerce").mean()
    except (OSError, KeyError, ValueError):
        return None
    return float(value) if math.isfinite(value) else None
