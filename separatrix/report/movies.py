"""Reactive paths as movies: one of median length for each method and mechanism, with the coordinates along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from separatrix.config.system import System
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core import molecule
from separatrix.core.files import read_dataset
from separatrix.core.plain import Plain
from separatrix.core.units import ANGSTROM
from separatrix.cvs.states import basin_of
from separatrix.results.path_files import split_paths

FloatArray = NDArray[np.float64]

#: Most frames of a movie; longer paths are thinned.
MOST_FRAMES = 150


@dataclass(frozen=True)
class Movie(Plain):
    """A path for the viewer.

    Attributes
    ----------
    label, mechanism
        Of the method, and of the path.
    chain, move
        That made it.
    share
        Weight of the mechanism among the method's sampled paths.
    time
        fs, of each frame.
    xyz
        All frames in the XYZ format, angstrom.
    tracks
        Name with unit -> values at each frame: the system's coordinates, r, and the predicted committor.
    """

    label: str
    mechanism: str
    chain: int
    move: int
    share: float
    time: tuple[float, ...]
    xyz: str
    tracks: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class _Path:
    chain: int
    move: int
    mechanism: str
    weight: int
    positions: FloatArray


def _sampled(files: Sequence[Path | str]) -> tuple[list[_Path], float]:
    """Paths with weight, the chains' initial ones left out, and the time between frames."""
    paths: list[_Path] = []
    frame = 0.0
    for file in files:
        data = read_dataset(file)
        frame = float(data.attrs["frame_fs"])
        for path, chain, move, mechanism, weight in zip(
            split_paths(data),
            data.chain.values,
            data.move.values,
            data.mechanism.values,
            data.multiplicity.values,
            strict=True,
        ):
            if move >= 0 and weight > 0:
                paths.append(_Path(int(chain), int(move), str(mechanism), int(weight), path[0]))
    return paths, frame


def superposed(frames: FloatArray, masses: FloatArray) -> FloatArray:
    """Frames turned and shifted onto the first one, by masses.

    Parameters
    ----------
    frames
        Shape (n_frames, n_atoms, 3).
    masses
        Shape (n_atoms,).
    """
    centred = frames - np.average(frames, axis=1, weights=masses)[:, None, :]
    return np.array([molecule.superposed(x, centred[0], masses) for x in centred])


def xyz(frames: FloatArray, symbols: Sequence[str]) -> str:
    """Frames in the XYZ format, nm to angstrom."""
    lines = []
    for i, frame in enumerate(frames / ANGSTROM):
        lines += [str(len(symbols)), f"frame {i}"]
        lines += [f"{s} {x:.3f} {y:.3f} {z:.3f}" for s, (x, y, z) in zip(symbols, frame, strict=True)]
    return "\n".join(lines) + "\n"


def of_method(
    label: str, files: Sequence[Path | str], system: System, reaction: ReactionCoordinate | None
) -> list[Movie]:
    """A movie for each mechanism that was sampled, the commonest first.

    Parameters
    ----------
    label
        Of the method.
    files
        ``paths.nc`` of its chains.
    system
        Molecule, basins, named coordinates.
    reaction
        Its reaction coordinate, if there is one.
    """
    paths, step = _sampled(files)
    total = sum(p.weight for p in paths)
    movies = []
    for mechanism in {p.mechanism: None for p in paths}:
        of_mechanism = sorted(
            (p for p in paths if p.mechanism == mechanism), key=lambda p: (len(p.positions), p.chain, p.move)
        )
        reached = np.cumsum([p.weight for p in of_mechanism])
        chosen = of_mechanism[int(np.searchsorted(reached, 0.5 * reached[-1]))]
        frames = chosen.positions
        if basin_of(frames[0], system.basins) != system.reactant:
            frames = frames[::-1]
        shown = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int))
        frames = frames[shown]
        tracks = {}
        for coordinate in system.coordinates:
            values = np.array([coordinate.value(x) for x in frames])
            if coordinate.period is not None:
                # Through the plane of the molecule without a jump.
                values = np.unwrap(values, period=coordinate.period)
            unit = {"angstrom": "Å", "degree": "°"}.get(coordinate.unit, coordinate.unit)
            tracks[coordinate.name if unit == "1" else f"{coordinate.name} ({unit})"] = tuple(values.round(4).tolist())
        if reaction is not None:
            predicted = reaction.evaluate(frames)
            tracks["r"] = tuple(np.round(predicted.r, 4).tolist())
            tracks["p_B"] = tuple(np.round(predicted.committor, 4).tolist())
        movies.append(
            Movie(
                label=label,
                mechanism=mechanism,
                chain=chosen.chain,
                move=chosen.move,
                share=float(reached[-1] / total),
                time=tuple((step * shown).round(4).tolist()),
                xyz=xyz(superposed(frames, system.molecule.masses), system.molecule.symbols),
                tracks=tracks,
            )
        )
    return sorted(movies, key=lambda movie: -movie.share)
