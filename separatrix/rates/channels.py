"""Channels of a reaction: different saddles, and the rates over all of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from separatrix.config.system import System
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.rates import kinetics
from separatrix.rates.molecular_symmetry import SAME_ENERGY, operations

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """A saddle, and the guesses that led to it.

    Attributes
    ----------
    saddle
        The lowest of those that count as this one.
    guesses
        Names.
    """

    saddle: StationaryPoint
    guesses: tuple[str, ...]


#: Two searches have found one saddle when energies agree to `SAME_ENERGY` and distances between atoms to this (nm, root
#: mean square): searches stop at a largest force, and a flat direction leaves them some way apart.
SAME_DISTANCES = 0.005


def channels_among(points: Mapping[str, StationaryPoint], symbols: Sequence[str]) -> list[Channel]:
    """Different saddles among those that guesses have led to, in the order of the guesses.

    Mirror images count as one, and so do saddles that differ in the numbering of equal atoms alone:
    :func:`separatrix.rates.harmonic.rate` counts them all.

    Parameters
    ----------
    points
        Saddle that each guess has led to.
    symbols
        Elements, shape (n_atoms,).
    """
    groups: list[list[str]] = []
    for name, point in points.items():
        for group in groups:
            if _same(points[group[0]], point, symbols):
                group.append(name)
                break
        else:
            groups.append([name])
    return [Channel(min((points[n] for n in group), key=lambda p: p.energy), tuple(group)) for group in groups]


def _same(one: StationaryPoint, other: StationaryPoint, symbols: Sequence[str]) -> bool:
    if abs(one.energy - other.energy) > SAME_ENERGY:
        return False
    differences = _distances(one.positions, symbols) - _distances(other.positions, symbols)
    return len(differences) == 0 or bool(np.sqrt(np.mean(differences**2)) < SAME_DISTANCES)


def _distances(positions: FloatArray, symbols: Sequence[str]) -> FloatArray:
    """Distances between atoms, sorted within each pair of elements."""
    first, second = np.triu_indices(len(positions), 1)
    lengths = np.linalg.norm(positions[first] - positions[second], axis=1)
    pairs = np.array(["".join(sorted((symbols[i], symbols[j]))) for i, j in zip(first, second, strict=True)])
    return lengths[np.lexsort((lengths, pairs))] if len(lengths) else lengths


def total_rate(single: Sequence[Mapping[str, Any]], start: str, end: str, temperature: float) -> dict[str, Any]:
    """Rate over all channels, and what each has of it."""
    parallel = [r for r in single if (r["from"], r["to"], r["temperature"]) == (start, end, temperature)]
    rate, classical = (math.fsum(r[name] for r in parallel) for name in ("rate", "classical_rate"))
    over = math.fsum(r["rate"] / r["tunnelling"] for r in parallel)
    shares = [r["rate"] / rate if rate > 0.0 else math.nan for r in parallel]
    return {
        "from": start,
        "to": end,
        "temperature": temperature,
        "rate": rate,
        "shares": shares,
        # Of classical dynamics, which the sampled routes are; and what takes a rate of theirs to the rules of this one,
        # in all and by parts.
        "classical_rate": classical,
        "quantum_factor": rate / classical if classical > 0.0 else math.nan,
        "quantum_vibrations": over / classical if classical > 0.0 else math.nan,
        "tunnelling": rate / over if over > 0.0 else math.nan,
    }


def mechanisms_of(system: System, saddle: StationaryPoint, reactant: StationaryPoint) -> dict[str, float]:
    """Mechanisms of a channel and their shares.

    The saddle's name is that of one guess of several, perhaps; its geometry says what it is. And where the reactant has
    symmetry, the channel holds the images of the saddle as well: azobenzene inverts at either nitrogen.
    """
    images = [tuple(range(len(saddle.positions)))]
    if rotates_freely(saddle):
        images = [way for _, way in operations(reactant.positions, system.molecule.masses)]
    counts = Counter(system.mechanism.at(saddle.positions[list(way)]) for way in images)
    return {name: count / len(images) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def rotates_freely(point: StationaryPoint) -> bool:
    """Whether rigid motions were left out of the vibrations, as of a free molecule."""
    atoms = len(point.positions)
    return atoms > 1 and len(point.wavenumbers) in (3 * atoms - 6, 3 * atoms - 5)


def temperature_laws(rates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    laws = []
    for start in dict.fromkeys(r["from"] for r in rates):
        rates_from_start = [r for r in rates if r["from"] == start]
        t, k = np.array([r["temperature"] for r in rates_from_start]), np.array([r["rate"] for r in rates_from_start])
        if len(np.unique(t)) > 1:
            for law in ("arrhenius", "eyring"):
                fitted = kinetics.fit_law(t, k, law=law).to_dict()
                laws.append(fitted | {"from": start, "to": rates_from_start[0]["to"], "law": law})
    return laws


def kinetics_of(rates: Sequence[Mapping[str, Any]], temperature: float, states: tuple[str, str]) -> dict[str, Any]:
    rates_here = [(r["from"], r["to"], r["rate"]) for r in rates if r["temperature"] == temperature]
    matrix = kinetics.rate_matrix(states, rates_here)
    shares, total = kinetics.equilibrium(matrix), -np.diag(matrix)
    return {
        "temperature": temperature,
        "relaxation_time": kinetics.relaxation_time(matrix),
        # Of a state that keeps half of its molecules or more there is none.
        "half_lives": {
            start: kinetics.relaxation(float(total[i]), float(total[1 - i])).half_life for i, start in enumerate(states)
        },
        "equilibrium": dict(zip(states, shares.tolist(), strict=True)),
    }
