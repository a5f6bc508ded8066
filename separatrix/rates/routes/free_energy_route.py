"""Route to a rate: free energy along the coordinate from umbrella windows, times a transmission coefficient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from separatrix.core.program import Code
from separatrix.cvs.variable import not_expressible
from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates, RouteRemark, RouteWork
from separatrix.results.stage_costs import StageCost, StageJob

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.sections.rates_keys import RatesSection
    from separatrix.config.sections.umbrella_keys import UmbrellaSection
    from separatrix.dynamics.motion import DynamicsSettings


def _rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    # Not at the top: Snakemake reads the entries for each job, and these load scipy.
    from separatrix.rates import free_energy
    from separatrix.rates.along_coordinate import hidden_barrier, reweighted_rates

    profile, kappa = files["profile"], files["transmission"]
    no_rate = hidden_barrier(kappa, context.reactant, context.product)
    content: dict[str, Any] = {"profile": profile, "transmission": kappa, "no_rate": no_rate}
    rates: list[dict[str, Any]] = []
    for start, end, direction in context.directions:
        value, ln_error = None, None
        if no_rate is None:
            value = profile["rate"][direction] * kappa["kappa"]
            of_profile = profile["rate"][f"ln_{direction}_error"]
            ln_error = None if of_profile is None else math.hypot(of_profile, kappa["error"] / kappa["kappa"])
        rates.append(
            {
                "how": "sampled",
                "from": start,
                "to": end,
                "temperature": context.temperature,
                "rate": value,
                "ln_error": ln_error,
            }
        )
    other = profile.get("other_temperatures") or {}
    if no_rate is None and other:
        further, content["reweighted"] = reweighted_rates(
            other, kappa, context.temperature, context.directions, context.quantum_factors
        )
        rates += further
    equilibrated = free_energy.equilibrated(profile.get("drift"))
    return RouteRates([rate | {"equilibrated": equilibrated} for rate in rates], {"along_coordinate": content})


def _remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    # Not at the top: Snakemake reads the entries for each job.
    from separatrix.rates.remarks.along_coordinate_remarks import remarks

    return remarks(content)


def _citations(rates: RatesSection) -> Iterable[tuple[str, str]]:
    yield "leimkuhler2013", "Langevin dynamics"
    yield "torrie1977", "umbrella windows along the coordinate"
    yield "shirts2008", "free energy from the windows (MBAR)"
    if rates.umbrella.lightest_atom_Da is not None:
        yield "feenstra1999", "heavier hydrogens in the windows"
    yield "chandler1978", "transmission coefficient"
    yield "vanerp2003", "effective positive flux"


def _steps_of_window(rules: UmbrellaSection, dynamics: DynamicsSettings) -> float:
    return (rules.equilibration_fs + rules.length_fs) / (rules.time_step_fs or dynamics.time_step)


def _work(config: Config, method: str) -> RouteWork:
    rates = config.sections.rates
    # A method of a scan of dynamics has the free energy from the method that it varies.
    own = config.surface_of(method) == method
    steps = own * rates.umbrella.windows * _steps_of_window(rates.umbrella, config.methods[method].dynamics)
    # Umbrella windows, free energy, transmission coefficient.
    return RouteWork(steps, rates.transmission.configurations, own * (rates.umbrella.batches + 1) + 1)


def windows_MB(job: StageJob, windows: int) -> float:
    """Megabytes of the frames of so many windows: positions, as they come and in one array."""
    rules = job.config.sections.rates.umbrella
    return 2 * job.MB(windows * (rules.equilibration_fs + rules.length_fs) / rules.frame_fs, 1)


def _windows_of_batch(job: StageJob) -> int:
    rules = job.config.sections.rates.umbrella
    return math.ceil(rules.windows / rules.batches)


def _umbrella(job: StageJob) -> float:
    return _windows_of_batch(job) * _steps_of_window(job.config.sections.rates.umbrella, job.level.dynamics)


def _free_energy(job: StageJob) -> float:
    # What it adds for want of overlap is a few windows as a rule.
    return 3 * _steps_of_window(job.config.sections.rates.umbrella, job.level.dynamics)


def _further_files(rates: RatesSection) -> Iterable[RouteFile]:
    for batch in range(rates.umbrella.batches):
        yield RouteFile(f"rates/umbrella_{batch}.nc", of_surface=True)
    yield RouteFile("rates/surface.nc", of_surface=True)


def _mistakes(config: Config) -> Iterable[tuple[str, str]]:
    """Variables that OpenMM cannot hold by a spring: they would fail only when all sampling is done."""
    rules, by_name = config.sections.rates.umbrella, {variable.name: variable for variable in config.system.variables}
    for i, name in enumerate(rules.variables):
        if lacking := not_expressible([by_name[name]]):
            yield (
                f"rates.umbrella.variables.{i}",
                f"{name!r} is of the kind {lacking[1]!r}, which OpenMM cannot hold by a spring; take another variable",
            )
    if rules.methods and not rules.variables and (lacking := not_expressible(config.system.variables)):
        yield (
            "rates.umbrella.methods",
            f"the fitted coordinate may hold {lacking[0].name!r}, of the kind {lacking[1]!r}, which OpenMM cannot hold "
            "by a spring; name the variables to use, or leave it out of the system's variables.extra",
        )


ROUTE = Route(
    name="free energy",
    title="free energy along r, with recrossing",
    summary="free energy and recrossing",
    trust=3.0,
    files={
        "profile": RouteFile("rates/free_energy.json", of_surface=True),
        "transmission": RouteFile("rates/transmission.json"),
    },
    asked=lambda rates, method: method in rates.umbrella.methods,
    rates=_rates,
    remarks=_remarks,
    citations=_citations,
    programs=(Code("pymbar", "https://pymbar.readthedocs.io", "MIT", "pymbar", ("shirts2008",)),),
    absent={"along_coordinate": {}},
    work=_work,
    costs={
        "umbrella": StageCost(_umbrella, lambda job: windows_MB(job, _windows_of_batch(job))),
        "free_energy": StageCost(_free_energy, lambda job: windows_MB(job, job.config.sections.rates.umbrella.windows)),
        "transmission": StageCost(
            lambda job: 2 * job.longest_half * job.config.sections.rates.transmission.configurations
        ),
    },
    further_files=_further_files,
    mistakes=_mistakes,
)
