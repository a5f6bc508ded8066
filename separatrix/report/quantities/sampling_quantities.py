"""Acceptance, outcomes, path lengths and mechanisms of the sampled paths, together and chain by chain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from separatrix.core.labelled import Labelled
from separatrix.report.quantities.estimate import Estimate, MethodResults, finite, fraction
from separatrix.report.quantity_catalogue import Group, Qualifiers, Quantity
from separatrix.results.run import OUTCOMES, ChainData
from separatrix.sampling.mechanism_shares import Agreement
from separatrix.statistics import no_basin
from separatrix.statistics.correlated_series import quantiles


class Undetermined(Labelled):
    """Why shares of mechanisms are not given."""

    STUCK = "no_switch", "no chain changed its mechanism"
    ON_START = "depend_on_start", "the shares depend on where the chains were started"


def sampling_quantities(results: MethodResults) -> list[Estimate]:
    """Acceptance, outcomes, path lengths and mechanisms of a method's chains, after the burn-in."""
    data, system = results.data, results.system
    chains, ends = data.chains, (system.reactant, system.product)
    # A system that knows of one mechanism alone has all paths by it.
    one_way = len(system.mechanism.names) == 1
    on_start = data.assessments[-1]["mechanisms"]["outcome"] == Agreement.DEPEND
    outcome = np.concatenate([c.outcome[~c.burn_in] for c in chains])
    shots, burnt = int(sum(c.shots.sum() for c in chains)), sum(c.burn_in_shots for c in chains)
    estimates = [
        Estimate("chains", len(chains)),
        Estimate("burn_in_shots", burnt, note="left out of all statistics; what they cost is counted"),
        Estimate("moves", len(outcome), note="shots, and moves whose candidate lay off the path"),
        Estimate("shots", shots, note="moves whose halves were run, after the burn-in"),
        acceptance_estimate(chains),
    ]
    estimates += [Estimate("moves_with_outcome", int((outcome == word).sum()), {"outcome": word}) for word in OUTCOMES]
    estimates.append(_lost_halves(chains, ends))
    paths = int(sum(c.sampled.sum() for c in chains))
    estimates.append(
        Estimate("different_paths", paths, note="with weight after the burn-in; the initial ones are left out")
    )
    frame = max((c.frame for c in chains), default=0.0)
    values = quantiles([c.series(c.duration) for c in chains], tuple(PATH_LENGTHS.values()), results.rng, frame)
    for id, q in zip(PATH_LENGTHS, values, strict=True):
        value, missing = finite(q.value), q.low is None
        estimates.append(Estimate(id, value, low=q.low, high=q.high, interval_missing=missing, note=q.note))
    mechanisms = mechanisms_of(chains)
    if one_way:
        estimates += [_only_way("mechanism_share", {"mechanism": name}) for name in mechanisms]
    else:
        why = Undetermined.STUCK if not any(map(_switches, chains)) else Undetermined.ON_START if on_start else None
        estimates += [_share("mechanism_share", chains, {"mechanism": name}, paths, why) for name in mechanisms]
    return [*estimates, *(q for chain in chains for q in _of_chain(chain, mechanisms, one_way))]


#: Quantities of the path lengths, and the quantile that each is.
PATH_LENGTHS = {"path_length_lower_quartile": 0.25, "path_length_median": 0.5, "path_length_upper_quartile": 0.75}


def _only_way(id: str, of: Qualifiers) -> Estimate:
    """The share of the one mechanism that a system knows of."""
    return Estimate(id, 1.0, of, note="exact: the system knows of one mechanism")


def _of_chain(chain: ChainData, mechanisms: Sequence[str], one_way: bool) -> list[Estimate]:
    """What one of the chains says alone."""
    who = {"chain": chain.number}
    length = chain.series(chain.duration)
    median = float(np.median(length)) if len(length) else None
    note = "" if len(length) else "no path was accepted"
    estimates = [
        _start(chain),
        _shift(chain),
        fraction("chain_acceptance", [chain.accepted], of=who),
        Estimate("chain_path_length_median", median, who, note=note),
    ]
    if one_way:
        return estimates + [_only_way("chain_mechanism_share", {"mechanism": m, **who}) for m in mechanisms]
    paths, why = int(chain.sampled.sum()), None if _switches(chain) else Undetermined.STUCK
    return estimates + [
        _share("chain_mechanism_share", [chain], {"mechanism": m, **who}, paths, why) for m in mechanisms
    ]


def _switches(chain: ChainData) -> int:
    """Moves of a chain that changed the mechanism."""
    kinds = chain.mechanism[chain.sampled]
    return int((kinds[1:] != kinds[:-1]).sum())


def _lost_halves(chains: Sequence[ChainData], ends: tuple[str, str]) -> Estimate:
    """Share of the half-trajectories that were given up."""
    halves = [str(end) for c in chains for half in (c.forward, c.backward) for end in half[c.shots]]
    lost = no_basin.counted(halves, *ends)
    if not lost.halves:
        return Estimate("lost_halves", note="no half-trajectory was run, or all failed")
    return lost_estimate("lost_halves", lost.share, lost.low, lost.high, lost.matters, lost.remedy, lost.count())


class Losses(Labelled):
    """Whether half-trajectories that reached no basin are enough to change a result."""

    MATTER = "matter", "enough to change a result"
    FEW = "few", "too few to change a result"


def lost_estimate(
    id: str, share: float, low: float, high: float, matters: bool, remedy: str, count: str = ""
) -> Estimate:
    """Share of what was given up, with the remedy where it matters."""
    note = f"{count}; Wilson interval" if count else "Wilson interval"
    verdict = Losses.MATTER if matters else Losses.FEW
    return Estimate(id, share, low=low, high=high, verdict=verdict, text=remedy if matters else "", note=note)


def _start(chain: ChainData) -> Estimate:
    """What the chain's first path was shot from."""
    text = chain.start
    if chain.start != chain.wanted:
        text += f" (instead: no path of the wanted mechanism from {chain.wanted})"
    return Estimate("chain_start", of={"chain": chain.number}, text=text)


def _shift(chain: ChainData) -> Estimate:
    """The shift of the moves after the burn-in; the first move of a burn-in has that of the config."""
    who, after = {"chain": chain.number}, chain.shift[~chain.burn_in]
    if not len(after):
        return Estimate("chain_shift", of=who, note="no move after the burn-in")
    given, shift = (float(frames) * chain.frame for frames in (chain.shift[0], after[0]))
    text = "" if given == shift else f"tuned from {given:g}"
    return Estimate("chain_shift", shift, who, text=text, note="between neighbouring shooting-point candidates")


def acceptance_estimate(chains: Sequence[ChainData]) -> Estimate:
    """Accepted shots over all shots after the burn-in."""
    return fraction("acceptance", [c.accepted for c in chains])


def mechanisms_of(chains: Sequence[ChainData]) -> list[str]:
    """Mechanisms of the sampled paths of all chains, in alphabetical order."""
    return sorted({str(m) for c in chains for m in c.mechanism[c.sampled]})


def _share(
    id: str, chains: Sequence[ChainData], of: Qualifiers, paths: int, undetermined: Undetermined | None
) -> Estimate:
    """Share of a mechanism, weighted by multiplicity; none where it is undetermined."""
    mechanism = of["mechanism"]
    if undetermined is not None:
        count = sum(int((c.mechanism[c.sampled] == mechanism).sum()) for c in chains)
        note = f"not determined: {undetermined.label} ({count} of {paths} paths)"
        return Estimate(id, of=of, verdict=undetermined, note=note)
    return fraction(id, [c.series((c.mechanism == mechanism).astype(float)) for c in chains], paths, of)


_sampling = partial(Quantity, group=Group.SAMPLING, estimates=sampling_quantities)
_chain = partial(Quantity, group=Group.CHAINS, estimates=sampling_quantities)

QUANTITIES = (
    _sampling(id="chains", label="chains", description="Number of aimless-shooting chains."),
    _sampling(id="burn_in_shots", label="burn-in shots", description="Shots before the statistics begin."),
    _sampling(id="moves", label="moves", description="Moves after the burn-in."),
    _sampling(id="shots", label="shots", description="Moves after the burn-in whose half-trajectories were run."),
    _sampling(
        id="acceptance", label="acceptance per shot", description="Accepted shots over all shots after the burn-in."
    ),
    _sampling(id="moves_with_outcome", label="moves: {outcome}", description="Moves with one outcome."),
    _sampling(
        id="lost_halves",
        label="half-trajectories in no basin",
        description="Share of the half-trajectories that reached no basin in time.",
    ),
    _sampling(
        id="different_paths",
        label="different paths",
        description="Number of different sampled paths; the initial ones are not counted.",
    ),
    *(
        _sampling(
            id=id,
            label=f"path length, {name}",
            unit="fs",
            description=f"{name.capitalize()} of the duration of the sampled paths, each weighted by its multiplicity.",
        )
        for id, name in zip(PATH_LENGTHS, ("lower quartile", "median", "upper quartile"), strict=True)
    ),
    _sampling(
        id="mechanism_share",
        label="share: {mechanism}",
        description="Share of the sampled paths that go by one mechanism, weighted by multiplicity.",
    ),
    _chain(id="chain_start", label="started from, chain {chain}", description="What the first path was shot from."),
    _chain(
        id="chain_shift",
        label="shift, chain {chain}",
        unit="fs",
        description="Time between neighbouring shooting-point candidates.",
    ),
    _chain(
        id="chain_acceptance",
        label="acceptance per shot, chain {chain}",
        description="Accepted shots over all shots of one chain.",
    ),
    _chain(
        id="chain_path_length_median",
        label="path length, median, chain {chain}",
        unit="fs",
        description="Median duration of the paths of one chain.",
    ),
    _chain(
        id="chain_mechanism_share",
        label="share: {mechanism}, chain {chain}",
        description="Share of the paths of one chain that go by one mechanism.",
    ),
)
