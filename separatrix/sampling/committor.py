"""Committor shots: one shot, and how many to take from which configuration."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from separatrix.core.seeds import stream
from separatrix.cvs.states import Basin
from separatrix.statistics.intervals import wilson_interval

if TYPE_CHECKING:
    from separatrix.dynamics.md_engine import MDEngine


@dataclass(frozen=True)
class Shot:
    """One committor shot: where it ended, and what it cost."""

    end: str
    reason: str
    frames: int
    evaluations: int
    steps: int


def shoot(
    engine: MDEngine,
    basins: Sequence[Basin],
    positions: np.ndarray,
    *,
    place: tuple[int, tuple[str | int, ...]],
) -> Shot:
    """One shot from a configuration with fresh Maxwell-Boltzmann velocities.

    Parameters
    ----------
    positions
        nm, shape (n_atoms, 3).
    place
        Root seed and the words that name this shot; its outcome depends on nothing else.
    """
    seed, labels = place
    engine.potential.restart()
    steps, evaluations = engine.steps, engine.evaluations
    rng = stream(seed, *labels)
    from separatrix.dynamics.md_engine import run_half

    half = run_half(engine, engine.snapshot(positions, engine.thermal_velocities(positions, rng)), basins, rng)
    return Shot(
        end=half.end,
        reason=half.reason,
        frames=len(half),
        evaluations=engine.evaluations - evaluations,
        steps=engine.steps - steps,
    )


@dataclass(frozen=True)
class Adaptive:
    """When a configuration has been shot from often enough.

    Attributes
    ----------
    half_width
        Half the width of the 95 % interval of the committor (Wilson) that is narrow enough.
    most_shots
        Most shots from one configuration, those that end in no basin included.
    """

    half_width: float
    most_shots: int


def agenda(
    configurations: Sequence[int], shots: int, ends: tuple[str, str], adaptive: Adaptive | None = None
) -> Generator[tuple[int, int], str, None]:
    """Which shot to make next, given how the last one ended.

    Each configuration gets its fixed number of shots first: the histogram test counts these alone, since a number of
    shots that depends on how they end would bias it. After that, those whose interval is still too wide get one more
    each, in turn: these are the ones with committors near one half, which are the hardest to tell.

    The order depends on nothing but how shots end, so a job that was killed goes on as it would have.

    Parameters
    ----------
    configurations
        Their numbers.
    shots
        Fixed number from each.
    ends
        Names of reactant and product; other ends do not count towards an interval.
    adaptive
        Further shots; None: none.

    Yields
    ------
    Number of the configuration, and number of its shot. Send the shot's end back.
    """
    k = dict.fromkeys(configurations, 0)
    n = dict.fromkeys(configurations, 0)

    def count(configuration: int, end: str) -> None:
        k[configuration] += end == ends[1]
        n[configuration] += end in ends

    for configuration in configurations:
        for number in range(shots):
            count(configuration, (yield configuration, number))
    if adaptive is None:
        return
    for number in range(shots, adaptive.most_shots):
        for configuration in configurations:
            low, high = wilson_interval(k[configuration], n[configuration])
            if not (high - low) / 2.0 <= adaptive.half_width:
                count(configuration, (yield configuration, number))


def most(configurations: int, shots: int, adaptive: Adaptive | None) -> int:
    """Most shots that an agenda can come to."""
    return configurations * max(shots, adaptive.most_shots if adaptive else 0)


def counts(
    table: Mapping[str, np.ndarray], n_configurations: int, reactant: str, product: str, fixed: int | None = None
) -> dict[str, np.ndarray]:
    """How the shots from each configuration ended.

    Parameters
    ----------
    table
        Columns ``configuration``, ``number`` and ``end`` of all shots.
    n_configurations
        How many there are.
    reactant, product
        The two basins.
    fixed
        Count only shots of a lower number than this.

    Returns
    -------
    ``to_product``, ``to_reactant``, ``elsewhere`` (a third basin), ``no_basin`` and ``failed``, each of shape
    (n_configurations,).
    """
    counted = np.ones(len(table["number"]), dtype=bool) if fixed is None else np.asarray(table["number"]) < fixed
    of, ends = np.asarray(table["configuration"])[counted], np.asarray(table["end"]).astype(str)[counted]

    def count(which: np.ndarray) -> np.ndarray:
        return np.bincount(of[which], minlength=n_configurations)

    numbers = {
        name: count(ends == word)
        for name, word in (
            ("to_product", product),
            ("to_reactant", reactant),
            ("no_basin", "none"),
            ("failed", "failed"),
        )
    }
    return numbers | {"elsewhere": count(np.ones(len(of), dtype=bool)) - sum(numbers.values())}
