"""Force evaluations and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from separatrix.report.quantities.quantity import COST, Quantity
from separatrix.report.quantities.sampling_quantities import acceptance_quantity
from separatrix.results.run import ChainData, MethodData

NO_RECORD = "not on record"


def cost_quantities(data: MethodData) -> list[Quantity]:
    """Force evaluations and times; those of sampling hold the burn-in."""
    evaluations, seconds = evaluations_of(data), core_seconds_of(data)
    steps, shots = (sum(int(c.cost[key]) for c in data.chains) for key in ("steps", "shots"))
    forces, time = evaluations["sampling"], seconds["sampling"]
    spent = "time in the shots, times threads; the start of the job is left out"
    return [
        *(
            Quantity(COST, f"force evaluations, {part}", n, note=NO_RECORD if n is None else "")
            for part, n in evaluations.items()
        ),
        Quantity(
            COST, "force evaluations per step, sampling", forces / steps if steps else None, note=f"{steps} steps"
        ),
        per_accepted_path(data.chains, "force evaluations per accepted path", evaluations, "1"),
        *(
            Quantity(COST, f"core time, {part}", t, "s", note=NO_RECORD if t is None else spent)
            for part, t in seconds.items()
        ),
        Quantity(COST, "core time per shot, sampling", time / shots if shots else None, "s"),
        Quantity(COST, "core time per force evaluation, sampling", 1000.0 * time / forces if forces else None, "ms"),
        per_accepted_path(data.chains, "core time per accepted path", seconds, "s"),
        *_wall_time_quantities(data),
    ]


def _wall_time_quantities(data: MethodData) -> list[Quantity]:
    others = stage_seconds(data)
    found = [
        Quantity(COST, f"wall time, {stage.replace('_', ' ')}", value, "s", note=note)
        for stage, (value, note) in others.items()
    ]
    total = [v for v, _ in others.values() if v is not None]
    note = f"summed over the jobs of {', '.join(others).replace('_', ' ')}; job start included"
    found.append(Quantity(COST, "wall time, other stages", sum(total) if total else None, "s", note=note))
    return found


def per_accepted_path(chains: Sequence[ChainData], name: str, cost: Mapping[str, float | None], unit: str) -> Quantity:
    """What an accepted path has cost: first paths, burn-in and all, over the accepted paths after the burn-in.

    Parameters
    ----------
    chains
        Of one method.
    name, unit
        Of the cost.
    cost
        Of the parts ``sampling`` and ``first paths``; None where it is not on record, and then left out.
    """
    acceptance = acceptance_quantity(chains)
    if not acceptance.value:
        return Quantity(COST, name, unit=unit, note="no path was accepted")
    each = sum(cost[part] or 0.0 for part in ("first paths", "sampling")) / sum(len(c.accepted) for c in chains)
    note = "sampling with its burn-in, and first paths"
    if cost["first paths"] is None:
        note = f"sampling with its burn-in; first paths are {NO_RECORD}"
    value = each / acceptance.value
    if acceptance.low is None or acceptance.high is None:
        return Quantity(COST, name, value, unit, note=f"{acceptance.note}; {note}")
    note += f"; accepted paths after the burn-in only, with the interval of the acceptance: {acceptance.note}"
    return Quantity(COST, name, value, unit, low=each / acceptance.high, high=each / acceptance.low, note=note)


def evaluations_of(data: MethodData) -> dict[str, float | None]:
    """Force evaluations by part of the work; None where they are not on record."""
    return {
        "stationary points": sum(p.evaluations for p in (*data.minima.values(), data.saddle)),
        **_of_shooting(data.chains, "evaluations"),
        "committor": data.committor["evaluations"],
    }


def core_seconds_of(data: MethodData) -> dict[str, float | None]:
    """Core-seconds of first paths and sampling; None where they are not on record."""
    return _of_shooting(data.chains, "core_seconds")


def _of_shooting(chains: Sequence[ChainData], key: str) -> dict[str, float | None]:
    """A cost of all chains: of their first paths, None unless it is known of each, and of their moves."""
    first = [c.first_path_cost.get(key) for c in chains]
    return {
        "first paths": None if None in first else sum(first),  # type: ignore[arg-type]
        "sampling": sum(c.cost[key] for c in chains),
    }


def stage_seconds(data: MethodData) -> dict[str, tuple[float | None, str]]:
    """Wall time of each stage in s, summed over its jobs, and a note on jobs without a record."""
    result = {}
    for stage, values in data.seconds.items():
        known = [v for v in values if v is not None]
        note = f"{len(known)} of {len(values)} jobs" if len(known) < len(values) else f"{len(known)} job(s)"
        result[stage] = (sum(known) if known else None, note)
    return result
