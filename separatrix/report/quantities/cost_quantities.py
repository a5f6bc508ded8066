"""Force evaluations and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from separatrix.core.labelled import Labelled
from separatrix.report.quantities.estimate import Estimate, MethodResults
from separatrix.report.quantities.sampling_quantities import acceptance_estimate
from separatrix.report.quantity_catalogue import Group, Quantity
from separatrix.results.run import ChainData, MethodData

NO_RECORD = "not on record"


class Part(Labelled):
    """A part of the work whose force evaluations are counted."""

    STATIONARY_POINTS = "stationary_points", "stationary points"
    FIRST_PATHS = "first_paths", "first paths"
    SAMPLING = "sampling", "sampling"
    COMMITTOR = "committor", "committor"


def stage_label(stage: str) -> str:
    """A rule of the workflow, for readers."""
    return stage.replace("_", " ")


def cost_quantities(results: MethodResults) -> list[Estimate]:
    """Force evaluations and times; those of sampling hold the burn-in."""
    data = results.data
    evaluations, seconds = evaluations_of(data), core_seconds_of(data)
    steps, shots = (sum(int(c.cost[key]) for c in data.chains) for key in ("steps", "shots"))
    forces, time = evaluations[Part.SAMPLING] or 0.0, seconds[Part.SAMPLING] or 0.0
    spent = "time in the shots, times threads; the start of the job is left out"
    per_step, per_shot = forces / steps if steps else None, time / shots if shots else None
    per_evaluation = 1000.0 * time / forces if forces else None
    return [
        *(
            Estimate(
                "force_evaluations",
                n,
                {"part": part},
                note=NO_RECORD if n is None else "",
                names={"part": part.label},
            )
            for part, n in evaluations.items()
        ),
        Estimate("force_evaluations_per_step", per_step, note=f"{steps} steps"),
        per_accepted_path("force_evaluations_per_path", data.chains, evaluations),
        *(
            Estimate("core_time", t, {"part": part}, note=NO_RECORD if t is None else spent, names={"part": part.label})
            for part, t in seconds.items()
        ),
        Estimate("core_time_per_shot", per_shot),
        Estimate("core_time_per_evaluation", per_evaluation),
        per_accepted_path("core_time_per_path", data.chains, seconds),
        *_wall_times(data),
    ]


def _wall_times(data: MethodData) -> list[Estimate]:
    others = stage_seconds(data)
    estimates = [
        Estimate("wall_time", value, {"stage": stage}, note=note, names={"stage": stage_label(stage)})
        for stage, (value, note) in others.items()
    ]
    total = [v for v, _ in others.values() if v is not None]
    note = f"summed over the jobs of {', '.join(map(stage_label, others))}; job start included"
    estimates.append(Estimate("wall_time_other_stages", sum(total) if total else None, note=note))
    return estimates


def per_accepted_path(id: str, chains: Sequence[ChainData], cost: Mapping[Part, float | None]) -> Estimate:
    """What an accepted path has cost: first paths, burn-in and all, over the accepted paths after the burn-in.

    Parameters
    ----------
    id
        The quantity.
    chains
        Of one method.
    cost
        Of first paths and sampling; None where it is not on record, and then left out.
    """
    acceptance = acceptance_estimate(chains)
    if not acceptance.value:
        return Estimate(id, note="no path was accepted")
    each = sum(cost[part] or 0.0 for part in (Part.FIRST_PATHS, Part.SAMPLING)) / sum(len(c.accepted) for c in chains)
    note = "sampling with its burn-in, and first paths"
    if cost[Part.FIRST_PATHS] is None:
        note = f"sampling with its burn-in; first paths are {NO_RECORD}"
    value = each / acceptance.value
    if acceptance.low is None or acceptance.high is None:
        return Estimate(id, value, interval_missing=True, note=f"{acceptance.note}; {note}")
    note += f"; accepted paths after the burn-in only, with the interval of the acceptance: {acceptance.note}"
    return Estimate(id, value, low=each / acceptance.high, high=each / acceptance.low, note=note)


def evaluations_of(data: MethodData) -> dict[Part, float | None]:
    """Force evaluations by part of the work; None where they are not on record."""
    return {
        Part.STATIONARY_POINTS: sum(p.evaluations for p in (*data.minima.values(), data.saddle)),
        **_of_shooting(data.chains, "evaluations"),
        Part.COMMITTOR: data.committor["evaluations"],
    }


def core_seconds_of(data: MethodData) -> dict[Part, float | None]:
    """Core-seconds of first paths and sampling; None where they are not on record."""
    return _of_shooting(data.chains, "core_seconds")


def _of_shooting(chains: Sequence[ChainData], key: str) -> dict[Part, float | None]:
    """A cost of all chains: of their first paths, None unless it is known of each, and of their moves."""
    first = [c.first_path_cost.get(key) for c in chains]
    on_record = [cost for cost in first if cost is not None]
    return {
        Part.FIRST_PATHS: sum(on_record) if len(on_record) == len(first) else None,
        Part.SAMPLING: sum(c.cost[key] for c in chains),
    }


def stage_seconds(data: MethodData) -> dict[str, tuple[float | None, str]]:
    """Wall time of each stage in s, summed over its jobs, and a note on jobs without a record."""
    result = {}
    for stage, values in data.seconds.items():
        on_record = [v for v in values if v is not None]
        jobs = f"{len(on_record)} of {len(values)} jobs" if len(on_record) < len(values) else f"{len(on_record)} job(s)"
        result[stage] = (sum(on_record) if on_record else None, jobs)
    return result


_quantity = partial(Quantity, group=Group.COST, estimates=cost_quantities)

QUANTITIES = (
    _quantity(id="force_evaluations", label="force evaluations, {part}", description="Force evaluations of one part."),
    _quantity(
        id="force_evaluations_per_step",
        label="force evaluations per step, sampling",
        description="Force evaluations over integration steps of the sampling.",
    ),
    _quantity(
        id="force_evaluations_per_path",
        label="force evaluations per accepted path",
        description="Force evaluations of first paths and sampling over the accepted paths after the burn-in.",
        logarithmic=True,
    ),
    _quantity(
        id="core_time",
        label="core time, {part}",
        unit="s",
        description="Time in the shots of one part, times threads.",
    ),
    _quantity(
        id="core_time_per_shot",
        label="core time per shot, sampling",
        unit="s",
        description="Core time of the sampling over its shots.",
    ),
    _quantity(
        id="core_time_per_evaluation",
        label="core time per force evaluation, sampling",
        unit="ms",
        description="Core time of the sampling over its force evaluations.",
    ),
    _quantity(
        id="core_time_per_path",
        label="core time per accepted path",
        unit="s",
        description="Core time of first paths and sampling over the accepted paths after the burn-in.",
        logarithmic=True,
    ),
    _quantity(
        id="wall_time",
        label="wall time, {stage}",
        unit="s",
        description="Wall time of all jobs of one stage.",
        detail=True,
    ),
    _quantity(
        id="wall_time_other_stages",
        label="wall time, other stages",
        unit="s",
        description="Wall time of all jobs but those of sampling, first paths and rates.",
    ),
)
