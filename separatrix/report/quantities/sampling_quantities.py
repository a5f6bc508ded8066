"""Acceptance, outcomes, path lengths and mechanisms of the sampled paths, together and chain by chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from separatrix.report.quantities.quantity import CHAINS, SAMPLING, Quantity, finite, fraction
from separatrix.results.run import OUTCOMES, ChainData
from separatrix.statistics import no_basin
from separatrix.statistics.correlated_series import quantiles

#: Why shares of mechanisms are not given.
STUCK = "not determined: no chain changed its mechanism"


ON_START = "not determined: the shares depend on where the chains were started"


#: Names of the quantities that say how many halves were given up; their text is empty where it does not matter.
LOST, LOST_SHOTS = "half-trajectories in no basin", "share of uncommitted shots"


def sampling_quantities(
    chains: Sequence[ChainData],
    rng: np.random.Generator,
    ends: tuple[str, str],
    *,
    one_way: bool = False,
    on_start: bool = False,
) -> list[Quantity]:
    """Acceptance, outcomes, path lengths and mechanisms of a method's chains, after the burn-in.

    Parameters
    ----------
    chains
        Of one method.
    rng
        Of the bootstrap.
    ends
        Reactant and product.
    one_way
        Whether the system knows of one mechanism alone, which then has all paths.
    on_start
        Whether the shares are known to depend on where the chains were started.
    """
    outcome = np.concatenate([c.outcome[~c.burn_in] for c in chains])
    shots, burnt = int(sum(c.shots.sum() for c in chains)), sum(c.burn_in_shots for c in chains)
    found = [
        Quantity(SAMPLING, "chains", len(chains)),
        Quantity(SAMPLING, "burn-in shots", burnt, note="left out of all statistics; what they cost is counted"),
        Quantity(SAMPLING, "moves", len(outcome), note="shots, and moves whose candidate lay off the path"),
        Quantity(SAMPLING, "shots", shots, note="moves whose halves were run, after the burn-in"),
        acceptance_quantity(chains),
    ]
    found += [Quantity(SAMPLING, f"moves: {word}", int((outcome == word).sum())) for word in OUTCOMES]
    found.append(_lost_quantity(chains, ends))
    paths = int(sum(c.sampled.sum() for c in chains))
    found.append(
        Quantity(
            SAMPLING, "different paths", paths, note="with weight after the burn-in; the initial ones are left out"
        )
    )
    names = ("path length, lower quartile", "path length, median", "path length, upper quartile")
    frame = max((c.frame for c in chains), default=0.0)
    estimates = quantiles([c.series(c.duration) for c in chains], (0.25, 0.5, 0.75), rng, frame)
    for name, q in zip(names, estimates, strict=True):
        found.append(Quantity(SAMPLING, name, finite(q.value), "fs", low=q.low, high=q.high, note=q.note))
    if one_way:
        return [
            *found,
            *_only_way(SAMPLING, "", chains),
            *(q for chain in chains for q in _of_chain(chain, chains, True)),
        ]
    untold = STUCK if not any(map(_switches, chains)) else ON_START if on_start else ""
    found += [_share(SAMPLING, f"share: {word}", chains, word, paths, untold) for word in mechanisms_of(chains)]
    return [*found, *(q for chain in chains for q in _of_chain(chain, chains, False))]


def _only_way(group: str, of: str, chains: Sequence[ChainData]) -> list[Quantity]:
    """The share of the one mechanism that a system knows of."""
    note = "exact: the system knows of one mechanism"
    return [Quantity(group, f"share: {word}{of}", 1.0, note=note) for word in mechanisms_of(chains)]


def _of_chain(chain: ChainData, chains: Sequence[ChainData], one_way: bool) -> list[Quantity]:
    """What one of the chains says alone."""
    who = f"chain {chain.number}"
    length = chain.series(chain.duration)
    median = float(np.median(length)) if len(length) else None
    note = "" if len(length) else "no path was accepted"
    found = [
        _start_quantity(chain, who),
        _shift_quantity(chain, who),
        fraction(CHAINS, f"acceptance per shot, {who}", [chain.accepted]),
        Quantity(CHAINS, f"path length, median, {who}", median, "fs", note=note),
    ]
    if one_way:
        return found + _only_way(CHAINS, f", {who}", chains)
    paths, untold = int(chain.sampled.sum()), "" if _switches(chain) else STUCK
    words = mechanisms_of(chains)
    return found + [_share(CHAINS, f"share: {word}, {who}", [chain], word, paths, untold) for word in words]


def _switches(chain: ChainData) -> int:
    """Moves of a chain that changed the mechanism."""
    kinds = chain.mechanism[chain.sampled]
    return int((kinds[1:] != kinds[:-1]).sum())


def _lost_quantity(chains: Sequence[ChainData], ends: tuple[str, str]) -> Quantity:
    """Share of the half-trajectories that were given up."""
    halves = [str(end) for c in chains for half in (c.forward, c.backward) for end in half[c.shots]]
    lost = no_basin.counted(halves, *ends)
    if not lost.halves:
        return Quantity(SAMPLING, LOST, note="no half-trajectory was run, or all failed")
    note = f"{lost.count()}; Wilson interval"
    return Quantity(
        SAMPLING, LOST, lost.share, low=lost.low, high=lost.high, text=lost.remedy if lost.matters else "", note=note
    )


def _start_quantity(chain: ChainData, who: str) -> Quantity:
    """What the chain's first path was shot from."""
    text = chain.start
    if chain.start != chain.wanted:
        text += f" (instead: no path of the wanted mechanism from {chain.wanted})"
    return Quantity(CHAINS, f"started from, {who}", text=text)


def _shift_quantity(chain: ChainData, who: str) -> Quantity:
    """The shift of the moves that count; the first move of a burn-in has that of the config."""
    name, kept = f"shift, {who}", chain.shift[~chain.burn_in]
    if not len(kept):
        return Quantity(CHAINS, name, unit="fs", note="no move after the burn-in")
    given, shift = (float(frames) * chain.frame for frames in (chain.shift[0], kept[0]))
    text = "" if given == shift else f"tuned from {given:g}"
    return Quantity(CHAINS, name, shift, "fs", text=text, note="between neighbouring shooting-point candidates")


def acceptance_quantity(chains: Sequence[ChainData]) -> Quantity:
    return fraction(SAMPLING, "acceptance per shot", [c.accepted for c in chains])


def mechanisms_of(chains: Sequence[ChainData]) -> list[str]:
    """Mechanisms of the sampled paths of all chains, in alphabetical order."""
    return sorted({str(m) for c in chains for m in c.mechanism[c.sampled]})


def _share(group: str, name: str, chains: Sequence[ChainData], word: str, paths: int, untold: str = "") -> Quantity:
    """Share of a mechanism, weighted by multiplicity; none for the reason `untold`."""
    if untold:
        mine = sum(int((c.mechanism[c.sampled] == word).sum()) for c in chains)
        return Quantity(group, name, note=f"{untold} ({mine} of {paths} paths)")
    return fraction(group, name, [c.series((c.mechanism == word).astype(float)) for c in chains], paths)
